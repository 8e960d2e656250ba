import { Type } from 'typebox'
import { Key } from '../../../kernel/validation.ts'
import { Empty, operation } from '../../../kernel/operation.ts'
import { Page } from '../../../kernel/paging.ts'
import { needs } from '../../rights/permissions/permissions.keys.ts'
import { userErrors } from '../users/users.errors.ts'
import { usernameErrors } from './usernames.errors.ts'
import { NewUsername, Username, UsernameQuery } from './usernames.schemas.ts'
import * as usernames from './usernames.service.ts'

const tag = 'User Management'

export const usernamesRoutes = [
  operation({
    id: 'listUsernamesV1',
    method: 'GET',
    path: '/identity/resources/usernames/v1',
    summary: 'List usernames',
    tag,
    auth: 'both',
    permission: needs.users.read,
    tenant: 'optional',
    query: UsernameQuery,
    returns: { 200: Page(Username) },
    handler: (ctx, { query }) => usernames.list(ctx, ctx.caller, ctx.tenant, query),
  }),
  operation({
    id: 'getOwnUsernameV1',
    method: 'GET',
    path: '/identity/resources/usernames/v1/me',
    summary: "Get one's own username",
    tag,
    auth: 'both',
    user: 'required',
    returns: { 200: Username },
    errors: [usernameErrors.notFound],
    handler: (ctx) => usernames.own(ctx, ctx.user),
  }),
  operation({
    id: 'createUsernameV1',
    method: 'POST',
    path: '/identity/resources/usernames/v1',
    summary: 'Give oneself a username',
    tag,
    auth: 'both',
    recentLogin: true,
    user: 'required',
    body: NewUsername,
    returns: { 201: Empty },
    errors: [userErrors.usernameTaken, usernameErrors.hasOne],
    handler: (ctx, { body }) => usernames.create(ctx, ctx.user, body.username),
  }),
  operation({
    id: 'deleteUsernameV1',
    method: 'DELETE',
    path: '/identity/resources/usernames/v1/{username}',
    summary: 'Delete a username',
    tag,
    auth: 'both',
    recentLogin: true,
    user: 'optional',
    params: Type.Object({ username: Key }),
    returns: { 200: Empty },
    errors: [usernameErrors.notFound, usernameErrors.lastIdentifier],
    handler: (ctx, { params }) => usernames.remove(ctx, ctx.user, params.username),
  }),
]
