import { describe, expect, test } from 'vitest'
import { newEnvironment, unique, UNKNOWN_ID, type Answer, type TestEnvironment } from '../../../../test/environment.ts'
import { hearing } from '../../../../test/hearing.ts'

const path = '/identity/resources/auth/v1/passwordless',
  settings = '/identity/resources/configurations/v1'
const MINUTE = 60_000

type Method = 'magiclink' | 'code' | 'smscode'
const STRATEGIES = { magiclink: 'MagicLink', code: 'Code', smscode: 'SmsCode' }

async function environment(method: Method, configuration: object = {}) {
  const env = await newEnvironment()
  expect((await env.vendor('POST', settings, { authStrategy: STRATEGIES[method], ...configuration })).status).toBe(201)
  return env
}

let phones = 0
async function withPhone(env: TestEnvironment, who: { verified?: boolean } = {}) {
  const user = await env.newUser(who),
    phoneNumber = `+1555${String(1_000_000 + ++phones)}`
  expect((await env.vendor('PUT', `/identity/resources/users/v1/${user.id}`, { phoneNumber })).status).toBe(200)
  return { ...user, phoneNumber }
}

/** A browser with its own cookies and IP address. */
function browser(env: TestEnvironment, ip = '192.0.2.1') {
  const call = env.client({ 'x-forwarded-for': ip })
  let cookies: Record<string, string> = {}
  const prelogin = async (method: Method, body: object) => {
    const answer = await call('POST', `${path}/${method}/prelogin`, body)
    cookies = { ...cookies, ...Object.fromEntries(answer.cookies.map((c) => [c.name, c.value])) }
    return answer
  }
  const postlogin = (method: Method, token: string, more: object = {}) =>
    call('POST', `${path}/${method}/postlogin`, { token, ...more }, { cookies })
  return {
    prelogin,
    postlogin,
    cookieless: (method: Method, token: string) => call('POST', `${path}/${method}/postlogin`, { token }),
  }
}
const last = async (env: TestEnvironment, to: string) => (await env.messages({ to })).at(-1)!
const tokenOf = async (env: TestEnvironment, to: string) =>
  new URL((await last(env, to)).link!).searchParams.get('token')!
const codeOf = async (env: TestEnvironment, to: string) => (await last(env, to)).code!
const wrongTo = (code: string) => String((Number(code) + 1) % 1e6).padStart(6, '0')
const user = async (env: TestEnvironment, id: string) =>
  (await env.context()).db.user.findUniqueOrThrow({ where: { id } })
const statuses = (answers: Answer[]) => answers.map((a) => a.status).sort()
const wrongCode = { status: 401, body: { errors: ['Invalid code'], errorCode: 'ER-01011' }, cookies: [] }
const overCode = { status: 400, body: { errors: ['Code has expired'], errorCode: 'ER-01017' } }

