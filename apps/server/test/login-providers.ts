import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { generateKeyPair, jwkOf, sign } from '@henhouse/jwt'
import { cryptoRandom } from '../src/kernel/random.ts'
import type { Answer, TestEnvironment } from './environment.ts'

/* Stand-ins for the services that users log in with. They run as long as the tests of a file. */

type Handler = (request: IncomingMessage, response: ServerResponse) => unknown

export async function listening(handler: Handler) {
  const server = createServer((request, response) => void handler(request, response))
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  server.unref()
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

export const json = (response: ServerResponse, status: number, body: unknown) =>
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))

const challengeOf = (verifier: string) => createHash('sha256').update(verifier).digest('base64url')
const packed = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const unpacked = <T>(word: string) => JSON.parse(Buffer.from(word, 'base64url').toString()) as T

/** Who logs in, as the provider tells of them. */
export type Person = Readonly<Record<string, unknown>>

/**
 * A provider of plain OAuth 2, which keeps nothing: its codes and access tokens say whose they are. Codes ask for their verifier,
 * and clients for their secret.
 */
const plainProvider = await (async () => {
  const url = await listening(async (request, response) => {
    const { pathname } = new URL(request.url!, 'http://x')
    if (pathname === '/token') {
      const form = new URLSearchParams(await text(request))
      const { person, challenge, redirectUri } = unpacked<Granted>(form.get('code')!)
      const [, basic = ''] = request.headers.authorization?.split(' ') ?? [],
        secret =
          form.get('client_secret') ?? decodeURIComponent(Buffer.from(basic, 'base64').toString().split(':')[1] ?? '')
      const isRight =
        challengeOf(form.get('code_verifier') ?? '') === challenge &&
        form.get('redirect_uri') === redirectUri &&
        secret === SECRET
      return isRight
        ? json(response, 200, { access_token: packed(person), token_type: 'bearer', id_token: 'none.to.check' })
        : json(response, 400, { error: 'invalid_grant' })
    }
    const [, token = ''] = request.headers.authorization?.split(' ') ?? []
    return json(response, 200, unpacked(token))
  })
  return { url, authorizationUrl: `${url}/authorize`, tokenUrl: `${url}/token`, userInfoUrl: `${url}/me` }
})()
interface Granted {
  person: Person
  challenge: string | null
  redirectUri: string
}
const SECRET = 'the-secret-of-the-client'

export const custom = (type: string, more: object = {}) => {
  const { url: _, ...urls } = plainProvider
  return {
    ...urls,
    type,
    clientId: 'client',
    secret: SECRET,
    redirectUrl: 'http://localhost:3000/account/social/success',
    scopes: 'profile email',
    ssoLogoUrl: 'https://acme.example/logo.png',
    displayName: 'Acme',
    active: true,
    ...more,
  }
}

const paths = {
  start: (type: string, kind = 'custom') => `/identity/resources/auth/v2/user/sso/${kind}/${type}/prelogin`,
  callback: (type: string) => `/identity/resources/auth/v2/user/sso/${type}/callback`,
  end: (type: string) => `/identity/resources/auth/v1/user/sso/${type}/postlogin`,
}
export { paths }

export const goesTo = ({ headers }: Answer) => new URL(String(headers['location']))
export const cookiesIn = ({ cookies }: Answer) => Object.fromEntries(cookies.map(({ name, value }) => [name, value]))

/** What the plain provider sends the browser back with. */
export function grantedBy(address: URL, person: Person) {
  const { searchParams: asked } = address
  const granted: Granted = {
    person,
    challenge: asked.get('code_challenge'),
    redirectUri: asked.get('redirect_uri')!,
  }
  return { code: packed(granted), state: asked.get('state')! }
}

/** Goes to the provider and back, up to the code for the page. */
export async function wayBack(env: TestEnvironment, type: string, person: Person, query: Record<string, string> = {}) {
  const started = await env.anonymous('GET', `${paths.start(type)}?${new URLSearchParams(query)}`),
    cookies = cookiesIn(started)
  const passed = await env.anonymous(
    'GET',
    `${paths.callback(type)}?${new URLSearchParams(grantedBy(goesTo(started), person))}`,
    undefined,
    { cookies },
  )
  return { cookies, page: goesTo(passed) }
}

/** Logs in with a custom provider. */
export async function logInWith(env: TestEnvironment, type: string, person: Person, body: object = {}) {
  const { cookies, page } = await wayBack(env, type, person),
    query = new URLSearchParams({ code: page.searchParams.get('code') ?? '' })
  return env.anonymous('POST', `${paths.end(type)}?${query}`, body, { cookies })
}

/** A person whose address the provider has verified. */
export const verified = (email: string, more: Person = {}): Person => ({
  sub: cryptoRandom.uuid(),
  email,
  email_verified: true,
  name: 'Ada Lovelace',
  ...more,
})

