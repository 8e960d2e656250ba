import { outbound, type Outbound } from '@henhouse/outbound'
import { generateKeyPair } from '@henhouse/jwt'
import { describe, expect, test } from 'vitest'
import { unreachable } from '../../../../../../packages/outbound/test/http-double.ts'
import { newEnvironment, newServer, unique } from '../../../../test/environment.ts'
import {
  badlySigned,
  cookiesIn,
  goesTo,
  json,
  openIdProvider,
  paths,
  verified,
  type Changes,
  type Making,
  type Told,
} from '../../../../test/login-providers.ts'
import type { ServerDeps } from '../../../kernel/deps.ts'

/* A provider of OpenID Connect, in Google's place, whose answers are not what they should be. */

const soon: Outbound = {
  ...outbound('anywhere'),
  call: (name, url, call, confidential) =>
    outbound('anywhere').call(name, url, { ...call, timeoutMs: 2000 }, confidential),
}

/** By client id: each test has one. */
const told = new Map<string, Told>()
const toldTo = (clientId: string) => told.get(clientId) ?? { person: verified(`${unique('ada')}@example.com`) }

type Server = Awaited<ReturnType<typeof newServer>>
const at = (url: string, more: Partial<ServerDeps> = {}) => newServer({ socialUrls: { google: url }, ...more })
async function client(server: Server) {
  const env = await newEnvironment(server),
    clientId = unique('client')
  await env.vendor('POST', '/identity/resources/sso/v2/google', { clientId, secret: 'hush', active: true })
  return { env, clientId }
}

const usual = await openIdProvider(toldTo),
  server = await at(usual.url)

/** Logs in, as a browser does. */
async function logIn(changes: Partial<Told> = {}, provider = usual, on = server) {
  const { env, clientId } = await client(on)
  told.set(clientId, { ...toldTo(clientId), ...changes })
  const started = await env.anonymous('GET', paths.start('google', 'default'))
  if (started.status !== 302) return { env, answer: started, asked: undefined }
  const asked = goesTo(started),
    cookies = cookiesIn(started)
  const passed = await env.anonymous(
    'GET',
    `${paths.callback('google')}?${new URLSearchParams(provider.grant(asked))}`,
    undefined,
    { cookies },
  )
  const code = goesTo(passed).searchParams.get('code')!
  const answer = await env.anonymous('POST', `${paths.end('google')}?code=${code}`, {}, { cookies })
  return { env, answer, asked }
}
/** At a provider with another discovery document. */
async function discovering(discovery: (document: Record<string, unknown>) => unknown) {
  const provider = await openIdProvider(toldTo, discovery)
  return (await logIn({}, provider, await at(provider.url))).answer
}
const wrong = { status: 401, body: { errorCode: 'ER-01049' } }
const lost = { status: 503, body: { errors: ['The login provider cannot be reached'] } }

const another = await generateKeyPair()
const unsigned = (claims: object) =>
  `${[{ alg: 'none' }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')}.`

