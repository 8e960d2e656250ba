import { errors, oauthFailure } from '../../../kernel/errors.ts'
import { clientErrors } from '../../applications/oauth-clients/oauth-clients.errors.ts'
import { mayDelegate } from '../../rights/permissions/permissions.keys.ts'

/** RFC 8693 §2.2.2 has one word for all that is wrong with the tokens. */
const unfit = (message: string) => oauthFailure(400, 'invalid_request', message)

export const delegationErrors = {
  off: clientErrors.off,
  badSubject: unfit('subject_token is not valid'),
  badActor: unfit('actor_token is not valid'),
  noUser: unfit('subject_token must be the token of a user'),
  delegatedActor: unfit('actor_token must not be a delegated token'),
  tooLong: unfit('The chain of delegations is too long'),
  unknownTarget: oauthFailure(400, 'invalid_target', 'There is no such audience'),
  /** with the usual text and code */
  mayNot: () => Object.assign(errors.forbidden(mayDelegate), { oauthError: 'unauthorized_client' }),
  elsewhere: oauthFailure(403, 'unauthorized_client', 'The actor may not act in the account of the subject'),
}
