import { failure } from '../../../kernel/errors.ts'

export const permissionErrors = {
  notFound: failure(404, 'ER-00004', 'Permission not found'),
  keyTaken: failure(409, 'computed', (keys: string) => `Permissions already exist: ${keys}`),
  builtIn: failure(400, 'computed', 'Built-in permissions cannot be changed'),
  categoryNotFound: failure(404, 'ER-00004', 'Category not found'),
  categoryTaken: failure(409, 'computed', 'Categories already exist'),
  categoryBuiltIn: failure(400, 'computed', 'Built-in categories cannot be changed'),
}
