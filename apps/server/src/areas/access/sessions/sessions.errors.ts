import { failure } from '../../../kernel/errors.ts'

export const sessionErrors = {
  /** For callers who show a refresh token: browsers take this 401 for "logged out". */
  ended: failure(401, null, 'Session not found'),
  /** For callers who name a session by its id. */
  notFound: failure(404, 'ER-00004', 'Session not found'),
}
