import { failure } from '../../../kernel/errors.ts'

export const invitationErrors = {
  /** unknown, run out, used, for somebody else, or of somebody who may not invite any more */
  inviteNotFound: failure(404, 'ER-00004', 'Invitation not found'),
  switchedOff: failure(403, 'computed', 'Invitations to accounts are not allowed'),
  /** clients of the reference know both by their codes, as 400 */
  tenantLocked: failure(400, 'ER-01239', 'The account of this invitation is locked'),
  linkToLockedTenant: failure(400, 'ER-01240', 'Invitation links to a locked account cannot be made'),
}

/** A tenant is locked by its status, which management sets. */
export const isLocked = ({ status }: { status: string | null }) => status?.toLowerCase() === 'locked'
