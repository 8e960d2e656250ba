import type { Ctx, TenantScope } from '../../../kernel/operation.ts'
import * as deletion from '../tenants/deletion.service.ts'
import * as tenants from '../tenants/tenants.service.ts'
import type { NewSubTenant } from './hierarchy.schemas.ts'
import { mustBeBelow, mustBeWithin } from './hierarchy.service.ts'

/** Makes a tenant below the tenant of the call, or below one that is below it. @throws 404 for a parent elsewhere, 409 when the id is taken */
export async function create(ctx: Ctx, tenant: TenantScope | undefined, made: NewSubTenant) {
  await mustBeWithin(ctx, tenant, made.parentTenantId)
  return tenants.create(ctx, made)
}

/** Changes what the tenant above decides about one. @throws 404 for a tenant elsewhere, 400 when nothing is given */
export async function update(
  ctx: Ctx,
  tenant: TenantScope | undefined,
  tenantId: string,
  change: Parameters<typeof tenants.update>[2],
) {
  await mustBeBelow(ctx, tenant, tenantId)
  return tenants.update(ctx, tenantId, change)
}

/** The tenants below it move up. @throws 404 for a tenant elsewhere */
export async function remove(ctx: Ctx, tenant: TenantScope | undefined, tenantId: string) {
  await mustBeBelow(ctx, tenant, tenantId)
  await deletion.remove(ctx, tenantId)
}
