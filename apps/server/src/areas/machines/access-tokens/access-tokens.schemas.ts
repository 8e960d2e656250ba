import type { AccessToken as AccessTokenRow } from '@henhouse/database'
import { Type, type Static } from 'typebox'
import { DateTime, Id, Keys, Nullable, Text } from '../../../kernel/validation.ts'

export const NewAccessToken = Type.Object({
  description: Type.Optional(Text),
  /** absent: it never expires */
  expiresInMinutes: Type.Optional(Type.Number({ minimum: 1, maximum: 2 ** 31 - 1 })),
})
export type NewAccessToken = Static<typeof NewAccessToken>

export const NewTenantAccessToken = Type.Object({ ...NewAccessToken.properties, roleIds: Type.Optional(Keys) })
export type NewTenantAccessToken = Static<typeof NewTenantAccessToken>

export const UserAccessToken = Type.Object({
  id: Id,
  description: Type.Optional(Type.String()),
  createdAt: DateTime,
  /** only in the reply to its creation */
  secret: Type.Optional(Type.String()),
  expires: Type.Optional(DateTime),
})
export const TenantAccessToken = Type.Object({
  ...UserAccessToken.properties,
  roleIds: Type.Array(Id),
  createdByUserId: Nullable(Id),
})

export const UserAccessTokens = Type.Object({ accessTokens: Type.Array(UserAccessToken) })
export const TenantAccessTokens = Type.Object({ accessTokens: Type.Array(TenantAccessToken) })

type Row = Pick<AccessTokenRow, 'id' | 'description' | 'createdAt' | 'expiresAt'>

export const toUserAccessToken = ({ id, description, createdAt, expiresAt }: Row): Static<typeof UserAccessToken> => ({
  id,
  ...(description !== null && { description }),
  createdAt: createdAt.toISOString(),
  ...(expiresAt && { expires: expiresAt.toISOString() }),
})
export const toTenantAccessToken = ({
  roleIds,
  createdByUserId,
  ...row
}: Row & Pick<AccessTokenRow, 'createdByUserId'> & { roleIds: string[] }): Static<typeof TenantAccessToken> => ({
  ...toUserAccessToken(row),
  roleIds,
  createdByUserId,
})

/** What a server asks for that was shown a token: keys, not ids. */
export const LivingTenantToken = Type.Object({
  id: Id,
  tenantId: Type.String(),
  roles: Type.Array(Type.String()),
  permissions: Type.Array(Type.String()),
  expires: Type.Optional(DateTime),
})
export const LivingUserToken = Type.Object({ ...LivingTenantToken.properties, userId: Id })

interface Living {
  id: string
  tenantId: string
  roles: string[]
  permissions: string[]
  expiresAt: Date | null
}
export const toLivingTenantToken = ({ expiresAt, ...living }: Living): Static<typeof LivingTenantToken> => ({
  ...living,
  ...(expiresAt && { expires: expiresAt.toISOString() }),
})
export const toLivingUserToken = ({
  userId,
  ...living
}: Living & { userId: string | null }): Static<typeof LivingUserToken> => ({
  ...toLivingTenantToken(living),
  userId: userId!,
})

export const ActiveIds = Type.Array(Id)
