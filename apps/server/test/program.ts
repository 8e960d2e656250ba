import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'

const RUN = fileURLToPath(new URL('../../../scripts/run.mjs', import.meta.url))
const SOURCES = fileURLToPath(new URL('../src/programs/', import.meta.url))
const OURS = /^(HENHOUSE_|AWS_|DATABASE_URL$|NODE_ENV$|LOG_LEVEL$|INIT_CWD$)/

export interface Program {
  process: ChildProcess
  /** its output so far, on both streams */
  output(): string
  /** waits until it has written this; fails if it ends first */
  says(text: string): Promise<void>
  /** its exit code */
  ended: Promise<number | null>
}

/** Starts one of the server's programs as npm would, without this process's configuration. */
export function start(program: string, args: readonly string[] = [], variables: Record<string, string> = {}): Program {
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !OURS.test(name)))
  const child = spawn(process.execPath, [RUN, `${SOURCES}${program}`, ...args], {
    env: { ...inherited, ...variables },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  const listeners = new Set<() => void>()
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
      for (const listener of listeners) listener()
    })
  const ended = once(child, 'close').then(([code]) => code as number | null)
  return {
    process: child,
    ended,
    output: () => output,
    says: (text) =>
      new Promise((resolve, reject) => {
        const look = () => {
          if (output.includes(text)) resolve()
        }
        listeners.add(look)
        look()
        void ended.then((code) => reject(new Error(`${program} ended with ${code}:\n${output}`)))
      }),
  }
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
      .once('error', reject)
      .listen(0, '127.0.0.1', () => {
        const { port } = server.address() as AddressInfo
        server.close(() => resolve(port))
      })
  })
}
