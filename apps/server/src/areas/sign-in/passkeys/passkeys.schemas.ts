import type { Passkey } from '@henhouse/database'
import { Type, type Static } from 'typebox'
import { Address, DateTime, Id, Key, Token } from '../../../kernel/validation.ts'
import { DeviceType } from '../mfa/mfa.schemas.ts'

export const PasskeyPrelogin = Type.Object({
  email: Type.Optional(Address),
  userId: Type.Optional(Key),
  recaptchaToken: Type.Optional(Token),
})
export type PasskeyPrelogin = Static<typeof PasskeyPrelogin>

export const PasskeyDevice = Type.Object({ id: Id, deviceType: DeviceType, createdAt: DateTime })
export const PasskeyDevices = Type.Object({ devices: Type.Array(PasskeyDevice) })
export const toPasskeyDevice = ({ id, deviceType, createdAt }: Passkey): Static<typeof PasskeyDevice> => ({
  id,
  deviceType: deviceType as Static<typeof DeviceType>,
  createdAt: createdAt.toISOString(),
})
