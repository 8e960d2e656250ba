import type { ApplicationUser, Prisma } from '@henhouse/database'
import { Type, type Static } from 'typebox'
import { fingerprint } from '../../../kernel/random.ts'
import { DateTime, Id, JoinedKeys, Key, Keys, Metadata, Nullable, OneOf, Text } from '../../../kernel/validation.ts'

/**
 * Of an application: open to everybody, or to assigned tenants and users. Of an assigned tenant: open to all its users,
 * or to those assigned.
 */
export const AccessType = OneOf(['FREE_ACCESS', 'MANAGED_ACCESS'])
export type AccessType = Static<typeof AccessType>

const ApplicationType = OneOf(['web', 'mobile-ios', 'mobile-android', 'agent', 'other'])
const FrontendStack = OneOf([
  'react',
  'vue',
  'angular',
  'next.js',
  'vanilla.js',
  'ionic',
  'flutter',
  'react-native',
  'kotlin',
  'swift',
])
const Name = Type.String({ minLength: 1, maxLength: 512, format: 'one-line' })
const Url = Type.String({ format: 'uri', maxLength: 4095 })

export const NewApplication = Type.Object({
  name: Name,
  appURL: Url,
  loginURL: Url,
  logoURL: Type.Optional(Text),
  accessType: Type.Optional(AccessType),
  isDefault: Type.Optional(Type.Boolean()),
  isActive: Type.Optional(Type.Boolean()),
  type: Type.Optional(ApplicationType),
  frontendStack: Type.Optional(FrontendStack),
  description: Type.Optional(Text),
  metadata: Type.Optional(Metadata),
  allowDcr: Type.Optional(Type.Boolean()),
})
export type NewApplication = Static<typeof NewApplication>

export const ApplicationChange = Type.Object({
  ...Type.Partial(NewApplication).properties,
  appHost: Type.Optional(Text),
})
export type ApplicationChange = Static<typeof ApplicationChange>

export const Application = Type.Object({
  id: Id,
  vendorId: Id,
  accessType: AccessType,
  appURL: Type.String(),
  loginURL: Type.String(),
  isDefault: Type.Boolean(),
  isActive: Type.Boolean(),
  name: Type.String(),
  logoURL: Type.String(),
  createdAt: DateTime,
  updatedAt: DateTime,
  type: Type.String(),
  frontendStack: Type.String(),
  description: Type.String(),
  integrationFinishedAt: Nullable(DateTime),
  metadata: Metadata,
  appHost: Type.Optional(Type.String()),
  allowDcr: Type.Boolean(),
})

/** The columns that `toApplication` needs: all but the secrets. */
export const asShown = {
  omit: { clientSecret: true, sharedSecret: true },
  include: { asDefault: { select: { vendorId: true } } },
} as const satisfies Prisma.ApplicationDefaultArgs
type Shown = Prisma.ApplicationGetPayload<typeof asShown>

export const toApplication = ({
  asDefault,
  appHost,
  accessType,
  metadata,
  ...row
}: Shown): Static<typeof Application> => ({
  ...row,
  accessType: accessType as AccessType,
  metadata: metadata as object,
  isDefault: asDefault !== null,
  ...(appHost !== null && { appHost }),
  integrationFinishedAt: row.integrationFinishedAt?.toISOString() ?? null,
  createdAt: row.createdAt.toISOString(),
  updatedAt: row.updatedAt.toISOString(),
})

/** Ids are joined by commas. The portal asks for some ids and also for the applications that are open to everybody. */
export const ApplicationFilter = Type.Object({
  _accessType: Type.Optional(AccessType),
  _isDefault: Type.Optional(Type.Boolean()),
  _isActive: Type.Optional(Type.Boolean()),
  ids: Type.Optional(JoinedKeys),
  type: Type.Optional(Type.Array(ApplicationType, { maxItems: 50 })),
  frontendStack: Type.Optional(Type.Array(FrontendStack, { maxItems: 50 })),
  name: Type.Optional(Text),
  _excludeAgents: Type.Optional(Text),
  _includeFreeAccess: Type.Optional(Type.Boolean()),
})
export type ApplicationFilter = Static<typeof ApplicationFilter>

