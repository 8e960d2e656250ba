import { operation } from '../../../kernel/operation.ts'
import { userErrors } from './users.errors.ts'
import { Authorization, CoreUser, ProfileChange, toCoreUser, toUser, User } from './users.schemas.ts'
import * as users from './users.service.ts'

const tag = 'User Management'
/** A user's own data needs no permission. An environment token names the user and, where it matters, the account. */
const own = { tag, auth: 'both', tenant: 'optional', user: 'required', errors: [userErrors.notFound] } as const

export const meRoutes = [
  operation({
    ...own,
    id: 'getMeV2',
    method: 'GET',
    path: '/identity/resources/users/v2/me',
    summary: 'Get the own profile, with the rights in the account of the call',
    returns: { 200: User },
    handler: async (ctx) => toUser(await users.readSelf(ctx, ctx.user, ctx.tenant), ctx.caller),
  }),
  operation({
    ...own,
    id: 'getMeV3',
    method: 'GET',
    path: '/identity/resources/users/v3/me',
    summary: 'Get the own profile',
    returns: { 200: CoreUser },
    handler: async (ctx) =>
      toCoreUser(await users.find(ctx, ctx.user, { tenant: ctx.tenant, as: 'self' }), ctx.caller, ctx.tenant?.id),
  }),
  operation({
    ...own,
    id: 'updateMeV2',
    method: 'PUT',
    path: '/identity/resources/users/v2/me',
    summary: 'Change the own profile',
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
    ...own,
    id: 'getMyAuthorizationV1',
    method: 'GET',
    path: '/identity/resources/users/v1/me/authorization',
    summary: 'List the own roles and permissions in the account of the call',
    returns: { 200: Authorization },
    handler: (ctx) => users.readSelf(ctx, ctx.user, ctx.tenant),
  }),
]
