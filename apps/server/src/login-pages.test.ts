import { serve } from '@henhouse/login'
import { describe, expect, test } from 'vitest'
import { authenticator } from '../test/authenticator.ts'
import { newEnvironment, newServer, unique, type TestEnvironment } from '../test/environment.ts'
import { codeOf, mfaPolicy, PASSWORD, strategies, withApp } from '../test/second-factors.ts'
import { formsOf, linksOf, textOf, visitorOf, type Page } from '../test/visitor.ts'

const LOGIN = '/oauth/account/login'
const settings = '/identity/resources/configurations/v1'
const NEW = 'Brand-new-9'

const sessionsOf = async (env: TestEnvironment, userId: string) =>
  (await env.context()).db.session.count({ where: { userId, endedAt: null } })
const lastMail = async (env: TestEnvironment, to: string) => (await env.messages({ to })).at(-1)!
const logIn = async (env: TestEnvironment, { email, password = PASSWORD }: { email: string; password?: string }) => {
  const visitor = visitorOf(env),
    page = await visitor.submit(await visitor.open(LOGIN), { identifier: email, password })
  return { visitor, page }
}
/** Nothing secret is in the address bar. */
const isClean = ({ address }: Page) => !address.includes('?')

describe.concurrent('the login page', () => {
  test('logs in with a password, and says who is logged in', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD })
    const { visitor, page } = await logIn(env, user)
    expect(page).toMatchObject({ status: 200, address: '/oauth/account' })
    expect(textOf(page)).toContain(`You are logged in as ${user.email}`)
    expect(Object.keys(visitor.cookies)).toEqual([`fe_refresh_${env.id.replace('-', '')}`])
    expect(await sessionsOf(env, user.id)).toBe(1)
    const asked = await visitor.open('/oauth/account/logout')
    expect(await sessionsOf(env, user.id)).toBe(1)
    expect((await visitor.submit(asked)).title).toContain('You are logged out')
    expect(await sessionsOf(env, user.id)).toBe(0)
    expect((await visitor.open('/oauth/account')).address).toBe(LOGIN)
  })

  test('says the same of a wrong password as of a name that nobody has', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD })
    const wrong = await logIn(env, { email: user.email, password: 'Wrong-1!' }),
      nobody = await logIn(env, { email: user.email.replace('user', 'nobody'), password: 'Wrong-1!' })
    expect(wrong.page.status).toBe(401)
    expect(wrong.page.title).toMatch(/^Error: Log in/)
    expect(textOf(wrong.page)).toContain('The email address or the password is wrong')
    expect(nobody.page.html.replace('nobody', 'user')).toBe(wrong.page.html)
    expect(wrong.page.html).not.toContain('Wrong-1!')
    expect(wrong.visitor.cookies).toEqual({})
  })

  test('names each field that is empty, and takes the focus there', async () => {
    const env = await newEnvironment(),
      visitor = visitorOf(env)
    const page = await visitor.submit(await visitor.open(LOGIN))
    expect(page.status).toBe(400)
    expect(page.html).toMatch(/<div class="problem" role="alert" tabindex="-1" autofocus/)
    for (const name of ['identifier', 'password']) {
      expect(page.html).toContain(`<a href="#${name}">`)
      expect(page.html).toMatch(
        new RegExp(`<input id="${name}"[^>]*aria-describedby="${name}-fault"[^>]*aria-invalid="true"`),
      )
    }
  })

  test('lets password managers and phones fill in its fields', async () => {
    const env = await newEnvironment(),
      user = await withApp(env)
    const field = ({ html }: Page, name: string) => new RegExp(`<input id="${name}"[^>]*>`).exec(html)![0]
    const page = await visitorOf(env).open(LOGIN),
      { page: second } = await logIn(env, user)
    expect(field(page, 'identifier')).toContain('autocomplete="username"')
    expect(field(page, 'password')).toMatch(/type="password".* autocomplete="current-password"/)
    expect(field(await visitorOf(env).open('/account/sign-up'), 'password')).toContain('autocomplete="new-password"')
    // one field for the whole code
    expect(second.html.match(/<input(?![^>]*type="hidden")/g)).toHaveLength(1)
    expect(field(second, 'code')).toMatch(/inputmode="numeric".* autocomplete="one-time-code"/)
  })

  test('counts its guesses with those at the API, and shows when a user is locked, who unlocks themselves', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD })
    await env.vendor('POST', `${settings}/lockout-policy`, { enabled: true, maxAttempts: 2 })
    await env.anonymous('POST', '/identity/resources/auth/v1/user', { email: user.email, password: 'Wrong-1!' })
    await logIn(env, { email: user.email, password: 'Wrong-1!' })
    const { page } = await logIn(env, user)
    expect(page).toMatchObject({ status: 423, title: expect.stringContaining('Your account is locked') })
    await env.runJobs()
    const { link } = await lastMail(env, user.email),
      visitor = visitorOf(env),
      opened = await visitor.open(link!)
    expect(opened.status).toBe(200)
    expect((await logIn(env, user)).page.status).toBe(423)
    const unlocked = await visitor.submit(opened)
    expect(unlocked.title).toContain('Your account is unlocked')
    expect(isClean(unlocked)).toBe(true)
    expect((await visitor.submit(opened)).status).toBe(410)
    expect((await logIn(env, user)).page.status).toBe(200)
  })

  test('lets the user choose among their accounts', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD }),
      name = unique('Globex'),
      tenantId = await env.newTenant(name)
    const ctx = await env.context(),
      now = ctx.clock.now()
    await ctx.db.membership.create({ data: { userId: user.id, tenantId, acceptedAt: now, createdAt: now } })
    const { visitor, page } = await logIn(env, user)
    const there = await visitor.submit(page, {}, name)
    expect(textOf(there)).toContain(`Your account: ${name}`)
    const foreign = await env.newTenant()
    expect((await visitor.post('/oauth/account/account', { tenantId: foreign })).status).toBe(404)
  })
})

