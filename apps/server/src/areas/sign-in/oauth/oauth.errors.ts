import { oauthFailure } from '../../../kernel/errors.ts'

export const oauthErrors = {
  unknownGrant: oauthFailure(400, 'unsupported_grant_type', 'grant_type is not supported'),
  /** RFC 6749 §5.2 has one word for all that is wrong with a code */
  badCode: oauthFailure(400, 'invalid_grant', 'code is not valid'),
  noVerifier: oauthFailure(400, 'invalid_grant', 'code_verifier is not valid'),
  /** unknown, used, expired, or shown by another browser than the one that has begun */
  badState: oauthFailure(400, 'invalid_request', 'The login was begun elsewhere or too long ago'),
  otherApplication: oauthFailure(400, 'invalid_request', 'The token is for another application'),
  /** an older login than the client asks for */
  tooOld: oauthFailure(403, 'login_required', 'Log in again'),
  loginRequired: oauthFailure(400, 'login_required', 'The user is not logged in'),
  interactionRequired: oauthFailure(400, 'interaction_required', 'The user has to see a page'),
  noResponseType: oauthFailure(400, 'invalid_request', 'response_type should not be empty'),
  unsupportedResponseType: oauthFailure(400, 'unsupported_response_type', 'response_type must be code'),
  consentRequired: oauthFailure(400, 'consent_required', 'The user has to agree'),
  consentRefused: oauthFailure(403, 'access_denied', 'The user does not agree'),
  unsupportedResponseMode: oauthFailure(400, 'invalid_request', 'response_mode must be query'),
  requestNotSupported: oauthFailure(400, 'request_not_supported', 'request is not supported'),
  requestUriNotSupported: oauthFailure(400, 'request_uri_not_supported', 'request_uri is not supported'),
  badChallenge: oauthFailure(400, 'invalid_request', 'code_challenge must be the S256 challenge of a code_verifier'),
  badPrompt: oauthFailure(400, 'invalid_request', 'prompt none goes with no other'),
  unknownPrompt: oauthFailure(400, 'invalid_request', 'prompt is not supported'),
  badMaxAge: oauthFailure(400, 'invalid_request', 'max_age must be a number of seconds'),
  unknownOrganization: oauthFailure(400, 'invalid_request', 'There is no such organization'),
  notYours: oauthFailure(400, 'invalid_request', 'The token was issued to another client'),
  unsupportedTokenType: oauthFailure(400, 'unsupported_token_type', 'Tokens of programs are not revoked here'),
  notAfterLogout: oauthFailure(400, 'invalid_request', 'post_logout_redirect_uri is not allowed'),
}
