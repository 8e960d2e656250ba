import { openDatabase } from '@henhouse/database'
import { afterAll, expect, inject, test, vi } from 'vitest'
import { hearOthers } from '../src/kernel/memory.ts'
import { authenticator } from './authenticator.ts'
import { deps, newEnvironment, newServer, unique, type Answer, type TestEnvironment } from './environment.ts'
import { auth, codeOf, mfa, mfaPolicy, own, PASSWORD, strategies, withApp } from './second-factors.ts'

/*
 * How many statements it costs to log in and to stay so, BEGIN and COMMIT among them: each is a round trip to the database.
 * Counted on a server that has served the same call before, and so knows the environment's definitions. A number may only
 * become smaller.
 */

let sent: string[] = []
const database = openDatabase(inject('databaseUrl'), { max: 2 })
database.pool.on('connect', (connection) => {
  const query = connection.query.bind(connection) as (...args: unknown[]) => unknown
  connection.query = ((...args: unknown[]) => {
    sent.push(typeof args[0] === 'string' ? args[0] : (args[0] as { text: string }).text)
    return query(...args)
  }) as typeof connection.query
})
hearOthers({ database, log: deps.log })
const counting = await newServer({ database })
afterAll(async () => {
  await database.close()
})

type Call = () => Promise<Answer>
/** Does all that comes before the call. */
type Begin = () => Promise<Call>
type Somebody = { email: string }

const users = '/identity/resources/users'
const done = (answer: Answer) => {
  expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300)
  return answer
}
const logIn = async (env: TestEnvironment, { email }: Somebody) =>
  done(await env.anonymous('POST', auth, { email, password: PASSWORD }))
const refresh = (env: TestEnvironment, { body }: Answer, tenantId?: string) =>
  env.anonymous('POST', `${auth}/token/refresh`, { refreshToken: body.refreshToken, tenantId: tenantId ?? null })
const switchOn = (env: TestEnvironment, strategy: string) =>
  env.vendor('POST', strategies, { strategy, isActive: true })
const codeTo = async (env: TestEnvironment, to: string) => (await env.messages({ to })).at(-1)!.code!
const finish = (env: TestEnvironment, path: string, body: object): Call => {
  return () => env.anonymous('POST', `${mfa}/${path}`, body)
}

async function memberOfTwo(env: TestEnvironment) {
  const user = await env.newUser({ password: PASSWORD, roleKeys: ['Admin'] }),
    other = await env.newTenant(),
    { db, clock } = await env.context(),
    now = clock.now()
  await db.membership.create({ data: { userId: user.id, tenantId: other, acceptedAt: now, createdAt: now } })
  return { ...user, other }
}

