import { Type } from 'typebox'
import { type Caller, type Ctx, Empty, type TenantScope, operation } from '../../../kernel/operation.ts'
import { canonicalEmail } from '../../../kernel/email-addresses.ts'
import { Page } from '../../../kernel/paging.ts'
import { Address, Id } from '../../../kernel/validation.ts'
import { membershipErrors } from '../memberships/memberships.errors.ts'
import { needs } from '../../rights/permissions/permissions.keys.ts'
import { roleErrors } from '../../rights/roles/roles.errors.ts'
import { list, listWithRights, PhraseQuery, UserQuery } from './user-list.service.ts'
import { userErrors } from './users.errors.ts'
import { CoreUser, ProfileChange, toCoreUser, toUser, User, UserChange } from './users.schemas.ts'
import * as users from './users.service.ts'

const UserId = Type.Object({ userId: Id })
const management = 'Users',
  tag = 'User Management'

const listing = {
  tag,
  auth: 'both',
  permission: needs.users.read,
  tenant: 'optional',
  method: 'GET',
  query: UserQuery,
  returns: { 200: Page(CoreUser) },
} as const

const withRights = {
  ...listing,
  returns: { 200: Page(User) },
  handler: (ctx: Ctx & { caller: Caller; tenant: TenantScope | undefined }, { query }: { query: UserQuery }) =>
    listWithRights(ctx, ctx.caller, ctx.tenant, query),
} as const

