import { expect } from 'vitest'
import { decide, executed, flowOf, linkOf } from './approvals.ts'
import { unique, type Answer, type Client, type TestEnvironment } from './environment.ts'
import { allow, browserOf, CALLBACK, pathOf, pkce, queryOf, question } from './oauth-browser.ts'
import { cookiesIn, custom, goesTo, grantedBy, paths, verified, wayBack } from './login-providers.ts'
import { keyOf, newPhone, personWith, type Person as PersonWith, type Traits } from './people.ts'
import {
  auth,
  claimsOf,
  codeOf as codeOfApp,
  logIn,
  mfa,
  mfaPolicy,
  own,
  PASSWORD,
  strategies,
  withApp,
} from './second-factors.ts'

/* Every kind of token, code and link that is handed out: how it comes about, how it is shown, and what may end it. */

const users = '/identity/resources/users',
  settings = '/identity/resources/configurations/v1',
  passwordless = '/identity/resources/auth/v1/passwordless',
  passkeys = `${users}/webauthn/v1/devices`
const SECOND = 1000,
  MINUTE = 60 * SECOND,
  HOUR = 60 * MINUTE,
  DAY = 24 * HOUR
export const NEW = 'Another-Hen-3!'
const { verifier, challenge } = pkce()

export type Person = Client & { id: string; email: string; tenantId: string; password?: string }
export type Event = 'locked' | 'disabled' | 'deleted' | 'password changed'
/** Dead for good; suspended until the user is let in again; or still valid. */
type Fate = 'dies' | 'waits' | 'lives' | 'cannot happen'
interface HandedOut {
  secrets: string[]
  show(): Promise<Answer>
  wrong?(): Promise<Answer>
  /** of what people type: shows it as they paste it */
  pasted?(): Promise<Answer>
}
interface Kind {
  /** the purpose in the source, if it is a `Challenge` */
  purpose?: string
  settings?(env: TestEnvironment): Promise<unknown>
  person?(env: TestEnvironment): Promise<Person>
  issue(env: TestEnvironment, user: Person): Promise<HandedOut>
  /** milliseconds; null: it does not expire */
  lifetime: number | null
  /** how many wrong tries end it; absent: it is too long to be guessed */
  tries?: number
  /** for many uses at once: one works, or not even one; all get the same answer; or it may be used again */
  use?: 'once' | 'at most once' | 'same for all' | 'again'
  /** absent: dies */
  after?: Partial<Record<Event, Fate>>
}

export const last = async (env: TestEnvironment, to: string) => (await env.messages({ to })).at(-1)!
export const linked = async (env: TestEnvironment, to: string, name = 'token') =>
  new URL((await last(env, to)).link!).searchParams.get(name)!
const wrongFor = (code: string) => String((Number(code) + 1) % 1_000_000).padStart(6, '0')
/** A client with a fresh token. */
export const me = async (env: TestEnvironment, user: Person) => env.asUser(user)
export const switchOn = (env: TestEnvironment, strategy: string) =>
  env.vendor('POST', strategies, { strategy, isActive: true })
export const configure = (configuration: object) => (env: TestEnvironment) =>
  env.vendor('POST', settings, configuration)
const unverified = (env: TestEnvironment): Promise<Person> => env.user({ password: PASSWORD, verified: false })

/** A typed code, which `send` tries. */
const typed = (code: string, send: (code: string) => Promise<Answer>, more: string[] = []): HandedOut => ({
  secrets: [code, ...more],
  show: () => send(code),
  wrong: () => send(wrongFor(code)),
  pasted: () => send(pasted(code)),
})
/** With blanks, a long dash, a line break, and what cannot be seen. */
const pasted = (code: string) => `\u200b ${code.slice(0, 2)}–${code.slice(2)}\r\n`

