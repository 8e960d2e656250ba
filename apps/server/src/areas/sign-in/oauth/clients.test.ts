import * as oauth from 'oauth4webapi'
import * as openid from 'openid-client'
import { describe, expect, test } from 'vitest'
import { newEnvironment, type TestEnvironment } from '../../../../test/environment.ts'
import { allow, browserOf, CALLBACK, fetchAt, locationOf, pathOf } from '../../../../test/oauth-browser.ts'
import { claimsOf, PASSWORD } from '../../../../test/second-factors.ts'

const issuerOf = (env: TestEnvironment) => `http://${env.name}.localhost:3100`

async function prepared() {
  const env = await newEnvironment(),
    user = await env.newUser({ password: PASSWORD })
  await allow(env)
  return { env, user }
}
/** @param authentication none for a client that cannot keep a secret */
async function configured(env: TestEnvironment, authentication: openid.ClientAuth) {
  const options = { execute: [openid.allowInsecureRequests], [openid.customFetch]: fetchAt(env) }
  return openid.discovery(new URL(issuerOf(env)), env.id, undefined, authentication, options)
}

/** The user logs in on the page, to which the client's address has led. @returns where the browser ends */
async function logInAt(env: TestEnvironment, url: URL, user: { email: string; password?: string }) {
  const browser = browserOf(env),
    asked = await browser.call('GET', pathOf(url.href)),
    page = await browser.call('GET', pathOf(locationOf(asked)))
  expect([asked.status, page.status]).toEqual([302, 302])
  return new URL(locationOf(await browser.comeBack(asked, await browser.logIn(user))))
}

describe.concurrent('openid-client', () => {
  test('logs a user in through discovery, refreshes, reads who they are, and revokes', async () => {
    const { env, user } = await prepared(),
      config = await configured(env, openid.None())
    openid.enableNonRepudiationChecks(config)
    expect(config.serverMetadata().supportsPKCE()).toBe(true)
    const pkceCodeVerifier = openid.randomPKCECodeVerifier(),
      expectedState = openid.randomState(),
      expectedNonce = openid.randomNonce()
    const url = openid.buildAuthorizationUrl(config, {
      redirect_uri: CALLBACK,
      scope: 'openid email profile',
      code_challenge: await openid.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: 'S256',
      state: expectedState,
      nonce: expectedNonce,
      max_age: '600',
    })
    const back = await logInAt(env, url, user)
    expect(`${back.origin}${back.pathname}`).toBe(CALLBACK)
    const tokens = await openid.authorizationCodeGrant(config, back, {
      pkceCodeVerifier,
      expectedState,
      expectedNonce,
      maxAge: 600,
    })
    expect(tokens.claims()).toMatchObject({ sub: user.id, email: user.email, tenantId: user.tenantId, aud: env.id })
    expect(tokens.id_token).toBe(tokens.access_token)
    expect((await env.withToken(tokens.access_token)('GET', '/identity/resources/users/v2/me')).status).toBe(200)

    const refreshed = await openid.refreshTokenGrant(config, tokens.refresh_token!)
    expect(refreshed.refresh_token).not.toBe(tokens.refresh_token)
    expect(claimsOf(refreshed.access_token)['nonce']).toBeUndefined()
    const info = await openid.fetchUserInfo(config, refreshed.access_token, user.id)
    expect(info).toMatchObject({ sub: user.id, email: user.email, email_verified: true })

    await openid.tokenRevocation(config, refreshed.refresh_token!)
    await expect(openid.refreshTokenGrant(config, refreshed.refresh_token!)).rejects.toMatchObject({
      error: 'invalid_grant',
    })
    await expect(openid.fetchUserInfo(config, refreshed.access_token, user.id)).rejects.toThrow()
  })

  test.for(['Basic', 'Post'] as const)('keeps a secret (%s), introspects, and logs out', async (way) => {
    const { env, user } = await prepared(),
      config = await configured(
        env,
        way === 'Basic' ? openid.ClientSecretBasic(env.apiKey) : openid.ClientSecretPost(env.apiKey),
      )
    const url = openid.buildAuthorizationUrl(config, { redirect_uri: CALLBACK, scope: 'openid' }),
      tokens = await openid.authorizationCodeGrant(config, await logInAt(env, url, user), { idTokenExpected: true })
    expect(await openid.tokenIntrospection(config, tokens.access_token)).toMatchObject({
      active: true,
      sub: user.id,
      client_id: env.id,
      tenantId: user.tenantId,
    })
    expect(await openid.tokenIntrospection(config, tokens.refresh_token!)).toMatchObject({ active: true, sub: user.id })
    const out = openid.buildEndSessionUrl(config, {
      id_token_hint: tokens.id_token!,
      post_logout_redirect_uri: CALLBACK,
      state: 'out',
    })
    const answer = await browserOf(env).call('GET', pathOf(out.href))
    expect(locationOf(answer)).toBe(`${CALLBACK}?state=out`)
    for (const token of [tokens.access_token, tokens.refresh_token!])
      expect(await openid.tokenIntrospection(config, token)).toEqual({ active: false })
  })
})

test('oauth4webapi validates every answer of a code with PKCE', async () => {
  const { env, user } = await prepared(),
    issuer = new URL(issuerOf(env)),
    http = { [oauth.allowInsecureRequests]: true, [oauth.customFetch]: fetchAt(env) } as const
  for (const algorithm of ['oidc', 'oauth2'] as const)
    await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { algorithm, ...http }))
  const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, http)),
    client: oauth.Client = { client_id: env.id },
    verifier = oauth.generateRandomCodeVerifier(),
    nonce = oauth.generateRandomNonce(),
    state = oauth.generateRandomState(),
    url = new URL(as.authorization_endpoint!)
  url.search = new URLSearchParams({
    client_id: env.id,
    redirect_uri: CALLBACK,
    response_type: 'code',
    scope: 'openid',
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    nonce,
    state,
  }).toString()
  const parameters = oauth.validateAuthResponse(as, client, await logInAt(env, url, user), state),
    response = await oauth.authorizationCodeGrantRequest(
      as,
      client,
      oauth.None(),
      parameters,
      CALLBACK,
      verifier,
      http,
    ),
    tokens = await oauth.processAuthorizationCodeResponse(as, client, response, {
      expectedNonce: nonce,
      requireIdToken: true,
    })
  await oauth.validateApplicationLevelSignature(as, response, http)
  const info = await oauth.userInfoRequest(as, client, tokens.access_token, http)
  expect((await oauth.processUserInfoResponse(as, client, user.id, info)).email).toBe(user.email)
})
