import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto'

/**
 * What the server's own key does for stored secrets. It seals those that must be readable again (private keys,
 * providers' API keys).
 */
export interface SecretBox {
  /** AES-256-GCM (NIST SP 800-38D) with a random 96-bit nonce: `v1.<nonce>.<ciphertext and tag>`, base64url. */
  seal(plain: string): string
  /** @throws when the text was sealed with another key, or tampered with */
  open(sealed: string): string
  /**
   * HMAC-SHA-256 under a key that serves this purpose only. Nobody can make it without the server's key, nor try texts
   * with few possible values, such as codes and addresses.
   */
  digest(purpose: Purpose, text: string, encoding?: 'hex' | 'base64url'): string
}

const PURPOSES = ['typed codes', 'counts', 'lockouts', 'ip addresses', 'refresh tokens', 'decoys'] as const
type Purpose = (typeof PURPOSES)[number]

/** @param passphrase at least 32 random characters; the keys are derived from it by HKDF-SHA-256 */
export function secretBox(passphrase: string): SecretBox {
  const derived = (label: string) => Buffer.from(hkdfSync('sha256', passphrase, '', `henhouse ${label}`, 32))
  const key = derived('secrets at rest')
  const digestKeys = Object.fromEntries(PURPOSES.map((purpose) => [purpose, derived(purpose)])) as Record<
    Purpose,
    Buffer
  >
  return {
    seal(plain) {
      const nonce = randomBytes(12)
      const cipher = createCipheriv('aes-256-gcm', key, nonce)
      const body = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final(), cipher.getAuthTag()])
      return `v1.${nonce.toString('base64url')}.${body.toString('base64url')}`
    },
    open(sealed) {
      const [version, nonce, body] = sealed.split('.')
      if (version !== 'v1' || !nonce || !body) throw new Error('not a sealed secret')
      const bytes = Buffer.from(body, 'base64url')
      const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(nonce, 'base64url'))
      decipher.setAuthTag(bytes.subarray(-16))
      return Buffer.concat([decipher.update(bytes.subarray(0, -16)), decipher.final()]).toString('utf8')
    },
    digest: (purpose, text, encoding = 'hex') =>
      createHmac('sha256', digestKeys[purpose]).update(text).digest(encoding),
  }
}
