import { failure } from '../../../kernel/errors.ts'

export const bulkErrors = {
  notFound: failure(404, 'ER-00004', 'Task not found'),
  sameTenant: failure(400, 'computed', 'srcTenantId and targetTenantId must differ'),
}
