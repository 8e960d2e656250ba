import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { parseArgs } from 'node:util'
import { MIGRATIONS } from '../migrate.ts'
import { diffMigrations } from '../migration-diff.ts'

const USAGE = `Usage: npm run db:new -- <name> [--print]

Writes prisma/migrations/<time>_<name>/migration.sql with what has to be done to a database that has all migrations,
to make it fit the Prisma schema. Add to it by hand what the schema cannot say. --print writes to the screen instead.`

async function main(): Promise<void> {
  const { print, name } = readArguments()
  const script = await diffMigrations(dirname(MIGRATIONS), MIGRATIONS)
  if (script === undefined) console.error('no change: the migrations lead to the schema already')
  else if (print) process.stdout.write(script)
  else console.log(`wrote ${relative('', await write(name, script))}`)
}

function readArguments(): { print: boolean; name: string } {
  try {
    const { values, positionals } = parseArgs({ options: { print: { type: 'boolean' } }, allowPositionals: true })
    const name = positionals
      .join('_')
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, '_')
      .replaceAll(/^_+|_+$/g, '')
    if (name || values.print) return { print: values.print ?? false, name }
  } catch {
    // an option that does not exist
  }
  throw new Error(USAGE)
}

async function write(name: string, script: string): Promise<string> {
  const folder = join(MIGRATIONS, `${await nextTime()}_${name}`)
  await mkdir(folder, { recursive: true })
  // Prisma's own tools ask for it
  await writeFile(join(MIGRATIONS, 'migration_lock.toml'), 'provider = "postgresql"\n')
  const file = join(folder, 'migration.sql')
  await writeFile(file, script, { flag: 'wx' })
  return file
}

/** Migrations are applied in the order of their names, so a new one comes after all others even if a clock is slow. */
async function nextTime(): Promise<string> {
  const now = new Date().toISOString().replaceAll(/\D/g, '').slice(0, 14)
  const last = (await readdir(MIGRATIONS).catch(() => []))
    .map((entry) => entry.slice(0, 14))
    .filter((time) => /^\d{14}$/.test(time))
    .sort()
    .at(-1)
  return last !== undefined && last >= now ? String(Number(last) + 1) : now
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
})