describe.concurrent('a form of the login page', () => {
  test.for([
    ['another site', { origin: 'https://evil.test' }],
    ['a page without an origin', { origin: 'null' }],
    ['another site, as the browser says', { 'sec-fetch-site': 'cross-site' }],
    ['another host of the same site', { 'sec-fetch-site': 'same-site' }],
    ['no page', { origin: '' }],
  ] as const)('is refused from %s', async ([, headers]) => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD })
    const page = await visitorOf(env).post(LOGIN, { identifier: user.email, password: PASSWORD }, { ...headers })
    expect(page.status).toBe(403)
    expect(page.headers['set-cookie']).toBeUndefined()
    expect(await sessionsOf(env, user.id)).toBe(0)
  })

  test('is taken from our page where the browser says so, whatever the origin', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD }),
      headers = { origin: 'null', 'sec-fetch-site': 'same-origin' }
    const page = await visitorOf(env).post(LOGIN, { identifier: user.email, password: PASSWORD }, headers)
    expect(page.address).toBe('/oauth/account')
  })

  test('must be a form: JSON is not read, and too much is refused', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD }),
      visitor = visitorOf(env)
    const { http } = await newServer(),
      headers = { host: visitor.host, origin: `http://${visitor.host}` }
    const asJson = await http.inject({
      method: 'POST',
      url: LOGIN,
      headers,
      payload: { identifier: user.email, password: PASSWORD },
    })
    expect(asJson.statusCode).toBe(400)
    expect((await visitor.post(LOGIN, { identifier: 'x'.repeat(300_000) })).status).toBe(413)
  })
})

