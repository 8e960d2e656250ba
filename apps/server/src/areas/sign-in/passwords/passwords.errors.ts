import { failure } from '../../../kernel/errors.ts'

export const passwordsErrors = {
  wrongCurrent: failure(400, 'computed', 'Current password is incorrect'),
  /** never was, was used, was replaced, has expired, or is somebody else's: which of these is nobody's business */
  invalidToken: failure(400, 'computed', 'Invalid token'),
  /** for the page behind the link, which offers to send another */
  tokenOver: failure(410, 'computed', 'Token has expired'),
}
