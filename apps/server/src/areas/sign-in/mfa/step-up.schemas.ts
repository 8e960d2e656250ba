import { Type } from 'typebox'
import { MfaDevices } from './mfa.schemas.ts'

/** `maxAge`: seconds that the proof may be old. One made now is never older, so that it only has to be taken. */
export const StepUpRequest = Type.Object({ maxAge: Type.Optional(Type.Number({ minimum: 0 })) })
export const StepUp = Type.Object({ mfaToken: Type.String(), mfaEnrolled: Type.Boolean(), mfaDevices: MfaDevices })
