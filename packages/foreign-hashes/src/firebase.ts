import { createCipheriv, createHash } from 'node:crypto'
import { isEqual, mustBeBase64, toBase64 } from './bytes.ts'
import { optionsOf, type Options } from './options.ts'
import { refuse, type ForeignPassword } from './password.ts'
import { derived, mustBeAffordable } from './scrypt.ts'

/**
 * Firebase's scrypt encrypts the project's signer key under a key that it derives from the password. In counter mode,
 * encrypting is XOR with a stream of bytes: so signer key and hash together show that stream. What is kept is its SHA-256.
 * It proves the password as well as the hash does, and the signer key cannot be had from it.
 */
export interface Kept {
  kind: 'firebase-scrypt'
  N: number
  r: number
  /** the user's salt and the project's separator */
  salt: string
  /** bytes of the stream: as long as the signer key */
  length: number
  /** SHA-256 of the stream */
  proof: string
}

const p = 1

/** @throws Fault */
export function read(password: ForeignPassword): Kept {
  const options = optionsOf(password, ['salt', 'saltSeparator', 'signerKey', 'memCost', 'rounds'])
  const costs = { N: 2 ** options.whole('memCost', 1, 20), r: options.whole('rounds', 1, 256) }
  mustBeAffordable({ ...costs, p })
  const { salt, hash } = partsOf(password, options)
  const separator = mustBeBase64(options.text('saltSeparator'), '"saltSeparator"'),
    signerKey = mustBeBase64(options.text('signerKey'), '"signerKey"'),
    encrypted = mustBeBase64(hash, 'the hash')
  if (signerKey.length < 32 || signerKey.length > 128) refuse('"signerKey" is not between 32 and 128 bytes')
  if (encrypted.length !== signerKey.length)
    refuse('the hash is not as long as "signerKey": it is of another project, or cut')
  const stream = signerKey.map((byte, at) => byte ^ encrypted[at]!)
  return {
    kind: 'firebase-scrypt',
    ...costs,
    salt: toBase64(Buffer.concat([mustBeBase64(salt, 'the salt'), separator])),
    length: stream.length,
    proof: toBase64(proofOf(stream)),
  }
}

/**
 * Firebase exports hash and salt as two fields. They come as `hash` and `salt`; or as one text, with a colon or the
 * `saltSeparator`, as it is written there, between salt and hash.
 */
function partsOf({ hash }: ForeignPassword, options: Options): { salt: string; hash: string } {
  if (hash === '') refuse('the hash is empty')
  if (options.has('salt')) return { salt: options.text('salt'), hash }
  for (const separator of [':', options.text('saltSeparator')]) {
    const [salt, digest, ...more] = separator === '' ? [] : hash.split(separator)
    if (salt !== undefined && digest !== undefined && !more.length) return { salt, hash: digest }
  }
  return refuse('the salt is missing: give it as "salt", or before the hash with a colon between')
}

const proofOf = (stream: Uint8Array) => createHash('sha256').update(stream).digest()

export async function matches({ N, r, salt, length, proof }: Kept, password: Buffer) {
  const key = await derived(password, Buffer.from(salt, 'base64'), 32, { N, r, p })
  const stream = createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(length))
  return isEqual(proofOf(stream), proof)
}
