import { describe, expect, test } from 'vitest'
import { authenticator } from '../../../../test/authenticator.ts'
import { newEnvironment, unique, type Answer, type TestEnvironment } from '../../../../test/environment.ts'
import { auth, codeOf, mfa, mfaPolicy, own, PASSWORD } from '../../../../test/second-factors.ts'

/*
 * Each outcome of a login, through each way to log in that can have it. A test begins the login, then changes the user or the
 * account, then finishes it.
 */

const users = '/identity/resources/users/v1',
  configurations = '/identity/resources/configurations/v1',
  passwordless = '/identity/resources/auth/v1/passwordless'
interface Somebody {
  id: string
  email: string
  tenantId: string
}
interface Begun {
  user: Somebody
  finish(): Promise<Answer>
}
interface Way {
  status: number
  begin(env: TestEnvironment, who?: Parameters<TestEnvironment['newUser']>[0]): Promise<Begun>
}

const cookiesOf = (answer: Answer) => Object.fromEntries(answer.cookies.map(({ name, value }) => [name, value]))
const sentTo = async (env: TestEnvironment, to: string) => (await env.messages({ to })).at(-1)!
const asked = (answer: Answer) => {
  expect(answer.status).toBeLessThan(300)
  return answer
}

function byMail(method: 'magiclink' | 'code', authStrategy: string): Way {
  return {
    status: 201,
    async begin(env, who) {
      const user = await env.newUser(who)
      await env.vendor('POST', configurations, { authStrategy })
      const cookies = cookiesOf(
        asked(await env.anonymous('POST', `${passwordless}/${method}/prelogin`, { email: user.email })),
      )
      const { link, code } = await sentTo(env, user.email),
        token = method === 'code' ? code : new URL(link!).searchParams.get('token')
      return {
        user,
        finish: () => env.anonymous('POST', `${passwordless}/${method}/postlogin`, { token }, { cookies }),
      }
    },
  }
}

const activating = (strategy: 'link' | 'code'): Way => ({
  status: 200,
  async begin(env, who) {
    await env.vendor('POST', `${configurations}/activation/strategies`, { strategy })
    const user = await env.newUser({ ...who, verified: false })
    asked(await env.anonymous('POST', `${users}/activate/reset`, { email: user.email }))
    const { link, code } = await sentTo(env, user.email),
      { userId, token } = Object.fromEntries(new URL(link!).searchParams)
    const given = { userId, token, password: PASSWORD, ...(strategy === 'code' && { code }) }
    return {
      user,
      finish: () => env.anonymous('POST', `${users}/activate${strategy === 'code' ? '/code' : ''}`, given),
    }
  },
})

const known = {
  'a password': {
    status: 200,
    async begin(env, who) {
      const user = await env.newUser({ password: PASSWORD, ...who })
      return { user, finish: () => env.anonymous('POST', auth, { email: user.email, password: PASSWORD }) }
    },
  },
  'a magic link': byMail('magiclink', 'MagicLink'),
  'a mailed code': byMail('code', 'Code'),
  'a code to the phone': {
    status: 201,
    async begin(env, who) {
      const user = await env.newUser(who),
        phoneNumber = `+1555${user.id.replace(/\D/g, '').slice(0, 8).padEnd(8, '0')}`
      asked(await env.vendor('POST', `/identity/resources/users/phone-numbers/v1/vendor/${user.id}`, { phoneNumber }))
      await env.vendor('POST', configurations, { authStrategy: 'SmsCode' })
      const cookies = cookiesOf(asked(await env.anonymous('POST', `${passwordless}/smscode/prelogin`, { phoneNumber })))
      const { code: token } = await sentTo(env, phoneNumber)
      return { user, finish: () => env.anonymous('POST', `${passwordless}/smscode/postlogin`, { token }, { cookies }) }
    },
  },
  'a passkey': {
    status: 201,
    async begin(env, who) {
      const user = await env.newUser(who),
        call = await env.asUser(user),
        key = authenticator({ origin: `http://${env.name}.localhost:3100` }),
        devices = '/identity/resources/users/webauthn/v1/devices'
      asked(await call('POST', `${devices}/verify`, key.create((await call('POST', devices)).body.options)))
      const signed = key.get(
        (await env.anonymous('POST', '/identity/resources/auth/v1/webauthn/prelogin', { email: user.email })).body
          .options,
      )
      return { user, finish: () => env.anonymous('POST', '/identity/resources/auth/v1/webauthn/postlogin', signed) }
    },
  },
  'an activation link': activating('link'),
  'an activation code': activating('code'),
  'a second factor': {
    status: 201,
    async begin(env, who) {
      const user = await env.newUser({ password: PASSWORD, ...who })
      await enrolled(env, user)
      const { mfaToken } = (await env.anonymous('POST', auth, { email: user.email, password: PASSWORD })).body
      return {
        user,
        finish: async () =>
          env.anonymous('POST', `${mfa}/verify`, { mfaToken, value: await codeOf(env, secrets.get(user.id)!) }),
      }
    },
  },
  'a refresh token': {
    status: 201,
    async begin(env, who) {
      const user = await env.newUser({ password: PASSWORD, ...who })
      const { refreshToken } = asked(await env.anonymous('POST', auth, { email: user.email, password: PASSWORD })).body
      return { user, finish: () => env.anonymous('POST', `${auth}/token/refresh`, { refreshToken }) }
    },
  },
} satisfies Record<string, Way>
type Name = keyof typeof known
const ways: Record<Name, Way> = known

