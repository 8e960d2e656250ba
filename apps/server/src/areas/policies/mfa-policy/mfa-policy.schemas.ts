import { Type, type Static } from 'typebox'
import { Document, setting } from '../../../kernel/settings.ts'
import { Key, OneOf, Text } from '../../../kernel/validation.ts'

export const MfaRequirement = Type.Object({
  enforceMFAType: OneOf(['DontForce', 'Force', 'ForceExceptSAML']),
  allowRememberMyDevice: Type.Boolean(),
  /** seconds that a remembered device needs no second factor */
  mfaDeviceExpiration: Type.Integer({ minimum: 1, maximum: 2 ** 31 - 1 }),
})
export type MfaRequirement = Static<typeof MfaRequirement>

export const mfaPolicy = setting('mfa-policy', MfaRequirement, {
  enforceMFAType: 'Force',
  allowRememberMyDevice: false,
  mfaDeviceExpiration: 1_209_600,
})

export const MfaPolicyChange = Type.Partial(MfaRequirement)
export type MfaPolicyChange = Static<typeof MfaPolicyChange>

export const MfaPolicy = Document(MfaRequirement)

export const MFA_STRATEGIES = [
  'AuthenticatorApp',
  'WebAuthnPlatform',
  'WebAuthnCrossPlatform',
  'SMS',
  'EmailCode',
] as const
export type MfaStrategy = (typeof MFA_STRATEGIES)[number]

const Seconds = Type.Integer({ minimum: 300, maximum: 2 ** 31 - 1 })
export const MfaConfiguration = Type.Object({
  /** `serviceName`: the account's name in an authenticator app */
  authenticationApp: Type.Object({ active: Type.Boolean(), serviceName: Key }),
  sms: Type.Object({ active: Type.Boolean(), tokenLifetimeSeconds: Seconds }),
  email: Type.Object({ active: Type.Boolean(), tokenLifetimeSeconds: Seconds, sender: Text }),
})
export type MfaConfiguration = Static<typeof MfaConfiguration>
export const MfaConfigurationChange = Type.Partial(MfaConfiguration)
export type MfaConfigurationChange = Static<typeof MfaConfigurationChange>

/** `MfaConfiguration` and `MfaStrategies` are two views of this; flat, so that two changes at once both take effect. */
export const mfaSettings = setting(
  'mfa-configuration',
  Type.Object({
    AuthenticatorApp: Type.Boolean(),
    WebAuthnPlatform: Type.Boolean(),
    WebAuthnCrossPlatform: Type.Boolean(),
    SMS: Type.Boolean(),
    EmailCode: Type.Boolean(),
    serviceName: Key,
    smsSeconds: Seconds,
    emailSeconds: Seconds,
    emailSender: Text,
  }),
  {
    AuthenticatorApp: true,
    WebAuthnPlatform: false,
    WebAuthnCrossPlatform: false,
    SMS: false,
    EmailCode: false,
    serviceName: 'Frontegg',
    smsSeconds: 300,
    emailSeconds: 300,
    emailSender: '',
  },
)
export type MfaSettings = Static<typeof mfaSettings.schema>

export const toMfaConfiguration = (s: MfaSettings): MfaConfiguration => ({
  authenticationApp: { active: s.AuthenticatorApp, serviceName: s.serviceName },
  sms: { active: s.SMS, tokenLifetimeSeconds: s.smsSeconds },
  email: { active: s.EmailCode, tokenLifetimeSeconds: s.emailSeconds, sender: s.emailSender },
})
export const fromMfaConfiguration = ({
  authenticationApp,
  sms,
  email,
}: MfaConfigurationChange): Partial<MfaSettings> => ({
  ...(authenticationApp && { AuthenticatorApp: authenticationApp.active, serviceName: authenticationApp.serviceName }),
  ...(sms && { SMS: sms.active, smsSeconds: sms.tokenLifetimeSeconds }),
  ...(email && { EmailCode: email.active, emailSeconds: email.tokenLifetimeSeconds, emailSender: email.sender }),
})

export const MfaStrategyState = Type.Object({ strategy: OneOf([...MFA_STRATEGIES]), isActive: Type.Boolean() })
export const MfaStrategies = Type.Object({ strategies: Type.Array(MfaStrategyState) })
export const toMfaStrategies = (s: MfaSettings): Static<typeof MfaStrategies> => ({
  strategies: MFA_STRATEGIES.map((strategy) => ({ strategy, isActive: s[strategy] })),
})
