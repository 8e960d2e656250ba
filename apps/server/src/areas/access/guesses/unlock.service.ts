import { find, issue, redeem, revoke, type ChallengeKind } from '../../../kernel/challenges.ts'
import { DAY } from '../../../kernel/clock.ts'
import { discreetly } from '../../../kernel/discretion.ts'
import type { Ctx } from '../../../kernel/operation.ts'
import { linkTo } from '../../delivery/mail/links.ts'
import * as mail from '../../delivery/mail/mail.service.ts'
import { mailDataOf, nobody, type Person } from '../../delivery/mail/person.ts'
import { activationErrors } from '../../sign-in/activation/activation.errors.ts'
import * as events from '../../rights/events/events.service.ts'

/** The link that lets users undo a lock by wrong passwords. It is for that one lock only. */
const unlocking: ChallengeKind = { purpose: 'unlock' }
const LIFETIME_MS = DAY

/**
 * Mails users how to unlock themselves after wrong passwords have locked them. For an unknown user, one without an
 * address and one who is not locked, the same work is done, but no mail is sent.
 */
export async function sendMail(ctx: Ctx, user: Person | null) {
  const person = user ?? nobody(ctx, null),
    to = person.email
  await discreetly(ctx, to !== null, async (tx) => {
    const row = await tx.db.user.findFirst({
      where: { id: person.id, isLocked: true },
      select: { lockedAt: true, activeTenantId: true },
    })
    if (to !== null && !row?.lockedAt) return
    const token = tx.random.token(),
      whose = row && { userId: person.id }
    await revoke(tx, person.id, [unlocking])
    await issue(tx, unlocking, {
      ...whose,
      secret: token,
      lifetimeMs: LIFETIME_MS,
      data: { lockedAt: row?.lockedAt?.toISOString() },
    })
    const redirectURL = await linkTo(tx, 'UnlockUser', { userId: person.id, token })
    await mail.send(tx, {
      ...whose,
      template: 'UnlockUser',
      to: to ?? 'nobody',
      tenantId: row?.activeTenantId ?? undefined,
      lifetimeMs: LIFETIME_MS,
      data: { ...mailDataOf(person), redirectURL },
    })
  })
}

/** Undoes the lock that the link was mailed for, but not one that management has put in its place. @throws 400 */
export async function unlock(ctx: Ctx, token: string) {
  const found = await find(ctx, unlocking, token),
    userId = found.state === 'ok' ? found.challenge.userId : null
  if (found.state !== 'ok' || userId === null) throw activationErrors.invalidToken()
  const { lockedAt } = found.challenge.data as { lockedAt: string }
  await ctx.atomically(async (tx) => {
    if ((await redeem(tx, unlocking, token)).state !== 'ok') throw activationErrors.invalidToken()
    const { count } = await tx.db.user.updateMany({
      where: { id: userId, isLocked: true, lockedAt: new Date(lockedAt) },
      data: { isLocked: false, lockedAt: null, failedLogins: 0, updatedAt: tx.clock.now() },
    })
    if (!count) throw activationErrors.invalidToken()
    const user = await tx.db.user.findUniqueOrThrow({ where: { id: userId } })
    await events.record(tx, { key: 'user.unlocked', userId, tenantId: user.activeTenantId })
    if (user.email !== null)
      await mail.send(tx, {
        template: 'UnlockUserSuccess',
        to: user.email,
        userId,
        tenantId: user.activeTenantId ?? undefined,
        data: mailDataOf(user),
      })
  })
}
