import type { Ctx } from '../../../kernel/operation.ts'
import { pictureOf } from '../../delivery/mail/person.ts'
import { definedRights } from '../held/defined.ts'
import { live, rolesHeld } from '../held/held.service.ts'
import { toPermission } from '../permissions/permissions.schemas.ts'
import { toRole } from '../roles/roles.schemas.ts'
import type { Line } from './events.sql.ts'

/* What webhooks are told of the user, account, group or API token that an event is about, as it is at that moment. */

export type About = Pick<Line, 'key' | 'tenantId' | 'userId' | 'subjectId'>

/** The object that a key is about: `frontegg.user.created` is about a user. What is gone has none. */
export async function bodyOf(ctx: Ctx, about: About): Promise<object> {
  const kind = about.key.split('.')[1]!
  if (kind === 'user') return { user: about.userId === null ? undefined : await user(ctx, about.userId, about) }
  if (kind === 'tenant') return { tenant: about.tenantId === null ? undefined : await tenant(ctx, about.tenantId) }
  if (about.subjectId === null) return {}
  if (kind === 'group') return { group: await group(ctx, about.subjectId) }
  return kind === 'userApiToken' || kind === 'tenantApiToken' ? { apiToken: await apiToken(ctx, about.subjectId) } : {}
}

async function user(ctx: Ctx, id: string, { key, tenantId: about }: About) {
  const row = await ctx.db.user.findUnique({
    where: { id },
    include: {
      memberships: {
        where: live(ctx),
        orderBy: [{ createdAt: 'asc' }, { tenantId: 'asc' }],
        select: { tenantId: true, isDisabled: true, acceptedAt: true, expiresAt: true },
      },
    },
  })
  if (!row) return undefined
  const tenantId = about ?? row.activeTenantId ?? row.memberships[0]?.tenantId ?? null,
    held = tenantId === null ? [] : await rolesHeld(ctx, id, tenantId),
    { permissions } = await definedRights(ctx),
    given = new Set(held.flatMap((role) => role.permissions.map(({ permissionId }) => permissionId))),
    here = row.memberships.find((one) => one.tenantId === tenantId)
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
