import { readdirSync, readFileSync } from 'node:fs'
import type { Pool } from 'pg'

/*
 * What processes have used so far, from /proc. Elsewhere than on Linux, and for a Postgres on another machine, it is undefined.
 */

/** Of a clock tick: Linux shows all times in hundredths of a second. */
const TICK_MS = 10

interface Stat {
  name: string
  parent: number
  own: number
  /** of the children that have ended */
  children: number
}
function statOf(pid: number | string): Stat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8'),
      // the name may hold blanks
      fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    const ticks = (first: number) => (Number(fields[first]) + Number(fields[first + 1])) * TICK_MS
    return {
      name: text.slice(text.indexOf('(') + 1, text.lastIndexOf(')')),
      parent: Number(fields[1]),
      own: ticks(11),
      children: ticks(13),
    }
  } catch {
    return undefined
  }
}

/** CPU of a process, in milliseconds. */
export const cpuOf = (pid: number) => statOf(pid)?.own

/** Memory of a process, in MB. */
export function memoryOf(pid: number) {
  try {
    const [, kB] = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))!
    return Number(kB) / 1000
  } catch {
    return undefined
  }
}

/** The process that all of this Postgres' processes are children of; undefined when it is not on this machine. */
export async function postmasterOf(pool: Pool) {
  const {
    rows: [backend],
  } = await pool.query<{ pid: number }>('select pg_backend_pid() as pid')
  const stat = statOf(backend!.pid)
  return stat?.name.startsWith('postgres') ? stat.parent : undefined
}

/** CPU of a Postgres with all its backends, those that have ended too, in milliseconds. */
export function postgresCpu(postmaster: number) {
  const stat = statOf(postmaster)
  if (!stat) return undefined
  const children = readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? (statOf(name) ?? []) : []))
  return (
    stat.own + stat.children + children.reduce((sum, { parent, own }) => sum + (parent === postmaster ? own : 0), 0)
  )
}
