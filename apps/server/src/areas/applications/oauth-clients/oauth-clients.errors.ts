import { errors, failure, oauthFailure } from '../../../kernel/errors.ts'

export const clientErrors = {
  /** clients know this text */
  off: oauthFailure(403, 'unauthorized_client', 'OAuth is disabled'),
  /** for whoever shows a secret, or has to: with a header for those who used one (RFC 6749 §5.2) */
  invalid: oauthFailure(401, 'invalid_client', 'Client authentication failed'),
  /** where a browser comes with it: it is sent nowhere */
  unknown: oauthFailure(400, 'invalid_request', 'client_id is not valid'),
  notSame: oauthFailure(400, 'invalid_request', 'The client shows two different ids or secrets'),
  redirectNotAllowed: oauthFailure(400, 'invalid_request', 'redirect_uri is not allowed for this client'),
  noProgram: oauthFailure(400, 'unauthorized_client', 'Only API tokens and the environment get tokens without a user'),
  redirectUriNotFound: () => errors.notFound('Redirect URI'),
  badRedirectUri: failure(400, 'computed', 'redirectUri must be an absolute URI without a fragment, and no script'),
  tooManyRedirectUris: failure(400, 'computed', 'There are as many redirect URIs as there may be'),
}
