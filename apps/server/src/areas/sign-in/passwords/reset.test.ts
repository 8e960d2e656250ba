import { describe, expect, test } from 'vitest'
import { newEnvironment, unique, UNKNOWN_ID, type Answer, type TestEnvironment } from '../../../../test/environment.ts'
import { withApp } from '../../../../test/second-factors.ts'

const users = '/identity/resources/users',
  login = '/identity/resources/auth/v1/user',
  settings = '/identity/resources/configurations/v1'
const OLD = 'Old-henhouse-1',
  NEW = 'New-henhouse-2'
const MINUTE = 60_000,
  HOUR = 60 * MINUTE,
  DAY = 24 * HOUR
const invalid = { status: 400, body: { errors: ['Invalid token'] } }

const request = (env: TestEnvironment, email: string) => env.anonymous('POST', `${users}/v1/passwords/reset`, { email })
const verify = (env: TestEnvironment, body: object) => env.anonymous('POST', `${users}/v1/passwords/reset/verify`, body)
const validate = (env: TestEnvironment, body: object) =>
  env.anonymous('POST', `${users}/v1/passwords/reset/validate`, body)
const logIn = (env: TestEnvironment, email: string, password: string) =>
  env.anonymous('POST', login, { email, password })
const fromLink = (link: string | null) =>
  Object.fromEntries(new URL(link!).searchParams) as { userId: string; token: string }
const latest = async (env: TestEnvironment, to: string) =>
  (await env.messages({ to, template: 'ResetPassword' })).at(-1)!
const change = async (env: TestEnvironment, id: string, data: object) =>
  (await env.context()).db.user.update({ where: { id }, data })
const statuses = (answers: Answer[]) => answers.map((a) => a.status).sort()

async function asked(env: TestEnvironment, who: Parameters<TestEnvironment['newUser']>[0] = {}) {
  const user = await env.newUser({ password: OLD, ...who })
  expect(await request(env, user.email)).toMatchObject({ status: 201, body: null })
  return { user, ...fromLink((await latest(env, user.email)).link) }
}

