import { onMissing, onUnknownReference } from '../../../kernel/errors.ts'
import { lockHierarchy } from '../../rights/tree/tree.service.ts'
import type { Ctx } from '../../../kernel/operation.ts'
import { tenantErrors } from '../tenants/tenants.errors.ts'
import * as tenants from '../tenants/tenants.service.ts'
import * as events from '../../rights/events/events.service.ts'
import { hierarchyErrors } from './hierarchy.errors.ts'
import type { Relation } from './hierarchy.schemas.ts'

/**
 * Puts a tenant, with all those below it, under another one. It may come from the top, or from another place in the
 * same hierarchy. From another hierarchy it must be taken out first.
 * @throws 400 for a tenant that is the same, above the new parent, or of another hierarchy, 404 when either is unknown; what a prehook says
 */
export async function link(ctx: Ctx, { parentTenantId, childTenantId }: Relation) {
  if (parentTenantId === childTenantId) throw hierarchyErrors.sameTenant()
  await tenants.mayHappen(ctx, 'UPDATE_TENANT', { tenantId: childTenantId, parentTenantId })
  return alone(ctx, [childTenantId, parentTenantId], async (tx, [ofChild, ofParent]) => {
    if (ofParent!.includes(childTenantId)) throw hierarchyErrors.circular()
    if (ofChild!.length > 1 && ofChild!.at(-1) !== ofParent!.at(-1)) throw hierarchyErrors.elsewhere()
    const moved = await tx.db.tenant
      .update({
        where: tenants.keyOf(tx, childTenantId),
        data: { parentId: parentTenantId, updatedAt: tx.clock.now() },
        select: { rowId: true, vendorId: true, id: true, parentId: true },
      })
      .catch(onUnknownReference(tenantErrors.notFound()))
      .catch(onMissing(tenantErrors.notFound()))
    await events.record(tx, { key: 'tenant.linked', tenantId: childTenantId, details: { parentTenantId } })
    return moved
  })
}

/**
 * Takes a tenant out from under its parent: it becomes the top of those below it. @throws 404 when they are not parent
 * and child; what a prehook says
 */
export async function unlink(ctx: Ctx, { parentTenantId, childTenantId }: Relation) {
  await tenants.mayHappen(ctx, 'UPDATE_TENANT', { tenantId: childTenantId, parentTenantId: null })
  await alone(ctx, [childTenantId], async (tx) => {
    const { count } = await tx.db.tenant.updateMany({
      where: { id: childTenantId, parentId: parentTenantId },
      data: { parentId: null, updatedAt: tx.clock.now() },
    })
    if (!count) throw hierarchyErrors.notRelated()
    await events.record(tx, { key: 'tenant.unlinked', tenantId: childTenantId, details: { parentTenantId } })
  })
}

/**
 * Runs `change` while nobody else rearranges a hierarchy: two moves that would make a circle only together are done one
 * after the other.
 * @param change gets each tenant's way to the top, the tenant itself first
 */
const alone = <T>(
  ctx: Ctx,
  tenantIds: readonly string[],
  change: (tx: Ctx, ways: readonly string[][]) => Promise<T>,
): Promise<T> =>
  ctx.atomically(async (tx) => {
    await lockHierarchy(tx)
    const rows = await tx.db.tenant.findMany({
        where: { id: { in: [...tenantIds] } },
        select: { id: true, path: true },
      }),
      paths = new Map(rows.map((row) => [row.id, row.path]))
    return change(
      tx,
      tenantIds.map((id) => {
        const path = paths.get(id)
        if (!path) throw tenantErrors.notFound()
        return path.toReversed()
      }),
    )
  })
