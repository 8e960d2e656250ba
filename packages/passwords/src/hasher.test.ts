import { accept } from '@henhouse/foreign-hashes'
import argon2 from 'argon2'
import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { MAX_PASSWORD_LENGTH, OWASP, passwordHasher, TooManyHashes } from './index.ts'

const cheap = { memoryCost: 8, timeCost: 1, parallelism: 1 }
const hasher = passwordHasher(cheap)

// From the argon2 reference implementation's own tests: argon2id 1.3, password "password", salt "somesalt".
const REFERENCE = '$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4'

describe('hash', () => {
  it('writes argon2id with the parameters it was given', async () => {
    expect(await hasher.hash('correct horse')).toMatch(/^\$argon2id\$v=19\$m=8,t=1,p=1\$[\w+/]{22}\$[\w+/]{43}$/)
  })

  it('salts: the same password never hashes alike', async () => {
    expect(await hasher.hash('same')).not.toBe(await hasher.hash('same'))
  })

  it('refuses a password beyond the bound and takes one at the bound', async () => {
    await expect(hasher.hash('x'.repeat(MAX_PASSWORD_LENGTH + 1))).rejects.toThrow(RangeError)
    const longest = 'x'.repeat(MAX_PASSWORD_LENGTH)
    expect(await hasher.verify(await hasher.hash(longest), longest)).toBe(true)
  })
})

describe('verify', () => {
  it('accepts the password and nothing near it', async () => {
    const hash = await hasher.hash('Pässword 1')
    expect(await hasher.verify(hash, 'Pässword 1')).toBe(true)
    for (const wrong of ['pässword 1', 'Passwort 1', 'Pässword 1 ', ' Pässword 1', 'Pässword', ''])
      expect(await hasher.verify(hash, wrong)).toBe(false)
  })

  it('looks at every character of a long password', async () => {
    const hash = await hasher.hash('a'.repeat(1000) + 'b')
    expect(await hasher.verify(hash, 'a'.repeat(1000) + 'c')).toBe(false)
    expect(await hasher.verify(hash, 'a'.repeat(1000) + '\0b')).toBe(false)
  })

  it('takes composed, decomposed and full-width spellings for one password', async () => {
    const hash = await hasher.hash('caf\u00e9 \uff11\uff12')
    expect(await hasher.verify(hash, 'cafe\u0301 12')).toBe(true)
  })

  it('accepts hashes made with other parameters', async () => {
    expect(await hasher.verify(REFERENCE, 'password')).toBe(true)
    expect(await hasher.verify(REFERENCE, 'Password')).toBe(false)
    expect(
      await hasher.verify(
        await argon2.hash('other', { ...cheap, type: argon2.argon2i, memoryCost: 32, parallelism: 2 }),
        'other',
      ),
    ).toBe(true)
  })

  it('answers false for an unknown user', async () => {
    for (const password of ['', 'password', 'x'.repeat(5000)]) expect(await hasher.verify(null, password)).toBe(false)
  })

  it('works as hard for an unknown user, or a broken hash, as for a known one', async () => {
    const dear = passwordHasher({ memoryCost: 16384, timeCost: 3, parallelism: 1 })
    const hash = await dear.hash('password')
    const cost = async (stored: string | null) => {
      const times = []
      for (let round = 0; round < 7; round += 1) {
        const start = performance.now()
        await dear.verify(stored, 'another')
        times.push(performance.now() - start)
      }
      return Math.min(...times)
    }
    const known = await cost(hash)
    for (const stored of [null, 'broken']) expect(await cost(stored)).toBeGreaterThan(known / 2)
  })

  it('answers false for a malformed hash instead of throwing', async () => {
    const hash = await hasher.hash('password')
    const [salt, digest] = hash.split('$').slice(4) as [string, string]
    const malformed = [
      '',
      '$',
      'password',
      '$argon2id$',
      '$2b$12$abcdefghijklmnopqrstuuSdcf6hT7fXR5y8C1Tjqc1o1bG1WkKfK',
      hash.slice(0, -4) + '====',
      hash + '\n',
      ' ' + hash,
      hash.replace('v=19', 'v=99'),
      hash.replace('m=8', 'm=7'),
      hash.replace('p=1', 'p=2'),
      hash.replace('t=1', 't=0'),
      hash.replace('m=8', 'm=4294967296'),
      hash.replace('m=8', 'm=2097152'),
      hash.replace('t=1', 't=1000'),
      hash.replace('m=8,t=1', 't=1,m=8'),
      `$argon2id$v=19$m=8,t=1,p=1$${salt}$`,
      `$argon2id$v=19$m=8,t=1,p=1$$${digest}`,
      `$argon2id$v=19$m=8,t=1,p=1$c2FsdA$${digest}`,
      `$argon2id$v=19$${salt}$${digest}`,
      `$argon2x$v=19$m=8,t=1,p=1$${salt}$${digest}`,
      hash.replaceAll('$', '_'),
    ]
    for (const stored of malformed) expect(await hasher.verify(stored, 'password'), stored).toBe(false)
  })

  it('answers false, and never throws, whatever single character of a hash is lost or changed', async () => {
    const hash = await hasher.hash('password')
    for (let at = 0; at < hash.length; at += 1) {
      for (const instead of ['', '$', '=', '0', 'é']) {
        const damaged = hash.slice(0, at) + instead + hash.slice(at + 1)
        if (damaged !== hash) expect(await hasher.verify(damaged, 'password'), damaged).toBe(false)
      }
    }
  })
})

