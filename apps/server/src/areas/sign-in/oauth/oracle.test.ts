import type { RequestListener } from 'node:http'
import { Provider } from 'oidc-provider'
import { expect, test, vi } from 'vitest'
import { newEnvironment, server, type TestEnvironment } from '../../../../test/environment.ts'
import { listening } from '../../../../test/login-providers.ts'
import { allow, browserOf, CALLBACK, pathOf, pkce, question } from '../../../../test/oauth-browser.ts'
import { PASSWORD } from '../../../../test/second-factors.ts'

/*
 * The same requests go to oidc-provider, which is certified, and to us. What comes of them is the same, or it is in a table with
 * the reason why it is not.
 */

const SECRET = 'a-secret-of-the-oracle'
/** What a request comes to: a login page, a code, or an error with its status, which the client or only the browser sees. */
type Outcome = `page` | `code` | `to the client: ${string}` | `${number} ${string}` | '200'

/** A way to send requests, which keeps cookies, and to get a code for a user who logs in. */
interface Side {
  /** the ids of a client without a secret and of one with one, and that secret */
  readonly open: string
  readonly closed: string
  readonly secret: string
  send(method: 'GET' | 'POST', path: string, fields: URLSearchParams, headers?: Record<string, string>): Promise<Reply>
  logIn(query: URLSearchParams): Promise<URL>
}
interface Reply {
  readonly status: number
  readonly location: string | undefined
  readonly text: string
}

async function theirs(): Promise<Side> {
  // it says what it would need in production
  for (const level of ['info', 'warn'] as const) vi.spyOn(console, level).mockImplementation(() => undefined)
  let handle: RequestListener = () => undefined
  const issuer = await listening((request, response) => handle(request, response))
  const provider = new Provider(issuer, {
    clients: [
      { client_id: 'open', redirect_uris: [CALLBACK], token_endpoint_auth_method: 'none' },
      {
        client_id: 'closed',
        client_secret: SECRET,
        redirect_uris: [CALLBACK],
        token_endpoint_auth_method: 'client_secret_post',
      },
    ].map((client) => ({ ...client, grant_types: ['authorization_code', 'refresh_token'] })) as never,
    findAccount: (_, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
    pkce: { required: () => true },
    issueRefreshToken: async () => true,
    routes: { authorization: '/oauth/authorize', token: '/oauth/token' },
    features: { devInteractions: { enabled: true } },
    allowOmittingSingleRegisteredRedirectUri: false,
    enableHttpPostMethods: true,
    renderError(ctx, out) {
      ctx.type = 'json'
      ctx.body = JSON.stringify(out)
    },
    cookies: { keys: ['a key of the tests'], long: { sameSite: 'none' } },
  })
  handle = provider.callback()
  const at = (cookies = new Map<string, string>()) => {
    const send: Side['send'] = async (method, path, fields, headers = {}) => {
      const reply = await fetch(`${issuer}${path}${method === 'GET' && fields.size ? `?${fields}` : ''}`, {
        method,
        redirect: 'manual',
        headers: {
          accept: 'application/json',
          ...headers,
          cookie: [...cookies].map((pair) => pair.join('=')).join('; '),
        },
        ...(method === 'POST' && { body: fields }),
      })
      for (const line of reply.headers.getSetCookie()) {
        const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)!
        cookies.set(name!, value!)
      }
      return { status: reply.status, location: reply.headers.get('location') ?? undefined, text: await reply.text() }
    }
    return send
  }
  return {
    ...{ open: 'open', closed: 'closed', secret: SECRET },
    send: (...call) => at()(...call),
    async logIn(query) {
      const send = at()
      let { location } = await send('GET', '/oauth/authorize', query)
      // the pages of the provider: who it is, and whether they agree
      for (const form of [{ prompt: 'login', login: 'grace', password: 'any' }, { prompt: 'consent' }]) {
        ;({ location } = await send('POST', new URL(location!, issuer).pathname, new URLSearchParams(form)))
        ;({ location } = await send('GET', new URL(location!, issuer).pathname, new URLSearchParams()))
      }
      return new URL(location!)
    },
  }
}

