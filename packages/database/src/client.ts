import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'
import { telling, type Changes } from './changes.ts'
import { listen, type Hearer } from './listen.ts'
import { PrismaClient } from './generated/client.ts'
import { statementNames } from './statement-names.ts'

export interface Database {
  prisma: PrismaClient
  /** the connections that `prisma` uses, for the few statements that must not go through it */
  pool: pg.Pool
  /** whether connections may keep statements prepared under names */
  prepared: boolean
  /** what triggers say about this process's own transactions */
  changes: Changes
  /** hears what anybody notifies on a channel, until the database is closed */
  listen: (channel: string, hearer: Hearer) => void
  /** waits for running queries */
  close: () => Promise<void>
}

export interface DatabaseOptions {
  /** connections at most; 10 when absent */
  max?: number
  /** how long a query may wait for a free connection, in milliseconds; 10 seconds when absent */
  connectionTimeout?: number
  /** false behind a pooler that hands a connection on between two statements; true when absent */
  prepared?: boolean
}

/** Opens a pool of connections, each made when first needed: a wrong address shows at the first query. */
export function openDatabase(
  url: string,
  { max = 10, connectionTimeout = 10_000, prepared = true }: DatabaseOptions = {},
): Database {
  const { Client, changes } = telling(Listening)
  const pool = new pg.Pool({
    connectionString: url,
    max,
    Client,
    connectionTimeoutMillis: connectionTimeout,
    keepAlive: true,
    // with a connection go the statements that it remembers
    maxLifetimeSeconds: 3600,
    // eslint-disable-next-line @typescript-eslint/no-misused-promises -- the pool waits for it, its types do not say so
    onConnect: prepare,
  })
  // an idle connection that breaks is replaced at the next query
  pool.on('error', () => {})
  const prisma = new PrismaClient({
    adapter: new PrismaPg(pool, prepared ? { statementNameGenerator: statementNames() } : {}),
  })
  const ends: (() => Promise<void>)[] = []
  let closed: Promise<void> | undefined
  return {
    prisma,
    pool,
    prepared,
    changes,
    listen(channel, hearer) {
      ends.push(listen(url, channel, hearer, (text) => pool.query('select pg_notify($1, $2)', [channel, text])))
    },
    close: () =>
      (closed ??= Promise.all([prisma.$disconnect().then(() => pool.end()), ...ends.map((end) => end())]).then(
        () => {},
      )),
  }
}

/**
 * A broken connection fails its queries and is replaced. Postgres may also say why it ends one between two queries, when
 * neither the pool nor Prisma listens; then an error without a listener would end the process.
 */
class Listening extends pg.Client {
  constructor(config?: string | pg.ClientConfig) {
    super(config)
    this.on('error', () => {})
  }
}

/**
 * Prisma writes and reads moments without their offset, as if every database were in UTC: in a database of another time zone
 * they would not be those that statements of our own write and read.
 *
 * Postgres would compile statements that it takes for costly: most of a second for one of a few milliseconds. A server that
 * cannot compile does not mind.
 */
const prepare = async (client: pg.ClientBase) => {
  await client.query("set timezone = 'UTC'")
  await client.query('set jit = off').catch(() => {})
}