describe.concurrent('every page', () => {
  test('allows no code of its own, no other server, and no frame around it', async () => {
    const env = await newEnvironment()
    for (const address of [LOGIN, '/account/login', '/frontegg/oauth/account/sign-up', '/oauth/account/nowhere']) {
      const { headers, html } = await visitorOf(env).open(address),
        policy = String(headers['content-security-policy'])
      for (const part of ["default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"])
        expect(policy).toContain(part)
      expect(policy).not.toContain('unsafe')
      expect(headers).toMatchObject({
        'cache-control': 'no-store',
        'referrer-policy': 'same-origin',
        'x-content-type-options': 'nosniff',
      })
      expect(html).not.toMatch(/<script(?![^>]*\ssrc="\/)|\sstyle="|\son\w+="|<style/)
      expect(html).not.toMatch(/\s(?:src|href|action)="(?:https?:)?\/\//)
    }
  })

  test('finds its stylesheet and its script, which are small and may be kept', async () => {
    const env = await newEnvironment(),
      visitor = visitorOf(env),
      { html } = await visitor.open('/frontegg/account/login')
    const paths = [...html.matchAll(/(?:href|src)="(\/[^"]*assets[^"]*)"/g)].map(([, path]) => path!)
    expect(paths).toHaveLength(2)
    for (const path of paths) {
      const asset = await visitor.open(path)
      expect(asset).toMatchObject({ status: 200, headers: { 'cache-control': expect.stringContaining('immutable') } })
      expect(asset.html.length).toBeLessThan(15_000)
    }
    expect((await visitor.open('/account/assets/0/style.css')).status).toBe(404)
  })

  const attacks = [
    '"><script>alert(1)</script></title><svg onload=alert(1)>',
    '"autofocus onfocus="alert(1)" x=\'',
    'javascript:alert(1)//<img src=x onerror=alert(1)>',
  ]
  const pages = [
    'login',
    'login/code',
    'login/factor',
    'login/enrol',
    'login/passkey',
    'login/magic-link',
    'forget-password',
    'reset-password',
    'activate',
    'activate/code',
    'invitation/accept',
    'invitation/code',
    'unlock',
    'sign-up',
    'account',
    'logout',
    'logged-out',
    'step-up',
    'consent',
    '',
  ]
  const names = [
    'state', 'client_id', 'invitationToken', 'login_hint', 'identifier', 'password', 'token', 'userId', 'code', 'way', 'to',
    'mfaToken', 'ways', 'at', 'otcToken', 'sentTo', 'email', 'recoveryCode', 'assertion', 'webauthnToken', 'phoneNumber', 'name', 'companyName', 'tenantId', 'acr_values',
  ] // prettier-ignore
  test.for(pages)('%s shows what it is sent as text', async (path) => {
    const env = await newEnvironment()
    for (const attack of attacks) {
      const fields = Object.fromEntries(names.map((name) => [name, attack])),
        visitor = visitorOf(env)
      for (const page of [
        await visitor.open(`/oauth/account/${path}?${new URLSearchParams(fields)}`),
        await visitor.post(`/oauth/account/${path}`, fields),
        await visitor.post(`/oauth/account/${path}`, { ...fields, do: 'recovered' }),
      ]) {
        expect(page.status, `${path} ${attack}`).toBeLessThan(500)
        // what stands in quotes is text, and no quote of an attack is left to end it
        const tags = page.html
          .replaceAll(/="[^"]*"/g, '=""')
          .match(/<[^>]*>/g)!
          .join('')
        expect(tags).not.toMatch(/<script(?! src="" defer)|<svg|<img src=x|\son\w+=|\sautofocus onfocus/)
        expect(tags.match(/<script/g)).toHaveLength(1)
        expect(linksOf(page).filter((href) => !href.startsWith('/oauth/account'))).toEqual([])
        expect(formsOf(page).filter(({ action }) => !action.startsWith('/oauth/account/'))).toEqual([])
      }
    }
  })

  test('sends nobody elsewhere, whatever the address says', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD })
    const elsewhere = 'https://evil.test/'
    const names = ['redirect_uri', 'redirectUrl', 'next', 'returnTo', 'post_logout_redirect_uri'],
      query = new URLSearchParams(Object.fromEntries(names.map((name) => [name, elsewhere])))
    const visitor = visitorOf(env),
      page = await visitor.submit(await visitor.open(`${LOGIN}?${query}`), {
        identifier: user.email,
        password: PASSWORD,
      })
    expect(page.address).toBe('/oauth/account')
    expect(page.html).not.toContain('evil.test')
    for (const path of ['//oauth/account/login', '//frontegg//oauth//account//login', '/oauth/account/login//']) {
      const { status, body } = await env.anonymous('GET', `http://localhost${path}`)
      expect(status).toBe(200)
      expect(body).toMatch(/action="(?:\/frontegg)?\/oauth\/account\/login"/)
      expect(body).not.toMatch(/(?:href|src|action)="\/\//)
    }
  })

  test('is in German for browsers that prefer it', async () => {
    const env = await newEnvironment()
    const german = await visitorOf(env, { 'accept-language': 'fr, de-AT;q=0.9, en;q=0.5' }).open(LOGIN)
    expect(german.html).toContain('<html lang="de">')
    expect(german.title).toContain('Anmelden')
    expect((await visitorOf(env, { 'accept-language': 'fr, en;q=0.9, de;q=0.5' }).open(LOGIN)).title).toContain(
      'Log in',
    )
  })

  test('wears the colour and the logo of the environment, and nothing else that its settings say', async () => {
    const env = await newEnvironment(),
      logo = 'data:image/png;base64,iVBORw0KGgo='
    const dress = (main: string, image: string) =>
      env.vendor('POST', '/metadata', {
        entityName: 'adminBox',
        configuration: { themeV2: { loginBox: { palette: { primary: { main } }, logo: { image } } } },
      })
    await dress('#FFE000', logo)
    const visitor = visitorOf(env),
      { html } = await visitor.open(LOGIN)
    expect(html).toContain(`src="${logo}"`)
    const [, path] = /href="([^"]*assets\/colour\/ffe000\.css)"/.exec(html)!
    const { html: css } = await visitor.open(path!)
    // yellow on white cannot be read
    expect(css).not.toMatch(/^:root\{--accent:#ffe000/)
    expect(css).toMatch(/dark\)\{:root\{--accent:#ffe000;--on-accent:#000000\}\}$/)
    await dress('red;}body{background:url(https://evil.test)', 'https://evil.test/logo.png')
    const plain = await visitor.open(LOGIN)
    expect(plain.html).not.toContain('evil.test')
    expect(plain.html).not.toContain('colour/')
  })
})

describe.concurrent('a second factor', () => {
  test('is asked for, and a wrong code asks again', async () => {
    const env = await newEnvironment(),
      user = await withApp(env)
    const { visitor, page } = await logIn(env, user)
    expect(page.title).toContain('Confirm that it is you')
    expect(isClean(page)).toBe(true)
    expect(visitor.cookies).toEqual({})
    const wrong = await visitor.submit(page, { code: '000000' })
    expect(wrong.status).toBe(401)
    expect(textOf(wrong)).toContain('The code is wrong')
    const right = await visitor.submit(wrong, { code: await codeOf(env, user.secret) })
    expect(textOf(right)).toContain(`You are logged in as ${user.email}`)
    // the token of the step works once
    expect((await visitor.submit(page, { code: await codeOf(env, user.secret, 1) })).status).toBe(401)
  })

  test('that is lost makes way for the recovery code, once', async () => {
    const env = await newEnvironment(),
      user = await withApp(env)
    const { visitor, page } = await logIn(env, user)
    const form = await visitor.submit(page, {}, 'I have lost my second factor')
    const wrong = await visitor.submit(form, { recoveryCode: 'not it', email: user.email })
    expect(textOf(wrong)).toContain('The recovery code is wrong')
    const done = await visitor.submit(wrong, { recoveryCode: user.recoveryCode, email: user.email })
    expect(done.title).toContain('Your second factors are gone')
    expect((await logIn(env, user)).page.address).toBe('/oauth/account')
  })

  test('may be a mailed code, which can be sent again', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD })
    await env.vendor('POST', `${settings}/mfa`, { email: { active: true, tokenLifetimeSeconds: 360, sender: '' } })
    await env.vendor('POST', mfaPolicy, {})
    const { visitor, page } = await logIn(env, user)
    const mailed = async () => env.messages({ to: user.email, template: 'MFAOTC' })
    expect(await mailed()).toHaveLength(1)
    const again = await visitor.submit(page, {}, 'Send another code'),
      mails = await mailed()
    expect(mails).toHaveLength(2)
    expect((await visitor.submit(again, { code: mails.at(-1)!.code! })).address).toBe('/oauth/account')
  })

  test('that the policy asks for is set up at the login, by picture or key, and gives a recovery code', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD })
    await env.vendor('POST', mfaPolicy, {})
    const { visitor, page } = await logIn(env, user)
    expect(page.title).toContain('Set up a second factor')
    expect(page.html).toMatch(/<img class="qr" src="data:image\/png;base64,/)
    const secret = /<code>([A-Z2-7 ]+)<\/code>/.exec(page.html)![1]!.replaceAll(' ', '')
    const wrong = await visitor.submit(page, { code: '000000' })
    expect(wrong.status).toBe(401)
    expect(wrong.html).toContain(secret.slice(0, 4))
    const kept = await visitor.submit(wrong, { code: await codeOf(env, secret) })
    expect(kept.title).toContain('Keep your recovery code')
    const recoveryCode = /<code>([0-9a-f-]{36})<\/code>/.exec(kept.html)![1]!
    expect(textOf(await visitor.open(linksOf(kept)[0]!))).toContain(user.email)
    expect(
      await env.anonymous('POST', '/identity/resources/auth/v1/user/mfa/recover', { recoveryCode, email: user.email }),
    ).toMatchObject({ status: 200 })
  })

  test('may be a phone, set up at the login', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD })
    await env.vendor('POST', strategies, { strategy: 'SMS', isActive: true })
    await env.vendor('POST', mfaPolicy, {})
    const { visitor, page } = await logIn(env, user)
    const form = await visitor.submit(page, {}, 'Use text messages instead')
    expect((await visitor.submit(form, { phoneNumber: 'no number' })).status).toBe(400)
    const sent = await visitor.submit(form, { phoneNumber: '+49 (151) 234 567-89' })
    const { code } = await lastMail(env, '+4915123456789')
    const kept = await visitor.submit(sent, { code: code! })
    expect(kept.title).toContain('Keep your recovery code')
    const later = await logIn(env, user)
    expect(textOf(later.page)).toContain('We have sent a code to')
    const next = (await lastMail(env, '+4915123456789')).code!
    expect((await later.visitor.submit(later.page, { code: next })).address).toBe('/oauth/account')
  })
})

