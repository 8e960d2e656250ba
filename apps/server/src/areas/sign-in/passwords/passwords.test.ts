import { describe, expect, test } from 'vitest'
import { newEnvironment, UNKNOWN_ID, type TestEnvironment } from '../../../../test/environment.ts'

const users = '/identity/resources/users',
  login = '/identity/resources/auth/v1/user',
  settings = '/identity/resources/configurations/v1'
const OLD = 'Old-henhouse-1',
  NEW = 'New-henhouse-2'
const DAY = 86_400_000
const wrong = { status: 400, body: { errors: ['Current password is incorrect'] } }

const change = `${users}/v1/passwords/change`
const logIn = (env: TestEnvironment, email: string, password: string) =>
  env.anonymous('POST', login, { email, password })
const refresh = (env: TestEnvironment, refreshToken: string) =>
  env.anonymous('POST', `${login}/token/refresh`, { refreshToken })
const row = async (env: TestEnvironment, id: string) =>
  (await env.context()).db.user.findUniqueOrThrow({ where: { id } })

describe.concurrent("changing the user's own password", () => {
  test('ends the other sessions and keeps the present one', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: OLD })
    const [mine, other] = [(await logIn(env, user.email, OLD)).body, (await logIn(env, user.email, OLD)).body]
    expect(await env.withToken(mine.accessToken)('POST', change, { password: OLD, newPassword: NEW })).toMatchObject({
      status: 201,
      body: null,
    })
    expect((await refresh(env, mine.refreshToken)).status).toBe(201)
    expect((await refresh(env, other.refreshToken)).status).toBe(401)
    expect((await logIn(env, user.email, OLD)).status).toBe(401)
    expect((await logIn(env, user.email, NEW)).status).toBe(200)
  })

  test('requires the current one, and applies policy and history', async () => {
    const env = await newEnvironment(),
      user = await env.user({ password: OLD }),
      without = await env.user()
    await env.vendor('POST', `${settings}/password-history-policy`, { enabled: true, historySize: 2 })
    expect(await user('POST', change, { password: 'x', newPassword: NEW })).toMatchObject(wrong)
    expect(await without('POST', change, { password: 'x', newPassword: NEW })).toMatchObject(wrong)
    expect(await user('POST', change, { password: OLD, newPassword: 'x' })).toMatchObject({
      status: 400,
      body: { errors: ['The password must be at least 6 characters long.'] },
    })
    expect((await user('POST', change, { password: OLD, newPassword: OLD })).status).toBe(400)
    expect((await logIn(env, user.email, OLD)).status).toBe(200)
    expect((await user('POST', change, { password: OLD, newPassword: NEW })).status).toBe(201)
    expect((await user('POST', change, { password: NEW, newPassword: OLD })).status).toBe(400)
    expect((await user('POST', change, { password: NEW, newPassword: 'Third-henhouse-3' })).status).toBe(201)
    expect((await user('POST', change, { password: 'Third-henhouse-3', newPassword: OLD })).status).toBe(201)
  })

  test("applies the strictest rules of the user's accounts", async () => {
    const env = await newEnvironment(),
      user = await env.user({ password: OLD })
    await env.as(user.tenantId)('POST', `${settings}/password`, { minLength: 20 })
    expect((await user('POST', change, { password: OLD, newPassword: NEW })).status).toBe(400)
    expect((await user('POST', change, { password: OLD, newPassword: `${NEW}-and-more` })).status).toBe(201)
  })

  test('succeeds once for eight requests at once with one current password', async () => {
    const env = await newEnvironment(),
      user = await env.user({ password: OLD })
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, i) => user('POST', change, { password: OLD, newPassword: `${NEW}${i}` })),
    )
    expect(answers.map((a) => a.status).sort()).toEqual([201, ...Array(7).fill(400)])
    expect((await logIn(env, user.email, `${NEW}${answers.findIndex((a) => a.status === 201)}`)).status).toBe(200)
  })

  test('counts wrong ones like those at a login', async () => {
    const env = await newEnvironment(),
      user = await env.user({ password: OLD })
    await env.vendor('POST', `${settings}/lockout-policy`, { enabled: true, maxAttempts: 3 })
    for (let i = 0; i < 3; i++)
      expect(await user('POST', change, { password: 'x', newPassword: NEW })).toMatchObject(wrong)
    expect((await user('POST', change, { password: OLD, newPassword: NEW })).status).toBe(401)
    expect(await env.messages({ to: user.email })).toMatchObject([{ template: 'UnlockUser' }])
  })

  test('is open to management, which names the user; unknown ones are a 404', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: OLD }),
      foreign = await (await newEnvironment()).newUser({ password: OLD })
    expect((await env.vendor('POST', change, { password: OLD, newPassword: NEW })).status).toBe(403)
    for (const id of [foreign.id, UNKNOWN_ID])
      expect((await env.as(undefined, id)('POST', change, { password: OLD, newPassword: NEW })).status).toBe(404)
    expect((await env.as(undefined, user.id)('POST', change, { password: OLD, newPassword: NEW })).status).toBe(201)
    expect((await env.anonymous('POST', change, { password: OLD, newPassword: NEW })).status).toBe(401)
  })
})

