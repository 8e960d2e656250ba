import { canonicalEmail } from '../../../kernel/email-addresses.ts'
import { after, DAY } from '../../../kernel/clock.ts'
import type { Ctx } from '../../../kernel/operation.ts'
import type { Person } from '../../delivery/mail/person.ts'
import * as lockout from '../../policies/lockout-policy/lockout-policy.service.ts'
import { tenantIdsOf } from '../../rights/held/held.service.ts'
import { loginErrors } from '../../sign-in/login/login.errors.ts'
import * as access from '../sessions/access.service.ts'
import * as unlocking from './unlock.service.ts'
import * as events from '../../rights/events/events.service.ts'

const FAILED = 'frontegg.user.failedAuthentication'

/**
 * Counts a wrong password or second factor. The one that locks the user causes a mail about it; those that come at the
 * same time are not told that they were wrong.
 * @param name as typed; a name without a user is counted, and locked, in the same way
 * @throws 423
 */
export async function wrong(ctx: Ctx, user: (Person & { activeTenantId?: string | null }) | null, name: string) {
  const { counted, locked } = await failed(ctx, user ? { userId: user.id, tenantId: user.activeTenantId } : { name })
  if (locked) await unlocking.sendMail(ctx, user)
  if (!counted) throw loginErrors.locked()
}

/**
 * Writes down a wrong link or code. Those have limits of their own, so it locks nobody; for nobody (null) it takes the same time.
 */
export async function wrongCode(ctx: Ctx, userId: string | null) {
  const user = await ctx.db.user.findUnique({
    where: { id: userId ?? ctx.random.uuid() },
    select: { id: true, activeTenantId: true },
  })
  await writeDown(ctx, user ? { userId: user.id, tenantId: user.activeTenantId } : null, false)
}

/** Whose password was guessed: a user's or, where there is none, that of the typed name. */
export type Target = { userId: string; tenantId?: string | null | undefined } | { name: string }

/**
 * Counts a wrong password or second factor, exactly also when many arrive at once. At the limit it locks the user and
 * ends what is under way in their name. Names without a user are counted in the same way, with the same work. Call it
 * outside any transaction that the refused login would roll back.
 * @returns `counted`: false when the limit had been reached before; `locked`: this one reached it, and the user should
 * get a mail (UnlockUser)
 */
export async function failed(ctx: Ctx, target: Target): Promise<{ counted: boolean; locked: boolean }> {
  const limit = await lockout.limitOf(
    ctx,
    await tenantIdsOf(ctx, 'userId' in target ? target.userId : ctx.random.uuid()),
  )
  if (limit === undefined) {
    await writeDown(ctx, target, false)
    return { counted: true, locked: false }
  }
  return ctx.atomically(async (tx) => {
    const outcome = await ('userId' in target ? countOf(tx, target.userId, limit) : countOfName(tx, target.name, limit))
    await writeDown(tx, target, outcome.locked)
    return outcome
  })
}

/** The audit trail has only those who are there; for others it takes the same time. */
async function writeDown(ctx: Ctx, target: Target | null, locked: boolean) {
  if (!target || !('userId' in target)) return events.recordNothing(ctx, FAILED)
  const whose = { userId: target.userId, tenantId: target.tenantId, failed: true } as const
  await events.record(
    ctx,
    { ...whose, key: FAILED },
    ...(locked ? [{ ...whose, key: 'user.locked', severity: 'High' } as const] : []),
  )
}

async function countOf(tx: Ctx, id: string, limit: number) {
  const now = tx.clock.now()
  const { count } = await tx.db.user.updateMany({
    where: { id, isLocked: false, failedLogins: { lt: limit } },
    data: { failedLogins: { increment: 1 } },
  })
  const last = await tx.db.user.updateMany({
    where: { id, isLocked: false, failedLogins: { gte: limit } },
    data: { isLocked: true, lockedAt: now, updatedAt: now },
  })
  if (last.count) await access.end(tx, id)
  return { counted: count === 1, locked: last.count === 1 }
}

/**
 * How long a name without a user is remembered after the last guess. A longer wait would show that there is no user.
 */
const NAME_MS = 30 * DAY

async function countOfName(tx: Ctx, name: string, limit: number) {
  const id = idOf(tx, name),
    now = tx.clock.now(),
    expiresAt = after(now, NAME_MS)
  await tx.db.challenge.createMany({
    data: [{ id, purpose: 'lockout', secretHash: hashOf(tx, name), maxAttempts: limit, createdAt: now, expiresAt }],
    skipDuplicates: true,
  })
  const [row] = await tx.db.challenge.updateManyAndReturn({
    where: { id, attempts: { lt: limit } },
    data: { attempts: { increment: 1 }, maxAttempts: limit, expiresAt },
    select: { attempts: true },
  })
  const locked = row?.attempts === limit
  if (locked) await access.end(tx, tx.random.uuid())
  return { counted: row !== undefined, locked }
}

/** Names are few enough to try, so they are hashed with the server's key. */
const hashOf = (ctx: Ctx, name: string) =>
  ctx.deps.secrets.digest('lockouts', `${ctx.vendorId} ${canonicalEmail(name.trim())}`)
/** The id of the row that counts the guesses of a name: one for each name, also when several calls come first at once. */
export const idOf = (ctx: Ctx, name: string) =>
  hashOf(ctx, name).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5')
