import { Type, type Static } from 'typebox'

const MfaDevices = Type.Object({
  webauthn: Type.Array(Type.Object({ id: Type.String(), deviceType: Type.String(), name: Type.String() })),
  phones: Type.Array(Type.Object({ id: Type.String(), phoneNumber: Type.String() })),
  authenticators: Type.Array(Type.Object({ id: Type.String() })),
  emails: Type.Array(Type.Object({ email: Type.String() })),
})

/** The answer of every way to log in: tokens, or what is still missing before there are any. */
export const LoginAnswer = Type.Object({
  tokenType: Type.Optional(Type.String()),
  otcToken: Type.Optional(Type.String()),
  mfaRequired: Type.Boolean(),
  mfaToken: Type.Optional(Type.String()),
  resetPasswordToken: Type.Optional(Type.String()),
  /** minutes, like the next field */
  passwordExpiresIn: Type.Optional(Type.Number()),
  notificationPeriod: Type.Optional(Type.Number()),
  mfaEnrolled: Type.Optional(Type.Boolean()),
  mfaDevices: Type.Optional(MfaDevices),
  /** the names of the enabled ones; the reference calls the list an object, so no type is declared */
  mfaStrategies: Type.Optional(Type.Unsafe<string[]>({})),
  qrCode: Type.Optional(Type.String()),
  /** the QR code's secret, for typing in */
  secret: Type.Optional(Type.String()),
  recoveryCode: Type.Optional(Type.String()),
  accessToken: Type.Optional(Type.String()),
  refreshToken: Type.Optional(Type.String()),
  /** seconds */
  expiresIn: Type.Optional(Type.Number()),
  /** RFC 1123 */
  expires: Type.Optional(Type.String()),
  userId: Type.Optional(Type.String()),
  userEmail: Type.Optional(Type.String()),
  emailVerified: Type.Optional(Type.Boolean()),
  isBreachedPassword: Type.Optional(Type.Boolean()),
})
export type LoginAnswer = Static<typeof LoginAnswer>
