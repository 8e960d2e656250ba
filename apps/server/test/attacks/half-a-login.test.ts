import { describe, expect, test } from 'vitest'
import { newEnvironment, type Answer, type TestEnvironment } from '../environment.ts'
import { auth, codeOf, logIn, mfa, mfaPolicy, own, PASSWORD } from '../second-factors.ts'

/** What waits for a second factor in the name of a session is worth no more than the session. */
type Asked = { mfaToken: string; secret: string; deviceId?: string }

const waiting: Readonly<Record<string, (env: TestEnvironment, session: Session) => Promise<Asked>>> = {
  'a step-up': async (env, { accessToken }) => {
    const me = env.withToken(accessToken)
    const { secret } = (await me('POST', `${own}/authenticator/enroll`)).body
    expect(
      (await me('POST', `${own}/authenticator/enroll/verify`, { token: await codeOf(env, secret, -1) })).status,
    ).toBe(200)
    const deviceId: string = (await me('GET', `${own}/devices`)).body.authenticators[0].id
    return { secret, deviceId, mfaToken: (await me('POST', `${auth}/step-up/generate`)).body.mfaToken }
  },
  'a way into an account that wants a second factor': async (env, { there, refreshToken }) => {
    expect((await env.as(there)('POST', mfaPolicy, {})).status).toBe(201)
    const asked = await env.anonymous('POST', `${auth}/token/refresh`, { refreshToken, tenantId: there })
    expect(asked.body).toMatchObject({ mfaRequired: true, mfaEnrolled: false })
    return asked.body
  },
}

const ends: Readonly<Record<string, (env: TestEnvironment, session: Session) => Promise<Answer>>> = {
  'is logged out': (env, { refreshToken }) =>
    env.anonymous('POST', '/identity/resources/auth/v1/logout', { refreshToken }),
  'is ended by its user, with all others': async (env, { user }) =>
    (await env.asUser(user))('DELETE', '/identity/resources/users/sessions/v1/me/all'),
  'is revoked by management': (env, { user }) =>
    env.vendor('POST', '/identity/resources/users/sessions/v1/revoke', { userId: user.id }),
  'has been idle for too long': async (env) => {
    const answer = await env.vendor('POST', '/identity/resources/configurations/sessions/v1/vendor', {
      sessionIdleTimeoutConfiguration: { isActive: true, timeout: 60 },
    })
    await env.clock.advance(61_000)
    return answer
  },
}

async function begun(env: TestEnvironment) {
  const user = await env.newUser({ password: PASSWORD }),
    there = await env.newTenant()
  const path = `/identity/resources/users/v1/${user.id}/tenant`
  expect((await env.vendor('POST', path, { tenantId: there, skipInviteEmail: true })).status).toBe(201)
  const { accessToken, refreshToken } = (await logIn(env, user)).body
  return { user, there, accessToken: accessToken as string, refreshToken: refreshToken as string }
}
type Session = Awaited<ReturnType<typeof begun>>

const finish = async (env: TestEnvironment, { mfaToken, secret, deviceId }: Asked) =>
  deviceId === undefined
    ? env.anonymous('POST', `${mfa}/authenticator/enroll/verify`, { mfaToken, token: await codeOf(env, secret) })
    : env.anonymous('POST', `${mfa}/verify`, { mfaToken, value: await codeOf(env, secret) })

describe.concurrent.for(Object.entries(waiting))('%s', ([, ask]) => {
  test('is finished while its session lives', async () => {
    const env = await newEnvironment(),
      session = await begun(env)
    expect((await finish(env, await ask(env, session))).body.accessToken).toEqual(expect.any(String))
  })

  test.for(Object.entries(ends))('gives nothing when the session %s', async ([, end]) => {
    const env = await newEnvironment(),
      session = await begun(env),
      asked = await ask(env, session)
    expect((await end(env, session)).status).toBeLessThan(300)
    expect(await finish(env, asked)).toMatchObject({ status: 401, cookies: [] })
    const { db } = await env.context()
    expect(await db.session.count({ where: { endedAt: null, createdAt: { gt: new Date(0) }, mfaPassed: true } })).toBe(
      0,
    )
  })
})
