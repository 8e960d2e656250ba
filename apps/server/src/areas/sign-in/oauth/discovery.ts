import { baseUrl } from '../../../kernel/environments.ts'
import type { Ctx } from '../../../kernel/operation.ts'
import * as identitySettings from '../../policies/identity-settings/identity-settings.service.ts'
import { PROMPTS } from './asked.ts'
import { MULTI_FACTOR } from '../mfa/mfa-login.flow.ts'

/** What clients have to know of the server (OpenID Connect Discovery §3, RFC 8414 §2). */
export async function metadata(ctx: Ctx, grants: Iterable<string>) {
  const issuer = baseUrl(ctx.deps.publicUrl, ctx.environment),
    { jwtAlgorithm } = await identitySettings.current(ctx),
    ways = ['client_secret_basic', 'client_secret_post']
  return {
    issuer,
    authorization_endpoint: `${issuer}/oauth/authorize`,
    token_endpoint: `${issuer}/oauth/token`,
    userinfo_endpoint: `${issuer}/oauth/userinfo`,
    jwks_uri: `${issuer}/.well-known/jwks.json`,
    end_session_endpoint: `${issuer}/oauth/logout`,
    revocation_endpoint: `${issuer}/oauth/revoke`,
    introspection_endpoint: `${issuer}/oauth/introspect`,
    scopes_supported: ['openid', 'email', 'profile', 'phone', 'offline_access'],
    response_types_supported: ['code'],
    response_modes_supported: ['query'],
    grant_types_supported: [...grants],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: [jwtAlgorithm],
    acr_values_supported: [MULTI_FACTOR],
    token_endpoint_auth_methods_supported: [...ways, 'none'],
    revocation_endpoint_auth_methods_supported: [...ways, 'none'],
    introspection_endpoint_auth_methods_supported: ways,
    code_challenge_methods_supported: ['S256'],
    prompt_values_supported: [...PROMPTS],
    claims_supported: [
      ...['sub', 'iss', 'aud', 'exp', 'iat', 'nonce', 'auth_time', 'acr', 'amr', 'sid'],
      ...[
        'name',
        'email',
        'email_verified',
        'phone_number',
        'picture',
        'tenantId',
        'tenantIds',
        'roles',
        'permissions',
      ],
    ],
    claims_parameter_supported: false,
    request_parameter_supported: false,
    // it would be true by default
    request_uri_parameter_supported: false,
    authorization_response_iss_parameter_supported: true,
  }
}
