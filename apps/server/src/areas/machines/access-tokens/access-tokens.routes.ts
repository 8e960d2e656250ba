import { Type } from 'typebox'
import { Empty, operation } from '../../../kernel/operation.ts'
import { Id } from '../../../kernel/validation.ts'
import { membershipErrors } from '../../people/memberships/memberships.errors.ts'
import { needs } from '../../rights/permissions/permissions.keys.ts'
import { roleErrors } from '../../rights/roles/roles.errors.ts'
import { accessTokenErrors } from './access-tokens.errors.ts'
import {
  ActiveIds,
  LivingTenantToken,
  LivingUserToken,
  NewAccessToken,
  NewTenantAccessToken,
  TenantAccessToken,
  TenantAccessTokens,
  toLivingTenantToken,
  toLivingUserToken,
  toTenantAccessToken,
  toUserAccessToken,
  UserAccessToken,
  UserAccessTokens,
} from './access-tokens.schemas.ts'
import * as accessTokens from './access-tokens.service.ts'

const ofTenants = '/identity/resources/tenants/access-tokens/v1',
  ofUsers = '/identity/resources/users/access-tokens/v1',
  vendorOnly = '/identity/resources/vendor-only'
const TokenId = Type.Object({ accessTokenId: Id })
const forManagement = 'M2M Tokens'

export const accessTokensRoutes = [
  operation({
    id: 'listTenantAccessTokensV1',
    method: 'GET',
    path: ofTenants,
    summary: 'List the access tokens of an account',
    tag: 'API Tokens',
    auth: 'both',
    permission: needs.tenantApiTokens.read,
    tenant: 'required',
    returns: { 200: TenantAccessTokens },
    handler: async (ctx) => ({
      accessTokens: (await accessTokens.listOfTenant(ctx, ctx.tenant)).map(toTenantAccessToken),
    }),
  }),
  operation({
    id: 'createTenantAccessTokenV1',
    method: 'POST',
    path: ofTenants,
    summary: 'Create an access token that speaks for an account',
    tag: 'API Tokens',
    auth: 'both',
    audit: 'accessToken.created',
    permission: needs.tenantApiTokens.write,
    tenant: 'required',
    body: NewTenantAccessToken,
    returns: { 201: TenantAccessToken },
    errors: [
      accessTokenErrors.off,
      accessTokenErrors.tooManyInAccount,
      accessTokenErrors.tooMany,
      roleErrors.unknownRoles,
      roleErrors.tooStrong,
      roleErrors.notWeaker,
      roleErrors.notHeld,
    ],
    handler: async (ctx, { body }) => {
      const { row, secret } = await accessTokens.createForTenant(ctx, ctx.caller, ctx.tenant, body)
      return { ...toTenantAccessToken(row), secret }
    },
  }),
  operation({
    id: 'deleteTenantAccessTokenV1',
    method: 'DELETE',
    path: `${ofTenants}/{accessTokenId}`,
    summary: 'Delete an access token of an account',
    tag: 'API Tokens',
    auth: 'both',
    audit: 'accessToken.deleted',
    permission: needs.tenantApiTokens.delete,
    tenant: 'required',
    params: TokenId,
    returns: { 200: Empty },
    errors: [accessTokenErrors.notFound],
    handler: (ctx, { params }) => accessTokens.remove(ctx, ctx.tenant, undefined, params.accessTokenId),
  }),
  operation({
    id: 'listUserAccessTokensV1',
    method: 'GET',
    path: ofUsers,
    summary: "List one's own access tokens in an account",
    tag: 'Personal Tokens',
    auth: 'both',
    permission: needs.userApiTokens.read,
    tenant: 'required',
    user: 'required',
    returns: { 200: UserAccessTokens },
    errors: [membershipErrors.notFound],
    handler: async (ctx) => ({
      accessTokens: (await accessTokens.listOfUser(ctx, ctx.tenant, ctx.user)).map(toUserAccessToken),
    }),
  }),
  operation({
    id: 'createUserAccessTokenV1',
    method: 'POST',
    path: ofUsers,
    summary: 'Create an access token that speaks for oneself in an account',
    tag: 'Personal Tokens',
    auth: 'both',
    audit: 'accessToken.created',
    permission: needs.userApiTokens.write,
    // it is a way in, like a passkey
    recentLogin: true,
    tenant: 'required',
    user: 'required',
    body: NewAccessToken,
    returns: { 201: UserAccessToken },
    errors: [
      accessTokenErrors.off,
      accessTokenErrors.tooManyInAccount,
      accessTokenErrors.tooMany,
      membershipErrors.notFound,
    ],
    handler: async (ctx, { body }) => {
      const { row, secret } = await accessTokens.createForUser(ctx, ctx.tenant, ctx.user, body)
      return { ...toUserAccessToken(row), secret }
    },
  }),
  operation({
    id: 'deleteUserAccessTokenV1',
    method: 'DELETE',
    path: `${ofUsers}/{accessTokenId}`,
    summary: "Delete one of one's own access tokens",
    tag: 'Personal Tokens',
    auth: 'both',
    audit: 'accessToken.deleted',
    permission: needs.userApiTokens.delete,
    tenant: 'required',
    user: 'required',
    params: TokenId,
    returns: { 200: Empty },
    errors: [accessTokenErrors.notFound],
    handler: (ctx, { params }) => accessTokens.remove(ctx, ctx.tenant, ctx.user, params.accessTokenId),
  }),
  operation({
    id: 'listActiveTenantAccessTokensV1',
    method: 'GET',
    path: `${vendorOnly}/tenants/access-tokens/v1/active`,
    summary: 'List the ids of the access tokens of accounts that are alive, of one account or of all',
    tag: forManagement,
    auth: 'vendor',
    tenant: 'optional',
    returns: { 200: ActiveIds },
    errors: [accessTokenErrors.off],
    handler: (ctx) => accessTokens.active(ctx, 'tenant', ctx.tenant),
  }),
  operation({
    id: 'getTenantAccessTokenV1',
    method: 'GET',
    path: `${vendorOnly}/tenants/access-tokens/v1/{accessTokenId}`,
    summary: 'Read what an access token of an account may do',
    tag: forManagement,
    auth: 'vendor',
    tenant: 'optional',
    params: TokenId,
    returns: { 200: LivingTenantToken },
    errors: [accessTokenErrors.off, accessTokenErrors.notFound],
    handler: async (ctx, { params }) =>
      toLivingTenantToken(await accessTokens.lookUp(ctx, 'tenant', ctx.tenant, params.accessTokenId)),
  }),
  operation({
    id: 'listActiveUserAccessTokensV1',
    method: 'GET',
    path: `${vendorOnly}/users/access-tokens/v1/active`,
    summary: 'List the ids of the access tokens of members that are alive, in one account or in all',
    tag: forManagement,
    auth: 'vendor',
    tenant: 'optional',
    returns: { 200: ActiveIds },
    errors: [accessTokenErrors.off],
    handler: (ctx) => accessTokens.active(ctx, 'user', ctx.tenant),
  }),
  operation({
    id: 'getUserAccessTokenV1',
    method: 'GET',
    path: `${vendorOnly}/users/access-tokens/v1/{accessTokenId}`,
    summary: 'Read what an access token of a member may do',
    tag: forManagement,
    auth: 'vendor',
    tenant: 'optional',
    params: TokenId,
    returns: { 200: LivingUserToken },
    errors: [accessTokenErrors.off, accessTokenErrors.notFound],
    handler: async (ctx, { params }) =>
      toLivingUserToken(await accessTokens.lookUp(ctx, 'user', ctx.tenant, params.accessTokenId)),
  }),
]
