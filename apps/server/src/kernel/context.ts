import type { Logger } from 'pino'
import { LRUCache } from 'lru-cache'
import { environmentClock } from './clock.ts'
import { forVendor, scoped, type Db } from './db.ts'
import type { Deps, ServerDeps } from './deps.ts'
import type { Environment } from './environments.ts'
import { memoryOf, type Memory } from './memory.ts'
import type { Ctx } from './operation.ts'
import type { Sql, Statement } from './sql.ts'

interface Handles {
  /** single operations, each tried again after a conflict */
  alone: Db
  /** for transactions, which are tried again as a whole */
  together: Db
}

/** Extending a Prisma client is not free: an environment's handles are kept. */
const handles = new WeakMap<object, LRUCache<string, Handles>>()
function handlesOf({ database: { prisma } }: ServerDeps, vendorId: string): Handles {
  let cache = handles.get(prisma)
  if (!cache) handles.set(prisma, (cache = new LRUCache({ max: 1000 })))
  let found = cache.get(vendorId)
  if (!found)
    cache.set(
      vendorId,
      (found = {
        alone: forVendor(prisma, vendorId, persistently) as unknown as Db,
        together: forVendor(prisma, vendorId) as unknown as Db,
      }),
    )
  return found
}

const addresses = new WeakMap<ServerDeps, LRUCache<string, ServerDeps>>()
/** The server at another one of its addresses, if it has several. */
export function at(deps: ServerDeps, address: string): ServerDeps {
  if (!deps.usualUrl || address === deps.publicUrl.href) return deps
  let cache = addresses.get(deps)
  if (!cache) addresses.set(deps, (cache = new LRUCache({ max: 100 })))
  let found = cache.get(address)
  if (!found) cache.set(address, (found = { ...deps, publicUrl: new URL(address) }))
  return found
}

const withoutDatabase = new WeakMap<ServerDeps, Deps>()
/** The part of it that areas see. */
function visible(deps: ServerDeps): Deps {
  let found = withoutDatabase.get(deps)
  if (!found) {
    const { database: _, ...rest } = deps
    withoutDatabase.set(deps, (found = rest))
  }
  return found
}

export const sqlFor =
  ({ database: { pool, prepared } }: ServerDeps, vendorId: string): Sql =>
  <Row extends object>(
    { name, text, planEachTime }: Statement<Row, readonly unknown[]>,
    ...values: readonly unknown[]
  ) =>
    persistently(
      async () =>
        (await pool.query<Row>({ ...(prepared && !planEachTime && { name }), text, values: [vendorId, ...values] }))
          .rows,
    )

interface RawClient {
  $queryRawUnsafe(key: symbol, text: string, ...values: readonly unknown[]): Promise<unknown>
}
const sqlWithin =
  (tx: RawClient, vendorId: string): Sql =>
  <Row extends object>({ text }: { text: string }, ...values: readonly unknown[]) =>
    tx.$queryRawUnsafe(scoped, text, vendorId, ...values) as Promise<Row[]>

/** @param applicationId the one that the call names */
export function contextFor(
  deps: ServerDeps,
  environment: Environment,
  log: Logger,
  { applicationId, call }: Partial<Pick<Ctx, 'applicationId' | 'call'>> = {},
): Ctx {
  const { alone, together } = handlesOf(deps, environment.id),
    memory = memoryOf(deps.database)
  const ctx: Ctx = {
    vendorId: environment.id,
    environment,
    clock: environmentClock(deps.systemClock, environment),
    random: deps.random,
    log,
    applicationId,
    call,
    deps: visible(deps),
    db: alone,
    sql: sqlFor(deps, environment.id),
    recall: (kind, load) => memory.recall(environment.id, kind, load),
    inTransaction: false,
    counted: new Set(),
    atomically: (work) => persistently(() => transaction(ctx, together, memory, work)),
  }
  return ctx
}

const transaction = <T>(ctx: Ctx, db: Db, memory: Memory, work: (ctx: Ctx) => Promise<T>): Promise<T> =>
  db.$transaction(
    (tx) => {
      const inside: Ctx = {
        ...ctx,
        db: tx,
        sql: sqlWithin(tx as unknown as RawClient, ctx.vendorId),
        recall: (kind, load) => memory.recallWithin(ctx.vendorId, kind, load),
        inTransaction: true,
        atomically: (more) => more(inside),
      }
      return work(inside)
    },
    { maxWait: 10_000, timeout: 20_000 },
  )

/** Repeats what Postgres has rolled back because of a conflict with another transaction. */
async function persistently<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      if (attempt === 4 || !isWriteConflict(error)) throw error
    }
  }
}

/**
 * Deadlocks and serialization failures in their three forms: from Prisma, at COMMIT, and from Postgres itself (`sql`).
 */
function isWriteConflict(error: unknown) {
  const e = error as { code?: string; cause?: { kind?: string } }
  return ['P2034', '40001', '40P01'].includes(e.code ?? '') || e.cause?.kind === 'TransactionWriteConflict'
}
