import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { createDatabase, dropDatabase, openDatabase, startEmbeddedPostgres } from '@henhouse/database'
import type { Chance } from '../apps/server/test/chance.ts'
import { freePort, start, type Program } from '../apps/server/test/program.ts'
import { wireTo } from '../apps/server/test/wire.ts'
import { mailbox } from './mailbox.ts'

/** Reports what must not happen. */
export type Fault = (what: string, detail?: unknown) => void

/** Where the servers' data are. */
export interface Postgres {
  /** of a database for the soak alone */
  url: string
  /** only of an embedded one */
  restart?: () => Promise<void>
  stop(): Promise<void>
}

/** A database on the Postgres of DATABASE_URL, else an embedded Postgres. */
export async function postgres(): Promise<Postgres> {
  const given = process.env['DATABASE_URL'],
    name = `henhouse_soak_${process.pid}`
  if (given) return { url: await createDatabase(given, name), stop: () => dropDatabase(given, name) }
  const dataDir = mkdtempSync(join(tmpdir(), 'henhouse-soak-'))
  // what is committed has to outlive Postgres, but not the machine
  const settings = { fsync: 'off' }
  let server = await startEmbeddedPostgres({ dataDir, settings })
  const port = Number(new URL(server.url).port)
  return {
    url: await createDatabase(server.url, name),
    async restart() {
      await server.stop()
      server = await startEmbeddedPostgres({ dataDir, settings, port })
    },
    async stop() {
      await server.stop()
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}

/** Marks the servers' connections. */
export const NAME = 'henhouse-soak'

/** Two replicas of the production server, their database and their mail server, and what breaks them. */
export async function startWorld(place: Postgres, chance: Chance, fault: Fault) {
  const wire = await wireTo(place.url),
    mail = await mailbox(chance),
    // straight to Postgres
    database = openDatabase(place.url, { max: 2, connectionTimeout: 2000 })
  wire.url.searchParams.set('application_name', NAME)
  const ports = [await freePort(), await freePort()]
  const variables = {
    NODE_ENV: 'production',
    LOG_LEVEL: 'warn',
    DATABASE_URL: wire.url.href,
    HENHOUSE_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
    HENHOUSE_PUBLIC_URL: `http://localhost:${ports[0]}`,
    HENHOUSE_HOST: '127.0.0.1',
    HENHOUSE_SMTP_URL: mail.url,
    HENHOUSE_MAIL_FROM: 'soak@example.com',
    HENHOUSE_RATE_LIMITS: 'off',
    HENHOUSE_BREACHED_PASSWORDS_URL: 'none',
    HENHOUSE_DRAIN_SECONDS: '0',
  }
  const replicas = ports.map((port) => replica(port, variables, fault))
  const query = async <Row extends object>(text: string, values: readonly unknown[] = []) => {
    for (let attempt = 1; ; attempt++)
      try {
        return (await database.pool.query<Row>(text, [...values])).rows
      } catch (error) {
        if (attempt === 100) throw error
        await pause(100)
      }
  }
  const stop = async () => {
    await Promise.all(replicas.map(({ end }) => end('SIGKILL')))
    await database.close()
    wire.close()
    mail.stop()
  }
  try {
    const credentials = await newEnvironment(variables)
    await Promise.all(replicas.map(({ begin }) => begin()))
    return {
      place,
      wire,
      mail,
      replicas,
      credentials,
      /** waits while Postgres restarts */
      query,
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}
export type World = Awaited<ReturnType<typeof startWorld>>

async function newEnvironment(variables: Record<string, string>) {
  const making = start('create-environment.ts', ['--name', 'soak'], variables)
  await making.ended
  const [, clientId, secret] = /Client id {2}(\S+)\n {2}API key {4}(\S+)\n/.exec(making.output()) ?? []
  if (clientId === undefined || secret === undefined) throw new Error(`No environment: ${making.output()}`)
  return { clientId, secret }
}

function replica(port: number, variables: Record<string, string>, fault: Fault) {
  const base = `http://127.0.0.1:${port}`
  let running: Program | undefined,
    isUp = false
  process.once('exit', () => running?.process.kill('SIGKILL'))
  return {
    base,
    isUp: () => isUp,
    /** A start that fails because the database is away is repeated, as service managers do. */
    async begin() {
      for (const limit = performance.now() + START_MS; performance.now() < limit; await pause(200)) {
        const program = start('main.ts', [], { ...variables, HENHOUSE_PORT: String(port) })
        running = program
        if (await isStarted(base, program)) {
          isUp = true
          void program.ended.then((code) => {
            readLog(program.output(), fault)
            if (running === program) fault('a server ended by itself', `${code}: ${tail(program)}`)
          })
          return
        }
        // told to end meanwhile
        if (running !== program) return
        if (/^Node\.js v/m.test(program.output())) fault('an error that nobody handles ended a start', tail(program))
      }
      fault('a server does not start', running && tail(running))
    },
    /** @returns its exit code: after SIGTERM 0, or 1 if jobs ran for longer than it waits */
    async end(signal: 'SIGKILL' | 'SIGTERM') {
      const program = running
      running = undefined
      isUp = false
      program?.process.kill(signal)
      const code = await program?.ended
      if (program && signal === 'SIGTERM' && code !== 0 && !program.output().includes(UNFINISHED))
        fault('a server did not end cleanly', `${code}: ${tail(program)}`)
      return code
    },
  }
}

const START_MS = 120_000
const tail = ({ output }: Program) => output().slice(-2000)

/** False when it ends before it serves. */
async function isStarted(base: string, { ended }: Program) {
  let isOver = false
  void ended.then(() => (isOver = true))
  for (; !isOver; await pause(50)) if (await isReady(base)) return true
  return false
}

const isReady = (base: string) =>
  fetch(`${base}/health/ready`).then(
    async (response) => (await response.text()) !== '' && response.ok,
    () => false,
  )

const UNFINISHED = 'not everything was finished within 10 seconds'
/** What a server may complain of while its database comes and goes. */
const BEARABLE = ['the job worker could not reach its queue', 'cleaning up failed', UNFINISHED]
const ERROR = 50

/** Anything but lines of the log comes from Node itself, such as a rejection that nobody handles. */
function readLog(output: string, fault: Fault) {
  // what follows the last line break was cut off by a kill
  for (const line of output.split('\n').slice(0, -1)) {
    const entry = parsed(line)
    if (!entry) fault('a server wrote what is not its log', line)
    else if (entry.level >= ERROR && !BEARABLE.includes(entry.msg)) fault('a server logged an error', line)
  }
}

function parsed(line: string) {
  try {
    return JSON.parse(line) as { level: number; msg: string }
  } catch {
    return undefined
  }
}