describe.concurrent('a magic link', () => {
  test('logs in, on any device, and verifies the address', async () => {
    const env = await environment('magiclink'),
      { id, email, tenantId } = await env.newUser({ verified: false })
    expect(await browser(env).prelogin('magiclink', { email: ` ${email.toUpperCase()} ` })).toMatchObject({
      status: 200,
      body: null,
    })
    const mail = await last(env, email)
    expect(mail).toMatchObject({ template: 'MagicLink', userId: id, tenantId })
    expect(mail.link).toMatch(
      new RegExp(`^http://${env.name}\\.localhost:3100/account/login/magic-link\\?token=[\\w-]{43}$`),
    )
    const token = await tokenOf(env, email)
    expect(JSON.stringify(await (await env.context()).db.challenge.findMany())).not.toContain(token)
    const answer = await browser(env, '198.51.100.1').postlogin('magiclink', token)
    expect(answer).toMatchObject({
      status: 201,
      body: { accessToken: expect.any(String), mfaRequired: false, userId: id, userEmail: email, emailVerified: true },
      cookies: [{ name: `fe_refresh_${env.id.replace('-', '')}` }],
    })
    expect(await user(env, id)).toMatchObject({ verified: true })
  })

  test('works once, also of eight times at once', async () => {
    const env = await environment('magiclink'),
      { email } = await env.newUser(),
      me = browser(env)
    await me.prelogin('magiclink', { email })
    const token = await tokenOf(env, email)
    expect(statuses(await Promise.all(Array.from({ length: 8 }, () => me.postlogin('magiclink', token))))).toEqual([
      201,
      ...Array(7).fill(400),
    ])
    expect(await me.postlogin('magiclink', token)).toMatchObject({
      status: 400,
      body: { errors: ['Magic link has expired'], errorCode: 'ER-01014' },
      cookies: [],
    })
    expect(await (await env.context()).db.session.count()).toBe(1)
  })

  test('works for the configured time, and until the next one', async () => {
    const env = await environment('magiclink', { defaultPasswordlessTokenExpiration: 60 }),
      { email } = await env.newUser(),
      me = browser(env)
    await me.prelogin('magiclink', { email })
    const first = await tokenOf(env, email)
    await me.prelogin('magiclink', { email })
    expect(await me.postlogin('magiclink', first)).toMatchObject({
      status: 400,
      body: { errors: ['Magic link not found'], errorCode: 'ER-01015' },
    })
    await env.clock.advance(MINUTE + 1000)
    expect(await me.postlogin('magiclink', await tokenOf(env, email))).toMatchObject({
      status: 400,
      body: { errorCode: 'ER-01014' },
    })
    expect(await me.postlogin('magiclink', 'x')).toMatchObject({ status: 400, body: { errorCode: 'ER-01015' } })
  })

  test('can be bound to the browser that asked for it; another browser does not use it up', async () => {
    const env = await environment('magiclink', { forceSameDeviceOnAuth: true }),
      { email } = await env.newUser(),
      [mine, other] = [browser(env), browser(env)]
    await other.prelogin('magiclink', { email: 'nobody@example.com' })
    await mine.prelogin('magiclink', { email })
    const token = await tokenOf(env, email)
    for (const answer of [await other.postlogin('magiclink', token), await mine.cookieless('magiclink', token)]) {
      expect(answer).toMatchObject({
        status: 400,
        body: {
          errors: ['Unknown device - a Magic Link can only be used from the same device it was requested'],
          errorCode: 'ER-01016',
        },
        cookies: [],
      })
    }
    expect((await mine.postlogin('magiclink', token)).status).toBe(201)
  })

  test('works in one environment', async () => {
    const [env, other] = [await environment('magiclink'), await environment('magiclink')],
      { email } = await env.newUser()
    await browser(env).prelogin('magiclink', { email })
    expect(await browser(other).postlogin('magiclink', await tokenOf(env, email))).toMatchObject({
      status: 400,
      body: { errorCode: 'ER-01015' },
    })
    await browser(other).prelogin('magiclink', { email })
    expect(await other.messages()).toEqual([])
  })

  test('leads into the tenant of an invitation, also when another browser uses it', async () => {
    const env = await environment('magiclink'),
      member = await env.newUser(),
      { id, email } = await env.newUser()
    const invite = await env.as(member.tenantId, member.id)('POST', '/identity/resources/tenants/invites/v1/user', {
      expiresInMinutes: 60,
      shouldSendEmail: false,
    })
    expect(invite).toMatchObject({ status: 201, body: { token: expect.any(String) } })
    const invitationToken = invite.body.token
    await browser(env).prelogin('magiclink', { email, invitationToken })
    expect((await browser(env).postlogin('magiclink', await tokenOf(env, email))).status).toBe(201)
    expect(await user(env, id)).toMatchObject({ activeTenantId: member.tenantId })
  })
})

