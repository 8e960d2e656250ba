import { generateKeyPair, type KeyPair } from '@henhouse/jwt'

/** Making an RSA pair takes 50 to 300 ms of a core. Some are kept ready, so that a new environment does not wait. */
export function keyPool(size: number, generate: () => Promise<KeyPair> = generateKeyPair) {
  const ready: KeyPair[] = []
  let filling: Promise<void> | undefined
  let closed = false

  /** One at a time, so that requests keep a core. */
  async function fill() {
    while (ready.length < size && !closed) ready.push(await generate())
    filling = undefined
  }
  return {
    /** Starts making pairs. Before that, and when they run out, `take` makes one itself. */
    open() {
      filling ??= fill()
    },
    take(): Promise<KeyPair> {
      const pair = ready.pop()
      if (!pair) return generate()
      filling ??= fill()
      return Promise.resolve(pair)
    },
    /** Waits for the pair that is being made. */
    async close() {
      closed = true
      await filling
    },
  }
}
export type KeyPool = ReturnType<typeof keyPool>
