import { failure } from '../../../kernel/errors.ts'

export const mailErrors = {
  notConfigured: failure(404, 'ER-00004', 'Mail configuration not found'),
}
