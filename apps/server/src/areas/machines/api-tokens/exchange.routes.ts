import { MINUTE } from '../../../kernel/clock.ts'
import { perIp } from '../../../kernel/limits.ts'
import { operation } from '../../../kernel/operation.ts'
import { ipErrors } from '../../policies/ip-restrictions/ip-restrictions.errors.ts'
import { apiTokenErrors } from './api-tokens.errors.ts'
import { Credentials, RefreshRequest, Tokens, TokensV2, toV2 } from './api-tokens.schemas.ts'
import * as exchange from './exchange.service.ts'

const v1 = '/identity/resources/auth/v1/api-token',
  v2 = '/identity/resources/auth/v2/api-token'
const tag = 'API Token',
  errors = [apiTokenErrors.invalidAuthentication, apiTokenErrors.disabled, ipErrors.restricted]
/** Wide, as a secret cannot be guessed, and many programs share an address and credentials. */
const perAddress = perIp(1000, MINUTE),
  // whoever knows the id without the secret uses up nothing of the program's
  perClient = {
    of: ({ body: { clientId, secret } }: { body: Credentials }) => `${clientId} ${secret}`,
    most: 600,
    perMs: MINUTE,
  }

export const exchangeRoutes = [
  operation({
    id: 'authenticateApiTokenV1',
    method: 'POST',
    path: v1,
    summary: 'Exchange the client id and secret of an API token for an access token',
    tag,
    auth: 'public',
    body: Credentials,
    limits: [perAddress, perClient],
    returns: { 200: Tokens },
    errors,
    handler: (ctx, { body }) => exchange.authenticate(ctx, body),
  }),
  operation({
    id: 'refreshApiTokenV1',
    method: 'POST',
    path: `${v1}/token/refresh`,
    summary: 'Exchange a refresh token of an API token for new tokens',
    tag,
    auth: 'public',
    body: RefreshRequest,
    limits: [perAddress],
    returns: { 200: Tokens },
    errors,
    handler: (ctx, { body }) => exchange.refresh(ctx, body.refreshToken),
  }),
  operation({
    id: 'authenticateApiTokenV2',
    method: 'POST',
    path: v2,
    summary: 'Exchange the client id and secret of an API token for an access token, in the names of OAuth',
    tag,
    auth: 'public',
    body: Credentials,
    limits: [perAddress, perClient],
    returns: { 200: TokensV2 },
    errors,
    handler: async (ctx, { body }) => toV2(await exchange.authenticate(ctx, body)),
  }),
  operation({
    id: 'refreshApiTokenV2',
    method: 'POST',
    path: `${v2}/token/refresh`,
    summary: 'Exchange a refresh token of an API token for new tokens, in the names of OAuth',
    tag,
    auth: 'public',
    body: RefreshRequest,
    limits: [perAddress],
    returns: { 200: TokensV2 },
    errors,
    handler: async (ctx, { body }) => toV2(await exchange.refresh(ctx, body.refreshToken)),
  }),
]
