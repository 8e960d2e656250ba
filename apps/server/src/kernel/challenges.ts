import { after, HOUR } from './clock.ts'
import { isUuid } from './environments.ts'
import { errors, failure, onUnknownReference } from './errors.ts'
import { giveBack, spend } from './limits.ts'
import { fingerprint } from './random.ts'
import type { Ctx } from './operation.ts'

/**
 * A code, link or token that was handed out. Only its hash is kept. It works once, for a limited time and number of
 * tries
 * (OWASP Forgot Password Cheat Sheet; RFC 6749 §10.10 for the entropy of long ones).
 */
export interface ChallengeKind {
  readonly purpose: string
  readonly maxAttempts?: number
  /**
   * People type it, so it is short. Its hash takes the server's key: a plain hash could be undone by trying every code.
   */
  readonly typed?: boolean
}

export interface Issue {
  secret: string
  lifetimeMs: number
  userId?: string
  tenantId?: string | undefined
  data?: object
  /** `answer` needs the salt of a typed secret again; the attempt's id when absent */
  salt?: string | undefined
}

/** A code without what people paste along: blanks, dashes, invisible characters, and full-width digits. */
export const plainCode = (code: string) => code.normalize('NFKC').replace(/[\s\p{Pd}\p{Cf}\p{Cc}]/gu, '')

/** What is stored of a secret. @param salt makes the hashes of the same code differ between two attempts */
export const hashOf = (ctx: Ctx, kind: ChallengeKind, secret: string, salt: string) =>
  kind.typed
    ? ctx.deps.secrets.digest('typed codes', `${ctx.vendorId} ${kind.purpose} ${salt} ${plainCode(secret)}`)
    : fingerprint(secret)

/** What is stored of one. */
export function rowOf(ctx: Ctx, kind: ChallengeKind, { secret, lifetimeMs, userId, tenantId, data, salt }: Issue) {
  const now = ctx.clock.now(),
    id = ctx.random.uuid()
  return {
    id,
    purpose: kind.purpose,
    secretHash: hashOf(ctx, kind, secret, salt ?? id),
    maxAttempts: kind.maxAttempts ?? 5,
    userId: userId ?? null,
    tenantId: tenantId ?? null,
    data: data ?? {},
    createdAt: now,
    expiresAt: after(now, lifetimeMs),
  }
}
export type ChallengeRow = ReturnType<typeof rowOf>

/** @throws 404 for a user who is gone */
export const issue = (ctx: Ctx, kind: ChallengeKind, given: Issue) =>
  ctx.db.challenge
    .create({ data: rowOf(ctx, kind, given) })
    // the user is gone by now
    .catch(onUnknownReference(errors.notFound('User')))

export type Outcome<C> = { state: 'ok'; challenge: C } | { state: 'unknown' | 'expired' | 'used' }

/**
 * Finds a long secret by its hash and uses it up, if it is still good. Of any number of callers at once, one gets `ok`.
 */
export async function redeem(ctx: Ctx, kind: ChallengeKind, secret: string) {
  const found = await find(ctx, kind, secret)
  return found.state === 'ok' ? useUp(ctx, found.challenge) : found
}

/** Uses up what `find` has found, unless somebody else has. */
export async function useUp<C extends { id: string }>(ctx: Ctx, challenge: C) {
  const now = ctx.clock.now()
  const { count } = await ctx.db.challenge.updateMany({
    where: { id: challenge.id, consumedAt: null, expiresAt: { gt: now } },
    data: { consumedAt: now },
  })
  return count === 1 ? { state: 'ok' as const, challenge } : { state: 'used' as const }
}

/** As `redeem`, without using it up. */
export async function find(ctx: Ctx, kind: ChallengeKind, secret: string) {
  const challenge = await ctx.db.challenge.findFirst({
    where: { purpose: kind.purpose, secretHash: fingerprint(secret) },
    orderBy: { createdAt: 'desc' },
  })
  if (!challenge) return { state: 'unknown' as const }
  if (challenge.consumedAt) return { state: 'used' as const, challenge }
  if (challenge.expiresAt <= ctx.clock.now()) return { state: 'expired' as const, challenge }
  return { state: 'ok' as const, challenge }
}

/**
 * Tries a short code against one attempt, found by its id. Every wrong try counts, also simultaneous ones. Once the
 * tries are used up, the right code is refused too.
 * @param id as sent: it may be malformed
 * @param userId the attempt's owner
 * @param salt as the code was issued with
 */
