import { execFile } from 'node:child_process'
import { readFile, readlink, realpath, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)

/**
 * Ends the Postgres that a dead owner has left on the data folder, and clears away its files. Only the folder's owner
 * may call this. Normally the orphan is ending already, because its guard saw the owner go.
 *
 * @throws when it does not end
 */
export async function endOrphan(data: string): Promise<void> {
  const pid = await postmasterId(data)
  if (pid === undefined) return
  for (const [signal, patience] of [
    ['SIGINT', 15_000],
    ['SIGQUIT', 5_000],
  ] as const) {
    if (!(await isPostmaster(pid, data))) break
    try {
      process.kill(pid, signal)
    } catch {
      // gone meanwhile
    }
    if (await until(async () => !(await isPostmaster(pid, data)), patience)) break
  }
  if (await isPostmaster(pid, data)) {
    throw new Error(
      `A Postgres left over from an earlier run (process ${pid}) holds ${data} and does not end: end it by hand`,
    )
  }
  // a number that another program has now would make Postgres believe that it is running already
  if ((await postmasterId(data)) === pid) await rm(join(data, 'postmaster.pid'), { force: true })
}

async function postmasterId(data: string): Promise<number | undefined> {
  const text = await readFile(join(data, 'postmaster.pid'), 'utf8').catch(() => '')
  const pid = Number.parseInt(text, 10)
  return pid > 0 ? pid : undefined
}

/**
 * Whether the process is a Postgres at work in this very folder; a dead one's number may belong to another process now.
 */
async function isPostmaster(pid: number, data: string): Promise<boolean> {
  if (process.platform === 'linux') {
    const [at, here] = await Promise.all([readlink(`/proc/${pid}/cwd`).catch(() => undefined), realpath(data)])
    return at === here
  }
  if (process.platform === 'win32') {
    const { stdout } = await run('tasklist', ['/FI', `PID eq ${pid}`, '/FO', 'CSV', '/NH']).catch(() => ({
      stdout: '',
    }))
    return stdout.includes('postgres.exe')
  }
  const { stdout } = await run('ps', ['-o', 'command=', '-p', String(pid)]).catch(() => ({ stdout: '' }))
  return stdout.includes(data)
}

async function until(condition: () => Promise<boolean>, milliseconds: number): Promise<boolean> {
  const deadline = performance.now() + milliseconds
  while (performance.now() < deadline) {
    if (await condition()) return true
    await delay(20)
  }
  return await condition()
}
