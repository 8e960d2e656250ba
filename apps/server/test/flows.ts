import { mayDelegate } from '../src/areas/rights/permissions/permissions.keys.ts'
import type { Operation } from '../src/kernel/operation.ts'
import { operations, unique, type Answer, type TestEnvironment } from './environment.ts'
import { keyOf, newPhone, personWith, type Traits } from './people.ts'
import { allow, CALLBACK, pkce } from './oauth-browser.ts'
import { fillPath } from './samples.ts'
import { custom, goesTo, grantedBy, verified } from './login-providers.ts'
import { codeAt, mfaPolicy, strategies } from './second-factors.ts'

/*
 * Every way to get a session, a credential or a place in a tenant, as a list of steps. The flow-*.test.ts files go
 * through all of them: something happens between two steps, a step is malformed, left out or repeated. A new flow gets
 * a row here. flows.test.ts fails for an operation that is in none, and for a code that leaks.
 */

/** Who goes through a flow, and what the steps so far have given: tokens, codes, ids. */
export type Known = Record<string, any> & { id: string; email: string; tenantId: string }

export interface Step {
  /** the operation's id */
  op: string
  body?(known: Known): unknown
  query?(known: Known): Record<string, string>
  /** what the path's parameters are, if not what is known by their names, or the user */
  params?(known: Known): object
  /** the fields of the answer that later steps take; a session is always taken */
  gives?: readonly string[] | ((answer: any, whole: Answer, known: Known) => object)
  /** where a code or link goes, by its name in `Known`. It is read in the outbox. */
  sends?: string
  /** why the answer may tell it, too */
  told?: string
  /** the answer's status, if it is not a success */
  status?: number
  /** who calls, if not the user, or whom the operation is open to: the environment, with its tenant or without */
  by?: 'management' | 'environment'
  /** jobs do the rest */
  worker?: true
  /** it may be made again, and then gives anew */
  again?: true
  /** shown again, it ends the session that has come of it */
  ends?: true
  /** it may be left out; `reads`: and leaves everything as it is */
  optional?: true | 'reads'
  /** it works without the steps before it */
  free?: true
}

/** What happens to the user of a flow, or changes about them. */
export const EVENTS = [
  'locked',
  'disabled',
  'deleted',
  'removed',
  'moved',
  'given a password',
  'left without the tenant',
  'asked for a second factor',
  'kept out by their IP address',
  'left without local logins',
] as const
export type Event = (typeof EVENTS)[number]
/**
 * Where an event does not end a flow: anywhere, or only after these steps, counted from 1. `of no effect`: the user is
 * not in the tenant yet, so it changes nothing, or is refused.
 */
export type Survived = 'always' | 'of no effect' | readonly number[]

export interface Flow {
  name: string
  /** the flow that it differs from in how a code or link comes about */
  like?: string
  settings?(env: TestEnvironment): Promise<unknown>
  who(env: TestEnvironment): Promise<Known>
  steps: readonly Step[]
  /** the client keeps no cookies */
  bare?: true
  /** absent: the event ends the flow, and its last step gives nothing */
  survives?: Partial<Record<Event, Survived>>
}

const byId = new Map(operations.map((op) => [op.id, op]))
export function operationOf({ op }: Step): Operation {
  const found = byId.get(op)
  if (!found) throw new Error(`there is no operation ${op}`)
  return found
}

/** A flow under way, in one browser. */
export interface Run {
  env: TestEnvironment
  flow: Flow
  known: Known
  cookies: Record<string, string>
}
export async function begin(env: TestEnvironment, flow: Flow): Promise<Run> {
  return { env, flow, known: await flow.who(env), cookies: {} }
}

/** Makes the call of a step, and takes nothing from the answer. */
export async function call({ env, known, cookies }: Run, step: Step, body?: unknown): Promise<Answer> {
  const op = operationOf(step),
    query = step.query ? `?${new URLSearchParams(step.query(known))}` : '',
    named = { ...known, ...step.params?.(known) } as Record<string, string>,
    url = fillPath(op, (name) => named[name] ?? known.id) + query
  const payload = body === undefined ? await step.body?.(known) : body
  if (op.auth === 'public') return env.anonymous(op.method, url, payload, { cookies })
  const client =
    op.auth !== 'vendor' && !step.by
      ? env.withToken(String(known['accessToken'] ?? 'none'))
      : step.by === 'environment'
        ? env.vendor
        : env.as(known.tenantId)
  return client(op.method, url, payload)
}

export const isRight = ({ status }: Step, answer: Answer) =>
  status === undefined ? answer.status < 300 : answer.status === status
/** Whether the flow has come to its end with this answer to its last step. */
export const isGranted = (step: Step, answer: Answer) =>
  isRight(step, answer) && answer.body?.mfaRequired !== true && answer.body?.resetPasswordToken === undefined
/** The tokens of a session, wherever an answer has them. */
export function sessionIn({ body }: Answer): { accessToken?: string; refreshToken?: string } {
  // an OAuth client gets the tokens of a session with an id_token, and the others without
  const found = body?.id_token ? inOtherNames(body) : (body?.authResponse ?? body ?? {}),
    { accessToken, refreshToken } = found as { accessToken?: string; refreshToken?: string }
  return { ...(accessToken && { accessToken }), ...(refreshToken && { refreshToken }) }
}

/** What a mail or text message gives to those who read it. */
export const contents = ({ code, link }: { code: string | null; link: string | null }) => ({
  ...(link !== null && Object.fromEntries(new URL(link).searchParams)),
  ...(code !== null && { code }),
})

/** Takes from the answer, and from the outbox, what later steps need. */
export async function learn({ env, flow, known, cookies }: Run, step: Step, answer: Answer) {
  for (const { name, value } of flow.bare ? [] : answer.cookies)
    if (value) cookies[name] = value
    else delete cookies[name]
  if (step.worker) await env.runJobs()
  if (!isRight(step, answer)) return
  const { gives = [] } = step
  Object.assign(
    known,
    sessionIn(answer),
    typeof gives === 'function'
      ? gives(answer.body, answer, known)
      : Object.fromEntries(gives.map((name) => [name, answer.body?.[name]])),
  )
  const message = step.sends && (await env.messages({ to: known[step.sends] })).at(-1)
  if (message) Object.assign(known, contents(message))
}

