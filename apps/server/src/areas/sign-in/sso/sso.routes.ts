import { Type } from 'typebox'
import { operation } from '../../../kernel/operation.ts'
import { perIp } from '../../../kernel/limits.ts'
import { MINUTE } from '../../../kernel/clock.ts'
import { Key, Nullable } from '../../../kernel/validation.ts'
import { needs } from '../../rights/permissions/permissions.keys.ts'
import { ssoErrors } from './sso.errors.ts'

const tag = 'Single sign-on'

/** Tenants cannot connect identity providers yet. Clients ask whether they have, and go on when they are told that they have not. */
const Somebody = Type.Object({
  email: Type.Optional(Nullable(Key)),
  tenantId: Type.Optional(Nullable(Key)),
})
const beginning = {
  method: 'POST',
  summary: 'Find the identity provider of an address: there is none, so the client asks for a password or code',
  tag,
  auth: 'public',
  body: Somebody,
  limits: [perIp(100, MINUTE)],
  returns: { 200: Type.Object({}) },
  errors: [ssoErrors.noDomain],
  handler: () => {
    throw ssoErrors.noDomain()
  },
} as const

const none = {
  method: 'GET',
  summary: 'List the identity providers of the account: there are none',
  tag,
  auth: 'user',
  permission: needs.sso.read,
  returns: { 200: Type.Array(Type.Object({})) },
  handler: () => [],
} as const

export const ssoRoutes = [
  operation({ ...beginning, id: 'preloginSsoV2', path: '/identity/resources/auth/v2/user/sso/prelogin' }),
  operation({ ...beginning, id: 'preloginSamlV1', path: '/identity/resources/auth/v1/user/saml/prelogin' }),
  operation({
    id: 'getPublicSsoV2',
    method: 'GET',
    path: '/team/resources/sso/v2/configurations/public',
    summary: 'Read whether any account logs in through an identity provider of its own',
    tag,
    auth: 'public',
    returns: { 200: Type.Object({ isActive: Type.Boolean() }) },
    handler: () => ({ isActive: false }),
  }),
  operation({ ...none, id: 'listSsoConfigurationsV1', path: '/team/resources/sso/v1/configurations' }),
  operation({ ...none, id: 'listOidcConfigurationsV1', path: '/team/resources/sso/v1/oidc/configurations' }),
]