/** The form that a key fills in, and what it has to sign. */
function keyFormIn(page: Page) {
  const form = formsOf(page).find(({ fields }) => 'assertion' in fields)!
  const options = /data-options="([^"]*)"/.exec(page.html)![1]!.replaceAll('&quot;', '"')
  return { form, options: JSON.parse(options) as Parameters<ReturnType<typeof authenticator>['get']>[0] }
}

describe.concurrent('a passkey', () => {
  test('logs in, once for each signature', async () => {
    const env = await newEnvironment(),
      user = await env.user({ password: PASSWORD }),
      key = authenticator({ origin: `http://${env.name}.localhost:3100` }),
      devices = '/identity/resources/users/webauthn/v1/devices'
    const { body } = await user('POST', devices)
    expect((await user('POST', `${devices}/verify`, key.create(body.options))).status).toBe(201)
    const visitor = visitorOf(env),
      page = await visitor.submit(await visitor.open(LOGIN), {}, 'Log in with a passkey')
    expect(visitor.cookies).toEqual({})
    const { form, options } = keyFormIn(page),
      assertion = JSON.stringify(key.get(options))
    const home = await visitor.post(form.action, { ...form.fields, assertion })
    expect(textOf(home)).toContain(user.email)
    const again = await visitor.post(form.action, { ...form.fields, assertion })
    expect(again.status).toBe(401)
    expect(textOf(again)).toContain('The passkey did not work')
    expect((await visitor.post(form.action, { ...form.fields, assertion: '{"id":1}' })).status).toBe(400)
  })

  test('or a security key is enrolled where a second factor is forced, and only of the kind that may be', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD }),
      key = authenticator({ origin: `http://${env.name}.localhost:3100` })
    await env.vendor('POST', mfaPolicy, {})
    for (const strategy of ['AuthenticatorApp', 'SMS'])
      await env.vendor('POST', strategies, { strategy, isActive: false })
    await env.vendor('POST', strategies, { strategy: 'WebAuthnCrossPlatform', isActive: true })
    const { visitor, page } = await logIn(env, user)
    expect(page.title).toContain('Set up a second factor')
    expect(textOf(page)).not.toContain('Use this device')
    const { form, options } = keyFormIn(page)
    expect(options).toMatchObject({ authenticatorSelection: { authenticatorAttachment: 'cross-platform' } })
    const send = (assertion: string, more = {}, from = form) =>
      visitor.post(from.action, { ...from.fields, do: 'keep-CrossPlatform', assertion, ...more })
    const wrong = await send('')
    expect([wrong.status, textOf(wrong).includes('That did not work')]).toEqual([400, true])
    const made = JSON.stringify(key.create(options as never))
    expect((await send(made, { do: 'keep-Platform' })).status).toBe(400)
    expect(visitor.cookies).toEqual({})
    const kept = await send(made)
    expect(kept.title).toContain('Keep your recovery code')
    expect(Object.keys(visitor.cookies)).toHaveLength(1)
    expect((await send(made)).status).toBe(401)
    const second = await logIn(env, user),
      asked = keyFormIn(second.page)
    const home = await second.visitor.post(asked.form.action, {
      ...asked.form.fields,
      assertion: JSON.stringify(key.get(asked.options)),
    })
    expect(textOf(home)).toContain(`You are logged in as ${user.email}`)
  })

  test('is one of the ways to choose from, where there are several', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD })
    await env.vendor('POST', mfaPolicy, {})
    for (const strategy of ['AuthenticatorApp', 'SMS', 'WebAuthnPlatform', 'WebAuthnCrossPlatform'])
      await env.vendor('POST', strategies, { strategy, isActive: true })
    const { visitor, page } = await logIn(env, user)
    expect(page.html).toContain('class="qr"')
    const device = await visitor.submit(page, {}, 'Use this device instead')
    expect(keyFormIn(device).options).toMatchObject({ authenticatorSelection: { authenticatorAttachment: 'platform' } })
    const phone = await visitor.submit(device, {}, 'Use text messages instead')
    expect(phone.html).toContain('name="phoneNumber"')
    const app = await visitor.submit(phone, {}, 'Use an authenticator app instead')
    expect(app.html).toContain('class="qr"')
  })

  test('or a security key is a second factor', async () => {
    const env = await newEnvironment(),
      user = await env.user({ password: PASSWORD }),
      key = authenticator({ origin: `http://${env.name}.localhost:3100` }),
      own = '/identity/resources/users/v1/mfa/webauthn/enroll'
    await env.vendor('POST', strategies, { strategy: 'WebAuthnCrossPlatform', isActive: true })
    const { body } = await user('POST', own)
    const options = key.create(body.options)
    expect(
      await user('POST', `${own}/verify`, { deviceType: 'CrossPlatform', webauthnToken: body.webauthnToken, options }),
    ).toMatchObject({ status: 200 })
    const { visitor, page } = await logIn(env, user)
    expect(visitor.cookies).toEqual({})
    const { form, options: asked } = keyFormIn(page)
    const wrong = await visitor.post(form.action, { ...form.fields, assertion: '' })
    expect(wrong.status).toBe(400)
    const home = await visitor.post(form.action, { ...form.fields, assertion: JSON.stringify(key.get(asked)) })
    expect(textOf(home)).toContain(user.email)
  })
})

