import { errors } from '../../../kernel/errors.ts'
import type { Ctx, HttpCtx, TenantScope } from '../../../kernel/operation.ts'
import { tenantErrors } from '../tenants/tenants.errors.ts'
import * as tenants from '../tenants/tenants.service.ts'

/** @throws 404 for a tenant that is gone */
export async function of(ctx: Ctx, tenantId: string) {
  const [found] = await tenants.byId(ctx, tenantId)
  if (!found) throw tenantErrors.notFound()
  return found
}

/**
 * The tenant that a visitor means: by its alias, else that of their token, else by the id in the header, which needs no
 * proof for public data.
 * @throws 403 when none is named, 404 when there is none of that name
 */
export async function meant(ctx: HttpCtx, tenant: TenantScope | undefined, alias = ctx.http.loginAlias) {
  if (alias) return tenants.byAlias(ctx, alias)
  const tenantId = tenant?.id ?? ctx.http.tenantHeader
  if (tenantId === undefined) throw errors.noTenant()
  return of(ctx, tenantId)
}
