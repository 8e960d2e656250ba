import { describe, expect, test } from 'vitest'
import { newEnvironment } from '../../../../test/environment.ts'
import { auth, claimsOf, codeOf, logIn, mfa, PASSWORD, strategies } from '../../../../test/second-factors.ts'

const url = `${auth}/step-up/generate`

describe.concurrent('stepping up', () => {
  test('gives a token for the same account with the factor and its time, and a session that replaces the old one', async () => {
    const env = await newEnvironment(),
      who = await env.newUser({ password: PASSWORD })
    const { accessToken, refreshToken } = (await logIn(env, { email: who.email })).body
    expect(claimsOf(accessToken)).not.toHaveProperty('acr')
    const user = await withAppOf(env, who),
      me = env.withToken(accessToken)
    const asked = await me('POST', url, { maxAge: 60 })
    expect(asked).toMatchObject({
      status: 201,
      body: {
        mfaToken: expect.any(String),
        mfaEnrolled: true,
        mfaDevices: { authenticators: [{ id: user.deviceId }], phones: [], emails: [], webauthn: [] },
      },
    })
    const done = await env.anonymous('POST', `${mfa}/authenticator/${user.deviceId}/verify`, {
      mfaToken: asked.body.mfaToken,
      value: await codeOf(env, user.secret),
    })
    expect(done.status).toBe(201)
    expect(claimsOf(done.body.accessToken)).toMatchObject({
      sub: who.id,
      tenantId: who.tenantId,
      amr: ['mfa', 'otp'],
      acr: 'http://schemas.openid.net/pape/policies/2007/06/multi-factor',
      auth_time: expect.any(Number),
    })
    expect((await env.anonymous('POST', `${auth}/token/refresh`, { refreshToken })).status).toBe(401)
    const refreshed = await env.anonymous('POST', `${auth}/token/refresh`, { refreshToken: done.body.refreshToken })
    expect(refreshed.status).toBe(201)
    expect(claimsOf(refreshed.body.accessToken)).not.toHaveProperty('acr')
    expect((await me('POST', url)).status).toBe(401)
  })

  test('is refused without a factor, and gives no way to enrol one; a verified address is enough where codes are mailed', async () => {
    const env = await newEnvironment(),
      who = await env.newUser({ password: PASSWORD })
    const me = env.withToken((await logIn(env, { email: who.email })).body.accessToken)
    expect(await me('POST', url, {})).toMatchObject({
      status: 400,
      body: { errors: ['MFA is not enrolled'], errorCode: 'ER-01097' },
    })
    expect(await (await env.context()).db.challenge.count({ where: { userId: who.id, purpose: 'mfa' } })).toBe(0)
    await env.vendor('POST', strategies, { strategy: 'EmailCode', isActive: true })
    expect(await me('POST', url, {})).toMatchObject({
      status: 201,
      body: { mfaEnrolled: true, mfaDevices: { emails: [{ email: who.email }] } },
    })
  })

  test('needs a live session', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD })
    const { accessToken, refreshToken } = (await logIn(env, user)).body
    await env.anonymous('POST', '/identity/resources/auth/v1/logout', { refreshToken })
    expect((await env.withToken(accessToken)('POST', url)).status).toBe(401)
  })
})

/** An app for an existing user. */
async function withAppOf(
  env: Awaited<ReturnType<typeof newEnvironment>>,
  who: { id: string; email: string; tenantId: string },
) {
  const user = await env.asUser(who),
    own = '/identity/resources/users/v1/mfa'
  const { secret } = (await user('POST', `${own}/authenticator/enroll`)).body as { secret: string }
  await user('POST', `${own}/authenticator/enroll/verify`, { token: await codeOf(env, secret, -1) })
  return { secret, deviceId: (await user('GET', `${own}/devices`)).body.authenticators[0].id as string }
}
