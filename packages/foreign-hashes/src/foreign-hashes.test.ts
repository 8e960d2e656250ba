import { createHash, createHmac, pbkdf2Sync, scryptSync } from 'node:crypto'
import { hash as bcrypt } from '@node-rs/bcrypt'
import argon2 from 'argon2'
import { describe, expect, test } from 'vitest'
import { accept, fromKeycloak, isForeign, verify, type ForeignPassword } from './index.ts'

const stored = (password: ForeignPassword) => {
  const accepted = accept(password)
  if ('fault' in accepted) throw new Error(`${password.type} ${password.hash}: ${accepted.fault}`)
  return accepted.stored
}
const faultOf = (password: ForeignPassword) => {
  const accepted = accept(password)
  return 'fault' in accepted ? accepted.fault : undefined
}

const BCRYPT = '$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW' // of U*U
const SHA1 = '437091f31bf59809bd34cd0cc5e4c7da6820fe77' // of tester5
const SHA256 = createHash('sha256').update('password').digest('hex')
const FIREBASE = {
  type: 'firebase-scrypt',
  hash: 'lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==',
  salt: '42xEC+ixf3L2lw==',
} as const
const SIGNER_KEY = 'jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA=='
const PROJECT = { memCost: 14, rounds: 8, saltSeparator: 'Bw==', signerKey: SIGNER_KEY }
const SCRYPT = { N: 1024, r: 8, p: 1, keyLen: 32, saltSeparator: '.' }
const KEY = '00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff'