export interface Making {
  /** of the id token, as a good provider would make them */
  claims: Record<string, unknown>
  sign(claims: object, algorithm?: 'RS256' | 'HS256', key?: string, kid?: string): string
  publicKey: string
}
export interface Changes {
  idToken?(making: Making): string | undefined
  /** answers instead of the token endpoint */
  token?: Handler
  userInfo?(claims: Record<string, unknown>): unknown
}

/** Id tokens whose signature is not the provider's. @param foreignKey of somebody else */
export const badlySigned = (foreignKey: string): [string, (making: Making) => string][] => [
  ["the client's secret as key", ({ claims, sign }) => sign(claims, 'HS256', 'hush')],
  [
    'the public key as secret',
    ({ claims, sign, publicKey }) => sign(claims, 'HS256', publicKey.replace(/-----.*-----/g, 'KEY')),
  ],
  ['a key of somebody else', ({ claims, sign }) => sign(claims, 'RS256', foreignKey)],
  ['a key that is not listed', ({ claims, sign }) => sign(claims, 'RS256', foreignKey, 'unknown')],
  [
    'claims changed after signing',
    ({ claims, sign }) => {
      const [head, , signature] = sign(claims).split('.')
      return [head, Buffer.from(JSON.stringify({ ...claims, sub: 'x' })).toString('base64url'), signature].join('.')
    },
  ],
]

/** What a provider of OpenID Connect tells a client. */
export interface Told extends Changes {
  person: Person
}

/** A provider of OpenID Connect, whose answers can be changed: those about a client, and its discovery document. */
export async function openIdProvider(
  toldTo: (clientId: string) => Told,
  discovery: (document: Record<string, unknown>) => unknown = (document) => document,
) {
  const { publicKey, privateKey } = await generateKeyPair(),
    kid = cryptoRandom.uuid(),
    codes = new Map<string, { clientId: string; redirectUri: string; nonce: string; challenge: string | null }>(),
    asked: string[] = [],
    forms: URLSearchParams[] = []
  async function give(request: IncomingMessage, response: ServerResponse) {
    const form = new URLSearchParams(await text(request)),
      known = codes.get(form.get('code')!)
    codes.delete(form.get('code')!)
    forms.push(form)
    const isRight =
      known &&
      (form.has('code_verifier') ? challengeOf(form.get('code_verifier')!) : null) === known.challenge &&
      form.get('redirect_uri') === known.redirectUri
    if (!isRight) return json(response, 400, { error: 'invalid_grant' })
    const { person, token, idToken = (making) => making.sign(making.claims) } = toldTo(known.clientId)
    if (token) return token(request, response)
    const { clientId: aud, nonce } = known,
      made = idToken(making({ aud, nonce, ...person }))
    return json(response, 200, { access_token: aud, token_type: 'Bearer', ...(made && { id_token: made }) })
  }
  function making(told: Person): Making {
    const now = Math.floor(Date.now() / 1000)
    return {
      claims: { iss: url, iat: now, exp: now + 300, ...told },
      sign: (claims, algorithm = 'RS256', key = privateKey, id = kid) =>
        sign(claims as { iat: number }, { kid: id, algorithm, key }),
      publicKey,
    }
  }
  const url = await listening((request, response) => {
    const { pathname } = new URL(request.url!, 'http://x')
    asked.push(pathname)
    if (pathname === '/.well-known/openid-configuration')
      return json(
        response,
        200,
        discovery({
          issuer: url,
          authorization_endpoint: `${url}/authorize`,
          token_endpoint: `${url}/token`,
          jwks_uri: `${url}/jwks`,
          userinfo_endpoint: `${url}/me`,
          id_token_signing_alg_values_supported: ['RS256', 'HS256', 'none'],
        }),
      )
    if (pathname === '/jwks') return json(response, 200, { keys: [jwkOf(publicKey, kid)] })
    if (pathname === '/token') return give(request, response)
    const [, clientId = ''] = request.headers.authorization?.split(' ') ?? [],
      { person, userInfo } = toldTo(clientId)
    return json(response, 200, userInfo?.({ ...person }) ?? person)
  })
  return {
    url,
    asked,
    /** what came to the token endpoint */
    forms,
    /** For an app that asks without a browser. */
    making,
    /** The user agrees: what the browser is sent back with. */
    grant({ searchParams: query }: URL) {
      const code = cryptoRandom.token(),
        given = (name: string) => query.get(name)!
      codes.set(code, {
        clientId: given('client_id'),
        redirectUri: given('redirect_uri'),
        nonce: given('nonce'),
        challenge: query.get('code_challenge'),
      })
      return { code, state: given('state') }
    },
  }
}