describe.concurrent('a code by mail', () => {
  test.each<[string, (code: string) => string]>([
    ['a blank in the middle', (code) => `${code.slice(0, 3)} ${code.slice(3)}`],
    ['a dash in the middle', (code) => `${code.slice(0, 3)}–${code.slice(3)}`],
    ['a line break behind it', (code) => `${code}\r\n`],
    ['digits of full width', (code) => code.replace(/\d/g, (digit) => String.fromCharCode(0xff10 + Number(digit)))],
  ])('is taken as people paste it: with %s', async (_, paste) => {
    const env = await environment('code'),
      { email } = await env.newUser(),
      me = browser(env)
    await me.prelogin('code', { email })
    expect((await me.postlogin('code', paste(await codeOf(env, email)))).status).toBe(201)
  })

  test('logs in, and verifies the address', async () => {
    const env = await environment('code'),
      { id, email } = await env.newUser({ verified: false }),
      me = browser(env)
    expect(await me.prelogin('code', { email })).toMatchObject({
      status: 201,
      body: null,
      cookies: [{ httpOnly: true, path: '/', maxAge: 300 }],
    })
    expect(await last(env, email)).toMatchObject({
      template: 'OTC',
      code: expect.stringMatching(/^\d{6}$/),
      link: null,
    })
    expect(await me.postlogin('code', ` ${await codeOf(env, email)} `)).toMatchObject({
      status: 201,
      body: { accessToken: expect.any(String), userId: id, emailVerified: true },
    })
  })

  test('works once, also of eight times at once', async () => {
    const env = await environment('code'),
      { email } = await env.newUser(),
      me = browser(env)
    await me.prelogin('code', { email })
    const code = await codeOf(env, email)
    expect(statuses(await Promise.all(Array.from({ length: 8 }, () => me.postlogin('code', code))))).toEqual([
      201,
      ...Array(7).fill(400),
    ])
    expect(await (await env.context()).db.session.count()).toBe(1)
  })

  test('wrong ones count exactly, also at once, and then the right one is refused', async () => {
    const env = await environment('code'),
      { email } = await env.newUser(),
      me = browser(env)
    await me.prelogin('code', { email })
    const code = await codeOf(env, email)
    const answers = await Promise.all(Array.from({ length: 5 }, () => me.postlogin('code', wrongTo(code))))
    for (const answer of answers) expect(answer).toMatchObject(wrongCode)
    expect(await me.postlogin('code', code)).toMatchObject(overCode)
    // four do not end it
    await me.prelogin('code', { email })
    const next = await codeOf(env, email)
    await Promise.all(Array.from({ length: 4 }, () => me.postlogin('code', wrongTo(next))))
    expect((await me.postlogin('code', next)).status).toBe(201)
  })

  test('for an unknown user is requested and refused like any other', async () => {
    const env = await environment('code'),
      { email } = await env.newUser()
    for (const body of [
      { email },
      { email: 'nobody@example.com' },
      { username: 'nobody' },
      { userId: UNKNOWN_ID },
      { userId: 'x' },
    ]) {
      const me = browser(env, unique('ip'))
      const { status, body: answer, cookies } = await me.prelogin('code', body)
      expect([status, answer, cookies.map((c) => c.name)]).toEqual([
        201,
        null,
        [`fe_passwordless_${env.id.replaceAll('-', '')}`],
      ])
      for (let i = 0; i < 5; i++) expect(await me.postlogin('code', 'abcdef')).toMatchObject(wrongCode)
      expect(await me.postlogin('code', 'abcdef')).toMatchObject(overCode)
    }
    expect(await env.messages()).toMatchObject([{ recipient: email }])
  })

  test('expires', async () => {
    const env = await environment('code'),
      { email } = await env.newUser(),
      me = browser(env)
    await env.clock.freeze()
    await me.prelogin('code', { email })
    await env.clock.advance(5 * MINUTE)
    expect(await me.postlogin('code', await codeOf(env, email))).toMatchObject(overCode)
    await me.prelogin('code', { email })
    await env.clock.advance(5 * MINUTE - 1)
    expect((await me.postlogin('code', await codeOf(env, email))).status).toBe(201)
  })

  test("of another browser's attempt is wrong; without a cookie the IP address must be the same", async () => {
    const env = await environment('code'),
      [one, two] = [await env.newUser(), await env.newUser()],
      [mine, yours] = [browser(env, '192.0.2.7'), browser(env, '192.0.2.8')]
    await mine.prelogin('code', { email: one.email })
    await yours.prelogin('code', { email: two.email })
    const code = await codeOf(env, one.email)
    expect(await yours.postlogin('code', code)).toMatchObject(wrongCode)
    expect(await yours.cookieless('code', code)).toMatchObject(wrongCode)
    expect(await mine.cookieless('code', code)).toMatchObject({ status: 201, body: { userId: one.id } })
  })

  test('without a cookie is refused when two attempts are possible, or when the device must be the same', async () => {
    const env = await environment('code'),
      [one, two] = [await env.newUser(), await env.newUser()],
      [mine, yours] = [browser(env), browser(env)]
    await mine.prelogin('code', { email: one.email })
    await yours.prelogin('code', { email: two.email })
    const code = await codeOf(env, one.email),
      { db } = await env.context()
    const { secretHash } = await db.challenge.findFirstOrThrow({ where: { userId: one.id } })
    await db.challenge.updateMany({ where: { userId: two.id }, data: { secretHash } })
    expect(await mine.cookieless('code', code)).toMatchObject(wrongCode)
    await env.vendor('POST', settings, { forceSameDeviceOnAuth: true })
    expect(await mine.cookieless('code', code)).toMatchObject({ status: 400, body: { errorCode: 'ER-01016' } })
    expect(await mine.postlogin('code', code)).toMatchObject({ status: 201, body: { userId: one.id } })
    expect(await yours.postlogin('code', code)).toMatchObject({ status: 201, body: { userId: two.id } })
  })

  test('can be guessed ten times from an IP address without a cookie, also at once, and again later', async () => {
    const env = await environment('code'),
      { email } = await env.newUser(),
      me = browser(env, '192.0.2.9')
    await env.clock.freeze(new Date('2027-01-01T00:01:00Z'))
    const tries = await Promise.all(Array.from({ length: 14 }, () => me.cookieless('code', 'abcdef')))
    expect(statuses(tries)).toEqual([...Array(10).fill(401), ...Array(4).fill(429)])
    await me.prelogin('code', { email })
    const code = await codeOf(env, email)
    expect(await me.cookieless('code', code)).toMatchObject({ status: 429, body: { errors: ['Too many requests'] } })
    // other addresses, and browsers with a cookie, may go on
    expect((await browser(env, '192.0.2.10').cookieless('code', 'abcdef')).status).toBe(401)
    expect((await me.postlogin('code', code)).status).toBe(201)
    await env.clock.freeze(new Date('2027-01-01T00:15:00Z'))
    expect((await me.cookieless('code', 'abcdef')).status).toBe(401)
  })

  test('that is right does not count as a guess: any number of people may log in from one IP address', async () => {
    const env = await environment('code'),
      { email } = await env.newUser(),
      me = browser(env, '192.0.2.11')
    await env.clock.freeze(new Date('2027-01-01T00:01:00Z'))
    const logIn = async () => {
      await me.prelogin('code', { email })
      return (await me.cookieless('code', await codeOf(env, email))).status
    }
    for (let count = 0; count < 11; count++) expect(await logIn()).toBe(201)
    for (let count = 0; count < 10; count++) await me.cookieless('code', 'abcdef')
    expect(await logIn()).toBe(429)
  })
})

