import { generateKeyPair, type KeyPair } from '@henhouse/jwt'

/**
 * Making an RSA pair takes 50 to 300 ms of a core, and a test suite makes an environment for each test. So environments take
 * turns with a few pairs; each has its own key ids. Nothing is secret here: in production each has a pair of its own.
 */
export function keyPool(size: number, generate: () => Promise<KeyPair> = generateKeyPair) {
  const pairs: KeyPair[] = []
  let turn = 0
  let filling: Promise<void> | undefined
  let closed = false

  /** One at a time, so that requests keep a core. */
  async function fill() {
    while (pairs.length < size && !closed) pairs.push(await generate())
  }
  return {
    /** Starts making pairs. Before that, `take` makes one itself. */
    open() {
      filling ??= fill()
    },
    async take(): Promise<KeyPair> {
      if (!pairs.length) pairs.push(await generate())
      return pairs[turn++ % pairs.length]!
    },
    /** Waits for the pair that is being made. */
    async close() {
      closed = true
      await filling
    },
  }
}
export type KeyPool = ReturnType<typeof keyPool>
