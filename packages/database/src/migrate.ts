import { createHash, randomUUID } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'

/** `prisma/migrations` of this repository: as far up from `src` as from `dist`. */
export const MIGRATIONS = fileURLToPath(new URL('../../../prisma/migrations', import.meta.url))

// the advisory lock and the table are those of `prisma migrate`, so that either may be used on the same database
const LOCK = 72_707_369
const TABLE = `create table if not exists "_prisma_migrations" (
  id varchar(36) primary key not null, checksum varchar(64) not null, finished_at timestamptz,
  migration_name varchar(255) not null, logs text, rolled_back_at timestamptz,
  started_at timestamptz not null default now(), applied_steps_count integer not null default 0)`

/** The first migration of the versions before 0.2.0, which were never released: 0.2.0 begins anew. */
const BEFORE_0_2_0 = '20261123000000_init'

const CONCURRENTLY = /\b(index|table|schema|database)\s+concurrently\b/i
const COMMENTS = /--.*$|\/\*[^]*?\*\//gm

export interface Migration {
  name: string
  script: string
}

/**
 * Applies the migrations of the folder that the database has not seen, in the order of their names, each in a
 * transaction together with its record. A script that makes or drops an index `concurrently` runs outside of one, as Postgres
 * demands, and must hold that one statement only. Any number of processes may do this at once: each migration is applied by one.
 *
 * @returns the names of those that this call applied
 * @throws when a script fails (it is rolled back whole, and tried again next time), when an applied one was edited, when
 * one that committed in its middle failed earlier, or when the database is of a version before 0.2.0
 */
export async function migrate(url: string, folder = MIGRATIONS): Promise<string[]> {
  const migrations = await readMigrations(folder)
  return await withClient(url, async (client) => {
    // most starts find nothing to do: they need neither the lock nor the right to write
    if ((await pendingOf(client, migrations)).length === 0) return []
    await client.query('select pg_advisory_lock($1)', [LOCK])
    await client.query(TABLE)
    const applied: string[] = []
    for (const migration of await pendingOf(client, migrations)) {
      await apply(client, migration)
      applied.push(migration.name)
    }
    return applied
  })
}

/**
 * The names of the migrations that the database lacks.
 *
 * @throws as `migrate` does for an edited or a half applied migration
 */
export async function pendingMigrations(url: string, folder = MIGRATIONS): Promise<string[]> {
  const migrations = await readMigrations(folder)
  return await withClient(url, async (client) => (await pendingOf(client, migrations)).map(({ name }) => name))
}

/** All migrations of a folder, oldest first. */
export async function readMigrations(folder: string): Promise<Migration[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    throw new Error(`There is no folder of migrations at ${folder}`, { cause: error })
  })
  const names = entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort()
  return await Promise.all(
    names.map(async (name) => ({ name, script: await readFile(join(folder, name, 'migration.sql'), 'utf8') })),
  )
}

async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url })
  // a broken connection fails the query that waits for it
  client.on('error', () => {})
  try {
    await client.connect()
    return await work(client)
  } finally {
    // ends the session, and with it the advisory lock
    await client.end()
  }
}

async function pendingOf(client: pg.Client, migrations: Migration[]): Promise<Migration[]> {
  const {
    rows: [found],
  } = await client.query<{ table: string | null }>(`select to_regclass('"_prisma_migrations"') as table`)
  if (!found?.table) return migrations
  const { rows } = await client.query<{ name: string; checksum: string; done: boolean }>(
    `select migration_name as name, checksum, finished_at is not null as done from "_prisma_migrations" where rolled_back_at is null`,
  )
  if (rows.some(({ name }) => name === BEFORE_0_2_0))
    throw new Error(
      'This database was made by a version of Henhouse before 0.2.0 and cannot be upgraded. Nothing in it has been changed. ' +
        'Start with an empty one: set DATABASE_URL to another database, or, in the emulator, HENHOUSE_DATA to another folder',
    )
  const failed = rows.find(({ done }) => !done)
  if (failed) {
    throw new Error(
      `Migration ${failed.name} was applied in part before it failed. Undo by hand what it did, then forget the attempt: ` +
        `delete from "_prisma_migrations" where migration_name = '${failed.name}'`,
    )
  }
  const checksums = new Map(rows.map(({ name, checksum }) => [name, checksum]))
  return migrations.filter(({ name, script }) => {
    const known = checksums.get(name)
    if (known !== undefined && !checksumsOf(script).includes(known)) {
      throw new Error(
        `Migration ${name} was edited after it was applied to this database: restore it, and put the change into a new one`,
      )
    }
    return known === undefined
  })
}

/** A check-out may have turned line ends into those of its system. */
const checksumsOf = (script: string): string[] =>
  [script, script.replaceAll('\r\n', '\n'), script.replaceAll(/\r?\n/g, '\r\n')].map((text) =>
    createHash('sha256').update(text).digest('hex'),
  )

async function apply(client: pg.Client, { name, script }: Migration): Promise<void> {
  const id = randomUUID()
  const checksum = checksumsOf(script)[0]
  const inTransaction = !CONCURRENTLY.test(script.replaceAll(COMMENTS, ''))
  try {
    if (inTransaction) await client.query('begin')
    await client.query('insert into "_prisma_migrations" (id, checksum, migration_name) values ($1, $2, $3)', [
      id,
      checksum,
      name,
    ])
    await client.query(script)
    // the script may have changed settings of the session, such as search_path
    await client.query('reset all')
    await client.query(
      'update "_prisma_migrations" set finished_at = clock_timestamp(), applied_steps_count = 1 where id = $1',
      [id],
    )
    if (inTransaction) await client.query('commit')
  } catch (error) {
    await recordFailure(client, { id, checksum, name, error })
    throw new Error(
      `Migration ${name} failed${whereIn(script, error)}: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    )
  }
}

/** As `prisma migrate` would leave it: rolled back when nothing is left of the script, unfinished when it committed a part. */
async function recordFailure(
  client: pg.Client,
  failure: { id: string; checksum: string | undefined; name: string; error: unknown },
): Promise<void> {
  const { id, checksum, name, error } = failure
  try {
    await client.query('rollback')
    await client.query('reset all')
    const { rowCount } = await client.query('update "_prisma_migrations" set logs = $2 where id = $1', [
      id,
      String(error),
    ])
    if (rowCount) return
    await client.query(
      'insert into "_prisma_migrations" (id, checksum, migration_name, logs, rolled_back_at) values ($1, $2, $3, $4, now())',
      [id, checksum, name, String(error)],
    )
  } catch {
    // the connection is gone, and the transaction with it
  }
}

function whereIn(script: string, error: unknown): string {
  const position = error instanceof pg.DatabaseError ? Number(error.position) : Number.NaN
  return position > 0 ? ` in line ${script.slice(0, position).split('\n').length}` : ''
}
