import { failure } from '../../../kernel/errors.ts'

export const userPoolErrors = {
  notFound: failure(404, 'ER-00004', 'User source not found'),
  tooMany: failure(400, 'computed', 'The environment or an application has as many user sources as it may have'),
  /** a source that may know the user cannot be asked */
  unavailable: failure(503, null, 'Service unavailable'),
}
