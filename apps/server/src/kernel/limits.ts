import { canonicalEmail } from './email-addresses.ts'
import { networkOf } from './addresses.ts'
import { after, MINUTE, SECOND } from './clock.ts'
import type { Deps } from './deps.ts'
import { errors } from './errors.ts'
import { counting, forgetting, givingBack, queueing } from './limits.sql.ts'
import type { Ctx, Limit, Operation, Quota } from './operation.ts'
import type { Claims } from './tokens.ts'

export const perIp = (most: number, perMs: number): Limit<unknown> => ({ most, perMs })
/** For an operation that sends something to the address, number or user that it is called with, known or not. */
export const perRecipient = { most: 5, perMs: 10 * MINUTE, sends: true } as const
/** In `ctx.counted`: the operation has a limit for those that it sends to. */
export const ANYBODY = '*'

type Counting = Pick<Ctx, 'deps' | 'vendorId' | 'clock' | 'sql' | 'inTransaction'>
/** What is counted: the name of the action, and the address or user it is about. */
export interface Counted {
  readonly name: string
  readonly about: string
}

interface Count {
  readonly count: number
  readonly resetAt: Date
}

/**
 * Counts in the database, so that all replicas count together, and in one statement, so that simultaneous calls each
 * get a number of their own. Must not be called in a transaction: a refused call still counts, and its connection may
 * be the one that other transactions wait for. Windows are fixed, on the environment's clock; around the boundary of
 * two, twice as many calls may pass in a short time.
 */
async function count(ctx: Counting, counted: readonly [Counted, ...Counted[]], quota: Quota): Promise<Count> {
  if (ctx.inTransaction) throw new Error(`${counted[0].name} is counted inside a transaction`)
  const expiresAt = after(ctx.deps.systemClock.now(), quota.perMs),
    keys = counted.map((one) => keyOf(ctx, one, quota))
  const rows = await ctx.sql(counting, keys, expiresAt)
  return {
    count: Math.max(...rows.map((row) => row.count)),
    resetAt: resetOf(ctx, quota),
  }
}

const windowOf = ({ clock }: Counting, { perMs }: Quota) => Math.floor(clock.now().getTime() / perMs)
const resetOf = (ctx: Counting, quota: Quota) => new Date((windowOf(ctx, quota) + 1) * quota.perMs)

/** A keyed hash: it does not show whom it is about. */
const keyOf = (ctx: Counting, { name, about }: Counted, quota: Quota) =>
  ctx.deps.secrets.digest('counts', JSON.stringify([ctx.vendorId, name, quota.perMs, windowOf(ctx, quota), about]))

/** Counts one more, and refuses it when it is one too many. Like `count`, not in a transaction. @throws 429 */
export async function spend(ctx: Counting, counted: Counted, quota: Quota) {
  mustBeWithin(ctx, await count(ctx, [counted], quota), quota)
}
/**
 * As `spend`, for several at once. One that is there more than once is counted as often, and refused only if the first
 * is one too many; then all are refused.
 */
export async function spendAll(ctx: Counting, counted: readonly Counted[], quota: Quota) {
  const [first, ...others] = counted
  if (first) mustBeWithin(ctx, await count(ctx, [first, ...others], quota), quota)
}

/** As `spend`, for a statement that counts while it does something else: its values, and the check of the number that it returns. */
export const spending = (ctx: Counting, counted: Counted, quota: Quota) => ({
  key: keyOf(ctx, counted, quota),
  expiresAt: after(ctx.deps.systemClock.now(), quota.perMs),
  /** @throws 429 */
  heed: (reached: number) => mustBeWithin(ctx, { count: reached, resetAt: resetOf(ctx, quota) }, quota),
})

/** Takes back what `spend` counted in this window: all of it, or one. Not in a transaction. */
export async function forget(ctx: Counting, counted: Counted, quota: Quota) {
  await ctx.sql(forgetting, keyOf(ctx, counted, quota))
}
export async function giveBack(ctx: Counting, counted: Counted, quota: Quota) {
  await giveAllBack(ctx, [counted], quota)
}
export async function giveAllBack(ctx: Counting, counted: readonly Counted[], quota: Quota) {
  await ctx.sql(
    givingBack,
    counted.map((one) => keyOf(ctx, one, quota)),
  )
}

