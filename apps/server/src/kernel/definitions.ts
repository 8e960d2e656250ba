/*
 * Definitions: what an environment's administrators decide, such as its settings, roles and applications. Each is read once
 * and kept in memory until one of its tables changes.
 *
 * The area that owns the tables declares a definition:
 *
 *   export const colours = definition('colours', {
 *     models: ['Colour'],                                   // all tables that `load` reads
 *     load: async ({ db }) => new Map((await db.colour.findMany()).map((row) => [row.key, row])),
 *   })
 *
 * and anybody reads it with `await colours(ctx)`, usually without a statement. What tenants have of their own may be too much
 * to load at once: `definitionOfTenants` loads it by tenant.
 *
 * - A new table needs its triggers: `SELECT tells_of_changes('"Colour"')` in a migration. A test looks for them. They tell of
 *   every write, whoever made it and however: nothing has to be forgotten by hand.
 * - After a write has returned, the next reading on this replica sees it; other replicas hear of it within milliseconds, or
 *   look again after five seconds if they cannot hear. A transaction sees its own writes.
 * - Values are frozen and shared by all requests. `load` reads what belongs to the environment (`ctx.db`, `ctx.sql`), the same
 *   for every caller, and not the time.
 */
import type { Prisma } from '@henhouse/database'
import { LRUCache } from 'lru-cache'
import { frozen, type Kind } from './memory.ts'
import type { Ctx } from './operation.ts'

interface Source {
  /** the tables that it is made of */
  readonly models: readonly Prisma.ModelName[]
}

interface Declared extends Kind {
  /** What is read for a tenant or its environment, and what the database has. */
  compare(ctx: Ctx, tenantId: string): Promise<[read: unknown, stored: unknown]>
}
const declared: Declared[] = []
/** All definitions of the loaded modules: tests look at them. */
export const declaredDefinitions: readonly Declared[] = declared

export function definition<V extends object>(
  name: string,
  { models, load }: Source & { load(ctx: Ctx): Promise<V> },
): (ctx: Ctx) => Promise<V> {
  const kind = { name, models },
    read = (ctx: Ctx) => ctx.recall(kind, () => load(ctx))
  declared.push({ ...kind, compare: async (ctx) => [await read(ctx), await load(ctx)] })
  return read
}

/** The tenants that are kept of one environment. */
const MOST_TENANTS = 500

/**
 * What each tenant has of its own. `load` reads it for several tenants in one statement; `none` is what the others have.
 * All of an environment's tenants are forgotten together.
 */
export function definitionOfTenants<V extends object>(
  name: string,
  {
    models,
    load,
    none,
  }: Source & { load(ctx: Ctx, tenantIds: readonly string[]): Promise<ReadonlyMap<string, V>>; none: V },
): (ctx: Ctx, tenantIds: readonly string[]) => Promise<(tenantId: string) => V> {
  const kind = { name, models }
  const ofEnvironment = (ctx: Ctx) => ctx.recall(kind, async () => new LRUCache<string, V>({ max: MOST_TENANTS }))
  async function read(ctx: Ctx, tenantIds: readonly string[]) {
    const kept = await ofEnvironment(ctx),
      found = new Map<string, V>(),
      missing: string[] = []
    for (const id of new Set(tenantIds)) {
      const value = kept.get(id)
      if (value) found.set(id, value)
      else missing.push(id)
    }
    if (missing.length) {
      const loaded = await load(ctx, missing)
      // otherwise something has changed meanwhile, or this transaction changes something
      const isCurrent = (await ofEnvironment(ctx)) === kept
      for (const id of missing) {
        const value = frozen(loaded.get(id) ?? none)
        found.set(id, value)
        if (isCurrent) kept.set(id, value)
      }
    }
    return (id: string) => found.get(id) ?? none
  }
  declared.push({
    ...kind,
    compare: async (ctx, id) => [(await read(ctx, [id]))(id), (await load(ctx, [id])).get(id) ?? none],
  })
  return read
}