describe('what cannot be verified is refused with what is wrong', () => {
  const argon = (parameters: string, salt = 'c29tZXNhbHQ', digest = 'kjcNNtZ/b0t/8HgXUiQ76A') =>
    ({ type: 'argon2', hash: `$argon2id$v=19$${parameters}$${salt}$${digest}` }) as const
  const cases: [string, ForeignPassword, RegExp][] = [
    ['nothing', { type: 'bcrypt', hash: '' }, /not bcrypt/],
    ['a text beyond the bound', { type: 'sha1', hash: 'a'.repeat(4097) }, /longer than 4096/],
    ['a faulty version of bcrypt', { type: 'bcrypt', hash: BCRYPT.replace('2b', '2x') }, /\$2x\$/],
    ['bcrypt without a version', { type: 'bcrypt', hash: BCRYPT.replace('2b', '2') }, /only \$2a\$/],
    ['a version of bcrypt that is not there', { type: 'bcrypt', hash: BCRYPT.replace('2b', '2c') }, /only \$2a\$/],
    ['bcrypt that is cut', { type: 'bcrypt', hash: BCRYPT.slice(0, -1) }, /not bcrypt/],
    ['bcrypt with a line end', { type: 'bcrypt', hash: `${BCRYPT}\n` }, /not bcrypt/],
    ['bcrypt with a letter of another alphabet', { type: 'bcrypt', hash: BCRYPT.replace('E5', '+5') }, /not bcrypt/],
    ['bcrypt of a SHA-256', { type: 'bcrypt', hash: `bcrypt_sha256$${BCRYPT}` }, /not bcrypt/],
    ['bcrypt with a pepper', { type: 'bcrypt', hash: BCRYPT, config: { pepper: 'x' } }, /no option "pepper"/],
    ['another algorithm', { type: 'bcrypt', hash: `$argon2id$v=19$m=16,t=2,p=1$c29tZXNhbHQ$x` }, /not bcrypt/],
    ['argon2 without lanes', argon('m=16,t=2'), /p= is missing/],
    ['argon2 with a secret', argon('m=16,t=2,p=1,keyid=x'), /secret/],
    ['argon2 with associated data', argon('m=16,t=2,p=1,data=eA'), /associated data/],
    ['argon2 with too little memory', argon('m=15,t=2,p=2'), /8 KiB/],
    [
      'argon2 of a version that is not there',
      { ...argon('m=16,t=2,p=1'), hash: argon('m=16,t=2,p=1').hash.replace('19', '20') },
      /versions/,
    ],
    ['argon2 with a digest that is too short', argon('m=16,t=2,p=1', undefined, 'kjcNNtZ/b0s'), /shorter than 16/],
    [
      'argon2 with a digest that is not base64',
      argon('m=16,t=2,p=1', undefined, 'kjcNNtZ/b0t/8Hg!UiQ76A'),
      /not base64/,
    ],
    ['argon2 with a salt that is too short', argon('m=16,t=2,p=1', 'c2FsdA'), /8 and 128/],
    ['scrypt without its costs', { type: 'scrypt', hash: `salt.${KEY}` }, /"N" is missing/],
    ['scrypt without its separator', { type: 'scrypt', hash: `salt:${KEY}`, config: SCRYPT }, /does not hold/],
    ['scrypt with two separators', { type: 'scrypt', hash: `s.alt.${KEY}`, config: SCRYPT }, /several times/],
    [
      'scrypt with an empty separator',
      { type: 'scrypt', hash: `salt${KEY}`, config: { ...SCRYPT, saltSeparator: '' } },
      /is empty/,
    ],
    ['scrypt with a key of another length', { type: 'scrypt', hash: `salt.${KEY}00`, config: SCRYPT }, /32 bytes/],
    ['scrypt with an odd N', { type: 'scrypt', hash: `salt.${KEY}`, config: { ...SCRYPT, N: 1000 } }, /power of two/],
    [
      'scrypt with a broken r',
      { type: 'scrypt', hash: `salt.${KEY}`, config: { ...SCRYPT, r: 1.5 } },
      /"r" is missing or no whole/,
    ],
    [
      'scrypt with a salt that is no hex',
      { type: 'scrypt', hash: `salt.${KEY}`, config: { ...SCRYPT, saltEncoding: 'hex' } },
      /not hex/,
    ],
    [
      'scrypt with an encoding that is not there',
      { type: 'scrypt', hash: `salt.${KEY}`, config: { ...SCRYPT, saltEncoding: 'latin1' } },
      /none of/,
    ],
    [
      'scrypt with an option that it does not have',
      { type: 'scrypt', hash: `salt.${KEY}`, config: { ...SCRYPT, secret: 'x' } },
      /no option "secret"/,
    ],
    ['Firebase without a salt', { type: 'firebase-scrypt', hash: FIREBASE.hash, config: PROJECT }, /salt is missing/],
    ['Firebase without the project', FIREBASE, /"memCost" is missing/],
    ['Firebase with an empty hash', { ...FIREBASE, hash: '', config: PROJECT }, /empty/],
    ['Firebase with a cut hash', { ...FIREBASE, hash: FIREBASE.hash.slice(8), config: PROJECT }, /not as long/],
    [
      'Firebase with a broken signer key',
      { ...FIREBASE, config: { ...PROJECT, signerKey: 'not base64!' } },
      /"signerKey" is not base64/,
    ],
    ['PBKDF2 of no known form', { type: 'pbkdf2', hash: KEY }, /no known form/],
    [
      'PBKDF2 of a digest that is not there',
      { type: 'pbkdf2', hash: `pbkdf2_md5$1000$salt$${btoa(KEY)}` },
      /verified with/,
    ],
    ['PBKDF2 with a short key', { type: 'pbkdf2', hash: '$pbkdf2-sha256$1000$c2FsdA$c2FsdA' }, /shorter than 16/],
    [
      'PBKDF2 whose length is another',
      { type: 'pbkdf2', hash: '$pbkdf2-sha256$i=1000,l=32$c2FsdA$kjcNNtZ/b0t/8HgXUiQ76A' },
      /l= says/,
    ],
    ['PBKDF2 without rounds', { type: 'pbkdf2', hash: '$pbkdf2-sha256$0$c2FsdA$kjcNNtZ/b0t/8HgXUiQ76A' }, /no rounds/],
    ['two salts', { type: 'sha1', hash: SHA1, salt: 'a', config: { salt: 'b' } }, /two salts/],
    ['a digest of another length', { type: 'sha256', hash: SHA1 }, /32 bytes/],
    ['a digest of bytes', { type: 'sha1', hash: Buffer.from(SHA1, 'hex').toString('latin1') }, /20 bytes/],
    ['a salt after its digest', { type: 'sha1', hash: `${SHA1}:salt` }, /could be the digest/],
    ['two digests', { type: 'sha1', hash: `${SHA1}:${SHA1}` }, /could be the digest/],
    ['rounds of SHA-256', { type: 'sha256', hash: SHA256, config: { rounds: 1000 } }, /no option "rounds"/],
    [
      'a salt at a place that is not there',
      { type: 'sha256', hash: SHA256, config: { salt: 'x', saltPosition: 'around' } },
      /neither before nor after/,
    ],
    ['a directory’s hash of another kind', { type: 'sha1', hash: `{SSHA256}${btoa(KEY)}` }, /not sha1/],
    [
      'a directory’s hash without its salt',
      { type: 'sha1', hash: `{SSHA}${Buffer.from(SHA1, 'hex').toString('base64')}` },
      /and a salt/,
    ],
    [
      'a Keycloak credential of another type',
      { type: 'argon2', hash: JSON.stringify(keycloak('pbkdf2')) },
      /not argon2/,
    ],
    ['a Keycloak credential that is cut', { type: 'pbkdf2', hash: '{"secretData":' }, /no JSON object/],
    [
      'a Keycloak credential of an algorithm from elsewhere',
      { type: 'pbkdf2', hash: JSON.stringify(keycloak('scrypt')) },
      /only pbkdf2 and argon2/,
    ],
  ]
  test.each(cases)('%s', (_, password, sentence) => {
    expect(faultOf(password)).toMatch(sentence)
  })

  test('and the sentence repeats nothing of what was given', () => {
    const secret = 'ebdf1f2a31'
    for (const type of ['bcrypt', 'scrypt', 'firebase-scrypt', 'pbkdf2', 'argon2', 'sha256', 'sha1'] as const)
      for (const config of [
        undefined,
        { signerKey: secret },
        { [`${secret}-!`]: 1 },
        { ...PROJECT, signerKey: `${secret}!` },
      ]) {
        const fault = faultOf({ type, hash: `${secret}.${secret}`, ...(config && { config }) })
        expect(fault, type).toBeDefined()
        expect(fault).not.toContain(secret)
        expect(fault).not.toContain(SIGNER_KEY.slice(0, 10))
      }
  })
})

