import { Type, type Static } from 'typebox'
import { Address, Key, Token } from '../../../kernel/validation.ts'

export const Credentials = Type.Object({
  email: Type.Optional(Address),
  username: Type.Optional(Address),
  password: Type.String({ minLength: 1, maxLength: 4096 }),
  recaptchaToken: Type.Optional(Token),
  invitationToken: Type.Optional(Token),
})
export type Credentials = Static<typeof Credentials>

/** Browsers send the token in a cookie; other clients send it here. */
export const RefreshRequest = Type.Object({
  tenantId: Type.Optional(Key),
  refreshToken: Type.Optional(Token),
})
export const LogoutRequest = Type.Object({ refreshToken: Type.Optional(Token) })

export const TokenForTenant = Type.Object({
  accessToken: Type.String(),
  expires: Type.String(),
  expiresIn: Type.Integer(),
})
