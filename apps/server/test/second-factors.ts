import { createGuardrails, generate } from 'otplib'
import type { TestEnvironment } from './environment.ts'

export const auth = '/identity/resources/auth/v1/user',
  own = '/identity/resources/users/v1/mfa'
export const mfa = `${auth}/mfa`,
  mfaPolicy = '/identity/resources/configurations/v1/mfa-policy',
  strategies = '/identity/resources/configurations/v1/mfa/strategies'
export const PASSWORD = 'Henhouse-1!'

/**
 * The code that an authenticator app shows. It changes every 30 seconds and must not change in the middle of a test, so this
 * freezes the environment's clock.
 * @param steps how many periods of 30 seconds later (or earlier) than now
 */
export async function codeOf(env: TestEnvironment, secret: string, steps = 0) {
  if (!(await env.context()).environment.clockFrozenAt) await env.clock.freeze(await env.clock.now())
  return codeAt(await env.clock.now(), secret, steps)
}
export const codeAt = (now: Date, secret: string, steps = 0) =>
  generate({
    secret,
    epoch: Math.floor(now.getTime() / 1000) + steps * 30,
    guardrails: createGuardrails({ MIN_SECRET_BYTES: 10 }),
  })

export const logIn = (
  env: TestEnvironment,
  { email, password = PASSWORD }: { email: string; password?: string },
  cookies?: Record<string, string>,
) => env.anonymous('POST', auth, { email, password }, cookies ? { cookies } : {})

export const claimsOf = (token: string) =>
  JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as Record<string, unknown>

/** A user with a password and an authenticator app, which they enrolled themselves. */
export async function withApp(env: TestEnvironment, who: { tenantId?: string; email?: string } = {}) {
  const user = await env.user({ password: PASSWORD, ...who })
  const { secret } = (await user('POST', `${own}/authenticator/enroll`)).body as { secret: string }
  const { recoveryCode } = (
    await user('POST', `${own}/authenticator/enroll/verify`, { token: await codeOf(env, secret) })
  ).body as { recoveryCode: string }
  const deviceId: string = (await user('GET', `${own}/devices`)).body.authenticators[0].id
  // the code that enrolled the app does not work again
  await env.clock.advance(30_000)
  return Object.assign(user, { secret, recoveryCode, deviceId, password: PASSWORD })
}
