import { describe, expect, test } from 'vitest'
import { newEnvironment, type TestEnvironment } from '../../../../test/environment.ts'
import {
  agreedTo,
  allow,
  browserOf,
  CALLBACK,
  locationOf,
  pkce,
  queryOf,
  question,
} from '../../../../test/oauth-browser.ts'
import { PASSWORD } from '../../../../test/second-factors.ts'

const { verifier, challenge } = pkce()
const applications = '/applications/resources/applications/v1',
  clientsUrl = '/applications/application-clients',
  users = '/identity/resources/users/v1'

async function prepared() {
  const env = await newEnvironment(),
    user = await env.newUser({ password: PASSWORD }),
    browser = browserOf(env)
  await allow(env)
  await browser.logIn(user)
  /** A code of the browser's session. */
  const code = async (more: Record<string, string | undefined> = {}) => {
    const wanted = Object.entries({ ...question(env, challenge), ...more }).filter(
      (pair): pair is [string, string] => pair[1] !== undefined,
    )
    return queryOf(await browser.ask(Object.fromEntries(wanted)))['code']!
  }
  return { env, user, browser, code }
}
/** Makes another application than the one that a question is for. @returns its id */
async function newApplication(
  env: TestEnvironment,
  pages = { appURL: 'https://b.example', loginURL: 'https://b.example' },
) {
  const { status, body } = await env.vendor('POST', applications, { name: 'B', ...pages })
  expect(status, JSON.stringify(body)).toBe(201)
  return body.id as string
}
/** As browsers send it: without a client. */
const exchange = (env: TestEnvironment, fields: object, headers: Record<string, string> = {}) =>
  env.anonymous(
    'POST',
    '/oauth/token',
    { grant_type: 'authorization_code', redirect_uri: CALLBACK, code_verifier: verifier, ...fields },
    { headers },
  )
const refresh = (env: TestEnvironment, refresh_token: string, more: object = {}) =>
  env.anonymous('POST', '/oauth/token', { grant_type: 'refresh_token', refresh_token, ...more })
