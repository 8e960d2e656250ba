import { MINUTE } from '../../../kernel/clock.ts'
import { perIp } from '../../../kernel/limits.ts'
import { Empty, operation, Redirect, reply } from '../../../kernel/operation.ts'
import { sessionErrors } from '../../access/sessions/sessions.errors.ts'
import { clientErrors } from '../../applications/oauth-clients/oauth-clients.errors.ts'
import * as clients from '../../applications/oauth-clients/oauth-clients.service.ts'
import * as login from '../login/login.service.ts'
import { mfaErrors } from '../mfa/mfa.errors.ts'
import * as flow from './authorize.flow.ts'
import * as consent from './consent.flow.ts'
import { answerOf } from './grants.service.ts'
import * as logout from './logout.service.ts'
import { oauthErrors } from './oauth.errors.ts'
import {
  AuthorizeQuery,
  Consent,
  ConsentAnswer,
  LogoutQuery,
  LogoutRequest,
  PostLogin,
  SilentRequest,
  StateQuery,
  TokenAnswer,
  WayBack,
} from './oauth.schemas.ts'

/** A browser calls, from a page of ours or of an allowed origin. */
const called = { tag: 'OAuth', auth: 'public', oauth: true, cookies: true, limits: [perIp(300, MINUTE)] } as const
/** A browser comes here with its user, from wherever. */
const step = { ...called, navigated: true } as const
const often = { limits: [perIp(1000, MINUTE)] } as const

/** The login of a user for a client, by a browser, step by step; and its end. */
export const authorizeRoutes = [
  operation({
    id: 'authorize',
    method: 'GET',
    path: '/oauth/authorize',
    summary: 'Ask, by a browser, for a code for its user: goes back to the client, or on to the login page',
    ...step,
    query: AuthorizeQuery,
    returns: { 302: Redirect },
    errors: [clientErrors.unknown, clientErrors.redirectNotAllowed, clientErrors.off],
    handler: (ctx, { query }) => flow.authorize(ctx, query),
  }),
  operation({
    ...step,
    id: 'authorizeByForm',
    method: 'POST',
    path: '/oauth/authorize',
    summary: 'The same as a form (OpenID Connect Core §3.1.2.1): goes on to the address that has its fields as a query',
    body: AuthorizeQuery,
    returns: { 303: Redirect },
    handler: (ctx, { body }) => flow.asQuery(ctx, body),
  }),
  operation({
    id: 'startHostedLogin',
    method: 'GET',
    path: '/oauth/prelogin',
    summary: 'Go on to the login page of the application, or else of the server',
    ...step,
    query: StateQuery,
    returns: { 302: Redirect },
    errors: [oauthErrors.badState, clientErrors.unknown, clientErrors.redirectNotAllowed],
    handler: (ctx, { query }) => flow.prelogin(ctx, query.state),
  }),
  operation({
    id: 'finishHostedLogin',
    method: 'POST',
    path: '/oauth/postlogin',
    summary: 'Tell, as a login page, that the user has logged in, and learn where the browser is to go',
    ...called,
    exchanges: true,
    body: PostLogin,
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
    ...step,
    query: StateQuery,
    returns: { 302: Redirect },
    errors: [oauthErrors.badState, clientErrors.unknown, clientErrors.redirectNotAllowed],
    handler: (ctx, { query }) => flow.postloginRedirect(ctx, query.state),
  }),
  operation({
    id: 'readConsent',
    method: 'GET',
    path: '/oauth/consent',
    summary: 'Read, as the page of consent, which user is asked to agree to which client',
    ...called,
    query: StateQuery,
    returns: { 200: Consent },
    errors: [
      oauthErrors.badState,
      clientErrors.unknown,
      clientErrors.redirectNotAllowed,
      clientErrors.off,
      sessionErrors.ended,
    ],
    handler: (ctx, { query }) => consent.read(ctx, query.state),
  }),
  operation({
    id: 'answerConsent',
    method: 'POST',
    path: '/oauth/consent',
    summary: 'Tell, as the page of consent, whether the user agrees, and learn where the browser is to go',
    ...called,
    body: ConsentAnswer,
    returns: { 200: WayBack },
    errors: [oauthErrors.badState, clientErrors.unknown, clientErrors.redirectNotAllowed, clientErrors.off],
    handler: (ctx, { body }) => consent.answer(ctx, body.state, body.isGiven),
  }),
  operation({
    id: 'authorizeSilently',
    method: 'POST',
    path: '/oauth/authorize/silent',
    summary: 'Get tokens for the refresh token in a cookie',
    ...called,
    body: SilentRequest,
    ...often,
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
    summary: 'Log out, by a browser, and go on to an address that is allowed for that, or to the page that says so',
    ...step,
    exchanges: true,
    query: LogoutQuery,
    ...often,
    returns: { 200: Empty, 302: Redirect },
    errors: [oauthErrors.notAfterLogout],
    async handler(ctx, { query }) {
      const destination = (await logout.logOut(ctx, query)) ?? (ctx.http.isVisit ? logout.page(ctx) : undefined)
      return destination ? reply(302, destination) : reply(200, undefined)
    },
  }),
  operation({
    id: 'logOutToken',
    method: 'POST',
    path: '/oauth/logout/token',
    summary: 'Log out, as an app, by the refresh token in a cookie or in the body',
    ...called,
    body: LogoutRequest,
    ...often,
    returns: { 200: Empty },
    handler: (ctx, { body }) => logout.logOutToken(ctx, body.refreshToken),
  }),
]