const secrets = new Map<string, string>()
/** An authenticator app. */
async function enrolled(env: TestEnvironment, user: Somebody) {
  const call = await env.asUser(user),
    { secret } = (await call('POST', `${own}/authenticator/enroll`)).body as { secret: string }
  asked(await call('POST', `${own}/authenticator/enroll/verify`, { token: await codeOf(env, secret) }))
  await env.clock.advance(30_000)
  secrets.set(user.id, secret)
}
const refreshCookie = (answer: Answer) => answer.cookies.find(({ name }) => name.startsWith('fe_refresh_'))?.value

function expectIn(answer: Answer, status: number, user: Somebody, more: object = {}) {
  expect({ status: answer.status, body: answer.body }).toEqual({
    status,
    body: {
      tokenType: 'bearer',
      mfaRequired: false,
      accessToken: expect.stringMatching(/^ey/),
      refreshToken: expect.any(String),
      expiresIn: 86_400,
      expires: expect.stringMatching(/^\w{3}, \d{2} \w{3} \d{4} \d{2}:\d{2}:\d{2} GMT$/),
      userId: user.id,
      userEmail: user.email,
      emailVerified: true,
      isBreachedPassword: false,
      ...more,
    },
  })
  expect(refreshCookie(answer)).toBe(answer.body.refreshToken)
}
function expectNotIn(answer: Answer, status: number, body: object) {
  expect({ status: answer.status, body: answer.body }).toEqual({ status, body })
  expect(refreshCookie(answer) || undefined).toBeUndefined()
}

const all = Object.keys(ways) as Name[]
const except = (...names: Name[]) => all.filter((name) => !names.includes(name))
const noDevices = { webauthn: [], phones: [], authenticators: [], emails: [] }