function keycloak(algorithm: string, more: object = {}) {
  return {
    secretData: JSON.stringify({ value: 'kjcNNtZ/b0t/8HgXUiQ76A==', salt: 'c29tZXNhbHQ=' }),
    credentialData: JSON.stringify({ hashIterations: 2, algorithm, ...more }),
  }
}

describe('what costs more than a second is refused', () => {
  const key = (length: number) => Buffer.alloc(length, 7)
  const scrypt = (N: number, r: number, p: number): ForeignPassword => ({
    type: 'scrypt',
    hash: `salt.${KEY}`,
    config: { ...SCRYPT, N, r, p },
  })
  const firebase = (memCost: number, rounds: number): ForeignPassword => ({
    ...FIREBASE,
    config: { ...PROJECT, memCost, rounds },
  })
  const pbkdf2 = (rounds: number, length = 32): ForeignPassword => ({
    type: 'pbkdf2',
    hash: `pbkdf2_sha256$${rounds}$salt$${key(length).toString('base64')}`,
  })
  const argon = (memory: number, passes: number, lanes: number): ForeignPassword => ({
    type: 'argon2',
    hash: `$argon2id$v=19$m=${memory},t=${passes},p=${lanes}$c29tZXNhbHQ$kjcNNtZ/b0t/8HgXUiQ76A`,
  })
  const cost = (cost: string): ForeignPassword => ({ type: 'bcrypt', hash: BCRYPT.replace('05', cost) })
  test.each<[string, ForeignPassword, ForeignPassword]>([
    ['the cost of bcrypt', cost('14'), cost('15')],
    ['the least cost of bcrypt', cost('04'), cost('03')],
    ['the memory of scrypt', scrypt(2 ** 17, 8, 1), scrypt(2 ** 18, 8, 1)],
    ['the r of scrypt', scrypt(1024, 256, 1), scrypt(1024, 257, 1)],
    ['the r and p of scrypt', scrypt(4, 64, 512), scrypt(4, 64, 513)],
    ['the N of scrypt for its r', scrypt(2 ** 15, 1, 1), scrypt(2 ** 16, 1, 1)],
    ['the time of scrypt', scrypt(2 ** 17, 8, 2), scrypt(2 ** 17, 8, 3)],
    ['the memory of Firebase', firebase(17, 8), firebase(18, 8)],
    ['the rounds of Firebase', firebase(14, 64), firebase(14, 65)],
    ['the rounds of PBKDF2', pbkdf2(2_000_000), pbkdf2(2_000_001)],
    ['the blocks of PBKDF2', pbkdf2(1_000_000, 64), pbkdf2(1_000_001, 64)],
    ['the memory of argon2', argon(131_072, 1, 1), argon(131_073, 1, 1)],
    ['the passes of argon2', argon(131_072, 6, 1), argon(131_072, 7, 1)],
    ['the lanes of argon2', argon(131_072, 1, 16), argon(131_072, 1, 17)],
  ])('%s', (_, dearest, tooDear) => {
    expect(faultOf(dearest)).toBeUndefined()
    expect(faultOf(tooDear)).toMatch(/most|not between|too l/)
  })

  test('also what no number holds', () => {
    for (const hash of [
      '$scrypt$ln=99,r=8,p=1$c29tZXNhbHQ$kjcNNtZ/b0t/8HgXUiQ76A',
      `scrypt:4294967296:8:1$salt$${KEY}`,
      `scrypt:1024:9999999:9999999$salt$${KEY}`,
    ])
      expect(faultOf({ type: 'scrypt', hash }), hash).toBeDefined()
    expect(faultOf(argon(2 ** 32, 1, 1))).toBeDefined()
    expect(faultOf(pbkdf2(9_999_999_999))).toBeDefined()
  })
})