/** Makes a step. */
export async function take(run: Run, step: Step, body?: unknown) {
  const answer = await call(run, step, body)
  await learn(run, step, answer)
  return answer
}

/** What the user's app shows. */
const appCode = (known: Known) => codeAt(new Date(), known['secret'] as string)

const settings = '/identity/resources/configurations/v1'
const configure = (configuration: object) => (env: TestEnvironment) => env.vendor('POST', settings, configuration)
const switchOn = (strategy: string) => (env: TestEnvironment) =>
  env.vendor('POST', strategies, { strategy, isActive: true })
const force = (env: TestEnvironment) => env.vendor('POST', mfaPolicy, {})
/** Without apps: each login would draw a QR code. */
const forceWith = (strategy: string) => async (env: TestEnvironment) => [
  await switchOn(strategy)(env),
  await env.vendor('POST', strategies, { strategy: 'AuthenticatorApp', isActive: false }),
  await force(env),
]
const mailing = (what: 'activation' | 'invitation') => (env: TestEnvironment) =>
  env.vendor('POST', `${settings}/${what}/strategies`, { strategy: 'code' })

/** What people will want to be called, and to type. */
const plans = (env: TestEnvironment) => ({
  newPassword: 'Another-Hen-3!',
  newEmail: `${unique('new')}@example.com`,
  newPhone: newPhone(),
  newUsername: unique('hen'),
  newKey: keyOf(env),
})
const nobody = async (env: TestEnvironment): Promise<Known> => ({ id: '', email: '', tenantId: '', ...plans(env) })
/** A member of two tenants; the events are about the first. */
const person =
  (has: Traits = {}) =>
  async (env: TestEnvironment): Promise<Known> => ({
    ...plans(env),
    ...(await personWith(env, { elsewhere: true, ...has })),
  })
const loggedIn =
  (has: Traits = {}) =>
  async (env: TestEnvironment): Promise<Known> => {
    const user = await person(has)(env)
    return Object.assign(user, { accessToken: await env.userToken(user) })
  }
/** A member of one tenant, about to be invited to the one that the events are about. */
const guest =
  (has: Traits = {}) =>
  async (env: TestEnvironment): Promise<Known> => {
    const user = await personWith(env, has)
    return { ...plans(env), ...user, elsewhere: user.tenantId, tenantId: await env.newTenant() }
  }
/** An administrator, whom the events are about, and somebody whom they invite. */
const host = async (env: TestEnvironment): Promise<Known> => {
  const user = await personWith(env, { roleKeys: ['Admin'] }),
    invited = await personWith(env, {})
  return {
    ...plans(env),
    ...user,
    accessToken: await env.userToken(user, { permissions: ['fe.secure.*'] }),
    guest: invited,
  }
}

type Body = Step['body']
const step = (op: string, body?: Body, more: Omit<Step, 'op' | 'body'> = {}): Step => ({
  op,
  ...(body && { body }),
  ...more,
})
/** The fields of a body that have the names they are known by, or other ones. */
const fields =
  (...names: (string | Record<string, string>)[]): NonNullable<Body> =>
  (known) =>
    Object.fromEntries(
      names
        .flatMap((name) => (typeof name === 'string' ? [[name, name] as const] : Object.entries(name)))
        .map(([field, name]) => [field, known[name] as unknown]),
    )
const invitationIn = ({ token: invitationToken }: { token: string }) => ({ invitationToken })
const inOtherNames = ({ access_token: accessToken, refresh_token: refreshToken }: Record<string, string>) => ({
  accessToken,
  refreshToken,
})
const created = ({ id }: { id: string }) => ({ id })

const logIn = step('logInV1', fields('email', 'password'), { gives: ['mfaToken'], again: true })
/** Without a second factor. */
const logInAtOnce: Step = { ...logIn, gives: [] }
const logInAnew = step('logInV1', fields('email', { password: 'newPassword' }), { again: true })
const refresh = step('refreshTokenV1', () => ({}), { again: true })
const choosesKey = (known: Known) => ({ deviceType: 'CrossPlatform', webauthnToken: known['webauthnToken'] })
/** What the server has offered to sign; the steps before may have failed. */
const offered = ({ options }: Known) => options ?? { challenge: 'eHh4', rp: { id: 'localhost' }, user: { id: 'eA' } }
const madeKey = (known: Known) => known['newKey'].create({ ...offered(known), excludeCredentials: [] })
/** Signs with a key that the user has, whichever the server named; with a strange one if there is none. */
function signed(known: Known) {
  const { challenge, rpId = 'localhost' } = offered(known),
    { key } = known
  if (!key.held.some((one: { rpId: string }) => one.rpId === rpId))
    key.create({ challenge, rp: { id: rpId }, user: { id: 'eA' } })
  return key.get({ challenge, rpId })
}

const verifyApp = step('verifyAuthenticatorAtLoginV1', async (known) => ({
  mfaToken: known['mfaToken'],
  value: await appCode(known),
}))
const verifyAnyApp = step('verifyMfaAtLoginV1', verifyApp.body)
const startMagicLink = step('requestMagicLinkV1', fields('email'), { sends: 'email', again: true })
const endMagicLink = step('logInWithMagicLinkV1', fields('token'))
const startCode = step('requestLoginCodeV1', fields('email'), { sends: 'email', again: true })
const endCode = step('logInWithCodeV1', fields({ token: 'code' }), { gives: ['mfaToken'] })
const startSms = step('requestLoginSmsV1', fields('phoneNumber'), { sends: 'phoneNumber', again: true })
const endSms = step('logInWithSmsV1', fields({ token: 'code' }))
const startPasskeyLogin = step('startPasskeyLoginV1', fields('email'), { gives: ['options'], again: true })
const finishReset = step('finishPasswordResetV1', fields('userId', 'token', { password: 'newPassword' }))
const resendActivation = step('resendActivationV1', fields('email'), { sends: 'email', again: true })
const activate = step('activateUserV1', fields('userId', 'token'))
const activateWithPassword = step('activateUserV1', fields('userId', 'token', { password: 'newPassword' }))
const activateWithCode = step('activateUserWithCodeV1', fields('userId', 'token', 'code'))
const accept = step('acceptInvitationV1', fields('userId', 'token'))
const signUp = step('signUpV1', fields({ email: 'newEmail', companyName: 'newUsername', password: 'newPassword' }), {
  gives: ({ userId: id, tenantId, activationToken }) => ({ id, tenantId, userId: id, token: activationToken }),
  sends: 'newEmail',
})
/** The environment invites them. */
const inviting = (op: string, body: Body, more: Partial<Step> = {}) =>
  step(op, body, { by: 'management', sends: 'email', ...more })

