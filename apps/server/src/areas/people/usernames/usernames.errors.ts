import { failure } from '../../../kernel/errors.ts'

export const usernameErrors = {
  notFound: failure(404, 'ER-00004', 'Username not found'),
  hasOne: failure(409, 'computed', 'User already has a username'),
  lastIdentifier: failure(400, 'computed', 'Email is required when username is not provided'),
}
