import type { MigrationList, SchemaContainer } from '@prisma/schema-engine-wasm'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startTemporaryPostgres } from './embedded/temporary.ts'
import { readMigrations } from './migrate.ts'
import { diff } from './schema-engine.ts'

/**
 * The SQL that takes a database from where the folder's migrations leave it to the Prisma schema, or undefined when it is
 * there already. What the Prisma schema language cannot say (functions, triggers, partial indexes) counts as no difference.
 *
 * @throws when a migration fails on an empty database, or the schema is not valid
 */
export async function diffMigrations(schemaFolder: string, migrationsFolder: string): Promise<string | undefined> {
  const [migrations, files] = await Promise.all([migrationList(migrationsFolder), readSchema(schemaFolder)])
  const server = await startTemporaryPostgres()
  try {
    const { stdout } = await diff(server.url, {
      from: { tag: 'migrations', ...migrations },
      to: { tag: 'schemaDatamodel', files },
      script: true,
      exitCode: null,
      filters: { externalTables: [], externalEnums: [] },
    })
    return !stdout || /^-- This is an empty migration/m.test(stdout) ? undefined : stdout
  } finally {
    await server.stop()
  }
}

async function migrationList(folder: string): Promise<MigrationList> {
  const found = await readMigrations(folder).catch((error: unknown) => {
    // the very first migration makes the folder
    if ((error as { cause?: NodeJS.ErrnoException }).cause?.code === 'ENOENT') return []
    throw error
  })
  return {
    baseDir: folder,
    lockfile: { path: 'migration_lock.toml', content: 'provider = "postgresql"\n' },
    shadowDbInitScript: '',
    migrationDirectories: found.map(({ name, script }) => ({
      path: name,
      migrationFile: { path: 'migration.sql', content: { tag: 'ok', value: script } },
    })),
  }
}

async function readSchema(folder: string): Promise<SchemaContainer[]> {
  const names = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.prisma')).sort()
  if (names.length === 0) throw new Error(`There is no Prisma schema in ${folder}`)
  return await Promise.all(
    names.map(async (name) => ({ path: join(folder, name), content: await readFile(join(folder, name), 'utf8') })),
  )
}
