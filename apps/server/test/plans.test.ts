import { createDatabase, dropDatabase, migrate, openDatabase } from '@henhouse/database'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import * as identitySettings from '../src/areas/policies/identity-settings/identity-settings.service.ts'
import { createEnvironment } from '../src/areas/environments/environments.service.ts'
import { contextFor } from '../src/kernel/context.ts'
import { cryptoRandom, fingerprint } from '../src/kernel/random.ts'
import { declaredStatements } from '../src/kernel/sql.ts'
import { signToken } from '../src/kernel/tokens.ts'
import { fill, type Crowd } from './crowd.ts'
import { deps, newServer } from './environment.ts'
import { userToken } from './user-token.ts'
import { keysOf } from '../src/areas/rights/held/held.service.ts'

/*
 * Searches and point reads must not cost more with more users, and a list no more than its count and the rows up to its page.
 * These tests do not measure time. They count the rows that Postgres reads for a request, in a separate database with 20,000
 * users. `npm run bench:scale` measures a million.
 */

const USERS = 20_000,
  TENANTS = 2000,
  MEMBERS = 4000,
  TOKENS = 200
const name = `henhouse_plans_${cryptoRandom.uuid().replaceAll('-', '')}`
/** Tables that grow with the users or tenants. */
const LARGE = ['User', 'UserEmail', 'PhoneNumber', 'Membership', 'MembershipRole', 'Tenant']

interface Statement {
  text: string
  values: unknown[]
}
interface Plan {
  'Node Type': string
  'Relation Name'?: string
  'Actual Rows': number
  'Actual Loops': number
  'Rows Removed by Filter'?: number
  'Rows Removed by Index Recheck'?: number
  Plans?: Plan[]
}

let database: ReturnType<typeof openDatabase>,
  crowd: Crowd,
  run: (url: string, as: 'vendor' | 'admin' | 'member', tenantId?: string, body?: object) => Promise<Statement[]>

beforeAll(async () => {
  const url = await createDatabase(inject('databaseUrl'), name)
  await migrate(url)
  // as on a solid disk: with the default, Postgres would read a table of this size whole for fifty rows
  await deps.database.pool.query(`alter database ${name} set random_page_cost = 1.1`)
  database = openDatabase(url, { max: 4 })
  let seen: Statement[] | undefined
  database.pool.on('connect', (client) => {
    const query = client.query.bind(client) as (...given: unknown[]) => unknown
    client.query = ((statement: string | Statement, ...rest: unknown[]) => {
      seen?.push(
        typeof statement === 'string'
          ? { text: statement, values: (rest[0] as unknown[] | undefined) ?? [] }
          : { text: statement.text, values: statement.values ?? [] },
      )
      return query(statement, ...rest)
    }) as typeof client.query
  })
  const own = { ...deps, database },
    server = await newServer({ database })
  const { environment } = await createEnvironment(own, { name: 'crowd', isDefault: true }),
    ctx = contextFor(own, environment, deps.log)
  crowd = await fill(own, ctx, { users: USERS, tenants: TENANTS, members: MEMBERS })
  // invisible users must not make the lists of others expensive
  await database.pool.query(
    `update "User" set invisible = true where id in (select "userId" from "Membership" where "tenantId" = $1 and "userId" <> $2 limit 10)`,
    [crowd.bigTenantId, crowd.adminId],
  )
  await identitySettings.change(ctx, { machineToMachineAuthStrategy: 'AccessToken' })
  const members = await ctx.db.membership.findMany({ select: { userId: true, tenantId: true }, take: TOKENS })
  await ctx.db.accessToken.createMany({
    data: members.map((member) => ({ ...member, id: cryptoRandom.uuid(), createdAt: ctx.clock.now() })),
  })
  await database.pool.query('vacuum analyze')
  const tokenOf = async (id: string, tenantId: string) =>
    userToken(ctx, { id, tenantId }, await keysOf(ctx, id, tenantId))
  const tokens = {
    vendor: signToken(ctx, { type: 'vendor', vendorId: environment.id, scopes: [] }, { expiresIn: 3600 }),
    admin: await tokenOf(crowd.adminId, crowd.bigTenantId),
    member: await tokenOf(crowd.memberId, crowd.tenantId),
  }
  run = async (url, as, tenantId, body) => {
    const statements: Statement[] = (seen = [])
    const response = await server.http.inject({
      method: body ? 'POST' : 'GET',
      url,
      ...(body && { payload: body }),
      headers: { authorization: `Bearer ${tokens[as]}`, ...(tenantId && { 'frontegg-tenant-id': tenantId }) },
    })
    seen = undefined
    expect(response.statusCode, response.body.slice(0, 300)).toBeLessThan(300)
    return statements.filter(({ text }) => /^\s*(select|with)/i.test(text))
  }
}, 120_000)