const passwordlessKind = (purpose: string, method: string, authStrategy: string): Kind => ({
  purpose,
  settings: configure({ authStrategy }),
  lifetime: 300 * SECOND,
  ...(method !== 'magiclink' && { tries: 5 }),
  async person(env) {
    const user = await env.user({ password: PASSWORD }),
      phoneNumber = newPhone()
    await env.vendor('POST', `${users}/phone-numbers/v1/vendor/${user.id}`, { phoneNumber })
    return Object.assign(user, { phoneNumber })
  },
  async issue(env, user) {
    const { cookies } = await env.anonymous('POST', `${passwordless}/${method}/prelogin`, { email: user.email })
    const jar = Object.fromEntries(cookies.map(({ name, value }) => [name, value])),
      message = await last(
        env,
        method === 'smscode' ? (user as Person & { phoneNumber: string }).phoneNumber : user.email,
      )
    const send = (token: string) =>
      env.anonymous('POST', `${passwordless}/${method}/postlogin`, { token }, { cookies: jar })
    const token = message.code ?? new URL(message.link!).searchParams.get('token')!,
      device = Object.values(jar)[0]!.split('.')[1]!
    return method === 'magiclink' ? { secrets: [token, device], show: () => send(token) } : typed(token, send, [device])
  },
})

async function resetBy(env: TestEnvironment, user: Person, token: string): Promise<HandedOut> {
  return {
    secrets: [token],
    show: () =>
      env.anonymous('POST', `${users}/v1/passwords/reset/verify`, {
        userId: user.id,
        token,
        password: 'Third-Henhouse-4!',
      }),
  }
}

/** A token that a login gives, to show an app's code with. */
const byApp = (
  env: TestEnvironment,
  user: Person & { secret: string; deviceId: string },
  mfaToken: string,
): HandedOut => {
  const send = (value: string) =>
    env.anonymous('POST', `${mfa}/authenticator/${user.deviceId}/verify`, { mfaToken, value })
  return {
    secrets: [mfaToken, user.secret],
    show: async () => send(await codeOfApp(env, user.secret)),
    wrong: () => send('no code'),
    pasted: async () => send(pasted(await codeOfApp(env, user.secret))),
  }
}
type AppUser = Person & { secret: string; recoveryCode: string; deviceId: string }

/** A client of a user who has these ways to log in. */
const having =
  (has: Traits) =>
  async (env: TestEnvironment): Promise<Person> => {
    const user = await personWith(env, has)
    return Object.assign(await env.asUser(user), user)
  }
export const withMfaPhone = having({ mfaPhone: true }),
  withKey = having({ key: true })
const withPasskey = having({ passkey: true })
export type KeyUser = Person & PersonWith & { deviceId: string }
export type PhoneUser = Person & { phoneNumber: string; deviceId: string }
export const mfaTokenOf = async (env: TestEnvironment, user: Person) => (await logIn(env, user)).body.mfaToken as string

const invitedTo = async (env: TestEnvironment, user: Person) => {
  expect((await env.vendor('POST', `${users}/v1/${user.id}/tenant`, { tenantId: await env.newTenant() })).status).toBe(
    201,
  )
  return linked(env, user.email)
}
async function phoneReset(env: TestEnvironment, user: Person) {
  const { resetPhoneNumberToken } = (await env.anonymous('POST', `${users}/v1/phone/reset`, { email: user.email })).body
  return typed((await last(env, user.email)).code!, (code) =>
    env.anonymous('POST', `${users}/v1/phone/reset/verify`, { resetPhoneNumberToken, code }),
  )
}
/** Client id and secret, and how programs show them. */
interface Credentials {
  clientId: string
  secret: string
}
const apiTokens = '/identity/resources/auth/v1/api-token'
const personal = async (env: TestEnvironment, user: Person, terms = {}) =>
  (await env.as(user.tenantId, user.id)('POST', `${users}/api-tokens/v1`, terms)).body as Credentials
const ofAccount = async (env: TestEnvironment, user: Person, terms = {}) =>
  (await env.as(user.tenantId)('POST', '/identity/resources/tenants/api-tokens/v2', terms)).body as Credentials
