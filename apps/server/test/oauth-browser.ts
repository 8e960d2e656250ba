import { createHash, randomBytes } from 'node:crypto'
import { expect } from 'vitest'
import { server, type Answer, type TestEnvironment } from './environment.ts'

/* A browser at the server's OAuth routes, and clients that bring their own HTTP. */

export const CALLBACK = 'https://app.example.com/oauth/callback'
const configurations = '/oauth/resources/configurations/v1'

export const allow = async (env: TestEnvironment, redirectUri = CALLBACK, applicationId?: string) => {
  const headers = { ...(applicationId && { 'frontegg-application-id': applicationId }) },
    answer = await env.vendor('POST', `${configurations}/redirect-uri`, { redirectUri }, { headers })
  expect(answer.status, JSON.stringify(answer.body)).toBe(201)
  return answer.body.id as string
}

export function pkce(verifier = randomBytes(32).toString('base64url')) {
  return { verifier, challenge: createHash('sha256').update(verifier).digest('base64url') }
}

/** What a public client asks for. */
export const question = (env: TestEnvironment, challenge: string, more: Record<string, string> = {}) => ({
  response_type: 'code',
  client_id: env.id,
  redirect_uri: CALLBACK,
  scope: 'openid email profile',
  code_challenge: challenge,
  code_challenge_method: 'S256',
  state: 'a state',
  nonce: 'a nonce',
  ...more,
})

/** A browser with its cookies. */
export function browserOf(env: TestEnvironment) {
  const cookies: Record<string, string> = {}
  async function call(method: 'GET' | 'POST', url: string, body?: unknown, headers: Record<string, string> = {}) {
    const answer = await env.anonymous(method, url, body, { cookies, headers })
    for (const { name, value } of answer.cookies)
      if (value) cookies[name] = value
      else delete cookies[name]
    return answer
  }
  const ask = (query: Record<string, string>) => call('GET', `/oauth/authorize?${new URLSearchParams(query)}`)
  /** The user logs in on the page, with a password. */
  async function logIn({ email, password }: { email: string; password?: string }, applicationId?: string) {
    const answer = await call(
      'POST',
      '/identity/resources/auth/v1/user',
      { email, password },
      applicationId === undefined ? {} : { 'frontegg-requested-application-id': applicationId },
    )
    expect(answer.status, JSON.stringify(answer.body)).toBe(200)
    return answer.body.accessToken as string
  }
  /** From the answer of `ask` that leads to the login page, with the token of a login, back to the client. */
  async function comeBack(asked: Answer, token: string) {
    const { state } = queryOf(asked),
      posted = await call('POST', '/oauth/postlogin', { state, token })
    return posted.status === 200 ? call('GET', pathOf(posted.body.redirectUrl)) : posted
  }
  return { call, ask, logIn, comeBack, cookies }
}

/** The user agrees on the page of consent, to which the answer leads: what the client is told. */
export async function agreedTo({ call }: Pick<ReturnType<typeof browserOf>, 'call'>, asked: Answer, isGiven = true) {
  const { state } = queryOf(asked),
    { status, body } = await call('POST', '/oauth/consent', { state, isGiven })
  expect(status, JSON.stringify(body)).toBe(200)
  return Object.fromEntries(new URL(body.redirectUrl as string).searchParams) as Record<string, string>
}

export const locationOf = ({ headers }: Answer) => String(headers['location'] ?? '')
export const queryOf = (answer: Answer): Record<string, string> =>
  Object.fromEntries(new URL(locationOf(answer)).searchParams)
export const pathOf = (url: string) => {
  const { pathname, search } = new URL(url)
  return pathname + search
}

/** The `fetch` of a client that finds the environment by its host. */
export const fetchAt =
  (env: TestEnvironment) =>
  async (input: string, init: { method?: string; headers?: unknown; body?: unknown }): Promise<Response> => {
    const request = new Request(input, init as RequestInit),
      body = await request.text(),
      { pathname, search, host } = new URL(request.url)
    expect(host).toBe(`${env.name}.localhost:3100`)
    const answer = await server.http.inject({
      method: request.method as 'GET' | 'POST',
      url: pathname + search,
      headers: { ...Object.fromEntries(request.headers), host },
      ...(body && { payload: body }),
    })
    return new Response(answer.statusCode === 204 ? null : answer.rawPayload.toString(), {
      status: answer.statusCode,
      headers: answer.headers as Record<string, string>,
    })
  }
