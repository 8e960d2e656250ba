import type { MfaDevice } from '@henhouse/database'
import { Type, type Static } from 'typebox'
import { Code, FilledAddress, FilledToken, Key, OneOf, Token } from '../../../kernel/validation.ts'
import { masked } from '../../delivery/sms/sms.schemas.ts'

/** What an authenticator says, with its certificates. */
const Statement = Type.String({ minLength: 1, maxLength: 65_536 })
export const DeviceType = OneOf(['Platform', 'CrossPlatform'])
export type DeviceType = Static<typeof DeviceType>

export const WithMfaToken = Type.Object({ mfaToken: FilledToken })
const finishing = { mfaToken: FilledToken, rememberDevice: Type.Optional(Type.Boolean()) }

export const QrCode = Type.Object({ qrCode: Type.String(), secret: Type.Optional(Type.String()) })
export const RecoveryCode = Type.Object({ recoveryCode: Type.String() })
export const MayBeRecoveryCode = Type.Partial(RecoveryCode)

export const AuthenticatorEnrolment = Type.Object({ token: Code, ...finishing })
export const AuthenticatorCode = Type.Object({ value: Code, ...finishing })
export const OwnAuthenticatorEnrolment = Type.Object({ token: Code })
export const OptionalCode = Type.Object({ token: Type.Optional(Type.String({ maxLength: 64 })) })

export const OtcToken = Type.Object({ otcToken: Type.String() })
export const SentSms = Type.Object({ otcToken: Type.String(), phoneNumber: Type.String() })
export const Otc = Type.Object({ otcToken: FilledToken, code: Code })
export const LoginOtc = Type.Object({ otcToken: FilledToken, code: Code, ...finishing })

const AttestationResponse = Type.Object({
  clientDataJSON: Statement,
  attestationObject: Statement,
  transports: Type.Optional(Type.Array(Key, { maxItems: 50 })),
})
export const NewCredential = Type.Object({
  id: FilledToken,
  response: AttestationResponse,
  deviceType: Type.Optional(DeviceType),
})
export type NewCredential = Static<typeof NewCredential>
export const Assertion = Type.Object({
  id: FilledToken,
  response: Type.Object({
    clientDataJSON: Statement,
    authenticatorData: Statement,
    signature: Statement,
    userHandle: Type.Optional(Token),
  }),
  recaptchaToken: Type.Optional(Token),
  invitationToken: Type.Optional(Token),
})
export type Assertion = Static<typeof Assertion>

export const OwnWebauthnEnrolment = Type.Object({
  deviceType: DeviceType,
  webauthnToken: FilledToken,
  options: NewCredential,
})
export const WebauthnEnrolment = Type.Object({
  deviceType: DeviceType,
  webauthnToken: FilledToken,
  options: NewCredential,
  ...finishing,
})
export const WebauthnProof = Type.Object({ webauthnToken: FilledToken, options: Assertion, ...finishing })
export const OwnWebauthnProof = Type.Object({
  webauthnToken: Type.Optional(Token),
  options: Type.Optional(Assertion),
})

const Described = Type.Array(
  Type.Object({ type: Type.String(), id: Type.String(), transports: Type.Optional(Type.Array(Type.String())) }),
)
/** What a browser's `navigator.credentials.create` takes, as JSON. */
export const CreationOptions = Type.Object({
  rp: Type.Object({ name: Type.String(), id: Type.String() }),
  user: Type.Object({ id: Type.String(), name: Type.String(), displayName: Type.String() }),
  challenge: Type.String(),
  pubKeyCredParams: Type.Array(Type.Object({ type: Type.String(), alg: Type.Integer() })),
  excludeCredentials: Type.Optional(Described),
  timeout: Type.Optional(Type.Integer()),
  attestation: Type.Optional(Type.String()),
  authenticatorSelection: Type.Optional(
    Type.Object({
      authenticatorAttachment: Type.Optional(Type.String()),
      residentKey: Type.Optional(Type.String()),
      requireResidentKey: Type.Optional(Type.Boolean()),
      userVerification: Type.Optional(Type.String()),
    }),
  ),
})
/** What a browser's `navigator.credentials.get` takes, as JSON. */
export const RequestOptions = Type.Object({
  challenge: Type.String(),
  allowCredentials: Type.Optional(Described),
  timeout: Type.Optional(Type.Integer()),
  rpId: Type.Optional(Type.String()),
  userVerification: Type.Optional(Type.String()),
})
export const StartedEnrolment = Type.Object({ webauthnToken: Type.String(), options: CreationOptions })
export const StartedProof = Type.Object({ webauthnToken: Type.String(), options: RequestOptions })

export const Recovery = Type.Object({ recoveryCode: Code, email: FilledAddress })
export const RememberPolicy = Type.Object({ isAllowedToRemember: Type.Boolean(), mfaDeviceExpiration: Type.Integer() })

export const MfaDevices = Type.Object({
  webauthn: Type.Array(Type.Object({ id: Type.String(), deviceType: Type.String(), name: Type.String() })),
  phones: Type.Array(Type.Object({ id: Type.String(), phoneNumber: Type.String() })),
  authenticators: Type.Array(Type.Object({ id: Type.String() })),
  emails: Type.Array(Type.Object({ email: Type.String() })),
})
export type MfaDevices = Static<typeof MfaDevices>

const names: Record<DeviceType, string> = { Platform: 'This device', CrossPlatform: 'Security key' }

/** @param email the address for mailed codes @param whole whether to show phone numbers unmasked: only to the logged-in user */
export function toMfaDevices(
  rows: readonly MfaDevice[],
  email: string | undefined,
  { whole = false } = {},
): MfaDevices {
  const of = (kind: string) => rows.filter((row) => row.kind === kind)
  return {
    webauthn: of('webauthn').map(({ id, deviceType }) => ({
      id,
      deviceType: deviceType!,
      name: names[deviceType as DeviceType],
    })),
    phones: of('sms').map(({ id, phoneNumber }) => ({ id, phoneNumber: whole ? phoneNumber! : masked(phoneNumber!) })),
    authenticators: of('authenticator').map(({ id }) => ({ id })),
    emails: email === undefined ? [] : [{ email }],
  }
}
