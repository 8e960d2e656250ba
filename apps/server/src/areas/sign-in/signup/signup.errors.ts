import { failure } from '../../../kernel/errors.ts'

export const signUpErrors = {
  switchedOff: failure(403, 'computed', 'Sign-ups are not allowed'),
}
