import { failure } from '../../kernel/errors.ts'

export const environmentErrors = {
  invalidAuthentication: failure(401, null, 'Invalid authentication'),
}