afterAll(async () => {
  await database.close()
  await dropDatabase(inject('databaseUrl'), name)
})

const scans = (plan: Plan): Plan[] => [
  ...(LARGE.includes(plan['Relation Name']!) ? [plan] : []),
  ...(plan.Plans ?? []).flatMap(scans),
]

/** The number of rows that a statement reads from the large tables, and the tables that it reads whole. */
async function cost({ text, values }: Statement) {
  return costOf(await database.pool.query<Explained>(`explain (analyze, timing off, format json) ${text}`, values))
}
interface Explained {
  'QUERY PLAN': [{ Plan: Plan }]
}
function costOf({ rows: [row] }: { rows: Explained[] }) {
  const found = scans(row!['QUERY PLAN'][0].Plan)
  const rowsOf = (plan: Plan) =>
    plan['Actual Loops'] *
    (plan['Actual Rows'] + (plan['Rows Removed by Filter'] ?? 0) + (plan['Rows Removed by Index Recheck'] ?? 0))
  return {
    rows: found.reduce((sum, plan) => sum + rowsOf(plan), 0),
    // a scan that stops at its first row found nothing to join with
    whole: found
      .filter((plan) => plan['Node Type'] === 'Seq Scan' && rowsOf(plan) > 1)
      .map((plan) => plan['Relation Name']),
  }
}

/** The same by the plan that is made for all values alike. Undoes what the statement writes. */
async function genericCost({ text, values }: Statement) {
  const literal = (value: unknown): string => {
    if (value === null) return 'null'
    if (Array.isArray(value)) return `array[${value.map(literal).join()}]`
    // a Date becomes text as well
    const json = JSON.stringify(value)
    return `'${typeof value === 'string' ? value : json.replaceAll('"', '')}'`
  }
  const client = await database.pool.connect()
  try {
    // what has run once before has left its line in the audit trail
    await client.query(
      `begin; delete from "Event"; set local plan_cache_mode = force_generic_plan; prepare asked as ${text}`,
    )
    return costOf(
      await client.query<Explained>(
        `explain (analyze, timing off, format json) execute asked (${values.map(literal).join()})`,
      ),
    )
  } finally {
    await client.query('rollback; deallocate asked')
    client.release()
  }
}

async function expectCheap(
  url: string,
  as: 'vendor' | 'admin' | 'member',
  tenantId: string | undefined,
  most: number,
  { body, wholeTables = false }: { body?: object; wholeTables?: boolean } = {},
) {
  const statements = await run(url, as, tenantId, body)
  expect(statements.length).toBeGreaterThan(0)
  const costs = []
  for (const statement of statements) costs.push({ ...(await cost(statement)), text: statement.text })
  if (!wholeTables) expect(costs.filter(({ whole }) => whole.length)).toEqual([])
  const rows = costs.reduce((sum, one) => sum + one.rows, 0)
  expect(rows, costs.map((one) => `${one.rows} rows: ${one.text}`).join('\n')).toBeLessThan(most)
}

const identity = '/identity/resources'
/** A page of 50 with its related rows. */
const PAGE = 50 * 6
/** Counts all, and reads the page in the order of an index. */
const inOrder = (all: number) => (offset: number) => all + 50 * offset + PAGE
/** A fifth of all users: for a first page they are met often enough in the index of the order; for others they are looked up and sorted. */
const membersInOrder = (offset: number) => (offset ? membersSorted() : MEMBERS + 2 * PAGE)
const membersSorted = () => 2 * MEMBERS + USERS + PAGE
/** To count what is theirs they are looked up, too. */
const ofMembers = () => 2 * (MEMBERS + USERS) + PAGE

type List = [
  what: string,
  url: string,
  as: 'vendor' | 'admin',
  tenant: 'bigTenantId' | 'parentTenantId' | undefined,
  most: (offset: number) => number,
]

