import { Type } from 'typebox'
import { MfaDevices } from './mfa.schemas.ts'

/** `maxAge`: the greatest age of the proof in seconds. The proof is always new here, so the field is accepted and not used. */
export const StepUpRequest = Type.Object({ maxAge: Type.Optional(Type.Number({ minimum: 0 })) })
export const StepUp = Type.Object({ mfaToken: Type.String(), mfaEnrolled: Type.Boolean(), mfaDevices: MfaDevices })
