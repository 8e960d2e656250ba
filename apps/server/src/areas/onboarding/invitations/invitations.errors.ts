import { failure } from '../../../kernel/errors.ts'

export const invitationErrors = {
  /** unknown, expired, used, for somebody else, or made by a user who may no longer invite */
  inviteNotFound: failure(404, 'ER-00004', 'Invitation not found'),
  switchedOff: failure(403, 'computed', 'Invitations to accounts are not allowed'),
  /** the reference's clients know both by their codes, with status 400 */
  tenantLocked: failure(400, 'ER-01239', 'The account of this invitation is locked'),
  linkToLockedTenant: failure(400, 'ER-01240', 'Invitation links to a locked account cannot be made'),
}

/** Management locks a tenant by setting its status. */
export const isLocked = ({ status }: { status: string | null }) => status?.toLowerCase() === 'locked'
