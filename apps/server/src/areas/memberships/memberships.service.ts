import type { Ctx } from '../../kernel/operation.ts'
import { withRoleIds } from '../permissions/permissions.schemas.ts'

/** What a user may do in a tenant, through the roles of the membership. Empty for whoever is not a member. */
export async function rightsOf(ctx: Ctx, userId: string, tenantId: string) {
  const rows = await ctx.db.membershipRole.findMany({
    where: { userId, tenantId },
    select: { role: { include: { permissions: { select: { permissionId: true, permission: { include: withRoleIds } } } } } },
  })
  const roles = rows.map((row) => row.role)
  const permissions = [...new Map(roles.flatMap((role) => role.permissions.map(({ permission }) => [permission.id, permission] as const))).values()]
  return { roles, permissions }
}

/** The keys of `rightsOf`, as tokens carry them. One query. */
export async function keysOf(ctx: Ctx, userId: string, tenantId: string) {
  const rows = await ctx.db.membershipRole.findMany({
    where: { userId, tenantId },
    select: { role: { select: { key: true, permissions: { select: { permission: { select: { key: true } } } } } } },
  })
  return {
    roles: rows.map(({ role }) => role.key),
    permissions: [...new Set(rows.flatMap(({ role }) => role.permissions.map(({ permission }) => permission.key)))],
  }
}
