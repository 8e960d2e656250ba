import { failure } from '../../../kernel/errors.ts'

export const passwordlessErrors = {
  linkNotFound: failure(400, 'ER-01015', 'Magic link not found'),
  /** or has been used; mail scanners use links, too */
  linkExpired: failure(400, 'ER-01014', 'Magic link has expired'),
  otherDevice: failure(
    400,
    'ER-01016',
    'Unknown device - a Magic Link can only be used from the same device it was requested',
  ),
  noPhone: failure(400, 'computed', 'User does not have a phone number'),
}
