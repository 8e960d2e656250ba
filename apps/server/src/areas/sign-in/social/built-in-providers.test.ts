import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto'
import { text } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { newEnvironment, newServer, unique } from '../../../../test/environment.ts'
import {
  cookiesIn,
  goesTo,
  json,
  listening,
  openIdProvider,
  paths,
  type Person,
} from '../../../../test/login-providers.ts'

/* What is peculiar to each of the built-in providers. Their doubles say what the documents of the real ones do. */

/** As RFC 6749 §2.3.1 writes them. */
const basicOf = (authorization: string) =>
  Buffer.from(authorization.slice('Basic '.length), 'base64').toString().split(':').map(decodeURIComponent)

/** One double for all of plain OAuth: what it tells of a user, by client id. */
const told = new Map<string, Person>(),
  asked = new Map<string, { authorization: string | undefined; form: URLSearchParams; userInfo?: string }>()
const plain = await listening(async (request, response) => {
  const { pathname } = new URL(request.url!, 'http://x'),
    { authorization } = request.headers
  if (request.method === 'POST') {
    const form = new URLSearchParams(await text(request)),
      basic = authorization && basicOf(authorization)[0]
    const clientId = form.get('client_id') ?? basic!
    asked.set(clientId, { authorization, form })
    // LinkedIn does not say of what type it is
    return json(response, 200, {
      access_token: clientId,
      ...(!pathname.includes('accessToken') && { token_type: 'bearer' }),
    })
  }
  const clientId = authorization!.split(' ')[1]!
  asked.get(clientId)!.userInfo = request.url!
  return json(response, 200, told.get(clientId))
})
const openId = await openIdProvider((clientId) => ({ person: told.get(clientId)! }))
const server = await newServer({
  socialUrls: { facebook: plain, linkedin: plain, twitter: plain, microsoft: openId.url, apple: openId.url },
})

async function logIn(type: string, person: Person, more: object = {}) {
  const env = await newEnvironment(server),
    clientId = unique('client')
  told.set(clientId, person)
  const set = { clientId, secret: 'hush', active: true, ...more }
  expect((await env.vendor('POST', `/identity/resources/sso/v2/${type}`, set)).status).toBe(201)
  const started = await env.anonymous('GET', paths.start(type, 'default')),
    cookies = cookiesIn(started),
    address = goesTo(started)
  const granted =
    address.origin === openId.url ? openId.grant(address) : { code: 'any', state: address.searchParams.get('state')! }
  const query = new URLSearchParams(granted),
    passed = await env.anonymous('GET', `${paths.callback(type)}?${query}`, undefined, { cookies })
  const code = goesTo(passed).searchParams.get('code')!
  const answer = await env.anonymous('POST', `${paths.end(type)}?code=${code}`, {}, { cookies })
  return { answer, clientId, address, ask: asked.get(clientId)! }
}
const email = () => `${unique('ada')}@example.com`

describe.concurrent('Facebook', () => {
  test('does not vouch for addresses, unless management does', async () => {
    const ada = { id: '17', name: 'Ada', email: email(), picture: { data: { url: 'https://fb.example/p.jpg' } } }
    expect((await logIn('facebook', ada)).answer.status).toBe(403)
    const { answer, ask, address } = await logIn('facebook', ada, { options: { trustEmail: true } })
    expect(answer).toMatchObject({ status: 200, body: { email: ada.email, name: 'Ada' } })
    expect(ask.userInfo).toBe('/me?fields=id,name,email,picture')
    expect(address.pathname).toBe('/dialog/oauth')
  })
})

describe.concurrent('X', () => {
  test('tells inside of what it tells, of confirmed addresses only, to clients with a header', async () => {
    const data = { id: '17', name: 'Ada', username: 'ada' },
      confirmed_email = email()
    const { answer, ask, address, clientId } = await logIn('twitter', { data: { ...data, confirmed_email } })
    expect(answer).toMatchObject({ status: 200, body: { email: confirmed_email, name: 'Ada' } })
    expect(basicOf(ask.authorization!)).toEqual([clientId, 'hush'])
    expect(ask.form.has('client_secret')).toBe(false)
    expect(address.searchParams.get('scope')).toBe('users.read tweet.read users.email')
    expect((await logIn('twitter', { data })).answer.status).toBe(403)
  })
})

describe.concurrent('LinkedIn', () => {
  test('is asked without a challenge, and tells who it is on another call', async () => {
    const ada = { sub: 'abc', name: 'Ada', email: email(), email_verified: true }
    const { answer, address, ask } = await logIn('linkedin', ada)
    expect(answer).toMatchObject({ status: 200, body: { email: ada.email } })
    expect(address.searchParams.has('code_challenge')).toBe(false)
    expect([ask.userInfo, ask.form.get('client_secret')]).toEqual(['/v2/userinfo', 'hush'])
  })
})

describe.concurrent('Microsoft', () => {
  const personal = '9188040d-6c67-4c5b-b112-36a304b66dad'
  test.each([
    ['an address of a company', { tid: 'a-company' }, {}, 403],
    ['one that says itself that it is verified', { tid: 'a-company', email_verified: true }, {}, 403],
    ['an address of a personal account', { tid: personal }, {}, 200],
    ["one whose domain is proved to be the company's", { tid: 'a-company', xms_edov: true }, {}, 200],
    ['any, where management believes them all', { tid: 'a-company' }, { options: { trustEmail: true } }, 403],
    [
      'one of a directory that management believes',
      { tid: 'a-company' },
      { options: { trustEmail: true, directory: 'a-company' } },
      200,
    ],
  ])('is asked for more than its word: %s', async (_, claims, more, status) => {
    const { answer } = await logIn('microsoft', { sub: unique(), email: email(), ...claims }, more)
    expect(answer.status).toBe(status)
  })
})

describe.concurrent('Apple', () => {
  test('gets a signed token in place of a secret, and is asked for a form', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', {
      namedCurve: 'P-256',
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
      publicKeyEncoding: { type: 'spki', format: 'pem' },
    })
    // its booleans may be texts
    const ada = { sub: 'ada', email: email(), email_verified: 'true' }
    const options = { keyId: 'KEY', teamId: 'TEAM' }
    const { answer, address, clientId } = await logIn('apple', ada, { secret: privateKey, options })
    expect(answer).toMatchObject({ status: 200, body: { email: ada.email } })
    expect(Object.fromEntries(address.searchParams)).toMatchObject({
      response_mode: 'form_post',
      scope: 'openid name email',
      nonce: expect.any(String),
    })
    const form = openId.forms.find((one) => one.get('client_id') === clientId)!,
      [head, claims, signature] = form.get('client_secret')!.split('.') as [string, string, string],
      part = (word: string) => JSON.parse(Buffer.from(word, 'base64url').toString()) as Record<string, unknown>
    expect(part(head)).toMatchObject({ alg: 'ES256', kid: 'KEY' })
    expect(part(claims)).toMatchObject({ iss: 'TEAM', sub: clientId, aud: 'https://appleid.apple.com' })
    const key = { key: createPublicKey(publicKey), dsaEncoding: 'ieee-p1363' } as const
    expect(verify('sha256', Buffer.from(`${head}.${claims}`), key, Buffer.from(signature, 'base64url'))).toBe(true)
  })
})