describe.concurrent('asking whether a password is right', () => {
  const verify = (env: TestEnvironment, body: object) =>
    env.vendor('POST', '/identity/resources/vendor-only/users/v1/passwords/verify', body)

  test('says so, starts no session and counts nothing', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: OLD }),
      without = await env.newUser(),
      foreign = await (await newEnvironment()).newUser({ password: OLD })
    await env.vendor('POST', `${settings}/lockout-policy`, { enabled: true, maxAttempts: 1 })
    expect(await verify(env, { email: user.email.toUpperCase(), password: OLD })).toMatchObject({
      status: 200,
      body: { valid: true },
      cookies: [],
    })
    for (const body of [
      { email: user.email, password: NEW },
      { email: without.email, password: OLD },
      { email: foreign.email, password: OLD },
      { email: 'nobody', password: OLD },
    ]) {
      expect(await verify(env, body)).toMatchObject({ status: 200, body: { valid: false } })
    }
    expect(await row(env, user.id)).toMatchObject({ failedLogins: 0, isLocked: false, lastLogin: null })
    expect(await (await env.context()).db.session.count()).toBe(0)
  })
})

describe.concurrent('wrong passwords at login', () => {
  const attempts = (env: TestEnvironment, email: string, count: number, password = 'x') =>
    Promise.all(Array.from({ length: count }, () => logIn(env, email, password)))

  test('are counted exactly, also at once, and lock the user at the limit', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: OLD })
    await env.vendor('POST', `${settings}/lockout-policy`, { enabled: true, maxAttempts: 9 })
    expect((await attempts(env, user.email, 8)).every((a) => a.status === 401)).toBe(true)
    expect(await row(env, user.id)).toMatchObject({ failedLogins: 8, isLocked: false })
    expect((await attempts(env, user.email, 8)).filter((a) => a.status === 401)).toHaveLength(1)
    expect(await row(env, user.id)).toMatchObject({ failedLogins: 9, isLocked: true })
    expect(await env.messages({ to: user.email })).toMatchObject([{ template: 'UnlockUser' }])
    for (const password of [OLD, 'x'])
      expect(await logIn(env, user.email, password)).toMatchObject({
        status: 423,
        body: { errorCode: 'ER-01034' },
        cookies: [],
      })
  })

  test('are forgotten after a right one', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: OLD })
    await env.vendor('POST', `${settings}/lockout-policy`, { enabled: true, maxAttempts: 3 })
    for (let i = 0; i < 3; i++) {
      await attempts(env, user.email, 2)
      expect((await logIn(env, user.email, OLD)).status).toBe(200)
    }
    expect(await row(env, user.id)).toMatchObject({ failedLogins: 0, isLocked: false })
  })

  test('do nothing without a policy, and with one the mailed link lifts the lock', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: OLD })
    await attempts(env, user.email, 8)
    expect((await logIn(env, user.email, OLD)).status).toBe(200)
    await env.vendor('POST', `${settings}/lockout-policy`, { enabled: true, maxAttempts: 1 })
    await attempts(env, user.email, 1)
    const [mail] = await env.messages({ to: user.email, template: 'UnlockUser' })
    expect(
      (await env.anonymous('POST', `${users}/v3/me/unlock`, { token: new URL(mail!.link!).searchParams.get('token') }))
        .status,
    ).toBe(200)
    expect((await logIn(env, user.email, OLD)).status).toBe(200)
  })
})