export const Credentials = Type.Object({ clientSecret: Type.String(), sharedSecret: Type.String() })

export const TenantFilter = Type.Object({
  appIds: Type.Optional(JoinedKeys),
  tenantIds: Type.Optional(JoinedKeys),
  accessType: Type.Optional(AccessType),
})
export type TenantFilter = Static<typeof TenantFilter>

export const TenantApplications = Type.Object({ tenantId: Type.String(), appIds: Type.Array(Id) })
export const TenantAssignments = Type.Object({
  tenantId: Type.String(),
  assignments: Type.Array(Type.Object({ appId: Id, accessType: AccessType })),
})

export interface Assigned {
  id: string
  apps: readonly { applicationId: string; accessType: string }[]
}
export const toTenantApplications = ({ id, apps }: Assigned): Static<typeof TenantApplications> => ({
  tenantId: id,
  appIds: apps.map((app) => app.applicationId),
})
export const toTenantAssignments = ({ id, apps }: Assigned): Static<typeof TenantAssignments> => ({
  tenantId: id,
  assignments: apps.map(({ applicationId, accessType }) => ({
    appId: applicationId,
    accessType: accessType as AccessType,
  })),
})

export const UsersOfApplication = Type.Object({
  appId: Key,
  tenantId: Key,
  userIds: Keys,
})
export const ApplicationsOfUser = Type.Object({
  userId: Key,
  tenantId: Key,
  appIds: Keys,
})

export const UserAssignment = Type.Object({ appId: Id, userTenantId: Id, createdAt: DateTime })

export const toUserAssignment = ({
  applicationId,
  userId,
  tenantId,
  createdAt,
}: ApplicationUser): Static<typeof UserAssignment> => ({
  appId: applicationId,
  userTenantId: idOfMembership(userId, tenantId),
  createdAt: createdAt.toISOString(),
})

/** A membership has no id of its own: one is derived from what it joins (a UUID of version 8, RFC 9562 §5.8). */
function idOfMembership(userId: string, tenantId: string) {
  const hex = fingerprint(`${userId} ${tenantId}`)
  return [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(12, 15)}`, `a${hex.slice(15, 18)}`, hex.slice(18, 30)].join(
    '-',
  )
}

export const ActiveTenants = Type.Object({
  applicationActiveTenants: Type.Array(Type.Object({ tenantId: Type.String(), applicationId: Id })),
})
export const ActiveTenantChoice = Type.Object({
  activeApplicationTenants: Type.Array(Type.Object({ applicationId: Key, tenantId: Key }), {
    maxItems: 200,
  }),
})

const RedirectURLs = Type.Array(Url, { maxItems: 100 })

export const NewClient = Type.Object({
  clientName: Name,
  clientType: OneOf(['Agent']),
  redirectURLs: Type.Optional(RedirectURLs),
  /** the values are text, numbers or booleans */
  externalMetadata: Type.Optional(Metadata),
})
export type NewClient = Static<typeof NewClient>

export const ClientChange = Type.Object({
  clientName: Type.Optional(Name),
  redirectURLs: Type.Optional(RedirectURLs),
  /** the values are text, numbers or booleans */
  externalMetadata: Type.Optional(Metadata),
})
export type ClientChange = Static<typeof ClientChange>

export const Client = Type.Object({
  id: Id,
  appId: Id,
  clientName: Type.String(),
  clientSecret: Type.String(),
  clientType: Type.String(),
  redirectURLs: Type.Array(Type.String()),
  externalMetadata: Nullable(Metadata),
  createdAt: DateTime,
  updatedAt: DateTime,
})

/** @param clientSecret unsealed */
export const toClient = ({
  applicationId,
  externalMetadata,
  ...row
}: Prisma.ApplicationClientGetPayload<object>): Static<typeof Client> => ({
  ...row,
  appId: applicationId,
  externalMetadata: externalMetadata as object | null,
  createdAt: row.createdAt.toISOString(),
  updatedAt: row.updatedAt.toISOString(),
})
