export interface HashParameters {
  /** KiB of memory */
  memoryCost: number
  /** passes over the memory */
  timeCost: number
  /** lanes */
  parallelism: number
}

interface Argon2Hash extends HashParameters {
  type: string
  version: number
}

// Above these a hash is no longer a setting somebody meant: checking a single one would tie up the server.
const MOST: HashParameters = { memoryCost: 1024 * 1024, timeCost: 64, parallelism: 64 }

const PHC =
  /^\$(argon2(?:id|i|d))\$v=(16|19)\$m=([1-9]\d{0,9}),t=([1-9]\d{0,9}),p=([1-9]\d{0,9})\$([A-Za-z\d+/]{11,128})\$([A-Za-z\d+/]{6,256})$/

/** Whether argon2 allows these parameters (RFC 9106, section 3.1: 8 KiB for every lane at least) and a server can afford them. */
export function isUsable(parameters: HashParameters): boolean {
  const { memoryCost, timeCost, parallelism } = parameters
  return (
    [memoryCost, timeCost, parallelism].every((cost) => Number.isInteger(cost) && cost >= 1) &&
    memoryCost >= 8 * parallelism &&
    memoryCost <= MOST.memoryCost &&
    timeCost <= MOST.timeCost &&
    parallelism <= MOST.parallelism
  )
}

/**
 * Reads an argon2 hash in PHC string form (the reference implementation's: parameters in the order m, t, p,
 * unpadded base64). Undefined for everything that argon2 would refuse to compute.
 */
export function parse(hash: string): Argon2Hash | undefined {
  const [, type = '', version, m, t, p, salt = '', digest = ''] = PHC.exec(hash) ?? []
  const parsed = { type, version: Number(version), memoryCost: Number(m), timeCost: Number(t), parallelism: Number(p) }
  return isBase64(salt) && isBase64(digest) && isUsable(parsed) ? parsed : undefined
}

/** A hash that no password has, as costly to check as a real one with these parameters. */
export function decoy({ memoryCost, timeCost, parallelism }: HashParameters): string {
  return `$argon2id$v=19$m=${memoryCost},t=${timeCost},p=${parallelism}$${unpadded(Buffer.alloc(16))}$${unpadded(Buffer.alloc(32))}`
}

const unpadded = (bytes: Buffer) => bytes.toString('base64').replace(/=+$/, '')

// Only the one canonical spelling: no stray bits, no length that holds part of a byte.
const isBase64 = (text: string) => text !== '' && unpadded(Buffer.from(text, 'base64')) === text
