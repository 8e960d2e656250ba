import type { Logger } from 'pino'
import { LRUCache } from 'lru-cache'
import { environmentClock } from './clock.ts'
import { forVendor, type Db } from './db.ts'
import type { Deps } from './deps.ts'
import type { Environment } from './environments.ts'
import type { Ctx } from './operation.ts'

interface Handles {
  /** what runs by itself is tried again */
  alone: Db
  /** for transactions, which are tried again as a whole */
  together: Db
}

/** Extending a Prisma client is not free: what there is for an environment is kept. */
const handles = new WeakMap<object, LRUCache<string, Handles>>()
function handlesOf({ database: { prisma } }: Deps, vendorId: string): Handles {
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

export function contextFor(deps: Deps, environment: Environment, log: Logger): Ctx {
  const { alone, together } = handlesOf(deps, environment.id)
  const base = {
    vendorId: environment.id,
    environment,
    clock: environmentClock(deps.systemClock, environment),
    random: deps.random,
    log,
    deps,
  }
  const ctx: Ctx = { ...base, db: alone, atomically: (work) => persistently(() => transaction(ctx, together, work)) }
  return ctx
}

const transaction = <T>(ctx: Ctx, db: Db, work: (ctx: Ctx) => Promise<T>): Promise<T> =>
  db.$transaction(
    (tx) => {
      const inside: Ctx = { ...ctx, db: tx as unknown as Db, atomically: (more) => more(inside) }
      return work(inside)
    },
    { maxWait: 10_000, timeout: 20_000 },
  )

/** Does again what Postgres has undone because somebody else was in the way. */
async function persistently<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      if (attempt === 4 || !isWriteConflict(error)) throw error
    }
  }
}

/** Deadlocks and serialization failures; at COMMIT they arrive without Prisma's own code. */
function isWriteConflict(error: unknown) {
  const e = error as { code?: string; cause?: { kind?: string } }
  return e.code === 'P2034' || e.cause?.kind === 'TransactionWriteConflict'
}
