import { find, issue, redeem, revoke, type ChallengeKind } from '../../kernel/challenges.ts'
import { DAY } from '../../kernel/clock.ts'
import { baseUrl } from '../../kernel/environments.ts'
import type { Ctx } from '../../kernel/operation.ts'
import * as mail from '../mail/mail.service.ts'
import { mailDataOf, type Person } from '../users/users.schemas.ts'
import { activationErrors } from './activation.errors.ts'

/** The link by which users unlock themselves whom wrong passwords have locked. It is for that one lock only. */
const unlocking: ChallengeKind = { purpose: 'unlock' }
const LIFETIME_MS = DAY

/** Tells a user, whom wrong passwords have just locked, how to unlock itself; nothing is mailed to a user without an address, or one who is not locked. */
export async function sendMail(ctx: Ctx, user: Person) {
  const email = user.email
  if (email === null) return
  await ctx.atomically(async (tx) => {
    const row = await tx.db.user.findFirst({ where: { id: user.id, isLocked: true }, select: { lockedAt: true, activeTenantId: true } })
    if (!row?.lockedAt) return
    const token = tx.random.token(), tenantId = row.activeTenantId ?? undefined
    await revoke(tx, user.id, [unlocking])
    await issue(tx, unlocking, { secret: token, lifetimeMs: LIFETIME_MS, userId: user.id, data: { lockedAt: row.lockedAt.toISOString() } })
    const redirectURL = `${baseUrl(tx.deps.publicUrl, tx.environment)}/account/unlock?${new URLSearchParams({ userId: user.id, token })}`
    await mail.send(tx, { template: 'UnlockUser', to: email, userId: user.id, tenantId, data: { ...mailDataOf(user), redirectURL } })
  })
}

/** Undoes the lock that the link was mailed for; not one that management has put in its place. @throws 400 */
export async function unlock(ctx: Ctx, token: string) {
  const found = await find(ctx, unlocking, token), userId = found.state === 'ok' ? found.challenge.userId : null
  if (found.state !== 'ok' || userId === null) throw activationErrors.invalidToken()
  const { lockedAt } = found.challenge.data as { lockedAt: string }
  await ctx.atomically(async (tx) => {
    if ((await redeem(tx, unlocking, token)).state !== 'ok') throw activationErrors.invalidToken()
    const { count } = await tx.db.user.updateMany({
      where: { id: userId, isLocked: true, lockedAt: new Date(lockedAt) }, data: { isLocked: false, lockedAt: null, failedLogins: 0, updatedAt: tx.clock.now() },
    })
    if (!count) throw activationErrors.invalidToken()
    const user = await tx.db.user.findUniqueOrThrow({ where: { id: userId } })
    if (user.email !== null) await mail.send(tx, { template: 'UnlockUserSuccess', to: user.email, userId, tenantId: user.activeTenantId ?? undefined, data: mailDataOf(user) })
  })
}
