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
   * What is stored of a text with so few possible values that all could be tried, such as a code or an address:
   * HMAC-SHA-256 in hexadecimal, under a key of its own. Nobody can try them without the server's key.
   */
  digest(text: string): string
}

/** @param passphrase at least 32 random characters; the keys are derived from it by HKDF-SHA-256 */
export function secretBox(passphrase: string): SecretBox {
  const derived = (purpose: string) => Buffer.from(hkdfSync('sha256', passphrase, '', purpose, 32))
  const key = derived('henhouse secrets at rest'),
    digestKey = derived('henhouse typed codes')
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
    digest: (text) => createHmac('sha256', digestKey).update(text).digest('hex'),
  }
}