describe('the rows read for', () => {
  it.each<List>([
    ['users', `${identity}/users/v3`, 'vendor', undefined, inOrder(USERS)],
    ['users with their roles', `${identity}/users/v1`, 'vendor', undefined, inOrder(USERS)],
    ['users, newest first', `${identity}/users/v3?_order=DESC`, 'vendor', undefined, inOrder(USERS)],
    ['members of a big tenant', `${identity}/users/v3`, 'vendor', 'bigTenantId', membersInOrder],
    ['members, as one of them', `${identity}/users/v1`, 'admin', undefined, membersInOrder],
    ['e-mail addresses', `${identity}/users/emails/v1`, 'vendor', undefined, inOrder(USERS)],
    ['phone numbers', `${identity}/users/phone-numbers/v2`, 'vendor', undefined, inOrder(USERS)],
    ['usernames', `${identity}/usernames/v1`, 'vendor', undefined, inOrder(USERS)],
    ['tenants', '/tenants/resources/tenants/v2', 'vendor', undefined, inOrder(TENANTS)],
    ['tenants below one', '/tenants/resources/hierarchy/v2', 'vendor', 'parentTenantId', inOrder(TENANTS)],
    [
      'tenants below one by name',
      '/tenants/resources/hierarchy/v2?_sortBy=name',
      'vendor',
      'parentTenantId',
      inOrder(TENANTS),
    ],
    ['e-mail addresses in a big tenant', `${identity}/users/emails/v1`, 'vendor', 'bigTenantId', ofMembers],
    [
      'phone numbers in a big tenant, as one of its members',
      `${identity}/users/phone-numbers/v2`,
      'admin',
      undefined,
      ofMembers,
    ],
    ['usernames in a big tenant', `${identity}/usernames/v1`, 'vendor', 'bigTenantId', ofMembers],
    ...['email', 'name', 'id', 'provider', 'isLocked', 'verified', 'tenantId'].flatMap<List>((column) => [
      [`users by ${column}`, `${identity}/users/v3?_sortBy=${column}`, 'vendor', undefined, inOrder(USERS)],
      [
        `members of a big tenant by ${column}`,
        `${identity}/users/v3?_sortBy=${column}&_order=DESC`,
        'vendor',
        'bigTenantId',
        // they are side by side in that index, wherever that is
        column === 'tenantId' ? membersSorted : membersInOrder,
      ],
    ]),
    ['e-mail addresses by address', `${identity}/users/emails/v1?_sortBy=email`, 'vendor', undefined, inOrder(USERS)],
    ['e-mail addresses by user', `${identity}/users/emails/v1?_sortBy=userId`, 'vendor', undefined, inOrder(USERS)],
    [
      'e-mail addresses by address in a big tenant',
      `${identity}/users/emails/v1?_sortBy=email`,
      'vendor',
      'bigTenantId',
      ofMembers,
    ],
    [
      'phone numbers by number',
      `${identity}/users/phone-numbers/v2?_sortBy=phoneNumber`,
      'vendor',
      undefined,
      inOrder(USERS),
    ],
    [
      'phone numbers by user in a big tenant',
      `${identity}/users/phone-numbers/v2?_sortBy=userId`,
      'vendor',
      'bigTenantId',
      ofMembers,
    ],
    ['usernames by name', `${identity}/usernames/v1?_sortBy=username`, 'vendor', undefined, inOrder(USERS)],
    ['usernames by user', `${identity}/usernames/v1?_sortBy=userId`, 'vendor', undefined, inOrder(USERS)],
    ['tenants by name', '/tenants/resources/tenants/v2?_sortBy=name', 'vendor', undefined, inOrder(TENANTS)],
    ['tenants by id', '/tenants/resources/tenants/v2?_sortBy=tenantId', 'vendor', undefined, inOrder(TENANTS)],
  ])('a page of %s are those that are counted and passed over', async (_, url, as, tenant, most) => {
    const whole = url.startsWith('/tenants') ? TENANTS : tenant || as === 'admin' ? MEMBERS : USERS
    for (const offset of [0, Math.floor(whole / 100), Math.floor(whole / 50) - 1]) {
      await expectCheap(
        `${url}${url.includes('?') ? '&' : '?'}_offset=${offset}`,
        as,
        tenant && crowd[tenant],
        most(offset),
        // a short table, or a fifth of one, may be had by reading all of it
        { wholeTables: whole !== USERS },
      )
    }
  })

  it.each(['createdAt', 'lastLogin', 'name'])("the portal's pages of members by %s are the members", async (column) => {
    for (const page of [0, MEMBERS / 100])
      await expectCheap(
        `/team/resources/members/v1?sortBy=${column}&pageOffset=${page}`,
        'admin',
        undefined,
        membersSorted(),
        { wholeTables: true },
      )
  })

  it.each([
    ['users', `${identity}/users/v3`],
    ['users by name', `${identity}/users/v3?_sortBy=name`],
    ['users by address', `${identity}/users/v3?_sortBy=email&_order=DESC`],
    ['e-mail addresses', `${identity}/users/emails/v1`],
    ['phone numbers', `${identity}/users/phone-numbers/v2`],
    ['usernames', `${identity}/usernames/v1`],
  ])('a page of the %s of a small tenant are few', async (_, url) => {
    await expectCheap(url, 'vendor', crowd.tenantId, PAGE)
  })

  it('a page of all users are too many for a small tenant, so a list that read all would be noticed', async () => {
    await expect(expectCheap(`${identity}/users/v3`, 'vendor', undefined, PAGE)).rejects.toThrow('rows: ')
  })

  it.each<[string, () => string, 'vendor' | 'member', ('bigTenantId' | 'tenantId')?]>([
    ["one's own profile", () => `${identity}/users/v2/me`, 'member'],
    ['a user by id', () => `${identity}/vendor-only/users/v1/${crowd.userId}`, 'vendor'],
    ['a user by address', () => `${identity}/users/v1/email?email=${crowd.email}`, 'vendor'],
    ['a member by id', () => `${identity}/users/v1/${crowd.memberId}`, 'vendor', 'tenantId'],
    ['users by ids', () => `${identity}/users/v3?ids=${crowd.userId},${crowd.memberId}`, 'vendor'],
    ['users by address', () => `${identity}/users/v3?_email=${crowd.email}`, 'vendor'],
    ['statuses', () => `${identity}/tenants/users/v1/statuses?userIds=${crowd.userId}`, 'vendor'],
    ['roles of users', () => `${identity}/users/v3/roles?ids=${crowd.userId}`, 'vendor'],
    ['groups of users', () => `${identity}/users/v3/groups?ids=${crowd.userId}`, 'vendor'],
  ])('%s are few', (_, url, as, tenant) => expectCheap(url(), as, tenant && crowd[tenant], 200))

  it("the counts of a tenant's members are those members", async () => {
    const counts = (tenantId: string, most: number) =>
      expectCheap(`${identity}/tenants/users/v1/count`, 'vendor', undefined, most, {
        body: { tenantIds: [tenantId] },
        wholeTables: tenantId === crowd.bigTenantId,
      })
    await counts(crowd.tenantId, 200)
    await counts(crowd.bigTenantId, MEMBERS + USERS + PAGE)
  })

  it.each<[string, () => string, 'familyTenantId' | 'parentTenantId', number]>([
    ['a page of the users of a tenant and one below it', () => `${identity}/users/v3`, 'familyTenantId', 300],
    ['a page of their addresses', () => `${identity}/users/emails/v1?_sortBy=email`, 'familyTenantId', 300],
    [
      'a search for nothing among the users of very many tenants',
      () => `${identity}/users/v3?_filter=qqzzxx`,
      'parentTenantId',
      USERS / 10,
    ],
    [
      'a search for a tenant below one',
      () => `/tenants/resources/hierarchy/v2?_filter=${crowd.tenantId.slice(0, 20)}`,
      'parentTenantId',
      TENANTS / 10,
    ],
  ])('%s are few', (_, url, tenant, most) => expectCheap(url(), 'vendor', crowd[tenant], most))

  it('the access tokens that are alive are those and their members', async () => {
    const own = `${identity}/vendor-only/users/access-tokens/v1`,
      { id } = await database.prisma.accessToken.findFirstOrThrow()
    await expectCheap(`${own}/active`, 'vendor', undefined, 2 * TOKENS + 1)
    await expectCheap(`${own}/active`, 'vendor', crowd.tenantId, PAGE)
    await expectCheap(`${own}/${id}`, 'vendor', undefined, 20)
  })

  it('a move of tenants among many are few, with any cached plan', async () => {
    const client = await database.pool.connect()
    try {
      // what this connection has read before would be counted, too
      await client.query('select pg_stat_force_next_flush()')
      await client.query('begin')
      await client.query(
        'update "Tenant" set "parentId" = null where id in (select id from "Tenant" where "parentId" = $1 limit 40)',
        [crowd.parentTenantId],
      )
      const {
        rows: [read],
      } = await client.query<{ rows: number }>(`
        select sum(pg_stat_get_xact_tuples_returned(o.oid))::int as rows from (select '"Tenant"'::regclass::oid union all select indexrelid from pg_index where indrelid = '"Tenant"'::regclass) o(oid)`)
      expect(read!.rows).toBeLessThan(2 * TENANTS)
    } finally {
      await client.query('rollback')
      client.release()
    }
  })

  it('a login and its refresh are few, with any cached plan', async () => {
    const { prisma } = database,
      token = 'a refresh token',
      at = new Date(),
      expiresAt = new Date(at.getTime() + 86_400_000)
    const {
      id: userId,
      email,
      vendorId,
      sessions: [session],
    } = await prisma.user.update({
      where: { id: crowd.memberId },
      data: { passwordHash: await deps.passwords.hash(token), passwordChangedAt: at },
      include: { sessions: true },
    })
    const begin = async () => {
      await prisma.session.deleteMany({ where: { userId, id: { not: session!.id } } })
      await prisma.refreshToken.deleteMany({ where: { sessionId: session!.id } })
      await prisma.refreshToken.create({
        data: { vendorId, id: fingerprint(token), sessionId: session!.id, createdAt: at, expiresAt },
      })
    }
    await begin()
    const statements = [
      ...(await run(`${identity}/auth/v1/user`, 'vendor', undefined, { email, password: token })),
      ...(await run(`${identity}/auth/v1/user/token/refresh`, 'vendor', undefined, { refreshToken: token })),
    ]
    await begin()
    // without those of Prisma that read definitions
    const own = statements.filter(({ text }) => /^\s*(with|select)\b/.test(text))
    expect(own).toHaveLength(5)
    for (const statement of own) {
      const { rows, whole } = await genericCost(statement)
      expect(whole, statement.text).toEqual([])
      expect(rows, statement.text).toBeLessThan(50)
    }
  })

  // trigrams also find candidates that are then dropped: the more common the trigrams, the more candidates
  it.each<[string, () => string, 'bigTenantId'?]>([
    ['a part of a name', () => '_filter=Fischer%201777'],
    ['nothing', () => '_filter=qqzzxx'],
    ['the beginning of a name', () => '_namePrefix=Grace%20Weber%2017'],
    ['the beginning of an address', () => `_identifierType=email&_identifier=${crowd.email.slice(0, -12)}`],
    ['a part of a name in a big tenant', () => '_filter=Fischer%20377', 'bigTenantId'],
  ])('a search for %s are few', (_, query, tenant) =>
    expectCheap(`${identity}/users/v3?${query()}`, 'vendor', tenant && crowd[tenant], USERS / 10),
  )

  it.each([
    ['phrases', '_phraseSearchContains=Fischer,1777&_phraseSearchExcludes=Bob'],
    ['one of several phrases', '_phraseSearchOptional=Fischer%201777,Weber%201777'],
    ['mistyped phrases', '_phraseSearchContains=Fetherstonhaugh&_phraseSearchApproximate=true'],
  ])('a search for %s are few', (_, query) =>
    expectCheap(`${identity}/users/v1/query/phrase?${query}`, 'vendor', undefined, USERS / 10),
  )
})

