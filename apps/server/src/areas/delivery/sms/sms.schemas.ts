import type { Static } from 'typebox'
import { OneOf } from '../../../kernel/validation.ts'

/** In the order of the numbers 0 to 3, which the wire also uses for them. */
export const SmsTemplateType = OneOf(['MultiFactorAuthentication', 'SignIn', 'PhoneVerification', 'ResetPassword'])
export type SmsTemplateType = Static<typeof SmsTemplateType>

/** Values of a template's `{{placeholders}}`. */
export type SmsData = Readonly<Record<string, string | undefined>> & { readonly code: string }

/** Enough of a phone number for its owner to recognize: `+15551234567` → `+1*******567`. */
export const masked = (phoneNumber: string) =>
  phoneNumber.replace(
    /^(\+?\d)(.*)(\d{3})$/,
    (_, start: string, middle: string, end: string) => `${start}${'*'.repeat(middle.length)}${end}`,
  )
