import { outbound } from '@henhouse/outbound'
import { describe, expect, test } from 'vitest'
import { newEnvironment, newServer, UNKNOWN_ID, unique, type TestEnvironment } from '../../../test/environment.ts'

const vendors = '/vendors',
  customDomains = '/vendors/custom-domains/v2',
  login = '/frontegg/identity/resources/auth/v1/user',
  APP = 'https://app.example.com'

/** A server that lets no page in by itself, as in production, and a DNS that says this. */
const strictServer = (aliases: Record<string, string[]> = {}) =>
  newServer({
    allowedOrigins: [],
    outbound: { ...outbound('anywhere'), aliasesOf: async (host) => aliases[host] ?? [] },
  })
const hostOf = ({ name }: TestEnvironment) => `${name}.localhost`
const preflight = (on: Awaited<ReturnType<typeof strictServer>>, host: string, origin = APP) =>
  on.http.inject({
    method: 'OPTIONS',
    url: login,
    headers: {
      host,
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'content-type',
    },
  })

describe.concurrent('the environment itself', () => {
  test('says what was said of it, changes what is given, and shows its name on login pages', async () => {
    const env = await newEnvironment()
    expect(await env.vendor('GET', vendors)).toMatchObject({
      status: 200,
      body: {
        ...{ id: env.id, name: env.name, country: '', backendStack: '', frontendStack: '', openSaaSInstalled: false },
        ...{ host: `${hostOf(env)}:3100`, allowedOrigins: [] },
      },
    })
    const whole = {
      ...{ id: env.id, name: 'Acme Ltd', country: 'Portugal', backendStack: 'Node', frontendStack: 'React' },
      ...{ openSaaSInstalled: true, host: `${hostOf(env)}:3100`, allowedOrigins: [APP] },
    }
    expect(await env.vendor('PUT', vendors, whole)).toMatchObject({ status: 200, body: whole })
    expect((await env.vendor('GET', vendors)).body).toEqual(whole)
    const origins = [APP, 'http://localhost:3000/']
    expect((await env.vendor('PUT', vendors, { allowedOrigins: origins })).body).toEqual({
      ...whole,
      allowedOrigins: origins,
    })
    expect((await env.anonymous('GET', '/vendors/public')).body.name).toBe('Acme Ltd')
    expect((await env.anonymous('GET', vendors)).status).toBe(401)
    expect((await (await env.user({ permissions: ['fe.secure.*'] }))('PUT', vendors, whole)).status).toBe(401)
  })

  test('keeps its host, and refuses what is no origin, without changing anything', async () => {
    const env = await newEnvironment()
    expect(await env.vendor('PUT', vendors, { name: 'Other', host: 'other.example.com' })).toMatchObject({
      status: 400,
      body: { errors: ['host cannot be changed here'] },
    })
    for (const origin of ['*', 'https://*.example.com', 'app.example.com', `${APP}/page`, 'https://a@b.example', ''])
      expect((await env.vendor('PUT', vendors, { name: 'Other', allowedOrigins: [origin] })).status, origin).toBe(400)
    expect((await env.vendor('GET', vendors)).body).toMatchObject({ name: env.name, allowedOrigins: [] })
  })

  test('lets the pages of its origins in, with cookies, as soon as it says so, and those of no other environment', async () => {
    const on = await strictServer(),
      [env, other] = [await newEnvironment(on), await newEnvironment(on)],
      user = await env.newUser({ password: 'Henhouse-1!' })
    const logIn = (origin: string) =>
      env.anonymous(
        'POST',
        login,
        { email: user.email, password: 'Henhouse-1!' },
        { headers: { origin, host: `${hostOf(env)}:3100`, 'sec-fetch-site': 'cross-site' } },
      )
    expect((await preflight(on, hostOf(env))).headers['access-control-allow-origin']).toBeUndefined()
    expect((await logIn(APP)).status).toBe(403)

    await env.vendor('PUT', vendors, { allowedOrigins: ['https://APP.example.com:443/'] })
    const allowed = await preflight(on, hostOf(env))
    expect(allowed.headers).toMatchObject({
      'access-control-allow-origin': APP,
      'access-control-allow-credentials': 'true',
    })
    const answer = await logIn(APP)
    expect(answer).toMatchObject({ status: 200, headers: { 'access-control-allow-origin': APP } })
    expect(answer.cookies).toHaveLength(1)
    expect((await logIn('https://evil.example.com')).status).toBe(403)
    expect(
      (await preflight(on, hostOf(env), 'https://evil.example.com')).headers['access-control-allow-origin'],
    ).toBeUndefined()
    expect((await preflight(on, hostOf(other))).headers['access-control-allow-origin']).toBeUndefined()

    await env.vendor('PUT', vendors, { allowedOrigins: [] })
    expect((await preflight(on, hostOf(env))).headers['access-control-allow-origin']).toBeUndefined()
    expect((await logIn(APP)).status).toBe(403)
  })
})

