import type { Prisma } from '@henhouse/database'
import type { Ctx } from '../../../kernel/operation.ts'
import { pictureOf } from '../../delivery/mail/person.ts'
import { definedRights, type DefinedPermission, type DefinedRole } from '../held/defined.ts'
import { live, rolesHeld, rolesHeldInAll } from '../held/held.service.ts'
import type { Place } from '../held/sub-account-access.service.ts'
import { toPermission } from '../permissions/permissions.schemas.ts'
import { toRole } from '../roles/roles.schemas.ts'
import type { Line } from './events.sql.ts'

/* What webhooks are told of the user, account, group or API token that an event is about, as it is at that moment. */

export type About = Pick<Line, 'key' | 'tenantId' | 'userId' | 'subjectId'>

/** The object that each key is about: `frontegg.user.created` is about a user. What is gone has none. Of users there may be many. */
export async function bodiesOf(ctx: Ctx, abouts: readonly About[]): Promise<object[]> {
  const userOf = await usersOf(ctx, abouts),
    bodies: object[] = []
  for (const about of abouts) bodies.push(kindOf(about) === 'user' ? { user: userOf(about) } : await bodyOf(ctx, about))
  return bodies
}

/** As an account may see it: where else the user is, is not its business. */
export function within(body: object, tenantId: string): object {
  const { user } = body as { user?: { tenantIds?: string[]; tenants?: { tenantId: string }[] } }
  if (!user?.tenantIds) return body
  const isHere = (id: string) => id === tenantId
  return {
    ...body,
    user: {
      ...user,
      tenantIds: user.tenantIds.filter(isHere),
      tenants: user.tenants?.filter((one) => isHere(one.tenantId)),
    },
  }
}
const kindOf = ({ key }: About) => key.split('.')[1]!

async function bodyOf(ctx: Ctx, about: About): Promise<object> {
  const kind = kindOf(about)
  if (kind === 'tenant') return { tenant: about.tenantId === null ? undefined : await tenant(ctx, about.tenantId) }
  if (about.subjectId === null) return {}
  if (kind === 'group') return { group: await group(ctx, about.subjectId) }
  return kind === 'userApiToken' || kind === 'tenantApiToken' ? { apiToken: await apiToken(ctx, about.subjectId) } : {}
}

/** The users that these are about, with as many statements for a thousand as for two. */
async function usersOf(ctx: Ctx, abouts: readonly About[]) {
  const ids = [...new Set(abouts.flatMap((about) => (kindOf(about) === 'user' ? (about.userId ?? []) : [])))]
  if (!ids.length) return () => undefined
  const rows = await ctx.db.user.findMany({ where: { id: { in: ids } }, include: withMemberships(ctx) }),
    byId = new Map(rows.map((row) => [row.id, row]))
  const placeOf = ({ userId, tenantId: about }: About) => {
    const row = userId === null ? undefined : byId.get(userId),
      tenantId = about ?? row?.activeTenantId ?? row?.memberships[0]?.tenantId
    return userId === null || tenantId === undefined ? undefined : { userId, tenantId }
  }
  const places = [
      ...new Map(abouts.flatMap((about) => placeOf(about) ?? []).map((place) => [keyOf(place), place])).values(),
    ],
    held = new Map((await rolesIn(ctx, places)).map((roles, index) => [keyOf(places[index]!), roles])),
    { permissions } = await definedRights(ctx)
  return (about: About) => {
    const row = about.userId === null ? undefined : byId.get(about.userId),
      place = placeOf(about)
    return row && toUser(row, about.key, place?.tenantId ?? null, (place && held.get(keyOf(place))) ?? [], permissions)
  }
}
const keyOf = ({ userId, tenantId }: Place) => `${userId} ${tenantId}`

