import { describe, expect, test } from 'vitest'
import { authenticator } from '../../../../test/authenticator.ts'
import { newEnvironment, type TestEnvironment } from '../../../../test/environment.ts'
import { inTheWay } from '../../../../test/in-the-way.ts'
import { claimsOf, logIn, mfa, mfaPolicy, own, PASSWORD, strategies, withApp } from '../../../../test/second-factors.ts'

const switchOn = (env: TestEnvironment, ...names: string[]) =>
  Promise.all(names.map((strategy) => env.vendor('POST', strategies, { strategy, isActive: true })))
const originOf = (env: TestEnvironment) => `http://${env.name}.localhost:3100`
type Key = ReturnType<typeof authenticator>

async function withKey(env: TestEnvironment, key: Key = authenticator({ origin: originOf(env) })) {
  await switchOn(env, 'WebAuthnCrossPlatform')
  const user = await env.user({ password: PASSWORD })
  const { webauthnToken, options } = (await user('POST', `${own}/webauthn/enroll`)).body
  const enrolled = await user('POST', `${own}/webauthn/enroll/verify`, {
    deviceType: 'CrossPlatform',
    webauthnToken,
    options: key.create(options),
  })
  expect(enrolled).toMatchObject({ status: 200, body: { recoveryCode: expect.any(String) } })
  const [device] = (await user('GET', `${own}/devices`)).body.webauthn
  return Object.assign(user, { key, deviceId: device.id as string })
}

async function asked(env: TestEnvironment, user: { email: string; deviceId: string }) {
  const { mfaToken } = (await logIn(env, user)).body as { mfaToken: string }
  const { body } = await env.anonymous('POST', `${mfa}/webauthn/${user.deviceId}`, { mfaToken })
  return { mfaToken, webauthnToken: body.webauthnToken as string, options: body.options }
}
const verify = (env: TestEnvironment, deviceId: string, body: object) =>
  env.anonymous('POST', `${mfa}/webauthn/${deviceId}/verify`, body)

