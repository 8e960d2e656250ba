import type { Prisma } from '@henhouse/database'
import type { Ctx } from '../../../kernel/operation.ts'
import { pictureOf } from '../../delivery/mail/person.ts'
import { definedRights, rolesNamed, type DefinedPermission, type DefinedRole } from '../held/defined.ts'
import { live, rolesHeldInMany } from '../held/held.service.ts'
import { toPermission } from '../permissions/permissions.schemas.ts'
import { toRole } from '../roles/roles.schemas.ts'
import type { Line } from './events.sql.ts'

/* What webhooks are told of the user, account, group or API token that an event is about, as it is at that moment. */

export type About = Pick<Line, 'key' | 'tenantId' | 'userId' | 'subjectId'>

/** The objects that keys are about: `frontegg.user.created` is about a user. What is gone has none. */
export async function bodiesOf<A extends About>(ctx: Ctx, abouts: readonly A[]): Promise<Map<A, object>> {
  const found = new Map<A, object>(),
    ofUsers = abouts.filter(({ key }) => kindOf(key) === 'user'),
    shown = await users(ctx, ofUsers)
  for (const [index, about] of ofUsers.entries()) found.set(about, { user: shown[index] })
  for (const about of abouts) if (!found.has(about)) found.set(about, await otherBody(ctx, about))
  return found
}
export const bodyOf = async (ctx: Ctx, about: About) => (await bodiesOf(ctx, [about])).get(about)!
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
const kindOf = (key: string) => key.split('.')[1]!

async function otherBody(ctx: Ctx, { key, tenantId, subjectId }: About): Promise<object> {
  const kind = kindOf(key)
  if (kind === 'tenant') return { tenant: tenantId === null ? undefined : await tenant(ctx, tenantId) }
  if (subjectId === null) return {}
  if (kind === 'group') return { group: await group(ctx, subjectId) }
  return kind === 'userApiToken' || kind === 'tenantApiToken' ? { apiToken: await apiToken(ctx, subjectId) } : {}
}

/** In the order of the events. */
async function users(ctx: Ctx, abouts: readonly About[]) {
  const ids = abouts.flatMap(({ userId }) => userId ?? [])
  if (!ids.length) return abouts.map(() => undefined)
  const rows = await ctx.db.user.findMany({ where: { id: { in: ids } }, include: withPlaces(ctx) }),
    byId = new Map(rows.map((row) => [row.id, row]))
  const places = abouts.map(({ userId, tenantId }) => {
    const row = userId === null ? undefined : byId.get(userId)
    return { row, tenantId: tenantId ?? row?.activeTenantId ?? row?.memberships[0]?.tenantId ?? null }
  })
  const inTenants = places.flatMap(({ row, tenantId }) =>
      row && tenantId !== null ? { userId: row.id, tenantId } : [],
    ),
    roleIds = await rolesHeldInMany(ctx, inTenants),
    defined = await definedRights(ctx)
  const roles = await rolesNamed(
    ctx,
    roleIds.flat(),
    inTenants.map(({ tenantId }) => tenantId),
  )
  return places.map(({ row, tenantId }, index) => {
    if (!row) return undefined
    const at = inTenants.findIndex((place) => place.userId === row.id && place.tenantId === tenantId),
      held = roles.filter(({ id }) => roleIds[at]?.includes(id))
    return shownUser(row, { tenantId, held, permissions: [...defined.permissions.values()], key: abouts[index]!.key })
  })
}

const withPlaces = (ctx: Ctx) => ({
  memberships: {
    where: live(ctx),
    orderBy: [{ createdAt: 'asc' as const }, { tenantId: 'asc' as const }],
    select: { tenantId: true, isDisabled: true, acceptedAt: true, expiresAt: true },
  },
})
type Row = Prisma.UserGetPayload<{ include: ReturnType<typeof withPlaces> }>
interface Standing {
  tenantId: string | null
  held: readonly DefinedRole[]
  permissions: readonly DefinedPermission[]
  key: string
}

function shownUser(row: Row, { tenantId, held, permissions, key }: Standing) {
  const given = new Set(held.flatMap((role) => role.permissions.map(({ permissionId }) => permissionId))),
    here = row.memberships.find((one) => one.tenantId === tenantId),
    { id } = row
  return {
    id,
    sub: id,
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
    permissions: permissions.filter(({ id }) => given.has(id)).map(toPermission),
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
