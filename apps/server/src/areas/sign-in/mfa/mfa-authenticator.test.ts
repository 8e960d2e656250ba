import { describe, expect, test } from 'vitest'
import { newEnvironment, UNKNOWN_ID } from '../../../../test/environment.ts'
import {
  auth,
  claimsOf,
  codeOf,
  logIn,
  mfa,
  mfaPolicy,
  own,
  PASSWORD,
  strategies,
  withApp,
} from '../../../../test/second-factors.ts'
import * as devices from './mfa-devices.service.ts'

const enrolled = async (env: Awaited<ReturnType<typeof newEnvironment>>, id: string) =>
  (await (await env.context()).db.user.findUniqueOrThrow({ where: { id } })).mfaEnrolled
const wrongFor = (code: string) => String((Number(code) + 1) % 1_000_000).padStart(6, '0')

describe.concurrent('a login of a user with an authenticator app', () => {
  test('gives no tokens and no cookie until a code of the app is shown', async () => {
    const env = await newEnvironment(),
      user = await withApp(env)
    const first = await logIn(env, user)
    expect(first).toMatchObject({
      status: 200,
      body: {
        mfaRequired: true,
        mfaEnrolled: true,
        mfaToken: expect.any(String),
        userEmail: user.email,
        mfaDevices: { authenticators: [{ id: user.deviceId }], phones: [], emails: [], webauthn: [] },
      },
    })
    for (const field of ['accessToken', 'refreshToken', 'qrCode', 'secret', 'recoveryCode'])
      expect(first.body).not.toHaveProperty(field)
    expect(first.cookies).toEqual([])
    const { mfaToken } = first.body
    const { status, body, cookies } = await env.anonymous('POST', `${mfa}/authenticator/${user.deviceId}/verify`, {
      mfaToken,
      value: await codeOf(env, user.secret),
    })
    expect(status).toBe(201)
    expect(body).toMatchObject({
      mfaRequired: false,
      accessToken: expect.any(String),
      refreshToken: expect.any(String),
      userId: user.id,
    })
    expect(body).not.toHaveProperty('recoveryCode')
    expect(cookies.map((c) => c.name)).toEqual([expect.stringMatching(/^fe_refresh_/)])
    const now = Math.floor((await env.clock.now()).getTime() / 1000),
      claims = claimsOf(body.accessToken)
    expect(claims).toMatchObject({
      amr: ['mfa', 'otp'],
      acr: 'http://schemas.openid.net/pape/policies/2007/06/multi-factor',
      sub: user.id,
      tenantId: user.tenantId,
    })
    expect(Math.abs(Number(claims['auth_time']) - now)).toBeLessThan(5)
    const refreshed = await env.anonymous('POST', `${auth}/token/refresh`, { refreshToken: body.refreshToken })
    expect(refreshed.body.mfaRequired).toBe(false)
    expect(claimsOf(refreshed.body.accessToken)).not.toHaveProperty('amr')
  })

  test('also takes the code by the older route, which names no device', async () => {
    const env = await newEnvironment(),
      user = await withApp(env)
    const { mfaToken } = (await logIn(env, user)).body
    expect(await env.anonymous('POST', `${mfa}/verify`, { mfaToken, value: '12' })).toMatchObject({
      status: 401,
      body: { errorCode: 'ER-01011' },
    })
    expect(
      await env.anonymous('POST', `${mfa}/verify`, { mfaToken, value: await codeOf(env, user.secret, -1) }),
    ).toMatchObject({ status: 401 })
    expect(
      await env.anonymous('POST', `${mfa}/verify`, { mfaToken, value: await codeOf(env, user.secret, 1) }),
    ).toMatchObject({ status: 201, body: { accessToken: expect.any(String) } })
  })

  test('takes a code once: of eight logins at once with the same code, one succeeds', async () => {
    const env = await newEnvironment(),
      user = await withApp(env),
      value = await codeOf(env, user.secret)
    const tokens = await Promise.all(
      Array.from({ length: 8 }, async () => (await logIn(env, user)).body.mfaToken as string),
    )
    const answers = await Promise.all(
      tokens.map((mfaToken) =>
        env.anonymous('POST', `${mfa}/authenticator/${user.deviceId}/verify`, { mfaToken, value }),
      ),
    )
    expect(answers.map((a) => a.status).sort()).toEqual([201, 401, 401, 401, 401, 401, 401, 401])
    expect(await (await env.context()).db.refreshToken.count()).toBe(1)
  })

  test('can be finished with its token once, whatever the codes', async () => {
    const env = await newEnvironment(),
      user = await withApp(env)
    const { mfaToken } = (await logIn(env, user)).body
    const values = await Promise.all([0, 1].map((step) => codeOf(env, user.secret, step)))
    const answers = await Promise.all(
      values.map((value) => env.anonymous('POST', `${mfa}/authenticator/${user.deviceId}/verify`, { mfaToken, value })),
    )
    expect(answers.filter((a) => a.status === 201)).toHaveLength(1)
    await env.clock.advance(90_000)
    expect(
      await env.anonymous('POST', `${mfa}/authenticator/${user.deviceId}/verify`, {
        mfaToken,
        value: await codeOf(env, user.secret),
      }),
    ).toMatchObject({ status: 401, body: { errors: ['MFA token is invalid or has expired'] } })
  })

  test('ends after five wrong codes, also when more come at once', async () => {
    const env = await newEnvironment(),
      user = await withApp(env)
    const { mfaToken } = (await logIn(env, user)).body,
      code = await codeOf(env, user.secret)
    const verify = (value: string) =>
      env.anonymous('POST', `${mfa}/authenticator/${user.deviceId}/verify`, { mfaToken, value })
    const answers = await Promise.all(Array.from({ length: 8 }, () => verify(wrongFor(code))))
    expect(answers.map((a) => a.body.errors[0]).sort()).toEqual([
      ...Array(5).fill('Invalid code'),
      ...Array(3).fill('MFA token is invalid or has expired'),
    ])
    expect((await verify(code)).status).toBe(401)
    const next = (await logIn(env, user)).body.mfaToken
    for (let i = 0; i < 4; i++) await env.anonymous('POST', `${mfa}/verify`, { mfaToken: next, value: wrongFor(code) })
    expect((await env.anonymous('POST', `${mfa}/verify`, { mfaToken: next, value: code })).status).toBe(201)
  })

  test('cannot be guessed with many tokens either: after twenty wrong codes the user has to wait', async () => {
    const env = await newEnvironment(),
      user = await withApp(env)
    await env.clock.freeze()
    const code = await codeOf(env, user.secret),
      wrong = wrongFor(code)
    for (let login = 0; login < 4; login++) {
      const { mfaToken } = (await logIn(env, user)).body
      for (let i = 0; i < 5; i++)
        expect((await env.anonymous('POST', `${mfa}/verify`, { mfaToken, value: wrong })).status).toBe(401)
    }
    const { mfaToken } = (await logIn(env, user)).body
    expect(await env.anonymous('POST', `${mfa}/verify`, { mfaToken, value: code })).toMatchObject({ status: 429 })
    await env.clock.freeze(new Date((await env.clock.now()).getTime() + 11 * 60_000))
    const later = (await logIn(env, user)).body.mfaToken
    expect(
      (await env.anonymous('POST', `${mfa}/verify`, { mfaToken: later, value: await codeOf(env, user.secret) })).status,
    ).toBe(201)
  })

  test("takes no token that is expired, unknown, of a locked user or of another environment, and only the user's own devices", async () => {
    const env = await newEnvironment(),
      user = await withApp(env),
      other = await withApp(env),
      elsewhere = await newEnvironment()
    const { mfaToken } = (await logIn(env, user)).body,
      value = await codeOf(env, user.secret)
    const verify = (deviceId: string, token = mfaToken, client = env.anonymous) =>
      client('POST', `${mfa}/authenticator/${deviceId}/verify`, { mfaToken: token, value })
    expect((await verify(user.deviceId, 'nothing')).status).toBe(401)
    expect((await verify(user.deviceId, mfaToken, elsewhere.anonymous)).status).toBe(401)
    expect((await verify(other.deviceId)).status).toBe(404)
    expect((await verify(UNKNOWN_ID)).status).toBe(404)
    await (await env.context()).db.user.updateMany({ where: { id: user.id }, data: { isLocked: true } })
    expect((await verify(user.deviceId)).status).toBe(423)
    await (await env.context()).db.user.updateMany({ where: { id: user.id }, data: { isLocked: false } })
    await env.clock.advance(11 * 60_000)
    expect((await verify(user.deviceId)).status).toBe(401)
  })

  test('takes no token from before a change of password', async () => {
    const env = await newEnvironment(),
      user = await withApp(env),
      { mfaToken } = (await logIn(env, user)).body
    await env.clock.advance(1000)
    await (
      await env.context()
    ).db.user.updateMany({ where: { id: user.id }, data: { passwordChangedAt: await env.clock.now() } })
    expect(
      (await env.anonymous('POST', `${mfa}/verify`, { mfaToken, value: await codeOf(env, user.secret) })).status,
    ).toBe(401)
    expect(
      (
        await env.anonymous('POST', `${mfa}/verify`, {
          mfaToken: (await logIn(env, user)).body.mfaToken,
          value: await codeOf(env, user.secret),
        })
      ).status,
    ).toBe(201)
  })

  test('accepts factors imported from elsewhere', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD }),
      ctx = await env.context()
    await expect(ctx.atomically((tx) => devices.importAuthenticator(tx, user.id, 'not base32!'))).rejects.toThrow()
    expect(await enrolled(env, user.id)).toBe(false)
    await ctx.atomically((tx) => devices.importAuthenticator(tx, user.id, 'JBSWY3DPEHPK3PXP'))
    await ctx.atomically((tx) => devices.importPhone(tx, user.id, '+1-202-555-0101'))
    const { body } = await logIn(env, { email: user.email })
    expect(body).toMatchObject({
      mfaEnrolled: true,
      mfaDevices: { authenticators: [{ id: expect.any(String) }], phones: [{ phoneNumber: '+1*******101' }] },
    })
    expect(
      (
        await env.anonymous('POST', `${mfa}/verify`, {
          mfaToken: body.mfaToken,
          value: await codeOf(env, 'JBSWY3DPEHPK3PXP'),
        })
      ).status,
    ).toBe(201)
  })

  test('cannot enrol a further device, as the password alone would be enough for that', async () => {
    const env = await newEnvironment(),
      user = await withApp(env)
    const { mfaToken } = (await logIn(env, user)).body
    expect(await env.anonymous('POST', `${mfa}/authenticator/enroll`, { mfaToken })).toMatchObject({
      status: 403,
      body: { errors: ['MFA is enrolled already'] },
    })
    expect(
      (await env.anonymous('POST', `${mfa}/authenticator/enroll/verify`, { mfaToken, token: '123456' })).status,
    ).toBe(403)
  })

  test('does not ask a user who bypasses MFA', async () => {
    const env = await newEnvironment(),
      user = await withApp(env)
    await (await env.context()).db.user.updateMany({ where: { id: user.id }, data: { mfaBypass: true } })
    expect((await logIn(env, user)).body).toMatchObject({ mfaRequired: false, accessToken: expect.any(String) })
  })
})

