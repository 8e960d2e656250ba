import { onDuplicate, onUnknownReference } from '../../../kernel/errors.ts'
import type { Caller, Ctx, TenantScope } from '../../../kernel/operation.ts'
import { tenantErrors } from '../../accounts/tenants/tenants.errors.ts'
import { applicationErrors } from './applications.errors.ts'
import type { AccessType, Assigned, TenantFilter } from './applications.schemas.ts'
import { idsIn, mustExist } from './applications.service.ts'

/** What tenants were assigned: the tenant of the call, or those asked for. Users see only their own. */
export async function list(
  ctx: Ctx,
  caller: Caller,
  tenant: TenantScope,
  { appIds, tenantIds, accessType }: TenantFilter,
): Promise<Assigned[]> {
  const asked = tenantIds?.split(',') ?? [tenant.id]
  return ctx.db.tenant.findMany({
    where: { id: { in: caller.kind === 'vendor' ? asked : asked.filter((id) => id === tenant.id) } },
    orderBy: { id: 'asc' },
    select: {
      id: true,
      apps: {
        where: {
          ...(appIds !== undefined && { applicationId: { in: idsIn(appIds) } }),
          ...(accessType && { accessType }),
        },
        orderBy: [{ createdAt: 'asc' }, { applicationId: 'asc' }],
        select: { applicationId: true, accessType: true },
      },
    },
  })
}

export async function tenantsOf(ctx: Ctx, applicationId: string) {
  await mustExist(ctx, applicationId)
  const rows = await ctx.db.applicationTenant.findMany({
    where: { applicationId },
    select: { tenantId: true },
    orderBy: [{ createdAt: 'asc' }, { tenantId: 'asc' }],
  })
  return rows.map((row) => row.tenantId)
}

/** @returns everything that the tenant has now @throws 409 when it already has the application */
export async function assign(
  ctx: Ctx,
  applicationId: string,
  tenantId: string,
  accessType: AccessType = 'MANAGED_ACCESS',
): Promise<Assigned> {
  await mustExist(ctx, applicationId)
  await ctx.db.applicationTenant
    .create({ data: { applicationId, tenantId, accessType, createdAt: ctx.clock.now() }, select: { tenantId: true } })
    .catch(onDuplicate(applicationErrors.tenantTaken()))
    .catch(onUnknownReference(tenantErrors.notFound()))
  const apps = await ctx.db.applicationTenant.findMany({
    where: { tenantId },
    orderBy: [{ createdAt: 'asc' }, { applicationId: 'asc' }],
    select: { applicationId: true, accessType: true },
  })
  return { id: tenantId, apps }
}

/** @throws 404 for a tenant that does not have the application */
export async function change(ctx: Ctx, applicationId: string, tenantId: string, accessType: AccessType) {
  await mustExist(ctx, applicationId)
  const { count } = await ctx.db.applicationTenant.updateMany({
    where: { applicationId, tenantId },
    data: { accessType },
  })
  if (!count) throw applicationErrors.tenantNotAssigned()
}

/** The tenant's users lose the application, too, and do not get it back with the tenant. @throws 404 as `change` */
export async function unassign(ctx: Ctx, applicationId: string, tenantId: string) {
  await mustExist(ctx, applicationId)
  await ctx.atomically(async (tx) => {
    const { count } = await tx.db.applicationTenant.deleteMany({ where: { applicationId, tenantId } })
    if (!count) throw applicationErrors.tenantNotAssigned()
    await tx.db.applicationUser.deleteMany({ where: { applicationId, tenantId } })
    await tx.db.applicationActiveTenant.deleteMany({ where: { applicationId, tenantId } })
  })
}
