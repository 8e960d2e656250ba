import { fork } from 'node:child_process'
import { mkdir, open, readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { detached, LOG, place, remember } from './detached.ts'
import { Failure } from './failure.ts'
import { hasStarted } from './started.ts'

interface StartOptions {
  port?: string | undefined
  seed?: string | undefined
  ephemeral: boolean
  detach: boolean
  database?: string | undefined
}

/** How long a start in the background may take; the first one makes a database. */
const PATIENCE_MS = 60_000

// built beside this file
const EMULATOR = new URL('./emulator.mjs', import.meta.url)

/** Runs the emulator in this process, or starts it in the background and waits until it listens. */
export async function start({ port, seed, ephemeral, detach, database }: StartOptions) {
  // what is in this variable is most likely the database of the program under test
  delete process.env['DATABASE_URL']
  if (database !== undefined) process.env['DATABASE_URL'] = database
  const args = [
    ...(port === undefined ? [] : ['--port', port]),
    ...(seed === undefined ? [] : ['--seed', resolve(seed)]),
    ...(ephemeral ? ['--ephemeral'] : []),
  ]
  if (detach) return startDetached(args)
  process.argv = [process.execPath, fileURLToPath(EMULATOR), ...args]
  await import(EMULATOR.href)
}

async function startDetached(args: string[]) {
  const running = await detached()
  if (running)
    throw new Failure(`Henhouse runs already: ${running.url} (process ${running.pid}). \`henhouse stop\` ends it.`)
  await mkdir(place(), { recursive: true })
  const log = place(LOG),
    output = await open(log, 'w', 0o600)
  const child = fork(fileURLToPath(EMULATOR), args, {
    detached: true,
    stdio: ['ignore', output.fd, output.fd, 'ipc'],
  })
  await output.close()
  let said = ''
  const { url } = await hasStarted(child, PATIENCE_MS, () => said).catch(async (error: Error) => {
    said = (await readFile(log, 'utf8')).trim()
    throw new Failure(said || error.message)
  })
  await remember({ pid: child.pid!, url })
  child.disconnect()
  child.unref()
  const banner = (await readFile(log, 'utf8')).replace(
    'Ctrl-C ends it.',
    `\`henhouse stop\` ends it. It writes to ${log}.`,
  )
  process.stdout.write(`${banner.trim()}\n`)
}
