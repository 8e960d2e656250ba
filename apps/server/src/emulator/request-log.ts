import { LRUCache } from 'lru-cache'
import { invalid } from '../kernel/errors.ts'
import type { Environment } from '../kernel/environments.ts'
import type { Call, Caller } from '../kernel/operation.ts'
import type { RuleKind } from './rules.ts'

/** One request, as the control plane tells of it. It holds no body, no query and no header: those may hold secrets. */
export interface Entry {
  /** the trace id of the reply */
  readonly id: string
  /** on the machine's clock */
  readonly at: string
  readonly method: string
  readonly path: string
  /** null: no operation of the API */
  readonly operation: string | null
  /** null: the connection was dropped */
  status: number | null
  /** milliseconds */
  ms: number
  /** that were sent to the database */
  statements: number
  environment: string | null
  caller: { kind: Caller['kind'] | 'anonymous'; id: string | null }
  tenant: string | null
  user: string | null
  /** of a refusal */
  rule: { kind: RuleKind; name: string | null; owner: string | null } | null
  errors: readonly string[]
  explanation: string | null
  /** the id of the fault that was played */
  fault: string | null
}

/** What is known of a request while it is served. */
export interface Seen {
  readonly entry: Entry
  readonly began: number
  environment?: Environment
  call?: Call
}

/** Entries of one environment, and environments: older ones are forgotten. */
const MOST_ENTRIES = 500,
  MOST_ENVIRONMENTS = 100
/** For requests of no environment. */
const NONE = 'none'

export interface Wanted {
  operation?: string | undefined
  method?: string | undefined
  path?: string | undefined
  status?: string | undefined
  tenant?: string | undefined
  user?: string | undefined
  rule?: string | undefined
  since?: string | undefined
}

/** What was asked of the server lately, by environment. */
export function requestLog() {
  const rings = new LRUCache<string, Entry[]>({ max: MOST_ENVIRONMENTS })
  return {
    add(entry: Entry) {
      const name = entry.environment ?? NONE,
        ring = rings.get(name) ?? []
      if (!ring.length) rings.set(name, ring)
      ring.push(entry)
      if (ring.length > MOST_ENTRIES) ring.shift()
    },
    byId(id: string) {
      for (const ring of rings.values()) {
        const found = ring.find((entry) => entry.id === id)
        if (found) return found
      }
      return undefined
    },
    /** Newest first. */
    find(environment: string, wanted: Wanted): Entry[] {
      const ring = rings.get(environment) ?? [],
        from = wanted.since === undefined ? 0 : startOf(ring, wanted.since)
      return ring
        .slice(from)
        .filter((entry) => matches(entry, wanted))
        .reverse()
    },
    clear: (environment: string) => rings.delete(environment),
  }
}
export type RequestLog = ReturnType<typeof requestLog>

/** `since` is a moment, or the id of an entry: what comes after that one. An entry that is forgotten was before all others. @throws 400 */
function startOf(ring: readonly Entry[], since: string) {
  if (/^[0-9a-f]{32}$/.test(since)) return ring.findIndex(({ id }) => id === since) + 1
  const moment = Date.parse(since)
  if (Number.isNaN(moment)) throw invalid('since must be a date and time, or the id of a request')
  const first = ring.findIndex(({ at }) => Date.parse(at) >= moment)
  return first < 0 ? ring.length : first
}

const matches = (entry: Entry, { operation, method, path, status, tenant, user, rule }: Wanted) =>
  fits(operation, entry.operation) &&
  fits(method?.toUpperCase(), entry.method) &&
  (path === undefined || entry.path === path || (path.endsWith('*') && entry.path.startsWith(path.slice(0, -1)))) &&
  (status === undefined || isOfStatus(entry.status, status)) &&
  fits(tenant, entry.tenant) &&
  fits(user, entry.user) &&
  (rule === undefined || rule === entry.rule?.kind || rule === entry.rule?.name)
const fits = (wanted: string | undefined, found: string | null) => wanted === undefined || wanted === found
/** `404`, or `4xx` */
const isOfStatus = (status: number | null, wanted: string) =>
  /^\dxx$/i.test(wanted) ? String(status).startsWith(wanted[0]!) : String(status) === wanted

/** Whom a call is about, as far as it is known: the caller's own tenant and user where the call names none. */
export function noteCaller(entry: Entry, { caller }: Pick<Call, 'caller'>) {
  if (!caller) return
  entry.caller = { kind: caller.kind, id: idOf(caller) }
  if (caller.kind === 'vendor') return
  entry.tenant ??= caller.tenantId
  if (caller.kind !== 'machine') entry.user ??= caller.userId
}
const idOf = (caller: Caller) =>
  caller.kind === 'vendor' ? null : caller.kind === 'person' ? caller.userId : caller.by.id