describe.concurrent('a forgotten password', () => {
  test("is replaced with the token of the mail's link, which ends all sessions", async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: OLD })
    const session = (await logIn(env, user.email, OLD)).body
    expect((await request(env, ` ${user.email.toUpperCase()} `)).status).toBe(201)
    const mail = await latest(env, user.email)
    expect(mail).toMatchObject({ channel: 'email', userId: user.id, tenantId: user.tenantId })
    expect(mail.link).toMatch(
      new RegExp(`^http://${env.name}\\.localhost:3100/account/reset-password\\?userId=${user.id}&token=[\\w-]{43}$`),
    )
    const token = fromLink(mail.link)
    expect(await validate(env, token)).toMatchObject({ status: 200, body: null })
    expect(await verify(env, { ...token, password: NEW })).toMatchObject({ status: 201, body: null, cookies: [] })
    expect((await logIn(env, user.email, OLD)).status).toBe(401)
    expect((await env.anonymous('POST', `${login}/token/refresh`, { refreshToken: session.refreshToken })).status).toBe(
      401,
    )
    expect((await logIn(env, user.email, NEW)).status).toBe(200)
  })

  test('a second factor stays: the new password alone lets nobody in', async () => {
    const env = await newEnvironment(),
      user = await withApp(env)
    await request(env, user.email)
    const link = fromLink((await latest(env, user.email)).link)
    expect((await verify(env, { ...link, password: NEW })).status).toBe(201)
    const { body, cookies } = await logIn(env, user.email, NEW)
    expect([body, cookies]).toMatchObject([{ mfaRequired: true, mfaEnrolled: true }, []])
    expect(body).not.toHaveProperty('accessToken')
  })

  test('the token works once, also when used eight times at once', async () => {
    const env = await newEnvironment(),
      { user, userId, token } = await asked(env)
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, i) => verify(env, { userId, token, password: `${NEW}${i}` })),
    )
    expect(statuses(answers)).toEqual([201, ...Array(7).fill(400)])
    const logins = await Promise.all(answers.map((_, i) => logIn(env, user.email, `${NEW}${i}`)))
    expect(logins.map((a) => a.status)).toEqual(answers.map((a) => (a.status === 201 ? 200 : 401)))
    expect((await validate(env, { userId, token })).status).toBe(410)
    expect(await verify(env, { userId, token, password: OLD })).toMatchObject(invalid)
  })

  test('the token works for a day', async () => {
    const env = await newEnvironment(),
      early = await asked(env),
      late = await asked(env)
    await env.clock.advance(DAY - MINUTE)
    expect((await verify(env, { ...early, password: NEW })).status).toBe(201)
    await env.clock.advance(2 * MINUTE)
    expect(await validate(env, late)).toMatchObject({ status: 410, body: { errors: ['Token has expired'] } })
    expect(await verify(env, { ...late, password: NEW })).toMatchObject(invalid)
  })

  test("only the token's hash is stored", async () => {
    const env = await newEnvironment(),
      { userId, token } = await asked(env)
    expect(JSON.stringify(await (await env.context()).db.challenge.findMany({ where: { userId } }))).not.toContain(
      token,
    )
  })

  test('a new token replaces the old one, also when many are made at once', async () => {
    const env = await newEnvironment(),
      first = await asked(env)
    await Promise.all(Array.from({ length: 8 }, () => request(env, first.user.email)))
    const mails = await env.messages({ to: first.user.email, template: 'ResetPassword' })
    const answers = await Promise.all(mails.map((mail) => validate(env, fromLink(mail.link))))
    expect(statuses(answers)).toEqual([200, ...Array(8).fill(400)])
    expect(await verify(env, { ...first, password: NEW })).toMatchObject(invalid)
  })

  test('a token of another user or environment, or none, does nothing', async () => {
    const [env, foreign] = [await newEnvironment(), await newEnvironment()]
    const one = await asked(env),
      other = await asked(env)
    for (const wrong of [
      { userId: one.userId, token: other.token },
      { userId: one.userId, token: 'x' },
      { userId: UNKNOWN_ID, token: one.token },
      { userId: 'x', token: one.token },
    ]) {
      expect(await verify(env, { ...wrong, password: NEW })).toMatchObject(invalid)
      expect(await validate(env, wrong)).toMatchObject(invalid)
    }
    expect(await verify(foreign, { ...one, password: NEW })).toMatchObject(invalid)
    expect((await logIn(env, one.user.email, OLD)).status).toBe(200)
    expect((await verify(env, { ...one, password: NEW })).status).toBe(201)
  })

  test('the token dies when the password changes in another way, and when the user is locked by management, disabled everywhere or deleted', async () => {
    const env = await newEnvironment()
    const [changed, locked, disabled, deleted] = [
      await asked(env),
      await asked(env),
      await asked(env),
      await asked(env),
    ]
    await env.clock.advance(MINUTE)
    expect(
      (
        await env.as(undefined, changed.userId)('POST', `${users}/v1/passwords/change`, {
          password: OLD,
          newPassword: NEW,
        })
      ).status,
    ).toBe(201)
    for (const action of ['lock', 'unlock'])
      expect((await env.vendor('POST', `${users}/v1/${locked.userId}/${action}`)).status).toBeLessThan(300)
    await (
      await env.context()
    ).db.membership.updateMany({ where: { userId: disabled.userId }, data: { isDisabled: true } })
    expect((await env.vendor('DELETE', `${users}/v1/${deleted.userId}`)).status).toBe(200)
    for (const token of [changed, locked, disabled, deleted]) {
      expect(await validate(env, token)).toMatchObject(invalid)
      expect(await verify(env, { ...token, password: 'Third-henhouse-3' })).toMatchObject(invalid)
    }
    // and a user whom no tenant lets in is mailed no other
    expect((await request(env, disabled.user.email)).status).toBe(201)
    expect(await env.messages({ to: disabled.user.email })).toHaveLength(1)
  })

  test('the token verifies the address that it was mailed to, and lifts no lock', async () => {
    const env = await newEnvironment(),
      fresh = await asked(env, { verified: false }),
      locked = await asked(env)
    await change(env, locked.userId, { isLocked: true, lockedAt: new Date() })
    for (const token of [fresh, locked]) expect((await verify(env, { ...token, password: NEW })).status).toBe(201)
    expect(await logIn(env, fresh.user.email, NEW)).toMatchObject({ status: 200, body: { emailVerified: true } })
    expect((await logIn(env, locked.user.email, NEW)).status).toBe(423)
  })

  test('the token verifies no other address', async () => {
    const env = await newEnvironment(),
      moved = await asked(env, { verified: false }),
      email = `${unique('moved')}@example.com`
    await change(env, moved.userId, { email })
    expect((await verify(env, { ...moved, password: NEW })).status).toBe(201)
    expect((await logIn(env, email, NEW)).status).toBe(401)
  })

  test('policy and history apply to the new one, and a refusal does not use the token up', async () => {
    const env = await newEnvironment(),
      { user, userId, token } = await asked(env)
    expect(
      (await env.vendor('POST', `${settings}/password-history-policy`, { enabled: true, historySize: 2 })).status,
    ).toBe(201)
    expect(await verify(env, { userId, token, password: 'x' })).toMatchObject({
      status: 400,
      body: { errors: ['The password must be at least 6 characters long.'] },
    })
    expect(await verify(env, { userId, token, password: OLD })).toMatchObject({
      status: 400,
      body: { errors: ['The new password must differ from the last 2 passwords'] },
    })
    expect((await verify(env, { userId, token, password: NEW })).status).toBe(201)
    await request(env, user.email)
    expect((await verify(env, { ...fromLink((await latest(env, user.email)).link), password: OLD })).status).toBe(400)
  })

  test('no answer reveals who has an account', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: OLD }),
      elsewhere = await env.newUser({ password: OLD })
    await change(env, elsewhere.id, { provider: 'google' })
    for (const email of [user.email, elsewhere.email, 'nobody@example.com']) {
      expect(await request(env, email)).toMatchObject({ status: 201, body: null })
      expect(
        await env.anonymous('POST', `${users}/v2/passwords/reset/email`, {
          identifier: email,
          identifierType: 'email',
        }),
      ).toMatchObject({ status: 200, body: { sessionId: expect.any(String) } })
    }
    expect((await env.messages()).map((m) => m.recipient)).toEqual([user.email, user.email])
  })

  test('is reported by any identifier, with data for the mail', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: OLD }),
      username = unique('joe')
    await change(env, user.id, { username })
    const ask = (body: object) => env.anonymous('POST', `${users}/v1/passwords/reset`, body)
    expect((await ask({ identifier: user.email, identifierType: 'email' })).status).toBe(201)
    expect(
      (await ask({ identifier: username, identifierType: 'username', emailMetadata: { a: { b: 1 } } })).status,
    ).toBe(201)
    expect((await env.messages({ to: user.email })).length).toBe(2)
    expect(await ask({})).toMatchObject({ status: 400, body: { errors: ['email should not be empty'] } })
    expect((await ask({ identifier: user.email, identifierType: 'fax' })).status).toBe(400)
    expect((await env.anonymous('POST', `${users}/v2/passwords/reset/email`, { email: user.email })).status).toBe(400)
  })

  test('cannot be replaced where there are no passwords', async () => {
    const env = await newEnvironment(),
      user = await env.newUser()
    await env.vendor('POST', settings, { authStrategy: 'MagicLink' })
    for (const email of [user.email, 'nobody@example.com'])
      expect(await request(env, email)).toMatchObject({ status: 400, body: { errorCode: 'ER-01012' } })
    expect(await env.messages()).toEqual([])
  })
})

