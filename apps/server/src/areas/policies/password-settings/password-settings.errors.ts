import { failure } from '../../../kernel/errors.ts'

export const passwordErrors = {
  breached: failure(400, 'computed', 'Password has been breached'),
  usedBefore: failure(400, 'computed', (last: number) =>
    last === 1
      ? 'The new password must differ from the current one'
      : `The new password must differ from the last ${last} passwords`,
  ),
  minOverMax: failure(400, 'computed', 'minLength must not be greater than maxLength'),
  noHistoryPolicy: failure(404, 'ER-00004', 'Password history policy not found. Policy is disabled'),
  historyPolicyTaken: failure(409, 'computed', 'Password history policy already exists'),
  noRotation: failure(404, 'ER-00004', 'Password rotation configuration not found'),
}
