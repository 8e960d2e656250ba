import { accept, verify, type ForeignPassword } from '@henhouse/foreign-hashes'
import { createReadStream } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { auth0, hashesOf } from './auth0.ts'
import { cognito } from './cognito.ts'
import { convert } from './convert.ts'
import { firebase, projectIn } from './firebase.ts'
import { keycloak } from './keycloak.ts'
import type { Person, Read } from './person.ts'
import { rowsOfLines, rowsOfList, Unreadable } from './rows.ts'

const fixture = (name: string) => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url))
/** In small pieces, as a large file comes. */
const pieces = (name: string) =>
  createReadStream(fixture(name), { encoding: 'utf8', highWaterMark: 7 }) as AsyncIterable<string>
async function* text(...chunks: string[]) {
  yield* chunks
}
const all = async <T>(rows: AsyncIterable<T>) => {
  const list: T[] = []
  for await (const row of rows) list.push(row)
  return list
}

let folder: string
let number = 0
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hen-convert-'))
})
afterAll(() => rm(folder, { recursive: true }))

interface User {
  email: string
  passwordHash?: string
  passwordHashType?: ForeignPassword['type']
  passwordHashConfig?: string
  [field: string]: unknown
}
async function converted(
  read: Read,
  chunks: AsyncIterable<string>,
  options: { tenant?: string; tenantFrom?: string } = {},
) {
  const out = join(folder, String(++number))
  const { tenant = 'everybody', tenantFrom } = options
  const summary = await convert({ read, chunks, tenant, tenantFrom, out })
  const names = (await readdir(out)).sort()
  const requests = await Promise.all(
    names.map(async (name) => JSON.parse(await readFile(join(out, name), 'utf8')) as { users: User[] }),
  )
  const counts = { leftOut: Object.fromEntries(summary.leftOut), left: Object.fromEntries(summary.left) }
  return { out, names, requests, users: requests.flatMap(({ users }) => users), summary, counts }
}

/** As the import and the login do it. */
async function opens({ passwordHash, passwordHashType, passwordHashConfig }: User, password: string) {
  const accepted = accept({
    type: passwordHashType!,
    hash: passwordHash!,
    ...(passwordHashConfig !== undefined && { config: JSON.parse(passwordHashConfig) as Record<string, unknown> }),
  })
  if ('fault' in accepted) throw new Error(accepted.fault)
  return (await verify(accepted.stored, password)) && !(await verify(accepted.stored, `${password}!`))
}

describe('Auth0', () => {
  test('users and their hashes come together', async () => {
    const hashes = await hashesOf(pieces('auth0-passwords.ndjson'))
    const { users, summary, counts } = await converted((chunks) => auth0(chunks, hashes), pieces('auth0.ndjson'), {
      tenantFrom: 'account',
    })
    const [ada, euclid, google, broken] = users as [User, User, User, User]
    expect(ada).toMatchObject({
      ...{ tenantId: 'blue-hens', email: 'ada@example.com', verifyUser: true, name: 'Ada', username: 'ada' },
      ...{ profilePictureUrl: 'https://example.com/ada.png', externalId: 'auth0|5dea9f9c82dd7c0e76e4ec93' },
      ...{ phoneNumber: '+12125550100', phoneNumberType: 'auth', metadata: '{"colour":"green"}' },
      vendorMetadata: '{"account":"blue-hens"}',
    })
    expect(await opens(ada, 'Password.1')).toBe(true)
    // the account that a user wrote themselves is not asked for
    expect(euclid).toMatchObject({ tenantId: 'everybody', name: 'euclid', verifyUser: false })
    expect(euclid).not.toHaveProperty('phoneNumber')
    expect(await opens(euclid, 'none')).toBe(true)
    for (const user of [google, broken]) expect(user).not.toHaveProperty('passwordHash')
    expect(google).not.toHaveProperty('profilePictureUrl')
    expect(summary).toMatchObject({ users: 4, withPassword: 2, files: 1 })
    expect(counts).toEqual({
      leftOut: { disabled: 1, 'without an email address and a username': 1 },
      left: {
        'identities of other providers': 2,
        'second factors': 1,
        'pictures that are too long or no address': 1,
        'phone numbers that are not verified, or not like +12125550100': 1,
        'passwords: custom_password_hash is not read': 1,
        'passwords: $2x$ marks hashes of a faulty implementation, which reads letters beyond ASCII wrongly': 1,
      },
    })
  })

  test('a file of hashes is enough by itself', async () => {
    const { users } = await converted((chunks) => auth0(chunks, new Map()), pieces('auth0-passwords.ndjson'))
    expect(users.map(({ email, externalId }) => [email, externalId])).toEqual([
      ['ada@example.com', 'auth0|5dea9f9c82dd7c0e76e4ec93'],
      ['euclid@example.com', 'auth0|euclid'],
      ['broken@example.com', 'auth0|broken'],
    ])
    expect(await opens(users[1]!, 'none')).toBe(true)
  })

  test("takes the account from the users' own metadata where that is asked for", async () => {
    const { users } = await converted((chunks) => auth0(chunks, new Map()), pieces('auth0.ndjson'), {
      tenantFrom: 'user_metadata.account',
    })
    expect(users.map(({ tenantId }) => tenantId)).toEqual(['everybody', 'of-another', 'everybody', 'everybody'])
  })
})

