import { describe, expect, test } from 'vitest'
import { faultsOf, initialRules, strictest, type Rules } from './strength.ts'

const rules = (change: Partial<Rules>): Rules => ({ ...initialRules, ...change })
const all4 = rules({ minOptionalTestsToPass: 4, minLength: 8 })

describe('the strength of a password', () => {
  test('every failed test is named', () => {
    expect(faultsOf('', initialRules)).toEqual(
      expect.arrayContaining([
        'The password must be at least 6 characters long.',
        'The password must contain at least one number.',
      ]),
    )
    expect(faultsOf('aaa', all4)).toEqual([
      'The password must be at least 8 characters long.',
      'The password may not contain sequences of three or more repeated characters.',
      'The password must contain at least one uppercase letter.',
      'The password must contain at least one number.',
      'The password must contain at least one special character.',
    ])
    expect(faultsOf('x'.repeat(129), rules({ checkThreeRepeatedChars: false }))).toEqual([
      'The password must be at most 128 characters long.',
    ])
  })

  test('each test may be optional or required, and each failed one is named once', () => {
    const strict = rules({ requiredNumbers: true, optionalThreeRepeatedChars: true, minOptionalTestsToPass: 5 })
    expect(faultsOf('aaabbb', strict)).toEqual([
      'The password must contain at least one number.',
      'The password may not contain sequences of three or more repeated characters.',
      'The password must contain at least one uppercase letter.',
      'The password must contain at least one special character.',
    ])
    expect(faultsOf('aB3!aB3!', strict)).toEqual([])
  })

  test('as many optional tests as asked for have to be passed, whichever', () => {
    expect(faultsOf('abcdef', initialRules)).toEqual([])
    expect(faultsOf('abcde1', rules({ minOptionalTestsToPass: 2 }))).toEqual([])
    expect(faultsOf('abcdef', rules({ minOptionalTestsToPass: 2 }))).toHaveLength(3)
    expect(faultsOf('Abcdef1!', all4)).toEqual([])
    expect(faultsOf('Abcdef1 ', all4)).toEqual(['The password must contain at least one special character.'])
    expect(faultsOf('Abcdef1é', all4)).toEqual([])
    expect(faultsOf('      ', rules({ minOptionalTestsToPass: 0, checkThreeRepeatedChars: false }))).toEqual([])
  })

  test('tests that are off count for nothing, and no more can be asked for than there are', () => {
    const onlyNumbers = rules({
      requireLowercase: false,
      requireUppercase: false,
      requireSpecialChars: false,
      minOptionalTestsToPass: 4,
    })
    expect(faultsOf('123456', onlyNumbers)).toEqual([])
    expect(faultsOf('Abcdef!', onlyNumbers)).toEqual(['The password must contain at least one number.'])
  })

  test('a passphrase needs no optional test, where it is allowed', () => {
    const phrases = rules({ ...all4, allowPassphrases: true, minPhraseLength: 20 })
    expect(faultsOf('correct horse battery', phrases)).toEqual([])
    expect(faultsOf('correct horse batte', phrases)).not.toEqual([])
    expect(faultsOf('correct horse battery', all4)).not.toEqual([])
    expect(faultsOf('correct horse batteryyy', phrases)).toEqual([
      'The password may not contain sequences of three or more repeated characters.',
    ])
  })

  test('characters are counted as people count them', () => {
    expect(faultsOf('🐔🐓🐥🐣🦆', initialRules)).toEqual(['The password must be at least 6 characters long.'])
    expect(faultsOf('🐔🐓🐥🐣🦆🦅', initialRules)).toEqual([])
    expect(faultsOf('ab🐔🐔🐔c', initialRules)).toEqual([
      'The password may not contain sequences of three or more repeated characters.',
    ])
  })
})

describe('the strictest of several rules', () => {
  test('of one are those themselves, as far as they can be told apart', () => {
    expect(strictest([initialRules])).toEqual(initialRules)
    expect(strictest([all4, all4])).toEqual(all4)
  })

  test('take the harder of each', () => {
    expect(
      strictest([
        rules({ minLength: 10, maxLength: 64, allowPassphrases: true, minPhraseLength: 30, blockPwnedPasswords: true }),
        rules({ minLength: 8, maxLength: 100, minOptionalTestsToPass: 3, checkThreeRepeatedChars: false }),
      ]),
    ).toEqual(
      rules({
        minLength: 10,
        maxLength: 64,
        minPhraseLength: 30,
        minOptionalTestsToPass: 3,
        blockPwnedPasswords: true,
      }),
    )
  })

  test('leave a password to choose where they contradict each other', () => {
    expect(strictest([rules({ minLength: 20 }), rules({ maxLength: 12 })])).toMatchObject({
      minLength: 20,
      maxLength: 20,
    })
  })

  test('kept means each of them kept, whatever they ask for', () => {
    const bits = [0, 1, 2, 3]
    const every = bits.flatMap((min) =>
      Array.from({ length: 16 }, (_, mask) =>
        rules({
          minLength: 1,
          checkThreeRepeatedChars: false,
          minOptionalTestsToPass: min + 1,
          requireLowercase: !!(mask & 1),
          requireUppercase: !!(mask & 2),
          requireNumbers: !!(mask & 4),
          requireSpecialChars: !!(mask & 8),
        }),
      ),
    )
    const passwords = Array.from(
      { length: 16 },
      (_, mask) => ['a', 'A', '1', '!'].filter((_c, bit) => mask & (1 << bit)).join('') || ' ',
    )
    const broken = every.flatMap((a) =>
      every.filter((b) => {
        const both = strictest([a, b])
        return passwords.some(
          (password) =>
            !faultsOf(password, both).length && (faultsOf(password, a).length || faultsOf(password, b).length),
        )
      }),
    )
    expect(broken).toEqual([])
    // and one of all four kinds is always good enough
    expect(every.filter((a) => every.some((b) => faultsOf('aA1!', strictest([a, b])).length))).toEqual([])
  })
})
