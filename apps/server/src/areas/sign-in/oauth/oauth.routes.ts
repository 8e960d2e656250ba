import { MINUTE } from '../../../kernel/clock.ts'
import { invalid } from '../../../kernel/errors.ts'
import { perIp } from '../../../kernel/limits.ts'
import { Empty, operation, type HttpCtx } from '../../../kernel/operation.ts'
import { sessionErrors } from '../../access/sessions/sessions.errors.ts'
import { clientErrors } from '../../applications/oauth-clients/oauth-clients.errors.ts'
import * as clients from '../../applications/oauth-clients/oauth-clients.service.ts'
import { apiTokenErrors } from '../../machines/api-tokens/api-tokens.errors.ts'
import { delegationErrors } from '../../machines/delegation/delegation.errors.ts'
import * as delegation from '../../machines/delegation/delegation.service.ts'
import { ipErrors } from '../../policies/ip-restrictions/ip-restrictions.errors.ts'
import * as discovery from './discovery.ts'
import { oauthErrors } from './oauth.errors.ts'
import {
  Introspection,
  ProviderMetadata,
  TokenAnswer,
  TokenInQuestion,
  TokenRequest,
  UserInfo,
} from './oauth.schemas.ts'
import * as grantsOfUsers from './grants.service.ts'
import * as programs from './programs.service.ts'
import * as tokens from './tokens.service.ts'

/** What each grant gives for a request. */
const grants: ReadonlyMap<string, (ctx: HttpCtx, body: TokenRequest) => Promise<TokenAnswer>> = new Map([
  ['authorization_code', grantsOfUsers.byCode],
  ['refresh_token', grantsOfUsers.byRefreshToken],
  ['client_credentials', programs.byCredentials],
  ['urn:ietf:params:oauth:grant-type:token-exchange', delegation.exchange],
])

const tag = 'OAuth'
/** wide, as one server may act for many users */
const limits = [perIp(1000, MINUTE)]

/** The same document at each place where clients look for it. */
const describing = (id: string, path: `/${string}`) =>
  operation({
    id,
    method: 'GET',
    path,
    summary: 'Read what OAuth and OpenID Connect clients have to know of the server',
    tag,
    auth: 'public',
    returns: { 200: ProviderMetadata },
    handler: (ctx) => discovery.metadata(ctx, grants.keys()),
  })

const userInfo = (id: string, method: 'GET' | 'POST') =>
  operation({
    id,
    method,
    path: '/oauth/userinfo',
    summary: 'Read who the user of the token is',
    tag,
    auth: 'user',
    user: 'required',
    oauth: true,
    returns: { 200: UserInfo },
    handler: (ctx) => tokens.userInfo(ctx, ctx.caller, ctx.user),
  })

export const oauthRoutes = [
  describing('getOpenidConfiguration', '/.well-known/openid-configuration'),
  describing('getOauthOpenidConfiguration', '/oauth/.well-known/openid-configuration'),
  describing('getAuthorizationServerMetadata', '/.well-known/oauth-authorization-server'),
  operation({
    id: 'grantToken',
    method: 'POST',
    path: '/oauth/token',
    summary:
      'Get tokens by one of the grants of OAuth: for a code, a refresh token, credentials, or two tokens of who acts for whom',
    tag,
    auth: 'public',
    oauth: true,
    exchanges: true,
    body: TokenRequest,
    limits,
    returns: { 200: TokenAnswer },
    errors: [
      oauthErrors.unknownGrant,
      oauthErrors.badCode,
      oauthErrors.noVerifier,
      clientErrors.off,
      clientErrors.invalid,
      clientErrors.noProgram,
      apiTokenErrors.disabled,
      sessionErrors.ended,
      delegationErrors.badSubject,
      ipErrors.restricted,
    ],
    async handler(ctx, { body }) {
      if (!body.grant_type) throw invalid('grant_type should not be empty')
      const grant = grants.get(body.grant_type)
      if (!grant) throw oauthErrors.unknownGrant()
      await clients.mustBeOn(ctx)
      return grant(ctx, body)
    },
  }),
  userInfo('getUserInfo', 'GET'),
  userInfo('postUserInfo', 'POST'),
  operation({
    id: 'introspectToken',
    method: 'POST',
    path: '/oauth/introspect',
    summary: 'Ask, as a client with a secret, whether a token is good now, and whose it is',
    tag,
    auth: 'public',
    oauth: true,
    exchanges: true,
    body: TokenInQuestion,
    limits: [perIp(6000, MINUTE)],
    returns: { 200: Introspection },
    errors: [clientErrors.invalid, clientErrors.notSame],
    handler: (ctx, { body }) => tokens.introspect(ctx, body),
  }),
  operation({
    id: 'revokeToken',
    method: 'POST',
    path: '/oauth/revoke',
    summary: 'End the session of a refresh or access token, and all tokens that came of the same login',
    tag,
    auth: 'public',
    oauth: true,
    exchanges: true,
    body: TokenInQuestion,
    limits,
    returns: { 200: Empty },
    errors: [clientErrors.invalid, clientErrors.notSame, oauthErrors.notYours, oauthErrors.unsupportedTokenType],
    handler: (ctx, { body }) => tokens.revoke(ctx, body),
  }),
]