const shownTo = (env: TestEnvironment, { clientId, secret }: Credentials): HandedOut => ({
  secrets: [secret],
  show: () => env.anonymous('POST', apiTokens, { clientId, secret }),
})
async function refreshedBy(env: TestEnvironment, credentials: Credentials): Promise<HandedOut> {
  const { refreshToken } = (await shownTo(env, credentials).show()).body
  return { secrets: [refreshToken], show: () => env.anonymous('POST', `${apiTokens}/token/refresh`, { refreshToken }) }
}
const programs = { locked: 'waits', disabled: 'waits', 'password changed': 'lives' } as const
/** Invitations wait while management has locked their user. Other events do not touch them, as the user is not a member yet. */
const invitations = { locked: 'waits', disabled: 'lives', 'password changed': 'lives' } as const
const proofs = { locked: 'waits', disabled: 'waits', 'password changed': 'lives' } as const

/** Who is deleted would come as somebody new. */
const withAcme = async (env: TestEnvironment) => [
  await env.vendor('POST', '/identity/resources/sso/custom/v1', custom('acme')),
  await configure({ allowSignups: false })(env),
]
const endOf = (env: TestEnvironment, page: URL, cookies: Record<string, string>) =>
  env.anonymous('POST', `${paths.end('acme')}?code=${page.searchParams.get('code')}`, {}, { cookies })

