import { optionsOf } from './options.ts'
import { refuse, type ForeignPassword } from './password.ts'

export interface Kept {
  kind: 'bcrypt'
  hash: string
}

// Django and Spring write the name of the algorithm before it
const BCRYPT = /^(?:bcrypt\$|\{bcrypt\})?\$2([a-z]?)\$(\d\d)\$([./A-Za-z\d]{22})([./A-Za-z\d]{31})$/
const ALPHABET = './ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

/** Each step doubles the time. 14 takes about a second; most systems use 10 to 12. */
const MOST_COST = 14

/** `$2a$`, `$2b$` and `$2y$` are three names for one function. @throws Fault */
export function read(password: ForeignPassword): Kept {
  optionsOf(password, [])
  const [, version, cost, salt, digest] = BCRYPT.exec(password.hash) ?? []
  if (version === undefined || cost === undefined || salt === undefined || digest === undefined)
    return refuse('the hash is not bcrypt: $2a$, $2b$ or $2y$, two digits, $, and 53 characters')
  if (version === 'x') refuse('$2x$ marks hashes of a faulty implementation, which reads letters beyond ASCII wrongly')
  if (!['a', 'b', 'y'].includes(version)) refuse('of bcrypt only $2a$, $2b$ and $2y$ can be verified')
  if (Number(cost) < 4 || Number(cost) > MOST_COST) refuse(`the cost of bcrypt is not between 4 and ${MOST_COST}`)
  return { kind: 'bcrypt', hash: `$2b$${cost}$${canonical(salt, 0x30)}${canonical(digest, 0x3c)}` }
}

/** The last character holds bits that belong to no byte. Some implementations leave them set, others refuse that. */
const canonical = (text: string, mask: number) => text.slice(0, -1) + ALPHABET[ALPHABET.indexOf(text.slice(-1)) & mask]!

/** Bcrypt sees 72 bytes of the password: what comes after them is not compared. */
export async function matches({ hash }: Kept, password: Buffer) {
  // takes 4 MB, and most servers never need it
  const { verify } = await import('@node-rs/bcrypt')
  return verify(password, hash)
}
