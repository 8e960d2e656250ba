import { mkdir, realpath, rm, stat } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { dirname, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { serviceAccount } from './account.ts'
import { findBinaries, type Binaries } from './binaries.ts'
import { dataOf, makeFolder, placeOf, prepareData, type DataFolder } from './data-folder.ts'
import { explain, explainFileError, isMemoryHeld, isPortTaken } from './faults.ts'
import { spawnGuarded, type GuardedProcess } from './guard.ts'
import { endOrphan } from './orphan.ts'
import { takeOwnership, type Ownership } from './owner.ts'

export interface EmbeddedPostgresOptions {
  /** made when it does not exist; one server at a time */
  dataDir: string
  /** of 127.0.0.1; a free one when absent */
  port?: number
  /** as in postgresql.conf, before which they take precedence */
  settings?: Record<string, string | number | boolean>
  /** delete the data folder when the server ends, however it ends */
  temporary?: boolean
  /** called before a step that takes a moment, in words for a person */
  onProgress?: (message: string) => void
}

export interface EmbeddedPostgres {
  /** of the superuser `postgres` and the database `postgres`, with the password */
  url: string
  /** resolves when the server has ended: with undefined after `stop`, else with the reason */
  ended: Promise<Error | undefined>
  /** disconnects everybody, writes a checkpoint and ends the server; may be called twice */
  stop: () => Promise<void>
}

const DEFAULT_SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  // the default lets a busy afternoon leave a gigabyte of log behind
  max_wal_size: '256MB',
  // Prepared statements keep the plan of their first minute, in which tables are nearly empty and are read whole, until
  // Postgres has counted the rows again.
  autovacuum_naptime: '5s',
  // failed statements are the caller's to report; their texts hold personal data
  log_min_messages: 'log',
  log_checkpoints: 'off',
}

const START_LIMIT = 60_000

/**
 * Starts a real Postgres as a child process on 127.0.0.1, from the binaries that npm installed. It ends with this
 * process, whatever ends that, and does not keep this process alive.
 *
 * @throws with words for a person: no binaries for this system, data folder in use or of another version, port taken, disk full
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const dataDir = resolve(options.dataDir)
  try {
    const account = await serviceAccount(dataOf(dataDir), dataDir)
    const binaries = await findBinaries(account)
    // the folders above are not for Postgres alone, so they get the usual mode
    await mkdir(dirname(dataDir), { recursive: true })
    await makeFolder(dataDir, account)
    const real = await realpath(dataDir)
    const folder: DataFolder = { dataDir: real, data: dataOf(real), account, temporary: options.temporary ?? false }
    const ownership = await takeOwnership(real)
    try {
      return await startOwned(folder, binaries, options, ownership)
    } catch (error) {
      await ownership.release()
      throw error
    }
  } catch (error) {
    throw explainFileError(error, dataDir)
  }
}

async function startOwned(
  folder: DataFolder,
  binaries: Binaries,
  options: EmbeddedPostgresOptions,
  ownership: Ownership,
): Promise<EmbeddedPostgres> {
  if (await stat(folder.data).catch(() => undefined)) await endOrphan(folder.data)
  const deadline = performance.now() + START_LIMIT
  for (;;) {
    const password = await prepareData(folder, binaries, () =>
      options.onProgress?.(`Making a new database in ${folder.dataDir}`),
    )
    const port = options.port ?? (await freePort())
    const server = await launch(folder, binaries, port, options.settings)
    const failure = await ready(server, deadline)
    if (failure === undefined)
      return running(server, folder, ownership, `postgres://postgres:${password}@127.0.0.1:${port}/postgres`)
    // another program can be quicker to take a port that was free a moment ago
    const retry = (options.port === undefined && isPortTaken(server.log())) || isMemoryHeld(server.log())
    if (!retry || performance.now() > deadline)
      throw explain({ doing: 'start', code: failure, log: server.log(), dataDir: folder.dataDir, port })
    if (folder.temporary) await makeFolder(folder.dataDir, folder.account)
    await delay(100)
  }
}

async function launch(
  { dataDir, data, account, temporary }: DataFolder,
  binaries: Binaries,
  port: number,
  settings = {},
): Promise<GuardedProcess> {
  const { directory, cwd } = await placeOf(data, account)
  const all = Object.entries<string | number | boolean>({ ...DEFAULT_SETTINGS, port, ...settings })
  return spawnGuarded(
    binaries.postgres,
    ['-D', directory, ...all.flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    {
      cwd,
      account,
      remove: temporary ? { folder: dataDir, when: 'end' } : undefined,
      stop: [binaries.pgCtl, 'stop', '-m', 'fast', '-D', data],
    },
  )
}

/** undefined when the server is ready, else its exit code (null: ended by a signal, or by us because it took too long) */
async function ready(server: GuardedProcess, deadline: number): Promise<number | null | undefined> {
  const limit = setTimeout(server.end, deadline - performance.now())
  try {
    return await Promise.race([server.logged(/ready to accept connections/).then(() => undefined), server.exited])
  } finally {
    clearTimeout(limit)
  }
}

function running(server: GuardedProcess, folder: DataFolder, ownership: Ownership, url: string): EmbeddedPostgres {
  let stopping = false
  const ended = server.exited.then(async (code) => {
    // somebody may have killed the guard alone
    await endOrphan(folder.data).catch(() => {})
    await ownership.release()
    // the guard's account may empty a folder, but not always delete it
    if (folder.temporary) await rm(folder.dataDir, { recursive: true, force: true }).catch(() => {})
    return stopping ? undefined : explain({ doing: 'go on', code, log: server.log(), dataDir: folder.dataDir })
  })
  server.unref()
  return {
    url,
    ended,
    stop: async () => {
      stopping = true
      server.end()
      await ended
    },
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}
