import { describe, expect, test } from 'vitest'
import { newEnvironment, newServer, type TestEnvironment } from '../../../../test/environment.ts'
import {
  allow,
  browserOf,
  CALLBACK,
  locationOf,
  pathOf,
  pkce,
  queryOf,
  question,
} from '../../../../test/oauth-browser.ts'
import { claimsOf, codeOf, mfa, mfaPolicy, PASSWORD, withApp } from '../../../../test/second-factors.ts'

const { verifier, challenge } = pkce()
const MULTI_FACTOR = 'http://schemas.openid.net/pape/policies/2007/06/multi-factor'
const applications = '/applications/resources/applications/v1',
  users = '/identity/resources/users/v1'

async function prepared() {
  const env = await newEnvironment(),
    user = await env.newUser({ password: PASSWORD })
  await allow(env)
  return { env, user, browser: browserOf(env) }
}
type Prepared = Awaited<ReturnType<typeof prepared>>

/** A code, after a login on the page. */
async function codeIn({ env, user, browser }: Prepared, more: Record<string, string> = {}) {
  const asked = await browser.ask(question(env, challenge, more))
  return queryOf(await browser.comeBack(asked, await browser.logIn(user)))
}
const exchange = (env: TestEnvironment, fields: object, headers: Record<string, string> = {}) =>
  env.anonymous(
    'POST',
    '/oauth/token',
    { grant_type: 'authorization_code', redirect_uri: CALLBACK, ...fields },
    { headers },
  )

const newApplication = async (env: TestEnvironment, fields: object = {}) =>
  (
    await env.vendor('POST', applications, {
      name: 'App',
      appURL: 'https://app.example.com',
      loginURL: 'https://app.example.com/login',
      ...fields,
    })
  ).body.id as string

