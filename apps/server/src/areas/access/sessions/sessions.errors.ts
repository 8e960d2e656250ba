import { failure } from '../../../kernel/errors.ts'

export const sessionErrors = {
  /** To whoever shows its refresh token: browsers take this 401 for "logged out". */
  ended: failure(401, null, 'Session not found'),
  /** To whoever names it by its id. */
  notFound: failure(404, 'ER-00004', 'Session not found'),
}
