import { describe, expect, test } from 'vitest'
import { newEnvironment, type TestEnvironment } from '../test/environment.ts'
import { allow, CALLBACK, pkce, question } from '../test/oauth-browser.ts'
import { claimsOf, codeOf, PASSWORD, withApp } from '../test/second-factors.ts'
import { linksOf, textOf, visitorOf, type Page } from '../test/visitor.ts'

type Visitor = ReturnType<typeof visitorOf>

/** Where a page goes by itself. */
const nextOf = ({ html }: Page) =>
  /<meta http-equiv="refresh" content="0;url=([^"]*)"/.exec(html)?.[1]?.replaceAll('&amp;', '&')
const locationOf = ({ headers }: Page) => String(headers.location)

/** A client sends the browser to us, and the browser gets to the page. */
async function sent(env: TestEnvironment, more: Record<string, string> = {}, visitor = visitorOf(env)) {
  await allow(env)
  const { verifier, challenge } = pkce(),
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

/** A browser in which the user has logged in a while ago. */
async function loggedIn(env: TestEnvironment, user: { email: string }, code?: () => Promise<string>) {
  const visitor = visitorOf(env),
    first = await visitor.submit(await visitor.open(LOGIN), { identifier: user.email, password: PASSWORD })
  if (code) await visitor.submit(first, { code: await code() })
  await env.clock.advance(120_000)
  return visitor
}
const LOGIN = '/oauth/account/login',
  MULTI_FACTOR = 'http://schemas.openid.net/pape/policies/2007/06/multi-factor'

describe.concurrent('a step-up', () => {
  test('asks whoever is logged in for their second factor, sends nothing before, and replaces the session', async () => {
    const env = await newEnvironment(),
      user = await withApp(env),
      visitor = await loggedIn(env, user, () => codeOf(env, user.secret)),
      { db } = await env.context()
    const living = () =>
      db.session.findMany({ where: { userId: user.id, endedAt: null }, orderBy: { createdAt: 'asc' } })
    const before = (await living()).at(-1)!
    const { page, verifier } = await sent(env, { acr_values: MULTI_FACTOR }, visitor)
    expect(page.address).toMatch(/^\/oauth\/account\/step-up\?/)
    expect(textOf(page)).toContain(`You are logged in as ${user.email}`)
    expect(await db.challenge.count({ where: { purpose: 'mfa', consumedAt: null } })).toBe(0)
    const asked = await visitor.submit(page),
      wrong = await visitor.submit(asked, { code: '000000' })
    expect(wrong.status).toBe(401)
    const done = await visitor.submit(wrong, { code: await codeOf(env, user.secret) }),
      { body } = await tokensFor(env, visitor, done, verifier)
    expect(claimsOf(body.id_token)).toMatchObject({ sub: user.id, acr: MULTI_FACTOR, amr: ['mfa', 'otp'] })
    expect((await living()).map(({ id }) => id)).not.toContain(before.id)
  })

  test('for a login that is too old asks for the password, of the user of the session', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD }),
      other = await env.newUser({ password: 'Other-one-9' }),
      visitor = await loggedIn(env, user)
    const { page, verifier } = await sent(env, { max_age: '60' }, visitor)
    expect(page.address).toMatch(/^\/oauth\/account\/step-up\?/)
    const empty = await visitor.submit(page)
    expect([empty.status, textOf(empty).includes('Enter your password')]).toEqual([400, true])
    const wrong = await visitor.submit(empty, { password: 'Wrong-1!' })
    expect([wrong.status, textOf(wrong).includes('The password is wrong')]).toEqual([401, true])
    expect(wrong.html).not.toContain('Wrong-1!')
    const foreign = await visitor.post('/oauth/account/step-up', {
      state: new URL(page.address, 'http://x').searchParams.get('state')!,
      client_id: env.id,
      identifier: other.email,
      password: 'Other-one-9',
    })
    expect(foreign.status).toBe(401)
    const done = await visitor.submit(wrong, { password: PASSWORD }),
      { body } = await tokensFor(env, visitor, done, verifier)
    expect(claimsOf(body.id_token)).toMatchObject({ sub: user.id })
    expect(claimsOf(body.id_token)['auth_time']).toBeGreaterThan((await env.clock.now()).getTime() / 1000 - 60)
  })

  test('is what follows a login that was not strong enough, and says so to a user without a second factor', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD })
    const { visitor, page } = await sent(env, { acr_values: MULTI_FACTOR })
    expect(page.address).toMatch(/^\/oauth\/account\/login\?/)
    const weak = await visitor.submit(page, { identifier: user.email, password: PASSWORD })
    expect(weak.address).toMatch(/^\/oauth\/account\/step-up\?/)
    const refused = await visitor.submit(weak)
    expect(refused.status).toBe(403)
    expect(textOf(refused)).toContain('you have none yet')
    expect(nextOf(refused)).toBeUndefined()
  })

  test('is not what a new login is: prompt=login shows the login page', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD })
    const { page } = await sent(env, { max_age: '60', prompt: 'login' }, await loggedIn(env, user))
    expect(page.address).toMatch(/^\/oauth\/account\/login\?/)
  })

  test('without a session is a login, and counts wrong passwords with the others', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD })
    expect((await visitorOf(env).open('/account/step-up')).address).toBe('/account/login')
    await env.vendor('POST', '/identity/resources/configurations/v1/lockout-policy', { enabled: true, maxAttempts: 2 })
    const visitor = await loggedIn(env, user),
      page = await visitor.open('/account/step-up')
    await visitor.submit(page, { password: 'Wrong-1!' })
    await visitor.submit(page, { password: 'Wrong-2!' })
    // a lock ends the sessions, too
    expect((await visitor.submit(page, { password: PASSWORD })).address).toBe('/account/login')
    const { db } = await env.context()
    expect((await db.user.findUniqueOrThrow({ where: { id: user.id } })).isLocked).toBe(true)
  })
})