describe('Firebase', () => {
  test('users come with their hashes, and what cannot be verified is said', async () => {
    const project = projectIn(await readFile(fixture('firebase-hash-config.txt'), 'utf8'))
    const { users, counts } = await converted((chunks) => firebase(chunks, project), pieces('firebase.json'), {
      tenantFrom: 'account',
    })
    expect(users[0]).toMatchObject({
      ...{ tenantId: 'blue-hens', email: 'user1@example.com', verifyUser: true, name: 'User "One" [1]' },
      ...{ externalId: 'u1', phoneNumber: '+12125550100', vendorMetadata: '{"account":"blue-hens","level":3}' },
      passwordHashType: 'firebase-scrypt',
    })
    expect(await opens(users[0]!, 'user1password')).toBe(true)
    expect(users[1]).not.toHaveProperty('passwordHash')
    expect(counts).toEqual({
      leftOut: { disabled: 1, 'without an email address and a username': 1 },
      left: {
        'identities of other providers': 1,
        'second factors': 1,
        'passwords: the hash is not as long as "signerKey": it is of another project, or cut': 1,
      },
    })
  })

  test('without the hash parameters, no password comes', async () => {
    const { users, counts } = await converted((chunks) => firebase(chunks, undefined), pieces('firebase.json'))
    expect(users.some((user) => 'passwordHash' in user)).toBe(false)
    expect(counts.left).toMatchObject({ 'passwords: they need the hash parameters of the project (--hash-config)': 2 })
  })

  test('the hash parameters may be JSON, and must be whole', () => {
    const project = { signerKey: 'abcd', saltSeparator: 'Bw==', rounds: 8, memCost: 14 }
    expect(projectIn(JSON.stringify(project))).toEqual(project)
    expect(() => projectIn('{"signerKey":"abcd","rounds":8,"memCost":14}')).toThrow('saltSeparator')
    expect(() => projectIn('hash_config { base64_signer_key: a, base64_salt_separator: b, rounds: 8 }')).toThrow(
      'memCost',
    )
  })
})

describe('Cognito', () => {
  test('users come without passwords, with all their attributes', async () => {
    const { users, counts } = await converted(cognito, pieces('cognito.csv'), { tenantFrom: 'custom:account' })
    expect(users).toEqual([
      {
        ...{ tenantId: 'blue-hens', email: 'ada@example.com', name: 'Ada Lovelace, Countess', verifyUser: true },
        ...{ profilePictureUrl: 'https://example.com/ada.png', externalId: '5f3e4c1a-0b0e-4f6e-9d0e-222222222222' },
        ...{ phoneNumber: '+12125550100', phoneNumberType: 'auth' },
        vendorMetadata: JSON.stringify({
          ...{ given_name: 'Ada', family_name: 'Lovelace, Countess', locale: 'en', 'custom:account': 'blue-hens' },
        }),
      },
      {
        ...{ tenantId: 'everybody', email: 'euclid@example.com', name: 'Euclid "the" geometer', username: 'euclid' },
        ...{ externalId: 'euclid', verifyUser: false },
      },
    ])
    expect(counts).toEqual({
      leftOut: { disabled: 1 },
      left: { 'second factors': 1, 'phone numbers that are not verified, or not like +12125550100': 1 },
    })
  })

  test.each([
    ['a quote that does not end', 'email\n"a@example.com'],
    ['a row with too many cells', 'email\na@example.com,b\n'],
    ['a record without an end', `email\n"${'x'.repeat(2 * 1024 * 1024)}"`],
  ])('%s is said, and nothing of what is in it', async (_, csv) => {
    const reading = all(cognito(text(csv)))
    await expect(reading).rejects.toThrow(Unreadable)
    await expect(reading).rejects.not.toThrow(/example\.com|xxx/)
  })
})

describe('Keycloak', () => {
  test('users come with hashes and authenticator apps', async () => {
    const { users, counts } = await converted(keycloak, pieces('keycloak.json'), { tenantFrom: 'account' })
    const [ada, old, directory, nameless, blank] = users as [User, User, User, User, User]
    expect(ada).toMatchObject({
      ...{ tenantId: 'blue-hens', email: 'ada@example.com', username: 'ada', name: 'Ada Lovelace', verifyUser: true },
      ...{ externalId: 'k1', phoneNumber: '+12125550100', passwordHashType: 'pbkdf2' },
      // base32 of the text of RFC 6238's secret
      authenticatorAppMfaSecret: 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ',
    })
    expect(JSON.parse(ada['vendorMetadata'] as string)).toMatchObject({ account: 'blue-hens', hobbies: ['a', 'b'] })
    expect(await opens(ada, 'Correct-Horse-7')).toBe(true)
    for (const user of [old, directory]) expect(user).not.toHaveProperty('passwordHash')
    expect(old).not.toHaveProperty('username')
    expect(nameless).toEqual({ tenantId: 'everybody', username: 'nameless', externalId: 'k6', verifyUser: false })
    expect(blank).not.toHaveProperty('username')
    expect(counts).toEqual({
      leftOut: { disabled: 1, 'service accounts': 1 },
      left: {
        roles: 3,
        groups: 1,
        'usernames of more than letters, digits and . _ -, or too long': 1,
        'identities of other providers': 1,
        'second factors and passkeys': 1,
        'passwords: Keycloak wrote them in another form before version 8': 1,
        'passwords: they are in a directory that Keycloak asks': 1,
      },
    })
  })
})