describe.concurrent('a mailed link', () => {
  test('to a new password shows a form, and only the form uses it up', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD }),
      visitor = visitorOf(env)
    const asked = await visitor.open(
      linksOf(await visitor.open('/account/login')).find((href) => href.includes('forget'))!,
    )
    const known = await visitor.submit(asked, { identifier: user.email }),
      unknown = await visitor.submit(asked, { identifier: user.email.replace('user', 'nobody') })
    expect(unknown.html.replaceAll('nobody', 'user')).toBe(known.html)
    const { link } = await lastMail(env, user.email)
    for (let times = 0; times < 3; times++) expect((await visitor.open(link!)).status).toBe(200)
    const form = await visitor.open(link!)
    expect(textOf(form)).toContain('6 to 128 characters')
    const weak = await visitor.submit(form, { password: 'x' })
    expect([weak.status, isClean(weak)]).toEqual([400, true])
    expect(textOf(weak)).toContain('not strong enough')
    const saved = await visitor.submit(weak, { password: NEW })
    expect(saved.title).toContain('Your password is saved')
    expect((await visitor.submit(form, { password: NEW })).status).toBe(410)
    expect((await visitor.open(link!)).status).toBe(410)
    expect((await logIn(env, { email: user.email, password: NEW })).page.status).toBe(200)
  })

  test('that activates asks for a password, and logs in', async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant(),
      email = `${unique('new')}@example.com`,
      visitor = visitorOf(env)
    await env.as(tenantId)('POST', '/identity/resources/users/v2', { email })
    const { link } = await lastMail(env, email)
    expect(new URL(link!).pathname).toBe('/account/activate')
    const form = await visitor.open(link!)
    expect((await visitor.submit(form)).status).toBe(400)
    expect(textOf(await visitor.submit(form, { password: 'x' }))).toContain('not strong enough')
    const page = await visitor.submit(await visitor.open(link!), { password: NEW })
    expect(page.address).toBe('/account')
    expect(textOf(page)).toContain(email)
    expect((await visitor.submit(form, { password: NEW })).status).toBe(410)
  })

  test('that invites is accepted by a button', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD }),
      to = await env.newTenant()
    await env.as(to)('POST', '/identity/resources/users/v2', { email: user.email })
    const { link } = await lastMail(env, user.email),
      visitor = visitorOf(env),
      form = await visitor.open(link!)
    const accepted = async () =>
      (await env.context()).db.membership.count({ where: { userId: user.id, tenantId: to, acceptedAt: { not: null } } })
    expect(await accepted()).toBe(0)
    expect((await visitor.submit(form)).title).toContain('You have accepted the invitation')
    expect(await accepted()).toBe(1)
    expect((await visitor.submit(form)).status).toBe(410)
  })

  test('that logs in does so by a button, in the environments that have it', async () => {
    const env = await newEnvironment(),
      user = await env.newUser(),
      visitor = visitorOf(env)
    await env.vendor('POST', settings, { authStrategy: 'MagicLink' })
    const asked = await visitor.open('/account/login')
    expect(formsOf(asked)[0]!.inputs).toEqual(['identifier'])
    const known = await visitor.submit(asked, { identifier: user.email }),
      unknown = await visitor.submit(asked, { identifier: user.email.replace('user', 'nobody') })
    expect(unknown.html.replaceAll('nobody', 'user')).toBe(known.html)
    const { link } = await lastMail(env, user.email),
      form = await visitor.open(link!)
    expect(await sessionsOf(env, user.id)).toBe(0)
    expect(textOf(await visitor.submit(form))).toContain(user.email)
    expect(await sessionsOf(env, user.id)).toBe(1)
    expect((await visitor.submit(form)).status).toBe(410)
  })
})

