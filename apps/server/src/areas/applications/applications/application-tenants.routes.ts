import { Type } from 'typebox'
import { Empty, operation } from '../../../kernel/operation.ts'
import { Id, Key } from '../../../kernel/validation.ts'
import { needs } from '../../rights/permissions/permissions.keys.ts'
import { tenantErrors } from '../../accounts/tenants/tenants.errors.ts'
import * as assignments from './application-tenants.service.ts'
import { applicationErrors } from './applications.errors.ts'
import {
  AccessType,
  TenantApplications,
  TenantAssignments,
  TenantFilter,
  toTenantApplications,
  toTenantAssignments,
} from './applications.schemas.ts'

const url = '/applications/resources/applications/tenant-assignments'
const tag = 'Applications Settings'
const AppId = Type.Object({ appId: Id })
const Assignment = Type.Object({ appId: Id, tenantId: Key })

export const tenantRoutes = [
  operation({
    id: 'listTenantApplicationsV1',
    method: 'GET',
    path: `${url}/v1`,
    summary: 'List the applications that accounts were assigned',
    tag,
    auth: 'both',
    permission: needs.applications.read,
    tenant: 'required',
    query: TenantFilter,
    returns: { 200: Type.Array(TenantApplications) },
    handler: async (ctx, { query }) =>
      (await assignments.list(ctx, ctx.caller, ctx.tenant, query)).map(toTenantApplications),
  }),
  operation({
    id: 'listTenantApplicationsV2',
    method: 'GET',
    path: `${url}/v2`,
    summary: 'List the applications that accounts were assigned, and to which of their users each is open',
    tag,
    auth: 'both',
    permission: needs.applications.read,
    tenant: 'required',
    query: TenantFilter,
    returns: { 200: Type.Array(TenantAssignments) },
    handler: async (ctx, { query }) =>
      (await assignments.list(ctx, ctx.caller, ctx.tenant, query)).map(toTenantAssignments),
  }),
  operation({
    id: 'listApplicationTenantsV1',
    method: 'GET',
    path: `${url}/v1/{appId}`,
    summary: 'List the accounts that were assigned an application',
    tag,
    auth: 'vendor',
    params: AppId,
    returns: { 200: Type.Object({ tenantIds: Type.Array(Type.String()) }) },
    errors: [applicationErrors.notFound],
    handler: async (ctx, { params }) => ({ tenantIds: await assignments.tenantsOf(ctx, params.appId) }),
  }),
  operation({
    id: 'assignApplicationToTenantV1',
    method: 'POST',
    path: `${url}/v1/{appId}`,
    summary: 'Assign an application to an account',
    tag,
    auth: 'vendor',
    params: AppId,
    body: Type.Object({ tenantId: Key, accessType: Type.Optional(AccessType) }),
    audit: 'frontegg.tenant.app.assigned',
    returns: { 201: TenantApplications },
    errors: [applicationErrors.notFound, tenantErrors.notFound, applicationErrors.tenantTaken],
    handler: async (ctx, { params, body }) =>
      toTenantApplications(await assignments.assign(ctx, params.appId, body.tenantId, body.accessType)),
  }),
  operation({
    id: 'updateApplicationOfTenantV1',
    method: 'PUT',
    path: `${url}/v1/{appId}/{tenantId}`,
    summary: 'Open an application to all users of an account, or to those assigned',
    tag,
    auth: 'vendor',
    audit: 'application.tenantUpdated',
    params: Assignment,
    body: Type.Object({ accessType: AccessType }),
    returns: { 200: Empty },
    errors: [applicationErrors.notFound, applicationErrors.tenantNotAssigned],
    handler: (ctx, { params, body }) => assignments.change(ctx, params.appId, params.tenantId, body.accessType),
  }),
  operation({
    id: 'unassignApplicationFromTenantV1',
    method: 'DELETE',
    path: `${url}/v1/{appId}/{tenantId}`,
    summary: 'Take an application away from an account and its users',
    tag,
    auth: 'vendor',
    params: Assignment,
    audit: 'frontegg.tenant.app.unassigned',
    returns: { 200: Empty },
    errors: [applicationErrors.notFound, applicationErrors.tenantNotAssigned],
    handler: (ctx, { params }) => assignments.unassign(ctx, params.appId, params.tenantId),
  }),
]
