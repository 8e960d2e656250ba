import { describe, expect, test } from 'vitest'
import { newEnvironment, unique } from '../test/environment.ts'
import { custom, grantedBy, verified, type Person } from '../test/login-providers.ts'
import { allow, CALLBACK, pkce, question } from '../test/oauth-browser.ts'
import { codeOf, PASSWORD, withApp } from '../test/second-factors.ts'
import { linksOf, textOf, visitorOf, type Page } from '../test/visitor.ts'

const LOGIN = '/oauth/account/login',
  settings = '/identity/resources/configurations/v1'
const address = () => `${unique('ada')}@example.com`

async function withProvider(more: object = {}) {
  const env = await newEnvironment(),
    type = unique('acme')
  const made = await env.vendor('POST', '/identity/resources/sso/custom/v1', custom(type, more))
  expect(made.status, JSON.stringify(made.body)).toBe(200)
  return { env, type }
}
const startIn = (page: Page) => linksOf(page).find((href) => href.includes('/prelogin'))!

/** From the button to the provider, and back to the page. @param said what the provider sends the browser back with */
async function through(
  visitor: ReturnType<typeof visitorOf>,
  page: Page,
  person: Person,
  said: (granted: { code: string; state: string }) => Record<string, string> = (granted) => granted,
) {
  const away = await visitor.open(startIn(page)),
    provider = new URL(String(away.headers['location'])),
    back = new URL(provider.searchParams.get('redirect_uri')!)
  const passed = await visitor.open(`${back.pathname}?${new URLSearchParams(said(grantedBy(provider, person)))}`),
    home = new URL(String(passed.headers['location']))
  expect(home.host).toBe(visitor.host)
  return { address: home.pathname + home.search, page: await visitor.open(home.pathname + home.search) }
}

describe.concurrent('the login page with other services', () => {
  test('has a button for each that is switched on, on the pages to log in and to sign up', async () => {
    const { env, type } = await withProvider()
    await env.vendor(
      'POST',
      '/identity/resources/sso/custom/v1',
      custom(unique('off'), { active: false, displayName: 'Off' }),
    )
    await env.vendor('POST', '/identity/resources/sso/v2/google', { clientId: 'c', secret: 's', active: true })
    for (const at of [LOGIN, '/account/sign-up']) {
      const page = await visitorOf(env).open(at)
      expect(textOf(page)).toMatch(/Continue with Google .*Continue with Acme/)
      expect(textOf(page)).not.toContain('Off')
      expect(
        linksOf(page).some((href) => href.startsWith(`/identity/resources/auth/v2/user/sso/custom/${type}/prelogin?`)),
      ).toBe(true)
    }
    await env.vendor('POST', settings, { allowSignups: false })
    expect(textOf(await visitorOf(env).open('/account/sign-up'))).not.toContain('Continue with')
  })

  test('logs in whom a service vouches for, once, and only in the browser that began', async () => {
    const { env } = await withProvider(),
      user = await env.newUser({ password: PASSWORD }),
      visitor = visitorOf(env)
    const { page, address: used } = await through(visitor, await visitor.open(LOGIN), verified(user.email))
    expect(page.address).toBe('/oauth/account')
    expect(textOf(page)).toContain(`You are logged in as ${user.email}`)
    for (const other of [visitor, visitorOf(env)]) {
      const again = await other.open(used)
      expect(again.status).toBe(401)
      expect(again.title).toMatch(/^Error/)
    }
  })

  test('signs up who comes for the first time, and says when that is not allowed', async () => {
    const { env } = await withProvider(),
      visitor = visitorOf(env),
      email = address()
    const { page } = await through(visitor, await visitor.open('/account/sign-up'), verified(email))
    expect(textOf(page)).toContain(`You are logged in as ${email}`)
    await env.vendor('POST', settings, { allowSignups: false })
    const other = visitorOf(env),
      refused = (await through(other, await other.open(LOGIN), verified(address()))).page
    expect(refused.status).toBe(403)
    expect(textOf(refused)).toContain('new ones cannot be made')
  })

  test('asks for the second factor, and then goes back to the client that asked for the login', async () => {
    const { env } = await withProvider(),
      user = await withApp(env),
      visitor = visitorOf(env)
    await allow(env)
    let login = await visitor.open(`/oauth/authorize?${new URLSearchParams(question(env, pkce().challenge))}`)
    while (login.headers['location']) login = await visitor.open(String(login.headers['location']))
    expect(login.address).toContain(LOGIN)
    const { page: factor } = await through(visitor, login, verified(user.email))
    expect(factor.html).toContain('one-time-code')
    const done = await visitor.submit(factor, { code: await codeOf(env, user.secret) })
    const back = await visitor.open(linksOf(done).at(-1)!),
      to = new URL(String(back.headers['location']))
    expect(to.href.startsWith(CALLBACK), to.href).toBe(true)
    expect(Object.fromEntries(to.searchParams)).toMatchObject({ code: expect.any(String), state: 'a state' })
  })

  test('says so when the service refuses, or does not vouch for the address', async () => {
    const { env } = await withProvider(),
      visitor = visitorOf(env)
    const { page } = await through(visitor, await visitor.open(LOGIN), verified(address()), ({ state }) => ({
      state,
      error: 'access_denied',
      error_description: '<b>Denied</b>',
    }))
    expect(page.status).toBe(400)
    expect(textOf(page)).toContain('You were not logged in there')
    expect(page.html).not.toContain('Denied')
    expect(linksOf(page)).toContain(LOGIN)
    const unproved = await through(visitor, await visitor.open(LOGIN), {
      sub: unique('s'),
      email: address(),
      name: 'A',
    })
    expect(unproved.page.status).toBe(403)
    expect(textOf(unproved.page)).toContain('does not vouch')
  })

  test('takes no state of others', async () => {
    const { env } = await withProvider()
    for (const state of ['', 'x', '[]', 'null', '{"provider":5}', '{"provider":"../../v1/logout"}']) {
      const page = await visitorOf(env).open(`/account/social/success?${new URLSearchParams({ code: 'x', state })}`)
      expect(page.status).toBeGreaterThanOrEqual(400)
      expect(page.status).toBeLessThan(500)
    }
  })
})
