import { generateKeyPair, type KeyPair } from '@henhouse/jwt'

/** Making an RSA pair takes 50 to 300 ms of a core: some are kept ready, so that a new environment need not wait. */
export function keyPool(size: number, generate: () => Promise<KeyPair> = generateKeyPair) {
  const ready: KeyPair[] = []
  let filling: Promise<void> | undefined
  let closed = false

  /** One after the other, so that requests keep a core to themselves. */
  async function fill() {
    while (ready.length < size && !closed) ready.push(await generate())
    filling = undefined
  }
  return {
    /** Begins to make pairs; before that, and when they run out, `take` makes its own. */
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
