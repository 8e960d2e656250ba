import type { SmsTemplateType } from './sms.schemas.ts'

/** Short enough for one part, whose 160 characters are of the alphabet of GSM 03.38. */
export const defaultTemplates: Record<SmsTemplateType, string> = {
  MultiFactorAuthentication: '{{code}} is your code for the second step of your login. Never pass it on.',
  SignIn: '{{code}} is your code to log in. Never pass it on.',
  PhoneVerification: '{{code}} is your code to confirm your phone number. Never pass it on.',
  ResetPassword: '{{code}} is your code to set a new password. Never pass it on.',
}
