/** The key of an authenticator app as other systems write it: base32 alone, or the address in their QR codes. */

/** Bytes: shorter keys can be guessed, and longer ones than the hash's blocks add nothing (RFC 4226 §4). */
const LEAST = 10,
  MOST = 64

/** As our codes are made (RFC 6238): codes of any other kind would never fit. */
const OURS: Readonly<Record<string, RegExp>> = { digits: /^6$/, period: /^30$/, algorithm: /^(hmac-?)?sha-?1$/i }

/** @returns the key in base32 without blanks, in upper case, or what is wrong with it */
export function readSecret(text: string): { secret: string } | { fault: string } {
  const isAddress = /^\s*otpauth:/i.test(text)
  if (isAddress && !URL.canParse(text.trim())) return { fault: 'is no address of an authenticator app' }
  const address = isAddress ? new URL(text.trim()) : undefined
  if (address) {
    if (address.host.toLowerCase() !== 'totp') return { fault: 'must be for codes by time (totp)' }
    for (const [name, value] of address.searchParams)
      if (OURS[name.toLowerCase()]?.test(value) === false)
        return { fault: `must be for codes of 6 digits that change every 30 seconds, by SHA-1: its ${name} is another` }
  }
  const written = address ? (address.searchParams.get('secret') ?? '') : text
  const secret = written
    .replaceAll(/[\s-]+/g, '')
    .replace(/=+$/, '')
    .toUpperCase()
  // some lengths cannot come from whole bytes (RFC 4648 §6)
  if (!/^[A-Z2-7]+$/.test(secret) || [1, 3, 6].includes(secret.length % 8)) return { fault: 'must be in base32' }
  const bytes = Math.floor((secret.length * 5) / 8)
  return bytes < LEAST || bytes > MOST ? { fault: `must have ${LEAST} to ${MOST} bytes` } : { secret }
}
