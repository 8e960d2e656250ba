import { createHash, createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { newEnvironment, type TestEnvironment } from '../environment.ts'
import { claimsOf, logIn, PASSWORD } from '../second-factors.ts'
import { signedBy, unsigned } from '../user-token.ts'

const configuration = '/identity/resources/configurations/v1',
  me = '/identity/resources/users/v2/me',
  tenants = '/tenants/resources/tenants/v1'

/** What the environment's own servers read, to check users' tokens with. */
const sharedSecretOf = async (env: TestEnvironment) =>
  (await env.vendor('POST', configuration, { jwtAlgorithm: 'HS256' })).body.jwtSecret as string
/** As anybody makes one who has read the secret. */
async function forged(env: TestEnvironment, secret: string, claims: object) {
  const kid = (await env.context()).environment.keys[0]!.id,
    text = unsigned({ alg: 'HS256', typ: 'JWT', kid }, claims)
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`
}
const soon = () => Math.floor(Date.now() / 1000) + 600

describe.concurrent('the shared secret of an environment', () => {
  test('makes no environment token', async () => {
    const env = await newEnvironment(),
      secret = await sharedSecretOf(env)
    for (const claims of [
      { type: 'vendor', vendorId: env.id },
      { type: 'vendor', vendorId: env.id, exp: soon() },
      { type: 'vendor', vendorId: env.id, scopes: [], iat: soon() - 700, exp: soon() },
    ])
      expect((await env.withToken(await forged(env, secret, claims))('GET', tenants)).status).toBe(401)
  })

  test("opens nothing in a user's name without a session that lives, or without an end", async () => {
    const env = await newEnvironment(),
      secret = await sharedSecretOf(env),
      user = await env.newUser({ password: PASSWORD }),
      { accessToken } = (await logIn(env, user)).body as { accessToken: string }
    const claims = claimsOf(accessToken)
    const { sid: _sid, ...withoutSession } = claims,
      { exp: _exp, ...withoutEnd } = claims
    for (const bad of [withoutSession, withoutEnd, { ...claims, iat: 'now' }, { ...claims, exp: 'never' }, [claims]])
      expect((await env.withToken(await forged(env, secret, bad))('GET', me)).status).toBe(401)
  })

  test('fails nothing by claims of another form', async () => {
    const env = await newEnvironment(),
      secret = await sharedSecretOf(env),
      user = await env.newUser({ password: PASSWORD, permissions: ['fe.secure.read.roles'] }),
      claims = claimsOf((await logIn(env, user)).body.accessToken as string)
    const roles = async (change: object) =>
      (await env.withToken(await forged(env, secret, { ...claims, ...change }))('GET', '/identity/resources/roles/v1'))
        .status
    expect(await roles({})).toBe(200)
    for (const permissions of ['fe.secure.read.roles', 7, { 0: '*' }, [7], [['*']], null])
      expect(await roles({ permissions }), JSON.stringify(permissions)).toBe(401)
  })

  test('gives nobody permissions: those that a token with it names are not believed', async () => {
    const env = await newEnvironment(),
      secret = await sharedSecretOf(env)
    const roles = async (held: string[], permissions: string[]) => {
      const user = await env.newUser({ password: PASSWORD, permissions: held }),
        claims = claimsOf((await logIn(env, user)).body.accessToken as string)
      return (
        await env.withToken(await forged(env, secret, { ...claims, permissions }))(
          'GET',
          '/identity/resources/roles/v1',
        )
      ).status
    }
    expect(await roles([], ['fe.secure.*', '*'])).toBe(403)
    expect(await roles(['fe.secure.read.roles'], [])).toBe(200)
  })

  test("is for users' tokens only while they are to be signed with it", async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD })
    await sharedSecretOf(env)
    const call = env.withToken((await logIn(env, user)).body.accessToken as string)
    expect((await call('GET', me)).status).toBe(200)
    await env.vendor('POST', configuration, { jwtAlgorithm: 'RS256' })
    expect((await call('GET', me)).status).toBe(401)
  })

  test('leads from no refresh token to the next one', async () => {
    const env = await newEnvironment(),
      secret = await sharedSecretOf(env),
      user = await env.newUser({ password: PASSWORD }),
      first = (await logIn(env, user)).body.refreshToken as string
    const refresh = (refreshToken: string) =>
      env.anonymous('POST', '/identity/resources/auth/v1/user/token/refresh', { refreshToken })
    const next = (await refresh(first)).body.refreshToken as string
    const guesses = [`refresh token ${first}`, first, `${env.id} ${first}`].flatMap((text) =>
      (['base64url', 'hex'] as const).map((encoding) => createHmac('sha256', secret).update(text).digest(encoding)),
    )
    expect([...guesses, createHash('sha256').update(first).digest('base64url')]).not.toContain(next)
  })
})

test('an environment token without an end is refused, whatever it was signed with', async () => {
  const env = await newEnvironment(),
    ctx = await env.context(),
    claims = { type: 'vendor', vendorId: env.id }
  expect((await env.withToken(signedBy(ctx, { ...claims, exp: soon() }))('GET', tenants)).status).toBe(200)
  expect((await env.withToken(signedBy(ctx, claims))('GET', tenants)).status).toBe(401)
})
