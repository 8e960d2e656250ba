import { randomBytes } from 'node:crypto'
import { createDatabase, dropDatabase } from './databases.ts'
import { startTemporaryPostgres } from './embedded/temporary.ts'
import { migrate, MIGRATIONS } from './migrate.ts'

export interface TestDatabase {
  url: string
  stop: () => Promise<void>
}

/**
 * A migrated database for one run of tests: on the server of DATABASE_URL if that is set, else on an embedded one in the
 * system's folder for temporary files. `stop` removes it; the embedded one also goes when this process is killed.
 */
export async function startTestDatabase(folder = MIGRATIONS): Promise<TestDatabase> {
  const given = process.env['DATABASE_URL']
  const server = given ? { url: given, stop: async () => {} } : await startTemporaryPostgres()
  const name = `henhouse_test_${randomBytes(6).toString('hex')}`
  const stop = async () => {
    // the embedded server goes with all it holds
    if (given) await dropDatabase(given, name)
    await server.stop()
  }
  try {
    const url = await createDatabase(server.url, name)
    await migrate(url, folder)
    return { url, stop }
  } catch (error) {
    await stop()
    throw error
  }
}
