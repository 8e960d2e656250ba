import { readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { newEnvironment, operations, type Answer, type TestEnvironment } from './environment.ts'
import { applyToAll, targeting, withClaims } from './jwt-templates.ts'
import { auth, claimsOf, mfaPolicy } from './second-factors.ts'
import { house, PASSWORD, setUp, ways, type Begun, type House, type Way } from './ways-in.ts'

const members = '/identity/resources/tenants/users/v1',
  settings = '/identity/resources/configurations/v1',
  restrictions = '/identity/resources/configurations/restrictions/v1/email-domain'
const OFFICE = { headers: { 'x-forwarded-for': '203.0.113.20' } },
  HOME = '198.51.100.7'

/**
 * What becomes of a way's last call: `given` a token, or one that is made by a JWT template; `asks` for a second factor; a new
 * `password` is wanted first; `nothing` is given, though nothing is refused; or a refusal, in its own words.
 */
type Verdict = string

function verdictOn({ status, body }: Answer): Verdict {
  if (status >= 300) return `${status} ${body?.errors?.[0]}`
  const answer = body?.authResponse ?? body
  const token = answer?.accessToken ?? answer?.access_token
  if (token) return claimsOf(token)['made'] ? 'given by a template' : 'given'
  if (answer?.mfaRequired) return 'asks'
  return answer?.resetPasswordToken || answer?.isBreachedPassword ? 'password' : 'nothing'
}

/** Set when all but the last call of each way has been made: that call must look at it. */
interface Policy {
  /** the folder of the policies that it belongs to; absent: what is done to the user or their account */
  area?: string
  /** fields of the environment's configuration, which no way may change back */
  configuration?: object
  set?(env: TestEnvironment): Promise<Answer>
  setIn?(env: TestEnvironment, tenantId: string): Promise<Answer>
  /** for the user of one way */
  setFor?(house: House, user: { userId: string; email: string }): Promise<unknown>
  /** for every way that is not named */
  otherwise: Verdict
  but?: Readonly<Record<string, Verdict>>
}

/** It does not run out here. */
const ELSEWHERE = 'a password that a source of users knows',
  PASSWORDS = ['a password', 'a password and an invitation', ELSEWHERE],
  LINKS_AND_CODES = ['a magic link', 'a mailed code', 'a text message'],
  ACTIVATIONS = ['activation', 'activation with a code'],
  SIGN_UPS = ['signing up by an invitation', 'signing up with a username', 'signing up with a number'],
  SECOND_FACTORS = [
    'an app',
    'a named app',
    'an app that is enrolled',
    'a mailed code as second factor',
    'a text message as second factor',
    'a phone that is enrolled',
    'a security key',
    'a security key that is enrolled',
    'a step-up',
  ]
/** by the refresh token of a session */
const REFRESHES = ['a refresh', 'a refresh for a client', 'a silent login']
const OF_CLIENT = 'a personal API token of an OAuth client',
  IN_PLACE = 'being in the place of a user'
const PERSONAL = ['a personal API token', 'a refresh of a personal API token'],
  OF_ACCOUNTS = ["an account's API token", "a refresh of an account's API token"]
const BY_PROVIDER = 'a login with a provider',
  FEDERATED = 'a login at the page of a federated server',
  BY_PROVIDER_ANEW = 'signing up with a provider'
const BY_SESSION = 'acting for a user',
  BY_PROGRAM = "acting for a user by their program's token"
const all = (names: readonly string[], verdict: Verdict) => Object.fromEntries(names.map((name) => [name, verdict]))
/** What speaks for the user, or for who acts, is no longer there. */
const NO_SUBJECT = '400 subject_token is not valid'

/** Of a user who is kept out, or whose account is gone: nothing is left that could be shown. */
const GONE = {
  'a magic link': '400 Magic link not found',
  'a mailed code': '401 Invalid code',
  'a text message': '401 Invalid code',
  ...all(SECOND_FACTORS, '401 MFA token is invalid or has expired'),
  ...all(REFRESHES, '401 Session not found'),
  'a code for a client': '400 code is not valid',
  ...all([BY_SESSION, BY_PROGRAM], NO_SUBJECT),
}
/** What programs are told of a user who is kept out; what acts for the account is about no user. */
const PROGRAMS = {
  ...all(PERSONAL, '401 Invalid authentication'),
  [OF_CLIENT]: '401 Client authentication failed',
  ...all(OF_ACCOUNTS, 'given'),
}
/** Nobody has signed up yet whom it could be about. */
const NEWCOMERS = { ...all([...SIGN_UPS, BY_PROVIDER_ANEW], 'given'), 'signing up with a number': 'nothing' }
const ENDED = {
  ...all([...REFRESHES, 'a refresh into another account', 'a code for a client'], '401 Session not found'),
  'a token for another account': '401 Unauthorized',
  [BY_SESSION]: NO_SUBJECT,
}
const RUN_OUT = {
  ...all(
    [...REFRESHES, 'a code for a client', 'a refresh into another account', 'a token for another account', 'a step-up'],
    '401 Session not found',
  ),
  [IN_PLACE]: '401 actorToken is not valid',
  [BY_SESSION]: NO_SUBJECT,
}
/** A first factor alone is not enough. A session that has begun goes on where it is. */
const ASKED = {
  ...all([...PASSWORDS, ...LINKS_AND_CODES, ...ACTIVATIONS, BY_PROVIDER, BY_PROVIDER_ANEW, FEDERATED], 'asks'),
  ...all(['signing up by an invitation', 'signing up with a username', 'a refresh into another account'], 'asks'),
  'a token for another account': '403 MFA is required',
  'a passkey': '400 Invalid authentication type',
}
const LOCKED = '423 User is locked out. To unlock user, please contact your administrators',
  UNVERIFIED = '401 Verify your email - verification email was sent to u***@example.com.',
  NO_PLACE = '403 User has no account to log in to'

const policies: Readonly<Record<string, Policy>> = {
  'addresses of the account': {
    area: 'ip-restrictions',
    async setIn(env, tenantId) {
      const url = `${settings}/restrictions/ip`,
        list = { ip: '203.0.113.0/24', strategy: 'ALLOW', isActive: true, description: '' }
      await env.as(tenantId)('POST', url, list)
      return env.as(tenantId)('POST', `${url}/config`, { isActive: true, strategy: 'ALLOW' }, OFFICE)
    },
    otherwise: '403 Your IP address is not allowed',
  },
  'domains of the account': {
    area: 'domain-restrictions',
    async setIn(env, tenantId) {
      await env.as(tenantId)('POST', `${restrictions}/replace-bulk`, { type: 'BLOCK', domains: ['example.com'] })
      return env.as(tenantId)('POST', `${restrictions}/config`, { active: true, type: 'BLOCK' })
    },
    // who is in stays in
    otherwise: 'given',
    but: all(
      ['a password and an invitation', 'signing up by an invitation', BY_PROVIDER_ANEW],
      '403 The domain of this e-mail address is not allowed',
    ),
  },
  'wrong passwords have locked the user': {
    area: 'lockout-policy',
    set: (env) => env.vendor('POST', `${settings}/lockout-policy`, { enabled: true, maxAttempts: 1 }),
    setFor: ({ env }, { email }) => env.anonymous('POST', auth, { email, password: 'wrong' }),
    otherwise: LOCKED,
    // passwords of its users are the federated server's to judge, and it takes none here
    but: { ...ENDED, ...GONE, ...NEWCOMERS, ...PROGRAMS, [FEDERATED]: 'given' },
  },
  'a second factor for all': {
    area: 'mfa-policy',
    set: (env) => env.vendor('PUT', mfaPolicy, { enforceMFAType: 'Force' }),
    otherwise: 'given',
    but: ASKED,
  },
  'a second factor in the account': {
    area: 'mfa-policy',
    setIn: (env, tenantId) => env.as(tenantId)('PUT', mfaPolicy, { enforceMFAType: 'Force' }),
    otherwise: 'given',
    but: ASKED,
  },
  'passwords run out': {
    area: 'password-settings',
    set: (env) =>
      env.vendor('POST', `${settings}/password-rotation`, {
        isActive: true,
        rotationPeriod: 60 * 24 * 30,
        notificationPeriod: 60,
      }),
    setFor: async ({ env }, { userId }) =>
      (await env.context()).db.user.updateMany({
        where: { id: userId, passwordHash: { not: null } },
        data: { passwordChangedAt: new Date('2020-01-01') },
      }),
    otherwise: 'given',
    but: { ...all(PASSWORDS, 'password'), [ELSEWHERE]: 'given' },
  },
  'no password from a breach': {
    area: 'password-settings',
    set: (env) => env.vendor('POST', `${settings}/password`, { blockPwnedPasswords: true }),
    otherwise: 'given',
    but: {
      ...all(PASSWORDS, 'password'),
      ...all(
        [...ACTIVATIONS, 'signing up by an invitation', 'signing up with a username'],
        '400 Password has been breached',
      ),
    },
  },
  'a captcha': {
    area: 'captcha-policy',
    set: (env) =>
      env.vendor('POST', `${settings}/captcha-policy`, {
        enabled: true,
        siteKey: 'site',
        secretKey: 'secret',
        minScore: 0.5,
      }),
    // of links, codes and second factors it is asked at the first step: see guarded.test.ts
    otherwise: 'given',
    but: all([...PASSWORDS, ...ACTIVATIONS, ...SIGN_UPS, 'a passkey'], '400 Captcha is required'),
  },
  'a JWT template': {
    area: 'jwt-templates',
    async set(env) {
      await applyToAll(env, withClaims({ made: true }))
      return env.vendor('GET', targeting)
    },
    otherwise: 'given by a template',
    but: { 'signing up with a number': 'nothing' },
  },
  'sessions that end when they are idle': {
    set: (env) =>
      env.vendor('POST', '/identity/resources/configurations/sessions/v1/vendor', {
        sessionIdleTimeoutConfiguration: { isActive: true, timeout: 60 },
      }),
    otherwise: 'given',
    but: RUN_OUT,
  },
  'sessions that end': {
    set: (env) =>
      env.vendor('POST', '/identity/resources/configurations/sessions/v1/vendor', {
        sessionTimeoutConfiguration: { isActive: true, timeout: 60 },
      }),
    otherwise: 'given',
    but: RUN_OUT,
  },
  'one session for each user': {
    set: (env) =>
      env.vendor('POST', '/identity/resources/configurations/sessions/v1/vendor', {
        sessionConcurrentConfiguration: { isActive: true, maxSessions: 1 },
      }),
    // another login takes the place of the first
    setFor: ({ env }, { email }) => env.anonymous('POST', auth, { email, password: PASSWORD }),
    otherwise: 'given',
    but: ENDED,
  },
  'no logins with the provider': {
    area: 'social-providers',
    async set(env) {
      const sso = '/identity/resources/sso/custom/v1',
        [acme] = (await env.anonymous('GET', sso)).body.providers
      return env.vendor('PATCH', `${sso}/${acme.id}`, { active: false })
    },
    otherwise: 'given',
    but: all([BY_PROVIDER, BY_PROVIDER_ANEW], '404 Login provider not found'),
  },
  'no sign-ups': {
    area: 'identity-settings',
    configuration: { allowSignups: false },
    otherwise: 'given',
    but: all([...SIGN_UPS, BY_PROVIDER_ANEW], '403 Sign-ups are not allowed'),
  },
  'no invitations': {
    area: 'identity-settings',
    configuration: { allowTenantInvitations: false },
    otherwise: 'given',
    but: all(
      [...SIGN_UPS, BY_PROVIDER_ANEW, 'a password and an invitation'],
      '403 Invitations to accounts are not allowed',
    ),
  },
  'no API tokens': {
    area: 'identity-settings',
    configuration: { apiTokensEnabled: false },
    otherwise: 'given',
    but: {
      ...all([...PERSONAL, ...OF_ACCOUNTS, OF_CLIENT], '403 Api tokens are disabled'),
      [BY_SESSION]: '400 actor_token is not valid',
      [BY_PROGRAM]: NO_SUBJECT,
    },
  },
  'access tokens in place of API tokens': {
    area: 'identity-settings',
    configuration: { machineToMachineAuthStrategy: 'AccessToken' },
    otherwise: 'given',
    but: {
      ...all([...PERSONAL, ...OF_ACCOUNTS, OF_CLIENT], '403 Api tokens are disabled'),
      [BY_SESSION]: '400 actor_token is not valid',
      [BY_PROGRAM]: NO_SUBJECT,
    },
  },
  'no local logins': {
    area: 'identity-settings',
    configuration: { authStrategy: 'NoLocalAuthentication' },
    // a second factor or a session may still follow from before
    otherwise: 'given',
    but: {
      ...all(
        [...PASSWORDS, ...LINKS_AND_CODES, ...SIGN_UPS, ...ACTIVATIONS, 'a passkey'],
        '400 Invalid authentication type',
      ),
    },
  },
  'an address that is not verified': {
    area: 'identity-settings',
    setFor: async ({ env }, { userId }) =>
      (await env.context()).db.user.update({ where: { id: userId }, data: { verified: false } }),
    // what is mailed verifies it, and a session that has begun goes on
    otherwise: 'given',
    but: all([...PASSWORDS, ...SECOND_FACTORS, 'a text message', 'a passkey', BY_PROVIDER], UNVERIFIED),
  },
  'the account has disabled the user': {
    async setFor({ env, there, strict }, { userId }) {
      for (const tenantId of [there, strict]) await env.as(tenantId)('POST', `${members}/${userId}/disable`)
    },
    otherwise: NO_PLACE,
    but: {
      [IN_PLACE]: '404 User not found',
      ...GONE,
      ...NEWCOMERS,
      ...PROGRAMS,
      // they are somebody new there
      'a password and an invitation': 'given',
      ...all(['a refresh into another account', 'a token for another account'], '404 Tenant not found'),
    },
  },
}
/** These folders keep nobody out: what mails hold, and who may change their address. */
const OTHERS = ['portal', 'strategies', 'user-emails-policy']

/** Those with like needs stand together, as each change of needs is a call. */
const byNeeds = Object.entries(ways).toSorted(([, a], [, b]) =>
  JSON.stringify(a.needs ?? {}).localeCompare(JSON.stringify(b.needs ?? {})),
)
/** Longer than sessions may be idle, shorter than any code lives. */
const LONG = 61_000

/** Policies that say something about different ways: they are tried together, as each trial makes every way anew. */
const TOGETHER = [
  ['a captcha', 'sessions that end when they are idle'],
  ['no password from a breach', 'sessions that end'],
  ['domains of the account', 'one session for each user'],
  ['passwords run out', 'no sign-ups', 'no API tokens'],
  ['no invitations', 'access tokens in place of API tokens'],
]
const trials = [
  ...TOGETHER,
  ...Object.keys(policies)
    .filter((name) => !TOGETHER.flat().includes(name))
    .map((name) => [name]),
]

const baseOf = (way: string) => (way === 'signing up with a number' ? 'nothing' : 'given')
/** The verdict of the policy that says something about the way. */
function expectedOf(way: string, names: readonly string[]) {
  const verdicts = names.map((name) => {
    const { otherwise, but } = policies[name]!
    return but?.[way] ?? (otherwise === 'given' ? baseOf(way) : otherwise)
  })
  const others = verdicts.filter((verdict) => verdict !== baseOf(way))
  expect(others.length, `${way}: ${names.join(', ')}`).toBeLessThan(2)
  return others[0] ?? baseOf(way)
}

/** What becomes of each way. */
async function outcomesUnder(wanted: readonly Policy[]) {
  const env = await newEnvironment(),
    at = await house(env)
  let needs: Way['needs']
  const prepare = async (next: Way['needs'], keep?: object) => {
    await setUp(at, needs, next, keep)
    needs = next
  }
  const begun: [string, Way, Begun][] = []
  for (const [name, way] of byNeeds) {
    await prepare(way.needs)
    begun.push([name, way, await way.begin(at)])
  }
  await prepare({})
  const keep = Object.assign({}, ...wanted.map(({ configuration }) => configuration)) as object
  for (const { configuration, set, setIn, setFor } of wanted) {
    const answers = [
      ...(configuration ? [await env.vendor('POST', settings, configuration)] : []),
      ...(set ? [await set(env)] : []),
      ...(setIn ? [await setIn(env, at.there), await setIn(env, at.strict)] : []),
    ]
    for (const { status, body } of answers) expect(status, JSON.stringify(body)).toBeLessThan(300)
    for (const [, , { userId, email = '' }] of begun) if (userId !== undefined) await setFor?.(at, { userId, email })
  }
  await env.clock.advance(LONG)
  const outcomes: Record<string, Verdict> = {}
  for (const [name, way, { finish }] of begun) {
    await prepare(way.needs, keep)
    outcomes[name] = verdictOn(await finish(env.client({ 'x-forwarded-for': HOME })))
  }
  return outcomes
}

// one after the other: each has so much to do that together they would all take long
describe('every way to get a token', () => {
  test.for(trials.map((names) => [names.join(', and '), names] as const))('heeds: %s', async ([, names]) => {
    const expected = Object.fromEntries(Object.keys(ways).map((way) => [way, expectedOf(way, names)]))
    expect(await outcomesUnder(names.map((name) => policies[name]!))).toEqual(expected)
  })

  test('is among these ways: each operation whose reply may hold an access token', () => {
    const giving = operations.filter((op) => Object.values(op.returns).some((schema) => givesToken(schema)))
    expect([...new Set(Object.values(ways).map((way) => way.operation))].toSorted()).toEqual(
      giving.map((op) => op.id).toSorted(),
    )
  })

  test('is held to every kind of policy, and no verdict is for a way that does not exist', () => {
    const areas = readdirSync(new URL('../src/areas/policies/', import.meta.url)),
      known = new Set(Object.values(policies).flatMap(({ area }) => area ?? []))
    expect(areas.toSorted()).toEqual([...known, ...OTHERS].toSorted())
    const named = Object.values(policies).flatMap(({ but = {} }) => Object.keys(but))
    expect(named.filter((name) => !(name in ways))).toEqual([])
  })
})

interface Schema {
  properties?: Record<string, Schema>
}
const givesToken = (schema: Schema): boolean =>
  Object.entries(schema.properties ?? {}).some(([name, part]) => /^access_?token$/i.test(name) || givesToken(part))
