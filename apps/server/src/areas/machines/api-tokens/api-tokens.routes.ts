import { Type } from 'typebox'
import { Empty, operation } from '../../../kernel/operation.ts'
import { Id } from '../../../kernel/validation.ts'
import { tenantErrors } from '../../accounts/tenants/tenants.errors.ts'
import { userErrors } from '../../people/users/users.errors.ts'
import { permissionErrors } from '../../rights/permissions/permissions.errors.ts'
import { needs } from '../../rights/permissions/permissions.keys.ts'
import { roleErrors } from '../../rights/roles/roles.errors.ts'
import { apiTokenErrors } from './api-tokens.errors.ts'
import {
  NewTenantApiToken,
  NewUserApiToken,
  TenantApiToken,
  TenantApiTokenChange,
  TenantApiTokenWithSecret,
  toTenantApiToken,
  toUserApiToken,
  UserApiToken,
  UserApiTokenWithSecret,
} from './api-tokens.schemas.ts'
import * as apiTokens from './api-tokens.service.ts'

const ofTenants = '/identity/resources/tenants/api-tokens',
  ofUsers = '/identity/resources/users/api-tokens/v1',
  tag = 'API Tokens',
  personal = 'Personal Tokens'
const Params = Type.Object({ id: Id })
const tooMuch = [
  roleErrors.unknownRoles,
  roleErrors.tooStrong,
  roleErrors.notWeaker,
  roleErrors.notHeld,
  roleErrors.notAssignable,
  permissionErrors.notFound,
]

const creation = (version: 'v1' | 'v2') =>
  operation({
    id: version === 'v1' ? 'createTenantApiTokenV1' : 'createTenantApiTokenV2',
    method: 'POST',
    path: `${ofTenants}/${version}`,
    summary: 'Create an API token of an account',
    tag,
    deprecated: version === 'v1',
    auth: 'both',
    permission: needs.tenantApiTokens.write,
    tenant: 'required',
    body: NewTenantApiToken,
    audit: 'frontegg.tenantApiToken.created',
    returns: { 201: TenantApiTokenWithSecret },
    errors: [apiTokenErrors.disabled, apiTokenErrors.tooMany, tenantErrors.notFound, ...tooMuch],
    handler: async (ctx, { body }) => {
      const { row, secret } = await apiTokens.createForTenant(ctx, ctx.caller, ctx.tenant, body)
      return { ...toTenantApiToken(row), secret }
    },
  })

export const apiTokensRoutes = [
  operation({
    id: 'listTenantApiTokensV1',
    method: 'GET',
    path: `${ofTenants}/v1`,
    summary: 'List the API tokens of an account',
    tag,
    auth: 'both',
    permission: needs.tenantApiTokens.read,
    tenant: 'required',
    returns: { 200: Type.Array(TenantApiToken) },
    handler: async (ctx) => (await apiTokens.listOfTenant(ctx, ctx.tenant)).map(toTenantApiToken),
  }),
  creation('v1'),
  creation('v2'),
  operation({
    id: 'updateTenantApiTokenV1',
    method: 'PATCH',
    path: `${ofTenants}/v1/{id}`,
    summary: 'Change an API token of an account',
    tag,
    auth: 'both',
    audit: 'apiToken.updated',
    permission: needs.tenantApiTokens.write,
    tenant: 'required',
    params: Params,
    body: TenantApiTokenChange,
    returns: { 200: TenantApiToken },
    errors: [apiTokenErrors.notFound, ...tooMuch],
    handler: async (ctx, { params, body }) =>
      toTenantApiToken(await apiTokens.updateOfTenant(ctx, ctx.caller, ctx.tenant, params.id, body)),
  }),
  operation({
    id: 'deleteTenantApiTokenV1',
    method: 'DELETE',
    path: `${ofTenants}/v1/{id}`,
    summary: 'Delete an API token of an account',
    tag,
    auth: 'both',
    permission: needs.tenantApiTokens.delete,
    tenant: 'required',
    params: Params,
    returns: { 200: Empty },
    errors: [apiTokenErrors.notFound],
    handler: (ctx, { params }) => apiTokens.removeOfTenant(ctx, ctx.tenant, params.id),
  }),
  operation({
    id: 'listUserApiTokensV1',
    method: 'GET',
    path: ofUsers,
    summary: "List one's own API tokens",
    tag: personal,
    auth: 'both',
    permission: needs.userApiTokens.read,
    tenant: 'required',
    user: 'required',
    returns: { 200: Type.Array(UserApiToken) },
    errors: [userErrors.notFound],
    handler: async (ctx) => (await apiTokens.listOfUser(ctx, ctx.caller, ctx.tenant, ctx.user)).map(toUserApiToken),
  }),
  operation({
    id: 'createUserApiTokenV1',
    method: 'POST',
    path: ofUsers,
    summary: 'Create an API token of a user',
    tag: personal,
    auth: 'both',
    permission: needs.userApiTokens.write,
    recentLogin: true,
    tenant: 'required',
    user: 'required',
    body: NewUserApiToken,
    audit: 'frontegg.userApiToken.created',
    returns: { 201: UserApiTokenWithSecret },
    errors: [apiTokenErrors.disabled, apiTokenErrors.tooMany, userErrors.notFound],
    handler: async (ctx, { body }) => {
      const { row, secret } = await apiTokens.createForUser(ctx, ctx.tenant, ctx.user, body)
      return { ...toUserApiToken(row), secret }
    },
  }),
  operation({
    id: 'deleteUserApiTokenV1',
    method: 'DELETE',
    path: `${ofUsers}/{id}`,
    summary: "Delete one of one's own API tokens",
    tag: personal,
    auth: 'both',
    permission: needs.userApiTokens.delete,
    tenant: 'required',
    user: 'required',
    params: Params,
    returns: { 200: Empty },
    errors: [apiTokenErrors.notFound],
    handler: (ctx, { params }) => apiTokens.removeOfUser(ctx, ctx.tenant, ctx.user, params.id),
  }),
]
