import { generateKeyPair } from '@henhouse/jwt'
import { describe, expect, test } from 'vitest'
import { newEnvironment, unique, UNKNOWN_ID, type TestEnvironment } from '../../../../test/environment.ts'
import {
  cookiesIn,
  custom,
  goesTo,
  grantedBy,
  openIdProvider,
  paths,
  verified,
  type Changes,
  type Making,
  type Person,
  type Told,
} from '../../../../test/login-providers.ts'
import { addSource } from '../../../../test/pools.ts'
import { hooked } from '../../../../test/prehooks.ts'

/* User sources that are federated servers: users log in at their pages, and never show a password here. */

const told = new Map<string, Told>()
const server = await openIdProvider((clientId) => told.get(clientId) ?? { person: {} }),
  another = await generateKeyPair()
const wellknownUrl = `${server.url}/.well-known/openid-configuration`
const wrong = { status: 401, body: { errorCode: 'ER-01049' } }

async function house(configuration: object = {}, more: object = {}) {
  const env = await newEnvironment(),
    clientId = unique('client'),
    id = await addSource(env, 'federation', { wellknownUrl, clientId, ...configuration }, more)
  return { env, clientId, id }
}
type House = Awaited<ReturnType<typeof house>>
const ada = (more: Person = {}) => verified(`${unique('ada')}@example.com`, more)

/** Goes to the page of the server and back. */
async function comeBack({ env, id }: Pick<House, 'env' | 'id'>, grant = server.grant) {
  const started = await env.anonymous('GET', paths.start(id))
  expect(started.status, JSON.stringify(started.body)).toBe(302)
  const cookies = cookiesIn(started),
    query = new URLSearchParams(grant(goesTo(started)))
  const passed = await env.anonymous('GET', `${paths.callback(id)}?${query}`, undefined, { cookies })
  return { cookies, asked: goesTo(started), code: goesTo(passed).searchParams.get('code') ?? '' }
}
async function logIn(at: House, person: Person, changes: Changes = {}, given: object = {}) {
  told.set(at.clientId, { person, ...changes })
  const { cookies, code } = await comeBack(at)
  return at.env.anonymous('POST', `${paths.end(at.id)}?code=${code}`, given, { cookies })
}
async function made(env: TestEnvironment) {
  const { db } = await env.context()
  return [await db.user.count(), await db.userSourceUser.count(), await db.session.count(), await db.tenant.count()]
}

