import { Type } from 'typebox'
import { FilledKey } from '../../../kernel/validation.ts'
import { MINUTE } from '../../../kernel/clock.ts'
import { perIp } from '../../../kernel/limits.ts'
import { Empty, operation } from '../../../kernel/operation.ts'
import { sessionErrors } from '../../access/sessions/sessions.errors.ts'
import { loginErrors } from './login.errors.ts'
import { logInWithPassword } from './login.flow.ts'
import { Credentials, LogoutRequest, RefreshRequest, TokenForTenant } from './login.schemas.ts'
import { LoginAnswer } from '../entry/entry.schemas.ts'
import { userPoolErrors } from '../user-pools/user-pools.errors.ts'
import * as login from './login.service.ts'

export const loginRoutes = [
  operation({
    id: 'logInV1',
    method: 'POST',
    path: '/identity/resources/auth/v1/user',
    summary: 'Log in with a password',
    tag: 'General',
    auth: 'public',
    cookies: true,
    body: Credentials,
    limits: [perIp(100, MINUTE), { of: ({ body }) => body.email || body.username, most: 30, perMs: 10 * MINUTE }],
    returns: { 200: LoginAnswer },
    errors: [
      loginErrors.strategyOff,
      loginErrors.wrong,
      loginErrors.locked,
      loginErrors.notVerified,
      loginErrors.noTenant,
      userPoolErrors.unavailable,
    ],
    handler: (ctx, { body }) => logInWithPassword(ctx, body),
  }),
  operation({
    id: 'refreshTokenV1',
    method: 'POST',
    path: '/identity/resources/auth/v1/user/token/refresh',
    summary: 'Exchange a refresh token for new tokens',
    tag: 'General',
    auth: 'public',
    cookies: true,
    body: RefreshRequest,
    limits: [perIp(1000, MINUTE)],
    returns: { 201: LoginAnswer },
    errors: [sessionErrors.ended],
    handler: (ctx, { body }) => login.refresh(ctx, body.refreshToken, body.tenantId),
  }),
  operation({
    id: 'logOutV1',
    method: 'POST',
    path: '/identity/resources/auth/v1/logout',
    summary: 'Log out',
    tag: 'General',
    auth: 'public',
    cookies: true,
    body: LogoutRequest,
    limits: [perIp(1000, MINUTE)],
    returns: { 201: Empty },
    handler: (ctx, { body }) => login.logOut(ctx, body.refreshToken),
  }),
  operation({
    id: 'createTokenForTenantV3',
    method: 'POST',
    path: '/identity/resources/users/v3/me/token',
    summary: "Get an access token for another of one's accounts",
    tag: 'User Sessions',
    auth: 'user',
    people: true,
    body: Type.Object({ tenantId: FilledKey }),
    returns: { 201: TokenForTenant },
    errors: [sessionErrors.ended],
    handler: (ctx, { body }) => login.tokenFor(ctx, ctx.caller, body.tenantId),
  }),
]
