import { failure } from '../../../kernel/errors.ts'

export const phoneNumberErrors = {
  notFound: failure(404, 'ER-00004', 'Phone number not found'),
  badToken: failure(400, 'computed', 'Invalid token'),
}
