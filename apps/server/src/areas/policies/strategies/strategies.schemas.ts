import { Type, type Static } from 'typebox'
import { setting } from '../../../kernel/settings.ts'
import { OneOf } from '../../../kernel/validation.ts'
import type { IdentityConfiguration } from '../identity-settings/identity-settings.schemas.ts'

/**
 * How new users prove that a mail has arrived. `codeExpiration` is in seconds, for codes only: links have a lifetime of
 * their own.
 */
export const MailStrategy = Type.Object({
  strategy: OneOf(['code', 'link']),
  codeExpiration: Type.Integer({ minimum: 60, maximum: 2 ** 31 - 1 }),
})
export type MailStrategy = Static<typeof MailStrategy>

const initial: MailStrategy = { strategy: 'link', codeExpiration: 3600 }
export const activationStrategy = setting('activation-strategy', MailStrategy, initial)
export const invitationStrategy = setting('invitation-strategy', MailStrategy, initial)

export const ActivationChange = Type.Object({
  strategy: MailStrategy.properties.strategy,
  codeExpiration: Type.Optional(MailStrategy.properties.codeExpiration),
})
export const InvitationChange = Type.Partial(MailStrategy)

/** What a sign-up form asks for. */
export const SignUpStrategies = Type.Array(
  Type.Object({
    strategy: OneOf(['email', 'phoneNumber', 'username']),
    isActive: Type.Boolean(),
    isRequired: Type.Boolean(),
  }),
)
export function toSignUpStrategies({ authStrategy }: IdentityConfiguration): Static<typeof SignUpStrategies> {
  const required = {
    email: ['EmailAndPassword', 'MagicLink', 'Code', 'UsernameAndMagicLink', 'UsernameAndCode'].includes(authStrategy),
    phoneNumber: ['SmsCode', 'UsernameAndSms'].includes(authStrategy),
    username: authStrategy.startsWith('Username'),
  }
  return [
    // users who log in by a user name may still leave an address
    { strategy: 'email', isActive: required.email || required.username, isRequired: required.email },
    { strategy: 'phoneNumber', isActive: required.phoneNumber, isRequired: required.phoneNumber },
    { strategy: 'username', isActive: required.username, isRequired: required.username },
  ]
}

/** How a forgotten password can be reset. */
export const PasswordRecoveryStrategies = Type.Array(
  Type.Object({ strategy: OneOf(['email', 'sms']), isActive: Type.Boolean() }),
)
export const toPasswordRecoveryStrategies = ({
  authStrategy,
}: IdentityConfiguration): Static<typeof PasswordRecoveryStrategies> => [
  { strategy: 'email', isActive: authStrategy.endsWith('Password') },
  { strategy: 'sms', isActive: false },
]