describe.concurrent('a password', () => {
  test('that is too old is replaced at the login', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD })
    await env.vendor('POST', `${settings}/password-rotation`, {
      isActive: true,
      rotationPeriod: 100,
      notificationPeriod: 10,
    })
    await env.clock.advance(101 * 60_000)
    const { visitor, page } = await logIn(env, user)
    expect(page.title).toContain('Your password has expired')
    expect(visitor.cookies).toEqual({})
    expect((await visitor.submit(page)).status).toBe(400)
    expect((await visitor.submit(page, { password: NEW })).title).toContain('Your password is saved')
    expect((await logIn(env, { email: user.email, password: NEW })).page.address).toBe('/oauth/account')
  })

  test('that others know opens nothing', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: 'password' })
    await env.vendor('POST', `${settings}/password`, { blockPwnedPasswords: true })
    const { visitor, page } = await logIn(env, { email: user.email, password: 'password' })
    expect(page).toMatchObject({ status: 401, title: expect.stringContaining('Your password is known to others') })
    expect(visitor.cookies).toEqual({})
    const { link } = await lastMail(env, user.email),
      form = await visitor.open(link!)
    expect(textOf(await visitor.submit(form, { password: 'password' }))).toContain('among stolen ones')
    expect((await visitor.submit(form, { password: NEW })).title).toContain('Your password is saved')
  })
})