/** Every kind of token, code and link. A new kind gets a row here. */
export const kinds: Record<string, Kind> = {
  'activation link': {
    purpose: 'activation',
    person: unverified,
    lifetime: 7 * DAY,
    after: proofs,
    async issue(env, { id: userId, email }) {
      await env.anonymous('POST', `${users}/v1/activate/reset`, { email })
      const token = await linked(env, email)
      return { secrets: [token], show: () => env.anonymous('POST', `${users}/v1/activate`, { userId, token }) }
    },
  },
  'activation code': {
    purpose: 'activation-code',
    person: unverified,
    lifetime: HOUR,
    tries: 5,
    after: proofs,
    settings: (env) => env.vendor('POST', `${settings}/activation/strategies`, { strategy: 'code' }),
    async issue(env, { id: userId, email }) {
      await env.anonymous('POST', `${users}/v1/activate/reset`, { email })
      const token = await linked(env, email)
      return typed((await last(env, email)).code!, (code) =>
        env.anonymous('POST', `${users}/v1/activate/code`, { userId, token, code }),
      )
    },
  },
  'invitation link': {
    purpose: 'invitation',
    lifetime: 7 * DAY,
    after: invitations,
    async issue(env, user) {
      const token = await invitedTo(env, user)
      return {
        secrets: [token],
        show: () => env.anonymous('POST', `${users}/v1/invitation/accept`, { userId: user.id, token }),
      }
    },
  },
  'invitation code': {
    purpose: 'invitation-code',
    lifetime: HOUR,
    tries: 5,
    after: invitations,
    settings: (env) => env.vendor('POST', `${settings}/invitation/strategies`, { strategy: 'code' }),
    async issue(env, user) {
      const token = await invitedTo(env, user)
      return typed((await last(env, user.email)).code!, (code) =>
        env.anonymous('POST', `${users}/v1/invitation/accept/code`, { userId: user.id, token, code }),
      )
    },
  },
  'personal invite': {
    lifetime: 30 * DAY,
    use: 'again',
    after: invitations,
    async issue(env, user) {
      const { body } = await env.vendor('POST', '/identity/resources/tenants/invites/v1', {
        tenantId: await env.newTenant(),
        userId: user.id,
      })
      return {
        secrets: [body.token],
        show: () =>
          env.anonymous('POST', auth, { email: user.email, password: user.password, invitationToken: body.token }),
      }
    },
  },
  'password reset link': {
    purpose: 'password-reset',
    lifetime: DAY,
    async issue(env, user) {
      await env.anonymous('POST', `${users}/v1/passwords/reset`, { email: user.email })
      return resetBy(env, user, await linked(env, user.email))
    },
  },
  'token of an expired password': {
    purpose: 'password-reset',
    lifetime: DAY,
    settings: (env) =>
      env.vendor('POST', `${settings}/password-rotation`, {
        isActive: true,
        rotationPeriod: 60 * 24 * 30,
        notificationPeriod: 60,
      }),
    async issue(env, user) {
      await (
        await env.context()
      ).db.user.update({ where: { id: user.id }, data: { passwordChangedAt: new Date('2020-01-01') } })
      return resetBy(env, user, (await logIn(env, user)).body.resetPasswordToken)
    },
  },
  'password reset code': {
    purpose: 'password-reset-code',
    lifetime: 10 * MINUTE,
    tries: 5,
    async issue(env, user) {
      const phoneNumber = newPhone()
      await env.vendor('POST', `${users}/phone-numbers/v1/vendor/${user.id}`, { phoneNumber })
      const { sessionId } = (
        await env.anonymous('POST', `${users}/v2/passwords/reset/sms`, {
          identifier: phoneNumber,
          identifierType: 'phoneNumber',
        })
      ).body
      return typed((await last(env, phoneNumber)).code!, (otcToken) =>
        env.anonymous('POST', `${users}/v2/passwords/reset/sms/verify`, { sessionId, otcToken }),
      )
    },
  },
  'state of a login with a provider': {
    purpose: 'social-state',
    settings: withAcme,
    lifetime: 15 * MINUTE,
    after: { 'password changed': 'lives' },
    async issue(env, { email }) {
      const started = await env.anonymous('GET', paths.start('acme')),
        granted = grantedBy(goesTo(started), verified(email)),
        cookies = cookiesIn(started)
      return {
        secrets: [granted.state, ...Object.values(cookies)],
        async show() {
          const query = new URLSearchParams(granted),
            passed = await env.anonymous('GET', `${paths.callback('acme')}?${query}`, undefined, { cookies })
          return passed.status === 302 ? endOf(env, goesTo(passed), cookies) : passed
        },
      }
    },
  },
  'code of a login with a provider': {
    purpose: 'social-code',
    settings: withAcme,
    lifetime: 2 * MINUTE,
    after: { 'password changed': 'lives' },
    async issue(env, { email }) {
      const { page, cookies } = await wayBack(env, 'acme', verified(email))
      return { secrets: [page.searchParams.get('code')!], show: () => endOf(env, page, cookies) }
    },
  },
  'magic link': passwordlessKind('magic-link', 'magiclink', 'MagicLink'),
  'login code by mail': passwordlessKind('login-code', 'code', 'Code'),
  'login code by SMS': passwordlessKind('login-sms', 'smscode', 'SmsCode'),
  'MFA token': {
    purpose: 'mfa',
    lifetime: 10 * MINUTE,
    tries: 5,
    person: withApp,
    issue: async (env, user) => byApp(env, user as AppUser, await mfaTokenOf(env, user)),
  },
  'step-up token': {
    purpose: 'mfa',
    lifetime: 10 * MINUTE,
    tries: 5,
    // the app is enrolled after the login, which would ask for its code
    async issue(env, user) {
      const { accessToken } = (await logIn(env, user)).body,
        { secret } = (await user('POST', `${own}/authenticator/enroll`)).body
      await user('POST', `${own}/authenticator/enroll/verify`, { token: await codeOfApp(env, secret, -1) })
      const deviceId = (await user('GET', `${own}/devices`)).body.authenticators[0].id
      const { mfaToken } = (await env.withToken(accessToken)('POST', `${auth}/step-up/generate`)).body
      return byApp(env, Object.assign(user, { secret, deviceId }), mfaToken)
    },
  },
  'MFA code by mail': {
    purpose: 'mfa-verify-email',
    lifetime: 300 * SECOND,
    tries: 5,
    settings: async (env) => [await switchOn(env, 'EmailCode'), await env.vendor('POST', mfaPolicy, {})],
    async issue(env, user) {
      const mfaToken = await mfaTokenOf(env, user),
        { otcToken } = (await env.anonymous('POST', `${mfa}/emailcode`, { mfaToken })).body
      return typed(
        (await last(env, user.email)).code!,
        (code) => env.anonymous('POST', `${mfa}/emailcode/verify`, { mfaToken, otcToken, code }),
        [mfaToken],
      )
    },
  },
  'MFA code by SMS': {
    purpose: 'mfa-verify-sms',
    lifetime: 300 * SECOND,
    tries: 5,
    settings: (env) => switchOn(env, 'SMS'),
    person: withMfaPhone,
    async issue(env, user) {
      const { phoneNumber, deviceId } = user as PhoneUser,
        mfaToken = await mfaTokenOf(env, user)
      const { otcToken } = (await env.anonymous('POST', `${mfa}/sms/${deviceId}`, { mfaToken })).body
      return typed(
        (await last(env, phoneNumber)).code!,
        (code) => env.anonymous('POST', `${mfa}/sms/${deviceId}/verify`, { mfaToken, otcToken, code }),
        [mfaToken],
      )
    },
  },
  'code that enrols a phone': {
    purpose: 'mfa-enrol-sms',
    lifetime: 300 * SECOND,
    tries: 5,
    settings: (env) => switchOn(env, 'SMS'),
    async issue(env, user) {
      const phoneNumber = newPhone(),
        { otcToken } = (await user('POST', `${own}/sms/enroll`, { phoneNumber })).body
      return typed((await last(env, phoneNumber)).code!, async (code) =>
        (await me(env, user))('POST', `${own}/sms/enroll/verify`, { otcToken, code }),
      )
    },
  },
  'code that takes a phone away': {
    purpose: 'mfa-remove-sms',
    lifetime: 300 * SECOND,
    tries: 5,
    settings: (env) => switchOn(env, 'SMS'),
    person: withMfaPhone,
    async issue(env, user) {
      const { phoneNumber, deviceId } = user as PhoneUser,
        { otcToken } = (await user('POST', `${own}/sms/${deviceId}/disable`)).body
      return typed((await last(env, phoneNumber)).code!, async (code) =>
        (await me(env, user))('POST', `${own}/sms/${deviceId}/disable/verify`, { otcToken, code }),
      )
    },
  },
  'enrolment of an app': {
    purpose: 'mfa-enrol-authenticator',
    lifetime: 10 * MINUTE,
    tries: 20,
    async issue(env, user) {
      const { secret } = (await user('POST', `${own}/authenticator/enroll`)).body
      const send = async (token: string) =>
        (await me(env, user))('POST', `${own}/authenticator/enroll/verify`, { token })
      return {
        secrets: [secret],
        show: async () => send(await codeOfApp(env, secret)),
        wrong: () => send('no code'),
        pasted: async () => send(pasted(await codeOfApp(env, secret))),
      }
    },
  },
  'enrolment of a security key': {
    purpose: 'mfa-enrol-webauthn',
    lifetime: 5 * MINUTE,
    settings: (env) => switchOn(env, 'WebAuthnCrossPlatform'),
    async issue(env, user) {
      const { webauthnToken, options } = (await user('POST', `${own}/webauthn/enroll`)).body,
        body = { deviceType: 'CrossPlatform', webauthnToken, options: keyOf(env).create(options) }
      return {
        secrets: [webauthnToken],
        show: async () => (await me(env, user))('POST', `${own}/webauthn/enroll/verify`, body),
      }
    },
  },
  'challenge of a security key at login': {
    purpose: 'mfa-verify-webauthn',
    lifetime: 5 * MINUTE,
    settings: (env) => switchOn(env, 'WebAuthnCrossPlatform'),
    person: withKey,
    async issue(env, user) {
      const { key, deviceId } = user as KeyUser,
        mfaToken = await mfaTokenOf(env, user)
      const { webauthnToken, options } = (await env.anonymous('POST', `${mfa}/webauthn/${deviceId}`, { mfaToken }))
          .body,
        signed = key.get(options)
      return {
        secrets: [webauthnToken, mfaToken],
        show: () =>
          env.anonymous('POST', `${mfa}/webauthn/${deviceId}/verify`, { mfaToken, webauthnToken, options: signed }),
      }
    },
  },
  'challenge that takes a security key away': {
    purpose: 'mfa-remove-webauthn',
    lifetime: 5 * MINUTE,
    settings: (env) => switchOn(env, 'WebAuthnCrossPlatform'),
    person: withKey,
    async issue(env, user) {
      const { key, deviceId } = user as KeyUser,
        { webauthnToken, options } = (await user('POST', `${own}/webauthn/${deviceId}/disable`)).body,
        signed = key.get(options)
      return {
        secrets: [webauthnToken],
        show: async () =>
          (await me(env, user))('POST', `${own}/webauthn/${deviceId}/disable/verify`, {
            webauthnToken,
            options: signed,
          }),
      }
    },
  },
  'enrolment of a passkey': {
    purpose: 'passkey-registration',
    lifetime: 5 * MINUTE,
    async issue(env, user) {
      const { options } = (await user('POST', passkeys)).body,
        body = { ...keyOf(env).create(options), deviceType: 'Platform' }
      return {
        secrets: [options.challenge],
        show: async () => (await me(env, user))('POST', `${passkeys}/verify`, body),
      }
    },
  },
  // it belongs to no user: the passkey names the user, and stays theirs
  'challenge of a passkey': {
    purpose: 'passkey-login',
    lifetime: 5 * MINUTE,
    person: withPasskey,
    after: { 'password changed': 'lives' },
    async issue(env, user) {
      const { options } = (
          await env.anonymous('POST', '/identity/resources/auth/v1/webauthn/prelogin', { email: user.email })
        ).body,
        signed = (user as KeyUser).key.get(options)
      return {
        secrets: [options.challenge],
        show: () => env.anonymous('POST', '/identity/resources/auth/v1/webauthn/postlogin', signed),
      }
    },
  },
  // it stays valid until it is used, like the factors that it removes
  'recovery code': {
    lifetime: null,
    tries: 10,
    person: withApp,
    after: { locked: 'lives', disabled: 'lives', 'password changed': 'lives' },
    async issue(env, user) {
      const send = (recoveryCode: string) =>
          env.anonymous('POST', `${mfa}/recover`, { recoveryCode, email: user.email }),
        { recoveryCode } = user as AppUser
      return {
        secrets: [recoveryCode],
        show: () => send(recoveryCode),
        wrong: () => send('wrong'),
        pasted: () => send(pasted(recoveryCode.replaceAll('-', ' ').toUpperCase())),
      }
    },
  },
  'remembered browser': {
    lifetime: 14 * DAY,
    use: 'again',
    person: withApp,
    settings: (env) => env.vendor('POST', mfaPolicy, { allowRememberMyDevice: true, mfaDeviceExpiration: 1_209_600 }),
    async issue(env, user) {
      const { secret, deviceId } = user as AppUser,
        mfaToken = await mfaTokenOf(env, user)
      const done = await env.anonymous('POST', `${mfa}/authenticator/${deviceId}/verify`, {
        mfaToken,
        value: await codeOfApp(env, secret),
        rememberDevice: true,
      })
      const { name, value } = done.cookies.find((cookie) => cookie.name.startsWith('fe_device_'))!
      return { secrets: [value], show: () => logIn(env, user, { [name]: value }) }
    },
  },
  'refresh token': {
    lifetime: 30 * DAY,
    use: 'same for all',
    async issue(env, user) {
      const { refreshToken } = (await logIn(env, user)).body
      return { secrets: [refreshToken], show: () => env.anonymous('POST', `${auth}/token/refresh`, { refreshToken }) }
    },
  },
  // credentials of programs: a new password does not end them, as the user can
  'secret of a personal API token': {
    lifetime: HOUR,
    use: 'again',
    after: programs,
    issue: async (env, user) => shownTo(env, await personal(env, user, { expiresInMinutes: 60 })),
  },
  'refresh token of a personal API token': {
    lifetime: 30 * DAY,
    use: 'same for all',
    after: programs,
    issue: async (env, user) => refreshedBy(env, await personal(env, user)),
  },
  // they are not about the user who made them
  "secret of an account's API token": {
    lifetime: HOUR,
    use: 'again',
    after: { locked: 'lives', disabled: 'lives', deleted: 'lives', 'password changed': 'lives' },
    issue: async (env, user) => shownTo(env, await ofAccount(env, user, { expiresInMinutes: 60 })),
  },
  "refresh token of an account's API token": {
    lifetime: 30 * DAY,
    use: 'same for all',
    after: { locked: 'lives', disabled: 'lives', deleted: 'lives', 'password changed': 'lives' },
    issue: async (env, user) => refreshedBy(env, await ofAccount(env, user)),
  },
  // whoever is shown it asks whether it is alive
  'access token of a member': {
    lifetime: HOUR,
    use: 'again',
    after: { locked: 'waits', disabled: 'waits', 'password changed': 'lives' },
    settings: configure({ machineToMachineAuthStrategy: 'AccessToken' }),
    async issue(env, { id, tenantId }) {
      const made = await env.as(tenantId, id)('POST', `${users}/access-tokens/v1`, { expiresInMinutes: 60 }),
        secret = made.body.secret as string
      return {
        secrets: [secret],
        show: () =>
          env.vendor(
            'GET',
            `/identity/resources/vendor-only/users/access-tokens/v1/${String(claimsOf(secret)['sub'])}`,
          ),
      }
    },
  },
  // it speaks for the account, whatever becomes of who made it
  'access token of an account': {
    lifetime: HOUR,
    use: 'again',
    after: { locked: 'lives', disabled: 'lives', deleted: 'lives', 'password changed': 'lives' },
    settings: configure({ machineToMachineAuthStrategy: 'AccessToken' }),
    async issue(env, { id, tenantId }) {
      const maker = env.withToken(await env.userToken({ id, tenantId }, { permissions: ['fe.secure.*'] })),
        made = await maker('POST', '/identity/resources/tenants/access-tokens/v1', { expiresInMinutes: 60 }),
        secret = made.body.secret as string
      return {
        secrets: [secret],
        show: () =>
          env.vendor(
            'GET',
            `/identity/resources/vendor-only/tenants/access-tokens/v1/${String(claimsOf(secret)['sub'])}`,
          ),
      }
    },
  },
  // it decides about what others ask, and opens nothing of the user's
  'link of an approver': {
    purpose: 'approval',
    lifetime: 5 * MINUTE,
    after: { locked: 'waits', disabled: 'waits', 'password changed': 'lives' },
    async issue(env, user) {
      const flow = flowOf({ emails: [user.email] }, { timeoutMinutes: 5 })
      await executed(env, flow, await env.newUser({ tenantId: user.tenantId }))
      const link = await linkOf(env, user.email)
      return { secrets: [link.approverId], show: () => decide(env.anonymous, link) }
    },
  },
  // it lifts only the lock that it was mailed for
  'unlock link': {
    purpose: 'unlock',
    lifetime: DAY,
    after: { disabled: 'lives', 'password changed': 'cannot happen' },
    settings: (env) => env.vendor('POST', `${settings}/lockout-policy`, { enabled: true, maxAttempts: 1 }),
    async issue(env, user) {
      await logIn(env, { email: user.email, password: 'wrong' })
      const token = await linked(env, user.email)
      return { secrets: [token], show: () => env.anonymous('POST', `${users}/v3/me/unlock`, { token }) }
    },
  },
  'code of another e-mail address': {
    purpose: 'email',
    lifetime: HOUR,
    tries: 5,
    async issue(env, user) {
      const email = `${unique('second')}@example.com`
      await user('POST', `${users}/emails/v1`, { email })
      return typed((await last(env, email)).code!, async (code) =>
        (await me(env, user))('POST', `${users}/emails/v1/verify`, { email, code }),
      )
    },
  },
  'code of a changed e-mail address': {
    purpose: 'email-change',
    lifetime: HOUR,
    tries: 5,
    settings: (env) => env.vendor('POST', `${settings}/user-emails-policy`, { allowEmailChange: true }),
    async issue(env, user) {
      const email = `${unique('changed')}@example.com`
      await user('POST', `${users}/v1/email/me`, { email })
      return typed((await last(env, email)).code!, async (code) =>
        (await me(env, user))('POST', `${users}/v1/email/me/verify`, { email, code }),
      )
    },
  },
  'code of a phone number': {
    purpose: 'phone-number',
    lifetime: 10 * MINUTE,
    tries: 5,
    async issue(env, user) {
      const phoneNumber = newPhone(),
        { otcToken } = (await user('POST', `${users}/phone-numbers/v1`, { phoneNumber })).body
      return typed((await last(env, phoneNumber)).code!, async (code) =>
        (await me(env, user))('POST', `${users}/phone-numbers/v1/verify`, { otcToken, code }),
      )
    },
  },
  'code that takes a phone number away': {
    purpose: 'phone-number-removal',
    lifetime: 10 * MINUTE,
    tries: 5,
    async issue(env, user) {
      const phoneNumber = newPhone()
      await env.vendor('POST', `${users}/phone-numbers/v1/vendor/${user.id}`, { phoneNumber })
      const { id } = (await user('GET', `${users}/phone-numbers/v1/me`)).body[0],
        { otcToken } = (await user('DELETE', `${users}/phone-numbers/v1/${id}`)).body
      return typed((await last(env, phoneNumber)).code!, async (code) =>
        (await me(env, user))('POST', `${users}/phone-numbers/v1/${id}/delete/verify`, { otcToken, code }),
      )
    },
  },
  'code of a changed phone number': {
    purpose: 'phone-number-change',
    lifetime: 10 * MINUTE,
    tries: 5,
    async issue(env, user) {
      const phoneNumber = newPhone(),
        asked = (await user('POST', `${users}/v1/phone`, { phoneNumber })).body
      return typed((await last(env, phoneNumber)).code!, async (code) =>
        (await me(env, user))('POST', `${users}/v1/phone/verify`, { ...asked, code }),
      )
    },
  },
  'code for a lost phone': { purpose: 'phone-number-reset', lifetime: 10 * MINUTE, tries: 5, issue: phoneReset },
  // it belongs to nobody until somebody has logged in
  'state of a login for a client': {
    purpose: 'oauth-state',
    lifetime: 30 * MINUTE,
    settings: allow,
    after: { locked: 'waits', disabled: 'waits', 'password changed': 'lives' },
    async issue(env, user) {
      const browser = browserOf(env),
        { state } = queryOf(await browser.ask(question(env, challenge)))
      return {
        secrets: [state!, ...Object.values(browser.cookies)],
        show: async () => browser.call('POST', '/oauth/postlogin', { state, token: await env.userToken(user) }),
      }
    },
  },
  'way back to a client': {
    purpose: 'oauth-return',
    lifetime: 5 * MINUTE,
    settings: allow,
    async issue(env, user) {
      const browser = browserOf(env),
        { state } = queryOf(await browser.ask(question(env, challenge))),
        { redirectUrl } = (await browser.call('POST', '/oauth/postlogin', { state, token: await env.userToken(user) }))
          .body
      return {
        secrets: [new URL(redirectUrl).searchParams.get('state')!],
        show: async () => {
          const answer = await browser.call('GET', pathOf(redirectUrl))
          return answer.status === 302 && queryOf(answer)['code']
            ? { ...answer, status: 200 }
            : { ...answer, status: 400 }
        },
      }
    },
  },
  'code for a client': {
    purpose: 'oauth-code',
    lifetime: 90 * SECOND,
    settings: allow,
    use: 'at most once',
    async issue(env, user) {
      const browser = browserOf(env),
        asked = await browser.ask(question(env, challenge)),
        { code } = queryOf(await browser.comeBack(asked, await env.userToken(user))),
        body = { grant_type: 'authorization_code', code, redirect_uri: CALLBACK, code_verifier: verifier }
      return { secrets: [code!], show: () => env.anonymous('POST', '/oauth/token', body) }
    },
  },
  'token for a lost phone': {
    purpose: 'phone-number-after-reset',
    lifetime: 10 * MINUTE,
    async issue(env, user) {
      const { changePhoneNumberToken } = (await (await phoneReset(env, user)).show()).body,
        phoneNumber = newPhone()
      return {
        secrets: [changePhoneNumberToken],
        show: () => env.anonymous('PUT', `${users}/v1/phone/change`, { changePhoneNumberToken, phoneNumber }),
      }
    },
  },
}
