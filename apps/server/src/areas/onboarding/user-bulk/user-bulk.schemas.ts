import { Type, type Static } from 'typebox'
import { Id, Key, Keys, Nullable, OneOf } from '../../../kernel/validation.ts'

/** The progress of a bulk invitation. A failure names its entry by the place in the request. */
export const InviteStatus = Type.Object({
  id: Id,
  status: OneOf(['Pending', 'InProgress', 'Completed', 'CompletedWithErrors', 'Failed']),
  total: Type.Integer(),
  processed: Type.Integer(),
  errors: Type.Array(Type.Object({ index: Type.Integer(), email: Nullable(Type.String()), message: Type.String() })),
})
export type InviteStatus = Static<typeof InviteStatus>
export interface InviteProgress {
  done: number
  errors: InviteStatus['errors']
}

export const RolesChange = Type.Object({
  addRoleIds: Type.Optional(Keys),
  removeRoleIds: Type.Optional(Keys),
  tenantIds: Type.Optional(Type.Array(Key, { maxItems: 10_000 })),
})
export type RolesChange = Static<typeof RolesChange>

export const RolesOutcome = Type.Object({
  userId: Id,
  affectedTenants: Type.Integer(),
  rolesAdded: Type.Array(Type.String()),
  rolesRemoved: Type.Array(Type.String()),
  /** present when the work goes on in the background */
  taskId: Type.Optional(Id),
})

export const RolesTask = Type.Object({
  id: Id,
  userId: Id,
  status: OneOf(['NotStarted', 'InProgress', 'Completed', 'CompletedWithErrors']),
  totalTenants: Type.Integer(),
  processedTenants: Type.Integer(),
  addedRoleIds: Type.Array(Type.String()),
  removedRoleIds: Type.Array(Type.String()),
  errors: Type.Optional(
    Type.Array(
      Type.Object({
        message: Type.String(),
        tenantId: Type.Optional(Type.String()),
        details: Type.Optional(Type.String()),
        tenantIds: Type.Optional(Type.Array(Type.String())),
      }),
    ),
  ),
})
export interface RolesProgress {
  done: number
  errors: { message: string; tenantId: string }[]
}
