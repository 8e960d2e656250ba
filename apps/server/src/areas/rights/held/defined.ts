import type { Permission, Role } from '@henhouse/database'
import { definition, definitionOfTenants } from '../../../kernel/definitions.ts'
import type { Ctx } from '../../../kernel/operation.ts'

export interface DefinedRole extends Role {
  permissions: { permissionId: string }[]
}
/** With those of the environment's own roles that have it. */
export interface DefinedPermission extends Permission {
  roles: { roleId: string }[]
}

interface DefinedRights {
  readonly roles: ReadonlyMap<string, DefinedRole>
  readonly permissions: ReadonlyMap<string, DefinedPermission>
}

const withPermissionIds = { permissions: { select: { permissionId: true } } } as const
const orderBy: ({ createdAt: 'asc' } | { key: 'asc' })[] = [{ createdAt: 'asc' }, { key: 'asc' }]

/** All permissions, and the roles that belong to no tenant, by their ids; the oldest first. */
export const definedRights = definition('rights', {
  models: ['Role', 'RolePermission', 'Permission'],
  async load({ db }): Promise<DefinedRights> {
    const [roles, permissions] = await Promise.all([
      db.role.findMany({ where: { tenantId: null }, include: withPermissionIds, orderBy }),
      db.permission.findMany({ orderBy }),
    ])
    const rolesWith = new Map<string, { roleId: string }[]>(permissions.map(({ id }) => [id, []]))
    for (const role of roles)
      for (const { permissionId } of role.permissions) rolesWith.get(permissionId)?.push({ roleId: role.id })
    return {
      roles: new Map(roles.map((role) => [role.id, role])),
      permissions: new Map(
        permissions.map((permission) => [permission.id, { ...permission, roles: rolesWith.get(permission.id)! }]),
      ),
    }
  },
})

const rolesOfTenants = definitionOfTenants<readonly DefinedRole[]>('roles of tenants', {
  models: ['Role', 'RolePermission'],
  async load({ db }, tenantIds) {
    const rows = await db.role.findMany({
      where: { tenantId: { in: [...tenantIds] } },
      include: withPermissionIds,
      orderBy,
    })
    const found = new Map<string, DefinedRole[]>(tenantIds.map((id) => [id, []]))
    for (const role of rows) found.get(role.tenantId!)!.push(role)
    return found
  },
  none: [],
})

const byAge = (a: DefinedRole, b: DefinedRole) =>
  a.createdAt.getTime() - b.createdAt.getTime() || (a.key < b.key ? -1 : Number(a.key > b.key))

/** The roles that there are in these tenants: the environment's and their own. The oldest first. */
export async function rolesIn(ctx: Ctx, tenantIds: readonly string[]): Promise<DefinedRole[]> {
  const { roles } = await definedRights(ctx),
    own = await rolesOfTenants(ctx, tenantIds)
  return [...roles.values(), ...[...new Set(tenantIds)].flatMap(own)].sort(byAge)
}

/** Those of these roles that there are in the tenants. */
export async function rolesNamed(ctx: Ctx, roleIds: readonly string[], tenantIds: readonly string[]) {
  const wanted = new Set(roleIds.map((id) => id.toLowerCase())),
    { roles } = await definedRights(ctx)
  const known = [...wanted].flatMap((id) => roles.get(id) ?? [])
  // most have none of a tenant's own
  return known.length === wanted.size
    ? known.sort(byAge)
    : (await rolesIn(ctx, tenantIds)).filter((role) => wanted.has(role.id))
}
