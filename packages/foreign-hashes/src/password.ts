/** A hash that another system made, as an import brings it. */
export interface ForeignPassword {
  type: 'bcrypt' | 'scrypt' | 'firebase-scrypt' | 'pbkdf2' | 'argon2' | 'sha256' | 'sha1'
  hash: string
  /** where it is not part of `hash`; `config.salt` is the same */
  salt?: string
  /** the options of this type; docs/migrating.md lists them */
  config?: Record<string, unknown>
}

/** Why a hash cannot be verified. The message is for who imports it: it names options, never what is in them. */
export class Fault extends Error {
  override readonly name = 'Fault'
}

/** @throws Fault */
export function refuse(sentence: string): never {
  throw new Fault(sentence)
}
