import type { Ctx } from '../../../kernel/operation.ts'
import * as sessions from './sessions.service.ts'

/** These let nobody in by themselves: invitations, the link that undoes a lock, and those of approvers, who must be let in themselves. */
const harmless = ['invitation', 'invitation-code', 'unlock', 'approval']
/** These prove a new address. Once it is proved, they only set passwords. */
const proofs = ['activation', 'activation-code']

/**
 * Removes a password from before the proof of the address, and everything that may have been set up with it by somebody
 * else. To be called in the transaction that lets the user into a tenant that they did not make, or in which the owner of
 * the address chooses a password.
 * @returns whether there was such a password
 */
export async function voidUnprovenPast(tx: Ctx, userId: string) {
  const { count } = await tx.db.user.updateMany({
    where: { id: userId, unprovenPast: true },
    data: {
      unprovenPast: false,
      passwordHash: null,
      passwordChangedAt: tx.clock.now(),
      phoneNumber: null,
      mfaEnrolled: false,
      failedLogins: 0,
    },
  })
  if (!count) return false
  await end(tx, userId)
  const { email } = await tx.db.user.findUniqueOrThrow({ where: { id: userId }, select: { email: true } })
  await tx.db.userEmail.deleteMany({ where: { userId, ...(email !== null && { email: { not: email } }) } })
  await tx.db.phoneNumber.deleteMany({ where: { userId } })
  await tx.db.mfaDevice.deleteMany({ where: { userId } })
  await tx.db.recoveryCode.deleteMany({ where: { userId } })
  await tx.db.passkey.deleteMany({ where: { userId } })
  await tx.db.socialIdentity.deleteMany({ where: { userId } })
  await tx.db.apiToken.deleteMany({ where: { userId } })
  await tx.db.accessToken.deleteMany({ where: { userId } })
  // a source of users that did not vouch for the address, either
  await tx.db.userSourceUser.deleteMany({ where: { userId } })
  return true
}

interface Extent {
  /** the session that stays */
  except?: string | undefined
  /** only what belongs to these tenants */
  tenantIds?: readonly string[] | undefined
}

/**
 * Ends all that is under way in a user's name, in the caller's transaction: sessions with their refresh tokens, links,
 * codes and tokens that were handed out, and remembered browsers. For users who are locked or kept out, or have a new
 * password. Access tokens end with their sessions.
 */
export async function end(tx: Ctx, userId: string, { except, tenantIds }: Extent = {}) {
  await sessions.endAll(tx, userId, { except, ...(tenantIds && { tenantIds }) })
  await tx.db.challenge.deleteMany({
    where: {
      userId,
      consumedAt: null,
      purpose: { notIn: harmless },
      NOT: { purpose: { in: proofs }, user: { verified: false } },
      ...(tenantIds && { tenantId: { in: [...tenantIds] } }),
    },
  })
  if (!tenantIds) await tx.db.rememberedDevice.deleteMany({ where: { userId } })
}
