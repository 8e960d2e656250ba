import { describe, expect, test } from 'vitest'
import { newEnvironment, unique, type TestEnvironment } from './environment.ts'
import { auth, codeOf, logIn, mfa, mfaPolicy, own, PASSWORD, strategies, withApp } from './second-factors.ts'

/*
 * The message that each flow sends: its template, recipient, user, account and values.
 */

const identity = '/identity/resources',
  users = `${identity}/users`,
  settings = `${identity}/configurations/v1`,
  PHONE = '+12025550142'
const CODE = /^\d{6}$/

interface Somebody {
  id: string
  email: string
  tenantId: string
}
interface Expected {
  template: string
  to?: string | undefined
  user?: Somebody | null
  tenantId?: string | null
  page?: string
  query?: string[]
  code?: boolean
  says?: (string | RegExp)[]
}
type Flow = [what: string, run: (env: TestEnvironment) => Promise<Expected>]

const ACME = 'Acme & Sons'
const done = <A extends { status: number; body: any }>(answer: A) => {
  expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300)
  return answer
}
const tenant = async (env: TestEnvironment) =>
  done(await env.vendor('POST', '/tenants/resources/tenants/v1', { tenantId: unique('t'), name: ACME })).body
    .tenantId as string
const named = async (env: TestEnvironment, user: Somebody, name: string) => {
  await (await env.context()).db.user.update({ where: { id: user.id }, data: { name } })
}
const newcomer = () => `${unique('new')}@example.com`
const userOf = async (env: TestEnvironment, email: string) => {
  const { id } = await (await env.context()).db.user.findFirstOrThrow({ where: { email } })
  return { id, email }
}
const byCode = (env: TestEnvironment, what: 'activation' | 'invitation') =>
  env.vendor('POST', `${settings}/${what}/strategies`, { strategy: 'code' })
const guarded = (env: TestEnvironment) =>
  env.vendor('POST', `${settings}/lockout-policy`, { enabled: true, maxAttempts: 1 })
const from = { headers: { 'x-forwarded-for': '203.0.113.7', 'user-agent': 'Tester/1' } }
const origin = ['IP address: 203.0.113.7', 'Device: Tester/1']

