import { pbkdf2 } from 'node:crypto'
import { promisify } from 'node:util'
import { fromBase64, fromHex, isEqual, mustBeBase64, mustBeDigest, toBase64 } from './bytes.ts'
import { fromKeycloakText, isKeycloakText } from './keycloak.ts'
import { keyIn, optionsOf, saltIn } from './options.ts'
import { refuse, type ForeignPassword } from './password.ts'

const derive = promisify(pbkdf2)

/** Bytes that a block of each has: a longer key is computed block by block, all the rounds for each. */
const BLOCKS = { sha1: 20, sha224: 28, sha256: 32, sha384: 48, sha512: 64 }
type Digest = keyof typeof BLOCKS

export interface Kept {
  kind: 'pbkdf2'
  digest: Digest
  rounds: number
  salt: string
  key: string
}

/** Two millions, of all blocks together, take about a second. Django's default is 1,200,000 and OWASP's highest 1,300,000. */
const MOST_ROUNDS = 2_000_000

/** @throws Fault */
export function read(password: ForeignPassword): Kept {
  if (isKeycloakText(password.hash)) return read(fromKeycloakText(password))
  const { digest, rounds, salt, key } =
    phc(password) ?? django(password) ?? werkzeug(password) ?? aspNet(password) ?? parts(password)
  mustBeDigest(key)
  const name = digest.toLowerCase().replace('-', '')
  if (!isDigest(name)) return refuse(`PBKDF2 is verified with ${Object.keys(BLOCKS).join(', ')} only`)
  if (rounds < 1) refuse('PBKDF2 has no rounds')
  if (rounds * Math.ceil(key.length / BLOCKS[name]) > MOST_ROUNDS)
    refuse(`PBKDF2 may take ${MOST_ROUNDS} rounds at most, of all blocks of the key together`)
  return { kind: 'pbkdf2', digest: name, rounds, salt: toBase64(salt), key: toBase64(key) }
}
const isDigest = (name: string): name is Digest => Object.hasOwn(BLOCKS, name)

interface Parsed {
  digest: string
  rounds: number
  salt: Buffer
  key: Buffer
}

/** `$pbkdf2-sha256$i=600000,l=32$salt$key`, and passlib's `$pbkdf2-sha256$29000$salt$key`, which writes `.` for `+`. */
function phc(password: ForeignPassword): Parsed | undefined {
  const [, digest = 'sha1', i, l, salt, key] =
    /^\$pbkdf2(?:-([a-z\d-]{1,10}))?\$(?:i=)?(\d{1,10})(?:,l=(\d{1,3}))?\$([^$]*)\$([^$]+)$/.exec(password.hash) ?? []
  if (salt === undefined || key === undefined) return undefined
  optionsOf(password, [])
  const bytes = mustBeDigest(fromBase64(key.replaceAll('.', '+')))
  if (l !== undefined && Number(l) !== bytes.length) refuse('the key is not as long as l= says')
  return { digest, rounds: Number(i), salt: mustBeBase64(salt.replaceAll('.', '+'), 'the salt'), key: bytes }
}

/** Django's `pbkdf2_sha256$rounds$salt$key`. Its salt is text. */
function django(password: ForeignPassword): Parsed | undefined {
  const [, digest, rounds, salt, key] =
    /^pbkdf2_([a-z\d]{1,10})\$(\d{1,10})\$([^$]+)\$([^$]+)$/.exec(password.hash) ?? []
  if (digest === undefined || salt === undefined || key === undefined) return undefined
  optionsOf(password, [])
  return { digest, rounds: Number(rounds), salt: Buffer.from(salt, 'utf8'), key: mustBeBase64(key, 'the key') }
}

/** Werkzeug's `pbkdf2:sha256:600000$salt$hex`. Its salt is text. */
function werkzeug(password: ForeignPassword): Parsed | undefined {
  const [, digest, rounds, salt, key] =
    /^pbkdf2:([a-z\d]{1,10}):(\d{1,10})\$([^$]+)\$([\da-f]+)$/i.exec(password.hash) ?? []
  if (digest === undefined || salt === undefined || key === undefined) return undefined
  optionsOf(password, [])
  return { digest, rounds: Number(rounds), salt: Buffer.from(salt, 'utf8'), key: mustBeDigest(fromHex(key)) }
}

/** ASP.NET Identity: base64 of a byte that says 2 (0) or 3 (1), for 3 digest, rounds and length of the salt, then salt and key. */
function aspNet(password: ForeignPassword): Parsed | undefined {
  const bytes =
    Object.keys(password.config ?? {}).length || password.salt !== undefined ? undefined : fromBase64(password.hash)
  if (bytes?.[0] === 0 && bytes.length === 49)
    return { digest: 'sha1', rounds: 1000, salt: bytes.subarray(1, 17), key: bytes.subarray(17) }
  if (bytes?.[0] !== 1 || bytes.length < 13 + 8 + 16) return undefined
  const digest = ['sha1', 'sha256', 'sha512'][bytes.readUInt32BE(1)],
    end = 13 + bytes.readUInt32BE(9)
  if (digest === undefined || end + 16 > bytes.length) return undefined
  return { digest, rounds: bytes.readUInt32BE(5), salt: bytes.subarray(13, end), key: bytes.subarray(end) }
}

/** The key alone; digest, rounds, its length and the salt as options. */
function parts(password: ForeignPassword): Parsed {
  if (!password.config && password.salt === undefined)
    return refuse(
      'the hash is in no known form of PBKDF2: $pbkdf2-sha256$i=…,l=…$salt$key, or those of Django, passlib, Werkzeug, ASP.NET Identity and Keycloak',
    )
  const options = optionsOf(password, ['salt', 'saltEncoding', 'digest', 'iterations', 'keyLen'])
  return {
    digest: options.text('digest'),
    rounds: options.whole('iterations', 1, MOST_ROUNDS),
    salt: saltIn(options, options.text('salt')),
    key: keyIn(options, password.hash),
  }
}

export async function matches({ digest, rounds, salt, key }: Kept, password: Buffer) {
  const { length } = Buffer.from(key, 'base64')
  return isEqual(await derive(password, Buffer.from(salt, 'base64'), rounds, length, digest), key)
}
