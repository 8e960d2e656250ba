import { oauthFailure } from '../../../kernel/errors.ts'

export const oauthErrors = {
  unknownGrant: oauthFailure(400, 'unsupported_grant_type', 'grant_type is not supported'),
}
