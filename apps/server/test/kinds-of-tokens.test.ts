import { describe, expect, test } from 'vitest'
import { newEnvironment, operations, unique, UNKNOWN_ID } from './environment.ts'
import { fillPath, sampleBody } from './samples.ts'
import { logIn, PASSWORD, withApp } from './second-factors.ts'

const identity = '/identity/resources',
  closed = operations.filter((op) => op.auth !== 'public').map((op) => [op.id, op] as const)

/** One of each kind of secret that is handed out for a single purpose. None of them opens an operation. */
const secrets = await (async () => {
  const env = await newEnvironment(),
    user = await env.newUser({ password: PASSWORD }),
    [careful, invited, newcomer] = [await withApp(env), await env.newUser(), `${unique('newcomer')}@example.com`]
  await env.anonymous('POST', `${identity}/users/v1/passwords/reset`, { email: user.email })
  await env.as(user.tenantId)('POST', `${identity}/users/v2`, { email: invited.email })
  await env.as(user.tenantId)('POST', `${identity}/users/v2`, { email: newcomer })
  const linkIn = async (to: string) => new URL((await env.messages({ to })).at(-1)!.link!).searchParams.get('token')!
  const invite = await env.as(user.tenantId, user.id)('POST', `${identity}/tenants/invites/v1/user`, {
    expiresInMinutes: 60,
    shouldSendEmail: false,
  })
  return {
    env,
    kinds: {
      'a refresh token': (await logIn(env, user)).body.refreshToken as string,
      'the token of a login that waits for a second factor': (await logIn(env, careful)).body.mfaToken as string,
      'the token of a link to set a password': await linkIn(user.email),
      'the token of an invitation to a user': await linkIn(invited.email),
      'the token of an activation': await linkIn(newcomer),
      'the token of a link that invites': invite.body.token as string,
      'an API key': env.apiKey,
      'a client id': env.id,
    },
  }
})()

describe.concurrent('every secret has one purpose', () => {
  test('and there is one of each kind', () => {
    for (const [kind, secret] of Object.entries(secrets.kinds)) expect(secret, kind).toMatch(/^[\w.-]{20,}$/)
  })

  test.for(closed)('%s is opened by none but access tokens', async ([, op]) => {
    const { env, kinds } = secrets,
      url = fillPath(op, () => UNKNOWN_ID),
      body = sampleBody(op, true)
    for (const [kind, secret] of Object.entries(kinds))
      for (const headers of [{ authorization: `Bearer ${secret}` }, { 'x-access-token': secret }])
        expect((await env.client(headers)(op.method, url, body)).status, kind).toBe(401)
  })
})
