import type { Static } from 'typebox'
import type { Ctx } from '../../../kernel/operation.ts'
import { definedRights, rolesNamed, type DefinedPermission, type DefinedRole } from '../../rights/held/defined.ts'
import { rolesHeld } from '../../rights/held/held.service.ts'
import { toPermission, type Permission } from '../../rights/permissions/permissions.schemas.ts'
import { toRole, type Role } from '../../rights/roles/roles.schemas.ts'
import type { Rights, UserWithTenants } from './users.schemas.ts'

/** What a user may do in a tenant, by the roles of their membership and groups. Empty for a user who is not a member. */
export const rightsOf = async (ctx: Ctx, userId: string, tenantId: string) =>
  rightsBy(ctx, await rolesHeld(ctx, userId, tenantId))

export async function rightsBy(ctx: Ctx, defined: readonly DefinedRole[]): Promise<Rights> {
  const roles = defined.map(roleShown)
  return { roles, permissions: (await permissionsOf(ctx))(roles) }
}

/** The permissions that roles give, the oldest first. */
export async function permissionsOf(ctx: Ctx) {
  const { permissions } = await definedRights(ctx)
  return (roles: readonly Static<typeof Role>[]) => givenBy(permissions, roles)
}

/** Each permission names the environment's roles that have it, and the given ones. */
function givenBy(permissions: ReadonlyMap<string, DefinedPermission>, roles: readonly Static<typeof Role>[]) {
  const having = new Map<string, string[]>()
  for (const { id: roleId, tenantId, permissions: given } of roles)
    for (const id of given) {
      const more = having.get(id) ?? []
      // the environment's own are among the permission's
      if (tenantId !== null) more.push(roleId)
      having.set(id, more)
    }
  const found: Static<typeof Permission>[] = []
  for (const permission of permissions.values()) {
    const more = having.get(permission.id)
    if (!more) continue
    const shown = permissionShown(permission)
    found.push(more.length ? { ...shown, roleIds: [...shown.roleIds, ...more] } : shown)
  }
  return found
}

/** What the wire shows of a definition, made once. */
function shownOnce<D extends object, S>(show: (definition: D) => S) {
  const shown = new WeakMap<D, S>()
  return (definition: D): S => {
    let found = shown.get(definition)
    if (!found) shown.set(definition, (found = show(definition)))
    return found
  }
}
const roleShown = shownOnce<DefinedRole, Static<typeof Role>>(toRole)
const permissionShown = shownOnce<DefinedPermission, Static<typeof Permission>>(toPermission)

/** Puts the roles of the places of users into them, as far as a statement has found their ids. */
export async function withRoles<U extends UserWithTenants>(ctx: Ctx, users: readonly U[]) {
  const places = users.flatMap((user) => user.places).filter((place) => place.roleIds),
    roleIds = new Set(places.flatMap((place) => place.roleIds!))
  const roles = roleIds.size
    ? await rolesNamed(
        ctx,
        [...roleIds],
        places.map((place) => place.tenantId),
      )
    : []
  const shown = new Map(roles.map((role) => [role.id, roleShown(role)]))
  for (const place of places) place.roles = place.roleIds!.flatMap((id) => shown.get(id) ?? [])
  return users
}
