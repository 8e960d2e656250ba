import { failure } from '../../../kernel/errors.ts'

export const mailErrors = {
  notConfigured: failure(404, 'ER-00004', 'Mail configuration not found'),
  templateNotFound: failure(404, 'ER-00004', 'Email template not found'),
  templatesTooLong: failure(400, 'computed', 'The templates of this environment are too long all together'),
}
