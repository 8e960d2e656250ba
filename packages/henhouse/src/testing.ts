import { fork, type ChildProcess } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { environmentAt, type Environment, type Made, type Seed } from './environment.ts'
import { call } from './http.ts'
import { hasStarted } from './started.ts'

export { createClient, type ClientOptions, type HenhouseClient } from './client.ts'
export type { Clock, Environment, Login, Seed } from './environment.ts'
export { HenhouseError } from './http.ts'
export type { Message, MessageFilter, Messages } from './messages.ts'
export type { TokenOptions } from './tokens.ts'

/** Where the worker processes of a test run find what their global set-up has started. */
const VARIABLE = 'HENHOUSE_TEST_URL'

export interface StartOptions {
  /** the path of a seed file, or the seed of the default environment; the usual demonstration when absent */
  seed?: string | Seed
  /** a free one when absent */
  port?: number
  /** milliseconds; 30000 when absent */
  timeout?: number
}

export interface NewEnvironment {
  /** a label of its host name; made up when absent */
  name?: string
  seed?: Seed
}

/** A running emulator. */
export interface Henhouse {
  readonly url: string
  /** makes an environment of its own, for a worker or a test, in milliseconds */
  environment(options?: NewEnvironment): Promise<Environment>
}

export interface StartedHenhouse extends Henhouse {
  /** the one that requests are about which name none */
  readonly defaultEnvironment: Environment
  stop(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Starts the emulator beside this process, on a database that is gone when it ends. It ends with this process, and does not keep
 * it alive.
 * @throws with what the emulator has said, when it does not start
 */
export async function startHenhouse({ seed, port = 0, timeout = 30_000 }: StartOptions = {}): Promise<StartedHenhouse> {
  const folder = await mkdtemp(join(tmpdir(), 'henhouse-test-'))
  const file = typeof seed === 'string' ? resolve(seed) : seed && join(folder, 'seed.json')
  if (file !== undefined && typeof seed === 'object') await writeFile(file, JSON.stringify(seed))
  try {
    const args = ['--ephemeral', '--port', String(port), ...(file === undefined ? [] : ['--seed', file])]
    const child = fork(fileURLToPath(new URL('./child.mjs', import.meta.url)), args, {
      cwd: folder,
      env: variables(),
      execArgv: [],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    const { url, environments } = await hasStarted(child, timeout)
    letGo(child)
    const stop = () => ended(child)
    const { isDefault, seed: planted, ...made } = environments.find((one) => one.isDefault)!
    return {
      ...connectHenhouse(url),
      defaultEnvironment: environmentAt(url, made, planted, isDefault),
      stop,
      [Symbol.asyncDispose]: stop,
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/**
 * An emulator that runs already: the one of the test run's global set-up, or one at an address.
 * @throws when there is no address
 */
export function connectHenhouse(url = process.env[VARIABLE]): Henhouse {
  if (url === undefined)
    throw new Error(
      'No Henhouse is running for these tests: name henhouse/global-setup as the global set-up of the test runner, or start one with startHenhouse()',
    )
  return {
    url,
    async environment({ name, seed = {} } = {}) {
      const body = { ...(name !== undefined && { name }), seed }
      const made = (await call(`${url}/_emulator/environments`, { method: 'POST', body })) as Made
      return environmentAt(url, made, seed, false)
    },
  }
}

/** A global set-up for vitest, jest and Playwright: one emulator for the whole run, which ends with it. */
export const globalSetup = (options?: StartOptions) => async (): Promise<() => Promise<void>> => {
  const henhouse = await startHenhouse(options)
  process.env[VARIABLE] = henhouse.url
  return henhouse.stop
}

/**
 * Nothing that is meant for the program under test: its DATABASE_URL names its own database, its NODE_ENV and LOG_LEVEL have values
 * of their own, and NODE_OPTIONS may load the test runner's hooks.
 */
function variables() {
  const others = Object.entries(process.env).filter(
    ([name]) =>
      !name.startsWith('HENHOUSE_') &&
      !['DATABASE_URL', 'NODE_ENV', 'LOG_LEVEL', 'NODE_OPTIONS', 'INIT_CWD', 'UV_THREADPOOL_SIZE'].includes(name),
  )
  return Object.fromEntries(others)
}

function letGo(child: ChildProcess) {
  child.unref()
  child.channel?.unref()
  for (const stream of [child.stdout, child.stderr]) {
    stream?.resume()
    ;(stream as unknown as Socket | null)?.unref()
  }
}

async function ended(child: ChildProcess) {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.ref()
  const exited = new Promise((done) => child.once('exit', done))
  child.kill('SIGTERM')
  await exited
}
