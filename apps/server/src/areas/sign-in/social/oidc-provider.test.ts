import type { RequestListener } from 'node:http'
import { Provider } from 'oidc-provider'
import { expect, test, vi } from 'vitest'
import { newEnvironment, newServer, unique } from '../../../../test/environment.ts'
import { cookiesIn, goesTo, listening, paths } from '../../../../test/login-providers.ts'

/* A whole provider that others have written and certified, with its own pages, and a browser that goes through them. */

const SECRET = 'the-secret-of-the-client-at-the-provider'

/** A browser at the provider: follows its redirects and keeps its cookies. @returns where it is sent away from there */
function browser(at: string) {
  const cookies = new Map<string, string>()
  const open = async (address: string, form?: Record<string, string>): Promise<{ page?: string; url: URL }> => {
    const reply = await fetch(address, {
      method: form ? 'POST' : 'GET',
      redirect: 'manual',
      headers: { cookie: [...cookies].map((pair) => pair.join('=')).join('; ') },
      ...(form && { body: new URLSearchParams(form) }),
    })
    for (const line of reply.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)!
      cookies.set(name!, value!)
    }
    const location = reply.headers.get('location'),
      next = location === null ? undefined : new URL(location, address)
    if (!next) return { page: await reply.text(), url: new URL(address) }
    return next.origin === at ? open(next.href) : { url: next }
  }
  return open
}

test('users log in with oidc-provider, and are asked for their consent, once', async () => {
  // it says what it would need in production
  for (const level of ['info', 'warn'] as const) vi.spyOn(console, level).mockImplementation(() => undefined)
  let handle: RequestListener = () => undefined
  const issuer = await listening((request, response) => handle(request, response)),
    env = await newEnvironment(await newServer({ socialUrls: { gitlab: issuer } })),
    callback = `http://${env.name}.localhost:3100${paths.callback('gitlab')}`
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: 'henhouse',
        client_secret: SECRET,
        redirect_uris: [callback],
        token_endpoint_auth_method: 'client_secret_post',
      },
    ],
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
    findAccount: (_, accountId) => ({
      accountId,
      claims: () => ({ sub: accountId, email: `${accountId}@example.com`, email_verified: true, name: 'Grace Hopper' }),
    }),
    pkce: { required: () => true },
    features: { devInteractions: { enabled: true } },
    cookies: { keys: ['a key of the tests'] },
  })
  provider.on('server_error', (_, error) => {
    throw error
  })
  handle = provider.callback()
  await env.vendor('POST', '/identity/resources/sso/v2/gitlab', { clientId: 'henhouse', secret: SECRET, active: true })

  const grace = unique('grace'),
    open = browser(issuer)
  async function logIn() {
    const started = await env.anonymous('GET', paths.start('gitlab', 'default')),
      cookies = cookiesIn(started)
    let { page, url } = await open(goesTo(started).href)
    // the pages of the provider: who it is, and whether they agree
    for (const form of [{ prompt: 'login', login: grace, password: 'any' }, { prompt: 'consent' }])
      if (page !== undefined) ({ page, url } = await open(url.href, form))
    expect(`${url.origin}${url.pathname}`, page).toBe(callback)
    expect(url.searchParams.get('iss')).toBe(issuer)
    const other = new URLSearchParams(url.searchParams)
    other.set('iss', 'https://gitlab.com')
    return { cookies, query: url.search, other: `?${other}` }
  }
  const end = async ({ cookies, query }: { cookies: Record<string, string>; query: string }) => {
    const passed = await env.anonymous('GET', `${paths.callback('gitlab')}${query}`, undefined, { cookies })
    const code = goesTo(passed).searchParams.get('code')!
    return env.anonymous('POST', `${paths.end('gitlab')}?code=${code}`, {}, { cookies })
  }

  const first = await end(await logIn())
  expect(first).toMatchObject({
    status: 200,
    body: { isNewUser: true, email: `${grace}@example.com`, name: 'Grace Hopper' },
  })
  expect(await end(await logIn())).toMatchObject({
    status: 200,
    body: { isNewUser: false, userId: first.body.userId },
  })
  // it says who it is, and must be the one
  const { cookies, other } = await logIn()
  expect(await end({ cookies, query: other })).toMatchObject({ status: 401, body: { errorCode: 'ER-01049' } })
})
