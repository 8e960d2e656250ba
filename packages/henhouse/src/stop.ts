import { setTimeout as pause } from 'node:timers/promises'
import { detached, forget, isAlive, place } from './detached.ts'
import { Failure } from './failure.ts'

/** Longer than the emulator itself waits for what is running. */
const PATIENCE_MS = 20_000

/** Ends the emulator that runs in the background, and waits until it has ended. */
export async function stop() {
  const running = await detached()
  if (!running) {
    await forget()
    throw new Failure(`No Henhouse runs in the background for ${place()}`)
  }
  process.kill(running.pid, 'SIGTERM')
  const deadline = performance.now() + PATIENCE_MS
  while (isAlive(running.pid)) {
    if (performance.now() > deadline) throw new Failure(`Process ${running.pid} does not end`)
    await pause(50)
  }
  await forget()
  process.stdout.write(`Henhouse at ${running.url} has ended\n`)
}