const flows: Flow[] = [
  [
    'signing up',
    async (env) => {
      const email = newcomer(),
        { tenantId } = done(
          await env.anonymous('POST', `${users}/v1/signUp`, {
            email,
            name: 'Ada',
            password: PASSWORD,
            companyName: ACME,
          }),
        ).body
      return {
        template: 'ActivateUser',
        to: email,
        user: { ...(await userOf(env, email)), tenantId },
        page: 'activate',
        query: ['userId', 'token'],
        says: ['Hello Ada,', email],
      }
    },
  ],
  [
    'signing up where codes are sent',
    async (env) => {
      await byCode(env, 'activation')
      const email = newcomer(),
        { tenantId } = done(
          await env.anonymous('POST', `${users}/v1/signUp`, {
            email,
            name: 'Ada',
            password: PASSWORD,
            companyName: ACME,
          }),
        ).body
      return {
        template: 'ActivateUserWithCode',
        to: email,
        user: { ...(await userOf(env, email)), tenantId },
        page: 'activate/code',
        query: ['userId', 'token'],
        code: true,
        says: ['Hello Ada,', email],
      }
    },
  ],
  [
    'creation by management',
    async (env) => {
      const email = newcomer(),
        tenantId = await tenant(env)
      done(await env.as(tenantId)('POST', `${users}/v2`, { email, name: 'Ada' }))
      return {
        template: 'ActivateUser',
        to: email,
        user: { ...(await userOf(env, email)), tenantId },
        page: 'activate',
        query: ['userId', 'token'],
        says: ['Hello Ada,'],
      }
    },
  ],
  [
    'logging in before the address is verified',
    async (env) => {
      const user = await env.newUser({ password: PASSWORD, verified: false })
      expect((await logIn(env, user)).status).toBe(401)
      return { template: 'ActivateUser', to: user.email, user, page: 'activate', query: ['userId', 'token'] }
    },
  ],
  [
    'a resent activation',
    async (env) => {
      const user = await env.newUser({ verified: false })
      done(await env.anonymous('POST', `${users}/v1/activate/reset`, { email: user.email }))
      return { template: 'ActivateUser', to: user.email, user, page: 'activate', query: ['userId', 'token'] }
    },
  ],
  [
    'being invited by management',
    async (env) => {
      const user = await env.newUser(),
        tenantId = await tenant(env)
      done(await env.as(tenantId)('POST', `${users}/v2`, { email: user.email }))
      return {
        template: 'InviteToTenant',
        to: user.email,
        user: { ...user, tenantId },
        page: 'invitation/accept',
        query: ['userId', 'token'],
        says: [`You have been invited to join ${ACME}.`],
      }
    },
  ],
  [
    'being added to another account',
    async (env) => {
      const user = await env.newUser(),
        tenantId = await tenant(env)
      done(await env.vendor('POST', `${users}/v1/${user.id}/tenant`, { tenantId }))
      return {
        template: 'InviteToTenant',
        to: user.email,
        user: { ...user, tenantId },
        page: 'invitation/accept',
        query: ['userId', 'token'],
        says: [ACME],
      }
    },
  ],
  [
    'an invitation that a member resends',
    async (env) => {
      const user = await env.newUser(),
        tenantId = await tenant(env),
        host = await env.user({ tenantId, roleKeys: ['Admin'] })
      await named(env, host, 'Grace')
      done(await env.as(tenantId)('POST', `${users}/v2`, { email: user.email }))
      done(await host('POST', `/team/resources/members/v1/${user.id}/resendActivationEmail`))
      return {
        template: 'InviteToTenant',
        to: user.email,
        user: { ...user, tenantId },
        page: 'invitation/accept',
        query: ['userId', 'token'],
        says: [`Grace has invited you to join ${ACME}.`],
      }
    },
  ],
  [
    'being invited by a member',
    async (env) => {
      const user = await env.newUser(),
        tenantId = await tenant(env),
        host = await env.user({ tenantId, roleKeys: ['Admin'] })
      await named(env, host, 'Grace <Hopper>')
      done(await host('POST', `${users}/v2`, { email: user.email }))
      return {
        template: 'InviteToTenant',
        to: user.email,
        user: { ...user, tenantId },
        page: 'invitation/accept',
        query: ['userId', 'token'],
        says: [`Grace <Hopper> has invited you to join ${ACME}.`],
      }
    },
  ],
  [
    'being invited where codes are sent',
    async (env) => {
      await byCode(env, 'invitation')
      const user = await env.newUser(),
        tenantId = await tenant(env),
        host = await env.user({ tenantId, roleKeys: ['Admin'] })
      await named(env, host, 'Grace')
      done(await host('POST', `${users}/v2`, { email: user.email }))
      return {
        template: 'InviteToTenantWithCode',
        to: user.email,
        user: { ...user, tenantId },
        page: 'invitation/code',
        query: ['userId', 'token'],
        code: true,
        says: [`Grace has invited you to join ${ACME}.`],
      }
    },
  ],
  [
    'a resent invitation',
    async (env) => {
      const user = await env.newUser(),
        tenantId = await tenant(env)
      done(await env.as(tenantId)('POST', `${users}/v2`, { email: user.email }))
      done(await env.as(tenantId)('POST', `${users}/v1/invitation/reset`, { email: user.email }))
      expect(await env.messages()).toHaveLength(2)
      return {
        template: 'InviteToTenant',
        to: user.email,
        user: { ...user, tenantId },
        page: 'invitation/accept',
        query: ['userId', 'token'],
        says: [ACME],
      }
    },
  ],
  [
    'a personal invitation link',
    async (env) => {
      const user = await env.newUser(),
        tenantId = await tenant(env)
      done(
        await env.as(tenantId, user.id)('POST', `${identity}/tenants/invites/v1/user`, {
          expiresInMinutes: 60,
          shouldSendEmail: true,
        }),
      )
      return {
        template: 'InviteToTenant',
        to: user.email,
        user: { ...user, tenantId },
        page: 'login',
        query: ['invitationToken'],
        says: [ACME],
      }
    },
  ],
  [
    "the use of a member's invitation link",
    async (env) => {
      const tenantId = await tenant(env),
        host = await env.user({ tenantId, roleKeys: ['Admin'] }),
        guest = await env.newUser({ password: PASSWORD })
      await named(env, guest, 'Ada')
      const { token } = done(
        await host('POST', `${identity}/tenants/invites/v1/user`, { expiresInMinutes: 60, shouldSendEmail: true }),
      ).body
      done(await env.anonymous('POST', auth, { email: guest.email, password: PASSWORD, invitationToken: token }))
      return {
        template: 'UserUsedInvitation',
        to: host.email,
        user: host,
        says: [`Ada has used your invitation to join ${ACME}.`],
      }
    },
  ],
  [
    'a forgotten password',
    async (env) => {
      const user = await env.newUser({ password: PASSWORD })
      done(await env.anonymous('POST', `${users}/v1/passwords/reset`, { email: user.email }))
      return {
        template: 'ResetPassword',
        to: user.email,
        user,
        page: 'reset-password',
        query: ['userId', 'token'],
        says: [user.email],
      }
    },
  ],
  [
    'a forgotten password, by SMS',
    async (env) => {
      const user = await env.newUser({ password: PASSWORD })
      done(await env.vendor('POST', `${users}/phone-numbers/v1/vendor/${user.id}`, { phoneNumber: PHONE }))
      done(
        await env.anonymous('POST', `${users}/v2/passwords/reset/sms`, {
          identifier: PHONE,
          identifierType: 'phoneNumber',
        }),
      )
      return { template: 'ResetPassword', to: PHONE, user, code: true, says: ['to set a new password'] }
    },
  ],
  [
    'a breached password',
    async (env) => {
      const user = await env.newUser({ password: 'Password1!' })
      done(await env.vendor('POST', `${settings}/password`, { blockPwnedPasswords: true }))
      await logIn(env, { email: user.email, password: 'Password1!' })
      return {
        template: 'PwnedPassword',
        to: user.email,
        user,
        page: 'reset-password',
        query: ['userId', 'token'],
        says: [/found \d+ times/],
      }
    },
  ],
  [
    'a lock by wrong passwords',
    async (env) => {
      await guarded(env)
      const user = await env.newUser({ password: PASSWORD })
      await logIn(env, { email: user.email, password: 'wrong' })
      return { template: 'UnlockUser', to: user.email, user, page: 'unlock', query: ['userId', 'token'] }
    },
  ],
  [
    'a lock by wrong second factors',
    async (env) => {
      await guarded(env)
      const user = await withApp(env),
        { mfaToken } = (await logIn(env, user)).body
      expect((await env.anonymous('POST', `${mfa}/verify`, { mfaToken, value: 'wrong' })).status).toBe(401)
      return { template: 'UnlockUser', to: user.email, user, page: 'unlock', query: ['userId', 'token'] }
    },
  ],
  [
    'a lock by wrong current passwords',
    async (env) => {
      await guarded(env)
      const user = await env.user({ password: PASSWORD })
      expect(
        (await user('POST', `${users}/v1/passwords/change`, { password: 'wrong', newPassword: 'Another-Hen-3!' }))
          .status,
      ).toBe(400)
      return { template: 'UnlockUser', to: user.email, user, page: 'unlock', query: ['userId', 'token'] }
    },
  ],
  [
    'the end of a lock',
    async (env) => {
      await guarded(env)
      const user = await env.newUser({ password: PASSWORD })
      await logIn(env, { email: user.email, password: 'wrong' })
      const token = new URL((await env.messages()).at(-1)!.link!).searchParams.get('token')
      done(await env.anonymous('POST', `${users}/v3/me/unlock`, { token }))
      return { template: 'UnlockUserSuccess', to: user.email, user }
    },
  ],
  ...(
    [
      ['magiclink', 'MagicLink', 'MagicLink'],
      ['code', 'Code', 'OTC'],
    ] as const
  ).map(([method, authStrategy, template]): Flow => [
    `a login by ${method}`,
    async (env) => {
      const user = await env.newUser()
      done(await env.vendor('POST', settings, { authStrategy }))
      done(await env.anonymous('POST', `${identity}/auth/v1/passwordless/${method}/prelogin`, { email: user.email }))
      return {
        template,
        to: user.email,
        user,
        ...(method === 'code' ? { code: true } : { page: 'login/magic-link', query: ['token'] }),
      }
    },
  ]),
  [
    'a login by SMS',
    async (env) => {
      const user = await env.newUser()
      done(await env.vendor('POST', `${users}/phone-numbers/v1/vendor/${user.id}`, { phoneNumber: PHONE }))
      done(await env.vendor('POST', settings, { authStrategy: 'SmsCode' }))
      done(await env.anonymous('POST', `${identity}/auth/v1/passwordless/smscode/prelogin`, { phoneNumber: PHONE }))
      return { template: 'SignIn', to: PHONE, user, code: true, says: ['to log in'] }
    },
  ],
  [
    'a second factor by mail',
    async (env) => {
      const user = await env.newUser({ password: PASSWORD })
      done(await env.vendor('POST', strategies, { strategy: 'EmailCode', isActive: true }))
      done(await env.vendor('POST', mfaPolicy, {}))
      done(await env.anonymous('POST', `${mfa}/emailcode`, { mfaToken: (await logIn(env, user)).body.mfaToken }))
      return { template: 'MFAOTC', to: user.email, user, tenantId: null, code: true }
    },
  ],
  ...(['at login', 'by the user itself'] as const).map((where): Flow => [
    `a phone that is to be a second factor, ${where}`,
    async (env) => {
      const user = await env.user({ password: PASSWORD })
      done(await env.vendor('POST', strategies, { strategy: 'SMS', isActive: true }))
      if (where === 'by the user itself') {
        done(await user('POST', `${own}/sms/enroll`, { phoneNumber: PHONE }))
      } else {
        done(await env.vendor('POST', mfaPolicy, {}))
        done(
          await env.anonymous('POST', `${mfa}/sms/enroll`, {
            mfaToken: (await logIn(env, { email: user.email })).body.mfaToken,
            phoneNumber: PHONE,
          }),
        )
      }
      return {
        template: 'MultiFactorAuthentication',
        to: PHONE,
        user,
        tenantId: null,
        code: true,
        says: ['second step of your login'],
      }
    },
  ]),
  [
    'the first factor of a user',
    async (env) => {
      const user = await env.user({ password: PASSWORD }),
        { secret } = (await user('POST', `${own}/authenticator/enroll`)).body
      done(await user('POST', `${own}/authenticator/enroll/verify`, { token: await codeOf(env, secret) }, from))
      return { template: 'MFAEnroll', to: user.email, user, tenantId: null, says: origin }
    },
  ],
  [
    'another factor',
    async (env) => {
      const user = await withApp(env),
        { secret } = (await user('POST', `${own}/authenticator/enroll`)).body
      done(await user('POST', `${own}/authenticator/enroll/verify`, { token: await codeOf(env, secret) }, from))
      return { template: 'NewMFAMethod', to: user.email, user, tenantId: null, says: origin }
    },
  ],
  [
    'the removal of a factor',
    async (env) => {
      const user = await withApp(env),
        { secret } = (await user('POST', `${own}/authenticator/enroll`)).body
      done(await user('POST', `${own}/authenticator/enroll/verify`, { token: await codeOf(env, secret) }))
      done(
        await user(
          'POST',
          `${own}/authenticator/${user.deviceId}/disable/verify`,
          { token: await codeOf(env, user.secret) },
          from,
        ),
      )
      return { template: 'RemoveMFAMethod', to: user.email, user, tenantId: null, says: origin }
    },
  ],
  [
    'the removal of the last factor',
    async (env) => {
      const user = await withApp(env)
      done(
        await user(
          'POST',
          `${own}/authenticator/${user.deviceId}/disable/verify`,
          { token: await codeOf(env, user.secret) },
          from,
        ),
      )
      return { template: 'MFAUnenroll', to: user.email, user, tenantId: null, says: origin }
    },
  ],
  [
    "the removal of all factors by the environment, without the environment's IP address",
    async (env) => {
      const user = await withApp(env)
      done(await env.as(user.tenantId, user.id)('POST', `${own}/disable`, undefined, from))
      return { template: 'MFAUnenroll', to: user.email, user, tenantId: null, says: [/^(?!.*203\.0\.113\.7)/s] }
    },
  ],
  [
    'a recovery code',
    async (env) => {
      const user = await withApp(env)
      done(await env.anonymous('POST', `${mfa}/recover`, { recoveryCode: user.recoveryCode, email: user.email }, from))
      return { template: 'MFARecoveryCode', to: user.email, user, tenantId: null, says: origin }
    },
  ],
  [
    'a new address',
    async (env) => {
      const user = await env.user(),
        email = newcomer()
      done(await user('POST', `${users}/emails/v1`, { email }))
      return { template: 'VerifyNewEmail', to: email, user, tenantId: null, code: true, says: [email] }
    },
  ],
  ...(['changed with a code', 'chosen among several'] as const).map((how): Flow => [
    `an address that is the user's own no longer, ${how}`,
    async (env) => {
      const user = await env.user(),
        email = newcomer(),
        changes = how === 'changed with a code'
      done(await env.vendor('POST', `${settings}/user-emails-policy`, { allowEmailChange: true }))
      done(await user('POST', changes ? `${users}/v1/email/me` : `${users}/emails/v1`, { email }))
      const { code } = (await env.messages({ to: email, template: 'VerifyNewEmail' })).at(-1)!
      done(
        await user(
          'POST',
          changes ? `${users}/v1/email/me/verify` : `${users}/emails/v1/verify`,
          { email, code },
          from,
        ),
      )
      if (!changes) done(await user('POST', `${users}/emails/v1/me/primary`, { email }, from))
      return { template: 'EmailAddressChanged', to: user.email, user, tenantId: null, says: origin }
    },
  ]),
  [
    'an address that management has changed, without an origin',
    async (env) => {
      const user = await env.newUser()
      expect(
        (await env.as(undefined)('PUT', `${users}/v1/${user.id}/email`, { email: newcomer() }, from)).status,
      ).toBeLessThan(300)
      return { template: 'EmailAddressChanged', to: user.email, user, tenantId: null, says: [/^(?!.*203\.0\.113\.7)/s] }
    },
  ],
  [
    'an address that management has changed before it was verified',
    async (env) => {
      const user = await env.newUser({ verified: false }),
        email = newcomer()
      done(await env.vendor('PUT', `${users}/v1/${user.id}/email`, { email }))
      expect(await env.messages({ to: user.email })).toEqual([])
      return { template: 'ActivateUser', to: email, user, page: 'activate', query: ['userId', 'token'], says: [email] }
    },
  ],
  [
    'a new phone number',
    async (env) => {
      const user = await env.user()
      done(await user('POST', `${users}/phone-numbers/v1`, { phoneNumber: PHONE }))
      return {
        template: 'PhoneVerification',
        to: PHONE,
        user,
        tenantId: null,
        code: true,
        says: ['to confirm your phone number'],
      }
    },
  ],
  [
    'another phone number',
    async (env) => {
      const user = await env.user()
      done(await user('POST', `${users}/v1/phone`, { phoneNumber: PHONE }))
      return { template: 'PhoneVerification', to: PHONE, user, tenantId: null, code: true }
    },
  ],
  [
    'a deleted phone number',
    async (env) => {
      const user = await env.user()
      done(await env.vendor('POST', `${users}/phone-numbers/v1/vendor/${user.id}`, { phoneNumber: PHONE }))
      done(
        await user(
          'DELETE',
          `${users}/phone-numbers/v1/${(await user('GET', `${users}/phone-numbers/v1/me`)).body[0].id}`,
        ),
      )
      return { template: 'PhoneVerification', to: PHONE, user, tenantId: null, code: true }
    },
  ],
  [
    'a lost phone',
    async (env) => {
      const user = await env.newUser()
      const { resetPhoneNumberToken } = done(
        await env.anonymous('POST', `${users}/v1/phone/reset`, { email: user.email }),
      ).body
      const { link } = (await env.messages()).at(-1)!
      expect(new URL(link!).searchParams.get('token')).toBe(resetPhoneNumberToken)
      return {
        template: 'ResetPhoneNumber',
        to: user.email,
        user,
        tenantId: null,
        page: 'reset-phone-number',
        query: ['token'],
        code: true,
      }
    },
  ],
]

