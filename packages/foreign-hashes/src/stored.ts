import * as argon2 from './argon2.ts'
import * as bcrypt from './bcrypt.ts'
import * as firebase from './firebase.ts'
import { Fault, refuse, type ForeignPassword } from './password.ts'
import * as pbkdf2 from './pbkdf2.ts'
import * as scrypt from './scrypt.ts'
import * as sha from './sha.ts'

/** What is kept of a hash: all that verifying it takes, in one form for each kind, whatever form it came in. */
type Kept = argon2.Kept | bcrypt.Kept | firebase.Kept | pbkdf2.Kept | scrypt.Kept | sha.Kept

// no argon2 hash of ours begins like this: those begin with $
const PREFIX = 'foreign:'

/** Looked at before anything else: no form of a hash is longer. */
const LONGEST = 4096

/**
 * What an import stores: one text that describes itself; or why the hash cannot be verified, in a sentence. A hash that
 * would cost more than about a second of one core is refused, too: an import must not be able to stop the logins.
 *
 * The signer key of a Firebase project is not in the text, nor can it be had from it.
 */
export function accept(password: ForeignPassword): { stored: string } | { fault: string } {
  try {
    if (password.hash.length > LONGEST) refuse(`the hash is longer than ${LONGEST} characters`)
    return { stored: PREFIX + JSON.stringify(read(password)) }
  } catch (error) {
    if (error instanceof Fault) return { fault: error.message }
    throw error
  }
}

function read(password: ForeignPassword): Kept {
  switch (password.type) {
    case 'argon2':
      return argon2.read(password)
    case 'bcrypt':
      return bcrypt.read(password)
    case 'firebase-scrypt':
      return firebase.read(password)
    case 'pbkdf2':
      return pbkdf2.read(password)
    case 'scrypt':
      return scrypt.read(password)
    case 'sha1':
    case 'sha256':
      return sha.read(password)
  }
}

/** Whether `accept` made the text. */
export const isForeign = (stored: string) => stored.startsWith(PREFIX)

/**
 * Verifies a password against a text of `accept`. Other systems hashed the bytes as they were typed, on another keyboard
 * perhaps, and some normalized them first: so the password is tried as typed, then composed (NFC), in compatible forms
 * (NFKC) and decomposed (NFD), three times at most. For most passwords these are one.
 *
 * A password with a NUL character is never right. C strings end there, and HMAC pads with it: `a` and `a\0` would be one
 * password, and the wrong one of them would be hashed anew.
 *
 * Takes a thread of libuv's pool, as long as the hash's cost says, and never the event loop.
 */
export async function verify(stored: string, password: string): Promise<boolean> {
  const kept = keptIn(stored)
  if (!kept || password.includes('\0')) return false
  for (const form of formsOf(password)) if (await matches(kept, Buffer.from(form, 'utf8'))) return true
  return false
}

const formsOf = (password: string) =>
  [...new Set([password, ...['NFC', 'NFKC', 'NFD'].map((form) => password.normalize(form))])].slice(0, 3)

function keptIn(stored: string): Kept | undefined {
  if (!isForeign(stored)) return undefined
  try {
    return JSON.parse(stored.slice(PREFIX.length)) as Kept
  } catch {
    return undefined
  }
}

async function matches(kept: Kept, password: Buffer): Promise<boolean> {
  switch (kept.kind) {
    case 'argon2d':
    case 'argon2i':
    case 'argon2id':
      return argon2.matches(kept, password)
    case 'bcrypt':
      return bcrypt.matches(kept, password)
    case 'firebase-scrypt':
      return firebase.matches(kept, password)
    case 'pbkdf2':
      return pbkdf2.matches(kept, password)
    case 'scrypt':
      return scrypt.matches(kept, password)
    case 'sha1':
    case 'sha256':
      return sha.matches(kept, password)
  }
}
