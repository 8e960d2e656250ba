import { failure } from '../../../kernel/errors.ts'

export const mfaPolicyErrors = {
  notFound: failure(404, 'ER-00004', 'Security policy not found. MFA is disabled'),
  taken: failure(409, 'computed', 'MFA policy already exists'),
  nothingToUpdate: failure(400, 'computed', 'Missing parameters to update'),
}
