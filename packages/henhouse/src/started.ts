import type { ChildProcess } from 'node:child_process'
import type { Seed } from './environment.ts'

/** What the emulator tells the process that has forked it, once it listens. */
export interface Started {
  url: string
  environments: {
    id: string
    name: string
    baseUrl: string
    clientId: string
    apiKey: string
    isDefault: boolean
    seed: Seed
  }[]
}

/**
 * Waits until an emulator listens.
 * @param heard what it has written, when that does not come through its pipes
 * @throws with what it has written, when it ends first or takes too long; then it is ended
 */
export function hasStarted(child: ChildProcess, timeout: number, heard?: () => string): Promise<Started> {
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => (output = (output + text).slice(-20_000)))
  const said = () => (heard?.() ?? output).trim()
  return new Promise((resolve, reject) => {
    const settle = (then: () => void) => {
      clearTimeout(timer)
      child.removeAllListeners('message').removeAllListeners('close').removeAllListeners('error')
      then()
    }
    const timer = setTimeout(
      () =>
        settle(() => {
          child.kill('SIGKILL')
          reject(new Error(`Henhouse has not started within ${timeout / 1000} seconds.\n${said()}`))
        }),
      timeout,
    )
    child.on('message', (message: { henhouse?: Started }) => {
      const { henhouse } = message
      if (henhouse) settle(() => resolve(henhouse))
    })
    child.once('error', (error) => settle(() => reject(error)))
    child.once('close', () => settle(() => reject(new Error(said() || 'Henhouse ended before it had started'))))
  })
}