describe.concurrent('a login where a second factor is forced', () => {
  test('lets a user without a factor enrol an app with its answer', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD })
    await env.vendor('POST', mfaPolicy, { enforceMFAType: 'Force' })
    const { body } = await logIn(env, { email: user.email })
    expect(body).toMatchObject({
      mfaRequired: true,
      mfaEnrolled: false,
      mfaStrategies: ['AuthenticatorApp'],
      qrCode: expect.stringMatching(/^data:image\/png;base64,/),
      secret: expect.stringMatching(/^[A-Z2-7]{32}$/),
      recoveryCode: expect.any(String),
    })
    expect(body).not.toHaveProperty('accessToken')
    const started = await env.anonymous('POST', `${mfa}/authenticator/enroll`, { mfaToken: body.mfaToken })
    expect(started).toMatchObject({ status: 201, body: { qrCode: body.qrCode, secret: body.secret } })
    const enrol = (token: string) =>
      env.anonymous('POST', `${mfa}/authenticator/enroll/verify`, { mfaToken: body.mfaToken, token })
    expect((await enrol('000000')).status).toBe(401)
    expect(await enrolled(env, user.id)).toBe(false)
    expect(await enrol(await codeOf(env, body.secret))).toMatchObject({
      status: 201,
      body: { mfaRequired: false, accessToken: expect.any(String), recoveryCode: body.recoveryCode },
    })
    expect(await enrolled(env, user.id)).toBe(true)
    expect((await env.messages({ to: user.email })).map((m) => m.template)).toEqual(['MFAEnroll'])
    expect((await logIn(env, { email: user.email })).body).toMatchObject({ mfaRequired: true, mfaEnrolled: true })
    // no secret is stored in readable form
    const rows = JSON.stringify([
      await (await env.context()).db.challenge.findMany(),
      await (await env.context()).db.mfaDevice.findMany(),
      await (await env.context()).db.recoveryCode.findMany(),
    ])
    for (const secret of [body.secret, body.recoveryCode, body.mfaToken]) expect(rows).not.toContain(secret)
  })

  test('takes the first of several devices enrolled at once', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD })
    await env.vendor('POST', mfaPolicy, { enforceMFAType: 'Force' })
    const asked = await Promise.all(
      Array.from({ length: 4 }, async () => (await logIn(env, { email: user.email })).body),
    )
    const answers = await Promise.all(
      asked.map(async ({ mfaToken, secret }) =>
        env.anonymous('POST', `${mfa}/authenticator/enroll/verify`, { mfaToken, token: await codeOf(env, secret) }),
      ),
    )
    expect(answers.map((a) => a.status).sort()).toEqual([201, 403, 403, 403])
    expect(await (await env.context()).db.mfaDevice.count({ where: { userId: user.id } })).toBe(1)
  })

  test.for([
    ['DontForce', false, false],
    ['Force', false, true],
    ['ForceExceptSAML', false, true],
    ['Force', true, false],
    ['ForceExceptSAML', true, false],
  ] as const)(
    '%s, for one who bypasses it: %s, asks for a second factor: %s',
    async ([enforceMFAType, mfaBypass, mfaRequired]) => {
      const env = await newEnvironment(),
        user = await env.newUser({ password: PASSWORD })
      await env.vendor('POST', mfaPolicy, { enforceMFAType })
      await (await env.context()).db.user.updateMany({ where: { id: user.id }, data: { mfaBypass } })
      const { body } = await logIn(env, { email: user.email })
      expect([body.mfaRequired, 'accessToken' in body]).toEqual([mfaRequired, !mfaRequired])
    },
  )

  test("is forced by the strictest of the user's accounts, wherever they log in", async () => {
    const env = await newEnvironment(),
      strict = await env.newTenant(),
      user = await env.newUser({ password: PASSWORD }),
      ctx = await env.context()
    await env.vendor('POST', mfaPolicy, { enforceMFAType: 'DontForce' })
    await env.as(strict)('POST', mfaPolicy, { enforceMFAType: 'Force' })
    expect((await logIn(env, { email: user.email })).body.mfaRequired).toBe(false)
    await ctx.db.membership.create({
      data: { userId: user.id, tenantId: strict, acceptedAt: ctx.clock.now(), createdAt: ctx.clock.now() },
    })
    expect((await logIn(env, { email: user.email })).body).toMatchObject({ mfaRequired: true, mfaEnrolled: false })
  })

  test('offers no app where apps are off', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD })
    await env.vendor('POST', mfaPolicy, {})
    await env.vendor('POST', strategies, { strategy: 'AuthenticatorApp', isActive: false })
    const { body } = await logIn(env, { email: user.email })
    expect(body).toMatchObject({ mfaRequired: true, mfaStrategies: [] })
    expect(body).not.toHaveProperty('secret')
    expect(await env.anonymous('POST', `${mfa}/authenticator/enroll`, { mfaToken: body.mfaToken })).toMatchObject({
      status: 400,
      body: { errorCode: 'ER-01012' },
    })
  })

  test('applies to a sign-up, too', async () => {
    const env = await newEnvironment()
    await env.vendor('POST', mfaPolicy, {})
    await env.vendor('POST', '/identity/resources/configurations/v1', { allowNotVerifiedUsersLogin: true })
    const { body, cookies } = await env.anonymous('POST', '/identity/resources/users/v1/signUp', {
      email: 'new@example.com',
      password: PASSWORD,
      companyName: 'New',
    })
    expect(body).toMatchObject({
      shouldActivate: false,
      authResponse: { mfaRequired: true, mfaEnrolled: false, mfaToken: expect.any(String) },
    })
    expect(body.authResponse).not.toHaveProperty('accessToken')
    expect(cookies).toEqual([])
  })

  test('asks a session without a factor before it goes on in another account', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD }),
      strict = await env.newTenant(),
      ctx = await env.context()
    const { refreshToken } = (await logIn(env, { email: user.email })).body
    await ctx.db.membership.create({
      data: { userId: user.id, tenantId: strict, acceptedAt: ctx.clock.now(), createdAt: ctx.clock.now() },
    })
    await env.as(strict)('POST', mfaPolicy, {})
    const refresh = (tenantId?: string) =>
      env.anonymous('POST', `${auth}/token/refresh`, { refreshToken, ...(tenantId && { tenantId }) })
    const moved = await refresh(strict)
    expect(moved).toMatchObject({
      status: 201,
      body: { mfaRequired: true, mfaEnrolled: false, mfaToken: expect.any(String) },
    })
    expect(moved.body).not.toHaveProperty('accessToken')
    const stayed = await refresh()
    expect(stayed.body.mfaRequired).toBe(false)
    const bearer = env.withToken(stayed.body.accessToken)
    expect(await bearer('POST', '/identity/resources/users/v3/me/token', { tenantId: strict })).toMatchObject({
      status: 403,
      body: { errors: ['MFA is required'] },
    })
    const done = await env.anonymous('POST', `${mfa}/authenticator/enroll/verify`, {
      mfaToken: moved.body.mfaToken,
      token: await codeOf(env, moved.body.secret),
    })
    expect(claimsOf(done.body.accessToken)['tenantId']).toBe(strict)
    const back = await env.anonymous('POST', `${auth}/token/refresh`, {
      refreshToken: done.body.refreshToken,
      tenantId: user.tenantId,
    })
    expect(back.body).toMatchObject({ mfaRequired: false, accessToken: expect.any(String) })
  })
})

