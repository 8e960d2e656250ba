import { scrypt, type ScryptOptions } from 'node:crypto'
import { promisify } from 'node:util'
import { fromBase64, fromHex, isEqual, mustBeBase64, mustBeDigest, toBase64 } from './bytes.ts'
import { keyIn, optionsOf, saltIn } from './options.ts'
import { refuse, type ForeignPassword } from './password.ts'

interface Costs {
  N: number
  r: number
  p: number
}
export interface Kept extends Costs {
  kind: 'scrypt'
  salt: string
  key: string
}

const derive = promisify<Buffer, Buffer, number, ScryptOptions, Buffer>(scrypt)

/** scrypt (RFC 7914) on a thread of libuv's pool. */
export const derived = (password: Buffer, salt: Buffer, length: number, { N, r, p }: Costs) =>
  // node allows 32 MiB unless it is told the need, which OpenSSL counts like this
  derive(password, salt, length, { N, r, p, maxmem: 128 * r * (N + p + 2) })

/**
 * OWASP's highest, N=2^17 and r=8, takes 128 MiB and about half a second: so much memory at most, and twice the time.
 * @throws Fault
 */
export function mustBeAffordable({ N, r, p }: Costs) {
  if (r < 1 || p < 1) refuse('r and p of scrypt are 1 at least')
  if (r > 256) refuse('r of scrypt is 256 at most')
  // what PBKDF2 makes of the password for scrypt to mix costs time, too
  if (r * p > 2 ** 15) refuse('r times p of scrypt is 32768 at most')
  if (N < 2 || (N & (N - 1)) !== 0) refuse('N of scrypt is no power of two')
  if (r < 4 && N >= 2 ** (16 * r)) refuse('N of scrypt is too large for its r (RFC 7914, section 2)')
  if (N * r > 2 ** 20) refuse('scrypt may take 128 MiB at most: N times r is more than 1048576')
  if (N * r * p > 2 ** 21) refuse('scrypt takes too long: N times r times p is more than 2097152')
}

const COST = { least: 1, most: 2 ** 20 }

/** @throws Fault */
export function read(password: ForeignPassword): Kept {
  const { salt, key, ...costs } = phc(password) ?? werkzeug(password) ?? parts(password)
  mustBeAffordable(costs)
  return { kind: 'scrypt', ...costs, salt: toBase64(salt), key: toBase64(key) }
}

type Parsed = Costs & { salt: Buffer; key: Buffer }

/** passlib's `$scrypt$ln=16,r=8,p=1$salt$digest`. */
function phc(password: ForeignPassword): Parsed | undefined {
  const [, ln, r, p, salt, digest] =
    /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,7}),p=(\d{1,7})\$([^$]*)\$([^$]+)$/.exec(password.hash) ?? []
  if (salt === undefined || digest === undefined) return undefined
  optionsOf(password, [])
  return {
    ...{ N: 2 ** Math.min(Number(ln), 30), r: Number(r), p: Number(p) },
    salt: mustBeBase64(salt, 'the salt'),
    key: mustBeDigest(fromBase64(digest)),
  }
}

/** Werkzeug's `scrypt:32768:8:1$salt$hex`. Its salt is text. */
function werkzeug(password: ForeignPassword): Parsed | undefined {
  const [, N, r, p, salt, digest] =
    /^scrypt:(\d{1,10}):(\d{1,7}):(\d{1,7})\$([^$]+)\$([\da-f]+)$/i.exec(password.hash) ?? []
  if (salt === undefined || digest === undefined) return undefined
  optionsOf(password, [])
  return {
    ...{ N: Number(N), r: Number(r), p: Number(p) },
    salt: Buffer.from(salt, 'utf8'),
    key: mustBeDigest(fromHex(digest)),
  }
}

/** Salt, `saltSeparator` and key in one text; or the key alone, and the salt as an option. */
function parts(password: ForeignPassword): Parsed {
  const options = optionsOf(password, ['salt', 'saltSeparator', 'saltEncoding', 'N', 'r', 'p', 'keyLen'])
  const cost = (name: string) => options.whole(name, COST.least, COST.most)
  const costs = { N: cost('N'), r: cost('r'), p: cost('p') }
  if (options.has('salt'))
    return { ...costs, salt: saltIn(options, options.text('salt')), key: keyIn(options, password.hash) }
  const separator = options.text('saltSeparator')
  if (separator === '') refuse('"saltSeparator" is empty')
  const [salt, key, ...more] = password.hash.split(separator)
  if (salt === undefined || key === undefined) return refuse('the hash does not hold the "saltSeparator"')
  if (more.length) refuse('the hash holds the "saltSeparator" several times: give the salt as "salt"')
  return { ...costs, salt: saltIn(options, salt), key: keyIn(options, key) }
}

export async function matches({ N, r, p, salt, key }: Kept, password: Buffer) {
  const { length } = Buffer.from(key, 'base64')
  return isEqual(await derived(password, Buffer.from(salt, 'base64'), length, { N, r, p }), key)
}
