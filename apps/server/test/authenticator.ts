import { createHash, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto'

type Cbor = number | string | Buffer | Map<number | string, Cbor>
/** The part of CBOR (RFC 8949) that WebAuthn needs. */
function cbor(value: Cbor): Buffer {
  const head = (major: number, n: number) =>
    n < 24
      ? Buffer.from([(major << 5) | n])
      : n < 256
        ? Buffer.from([(major << 5) | 24, n])
        : Buffer.from([(major << 5) | 25, n >> 8, n & 255])
  if (typeof value === 'number') return value < 0 ? head(1, -1 - value) : head(0, value)
  if (typeof value === 'string') return Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)])
  if (Buffer.isBuffer(value)) return Buffer.concat([head(2, value.length), value])
  return Buffer.concat([head(5, value.size), ...[...value].flatMap(([k, v]) => [cbor(k), cbor(v)])])
}
const sha256 = (data: string | Buffer) => createHash('sha256').update(data).digest()

interface Held {
  id: string
  rpId: string
  userHandle: string
  /** COSE, as servers store it */
  publicKey: string
  privateKey: KeyObject
  counter: number
}
interface CreationOptions {
  challenge: string
  rp: { id: string }
  user: { id: string }
  excludeCredentials?: { id: string }[]
}
interface RequestOptions {
  challenge: string
  rpId?: string
  allowCredentials?: { id: string }[]
}

/** A security key in software. It makes ES256 credentials without attestation, and signs as for a browser on `origin`. */
export function authenticator({ origin = 'http://localhost:3100', verifiesUser = true, counts = true } = {}) {
  const held: Held[] = []
  const clientData = (type: string, challenge: string) =>
    Buffer.from(JSON.stringify({ type, challenge, origin, crossOrigin: false }))
  const authData = (rpId: string, counter: number, attested?: Buffer) => {
    const flags = 0x01 | (verifiesUser ? 0x04 : 0) | (attested ? 0x40 : 0),
      count = Buffer.alloc(4)
    count.writeUInt32BE(counter)
    return Buffer.concat([sha256(rpId), Buffer.from([flags]), count, attested ?? Buffer.alloc(0)])
  }
  return {
    held,
    create({ challenge, rp, user, excludeCredentials = [] }: CreationOptions) {
      if (excludeCredentials.some(({ id }) => held.some((one) => one.id === id))) throw new Error('InvalidStateError')
      const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' }),
        id = randomBytes(32)
      const { x, y } = publicKey.export({ format: 'jwk' }) as { x: string; y: string }
      const key = cbor(
        new Map<number, Cbor>([
          [1, 2],
          [3, -7],
          [-1, 1],
          [-2, Buffer.from(x, 'base64url')],
          [-3, Buffer.from(y, 'base64url')],
        ]),
      )
      held.push({
        id: id.toString('base64url'),
        rpId: rp.id,
        userHandle: user.id,
        publicKey: key.toString('base64url'),
        privateKey,
        counter: 0,
      })
      const data = authData(rp.id, 0, Buffer.concat([Buffer.alloc(16), Buffer.from([0, id.length]), id, key]))
      const attestationObject = cbor(
        new Map<string, Cbor>([
          ['fmt', 'none'],
          ['attStmt', new Map()],
          ['authData', data],
        ]),
      )
      return {
        id: id.toString('base64url'),
        response: {
          clientDataJSON: clientData('webauthn.create', challenge).toString('base64url'),
          attestationObject: attestationObject.toString('base64url'),
        },
      }
    },
    get({ challenge, rpId = new URL(origin).hostname, allowCredentials = [] }: RequestOptions) {
      const one = held.find(
        (h) => h.rpId === rpId && (!allowCredentials.length || allowCredentials.some(({ id }) => id === h.id)),
      )
      if (!one) throw new Error('NotAllowedError')
      if (counts) one.counter++
      const client = clientData('webauthn.get', challenge),
        data = authData(rpId, one.counter)
      const signature = sign('sha256', Buffer.concat([data, sha256(client)]), one.privateKey)
      return {
        id: one.id,
        response: {
          clientDataJSON: client.toString('base64url'),
          authenticatorData: data.toString('base64url'),
          signature: signature.toString('base64url'),
          userHandle: one.userHandle,
        },
      }
    },
  }
}