describe.concurrent('a login', () => {
  test.for(all)('that succeeds gives tokens and a cookie, and names their user (%s)', async (name) => {
    const env = await newEnvironment(),
      { user, finish } = await ways[name].begin(env)
    expectIn(await finish(), ways[name].status, user)
  })

  test('by signing up gives the same', async () => {
    const env = await newEnvironment(),
      email = `${unique('ada')}@example.com`
    await env.vendor('POST', configurations, { allowNotVerifiedUsersLogin: true })
    const answer = await env.anonymous('POST', `${users}/signUp`, { email, password: PASSWORD, companyName: 'Engines' })
    expectIn(
      { ...answer, body: answer.body.authResponse },
      201,
      { id: answer.body.userId, email, tenantId: answer.body.tenantId },
      { emailVerified: false },
    )
  })

  // a refresh relies on the session's factor, and a login that shows a second factor is not asked for one
  test.for(except('a second factor', 'a refresh token'))(
    'of a user with a second factor asks for it, and gives nothing else (%s)',
    async (name) => {
      const env = await newEnvironment(),
        { user, finish } = await ways[name].begin(env)
      await enrolled(env, user)
      expectNotIn(await finish(), ways[name].status, {
        mfaRequired: true,
        mfaToken: expect.any(String),
        mfaEnrolled: true,
        userEmail: user.email,
        mfaDevices: { ...noDevices, authenticators: [{ id: expect.any(String) }] },
      })
    },
  )

  // passkeys are off where a second factor is forced
  test.for(except('a second factor', 'a refresh token', 'a passkey'))(
    'where a second factor is forced gives a user without one only a way to enrol one (%s)',
    async (name) => {
      const env = await newEnvironment(),
        { user, finish } = await ways[name].begin(env)
      await env.vendor('POST', mfaPolicy, { enforceMFAType: 'Force' })
      expectNotIn(await finish(), ways[name].status, {
        mfaRequired: true,
        mfaToken: expect.any(String),
        mfaEnrolled: false,
        userEmail: user.email,
        mfaDevices: noDevices,
        mfaStrategies: ['AuthenticatorApp'],
        qrCode: expect.stringMatching(/^data:image\/png;base64,/),
        secret: expect.any(String),
        recoveryCode: expect.any(String),
      })
    },
  )

  test.for(['a magic link', 'a mailed code', 'an activation link', 'an activation code'] as const)(
    'that verifies an address offers it as the second factor where codes are mailed (%s)',
    async (name) => {
      const env = await newEnvironment(),
        { user, finish } = await ways[name].begin(env)
      await env.vendor('POST', `${configurations}/mfa/strategies`, { strategy: 'EmailCode', isActive: true })
      await env.vendor('POST', mfaPolicy, { enforceMFAType: 'Force' })
      expectNotIn(await finish(), ways[name].status, {
        mfaRequired: true,
        mfaToken: expect.any(String),
        mfaEnrolled: true,
        userEmail: user.email,
        mfaDevices: { ...noDevices, emails: [{ email: user.email }] },
      })
    },
  )

  test('into an account that forces a second factor asks for it, and so does a refresh into it', async () => {
    const env = await newEnvironment(),
      { user } = await ways['a refresh token'].begin(env),
      strict = await env.newTenant()
    const { refreshToken } = (await env.anonymous('POST', auth, { email: user.email, password: PASSWORD })).body
    asked(await env.as(strict)('POST', `${users}/${user.id}/tenant`, { tenantId: strict, skipInviteEmail: true }))
    await env.as(strict)('POST', mfaPolicy, { enforceMFAType: 'Force' })
    const answer = await env.anonymous('POST', `${auth}/token/refresh`, { refreshToken, tenantId: strict })
    expect(answer).toMatchObject({
      status: 201,
      body: {
        mfaRequired: true,
        mfaToken: expect.any(String),
        mfaEnrolled: false,
        mfaDevices: noDevices,
        userEmail: user.email,
      },
    })
    expect(answer.body).not.toHaveProperty('accessToken')
  })

  test('with a password that expires soon says so; with an expired one, it gives only a way to set another', async () => {
    const env = await newEnvironment(),
      { user, finish } = await ways['a password'].begin(env)
    await env.clock.freeze(await env.clock.now())
    await env.vendor('POST', `${configurations}/password-rotation`, {
      isActive: true,
      rotationPeriod: 100,
      notificationPeriod: 30,
    })
    expectIn(await finish(), 200, user)
    await env.clock.advance(80 * 60_000)
    expectIn(await finish(), 200, user, { passwordExpiresIn: 20, notificationPeriod: 30 })
    await env.clock.advance(21 * 60_000)
    const answer = await finish()
    expectNotIn(answer, 200, { mfaRequired: false, resetPasswordToken: expect.any(String), userId: user.id })
    asked(
      await env.anonymous('POST', `${users}/passwords/reset/verify`, {
        userId: user.id,
        token: answer.body.resetPasswordToken,
        password: 'Another-house-2!',
      }),
    )
    expectIn(await env.anonymous('POST', auth, { email: user.email, password: 'Another-house-2!' }), 200, user)
  })

  test('with a breached password says so, and gives nothing else', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: 'Password1!' })
    asked(await env.vendor('POST', `${configurations}/password`, { blockPwnedPasswords: true }))
    expectNotIn(await env.anonymous('POST', auth, { email: user.email, password: 'Password1!' }), 200, {
      mfaRequired: false,
      isBreachedPassword: true,
      userId: user.id,
      userEmail: user.email,
    })
  })

  test.for(['expired', 'breached'])(
    'that the account does not admit does not reveal that the password is %s',
    async (state) => {
      const env = await newEnvironment(),
        user = await env.newUser({ password: 'Password1!' }),
        tenant = env.as(user.tenantId)
      if (state === 'expired')
        await env.vendor('POST', `${configurations}/password-rotation`, {
          isActive: true,
          rotationPeriod: 1,
          notificationPeriod: 1,
        })
      else await env.vendor('POST', `${configurations}/password`, { blockPwnedPasswords: true })
      await env.clock.advance(120_000)
      const logIn = (ip: string, application?: string) =>
        env.client({ 'x-forwarded-for': ip, ...(application && { 'frontegg-requested-application-id': application }) })(
          'POST',
          auth,
          { email: user.email, password: 'Password1!' },
        )
      asked(await tenant('POST', `${configurations}/restrictions/ip`, { ip: '203.0.113.0/24', strategy: 'ALLOW' }))
      asked(
        await env.client({
          authorization: `Bearer ${await env.token({ type: 'vendor', vendorId: env.id, scopes: [] })}`,
          'frontegg-tenant-id': user.tenantId,
          'x-forwarded-for': '203.0.113.1',
        })('POST', `${configurations}/restrictions/ip/config`, { isActive: true }),
      )
      const managed = asked(
        await env.vendor('POST', '/applications/resources/applications/v1', {
          name: 'Closed',
          accessType: 'MANAGED_ACCESS',
          appURL: 'https://a.example',
          loginURL: 'https://a.example/login',
        }),
      ).body
      expect((await logIn('203.0.113.1')).body).toMatchObject(
        state === 'expired' ? { resetPasswordToken: expect.any(String) } : { isBreachedPassword: true },
      )
      const before = (await env.messages({ to: user.email })).length
      for (const answer of [await logIn('198.51.100.1'), await logIn('203.0.113.1', managed.id)]) {
        expect([403, 404]).toContain(answer.status)
        expect(Object.keys(answer.body).sort()).toEqual(['errorCode', 'errors'])
      }
      expect(await env.messages({ to: user.email })).toHaveLength(before)
    },
  )

  // links and codes that came by mail verify the address themselves
  test.for(['a password', 'a code to the phone', 'a passkey'] as const)(
    'of a user with an unverified address is refused, and the mail is sent again (%s)',
    async (name) => {
      const env = await newEnvironment(),
        { user, finish } = await ways[name].begin(env, { verified: false })
      expectNotIn(await finish(), 401, {
        errors: [expect.stringMatching(/^Verify your email - verification email was sent to .\*\*\*@example\.com\.$/)],
        errorCode: 'ER-01060',
      })
      expect(await env.messages({ to: user.email, template: 'ActivateUser' })).toHaveLength(1)
      await env.vendor('POST', configurations, { allowNotVerifiedUsersLogin: true })
      const again = await ways[name].begin(env, { verified: false })
      expectIn(await again.finish(), ways[name].status, again.user, { emailVerified: false })
    },
  )

  test.for(except('a refresh token'))('of a locked user is refused (%s)', async (name) => {
    const env = await newEnvironment(),
      { user, finish } = await ways[name].begin(env)
    await (await env.context()).db.user.updateMany({ where: { id: user.id }, data: { isLocked: true } })
    expectNotIn(await finish(), 423, {
      errors: ['User is locked out. To unlock user, please contact your administrators'],
      errorCode: 'ER-01034',
    })
  })

  // activation links and codes stay, to verify the address with
  test.for(except('a password', 'a passkey', 'an activation link', 'an activation code'))(
    'begun before its user was locked fails, also after the unlock (%s)',
    async (name) => {
      const env = await newEnvironment(),
        { user, finish } = await ways[name].begin(env)
      asked(await env.vendor('POST', `${users}/${user.id}/lock`))
      expect((await finish()).status).toBeGreaterThanOrEqual(400)
      asked(await env.vendor('POST', `${users}/${user.id}/unlock`))
      const answer = await finish()
      expect(answer.status).toBeGreaterThanOrEqual(400)
      expect(refreshCookie(answer) || undefined).toBeUndefined()
    },
  )

  test.for(except('a refresh token'))(
    'of a user disabled in an account leads to another one, and fails when there is none (%s)',
    async (name) => {
      const env = await newEnvironment(),
        other = await env.newTenant(),
        { user, finish } = await ways[name].begin(env),
        shut = await ways[name].begin(env)
      // not by the operation, which would end the begun login of a user without another account
      const disable = async ({ id: userId, tenantId }: Somebody) =>
        (await env.context()).db.membership.updateMany({ where: { userId, tenantId }, data: { isDisabled: true } })
      await disable(shut.user)
      expectNotIn(await shut.finish(), 403, {
        errors: ['User has no account to log in to'],
        errorCode: expect.any(String),
      })
      asked(await env.as(other)('POST', `${users}/${user.id}/tenant`, { tenantId: other, skipInviteEmail: true }))
      await disable(user)
      // the account that asked for the second factor no longer lets the user in
      if (name === 'a second factor')
        expectNotIn(await finish(), 403, {
          errors: ['User has no account to log in to'],
          errorCode: expect.any(String),
        })
      else expectIn(await finish(), ways[name].status, user)
    },
  )

  test.for(['locked', 'disabled in their only account'])('cannot be refreshed once its user is %s', async (state) => {
    const env = await newEnvironment(),
      { user, finish } = await ways['a refresh token'].begin(env)
    asked(
      await (state === 'locked'
        ? env.vendor('POST', `${users}/${user.id}/lock`)
        : env.as(user.tenantId)('POST', `/identity/resources/tenants/users/v1/${user.id}/disable`)),
    )
    expectNotIn(await finish(), 401, { errors: ['Session not found'] })
  })
})
