/** The same choices for the same seed (mulberry32). */
export function chance(seed: number) {
  let state = seed >>> 0
  const random = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (count: number) => Math.floor(random() * count)
  return { random, below, oneOf: <T>(some: readonly T[]): T => some[below(some.length)]! }
}
export type Chance = ReturnType<typeof chance>
