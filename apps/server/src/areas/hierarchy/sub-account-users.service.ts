import { ancestorsOf } from '../../kernel/hierarchy.ts'
import type { Ctx, UserScope } from '../../kernel/operation.ts'
import * as memberships from '../memberships/memberships.service.ts'
import { goesBelow } from './hierarchy.schemas.ts'

export interface Root { tenantId: string, name: string, parentTenantId: string | null, hasChildren: boolean, subAccountAccessAllowed: boolean }

/** The tenants that let the user in, without those that it reaches from one above anyhow. */
export async function rootsOf(ctx: Ctx, user: UserScope): Promise<Root[]> {
  const rows = await ctx.db.membership.findMany({
    where: { userId: user.id, isDisabled: false, ...memberships.live(ctx) }, orderBy: [{ createdAt: 'asc' }, { tenantId: 'asc' }],
    select: { user: { select: { subAccountAccess: true } }, tenant: { select: { id: true, name: true, parentId: true, subAccountAccessType: true, _count: { select: { children: true } } } } },
  })
  const opening = new Set(rows.filter((row) => goesBelow(row.user.subAccountAccess, row.tenant.subAccountAccessType)).map((row) => row.tenant.id))
  // only a tenant with a parent can lie below another, so most cost no look-up
  const implied = await Promise.all(rows.map(async ({ tenant }) => tenant.parentId !== null && opening.size > 0 && (await ancestorsOf(ctx, tenant.id)).some((id) => opening.has(id))))
  return rows.filter((_, index) => !implied[index]).map(({ tenant }) => ({
    tenantId: tenant.id, name: tenant.name, parentTenantId: tenant.parentId, hasChildren: tenant._count.children > 0, subAccountAccessAllowed: opening.has(tenant.id),
  }))
}