test('metadata that the import would refuse does not come, and its user does', async () => {
  const user = { username: 'a', attributes: { long: ['é'.repeat(8200)] } }
  const { users, counts } = await converted(keycloak, text(JSON.stringify({ users: [user] })))
  expect(users).toEqual([{ tenantId: 'everybody', username: 'a', verifyUser: false }])
  expect(counts.left).toEqual({ 'metadata of more than 16384 bytes': 1 })
})

describe('requests', () => {
  const person = (at: number, vendorMetadata?: string): Person => ({
    profile: { email: `${at}@example.com`, verifyUser: true, ...(vendorMetadata !== undefined && { vendorMetadata }) },
    ...{ password: undefined, fields: {}, left: [] },
  })
  const many = (count: number, vendorMetadata?: string): Read =>
    async function* () {
      for (let at = 0; at < count; at++) yield person(at, vendorMetadata)
    }

  test('hold a thousand users at most', async () => {
    const { names, requests, users } = await converted(many(2001), text())
    expect(names).toEqual(['users-00001.json', 'users-00002.json', 'users-00003.json'])
    expect(requests.map((request) => request.users.length)).toEqual([1000, 1000, 1])
    expect(users.map(({ email }) => email)).toEqual(Array.from({ length: 2001 }, (_, at) => `${at}@example.com`))
  })

  test('are smaller than what the server takes, also in bytes', async () => {
    const { out, names, users } = await converted(many(100, 'é'.repeat(20_000)), text())
    expect(users).toHaveLength(100)
    const sizes = await Promise.all(names.map(async (name) => (await stat(join(out, name))).size))
    expect(sizes.length).toBeGreaterThan(1)
    for (const size of sizes) expect(size).toBeLessThan(2 * 1024 * 1024)
  })

  test('can be read by their owner only, and go into an empty folder only', async () => {
    const { out } = await converted(many(1), text())
    expect((await stat(join(out, 'users-00001.json'))).mode & 0o077).toBe(0)
    const again = convert({ read: many(1), chunks: text(), tenant: 'x', tenantFrom: undefined, out })
    await expect(again).rejects.toThrow(/not empty/)
  })

  test('hold nobody without an account', async () => {
    const summary = await convert({
      ...{ read: many(3), chunks: text(), tenant: undefined, tenantFrom: 'account' },
      out: join(folder, 'nobody'),
    })
    expect(summary).toMatchObject({ users: 0, files: 0 })
    expect([...summary.leftOut]).toEqual([['without a tenant', 3]])
  })
})

describe('JSON is read piece by piece', () => {
  const JSON_TEXT =
    '\uFEFF{"x":{"users":[{"a":0}]},"y":"users","z":["users",[1]],"users":[{"a":"}]\\"\\\\"}, {"b":[{},[]]}],"w":1}'

  test.each([1, 2, 3, 5, 1000])('in pieces of %s', async (size) => {
    const chunks = JSON_TEXT.match(new RegExp(`[^]{1,${size}}`, 'g'))!
    expect(await all(rowsOfList(text(...chunks), 'users'))).toEqual([{ a: '}]"\\' }, { b: [{}, []] }])
  })

  test.each([
    ['{"users":[{"a":1}', /ends within/],
    ['{"people":[]}', /no list "users"/],
    ['{"users":{"a":1}}', /no list "users"/],
    ['', /no list "users"/],
    ['{"users":[{"a":1},{"a" 1}]}', /number 2 of "users" is no JSON object/],
    [`{"users":[{"a":"${'x'.repeat(4 * 1024 * 1024)}"}]}`, /too long/],
  ])('and what is wrong is said', async (json, sentence) => {
    await expect(all(rowsOfList(text(json), 'users'))).rejects.toThrow(sentence)
  })

  test('lines too', async () => {
    expect(await all(rowsOfLines(text('\uFEFF{"a":1}\r\n\n{"', 'b":2}')))).toEqual([{ a: 1 }, { b: 2 }])
    await expect(all(rowsOfLines(text('{"a":1}\n\n[1]\n')))).rejects.toThrow('line 3 is no JSON object')
    await expect(all(rowsOfLines(text('x'.repeat(4 * 1024 * 1024 + 1))))).rejects.toThrow('line 1 is too long')
  })
})
