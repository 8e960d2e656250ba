import { jwkOf } from '@henhouse/jwt'
import { Type } from 'typebox'
import { SECOND } from '../../kernel/clock.ts'
import { baseUrl } from '../../kernel/environments.ts'
import { perIp } from '../../kernel/limits.ts'
import { operation } from '../../kernel/operation.ts'
import { environmentToken } from '../../kernel/tokens.ts'
import { environmentErrors } from './environments.errors.ts'
import { BaseUrl, Credentials, EnvironmentToken, KeySet, PublicEnvironment } from './environments.schemas.ts'
import * as environments from './environments.service.ts'

const tag = 'Environments'

const flags = (id: string, path: `/${string}`, summary: string) =>
  operation({
    id,
    method: 'GET',
    path,
    summary,
    tag,
    auth: 'public',
    returns: { 200: Type.Object({}) },
    // none: each client uses its own default
    handler: () => ({}),
  })

export const environmentsRoutes = [
  operation({
    id: 'authenticateEnvironment',
    method: 'POST',
    path: '/auth/vendor',
    summary: 'Exchange a client id and its API key for an environment token',
    tag: 'Environment authentication',
    auth: 'public',
    body: Credentials,
    limits: [perIp(30, SECOND)],
    returns: { 200: EnvironmentToken },
    errors: [environmentErrors.invalidAuthentication],
    environment: (directory, { body }) => environments.authenticate(directory, body),
    handler: (ctx) => environmentToken(ctx),
  }),
  operation({
    id: 'listSigningKeys',
    method: 'GET',
    path: '/.well-known/jwks.json',
    summary: 'List the public keys that verify tokens, the current one first',
    tag,
    auth: 'public',
    returns: { 200: KeySet },
    handler: (ctx) => ({ keys: ctx.environment.keys.map((key) => jwkOf(key.publicKey, key.id)) }),
  }),
  operation({
    id: 'getBaseUrl',
    method: 'GET',
    path: '/vendors/base-url',
    summary: 'Read where browsers reach the environment',
    tag,
    auth: 'vendor',
    returns: { 200: BaseUrl },
    handler: (ctx) => ({ baseURL: baseUrl(ctx.deps.publicUrl, ctx.environment) }),
  }),
  operation({
    id: 'getPublicEnvironment',
    method: 'GET',
    path: '/vendors/public',
    summary: 'Read what a login page shows of the environment',
    tag,
    auth: 'public',
    returns: { 200: PublicEnvironment },
    // the login page shows no other name
    handler: ({ environment }) => ({
      name: environment.title ?? environment.name,
      logo: '',
      icon: '',
      whiteLabelMode: true,
    }),
  }),
  flags('listFlags', '/flags', 'Read which features of the login page and the portal are on or off'),
  flags(
    'listFeatureFlagsV1',
    '/identity/resources/auth/v1/feature-flags',
    'Read which features of Android apps are on or off',
  ),
]
