import { createPublicKey, createVerify } from 'node:crypto'
import { keyId } from '@henhouse/jwt'
import { describe, expect, test } from 'vitest'
import { deps, newEnvironment, UNKNOWN_ID, type TestEnvironment } from '../../../test/environment.ts'
import { baseUrl } from '../../kernel/environments.ts'

const url = '/auth/vendor',
  jwks = '/.well-known/jwks.json',
  roles = '/identity/resources/roles/v1'

const decoded = (token: string) =>
  token
    .split('.')
    .slice(0, 2)
    .map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()))
function isSignedBy(token: string, jwk: { n: string; e: string; kty: string }) {
  const [head, body, signature] = token.split('.')
  return createVerify('RSA-SHA256')
    .update(`${head}.${body}`)
    .verify(createPublicKey({ key: jwk, format: 'jwk' }), signature!, 'base64url')
}

/** Puts a new signing key in front of the others. */
async function rotate(env: TestEnvironment) {
  const pair = await deps.newKeyPair(),
    createdAt = new Date((await env.clock.now()).getTime() + 1000)
  const id = keyId(`${env.id} again`, pair.publicKey)
  await deps.database.prisma.signingKey.create({
    data: {
      vendorId: env.id,
      id,
      publicKey: pair.publicKey,
      privateKey: deps.secrets.seal(pair.privateKey),
      secret: deps.secrets.seal('another shared secret'),
      createdAt,
    },
  })
  return id
}

describe.concurrent('environment tokens', () => {
  test('a client id and its API key give a token for a day, signed with the current key', async () => {
    const env = await newEnvironment()
    const { status, body } = await env.bare('POST', url, { clientId: env.id, secret: env.apiKey })
    expect(status).toBe(200)
    expect(body).toEqual({ token: expect.any(String), expiresIn: 86_400 })
    const [head, claims] = decoded(body.token)
    const { keys } = (await env.anonymous('GET', jwks)).body
    expect(head).toEqual({ alg: 'RS256', typ: 'JWT', kid: keys[0].kid })
    expect(claims).toEqual({
      type: 'vendor',
      vendorId: env.id,
      scopes: [],
      iat: expect.any(Number),
      exp: claims.iat + 86_400,
    })
    expect(isSignedBy(body.token, keys[0])).toBe(true)
  })

  test("the token manages the environment, and no other, until it expires on the environment's clock", async () => {
    const env = await newEnvironment()
    const { token } = (await env.bare('POST', url, { clientId: env.id, secret: env.apiKey })).body
    const call = env.withToken(token)
    expect((await call('GET', roles)).body[0].vendorId).toBe(env.id)
    await env.clock.advance(86_390_000)
    expect((await call('GET', roles)).status).toBe(200)
    await env.clock.advance(11_000)
    expect((await call('GET', roles)).status).toBe(401)
    const later = (await env.bare('POST', url, { clientId: env.id, secret: env.apiKey })).body.token
    expect((await env.withToken(later)('GET', roles)).status).toBe(200)
  })

  test('the client id alone says which environment it is: not the host, not a header, not a token', async () => {
    const env = await newEnvironment(),
      other = await newEnvironment()
    const credentials = { clientId: env.id, secret: env.apiKey }
    for (const headers of [
      { host: `${other.name}.localhost:3100` },
      { 'frontegg-vendor-id': other.id },
      { 'frontegg-vendor-id': UNKNOWN_ID },
      { 'frontegg-vendor-host': `${other.name}.localhost` },
      { authorization: `Bearer ${await other.token({ type: 'vendor', vendorId: other.id })}` },
      { authorization: 'Bearer rubbish' },
    ] as Record<string, string>[]) {
      const { status, body } = await env.bare('POST', url, credentials, { headers })
      expect(status, JSON.stringify(headers)).toBe(200)
      expect(decoded(body.token)[1].vendorId).toBe(env.id)
      expect((await env.withToken(body.token)('GET', roles)).body[0].vendorId).toBe(env.id)
    }
  })

  test('it is found with a slash too many, below /frontegg, and by a client id in capitals', async () => {
    const env = await newEnvironment()
    const credentials = { clientId: env.id.toUpperCase(), secret: env.apiKey }
    for (const path of ['/auth/vendor/', '/frontegg/auth/vendor', '//auth//vendor/']) {
      const { status, body } = await env.bare('POST', path, credentials)
      expect(status, path).toBe(200)
      expect(decoded(body.token)[1].vendorId).toBe(env.id)
    }
  })

  test("a wrong key, another environment's key, an unknown id and a malformed one are refused alike", async () => {
    const env = await newEnvironment(),
      other = await newEnvironment()
    for (const credentials of [
      { clientId: env.id, secret: UNKNOWN_ID },
      { clientId: env.id, secret: other.apiKey },
      { clientId: env.id, secret: `${env.apiKey} ` },
      { clientId: UNKNOWN_ID, secret: env.apiKey },
      { clientId: 'no id', secret: env.apiKey },
      { clientId: '00000000-0000-0000-0000-000000000000', secret: 'x' },
      { clientId: env.name, secret: env.apiKey },
    ]) {
      const answer = await env.anonymous('POST', url, credentials)
      expect(answer, JSON.stringify(credentials)).toMatchObject({ status: 401 })
      expect(answer.body).toEqual({ errors: ['Invalid authentication'] })
    }
  })

  test('what is missing is named, and is no failure to authenticate', async () => {
    const env = await newEnvironment()
    expect(await env.bare('POST', url, {})).toMatchObject({
      status: 400,
      body: {
        errors: [
          'clientId should not be empty',
          'clientId must be a string',
          'secret should not be empty',
          'secret must be a string',
        ],
      },
    })
    expect((await env.bare('POST', url, { clientId: env.id })).status).toBe(400)
    expect((await env.bare('POST', url, { clientId: env.id, secret: '' })).status).toBe(400)
    expect((await env.bare('POST', url, { clientId: env.id, secret: { not: 'text' } })).status).toBe(400)
    expect((await env.bare('POST', url)).status).toBe(400)
  })

  test("it is RS256 also where users' tokens are HS256", async () => {
    const env = await newEnvironment()
    await env.vendor('POST', '/identity/resources/configurations/v1', { jwtAlgorithm: 'HS256' })
    const { token } = (await env.bare('POST', url, { clientId: env.id, secret: env.apiKey })).body
    expect(decoded(token)[0].alg).toBe('RS256')
    expect((await env.withToken(token)('GET', roles)).status).toBe(200)
  })

  test('a new key signs at once, and what the old one signed is good until that is retired', async () => {
    const env = await newEnvironment()
    const authenticate = async () => (await env.bare('POST', url, { clientId: env.id, secret: env.apiKey })).body.token
    const old = await authenticate(),
      oldKid = decoded(old)[0].kid
    const kid = await rotate(env)
    const fresh = await authenticate()
    expect(decoded(fresh)[0].kid).toBe(kid)
    expect((await env.anonymous('GET', jwks)).body.keys.map((key: { kid: string }) => key.kid)).toEqual([kid, oldKid])
    expect((await env.withToken(old)('GET', roles)).status).toBe(200)
    await deps.database.prisma.signingKey.update({ where: { id: oldKid }, data: { retiredAt: new Date() } })
    expect((await env.withToken(old)('GET', roles)).status).toBe(401)
    expect((await env.withToken(fresh)('GET', roles)).status).toBe(200)
    expect((await env.anonymous('GET', jwks)).body.keys.map((key: { kid: string }) => key.kid)).toEqual([kid])
  })
})