export async function answer(
  ctx: Ctx,
  kind: ChallengeKind,
  id: string,
  code: string,
  userId?: string,
  salt = id.toLowerCase(),
) {
  const state = isUuid(id) ? await stateAfter(ctx, kind, { id, code, userId, salt }) : 'unknown'
  return state === 'ok' ? { state, challenge: await ctx.db.challenge.findUniqueOrThrow({ where: { id } }) } : { state }
}

interface Try {
  id: string
  code: string
  userId: string | undefined
  salt: string
}
async function stateAfter(ctx: Ctx, kind: ChallengeKind, { id, code, userId, salt }: Try) {
  const now = ctx.clock.now(),
    attempt = { id, purpose: kind.purpose, ...(userId !== undefined && { userId }) }
  const { count } = await ctx.db.challenge.updateMany({
    where: {
      ...attempt,
      secretHash: hashOf(ctx, kind, code, salt),
      consumedAt: null,
      expiresAt: { gt: now },
      attempts: { lt: kind.maxAttempts ?? 5 },
    },
    data: { consumedAt: now },
  })
  if (count === 1) return 'ok' as const
  await ctx.db.challenge.updateMany({ where: { ...attempt, consumedAt: null }, data: { attempts: { increment: 1 } } })
  const challenge = await ctx.db.challenge.findFirst({ where: attempt })
  if (!challenge) return 'unknown' as const
  if (challenge.consumedAt) return 'used' as const
  return challenge.expiresAt <= now || challenge.attempts > challenge.maxAttempts
    ? ('expired' as const)
    : ('wrong' as const)
}

/** Wrong codes for one purpose, about one user or address, however many codes there were: each new one could be guessed at anew. */
const GUESSES = { most: 30, perMs: HOUR }

/**
 * Makes a guess at a code that `asked` was issued with, and counts it while it is made: as many are tried at once as one
 * after the other. Whoever issues a code for an address or number that may be nobody's says which in its data, so that it
 * is counted alike. Do not call it in a transaction. @throws as `attempt`, 429
 */
export async function guessing<T>(
  ctx: Ctx,
  { purpose }: ChallengeKind,
  { userId, data }: { userId: string | null; data: unknown },
  attempt: () => Promise<T>,
) {
  const { email, phoneNumber, to } = data as Partial<Record<'email' | 'phoneNumber' | 'to', string>>
  const sentTo = email ?? phoneNumber ?? to
  // for nobody it takes the same time
  const guesses = [userId ?? (sentTo && `nobody ${sentTo}`), sentTo]
    .filter((about) => typeof about === 'string')
    .map((about) => ({ name: `wrong ${purpose}`, about: about.toLowerCase() }))
  for (const guess of guesses) await spend(ctx, guess, GUESSES)
  const right = await attempt()
  for (const guess of guesses) await giveBack(ctx, guess, GUESSES)
  return right
}

export const codeErrors = {
  wrong: failure(401, 'ER-01011', 'Invalid code'),
  expired: failure(400, 'ER-01017', 'Code has expired'),
}

/**
 * The attempt that the code is right for, as it was before; not for a kind whose code can be replaced under the same id. @throws
 * 401 for a wrong code or an unknown attempt; 400 for one that has expired, was used, or was tried too often
 */
export async function mustAnswer(
  ctx: Ctx,
  kind: ChallengeKind,
  id: string,
  code: string,
  userId?: string,
  salt = id.toLowerCase(),
) {
  const asked = isUuid(id) && (await ctx.db.challenge.findFirst({ where: { id, purpose: kind.purpose } }))
  if (!asked) throw codeErrors.wrong()
  return guessing(ctx, kind, asked, async () => {
    const state = await stateAfter(ctx, kind, { id, code, userId, salt })
    if (state === 'ok') return asked
    throw state === 'expired' || state === 'used' ? codeErrors.expired() : codeErrors.wrong()
  })
}

/** Revokes earlier ones: a new link replaces the old one, a changed password ends all of them. */
export async function revoke(ctx: Ctx, userId: string, kinds: readonly ChallengeKind[], tenantId?: string) {
  await ctx.db.challenge.deleteMany({
    where: {
      userId,
      purpose: { in: kinds.map((k) => k.purpose) },
      consumedAt: null,
      ...(tenantId !== undefined && { tenantId }),
    },
  })
}
