import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDatabase, databaseUrl, dropDatabase } from './databases.ts'
import type { EmbeddedPostgres } from './embedded/start.ts'
import { startTemporaryPostgres } from './embedded/temporary.ts'

let server: EmbeddedPostgres

beforeAll(async () => {
  server = await startTemporaryPostgres()
})
afterAll(() => server.stop())

async function connected<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

const eggs = (url: string) =>
  connected(url, async (client) => (await client.query<{ number: number }>('select * from eggs')).rows)

describe('databases', () => {
  it('are copied from a template, by several at once', async () => {
    const template = await createDatabase(server.url, 'template')
    await connected(template, (client) => client.query('create table eggs as select 12 as number'))
    const copies = await Promise.all(
      [1, 2, 3].map((number) => createDatabase(server.url, `copy_${number}`, { template: 'template' })),
    )
    for (const copy of copies) expect(await eggs(copy)).toEqual([{ number: 12 }])
  })

  it('say why they cannot be made', async () => {
    await createDatabase(server.url, 'taken')
    await expect(createDatabase(server.url, 'taken')).rejects.toThrow('There is a database called taken already')
    await expect(createDatabase(server.url, 'copy', { template: 'nowhere' })).rejects.toThrow(
      'There is no database called nowhere to copy',
    )
  })

  it('are dropped although somebody is connected', async () => {
    const url = await createDatabase(server.url, 'drop "me"')
    await connected(url, () => dropDatabase(server.url, 'drop "me"'))
    await expect(eggs(url)).rejects.toThrow(/does not exist/)
    await dropDatabase(server.url, 'drop "me"')
  })

  it('have the address of their server', () => {
    expect(databaseUrl('postgres://hen:p%40ss@db.example:6543/postgres?sslmode=require', 'a b')).toBe(
      'postgres://hen:p%40ss@db.example:6543/a%20b?sslmode=require',
    )
  })
})
