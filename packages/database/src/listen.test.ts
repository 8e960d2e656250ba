import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openDatabase, type Database } from './client.ts'
import type { EmbeddedPostgres } from './embedded/start.ts'
import { startTemporaryPostgres } from './embedded/temporary.ts'
import { listen } from './listen.ts'

let server: EmbeddedPostgres
let database: Database

beforeAll(async () => {
  server = await startTemporaryPostgres()
  database = openDatabase(server.url)
})
afterAll(async () => {
  await database.close()
  await server.stop()
})

function listening() {
  const hearing = openDatabase(server.url),
    heard: string[] = [],
    state = { connections: 0, losses: 0, at: -Infinity }
  hearing.listen('a Channel', {
    heard: (text) => heard.push(text),
    connected: () => void state.connections++,
    lost: () => void state.losses++,
    caughtUp: (at) => void (state.at = at),
  })
  return { hearing, heard, state }
}
const listeners = `from pg_stat_activity where query in ('select', 'listen "a Channel"') and pid <> pg_backend_pid()`

describe('a listener', () => {
  it('hears what is notified, and knows until when it has heard all', async () => {
    const { hearing, heard, state } = listening()
    await expect.poll(() => state.connections).toBe(1)
    await expect.poll(() => state.at).toBeGreaterThan(0)
    await database.pool.query(`select pg_notify('a Channel', 'hen'), pg_notify('other', 'egg')`)
    await expect.poll(() => heard).toEqual(['hen'])
    const { at } = state
    await expect.poll(() => state.at, { timeout: 10_000 }).toBeGreaterThan(at)
    await hearing.close()
  })

  it('connects again when it is cut off, and says so', async () => {
    const { hearing, heard, state } = listening()
    await expect.poll(() => state.connections).toBe(1)
    for (let n = 2; n <= 4; n++) {
      await database.pool.query(`select pg_terminate_backend(pid) ${listeners}`)
      await expect.poll(() => state.connections, { timeout: 10_000 }).toBe(n)
      expect(state.losses).toBe(n - 1)
    }
    await database.pool.query(`select pg_notify('a Channel', 'hen')`)
    await expect.poll(() => heard).toEqual(['hen'])
    await hearing.close()
    expect((await database.pool.query(`select ${listeners}`)).rowCount).toBe(0)
  })

  it('does not count as connected while nothing arrives, as behind a pooler', async () => {
    const seen: string[] = []
    const end = listen(
      server.url,
      'channel',
      {
        heard() {},
        connected: () => seen.push('connected'),
        lost: (error) => seen.push((error as Error).message),
        caughtUp: () => seen.push('caught up'),
      },
      async () => {},
    )
    await expect.poll(() => seen, { timeout: 10_000 }).toEqual(['what is notified does not arrive'])
    await end()
  })

  it('waits for a database that is away, and can be closed meanwhile', async () => {
    const away = openDatabase('postgres://nobody@127.0.0.1:1/none'),
      seen: string[] = []
    away.listen('channel', {
      heard() {},
      connected: () => seen.push('connected'),
      lost: () => seen.push('lost'),
      caughtUp: () => seen.push('caught up'),
    })
    await expect.poll(() => seen.length).toBeGreaterThan(1)
    await away.close()
    expect([...new Set(seen)]).toEqual(['lost'])
  })
})