describe.concurrent('a message is sent about', () => {
  test.for(flows)('%s', async ([, run]) => {
    const env = await newEnvironment(),
      {
        template,
        to,
        user,
        tenantId = user?.tenantId ?? null,
        page,
        query = [],
        code = false,
        says = [],
      } = await run(env)
    const message = (await env.messages()).at(-1)!,
      isMail = to!.includes('@')
    expect(message).toMatchObject({
      channel: isMail ? 'email' : 'sms',
      template,
      recipient: to,
      userId: user!.id,
      tenantId,
      code: code ? expect.stringMatching(CODE) : null,
      link: page ? expect.any(String) : null,
    })
    if (page) {
      const link = new URL(message.link!)
      expect([link.origin, link.pathname, [...link.searchParams.keys()]]).toEqual([
        `http://${env.name}.localhost:3100`,
        `/account/${page}`,
        query,
      ])
      if (query.includes('userId')) expect(link.searchParams.get('userId')).toBe(user!.id)
    }
    for (const part of [...says, ...(code ? [message.code!] : []), ...(page ? [message.link!] : [])])
      expect(message.text).toEqual(
        typeof part === 'string' ? expect.stringContaining(part) : expect.stringMatching(part),
      )
    if (isMail) expect(message.text).toMatch(/^Hello [^\s,]/)
    // no placeholder of the template is left unfilled
    expect(message.subject + message.html + message.text).not.toMatch(/\{\{|undefined|\[object/)
    expect(message.html).not.toMatch(/<Hopper>|Acme & Sons/)
  })
})
