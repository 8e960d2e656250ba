import { failure } from '../../../kernel/errors.ts'

export const activationErrors = {
  /** never was, was used, was replaced, has expired, or is somebody else's: which of these is nobody's business */
  invalidToken: failure(400, 'computed', 'Invalid token'),
  wrongCode: failure(401, 'ER-01011', 'Invalid code'),
  codeExpired: failure(400, 'ER-01017', 'Code has expired'),
}
