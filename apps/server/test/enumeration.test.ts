import { openDatabase } from '@henhouse/database'
import { afterAll, expect, inject, test } from 'vitest'
import { buildServer } from '../src/server.ts'
import { deps, newEnvironment, type Answer, type TestEnvironment } from './environment.ts'
import { hearing } from './hearing.ts'
import { PASSWORD } from './second-factors.ts'

/** What a separate server does for one call: its reads and writes of the database, and its password comparisons. */
const work: string[] = []
// a rolled-back transaction does the same work
const kinds: Record<string, string> = {
  select: 'read',
  insert: 'write',
  update: 'write',
  delete: 'write',
  commit: 'end',
  rollback: 'end',
}
const database = openDatabase(inject('databaseUrl'), { max: 2 })
database.pool.on('connect', (connection) => {
  const query = connection.query.bind(connection) as (...args: unknown[]) => unknown
  connection.query = ((...args: unknown[]) => {
    const text = typeof args[0] === 'string' ? args[0] : (args[0] as { text: string }).text
    const verb = /^\w+/.exec(text.trim())![0].toLowerCase()
    work.push(kinds[verb] ?? verb)
    return query(...args)
  }) as typeof connection.query
})
const server = await buildServer({
  ...deps,
  database,
  passwords: {
    ...deps.passwords,
    verify: (...args) => {
      work.push('a password compared')
      return deps.passwords.verify(...args)
    },
    hash: (...args) => {
      work.push('a password hashed')
      return deps.passwords.hash(...args)
    },
  },
})
afterAll(async () => {
  await database.close()
})

const auth = '/identity/resources/auth/v1',
  users = '/identity/resources/users',
  settings = '/identity/resources/configurations/v1'
interface Named {
  email: string
  username: string
  phoneNumber: string
}
interface Question {
  ask(env: TestEnvironment, who: Named): Promise<Answer>
  configuration?: object
  prepare?(env: TestEnvironment, userId: string): Promise<unknown>
  verified?: false
}
const post =
  (path: string, body: (who: Named) => object): Question['ask'] =>
  (env, who) =>
    env.anonymous('POST', path, body(who))
async function wrongCode(env: TestEnvironment, { email }: Named) {
  const { cookies } = await env.anonymous('POST', `${auth}/passwordless/code/prelogin`, { email }),
    cookie = cookies.map(({ name, value }) => `${name}=${value}`).join('; ')
  return env.client({ cookie })('POST', `${auth}/passwordless/code/postlogin`, { token: 'abcdef' })
}
const lockedAfter = (maxAttempts: number) => (env: TestEnvironment) =>
  env.vendor('POST', `${settings}/lockout-policy`, { enabled: true, maxAttempts })

