import { failure } from '../../../kernel/errors.ts'

export const socialProviderErrors = {
  notFound: failure(404, 'ER-00004', 'Login provider not found'),
  typeTaken: failure(409, 'computed', 'Login provider already exists'),
}
