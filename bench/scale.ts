// npm run bench:scale: what requests cost with a million users, in one run. Point reads beside the same with a thousand; lists
// and searches beside the bare SQL for the same data; then what creations, logins and an import write.
import { availableParallelism } from 'node:os'
import { migrate, openDatabase } from '@henhouse/database'
import { passwordHasher } from '@henhouse/passwords'
import { pino } from 'pino'
import { createEnvironment } from '../apps/server/src/areas/environments/environments.service.ts'
import { contextFor } from '../apps/server/src/kernel/context.ts'
import { runDue } from '../apps/server/src/kernel/jobs.ts'
import { signToken } from '../apps/server/src/kernel/tokens.ts'
import { buildServer } from '../apps/server/src/server.ts'
import { fill, type Size } from '../apps/server/test/crowd.ts'
import { benchDeps, HASH } from './deps.ts'
import { median } from './measure.ts'
import { identity, lists, pointReads, type Bare, type Case, type Fixture } from './scale-cases.ts'
import { caller, postgres, start, type Call } from './servers.ts'
import { userToken } from '../apps/server/test/user-token.ts'
import { keysOf } from '../apps/server/src/areas/rights/held/held.service.ts'

const option = (name: string, fallback: number) =>
  Number(process.argv.find((a) => a.startsWith(`--${name}=`))?.split('=')[1] ?? fallback)
const USERS = option('users', 1_000_000),
  REQUESTS = option('requests', 40),
  WRITES = option('writes', 300),
  IMPORTED = option('import', 50_000),
  ROUNDS = 5
const sizes: Size[] = [
  { users: 1000, tenants: 10, members: 100 },
  { users: USERS, tenants: Math.max(10, USERS / 100), members: USERS / 10 },
]

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
  const tokenOf = async (id: string, tenantId: string) =>
    userToken(ctx, { id, tenantId }, await keysOf(ctx, id, tenantId))
  const fixture = {
    ...crowd,
    databaseUrl,
    vendorId: environment.id,
    vendorToken: signToken(ctx, { type: 'vendor', vendorId: environment.id, scopes: [] }, { expiresIn: 86_400 }),
    userToken: await tokenOf(crowd.adminId, crowd.bigTenantId),
    memberToken: await tokenOf(crowd.memberId, crowd.tenantId),
  }
  await database.close()
  return fixture
}

interface Side {
  fixture: Fixture
  call: Call
  database: ReturnType<typeof openDatabase>
}

async function requestOf({ call, fixture }: Side, one: Case) {
  const headers = {
    authorization: `Bearer ${fixture[one.as ?? 'vendorToken']}`,
    ...(one.tenant && { 'frontegg-tenant-id': fixture[one.tenant] }),
  }
  const first = one.path(fixture)
  const offset = one.middle ? Math.floor((await pagesOf(call, first, headers)) / 2) : 0
  const url = offset ? `${first}${first.includes('?') ? '&' : '?'}_offset=${offset}` : first
  return {
    offset,
    send: () =>
      one.body ? call('POST', url, 201, one.body(fixture), headers) : call('GET', url, 200, undefined, headers),
  }
}
async function pagesOf(call: Call, path: string, headers: Record<string, string>) {
  const { body } = await call('GET', path, 200, undefined, headers)
  return (body as unknown as { _metadata: { totalPages: number } })._metadata.totalPages
}

/** The total and the page, one after the other on one connection. */
function bareOf({ fixture, database }: Side, { rows, columns, order, limit = 50, value }: Bare, offset: number) {
  const values = [fixture.vendorId, ...(value ? [value(fixture)] : [])]
  return async () => {
    await database.pool.query(`select count(*) from ${rows}`, values)
    await database.pool.query(
      `select ${columns} from ${rows} order by ${order} offset ${offset * limit} limit ${limit}`,
      values,
    )
  }
}

async function timed(work: () => Promise<unknown>) {
  const begin = performance.now()
  await work()
  return performance.now() - begin
}

const column = (value: number | undefined, digits = 2) =>
  (value === undefined ? '' : value.toFixed(digits)).padStart(10)
const heading = (what: string, ...columns: string[]) =>
  console.log(`\n${what.padEnd(60)}${columns.map((name) => name.padStart(10)).join('')}`)

async function measure(sides: readonly Side[], one: Case) {
  const times: number[][] = sides.map(() => []),
    bare: number[] = []
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [index, side] of sides.entries()) {
      const { offset, send } = await requestOf(side, one)
      const plain = one.bare && index === sides.length - 1 ? bareOf(side, one.bare, offset) : undefined
      for (let i = 0; i < REQUESTS; i++) {
        const taken = await timed(send),
          beside = plain && (await timed(plain))
        // the first round warms up
        if (!round) continue
        times[index]!.push(taken)
        if (beside !== undefined) bare.push(beside)
      }
    }
  }
  return [...times.map(median), bare.length ? median(bare) : undefined] as [number, number, number | undefined]
}

