import { describe, expect, test } from 'vitest'
import { deps, newEnvironment, server, type TestEnvironment } from '../../test/environment.ts'
import type { ServerDeps } from '../kernel/deps.ts'
import { buildServer } from '../server.ts'
import { addControlPlane } from './control-plane.ts'
import { watching } from './watch.ts'

const usualUrl = new URL('http://localhost:3100')
const emulator = async (changes: Partial<ServerDeps> = {}) => {
  const own = { ...deps, usualUrl, trustProxy: false, ...changes },
    watched = watching(own),
    made = await buildServer(own, watched.watch)
  await addControlPlane(made, { open: true, watching: watched })
  return made
}
const on = await emulator()

const LOGIN = '/identity/resources/auth/v1/user',
  FORGOT = '/identity/resources/users/v1/passwords/reset',
  DISCOVERY = '/.well-known/openid-configuration',
  PASSWORD = 'Correct-Horse-7'
const claimsOf = (token: string) => JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString())
const issuerOf = (token: string) => claimsOf(token).iss as string
const at = (env: TestEnvironment, host: string, more: Record<string, string> = {}) => env.client({ host, ...more }, on)
const linkFor = async (env: TestEnvironment, to: string) => new URL((await env.messages({ to })).at(-1)!.link!).origin

describe.concurrent('the emulator without a public URL', () => {
  test('is where the call came to: issuer, discovery and links of mails', async () => {
    const env = await newEnvironment(on),
      { email } = await env.newUser({ password: PASSWORD })
    for (const host of ['localhost:62847', 'henhouse:3100', 'id.test']) {
      const call = at(env, host),
        here = `http://${env.name}.${host}`
      expect(issuerOf((await call('POST', LOGIN, { email, password: PASSWORD })).body.accessToken)).toBe(here)
      expect((await call('GET', DISCOVERY)).body).toMatchObject({
        issuer: here,
        jwks_uri: `${here}/.well-known/jwks.json`,
      })
      expect((await call('POST', FORGOT, { email })).status).toBe(201)
      expect(await linkFor(env, email)).toBe(here)
    }
  })

  test('finds environments by the label before any name of it', async () => {
    const env = await newEnvironment(on)
    for (const host of [`${env.name}.henhouse:3100`, `${env.name}.localhost:62847`]) {
      const { body } = await env.bare('GET', DISCOVERY, undefined, { headers: { host } })
      expect(body.issuer).toBe(`http://${host}`)
    }
  })

  test('takes tokens of each of its names at all of them', async () => {
    const env = await newEnvironment(on),
      { email } = await env.newUser({ password: PASSWORD }),
      hosts = ['localhost:62847', 'henhouse:3100', '127.0.0.1:3100']
    for (const host of hosts) {
      const { accessToken } = (await at(env, host)('POST', LOGIN, { email, password: PASSWORD })).body
      for (const other of hosts) {
        const me = await at(env, other, { authorization: `Bearer ${accessToken}` })(
          'GET',
          '/identity/resources/users/v2/me',
        )
        expect([other, me.status, me.body.email]).toEqual([other, 200, email])
      }
    }
  })

  test('puts no name before an address, where none can be', async () => {
    const env = await newEnvironment(on)
    expect((await at(env, '127.0.0.1:4000')('GET', DISCOVERY)).body.issuer).toBe(`http://${env.name}.localhost:4000`)
  })

  test('says its usual address where the host is none', async () => {
    const env = await newEnvironment(on)
    for (const host of ['a b', 'x/y', 'u@x', 'localhost:99999'])
      expect((await at(env, host)('GET', DISCOVERY)).body.issuer).toBe(`http://${env.name}.localhost:3100`)
  })

  test('believes forwarded hosts only of proxies that it trusts', async () => {
    const env = await newEnvironment(on),
      trusting = await emulator({ trustProxy: true }),
      forwarded = { host: 'localhost:3100', 'x-forwarded-host': 'id.example', 'x-forwarded-proto': 'https' }
    const issuer = async (of: typeof on) => (await env.client(forwarded, of)('GET', DISCOVERY)).body.issuer
    expect(await issuer(on)).toBe(`http://${env.name}.localhost:3100`)
    expect(await issuer(trusting)).toBe(`https://${env.name}.id.example`)
  })

  test('links to the address of the cause in mails that are sent later', async () => {
    const env = await newEnvironment(on),
      tenant = await env.newTenant(),
      email = 'later@example.com',
      headers = { host: 'henhouse:3100', 'frontegg-tenant-id': tenant }
    const users = [{ email, roleIds: [] }]
    const { status, body } = await env.client(headers, on)(
      'POST',
      '/identity/resources/users/bulk/v1/invite',
      { users },
      {
        headers: { authorization: `Bearer ${await env.token({ type: 'vendor', vendorId: env.id })}` },
      },
    )
    expect([status, body.id]).toEqual([202, expect.any(String)])
    await env.runJobs()
    expect(await linkFor(env, email)).toBe(`http://${env.name}.henhouse:3100`)
  })

  test('sends browsers to its login page at the address that they came to', async () => {
    const env = await newEnvironment(on),
      { appURL } = (await env.vendor('GET', '/applications/resources/applications/v1')).body[0]
    expect(appURL).toBe(`http://${env.name}.localhost:3100`)
    const redirect = 'http://localhost:5000/back'
    expect(
      (await env.vendor('POST', '/oauth/resources/configurations/v1/redirect-uri', { redirectUri: redirect })).status,
    ).toBeLessThan(300)
    const query = new URLSearchParams({
      client_id: env.id,
      redirect_uri: redirect,
      response_type: 'code',
      scope: 'openid',
      code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
      code_challenge_method: 'S256',
    })
    const { status, headers } = await at(env, 'localhost:62847')('GET', `/oauth/authorize?${query.toString()}`)
    expect([status, String(headers['location'])]).toEqual([
      302,
      expect.stringMatching(new RegExp(`^http://${env.name}\\.localhost:62847/oauth/`)),
    ])
  })

  test('names its environments as the caller reaches them', async () => {
    const { body } = await (
      await newEnvironment(on)
    ).bare(
      'POST',
      '/_emulator/environments',
      {},
      {
        headers: { host: 'henhouse:3100' },
      },
    )
    expect(body.baseUrl).toBe(`http://${body.name}.henhouse:3100`)
  })

  test('does not log out those who have logged in to another one on this machine', async () => {
    const env = await newEnvironment(on),
      ports = ['localhost:3100', 'localhost:3200'] as const,
      users = [await env.newUser({ password: PASSWORD }), await env.newUser({ password: PASSWORD })]
    /** What a browser keeps of a host: whatever the port, a cookie of one name. */
    const jar: Record<string, string> = {}
    const browse = async (host: string, path: string, body?: object) => {
      const answer = await at(env, host)('POST', path, body ?? {}, { cookies: jar })
      for (const { name, value } of answer.cookies) {
        if (value === '') delete jar[name]
        else jar[name] = value
      }
      return answer
    }
    for (const [index, { email }] of users.entries())
      expect((await browse(ports[index]!, LOGIN, { email, password: PASSWORD })).status).toBe(200)
    const refreshed = async (host: string) =>
      claimsOf((await browse(host, `${LOGIN}/token/refresh`)).body.accessToken).email
    expect([await refreshed(ports[0]), await refreshed(ports[1])]).toEqual(users.map(({ email }) => email))
    expect((await browse(ports[0], '/identity/resources/auth/v1/logout')).status).toBeLessThan(300)
    expect(await refreshed(ports[1])).toBe(users[1]!.email)
    expect((await browse(ports[0], `${LOGIN}/token/refresh`)).status).toBe(401)
    expect(await refreshed(ports[1])).toBe(users[1]!.email)
  })

  test('takes cookies that clients name themselves', async () => {
    const env = await newEnvironment(on),
      { email } = await env.newUser({ password: PASSWORD }),
      { cookies } = await at(env, 'localhost:3200')('POST', LOGIN, { email, password: PASSWORD }),
      name = `fe_refresh_${env.id.replace('-', '')}`
    const value = cookies.find((cookie) => cookie.name === name)!.value
    const { status } = await at(env, 'localhost:3200')(
      'POST',
      `${LOGIN}/token/refresh`,
      {},
      { cookies: { [name]: value } },
    )
    expect(status).toBe(201)
  })
})