/** Every public operation whose input names a user. */
const questions: Record<string, Question> = {
  'login with a wrong password': { ask: post(`${auth}/user`, ({ email }) => ({ email, password: 'wrong' })) },
  'login by username with a wrong password': {
    ask: post(`${auth}/user`, ({ username }) => ({ username, password: 'wrong' })),
  },
  'login with a wrong password that is counted': {
    ask: post(`${auth}/user`, ({ email }) => ({ email, password: 'wrong' })),
    prepare: lockedAfter(100),
  },
  'login with a wrong password that a webhook is told of': {
    ask: post(`${auth}/user`, ({ email }) => ({ email, password: 'wrong' })),
    prepare: (env) => hearing(env, ['frontegg.user.failedAuthentication']),
  },
  'login with a wrong password that locks, and after it': {
    prepare: lockedAfter(1),
    async ask(env, { email }) {
      await env.anonymous('POST', `${auth}/user`, { email, password: 'wrong' })
      return env.anonymous('POST', `${auth}/user`, { email, password: PASSWORD })
    },
  },
  'password reset by mail': { ask: post(`${users}/v1/passwords/reset`, ({ email }) => ({ email })) },
  "password reset by mail, to a phone's owner": {
    ask: post(`${users}/v2/passwords/reset/email`, ({ phoneNumber }) => ({
      identifier: phoneNumber,
      identifierType: 'phoneNumber',
    })),
  },
  'password reset by SMS': {
    ask: post(`${users}/v2/passwords/reset/sms`, ({ phoneNumber }) => ({
      identifier: phoneNumber,
      identifierType: 'phoneNumber',
    })),
  },
  "password reset by SMS, to an address's owner": {
    ask: post(`${users}/v2/passwords/reset/sms`, ({ email }) => ({ identifier: email, identifierType: 'email' })),
  },
  'magic link': {
    ask: post(`${auth}/passwordless/magiclink/prelogin`, ({ email }) => ({ email })),
    configuration: { authStrategy: 'MagicLink' },
  },
  'login code by mail': {
    ask: post(`${auth}/passwordless/code/prelogin`, ({ email }) => ({ email })),
    configuration: { authStrategy: 'Code' },
  },
  'login code by SMS': {
    ask: post(`${auth}/passwordless/smscode/prelogin`, ({ phoneNumber }) => ({ phoneNumber })),
    configuration: { authStrategy: 'SmsCode' },
  },
  'wrong login code': { ask: wrongCode, configuration: { authStrategy: 'Code' } },
  'wrong login code that a webhook is told of': {
    ask: wrongCode,
    configuration: { authStrategy: 'Code' },
    prepare: (env) => hearing(env, ['frontegg.user.failedAuthentication']),
  },
  'options of a passkey': { ask: post(`${auth}/webauthn/prelogin`, ({ email }) => ({ email })) },
  'another activation link': { ask: post(`${users}/v1/activate/reset`, ({ email }) => ({ email })), verified: false },
  'another activation code': {
    ask: post(`${users}/v1/activate/reset`, ({ email }) => ({ email })),
    verified: false,
    prepare: (env) => env.vendor('POST', `${settings}/activation/strategies`, { strategy: 'code' }),
  },
  'another invitation': {
    ask: post(`${users}/v1/invitation/reset`, ({ email }) => ({ email })),
    prepare: async (env, userId) =>
      env.vendor('POST', `${users}/v1/${userId}/tenant`, { tenantId: await env.newTenant() }),
  },
  'code for a lost phone': { ask: post(`${users}/v1/phone/reset`, ({ email }) => ({ email })) },
  'wrong recovery code': { ask: post(`${auth}/user/mfa/recover`, ({ email }) => ({ email, recoveryCode: 'wrong' })) },
}

/** The answer without its random parts. */
const told = ({ status, body, cookies }: Answer) =>
  JSON.stringify({ status, body, cookies: cookies.map(({ name }) => name) })
    .replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'id')
    .replace(/"(challenge|id)":"[\w-]{43}"/g, '"$1":"…"')
    .replace(/\*+\d+/g, 'a number')

for (const [name, { ask, configuration, prepare, verified = true }] of Object.entries(questions)) {
  test(`${name}: known and unknown users get the same answer, for the same work`, async () => {
    const env = await newEnvironment(server),
      user = await env.newUser({ password: PASSWORD, verified }),
      phoneNumber = '+12025550123',
      username = 'ada'
    await env.vendor('POST', `${users}/phone-numbers/v1/vendor/${user.id}`, { phoneNumber })
    expect(
      (await env.as(user.tenantId, user.id)('POST', '/identity/resources/usernames/v1', { username })).status,
    ).toBe(201)
    if (configuration) await env.vendor('POST', settings, configuration)
    await prepare?.(env, user.id)
    const answered = async (who: Named) => {
      work.length = 0
      const answer = await ask(env, who)
      return { told: told(answer), work: [...work] }
    }
    // fills the server's caches
    await answered({ email: 'warm@example.com', username: 'warm', phoneNumber: '+12025550199' })
    const nobody = await answered({ email: 'nobody@example.com', username: 'nobody', phoneNumber: '+12025550124' }),
      somebody = await answered({ email: user.email, username, phoneNumber })
    expect(nobody.work.length).toBeGreaterThan(1)
    expect(somebody).toEqual(nobody)
  })
}
