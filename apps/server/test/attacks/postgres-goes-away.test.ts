import { openDatabase } from '@henhouse/database'
import { expect, inject, onTestFinished, test, vi } from 'vitest'
import { deps, newEnvironment, newServer, unique } from '../environment.ts'
import { wireTo } from '../wire.ts'

const fields = (...entries: readonly string[]) => `${entries.map((entry) => `${entry}\0`).join('')}\0`
/** What Postgres says before it ends a connection. */
function fatal() {
  const body = Buffer.from(fields('SFATAL', 'VFATAL', 'C57P01', 'Mterminating connection due to administrator command'))
  const head = Buffer.alloc(5)
  head.write('E')
  head.writeInt32BE(body.length + 4, 1)
  return Buffer.concat([head, body])
}
const READY = Buffer.from([0x5a, 0, 0, 0, 5])
const endsReady = (chunk: Buffer) => chunk.length >= 6 && chunk.subarray(-6, -1).equals(READY)

/** A way to the tests' Postgres that can be closed, and that can end connections in the worst moment. */
async function proxied() {
  /** after how many more replies a connection is ended, in the very chunk of the reply */
  let fuse = Infinity
  const wire = await wireTo(inject('databaseUrl'), (chunk, client) => {
    if (!endsReady(chunk) || --fuse > 0) return client.write(chunk)
    fuse = Infinity
    return client.end(Buffer.concat([chunk, fatal()]))
  })
  const { url, close, open } = wire,
    name = unique('away')
  url.searchParams.set('application_name', name)
  const database = openDatabase(url.href, { max: 4, connectionTimeout: 2000 })
  onTestFinished(async () => {
    await database.close()
    close()
  })
  return {
    name,
    database,
    close,
    open,
    endAfter: (replies: number) => {
      fuse = replies
    },
  }
}

test('a farewell of Postgres that comes together with a reply ends a connection, not the process', async () => {
  const { database, endAfter } = await proxied()
  const uses = [
    () => database.pool.query('select 1'),
    () => database.prisma.$queryRaw`select 1`,
    () => database.prisma.$transaction(async (tx) => tx.$queryRaw`select 1`),
    async () => {
      const client = await database.pool.connect()
      await client.query('select 1')
      // held for a while, as transactions are
      await new Promise((resolve) => setTimeout(resolve, 20))
      client.release()
    },
  ]
  for (const use of uses)
    // a new connection has two replies before the first to the use itself
    for (const replies of [1, 2, 3, 4, 5, 6]) {
      endAfter(replies)
      await use().catch(() => {})
      await use().catch(() => {})
      endAfter(Infinity)
      await vi.waitFor(use)
    }
})

test('while Postgres is away operations answer 503, and they come back by themselves', async () => {
  const { database, close, open } = await proxied()
  const env = await newEnvironment(await newServer({ database }))
  const roles = () => env.vendor('GET', '/identity/resources/roles/v1')
  const calls = () =>
    Promise.all([
      roles(),
      env.vendor('POST', '/identity/resources/roles/v1', [{ key: unique('role'), name: 'Hen', level: 1 }]),
      env.anonymous('POST', '/identity/resources/auth/v1/user', { email: 'a@example.com', password: 'x' }),
    ])
  expect((await calls()).map(({ status }) => status)).toEqual([200, 201, 401])
  close()
  for (const { status, body, headers } of [...(await calls()), ...(await calls())])
    expect({ status, body, retry: headers['retry-after'] }).toEqual({
      status: 503,
      body: { errors: ['Service unavailable'] },
      retry: '1',
    })
  await open()
  expect((await calls()).map(({ status }) => status)).toEqual([200, 201, 401])
})

test('when Postgres ends all connections, operations answer 503 at worst and then as ever', async () => {
  const { name, database } = await proxied()
  const env = await newEnvironment(await newServer({ database }))
  const call = async (index: number) =>
    (index % 2
      ? await env.vendor('POST', '/identity/resources/roles/v1', [{ key: unique('role'), name: 'Hen', level: 1 }])
      : await env.vendor('GET', '/identity/resources/roles/v1')
    ).status
  const statuses = new Set<number>()
  for (let round = 0; round < 5; round++) {
    const calls = Array.from({ length: 20 }, (_, index) => call(index))
    await deps.database.pool.query(
      'select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1',
      [name],
    )
    for (const status of await Promise.all(calls)) statuses.add(status)
  }
  expect([...statuses].filter((status) => ![200, 201, 503].includes(status))).toEqual([])
  expect([await call(0), await call(1)]).toEqual([200, 201])
})
