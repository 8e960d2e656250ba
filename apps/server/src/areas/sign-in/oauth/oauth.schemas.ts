import { Type, type Static } from 'typebox'
import { FilledToken, Key, Text, Token } from '../../../kernel/validation.ts'

/** As long as tokens may be: those of users with very many tenants and permissions. */
const ShownToken = Type.String({ maxLength: 65_536 })
const Word = Type.Optional(Key)
const Line = Type.Optional(Text)

/** How clients that cannot use `Authorization: Basic` say who they are. */
const ofClient = { client_id: Word, client_secret: Word }

/** The fields of all grants: the grant says which of them are needed. */
export const TokenRequest = Type.Object({
  grant_type: Word,
  ...ofClient,
  code: Type.Optional(Token),
  redirect_uri: Line,
  code_verifier: Word,
  refresh_token: Type.Optional(Token),
  /** the account to go on in */
  tenantId: Word,
  subject_token: Type.Optional(ShownToken),
  subject_token_type: Word,
  actor_token: Type.Optional(ShownToken),
  actor_token_type: Word,
  requested_token_type: Word,
  audience: Word,
})
export type TokenRequest = Static<typeof TokenRequest>

export const TokenAnswer = Type.Object({
  access_token: Type.String(),
  /** the same token: it says both who the user is and what they may do */
  id_token: Type.Optional(Type.String()),
  refresh_token: Type.Optional(Type.String()),
  issued_token_type: Type.Optional(Type.String()),
  token_type: Type.String(),
  /** seconds */
  expires_in: Type.Integer(),
})
export type TokenAnswer = Static<typeof TokenAnswer>

/** What a client asks for, by the browser that it sends here (OpenID Connect Core §3.1.2.1), and what the reference adds. */
export const AuthorizeQuery = Type.Object({
  client_id: Word,
  redirect_uri: Line,
  response_type: Word,
  response_mode: Word,
  scope: Line,
  state: Line,
  nonce: Word,
  code_challenge: Word,
  code_challenge_method: Word,
  prompt: Word,
  max_age: Word,
  acr_values: Line,
  login_hint: Line,
  login_direct_action: Line,
  organization: Word,
  tenantId: Word,
  request: Line,
  request_uri: Line,
})
export type AuthorizeQuery = Static<typeof AuthorizeQuery>

export const StateQuery = Type.Object({ state: Type.Optional(Token) })
export const PostLogin = Type.Object({ state: FilledToken, token: ShownToken })
/** What a user agrees to, as the page asks them. */
export const Consent = Type.Object({
  /** nothing to show where it has no name of its own */
  applicationName: Type.Optional(Type.String()),
  /** of a client beside the application itself */
  clientName: Type.Optional(Type.String()),
  userName: Type.String(),
  tenantName: Type.String(),
})
export type Consent = Static<typeof Consent>
export const ConsentAnswer = Type.Object({ state: FilledToken, isGiven: Type.Boolean() })
export const WayBack = Type.Object({ redirectUrl: Type.String() })
export const SilentRequest = Type.Object({ tenantId: Word })

export const LogoutQuery = Type.Object({
  id_token_hint: Type.Optional(ShownToken),
  client_id: Word,
  post_logout_redirect_uri: Line,
  state: Line,
})
export type LogoutQuery = Static<typeof LogoutQuery>
export const LogoutRequest = Type.Object({ refreshToken: Type.Optional(Token) })

export const TokenInQuestion = Type.Object({ token: ShownToken, token_type_hint: Word, ...ofClient })
export type TokenInQuestion = Static<typeof TokenInQuestion>

/** RFC 7662 §2.2 */
export const Introspection = Type.Object({
  active: Type.Boolean(),
  sub: Type.Optional(Type.String()),
  client_id: Type.Optional(Type.String()),
  aud: Type.Optional(Type.String()),
  iss: Type.Optional(Type.String()),
  exp: Type.Optional(Type.Integer()),
  iat: Type.Optional(Type.Integer()),
  token_type: Type.Optional(Type.String()),
  tenantId: Type.Optional(Type.String()),
})

/** OpenID Connect Core §5.1, and the account in which the token is good. */
export const UserInfo = Type.Object({
  sub: Type.String(),
  name: Type.String(),
  email: Type.Optional(Type.String()),
  email_verified: Type.Boolean(),
  phone_number: Type.Optional(Type.String()),
  picture: Type.String(),
  updated_at: Type.Integer(),
  tenantId: Type.String(),
})

/** OpenID Connect Discovery §3, RFC 8414 §2 */
const Names = Type.Array(Type.String())
export const ProviderMetadata = Type.Object({
  issuer: Type.String(),
  authorization_endpoint: Type.String(),
  token_endpoint: Type.String(),
  userinfo_endpoint: Type.String(),
  jwks_uri: Type.String(),
  end_session_endpoint: Type.String(),
  revocation_endpoint: Type.String(),
  introspection_endpoint: Type.String(),
  scopes_supported: Names,
  response_types_supported: Names,
  response_modes_supported: Names,
  grant_types_supported: Names,
  subject_types_supported: Names,
  id_token_signing_alg_values_supported: Names,
  acr_values_supported: Names,
  token_endpoint_auth_methods_supported: Names,
  revocation_endpoint_auth_methods_supported: Names,
  introspection_endpoint_auth_methods_supported: Names,
  code_challenge_methods_supported: Names,
  prompt_values_supported: Names,
  claims_supported: Names,
  claims_parameter_supported: Type.Boolean(),
  request_parameter_supported: Type.Boolean(),
  request_uri_parameter_supported: Type.Boolean(),
  authorization_response_iss_parameter_supported: Type.Boolean(),
})
