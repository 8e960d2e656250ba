import { createRequire } from 'node:module'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { listening, newEnvironment } from './environment.ts'

/**
 * Runs the published server-side client, unmodified, against this server on a port. The browser client has its own test files.
 */
const require = createRequire(import.meta.url)

beforeAll(async () => {
  process.env['FRONTEGG_API_GATEWAY_URL'] = await listening()
})
afterAll(() => {
  delete process.env['FRONTEGG_API_GATEWAY_URL']
})

describe('the published server-side client, unmodified', () => {
  test("@frontegg/client authenticates the environment and validates a user's token, roles and permissions", async () => {
    const env = await newEnvironment()
    const user = await env.newUser({ password: 'Henhouse-1!', roleKeys: ['ReadOnly'] })
    const { FronteggContext, FronteggAuthenticator, IdentityClient, HttpClient } = require('@frontegg/client')
    FronteggContext.init({ FRONTEGG_CLIENT_ID: env.id, FRONTEGG_API_KEY: env.apiKey })
    const authenticator = new FronteggAuthenticator()
    await authenticator.init(env.id, env.apiKey)
    expect(authenticator.accessToken).toMatch(/^ey/)
    await expect(new FronteggAuthenticator().init(env.id, 'wrong')).rejects.toBeTruthy()

    const login = await env.anonymous('POST', '/identity/resources/auth/v1/user', {
      email: user.email,
      password: 'Henhouse-1!',
    })
    const identity = new IdentityClient({ FRONTEGG_CLIENT_ID: env.id, FRONTEGG_API_KEY: env.apiKey })
    const entity = await identity.validateIdentityOnToken(login.body.accessToken, {
      roles: ['ReadOnly'],
      permissions: ['fe.secure.read.*'],
    })
    expect(entity).toMatchObject({
      sub: user.id,
      tenantId: user.tenantId,
      type: 'userToken',
      email: user.email,
      roles: ['ReadOnly'],
    })
    await expect(identity.validateIdentityOnToken(login.body.accessToken, { roles: ['Admin'] })).rejects.toBeTruthy()
    await expect(
      identity.validateIdentityOnToken(login.body.accessToken, { permissions: ['fe.secure.write.users'] }),
    ).rejects.toBeTruthy()
    const [head, , signature] = login.body.accessToken.split('.')
    const forged = `${head}.${Buffer.from(JSON.stringify({ sub: user.id, type: 'userToken', roles: ['Admin'], exp: 4102444800 })).toString('base64url')}.${signature}`
    await expect(identity.validateIdentityOnToken(forged)).rejects.toBeTruthy()

    const http = new HttpClient(authenticator, { baseURL: await listening() })
    const { data } = await http.get('/identity/resources/users/v3', { params: { _tenantId: user.tenantId } })
    expect(data.items.map((u: { id: string }) => u.id)).toEqual([user.id])
  })
})