describe.concurrent('a mailed code', () => {
  test('activates and invites, where the environment says so, and wrong ones are counted', async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant(),
      email = `${unique('new')}@example.com`,
      member = await env.newUser({ password: PASSWORD }),
      visitor = visitorOf(env)
    for (const kind of ['activation', 'invitation'])
      await env.vendor('POST', `${settings}/${kind}/strategies`, { strategy: 'code', codeExpiration: 3600 })
    const wrongOf = (code: string) => (code === '000000' ? '111111' : '000000')
    await env.as(tenantId)('POST', '/identity/resources/users/v2', { email })
    const activation = await lastMail(env, email)
    expect(new URL(activation.link!).pathname).toBe('/account/activate/code')
    const form = await visitor.open(activation.link!),
      wrong = await visitor.submit(form, { code: wrongOf(activation.code!), password: NEW })
    expect([wrong.status, isClean(wrong)]).toEqual([401, true])
    expect(textOf(wrong)).toContain('The code is wrong')
    expect(textOf(await visitor.submit(wrong, { code: activation.code!, password: NEW }))).toContain(email)
    await env.as(tenantId)('POST', '/identity/resources/users/v2', { email: member.email })
    const invitation = await lastMail(env, member.email)
    expect(new URL(invitation.link!).pathname).toBe('/account/invitation/code')
    const accepting = await visitor.open(invitation.link!)
    expect((await visitor.submit(accepting, { code: wrongOf(invitation.code!) })).status).toBe(401)
    expect((await visitor.submit(accepting, { code: invitation.code! })).title).toContain('You have accepted')
    expect((await visitor.submit(accepting, { code: invitation.code! })).status).toBe(410)
  })

  test('by text message logs in, to a number that is shown in part', async () => {
    const env = await newEnvironment(),
      user = await env.newUser(),
      phoneNumber = '+4915112345678',
      visitor = visitorOf(env)
    await env.vendor('POST', settings, { authStrategy: 'SmsCode' })
    await env.vendor('PUT', `/identity/resources/users/v1/${user.id}`, { phoneNumber })
    const form = await visitor.submit(await visitor.open(LOGIN), { identifier: user.email })
    expect(textOf(form)).not.toContain(phoneNumber)
    const { code } = await lastMail(env, phoneNumber)
    expect(textOf(await visitor.submit(form, { code: code! }))).toContain(user.email)
  })

  test('logs in, in the browser that asked for it', async () => {
    const env = await newEnvironment(),
      user = await env.newUser(),
      visitor = visitorOf(env)
    await env.vendor('POST', settings, { authStrategy: 'Code' })
    const form = await visitor.submit(await visitor.open(LOGIN), { identifier: user.email })
    const { code } = await lastMail(env, user.email)
    const wrong = await visitor.submit(form, { code: code === '000000' ? '111111' : '000000' })
    expect([wrong.status, isClean(wrong)]).toEqual([401, true])
    expect(textOf(await visitor.submit(wrong, { code: code! }))).toContain(user.email)
  })
})

