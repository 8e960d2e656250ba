import { failure } from '../../../kernel/errors.ts'

export const passwordsErrors = {
  wrongCurrent: failure(400, 'computed', 'Current password is incorrect'),
  /** unknown, used, replaced, expired, or somebody else's: the answer does not say which */
  invalidToken: failure(400, 'computed', 'Invalid token'),
  /** the page behind the link then offers to send another */
  tokenOver: failure(410, 'computed', 'Token has expired'),
}
