import { setTimeout as pause } from 'node:timers/promises'
import { migrate, openDatabase, type Database } from '@henhouse/database'
import type { Logger } from 'pino'
import type { SecretBox } from '../kernel/secrets.ts'
import type { Server } from '../kernel/app.ts'

/** What the programs share: how they start and end. */

/** Why a program cannot start, in words for the person who started it. */
export class StartFailure extends Error {
  override readonly name = 'StartFailure'
}

/** Ends a program that could not start: prints why, and exits with 1. */
export function giveUp(error: unknown): never {
  const expected = error instanceof Error && ['StartFailure', 'ConfigError'].includes(error.name)
  process.stderr.write(`${expected ? error.message : error instanceof Error ? error.stack : String(error)}\n`)
  process.exit(1)
}

export interface DatabaseNeeds {
  /** at most */
  connections: number
  /** true when absent */
  preparedStatements?: boolean
  secrets: SecretBox
  /** what to say when the database's secrets were sealed with another key */
  otherKey: string
  onMigrated?: (names: readonly string[]) => void
}

/** The oldest Postgres whose unique indexes can treat nulls as equal. */
const OLDEST_POSTGRES = 15

/**
 * Opens a database that this server can use, and applies all migrations. Replicas may do this at once.
 * @throws StartFailure when it is out of reach, too old, or holds secrets sealed with another key; then nothing in it
 * has changed
 */
export async function openMigrated(
  url: string,
  { connections, preparedStatements = true, secrets, otherKey, onMigrated }: DatabaseNeeds,
): Promise<Database> {
  const database = openDatabase(url, { max: connections, prepared: preparedStatements })
  try {
    await mustBeRecent(database, url)
    await mustOpen(database, secrets, otherKey)
    const names = await migrate(url).catch((error: Error) => {
      throw new StartFailure(error.message)
    })
    if (names.length) onMigrated?.(names)
    return database
  } catch (error) {
    await database.close()
    throw error
  }
}

async function mustBeRecent({ pool }: Database, url: string) {
  const { rows } = await pool
    .query<{ number: number; name: string }>(
      "select current_setting('server_version_num')::int as number, current_setting('server_version') as name",
    )
    .catch((error: unknown) => {
      const { host, pathname } = new URL(url),
        { message, code } = error as Error & { code?: string }
      throw new StartFailure(
        `The database ${decodeURIComponent(pathname.slice(1))} at ${host} cannot be used: ${message || code}`,
      )
    })
  const [{ number, name }] = rows as [{ number: number; name: string }]
  if (number < OLDEST_POSTGRES * 10_000)
    throw new StartFailure(`Postgres ${OLDEST_POSTGRES} or later is needed, and the server of DATABASE_URL is ${name}`)
}

/** Any one secret shows it: all are sealed with the same key. */
async function mustOpen({ pool }: Database, secrets: SecretBox, otherKey: string) {
  const {
    rows: [known],
  } = await pool.query<{ there: boolean }>('select to_regclass(\'"SigningKey"\') is not null as there')
  if (!known?.there) return
  const {
    rows: [sealed],
  } = await pool.query<{ secret: string }>('select secret from "SigningKey" limit 1')
  if (!sealed) return
  try {
    secrets.open(sealed.secret)
  } catch {
    throw new StartFailure(otherKey)
  }
}

export async function listen({ http }: Server, { host, port }: { host: string; port: number }) {
  await http.listen({ host, port }).catch((error: unknown) => {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'EADDRINUSE')
      throw new StartFailure(
        `Port ${port} is taken by another program: end that one, or choose another port (HENHOUSE_PORT)`,
      )
    if (code === 'EACCES')
      throw new StartFailure(`Port ${port} may not be used by this account: choose one from 1024 on (HENHOUSE_PORT)`)
    if (code === 'ENOTFOUND' || code === 'EADDRNOTAVAIL')
      throw new StartFailure(`HENHOUSE_HOST ${host} is no address of this machine (${message})`)
    throw error
  })
}

/** How long requests and jobs may take to finish when the process is asked to end. */
const PATIENCE_MS = 10_000
/** A second signal within this time is the same one: it was sent to the whole process group. */
const ECHO_MS = 500

/**
 * On SIGTERM or Ctrl-C, calls `end` and exits with 0; with 1 when that fails, takes too long, or a second signal comes.
 * @param graceMs how long `end` waits on purpose
 */
export function endOnSignal(log: Logger, end: () => Promise<void>, graceMs = 0) {
  let since: number | undefined
  const onSignal = (signal: string) => {
    const now = performance.now()
    if (since !== undefined) {
      if (now - since > ECHO_MS) process.exit(1)
      return
    }
    since = now
    log.info({ signal }, 'ending')
    setTimeout(() => {
      log.error(`not everything was finished within ${PATIENCE_MS / 1000} seconds`)
      process.exit(1)
    }, graceMs + PATIENCE_MS).unref()
    end().then(
      () => process.exit(0),
      (error: unknown) => {
        log.error({ err: error }, 'could not end cleanly')
        process.exit(1)
      },
    )
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, onSignal)
}

/**
 * Stops taking requests, and waits for the requests and jobs that are running.
 * @param graceMs how long it serves on before that while it says that it is not ready: load balancers look every few seconds
 */
export async function drain({ http, health }: Server, worker: { stop(): Promise<void> }, graceMs = 0) {
  health.unready = 'the server is ending'
  await pause(graceMs)
  await Promise.all([http.close(), worker.stop()])
}