describe.concurrent("a user's authenticator app", () => {
  test('is enrolled with one of its codes, and then a second app, each time with a new recovery code', async () => {
    const env = await newEnvironment(),
      user = await withApp(env)
    const { body } = await user('POST', `${own}/enroll`)
    const second = await user('POST', `${own}/enroll/verify`, { token: await codeOf(env, body.secret) })
    expect(second).toMatchObject({ status: 200, body: { recoveryCode: expect.any(String) } })
    expect(second.body.recoveryCode).not.toBe(user.recoveryCode)
    expect((await user('GET', `${own}/devices`)).body.authenticators).toHaveLength(2)
    expect((await env.messages({ to: user.email })).map((m) => m.template)).toEqual(['MFAEnroll', 'NewMFAMethod'])
    expect((await env.messages({ to: user.email }))[0]!.text).toContain('IP address')
  })

  test('must be begun first, at most ten minutes before, and only the last start counts', async () => {
    const env = await newEnvironment(),
      user = await env.user()
    expect(await user('POST', `${own}/authenticator/enroll/verify`, { token: '123456' })).toMatchObject({ status: 400 })
    const first = (await user('POST', `${own}/authenticator/enroll`)).body,
      second = (await user('POST', `${own}/authenticator/enroll`)).body
    expect(
      (await user('POST', `${own}/authenticator/enroll/verify`, { token: await codeOf(env, first.secret) })).status,
    ).toBe(401)
    await env.clock.advance(11 * 60_000)
    expect(
      (await user('POST', `${own}/authenticator/enroll/verify`, { token: await codeOf(env, second.secret) })).status,
    ).toBe(400)
    expect(await enrolled(env, user.id)).toBe(false)
  })

  test('is enrolled once by eight requests at once with its code', async () => {
    const env = await newEnvironment(),
      user = await env.user()
    const { secret } = (await user('POST', `${own}/authenticator/enroll`)).body,
      token = await codeOf(env, secret)
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => user('POST', `${own}/authenticator/enroll/verify`, { token })),
    )
    expect(answers.map((a) => a.status).sort()).toEqual([200, 400, 400, 400, 400, 400, 400, 400])
    expect(await (await env.context()).db.mfaDevice.count()).toBe(1)
  })

  test('is removed with one of its codes, by its owner only, and MFA ends with the last one', async () => {
    const env = await newEnvironment(),
      user = await withApp(env),
      other = await withApp(env)
    const disable = (client: typeof user, token?: string) =>
      client('POST', `${own}/authenticator/${user.deviceId}/disable/verify`, token === undefined ? {} : { token })
    expect((await disable(user)).status).toBe(401)
    expect((await disable(user, wrongFor(await codeOf(env, user.secret)))).status).toBe(401)
    expect((await disable(other, await codeOf(env, other.secret))).status).toBe(404)
    expect(await disable(user, await codeOf(env, user.secret))).toMatchObject({ status: 200, body: null })
    expect(await enrolled(env, user.id)).toBe(false)
    expect(await enrolled(env, other.id)).toBe(true)
    expect((await env.messages({ to: user.email })).map((m) => m.template)).toEqual(['MFAEnroll', 'MFAUnenroll'])
    expect((await logIn(env, user)).body.mfaRequired).toBe(false)
    expect(await user('POST', `${own}/disable`, { token: '123456' })).toMatchObject({
      status: 400,
      body: { errorCode: 'ER-01097' },
    })
  })

  test('is removed by the older route, too: the app that made the code', async () => {
    const env = await newEnvironment(),
      user = await withApp(env)
    const { body } = await user('POST', `${own}/enroll`)
    await user('POST', `${own}/enroll/verify`, { token: await codeOf(env, body.secret) })
    expect((await user('POST', `${own}/disable`, { token: await codeOf(env, user.secret) })).status).toBe(200)
    const { authenticators } = (await user('GET', `${own}/devices`)).body
    expect(authenticators).toHaveLength(1)
    expect(authenticators[0].id).not.toBe(user.deviceId)
    expect(await enrolled(env, user.id)).toBe(true)
    expect((await env.messages({ to: user.email })).at(-1)!.template).toBe('RemoveMFAMethod')
  })

  test('is removed by the environment without a code', async () => {
    const env = await newEnvironment(),
      user = await withApp(env),
      managed = env.as(user.tenantId, user.id)
    const { mfaToken } = (await logIn(env, user)).body
    expect(await managed('POST', `${own}/disable`)).toMatchObject({ status: 200, body: null })
    expect(await managed('POST', `${own}/disable`)).toMatchObject({
      status: 400,
      body: { errors: ['MFA is not enrolled'], errorCode: 'ER-01097' },
    })
    expect(await enrolled(env, user.id)).toBe(false)
    expect((await env.anonymous('POST', `${mfa}/verify`, { mfaToken, value: '123456' })).status).toBe(401)
    const again = await withApp(env),
      unenrol = `/identity/resources/vendor-only/users/v1/${again.id}/mfa/unenroll`
    expect((await again('POST', unenrol)).status).toBe(401)
    expect(await env.vendor('POST', unenrol)).toMatchObject({ status: 200, body: null })
    expect((await env.vendor('POST', unenrol)).status).toBe(400)
    expect(
      (await env.vendor('POST', `/identity/resources/vendor-only/users/v1/${UNKNOWN_ID}/mfa/unenroll`)).status,
    ).toBe(404)
    const one = await withApp(env)
    expect(
      (await env.as(one.tenantId, one.id)('POST', `${own}/authenticator/${one.deviceId}/disable/verify`)).status,
    ).toBe(200)
  })

  test('leaves MFA off when the last two devices are removed at once', async () => {
    const env = await newEnvironment(),
      user = await withApp(env)
    const { body } = await user('POST', `${own}/enroll`)
    await user('POST', `${own}/enroll/verify`, { token: await codeOf(env, body.secret) })
    const managed = env.as(user.tenantId, user.id),
      ids: { id: string }[] = (await user('GET', `${own}/devices`)).body.authenticators
    await Promise.all(ids.map(({ id }) => managed('POST', `${own}/authenticator/${id}/disable/verify`)))
    expect(await enrolled(env, user.id)).toBe(false)
  })
})
