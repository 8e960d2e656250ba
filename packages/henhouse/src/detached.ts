import { readFile, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { Failure } from './failure.ts'

/** The emulator that runs in the background for this folder. */
export interface Detached {
  pid: number
  url: string
}

export const LOG = 'henhouse.log'
const FILE = 'detached.json'

/** The data folder, or a file in it. */
export const place = (name = '') => join(resolve(process.env['HENHOUSE_DATA']?.trim() || '.henhouse'), name)

export const remember = (detached: Detached) => writeFile(place(FILE), JSON.stringify(detached))

export const forget = () => rm(place(FILE), { force: true })

/**
 * Undefined when none has been started, or when it has ended by itself.
 * @throws when its process is there and nothing answers at its address
 */
export async function detached(): Promise<Detached | undefined> {
  const text = await readFile(place(FILE), 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  const found = JSON.parse(text) as Detached
  if (!isAlive(found.pid)) return undefined
  if (await answers(found.url)) return found
  throw new Failure(
    `Nothing answers at ${found.url}, and process ${found.pid} is there. It may be a Henhouse that hangs, or another program after a crash: look, end it if need be, and delete ${place(FILE)}`,
  )
}

export function isAlive(pid: number) {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** After a crash, another program may have the number of the process: an emulator answers at its address. */
const answers = (url: string) =>
  fetch(`${url}/_emulator/environments`, { signal: AbortSignal.timeout(3000) }).then(
    ({ ok }) => ok,
    () => false,
  )
