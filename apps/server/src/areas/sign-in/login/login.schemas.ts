import { Type, type Static } from 'typebox'

export const Credentials = Type.Object({
  email: Type.Optional(Type.String()),
  username: Type.Optional(Type.String()),
  password: Type.String({ minLength: 1 }),
  recaptchaToken: Type.Optional(Type.String()),
  invitationToken: Type.Optional(Type.String()),
})
export type Credentials = Static<typeof Credentials>

/** Browsers send the token in a cookie; other clients send it here. */
export const RefreshRequest = Type.Object({
  tenantId: Type.Optional(Type.String()),
  refreshToken: Type.Optional(Type.String()),
})
export const LogoutRequest = Type.Object({ refreshToken: Type.Optional(Type.String()) })

export const TokenForTenant = Type.Object({
  accessToken: Type.String(),
  expires: Type.String(),
  expiresIn: Type.Integer(),
})
