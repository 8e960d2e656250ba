import type { Prisma } from '@henhouse/database'
import { ancestorsOf, sizesBelow, subtreeOf } from '../../rights/tree/tree.service.ts'
import type { Ctx, TenantScope } from '../../../kernel/operation.ts'
import { containing, inOrderOf, page, slice } from '../../../kernel/paging.ts'
import { tenantErrors } from '../tenants/tenants.errors.ts'
import { childrenOf } from '../tenants/tenants.sql.ts'
import {
  cardColumns,
  subTenantColumns,
  toSubTenant,
  type SubTenantQuery,
  type SubTenantRow,
  type TreeNode,
} from './hierarchy.schemas.ts'

/** A tenant's calls are about itself and the tenants below it; management without a tenant reaches all. @throws 404 */
export async function mustBeWithin(ctx: Ctx, tenant: TenantScope | undefined, tenantId: string) {
  if (tenantId !== tenant?.id) await mustBeBelow(ctx, tenant, tenantId)
}

/** As `mustBeWithin`, but without the tenant itself: the tenant above decides about it. */
export async function mustBeBelow(ctx: Ctx, tenant: TenantScope | undefined, tenantId: string) {
  if (tenant && !(await ancestorsOf(ctx, tenantId)).includes(tenant.id)) throw tenantErrors.notFound()
}

/** The tenants above this one, the nearest first. */
export async function above(ctx: Ctx, tenantId: string) {
  const ids = await ancestorsOf(ctx, tenantId),
    rows = await ctx.db.tenant.findMany({ where: { id: { in: ids } }, select: cardColumns })
  return inOrderOf(ids, rows).map((row) => ({ ...row, level: ids.indexOf(row.id) + 1 }))
}

/** The tenants below, level by level, in each level the oldest first. */
export const below = async (ctx: Ctx, tenant: TenantScope) =>
  (await subtreeOf(ctx, tenant.id)).filter(({ level }) => level > 0).toSorted((a, b) => a.level - b.level)

/** The tenant with all those below it. @throws 404 */
export async function tree(ctx: Ctx, tenant: TenantScope): Promise<TreeNode> {
  const nodes = new Map((await subtreeOf(ctx, tenant.id)).map((row) => [row.id, { row, children: [] as TreeNode[] }]))
  for (const node of nodes.values()) if (node.row.level > 0) nodes.get(node.row.parentId!)?.children.push(node)
  const root = nodes.get(tenant.id)
  if (!root) throw tenantErrors.notFound()
  return root
}

/**
 * The children of one tenant in the subtree; with a filter all below it that match. @throws 404 for a tenant outside
 * the subtree
 */
export async function search(ctx: Ctx, tenant: TenantScope, query: SubTenantQuery) {
  const { _subTenantId = tenant.id, _filter, _sortBy = 'createdAt', _order } = query
  await mustBeWithin(ctx, tenant, _subTenantId)
  if (_filter === undefined) {
    const { ids, total } = await childrenOf(ctx, _sortBy, query, _subTenantId)
    return page(
      await shown(
        ctx,
        inOrderOf(
          ids,
          await ctx.db.tenant.findMany({ where: { rowId: { in: ids } }, select: subTenantColumns }),
          (row) => row.rowId,
        ),
      ),
      total,
      query,
    )
  }
  const where: Prisma.TenantWhereInput = {
    path: { has: _subTenantId },
    NOT: { id: _subTenantId },
    OR: [{ name: containing(_filter) }, { id: containing(_filter) }],
  }
  const direction = _order === 'DESC' ? 'desc' : 'asc'
  const [rows, total] = await Promise.all([
    ctx.db.tenant.findMany({
      where,
      select: subTenantColumns,
      orderBy: [{ [_sortBy === 'tenantId' ? 'id' : _sortBy]: direction }, { rowId: direction }],
      ...slice(query),
    }),
    ctx.db.tenant.count({ where }),
  ])
  return page(await shown(ctx, rows), total, query)
}

async function shown(ctx: Ctx, rows: readonly SubTenantRow[]) {
  const parents = await parentsAmong(
    ctx,
    rows.map((row) => row.id),
  )
  return rows.map((row) => toSubTenant(row, parents.has(row.id)))
}

/**
 * Which of the tenants have others below them. Not counted by a relation: where most tenants share one parent, Postgres
 * would expect as many for each, and read all.
 */
export const parentsAmong = async (ctx: Ctx, tenantIds: readonly string[]) =>
  new Set(
    (await ctx.db.tenant.groupBy({ by: ['parentId'], where: { parentId: { in: [...tenantIds] } } })).map(
      (row) => row.parentId,
    ),
  )

/** How many tenants are below each of these; those outside the subtree are left out. */
export async function sizes(ctx: Ctx, tenant: TenantScope, tenantIds: readonly string[]) {
  const total = await sizesBelow(ctx, tenant.id, tenantIds)
  return [...new Set(tenantIds)]
    .filter((id) => total.has(id))
    .map((tenantId) => ({ tenantId, totalSubTenants: total.get(tenantId)!, isParent: total.get(tenantId)! > 0 }))
}