describe.concurrent('a server with a public URL', () => {
  test('never says another host, nor takes tokens that name one', async () => {
    const env = await newEnvironment(),
      { email } = await env.newUser({ password: PASSWORD }),
      call = env.client({ host: 'evil.example', 'x-forwarded-host': 'evil.example' }, server),
      here = `http://${env.name}.localhost:3100`
    expect((await call('GET', DISCOVERY)).body.issuer).toBe(here)
    expect((await call('POST', FORGOT, { email })).status).toBe(201)
    expect(await linkFor(env, email)).toBe(here)
    const { accessToken } = (await at(env, 'evil.example')('POST', LOGIN, { email, password: PASSWORD })).body
    expect(issuerOf(accessToken)).toContain('evil.example')
    expect((await env.withToken(accessToken)('GET', '/identity/resources/users/v2/me')).status).toBe(401)
  })

  test('stores no address with a job, and sets no cookie twice', async () => {
    const env = await newEnvironment(),
      { email } = await env.newUser({ password: PASSWORD }),
      { cookies } = await env.anonymous('POST', LOGIN, { email, password: PASSWORD })
    expect(cookies.map(({ name }) => name)).toEqual([`fe_refresh_${env.id.replace('-', '')}`])
    expect(
      await deps.database.prisma.job.count({ where: { vendorId: env.id, payload: { path: ['_publicUrl'], not: {} } } }),
    ).toBe(0)
  })
})