/** Mostly there is one: a statement of its own finds its roles. */
const rolesIn = async (ctx: Ctx, places: readonly Place[]) =>
  places.length === 1 ? [await rolesHeld(ctx, places[0]!.userId, places[0]!.tenantId)] : rolesHeldInAll(ctx, places)

const withMemberships = (ctx: Ctx) =>
  ({
    memberships: {
      where: live(ctx),
      orderBy: [{ createdAt: 'asc' }, { tenantId: 'asc' }],
      select: { tenantId: true, isDisabled: true, acceptedAt: true, expiresAt: true },
    },
  }) satisfies Prisma.UserInclude
type UserRow = Prisma.UserGetPayload<{ include: ReturnType<typeof withMemberships> }>

function toUser(
  row: UserRow,
  key: string,
  tenantId: string | null,
  held: readonly DefinedRole[],
  permissions: ReadonlyMap<string, DefinedPermission>,
) {
  const given = new Set(held.flatMap((role) => role.permissions.map(({ permissionId }) => permissionId))),
    here = row.memberships.find((one) => one.tenantId === tenantId)
  return {
    id: row.id,
    sub: row.id,
    email: row.email ?? '',
    verified: row.verified,
    name: row.name,
    phoneNumber: row.phoneNumber,
    profilePictureUrl: pictureOf(row),
    provider: row.provider,
    managedBy: row.managedBy,
    mfaEnrolled: row.mfaEnrolled,
    mfaBypass: row.mfaBypass,
    metadata: row.metadata,
    tenantId: tenantId ?? '',
    // the reference leaves them out of this one
    ...(key !== 'frontegg.user.disabledMFA' && {
      tenantIds: row.memberships.map((one) => one.tenantId),
      tenants: row.memberships.map(({ tenantId, isDisabled, expiresAt }) => ({
        tenantId,
        isDisabled,
        temporaryExpirationDate: expiresAt?.toISOString() ?? null,
      })),
    }),
    roles: held.map(toRole),
    permissions: [...permissions.values()].filter(({ id }) => given.has(id)).map(toPermission),
    activatedForTenant: !!here?.acceptedAt && row.verified,
    isLocked: row.isLocked,
    createdAt: row.createdAt.toISOString(),
    lastLogin: row.lastLogin?.toISOString() ?? null,
  }
}

async function tenant(ctx: Ctx, id: string) {
  const row = await ctx.db.tenant.findFirst({
    where: { id },
    select: { id: true, name: true, alias: true, parentId: true, metadata: true, createdAt: true, updatedAt: true },
  })
  if (!row) return undefined
  const { parentId, id: tenantId, ...rest } = row
  return {
    ...rest,
    id: tenantId,
    tenantId,
    parentTenantId: parentId,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  }
}

async function group(ctx: Ctx, id: string) {
  const row = await ctx.db.group.findFirst({
    where: { id },
    include: { roles: { select: { roleId: true } }, users: { select: { userId: true } } },
  })
  if (!row) return undefined
  const { name, description, color, metadata, tenantId, managedBy } = row
  return {
    ...{ id, name, description, color, metadata, tenantId, managedBy },
    roles: row.roles.map(({ roleId }) => roleId),
    users: row.users.map(({ userId }) => userId),
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  }
}

/** Without its secret, which nobody can read again. */
async function apiToken(ctx: Ctx, id: string) {
  const row = await ctx.db.apiToken.findFirst({
    where: { id },
    include: { roles: { select: { roleId: true } }, permissions: { select: { permissionId: true } } },
  })
  if (!row) return undefined
  return {
    clientId: id,
    description: row.description,
    tenantId: row.tenantId,
    ...(row.userId !== null && { userId: row.userId }),
    createdByUserId: row.createdByUserId,
    roleIds: row.roles.map(({ roleId }) => roleId),
    permissionIds: row.permissions.map(({ permissionId }) => permissionId),
    createdAt: row.createdAt.toISOString(),
    expires: row.expiresAt?.toISOString() ?? null,
  }
}
