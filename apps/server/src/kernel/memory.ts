import type { Database } from '@henhouse/database'
import { LRUCache } from 'lru-cache'
import type { Logger } from 'pino'

/** Something that is kept by environment, and the tables that it is made of. */
export interface Kind {
  readonly name: string
  readonly models: readonly string[]
}

/**
 * How long what is kept may be used without a word from the database. It is longer than the time between two words, so while
 * the database is heard, nothing is read again.
 */
export const FRESH_MS = 5000
/** Each environment takes about 60 kB. */
const MOST_ENVIRONMENTS = 500
/** Where the triggers of these tables notify (see the migration `tell_of_changes`). */
const CHANNEL = 'henhouse_changes'

interface Kept {
  readonly value: object
  /** when its reading began */
  readonly since: number
}
interface Reading {
  readonly vendorId: string
  readonly kind: Kind
  /** undefined: for one transaction only */
  shared?: Promise<object | undefined>
  /** something has changed since it began */
  outdated: boolean
}

/** What a trigger tells of a change. */
const told = (model: string, vendorId: string) => `${model} ${vendorId}`

/** Where what was read is kept. */
function shelf(time: { now(): number }, most: number) {
  const environments = new LRUCache<string, Map<Kind, Kept>>({ max: most })
  let heardAt = -Infinity
  /** how often by model; '' stands for all */
  const cleared = new Map<string, number>()
  const count = (model: string) => cleared.set(model, (cleared.get(model) ?? 0) + 1)
  return {
    get(vendorId: string, kind: Kind) {
      const kept = environments.get(vendorId)?.get(kind)
      return kept && time.now() - Math.max(kept.since, heardAt) <= FRESH_MS ? kept.value : undefined
    },
    put(vendorId: string, kind: Kind, kept: Kept) {
      const kinds = environments.get(vendorId) ?? new Map<Kind, Kept>()
      kinds.set(kind, kept)
      environments.set(vendorId, kinds)
    },
    clear(vendorId: string, model: string) {
      count(model)
      const kinds = environments.peek(vendorId)
      for (const kind of kinds?.keys() ?? []) if (kind.models.includes(model)) kinds!.delete(kind)
    },
    clearAll() {
      count('')
      environments.clear()
    },
    /** Grows with each change of these models that is heard of, in whatever environment. */
    age: (models: readonly string[]) => ['', ...models].reduce((sum, model) => sum + (cleared.get(model) ?? 0), 0),
    /** All changes until this moment have been heard of. */
    caughtUp(at: number) {
      heardAt = at
    },
  }
}

/**
 * Keeps what was read of an environment until it changes. A change is heard of when its transaction is over: at once from this
 * process's own connections (`database.changes`), and by notification from all others. What a reading that began before a
 * change has found is not kept.
 * @param time in milliseconds
 */
export function memoryFor(
  changes: Database['changes'],
  time: { now(): number } = performance,
  most = MOST_ENVIRONMENTS,
) {
  const kept = shelf(time, most)
  const readings = new Set<Reading>()

  /** @param mayKeep is asked at the end */
  async function read(reading: Reading, load: () => Promise<object | undefined>, mayKeep: () => boolean) {
    const since = time.now()
    readings.add(reading)
    try {
      const value = frozen(await load())
      if (value && !reading.outdated && mayKeep()) kept.put(reading.vendorId, reading.kind, { value, since })
      return value
    } finally {
      readings.delete(reading)
    }
  }

  /** Takes in what a trigger has told. */
  function heard(text: string) {
    const [model, vendorId] = text.split(' ') as [string, string]
    kept.clear(vendorId, model)
    for (const reading of readings)
      if (reading.vendorId === vendorId && reading.kind.models.includes(model)) reading.outdated = true
  }
  changes.subscribe(heard)

  return {
    /** What is kept, or else what `load` finds; requests at the same time share it. What is not there (undefined) is not kept. */
    async recall<V extends object | undefined>(vendorId: string, kind: Kind, load: () => Promise<V>): Promise<V> {
      const known = kept.get(vendorId, kind)
      if (known) return known as V
      for (const running of readings)
        if (running.shared && !running.outdated && running.vendorId === vendorId && running.kind === kind)
          return running.shared as Promise<V>
      const reading: Reading = { vendorId, kind, outdated: false }
      return (reading.shared = read(reading, load, () => true)) as Promise<V>
    },
    /**
     * The same within a transaction, whose own connection `load` uses. If the transaction may have changed it (or another one
     * that is still open), it is read from the database.
     */
    async recallWithin<V extends object>(vendorId: string, kind: Kind, load: () => Promise<V>): Promise<V> {
      const isChanging = () => kind.models.some((model) => changes.pending(told(model, vendorId)))
      const known = isChanging() ? undefined : kept.get(vendorId, kind)
      return (known ?? (await read({ vendorId, kind, outdated: false }, load, () => !isChanging()))) as V
    },
    age: kept.age,
    heard,
    forgetAll() {
      kept.clearAll()
      for (const reading of readings) reading.outdated = true
    },
    caughtUp: kept.caughtUp,
  }
}
export type Memory = ReturnType<typeof memoryFor>

const memories = new WeakMap<Database['changes'], Memory>()
/** The one memory of a process for a database. */
export function memoryOf({ changes }: Pick<Database, 'changes'>): Memory {
  let found = memories.get(changes)
  if (!found) memories.set(changes, (found = memoryFor(changes)))
  return found
}

/** From now on the memory hears of other replicas' changes at once, and no longer reads again after seconds. */
export function hearOthers({ database, log }: { database: Pick<Database, 'changes' | 'listen'>; log: Logger }) {
  const memory = memoryOf(database)
  let isDeaf = false
  database.listen(CHANNEL, {
    heard: memory.heard,
    connected() {
      memory.forgetAll()
      if (isDeaf) log.info("other replicas' changes are heard again")
      isDeaf = false
    },
    lost(error) {
      if (!isDeaf) log.warn({ err: error }, "other replicas' changes are not heard: they are seen after five seconds")
      isDeaf = true
    },
    caughtUp: memory.caughtUp,
  })
}

/** Objects, arrays and what is in maps, all the way down; it is shared by all requests. */
export function frozen<V>(value: V): V {
  if (value instanceof Map) for (const part of value.values()) frozen(part)
  else if (isPlain(value) && !Object.isFrozen(value))
    for (const part of Object.values(Object.freeze(value))) frozen(part)
  return value
}
function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === Array.prototype || prototype === null
}
