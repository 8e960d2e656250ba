// npm run bench:scale: what reads cost with a million users, as ratios to what they cost with a thousand, in one run.
import { availableParallelism } from 'node:os'
import { migrate, openDatabase } from '@henhouse/database'
import { passwordHasher } from '@henhouse/passwords'
import { pino } from 'pino'
import { createEnvironment } from '../apps/server/src/areas/environments/environments.service.ts'
import { contextFor } from '../apps/server/src/kernel/context.ts'
import { signToken } from '../apps/server/src/kernel/tokens.ts'
import { fill, type Crowd, type Size } from '../apps/server/test/crowd.ts'
import { benchDeps, HASH } from './deps.ts'
import { caller, median, postgres, start, type Call } from './servers.ts'
import { keysOf } from '../apps/server/src/areas/rights/held/held.service.ts'

const option = (name: string, fallback: number) =>
  Number(process.argv.find((a) => a.startsWith(`--${name}=`))?.split('=')[1] ?? fallback)
const USERS = option('users', 1_000_000),
  REQUESTS = option('requests', 40),
  ROUNDS = 5
const sizes: Size[] = [
  { users: 1000, tenants: 10, members: 100 },
  { users: USERS, tenants: Math.max(10, USERS / 100), members: USERS / 10 },
]

interface Fixture extends Crowd {
  databaseUrl: string
  vendorToken: string
  userToken: string
  memberToken: string
}

async function prepare(databaseUrl: string, size: Size): Promise<Fixture> {
  await migrate(databaseUrl)
  const database = openDatabase(databaseUrl),
    deps = benchDeps(database, passwordHasher(HASH), pino({ level: 'fatal' }))
  const { environment } = await createEnvironment(deps, { name: 'bench', isDefault: true })
  const ctx = contextFor(deps, environment, deps.log),
    begin = performance.now()
  const crowd = await fill(deps, ctx, size)
  await database.pool.query('vacuum analyze')
  console.log(
    `${size.users} users, ${size.tenants} tenants, one of ${size.members} members: filled in ${((performance.now() - begin) / 1000).toFixed(0)} s`,
  )
  const tokenOf = async (sub: string, tenantId: string) =>
    signToken(ctx, { type: 'userToken', sub, tenantId, ...(await keysOf(ctx, sub, tenantId)) }, { expiresIn: 86_400 })
  const fixture = {
    ...crowd,
    databaseUrl,
    vendorToken: signToken(ctx, { type: 'vendor', vendorId: environment.id, scopes: [] }, { expiresIn: 86_400 }),
    userToken: await tokenOf(crowd.adminId, crowd.bigTenantId),
    memberToken: await tokenOf(crowd.memberId, crowd.tenantId),
  }
  await database.close()
  return fixture
}

type Caller = 'vendorToken' | 'userToken' | 'memberToken'
interface Case {
  name: string
  path: (fixture: Fixture) => string
  as?: Caller
  tenant?: 'bigTenantId' | 'parentTenantId' | 'familyTenantId' | 'tenantId'
  middle?: boolean
  body?: (fixture: Fixture) => object
}

