import { describe, expect, test } from 'vitest'
import { authenticator } from '../../../../test/authenticator.ts'
import { newEnvironment, UNKNOWN_ID, type TestEnvironment } from '../../../../test/environment.ts'
import { inTheWay } from '../../../../test/in-the-way.ts'
import { claimsOf, codeOf, mfa, mfaPolicy, own, PASSWORD } from '../../../../test/second-factors.ts'

const login = '/identity/resources/auth/v1/webauthn',
  devices = '/identity/resources/users/webauthn/v1/devices'
const keyOf = (env: TestEnvironment, options: Parameters<typeof authenticator>[0] = {}) =>
  authenticator({ origin: `http://${env.name}.localhost:3100`, ...options })

async function withPasskey(env: TestEnvironment, who: { verified?: boolean } = {}) {
  const user = await env.user({ password: PASSWORD, ...who }),
    key = keyOf(env)
  const started = await user('POST', devices)
  expect(started).toMatchObject({
    status: 201,
    body: {
      options: {
        rp: { id: `${env.name}.localhost` },
        challenge: expect.any(String),
        authenticatorSelection: { userVerification: 'required' },
      },
    },
  })
  const made = await user('POST', `${devices}/verify`, { ...key.create(started.body.options), deviceType: 'Platform' })
  expect(made).toMatchObject({ status: 201, body: { deviceType: 'Platform' } })
  return Object.assign(user, { key, passkeyId: made.body.id as string })
}
async function prelogin(env: TestEnvironment, body: object) {
  const answer = await env.anonymous('POST', `${login}/prelogin`, body)
  expect(answer.status).toBe(200)
  return answer.body.options
}
const postlogin = (env: TestEnvironment, body: object) => env.anonymous('POST', `${login}/postlogin`, body)

