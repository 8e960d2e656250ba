import { Type, type Static } from 'typebox'
import { Address, FilledToken, Key, Token } from '../../../kernel/validation.ts'

const common = { recaptchaToken: Type.Optional(Token), invitationToken: Type.Optional(Token) }
/** The user who wants to log in, named in one of these ways. */
export const Person = Type.Object({
  ...common,
  email: Type.Optional(Address),
  userId: Type.Optional(Key),
  username: Type.Optional(Address),
})
export const PersonOrPhone = Type.Object({ ...Person.properties, phoneNumber: Type.Optional(Key) })
export type PersonOrPhone = Static<typeof PersonOrPhone>

/** What came by mail or text message: the link's token, or the code. */
export const Shown = Type.Object({ ...common, token: FilledToken })
export type Shown = Static<typeof Shown>

export const MaskedPhone = Type.Object({
  phoneNumber: Type.Optional(Type.String()),
  resetPhoneNumberToken: Type.Optional(Type.String()),
})