describe.concurrent('a password that expires', () => {
  test('is announced in the answer before the end; after it, only a new one can be set', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: OLD })
    expect(
      (
        await env.vendor('POST', `${settings}/password-rotation`, {
          isActive: true,
          rotationPeriod: 30 * 1440,
          notificationPeriod: 1440,
        })
      ).status,
    ).toBe(200)
    expect((await logIn(env, user.email, OLD)).body).not.toHaveProperty('passwordExpiresIn')
    await env.clock.advance(29.5 * DAY)
    const near = await logIn(env, user.email, OLD)
    expect(near).toMatchObject({ status: 200, body: { accessToken: expect.any(String), notificationPeriod: 1440 } })
    expect(near.body.passwordExpiresIn).toBeGreaterThan(715)
    expect(near.body.passwordExpiresIn).toBeLessThanOrEqual(720)
    await env.clock.advance(DAY)
    const over = await logIn(env, user.email, OLD)
    expect(over).toMatchObject({ status: 200, cookies: [] })
    expect(over.body).toEqual({ mfaRequired: false, resetPasswordToken: expect.any(String), userId: user.id })
    const reset = { userId: over.body.userId, token: over.body.resetPasswordToken }
    expect(
      (await env.anonymous('POST', `${users}/v1/passwords/reset/verify`, { ...reset, password: NEW })).status,
    ).toBe(201)
    expect((await logIn(env, user.email, NEW)).body).toMatchObject({ accessToken: expect.any(String) })
  })
})

describe.concurrent('a breached password', () => {
  const LEAKED = 'Password123!'
  const block = (env: TestEnvironment) => env.vendor('POST', `${settings}/password`, { blockPwnedPasswords: true })

  test('gives nothing but a mail where the policy blocks it', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: LEAKED }),
      other = await env.newUser({ password: OLD })
    expect((await logIn(env, user.email, LEAKED)).body).toMatchObject({
      isBreachedPassword: false,
      accessToken: expect.any(String),
    })
    await block(env)
    const answer = await logIn(env, user.email, LEAKED)
    expect(answer).toMatchObject({ status: 200, cookies: [] })
    expect(answer.body).toEqual({
      mfaRequired: false,
      isBreachedPassword: true,
      userId: user.id,
      userEmail: user.email,
    })
    expect((await logIn(env, other.email, OLD)).body).toMatchObject({
      isBreachedPassword: false,
      accessToken: expect.any(String),
    })
    const [mail] = await env.messages({ to: user.email, template: 'PwnedPassword' })
    const { userId, token } = Object.fromEntries(new URL(mail!.link!).searchParams)
    expect(
      (await env.anonymous('POST', `${users}/v1/passwords/reset/verify`, { userId, token, password: LEAKED })).body
        .errors,
    ).toEqual(['Password has been breached'])
    expect(
      (await env.anonymous('POST', `${users}/v1/passwords/reset/verify`, { userId, token, password: NEW })).status,
    ).toBe(201)
    expect((await logIn(env, user.email, NEW)).body).toMatchObject({ accessToken: expect.any(String) })
  })

  test('gets all its users a mailed link at once, or those of one account', async () => {
    const env = await newEnvironment(),
      [here, there, fine, done] = [
        await env.newUser({ password: LEAKED }),
        await env.newUser({ password: LEAKED }),
        await env.newUser({ password: OLD }),
        await env.newUser({ password: LEAKED }),
      ]
    await block(env)
    for (const user of [here, there, fine, done]) await logIn(env, user.email, user.password!)
    const [link] = await env.messages({ to: done.email })
    expect(
      (
        await env.anonymous('POST', `${users}/v1/passwords/reset/verify`, {
          ...Object.fromEntries(new URL(link!.link!).searchParams),
          password: NEW,
        })
      ).status,
    ).toBe(201)
    const mailed = async () => {
      await env.clock.advance(1000)
      await env.runJobs()
      return (await env.messages({ template: 'ResetPassword' })).map((m) => m.recipient).sort()
    }
    const url = `${users}/v1/passwords/breached/reset/bulk`
    const admin = await env.user({ tenantId: here.tenantId, permissions: ['fe.secure.write.users'] })
    expect((await (await env.user({ tenantId: here.tenantId }))('POST', url)).status).toBe(403)
    await env.clock.advance(1000)
    expect((await admin('POST', url)).status).toBe(201)
    expect(await mailed()).toEqual([here.email])
    expect((await env.vendor('POST', url, {})).status).toBe(201)
    expect(await mailed()).toEqual([here.email, here.email, there.email].sort())
  })
})
