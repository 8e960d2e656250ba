import { spawn, type ChildProcess } from 'node:child_process'
import type { Socket } from 'node:net'
import type { Account } from './account.ts'

export interface GuardedProcess {
  child: ChildProcess
  /** resolves with the exit code, null after a signal; rejects when the guard itself could not be started */
  exited: Promise<number | null>
  /** the last lines the program wrote to stderr */
  log: () => string
  /** resolves when the program has written what fits the pattern to stderr */
  logged: (pattern: RegExp) => Promise<void>
  /** lets this process end while the guarded one runs (which then ends too) */
  unref: () => void
  /** asks the program to end; await `exited` */
  end: () => void
}

export interface GuardOptions {
  cwd: string
  account?: Account | undefined
  /** a folder that the guard deletes when the program has ended, or only when it has failed */
  remove?: { folder: string; when: 'end' | 'failure' } | undefined
  /** a command that ends the program cleanly, where signals do not exist (Windows) */
  stop?: string[] | undefined
}

/*
 * The shell holds the other end of a pipe of ours as its stdin. When this process goes, however it goes, the pipe
 * closes and the shell ends the program: SIGINT (Postgres: disconnect everybody, write a checkpoint, end), and SIGQUIT
 * if that takes too long. The shell ignores the signals that a terminal or a service manager sends to everybody, so the
 * database outlives the draining of connections.
 */
const SHELL = `
trap '' HUP INT TERM
exec 3<&0
"$@" 3<&- </dev/null &
program=$!
{
  read -r _ <&3
  kill -INT $program
  waited=0
  while [ $waited -lt 15 ] && kill -0 $program; do sleep 1; waited=$((waited + 1)); done
  kill -QUIT $program
} 2>/dev/null >/dev/null &
watch=$!
wait $program
code=$?
kill -KILL $watch 2>/dev/null
if [ -n "$GUARD_REMOVE" ] && { [ "$GUARD_REMOVE_WHEN" = end ] || [ $code -ne 0 ]; }; then rm -rf "$GUARD_REMOVE"; fi
exit $code
`

/** The same in JavaScript, for systems without /bin/sh. */
const SCRIPT = `
const { spawn, spawnSync } = require('node:child_process')
const { rmSync } = require('node:fs')
const { command, args, stop, remove } = JSON.parse(process.argv[1])
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {})
const program = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'], windowsHide: true })
const end = () => { if (!stop || spawnSync(stop[0], stop.slice(1), { stdio: 'ignore', windowsHide: true }).status !== 0) program.kill('SIGINT') }
process.stdin.resume().once('end', end).once('error', end)
program.on('error', (error) => { process.stderr.write(error.message); process.exit(127) })
program.on('exit', (code) => {
  if (remove && (remove.when === 'end' || code !== 0)) rmSync(remove.folder, { recursive: true, force: true })
  process.exit(code ?? 1)
})
`

// nothing of our own environment: it may hold secrets, and PGDATA, PGPORT and the like would mislead Postgres
const ENVIRONMENT = { PATH: '/usr/bin:/bin:/usr/sbin:/sbin:/run/current-system/sw/bin', LC_ALL: 'C', TZ: 'UTC' }

const LOG_LENGTH = 8_000

/** Starts a program that ends when this process does, even when this process is killed with SIGKILL. */
export function spawnGuarded(
  command: string,
  args: string[],
  options: GuardOptions,
  shell = process.platform !== 'win32',
): GuardedProcess {
  const child = shell ? spawnUnderShell(command, args, options) : spawnUnderNode(command, args, options)
  let log = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (log = (log + text).slice(-LOG_LENGTH)))
  // the guard may be gone already when its stdin is closed
  child.stdin?.on('error', () => {})
  const exited = new Promise<number | null>((resolve, reject) => {
    child.once('error', (error) => {
      const as = options.account ? ` as account ${options.account.uid}` : ''
      reject(new Error(`Could not start ${command}${as}: ${error.message}`))
    })
    // the last lines of stderr may come after 'exit'; when somebody killed the guard, Postgres still holds the pipe
    child.once('exit', (code) => {
      const timer = setTimeout(() => resolve(code), 250)
      child.once('close', () => {
        clearTimeout(timer)
        resolve(code)
      })
    })
  })
  exited.catch(() => {})
  return {
    child,
    exited,
    log: () => log,
    logged: (pattern) =>
      new Promise((resolve) => {
        const look = () => {
          if (!pattern.test(log)) return
          child.stderr?.off('data', look)
          resolve()
        }
        child.stderr?.on('data', look)
        look()
      }),
    unref: () => {
      child.unref()
      for (const stream of [child.stdin, child.stderr]) (stream as unknown as Socket | null)?.unref()
    },
    end: () => {
      child.ref()
      child.stdin?.end()
    },
  }
}

function spawnUnderShell(command: string, args: string[], { cwd, account, remove }: GuardOptions): ChildProcess {
  return spawn('/bin/sh', ['-c', SHELL, 'henhouse-guard', command, ...args], {
    ...account,
    cwd,
    env: remove ? { ...ENVIRONMENT, GUARD_REMOVE: remove.folder, GUARD_REMOVE_WHEN: remove.when } : ENVIRONMENT,
    stdio: ['pipe', 'ignore', 'pipe'],
    // a session of its own: Ctrl-C reaches the whole foreground group, and the database must be the last to go
    detached: true,
  })
}

function spawnUnderNode(command: string, args: string[], { cwd, remove, stop }: GuardOptions): ChildProcess {
  return spawn(process.execPath, ['-e', SCRIPT, JSON.stringify({ command, args, stop, remove })], {
    cwd,
    stdio: ['pipe', 'ignore', 'pipe'],
    detached: true,
    windowsHide: true,
  })
}
