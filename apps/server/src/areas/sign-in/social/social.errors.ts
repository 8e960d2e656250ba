import { failure } from '../../../kernel/errors.ts'

export const socialErrors = {
  /** the spelling is the reference's */
  wrong: failure(401, 'ER-01049', 'Invalid social login crednetials'),
  /** one that it only names may be a stranger's */
  noVerifiedEmail: failure(403, 'computed', 'The login provider does not vouch for an e-mail address'),
  unreachable: failure(503, 'computed', 'The login provider cannot be reached'),
}