describe.concurrent('a forgotten password, by text message', () => {
  const ask = (env: TestEnvironment, identifier: string, identifierType = 'phoneNumber') =>
    env.anonymous('POST', `${users}/v2/passwords/reset/sms`, { identifier, identifierType })
  const enter = (env: TestEnvironment, sessionId: string, otcToken: string) =>
    env.anonymous('POST', `${users}/v2/passwords/reset/sms/verify`, { sessionId, otcToken })
  const wrongTo = (code: string) => (code === '000000' ? '111111' : '000000')

  async function withPhone(env: TestEnvironment, { verified = true } = {}) {
    const user = await env.newUser({ password: OLD, verified: false }),
      phoneNumber = `+1555${String(Math.trunc(performance.now() * 1e4))
        .padStart(7, '0')
        .slice(-7)}`
    await change(env, user.id, { phoneNumber })
    await (await env.context()).db.phoneNumber.updateMany({ where: { userId: user.id }, data: { verified } })
    return { ...user, phoneNumber }
  }
  const codeOf = async (env: TestEnvironment, to: string) => (await env.messages({ to })).at(-1)!.code!

  test('a code is exchanged for the token, once', async () => {
    const env = await newEnvironment(),
      user = await withPhone(env)
    for (const [identifier, type] of [
      [user.phoneNumber, 'phoneNumber'],
      [user.email, 'email'],
    ] as const) {
      const {
        status,
        body: { sessionId },
      } = await ask(env, identifier, type)
      expect(status).toBe(200)
      const code = await codeOf(env, user.phoneNumber)
      expect(code).toMatch(/^\d{6}$/)
      const answers = await Promise.all(Array.from({ length: 8 }, () => enter(env, sessionId, code)))
      expect(statuses(answers)).toEqual([200, ...Array(7).fill(400)])
      const { body } = answers.find((a) => a.status === 200)!
      expect(body).toEqual({ userId: user.id, token: expect.any(String) })
      expect((await verify(env, { ...body, password: type === 'email' ? NEW : `${NEW}!` })).status).toBe(201)
    }
    // the phone does not verify the address
    expect((await logIn(env, user.email, NEW)).status).toBe(401)
    expect(await (await env.context()).db.user.findUnique({ where: { id: user.id } })).toMatchObject({
      verified: false,
    })
  })

  test('wrong codes count exactly, also at once, and then the right one is refused', async () => {
    const env = await newEnvironment(),
      user = await withPhone(env)
    const {
        body: { sessionId },
      } = await ask(env, user.phoneNumber),
      code = await codeOf(env, user.phoneNumber)
    const wrong = await Promise.all(Array.from({ length: 5 }, () => enter(env, sessionId, wrongTo(code))))
    expect(wrong.map((a) => a.body.errorCode)).toEqual(Array(5).fill('ER-01011'))
    expect(await enter(env, sessionId, code)).toMatchObject({ status: 400, body: { errorCode: 'ER-01017' } })
  })

  test('the code works for ten minutes', async () => {
    const env = await newEnvironment(),
      user = await withPhone(env)
    const {
        body: { sessionId },
      } = await ask(env, user.phoneNumber),
      code = await codeOf(env, user.phoneNumber)
    await env.clock.advance(11 * MINUTE)
    expect(await enter(env, sessionId, code)).toMatchObject({ status: 400, body: { errorCode: 'ER-01017' } })
    expect((await enter(env, 'x', code)).status).toBe(401)
  })

  test('an unknown or unverified number, or a user without one, gets the same answers to the end', async () => {
    const env = await newEnvironment(),
      unverified = await withPhone(env, { verified: false }),
      without = await env.newUser()
    for (const [identifier, type] of [
      ['+15550000000', 'phoneNumber'],
      [unverified.phoneNumber, 'phoneNumber'],
      [unverified.email, 'email'],
      [without.email, 'email'],
    ] as const) {
      const { status, body } = await ask(env, identifier, type)
      expect([status, Object.keys(body)]).toEqual([200, ['sessionId']])
      for (let i = 0; i < 5; i++) expect((await enter(env, body.sessionId, 'abcdef')).status).toBe(401)
      expect((await enter(env, body.sessionId, 'abcdef')).status).toBe(400)
    }
    expect(await env.messages()).toEqual([])
  })
})