describe.concurrent('a client that sends a browser', () => {
  test('gets it back with a code, the state and the issuer, after a login on the page', async () => {
    const { env, user, browser } = await prepared()
    const asked = await browser.ask(question(env, challenge, { login_hint: user.email, organization: '' }))
    expect(asked.status).toBe(302)
    const base = `http://${env.name}.localhost:3100`
    expect(locationOf(asked)).toMatch(new RegExp(`^${base}/oauth/prelogin\\?`))
    expect(queryOf(asked)).toMatchObject({ client_id: env.id, redirect_uri: CALLBACK, login_hint: user.email })
    const page = await browser.call('GET', pathOf(locationOf(asked)))
    expect(locationOf(page)).toMatch(new RegExp(`^${base}/oauth/account/login\\?`))
    expect(queryOf(page)).toMatchObject({ state: queryOf(asked)['state'], login_hint: user.email })
    const back = await browser.comeBack(asked, await browser.logIn(user))
    expect(queryOf(back)).toEqual({ code: expect.any(String), state: 'a state', iss: base })
    const { status, body, cookies } = await exchange(env, { code: queryOf(back)['code'], code_verifier: verifier })
    expect(status).toBe(200)
    expect(body).toEqual({
      access_token: expect.any(String),
      id_token: body.access_token,
      refresh_token: expect.any(String),
      token_type: 'Bearer',
      expires_in: 86_400,
    })
    expect(cookies).toEqual([])
    expect(claimsOf(body.access_token)).toMatchObject({ sub: user.id, nonce: 'a nonce', auth_time: expect.any(Number) })
    const renewed = await env.anonymous('POST', '/oauth/token', {
      grant_type: 'refresh_token',
      refresh_token: body.refresh_token,
    })
    expect(renewed.status).toBe(200)
    // the browser stays logged in by its own cookie
    expect((await browser.call('POST', '/oauth/authorize/silent', { tenantId: null })).status).toBe(200)
  })

  test('is sent to the login page of its application, with the same path below /frontegg', async () => {
    const { env, browser } = await prepared(),
      id = await newApplication(env)
    const asked = await browser.call(
      'GET',
      `/frontegg/oauth/authorize?${new URLSearchParams(question(env, challenge, { client_id: id }))}`,
    )
    const page = await browser.call('GET', pathOf(locationOf(asked)))
    expect(locationOf(page)).toMatch(/^https:\/\/app\.example\.com\/login\?/)
  })

  test('gets a code at once for a browser that is logged in, and not if it wants a page or a new login', async () => {
    const one = await prepared(),
      { env, user, browser } = one
    await browser.logIn(user)
    const at = async (more: Record<string, string>) => browser.ask(question(env, challenge, more))
    const { code } = queryOf(await at({ prompt: 'none' }))
    expect((await exchange(env, { code, code_verifier: verifier })).body.access_token).toBeDefined()
    expect(queryOf(await at({}))['code']).toBeDefined()
    for (const prompt of ['login', 'select_account', 'login consent'])
      expect(locationOf(await at({ prompt }))).toContain('/oauth/prelogin')
    expect(locationOf(await at({ prompt: 'consent' }))).toContain('/oauth/account/consent')
    await env.clock.advance(120_000)
    expect(queryOf(await at({ max_age: '180' }))['code']).toBeDefined()
    expect(locationOf(await at({ max_age: '60' }))).toContain('/oauth/prelogin')
    expect(queryOf(await at({ max_age: '60', prompt: 'none' }))['error']).toBe('login_required')
    expect(queryOf(await at({ acr_values: MULTI_FACTOR, prompt: 'none' }))['error']).toBe('interaction_required')
    expect(queryOf(await browserOf(env).ask(question(env, challenge, { prompt: 'none' })))['error']).toBe(
      'login_required',
    )
  })

  test('that wants a new login is not content with the old one', async () => {
    const { env, user, browser } = await prepared()
    for (const more of [{ prompt: 'login' }, { max_age: '60' }] as Record<string, string>[]) {
      const token = await browser.logIn(user)
      await env.clock.advance(120_000)
      const asked = await browser.ask(question(env, challenge, more)),
        old = await browser.comeBack(asked, token)
      expect([old.status, old.body.error]).toEqual([403, 'login_required'])
      expect(queryOf(await browser.comeBack(asked, await browser.logIn(user)))['code']).toBeDefined()
    }
  })

  test('that wants a second factor is content with no less', async () => {
    const env = await newEnvironment(),
      user = await withApp(env),
      browser = browserOf(env)
    await allow(env)
    const asked = await browser.ask(question(env, challenge, { acr_values: MULTI_FACTOR }))
    const weak = await browser.comeBack(asked, await env.userToken(user))
    expect([weak.status, weak.body.errors]).toEqual([403, ['MFA is required']])
    const { mfaToken } = (
        await browser.call('POST', '/identity/resources/auth/v1/user', { email: user.email, password: PASSWORD })
      ).body,
      { accessToken } = (
        await browser.call('POST', `${mfa}/verify`, { mfaToken, value: await codeOf(env, user.secret) })
      ).body
    const { code } = queryOf(await browser.comeBack(asked, accessToken))
    const claims = claimsOf((await exchange(env, { code, code_verifier: verifier })).body.access_token)
    expect(claims).toMatchObject({ acr: MULTI_FACTOR, amr: ['mfa', 'otp'] })
  })

  test('chooses the account by its id or its alias', async () => {
    const one = await prepared(),
      { env, user, browser } = one,
      second = await env.newTenant(),
      { db, clock } = await env.context()
    await db.membership.create({
      data: { userId: user.id, tenantId: second, acceptedAt: clock.now(), createdAt: clock.now() },
    })
    await env.vendor('PUT', `/tenants/resources/tenants/v2/${second}`, { alias: 'coop' })
    for (const more of [{ tenantId: second }, { organization: 'coop' }]) {
      const { code } = await codeIn({ ...one, browser: browserOf(env) }, more),
        { body } = await exchange(env, { code, code_verifier: verifier })
      expect(claimsOf(body.access_token)['tenantId']).toBe(second)
    }
    const strange = await env.newTenant(),
      asked = await browser.ask(question(env, challenge, { tenantId: strange }))
    expect((await browser.comeBack(asked, await browser.logIn(user))).status).toBe(404)
    expect(queryOf(await browser.ask(question(env, challenge, { organization: 'nowhere' })))['error']).toBe(
      'invalid_request',
    )
    // one that asks for a second factor, which the session in the other has not shown
    await env.as(user.tenantId)('PUT', mfaPolicy, { enforceMFAType: 'Force' })
    const strict = await browser.ask(question(env, challenge, { tenantId: user.tenantId }))
    expect(locationOf(strict)).toContain('/oauth/prelogin')
    expect((await browser.comeBack(strict, await env.userToken({ id: user.id, tenantId: second }))).status).toBe(403)
  })
})

/** Nothing comes of these. */
const shared = prepared()