/** The user goes on in another tenant. */
const elsewhere = {
  disabled: 'always',
  removed: 'always',
  moved: 'always',
  'left without the tenant': 'always',
} as const
/** The same, but the link or code is gone with the tenant. */
const elsewhereButDeleted = { disabled: 'always', removed: 'always', moved: 'always' } as const
/** No session comes of it, or it was there already. */
const settled = {
  'asked for a second factor': 'always',
  'kept out by their IP address': 'always',
  'left without local logins': 'always',
} as const
/** An invitation is about its tenant, and does not ask for a login. */
const invited = {
  moved: 'always',
  'given a password': 'always',
  'asked for a second factor': 'always',
  'left without local logins': 'always',
} as const

/** It gives nothing. */
const harmless = Object.fromEntries(EVENTS.map((event) => [event, 'always' as const]))

const byPassword: Flow[] = [
  {
    name: 'a login with a password, and the cookie',
    who: person(),
    steps: [logIn, refresh],
    survives: { 'asked for a second factor': 'always', 'left without local logins': 'always' },
  },
  {
    name: 'a logout',
    who: person(),
    steps: [logIn, step('logOutV1', () => ({}), { again: true })],
    survives: harmless,
  },
  {
    name: 'a login with a user name',
    settings: configure({ authStrategy: 'UsernameAndPassword' }),
    who: loggedIn(),
    steps: [
      step('createUsernameV1', fields({ username: 'newUsername' })),
      step('logInV1', fields('password', { username: 'newUsername' }), { again: true }),
    ],
    survives: elsewhere,
  },
  {
    name: 'a refresh into another tenant',
    who: person(),
    bare: true,
    steps: [logIn, step('refreshTokenV1', fields('refreshToken', { tenantId: 'elsewhere' }), { again: true })],
    survives: { 'kept out by their IP address': 'always', 'left without local logins': 'always' },
  },
  {
    name: 'the choice of another tenant',
    who: person(),
    steps: [
      logIn,
      step('chooseTenantV1', fields({ tenantId: 'elsewhere' }), { again: true }),
      { ...refresh, free: true },
    ],
    survives: { 'kept out by their IP address': 'always', 'left without local logins': 'always' },
  },
  {
    name: 'a token for another tenant',
    who: person(),
    steps: [logIn, step('createTokenForTenantV3', fields({ tenantId: 'elsewhere' }), { again: true })],
    survives: { 'kept out by their IP address': 'always', 'left without local logins': 'always' },
  },
  {
    name: "management's choice of another tenant",
    who: person(),
    steps: [step('setUserTenantV1', fields({ tenantId: 'elsewhere' }), { again: true }), { ...logIn, free: true }],
    survives: { ...elsewhere, 'kept out by their IP address': 'always' },
  },
  {
    name: 'the end of a lock',
    settings: (env) => env.vendor('POST', `${settings}/lockout-policy`, { enabled: true, maxAttempts: 1 }),
    who: person(),
    steps: [
      step('logInV1', fields('email', { password: 'newPassword' }), { status: 401, sends: 'email' }),
      step('unlockMeV3', fields('token')),
      { ...logIn, free: true },
    ],
    survives: elsewhere,
  },
  {
    name: 'a change of the password',
    who: loggedIn(),
    steps: [step('changePasswordV1', fields('password', 'newPassword')), logInAnew],
    survives: elsewhere,
  },
]

const bySecondFactor: Flow[] = [
  {
    name: 'an app at login',
    who: person({ app: true }),
    steps: [logIn, verifyApp],
    survives: { moved: 'always', 'asked for a second factor': 'always', 'left without local logins': 'always' },
  },
  {
    name: 'any app at login',
    like: 'an app at login',
    who: person({ app: true }),
    steps: [logIn, verifyAnyApp],
    survives: { moved: 'always', 'asked for a second factor': 'always', 'left without local logins': 'always' },
  },
  {
    name: 'a code by SMS at login',
    settings: switchOn('SMS'),
    who: person({ mfaPhone: true }),
    steps: [
      logIn,
      step('startMfaBySmsV1', fields('mfaToken'), { gives: ['otcToken'], sends: 'phoneNumber', again: true }),
      step('verifyMfaBySmsV1', fields('mfaToken', 'otcToken', 'code')),
    ],
    survives: { moved: 'always', 'asked for a second factor': 'always', 'left without local logins': 'always' },
  },
  {
    name: 'a code by mail at login',
    like: 'a code by SMS at login',
    settings: forceWith('EmailCode'),
    who: person(),
    steps: [
      logIn,
      step('startMfaByEmailV1', fields('mfaToken'), { gives: ['otcToken'], sends: 'email', again: true }),
      step('verifyMfaByEmailV1', fields('mfaToken', 'otcToken', 'code')),
    ],
    survives: { moved: 'always', 'asked for a second factor': 'always', 'left without local logins': 'always' },
  },
  {
    name: 'a security key at login',
    like: 'a code by SMS at login',
    settings: switchOn('WebAuthnCrossPlatform'),
    who: person({ key: true }),
    steps: [
      logIn,
      step('startMfaByWebauthnV1', fields('mfaToken'), { gives: ['webauthnToken', 'options'], again: true }),
      step('verifyMfaByWebauthnV1', (known) => ({
        mfaToken: known['mfaToken'],
        webauthnToken: known['webauthnToken'],
        options: signed(known),
      })),
    ],
    survives: { moved: 'always', 'asked for a second factor': 'always', 'left without local logins': 'always' },
  },
  {
    name: 'a recovery code',
    who: person({ app: true }),
    steps: [step('recoverMfaV1', fields('email', 'recoveryCode')), logInAtOnce],
    survives: elsewhere,
  },
  {
    name: 'a remembered browser',
    settings: (env) => env.vendor('POST', mfaPolicy, { allowRememberMyDevice: true }),
    who: person({ app: true }),
    steps: [
      logIn,
      step('getRememberDevicePolicyV1', undefined, {
        query: ({ mfaToken }) => ({ mfaToken: String(mfaToken) }),
        again: true,
        optional: 'reads',
      }),
      step('verifyAuthenticatorAtLoginV1', async (known) => ({
        ...((await verifyApp.body!(known)) as object),
        rememberDevice: true,
      })),
      logInAtOnce,
    ],
    survives: { disabled: [3], removed: [3], moved: 'always', 'left without the tenant': [3] },
  },
  {
    name: 'an app enrolled at login',
    like: 'a phone enrolled at login',
    settings: force,
    who: person(),
    steps: [
      { ...logIn, gives: ['mfaToken', 'secret'] },
      step('startAuthenticatorAtLoginV1', fields('mfaToken'), { gives: ['secret'], again: true, optional: true }),
      step('enrolAuthenticatorAtLoginV1', async (known) => ({
        mfaToken: known['mfaToken'],
        token: await appCode(known),
      })),
    ],
    survives: { moved: 'always', 'asked for a second factor': 'always', 'left without local logins': 'always' },
  },
  {
    name: 'a phone enrolled at login',
    settings: forceWith('SMS'),
    who: person(),
    steps: [
      logIn,
      step('startSmsAtLoginV1', fields('mfaToken', { phoneNumber: 'newPhone' }), {
        gives: ['otcToken'],
        sends: 'newPhone',
        again: true,
      }),
      step('enrolSmsAtLoginV1', fields('mfaToken', 'otcToken', 'code')),
    ],
    survives: { moved: 'always', 'asked for a second factor': 'always', 'left without local logins': 'always' },
  },
  {
    name: 'a security key enrolled at login',
    like: 'a phone enrolled at login',
    settings: forceWith('WebAuthnCrossPlatform'),
    who: person(),
    steps: [
      logIn,
      step('startWebauthnAtLoginV1', fields('mfaToken'), { gives: ['webauthnToken', 'options'], again: true }),
      step('enrolWebauthnAtLoginV1', (known) => ({
        ...choosesKey(known),
        mfaToken: known['mfaToken'],
        options: madeKey(known),
      })),
    ],
    survives: { moved: 'always', 'asked for a second factor': 'always', 'left without local logins': 'always' },
  },
  {
    name: 'a step-up',
    who: loggedIn({ app: true }),
    steps: [step('generateStepUpV1', undefined, { gives: ['mfaToken'], again: true }), verifyApp],
    survives: { 'asked for a second factor': 'always', 'left without local logins': 'always' },
  },
]

