import { failure } from '../../../kernel/errors.ts'

export const smsErrors = {
  notSent: failure(400, 'ER-01037', (to: string) => `Failed to send sms to ${to}`),
}