describe('an imported hash', () => {
  const imported = (password: string) => {
    const accepted = accept({ type: 'sha256', hash: createHash('sha256').update(password).digest('hex') })
    if ('fault' in accepted) throw new Error(accepted.fault)
    return accepted.stored
  }

  it('is verified, and due for a new one', async () => {
    const hash = imported('correct horse')
    expect(await hasher.verify(hash, 'correct horse')).toBe(true)
    expect(await hasher.verify(hash, 'correct horse ')).toBe(false)
    expect(await hasher.verify(hash, 'x'.repeat(MAX_PASSWORD_LENGTH + 1))).toBe(false)
    expect(hasher.needsRehash(hash)).toBe(true)
  })

  it('waits in the same queue', async () => {
    const bounded = passwordHasher(cheap, { atOnce: 1, queue: 1 }),
      hash = imported('password')
    const results = await Promise.allSettled(Array.from({ length: 5 }, () => bounded.verify(hash, 'password')))
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(2)
    for (const result of results) if (result.status === 'rejected') expect(result.reason).toBeInstanceOf(TooManyHashes)
  })

  it('costs a wrong password what an unknown user costs, however quick it is', async () => {
    const dear = passwordHasher({ memoryCost: 16384, timeCost: 3, parallelism: 1 })
    const quickest = async (stored: string | null) => {
      const times = []
      for (let round = 0; round < 7; round += 1) {
        const start = performance.now()
        await dear.verify(stored, 'another')
        times.push(performance.now() - start)
      }
      return Math.min(...times)
    }
    expect(await quickest(imported('password'))).toBeGreaterThan((await quickest(null)) / 2)
  })
})

describe('needsRehash', () => {
  it('is false for what it would write itself', async () => {
    expect(hasher.needsRehash(await hasher.hash('password'))).toBe(false)
  })

  it('is true for other parameters, the other kinds of argon2 and everything malformed', async () => {
    const hash = await hasher.hash('password')
    for (const other of [
      REFERENCE,
      hash.replace('t=1', 't=2'),
      hash.replace('m=8', 'm=16'),
      hash.replace('argon2id', 'argon2i'),
      hash.replace('v=19', 'v=16'),
      '',
      '$2b$12$x',
    ]) {
      expect(hasher.needsRehash(other), other).toBe(true)
    }
  })
})

describe('a bounded queue', () => {
  it('refuses what does not fit, and takes more when there is room again', async () => {
    const bounded = passwordHasher(cheap, { atOnce: 2, queue: 3 })
    const results = await Promise.allSettled(Array.from({ length: 20 }, () => bounded.hash('password')))
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(5)
    for (const result of results) if (result.status === 'rejected') expect(result.reason).toBeInstanceOf(TooManyHashes)
    expect(await bounded.verify(await bounded.hash('password'), 'password')).toBe(true)
  })

  it('makes everybody wait without a bound', async () => {
    const results = await Promise.all(Array.from({ length: 20 }, () => hasher.hash('password')))
    expect(new Set(results).size).toBe(20)
  })
})

describe('passwordHasher', () => {
  it('refuses parameters that argon2 or verify would not take', () => {
    for (const wrong of [
      { ...cheap, memoryCost: 7 },
      { ...cheap, parallelism: 2 },
      { ...cheap, timeCost: 0 },
      { ...cheap, timeCost: 1.5 },
      { ...cheap, memoryCost: 2 ** 21 },
      { ...cheap, memoryCost: Number.NaN },
    ]) {
      expect(() => passwordHasher(wrong)).toThrow(RangeError)
    }
    expect(() => passwordHasher(OWASP)).not.toThrow()
  })
})