const enrolApp = (name: string, start: string, finish: string): Flow => ({
  name,
  who: loggedIn(),
  steps: [
    step(start, undefined, { gives: ['secret'], again: true }),
    step(finish, async (known) => ({ token: await appCode(known) })),
  ],
  survives: settled,
})
const ownFactors: Flow[] = [
  enrolApp('an app', 'startAuthenticatorV1', 'enrolAuthenticatorV1'),
  { ...enrolApp('an app, by the older way', 'startMfaV1', 'enrolMfaV1'), like: 'an app' },
  {
    name: 'a phone that gets codes',
    settings: switchOn('SMS'),
    who: loggedIn(),
    steps: [
      step('startSmsV1', fields({ phoneNumber: 'newPhone' }), { gives: ['otcToken'], sends: 'newPhone', again: true }),
      step('enrolSmsV1', fields('otcToken', 'code')),
    ],
    survives: settled,
  },
  {
    name: 'the end of a phone that gets codes',
    like: 'a phone that gets codes',
    settings: switchOn('SMS'),
    who: loggedIn({ mfaPhone: true }),
    steps: [
      step('startDisableSmsV1', () => ({}), { gives: ['otcToken'], sends: 'phoneNumber', again: true }),
      step('disableSmsV1', fields('otcToken', 'code')),
    ],
    survives: settled,
  },
  {
    name: 'a security key',
    like: 'a phone that gets codes',
    settings: switchOn('WebAuthnCrossPlatform'),
    who: loggedIn(),
    steps: [
      step('startWebauthnV1', undefined, { gives: ['webauthnToken', 'options'], again: true }),
      step('enrolWebauthnV1', (known) => ({ ...choosesKey(known), options: madeKey(known) })),
    ],
    survives: settled,
  },
  {
    name: 'the end of a security key',
    like: 'a phone that gets codes',
    settings: switchOn('WebAuthnCrossPlatform'),
    who: loggedIn({ key: true }),
    steps: [
      step('startDisableWebauthnV1', undefined, { gives: ['webauthnToken', 'options'], again: true }),
      step('disableWebauthnV1', (known) => ({ webauthnToken: known['webauthnToken'], options: signed(known) })),
    ],
    survives: settled,
  },
  {
    name: 'the end of an app',
    who: loggedIn({ app: true }),
    steps: [step('disableAuthenticatorV1', async (known) => ({ token: await appCode(known) }))],
  },
  {
    name: 'the end of any app',
    who: loggedIn({ app: true }),
    steps: [step('disableMfaV1', async (known) => ({ token: await appCode(known) }))],
  },
]

/** The provider says who it is by their address, which it has verified. */
const startWith = (op: string) =>
  step(op, undefined, {
    params: () => ({ provider: 'acme' }),
    status: 302,
    again: true,
    gives: (_, answer, { email }) => grantedBy(goesTo(answer), verified(email, { sub: email })),
  })
const toPage: Partial<Step> = {
  params: () => ({ provider: 'acme' }),
  query: ({ state, code }) => ({ state, code }),
  gives: (_, answer) => ({ code: goesTo(answer).searchParams.get('code') }),
}
const passSocial = step('passSocialLoginV2', undefined, { ...toPage, status: 302 })
const endSocial = step('logInBySocialV1', undefined, {
  params: () => ({ provider: 'acme' }),
  query: ({ code }) => ({ code }),
})
const withAcme = async (env: TestEnvironment) => [
  await env.vendor('POST', '/identity/resources/sso/custom/v1', custom('acme')),
  // who is deleted would come as somebody new
  await configure({ allowSignups: false })(env),
]
const socially = { ...elsewhere, 'given a password': 'always', 'left without local logins': 'always' } as const

