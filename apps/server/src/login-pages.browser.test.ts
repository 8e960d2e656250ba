import { join } from 'node:path'
import axe from 'axe-core'
import { chromium, type BrowserContext, type Page } from 'playwright-core'
import { afterAll, describe, expect, test } from 'vitest'
import { newEnvironment, newServer, type TestEnvironment } from '../test/environment.ts'
import { allow, pkce, question } from '../test/oauth-browser.ts'
import { freePort } from '../test/program.ts'
import { mfaPolicy, PASSWORD, strategies, withApp } from '../test/second-factors.ts'
import { chromiumFor } from '../test/chromium.ts'

/*
 * The login page in a real browser. `SCREENSHOTS=<folder>` keeps a picture of each screen.
 */

const executablePath = chromiumFor('the tests of the login page in a browser')

const LOGIN = '/oauth/account/login'
const pictures = process.env['SCREENSHOTS']

describe.skipIf(executablePath === undefined)('in a browser, the login page', { timeout: 300_000 }, () => {
  const started = start()

  async function start() {
    if (executablePath === undefined) throw new Error('no browser')
    const port = await freePort(),
      on = await newServer({ publicUrl: new URL(`http://localhost:${port}`) })
    await on.http.listen({ port, host: '127.0.0.1' })
    return { port, on, browser: await chromium.launch({ executablePath, args: ['--no-sandbox'] }) }
  }
  started.catch(() => {})
  afterAll(async () => {
    const { on, browser } = await started
    await browser.close()
    await on.http.close()
  })

  /** A tab of a fresh browser, and what went wrong in it. */
  async function tab(
    env: TestEnvironment,
    options: Parameters<Awaited<typeof started>['browser']['newContext']>[0] = {},
  ) {
    const { port, browser } = await started,
      origin = `http://${env.name}.localhost:${port}`,
      context: BrowserContext = await browser.newContext({ baseURL: origin, locale: 'en', ...options }),
      page = await context.newPage(),
      wrong: string[] = []
    page.on('request', (request) => {
      if (!request.url().startsWith(origin) && !request.url().startsWith('data:')) wrong.push(`asked ${request.url()}`)
    })
    page.on('console', (message) => {
      // a refused form is an answer of 400 or 401
      if (message.type() === 'error' && !/status of 4\d\d/.test(message.text())) wrong.push(message.text())
    })
    page.on('pageerror', (error) => wrong.push(error.message))
    return { page, wrong, origin, context }
  }
  const environment = async () => newEnvironment((await started).on)
  const logIn = async (page: Page, { email }: { email: string }, password = PASSWORD) => {
    await page.goto(LOGIN)
    await page.getByLabel('Email address').fill(email)
    await page.getByLabel('Password', { exact: true }).fill(password)
    await page.getByRole('button', { name: 'Log in', exact: true }).click()
  }
  /** What axe finds, and whether the page is wider than the screen. */
  async function faultsOf(page: Page, name: string) {
    await page.evaluate(axe.source)
    const { violations } = await page.evaluate<axe.AxeResults>(
      'axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] })',
    )
    const overflow = await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')
    if (pictures) await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true })
    return [
      ...violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`),
      ...(Number(overflow) > 0 ? [`${overflow as number} pixels too wide`] : []),
    ]
  }

  test.for([
    ['light', 1280, 800, 1],
    ['dark', 1280, 800, 1],
    ['light', 320, 800, 1],
    ['dark', 320, 800, 1],
    // a screen of 1280 by 1024 pixels at 400 % (WCAG 2.2 §1.4.10)
    ['light', 320, 256, 4],
  ] as const)('has no fault that axe finds, and fits the screen: %s, %d by %d pixels, scale %d', async (shape) => {
    const [colorScheme, width, height, scale] = shape
    const env = await environment(),
      user = await env.newUser({ password: PASSWORD }),
      guarded = await withApp(env),
      { page, wrong } = await tab(env, { colorScheme, viewport: { width, height }, deviceScaleFactor: scale }),
      found: Record<string, string[]> = {}
    const look = async (name: string) => {
      const faults = await faultsOf(page, `${name}-${colorScheme}-${width}${scale === 1 ? '' : `-at-${scale}`}`)
      if (faults.length) found[name] = faults
    }
    await allow(env)
    await page.goto(LOGIN)
    await look('login')
    await logIn(page, user, 'Wrong-1!')
    await look('login-refused')
    for (const name of ['sign-up', 'forget-password', 'logout', 'logged-out', 'nowhere', 'unlock']) {
      await page.goto(`/oauth/account/${name}`)
      await look(name)
    }
    await logIn(page, guarded)
    await look('second-factor')
    await page.getByRole('button', { name: 'I have lost my second factor' }).click()
    await look('recovery')
    await logIn(page, user)
    await look('home')
    await page.goto('/oauth/account/step-up')
    await look('step-up')
    await page.getByRole('button', { name: 'Continue' }).click()
    await look('step-up-refused')
    await page.goto(`/oauth/authorize?${new URLSearchParams(question(env, pkce().challenge, { prompt: 'consent' }))}`)
    await page.getByRole('heading', { name: /^Let .* in/ }).waitFor()
    await look('consent')
    await page.goto('/oauth/account/forget-password')
    await page.getByLabel('Username or email address').fill(user.email)
    await page.getByRole('button').click()
    await look('reset-sent')
    const { link } = (await env.messages({ to: user.email })).at(-1)!
    await page.goto(new URL(link!).pathname + new URL(link!).search)
    await look('reset-password')
    await env.vendor('POST', mfaPolicy, {})
    for (const strategy of ['SMS', 'WebAuthnPlatform', 'WebAuthnCrossPlatform'])
      await env.vendor('POST', strategies, { strategy, isActive: true })
    await logIn(page, user)
    await look('enrol')
    await page.getByRole('button', { name: 'Use a security key instead' }).click()
    await look('enrol-key')
    await page.getByRole('button', { name: 'Use text messages instead' }).click()
    await look('enrol-phone')
    expect(found).toEqual({})
    expect(wrong).toEqual([])
  })

  test('works by keyboard alone, and shows where the focus is', async () => {
    const env = await environment(),
      user = await env.newUser({ password: PASSWORD }),
      { page } = await tab(env)
    await page.goto(LOGIN)
    await page.keyboard.press('Tab')
    await page.keyboard.type(user.email)
    await page.keyboard.press('Tab')
    await page.keyboard.type('Wrong-1!')
    expect(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')).toBe('solid')
    await page.keyboard.press('Enter')
    await page.getByRole('alert').waitFor()
    expect(await page.evaluate('document.activeElement.className')).toBe('problem')
    await page.getByLabel('Password', { exact: true }).focus()
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press('Enter')
    await page.getByText(`You are logged in as ${user.email}`).waitFor()
  })

  test('works without its script', async () => {
    const env = await environment(),
      user = await env.newUser({ password: PASSWORD }),
      { page } = await tab(env, { javaScriptEnabled: false })
    await logIn(page, user, 'Wrong-1!')
    await page.getByRole('alert').waitFor()
    expect(await page.locator('.problem:focus').count()).toBe(1)
    await logIn(page, user)
    await page.getByText(`You are logged in as ${user.email}`).waitFor()
    await page.getByRole('button', { name: 'Log out' }).click()
    await page.getByRole('heading', { name: 'You are logged out' }).waitFor()
  })

  test('shows a password when asked, and sends a form once for two clicks', async () => {
    const env = await environment(),
      user = await env.newUser({ password: PASSWORD }),
      { page, wrong } = await tab(env)
    await page.goto(LOGIN)
    const password = page.getByLabel('Password', { exact: true })
    await password.fill(PASSWORD)
    await page.getByRole('button', { name: 'Show password' }).click()
    expect(await password.getAttribute('type')).toBe('text')
    await page.getByLabel('Email address').fill(user.email)
    await page.getByRole('button', { name: 'Log in', exact: true }).dblclick()
    await page.getByText(`You are logged in as ${user.email}`).waitFor()
    const ctx = await env.context()
    expect(await ctx.db.session.count({ where: { userId: user.id } })).toBe(1)
    expect(wrong).toEqual([])
  })

  async function withAuthenticator(page: Page, context: BrowserContext, transport: 'internal' | 'usb') {
    const devices = await context.newCDPSession(page)
    await devices.send('WebAuthn.enable')
    await devices.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        protocol: 'ctap2',
        transport,
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: true,
      },
    })
  }

  test('enrols a security key where a second factor is forced, and asks for it at the next login', async () => {
    const env = await environment(),
      user = await env.newUser({ password: PASSWORD }),
      { page, wrong, context } = await tab(env)
    await env.vendor('POST', mfaPolicy, {})
    for (const [strategy, isActive] of [
      ['AuthenticatorApp', false],
      ['WebAuthnCrossPlatform', true],
    ] as const)
      // prettier-ignore
      await env.vendor('POST', strategies, { strategy, isActive })
    await withAuthenticator(page, context, 'usb')
    await logIn(page, user)
    await page.getByRole('button', { name: 'Set up the security key' }).click()
    await page.getByRole('heading', { name: 'Keep your recovery code' }).waitFor()
    await page.getByRole('link', { name: 'I have kept it' }).click()
    await page.getByText(`You are logged in as ${user.email}`).waitFor()
    await logIn(page, user)
    await page.getByRole('button', { name: 'Use the passkey' }).click()
    await page.getByText(`You are logged in as ${user.email}`).waitFor()
    expect(wrong).toEqual([])
  })

  test('logs in with a passkey of the browser', async () => {
    const env = await environment(),
      user = await env.user({ password: PASSWORD }),
      { page, wrong, context } = await tab(env)
    await withAuthenticator(page, context, 'internal')
    const { options } = (await user('POST', '/identity/resources/users/webauthn/v1/devices')).body
    await page.goto(LOGIN)
    const made = await page.evaluate(`(async () => {
      const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(${JSON.stringify(options)})
      return (await navigator.credentials.create({ publicKey })).toJSON()
    })()`)
    const { id, response } = made as { id: string; response: { clientDataJSON: string; attestationObject: string } }
    const kept = await user('POST', '/identity/resources/users/webauthn/v1/devices/verify', {
      id,
      response: { clientDataJSON: response.clientDataJSON, attestationObject: response.attestationObject },
    })
    expect(kept.status, JSON.stringify(kept.body)).toBe(201)
    await page.getByRole('button', { name: 'Log in with a passkey' }).click()
    await page.getByRole('button', { name: 'Use the passkey' }).click()
    await page.getByText(`You are logged in as ${user.email}`).waitFor()
    expect(wrong).toEqual([])
  })
})