it('what users wait for most is planned once, not at each call', async () => {
  const times = 12
  for (let i = 0; i < times; i++) {
    await run(`${identity}/users/v2`, 'vendor', crowd.tenantId, {
      email: `late${i}@example.com`,
      skipInviteEmail: true,
    })
    await run(`${identity}/users/v2`, 'admin', undefined, { email: `later${i}@example.com`, skipInviteEmail: true })
    await run(`${identity}/users/v2/me`, 'member')
    await run(`${identity}/users/v3`, 'vendor')
  }
  const known = await Promise.all(Array.from({ length: 4 }, () => database.pool.connect()))
  try {
    const plans = []
    for (const client of known)
      plans.push(
        ...(
          await client.query<{ name: string; once: number; each: number }>(
            'select name, generic_plans::int as once, custom_plans::int as each from pg_prepared_statements',
          )
        ).rows,
      )
    const own = plans.filter(({ name }) => declaredStatements.has(name))
    expect(own.filter(({ each }) => each > 5)).toEqual([])
    for (const name of ['arrivals.knowledge', 'arrivals.knowledgeOfIssuer', 'users.profileById', 'users.shown'])
      expect(
        own.filter((plan) => plan.name === name).reduce((sum, plan) => sum + plan.once, 0),
        name,
      ).toBeGreaterThan(0)
  } finally {
    for (const client of known) client.release()
  }
})