describe.concurrent('a provider of OpenID Connect', () => {
  test('is believed when all is right', async () => {
    const provider = await openIdProvider(toldTo),
      { answer, asked } = await logIn({}, provider, await at(provider.url))
    expect(answer).toMatchObject({ status: 200, body: { isNewUser: true, name: 'Ada Lovelace' } })
    expect(Object.fromEntries(asked!.searchParams)).toMatchObject({
      scope: 'openid profile email',
      nonce: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge_method: 'S256',
    })
    expect(provider.asked).toEqual(['/.well-known/openid-configuration', '/token', '/jwks'])
  })

  test('may tell the address on another call, of the same user', async () => {
    const email = `${unique('ada')}@example.com`
    const person = { sub: 'ada' },
      same = await logIn({ person, userInfo: (claims) => ({ ...claims, email, email_verified: true }) })
    expect(same.answer).toMatchObject({ status: 200, body: { email } })
    const other = await logIn({ person, userInfo: () => ({ sub: 'bob', email, email_verified: true }) })
    expect(other.answer).toMatchObject(wrong)
  })

  test.for<[string, (making: Making) => string | undefined]>([
    ['no id token', () => undefined],
    ['no token at all', () => 'nonsense'],
    ['another nonce', ({ claims, sign }) => sign({ ...claims, nonce: 'another' })],
    ['no nonce', ({ claims: { nonce: _, ...claims }, sign }) => sign(claims)],
    ['another issuer', ({ claims, sign }) => sign({ ...claims, iss: 'https://accounts.google.com' })],
    ['no issuer', ({ claims: { iss: _, ...claims }, sign }) => sign(claims)],
    ['another audience', ({ claims, sign }) => sign({ ...claims, aud: 'another' })],
    ['another party', ({ claims, sign }) => sign({ ...claims, aud: [claims['aud'], 'another'], azp: 'another' })],
    ['no audience', ({ claims: { aud: _, ...claims }, sign }) => sign(claims)],
    ['an end in the past', ({ claims, sign }) => sign({ ...claims, iat: 1, exp: 2 })],
    ['no end', ({ claims: { exp: _, ...claims }, sign }) => sign(claims)],
    ['a beginning in the future', ({ claims, sign }) => sign({ ...claims, nbf: Number(claims['exp']) })],
    ['no subject', ({ claims: { sub: _, ...claims }, sign }) => sign(claims)],
    ['no signature', ({ claims }) => unsigned(claims)],
    ...badlySigned(another.privateKey),
  ])('is not believed with %s', async ([, idToken]) => {
    const { answer, env } = await logIn({ idToken })
    expect(answer).toMatchObject(wrong)
    const { db } = await env.context()
    expect([await db.user.count(), await db.socialIdentity.count(), await db.session.count()]).toEqual([0, 0, 0])
  })

  test('must be the one that its discovery document speaks of', async () => {
    expect(await discovering((document) => ({ ...document, issuer: 'https://evil.test' }))).toMatchObject(wrong)
  })

  test.for<[string, (document: Record<string, unknown>) => unknown]>([
    ['no document', () => 'nothing'],
    ['no endpoints', ({ issuer }) => ({ issuer })],
    ['a page of scripts', (document) => ({ ...document, authorization_endpoint: 'javascript:alert(1)' })],
  ])('with %s sends nobody anywhere', async ([, discovery]) => {
    expect(await discovering(discovery)).toMatchObject(wrong)
  })

  test('that must say who it is when the browser comes back is held to it', async () => {
    const answer = await discovering((document) => ({
      ...document,
      authorization_response_iss_parameter_supported: true,
    }))
    expect(answer).toMatchObject(wrong)
  })

  test.for<[string, NonNullable<Changes['token']>]>([
    ['an error', (_, response) => json(response, 400, { error: 'invalid_client', error_description: 'hush' })],
    ['a page', (_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>')],
    ['nothing', (_, response) => response.writeHead(204).end()],
    ['a redirect', (_, response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end()],
    ['very much', (_, response) => json(response, 200, { access_token: 'x'.repeat(3_000_000), token_type: 'Bearer' })],
  ])('that answers with %s lets nobody in', async ([, token]) => {
    expect((await logIn({ token })).answer).toMatchObject(wrong)
  })

  test('that hangs, or is not there, is told from one that refuses', async () => {
    const hurried = await at(usual.url, { outbound: soon })
    expect((await logIn({ token: () => undefined }, usual, hurried)).answer).toMatchObject(lost)
    const { env } = await client(await at(`http://127.0.0.1:${await unreachable()}`))
    expect(await env.anonymous('GET', paths.start('google', 'default'))).toMatchObject(lost)
  })

  test('at a private address is not called in production', async () => {
    const provider = await openIdProvider(toldTo),
      { answer } = await logIn({}, provider, await at(provider.url, { outbound: outbound([]) }))
    expect(answer).toMatchObject(lost)
    expect(provider.asked).toEqual([])
  })

  test('is asked for its keys and endpoints once in a while, not at each login', async () => {
    const provider = await openIdProvider(toldTo),
      { env } = await client(await at(provider.url))
    for (let i = 0; i < 3; i++) await env.anonymous('GET', paths.start('google', 'default'))
    expect(provider.asked).toEqual(['/.well-known/openid-configuration'])
  })
})
