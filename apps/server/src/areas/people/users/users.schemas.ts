import type { Tenant as TenantColumns } from '@henhouse/database'
import { Type, type Static } from 'typebox'
import { type Caller, type TenantScope, userIdOf } from '../../../kernel/operation.ts'
import {
  DateTime,
  Id,
  INDEXED_LENGTH,
  Key,
  MetadataText,
  Name,
  Nullable,
  OneOf,
  Text,
} from '../../../kernel/validation.ts'
import { goesBelow } from '../../rights/held/sub-account-access.service.ts'
import { hasArrived } from '../memberships/memberships.schemas.ts'
import { Permission } from '../../rights/permissions/permissions.schemas.ts'
import { Role } from '../../rights/roles/roles.schemas.ts'
import { Tenant, toTenant } from '../../accounts/tenants/tenants.schemas.ts'
import { pictureOf } from '../../delivery/mail/person.ts'
import type { Place, ShownUser } from './profiles.sql.ts'
import { userErrors } from './users.errors.ts'

export const Provider = OneOf(['local', 'saml', 'google', 'github', 'facebook', 'microsoft', 'scim2', 'slack', 'apple'])
export const Email = Type.String({ format: 'email', maxLength: 320 })
export const Username = Type.String({
  minLength: 1,
  maxLength: 255,
  pattern: '^[a-zA-Z0-9._-]+$',
  message: 'Username can only contain letters, numbers, dots, underscores, and hyphens',
})
export const PhoneNumber = Type.String({
  maxLength: INDEXED_LENGTH,
  pattern: '^\\+[1-9]{1}(\\-?)(([0-9])(\\-?)){5,13}(([0-9]$){1})',
  message: 'Phone number must be valid',
})
export const PictureUrl = Text

/** What users may change about themselves. `metadata` is the text of a JSON object; null as the picture restores the default one. */
export const ProfileChange = Type.Object({
  name: Type.Optional(Name),
  phoneNumber: Type.Optional(PhoneNumber),
  profilePictureUrl: Type.Optional(Nullable(PictureUrl)),
  metadata: Type.Optional(MetadataText),
})
export const UserChange = Type.Object({
  ...ProfileChange.properties,
  vendorMetadata: Type.Optional(MetadataText),
  mfaBypass: Type.Optional(Type.Boolean()),
  externalId: Type.Optional(Key),
})
export type UserChange = Static<typeof UserChange>

export const TenantOfUser = Type.Object({
  tenantId: Type.String(),
  /** left out of the lists of v3 */
  roles: Type.Optional(Type.Array(Role)),
  temporaryExpirationDate: Nullable(DateTime),
  isDisabled: Type.Boolean(),
})

/** A user without rights. Strings that the reference requires are empty instead of null, for strict clients. */
export const CoreUser = Type.Object({
  id: Id,
  email: Type.String(),
  name: Type.String(),
  profilePictureUrl: Type.String(),
  sub: Id,
  verified: Type.Boolean(),
  mfaEnrolled: Type.Boolean(),
  mfaBypass: Type.Boolean(),
  phoneNumber: Nullable(Type.String()),
  provider: Type.String(),
  tenantId: Type.String(),
  tenantIds: Type.Array(Type.String()),
  activatedForTenant: Type.Boolean(),
  isLocked: Type.Boolean(),
  tenants: Type.Array(TenantOfUser),
  invisible: Type.Boolean(),
  superUser: Type.Boolean(),
  metadata: Type.String(),
  vendorMetadata: Type.String(),
  externalId: Nullable(Type.String()),
  createdAt: DateTime,
  lastLogin: Nullable(DateTime),
  subAccountAccessAllowed: Type.Boolean(),
  managedBy: Type.String(),
})

/** A user with their rights in the tenant named by `tenantId`. */
export const User = Type.Object({
  ...CoreUser.properties,
  roles: Type.Array(Role),
  permissions: Type.Array(Permission),
  /** clients may read it; never filled yet */
  groups: Type.Optional(Type.Array(Type.Object({}))),
})

export const CreatedUser = Type.Object({ ...User.properties, temporaryExpirationDate: Nullable(DateTime) })

export const Authorization = Type.Object({ roles: Type.Array(Role), permissions: Type.Array(Permission) })

export const secretColumns = { passwordHash: true, passwordChangedAt: true } as const
export type UserWithTenants = ShownUser & { readonly places: readonly Place[] }

