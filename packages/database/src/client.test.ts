import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openDatabase } from './client.ts'
import type { EmbeddedPostgres } from './embedded/start.ts'
import { startTemporaryPostgres } from './embedded/temporary.ts'

let server: EmbeddedPostgres

beforeAll(async () => {
  server = await startTemporaryPostgres()
})
afterAll(() => server.stop())

describe('an open database', () => {
  it('has one pool for Prisma and for plain statements', async () => {
    const { prisma, pool, close } = openDatabase(server.url, { max: 1 })
    const [
      [one],
      {
        rows: [other],
      },
    ] = [
      await prisma.$queryRaw<{ pid: number }[]>`select pg_backend_pid() as pid`,
      await pool.query<{ pid: number }>('select pg_backend_pid() as pid'),
    ]
    expect(one).toEqual(other)
    await close()
    await close()
    expect(pool.totalCount).toBe(0)
  })

  it('has nothing compiled', async () => {
    const { pool, close } = openDatabase(server.url, { max: 2 }),
      clients = [await pool.connect(), await pool.connect()]
    for (const client of clients) expect((await client.query('show jit')).rows).toEqual([{ jit: 'off' }])
    for (const client of clients) client.release()
    await close()
  })

  it('survives the loss of its connections', async () => {
    const { prisma, pool, close } = openDatabase(server.url, { max: 2 })
    await prisma.$queryRaw`select 1`
    const { prisma: other, close: closeOther } = openDatabase(server.url)
    await other.$queryRaw`select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and backend_type = 'client backend'`
    await expect.poll(() => pool.idleCount).toBe(0)
    expect(await prisma.$queryRaw`select 1 as one`).toEqual([{ one: 1 }])
    await close()
    await closeOther()
  })

  it('does not wait for a free connection for ever', async () => {
    const { prisma, pool, close } = openDatabase(server.url, { max: 1, connectionTimeout: 500 })
    const taken = await pool.connect()
    await expect(prisma.$queryRaw`select 1`).rejects.toThrow(/timeout/i)
    taken.release()
    await close()
  })
})