describe('what is accepted can be verified', () => {
  const samples: ForeignPassword[] = [
    { type: 'bcrypt', hash: BCRYPT.replace('05', '04') },
    { type: 'argon2', hash: '$argon2id$v=19$m=16,t=2,p=1$VG1Oa1lMbzZLbzk5azQ2Qg$kjcNNtZ/b0t/8HgXUiQ76A' },
    { type: 'scrypt', hash: `scrypt:16:1:1$salt$${KEY}` },
    { type: 'scrypt', hash: '$scrypt$ln=2,r=1,p=1$c2FsdA$kjcNNtZ/b0t/8HgXUiQ76A' },
    { type: 'pbkdf2', hash: '$pbkdf2-sha256$i=10,l=16$c2FsdA$kjcNNtZ/b0t/8HgXUiQ76A' },
    { type: 'pbkdf2', hash: 'AQAAAAEAACcQAAAAEAABAgMEBQYHCAkKCwwNDg/Jox3jpGvbXqNNlxQ+kXv7ZumwPps+3uzQ0nBFVLtfuQ==' },
    { type: 'sha1', hash: `salt:${SHA1}` },
  ]
  test.each(samples)('whatever one character of $hash becomes', async (sample) => {
    for (let at = 0; at <= sample.hash.length; at++)
      for (const instead of ['', '$', '0', '9', 'é', ',']) {
        const hash = sample.hash.slice(0, at) + instead + sample.hash.slice(at + 1)
        const accepted = accept({ ...sample, hash })
        if ('fault' in accepted) continue
        // one that has become dear is as good, but takes its time
        if (/"(memory|rounds|N)":\d{5}|\$2b\$(0[6-9]|1)/.test(accepted.stored)) continue
        expect(await verify(accepted.stored, 'another'), hash).toBe(false)
      }
  })

  test('whatever an option is', async () => {
    const strange = [null, true, {}, [], -1, 0, 0.5, 1e99, Number.NaN, '', '-1', '1e3', 'é', '__proto__']
    const given: ForeignPassword[] = [
      { type: 'scrypt', hash: `salt.${KEY}`, config: { ...SCRYPT, N: 16 } },
      { ...FIREBASE, config: { ...PROJECT, memCost: 2 } },
      { type: 'pbkdf2', hash: KEY, config: { salt: 'x', digest: 'sha256', iterations: 9, keyLen: 32 } },
      { type: 'sha1', hash: SHA1, config: { salt: 'x', saltPosition: 'after', saltEncoding: 'utf8' } },
    ]
    for (const { config, ...password } of given)
      for (const name of Object.keys(config!))
        for (const value of strange) {
          const accepted = accept({ ...password, config: { ...config, [name]: value } })
          if ('stored' in accepted) expect(await verify(accepted.stored, 'another')).toBe(false)
        }
  })
})

