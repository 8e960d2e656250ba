import { failure } from '../../../kernel/errors.ts'

export const memberErrors = {
  notNamed: failure(400, 'computed', 'Either id or email must be provided'),
  onlyInvited: failure(403, 'computed', 'User has not accepted the invitation'),
  alreadyActive: failure(400, 'computed', 'User is already activated'),
}