describe.concurrent('a code by text message', () => {
  test("logs in, and the answer shows the number's last digits", async () => {
    const env = await environment('smscode'),
      { id, email, phoneNumber } = await withPhone(env),
      me = browser(env)
    for (const body of [{ email }, { phoneNumber }, { userId: id }]) {
      expect(await me.prelogin('smscode', body)).toMatchObject({
        status: 201,
        body: { phoneNumber: `+1*******${phoneNumber.slice(-3)}` },
      })
      expect(await last(env, phoneNumber)).toMatchObject({ channel: 'sms', template: 'SignIn', userId: id })
      expect(await me.postlogin('smscode', await codeOf(env, phoneNumber))).toMatchObject({
        status: 201,
        body: { userId: id, accessToken: expect.any(String) },
      })
    }
  })

  test('is refused for an unknown user and for one without a phone; an unknown number is answered like any other', async () => {
    const env = await environment('smscode'),
      { email } = await env.newUser(),
      me = browser(env)
    for (const body of [{ email }, { email: 'nobody@example.com' }])
      expect(await me.prelogin('smscode', body)).toMatchObject({
        status: 400,
        body: { errors: ['User does not have a phone number'] },
        cookies: [],
      })
    expect(await me.prelogin('smscode', { phoneNumber: '+15559999999' })).toMatchObject({
      status: 201,
      body: { phoneNumber: '+1*******999' },
    })
    expect(await env.messages()).toEqual([])
    for (let i = 0; i < 5; i++) expect(await me.postlogin('smscode', 'abcdef')).toMatchObject(wrongCode)
    expect(await me.postlogin('smscode', 'abcdef')).toMatchObject(overCode)
  })

  test('works once, also of eight times at once, and wrong ones count', async () => {
    const env = await environment('smscode'),
      { email, phoneNumber } = await withPhone(env),
      me = browser(env)
    await me.prelogin('smscode', { email })
    const code = await codeOf(env, phoneNumber)
    expect(statuses(await Promise.all(Array.from({ length: 8 }, () => me.postlogin('smscode', code))))).toEqual([
      201,
      ...Array(7).fill(400),
    ])
    await me.prelogin('smscode', { email })
    const next = await codeOf(env, phoneNumber)
    await Promise.all(Array.from({ length: 5 }, () => me.postlogin('smscode', wrongTo(next))))
    expect(await me.postlogin('smscode', next)).toMatchObject(overCode)
  })

  test('does not verify the e-mail address', async () => {
    const env = await environment('smscode'),
      { id, email, phoneNumber } = await withPhone(env, { verified: false }),
      me = browser(env)
    await me.prelogin('smscode', { phoneNumber })
    expect(await me.postlogin('smscode', await codeOf(env, phoneNumber))).toMatchObject({
      status: 401,
      body: { errorCode: 'ER-01060' },
      cookies: [{ value: '' }],
    })
    expect(await last(env, email)).toMatchObject({ template: 'ActivateUser' })
    expect(await user(env, id)).toMatchObject({ verified: false })
  })
})

