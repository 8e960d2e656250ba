import type { RequestListener } from 'node:http'
import { Provider } from 'oidc-provider'
import { expect, test, vi } from 'vitest'
import { newEnvironment, newServer, unique } from '../../../../test/environment.ts'
import { cookiesIn, goesTo, listening, paths } from '../../../../test/login-providers.ts'
import { addSource } from '../../../../test/pools.ts'

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

test('users log in with oidc-provider, as a social provider and as a user source, and are asked for their consent once', async () => {
  // it says what it would need in production
  for (const level of ['info', 'warn'] as const) vi.spyOn(console, level).mockImplementation(() => undefined)
  let handle: RequestListener = () => undefined
  const issuer = await listening((request, response) => handle(request, response)),
    env = await newEnvironment(await newServer({ socialUrls: { gitlab: issuer } })),
    callback = `http://${env.name}.localhost:3100${paths.callback('gitlab')}`,
    sourceId = await addSource(env, 'federation', {
      wellknownUrl: `${issuer}/.well-known/openid-configuration`,
      clientId: 'pool',
      secret: SECRET,
    }),
    poolCallback = `http://${env.name}.localhost:3100${paths.callback(sourceId)}`
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: 'henhouse',
        client_secret: SECRET,
        redirect_uris: [callback],
        token_endpoint_auth_method: 'client_secret_post',
      },
      { client_id: 'pool', client_secret: SECRET, redirect_uris: [poolCallback] },
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

  let open = browser(issuer)
  async function logIn(grace: string, start = paths.start('gitlab', 'default'), back = callback) {
    const started = await env.anonymous('GET', start),
      cookies = cookiesIn(started)
    let { page, url } = await open(goesTo(started).href)
    // the pages of the provider: who it is, and whether they agree
    for (const form of [{ prompt: 'login', login: grace, password: 'any' }, { prompt: 'consent' }])
      if (page !== undefined) ({ page, url } = await open(url.href, form))
    expect(`${url.origin}${url.pathname}`, page).toBe(back)
    expect(url.searchParams.get('iss')).toBe(issuer)
    const other = new URLSearchParams(url.searchParams)
    other.set('iss', 'https://gitlab.com')
    return { cookies, query: url.search, other: `?${other}` }
  }
  const end = async ({ cookies, query }: { cookies: Record<string, string>; query: string }, type = 'gitlab') => {
    const passed = await env.anonymous('GET', `${paths.callback(type)}${query}`, undefined, { cookies })
    const code = goesTo(passed).searchParams.get('code')!
    return env.anonymous('POST', `${paths.end(type)}?code=${code}`, {}, { cookies })
  }

  const grace = unique('grace')
  const first = await end(await logIn(grace))
  expect(first).toMatchObject({
    status: 200,
    body: { isNewUser: true, email: `${grace}@example.com`, name: 'Grace Hopper' },
  })
  expect(await end(await logIn(grace))).toMatchObject({
    status: 200,
    body: { isNewUser: false, userId: first.body.userId },
  })
  // it says who it is, and must be the one
  const { cookies, other } = await logIn(grace)
  expect(await end({ cookies, query: other })).toMatchObject({ status: 401, body: { errorCode: 'ER-01049' } })

  // the server of a user source, in a browser that it does not know yet
  const atPool = async (by: typeof open) => {
    open = by
    return end(await logIn(joan, paths.start(sourceId), poolCallback), sourceId)
  }
  const joan = unique('joan'),
    newcomer = await atPool(browser(issuer))
  expect(newcomer).toMatchObject({ status: 200, body: { isNewUser: true, email: `${joan}@example.com` } })
  expect(await atPool(open)).toMatchObject({ status: 200, body: { isNewUser: false, userId: newcomer.body.userId } })
})
