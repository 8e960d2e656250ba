import { Type } from 'typebox'
import { Key } from '../../../kernel/validation.ts'
import { Empty, operation } from '../../../kernel/operation.ts'
import { needs } from '../../rights/permissions/permissions.keys.ts'
import { tenantErrors } from '../tenants/tenants.errors.ts'
import { Tenant, toTenant } from '../tenants/tenants.schemas.ts'
import { HierarchySettings, ManagementChange, NewSubTenant, SubTenantChange } from './hierarchy.schemas.ts'
import * as subTenants from './sub-tenants.service.ts'

const v1 = '/tenants/resources/sub-tenants/v1',
  one = `${v1}/{tenantId}` as const
/** Users act on the accounts below their own, management on any. */
const common = { tag: 'Sub-accounts', auth: 'both', tenant: 'optional' } as const
const changing = {
  ...common,
  params: Type.Object({ tenantId: Key }),
  errors: [tenantErrors.notFound, tenantErrors.nothingToChange],
} as const

export const subTenantsRoutes = [
  operation({
    ...common,
    id: 'createSubTenantV1',
    method: 'POST',
    path: v1,
    summary: 'Create an account below another one',
    permission: needs.subAccounts.write,
    body: NewSubTenant,
    returns: { 201: Tenant },
    errors: [tenantErrors.taken, tenantErrors.notFound],
    handler: async (ctx, { body }) => toTenant(await subTenants.create(ctx, ctx.tenant, body)),
  }),
  operation({
    ...changing,
    id: 'updateSubTenantV1',
    method: 'PATCH',
    path: one,
    summary: 'Rename a sub-account',
    permission: needs.subAccounts.write,
    body: SubTenantChange,
    returns: { 200: Tenant },
    handler: async (ctx, { params, body }) => toTenant(await subTenants.update(ctx, ctx.tenant, params.tenantId, body)),
  }),
  operation({
    ...changing,
    id: 'updateSubTenantManagementV1',
    method: 'PUT',
    path: `${one}/management`,
    summary: 'Set whether a sub-account manages accounts of its own',
    permission: needs.subAccounts.management,
    body: ManagementChange,
    returns: { 200: Tenant },
    handler: async (ctx, { params, body }) => toTenant(await subTenants.update(ctx, ctx.tenant, params.tenantId, body)),
  }),
  operation({
    ...changing,
    id: 'updateSubTenantHierarchySettingsV1',
    method: 'PUT',
    path: `${one}/hierarchy-settings`,
    summary: 'Set whether the users of an account may go down into the accounts below it',
    permission: needs.subAccounts.access,
    body: HierarchySettings,
    returns: { 200: Tenant },
    handler: async (ctx, { params, body }) => toTenant(await subTenants.update(ctx, ctx.tenant, params.tenantId, body)),
  }),
  operation({
    ...changing,
    id: 'deleteSubTenantV1',
    method: 'DELETE',
    path: one,
    summary: 'Delete a sub-account, and the users who belong to no other',
    permission: needs.subAccounts.delete,
    returns: { 200: Empty },
    handler: (ctx, { params }) => subTenants.remove(ctx, ctx.tenant, params.tenantId),
  }),
]