/** Where the user is active: the tenant chosen last, else the first that lets them in, else the first. */
function activeTenantId(row: UserWithTenants) {
  const open = row.places.filter((m) => !m.isDisabled && m.acceptedAt)
  if (row.superUser && row.activeTenantId !== null) return row.activeTenantId
  return (open.find((m) => m.tenantId === row.activeTenantId) ?? open[0] ?? row.places[0])?.tenantId
}

/** @param tenantId the tenant that the call is about; else the one where the user is active. Only management sees `vendorMetadata`. */
export function toCoreUser(
  row: UserWithTenants,
  caller: Caller,
  tenantId = activeTenantId(row),
): Static<typeof CoreUser> {
  const membership = row.places.find((m) => m.tenantId === tenantId)
  // an invitation that is not accepted is for the others to see
  const accepted = row.places.filter((m) => m.acceptedAt)
  const isSelf = userIdOf(caller) === row.id
  return {
    id: row.id,
    sub: row.id,
    email: row.email ?? '',
    name: row.name,
    profilePictureUrl: pictureOf(row),
    phoneNumber: row.phoneNumber,
    verified: row.verified,
    mfaEnrolled: row.mfaEnrolled,
    mfaBypass: row.mfaBypass,
    provider: row.provider,
    managedBy: row.managedBy,
    tenantId: tenantId ?? '',
    tenantIds: (caller.kind === 'vendor' ? row.places : accepted).map((m) => m.tenantId),
    activatedForTenant: !!membership && hasArrived(row, membership),
    isLocked: row.isLocked,
    invisible: row.invisible,
    superUser: row.superUser,
    subAccountAccessAllowed: goesBelow(row.subAccountAccess, membership?.subAccountAccessType ?? 'defaultOff'),
    metadata: row.metadata,
    vendorMetadata: caller.kind === 'vendor' ? row.vendorMetadata : '{}',
    externalId: row.externalId,
    createdAt: row.createdAt.toISOString(),
    lastLogin: row.lastLogin?.toISOString() ?? null,
    tenants: (isSelf ? accepted : row.places).map(({ tenantId, isDisabled, expiresAt, roles }) => ({
      tenantId,
      isDisabled,
      temporaryExpirationDate: moment(expiresAt),
      ...(roles && { roles }),
    })),
  }
}

/** As the wire writes them; JSON of the database has another form. */
const moment = (text: string | null | undefined) => (text ? new Date(text).toISOString() : null)

/** A user of a list for a tenant: as they are there, or where they are active if they are not in it themselves. */
export const toListed = (row: UserWithTenants, caller: Caller, tenant: Pick<TenantScope, 'id'> | undefined) =>
  toCoreUser(row, caller, row.places.find((m) => m.tenantId === tenant?.id)?.tenantId)

export interface Rights {
  roles: Static<typeof Role>[]
  permissions: Static<typeof Permission>[]
}
/** A user as `users.read` loads it. */
export interface UserWithRights extends Rights {
  row: UserWithTenants
  tenantId: string | undefined
}

export const toUser = ({ row, tenantId, roles, permissions }: UserWithRights, caller: Caller): Static<typeof User> => ({
  ...toCoreUser(row, caller, tenantId),
  roles,
  permissions,
})

/** Anybody can invite anybody: users do not see which other accounts a user is in, as in lists. */
export function toCreatedUser(user: UserWithRights, caller: Caller): Static<typeof CreatedUser> {
  const places = user.row.places.filter((place) => caller.kind === 'vendor' || place.tenantId === user.tenantId)
  return {
    ...toUser({ ...user, row: { ...user.row, places } }, caller),
    temporaryExpirationDate: moment(places.find((place) => place.tenantId === user.tenantId)?.expiresAt),
  }
}

/** Refuses text that is not a JSON object. */
export function mustBeObjects(fields: { metadata?: string | undefined; vendorMetadata?: string | undefined }) {
  for (const field of ['metadata', 'vendorMetadata'] as const)
    if (fields[field] !== undefined && !isObjectText(fields[field])) throw userErrors.notAnObject(field)
}
function isObjectText(text: string) {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
  } catch {
    return false
  }
}

export const TenantsOfUser = Type.Object({ tenants: Type.Array(Tenant), activeTenant: Nullable(Tenant) })
export const toTenantsOfUser = ({
  tenants,
  activeTenant,
}: {
  tenants: TenantColumns[]
  activeTenant: TenantColumns | null
}): Static<typeof TenantsOfUser> => ({
  tenants: tenants.map(toTenant),
  activeTenant: activeTenant && toTenant(activeTenant),
})
