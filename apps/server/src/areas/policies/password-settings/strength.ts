/**
 * What a password must be like: required tests, and optional ones, some of which it must pass (after OWASP's password
 * strength test).
 */
export interface Rules {
  readonly minLength: number
  readonly maxLength: number
  /** a password of at least `minPhraseLength` need not pass any optional test */
  readonly allowPassphrases: boolean
  readonly minPhraseLength: number
  readonly minOptionalTestsToPass: number
  readonly requireLowercase: boolean
  readonly requireUppercase: boolean
  readonly requireNumbers: boolean
  readonly requireSpecialChars: boolean
  readonly checkThreeRepeatedChars: boolean
  readonly blockPwnedPasswords: boolean
}

export const initialRules: Rules = {
  minLength: 6,
  maxLength: 128,
  allowPassphrases: false,
  minPhraseLength: 20,
  minOptionalTestsToPass: 1,
  requireLowercase: true,
  requireUppercase: true,
  requireNumbers: true,
  requireSpecialChars: true,
  checkThreeRepeatedChars: true,
  blockPwnedPasswords: false,
}

/** ASCII, like the meters of login pages: any other letter counts as a special character. */
const optionalTests = [
  ['requireLowercase', /[a-z]/, 'The password must contain at least one lowercase letter.'],
  ['requireUppercase', /[A-Z]/, 'The password must contain at least one uppercase letter.'],
  ['requireNumbers', /[0-9]/, 'The password must contain at least one number.'],
  ['requireSpecialChars', /[^A-Za-z0-9 ]/, 'The password must contain at least one special character.'],
] as const

/** Every test that the password fails. Characters are Unicode code points (NIST SP 800-63B, 5.1.1.2). */
export function faultsOf(password: string, rules: Rules): string[] {
  const length = [...password].length
  const faults: string[] = []
  if (length < rules.minLength) faults.push(`The password must be at least ${rules.minLength} characters long.`)
  if (length > rules.maxLength) faults.push(`The password must be at most ${rules.maxLength} characters long.`)
  if (rules.checkThreeRepeatedChars && /(.)\1\1/su.test(password))
    faults.push('The password may not contain sequences of three or more repeated characters.')
  if (rules.allowPassphrases && length >= rules.minPhraseLength) return faults
  const tests = optionalTests.filter(([name]) => rules[name])
  const failed = tests.filter(([, pattern]) => !pattern.test(password))
  if (tests.length - failed.length < needed(rules)) faults.push(...failed.map(([, , text]) => text))
  return faults
}

const testsOf = (rules: Rules) => optionalTests.filter(([name]) => rules[name]).length
/** At most as many as there are. */
const needed = (rules: Rules) => Math.min(rules.minOptionalTestsToPass, testsOf(rules))

/** The rules whose passwords keep each of the given rules. */
export function strictest(all: readonly [Rules, ...Rules[]]): Rules {
  // rules that ask for no optional test do not decide which there are
  const asking = all.filter((rules) => needed(rules) > 0)
  const some = (name: (typeof optionalTests)[number][0]) => asking.some((rules) => rules[name])
  const tests = asking.length
    ? {
        requireLowercase: some('requireLowercase'),
        requireUppercase: some('requireUppercase'),
        requireNumbers: some('requireNumbers'),
        requireSpecialChars: some('requireSpecialChars'),
      }
    : {
        requireLowercase: all[0].requireLowercase,
        requireUppercase: all[0].requireUppercase,
        requireNumbers: all[0].requireNumbers,
        requireSpecialChars: all[0].requireSpecialChars,
      }
  const together = testsOf({ ...all[0], ...tests })
  const minLength = Math.max(...all.map((rules) => rules.minLength))
  return {
    ...tests,
    minLength,
    // rules that contradict each other must still leave a password to choose
    maxLength: Math.max(minLength, Math.min(...all.map((rules) => rules.maxLength))),
    allowPassphrases: all.every((rules) => rules.allowPassphrases),
    minPhraseLength: Math.max(...all.map((rules) => rules.minPhraseLength)),
    // at worst, a password passes all tests that these rules do not ask for
    minOptionalTestsToPass: Math.max(0, ...asking.map((rules) => needed(rules) + together - testsOf(rules))),
    checkThreeRepeatedChars: all.some((rules) => rules.checkThreeRepeatedChars),
    blockPwnedPasswords: all.some((rules) => rules.blockPwnedPasswords),
  }
}