describe('a password', () => {
  test('is tried as it was typed, composed, in compatible forms, and decomposed', async () => {
    const sha1 = (text: string) => stored({ type: 'sha1', hash: createHash('sha1').update(text, 'utf8').digest('hex') })
    const [decomposed, composed] = ['Cafe\u0301-1', 'Caf\u00e9-1']
    expect(await verify(sha1(decomposed), decomposed)).toBe(true)
    expect(await verify(sha1(composed), composed)).toBe(true)
    expect(await verify(sha1(composed), decomposed)).toBe(true)
    expect(await verify(sha1(decomposed), composed)).toBe(true)
    // ﬁ is one letter as typed, and two in NFKC
    expect(await verify(sha1('\ufb01ne'), '\ufb01ne')).toBe(true)
    expect(await verify(sha1('fine'), '\ufb01ne')).toBe(true)
    expect(await verify(sha1('\ufb01ne'), 'fine')).toBe(false)
    expect(await verify(sha1(composed), 'Cafe-1')).toBe(false)
  })

  test('is looked at as far as bcrypt does: 72 bytes', async () => {
    const long = 'é'.repeat(36),
      hash = stored({ type: 'bcrypt', hash: await bcrypt(`${long} and a tail`, 4) })
    for (const right of [long, `${long} and a tail`, `${long} another`]) expect(await verify(hash, right)).toBe(true)
    expect(await verify(hash, long.slice(1))).toBe(false)
  })

  test('with a NUL character is never right', async () => {
    const hashes = [
      stored({ type: 'bcrypt', hash: await bcrypt('ab', 4) }),
      stored({ type: 'pbkdf2', hash: pbkdf2Text('ab', 'salt') }),
      stored({ type: 'sha1', hash: createHash('sha1').update('ab\0').digest('hex') }),
    ]
    for (const hash of hashes)
      for (const wrong of ['ab\0', 'ab\0ab', '\0ab', '\0']) expect(await verify(hash, wrong)).toBe(false)
    expect(await verify(hashes[0]!, 'ab')).toBe(true)
    // what HMAC would take for one
    expect(createHmac('sha256', 'ab').digest('hex')).toBe(createHmac('sha256', 'ab\0').digest('hex'))
  })

  test('of no characters is one like others', async () => {
    const hash = stored({ type: 'sha256', hash: createHash('sha256').digest('hex') })
    expect(await verify(hash, '')).toBe(true)
    expect(await verify(hash, ' ')).toBe(false)
  })
})

const pbkdf2Text = (password: string, salt: string) =>
  `pbkdf2_sha256$10$${salt}$${pbkdf2Sync(password, salt, 10, 32, 'sha256').toString('base64')}`