describe('a federated server', () => {
  test('brings its users in, and is believed about who they are, whatever their address', async () => {
    const at = await house(),
      person = ada({ picture: 'https://acme.example/ada.png' }),
      first = await logIn(at, person)
    expect(first).toMatchObject({
      status: 200,
      body: { isNewUser: true, email: person['email'], name: 'Ada Lovelace', mfaRequired: false },
    })
    const again = await logIn(at, { ...person, email: 'other@example.com', name: 'Countess' })
    expect(again).toMatchObject({ status: 200, body: { isNewUser: false, userId: first.body.userId } })
    const { db } = await at.env.context()
    expect(await db.user.findMany({ include: { source: true } })).toMatchObject([
      {
        ...{ email: person['email'], name: 'Countess', verified: true, passwordHash: null, managedBy: 'external' },
        source: { userSourceId: at.id, subject: person['sub'] },
      },
    ])
    expect(await db.socialIdentity.count()).toBe(0)
  })

  test('is asked with state, nonce and challenge, at the address that it knows', async () => {
    const at = await house(),
      { asked } = await comeBack(at)
    expect(`${asked.origin}${asked.pathname}`).toBe(`${server.url}/authorize`)
    expect(Object.fromEntries(asked.searchParams)).toEqual({
      client_id: at.clientId,
      response_type: 'code',
      redirect_uri: `http://${at.env.name}.localhost:3100${paths.callback(at.id)}`,
      scope: 'openid profile email',
      state: expect.stringMatching(/^[\w-]{43}$/),
      nonce: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge_method: 'S256',
    })
  })

  test('says which account its users belong to, also on another call', async () => {
    const at = await house({ tenantConfig: { tenantResolverType: 'dynamic', tenantIdFieldName: 'org' } })
    await at.env.vendor('POST', '/tenants/resources/tenants/v1', { tenantId: 'coop', name: 'Coop' })
    expect(await logIn(at, ada(), { userInfo: (claims) => ({ ...claims, org: ['coop'] }) })).toMatchObject({
      status: 200,
      body: { tenantId: 'coop' },
    })
    expect(
      await logIn(at, ada(), { userInfo: (claims) => ({ ...claims, sub: 'other', org: ['coop'] }) }),
    ).toMatchObject(wrong)
    expect(await logIn(at, ada({ org: ['nowhere'] }))).toMatchObject(wrong)
    expect((await made(at.env))[0]).toBe(1)
  })

  test('is asked where it is configured to be, too', async () => {
    const { authorizationUrl, tokenUrl, userInfoUrl, secret } = custom('any'),
      env = await newEnvironment(),
      oauth2Config = { authorizationUrl, tokenUrl, userInfoUrl, scopes: ['all'] },
      id = await addSource(env, 'federation', { wellknownUrl: undefined, oauth2Config, secret }),
      person = ada()
    const { asked, code, cookies } = await comeBack({ env, id }, (address) => grantedBy(address, person))
    expect(asked.searchParams.get('scope')).toBe('all')
    expect(await env.anonymous('POST', `${paths.end(id)}?code=${code}`, {}, { cookies })).toMatchObject({
      status: 200,
      body: { email: person['email'], isNewUser: true },
    })
  })

  test.for<[string, (making: Making) => string | undefined]>([
    ['no id token', () => undefined],
    ['another nonce', ({ claims, sign }) => sign({ ...claims, nonce: 'another' })],
    ['no nonce', ({ claims: { nonce: _, ...claims }, sign }) => sign(claims)],
    ['another issuer', ({ claims, sign }) => sign({ ...claims, iss: 'https://evil.example' })],
    ['another audience', ({ claims, sign }) => sign({ ...claims, aud: 'another' })],
    ['an end in the past', ({ claims, sign }) => sign({ ...claims, iat: 1, exp: 2 })],
    ['no subject', ({ claims: { sub: _, ...claims }, sign }) => sign(claims)],
    ['a key of somebody else', ({ claims, sign }) => sign(claims, 'RS256', another.privateKey)],
    ["the client's secret as key", ({ claims, sign }) => sign(claims, 'HS256', 'the-secret-of-the-federation')],
  ])('is not believed with %s', async ([, idToken]) => {
    const at = await house()
    expect(await logIn(at, ada(), { idToken })).toMatchObject(wrong)
    expect(await made(at.env)).toEqual([0, 0, 0, 0])
  })

  test('gives a code that works once, in the browser that began, and at no other source', async () => {
    const at = await house(),
      twin = await addSource(at.env, 'federation', { wellknownUrl, clientId: at.clientId }),
      end = (id: string, code: string, cookies: Record<string, string>) =>
        at.env.anonymous('POST', `${paths.end(id)}?code=${code}`, {}, { cookies })
    told.set(at.clientId, { person: ada() })
    const { code, cookies } = await comeBack(at)
    expect(await end(twin, code, cookies)).toMatchObject(wrong)
    expect(await end(at.id, code, {})).toMatchObject(wrong)
    const answers = await Promise.all(Array.from({ length: 4 }, () => end(at.id, code, cookies)))
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 401, 401, 401])
  })

  test('makes nobody a user who is here already, by their address', async () => {
    const at = await house(),
      user = await at.env.newUser({ password: 'Correct-horse-7!' })
    expect(await logIn(at, verified(user.email))).toMatchObject(wrong)
    expect((await made(at.env)).slice(0, 3)).toEqual([1, 0, 0])
  })

  test('does not let an address that it does not vouch for into an account that is there', async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant(),
      clientId = unique('client'),
      tenantConfig = { tenantResolverType: 'static', tenantId },
      id = await addSource(env, 'federation', { wellknownUrl, clientId, tenantConfig })
    expect((await logIn({ env, id, clientId }, ada({ email_verified: false }))).status).toBe(401)
    expect((await made(env))[2]).toBe(0)
    expect((await logIn({ env, id, clientId }, ada())).body).toMatchObject({ tenantId })
  })

  test('is not asked by applications that it is not assigned to, nor by its id token, nor once it is gone', async () => {
    const at = await house({}, { appIds: [] })
    expect(await logIn(at, ada())).toMatchObject(wrong)
    expect(await made(at.env)).toEqual([0, 0, 0, 0])
    const token = server.making({ aud: at.clientId, ...ada() })
    const shown = await at.env.anonymous('POST', `${paths.end(at.id)}?id_token=${token.sign(token.claims)}`, {})
    expect(shown.status).toBe(404)
    await at.env.vendor('DELETE', `/identity/resources/user-sources/v1/${at.id}`)
    for (const id of [at.id, UNKNOWN_ID]) expect((await at.env.anonymous('GET', paths.start(id))).status).toBe(404)
    const { id: elsewhere } = await house()
    expect((await at.env.anonymous('GET', paths.start(elsewhere))).status).toBe(404)
    const script = await addSource(at.env, 'custom-code')
    expect((await at.env.anonymous('GET', paths.start(script))).status).toBe(404)
  })

  test('brings in nobody whom a prehook refuses, and asks for a second factor', async () => {
    const at = await house()
    const hook = await hooked(at.env, ['SIGN_UP_USER_POOL'], {
      verdict: 'block',
      error: { status: 403, message: ['Not you'] },
    })
    expect(await logIn(at, ada())).toMatchObject({ status: 403, body: { errors: ['Not you'] } })
    expect(await made(at.env)).toEqual([0, 0, 0, 0])
    await at.env.vendor('DELETE', `/prehooks/resources/configurations/v1/${hook.id}`)
    await at.env.vendor('POST', '/identity/resources/configurations/v1/mfa-policy', { enforceMFAType: 'Force' })
    const { body } = await logIn(at, ada())
    expect([body.mfaRequired, body.accessToken]).toEqual([true, undefined])
  })

  test('gets its secret in the way that it says it takes', async () => {
    for (const [methods, inBody] of [
      [undefined, false],
      [['client_secret_post'], true],
      [['client_secret_basic', 'client_secret_post'], false],
    ] as const) {
      const one = await openIdProvider(
        (clientId) => told.get(clientId)!,
        (document) => ({ ...document, ...(methods && { token_endpoint_auth_methods_supported: methods }) }),
      )
      const env = await newEnvironment(),
        clientId = unique('client'),
        id = await addSource(env, 'federation', {
          wellknownUrl: `${one.url}/.well-known/openid-configuration`,
          clientId,
        })
      told.set(clientId, { person: ada() })
      const { cookies, code } = await comeBack({ env, id }, one.grant)
      expect((await env.anonymous('POST', `${paths.end(id)}?code=${code}`, {}, { cookies })).status).toBe(200)
      expect(one.forms.map((form) => form.has('client_secret'))).toEqual([inBody])
    }
  })
})
