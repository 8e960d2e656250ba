import type { Prisma } from '@henhouse/database'
import { isUuid } from '../../../kernel/environments.ts'
import { onDuplicate, onUnknownReference } from '../../../kernel/errors.ts'
import type { Caller, Ctx, TenantScope } from '../../../kernel/operation.ts'
import { containing, page, slice } from '../../../kernel/paging.ts'
import { permissionErrors } from '../permissions/permissions.errors.ts'
import { roleErrors } from './roles.errors.ts'
import { toRole, withPermissionIds } from './roles.schemas.ts'
import { mayGrant, mayName, usable, visibleTo } from './roles.service.ts'
import type { DerivedRole, RoleQuery } from './roles-v2.schemas.ts'

/** A page of the roles that the tenant sees; of all roles without a tenant (management). */
export async function search(ctx: Ctx, tenant: TenantScope | undefined, query: RoleQuery) {
  const { _filter, _levels, _tenantIds } = query
  const where: Prisma.RoleWhereInput = {
    AND: [
      visibleTo(tenant),
      ...(_filter === undefined
        ? []
        : [{ OR: (['key', 'name', 'description'] as const).map((field) => ({ [field]: containing(_filter) })) }]),
      ...(_levels ? [{ level: { in: _levels } }] : []),
      ...(_tenantIds ? [{ tenantId: { in: _tenantIds } }] : []),
    ],
  }
  const [rows, total] = await Promise.all([
    ctx.db.role.findMany({ where, include: withPermissionIds, orderBy: order(query), ...slice(query) }),
    ctx.db.role.count({ where }),
  ])
  return page(rows.map(toRole), total, query)
}

function order({ _sortBy = 'createdAt', _order }: RoleQuery): Prisma.RoleOrderByWithRelationInput[] {
  const direction = _order === 'DESC' ? 'desc' : 'asc'
  const relation = (
    { permissions: 'permissions', userTenants: 'memberships', groups: 'groups' } as Record<string, string>
  )[_sortBy]
  return [
    relation ? { [relation]: { _count: direction } } : { [_sortBy]: direction },
    { key: direction },
    { id: direction },
  ]
}

/**
 * Makes a role as strong as another one that the caller sees.
 * @throws 404 when that role or a permission is unknown, 403 for a role that is stronger than the caller's own, 409 when the key is taken
 */
export async function derive(
  ctx: Ctx,
  caller: Caller,
  tenant: TenantScope | undefined,
  { baseRoleId, permissionIds, ...role }: DerivedRole,
) {
  const base = isUuid(baseRoleId)
    ? await ctx.db.role.findFirst({ where: { id: baseRoleId, ...visibleTo(tenant) }, select: { level: true } })
    : null
  if (!base) throw roleErrors.notFound()
  await mayGrant(ctx, caller, base.level)
  await mayName(ctx, caller, [role.key])
  const wanted = await usable(ctx, caller, permissionIds),
    now = ctx.clock.now()
  return ctx.db.role
    .create({
      data: {
        ...role,
        id: ctx.random.uuid(),
        tenantId: tenant?.id ?? null,
        level: base.level,
        createdAt: now,
        updatedAt: now,
        permissions: { createMany: { data: wanted.map((permissionId) => ({ permissionId })) } },
      },
      include: withPermissionIds,
    })
    .catch(onDuplicate(roleErrors.keyTaken()))
    .catch(onUnknownReference(permissionErrors.notFound()))
}

/** All levels, the strongest first. */
export async function levels(ctx: Ctx, tenant: TenantScope | undefined) {
  return (
    await ctx.db.role.findMany({
      where: visibleTo(tenant),
      distinct: ['level'],
      select: { level: true },
      orderBy: { level: 'asc' },
    })
  ).map((role) => role.level)
}

/** The tenants with roles of their own, among those that are visible. */
export async function tenantIds(ctx: Ctx, tenant: TenantScope | undefined) {
  const rows = await ctx.db.role.findMany({
    where: { AND: [visibleTo(tenant), { tenantId: { not: null } }] },
    distinct: ['tenantId'],
    select: { tenantId: true },
    orderBy: { tenantId: 'asc' },
  })
  return rows.map((role) => role.tenantId!)
}