describe('a stored text', () => {
  test('is known by itself, and no other text is taken for one', async () => {
    expect(isForeign(stored({ type: 'bcrypt', hash: BCRYPT }))).toBe(true)
    for (const other of ['', BCRYPT, SHA1, await argon2.hash('x', { memoryCost: 8, timeCost: 1, parallelism: 1 })]) {
      expect(isForeign(other)).toBe(false)
      expect(await verify(other, 'U*U')).toBe(false)
    }
    expect(await verify('foreign:{"kind"', 'U*U')).toBe(false)
  })

  test('holds no signer key, nor what gives one', () => {
    const text = stored({ ...FIREBASE, config: PROJECT }),
      key = Buffer.from(SIGNER_KEY, 'base64'),
      hash = Buffer.from(FIREBASE.hash, 'base64')
    const stream = Buffer.from(key.map((byte, at) => byte ^ hash[at]!))
    for (const bytes of [key, hash, stream])
      for (const encoding of ['base64', 'base64url', 'hex'] as const)
        expect(text).not.toContain(bytes.subarray(0, 30).toString(encoding))
  })

  test('is the same for all names of one bcrypt, and without bits that belong to no byte', async () => {
    const names = ['$2a$', '$2b$', '$2y$'].map((name) => BCRYPT.replace('$2b$', name))
    const forms = [...names, `bcrypt$${BCRYPT}`, `{bcrypt}${BCRYPT}`]
    // the last characters of salt and digest hold four and two such bits
    const untidy = `${BCRYPT.slice(0, 28)}/${BCRYPT.slice(29, -1)}Z`
    const texts = new Set([...forms, untidy].map((hash) => stored({ type: 'bcrypt', hash })))
    expect(texts.size).toBe(1)
    expect(await verify([...texts][0]!, 'U*U')).toBe(true)
  })
})

describe('other forms', () => {
  test('argon2 of 1.0, of Django and Spring, with padding, and in another order', async () => {
    const options = { type: argon2.argon2i, memoryCost: 32, timeCost: 2, parallelism: 2, hashLength: 32 }
    const modern = await argon2.hash('password', options)
    const old = await argon2.hash('password', { ...options, version: 16 })
    const [, , , , salt, digest] = modern.split('$')
    for (const hash of [
      modern,
      old,
      old.replace('$v=16', ''),
      `argon2${modern}`,
      `{argon2}${modern}`,
      `{argon2@SpringSecurity_v5_8}${modern}`,
      `$argon2i$v=19$t=2,p=2,m=32$${salt!}==$${digest!}=`,
    ]) {
      const text = stored({ type: 'argon2', hash })
      expect(await verify(text, 'password'), hash).toBe(true)
      expect(await verify(text, 'Password'), hash).toBe(false)
    }
  })

  test('argon2 of Keycloak', async () => {
    const salt = Buffer.from('0123456789abcdef')
    const key = await argon2.hash('password', {
      ...{ type: argon2.argon2id, memoryCost: 64, timeCost: 2, parallelism: 1, hashLength: 32 },
      ...{ salt, raw: true },
    })
    const credential = {
      secretData: JSON.stringify({ value: key.toString('base64'), salt: salt.toString('base64') }),
      credentialData: JSON.stringify({
        ...{ hashIterations: 2, algorithm: 'argon2' },
        additionalParameters: {
          hashLength: ['32'],
          memory: ['64'],
          type: ['id'],
          version: ['1.3'],
          parallelism: ['1'],
        },
      }),
    }
    const password = fromKeycloak(credential)
    if ('fault' in password) throw new Error(password.fault)
    expect(await verify(stored(password), 'password')).toBe(true)
    expect(stored({ type: 'argon2', hash: JSON.stringify(credential) })).toBe(stored(password))
    expect(fromKeycloak({ secretData: 'x', credentialData: '{}' })).toEqual({
      fault: '"secretData" of the Keycloak credential is no JSON object',
    })
  })

  test('PBKDF2 of ASP.NET Identity 2, whose rounds are fixed', async () => {
    const salt = Buffer.alloc(16, 3)
    const bytes = Buffer.concat([Buffer.of(0), salt, pbkdf2Sync('password', salt, 1000, 32, 'sha1')])
    const text = stored({ type: 'pbkdf2', hash: bytes.toString('base64') })
    expect(await verify(text, 'password')).toBe(true)
    expect(await verify(text, 'passwort')).toBe(false)
  })

  test.each(['sha1', 'sha256'] as const)('%s of a directory, salted and not', async (type) => {
    const name = type === 'sha1' ? 'SHA' : 'SHA256',
      salt = Buffer.of(0, 255, 58, 7),
      digest = (after: Buffer) => createHash(type).update('password').update(after).digest()
    for (const hash of [
      `{${name}}${digest(Buffer.alloc(0)).toString('base64')}`,
      `{S${name}}${Buffer.concat([digest(salt), salt]).toString('base64')}`,
    ]) {
      const text = stored({ type, hash })
      expect(await verify(text, 'password')).toBe(true)
      expect(await verify(text, 'passwor')).toBe(false)
    }
  })
})

