import { createHash, createPublicKey, generateKeyPair as generate } from 'node:crypto'
import { promisify } from 'node:util'
import { createSigner } from 'fast-jwt'
import { LRUCache } from 'lru-cache'

export interface KeyPair {
  /** SPKI PEM: what servers' SDKs verify with. No carriage returns: one SDK strips line feeds only. */
  publicKey: string
  /** PKCS #8 PEM */
  privateKey: string
}

/** RSA with a modulus of 2048 bits, the least that RFC 7518 §3.3 allows for RS256. Takes 50 to 300 ms of one thread. */
export async function generateKeyPair(): Promise<KeyPair> {
  return promisify(generate)('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })
}

/** The JOSE `kid` of an environment's key: it names the environment, too, so that a token leads to the key that verifies it. */
export const keyId = (vendorId: string, publicKey: string) =>
  createHash('sha256').update(vendorId).update(publicKey).digest('hex').slice(0, 16)

/** RFC 7517, with `alg`, which some clients insist on. */
export const jwkOf = (publicKey: string, kid: string) => {
  const { n, e } = createPublicKey(publicKey).export({ format: 'jwk' }) as { n: string; e: string }
  return { kty: 'RSA' as const, use: 'sig' as const, alg: 'RS256' as const, kid, n, e }
}

export type Algorithm = 'RS256' | 'HS256'

const signers = new LRUCache<string, (claims: object) => string>({ max: 1000 })

/**
 * Signs claims that carry their own `iat` and, unless they last for ever, `exp` (seconds). A signer is made once per key: parsing the PEM costs
 * three times what signing does.
 * @param key PKCS #8 PEM for RS256 and ES256, the shared secret for HS256
 */
export function sign(
  claims: { iat: number; exp?: number },
  { kid, algorithm, key }: { kid: string; algorithm: Algorithm | 'ES256'; key: string },
) {
  const id = `${algorithm} ${kid} ${createHash('sha256').update(key).digest('base64')}`
  let signer = signers.get(id)
  if (!signer) signers.set(id, (signer = createSigner<object>({ key, kid, algorithm })))
  return signer(claims)
}