describe.concurrent('nobody is sent to', () => {
  test.for([
    `${CALLBACK}/`,
    `${CALLBACK}?a=b`,
    'https://app.example.com/oauth/callback/../evil',
    'https://app.example.com.evil.test/oauth/callback',
    'https://app.example.com@evil.test/oauth/callback',
    'https://APP.example.com/oauth/callback',
    'http://app.example.com/oauth/callback',
    'https://app.example.com:443/oauth/callback',
    '',
  ])('an address that is not the very one: %s', async (redirect_uri) => {
    const { env, browser } = await shared
    const answer = await browser.ask(question(env, challenge, { redirect_uri }))
    expect([answer.status, answer.body.error, answer.headers['location']]).toEqual([400, 'invalid_request', undefined])
  })

  test('an address of another application, another environment or none', async () => {
    const { env, browser } = await prepared(),
      [one, other] = [await newApplication(env), await newApplication(env)],
      own = 'https://one.example.com/cb'
    await allow(env, own, one)
    const at = async (client_id: string) =>
      (await browser.ask(question(env, challenge, { client_id, redirect_uri: own }))).status
    expect([await at(one), await at(other), await at(env.id)]).toEqual([302, 400, 400])
    expect(await at((await newEnvironment()).id)).toBe(400)
    await env.vendor('PATCH', `${applications}/${one}`, { isActive: false })
    expect(await at(one)).toBe(400)
  })

  test.for([
    ['http://localhost/cb', 'http://localhost:5173/cb', true],
    ['http://localhost:3000/cb', 'http://localhost:5173/cb', true],
    ['http://127.0.0.1/cb', 'http://127.0.0.1:50000/cb', true],
    ['http://[::1]/cb', 'http://[::1]:50000/cb', true],
    ['http://localhost:3000/cb', 'http://127.0.0.1:3000/cb', false],
    ['http://127.0.0.1:3000/cb', 'http://localhost:3000/cb', false],
    ['http://127.0.0.1/cb', 'http://[::1]/cb', false],
    ['http://localhost/cb', 'http://localhost:5173/other', false],
    ['http://localhost/cb', 'https://localhost/cb', false],
    ['http://localhost/cb', 'http://localhost.evil.test/cb', false],
    ['http://localhost/cb', 'http://localhost:80@evil.test/cb', false],
    ['http://localhosts:1/cb', 'http://localhosts:2/cb', false],
    ['https://app.example.com:1/cb', 'https://app.example.com:2/cb', false],
    ['com.example.app://callback', 'com.example.app://callback', true],
  ] as const)('another port, but on loopback addresses: %s and %s', async ([allowed, redirect_uri, passes]) => {
    const { env } = await shared,
      id = await newApplication(env)
    await allow(env, allowed, id)
    const wanted = question(env, challenge, { client_id: id, redirect_uri, prompt: 'none' }),
      answer = await browserOf(env).ask(wanted)
    expect(answer.status).toBe(passes ? 302 : 400)
    if (passes) expect(locationOf(answer).startsWith(`${redirect_uri}?error=login_required&`)).toBe(true)
  })
})

describe.concurrent('a client learns by its own address that', () => {
  test.for([
    ['unsupported_response_type', { response_type: 'token' }],
    ['unsupported_response_type', { response_type: 'code id_token' }],
    ['invalid_request', { response_mode: 'fragment' }],
    ['invalid_request', { code_challenge_method: 'plain' }],
    ['invalid_request', { code_challenge: 'short' }],
    ['invalid_request', { code_challenge: '' }],
    ['invalid_request', { prompt: 'none login' }],
    ['invalid_request', { prompt: 'none consent' }],
    ['invalid_request', { max_age: '-1' }],
    ['request_not_supported', { request: 'e30.e30.' }],
    ['request_uri_not_supported', { request_uri: 'https://evil.test/request' }],
  ] as const)('%s: %o', async ([error, more]) => {
    const { env, browser } = await shared
    const answer = await browser.ask(question(env, challenge, more))
    expect(queryOf(answer)).toMatchObject({ error, state: 'a state', iss: expect.any(String) })
  })
})

