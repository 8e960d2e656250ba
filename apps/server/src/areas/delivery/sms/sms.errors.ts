import { failure } from '../../../kernel/errors.ts'

export const smsErrors = {
  notSent: failure(400, 'ER-01037', (to: string) => `Failed to send sms to ${to}`),
  notConfigured: failure(404, 'ER-00004', 'SMS configuration not found'),
  templateNotFound: failure(404, 'ER-00004', 'SMS template not found'),
}
