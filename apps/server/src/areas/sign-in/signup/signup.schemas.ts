import { Type, type Static } from 'typebox'
import { Keys, Metadata, MetadataText, NameOrNone, Token } from '../../../kernel/validation.ts'
import { LoginAnswer } from '../entry/entry.schemas.ts'
import { Email, PhoneNumber, PictureUrl, Provider, Username } from '../../people/users/users.schemas.ts'

const name = Type.Optional(NameOrNone)
const common = {
  name,
  password: Type.Optional(Type.String({ minLength: 1, maxLength: 4096 })),
  profilePictureUrl: Type.Optional(PictureUrl),
  metadata: Type.Optional(MetadataText),
  emailMetadata: Type.Optional(Metadata),
  companyName: name,
  recaptchaToken: Type.Optional(Token),
  invitationToken: Type.Optional(Token),
  // accepted and ignored: users cannot give themselves roles, or verify their own address
  provider: Type.Optional(Provider),
  roleIds: Type.Optional(Keys),
  skipInviteEmail: Type.Optional(Type.Boolean()),
}
export const SignUp = Type.Object({
  ...common,
  email: Email,
  username: Type.Optional(Username),
  phoneNumber: Type.Optional(PhoneNumber),
})
export const SignUpWithUsername = Type.Object({
  ...common,
  username: Username,
  email: Type.Optional(Email),
  phoneNumber: Type.Optional(PhoneNumber),
})
export const SignUpWithPhoneNumber = Type.Object({
  ...common,
  phoneNumber: PhoneNumber,
  email: Type.Optional(Email),
  username: Type.Optional(Username),
})

export interface Applicant extends Static<Type.TObject<typeof common>> {
  email?: string
  username?: string
  phoneNumber?: string
}

export const SignUpAnswer = Type.Object({
  shouldActivate: Type.Boolean(),
  userId: Type.String(),
  tenantId: Type.String(),
  /** present when the user is logged in at once */
  authResponse: Type.Optional(LoginAnswer),
  /** to send back with the mailed code */
  activationToken: Type.Optional(Type.String()),
})
export type SignUpAnswer = Static<typeof SignUpAnswer>