async function ours(env: TestEnvironment): Promise<Side> {
  const user = await env.newUser({ password: PASSWORD })
  await allow(env)
  const send: Side['send'] = async (method, path, fields, headers = {}) => {
    const reply = await server.http.inject({
      method,
      url: `${path}${method === 'GET' && fields.size ? `?${fields}` : ''}`,
      headers: {
        host: `${env.name}.localhost:3100`,
        ...(method === 'POST' && { 'content-type': 'application/x-www-form-urlencoded' }),
        ...headers,
      },
      ...(method === 'POST' && { payload: fields.toString() }),
    })
    const { location } = reply.headers
    // a form goes on to the same as a query
    if (reply.statusCode === 303) return send('GET', pathOf(location!), new URLSearchParams())
    return { status: reply.statusCode, location, text: reply.body }
  }
  return {
    ...{ open: env.id, closed: env.id, secret: env.apiKey },
    send,
    async logIn(query) {
      const browser = browserOf(env),
        asked = await browser.ask(Object.fromEntries(query)),
        { location } = (await browser.comeBack(asked, await browser.logIn(user))).headers
      return new URL(String(location))
    },
  }
}

function outcomeOf({ status, location, text }: Reply): Outcome {
  if (location?.startsWith(CALLBACK)) {
    const { search, hash } = new URL(location),
      searchParams = new URLSearchParams(search || hash.slice(1))
    return searchParams.has('code') ? 'code' : `to the client: ${searchParams.get('error')}`
  }
  if (location !== undefined) return 'page'
  return status === 200 ? '200' : `${status} ${(JSON.parse(text) as { error: string }).error}`
}

type Changes = Record<string, string | readonly string[] | undefined>
/** Leaves out what is undefined, and repeats what is a list. */
const fieldsOf = (whole: Changes) =>
  new URLSearchParams(
    Object.entries(whole).flatMap(([name, value]) =>
      [value ?? []].flat().map((one) => [name, one] as [string, string]),
    ),
  )

const { verifier, challenge } = pkce()
const asking = (env: TestEnvironment, side: Side, changes: Changes) =>
  fieldsOf({ ...question(env, challenge), client_id: side.open, ...changes })

/** Each with what comes of it at both, or `[at theirs, at ours]`. */
type Expected = Outcome | readonly [theirs: Outcome, ours: Outcome, why: string]
const UNREGISTERED = 'RFC 6749 has no such word: browsers show it, and no client reads it',
  AMBIGUOUS = 'of a request that can be read in two ways nothing is read, so nobody is sent anywhere',
  NO_SECRET = 'whoever has no challenge needs a secret at the exchange'

