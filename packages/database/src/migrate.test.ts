import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { createDatabase } from './databases.ts'
import type { EmbeddedPostgres } from './embedded/start.ts'
import { startTemporaryPostgres } from './embedded/temporary.ts'
import { MIGRATIONS, migrate, pendingMigrations, readMigrations } from './migrate.ts'

let server: EmbeddedPostgres
let folder: string
let url: string
let count = 0

beforeAll(async () => {
  server = await startTemporaryPostgres()
})
afterAll(() => server.stop())

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hen-migrations-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  url = await createDatabase(server.url, `migrate_${count++}`)
})

async function write(name: string, script: string): Promise<void> {
  await mkdir(join(folder, name), { recursive: true })
  await writeFile(join(folder, name, 'migration.sql'), script)
}

async function query(sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows
  } finally {
    await client.end()
  }
}

const sha256 = (text: string) => createHash('sha256').update(text.replaceAll('\r\n', '\n')).digest('hex')

const records = () =>
  query(
    `select migration_name as name, finished_at is not null as done, rolled_back_at is not null as undone, logs from "_prisma_migrations" order by started_at`,
  )

/** In a process of its own. */
async function migrateElsewhere(): Promise<string[]> {
  const script = `
    import { migrate } from ${JSON.stringify(new URL('./migrate.ts', import.meta.url).href)}
    console.log(JSON.stringify(await migrate(${JSON.stringify(url)}, ${JSON.stringify(folder)})))`
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string]
  return JSON.parse(line) as string[]
}

describe('migrations', () => {
  it('are applied in the order of their names, each once', async () => {
    await write('2_fill', 'insert into eggs values (1)')
    await write('1_make', 'create table eggs (number int); -- no line end')
    expect(await pendingMigrations(url, folder)).toEqual(['1_make', '2_fill'])
    expect(await migrate(url, folder)).toEqual(['1_make', '2_fill'])
    expect(await migrate(url, folder)).toEqual([])
    expect(await pendingMigrations(url, folder)).toEqual([])
    expect(await query('select * from eggs')).toEqual([{ number: 1 }])
  })

  it('are applied once when four processes and four clients start at once', async () => {
    for (const number of [1, 2, 3])
      await write(`${number}_step`, `create table step_${number} (); select pg_sleep(0.1)`)
    const applied = await Promise.all([...Array(4).keys()].flatMap(() => [migrateElsewhere(), migrate(url, folder)]))
    expect(applied.flat().sort()).toEqual(['1_step', '2_step', '3_step'])
    expect(await records()).toHaveLength(3)
  })

  it('that fail are rolled back whole, reported with their line, and tried again', async () => {
    await write('1_make', 'create table eggs (number int)')
    await write('2_fail', 'insert into eggs values (1);\n\nselect nothing from nowhere;')
    await expect(migrate(url, folder)).rejects.toThrow(
      'Migration 2_fail failed in line 3: relation "nowhere" does not exist',
    )
    expect(await query('select * from eggs')).toEqual([])
    expect(await records()).toMatchObject([
      { name: '1_make', done: true },
      { name: '2_fail', done: false, undone: true, logs: expect.stringMatching(/nowhere/) as string },
    ])
    await write('2_fail', 'insert into eggs values (1)')
    expect(await migrate(url, folder)).toEqual(['2_fail'])
  })

  it('that committed a part before they failed stop everything until somebody has looked', async () => {
    await write('1_part', 'create table eggs (number int); commit; select nothing from nowhere')
    await expect(migrate(url, folder)).rejects.toThrow(/nowhere/)
    await expect(migrate(url, folder)).rejects.toThrow(/1_part was applied in part.*delete from/)
    await query('drop table eggs')
    await query(`delete from "_prisma_migrations" where migration_name = '1_part'`)
    await write('1_part', 'create table eggs (number int)')
    expect(await migrate(url, folder)).toEqual(['1_part'])
  })

  it('that were edited after they were applied are refused', async () => {
    await write('1_make', 'create table eggs (number int)')
    await migrate(url, folder)
    await write('1_make', 'create table eggs (number bigint)')
    await expect(migrate(url, folder)).rejects.toThrow('Migration 1_make was edited after it was applied')
    await expect(pendingMigrations(url, folder)).rejects.toThrow('1_make was edited')
  })

  it('are the same with the line ends of another system', async () => {
    await write('1_make', 'create table eggs (\nnumber int)\n')
    await migrate(url, folder)
    await write('1_make', 'create table eggs (\r\nnumber int)\r\n')
    expect(await migrate(url, folder)).toEqual([])
  })

  it('may build an index without stopping writers', async () => {
    await write('1_make', '-- not "create index concurrently": that is next\ncreate table eggs (number int);')
    await write('2_index', 'create index concurrently eggs_number on eggs (number);')
    expect(await migrate(url, folder)).toEqual(['1_make', '2_index'])
  })

  it('do not pass on the settings of one to the next', async () => {
    await write('1_set', 'create schema barn; set search_path to barn')
    await write('2_make', 'create table eggs (number int)')
    await migrate(url, folder)
    expect(await query('select * from public.eggs')).toEqual([])
  })

  it('leave newer ones of a newer release alone', async () => {
    await write('1_make', 'create table eggs (number int)')
    await write('2_newer', 'create table nests (number int)')
    await migrate(url, folder)
    await rm(join(folder, '2_newer'), { recursive: true })
    expect(await migrate(url, folder)).toEqual([])
  })

  it('say what to do with a database of before 0.2.0, and change nothing in it', async () => {
    await write('20261123000000_init', 'create table before (id int)')
    await migrate(url, folder)
    await rm(join(folder, '20261123000000_init'), { recursive: true })
    await write('20261130000000_init', 'create table after (id int)')
    for (const look of [migrate, pendingMigrations])
      await expect(look(url, folder)).rejects.toThrow(/before 0\.2\.0 .* Nothing in it has been changed.*HENHOUSE_DATA/)
    expect(await query(`select to_regclass('before') is not null as before, to_regclass('after') as after`)).toEqual([
      { before: true, after: null },
    ])
    expect(await records()).toMatchObject([{ name: '20261123000000_init' }])
  })

  it('of a release stay as they were released', async () => {
    const checksums = JSON.parse(await readFile(join(MIGRATIONS, 'released.json'), 'utf8')) as Record<string, string>
    const known = new Map((await readMigrations(MIGRATIONS)).map(({ name, script }) => [name, sha256(script)]))
    expect(Object.keys(checksums)).not.toEqual([])
    for (const [name, checksum] of Object.entries(checksums)) expect(known.get(name), name).toBe(checksum)
  })

  it('without a folder are an error', async () => {
    await expect(migrate(url, join(folder, 'nowhere'))).rejects.toThrow(/There is no folder of migrations at/)
  })
})
