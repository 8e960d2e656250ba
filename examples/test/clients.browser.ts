import { execFile, spawn } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { createServer as createHttpServer } from 'node:http'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { promisify } from 'node:util'
import { chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { chromiumFor } from '../../apps/server/test/chromium.ts'

/*
 * The vendor's packages as they are published, in a real browser against the emulator: the React example, and the login box
 * and portal that still come from npm (5.79). Those of the React example come from the vendor's servers, which a test cannot
 * rely on. `SCREENSHOTS=<folder>` keeps a picture of each page of the portal.
 */

const executablePath = chromiumFor("the tests of the vendor's clients in a browser")

const examples = join(import.meta.dirname, '..'),
  root = join(examples, '..'),
  pictures = process.env['SCREENSHOTS']
const EMAIL = 'ada@example.com',
  PASSWORD = 'Henhouse-1!'
const SEED = {
  tenants: [{ name: 'Acme' }, { name: 'Beta' }],
  users: [
    {
      ...{ email: EMAIL, name: 'Ada', password: PASSWORD },
      tenants: [
        { tenant: 'Acme', roles: ['Admin'] },
        { tenant: 'Beta', roles: ['Admin'] },
      ],
    },
  ],
  redirectUris: ['http://localhost', 'http://localhost/', 'http://localhost/oauth/callback'],
}

/** The vendor's login box takes the code of a hosted login out of the address; this does the same with the real store. */
const CALLBACK = `window.FronteggLoginBox = {
  render(_, { injector }) {
    const code = location.pathname === '/oauth/callback' && new URLSearchParams(location.search).get('code')
    if (code) injector.store.dispatch({ type: 'auth/handleHostedLoginCallback', payload: { code } })
  },
}`

describe.skipIf(executablePath === undefined)("in a browser, the vendor's client", () => {
  const endings: (() => unknown)[] = []
  let started: Awaited<ReturnType<typeof start>>
  beforeAll(async () => {
    started = await start()
  })
  afterAll(async () => {
    for (const end of endings.toReversed()) await end()
  })

  async function start() {
    if (executablePath === undefined) throw new Error('no browser')
    const folder = mkdtempSync(join(tmpdir(), 'henhouse-examples-'))
    endings.push(() => rmSync(folder, { recursive: true, force: true }))
    const url = `http://localhost:${await freePort()}`
    const [browser] = await Promise.all([
      chromium.launch({ executablePath, args: ['--no-sandbox'] }),
      emulator(folder, url),
      (async () => {
        const built = { VITE_BASE_URL: url }
        await install('react-app', folder)
        await build(join(folder, 'react-app'), 'hosted', { ...built, VITE_LOGIN: 'hosted' })
        await build(join(folder, 'react-app'), 'own', { ...built, VITE_LOGIN: 'own' })
        await install('portal-page', folder)
        await build(join(folder, 'portal-page'), 'built', built)
      })(),
    ])
    endings.push(() => browser.close())
    return {
      ...{ url, browser },
      hosted: await serve(join(folder, 'react-app/hosted')),
      own: await serve(join(folder, 'react-app/own')),
      portal: await serve(join(folder, 'portal-page/built')),
    }
  }

  async function emulator(folder: string, url: string) {
    const seed = join(folder, 'seed.json'),
      environment = Object.entries(process.env).filter(
        ([name]) => !/^(HENHOUSE_|VITEST|NODE_ENV$|DATABASE_URL$)/.test(name),
      )
    writeFileSync(seed, JSON.stringify(SEED))
    const child = spawn(
      process.execPath,
      [
        ...['scripts/run.mjs', 'apps/server/src/programs/emulator.ts', '--ephemeral'],
        ...['--port', new URL(url).port, '--seed', seed],
      ],
      { cwd: root, env: { ...Object.fromEntries(environment), INIT_CWD: folder } },
    )
    const ended = new Promise<void>((done) => child.once('close', () => done()))
    endings.push(async () => {
      child.kill('SIGINT')
      await ended
    })
    let output = ''
    await new Promise<void>((ready, failed) => {
      for (const stream of [child.stdout, child.stderr])
        stream.setEncoding('utf8').on('data', (text: string) => {
          output += text
          if (output.includes('Ctrl-C ends it.')) ready()
        })
      child.once('close', () => failed(new Error(output)))
    })
  }

  /** Serves a folder as its index page for every path, as a web server does for an application of one page. */
  async function serve(folder: string) {
    const types: Record<string, string> = { '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' }
    const server = createHttpServer((request, response) => {
      const path = join(folder, new URL(request.url!, 'http://localhost').pathname),
        isFile = existsSync(path) && statSync(path).isFile()
      response.setHeader('content-type', isFile ? (types[extname(path)] ?? 'text/html') : 'text/html')
      response.end(readFileSync(isFile ? path : join(folder, 'index.html')))
    })
    await new Promise<void>((ready) => server.listen(0, 'localhost', ready))
    endings.push(
      () => server.closeAllConnections(),
      () => server.close(),
    )
    return `http://localhost:${(server.address() as AddressInfo).port}`
  }

  /** A tab of a fresh browser, and the calls to the server that were refused. */
  async function tab(origin: string) {
    const { browser, url } = started,
      context = await browser.newContext({ baseURL: origin, locale: 'en', viewport: { width: 1400, height: 900 } }),
      page = await context.newPage(),
      refused = new Set<string>(),
      crashes: string[] = []
    onTestFinished(() => context.close())
    page.setDefaultTimeout(15_000)
    await context.route(
      ({ hostname }) => hostname !== 'localhost',
      (route) =>
        route.request().url().endsWith('/login-box/index.js')
          ? route.fulfill({ contentType: 'text/javascript', body: CALLBACK })
          : route.abort(),
    )
    page.on('response', (response) => {
      const { pathname } = new URL(response.url())
      if (response.url().startsWith(url) && response.status() >= 400)
        refused.add(`${response.status()} ${response.request().method()} ${pathname.replace('/frontegg/', '/')}`)
    })
    page.on('pageerror', (error) => crashes.push(error.message))
    return { page, url, refused, crashes }
  }

  const logInWithForm = async (page: Page, password = PASSWORD) => {
    await page.getByLabel('Email address').fill(EMAIL)
    await page.getByLabel('Password', { exact: true }).fill(password)
    await page.getByRole('button', { name: 'Log in', exact: true }).click()
  }
  const isIn = (page: Page) => page.getByText(`Logged in as ${EMAIL}`).waitFor()
  const account = (page: Page) => page.getByLabel('Account').locator('option:checked').innerText()
  const switchTo = async (page: Page, name: string) => {
    await page.getByLabel('Account').selectOption({ label: name })
    await expect.poll(() => account(page).catch(() => ''), { timeout: 15_000 }).toBe(name)
  }

  test('React, embedded: logs in, reloads, switches the account and logs out', async () => {
    const { page, refused, crashes } = await tab(started.own)
    await page.goto('/')
    await logInWithForm(page, 'Wrong-1!')
    await page.getByRole('alert').waitFor()
    await logInWithForm(page)
    await isIn(page)
    await page.reload()
    await isIn(page)
    const other = (await account(page)) === 'Acme' ? 'Beta' : 'Acme'
    await switchTo(page, other)
    await page.reload()
    await isIn(page)
    expect(await account(page)).toBe(other)
    await page.getByRole('button', { name: 'Log out' }).click()
    await page.getByLabel('Email address').waitFor()
    await page.reload()
    await page.getByLabel('Email address').waitFor()
    expect([...refused].toSorted()).toEqual([
      '401 POST /identity/resources/auth/v1/user',
      '401 POST /identity/resources/auth/v1/user/token/refresh',
    ])
    expect(crashes).toEqual([])
  })

  test('React, hosted: logs in on the page of the server, reloads, switches the account and logs out', async () => {
    const { page, url, refused, crashes } = await tab(started.hosted)
    const toPage = async () => {
      await page.getByRole('button', { name: 'Log in' }).click()
      await page.waitForURL(`${url}/oauth/account/login?**`)
    }
    await page.goto('/')
    await toPage()
    await logInWithForm(page)
    await isIn(page)
    expect(new URL(page.url()).origin).toBe(started.hosted)
    await page.reload()
    await isIn(page)
    await switchTo(page, (await account(page)) === 'Acme' ? 'Beta' : 'Acme')
    await page.getByRole('button', { name: 'Log out' }).click()
    await page.getByRole('button', { name: 'Log in' }).waitFor()
    await page.reload()
    await toPage()
    expect([...refused].toSorted()).toEqual(['401 POST /oauth/authorize/silent'])
    expect(crashes).toEqual([])
  })

  test('login box and portal: each page opens and has what it asks for', async () => {
    const { page, refused, crashes } = await tab(started.portal)
    await page.goto('/account/login')
    await page.getByPlaceholder('name@example.com').fill(EMAIL)
    await page.getByPlaceholder('Enter Your Password').fill(PASSWORD)
    await page.getByRole('button', { name: 'Login' }).click()
    await page.waitForURL(started.portal + '/')
    await page.reload()
    await expect.poll(() => page.evaluate('app.store.getState().auth.isAuthenticated')).toBe(true)
    await page.getByRole('button', { name: 'Settings' }).click()
    await page.getByText('Basic Profile Information').waitFor()
    for (const [link, content] of [
      ['Profile', 'Basic Profile Information'],
      ['Privacy & Security', 'Multi-Factor Authentication'],
      ['Personal Tokens', 'Generate Token'],
      ['Account Details', 'Company Name'],
      ['Users', EMAIL],
      ['Roles', 'Read Only'],
      ['Security', 'Password History'],
      ['Audit Logs', 'frontegg.user.authenticated'],
      ['Webhooks', 'Add Webhook'],
      ['API Tokens', 'Generate Token'],
    ] as const) {
      await page.getByText(link, { exact: true }).first().click()
      await page
        .getByRole('heading', { name: link })
        .or(page.getByText(link, { exact: true }))
        .first()
        .waitFor()
      await page.getByText(content).last().waitFor()
      await page.waitForLoadState('networkidle')
      if (pictures) await page.screenshot({ path: join(pictures, `portal-${link.replaceAll(/\W+/g, '-')}.png`) })
    }
    // on a busy machine the last page still asks
    await expect
      .poll(() => [...refused].toSorted(), { timeout: 15_000 })
      .toEqual(
        [
          // nobody was logged in
          '401 POST /identity/resources/auth/v1/user/token/refresh',
          // nothing is stored: the portal shows what holds then
          '404 GET /identity/resources/configurations/v1/lockout-policy',
          '404 GET /identity/resources/configurations/v1/mfa-policy',
          '404 GET /identity/resources/configurations/v1/mfa-policy/vendor',
          '404 GET /identity/resources/configurations/v1/password-history-policy',
          '404 GET /identity/resources/tenants/invites/v1/user',
          // docs/compatibility.md: other notifications than webhooks
          '501 GET /integrations/resources/configurations/v1/emails',
          '501 GET /integrations/resources/configurations/v1/slack',
          '501 GET /integrations/resources/configurations/v2/sms',
        ].toSorted(),
      )
    expect(crashes).toEqual([])
  })
})

/** With the lock file and what this machine has already. No script of any package is needed. */
async function install(example: string, folder: string) {
  const to = join(folder, example)
  cpSync(join(examples, example), to, { recursive: true, filter: (path) => !/node_modules|dist$/.test(path) })
  await promisify(execFile)('npm', ['ci', '--ignore-scripts', '--prefer-offline'], { cwd: to })
}

const build = (cwd: string, outDir: string, variables: Record<string, string>) =>
  promisify(execFile)('npm', ['run', 'build', '--', '--outDir', outDir, '--minify', 'false'], {
    cwd,
    env: { ...process.env, NODE_ENV: 'production', ...variables },
  })

const freePort = () =>
  new Promise<number>((found) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => found(port))
    })
  })
