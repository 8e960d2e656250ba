import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { startTemporaryPostgres } from './embedded/temporary.ts'
import { startTestDatabase } from './test-database.ts'

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hen-migrations-'))
  await mkdir(join(folder, '1_make'))
  await writeFile(join(folder, '1_make/migration.sql'), 'create table eggs as select 12 as number')
})
afterAll(() => rm(folder, { recursive: true }))

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows
  } finally {
    await client.end()
  }
}

describe('a database for tests', () => {
  it('is migrated, and gone at the end', async () => {
    vi.stubEnv('DATABASE_URL', '')
    onTestFinished(() => void vi.unstubAllEnvs())
    const { url, stop } = await startTestDatabase(folder)
    expect(await query(url, 'select * from eggs')).toEqual([{ number: 12 }])
    await stop()
    await expect(query(url, 'select 1')).rejects.toThrow(/ECONNREFUSED/)
  })

  it('is one of its own on the server of DATABASE_URL', async () => {
    const server = await startTemporaryPostgres()
    vi.stubEnv('DATABASE_URL', server.url)
    onTestFinished(async () => {
      vi.unstubAllEnvs()
      await server.stop()
    })
    const databases = async () =>
      (await query(server.url, `select datname from pg_database where datname like 'henhouse%'`)).length
    const [one, other] = await Promise.all([startTestDatabase(folder), startTestDatabase(folder)])
    expect(one.url).not.toBe(other.url)
    expect(await databases()).toBe(2)
    await Promise.all([one.stop(), other.stop()])
    expect(await databases()).toBe(0)
    await expect(startTestDatabase(join(folder, 'nowhere'))).rejects.toThrow(/no folder of migrations/)
    expect(await databases()).toBe(0)
  })
})
