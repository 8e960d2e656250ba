import { Type } from 'typebox'
import { Empty, operation } from '../../kernel/operation.ts'
import { Page } from '../../kernel/paging.ts'
import { needs } from '../permissions/permissions.keys.ts'
import * as deletion from './deletion.service.ts'
import { tenantErrors } from './tenants.errors.ts'
import { NewMetadata, NewTenant, Tenant, TenantChange, TenantFilter, TenantQuery, toTenant } from './tenants.schemas.ts'
import * as tenants from './tenants.service.ts'

const v1 = '/tenants/resources/tenants/v1', v2 = '/tenants/resources/tenants/v2'
const tag = 'Accounts'
const TenantId = Type.Object({ tenantId: Type.String() })

export const tenantsRoutes = [
  operation({
    id: 'createTenantV1', method: 'POST', path: v1, summary: 'Create an account', tag,
    auth: 'vendor',
    body: NewTenant,
    returns: { 201: Tenant },
    errors: [tenantErrors.taken, tenantErrors.aliasTaken, tenantErrors.badMetadataText, tenantErrors.notFound],
    handler: async (ctx, { body }) => toTenant(await tenants.create(ctx, body)),
  }),
  operation({
    id: 'listTenantsV1', method: 'GET', path: v1, summary: 'List all accounts, by id', tag,
    auth: 'vendor',
    query: TenantFilter,
    returns: { 200: Type.Array(Tenant) },
    handler: async (ctx, { query }) => (await tenants.list(ctx, query)).map(toTenant),
  }),
  operation({
    id: 'getTenantV1', method: 'GET', path: `${v1}/{tenantId}`, summary: 'Read an account: a list of one, or of none', tag, deprecated: true,
    auth: 'vendor',
    params: TenantId,
    returns: { 200: Type.Array(Tenant) },
    handler: async (ctx, { params }) => (await tenants.byId(ctx, params.tenantId)).map(toTenant),
  }),
  operation({
    id: 'updateTenantV1', method: 'PUT', path: `${v1}/{tenantId}`, summary: 'Change an account; what is not given stays', tag, deprecated: true,
    auth: 'vendor',
    params: TenantId, body: TenantChange,
    returns: { 200: Tenant },
    errors: [tenantErrors.notFound, tenantErrors.nothingToChange, tenantErrors.badMetadataText, tenantErrors.aliasTaken],
    handler: async (ctx, { params, body }) => toTenant(await tenants.update(ctx, params.tenantId, body)),
  }),
  operation({
    id: 'deleteTenantV1', method: 'DELETE', path: `${v1}/{tenantId}`, summary: 'Delete an account, and the users who belong to no other', tag,
    auth: 'vendor',
    params: TenantId,
    returns: { 200: Empty },
    errors: [tenantErrors.notFound],
    handler: (ctx, { params }) => deletion.remove(ctx, params.tenantId),
  }),
  operation({
    id: 'deleteCurrentTenantV1', method: 'DELETE', path: v1, summary: 'Delete the account of the caller, and the users who belong to no other', tag,
    auth: 'user', permission: needs.account.delete, tenant: 'required',
    returns: { 200: Empty },
    errors: [tenantErrors.notFound],
    handler: (ctx) => deletion.remove(ctx, ctx.tenant.id),
  }),
  operation({
    id: 'addTenantMetadataV1', method: 'POST', path: `${v1}/{tenantId}/metadata`, summary: 'Add to the metadata of an account', tag,
    auth: 'vendor',
    params: TenantId, body: NewMetadata,
    returns: { 201: Tenant },
    errors: [tenantErrors.notFound, tenantErrors.badMetadata, tenantErrors.badMetadataText],
    handler: async (ctx, { params, body }) => toTenant(await tenants.mergeMetadata(ctx, params.tenantId, body.metadata)),
  }),
  operation({
    id: 'deleteTenantMetadataV1', method: 'DELETE', path: `${v1}/{tenantId}/metadata/{key}`, summary: 'Take a key out of the metadata of an account', tag,
    auth: 'vendor',
    params: Type.Object({ ...TenantId.properties, key: Type.String() }),
    returns: { 200: Tenant },
    errors: [tenantErrors.notFound],
    handler: async (ctx, { params }) => toTenant(await tenants.removeMetadata(ctx, params.tenantId, params.key)),
  }),
  operation({
    id: 'listTenantsV2', method: 'GET', path: v2, summary: 'List accounts by the page', tag,
    auth: 'vendor',
    query: TenantQuery,
    returns: { 200: Page(Tenant) },
    handler: (ctx, { query }) => tenants.search(ctx, query),
  }),
  operation({
    id: 'getTenantV2', method: 'GET', path: `${v2}/{tenantId}`, summary: 'Read an account: a list of one, or of none', tag,
    auth: 'vendor',
    params: TenantId,
    returns: { 200: Type.Array(Tenant) },
    handler: async (ctx, { params }) => (await tenants.byId(ctx, params.tenantId)).map(toTenant),
  }),
  operation({
    id: 'updateTenantV2', method: 'PUT', path: `${v2}/{tenantId}`, summary: 'Change an account; what is not given stays', tag,
    auth: 'vendor',
    params: TenantId, body: TenantChange,
    returns: { 200: Tenant },
    errors: [tenantErrors.notFound, tenantErrors.nothingToChange, tenantErrors.badMetadataText, tenantErrors.aliasTaken],
    handler: async (ctx, { params, body }) => toTenant(await tenants.update(ctx, params.tenantId, body)),
  }),
  operation({
    id: 'getTenantByAliasV2', method: 'GET', path: `${v2}/alias/{alias}`, summary: 'Read an account by its alias', tag,
    auth: 'vendor',
    params: Type.Object({ alias: Type.String() }),
    returns: { 200: Tenant },
    errors: [tenantErrors.notFound],
    handler: async (ctx, { params }) => toTenant(await tenants.byAlias(ctx, params.alias)),
  }),
]
