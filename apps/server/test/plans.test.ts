import { createDatabase, dropDatabase, migrate, openDatabase } from '@henhouse/database'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { createEnvironment } from '../src/areas/environments/environments.service.ts'
import { contextFor } from '../src/kernel/context.ts'
import { cryptoRandom } from '../src/kernel/random.ts'
import { signToken } from '../src/kernel/tokens.ts'
import { fill, type Crowd } from './crowd.ts'
import { deps, newServer } from './environment.ts'
import { keysOf } from '../src/areas/rights/held/held.service.ts'

/*
 * Lists, searches and point reads must not cost more with more users. Here in numbers that the clock has no part in: the rows
 * that Postgres goes through for a request, in a database of its own with 20,000 users. `npm run bench:scale` measures a million.
 */

const USERS = 20_000,
  TENANTS = 2000,
  MEMBERS = 4000,
  CHUNK = 200
const name = `henhouse_plans_${cryptoRandom.uuid().replaceAll('-', '')}`
/** Those with a row for each user or more. */
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
  // as on a solid disk: by the default a table of this size is read whole for fifty rows, a large one is not
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
  crowd = await fill(own, ctx, { users: USERS, tenants: TENANTS, members: MEMBERS, chunk: CHUNK })
  // who is not shown must not make the others dear
  await database.pool.query(
    `update "User" set invisible = true where id in (select "userId" from "Membership" where "tenantId" = $1 and "userId" <> $2 limit 10)`,
    [crowd.bigTenantId, crowd.adminId],
  )
  await database.pool.query('vacuum analyze')
  const userToken = async (sub: string, tenantId: string) =>
    signToken(ctx, { type: 'userToken', sub, tenantId, ...(await keysOf(ctx, sub, tenantId)) }, { expiresIn: 3600 })
  const tokens = {
    vendor: signToken(ctx, { type: 'vendor', vendorId: environment.id, scopes: [] }, { expiresIn: 3600 }),
    admin: await userToken(crowd.adminId, crowd.bigTenantId),
    member: await userToken(crowd.memberId, crowd.tenantId),
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
    expect(response.statusCode, response.body.slice(0, 300)).toBe(body ? 201 : 200)
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

/** How many rows of the large tables a statement goes through, and which of them it reads from end to end. */
async function cost({ text, values }: Statement) {
  const {
    rows: [row],
  } = await database.pool.query<{ 'QUERY PLAN': [{ Plan: Plan }] }>(
    `explain (analyze, timing off, format json) ${text}`,
    values,
  )
  const found = scans(row!['QUERY PLAN'][0].Plan)
  const rowsOf = (plan: Plan) =>
    plan['Actual Loops'] *
    (plan['Actual Rows'] + (plan['Rows Removed by Filter'] ?? 0) + (plan['Rows Removed by Index Recheck'] ?? 0))
  return {
    rows: found.reduce((sum, plan) => sum + rowsOf(plan), 0),
    // one that is given up at its first row has found that there is nothing to join with
    whole: found
      .filter((plan) => plan['Node Type'] === 'Seq Scan' && rowsOf(plan) > 1)
      .map((plan) => plan['Relation Name']),
  }
}

async function expectCheap(
  url: string,
  as: 'vendor' | 'admin' | 'member',
  tenantId: string | undefined,
  most: number,
  body?: object,
) {
  const statements = await run(url, as, tenantId, body)
  expect(statements.length).toBeGreaterThan(0)
  const costs = []
  for (const statement of statements) costs.push({ ...(await cost(statement)), text: statement.text })
  expect(costs.filter(({ whole }) => whole.length)).toEqual([])
  const rows = costs.reduce((sum, one) => sum + one.rows, 0)
  expect(rows, costs.map((one) => `${one.rows} rows: ${one.text}`).join('\n')).toBeLessThan(most)
}

const identity = '/identity/resources'
/** A page of 50 with what belongs to its rows, and at most two chunks' rows that are passed over. */
const PAGE = 50 * 6 + 2 * CHUNK

describe('the rows read for', () => {
  it.each<[string, string, 'vendor' | 'admin' | 'member', ('bigTenantId' | 'parentTenantId')?]>([
    ['users', `${identity}/users/v3`, 'vendor'],
    ['users with their roles', `${identity}/users/v1`, 'vendor'],
    ['users, newest first', `${identity}/users/v3?_order=DESC`, 'vendor'],
    ['members of a big tenant', `${identity}/users/v3`, 'vendor', 'bigTenantId'],
    ['members, as one of them', `${identity}/users/v1`, 'admin'],
    ['e-mail addresses', `${identity}/users/emails/v1`, 'vendor'],
    ['phone numbers', `${identity}/users/phone-numbers/v2`, 'vendor'],
    ['usernames', `${identity}/usernames/v1`, 'vendor'],
    ['tenants', '/tenants/resources/tenants/v2', 'vendor'],
    ['tenants below one', '/tenants/resources/hierarchy/v2', 'vendor', 'parentTenantId'],
    ['tenants below one by name', '/tenants/resources/hierarchy/v2?_sortBy=name', 'vendor', 'parentTenantId'],
    ['e-mail addresses in a big tenant', `${identity}/users/emails/v1`, 'vendor', 'bigTenantId'],
    ['phone numbers in a big tenant, as one of its members', `${identity}/users/phone-numbers/v2`, 'admin'],
    ['usernames in a big tenant', `${identity}/usernames/v1`, 'vendor', 'bigTenantId'],
    ...['email', 'name', 'id', 'provider', 'isLocked', 'verified', 'tenantId'].flatMap((column) => [
      [`users by ${column}`, `${identity}/users/v3?_sortBy=${column}`, 'vendor'] as [string, string, 'vendor'],
      [
        `members of a big tenant by ${column}`,
        `${identity}/users/v3?_sortBy=${column}&_order=DESC`,
        'vendor',
        'bigTenantId',
      ] as [string, string, 'vendor', 'bigTenantId'],
    ]),
    ['e-mail addresses by address', `${identity}/users/emails/v1?_sortBy=email`, 'vendor'],
    ['e-mail addresses by user', `${identity}/users/emails/v1?_sortBy=userId`, 'vendor'],
    [
      'e-mail addresses by address in a big tenant',
      `${identity}/users/emails/v1?_sortBy=email`,
      'vendor',
      'bigTenantId',
    ],
    ['phone numbers by number', `${identity}/users/phone-numbers/v2?_sortBy=phoneNumber`, 'vendor'],
    [
      'phone numbers by user in a big tenant',
      `${identity}/users/phone-numbers/v2?_sortBy=userId`,
      'vendor',
      'bigTenantId',
    ],
    ['usernames by name', `${identity}/usernames/v1?_sortBy=username`, 'vendor'],
    ['usernames by user', `${identity}/usernames/v1?_sortBy=userId`, 'vendor'],
    ['tenants by name', '/tenants/resources/tenants/v2?_sortBy=name', 'vendor'],
    ['tenants by id', '/tenants/resources/tenants/v2?_sortBy=tenantId', 'vendor'],
  ])('a page of %s are few, wherever it is', async (_, url, as, tenant) => {
    const whole = url.startsWith('/tenants') ? TENANTS : tenant || as === 'admin' ? MEMBERS : USERS
    for (const offset of [0, Math.floor(whole / 100), Math.floor(whole / 50) - 1]) {
      await expectCheap(`${url}${url.includes('?') ? '&' : '?'}_offset=${offset}`, as, tenant && crowd[tenant], PAGE)
    }
  })

  it('what has to be counted are many: the others would be noticed', async () => {
    await expect(expectCheap(`${identity}/users/v3?_filter=example.com`, 'vendor', undefined, PAGE)).rejects.toThrow(
      'rows: ',
    )
  })

  it.each(['createdAt', 'lastLogin', 'name'])("the portal's pages of members by %s are few", async (column) => {
    for (const page of [0, MEMBERS / 100])
      await expectCheap(`/team/resources/members/v1?sortBy=${column}&pageOffset=${page}`, 'admin', undefined, PAGE)
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

  it("the counts of a big tenant's members are few", () =>
    expectCheap(`${identity}/tenants/users/v1/count`, 'vendor', undefined, 200, {
      tenantIds: [crowd.bigTenantId, crowd.tenantId],
    }))

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

  it('a move of tenants in a crowd of them are few, whatever Postgres keeps of its plans', async () => {
    const client = await database.pool.connect()
    try {
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

  // trigrams leave candidates that are looked at and dropped, the more the commoner they are
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
