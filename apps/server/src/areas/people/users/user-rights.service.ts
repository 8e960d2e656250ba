import type { Static } from 'typebox'
import type { Ctx } from '../../../kernel/operation.ts'
import { definedRights, type DefinedPermission } from '../../rights/held/defined.ts'
import { toPermission } from '../../rights/permissions/permissions.schemas.ts'
import { rolesHeld } from '../../rights/held/held.service.ts'
import type { CoreUser, User } from './users.schemas.ts'

/** What a user may do in a tenant, by the roles of their membership and groups. Empty for a user who is not a member. */
export async function rightsOf(ctx: Ctx, userId: string, tenantId: string) {
  const roles = await rolesHeld(ctx, userId, tenantId),
    { permissions } = await definedRights(ctx)
  return {
    roles,
    permissions: givenBy(
      permissions,
      roles.map(({ id, permissions }) => ({ id, ids: permissions.map((p) => p.permissionId) })),
    ),
  }
}

interface Holder {
  readonly roles?: readonly { readonly id: string; readonly permissions: readonly string[] }[]
}

/** The permissions that each holder's roles give. */
export async function permissionsOf(ctx: Ctx) {
  const { permissions } = await definedRights(ctx)
  return ({ roles = [] }: Holder) =>
    givenBy(
      permissions,
      roles.map(({ id, permissions: ids }) => ({ id, ids })),
    ).map(toPermission)
}

/** The permissions of the roles, the oldest first. Each names the environment's roles that have it, and the given ones. */
function givenBy(
  permissions: ReadonlyMap<string, DefinedPermission>,
  roles: readonly { id: string; ids: readonly string[] }[],
): DefinedPermission[] {
  const having = new Map<string, Set<string>>()
  for (const { id: roleId, ids } of roles)
    for (const id of ids)
      having.set(id, (having.get(id) ?? new Set(permissions.get(id)?.roles.map((r) => r.roleId))).add(roleId))
  return [...permissions.values()]
    .filter(({ id }) => having.has(id))
    .map((permission) => ({ ...permission, roles: [...having.get(permission.id)!].map((roleId) => ({ roleId })) }))
}

/** Users of a list, each with their own roles in the tenant that the list shows. Roles by groups or from accounts above show only on single users. */
export async function withRights(ctx: Ctx, users: readonly Static<typeof CoreUser>[]): Promise<Static<typeof User>[]> {
  const holders = users.map((user) => ({
    user,
    roles: user.tenants.find((place) => place.tenantId === user.tenantId)?.roles ?? [],
  }))
  const permissions = await permissionsOf(ctx)
  return holders.map((holder) => ({ ...holder.user, roles: holder.roles, permissions: permissions(holder) }))
}