describe.concurrent('a passkey', () => {
  test('logs its user in, named by address, by id or not at all', async () => {
    const env = await newEnvironment(),
      user = await withPasskey(env)
    for (const named of [{ email: user.email.toUpperCase() }, { userId: user.id }, {}]) {
      const options = await prelogin(env, named)
      expect(options).toMatchObject({
        rpId: `${env.name}.localhost`,
        userVerification: 'required',
        allowCredentials:
          'email' in named || 'userId' in named ? [{ type: 'public-key', id: user.key.held[0]!.id }] : [],
      })
      const answer = await postlogin(env, user.key.get(options))
      expect(answer).toMatchObject({
        status: 201,
        body: { mfaRequired: false, accessToken: expect.any(String), userId: user.id },
      })
      expect(answer.cookies.map((c) => c.name)).toEqual([expect.stringMatching(/^fe_refresh_/)])
      expect(claimsOf(answer.body.accessToken)).not.toHaveProperty('amr')
    }
  })

  test('signs once: of eight logins at once with one signature, one succeeds', async () => {
    const env = await newEnvironment(),
      user = await withPasskey(env),
      signed = user.key.get(await prelogin(env, { email: user.email }))
    const answers = await Promise.all(Array.from({ length: 8 }, () => postlogin(env, signed)))
    expect(answers.map((a) => a.status).sort()).toEqual([201, 401, 401, 401, 401, 401, 401, 401])
  })

  test('is refused when a copy of it was faster', async () => {
    const env = await newEnvironment(),
      user = await withPasskey(env),
      signed = user.key.get(await prelogin(env, { email: user.email }))
    const answer = await inTheWay(['update "Passkey" set counter = 1 where id = $1', user.passkeyId], () =>
      postlogin(env, signed),
    )
    expect(answer).toMatchObject({ status: 401, cookies: [] })
    expect(await (await env.context()).db.refreshToken.count()).toBe(0)
    expect((await postlogin(env, user.key.get(await prelogin(env, { email: user.email })))).status).toBe(201)
  })

  test('must be the right one, for this challenge and page, with the user verified; no answer reveals who has one', async () => {
    const env = await newEnvironment(),
      user = await withPasskey(env),
      stranger = keyOf(env),
      nobody = await env.newUser()
    const decoy = await prelogin(env, { email: nobody.email }),
      unknown = await prelogin(env, { email: 'nobody@example.com' })
    for (const options of [decoy, unknown])
      expect(options.allowCredentials).toEqual([{ type: 'public-key', id: expect.stringMatching(/^[\w-]{43}$/) }])
    expect((await prelogin(env, { email: nobody.email })).allowCredentials).toEqual(decoy.allowCredentials)
    expect((await prelogin(env, { userId: 'no id' })).allowCredentials).toHaveLength(1)
    stranger.create({ challenge: 'YQ', rp: { id: `${env.name}.localhost` }, user: { id: 'YQ' } })
    const options = async () => prelogin(env, { email: user.email })
    const { challenge, rpId } = await options()
    expect((await postlogin(env, stranger.get({ challenge, rpId }))).status).toBe(401)
    expect((await postlogin(env, { ...stranger.get({ challenge, rpId }), id: user.key.held[0]!.id })).status).toBe(401)
    const absent = keyOf(env, { verifiesUser: false })
    absent.held.push(user.key.held[0]!)
    expect((await postlogin(env, absent.get(await options()))).status).toBe(401)
    const phished = keyOf(env, { origin: 'https://evil.example' })
    phished.held.push(user.key.held[0]!)
    expect((await postlogin(env, phished.get(await options()))).status).toBe(401)
    expect((await postlogin(env, user.key.get({ challenge: 'bm90IG9uZQ', rpId }))).status).toBe(401)
    expect(
      (
        await postlogin(env, {
          ...user.key.get(await options()),
          response: { clientDataJSON: 'x', authenticatorData: 'x', signature: 'x' },
        })
      ).status,
    ).toBe(401)
    const elsewhere = await newEnvironment()
    expect((await postlogin(elsewhere, user.key.get(await options()))).status).toBe(401)
    const late = await options()
    await env.clock.advance(301_000)
    expect((await postlogin(env, user.key.get(late))).status).toBe(401)
    expect((await postlogin(env, user.key.get(await options()))).status).toBe(201)
  })

  test('does not log in a locked user, or one with an unverified address', async () => {
    const env = await newEnvironment(),
      user = await withPasskey(env),
      unverified = await withPasskey(env, { verified: false })
    await (await env.context()).db.user.updateMany({ where: { id: user.id }, data: { isLocked: true } })
    expect((await postlogin(env, user.key.get(await prelogin(env, { email: user.email })))).status).toBe(423)
    expect(await postlogin(env, unverified.key.get(await prelogin(env, { email: unverified.email })))).toMatchObject({
      status: 401,
      body: { errorCode: 'ER-01060' },
    })
    expect(await env.messages({ to: unverified.email, template: 'ActivateUser' })).toHaveLength(1)
  })

  test('is refused where a second factor is forced, and does not replace an enrolled one', async () => {
    const env = await newEnvironment(),
      user = await withPasskey(env)
    const { secret } = (await user('POST', `${own}/authenticator/enroll`)).body
    await user('POST', `${own}/authenticator/enroll/verify`, { token: await codeOf(env, secret, -1) })
    const asked = await postlogin(env, user.key.get(await prelogin(env, { email: user.email })))
    expect(asked.body).toMatchObject({ mfaRequired: true, mfaEnrolled: true })
    expect(
      (
        await env.anonymous('POST', `${mfa}/verify`, {
          mfaToken: asked.body.mfaToken,
          value: await codeOf(env, secret),
        })
      ).status,
    ).toBe(201)
    await env.as(user.tenantId)('POST', mfaPolicy, {})
    expect(await postlogin(env, user.key.get(await prelogin(env, { email: user.email })))).toMatchObject({
      status: 400,
      body: { errorCode: 'ER-01012' },
    })
    expect((await user('POST', devices)).status).toBe(400)
    await env.vendor('POST', mfaPolicy, {})
    expect((await env.anonymous('POST', `${login}/prelogin`, { email: user.email })).status).toBe(400)
  })

  test('is seen and deleted by its user only', async () => {
    const env = await newEnvironment(),
      user = await withPasskey(env),
      other = await withPasskey(env)
    expect((await user('GET', devices)).body).toEqual({
      devices: [{ id: user.passkeyId, deviceType: 'Platform', createdAt: expect.any(String) }],
    })
    expect((await other('DELETE', `${devices}/${user.passkeyId}`)).status).toBe(404)
    expect((await user('DELETE', `${devices}/${UNKNOWN_ID}`)).status).toBe(404)
    const options = await prelogin(env, { email: user.email })
    expect(await user('DELETE', `${devices}/${user.passkeyId}`)).toMatchObject({ status: 200, body: null })
    expect((await postlogin(env, user.key.get(options))).status).toBe(401)
    expect((await user('GET', devices)).body).toEqual({ devices: [] })
  })

  test('is made once, by the user who began it', async () => {
    const env = await newEnvironment(),
      user = await env.user(),
      other = await env.user(),
      key = keyOf(env)
    const made = key.create((await user('POST', devices)).body.options)
    expect((await other('POST', `${devices}/verify`, made)).status).toBe(401)
    const again = key.create((await user('POST', devices)).body.options)
    const answers = await Promise.all(Array.from({ length: 8 }, () => user('POST', `${devices}/verify`, again)))
    expect(answers.map((a) => a.status).sort()).toEqual([201, 401, 401, 401, 401, 401, 401, 401])
    expect((await user('POST', devices)).body.options.excludeCredentials).toEqual([
      { type: 'public-key', id: again.id },
    ])
    const weak = keyOf(env, { verifiesUser: false }).create((await user('POST', devices)).body.options)
    expect((await user('POST', `${devices}/verify`, weak)).status).toBe(401)
  })
})