describe.concurrent('custom domains', () => {
  const prepared = async () => {
    const aliases: Record<string, string[]> = {},
      on = await strictServer(aliases),
      env = await newEnvironment(on),
      domain = `login.${unique('acme')}.com`
    return { aliases, on, env, domain }
  }

  test('lead to the environment once their DNS points here, and no longer than they are there', async () => {
    const { aliases, on, env, domain } = await prepared(),
      nameAt = async (host: string) =>
        (await on.http.inject({ url: '/vendors/public', headers: { host } })).json<{ name?: string }>().name
    expect((await env.vendor('GET', customDomains)).body).toEqual({ customDomains: [] })
    const verify = () => env.vendor('POST', `${customDomains}/verify`, { customDomain: domain.toUpperCase() })
    expect(await verify()).toMatchObject({ status: 400, body: { errors: ['CName not found'] } })
    aliases[domain] = ['somewhere.example.net']
    expect((await verify()).status).toBe(400)
    expect((await env.vendor('GET', customDomains)).body).toEqual({ customDomains: [] })

    aliases[domain] = [`${hostOf(env)}.`]
    const active = { domain, status: 'Active', records: [{ type: 'CNAME', name: domain, value: hostOf(env) }] }
    const verified = await verify()
    expect(verified).toMatchObject({ status: 200, body: active })
    expect((await verify()).body).toEqual(verified.body)
    expect((await env.vendor('GET', customDomains)).body).toEqual({ customDomains: [verified.body] })
    expect(await nameAt(domain)).toBe(env.name)

    expect((await env.vendor('DELETE', `${customDomains}/${verified.body.id}`)).status).toBe(200)
    expect(await nameAt(domain)).not.toBe(env.name)
    expect((await env.vendor('DELETE', `${customDomains}/${verified.body.id}`)).status).toBe(404)
    expect((await env.vendor('DELETE', `${customDomains}/${UNKNOWN_ID}`)).status).toBe(404)
  })

  test('can be added before; what is no name, or is a name of the server, is refused', async () => {
    const { env, domain, on } = await prepared(),
      add = (customDomain: string) => env.vendor('POST', customDomains, { customDomain })
    expect(await add(domain)).toMatchObject({ status: 201, body: { domain, status: 'Pending' } })
    expect(await add(domain)).toMatchObject({ status: 409 })
    expect(
      (await on.http.inject({ url: '/vendors/public', headers: { host: domain } })).json<{ name?: string }>().name,
    ).not.toBe(env.name)
    for (const name of [
      'localhost',
      'x.localhost',
      hostOf(env),
      'nodots',
      '1.2.3.4',
      'a b.com',
      '-a.com',
      'https://a.com',
    ])
      expect((await add(name)).status, name).toBe(400)
    expect((await env.vendor('GET', customDomains)).body.customDomains).toHaveLength(1)
  })

  test('lead to one environment only, also when two want them at once', async () => {
    const { aliases, on, env, domain } = await prepared(),
      other = await newEnvironment(on)
    aliases[domain] = [hostOf(env), hostOf(other)]
    const answers = await Promise.all(
      [env, other].map((one) => one.vendor('POST', `${customDomains}/verify`, { customDomain: domain })),
    )
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409])
    const lists = await Promise.all(
      [env, other].map(async (one) => (await one.vendor('GET', customDomains)).body.customDomains),
    )
    expect(lists.flat()).toHaveLength(1)
  })
})
