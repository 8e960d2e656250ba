import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startEmbeddedPostgres, type EmbeddedPostgres } from './start.ts'

// nothing of it is kept, so nothing need reach the disk
const FORGETFUL = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', max_connections: 100 }

/** An embedded Postgres that keeps nothing: it is fast, and gone with all its data when it or this process ends. */
export async function startTemporaryPostgres(): Promise<EmbeddedPostgres> {
  return await startEmbeddedPostgres({
    dataDir: await mkdtemp(join(tmpdir(), 'henhouse-')),
    settings: FORGETFUL,
    temporary: true,
  })
}
