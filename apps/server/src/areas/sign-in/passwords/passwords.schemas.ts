import { Type, type Static } from 'typebox'
import { Address, FilledAddress, FilledKey, FilledToken, Id, Metadata, OneOf } from '../../../kernel/validation.ts'

/** The limit is the hasher's; what users may choose is up to the policy. */
const Password = Type.String({ minLength: 1, maxLength: 4096 })
const emailMetadata = Type.Optional(Metadata)

export const Identified = Type.Object({
  identifier: FilledAddress,
  identifierType: OneOf(['email', 'phoneNumber', 'username']),
  emailMetadata,
})
export type Identified = Static<typeof Identified>
/** Browsers send only the e-mail address to the first version. */
export const ForgottenPassword = Type.Object({
  ...Type.Partial(Identified).properties,
  email: Type.Optional(Address),
})
export type ForgottenPassword = Static<typeof ForgottenPassword>

export const ResetSession = Type.Object({ sessionId: Type.String() })
export const ResetCode = Type.Object({ otcToken: FilledToken, sessionId: FilledToken })
export const ResetToken = Type.Object({ userId: FilledKey, token: FilledToken })
export type ResetToken = Static<typeof ResetToken>
export const NewPassword = Type.Object({ ...ResetToken.properties, password: Password })
export type NewPassword = Static<typeof NewPassword>
export const PasswordChange = Type.Object({ password: Password, newPassword: Password })
export type PasswordChange = Static<typeof PasswordChange>
export const ResetLink = Type.Object({ link: Type.String(), token: Type.String(), userId: Id })

export const PasswordTrial = Type.Object({ email: FilledAddress, password: Password })
export type PasswordTrial = Static<typeof PasswordTrial>
export const Verdict = Type.Object({ valid: Type.Boolean() })
