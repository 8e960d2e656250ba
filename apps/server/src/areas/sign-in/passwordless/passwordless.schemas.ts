import { Type, type Static } from 'typebox'

const text = Type.Optional(Type.String())
const common = { recaptchaToken: text, invitationToken: text }
/** The user who wants to log in, named in one of these ways. */
export const Person = Type.Object({ ...common, email: text, userId: text, username: text })
export const PersonOrPhone = Type.Object({ ...Person.properties, phoneNumber: text })
export type PersonOrPhone = Static<typeof PersonOrPhone>

/** What came by mail or text message: the link's token, or the code. */
export const Shown = Type.Object({ ...common, token: Type.String({ minLength: 1 }) })
export type Shown = Static<typeof Shown>

export const MaskedPhone = Type.Object({
  phoneNumber: Type.Optional(Type.String()),
  resetPhoneNumberToken: Type.Optional(Type.String()),
})
