import type { ApiToken as ApiTokenRow, Prisma } from '@henhouse/database'
import { Type, type Static } from 'typebox'
import { DateTime, FilledKey, FilledToken, Id, Keys, Nullable, Text } from '../../../kernel/validation.ts'

/** Half of what users may have: their access tokens carry both, and must fit a header. */
const METADATA_BYTES = 8192
/** An object that access tokens carry. */
const Metadata = Type.Object({}, { additionalProperties: true, maxBytes: METADATA_BYTES })

const details = { metadata: Type.Optional(Metadata), description: Type.Optional(Text) }
/** Roles come before permissions: with both, the permissions are left out. */
const rights = { roleIds: Type.Optional(Keys), permissionIds: Type.Optional(Keys) }
const lifetime = (most: number) => ({ expiresInMinutes: Type.Optional(Type.Number({ minimum: 1, maximum: most })) })
/** A hundred years. */
const CENTURY = 52_560_000

export const NewTenantApiToken = Type.Object({ ...details, ...rights, ...lifetime(CENTURY) })
export type NewTenantApiToken = Static<typeof NewTenantApiToken>
export const TenantApiTokenChange = Type.Object({ ...details, ...rights })
export type TenantApiTokenChange = Static<typeof TenantApiTokenChange>
export const NewUserApiToken = Type.Object({ ...details, ...lifetime(5_256_000) })
export type NewUserApiToken = Static<typeof NewUserApiToken>

const common = { clientId: Id, metadata: Metadata, createdAt: DateTime, expires: Nullable(DateTime) }
const secret = { secret: Type.String() }

export const TenantApiToken = Type.Object({
  ...common,
  description: Nullable(Type.String()),
  tenantId: Type.String(),
  createdByUserId: Nullable(Id),
  roleIds: Type.Array(Id),
  permissionIds: Type.Array(Id),
})
/** As it is shown once, when it is made. */
export const TenantApiTokenWithSecret = Type.Object({ ...TenantApiToken.properties, ...secret })
export const UserApiToken = Type.Object({ ...common, description: Type.String() })
export const UserApiTokenWithSecret = Type.Object({ ...UserApiToken.properties, ...secret })

export const withRights = {
  roles: { select: { roleId: true } },
  permissions: { select: { permissionId: true } },
} as const satisfies Prisma.ApiTokenInclude
type TenantRow = Prisma.ApiTokenGetPayload<{ include: typeof withRights }>

const commonOf = (row: ApiTokenRow) => ({
  clientId: row.id,
  metadata: row.metadata as object,
  createdAt: row.createdAt.toISOString(),
  expires: row.expiresAt?.toISOString() ?? null,
})
export const toTenantApiToken = (row: TenantRow): Static<typeof TenantApiToken> => ({
  ...commonOf(row),
  description: row.description,
  tenantId: row.tenantId,
  createdByUserId: row.createdByUserId,
  roleIds: row.roles.map(({ roleId }) => roleId),
  permissionIds: row.permissions.map(({ permissionId }) => permissionId),
})
export const toUserApiToken = (row: ApiTokenRow): Static<typeof UserApiToken> => ({
  ...commonOf(row),
  description: row.description ?? '',
})

export const Credentials = Type.Object({ clientId: FilledKey, secret: FilledToken })
export type Credentials = Static<typeof Credentials>
export const RefreshRequest = Type.Object({ refreshToken: FilledToken })

/** `expiresIn` is in seconds. */
export const Tokens = Type.Object({
  accessToken: Type.String(),
  refreshToken: Type.String(),
  expiresIn: Type.Integer(),
  expires: Type.String(),
})
export type Tokens = Static<typeof Tokens>
/** The same with the names of OAuth. */
export const TokensV2 = Type.Object({
  access_token: Type.String(),
  refresh_token: Type.String(),
  expires_in: Type.Integer(),
  expires: Type.String(),
})
export const toV2 = ({ accessToken, refreshToken, expiresIn, expires }: Tokens): Static<typeof TokensV2> => ({
  access_token: accessToken,
  refresh_token: refreshToken,
  expires_in: expiresIn,
  expires,
})