describe.concurrent('a client that wants consent', () => {
  /** To the page of consent, of a browser that is logged in. */
  async function consenting() {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD }),
      visitor = await loggedIn(env, user)
    await allow(env)
    const { verifier, challenge } = pkce(),
      asked = await visitor.open(
        `/oauth/authorize?${new URLSearchParams(question(env, challenge, { prompt: 'consent' }))}`,
      ),
      page = await visitor.open(locationOf(asked))
    return { env, user, visitor, page, verifier }
  }
  const fieldsOf = ({ address }: Page) => Object.fromEntries(new URL(address, 'http://x').searchParams)

  test('gets a code only after its user has read who they are and what it may, and agreed', async () => {
    const { env, user, visitor, page, verifier } = await consenting()
    expect(page.address).toMatch(/^\/oauth\/account\/consent\?/)
    expect(textOf(page)).toContain(`You are logged in as ${user.email}`)
    expect(textOf(page)).toContain('see your name')
    const agreed = await visitor.submit(page, {}, 'Agree'),
      address = new URL(nextOf(agreed)!)
    expect(address.origin + address.pathname).toBe(CALLBACK)
    const { status, body } = await env.anonymous('POST', '/oauth/token', {
      grant_type: 'authorization_code',
      client_id: env.id,
      redirect_uri: CALLBACK,
      code: address.searchParams.get('code'),
      code_verifier: verifier,
    })
    expect([status, claimsOf(body.id_token)['sub']]).toEqual([200, user.id])
    expect((await visitor.submit(page, {}, 'Agree')).status).toBe(400)
  })

  test('learns that the user does not agree', async () => {
    const { visitor, page } = await consenting()
    const refused = await visitor.submit(page, {}, 'Do not agree'),
      { searchParams } = new URL(nextOf(refused)!)
    expect(refused.title).toContain('You have not agreed')
    expect([searchParams.get('error'), searchParams.get('state')]).toEqual(['access_denied', 'a state'])
    expect(searchParams.has('code')).toBe(false)
    expect((await visitor.submit(page, {}, 'Agree')).status).toBe(400)
  })

  test('gets nothing by the step before the page, nor from another browser, nor once the session has ended', async () => {
    const { env, visitor, page } = await consenting(),
      { state } = fieldsOf(page)
    const around = await visitor.open(`/oauth/postlogin/redirect?state=${state}`)
    expect(locationOf(around)).toContain('/oauth/account/consent?')
    const other = visitorOf(env)
    expect((await other.open(page.address)).status).toBe(400)
    expect((await other.post('/oauth/account/consent', { ...fieldsOf(page), do: 'agree' })).status).toBe(400)
    await visitor.submit(await visitor.open('/oauth/account/logout'))
    const late = await visitor.submit(page, {}, 'Agree')
    expect(nextOf(late) ?? '').not.toContain('code=')
  })

  test('is answered once, however often the form is sent at once', async () => {
    const { visitor, page } = await consenting()
    const answers = await Promise.all(
      Array.from({ length: 6 }, (_, n) => visitor.submit(page, {}, n % 2 ? 'Agree' : 'Do not agree')),
    )
    const told = answers.flatMap((answer) => nextOf(answer) ?? [])
    expect(told.filter((url) => url.includes('code=') || url.includes('error=access_denied'))).toHaveLength(1)
  })

  test('is asked for after the login, where nobody was logged in', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD })
    const { visitor, page } = await sent(env, { prompt: 'consent' }),
      done = await visitor.submit(page, { identifier: user.email, password: PASSWORD }),
      asked = await visitor.open(locationOf(await visitor.open(nextOf(done)!)))
    expect(asked.title).toContain('Let ')
    expect(nextOf(await visitor.submit(asked, {}, 'Agree'))).toContain('code=')
  })
})
