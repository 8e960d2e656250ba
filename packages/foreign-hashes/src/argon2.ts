import argon2 from 'argon2'
import { isEqual, mustBeBase64, mustBeDigest, fromBase64, toBase64 } from './bytes.ts'
import { fromKeycloakText, isKeycloakText } from './keycloak.ts'
import { optionsOf } from './options.ts'
import { refuse, type ForeignPassword } from './password.ts'

export interface Kept {
  kind: 'argon2d' | 'argon2i' | 'argon2id'
  version: number
  /** KiB, passes over them, lanes */
  memory: number
  passes: number
  lanes: number
  salt: string
  key: string
}

/**
 * 128 MiB: as many logins as the server hashes at once hold so much at once. All of 768 MiB in passes takes about a second.
 * RFC 9106 recommends 64 MiB and three passes where memory is scarce; PHP does four.
 */
const MOST_MEMORY = 128 * 1024,
  MOST_WORK = 768 * 1024,
  MOST_LANES = 16

// Django and Spring write the name of the algorithm before it. Before version 1.3 there was no v=.
const PHC = /^(?:argon2|\{argon2[\w@]*\})?\$(argon2(?:id|i|d))(?:\$v=(\d{1,3}))?\$([a-z]+=[^$]*)\$([^$]+)\$([^$]+)$/

/** @throws Fault */
export function read(password: ForeignPassword): Kept {
  if (isKeycloakText(password.hash)) return read(fromKeycloakText(password))
  optionsOf(password, [])
  const [, kind, version = '16', parameters, salt, digest] = PHC.exec(password.hash) ?? []
  if (kind === undefined || parameters === undefined || salt === undefined || digest === undefined)
    return refuse('the hash is not argon2 in PHC form: $argon2id$v=19$m=…,t=…,p=…$salt$digest')
  if (version !== '19' && version !== '16')
    refuse('of argon2 only the versions 1.0 (v=16) and 1.3 (v=19) can be verified')
  const kept: Kept = {
    kind: kind as Kept['kind'],
    version: Number(version),
    ...costsIn(parameters),
    salt: toBase64(mustBeBase64(salt, 'the salt')),
    key: toBase64(mustBeDigest(fromBase64(digest))),
  }
  const { length } = Buffer.from(kept.salt, 'base64')
  if (length < 8 || length > 128) refuse('the salt is not between 8 and 128 bytes')
  return kept
}

function costsIn(parameters: string) {
  const costs = new Map(parameters.split(',').map((pair) => pair.split('=', 2) as [string, string | undefined]))
  const cost = (name: string) => {
    const value = costs.get(name)
    if (value === undefined || !/^[1-9]\d{0,9}$/.test(value)) return refuse(`${name}= is missing or no whole number`)
    costs.delete(name)
    return Number(value)
  }
  const memory = cost('m'),
    passes = cost('t'),
    lanes = cost('p')
  if (costs.size) refuse('argon2 with a secret or associated data cannot be verified')
  if (lanes > MOST_LANES) refuse(`argon2 may have ${MOST_LANES} lanes at most (p=)`)
  if (memory < 8 * lanes) refuse('argon2 needs 8 KiB for each lane (m=)')
  if (memory > MOST_MEMORY) refuse(`argon2 may take ${MOST_MEMORY} KiB at most (m=)`)
  if (memory * passes > MOST_WORK) refuse(`argon2 may go through ${MOST_WORK} KiB at most (m= times t=)`)
  return { memory, passes, lanes }
}

const TYPES = { argon2d: argon2.argon2d, argon2i: argon2.argon2i, argon2id: argon2.argon2id }

export async function matches({ kind, version, memory, passes, lanes, salt, key }: Kept, password: Buffer) {
  const computed = await argon2.hash(password, {
    raw: true,
    type: TYPES[kind],
    version,
    memoryCost: memory,
    timeCost: passes,
    parallelism: lanes,
    salt: Buffer.from(salt, 'base64'),
    hashLength: Buffer.from(key, 'base64').length,
  })
  return isEqual(computed, key)
}