const authorizing: Record<string, { changes: Changes; method?: 'POST'; comes: Expected }> = {
  'a good request': { changes: {}, comes: 'page' },
  'a good request by a form': { changes: {}, method: 'POST', comes: 'page' },
  'an unknown client': {
    changes: { client_id: '11111111-1111-4111-8111-111111111111' },
    comes: [
      '400 invalid_client',
      '400 invalid_request',
      'invalid_client is for the token endpoint (RFC 6749 §4.1.2.1)',
    ],
  },
  'no client': { changes: { client_id: undefined }, comes: '400 invalid_request' },
  'another redirect': {
    changes: { redirect_uri: 'https://evil.example/cb' },
    comes: ['400 invalid_redirect_uri', '400 invalid_request', UNREGISTERED],
  },
  'a redirect with a query more': {
    changes: { redirect_uri: `${CALLBACK}?x=1` },
    comes: ['400 invalid_redirect_uri', '400 invalid_request', UNREGISTERED],
  },
  'a redirect with a slash more': {
    changes: { redirect_uri: `${CALLBACK}/` },
    comes: ['400 invalid_redirect_uri', '400 invalid_request', UNREGISTERED],
  },
  'a redirect to another port': {
    changes: { redirect_uri: CALLBACK.replace('.com', '.com:8443') },
    comes: ['400 invalid_redirect_uri', '400 invalid_request', UNREGISTERED],
  },
  'no redirect': { changes: { redirect_uri: undefined }, comes: '400 invalid_request' },
  'a token in place of a code': {
    changes: { response_type: 'token' },
    comes: 'to the client: unsupported_response_type',
  },
  'no response type': { changes: { response_type: undefined }, comes: 'to the client: invalid_request' },
  'an unknown response mode': {
    changes: { response_mode: 'pigeon' },
    comes: ['to the client: unsupported_response_mode', 'to the client: invalid_request', UNREGISTERED],
  },
  'a plain challenge': { changes: { code_challenge_method: 'plain' }, comes: 'to the client: invalid_request' },
  'a challenge without its method': {
    changes: { code_challenge_method: undefined },
    comes: 'to the client: invalid_request',
  },
  'a method without a challenge': { changes: { code_challenge: undefined }, comes: 'to the client: invalid_request' },
  'a challenge that is too short': { changes: { code_challenge: 'short' }, comes: 'to the client: invalid_request' },
  'a challenge of other letters': {
    changes: { code_challenge: '+'.repeat(43) },
    comes: 'to the client: invalid_request',
  },
  'no challenge at all': {
    changes: { code_challenge: undefined, code_challenge_method: undefined },
    comes: ['to the client: invalid_request', 'page', NO_SECRET],
  },
  'no page, of a browser that is not logged in': {
    changes: { prompt: 'none' },
    comes: 'to the client: login_required',
  },
  'no page, and a page': { changes: { prompt: 'none login' }, comes: 'to the client: invalid_request' },
  'an unknown prompt': { changes: { prompt: 'dance' }, comes: 'to the client: invalid_request' },
  'an age that is no number': { changes: { max_age: 'old' }, comes: 'to the client: invalid_request' },
  'an age below nothing': { changes: { max_age: '-1' }, comes: 'to the client: invalid_request' },
  'a request object': { changes: { request: 'e30.e30.' }, comes: 'to the client: request_not_supported' },
  'the address of a request object': {
    changes: { request_uri: 'https://app.example.com/request' },
    comes: 'to the client: request_uri_not_supported',
  },
  'an unknown scope beside openid': { changes: { scope: 'openid dance' }, comes: 'page' },
  'no scope': {
    changes: { scope: undefined },
    comes: ['to the client: invalid_request', 'page', 'there is one kind of token, so no scope chooses anything'],
  },
  'an unknown parameter': { changes: { colour: 'brown' }, comes: 'page' },
  'a client named twice': { changes: { client_id: ['x', 'y'] }, comes: '400 invalid_request' },
  'a redirect named twice': { changes: { redirect_uri: [CALLBACK, CALLBACK] }, comes: '400 invalid_request' },
  'a state given twice': {
    changes: { state: ['a', 'b'] },
    comes: ['to the client: invalid_request', '400 invalid_request', AMBIGUOUS],
  },
  'a scope given twice, by a form': {
    changes: { scope: ['openid', 'email'] },
    method: 'POST',
    comes: ['to the client: invalid_request', '400 invalid_request', AMBIGUOUS],
  },
}

test('asking for a code comes to what it comes to at oidc-provider', { timeout: 30_000 }, async () => {
  const env = await newEnvironment(),
    [them, us] = await Promise.all([theirs(), ours(env)])
  const found: Record<string, unknown> = {}
  for (const [name, { changes, method = 'GET' }] of Object.entries(authorizing)) {
    const at = async (side: Side) => outcomeOf(await side.send(method, '/oauth/authorize', asking(env, side, changes)))
    found[name] = [await at(them), await at(us)]
  }
  expect(found).toEqual(
    Object.fromEntries(
      Object.entries(authorizing).map(([name, { comes }]) => [
        name,
        typeof comes === 'string' ? [comes, comes] : comes.slice(0, 2),
      ]),
    ),
  )
})

