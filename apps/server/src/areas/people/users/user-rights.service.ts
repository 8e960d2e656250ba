import type { Static } from 'typebox'
import type { Ctx } from '../../../kernel/operation.ts'
import { toPermission, withRoleIds } from '../../rights/permissions/permissions.schemas.ts'
import { rolesHeld } from '../../rights/held/held.service.ts'
import type { CoreUser, User } from './users.schemas.ts'

/** What a user may do in a tenant, by the roles of their membership and groups. Empty for a user who is not a member. */
export async function rightsOf(ctx: Ctx, userId: string, tenantId: string) {
  const roles = await ctx.db.role.findMany({
    where: { id: { in: await rolesHeld(ctx, userId, tenantId) } },
    include: { permissions: { select: { permissionId: true, permission: { include: withRoleIds } } } },
    orderBy: [{ createdAt: 'asc' }, { key: 'asc' }],
  })
  const permissions = [
    ...new Map(
      roles.flatMap((role) => role.permissions.map(({ permission }) => [permission.id, permission] as const)),
    ).values(),
  ]
  return { roles, permissions }
}

interface Holder {
  readonly roles?: readonly { readonly permissions: readonly string[] }[]
}

/** The permissions that each holder's roles give, in one query for all holders. */
export async function permissionsOf(ctx: Ctx, holders: readonly Holder[]) {
  const idsOf = ({ roles = [] }: Holder) => roles.flatMap((role) => role.permissions)
  const rows = await ctx.db.permission.findMany({
    where: { id: { in: [...new Set(holders.flatMap(idsOf))] } },
    include: withRoleIds,
    orderBy: [{ createdAt: 'asc' }, { key: 'asc' }],
  })
  return (holder: Holder) => {
    const held = new Set(idsOf(holder))
    return rows.filter((row) => held.has(row.id)).map(toPermission)
  }
}

/** Users of a list, each with their own roles in the tenant that the list shows. Roles by groups or from accounts above show only on single users. */
export async function withRights(ctx: Ctx, users: readonly Static<typeof CoreUser>[]): Promise<Static<typeof User>[]> {
  const holders = users.map((user) => ({
    user,
    roles: user.tenants.find((place) => place.tenantId === user.tenantId)?.roles ?? [],
  }))
  const permissions = await permissionsOf(ctx, holders)
  return holders.map((holder) => ({ ...holder.user, roles: holder.roles, permissions: permissions(holder) }))
}
