import type { Ctx } from '../../../kernel/operation.ts'
import * as sessions from './sessions.service.ts'

/** These let nobody in by themselves: invitations, and the link that undoes a lock. */
const harmless = ['invitation', 'invitation-code', 'unlock']
/** These prove a new address. Once it is proved, they only set passwords. */
const proofs = ['activation', 'activation-code']

interface Extent {
  /** the session that stays */
  except?: string | undefined
  /** only what belongs to this tenant */
  tenantId?: string | undefined
}

/**
 * Ends all that is under way in a user's name, in the caller's transaction: sessions with their refresh tokens, links,
 * codes and tokens that were handed out, and remembered browsers. For users who are locked or kept out, or have a new
 * password. Access tokens end with their sessions.
 */
export async function end(tx: Ctx, userId: string, { except, tenantId }: Extent = {}) {
  await sessions.endAll(tx, userId, { except, ...(tenantId !== undefined && { tenantId }) })
  await tx.db.challenge.deleteMany({
    where: {
      userId,
      consumedAt: null,
      purpose: { notIn: harmless },
      NOT: { purpose: { in: proofs }, user: { verified: false } },
      ...(tenantId !== undefined && { tenantId }),
    },
  })
  if (tenantId === undefined) await tx.db.rememberedDevice.deleteMany({ where: { userId } })
}
