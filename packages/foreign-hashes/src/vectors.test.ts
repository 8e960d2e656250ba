import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { accept, fromKeycloak, verify, type ForeignPassword, type KeycloakCredential } from './index.ts'

interface Vector {
  kind: string
  source: string
  password: string
  hash?: string
  [field: string]: unknown
}
const { vectors } = JSON.parse(readFileSync(new URL('../test/vectors.json', import.meta.url), 'utf8')) as {
  vectors: Vector[]
}

const urlSafe = (text: string) => text.replaceAll('+', '-').replaceAll('/', '_')
const unpadded = (text: string) => text.replace(/=+$/, '')
const fromHex = (text: unknown) => Buffer.from(text as string, 'hex')

/** Every way in which an import may bring a vector. */
function waysOf(vector: Vector): ForeignPassword[] {
  const { kind, hash } = vector
  if (kind === 'firebase-scrypt') return firebaseWays(vector)
  if (kind.startsWith('pbkdf2 (Keycloak')) return keycloakWays(vector as unknown as KeycloakCredential)
  if (kind.startsWith('pbkdf2 (')) return [{ type: 'pbkdf2', hash: hash! }]
  if (kind === 'scrypt') return scryptWays(vector)
  if (kind === 'pbkdf2') return pbkdf2Ways(vector)
  if (kind === 'sha1')
    return ['hashHex', 'hashBase64', 'hashBase64OfHexText'].map((form) => ({
      type: 'sha1',
      hash: vector[form] as string,
    }))
  return [{ type: kind as ForeignPassword['type'], hash: hash! }]
}

function firebaseWays({ hash, salt, ...config }: Vector): ForeignPassword[] {
  const { signerKey, saltSeparator, rounds, memCost } = config
  const forms = [(text: string) => text, urlSafe, unpadded, (text: string) => unpadded(urlSafe(text))]
  return forms.flatMap((form): ForeignPassword[] => {
    const parts = { hash: form(hash!), salt: form(salt as string) }
    const options = {
      signerKey: form(signerKey as string),
      saltSeparator: form(saltSeparator as string),
      rounds,
      memCost,
    }
    const texts = { ...options, rounds: String(rounds), memCost: String(memCost) }
    const type = 'firebase-scrypt'
    return [
      { type, ...parts, config: options },
      { type, hash: parts.hash, config: { ...texts, salt: parts.salt } },
      { type, hash: `${parts.salt}:${parts.hash}`, config: options },
    ]
  })
}

function scryptWays({ hashHex, saltText, N, r, p, keyLength }: Vector): ForeignPassword[] {
  const key = fromHex(hashHex),
    salt = saltText as string,
    costs = { N, r, p, keyLen: keyLength },
    type = 'scrypt',
    ln = Math.log2(N as number)
  const separated = [key.toString('hex'), key.toString('base64'), key.toString('base64url')].map(
    (text): ForeignPassword => ({ type, hash: `${salt}.${text}`, config: { ...costs, saltSeparator: '.' } }),
  )
  const saltHex = Buffer.from(salt).toString('hex')
  return [
    ...separated,
    { type, hash: key.toString('hex').toUpperCase(), salt, config: costs },
    { type, hash: `${saltHex}$${key.toString('hex')}`, config: { ...costs, saltSeparator: '$', saltEncoding: 'hex' } },
    { type, hash: `scrypt:${N as number}:${r as number}:${p as number}$${salt}$${key.toString('hex')}` },
    {
      type,
      hash: `$scrypt$ln=${ln},r=${r as number},p=${p as number}$${unpadded(btoa(salt))}$${unpadded(key.toString('base64'))}`,
    },
  ]
}

function pbkdf2Ways({ hashHex, saltText, iterations, digest, keyLength }: Vector): ForeignPassword[] {
  const key = fromHex(hashHex),
    salt = saltText as string,
    rounds = iterations as number,
    type = 'pbkdf2',
    name = digest === 'sha1' ? '' : `-${digest as string}`,
    base64 = unpadded(key.toString('base64'))
  return [
    { type, hash: key.toString('hex'), salt, config: { iterations, digest, keyLen: keyLength } },
    { type, hash: `$pbkdf2${name}$i=${rounds},l=${key.length}$${unpadded(btoa(salt))}$${base64}` },
    { type, hash: `$pbkdf2${name}$${rounds}$${unpadded(btoa(salt))}$${base64.replaceAll('+', '.')}` },
    { type, hash: `pbkdf2_${digest as string}$${rounds}$${salt}$${key.toString('base64')}` },
    { type, hash: `pbkdf2:${digest as string}:${rounds}$${salt}$${key.toString('hex')}` },
  ]
}

function keycloakWays({ secretData, credentialData }: KeycloakCredential): ForeignPassword[] {
  const password = fromKeycloak({ secretData, credentialData })
  if ('fault' in password) throw new Error(password.fault)
  return [password, { type: 'pbkdf2', hash: JSON.stringify({ secretData, credentialData }) }]
}

describe.each(vectors)('$kind: $source', (vector) => {
  test.each(waysOf(vector).map((way) => [JSON.stringify(way), way] as const))(
    'verifies its password, and no other: %s',
    async (_, way) => {
      const accepted = accept(way)
      if ('fault' in accepted) throw new Error(accepted.fault)
      for (const form of ['NFC', 'NFD'])
        expect(await verify(accepted.stored, vector.password.normalize(form)), form).toBe(true)
      for (const other of ['', `x${vector.password}`, vector.password.toUpperCase(), vector.password.slice(0, -5)])
        if (other !== vector.password) expect(await verify(accepted.stored, other), other).toBe(false)
    },
    120_000,
  )
})