describe.concurrent('signing up', () => {
  test('makes an account, and has the address confirmed', async () => {
    const env = await newEnvironment(),
      visitor = visitorOf(env),
      email = `${unique('new')}@example.com`
    const form = await visitor.open(linksOf(await visitor.open(LOGIN)).find((href) => href.includes('sign-up'))!)
    const empty = await visitor.submit(form)
    expect(empty.html).toContain('href="#email"')
    expect(textOf(await visitor.submit(form, { email: 'no address', companyName: 'Globex', password: NEW }))).toContain(
      'name@example.com',
    )
    const sent = await visitor.submit(form, { email, name: 'Ada', companyName: unique('Globex'), password: NEW })
    expect(sent.title).toContain('Look into your mail')
    const { link } = await lastMail(env, email)
    expect(textOf(await visitor.submit(await visitor.open(link!)))).toContain(email)
    expect((await logIn(env, { email, password: NEW })).page.status).toBe(200)
    const taken = await visitor.submit(form, { email, companyName: unique('Globex'), password: NEW })
    expect(taken.status).toBe(409)
  })

  test('by an invitation link leads into the account that invites, also through the login', async () => {
    const env = await newEnvironment(),
      name = unique('Globex'),
      tenantId = await env.newTenant(name),
      email = `${unique('new')}@example.com`
    const { body } = await env.vendor('POST', '/identity/resources/tenants/invites/v1', { tenantId })
    const visitor = visitorOf(env),
      login = await visitor.open(`/account/login?invitationToken=${body.token}`),
      form = await visitor.open(linksOf(login).find((href) => href.includes('sign-up'))!)
    expect(textOf(form)).toContain(`You have been invited to ${name}`)
    expect((await visitor.submit(form, { email, password: NEW })).title).toContain('Look into your mail')
    const ctx = await env.context()
    expect(await ctx.db.membership.count({ where: { tenantId, user: { email } } })).toBe(1)
    const user = await env.newUser({ password: PASSWORD }),
      other = visitorOf(env)
    const page = await other.submit(await other.open(login.address), { identifier: user.email, password: PASSWORD })
    expect(textOf(page)).toContain(name)
  })

  test('is not offered where it is switched off', async () => {
    const env = await newEnvironment()
    await env.vendor('POST', settings, { allowSignups: false })
    expect(linksOf(await visitorOf(env).open(LOGIN)).some((href) => href.includes('sign-up'))).toBe(false)
    expect(formsOf(await visitorOf(env).open('/oauth/account/sign-up'))).toEqual([])
  })
})

test.for([
  ['the API', async () => ({ status: 503, body: {} as never, traceId: 'trace-of-the-api', retryAfterSeconds: 1 })],
  ['the page', async () => Promise.reject(new Error('secret detail'))],
] as const)('a fault of %s is told with a number for the operator, and no more', async ([whose, api]) => {
  const reported: unknown[] = []
  const { status, body } = await serve({
    method: 'GET',
    base: '/account',
    path: '/login',
    fields: {},
    acceptLanguage: 'en',
    isOurs: true,
    api,
    traceId: 'trace-of-the-page',
    report: (error) => reported.push(error),
  })
  expect(status).toBe(whose === 'the API' ? 503 : 500)
  expect(body).toContain(whose === 'the API' ? '<code>trace-of-the-api</code>' : '<code>trace-of-the-page</code>')
  expect(body).toContain('Something went wrong')
  expect(body).not.toContain('secret detail')
  expect(reported).toHaveLength(whose === 'the API' ? 0 : 1)
})

test('limits of the API hold on its pages, for the address that the browser has', async () => {
  const on = await newServer({ rateLimits: true }),
    env = await newEnvironment(on),
    from = (address: string) => visitorOf(env, { 'x-forwarded-for': address }, on)
  const statuses = await Promise.all(
    Array.from(
      { length: 12 },
      async (_, n) =>
        (await from('198.51.100.7').post('/account/forget-password', { identifier: `nobody-${n}@example.com` })).status,
    ),
  )
  expect(statuses.filter((status) => status === 429)).toHaveLength(2)
  expect((await from('198.51.100.8').post('/account/forget-password', { identifier: 'x@example.com' })).status).toBe(
    200,
  )
})