/** Each begins with a fresh code of the client without a secret. */
const exchanging: Record<
  string,
  { changes?: Changes; twice?: true; closed?: true; headers?: (side: Side) => Record<string, string>; comes: Expected }
> = {
  'a good code': { comes: '200' },
  'a code shown twice': { twice: true, comes: '400 invalid_grant' },
  'an unknown code': { changes: { code: 'x'.repeat(43) }, comes: '400 invalid_grant' },
  'no code': { changes: { code: undefined }, comes: '400 invalid_request' },
  'another verifier': { changes: { code_verifier: 'y'.repeat(43) }, comes: '400 invalid_grant' },
  'no verifier': { changes: { code_verifier: undefined }, comes: '400 invalid_grant' },
  'another redirect': { changes: { redirect_uri: `${CALLBACK}?x` }, comes: '400 invalid_grant' },
  'no redirect': { changes: { redirect_uri: undefined }, comes: '400 invalid_request' },
  'an unknown client': { changes: { client_id: 'nobody' }, comes: '401 invalid_client' },
  'no client': {
    changes: { client_id: undefined },
    comes: [
      '400 invalid_request',
      '200',
      'the browser client of the reference names none: the code and its verifier say it',
    ],
  },
  'another grant': { changes: { grant_type: 'password' }, comes: '400 unsupported_grant_type' },
  'no grant': { changes: { grant_type: undefined }, comes: '400 invalid_request' },
  'a code given twice': { changes: { code: ['a', 'b'] }, comes: '400 invalid_request' },
  'a grant given twice': {
    changes: { grant_type: ['authorization_code', 'refresh_token'] },
    comes: '400 invalid_request',
  },
  'a refresh token that is none': {
    changes: { grant_type: 'refresh_token', refresh_token: 'none' },
    comes: ['400 invalid_grant', '401 invalid_grant', 'clients of the reference take a 401 for the end of the session'],
  },
  'a refresh without a token': { changes: { grant_type: 'refresh_token' }, comes: '400 invalid_request' },
  'a wrong secret': { closed: true, changes: { client_secret: 'wrong' }, comes: '401 invalid_client' },
  'the right secret': { closed: true, comes: '200' },
  'a secret in two places': {
    closed: true,
    headers: ({ closed, secret }) => ({ authorization: `Basic ${btoa(`${closed}:${secret}`)}` }),
    comes: '400 invalid_request',
  },
}

test('exchanging a code comes to what it comes to at oidc-provider', { timeout: 60_000 }, async () => {
  const env = await newEnvironment(),
    [them, us] = await Promise.all([theirs(), ours(env)])
  async function at(side: Side, { changes = {}, twice, closed, headers }: (typeof exchanging)[string]) {
    const client_id = closed ? side.closed : side.open,
      back = await side.logIn(asking(env, side, { client_id, scope: 'openid' }))
    const fields = fieldsOf({
      ...{ grant_type: 'authorization_code', client_id, redirect_uri: CALLBACK, code_verifier: verifier },
      ...{ code: back.searchParams.get('code')!, ...(closed && { client_secret: side.secret }) },
      ...changes,
    })
    const send = async () => outcomeOf(await side.send('POST', '/oauth/token', fields, headers?.(side)))
    const first = await send()
    if (twice) expect(first).toBe('200')
    return twice ? send() : first
  }
  const found: Record<string, unknown> = {}
  for (const [name, one] of Object.entries(exchanging)) found[name] = [await at(them, one), await at(us, one)]
  expect(found).toEqual(
    Object.fromEntries(
      Object.entries(exchanging).map(([name, { comes }]) => [
        name,
        typeof comes === 'string' ? [comes, comes] : comes.slice(0, 2),
      ]),
    ),
  )
})
