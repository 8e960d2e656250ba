import { createHash } from 'node:crypto'
import { digestOf, fromBase64, isEqual, toBase64 } from './bytes.ts'
import { optionsOf, saltIn, type Options } from './options.ts'
import { refuse, type ForeignPassword } from './password.ts'

/** One round of SHA-1 or SHA-256 over salt and password. */
export interface Kept {
  kind: 'sha1' | 'sha256'
  /** what is hashed before the password, and after it */
  before: string
  after: string
  key: string
}

const LENGTHS = { sha1: 20, sha256: 32 }

/** @throws Fault */
export function read(password: ForeignPassword): Kept {
  const kind = password.type === 'sha1' ? 'sha1' : 'sha256'
  const { salt, isAfter, key } = ldap(password, kind) ?? plain(password, kind)
  return {
    kind,
    before: isAfter ? '' : toBase64(salt),
    after: isAfter ? toBase64(salt) : '',
    key: toBase64(key),
  }
}

interface Parsed {
  salt: Buffer
  isAfter: boolean
  key: Buffer
}

/** A directory's `{SHA}` and `{SSHA}` (RFC 2307): base64 of the digest, and of the salt's bytes, which came after the password. */
function ldap(password: ForeignPassword, kind: Kept['kind']): Parsed | undefined {
  const [, salted, bits, text] = /^\{(S?)SHA(256)?\}(.*)$/i.exec(password.hash) ?? []
  if (text === undefined) return undefined
  optionsOf(password, [])
  if ((bits ? 'sha256' : 'sha1') !== kind) return refuse(`the hash says that it is not ${kind}`)
  const bytes = fromBase64(text),
    length = LENGTHS[kind]
  if (!bytes || (salted ? bytes.length <= length : bytes.length !== length))
    return refuse(`what follows the braces is not base64 of ${length} bytes${salted ? ' and a salt' : ''}`)
  return { salt: bytes.subarray(length), isAfter: true, key: bytes.subarray(0, length) }
}

/** The digest alone; `salt:digest`; or the salt as an option. */
function plain(password: ForeignPassword, kind: Kept['kind']): Parsed {
  const options = optionsOf(password, ['salt', 'saltEncoding', 'saltPosition']),
    { salt, text } = splitUp(password, options, kind)
  const key = digestOf(text, LENGTHS[kind])
  if (!key)
    return refuse(`the digest is not ${LENGTHS[kind]} bytes in hex, in base64, or in base64 of the hex, as ${kind} has`)
  return { salt: saltIn(options, salt), isAfter: isAfter(options), key }
}

function splitUp({ hash }: ForeignPassword, options: Options, kind: Kept['kind']) {
  if (options.has('salt')) return { salt: options.text('salt'), text: hash }
  const at = hash.lastIndexOf(':')
  if (at < 0) return { salt: '', text: hash }
  const salt = hash.slice(0, at),
    text = hash.slice(at + 1)
  // some systems write the digest first
  if (digestOf(salt, LENGTHS[kind]))
    refuse('what stands before the colon could be the digest, where a salt belongs: give the salt as "salt"')
  return { salt, text }
}

function isAfter(options: Options) {
  if (!options.has('saltPosition')) return false
  const position = options.text('saltPosition')
  return position === 'after' || (position !== 'before' && refuse('"saltPosition" is neither before nor after'))
}

export async function matches({ kind, before, after, key }: Kept, password: Buffer) {
  const hash = createHash(kind).update(before, 'base64').update(password).update(after, 'base64')
  return isEqual(hash.digest(), key)
}