describe.concurrent('a security key', () => {
  test('is enrolled during a login where that is forced', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD }),
      key = authenticator({ origin: originOf(env) })
    await env.vendor('POST', mfaPolicy, {})
    const { mfaToken, recoveryCode } = (await logIn(env, { email: user.email })).body
    expect(await env.anonymous('POST', `${mfa}/webauthn/enroll`, { mfaToken })).toMatchObject({
      status: 400,
      body: { errorCode: 'ER-01012' },
    })
    await switchOn(env, 'WebAuthnPlatform')
    const started = await env.anonymous('POST', `${mfa}/webauthn/enroll`, { mfaToken })
    expect(started).toMatchObject({
      status: 201,
      body: {
        webauthnToken: expect.any(String),
        options: {
          rp: { id: `${env.name}.localhost`, name: 'Frontegg' },
          user: { id: Buffer.from(user.id).toString('base64url'), name: user.email },
          challenge: expect.any(String),
          pubKeyCredParams: expect.arrayContaining([{ type: 'public-key', alg: -7 }]),
          authenticatorSelection: { authenticatorAttachment: 'platform' },
        },
      },
    })
    const { webauthnToken } = started.body,
      options = key.create(started.body.options)
    const enrol = (deviceType: string) =>
      env.anonymous('POST', `${mfa}/webauthn/enroll/verify`, { mfaToken, deviceType, webauthnToken, options })
    expect((await enrol('CrossPlatform')).status).toBe(400)
    const done = await enrol('Platform')
    expect(done).toMatchObject({ status: 201, body: { accessToken: expect.any(String), recoveryCode } })
    expect(claimsOf(done.body.accessToken)['amr']).toEqual(['mfa', 'hwk'])
    expect((await logIn(env, { email: user.email })).body.mfaDevices.webauthn).toEqual([
      { id: expect.any(String), deviceType: 'Platform', name: 'This device' },
    ])
  })

  test('finishes a login with its signature, which works once', async () => {
    const env = await newEnvironment(),
      user = await withKey(env)
    const { mfaToken, webauthnToken, options } = await asked(env, user)
    expect(options).toMatchObject({
      rpId: `${env.name}.localhost`,
      challenge: expect.any(String),
      allowCredentials: [{ type: 'public-key', id: user.key.held[0]!.id }],
    })
    const signed = { mfaToken, webauthnToken, options: user.key.get(options) }
    const answers = await Promise.all(Array.from({ length: 8 }, () => verify(env, user.deviceId, signed)))
    expect(answers.map((a) => a.status).sort()).toEqual([201, 401, 401, 401, 401, 401, 401, 401])
    expect(claimsOf(answers.find((a) => a.status === 201)!.body.accessToken)).toMatchObject({
      amr: ['mfa', 'hwk'],
      acr: expect.stringContaining('multi-factor'),
    })
  })

  test('may send base64 in either alphabet, and no user handle', async () => {
    const env = await newEnvironment(),
      user = await withKey(env)
    const { mfaToken, webauthnToken, options } = await asked(env, user),
      { id, response } = user.key.get(options)
    const plain = (text: string) => Buffer.from(text, 'base64url').toString('base64')
    const given = {
      clientDataJSON: plain(response.clientDataJSON),
      authenticatorData: plain(response.authenticatorData),
      signature: plain(response.signature),
      userHandle: null,
    }
    expect(
      (await verify(env, user.deviceId, { mfaToken, webauthnToken, options: { id: plain(id), response: given } }))
        .status,
    ).toBe(201)
  })

  test("must be the user's own, on the page that asked, and sign that page's challenge", async () => {
    const env = await newEnvironment(),
      user = await withKey(env)
    const stranger = authenticator({ origin: originOf(env) }),
      other = await withKey(env, stranger)
    const phished = authenticator({ origin: 'https://evil.example' })
    phished.held.push(user.key.held[0]!)
    const refused = async (sign: (options: never) => { id: string; response: object }, change: object = {}) => {
      const { mfaToken, webauthnToken, options } = await asked(env, user)
      const answer = await verify(env, user.deviceId, {
        mfaToken,
        webauthnToken,
        options: sign(options as never),
        ...change,
      })
      expect(answer).toMatchObject({ status: 401, body: { errors: [expect.any(String)] } })
    }
    await refused((options: { rpId: string; challenge: string }) =>
      stranger.get({ rpId: options.rpId, challenge: options.challenge }),
    )
    await refused((options) => phished.get(options))
    await refused((options: object) =>
      user.key.get({ ...options, challenge: Buffer.from('another').toString('base64url') }),
    )
    await refused((options) => {
      const signed = user.key.get(options)
      return {
        ...signed,
        response: {
          ...signed.response,
          signature: stranger.get({ challenge: 'YQ', rpId: user.key.held[0]!.rpId }).response.signature,
        },
      }
    })
    await refused((options) => user.key.get(options), { webauthnToken: 'nothing' })
    const mine = await asked(env, user),
      theirs = await asked(env, other)
    expect(
      (
        await verify(env, user.deviceId, {
          mfaToken: mine.mfaToken,
          webauthnToken: theirs.webauthnToken,
          options: user.key.get(mine.options),
        })
      ).status,
    ).toBe(401)
    expect(
      (
        await verify(env, other.deviceId, {
          mfaToken: mine.mfaToken,
          webauthnToken: mine.webauthnToken,
          options: user.key.get(mine.options),
        })
      ).status,
    ).toBe(404)
    const again = await asked(env, user)
    expect((await verify(env, user.deviceId, { ...again, options: user.key.get(again.options) })).status).toBe(201)
  })

  test('is refused when its counter shows a copy', async () => {
    const env = await newEnvironment(),
      user = await withKey(env)
    const first = await asked(env, user)
    user.key.held[0]!.counter = 9
    expect((await verify(env, user.deviceId, { ...first, options: user.key.get(first.options) })).status).toBe(201)
    user.key.held[0]!.counter = 4
    const second = await asked(env, user)
    expect((await verify(env, user.deviceId, { ...second, options: user.key.get(second.options) })).status).toBe(401)
  })

  test('is refused when a copy of it was faster', async () => {
    const env = await newEnvironment(),
      user = await withKey(env)
    const { mfaToken, webauthnToken, options } = await asked(env, user)
    const answer = await inTheWay(['update "MfaDevice" set counter = 1 where id = $1', user.deviceId], () =>
      verify(env, user.deviceId, { mfaToken, webauthnToken, options: user.key.get(options) }),
    )
    expect(answer).toMatchObject({ status: 401, cookies: [] })
    expect(await (await env.context()).db.refreshToken.count()).toBe(0)
    const again = await asked(env, user)
    expect((await verify(env, user.deviceId, { ...again, options: user.key.get(again.options) })).status).toBe(201)
  })

  test('may have no counter', async () => {
    const env = await newEnvironment(),
      user = await withKey(env, authenticator({ origin: originOf(env), counts: false }))
    for (let i = 0; i < 2; i++) {
      const { mfaToken, webauthnToken, options } = await asked(env, user)
      expect(
        (await verify(env, user.deviceId, { mfaToken, webauthnToken, options: user.key.get(options) })).status,
      ).toBe(201)
    }
  })

  test('must answer within five minutes', async () => {
    const env = await newEnvironment(),
      user = await withKey(env)
    const { mfaToken, webauthnToken, options } = await asked(env, user)
    await env.clock.advance(301_000)
    expect((await verify(env, user.deviceId, { mfaToken, webauthnToken, options: user.key.get(options) })).status).toBe(
      401,
    )
  })

  test('belongs to the domain of the page that enrols it', async () => {
    const env = await newEnvironment(),
      origin = 'https://app.example.com',
      key = authenticator({ origin }),
      user = await env.user({ password: PASSWORD })
    await switchOn(env, 'WebAuthnCrossPlatform')
    const { webauthnToken, options } = (
      await user('POST', `${own}/webauthn/enroll`, undefined, { headers: { origin } })
    ).body
    expect(options.rp.id).toBe('app.example.com')
    expect(
      (
        await user(
          'POST',
          `${own}/webauthn/enroll/verify`,
          { deviceType: 'CrossPlatform', webauthnToken, options: key.create(options) },
          { headers: { origin } },
        )
      ).status,
    ).toBe(200)
  })

  test('is enrolled once, by the user who began it, and not by two users', async () => {
    const env = await newEnvironment(),
      user = await withKey(env),
      other = await env.user()
    const begin = async () => (await user('POST', `${own}/webauthn/enroll`)).body
    const first = await begin()
    expect(() => user.key.create(first.options)).toThrow('InvalidStateError')
    const key = authenticator({ origin: originOf(env) }),
      made = { deviceType: 'CrossPlatform', webauthnToken: first.webauthnToken, options: key.create(first.options) }
    expect((await other('POST', `${own}/webauthn/enroll/verify`, made)).status).toBe(401)
    const second = await begin()
    const answers = await Promise.all(
      Array.from({ length: 4 }, () =>
        user('POST', `${own}/webauthn/enroll/verify`, {
          ...made,
          webauthnToken: second.webauthnToken,
          options: { ...made.options },
        }),
      ),
    )
    expect(answers.every((a) => a.status === 401)).toBe(true)
    const third = await begin(),
      options = key.create(third.options)
    const raced = await Promise.all(
      Array.from({ length: 4 }, () =>
        user('POST', `${own}/webauthn/enroll/verify`, {
          deviceType: 'CrossPlatform',
          webauthnToken: third.webauthnToken,
          options,
        }),
      ),
    )
    expect(raced.map((a) => a.status).sort()).toEqual([200, 401, 401, 401])
    expect(raced.find((a) => a.status === 200)!.body).toEqual({})
    expect((await user('GET', `${own}/devices`)).body.webauthn).toHaveLength(2)
  })

  test('is removed with its signature, or by the environment without one', async () => {
    const env = await newEnvironment(),
      user = await withKey(env),
      other = await withApp(env)
    const path = `${own}/webauthn/${user.deviceId}/disable`
    expect((await other('POST', path)).status).toBe(404)
    expect((await user('POST', `${path}/verify`, {})).status).toBe(400)
    const { webauthnToken, options } = (await user('POST', path)).body
    const { mfaToken, ...login } = await asked(env, user)
    expect(
      (
        await user('POST', `${path}/verify`, {
          webauthnToken: login.webauthnToken,
          options: user.key.get(login.options),
        })
      ).status,
    ).toBe(401)
    expect(mfaToken).toEqual(expect.any(String))
    expect(await user('POST', `${path}/verify`, { webauthnToken, options: user.key.get(options) })).toMatchObject({
      status: 200,
      body: null,
    })
    expect((await logIn(env, user)).body.mfaRequired).toBe(false)
    const managed = await withKey(env)
    expect(
      (await env.as(managed.tenantId, managed.id)('POST', `${own}/webauthn/${managed.deviceId}/disable/verify`)).status,
    ).toBe(200)
    expect((await logIn(env, managed)).body.mfaRequired).toBe(false)
  })
})
