import { createHash, randomBytes, randomInt, randomUUID } from 'node:crypto'

/** The only source of randomness. */
export interface Random {
  uuid(): string
  /** An unguessable secret, base64url; 32 bytes are 256 bits. */
  token(bytes?: number): string
  /** A code for a person to type. */
  digits(count: number): string
}

export const cryptoRandom: Random = {
  uuid: () => randomUUID(),
  token: (bytes = 32) => randomBytes(bytes).toString('base64url'),
  digits: (count) => Array.from({ length: count }, () => randomInt(10)).join(''),
}

/**
 * The request id that every reply carries as `frontegg-trace-id`: 32 hexadecimal characters. Node makes UUIDs in stock, which
 * costs a request less than bytes of its own.
 */
export const traceId = () => randomUUID().replaceAll('-', '')

/** What is stored of an unguessable token or code. Not for passwords: those need a slow hash. */
export const fingerprint = (secret: string) => createHash('sha256').update(secret).digest('hex')
