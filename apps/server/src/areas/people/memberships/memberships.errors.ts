import { failure } from '../../../kernel/errors.ts'

export const membershipErrors = {
  /** the user is unknown here; the answer does not say whether they exist in another tenant */
  notFound: failure(404, 'ER-00004', 'User not found'),
  alreadyMember: failure(409, 'computed', 'User already exists in this account'),
  disabled: failure(403, 'computed', 'User is disabled in this account'),
  temporaryUsersOff: failure(400, 'computed', 'Temporary users are not enabled'),
}