/** Has others who add to an owner's list wait until this transaction ends, so that no two of them take the last place. */
export async function queueAt(tx: Pick<Ctx, 'sql'>, list: string, owner: string) {
  await tx.sql(queueing, list, owner)
}

function mustBeWithin({ clock }: Pick<Counting, 'clock'>, { count: reached, resetAt }: Count, { most }: Quota) {
  if (reached <= most) return
  const seconds = Math.max(1, Math.ceil((resetAt.getTime() - clock.now().getTime()) / SECOND))
  throw Object.assign(errors.tooMany(), {
    headers: { 'retry-after': String(seconds), 'x-rate-limit-reset': resetAt.toISOString() },
  })
}

/** How many calls with tokens a minute takes: those of one user, those of one program, and all of one environment. */
const OF_A_USER: Quota = { most: 600, perMs: MINUTE },
  OF_A_MACHINE: Quota = { most: 3000, perMs: MINUTE },
  OF_AN_ENVIRONMENT: Quota = { most: 30_000, perMs: MINUTE }

/**
 * Counts calls with tokens. These limits are so wide that replicas need not count together: each counts in its own
 * memory, which costs no statement.
 */
export function tokenCalls({ rateLimits, systemClock: clock }: Pick<Deps, 'rateLimits' | 'systemClock'>) {
  let window = 0,
    counts = new Map<string, number>()
  function countOne(key: string, quota: Quota) {
    const reached = (counts.get(key) ?? 0) + 1
    counts.set(key, reached)
    mustBeWithin({ clock }, { count: reached, resetAt: new Date((window + 1) * quota.perMs) }, quota)
  }
  /** @throws 429 */
  return (vendorId: string, claims: Pick<Claims, 'type' | 'sub' | 'act'> | undefined) => {
    if (!rateLimits || !claims) return
    const current = Math.floor(clock.now().getTime() / MINUTE)
    if (current !== window) [window, counts] = [current, new Map<string, number>()]
    // what one user is refused does not count for the others; who acts for a user uses up nothing of theirs
    if (claims.type === 'userToken') countOne(`${vendorId} ${claims.sub} ${actorIn(claims)}`, OF_A_USER)
    else if (claims.type !== 'vendor') countOne(`${vendorId} ${claims.sub}`, OF_A_MACHINE)
    countOne(vendorId, OF_AN_ENVIRONMENT)
  }
}

const actorIn = ({ act }: Pick<Claims, 'act'>) => (act as { sub?: string } | null | undefined)?.sub ?? ''

type Limited = Pick<Operation, 'id' | 'limits'>

/**
 * Counts a call for the address that it comes from.
 * @returns reply headers that say how many calls are left
 * @throws 429
 */
export async function heedAddress(
  ctx: Counting,
  { id, limits = [] }: Limited,
  ip: string,
): Promise<Record<string, string>> {
  let headers = {}
  for (const limit of ctx.deps.rateLimits ? limits : []) {
    if (limit.of) continue
    const reached = await count(ctx, [{ name: `${id} by`, about: networkOf(ip) }], limit)
    mustBeWithin(ctx, reached, limit)
    headers = {
      'x-rate-limit-limit': String(limit.most),
      'x-rate-limit-remaining': String(limit.most - reached.count),
      'x-rate-limit-reset': reached.resetAt.toISOString(),
    }
  }
  return headers
}

/**
 * Counts a call for each user, name or address that it is about. No header says how many there were, because others may have made them.
 * @throws 429
 */
export async function heedSubjects<I>(ctx: Counting & Pick<Ctx, 'counted'>, { id, limits = [] }: Limited, input: I) {
  if (limits.some(({ sends }) => sends)) ctx.counted.add(ANYBODY)
  for (const limit of ctx.deps.rateLimits ? limits : []) {
    const about = limit.of?.(input)
    if (about) await spend(ctx, { name: `${id} about`, about: oneSpelling(about) }, limit)
  }
  return input
}

/** One spelling for each e-mail address, username or phone number, so that it counts as one. */
export const oneSpelling = (text: string) =>
  canonicalEmail(text).replace(/^\+[\d-]+$/, (number) => number.replaceAll('-', ''))