const withProvider: Flow[] = [
  {
    name: 'a login with a provider',
    settings: withAcme,
    who: person(),
    steps: [startWith('startCustomLoginV2'), passSocial, endSocial],
    survives: socially,
  },
  {
    name: 'a login with a provider that sends a form',
    like: 'a login with a provider',
    settings: withAcme,
    who: person(),
    steps: [
      startWith('startSocialLoginV2'),
      step('postSocialLoginV2', fields('state', 'code'), {
        ...toPage,
        gives: [],
        status: 303,
        again: true,
        free: true,
        optional: 'reads',
      }),
      passSocial,
      endSocial,
    ],
    survives: socially,
  },
  {
    name: 'a login with a provider from an older page',
    like: 'a login with a provider',
    settings: withAcme,
    who: person(),
    steps: [startWith('startSocialLoginV1'), passSocial, endSocial],
    survives: socially,
  },
]

const withoutPassword: Flow[] = [
  {
    name: 'a magic link',
    settings: configure({ authStrategy: 'MagicLink' }),
    who: person(),
    steps: [startMagicLink, endMagicLink],
    survives: elsewhere,
  },
  {
    name: 'a code by mail',
    like: 'a magic link',
    settings: configure({ authStrategy: 'Code' }),
    who: person(),
    steps: [startCode, endCode],
    survives: elsewhere,
  },
  {
    name: 'a code by SMS',
    like: 'a magic link',
    settings: configure({ authStrategy: 'SmsCode' }),
    who: person({ phone: true }),
    steps: [startSms, endSms],
    survives: elsewhere,
  },
  {
    name: 'a code by mail, and an app',
    settings: configure({ authStrategy: 'Code' }),
    who: person({ app: true }),
    steps: [startCode, endCode, verifyAnyApp],
    survives: {
      disabled: [1],
      removed: [1],
      moved: 'always',
      'left without the tenant': [1],
      'asked for a second factor': 'always',
      'left without local logins': 'always',
    },
  },
  {
    name: 'a passkey',
    who: person({ passkey: true }),
    steps: [startPasskeyLogin, step('logInWithPasskeyV1', signed)],
    survives: { ...elsewhere, 'given a password': 'always' },
  },
  {
    name: 'a new passkey',
    who: loggedIn(),
    steps: [
      step('startPasskeyV1', undefined, { gives: ['options'], again: true }),
      step('createPasskeyV1', (known) => ({ ...madeKey(known), deviceType: 'Platform' })),
    ],
    survives: { 'kept out by their IP address': 'always' },
  },
]

const rotation = {
  isActive: true,
  rotationPeriod: 60 * 24 * 30,
  notificationPeriod: 60,
}
const forgotten: Flow[] = [
  {
    name: 'a forgotten password, by mail',
    who: person(),
    steps: [
      step('requestPasswordResetV1', fields('email'), { sends: 'email', again: true }),
      step('validatePasswordResetV1', fields('userId', 'token'), { again: true, optional: 'reads' }),
      finishReset,
      logInAnew,
    ],
    survives: elsewhere,
  },
  {
    name: 'a forgotten password, by mail (v2)',
    like: 'a forgotten password, by mail',
    who: person(),
    steps: [
      step('requestPasswordResetByEmailV2', ({ email }) => ({ identifier: email, identifierType: 'email' }), {
        sends: 'email',
        again: true,
      }),
      finishReset,
    ],
    survives: { ...elsewhere, ...settled },
  },
  {
    name: 'a forgotten password, by SMS',
    like: 'a forgotten password, by mail',
    who: person({ phone: true }),
    steps: [
      step(
        'requestPasswordResetBySmsV2',
        ({ phoneNumber }) => ({ identifier: phoneNumber, identifierType: 'phoneNumber' }),
        { gives: ['sessionId'], sends: 'phoneNumber', again: true },
      ),
      step('exchangePasswordResetCodeV2', fields('sessionId', { otcToken: 'code' }), { gives: ['userId', 'token'] }),
      finishReset,
    ],
    survives: { ...elsewhere, ...settled },
  },
  {
    name: 'a password by a link from management',
    like: 'a forgotten password, by mail',
    who: person(),
    steps: [step('createPasswordResetLinkV1', undefined, { gives: ['userId', 'token'], again: true }), finishReset],
    survives: { ...elsewhere, ...settled },
  },
  {
    name: 'an expired password',
    settings: (env) => env.vendor('POST', `${settings}/password-rotation`, rotation),
    async who(env) {
      const known = await person()(env),
        { db } = await env.context()
      await db.user.update({ where: { id: known.id }, data: { passwordChangedAt: new Date('2020-01-01') } })
      return known
    },
    steps: [{ ...logIn, gives: ({ userId, resetPasswordToken: token }) => ({ userId, token }) }, finishReset],
    survives: { ...elsewhere, ...settled },
  },
  {
    name: 'a breached password',
    like: 'a forgotten password, by mail',
    async who(env) {
      const known = await person()(env),
        { db } = await env.context()
      await db.user.update({
        where: { id: known.id },
        data: { passwordChangedAt: new Date('2020-01-01'), passwordLeakedAt: new Date('2020-01-02') },
      })
      return known
    },
    steps: [
      step('resetBreachedPasswordsV1', undefined, { by: 'management', sends: 'email', worker: true, again: true }),
      finishReset,
    ],
    survives: { ...elsewhere, ...settled },
  },
]

