import { createGuardrails, generateSecret, generateURI, verify } from 'otplib'
import { toDataURL } from 'qrcode'
import { plainCode } from '../../../kernel/challenges.ts'
import { epoch } from '../../../kernel/clock.ts'
import type { Ctx } from '../../../kernel/operation.ts'

/** Seconds in a time step; the steps before and after are accepted, too (RFC 6238 §5.2). */
const PERIOD = 30
/** Imported secrets of other systems may be as short as ten bytes. */
const guardrails = createGuardrails({ MIN_SECRET_BYTES: 10 })

/** A new secret, base32: 160 bits (RFC 4226 §4). */
export const newSecret = () => generateSecret({ length: 20 })

/** @throws for a text that is not a TOTP secret */
export const mustBeSecret = (secret: string) => matchingStep(secret, '000000', PERIOD)

/** The time step of this code; undefined for a wrong code. */
export const stepOf = (ctx: Ctx, secret: string, code: string) =>
  matchingStep(secret, plainCode(code), epoch(ctx.clock.now()))

async function matchingStep(secret: string, token: string, at: number) {
  if (!/^\d{6}$/.test(token)) return undefined
  const result = await verify({
    secret,
    token,
    epoch: at,
    epochTolerance: PERIOD,
    period: PERIOD,
    algorithm: 'sha1',
    digits: 6,
    guardrails,
  })
  return result.valid && 'timeStep' in result ? result.timeStep : undefined
}

/** The QR code for an authenticator app, as the data URL of a PNG. */
export const qrCodeOf = (secret: string, { issuer, label }: { issuer: string; label: string }) =>
  toDataURL(generateURI({ issuer, label, secret }))
