import * as openid from 'openid-client'
import { describe, expect, test } from 'vitest'
import { newEnvironment, type TestEnvironment } from '../../../../test/environment.ts'
import { allow, browserOf, fetchAt, locationOf, pkce, question } from '../../../../test/oauth-browser.ts'
import { claimsOf, PASSWORD } from '../../../../test/second-factors.ts'

const settings = '/identity/resources/configurations/v1'

/** The credentials of an account's API token. */
async function credentialsIn(env: TestEnvironment, tenantId: string) {
  const { body } = await env.as(tenantId)('POST', '/identity/resources/tenants/api-tokens/v1', {})
  return { client_id: body.clientId as string, client_secret: body.secret as string }
}
const grant = (env: TestEnvironment, fields: object, headers: Record<string, string> = {}) =>
  env.anonymous('POST', '/oauth/token', { grant_type: 'client_credentials', ...fields }, { headers })

describe.concurrent('a program without a user', () => {
  test('gets the token of its API token, by Basic or in the body, and no refresh token', async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant(),
      shown = await credentialsIn(env, tenantId)
    const basic = { authorization: `Basic ${btoa(`${shown.client_id}:${shown.client_secret}`)}` }
    for (const answer of [await grant(env, shown), await grant(env, {}, basic)]) {
      expect(answer.status).toBe(200)
      expect(answer.body).toEqual({ access_token: expect.any(String), token_type: 'Bearer', expires_in: 86_400 })
      expect(claimsOf(answer.body.access_token)).toMatchObject({
        type: 'tenantApiToken',
        sub: shown.client_id,
        tenantId,
      })
    }
    const { db } = await env.context()
    expect(await db.apiRefreshToken.count()).toBe(0)
  })

  test('gets one through openid-client and discovery', async () => {
    const env = await newEnvironment(),
      { client_id, client_secret } = await credentialsIn(env, await env.newTenant())
    const config = await openid.discovery(
      new URL(`http://${env.name}.localhost:3100`),
      client_id,
      client_secret,
      openid.ClientSecretBasic(client_secret),
      { execute: [openid.allowInsecureRequests], [openid.customFetch]: fetchAt(env) },
    )
    const { access_token } = await openid.clientCredentialsGrant(config)
    expect(claimsOf(access_token)).toMatchObject({ type: 'tenantApiToken', sub: client_id })
  })

  test('manages the environment with the credentials of the environment, and only that one', async () => {
    const [env, other] = [await newEnvironment(), await newEnvironment()],
      answer = await grant(env, { client_id: env.id.toUpperCase(), client_secret: env.apiKey })
    expect(answer.body).toMatchObject({ token_type: 'Bearer', expires_in: 86_400 })
    const { access_token } = answer.body
    expect((await env.withToken(access_token)('GET', '/identity/resources/roles/v1')).body[0].vendorId).toBe(env.id)
    expect((await grant(other, { client_id: env.id, client_secret: env.apiKey })).body.error).toBe('invalid_client')
  })

  test('is refused with a wrong secret, without one, as an application, and where there are no API tokens', async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant(),
      { client_id, client_secret } = await credentialsIn(env, tenantId),
      other = await newEnvironment(),
      foreign = await credentialsIn(other, await other.newTenant())
    for (const fields of [
      { client_id, client_secret: 'wrong' },
      { client_id },
      {},
      { client_id: 'nobody', client_secret },
      { client_id: env.id },
      { client_id: env.id, client_secret },
      { client_id: env.id, client_secret: 'wrong' },
      foreign,
    ]) {
      const { status, body } = await grant(env, fields)
      expect([status, body.error], JSON.stringify(fields)).toEqual([401, 'invalid_client'])
    }
    const wrong = { authorization: `Basic ${btoa(`${client_id}:wrong`)}` }
    expect((await grant(env, {}, wrong)).headers['www-authenticate']).toBe('Basic realm="oauth"')
    const application = await env.vendor('POST', '/applications/resources/applications/v1', {
      ...{ name: 'B', appURL: 'https://b.example', loginURL: 'https://b.example' },
    })
    const { id } = application.body,
      { clientSecret } = (await env.vendor('GET', `/applications/resources/applications/v1/credentials/${id}`)).body
    expect(await grant(env, { client_id: id, client_secret: clientSecret })).toMatchObject({
      status: 400,
      body: { error: 'unauthorized_client' },
    })
    await env.vendor('POST', settings, { apiTokensEnabled: false })
    expect(await grant(env, { client_id, client_secret })).toMatchObject({
      status: 403,
      body: { error: 'unauthorized_client', errors: ['Api tokens are disabled'] },
    })
    await env.vendor('POST', '/oauth/resources/configurations/v1/deactivate')
    expect((await grant(env, { client_id: env.id, client_secret: env.apiKey })).status).toBe(403)
  })
})

describe.concurrent('a browser', () => {
  test('that sends a form goes on to the same as a query, with its session, also from another site', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD }),
      browser = browserOf(env)
    await allow(env)
    await browser.logIn(user)
    const fields = { ...question(env, pkce().challenge), prompt: 'none' }
    const posted = await env.anonymous('POST', '/oauth/authorize', new URLSearchParams(fields).toString(), {
      headers: {
        ...{ 'content-type': 'application/x-www-form-urlencoded', origin: 'https://app.example.com' },
        ...{ 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' },
      },
    })
    expect(posted.status).toBe(303)
    const { origin, pathname, searchParams } = new URL(locationOf(posted))
    expect([origin, pathname]).toEqual([`http://${env.name}.localhost:3100`, '/oauth/authorize'])
    expect(Object.fromEntries(searchParams)).toEqual(fields)
    expect(
      new URL(locationOf(await browser.ask(Object.fromEntries(searchParams)))).searchParams.get('code'),
    ).toBeTruthy()
  })

  test('that logs out and goes nowhere sees the page that says so; a script gets no page', async () => {
    const env = await newEnvironment(),
      at = (headers: Record<string, string>) => env.anonymous('GET', '/oauth/logout', undefined, { headers }),
      page = `http://${env.name}.localhost:3100/oauth/account/logged-out`
    for (const headers of [
      { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' },
      { accept: 'text/html,application/xhtml+xml' },
    ] as Record<string, string>[]) {
      const answer = await at(headers)
      expect([answer.status, locationOf(answer)]).toEqual([302, page])
    }
    expect((await env.anonymous('GET', '/oauth/account/logged-out')).status).toBe(200)
    for (const headers of [{ 'sec-fetch-mode': 'cors', accept: '*/*' }, { accept: 'application/json' }, {}])
      expect((await at(headers as Record<string, string>)).status).toBe(200)
  })
})