/** What each of `count` turns takes, and writes into the write-ahead log; as many before warm up, and write the pages that a checkpoint has had written anew. */
async function writes({ database }: Side, name: string, count: number, turn: (i: number) => Promise<unknown>) {
  for (let i = 0; i < count; i++) await turn(i)
  const lsn = async () =>
    (await database.pool.query<{ lsn: string }>('select pg_current_wal_lsn() as lsn')).rows[0]!.lsn
  const times: number[] = [],
    before = await lsn()
  for (let i = 0; i < count; i++) times.push(await timed(() => turn(count + i)))
  const { rows } = await database.pool.query<{ kB: number }>(
    'select (pg_current_wal_lsn() - $1::pg_lsn)::float8 / 1000 as "kB"',
    [before],
  )
  console.log(`${name.padEnd(60)}${column(median(times))}${column(rows[0]!.kB / count, 1)}`)
}

const PASSWORD = 'Henhouse-1!'

async function measureCreations(side: Side) {
  const { call, fixture } = side,
    headers = { authorization: `Bearer ${fixture.vendorToken}`, 'frontegg-tenant-id': fixture.tenantId }
  const create = (i: number, prefix: string, password?: string) =>
    call(
      'POST',
      `${identity}/users/v2`,
      201,
      {
        email: `${prefix}${i}@example.org`,
        name: `Created ${i}`,
        skipInviteEmail: true,
        ...(password && { password }),
      },
      headers,
    )
  await writes(side, 'a creation', WRITES, (i) => create(i, 'created'))
  for (const places of [1, 100, 1000]) {
    const { body } = await create(places, 'login', PASSWORD)
    await side.database.pool.query(
      `insert into "Membership" ("vendorId", "userId", "tenantId", "acceptedAt", "createdAt")
      select "vendorId", $2, id, now(), now() from "Tenant" where "vendorId" = $1 and id <> $3 order by id limit $4`,
      [fixture.vendorId, body['id'], fixture.tenantId, places - 1],
    )
    await writes(side, `a login, member of ${places} of the tenants`, Math.ceil(WRITES / 10), () =>
      call('POST', `${identity}/auth/v1/user`, 200, { email: `login${places}@example.org`, password: PASSWORD }),
    )
  }
}

/** Bulk invitations of 1,000 each, which a job takes in, one after the other. */
async function measureImport({ call, fixture, database }: Side) {
  const { worker } = await buildServer(benchDeps(database, passwordHasher(HASH), pino({ level: 'fatal' }))),
    headers = { authorization: `Bearer ${fixture.vendorToken}`, 'frontegg-tenant-id': fixture.tenantId }
  const wal = async () =>
    (await database.pool.query<{ mb: number }>(`select (pg_current_wal_lsn() - '0/0'::pg_lsn)::float8 / 1e6 as mb`))
      .rows[0]!.mb
  const before = await wal()
  const taken = await timed(async () => {
    for (let done = 0; done < IMPORTED; done += 1000) {
      const users = Array.from({ length: Math.min(1000, IMPORTED - done) }, (_, i) => ({
        email: `imported${done + i}@example.org`,
        skipInviteEmail: true,
      }))
      const { body } = await call('POST', `${identity}/users/bulk/v1/invite`, 202, { users }, headers)
      await runDue(worker, fixture.vendorId)
      const status = await call('GET', `${identity}/users/bulk/v1/status/${body['id']}`, 200, undefined, headers)
      if (status.body['status'] !== 'Completed') throw new Error(JSON.stringify(status.body).slice(0, 300))
    }
  })
  console.log(
    `an import of ${IMPORTED}: ${(taken / 1000).toFixed(0)} s, ${((IMPORTED * 1000) / taken).toFixed(0)} users/s, ${((await wal()) - before).toFixed(0)} MB written`,
  )
}

const server = await postgres(),
  only = process.argv.find((a) => a.startsWith('--only='))?.slice('--only='.length)
const wanted = ({ name }: { name: string }) => !only || name.includes(only)
try {
  const sides: Side[] = []
  for (const [index, size] of sizes.entries()) {
    const fixture = await prepare(await server.create(`scale${index}`), size),
      database = openDatabase(fixture.databaseUrl, { max: 1 })
    sides.push({ fixture, database, call: caller((await start('henhouse.ts', fixture, 4320 + index, 2)).pool) })
  }
  console.log(
    `median of ${ROUNDS} × ${REQUESTS} requests one after the other; Node ${process.versions.node}; ${availableParallelism()} cores shared by server, load and Postgres`,
  )
  const many = USERS === 1_000_000 ? 'million' : String(USERS)
  heading('milliseconds a read', 'thousand', many, 'ratio')
  for (const one of pointReads.filter(wanted)) {
    const [small, large] = await measure(sides, one)
    console.log(`${one.name.padEnd(60)}${column(small)}${column(large)}${column(large / small)}`)
  }
  heading('milliseconds a list or search', 'thousand', many, 'bare SQL', 'ratio')
  for (const one of lists.filter(wanted)) {
    const [small, large, bare] = await measure(sides, one)
    console.log(`${one.name.padEnd(60)}${column(small)}${column(large)}${column(bare)}${column(bare && large / bare)}`)
  }
  if (!only || only === 'writes') {
    const large = sides.at(-1)!
    heading('of ' + many + ' users', 'ms', 'kB of WAL')
    await measureCreations(large)
    await measureImport(large)
  }
  for (const { database } of sides) await database.close()
} finally {
  await server.stop()
}
process.exit(0)
