import type { Prisma } from '@henhouse/database'
import { sizes, subtree, type Place } from './tree.sql.ts'
import type { Ctx } from '../../../kernel/operation.ts'

/** The ids of the tenants above, from a tenant's `path`, the nearest first. */
export const idsAbove = (path: readonly string[]) => path.slice(0, -1).toReversed()

/** The ids of the tenants above, the nearest first; empty for a tenant at the top and for an unknown one. */
export const ancestorsOf = async ({ db }: Ctx, tenantId: string) =>
  idsAbove((await db.tenant.findFirst({ where: { id: tenantId }, select: { path: true } }))?.path ?? [])

/** The paths of these tenants: each names the tenant, last, and those above it. */
export const pathsOf = async ({ db }: Ctx, tenantIds: readonly string[]) =>
  new Map(
    (
      await db.tenant.findMany({ where: { id: { in: [...new Set(tenantIds)] } }, select: { id: true, path: true } })
    ).map((row) => [row.id, row.path]),
  )

/** Whether there are tenants below it. The order makes Postgres use the index. */
export const isParent = async ({ db }: Ctx, tenantId: string) =>
  (await db.tenant.findFirst({ where: { parentId: tenantId }, orderBy: { id: 'asc' }, select: { id: true } })) !== null

/**
 * Keeps others from moving tenants until the transaction ends. Take it before any other lock if you are going to move
 * some: a trigger takes it for every statement that could move one.
 */
export const lockHierarchy = (tx: Ctx) =>
  tx.db.tenant.updateMany({ where: { id: '', parentId: '' }, data: { parentId: null } })

/** A tenant, alone or with all those below it. */
export interface Family {
  readonly tenantId: string
  readonly below: boolean
}
export const tenantsOf = ({ tenantId, below }: Family): Prisma.TenantWhereInput =>
  below ? { path: { has: tenantId } } : { id: tenantId }
export const membershipsIn = (family: Family): Prisma.MembershipWhereInput =>
  family.below ? { tenant: tenantsOf(family) } : { tenantId: family.tenantId }

/** The tenants in both. Two subtrees lie one within the other, or have nothing in common (null). */
export async function common(ctx: Ctx, a: Family, b: Family): Promise<Family | null> {
  const has = async (family: Family, id: string) =>
    family.tenantId === id || (family.below && (await ancestorsOf(ctx, id)).includes(family.tenantId))
  if (await has(a, b.tenantId)) return { tenantId: b.tenantId, below: a.below && b.below }
  return (await has(b, a.tenantId)) ? a : null
}

/** The tenant and those below it, the oldest first. */
export const subtreeOf = (ctx: Ctx, tenantId: string): Promise<Place[]> => ctx.sql(subtree, tenantId)

/** How many tenants are below each of these; those outside the tenant's subtree are left out. */
export async function sizesBelow(
  ctx: Ctx,
  tenantId: string,
  tenantIds: readonly string[],
): Promise<Map<string, number>> {
  const rows = await ctx.sql(sizes, tenantId, tenantIds)
  return new Map(rows.map(({ id, size }) => [id, size]))
}