export const usersRoutes = [
  operation({
    ...withRights,
    id: 'listUsersV1',
    path: '/identity/resources/users/v1',
    summary: 'List users, with their roles',
  }),
  operation({
    ...withRights,
    id: 'listUsersV2',
    path: '/identity/resources/users/v2',
    summary: 'List users, with their roles',
  }),
  operation({
    ...listing,
    id: 'listUsersV3',
    path: '/identity/resources/users/v3',
    summary: 'List users',
    handler: (ctx, { query }) => list(ctx, ctx.caller, ctx.tenant, query),
  }),
  operation({
    ...listing,
    id: 'searchUsersV1',
    path: '/identity/resources/users/v1/query/phrase',
    summary: 'Search users by phrases in their names, addresses and numbers',
    query: PhraseQuery,
    handler: (ctx, { query }) => list(ctx, ctx.caller, ctx.tenant, query),
  }),
  operation({
    id: 'getUserByEmailV1',
    method: 'GET',
    path: '/identity/resources/users/v1/email',
    summary: 'Get the user with an e-mail address',
    tag: management,
    auth: 'vendor',
    query: Type.Object({ email: Address }),
    returns: { 200: CoreUser },
    errors: [userErrors.notFound],
    handler: async (ctx, { query }) =>
      toCoreUser(await users.find(ctx, { email: canonicalEmail(query.email) }), ctx.caller),
  }),
  operation({
    id: 'getUserV1',
    method: 'GET',
    path: '/identity/resources/users/v1/{userId}',
    summary: 'Get a user of an account',
    tag: management,
    auth: 'vendor',
    tenant: 'required',
    params: UserId,
    returns: { 200: User },
    errors: [userErrors.notFound],
    handler: async (ctx, { params }) =>
      toUser(await users.read(ctx, { id: params.userId }, undefined, { tenant: ctx.tenant, as: 'member' }), ctx.caller),
  }),
  operation({
    id: 'getVendorUserV1',
    method: 'GET',
    path: '/identity/resources/vendor-only/users/v1/{userId}',
    summary: 'Get a user, whatever accounts it belongs to',
    tag: management,
    auth: 'vendor',
    params: UserId,
    returns: { 200: User },
    errors: [userErrors.notFound],
    handler: async (ctx, { params }) => toUser(await users.read(ctx, { id: params.userId }), ctx.caller),
  }),
  operation({
    id: 'updateUserV1',
    method: 'PUT',
    path: '/identity/resources/users/v1/{userId}',
    summary: 'Change a user everywhere',
    tag: management,
    auth: 'vendor',
    params: UserId,
    body: UserChange,
    returns: { 200: User },
    errors: [userErrors.notFound, userErrors.phoneNumberTaken],
    handler: async (ctx, { params, body }) => {
      await users.update(ctx, { id: params.userId }, body)
      const user = await users.read(ctx, { id: params.userId })
      if (body.phoneNumber !== undefined) await users.vouchForNumber(ctx, user.row)
      return toUser(user, ctx.caller)
    },
  }),
  operation({
    id: 'updateOwnUserV1',
    method: 'PUT',
    path: '/identity/resources/users/v1',
    summary: 'Change the profile of the user of the call',
    tag,
    auth: 'both',
    tenant: 'required',
    user: 'required',
    body: ProfileChange,
    returns: { 200: User },
    errors: [userErrors.notFound, userErrors.phoneNumberTaken],
    handler: async (ctx, { body }) => {
      const self = await users.self(ctx, ctx.user, ctx.tenant)
      await users.updateSelf(ctx, ctx.caller, self, body)
      return toUser(await users.readSelf(ctx, ctx.user, ctx.tenant), ctx.caller)
    },
  }),
  operation({
    id: 'deleteUserV1',
    method: 'DELETE',
    path: '/identity/resources/users/v1/{userId}',
    summary: 'Remove a user from an account, or for good',
    tag,
    auth: 'both',
    permission: needs.users.delete,
    tenant: 'optional',
    params: UserId,
    returns: { 200: Empty },
    errors: [membershipErrors.notFound, roleErrors.strongerUser],
    handler: (ctx, { params }) => users.remove(ctx, ctx.caller, params.userId, ctx.tenant),
  }),
  operation({
    id: 'verifyUserV1',
    method: 'POST',
    path: '/identity/resources/users/v1/{userId}/verify',
    summary: 'Take the e-mail address of a user for verified',
    tag: management,
    auth: 'vendor',
    params: UserId,
    audit: 'frontegg.user.updated',
    returns: { 200: Empty },
    errors: [userErrors.notFound],
    handler: (ctx, { params }) => users.mark(ctx, { id: params.userId }, { verified: true }),
  }),
  operation({
    id: 'lockUserV1',
    method: 'POST',
    path: '/identity/resources/users/v1/{userId}/lock',
    summary: 'Keep a user from logging in anywhere',
    tag: management,
    auth: 'vendor',
    params: UserId,
    audit: 'user.locked',
    returns: { 200: Empty },
    errors: [userErrors.notFound],
    handler: (ctx, { params }) => users.lock(ctx, params.userId),
  }),
  operation({
    id: 'unlockUserV1',
    method: 'POST',
    path: '/identity/resources/users/v1/{userId}/unlock',
    summary: 'Let a locked user log in again',
    tag: management,
    auth: 'vendor',
    params: UserId,
    audit: 'user.unlocked',
    returns: { 200: Empty },
    errors: [userErrors.notFound],
    handler: (ctx, { params }) => users.unlock(ctx, params.userId),
  }),
  operation({
    id: 'setUserInvisibleV1',
    method: 'PUT',
    path: '/identity/resources/users/v1/{userId}/invisible',
    summary: 'Hide a user from the lists that users see, or show it again',
    tag: management,
    auth: 'vendor',
    params: UserId,
    body: Type.Object({ invisible: Type.Boolean() }),
    audit: 'frontegg.user.updated',
    returns: { 200: User },
    errors: [userErrors.notFound],
    handler: async (ctx, { params, body }) => {
      await users.mark(ctx, { id: params.userId }, body)
      return toUser(await users.read(ctx, { id: params.userId }), ctx.caller)
    },
  }),
  operation({
    id: 'setUserSuperuserV1',
    method: 'PUT',
    path: '/identity/resources/users/v1/{userId}/superuser',
    summary: 'Let a user into every account, or no longer',
    tag: management,
    auth: 'vendor',
    params: UserId,
    body: Type.Object({ superUser: Type.Boolean() }),
    audit: 'frontegg.user.updated',
    returns: { 200: User },
    errors: [userErrors.notFound],
    handler: async (ctx, { params, body }) => {
      await users.mark(ctx, { id: params.userId }, body)
      return toUser(await users.read(ctx, { id: params.userId }), ctx.caller)
    },
  }),
]
