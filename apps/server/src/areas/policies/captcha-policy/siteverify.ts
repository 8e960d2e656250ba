import { Type, type Static } from 'typebox'
import type { Ctx } from '../../../kernel/operation.ts'
import { fits } from '../../../kernel/validation.ts'

const TIMEOUT_MS = 5000

const Verdict = Type.Object({
  success: Type.Boolean(),
  score: Type.Optional(Type.Number()),
  'error-codes': Type.Optional(Type.Array(Type.String())),
})
export type Verdict = Static<typeof Verdict>

/**
 * Asks reCAPTCHA's `siteverify`, or a service with the same protocol (hCaptcha, Turnstile), about a browser's token.
 * Without a configured service, the token `score:0.7` has that score, and any other is wrong.
 * @returns undefined when the service gave no answer that can be understood
 */
export async function siteverify(
  { deps, log }: Ctx,
  secret: string,
  token: string,
  ip?: string,
): Promise<Verdict | undefined> {
  if (deps.captchaUrl === undefined) return withoutService(token)
  try {
    const response = await fetch(deps.captchaUrl, {
      method: 'POST',
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
      body: new URLSearchParams({ secret, response: token, ...(ip !== undefined && { remoteip: ip }) }),
    })
    const verdict: unknown = await response.json()
    if (fits(Verdict, verdict)) return verdict as Verdict
    log.error({ status: response.status }, 'the captcha service gave an unknown answer')
  } catch (error) {
    log.error({ err: error }, 'the captcha service could not be asked')
  }
  return undefined
}

function withoutService(token: string): Verdict {
  const score = Number(/^score:((0|1)(\.\d+)?)$/.exec(token)?.[1] ?? Number.NaN)
  return score <= 1 ? { success: true, score } : { success: false, 'error-codes': ['invalid-input-response'] }
}