describe.concurrent('logging in without a password', () => {
  test.each([
    ['magiclink', 'Code'],
    ['magiclink', 'EmailAndPassword'],
    ['code', 'MagicLink'],
    ['smscode', 'Code'],
  ] as const)('by %s is refused where the way is %s', async (method, authStrategy) => {
    const env = await environment(method, { authStrategy }),
      { email } = await env.newUser(),
      me = browser(env)
    for (const answer of [
      await me.prelogin(method, { email }),
      await me.prelogin(method, { email: 'nobody@example.com' }),
      await me.postlogin(method, '123456'),
    ]) {
      expect(answer).toMatchObject({
        status: 400,
        body: { errors: ['Invalid authentication type'], errorCode: 'ER-01012' },
      })
    }
    expect(await env.messages()).toEqual([])
  })

  test.each([
    ['magiclink', 'UsernameAndMagicLink'],
    ['code', 'UsernameAndCode'],
    ['smscode', 'UsernameAndSms'],
  ] as const)('by %s also goes by user name (%s)', async (method, authStrategy) => {
    const env = await environment(method, { authStrategy }),
      { id, email, phoneNumber } = await withPhone(env),
      me = browser(env),
      username = unique('joe')
    await (await env.context()).db.user.update({ where: { id }, data: { username } })
    expect((await me.prelogin(method, { username })).status).toBe(method === 'magiclink' ? 200 : 201)
    const token =
      method === 'magiclink' ? await tokenOf(env, email) : await codeOf(env, method === 'code' ? email : phoneNumber)
    expect((await me.postlogin(method, token)).status).toBe(201)
  })

  test('requires a user, and a link or code', async () => {
    const env = await environment('code'),
      me = browser(env)
    for (const body of [{}, { email: ' ' }, { phoneNumber: '+15551234567' }])
      expect((await me.prelogin('code', body)).status).toBe(400)
    expect((await env.anonymous('POST', `${path}/code/postlogin`, {})).status).toBe(400)
  })

  test('reveals only with the right code that a user is locked, or disabled everywhere', async () => {
    const env = await environment('code'),
      [locked, disabled] = [await env.newUser(), await env.newUser()]
    await env.vendor('POST', `/identity/resources/users/v1/${locked.id}/lock`)
    await (await env.context()).db.membership.updateMany({ where: { userId: disabled.id }, data: { isDisabled: true } })
    for (const [{ email }, status] of [
      [locked, 423],
      [disabled, 403],
    ] as const) {
      const me = browser(env)
      await me.prelogin('code', { email })
      const code = await codeOf(env, email)
      expect(await me.postlogin('code', wrongTo(code))).toMatchObject(wrongCode)
      expect((await me.postlogin('code', code)).status).toBe(status)
    }
    expect(await (await env.context()).db.session.count()).toBe(0)
  })

  test('requires a captcha before anything is sent, where captchas are on, and none afterwards', async () => {
    const env = await environment('code'),
      { email } = await env.newUser(),
      me = browser(env)
    await env.vendor('POST', `${settings}/captcha-policy`, {
      enabled: true,
      siteKey: 'site',
      secretKey: 'secret',
      minScore: 0.5,
      ignoredEmails: [],
    })
    expect(await me.prelogin('code', { email })).toMatchObject({
      status: 400,
      body: { errors: ['Captcha is required'] },
    })
    expect((await me.prelogin('code', { email, recaptchaToken: 'score:0.9' })).status).toBe(201)
    expect(await env.messages()).toHaveLength(1)
    expect((await me.postlogin('code', await codeOf(env, email))).status).toBe(201)
  })

  test('still requires a second factor where it is forced', async () => {
    const env = await environment('code'),
      { email } = await env.newUser(),
      me = browser(env)
    expect((await env.vendor('POST', `${settings}/mfa-policy`, { enforceMFAType: 'Force' })).status).toBe(201)
    await me.prelogin('code', { email })
    const answer = await me.postlogin('code', await codeOf(env, email))
    expect(answer).toMatchObject({ status: 201, body: { mfaRequired: true, mfaToken: expect.any(String) } })
    expect(answer.body.accessToken ?? '').toBe('')
    expect(answer.cookies.filter((c) => c.name.startsWith('fe_refresh') && c.value)).toEqual([])
  })
})

