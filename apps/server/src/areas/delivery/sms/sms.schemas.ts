import { Type, type Static } from 'typebox'
import { setting } from '../../../kernel/settings.ts'
import { FilledKey, Key, Nullable, OneOf } from '../../../kernel/validation.ts'
import { maskedSecret, secretAt } from '../mail/mail.schemas.ts'

/** In the order of the numbers 0 to 3, which the wire also uses for them. */
export const smsTemplateTypes = ['MultiFactorAuthentication', 'SignIn', 'PhoneVerification', 'ResetPassword'] as const
export const SmsTemplateType = OneOf([...smsTemplateTypes])
export type SmsTemplateType = Static<typeof SmsTemplateType>

/** Values of a template's `{{placeholders}}`. */
export type SmsData = Readonly<Record<string, string | undefined>> & { readonly code: string }

/** Enough of a phone number for its owner to recognize: `+15551234567` → `+1*******567`. */
export const masked = (phoneNumber: string) =>
  phoneNumber.replace(
    /^(\+?\d)(.*)(\d{3})$/,
    (_, start: string, middle: string, end: string) => `${start}${'*'.repeat(middle.length)}${end}`,
  )

/** What is left out stays as it is. */
export const SmsTemplateChange = Type.Object({
  /** about six parts of a message */
  template: Type.Optional(Type.String({ minLength: 1, maxLength: 1000 })),
  active: Type.Optional(Type.Boolean()),
})
export type SmsTemplateChange = Static<typeof SmsTemplateChange>

export const SmsTemplateView = Type.Object({
  type: SmsTemplateType,
  template: Type.String(),
  active: Type.Boolean(),
})
export type SmsTemplateView = Static<typeof SmsTemplateView>

const OwnTemplate = Nullable(Type.Object({ template: Nullable(Type.String()), active: Type.Boolean() }))
/** The templates that an environment has changed; null: as the default. */
export const smsTemplates = setting(
  'sms-templates',
  Type.Object({
    MultiFactorAuthentication: OwnTemplate,
    SignIn: OwnTemplate,
    PhoneVerification: OwnTemplate,
    ResetPassword: OwnTemplate,
  }),
  { MultiFactorAuthentication: null, SignIn: null, PhoneVerification: null, ResetPassword: null },
)

const fields = { provider: OneOf(['twilio']), accountId: FilledKey, channel: OneOf(['sms']) }
/** What is left out stays as it is. An empty sender or service is none. */
export const SmsConfigurationChange = Type.Object({
  senderName: Type.Optional(Key),
  accountId: Type.Optional(fields.accountId),
  token: Type.Optional(secretAt('token')),
  serviceId: Type.Optional(Key),
  provider: Type.Optional(fields.provider),
  channel: Type.Optional(fields.channel),
})
export type SmsConfigurationChange = Static<typeof SmsConfigurationChange>

/** Who carries an environment's text messages; the token is sealed. */
export const smsConfiguration = setting(
  'sms-configuration',
  Type.Object({
    provider: fields.provider,
    channel: fields.channel,
    accountId: Type.String(),
    token: Type.String(),
    senderName: Type.String(),
    serviceId: Type.String(),
  }),
  { provider: 'twilio', channel: 'sms', accountId: '', token: '', senderName: '', serviceId: '' },
)
export type SmsConfiguration = typeof smsConfiguration.initial

export const SmsConfigurationView = Type.Object({
  provider: fields.provider,
  channel: fields.channel,
  accountId: Type.String(),
  token: Type.String(),
  senderName: Type.String(),
  serviceId: Type.String(),
})

/** @param token in clear; it is masked here */
export const toSmsConfiguration = ({ token, ...others }: SmsConfiguration): Static<typeof SmsConfigurationView> => ({
  ...others,
  token: maskedSecret(token),
})
