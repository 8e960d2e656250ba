import { failure } from '../../../kernel/errors.ts'

export const ipErrors = {
  notFound: failure(404, 'ER-00004', 'IP restriction not found'),
  invalid: failure(400, 'computed', (path: string) => `${path} must be an ip address`),
  ownNotAllowed: failure(400, 'computed', 'Your current IP address must be in the allow list'),
  ownBlocked: failure(400, 'computed', 'Your current IP address must not be in the block list'),
  restricted: failure(403, 'computed', 'Your IP address is not allowed'),
}