const cases: Record<string, [count: number, prepare: (env: TestEnvironment) => Promise<Begin>]> = {
  'a login with a password': [
    3,
    async (env) => {
      const user = await memberOfTwo(env)
      return async () => () => logIn(env, user)
    },
  ],
  'a refresh': [
    2,
    async (env) => {
      const user = await memberOfTwo(env)
      return async () => {
        const login = await logIn(env, user)
        return () => refresh(env, login)
      }
    },
  ],
  'a refresh that goes to another account': [
    2,
    async (env) => {
      const user = await memberOfTwo(env)
      return async () => {
        const login = await refresh(env, await logIn(env, user), user.tenantId)
        return () => refresh(env, login, user.other)
      }
    },
  ],
  'a token for another account': [
    2,
    async (env) => {
      const user = await memberOfTwo(env)
      return async () => {
        const { body } = await logIn(env, user)
        return () => env.withToken(body.accessToken)('POST', `${users}/v3/me/token`, { tenantId: user.other })
      }
    },
  ],
  'a look at whether a token is alive': [
    1,
    async (env) => {
      const user = await memberOfTwo(env)
      return async () => {
        const { body } = await logIn(env, user)
        return () => env.withToken(body.accessToken)('GET', '/flags')
      }
    },
  ],
  'an environment token': [
    1,
    async (env) => async () => () => env.bare('POST', '/auth/vendor', { clientId: env.id, secret: env.apiKey }),
  ],
  'a call with an environment token': [0, async (env) => async () => () => env.vendor('GET', '/vendors/base-url')],
  'a login that asks for a second factor': [
    4,
    async (env) => {
      const user = await withApp(env)
      return async () => () => logIn(env, user)
    },
  ],
  'a code of an app': [
    6,
    async (env) => {
      const user = await withApp(env)
      return async () => {
        // a code works once
        const now = await env.clock.now()
        await env.clock.advance(30_000)
        await vi.waitFor(async () => expect(await env.clock.now()).not.toEqual(now), { timeout: 20_000 })
        const { mfaToken } = (await logIn(env, user)).body,
          value = await codeOf(env, user.secret)
        return finish(env, `authenticator/${user.deviceId}/verify`, { mfaToken, value })
      }
    },
  ],
  'a mailed code': [
    9,
    async (env) => {
      const user = await env.newUser({ password: PASSWORD })
      await switchOn(env, 'EmailCode')
      await env.vendor('POST', mfaPolicy, {})
      return async () => {
        const { mfaToken } = (await logIn(env, user)).body,
          { otcToken } = done(await env.anonymous('POST', `${mfa}/emailcode`, { mfaToken })).body
        return finish(env, 'emailcode/verify', { mfaToken, otcToken, code: await codeTo(env, user.email) })
      }
    },
  ],
  'a code to a phone': [
    9,
    async (env) => {
      await switchOn(env, 'SMS')
      const user = await env.user({ password: PASSWORD }),
        phoneNumber = '+12025550101'
      const started = done(await user('POST', `${own}/sms/enroll`, { phoneNumber })).body
      done(
        await user('POST', `${own}/sms/enroll/verify`, {
          otcToken: started.otcToken,
          code: await codeTo(env, phoneNumber),
        }),
      )
      const deviceId: string = (await user('GET', `${own}/devices`)).body.phones[0].id
      return async () => {
        const { mfaToken } = (await logIn(env, user)).body,
          { otcToken } = done(await env.anonymous('POST', `${mfa}/sms/${deviceId}`, { mfaToken })).body
        return finish(env, `sms/${deviceId}/verify`, { mfaToken, otcToken, code: await codeTo(env, phoneNumber) })
      }
    },
  ],
  'the signature of a security key': [
    8,
    async (env) => {
      await switchOn(env, 'WebAuthnCrossPlatform')
      const user = await env.user({ password: PASSWORD }),
        key = authenticator({ origin: `http://${env.name}.localhost:3100` })
      const { webauthnToken, options } = done(await user('POST', `${own}/webauthn/enroll`)).body
      done(
        await user('POST', `${own}/webauthn/enroll/verify`, {
          deviceType: 'CrossPlatform',
          webauthnToken,
          options: key.create(options),
        }),
      )
      const deviceId: string = (await user('GET', `${own}/devices`)).body.webauthn[0].id
      return async () => {
        const { mfaToken } = (await logIn(env, user)).body,
          asked = done(await env.anonymous('POST', `${mfa}/webauthn/${deviceId}`, { mfaToken })).body
        return finish(env, `webauthn/${deviceId}/verify`, {
          mfaToken,
          webauthnToken: asked.webauthnToken,
          options: key.get(asked.options),
        })
      }
    },
  ],
  'an activation': [
    13,
    async (env) => {
      const tenantId = await env.newTenant()
      return async () => {
        const email = `${unique('new')}@example.com`
        done(await env.as(tenantId)('POST', `${users}/v2`, { email }))
        const link = new URL((await env.messages({ to: email })).at(-1)!.link!).searchParams
        return () =>
          env.anonymous('POST', `${users}/v1/activate`, {
            userId: link.get('userId'),
            token: link.get('token'),
            password: PASSWORD,
          })
      }
    },
  ],
}

// one after the other: they share what is counted
test.each(Object.entries(cases))('%s takes as many statements as stand here', async (_, [count, prepare]) => {
  const env = await newEnvironment(counting),
    begin = await prepare(env)
  done(await (await begin())())
  const call = await begin()
  sent = []
  done(await call())
  const statements = sent
  expect(statements.length, statements.join('\n')).toBe(count)
})
