import { MINUTE } from '../../../kernel/clock.ts'
import { perIp } from '../../../kernel/limits.ts'
import { Empty, operation, Redirect, reply } from '../../../kernel/operation.ts'
import { sessionErrors } from '../../access/sessions/sessions.errors.ts'
import { clientErrors } from '../../applications/oauth-clients/oauth-clients.errors.ts'
import * as clients from '../../applications/oauth-clients/oauth-clients.service.ts'
import * as login from '../login/login.service.ts'
import { mfaErrors } from '../mfa/mfa.errors.ts'
import * as flow from './authorize.flow.ts'
import { answerOf } from './grants.service.ts'
import * as logout from './logout.service.ts'
import { oauthErrors } from './oauth.errors.ts'
import {
  AuthorizeQuery,
  LogoutQuery,
  LogoutRequest,
  PostLogin,
  SilentRequest,
  StateQuery,
  TokenAnswer,
  WayBack,
} from './oauth.schemas.ts'

const tag = 'OAuth'

/** The login of a user for a client, by a browser, step by step; and its end. */
export const authorizeRoutes = [
  operation({
    id: 'authorize',
    method: 'GET',
    path: '/oauth/authorize',
    summary: 'Ask, by a browser, for a code for its user: goes back to the client, or on to the login page',
    tag,
    auth: 'public',
    oauth: true,
    cookies: true,
    navigated: true,
    query: AuthorizeQuery,
    limits: [perIp(300, MINUTE)],
    returns: { 302: Redirect },
    errors: [clientErrors.unknown, clientErrors.redirectNotAllowed, clientErrors.off],
    handler: (ctx, { query }) => flow.authorize(ctx, query),
  }),
  operation({
    id: 'startHostedLogin',
    method: 'GET',
    path: '/oauth/prelogin',
    summary: 'Go on to the login page of the application, or else of the server',
    tag,
    auth: 'public',
    oauth: true,
    cookies: true,
    navigated: true,
    query: StateQuery,
    limits: [perIp(300, MINUTE)],
    returns: { 302: Redirect },
    errors: [oauthErrors.badState, clientErrors.unknown, clientErrors.redirectNotAllowed],
    handler: (ctx, { query }) => flow.prelogin(ctx, query.state),
  }),
  operation({
    id: 'finishHostedLogin',
    method: 'POST',
    path: '/oauth/postlogin',
    summary: 'Tell, as a login page, that the user has logged in, and learn where the browser is to go',
    tag,
    auth: 'public',
    oauth: true,
    cookies: true,
    exchanges: true,
    body: PostLogin,
    limits: [perIp(300, MINUTE)],
    returns: { 200: WayBack },
    errors: [
      oauthErrors.badState,
      oauthErrors.otherApplication,
      oauthErrors.tooOld,
      mfaErrors.wanted,
      clientErrors.off,
    ],
    handler: (ctx, { body }) => flow.postlogin(ctx, body.state, body.token),
  }),
  operation({
    id: 'returnToClient',
    method: 'GET',
    path: '/oauth/postlogin/redirect',
    summary: 'Go back to the client, with a code',
    tag,
    auth: 'public',
    oauth: true,
    cookies: true,
    navigated: true,
    query: StateQuery,
    limits: [perIp(300, MINUTE)],
    returns: { 302: Redirect },
    errors: [oauthErrors.badState, clientErrors.unknown, clientErrors.redirectNotAllowed],
    handler: (ctx, { query }) => flow.postloginRedirect(ctx, query.state),
  }),
  operation({
    id: 'authorizeSilently',
    method: 'POST',
    path: '/oauth/authorize/silent',
    summary: 'Get tokens for the refresh token in a cookie',
    tag,
    auth: 'public',
    oauth: true,
    cookies: true,
    body: SilentRequest,
    limits: [perIp(1000, MINUTE)],
    returns: { 200: TokenAnswer },
    errors: [sessionErrors.ended, clientErrors.off, mfaErrors.wanted],
    async handler(ctx, { body }) {
      await clients.mustBeOn(ctx)
      return answerOf(await login.renewByCookie(ctx, await logout.tokensIn(ctx), body.tenantId))
    },
  }),
  operation({
    id: 'logOutOfClient',
    method: 'GET',
    path: '/oauth/logout',
    summary: 'Log out, by a browser, and go on to an address that is allowed for that',
    tag,
    auth: 'public',
    oauth: true,
    cookies: true,
    navigated: true,
    exchanges: true,
    query: LogoutQuery,
    limits: [perIp(1000, MINUTE)],
    returns: { 200: Empty, 302: Redirect },
    errors: [oauthErrors.notAfterLogout],
    async handler(ctx, { query }) {
      const destination = await logout.logOut(ctx, query)
      return destination ? reply(302, destination) : reply(200, undefined)
    },
  }),
  operation({
    id: 'logOutToken',
    method: 'POST',
    path: '/oauth/logout/token',
    summary: 'Log out, as an app, by the refresh token in a cookie or in the body',
    tag,
    auth: 'public',
    cookies: true,
    body: LogoutRequest,
    limits: [perIp(1000, MINUTE)],
    returns: { 200: Empty },
    handler: (ctx, { body }) => logout.logOutToken(ctx, body.refreshToken),
  }),
]
