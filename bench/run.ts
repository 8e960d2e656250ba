// npm run bench: compares six endpoints of Henhouse with a bare Fastify + pg server that does the same work, and prints ratios.
import { randomUUID } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { migrate, openDatabase } from '@henhouse/database'
import { passwordHasher } from '@henhouse/passwords'
import { pino } from 'pino'
import type { Pool } from 'undici'
import { createEnvironment } from '../apps/server/src/areas/environments/environments.service.ts'
import { contextFor } from '../apps/server/src/kernel/context.ts'
import { benchDeps, HASH } from './deps.ts'
import type { Fixture } from './fixture.ts'
import { caller, median, postgres, start, type Call } from './servers.ts'

const CONNECTIONS = 10,
  ROUNDS = 3,
  USERS = 1000
const SECONDS = Number(process.argv.find((a) => a.startsWith('--seconds='))?.split('=')[1] ?? 3)

async function prepare(databaseUrl: string): Promise<Fixture> {
  await migrate(databaseUrl)
  const database = openDatabase(databaseUrl),
    passwords = passwordHasher(HASH)
  const deps = { ...benchDeps(database, passwords, pino({ level: 'fatal' })) }
  const { environment, apiKey } = await createEnvironment(deps, { name: 'bench', isDefault: true })
  const ctx = contextFor(deps, environment, deps.log),
    now = ctx.clock.now(),
    stamp = { createdAt: now, updatedAt: now }
  const tenantId = randomUUID(),
    password = 'Henhouse-1!',
    passwordHash = await passwords.hash(password)
  await ctx.db.tenant.create({ data: { id: tenantId, rowId: randomUUID(), name: 'Bench', ...stamp } })
  const users = Array.from({ length: USERS }, (_, i) => ({
    id: randomUUID(),
    email: `user${i}@example.com`,
    name: `User ${i}`,
    verified: true,
    activeTenantId: tenantId,
    passwordHash,
    ...stamp,
  }))
  await ctx.db.user.createMany({ data: users })
  await ctx.db.membership.createMany({
    data: users.map(({ id }) => ({ userId: id, tenantId, acceptedAt: now, createdAt: now })),
  })
  const roles = await ctx.db.role.findMany({ where: { key: 'Admin' }, select: { id: true } })
  await ctx.db.membershipRole.createMany({
    data: users.map(({ id }) => ({ userId: id, tenantId, roleId: roles[0]!.id })),
  })
  const key = environment.keys[0]!
  const fixture = {
    databaseUrl,
    vendorId: environment.id,
    apiKey,
    tenantId,
    password,
    emails: users.map((u) => u.email),
    publicKey: key.publicKey,
    privateKey: deps.secrets.open(key.privateKey),
  }
  await database.pool.query('vacuum analyze')
  await database.close()
  return fixture
}

interface Case {
  name: string
  prepare(call: Call, fixture: Fixture, worker: number): Promise<(turn: number) => Promise<void>>
}
const logIn = async (call: Call, { emails, password }: Fixture, worker: number) =>
  call('POST', '/identity/resources/auth/v1/user', 200, { email: emails[worker], password })
const environmentToken = async (call: Call, { vendorId, apiKey }: Fixture) =>
  (await call('POST', '/auth/vendor', 200, { clientId: vendorId, secret: apiKey })).body['token']!

const cases: Case[] = [
  {
    name: 'login',
    prepare: async (call, fixture, worker) => async () => {
      await logIn(call, fixture, worker)
    },
  },
  {
    name: 'refresh',
    prepare: async (call, fixture, worker) => {
      let { cookie } = await logIn(call, fixture, worker)
      return async () => {
        cookie = (await call('POST', '/identity/resources/auth/v1/user/token/refresh', 201, {}, { cookie })).cookie
      }
    },
  },
  {
    name: 'GET users/v2/me',
    prepare: async (call, fixture, worker) => {
      const authorization = `Bearer ${(await logIn(call, fixture, worker)).body['accessToken']}`
      return async () => {
        await call('GET', '/identity/resources/users/v2/me', 200, undefined, { authorization })
      }
    },
  },
  {
    name: 'environment token',
    prepare: async (call, fixture) => async () => {
      await environmentToken(call, fixture)
    },
  },
  {
    name: 'list users (50 of 1000)',
    prepare: async (call, fixture) => {
      const authorization = `Bearer ${await environmentToken(call, fixture)}`
      return async () => {
        await call('GET', '/identity/resources/users/v3?_limit=50', 200, undefined, { authorization })
      }
    },
  },
  {
    name: 'create user',
    prepare: async (call, fixture) => {
      const headers = {
        authorization: `Bearer ${await environmentToken(call, fixture)}`,
        'frontegg-tenant-id': fixture.tenantId,
      }
      return async () => {
        await call(
          'POST',
          '/identity/resources/users/v2',
          201,
          { email: `${randomUUID()}@example.com`, name: 'New', metadata: '{}', skipInviteEmail: true },
          headers,
        )
      }
    },
  },
]

/** Requests per second over ten connections, each of which waits for its answer. */
async function measure(pool: Pool, one: Case, fixture: Fixture, seconds: number) {
  const call = caller(pool)
  const turns = await Promise.all(
    Array.from({ length: CONNECTIONS }, (_, worker) => one.prepare(call, fixture, worker)),
  )
  let count = 0
  const begin = performance.now(),
    end = begin + seconds * 1000
  await Promise.all(
    turns.map(async (turn) => {
      while (performance.now() < end) {
        await turn(count)
        count++
      }
    }),
  )
  return count / ((performance.now() - begin) / 1000)
}
const server = await postgres()
try {
  const fixture = await prepare(await server.create('bench'))
  const henhouse = await start('henhouse.ts', fixture, 4310, CONNECTIONS),
    baseline = await start('baseline.ts', fixture, 4311, CONNECTIONS)
  console.log(
    `argon2id m=${HASH.memoryCost} KiB, t=${HASH.timeCost}, p=${HASH.parallelism}; RS256; ${CONNECTIONS} connections; Node ${process.versions.node}; ${availableParallelism()} cores shared by server, load and Postgres; median of ${ROUNDS} × ${SECONDS} s\n`,
  )
  console.log(
    `${'requests per second'.padEnd(28)}${'henhouse'.padStart(10)}${'bare'.padStart(10)}${'ratio'.padStart(8)}`,
  )
  for (const one of cases) {
    const ours: number[] = [],
      bare: number[] = []
    await measure(henhouse.pool, one, fixture, 0.5)
    await measure(baseline.pool, one, fixture, 0.5)
    // in turns, so that other load on the machine hits both
    for (let round = 0; round < ROUNDS; round++) {
      ours.push(await measure(henhouse.pool, one, fixture, SECONDS))
      bare.push(await measure(baseline.pool, one, fixture, SECONDS))
    }
    console.log(
      `${one.name.padEnd(28)}${median(ours).toFixed(0).padStart(10)}${median(bare).toFixed(0).padStart(10)}${(median(ours) / median(bare)).toFixed(2).padStart(8)}`,
    )
  }
  await henhouse.stop()
  await baseline.stop()
} finally {
  await server.stop()
}
