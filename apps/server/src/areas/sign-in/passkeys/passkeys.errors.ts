import { failure } from '../../../kernel/errors.ts'

export const passkeyErrors = {
  notFound: failure(404, 'ER-00004', 'Device not found'),
  taken: failure(409, 'computed', 'Device is registered already'),
  /** where a second factor is forced */
  off: failure(400, 'ER-01012', 'Invalid authentication type'),
}
