import { failure } from '../../kernel/errors.ts'

export const tenantErrors = {
  notFound: failure(404, 'ER-00004', 'Tenant not found'),
  taken: failure(409, 'computed', 'Tenant already exists'),
}
