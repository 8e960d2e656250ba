import { Type, type Static } from 'typebox'
import { INDEXED_LENGTH } from '../../../kernel/validation.ts'
import { LoginAnswer } from '../entry/entry.schemas.ts'
import { Email, PhoneNumber, PictureUrl, Provider, Username } from '../../people/users/users.schemas.ts'

const text = Type.Optional(Type.String())
const name = Type.Optional(Type.String({ maxLength: INDEXED_LENGTH }))
const common = {
  /** browsers leave it out: then it is `local` */
  provider: Type.Optional(Provider),
  name,
  password: Type.Optional(Type.String({ minLength: 1, maxLength: 4096 })),
  profilePictureUrl: Type.Optional(PictureUrl),
  metadata: text,
  emailMetadata: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  companyName: name,
  recaptchaToken: text,
  invitationToken: text,
  // accepted and without effect: nobody gives itself roles, or takes its own address for verified
  roleIds: Type.Optional(Type.Array(Type.String())),
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
  /** when nothing is left to be done */
  authResponse: Type.Optional(LoginAnswer),
  /** what a code that was mailed is entered with */
  activationToken: Type.Optional(Type.String()),
})
export type SignUpAnswer = Static<typeof SignUpAnswer>