const newcomers: Flow[] = [
  {
    name: 'an activation by link',
    who: person({ verified: false }),
    steps: [
      resendActivation,
      step('getActivationStrategyOfUserV1', undefined, {
        query: ({ userId, token }) => ({ userId: String(userId), token: String(token) }),
        again: true,
        optional: 'reads',
      }),
      activate,
    ],
    survives: elsewhereButDeleted,
  },
  {
    name: 'an activation by code',
    like: 'an activation by link',
    settings: mailing('activation'),
    who: person({ verified: false }),
    steps: [resendActivation, activateWithCode],
    survives: elsewhereButDeleted,
  },
  {
    name: 'an activation by a link from management',
    like: 'an activation by link',
    who: person({ verified: false }),
    steps: [step('createActivationLinkV1', undefined, { gives: ['userId', 'token'], again: true }), activate],
    survives: elsewhereButDeleted,
  },
  {
    name: 'an activation after a login that was refused',
    like: 'an activation by link',
    who: person({ verified: false }),
    steps: [step('logInV1', fields('email', 'password'), { status: 401, sends: 'email', again: true }), activate],
    survives: elsewhereButDeleted,
  },
  {
    name: 'a sign-up, and an activation by link',
    who: nobody,
    steps: [signUp, activate],
    survives: { moved: 'always' },
  },
  {
    name: 'a sign-up, and an activation by code',
    like: 'a sign-up, and an activation by link',
    settings: mailing('activation'),
    who: nobody,
    steps: [signUp, activateWithCode],
    survives: { moved: 'always' },
  },
  {
    name: 'a sign-up with a user name',
    settings: configure({ authStrategy: 'UsernameAndPassword' }),
    who: nobody,
    steps: [
      step(
        'signUpWithUsernameV1',
        fields({ username: 'newUsername', companyName: 'newUsername', password: 'newPassword' }),
        {
          gives: signUp.gives!,
        },
      ),
      step('logInV1', fields({ username: 'newUsername', password: 'newPassword' }), { again: true }),
    ],
    survives: { moved: 'always' },
  },
  {
    name: 'a sign-up with a phone number',
    settings: configure({ authStrategy: 'SmsCode' }),
    who: async (env) => ({ ...(await nobody(env)), phoneNumber: newPhone() }),
    steps: [
      step('signUpWithPhoneNumberV1', fields('phoneNumber', { companyName: 'newUsername' }), { gives: signUp.gives! }),
      startSms,
      endSms,
    ],
    survives: { moved: 'always' },
  },
  {
    name: 'a new user of the environment',
    like: 'a sign-up, and an activation by link',
    who: guest(),
    steps: [
      step('createUserV2', fields({ email: 'newEmail' }), { by: 'management', gives: created, sends: 'newEmail' }),
      activateWithPassword,
    ],
    survives: { moved: 'always' },
  },
  {
    name: 'a new user with a password of the environment',
    who: guest(),
    steps: [
      step('createVendorUserV1', fields('tenantId', { email: 'newEmail', password: 'newPassword' }), {
        gives: created,
      }),
      step('logInV1', fields({ email: 'newEmail', password: 'newPassword' }), { again: true }),
    ],
    survives: { moved: 'always' },
  },
]

const invitations: Flow[] = [
  {
    name: 'an invitation by link',
    who: guest(),
    steps: [inviting('createUserV2', fields('email')), accept],
    survives: invited,
  },
  {
    name: 'an invitation by code',
    like: 'an invitation by link',
    settings: mailing('invitation'),
    who: guest(),
    steps: [
      inviting('createUserV1', fields('email')),
      step('acceptInvitationWithCodeV1', fields('userId', 'token', 'code')),
    ],
    survives: invited,
  },
  {
    name: 'an invitation that is sent again',
    like: 'an invitation by link',
    who: guest(),
    steps: [
      inviting('addUserToTenantV1', fields('tenantId')),
      step('resendInvitationV1', fields('email'), { sends: 'email', again: true, optional: true }),
      accept,
    ],
    survives: invited,
  },
  {
    name: 'an invitation that management sends again, for all tenants',
    like: 'an invitation by link',
    who: guest(),
    steps: [
      inviting('addMemberV1', fields('email')),
      inviting('resendAllInvitationsV1', fields('email'), { again: true, optional: true }),
      accept,
    ],
    survives: invited,
  },
  {
    name: 'an invitation that management sends again',
    like: 'an invitation by link',
    who: guest(),
    steps: [
      inviting('addMemberV1', fields('email')),
      inviting('resendMemberMailV1', undefined, { again: true, optional: true }),
      accept,
    ],
    survives: invited,
  },
  {
    name: 'an invitation of many',
    like: 'an invitation by link',
    who: guest(),
    steps: [
      inviting('inviteUsersInBulkV1', ({ email }) => ({ users: [{ email }] }), { worker: true, again: true }),
      accept,
    ],
    survives: invited,
  },
  {
    name: 'an invitation to sub-accounts',
    like: 'an invitation by link',
    who: guest(),
    steps: [
      inviting('addUserToSubAccountsV1', ({ email, tenantId }) => ({ user: { email }, subTenants: [{ tenantId }] })),
      accept,
    ],
    survives: invited,
  },
  {
    name: 'an invitation of several to a sub-account',
    like: 'an invitation by link',
    who: guest(),
    steps: [inviting('addUsersToSubAccountV2', ({ email, tenantId }) => ({ users: [{ email }], tenantId })), accept],
    survives: invited,
  },
  {
    name: 'a login with an invitation',
    who: guest(),
    steps: [
      step('createInviteV1', (known) => ({ tenantId: known.tenantId, userId: known.id, shouldSendEmail: true }), {
        gives: invitationIn,
        sends: 'email',
        told: 'management may hand it out itself',
        again: true,
      }),
      step('logInV1', fields('email', 'password', 'invitationToken')),
    ],
    survives: { disabled: 'of no effect', removed: 'of no effect', moved: 'of no effect' },
  },
  {
    name: 'a login with an invitation, and an app',
    who: guest({ app: true }),
    steps: [
      step('createInviteV1', (known) => ({ tenantId: known.tenantId, userId: known.id }), {
        gives: invitationIn,
        again: true,
      }),
      step('logInV1', fields('email', 'password', 'invitationToken'), { gives: ['mfaToken'], again: true }),
      verifyAnyApp,
    ],
    survives: {
      disabled: 'of no effect',
      removed: 'of no effect',
      moved: 'of no effect',
      'asked for a second factor': 'always',
      'left without local logins': 'always',
    },
  },
  {
    name: "a sign-up with a member's link",
    who: host,
    steps: [
      step('createUserInviteV1', () => ({}), {
        gives: invitationIn,
        again: true,
      }),
      step('verifyInviteV1', ({ invitationToken }) => ({ token: invitationToken }), { again: true, optional: 'reads' }),
      { ...signUp, body: fields('invitationToken', { email: 'newEmail', password: 'newPassword' }) },
      activateWithPassword,
    ],
    survives: { moved: [3], 'given a password': [2] },
  },
  {
    name: "a login with a member's link",
    who: host,
    steps: [
      step('createUserInviteV2', () => ({}), {
        gives: invitationIn,
        again: true,
      }),
      step('updateUserInviteV1', () => ({ expiresInMinutes: 60 }), {
        gives: invitationIn,
        again: true,
        optional: true,
      }),
      step('logInV1', ({ guest: { email, password }, invitationToken }) => ({ email, password, invitationToken }), {
        again: true,
      }),
    ],
    survives: { 'given a password': 'always' },
  },
]

const changing = (env: TestEnvironment) =>
  env.vendor('POST', `${settings}/user-emails-policy`, { allowEmailChange: true })
