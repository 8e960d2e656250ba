import { failure } from '../../../kernel/errors.ts'

/** `ada@example.com` → `a***@example.com` */
const masked = (email: string) => email.replace(/^(.)[^@]*/, '$1***')

export const loginErrors = {
  strategyOff: failure(400, 'ER-01012', 'Invalid authentication type'),
  wrong: failure(401, 'ER-01078', 'Incorrect email or password'),
  locked: failure(423, 'ER-01034', 'User is locked out. To unlock user, please contact your administrators'),
  notVerified: failure(
    401,
    'ER-01060',
    (email: string) => `Verify your email - verification email was sent to ${masked(email)}.`,
  ),
  noTenant: failure(403, 'computed', 'User has no account to log in to'),
}