describe.concurrent('the way back', () => {
  test('is open only to the browser that has begun, and once', async () => {
    const { env, user, browser } = await prepared(),
      other = browserOf(env)
    const asked = await browser.ask(question(env, challenge)),
      token = await browser.logIn(user)
    // somebody who has seen the address
    expect((await other.comeBack(asked, token)).status).toBe(400)
    await other.ask(question(env, challenge))
    expect((await other.comeBack(asked, token)).status).toBe(400)
    const { state } = queryOf(asked),
      posts = await Promise.all(
        Array.from({ length: 6 }, () => browser.call('POST', '/oauth/postlogin', { state, token })),
      )
    const [posted] = posts.filter(({ status }) => status === 200)
    expect(posts.map(({ status }) => status).toSorted()).toEqual([200, 400, 400, 400, 400, 400])
    const path = pathOf(posted!.body.redirectUrl)
    expect((await other.call('GET', path)).status).toBe(400)
    const ends = await Promise.all(Array.from({ length: 6 }, () => browser.call('GET', path)))
    expect(ends.filter((end) => end.status === 302 && queryOf(end)['code'])).toHaveLength(1)
    expect((await browser.call('GET', path)).status).toBe(400)
  })

  test("takes only the token of a person's login, at the client's application", async () => {
    const { env, user, browser } = await prepared(),
      id = await newApplication(env, { accessType: 'FREE_ACCESS' })
    const asked = await browser.ask(question(env, challenge, { client_id: id })),
      program = await env.machine({ tenantId: user.tenantId, userId: user.id })
    expect((await browser.comeBack(asked, program.token)).status).toBe(401)
    expect((await browser.comeBack(asked, 'x.y.z')).status).toBe(401)
    const elsewhere = await browser.comeBack(asked, await browser.logIn(user))
    expect(elsewhere.body.errors).toEqual(['The token is for another application'])
    const { code } = queryOf(await browser.comeBack(asked, await browser.logIn(user, id)))
    const { body } = await exchange(env, { code, code_verifier: verifier })
    expect(claimsOf(body.id_token)['aud']).toBe(id)
    // the environment's own session is no login there, and the other way round
    expect(
      queryOf(await browser.ask(question(env, challenge, { client_id: id, prompt: 'none' })))['code'],
    ).toBeDefined()
    await browser.call('GET', `/oauth/logout?client_id=${id}`)
    expect(queryOf(await browser.ask(question(env, challenge, { client_id: id, prompt: 'none' })))['error']).toBe(
      'login_required',
    )
    expect(queryOf(await browser.ask(question(env, challenge, { prompt: 'none' })))['code']).toBeDefined()
  })

  test('tells the client when the user has been locked meanwhile', async () => {
    const { env, user, browser } = await prepared()
    const asked = await browser.ask(question(env, challenge)),
      token = await browser.logIn(user),
      { body } = await browser.call('POST', '/oauth/postlogin', { state: queryOf(asked)['state'], token })
    await env.vendor('POST', `${users}/${user.id}/lock`)
    expect((await browser.call('GET', pathOf(body.redirectUrl))).status).toBe(400)
  })

  test('may be asked for by links of other sites, and by nothing else of them', async () => {
    const on = await newServer({
        allowedOrigins: ['https://app.example.com'],
        publicUrl: new URL('https://id.example.com'),
      }),
      env = await newEnvironment(on)
    await allow(env)
    const url = `/oauth/authorize?${new URLSearchParams(question(env, challenge))}`
    const from = async (headers: Record<string, string>) =>
      (await env.anonymous('GET', url, undefined, { headers })).status
    expect(
      await from({ 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }),
    ).toBe(302)
    expect(await from({ 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' })).toBe(403)
    expect(await from({ origin: 'https://evil.test' })).toBe(403)
    const silent = {
      'sec-fetch-site': 'cross-site',
      'sec-fetch-mode': 'navigate',
      'sec-fetch-dest': 'document',
      origin: 'https://evil.test',
    }
    expect((await env.anonymous('POST', '/oauth/authorize/silent', {}, { headers: silent })).status).toBe(403)
  })
})

test('OAuth can be switched off', async () => {
  const one = await prepared(),
    { env, user, browser } = one
  const { code } = await codeIn(one),
    asked = await browser.ask(question(env, challenge, { prompt: 'login' }))
  expect((await env.vendor('POST', '/oauth/resources/configurations/v1/deactivate')).status).toBe(200)
  for (const answer of [
    await browser.ask(question(env, challenge)),
    await browser.comeBack(asked, await browserOf(env).logIn(user)),
    await browser.call('POST', '/oauth/authorize/silent', {}),
    await exchange(env, { code, code_verifier: verifier }),
  ])
    expect([answer.status, answer.body.errors]).toEqual([403, ['OAuth is disabled']])
  await env.vendor('POST', '/oauth/resources/configurations/v1/activate')
  expect((await exchange(env, { code, code_verifier: verifier })).status).toBe(200)
})
