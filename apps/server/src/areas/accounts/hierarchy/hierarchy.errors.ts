import { failure } from '../../../kernel/errors.ts'

export const hierarchyErrors = {
  sameTenant: failure(400, 'computed', 'Parent and child account must not be the same'),
  elsewhere: failure(400, 'computed', 'Account is already a sub-account in another hierarchy'),
  circular: failure(400, 'computed', 'Circular dependency: the parent account is below the child account'),
  notRelated: failure(404, 'ER-00004', 'Sub-account not found'),
}
