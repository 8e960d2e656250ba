import { failure } from '../../../kernel/errors.ts'

export const mfaErrors = {
  /** also for a used token, or one with too many wrong codes */
  badToken: failure(401, 'computed', 'MFA token is invalid or has expired'),
  badWebauthnToken: failure(401, 'computed', 'WebAuthn token is invalid or has expired'),
  wrongCode: failure(401, 'ER-01011', 'Invalid code'),
  wrongDevice: failure(401, 'ER-01052', 'Invalid device used for verification.'),
  wrongRecoveryCode: failure(401, 'computed', 'Invalid recovery code'),
  /** for a token for another account */
  wanted: failure(403, 'computed', 'MFA is required'),
  strategyOff: failure(400, 'ER-01012', 'Invalid authentication type'),
  notEnrolled: failure(400, 'ER-01097', 'MFA is not enrolled'),
  /** for a user who has shown only the first factor */
  alreadyEnrolled: failure(403, 'computed', 'MFA is enrolled already'),
  noEnrolment: failure(400, 'computed', 'MFA enrollment was not started or has expired'),
  ipAddress: failure(
    400,
    'computed',
    (address: string) =>
      `Passkeys and security keys need a domain name, and ${address} is an IP address: open the page at localhost`,
  ),
  noDevice: failure(404, 'ER-00004', 'MFA device not found'),
  deviceTaken: failure(409, 'computed', 'MFA device is enrolled already'),
}
