import { startEmbeddedPostgres } from '../embedded/start.ts'
import { migrate } from '../migrate.ts'

const DATA_FOLDER = '.henhouse/postgres'

async function main(): Promise<void> {
  const given = process.env['DATABASE_URL']
  const server = given ? undefined : await startEmbeddedPostgres({ dataDir: DATA_FOLDER, onProgress: console.error })
  try {
    const applied = await migrate(server?.url ?? given ?? '')
    for (const name of applied) console.log(`applied ${name}`)
    if (applied.length === 0) console.log('nothing to apply: the database is up to date')
  } finally {
    await server?.stop()
  }
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
})
