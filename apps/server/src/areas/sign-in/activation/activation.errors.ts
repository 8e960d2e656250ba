import { failure } from '../../../kernel/errors.ts'

export const activationErrors = {
  /** unknown, used, replaced, expired, or somebody else's: the answer does not say which */
  invalidToken: failure(400, 'computed', 'Invalid token'),
  wrongCode: failure(401, 'ER-01011', 'Invalid code'),
  codeExpired: failure(400, 'ER-01017', 'Code has expired'),
}
