import { failure } from '../../../kernel/errors.ts'

export const userErrors = {
  notFound: failure(404, 'ER-00004', 'User not found'),
  emailTaken: failure(409, 'computed', 'User with this email already exists'),
  usernameTaken: failure(409, 'computed', 'User with this username already exists'),
  phoneNumberTaken: failure(409, 'computed', 'User with this phone number already exists'),
  passwordForbidden: failure(400, null, 'User creation with password is forbidden'),
  notNamed: failure(400, 'computed', 'Either email or username must be provided'),
  notAnObject: failure(400, 'computed', (field: string) => `${field} must be a JSON object, as text`),
  identifierAlone: failure(400, 'computed', '_identifier and _identifierType must be given together'),
}
