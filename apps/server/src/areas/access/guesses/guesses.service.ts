import { after, DAY } from '../../../kernel/clock.ts'
import type { Ctx } from '../../../kernel/operation.ts'
import type { Person } from '../../delivery/mail/person.ts'
import * as lockout from '../../policies/lockout-policy/lockout-policy.service.ts'
import { tenantIdsOf } from '../../rights/held/held.service.ts'
import { loginErrors } from '../../sign-in/login/login.errors.ts'
import * as access from '../sessions/access.service.ts'
import * as unlocking from './unlock.service.ts'

/**
 * Counts a wrong password or second factor. The one that locks the user has a mail sent about it; of those that come at once
 * with it none is told that it was wrong.
 * @param name as it was typed, for nobody's: it is counted, and locked, alike
 * @throws 423
 */
export async function wrong(ctx: Ctx, user: Person | null, name: string) {
  const { counted, locked } = await failed(ctx, user ? { userId: user.id } : { name })
  if (locked) await unlocking.sendMail(ctx, user)
  if (!counted) throw loginErrors.locked()
}

/** Whose password was guessed at: a user's, or, for nobody's, the name that was typed. */
export type Target = { userId: string } | { name: string }

/**
 * Counts a wrong password or second factor, exactly also when many arrive at once, and at the limit locks the user and ends
 * what is under way in its name. Names that are nobody's are counted alike, for the same work. To be called outside of any
 * transaction that the refusal of the login would roll back.
 * @returns `counted`: false for one that came when there had been enough; `locked`: this very one was the last, and the user
 * should be told by mail (UnlockUser)
 */
export async function failed(ctx: Ctx, target: Target): Promise<{ counted: boolean; locked: boolean }> {
  const limit = await lockout.limitOf(
    ctx,
    await tenantIdsOf(ctx, 'userId' in target ? target.userId : ctx.random.uuid()),
  )
  if (limit === undefined) return { counted: true, locked: false }
  return ctx.atomically((tx) =>
    'userId' in target ? countOf(tx, target.userId, limit) : countOfName(tx, target.name, limit),
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

/** For how long a name that is nobody's is remembered after the last guess. Whoever waits longer learns that it is. */
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

/** Whether a name that is nobody's has been guessed at so often that it would be locked. */
export async function isNameLocked(ctx: Ctx, name: string) {
  const row = await ctx.db.challenge.findFirst({
    where: { id: idOf(ctx, name) },
    select: { attempts: true, maxAttempts: true },
  })
  return row !== null && row.attempts >= row.maxAttempts
}

/** Names are few enough to try, so they are kept under the server's key. */
const hashOf = (ctx: Ctx, name: string) =>
  ctx.deps.secrets.digest(`${ctx.vendorId} lockout ${name.trim().toLowerCase()}`)
/** One row of a name, whoever comes first. */
const idOf = (ctx: Ctx, name: string) =>
  hashOf(ctx, name).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5')