describe.concurrent('a link from management', () => {
  const generate = (env: TestEnvironment, id: string) =>
    env.vendor('POST', `${users}/v1/${id}/links/generate-password-reset-token`)

  test('sets a password without a mail, and replaces the link before', async () => {
    const env = await newEnvironment(),
      user = await env.newUser()
    const first = await generate(env, user.id),
      second = await generate(env, user.id)
    expect(second).toMatchObject({ status: 201, body: { userId: user.id, token: expect.any(String) } })
    expect(fromLink(second.body.link)).toEqual({ userId: user.id, token: second.body.token })
    expect(await env.messages()).toEqual([])
    expect(await validate(env, fromLink(first.body.link))).toMatchObject(invalid)
    expect((await verify(env, { userId: user.id, token: second.body.token, password: NEW })).status).toBe(201)
    expect((await logIn(env, user.email, NEW)).status).toBe(200)
  })

  test("is for this environment's users, and for management", async () => {
    const env = await newEnvironment(),
      foreign = await (await newEnvironment()).newUser(),
      user = await env.user()
    for (const id of [foreign.id, UNKNOWN_ID, 'x']) expect((await generate(env, id)).status).toBe(404)
    expect((await user('POST', `${users}/v1/${user.id}/links/generate-password-reset-token`)).status).toBe(401)
  })
})
