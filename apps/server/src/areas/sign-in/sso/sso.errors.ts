import { failure } from '../../../kernel/errors.ts'

export const ssoErrors = {
  noDomain: failure(404, null, 'SSO domain was not found'),
}