describe('whatever salt and password', () => {
  /** Bytes that are the same in every run. */
  const bytes = (seed: string, length: number) => {
    const blocks = Array.from({ length: Math.ceil(length / 32) }, (_, at) =>
      createHash('sha256').update(`${seed} ${at}`).digest(),
    )
    return Buffer.concat(blocks).subarray(0, length)
  }
  const PASSWORDS = ['a', ' p w ', 'päßwörd', 'Ωμέγα', '密码🔑', 'x'.repeat(300), '$2b$:.,=+/_-']
  const encodings = ['hex', 'base64', 'base64url'] as const
  const rounds = Array.from({ length: 40 }, (_, at) => {
    const [choice, size] = bytes(`round ${at}`, 2) as unknown as [number, number]
    const length = 1 + (size % 19) // shorter than a digest: else it could be one
    return {
      at,
      password: PASSWORDS[choice % PASSWORDS.length]!,
      salt: bytes(`salt ${at}`, length),
      encoding: encodings[at % 3]!,
    }
  })
  const coding = (encoding: (typeof encodings)[number]) => (encoding === 'hex' ? 'hex' : 'base64')

  async function holds(password: string, foreign: ForeignPassword) {
    const text = stored(foreign)
    expect(await verify(text, password), JSON.stringify(foreign)).toBe(true)
    expect(await verify(text, `${password} `), JSON.stringify(foreign)).toBe(false)
  }

  test.each(rounds)('$encoding, round $at', async ({ at, password, salt, encoding }) => {
    const text = salt.toString(encoding),
      saltEncoding = coding(encoding),
      type = at % 2 ? 'sha1' : 'sha256'
    // as bytes, before and after the password, and as its text
    for (const saltPosition of ['before', 'after'] as const) {
      const parts = saltPosition === 'before' ? [salt, password] : [password, salt]
      const hash = parts.reduce((all, part) => all.update(part), createHash(type)).digest(encoding)
      await holds(password, { type, hash, salt: text, config: { saltEncoding, saltPosition } })
    }
    const ofText = createHash(type).update(text).update(password).digest(encoding)
    await holds(password, { type, hash: `${text}:${ofText}` })
    await holds(password, { type, hash: ofText, config: { salt: text } })

    const costs = { N: 2 ** (1 + (at % 10)), r: 1 + (at % 3), p: 1 + (at % 2) },
      keyLen = 16 + at
    const scrypt = (of: Buffer | string) => scryptSync(password, of, keyLen, costs).toString(encoding)
    const config = { ...costs, keyLen, saltSeparator: '.' }
    await holds(password, { type: 'scrypt', hash: `${text}.${scrypt(text)}`, config })
    await holds(password, { type: 'scrypt', hash: `${text}.${scrypt(salt)}`, config: { ...config, saltEncoding } })

    const digest = (['sha1', 'sha224', 'sha256', 'sha384', 'sha512'] as const)[at % 5]!
    const pbkdf2 = (of: Buffer | string) => pbkdf2Sync(password, of, 1 + at, keyLen, digest)
    const options = { digest: digest.toUpperCase(), iterations: 1 + at, keyLen }
    await holds(password, {
      type: 'pbkdf2',
      hash: pbkdf2(salt).toString(encoding),
      salt: text,
      config: { ...options, saltEncoding },
    })
    await holds(password, {
      type: 'pbkdf2',
      hash: `$pbkdf2-${digest}$i=${1 + at}$${salt.toString(encoding === 'hex' ? 'base64' : encoding)}$${pbkdf2(salt).toString('base64')}`,
    })
  })
})
