import { createHmac } from 'node:crypto'

/** The key of RFC 6238's appendix B, which every user of the benchmark has; apps take it in base32. */
const KEY = '12345678901234567890'
export const SECRET = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'

export const currentStep = () => Math.floor(Date.now() / 30_000)

/** The code of a time step (RFC 4226 §5.3). */
export function codeOf(step: number) {
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(step))
  const hash = createHmac('sha1', KEY).update(counter).digest(),
    truncated = hash.readUInt32BE(hash.at(-1)! & 15) & 0x7fffffff
  return String(truncated % 1_000_000).padStart(6, '0')
}
