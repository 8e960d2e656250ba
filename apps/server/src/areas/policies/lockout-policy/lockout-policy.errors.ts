import { failure } from '../../../kernel/errors.ts'

export const lockoutErrors = {
  notDefined: failure(404, 'ER-00004', 'Lockout policy is not defined'),
  taken: failure(409, 'computed', 'Lockout policy already exists'),
}
