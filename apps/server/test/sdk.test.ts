import { createRequire } from 'node:module'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newEnvironment, server, unique, type TestEnvironment } from './environment.ts'

/**
 * The main job on real input: the published clients, unmodified, against this server on a port of its own.
 * What a browser has and Node has not (a window, a cookie jar) is given to them from outside.
 */
const require = createRequire(import.meta.url)
let baseUrl = ''

beforeAll(async () => {
  baseUrl = await server.http.listen({ port: 0, host: '127.0.0.1' })
  process.env['FRONTEGG_API_GATEWAY_URL'] = baseUrl
  Object.assign(globalThis, { window: { location: { search: '', href: '' } }, sessionStorage: { getItem: () => null, setItem: () => {}, removeItem: () => {} } })
})
afterAll(async () => {
  delete process.env['FRONTEGG_API_GATEWAY_URL']
  Reflect.deleteProperty(globalThis, 'window')
  Reflect.deleteProperty(globalThis, 'sessionStorage')
})

/** A browser with the login box's own client in it, at the given environment. */
function browser(env: TestEnvironment) {
  const { createApiClient, ContextHolder } = require('@frontegg/rest-api') as { createApiClient(app: string): any, ContextHolder: any }
  const app = unique('app'), jar = new Map<string, string>()
  const realFetch = globalThis.fetch
  const holder = ContextHolder.for(app)
  // the client calls the global fetch; its calls are told apart by a header of this browser's own
  globalThis.fetch = async (input, init) => {
    const headers = new Headers(init?.headers)
    if (headers.get('x-test-browser') !== app) return realFetch(input, init)
    headers.delete('x-test-browser')
    if (jar.size) headers.set('cookie', [...jar].map(([name, value]) => `${name}=${value}`).join('; '))
    const response = await realFetch(input, { ...init, headers })
    for (const cookie of response.headers.getSetCookie()) {
      const [pair = '', ...attributes] = cookie.split(/;\s*/), [name = '', value = ''] = pair.split('=')
      if (value === '' || attributes.some((a) => /^max-age=0$/i.test(a) || /^expires=Thu, 01 Jan 1970/i.test(a))) jar.delete(name)
      else jar.set(name, value)
    }
    return response
  }
  holder.setContext({ baseUrl, additionalHeadersResolver: async () => [{ key: 'frontegg-vendor-id', value: env.id }, { key: 'x-test-browser', value: app }] })
  return { api: createApiClient(app), jar, token: () => holder.getAccessToken() as string | null, forgetToken: () => holder.setAccessToken(null) }
}

describe('the published clients, unmodified', () => {
  test('@frontegg/rest-api logs in, reads the profile, switches tenant, refreshes and logs out', async () => {
    const env = await newEnvironment()
    const acme = await env.newTenant('Acme'), beta = await env.newTenant('Beta')
    const user = await env.newUser({ tenantId: acme, email: `${unique('ada')}@example.com`, password: 'Henhouse-1!', roleKeys: ['Admin'] })
    expect((await env.as(beta)('POST', `/identity/resources/users/v1/${user.id}/tenant`, { tenantId: beta, skipInviteEmail: true })).status).toBe(201)
    const { api, jar, token, forgetToken } = browser(env)

    await expect(api.auth.refreshTokenV3()).rejects.toMatchObject({ statusCode: 401 })
    await expect(api.auth.loginv2({ email: user.email, password: 'wrong' })).rejects.toMatchObject({ statusCode: 401, errorCode: 'ER-01078' })
    const { user: me, tenants, activeTenant } = await api.auth.loginv2({ email: user.email, password: 'Henhouse-1!' })
    expect(me).toMatchObject({ id: user.id, email: user.email, tenantId: acme, mfaRequired: false, verified: true, sub: user.id })
    expect(me.roles).toMatchObject([{ key: 'Admin' }])
    expect(me.permissions.map((p: { key: string }) => p.key)).toContain('fe.secure.*')
    expect(tenants.map((t: { name: string }) => t.name).sort()).toEqual(['Acme', 'Beta'])
    expect(activeTenant).toMatchObject({ tenantId: acme, name: 'Acme' })
    expect([...jar.keys()]).toEqual([`fe_refresh_${env.id.replace('-', '')}`])

    await api.tenants.switchTenant({ tenantId: beta })
    const first = jar.get(`fe_refresh_${env.id.replace('-', '')}`)
    const refreshed = await api.auth.refreshTokenV3()
    expect(refreshed.user.tenantId).toBe(beta)
    expect(refreshed.activeTenant).toMatchObject({ tenantId: beta })
    expect(jar.get(`fe_refresh_${env.id.replace('-', '')}`)).not.toBe(first)
    expect(token()).toBeTruthy()

    expect((await api.auth.getUserAuthorization()).permissions).toBeInstanceOf(Array)
    expect(await api.auth.getCurrentUserSessions()).toMatchObject([{ current: true }])
    await api.auth.logout()
    expect(jar.size).toBe(0)
    forgetToken()
    await expect(api.auth.refreshTokenV3()).rejects.toMatchObject({ statusCode: 401, message: 'Session not found' })
  })

  test('@frontegg/client authenticates the environment and validates a user\'s token, roles and permissions', async () => {
    const env = await newEnvironment()
    const user = await env.newUser({ password: 'Henhouse-1!', roleKeys: ['ReadOnly'] })
    const { FronteggContext, FronteggAuthenticator, IdentityClient, HttpClient } = require('@frontegg/client') as any
    FronteggContext.init({ FRONTEGG_CLIENT_ID: env.id, FRONTEGG_API_KEY: env.apiKey })
    const authenticator = new FronteggAuthenticator()
    await authenticator.init(env.id, env.apiKey)
    expect(authenticator.accessToken).toMatch(/^ey/)
    await expect(new FronteggAuthenticator().init(env.id, 'wrong')).rejects.toBeTruthy()

    const login = await env.anonymous('POST', '/identity/resources/auth/v1/user', { email: user.email, password: 'Henhouse-1!' })
    const identity = new IdentityClient({ FRONTEGG_CLIENT_ID: env.id, FRONTEGG_API_KEY: env.apiKey })
    const entity = await identity.validateIdentityOnToken(login.body.accessToken, { roles: ['ReadOnly'], permissions: ['fe.secure.read.*'] })
    expect(entity).toMatchObject({ sub: user.id, tenantId: user.tenantId, type: 'userToken', email: user.email, roles: ['ReadOnly'] })
    await expect(identity.validateIdentityOnToken(login.body.accessToken, { roles: ['Admin'] })).rejects.toBeTruthy()
    await expect(identity.validateIdentityOnToken(login.body.accessToken, { permissions: ['fe.secure.write.users'] })).rejects.toBeTruthy()
    const [head, , signature] = login.body.accessToken.split('.')
    const forged = `${head}.${Buffer.from(JSON.stringify({ sub: user.id, type: 'userToken', roles: ['Admin'], exp: 4102444800 })).toString('base64url')}.${signature}`
    await expect(identity.validateIdentityOnToken(forged)).rejects.toBeTruthy()

    const http = new HttpClient(authenticator, { baseURL: baseUrl })
    const { data } = await http.get('/identity/resources/users/v3', { params: { _tenantId: user.tenantId } })
    expect(data.items.map((u: { id: string }) => u.id)).toEqual([user.id])
  })
})
