import { describe, expect, test } from 'vitest'
import { newEnvironment, type TestEnvironment } from '../test/environment.ts'
import { allow, CALLBACK, pkce, question } from '../test/oauth-browser.ts'
import { codeOf, PASSWORD, withApp } from '../test/second-factors.ts'
import { linksOf, textOf, visitorOf, type Page } from '../test/visitor.ts'

type Visitor = ReturnType<typeof visitorOf>

/** Where a page goes by itself. */
const nextOf = ({ html }: Page) =>
  /<meta http-equiv="refresh" content="0;url=([^"]*)"/.exec(html)?.[1]?.replaceAll('&amp;', '&')
const locationOf = ({ headers }: Page) => String(headers.location)

/** A client sends the browser to us, and the browser gets to the page. */
async function sent(env: TestEnvironment, more: Record<string, string> = {}) {
  await allow(env)
  const { verifier, challenge } = pkce(),
    visitor = visitorOf(env),
    asked = await visitor.open(`/oauth/authorize?${new URLSearchParams(question(env, challenge, more))}`)
  const page = await visitor.open(locationOf(await visitor.open(locationOf(asked))))
  return { visitor, page, verifier }
}

/** The client gets tokens for the code with which the browser comes back. */
async function tokensFor(env: TestEnvironment, visitor: Visitor, page: Page, verifier: string) {
  const back = await visitor.open(nextOf(page)!),
    url = new URL(locationOf(back))
  expect(url.origin + url.pathname).toBe(CALLBACK)
  expect(url.searchParams.get('state')).toBe('a state')
  return env.anonymous('POST', '/oauth/token', {
    grant_type: 'authorization_code',
    client_id: env.id,
    redirect_uri: CALLBACK,
    code: url.searchParams.get('code'),
    code_verifier: verifier,
  })
}

describe.concurrent('a login that a client asks for', () => {
  test('ends at the client, with tokens of the user', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD })
    const { visitor, page, verifier } = await sent(env, { login_hint: user.email })
    expect(page.address).toMatch(/^\/oauth\/account\/login\?/)
    expect(page.html).toContain(`value="${user.email}"`)
    const wrong = await visitor.submit(page, { identifier: user.email, password: 'Wrong-1!' }),
      done = await visitor.submit(wrong, { identifier: user.email, password: PASSWORD })
    expect(done.headers['content-security-policy']).toContain("form-action 'self'")
    const { status, body } = await tokensFor(env, visitor, done, verifier)
    expect(status, JSON.stringify(body)).toBe(200)
    const [, payload] = body.id_token.split('.')
    expect(JSON.parse(Buffer.from(payload, 'base64url').toString())).toMatchObject({ sub: user.id, nonce: 'a nonce' })
    // the way back works once
    expect((await visitor.open(nextOf(done)!)).status).toBe(400)
  })

  test('keeps its way through a second factor, and through a detour', async () => {
    const env = await newEnvironment(),
      user = await withApp(env)
    const { visitor, page, verifier } = await sent(env)
    const forgotten = await visitor.open(linksOf(page).find((href) => href.includes('forget-password'))!),
      back = await visitor.open(linksOf(forgotten).find((href) => href.includes('/login'))!)
    const second = await visitor.submit(back, { identifier: user.email, password: PASSWORD }),
      wrong = await visitor.submit(second, { code: '000000' }),
      done = await visitor.submit(wrong, { code: await codeOf(env, user.secret) })
    expect((await tokensFor(env, visitor, done, verifier)).status).toBe(200)
  })

  test('is nothing in another browser, which is told so', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD })
    const { page } = await sent(env),
      other = visitorOf(env)
    const refused = await other.submit(await other.open(page.address), { identifier: user.email, password: PASSWORD })
    expect(refused.status).toBe(400)
    expect(nextOf(refused)).toBeUndefined()
    expect(textOf(refused)).toContain('made in another browser')
  })
})
