import { Type } from 'typebox'
import { errors } from '../../../kernel/errors.ts'
import { operation } from '../../../kernel/operation.ts'
import { Id, Key } from '../../../kernel/validation.ts'
import { membershipErrors } from '../../people/memberships/memberships.errors.ts'
import { tenantErrors } from '../../accounts/tenants/tenants.errors.ts'
import { OwnId } from '../../accounts/tenants/tenants.schemas.ts'
import * as userTenants from './user-tenants.service.ts'
import { userErrors } from '../../people/users/users.errors.ts'
import { TenantsOfUser, toTenantsOfUser, toUser, User } from '../../people/users/users.schemas.ts'
import * as users from '../../people/users/users.service.ts'

const UserId = Type.Object({ userId: Id })
const placement = { tenantId: OwnId, validateTenantExist: Type.Optional(Type.Boolean()) }
const management = 'Users',
  tag = 'User Management'
const own = { tag, auth: 'both', tenant: 'optional', user: 'required' } as const
const placing = {
  tag: management,
  auth: 'vendor',
  params: UserId,
  errors: [userErrors.notFound, tenantErrors.notFound, tenantErrors.taken, membershipErrors.alreadyMember],
} as const

export const userTenantsRoutes = [
  operation({
    ...own,
    id: 'listMyTenantsV1',
    method: 'GET',
    path: '/identity/resources/users/v1/me/tenants',
    summary: 'List the accounts that let the user in, and the active one',
    returns: { 200: TenantsOfUser },
    handler: async (ctx) => toTenantsOfUser(await userTenants.tenantsOf(ctx, ctx.user, ctx.tenant)),
  }),
  operation({
    ...own,
    id: 'listMyTenantsV2',
    method: 'GET',
    path: '/identity/resources/users/v2/me/tenants',
    summary: 'List the accounts that let the user in',
    // the reference lists two fields, the browser client reads all of them
    returns: { 200: TenantsOfUser.properties.tenants },
    handler: async (ctx) => toTenantsOfUser(await userTenants.tenantsOf(ctx, ctx.user, ctx.tenant)).tenants,
  }),
  operation({
    ...own,
    id: 'listMyTenantsV3',
    method: 'GET',
    path: '/identity/resources/users/v3/me/tenants',
    summary: 'List the accounts that let the user in, and the active one',
    returns: { 200: TenantsOfUser },
    handler: async (ctx) => toTenantsOfUser(await userTenants.tenantsOf(ctx, ctx.user, ctx.tenant)),
  }),
  operation({
    id: 'chooseTenantV1',
    method: 'PUT',
    path: '/identity/resources/users/v1/tenant',
    summary: "Choose the account of the user's next tokens",
    tag,
    auth: 'both',
    audit: 'user.activeTenantChosen',
    user: 'required',
    body: Type.Object({ tenantId: Key }),
    returns: { 200: User },
    errors: [tenantErrors.notFound, membershipErrors.disabled],
    handler: async (ctx, { body }) => {
      await userTenants.choose(ctx, ctx.user, body.tenantId)
      return toUser(await users.read(ctx, { id: ctx.user.id }, body.tenantId), ctx.caller)
    },
  }),
  operation({
    ...placing,
    id: 'setUserTenantV1',
    method: 'PUT',
    path: '/identity/resources/users/v1/{userId}/tenant',
    summary: 'Choose the account where a user is active',
    body: Type.Object(placement),
    returns: { 200: User },
    handler: async (ctx, { params, body }) => {
      await userTenants.setActive(ctx, params.userId, body)
      return toUser(await users.read(ctx, { id: params.userId }, body.tenantId), ctx.caller)
    },
  }),
  operation({
    ...placing,
    id: 'addUserToTenantV1',
    method: 'POST',
    path: '/identity/resources/users/v1/{userId}/tenant',
    summary: 'Make a user a member of one more account',
    body: Type.Object({ ...placement, skipInviteEmail: Type.Optional(Type.Boolean()) }),
    returns: { 201: User },
    errors: [...placing.errors, errors.tooMany],
    handler: async (ctx, { params, body }) => {
      await userTenants.join(ctx, params.userId, body)
      return toUser(await users.read(ctx, { id: params.userId }), ctx.caller)
    },
  }),
]
