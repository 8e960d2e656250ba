import { readFileSync } from 'node:fs'

/** CPU time of this thread in milliseconds. Other tests run in other threads, and the machine may be busy, so no clock can tell. */
export function cpuMs() {
  try {
    return Number(readFileSync('/proc/thread-self/schedstat', 'utf8').split(' ')[0]) / 1e6
  } catch {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1000
  }
}