describe.concurrent('the key set', () => {
  test('is open to everybody and says what a verifier needs to know, of public parts only', async () => {
    const env = await newEnvironment()
    const { status, body } = await env.anonymous('GET', jwks)
    expect(status).toBe(200)
    expect(body).toEqual({
      keys: [
        {
          kty: 'RSA',
          use: 'sig',
          alg: 'RS256',
          kid: expect.stringMatching(/^[0-9a-f]{16}$/),
          n: expect.any(String),
          e: 'AQAB',
        },
      ],
    })
    expect((await env.anonymous('GET', `/frontegg${jwks}`)).body).toEqual(body)
  })

  test('has the very key that the configuration has as PEM', async () => {
    const env = await newEnvironment()
    const { publicKey } = (await env.vendor('GET', '/identity/resources/configurations/v1/')).body
    expect(publicKey).toMatch(/^-----BEGIN PUBLIC KEY-----\n/)
    expect(publicKey).not.toContain('\r')
    const [key] = (await env.anonymous('GET', jwks)).body.keys
    expect(createPublicKey(publicKey).export({ format: 'jwk' })).toEqual({ kty: 'RSA', n: key.n, e: key.e })
  })
})

describe.concurrent('what a login page asks first', () => {
  test('it gets the environment it came to', async () => {
    const env = await newEnvironment()
    expect(await env.anonymous('GET', '/frontegg/vendors/public')).toMatchObject({
      status: 200,
      body: { name: env.name, logo: '', icon: '', whiteLabelMode: true },
    })
    expect(
      (await env.bare('GET', '/vendors/public', undefined, { headers: { host: `${env.name}.localhost:3100` } })).body
        .name,
    ).toBe(env.name)
    expect((await env.client({ 'frontegg-vendor-id': UNKNOWN_ID })('GET', '/vendors/public')).status).toBe(404)
  })

  test('flags are an empty object, and metadata has to be named', async () => {
    const env = await newEnvironment()
    expect(await env.anonymous('GET', '/frontegg/flags')).toMatchObject({ status: 200, body: {} })
    expect((await env.anonymous('GET', '/flags')).body).toEqual({})
    // as Android apps ask when they start
    expect((await env.anonymous('GET', '/identity/resources/auth/v1/feature-flags')).body).toEqual({})
    const social = { clientId: 'id', secret: 'a secret', active: true }
    await env.vendor('POST', '/identity/resources/sso/v2/google', social)
    expect((await env.anonymous('GET', '/identity/resources/auth/v1/sso/config')).body).toEqual({
      google: {
        ...{ active: true, clientId: null, additionalScopes: [] },
        authorizationUrl: expect.stringContaining('/google/prelogin'),
      },
    })
    expect(await env.anonymous('GET', '/metadata')).toMatchObject({
      status: 400,
      body: { errors: ['entityName must be a string'] },
    })
  })

  test("a server's SDK gets the base URL, which is the one in links", async () => {
    const env = await newEnvironment()
    const { environment } = await env.context()
    const answer = await env.vendor('GET', '/vendors/base-url')
    expect(answer).toMatchObject({ status: 200, body: { baseURL: `http://${env.name}.localhost:3100` } })
    expect(answer.body.baseURL).toBe(baseUrl(deps.publicUrl, environment))
    expect((await env.anonymous('GET', '/vendors/base-url')).status).toBe(401)
  })
})