const addresses: Flow[] = [
  {
    name: 'another e-mail address',
    settings: changing,
    who: loggedIn(),
    steps: [
      step('createUserEmailV1', fields({ email: 'newEmail' }), { sends: 'newEmail', again: true }),
      step('verifyUserEmailV1', fields('code', { email: 'newEmail' })),
      step('setOwnPrimaryEmailV1', fields({ email: 'newEmail' }), { again: true }),
    ],
    survives: settled,
  },
  {
    name: 'a change of the e-mail address',
    settings: changing,
    who: loggedIn(),
    steps: [
      step('changeOwnEmailV1', fields({ email: 'newEmail' }), { sends: 'newEmail', again: true }),
      step('verifyOwnEmailChangeV1', fields('code', { email: 'newEmail' })),
    ],
    survives: settled,
  },
  {
    name: "management's change of the e-mail address",
    like: 'an activation by link',
    who: person({ verified: false }),
    steps: [
      step('setUserEmailV1', fields({ email: 'newEmail' }), { by: 'environment', sends: 'newEmail', again: true }),
      activate,
    ],
    survives: elsewhereButDeleted,
  },
  {
    name: 'a phone number',
    who: loggedIn(),
    steps: [
      step('createPhoneNumberV1', fields({ phoneNumber: 'newPhone' }), {
        gives: ['otcToken'],
        sends: 'newPhone',
        again: true,
      }),
      step('verifyPhoneNumberV1', fields('otcToken', 'code')),
    ],
    survives: settled,
  },
  {
    name: 'a phone number that is verified first',
    like: 'a phone number',
    who: loggedIn(),
    steps: [
      step('preverifyPhoneNumberV1', fields({ phoneNumber: 'newPhone' }), {
        gives: ['otcToken'],
        sends: 'newPhone',
        again: true,
      }),
      step('verifyPhoneNumberV1', fields('otcToken', 'code')),
    ],
    survives: settled,
  },
  {
    name: 'the end of a phone number',
    like: 'a phone number',
    async who(env) {
      const known = await loggedIn({ phone: true })(env),
        { db } = await env.context(),
        { id: phoneId } = await db.phoneNumber.findFirstOrThrow({ where: { userId: known.id } })
      return { ...known, phoneId }
    },
    steps: [
      step('deletePhoneNumberV1', undefined, {
        params: ({ phoneId: id }) => ({ id }),
        gives: ['otcToken'],
        sends: 'phoneNumber',
        again: true,
      }),
      step('verifyPhoneNumberDeletionV1', fields('otcToken', 'code'), { params: ({ phoneId: id }) => ({ id }) }),
    ],
    survives: settled,
  },
  {
    name: 'a change of the phone number',
    like: 'a phone number',
    who: loggedIn({ phone: true }),
    steps: [
      step('changePhoneNumberV1', fields({ phoneNumber: 'newPhone' }), {
        gives: ['changePhoneId'],
        sends: 'newPhone',
        again: true,
      }),
      step('verifyPhoneNumberChangeV1', fields('changePhoneId', 'code')),
    ],
    survives: settled,
  },
  {
    name: 'a lost phone',
    who: person({ phone: true }),
    steps: [
      step('resetPhoneNumberV1', fields('email'), { gives: ['resetPhoneNumberToken'], sends: 'email', again: true }),
      step('verifyPhoneNumberResetV1', fields('resetPhoneNumberToken', 'code'), { gives: ['changePhoneNumberToken'] }),
      step('changePhoneNumberAfterResetV1', fields('changePhoneNumberToken', { phoneNumber: 'newPhone' })),
    ],
    survives: { ...elsewhere, ...settled },
  },
]

/** Programs log in. The account's own tokens are not about a user. */
const programs: Flow[] = [
  {
    name: 'a personal API token',
    who: loggedIn({ roleKeys: ['Admin'] }),
    steps: [
      step('createUserApiTokenV1', () => ({}), { gives: ['clientId', 'secret'], again: true }),
      step('authenticateApiTokenV1', fields('clientId', 'secret'), { again: true }),
      step('refreshApiTokenV1', fields('refreshToken'), { again: true }),
    ],
    survives: {
      'given a password': 'always',
      'asked for a second factor': 'always',
      'left without local logins': 'always',
    },
  },
  {
    name: "an account's API token",
    who: person(),
    steps: [
      step('createTenantApiTokenV2', () => ({}), { gives: ['clientId', 'secret'], by: 'management', again: true }),
      step('authenticateApiTokenV2', fields('clientId', 'secret'), { gives: inOtherNames, again: true }),
      step('refreshApiTokenV2', fields('refreshToken'), { gives: inOtherNames, again: true }),
    ],
    survives: {
      locked: 'always',
      disabled: 'always',
      deleted: 'always',
      removed: 'always',
      moved: 'always',
      'given a password': 'always',
      'asked for a second factor': 'always',
      'left without local logins': 'always',
    },
  },
  {
    name: "an account's API token (v1)",
    like: "an account's API token",
    who: person(),
    steps: [
      step('createTenantApiTokenV1', () => ({}), { gives: ['clientId', 'secret'], by: 'management', again: true }),
      step('authenticateApiTokenV1', fields('clientId', 'secret'), { again: true }),
    ],
    survives: {
      locked: 'always',
      disabled: 'always',
      deleted: 'always',
      removed: 'always',
      moved: 'always',
      'given a password': 'always',
      'asked for a second factor': 'always',
      'left without local logins': 'always',
    },
  },
]

/** They last, and are exchanged for nothing: there is only one step. */
const lasting = configure({ machineToMachineAuthStrategy: 'AccessToken' })
const accessTokens: Flow[] = [
  {
    name: 'a personal access token',
    settings: lasting,
    who: loggedIn({ roleKeys: ['Admin'] }),
    steps: [step('createUserAccessTokenV1', () => ({}), { again: true })],
  },
  {
    name: "an account's access token",
    settings: lasting,
    who: person(),
    steps: [step('createTenantAccessTokenV1', () => ({}), { by: 'management', again: true })],
  },
]

