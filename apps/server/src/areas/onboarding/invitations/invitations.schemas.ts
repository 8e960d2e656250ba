import type { TenantInvite } from '@henhouse/database'
import { Type, type Static } from 'typebox'
import type { Ctx } from '../../../kernel/operation.ts'
import { DateTime, FilledKey, Id, Keys, NameOrNone } from '../../../kernel/validation.ts'
import { OwnId } from '../../accounts/tenants/tenants.schemas.ts'

/** An invitation by link. A user who is added gets an invitation by mail instead. */
export const Invite = Type.Object({
  id: Id,
  vendorId: Id,
  tenantId: Type.String(),
  userId: Type.Optional(Id),
  token: Type.String(),
  expires: DateTime,
  shouldSendEmail: Type.Boolean(),
  /** of the tenant */
  name: Type.Optional(NameOrNone),
  roleIds: Type.Optional(Type.Array(Id)),
})

const Minutes = Type.Integer({ minimum: 1, maximum: 2 ** 31 - 1 })

/** The settings of an invitation; browsers leave out those with the default value. */
export const InviteTerms = Type.Object({
  expiresInMinutes: Type.Optional(Minutes),
  shouldSendEmail: Type.Optional(Type.Boolean()),
})
export type InviteTerms = Static<typeof InviteTerms>
export const NewUserInviteWithRoles = Type.Object({
  ...InviteTerms.properties,
  roleIds: Type.Optional(Keys),
})
export const NewInvite = Type.Object({
  ...InviteTerms.properties,
  tenantId: OwnId,
  userId: Type.Optional(FilledKey),
  roleIds: Type.Optional(Keys),
})
export type NewInvite = Static<typeof NewInvite>

export const InviteConfiguration = Type.Object({
  tenantInvitationsAllowed: Type.Boolean(),
  emailsEnabled: Type.Boolean(),
})

export type InviteRow = TenantInvite & { tenant: { name: string } }
export const toInvite = (
  ctx: Ctx,
  { tenant, expiresAt, userId, token, id, vendorId, tenantId, shouldSendEmail, roleIds }: InviteRow,
): Static<typeof Invite> => ({
  id,
  vendorId,
  tenantId,
  ...(userId !== null && { userId }),
  token: ctx.deps.secrets.open(token),
  expires: expiresAt.toISOString(),
  shouldSendEmail,
  name: tenant.name,
  roleIds,
})
