import { isForeign, verify as verifyForeign } from '@henhouse/foreign-hashes'
import argon2 from 'argon2'
import pLimit from 'p-limit'
import { decoy, isUsable, parse, type HashParameters } from './phc.ts'

export type { HashParameters } from './phc.ts'

export interface PasswordHasher {
  hash(password: string): Promise<string>
  verify(hash: string | null, password: string): Promise<boolean>
  needsRehash(hash: string): boolean
}

export interface HashingLimits {
  /**
   * Hashes that are computed at the same time, at most. They run on Node's threads, which files and names of hosts need, too:
   * leave it one.
   */
  atOnce?: number
  /** how many more may wait for their turn; any number when absent */
  queue?: number
}

/** The queue of hashes is full: the caller is to come again later. */
export class TooManyHashes extends Error {
  override readonly name = 'TooManyHashes'
}

/** OWASP Password Storage Cheat Sheet, argon2id: 19 MiB, 2 passes, 1 lane. */
export const OWASP: HashParameters = { memoryCost: 19456, timeCost: 2, parallelism: 1 }

/**
 * The longest password that is hashed, in UTF-16 code units. A backstop: what users may choose is the
 * caller's policy and lies well below it, also when it counts code points.
 */
export const MAX_PASSWORD_LENGTH = 4096

/**
 * Hashes passwords with argon2id (RFC 9106) into PHC strings: `$argon2id$v=19$m=…,t=…,p=…$salt$digest`.
 *
 * Passwords are normalised to NFKC before they are hashed (NIST SP 800-63B, "Password Verifiers";
 * Unicode Standard Annex #15), so that a password typed as composed or decomposed letters, or in full-width
 * forms, is one password. Nothing is trimmed and no case is folded. Policies that count characters
 * should look at what the user typed.
 *
 * - `hash` throws a RangeError for a password longer than {@link MAX_PASSWORD_LENGTH}.
 * - `verify` takes as long without a hash (`null`, or a string that is no usable hash) as with one, so that
 *   an unknown user can't be told from a known one by the clock. It answers false, never throws, for a
 *   malformed hash or an overlong password; it does throw when the machine has no memory left to compare
 *   with, because that is not a wrong password.
 *   It also takes the imported hashes of `@henhouse/foreign-hashes`. A wrong password costs such a hash and then what an
 *   unknown user costs: so it takes longer than for an unknown user by as much as the other system's hash takes, and no
 *   quick hash can be told. A right one costs the same once `hash` has replaced the imported hash.
 * - `needsRehash` is true for anything but argon2id 1.3 with exactly these parameters; ask it after a successful `verify`.
 *
 * `hash` and `verify` throw {@link TooManyHashes} when as many wait as `queue` allows.
 *
 * Throws a RangeError when the parameters are outside of what argon2 allows or `verify` would accept.
 */
export function passwordHasher(
  parameters: HashParameters,
  { atOnce = 3, queue = Infinity }: HashingLimits = {},
): PasswordHasher {
  if (!isUsable(parameters)) throw new RangeError(`unusable argon2 parameters: ${JSON.stringify(parameters)}`)
  const { memoryCost, timeCost, parallelism } = parameters
  const nobody = decoy(parameters)
  const limit = pLimit(atOnce)
  const ofNobody = async (password: string) => {
    await argon2.verify(nobody, password.normalize('NFKC'))
    return false
  }
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    // those that run are not among the pending
    if (limit.pendingCount >= queue && limit.activeCount >= atOnce)
      throw new TooManyHashes('too many passwords wait for their hash')
    return limit(work)
  }

  return {
    async hash(password) {
      if (password.length > MAX_PASSWORD_LENGTH)
        throw new RangeError(`the password is longer than ${MAX_PASSWORD_LENGTH} characters`)
      return inTurn(() =>
        argon2.hash(password.normalize('NFKC'), { type: argon2.argon2id, memoryCost, timeCost, parallelism }),
      )
    },

    async verify(hash, password) {
      if (password.length > MAX_PASSWORD_LENGTH) return false
      if (hash !== null && isForeign(hash))
        return inTurn(async () => (await verifyForeign(hash, password)) || ofNobody(password))
      if (hash === null || parse(hash) === undefined) return inTurn(() => ofNobody(password))
      return inTurn(() => argon2.verify(hash, password.normalize('NFKC')))
    },

    needsRehash(hash) {
      const stored = parse(hash)
      return (
        stored?.type !== 'argon2id' ||
        stored.version !== 19 ||
        stored.memoryCost !== memoryCost ||
        stored.timeCost !== timeCost ||
        stored.parallelism !== parallelism
      )
    },
  }
}