const basic = (id: string, secret: string) => ({
  authorization: `Basic ${Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`).toString('base64')}`,
})
const livesOn = async (env: TestEnvironment, token: string) =>
  (await env.withToken(token)('GET', '/identity/resources/users/v2/me')).status

describe.concurrent('a code', () => {
  test('is exchanged once, and ends what came of it when it is shown again', async () => {
    const { env, browser, code } = await prepared(),
      shown = await code()
    const { status, body } = await exchange(env, { code: shown })
    expect([status, await livesOn(env, body.access_token)]).toEqual([200, 200])
    const again = await exchange(env, { code: shown })
    expect([again.status, again.body.error]).toEqual([400, 'invalid_grant'])
    expect(await livesOn(env, body.access_token)).toBe(401)
    expect(await refresh(env, body.refresh_token)).toMatchObject({ status: 401, body: { error: 'invalid_grant' } })
    expect((await browser.call('POST', '/oauth/authorize/silent', {})).status).toBe(401)
  })

  test('gives one answer to many at once, and nothing that lasts', async () => {
    const { env, code } = await prepared(),
      shown = await code()
    const answers = await Promise.all(Array.from({ length: 8 }, () => exchange(env, { code: shown })))
    expect(answers.filter(({ status }) => status === 200).length).toBeLessThan(2)
    for (const { body } of answers) if (body.access_token) expect(await livesOn(env, body.access_token)).toBe(401)
  })

  test('that is shown again after its time ends nothing', async () => {
    const { env, code } = await prepared(),
      shown = await code(),
      { body } = await exchange(env, { code: shown })
    await env.clock.advance(91_000)
    expect((await exchange(env, { code: shown })).status).toBe(400)
    expect(await livesOn(env, body.access_token)).toBe(200)
  })

  test('is no good to others: without the verifier, for another address, by another client', async () => {
    const { env, code } = await prepared(),
      shown = await code(),
      other = await newApplication(env)
    for (const fields of [
      { code_verifier: undefined },
      { code_verifier: pkce().verifier },
      { code_verifier: challenge },
      { code_verifier: 'short' },
      { redirect_uri: `${CALLBACK}/` },
      { client_id: other },
      { code: 'x'.repeat(43) },
    ]) {
      const { status, body } = await exchange(env, { code: shown, ...fields })
      expect([status, body.error], JSON.stringify(fields)).toEqual([400, 'invalid_grant'])
    }
    expect((await exchange(env, { code: shown, redirect_uri: undefined })).body.error).toBe('invalid_request')
    const elsewhere = await exchange(await newEnvironment(), { code: shown })
    expect(elsewhere.body.error).toBe('invalid_grant')
    // none of these has used it up
    expect((await exchange(env, { code: shown, client_id: env.id })).status).toBe(200)
  })

  test('takes the short verifiers of the browser client', async () => {
    const { env, code } = await prepared(),
      short = pkce('xo65Av50ihbrZ3bN')
    const shown = await code({ code_challenge: short.challenge })
    expect((await exchange(env, { code: shown, code_verifier: short.verifier })).status).toBe(200)
  })

  test('without a challenge is for a client that shows its secret, and takes no verifier', async () => {
    const { env, code } = await prepared(),
      shown = await code({ code_challenge: undefined, code_challenge_method: undefined }),
      fields = { code: shown, code_verifier: undefined }
    expect((await exchange(env, fields)).body.error).toBe('invalid_client')
    expect((await exchange(env, { code: shown }, basic(env.id, env.apiKey))).body.error).toBe('invalid_grant')
    const wrong = await exchange(env, fields, basic(env.id, 'wrong'))
    expect([wrong.status, wrong.body.error, wrong.headers['www-authenticate']]).toEqual([
      401,
      'invalid_client',
      'Basic realm="oauth"',
    ])
    expect((await exchange(env, { ...fields, client_id: env.id, client_secret: 'wrong' })).status).toBe(401)
    // as the Node client does it, with its environment token beside
    const right = await exchange(env, { ...fields, state: 's' }, basic(env.id, env.apiKey))
    expect(right.status).toBe(200)
  })

  test('is taken from forms and JSON, with the secret of the application in the body or in the header', async () => {
    const { env, user, browser } = await prepared(),
      id = await newApplication(env),
      { clientSecret } = (await env.vendor('GET', `${applications}/credentials/${id}`)).body
    await browser.logIn(user, id)
    const codeFor = async () => queryOf(await browser.ask(question(env, challenge, { client_id: id })))['code']!
    for (const [body, headers] of [
      [{ client_id: id, client_secret: clientSecret }, {}],
      [{}, basic(id, clientSecret)],
    ] as [object, Record<string, string>][]) {
      const fields = { grant_type: 'authorization_code', redirect_uri: CALLBACK, code_verifier: verifier, ...body }
      expect((await exchange(env, { code: await codeFor(), ...body }, headers)).status).toBe(200)
      const form = new URLSearchParams({ ...fields, code: await codeFor() } as Record<string, string>).toString()
      const sent = await env.anonymous('POST', '/oauth/token', form, {
        headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
      })
      expect(sent.status, JSON.stringify(sent.body)).toBe(200)
    }
    const both = await exchange(
      env,
      { code: await codeFor(), client_id: id, client_secret: clientSecret },
      basic(id, clientSecret),
    )
    expect([both.status, both.body.error]).toEqual([400, 'invalid_request'])
  })

  test.for(['locked', 'deleted', 'left without a session', 'given a password', 'removed from the account'])(
    'is dead for a user who was %s meanwhile',
    async (what) => {
      const { env, user, code } = await prepared(),
        shown = await code(),
        { db, clock } = await env.context()
      if (what === 'locked') await env.vendor('POST', `${users}/${user.id}/lock`)
      if (what === 'deleted') await env.vendor('DELETE', `${users}/${user.id}`)
      if (what === 'left without a session')
        await db.session.updateMany({ where: { userId: user.id }, data: { endedAt: clock.now() } })
      if (what === 'removed from the account') await env.as(user.tenantId)('DELETE', `${users}/${user.id}`)
      if (what === 'given a password') {
        const { token } = (await env.vendor('POST', `${users}/${user.id}/links/generate-password-reset-token`)).body
        await env.anonymous('POST', `${users}/passwords/reset/verify`, {
          userId: user.id,
          token,
          password: 'Given-Hen-5!',
        })
      }
      const { status, body } = await exchange(env, { code: shown })
      expect([400, 401]).toContain(status)
      expect(body.error).toBe('invalid_grant')
    },
  )
})

describe.concurrent('a refresh token of a client', () => {
  test('rotates, ends its session when it is shown late, and ends with its session', async () => {
    const { env, browser, code } = await prepared(),
      first = (await exchange(env, { code: await code() })).body,
      second = (await refresh(env, first.refresh_token)).body
    expect(second.id_token).toBe(second.access_token)
    await env.clock.advance(20_000)
    expect((await refresh(env, first.refresh_token)).status).toBe(401)
    expect((await refresh(env, second.refresh_token)).status).toBe(401)
    expect((await browser.call('POST', '/oauth/authorize/silent', {})).status).toBe(401)
  })

  test('ends with a logout of the browser, and the other way round', async () => {
    const { env, user, browser, code } = await prepared(),
      one = (await exchange(env, { code: await code() })).body
    await browser.call('GET', '/oauth/logout')
    expect((await refresh(env, one.refresh_token)).status).toBe(401)
    await browser.logIn(user)
    const two = (await exchange(env, { code: await code() })).body
    expect((await env.anonymous('POST', '/oauth/logout/token', { refreshToken: two.refresh_token })).status).toBe(200)
    expect((await browser.call('POST', '/oauth/authorize/silent', {})).status).toBe(401)
  })

  test('is not for a client of another application', async () => {
    const { env, code } = await prepared(),
      other = await newApplication(env),
      { refresh_token } = (await exchange(env, { code: await code() })).body
    expect((await refresh(env, refresh_token, { client_id: other })).body.error).toBe('invalid_grant')
    expect((await refresh(env, refresh_token, { client_id: env.id })).status).toBe(200)
  })

  test('goes on in another account of its user', async () => {
    const { env, user, code } = await prepared(),
      { refresh_token } = (await exchange(env, { code: await code() })).body
    expect((await refresh(env, refresh_token, { tenantId: await env.newTenant() })).status).toBe(404)
    expect((await refresh(env, refresh_token, { tenantId: user.tenantId })).status).toBe(200)
  })
})

describe.concurrent('a client of an application', () => {
  test('shows its secret, never gets in without a page, and gets an access token only', async () => {
    const { env, user, browser } = await prepared(),
      appId = await newApplication(env),
      agent = (
        await env.vendor(
          'POST',
          clientsUrl,
          { clientName: 'Agent', clientType: 'Agent', redirectURLs: ['https://agent.example/cb'] },
          { headers: { 'frontegg-application-id': appId } },
        )
      ).body,
      wanted = question(env, challenge, { client_id: agent.id, redirect_uri: 'https://agent.example/cb' })
    await browser.logIn(user, appId)
    expect((await browser.ask(question(env, challenge, { client_id: agent.id }))).status).toBe(400)
    expect(queryOf(await browser.ask({ ...wanted, prompt: 'none' }))['error']).toBe('consent_required')
    const asked = await browserOf(env).ask(wanted)
    expect(locationOf(asked)).toContain('/oauth/prelogin')
    const { code } = await agreedTo(browser, await browser.ask(wanted)),
      fields = { code, redirect_uri: 'https://agent.example/cb' }
    expect((await exchange(env, { ...fields, client_id: agent.id })).body.error).toBe('invalid_client')
    expect((await exchange(env, fields)).body.error).toBe('invalid_grant')
    const { status, body } = await exchange(env, { ...fields, client_id: agent.id, client_secret: agent.clientSecret })
    expect([status, Object.keys(body).toSorted()]).toEqual([200, ['access_token', 'expires_in', 'token_type']])
  })
})

describe.concurrent('introspection and revocation', () => {
  test('are for a client that shows its secret, about its own tokens', async () => {
    const { env, user, browser, code } = await prepared(),
      id = await newApplication(env),
      { clientSecret } = (await env.vendor('GET', `${applications}/credentials/${id}`)).body,
      own = (await exchange(env, { code: await code() })).body
    const ask = async (token: string, headers: Record<string, string>) =>
      env.anonymous('POST', '/oauth/introspect', { token }, { headers })
    expect((await ask(own.access_token, {})).body.error).toBe('invalid_client')
    expect(
      (await env.anonymous('POST', '/oauth/introspect', { token: own.access_token, client_id: env.id })).status,
    ).toBe(401)
    expect((await ask(own.access_token, basic(id, clientSecret))).body).toEqual({ active: false })
    expect((await ask(own.refresh_token, basic(id, clientSecret))).body).toEqual({ active: false })
    expect((await ask('nonsense', basic(env.id, env.apiKey))).body).toEqual({ active: false })
    const token = await browser.logIn(user, id)
    for (const who of [basic(id, clientSecret), basic(env.id, env.apiKey)])
      expect((await ask(token, who)).body.client_id).toBe(id)

    const revoke = async (of: string, fields: object, headers: Record<string, string> = {}) =>
      env.anonymous('POST', '/oauth/revoke', { token: of, ...fields }, { headers })
    expect((await revoke(token, {})).body.error).toBe('invalid_client')
    expect((await revoke(own.access_token, { client_id: id })).status).toBe(400)
    expect((await revoke(token, { client_id: env.id })).status).toBe(400)
    expect(await livesOn(env, token)).toBe(200)
    expect((await revoke('nonsense', { client_id: env.id })).status).toBe(200)
    expect((await revoke(token, {}, basic(env.id, env.apiKey))).status).toBe(200)
    expect(await livesOn(env, token)).toBe(401)
    const program = await env.machine({ tenantId: user.tenantId })
    expect((await revoke(program.token, { client_id: env.id })).body.error).toBe('unsupported_token_type')
  })
})

describe.concurrent('a logout', () => {
  test('ends the session, and leads only to addresses that are allowed', async () => {
    const { env, user, browser } = await prepared()
    const at = (query: Record<string, string>) => browser.call('GET', `/oauth/logout?${new URLSearchParams(query)}`)
    const page = 'https://b.example/bye?x=1'
    await newApplication(env, { appURL: page, loginURL: 'https://b.example/login' })
    for (const uri of [CALLBACK, page, 'https://b.example/login'])
      expect(locationOf(await at({ post_logout_redirect_uri: uri }))).toBe(uri)
    for (const uri of ['https://evil.test', `${page}2`, 'https://b.example', 'javascript:alert(1)']) {
      await browser.logIn(user)
      const answer = await at({ post_logout_redirect_uri: uri })
      expect([answer.status, answer.headers['location']]).toEqual([400, undefined])
      expect((await browser.call('POST', '/oauth/authorize/silent', {})).status).toBe(401)
    }
    expect((await at({})).status).toBe(200)
  })

  test('ends the session of the token, too, when no cookie comes along', async () => {
    const { env, browser, code } = await prepared(),
      { id_token } = (await exchange(env, { code: await code() })).body
    await browserOf(env).call('GET', `/oauth/logout?id_token_hint=${id_token}`)
    expect(await livesOn(env, id_token)).toBe(401)
    expect((await browser.call('POST', '/oauth/authorize/silent', {})).status).toBe(401)
  })

  test('of an app is by its cookie, whatever its application, and may come twice', async () => {
    const { env, user, browser } = await prepared(),
      id = await newApplication(env),
      token = await browser.logIn(user, id)
    for (const _ of [1, 2]) expect((await browser.call('POST', '/oauth/logout/token')).status).toBe(200)
    expect(await livesOn(env, token)).toBe(401)
    expect(browser.cookies).not.toHaveProperty(`fe_refresh_${id.replace('-', '')}`)
  })
})

test('user info is for the token of a user, and says so to those who have none', async () => {
  const { env, user, code } = await prepared(),
    { access_token } = (await exchange(env, { code: await code() })).body
  for (const method of ['GET', 'POST'] as const)
    expect((await env.withToken(access_token)(method, '/oauth/userinfo')).body).toMatchObject({
      sub: user.id,
      tenantId: user.tenantId,
    })
  const refused = await env.withToken('x.y.z')('GET', '/oauth/userinfo')
  expect([refused.status, refused.body.error, refused.headers['www-authenticate']]).toEqual([
    401,
    'invalid_token',
    'Bearer error="invalid_token"',
  ])
})