/** A program of the account gets a token with which it acts for a user. */
const delegations: Flow[] = [
  {
    name: 'a delegation',
    settings: (env) => env.vendor('POST', `${settings}/delegation`, { enabled: true }),
    async who(env) {
      const known = await person()(env),
        program = await env.machine({ tenantId: known.tenantId, permissions: [mayDelegate] })
      return { ...known, actorToken: program.token }
    },
    steps: [
      logInAtOnce,
      step(
        'grantToken',
        ({ accessToken, actorToken }) => ({
          grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
          subject_token: String(accessToken),
          subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
          actor_token: String(actorToken),
          actor_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        }),
        { gives: ({ access_token }) => ({ delegatedToken: access_token as string }), again: true },
      ),
    ],
    survives: { 'asked for a second factor': 'always', 'left without local logins': 'always' },
  },
]

/** A member of the account is in the place of another. */
const impersonations: Flow[] = [
  {
    name: 'an impersonation',
    settings: (env) => env.vendor('POST', `${settings}/impersonation`, { enabled: true }),
    async who(env) {
      const known = await person()(env),
        support = await env.newUser({ tenantId: known.tenantId, permissions: ['fe.secure.*'] })
      return { ...known, actorToken: await env.userToken(support, { permissions: ['fe.secure.*'] }) }
    },
    steps: [
      step('impersonateV1', ({ id, actorToken }) => ({ impersonatedUserId: id, actorToken: String(actorToken) }), {
        gives: ({ accessToken }) => ({ delegatedToken: accessToken as string }),
        again: true,
      }),
    ],
  },
]

/** A client sends a browser to the server, and gets tokens for a code. */
const { verifier, challenge } = pkce()
const question = (more: Record<string, string> = {}): NonNullable<Step['query']> => {
  const fields = {
    response_type: 'code',
    redirect_uri: CALLBACK,
    code_challenge: challenge,
    code_challenge_method: 'S256',
    ...more,
  }
  return ({ clientId }) => ({ client_id: String(clientId), ...fields })
}
const inAddress =
  (name: string, as = name) =>
  (_: unknown, { headers }: Answer) => ({ [as]: new URL(String(headers['location'])).searchParams.get(name) })
const exchangeCode = step(
  'grantToken',
  ({ code }) => ({
    grant_type: 'authorization_code',
    code: String(code),
    redirect_uri: CALLBACK,
    code_verifier: verifier,
  }),
  { ends: true },
)
/** Somebody who comes to a client of the environment. */
const guestOf = async (env: TestEnvironment): Promise<Known> => ({
  ...(await person()(env)),
  clientId: env.id,
  clientSecret: env.apiKey,
})
/** A session that has begun goes on where it is. */
const goingOn = { 'asked for a second factor': 'always', 'left without local logins': 'always' } as const
const hosted: Flow[] = [
  {
    name: 'a login for a client',
    settings: allow,
    who: guestOf,
    steps: [
      step('authorize', undefined, { query: question(), status: 302, gives: inAddress('state'), again: true }),
      step('startHostedLogin', undefined, {
        query: ({ state }) => ({ state: String(state) }),
        status: 302,
        again: true,
        optional: 'reads',
      }),
      { ...logInAtOnce, free: true },
      step('finishHostedLogin', fields('state', { token: 'accessToken' }), {
        gives: ({ redirectUrl }) => ({ back: new URL(String(redirectUrl)).searchParams.get('state') }),
      }),
      step('returnToClient', undefined, {
        query: ({ back }) => ({ state: String(back) }),
        status: 302,
        gives: inAddress('code'),
      }),
      exchangeCode,
    ],
    survives: { disabled: [2], removed: [2], moved: [2], 'left without the tenant': [2], ...goingOn },
  },
  {
    name: 'a login for a client, to which the user agrees',
    settings: allow,
    who: guestOf,
    steps: [
      step('authorize', undefined, {
        query: question({ prompt: 'consent' }),
        status: 302,
        gives: inAddress('state'),
        again: true,
      }),
      { ...logInAtOnce, free: true },
      step('finishHostedLogin', fields('state', { token: 'accessToken' }), {
        gives: ({ redirectUrl }) => ({ back: new URL(String(redirectUrl)).searchParams.get('state') }),
      }),
      step('readConsent', undefined, {
        query: ({ back }) => ({ state: String(back) }),
        again: true,
        optional: 'reads',
      }),
      step('answerConsent', ({ back }) => ({ state: String(back), isGiven: true }), {
        gives: ({ redirectUrl }) => ({ code: new URL(String(redirectUrl)).searchParams.get('code') }),
      }),
      exchangeCode,
    ],
    survives: { disabled: [1], removed: [1], moved: [1], 'left without the tenant': [1], ...goingOn },
  },
  {
    name: 'a login for a client by the session of the browser',
    settings: allow,
    who: guestOf,
    steps: [
      logInAtOnce,
      step('authorize', undefined, {
        query: question({ prompt: 'none' }),
        status: 302,
        gives: inAddress('code'),
        again: true,
      }),
      exchangeCode,
    ],
    survives: goingOn,
  },
  {
    name: 'a silent login',
    who: person(),
    steps: [logInAtOnce, step('authorizeSilently', () => ({}), { again: true })],
    survives: goingOn,
  },
  {
    name: 'a refresh for a client',
    who: person(),
    bare: true,
    steps: [
      logInAtOnce,
      step('grantToken', ({ refreshToken }) => ({ grant_type: 'refresh_token', refresh_token: String(refreshToken) }), {
        again: true,
      }),
    ],
    survives: goingOn,
  },
  ...(
    [
      ['the end of a session for a client', step('logOutOfClient', undefined, { again: true })],
      ['the end of a session for an app', step('logOutToken', () => ({}), { again: true })],
      [
        'the end of a token',
        step('revokeToken', fields({ token: 'refreshToken', client_id: 'clientId' }), { again: true }),
      ],
      [
        'a look at a token',
        step(
          'introspectToken',
          fields({ token: 'refreshToken', client_id: 'clientId', client_secret: 'clientSecret' }),
          {
            again: true,
          },
        ),
      ],
    ] as const
  ).map(([name, last]): Flow => ({ name, who: guestOf, steps: [logInAtOnce, last], survives: harmless })),
]

export const flows: readonly Flow[] = [
  ...accessTokens,
  ...hosted,
  ...delegations,
  ...impersonations,
  ...byPassword,
  ...bySecondFactor,
  ...ownFactors,
  ...withoutPassword,
  ...withProvider,
  ...forgotten,
  ...newcomers,
  ...invitations,
  ...addresses,
  ...programs,
]
