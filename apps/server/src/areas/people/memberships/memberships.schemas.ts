import { Type, type Static } from 'typebox'
import { setting } from '../../../kernel/settings.ts'
import { DateTime, Id, Keys, Nullable, OneOf } from '../../../kernel/validation.ts'

export const MembershipStatus = OneOf(['PendingInvitation', 'PendingLogin', 'Activated', 'NotActivated'])
export type MembershipStatus = Static<typeof MembershipStatus>

/** The state of a user's membership in a tenant. */
export function statusOf(
  user: { verified: boolean; lastLogin: Date | null },
  membership: { acceptedAt: Date | string | null },
): MembershipStatus {
  if (!user.verified) return 'NotActivated'
  if (!membership.acceptedAt) return 'PendingInvitation'
  return user.lastLogin ? 'Activated' : 'PendingLogin'
}

/** Whether a user has joined, and is not only invited. */
export const hasArrived = (...of: Parameters<typeof statusOf>) =>
  ['Activated', 'PendingLogin'].includes(statusOf(...of))

/** Whether memberships may have an end. */
export const temporaryUsers = setting('temporary-users', Type.Object({ enabled: Type.Boolean() }), { enabled: false })

/** How long a temporary user stays, in seconds; a hundred years at most. */
export const Expiration = Type.Integer({ minimum: 300, maximum: 3_153_600_000 })

export const RoleIds = Type.Object({ roleIds: Keys })

/** The roles that a member has after some were given or taken. */
export const MemberRoles = Type.Object({
  tenantId: Type.String(),
  userId: Id,
  roles: Type.Array(
    Type.Object({
      id: Id,
      key: Type.String(),
      name: Type.String(),
      description: Nullable(Type.String()),
      isDefault: Type.Boolean(),
      level: Type.Integer(),
      createdAt: DateTime,
    }),
  ),
})
