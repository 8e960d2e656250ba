import { onUnknownReference } from '../../kernel/errors.ts'
import { ancestorsOf } from '../../kernel/hierarchy.ts'
import type { Ctx } from '../../kernel/operation.ts'
import { tenantErrors } from '../tenants/tenants.errors.ts'
import { keyOf } from '../tenants/tenants.service.ts'
import { hierarchyErrors } from './hierarchy.errors.ts'
import type { Relation } from './hierarchy.schemas.ts'

const MOST_TRIES = 10

/**
 * Puts a tenant, with all that is below it, under another one. It may come from the top, or from another place in the same
 * hierarchy; out of another hierarchy it has to be taken first.
 * @throws 400 for a tenant that is the same, above the new parent, or of another hierarchy, 404 when either is unknown
 */
export async function link(ctx: Ctx, { parentTenantId, childTenantId }: Relation) {
  if (parentTenantId === childTenantId) throw hierarchyErrors.sameTenant()
  return alone(ctx, [childTenantId, parentTenantId], async (tx, [ofChild, ofParent]) => {
    if (ofParent!.includes(childTenantId)) throw hierarchyErrors.circular()
    if (ofChild!.length > 1 && ofChild!.at(-1) !== ofParent!.at(-1)) throw hierarchyErrors.elsewhere()
    return tx.db.tenant.update({
      where: keyOf(tx, childTenantId), data: { parentId: parentTenantId, updatedAt: tx.clock.now() },
      select: { rowId: true, vendorId: true, id: true, parentId: true },
    }).catch(onUnknownReference(tenantErrors.notFound()))
  })
}

/** Takes a tenant out from under its parent: it is at the top then, of what is below it. @throws 404 when they are no parent and child */
export async function unlink(ctx: Ctx, { parentTenantId, childTenantId }: Relation) {
  await alone(ctx, [childTenantId], async (tx) => {
    const { count } = await tx.db.tenant.updateMany({ where: { id: childTenantId, parentId: parentTenantId }, data: { parentId: null, updatedAt: tx.clock.now() } })
    if (!count) throw hierarchyErrors.notRelated()
  })
}

/**
 * Runs `change` while nobody else rearranges the hierarchies of these tenants: everybody who does locks the tenants at
 * their tops, in the order of their ids, and then looks whether all is still as it was. Two moves that would make a circle
 * together, and only together, are so done one after the other.
 * @param change is told for each tenant the way to the top: the tenant itself first
 */
async function alone<T>(ctx: Ctx, tenantIds: readonly string[], change: (tx: Ctx, ways: readonly string[][]) => Promise<T>): Promise<T> {
  for (let attempt = 1; attempt <= MOST_TRIES; attempt++) {
    const ways = await Promise.all(tenantIds.map(async (id) => [id, ...await ancestorsOf(ctx, id)]))
    const done = await ctx.atomically(async (tx) => {
      for (const id of new Set(ways.map((way) => way.at(-1)!).toSorted())) {
        const { count } = await tx.db.tenant.updateMany({ where: { id }, data: { id } })
        if (!count && tenantIds.includes(id)) throw tenantErrors.notFound()
      }
      return await areStill(tx, ways) ? { result: await change(tx, ways) } : undefined
    })
    if (done) return done.result
  }
  throw new Error('the hierarchy kept changing')
}

async function areStill(tx: Ctx, ways: readonly string[][]) {
  const rows = await tx.db.tenant.findMany({ where: { id: { in: ways.flat() } }, select: { id: true, parentId: true } })
  const parents = new Map(rows.map((row) => [row.id, row.parentId]))
  return ways.every((way) => way.every((id, index) => parents.get(id) === (way[index + 1] ?? null)))
}
