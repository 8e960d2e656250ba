import type { Logger } from 'pino'
import { LRUCache } from 'lru-cache'
import { environmentClock } from './clock.ts'
import { forVendor, type Db } from './db.ts'
import type { Deps } from './deps.ts'
import type { Environment } from './environments.ts'
import type { Ctx } from './operation.ts'

/** Extending a Prisma client is not free: one per environment is kept. */
const handles = new WeakMap<object, LRUCache<string, Db>>()
function handle(deps: Deps, vendorId: string): Db {
  let cache = handles.get(deps.database.prisma)
  if (!cache) handles.set(deps.database.prisma, cache = new LRUCache({ max: 1000 }))
  let db = cache.get(vendorId)
  if (!db) cache.set(vendorId, db = forVendor(deps.database.prisma, vendorId) as unknown as Db)
  return db
}

export function contextFor(deps: Deps, environment: Environment, log: Logger): Ctx {
  const base = {
    vendorId: environment.id, environment, clock: environmentClock(deps.systemClock, environment),
    random: deps.random, log, deps,
  }
  const ctx: Ctx = { ...base, db: handle(deps, environment.id), atomically: (work) => transaction(ctx, work) }
  return ctx
}

async function transaction<T>(ctx: Ctx, work: (ctx: Ctx) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await ctx.db.$transaction((tx) => {
        const inside: Ctx = { ...ctx, db: tx as unknown as Db, atomically: (more) => more(inside) }
        return work(inside)
      }, { maxWait: 10_000, timeout: 20_000 })
    } catch (error) {
      if (attempt === 4 || !isWriteConflict(error)) throw error
    }
  }
}

/** Deadlocks and serialization failures; at COMMIT they arrive without Prisma's own code. */
function isWriteConflict(error: unknown) {
  const e = error as { code?: string, cause?: { kind?: string } }
  return e.code === 'P2034' || e.cause?.kind === 'TransactionWriteConflict'
}