describe.concurrent('a link or code that does not log in', () => {
  const FAILED = 'frontegg.user.failedAuthentication'
  const failures = async (env: TestEnvironment) =>
    (await env.context()).db.event.findMany({ where: { key: FAILED }, orderBy: { sequence: 'asc' } })

  test.for(['code', 'smscode'] as const)('is a failed login of the user (%s), and of nobody else', async (method) => {
    const env = await environment(method),
      { id, email, phoneNumber, tenantId } = await withPhone(env),
      told = await hearing(env, [FAILED]),
      me = browser(env, '203.0.113.7'),
      stranger = browser(env, '203.0.113.8')
    await me.prelogin(method, { email })
    const code = await codeOf(env, method === 'code' ? email : phoneNumber)
    expect(await me.postlogin(method, wrongTo(code))).toMatchObject(wrongCode)
    const line = { userId: id, tenantId, outcome: 'failure', severity: 'Medium', actorKind: 'anonymous' }
    expect(await failures(env)).toMatchObject([{ ...line, ip: '203.0.113.7' }])
    expect((await told()).map(({ user, eventContext }) => [user!.email, eventContext])).toEqual([
      [email, { tenantId, userId: id }],
    ])
    // whose code it might be is not known
    expect(await stranger.cookieless(method, wrongTo(code))).toMatchObject(wrongCode)
    await stranger.prelogin(
      method,
      method === 'code' ? { email: 'nobody@example.com' } : { phoneNumber: '+15550009999' },
    )
    expect(await stranger.postlogin(method, 'abcdef')).toMatchObject(wrongCode)
    expect(await failures(env)).toHaveLength(1)
    // used up
    expect((await me.postlogin(method, code)).status).toBe(201)
    expect(await me.postlogin(method, code)).toMatchObject(overCode)
    expect(await failures(env)).toMatchObject([line, line])
  })

  test('is one for each of many wrong ones at once, but not for those that are not looked at', async () => {
    const env = await environment('code'),
      { email } = await env.newUser(),
      me = browser(env)
    await me.prelogin('code', { email })
    const code = await codeOf(env, email)
    const answers = await Promise.all(Array.from({ length: 34 }, () => me.postlogin('code', wrongTo(code))))
    const compared = answers.filter(({ status }) => status !== 429)
    expect(compared).toHaveLength(30)
    expect(await failures(env)).toHaveLength(30)
  })

  test('does not lock the user: codes have limits of their own', async () => {
    const env = await environment('code'),
      { id, email } = await env.newUser(),
      me = browser(env)
    await env.vendor('POST', `${settings}/lockout-policy`, { enabled: true, maxAttempts: 1 })
    await me.prelogin('code', { email })
    const code = await codeOf(env, email)
    await me.postlogin('code', wrongTo(code))
    expect(await user(env, id)).toMatchObject({ isLocked: false, failedLogins: 0 })
    expect((await me.postlogin('code', code)).status).toBe(201)
  })

  test('is one for a link that was used, has expired, or is shown by another device; an unknown link is nobody’s', async () => {
    const env = await environment('magiclink', {
        forceSameDeviceOnAuth: true,
        defaultPasswordlessTokenExpiration: 60,
      }),
      { id, email } = await env.newUser(),
      me = browser(env)
    await me.prelogin('magiclink', { email })
    const token = await tokenOf(env, email)
    expect((await me.cookieless('magiclink', token)).body.errorCode).toBe('ER-01016')
    expect(await failures(env)).toHaveLength(1)
    expect((await me.postlogin('magiclink', token)).status).toBe(201)
    expect((await me.postlogin('magiclink', token)).body.errorCode).toBe('ER-01014')
    expect(await failures(env)).toHaveLength(2)
    await me.prelogin('magiclink', { email })
    const other = await tokenOf(env, email)
    await env.clock.advance(61_000)
    expect((await me.postlogin('magiclink', other)).body.errorCode).toBe('ER-01014')
    expect((await me.postlogin('magiclink', 'unknown')).body.errorCode).toBe('ER-01015')
    expect((await failures(env)).map(({ userId }) => userId)).toEqual([id, id, id])
  })
})
