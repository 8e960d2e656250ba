import { timingSafeEqual } from 'node:crypto'
import { refuse } from './password.ts'

/** Base64 of either alphabet, with or without padding; undefined for anything else. */
export function fromBase64(text: string): Buffer | undefined {
  const bare = text.replace(/={1,2}$/, '')
  if (!/^[\w+/-]*$/.test(bare) || bare.length % 4 === 1) return undefined
  // node reads both alphabets
  return Buffer.from(bare, 'base64')
}

export const fromHex = (text: string): Buffer | undefined =>
  /^(?:[\da-f]{2})*$/i.test(text) ? Buffer.from(text, 'hex') : undefined

export const toBase64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64')

/**
 * A digest of so many bytes out of hex, base64, or the base64 of the hex text. Its length tells them apart.
 * @returns undefined when it is none of them
 */
export function digestOf(text: string, length: number): Buffer | undefined {
  const decoded = fromBase64(text)
  return [fromHex(text), decoded, decoded && fromHex(decoded.toString('latin1'))].find(
    (digest) => digest?.length === length,
  )
}

const ENCODINGS = ['utf8', 'hex', 'base64'] as const
export type SaltEncoding = (typeof ENCODINGS)[number]
export const isSaltEncoding = (text: string): text is SaltEncoding => ENCODINGS.some((encoding) => encoding === text)

/** @throws Fault */
export function saltBytes(text: string, encoding: SaltEncoding): Buffer {
  const bytes = encoding === 'utf8' ? Buffer.from(text, 'utf8') : encoding === 'hex' ? fromHex(text) : fromBase64(text)
  return bytes ?? refuse(`the salt is not ${encoding}`)
}

// Long enough that nobody meets it by chance; and no hash is longer than it is worth.
const LEAST = 16,
  MOST = 128

/** @throws Fault */
export function mustBeDigest(digest: Buffer | undefined): Buffer {
  if (!digest) return refuse('the digest is not base64')
  if (digest.length < LEAST) return refuse(`the digest is shorter than ${LEAST} bytes`)
  if (digest.length > MOST) return refuse(`the digest is longer than ${MOST} bytes`)
  return digest
}

/** @throws Fault */
export const mustBeBase64 = (text: string, what: string): Buffer => fromBase64(text) ?? refuse(`${what} is not base64`)

/** Whether computed bytes are those that were kept, in base64. */
export function isEqual(computed: Buffer, kept: string) {
  const wanted = Buffer.from(kept, 'base64')
  return computed.length === wanted.length && timingSafeEqual(computed, wanted)
}
