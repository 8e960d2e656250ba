import { failure } from '../../../kernel/errors.ts'

export const tenantMigrationErrors = {
  notFound: failure(404, 'ER-00004', 'Migration not found'),
}