const identity = '/identity/resources'
const listOf = (name: string, path: string, more: Omit<Case, 'name' | 'path'> = {}): Case[] => [
  { name: `${name}, first page`, path: () => path, ...more },
  { name: `${name}, a page in the middle`, path: () => path, middle: true, ...more },
]
const cases: Case[] = [
  { name: 'own profile', path: () => `${identity}/users/v2/me`, as: 'memberToken' },
  { name: 'own profile in the big tenant', path: () => `${identity}/users/v2/me`, as: 'userToken' },
  { name: 'user by id', path: (f) => `${identity}/vendor-only/users/v1/${f.userId}` },
  { name: 'user by address', path: (f) => `${identity}/users/v1/email?email=${f.email}` },
  { name: 'member by id', path: (f) => `${identity}/users/v1/${f.memberId}`, tenant: 'tenantId' },
  { name: 'tenant by id', path: (f) => `/tenants/resources/tenants/v2/${f.bigTenantId}` },
  { name: 'statuses', path: (f) => `${identity}/tenants/users/v1/statuses?userIds=${f.userId}` },
  ...listOf('users', `${identity}/users/v3`),
  ...listOf('users, newest first', `${identity}/users/v3?_order=DESC`),
  ...listOf('users by address', `${identity}/users/v3?_sortBy=email`),
  ...listOf('users by name', `${identity}/users/v3?_sortBy=name`),
  ...listOf('members of the big tenant', `${identity}/users/v3`, { tenant: 'bigTenantId' }),
  ...listOf('members, as one of them', `${identity}/users/v1`, { as: 'userToken' }),
  ...listOf('members of the big tenant by address', `${identity}/users/v3?_sortBy=email`, { tenant: 'bigTenantId' }),
  ...listOf('users of a tenant and one below it', `${identity}/users/v3`, { tenant: 'familyTenantId' }),
  {
    name: 'counts of members of the big tenant',
    path: () => `${identity}/tenants/users/v1/count`,
    body: (f) => ({ tenantIds: [f.bigTenantId] }),
  },
  { name: 'page of members in the portal', path: () => '/team/resources/members/v1', as: 'userToken' },
  { name: 'counts of members in the portal', path: () => '/team/resources/stats/v1/members', as: 'userToken' },
  ...listOf('tenants', '/tenants/resources/tenants/v2?_limit=10'),
  ...listOf('tenants by name', '/tenants/resources/tenants/v2?_limit=10&_sortBy=name'),
  ...listOf('tenants below one', '/tenants/resources/hierarchy/v2?_limit=5', { tenant: 'parentTenantId' }),
  ...listOf('addresses', `${identity}/users/emails/v1`),
  ...listOf('numbers', `${identity}/users/phone-numbers/v2`),
  ...listOf('usernames', `${identity}/usernames/v1`),
  ...listOf('addresses in the big tenant', `${identity}/users/emails/v1`, { tenant: 'bigTenantId' }),
  ...listOf('numbers in the big tenant', `${identity}/users/phone-numbers/v2`, { tenant: 'bigTenantId' }),
  ...listOf('usernames in the big tenant by name', `${identity}/usernames/v1?_sortBy=username`, {
    tenant: 'bigTenantId',
  }),
  // one found, whatever the number of users
  { name: 'search: part of a name', path: () => `${identity}/users/v3?_filter=therstoneha` },
  { name: 'search: beginning of a name', path: () => `${identity}/users/v3?_namePrefix=Wilhelmina` },
  {
    name: 'search: beginning of an address',
    path: (f) => `${identity}/users/v3?_identifierType=email&_identifier=${f.email.slice(0, -9)}`,
  },
  { name: 'search: nothing found', path: () => `${identity}/users/v3?_filter=qqzzxx` },
  {
    name: 'search in the big tenant: nothing found',
    path: () => `${identity}/users/v3?_filter=qqzzxx`,
    tenant: 'bigTenantId',
  },
  {
    name: 'search below one tenant: nothing found',
    path: () => `${identity}/users/v3?_filter=qqzzxx`,
    tenant: 'parentTenantId',
  },
  {
    name: 'search: a tenant below one',
    path: (f) => `/tenants/resources/hierarchy/v2?_filter=${f.tenantId.slice(0, 20)}`,
    tenant: 'parentTenantId',
  },
  { name: 'search: a tenant', path: (f) => `/tenants/resources/tenants/v2?_filter=${f.bigTenantId.slice(0, 20)}` },
  {
    name: 'phrases',
    path: () => `${identity}/users/v1/query/phrase?_phraseSearchContains=Wilhelm,stoneha&_phraseSearchExcludes=Bob`,
  },
  {
    name: 'phrases, mistyped',
    path: () => `${identity}/users/v1/query/phrase?_phraseSearchContains=Fetherstonhaugh&_phraseSearchApproximate=true`,
  },
]

async function path(call: Call, one: Case, fixture: Fixture) {
  const headers = {
    authorization: `Bearer ${fixture[one.as ?? 'vendorToken']}`,
    ...(one.tenant && { 'frontegg-tenant-id': fixture[one.tenant] }),
  }
  const first = one.path(fixture)
  if (!one.middle) return { path: first, headers }
  const { _metadata } = (await call('GET', first, 200, undefined, headers)).body as unknown as {
    _metadata: { totalPages: number }
  }
  return { path: `${first}${first.includes('?') ? '&' : '?'}_offset=${Math.floor(_metadata.totalPages / 2)}`, headers }
}

const server = await postgres(),
  only = process.argv.find((a) => a.startsWith('--only='))?.slice('--only='.length)
try {
  const servers = []
  for (const [index, size] of sizes.entries()) {
    const fixture = await prepare(await server.create(`scale${index}`), size)
    servers.push({ fixture, call: caller((await start('henhouse.ts', fixture, 4320 + index, 2)).pool) })
  }
  console.log(
    `median of ${ROUNDS} × ${REQUESTS} requests one after the other; Node ${process.versions.node}; ${availableParallelism()} cores shared by server, load and Postgres\n`,
  )
  console.log(
    `${'milliseconds a request'.padEnd(60)}${'thousand'.padStart(10)}${USERS === 1_000_000 ? 'million'.padStart(10) : String(USERS).padStart(10)}${'ratio'.padStart(8)}`,
  )
  for (const one of cases.filter(({ name }) => !only || name.includes(only))) {
    const times: number[][] = servers.map(() => [])
    for (let round = 0; round <= ROUNDS; round++) {
      for (const [index, { call, fixture }] of servers.entries()) {
        const { path: url, headers } = await path(call, one, fixture)
        for (let i = 0; i < REQUESTS; i++) {
          const begin = performance.now()
          await (one.body
            ? call('POST', url, 201, one.body(fixture), headers)
            : call('GET', url, 200, undefined, headers))
          // the first round warms up
          if (round) times[index]!.push(performance.now() - begin)
        }
      }
    }
    const [small, large] = times.map(median) as [number, number]
    console.log(
      `${one.name.padEnd(60)}${small.toFixed(2).padStart(10)}${large.toFixed(2).padStart(10)}${(large / small).toFixed(2).padStart(8)}`,
    )
  }
} finally {
  await server.stop()
}
process.exit(0)
