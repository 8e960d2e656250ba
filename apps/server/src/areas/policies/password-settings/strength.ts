export const TESTS = [
  'requireLowercase',
  'requireUppercase',
  'requireNumbers',
  'requireSpecialChars',
  'checkThreeRepeatedChars',
] as const
type Test = (typeof TESTS)[number]

/** Each test may be optional, required, or both. These are the names of the rules that say so. */
export const flatNames = {
  optional: {
    requireLowercase: 'requireLowercase',
    requireUppercase: 'requireUppercase',
    requireNumbers: 'requireNumbers',
    requireSpecialChars: 'requireSpecialChars',
    checkThreeRepeatedChars: 'optionalThreeRepeatedChars',
  },
  required: {
    requireLowercase: 'requiredLowercase',
    requireUppercase: 'requiredUppercase',
    requireNumbers: 'requiredNumbers',
    requireSpecialChars: 'requiredSpecialChars',
    checkThreeRepeatedChars: 'checkThreeRepeatedChars',
  },
} as const satisfies Record<string, Record<Test, string>>
type Kind = keyof typeof flatNames
export type FlatTest = (typeof flatNames)[Kind][Test]

/**
 * What a password must be like: required tests, and optional ones, some of which it must pass (after OWASP's password
 * strength test).
 */
export interface Rules extends Readonly<Record<FlatTest, boolean>> {
  readonly minLength: number
  readonly maxLength: number
  /** a password of at least `minPhraseLength` need not pass any optional test */
  readonly allowPassphrases: boolean
  readonly minPhraseLength: number
  readonly minOptionalTestsToPass: number
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
  optionalThreeRepeatedChars: false,
  requiredLowercase: false,
  requiredUppercase: false,
  requiredNumbers: false,
  requiredSpecialChars: false,
  checkThreeRepeatedChars: true,
  blockPwnedPasswords: false,
}

/** ASCII, like the meters of login pages: any other letter counts as a special character. */
const passes: Readonly<Record<Test, readonly [(password: string) => boolean, string]>> = {
  requireLowercase: [(p) => /[a-z]/.test(p), 'The password must contain at least one lowercase letter.'],
  requireUppercase: [(p) => /[A-Z]/.test(p), 'The password must contain at least one uppercase letter.'],
  requireNumbers: [(p) => /[0-9]/.test(p), 'The password must contain at least one number.'],
  requireSpecialChars: [(p) => /[^A-Za-z0-9 ]/.test(p), 'The password must contain at least one special character.'],
  checkThreeRepeatedChars: [
    (p) => !/(.)\1\1/su.test(p),
    'The password may not contain sequences of three or more repeated characters.',
  ],
}

/** Every test that the password fails. Characters are Unicode code points (NIST SP 800-63B, 5.1.1.2). */
export function faultsOf(password: string, rules: Rules): string[] {
  const length = [...password].length
  const failing = (tests: readonly Test[]) => tests.filter((test) => !passes[test][0](password))
  const faults: string[] = []
  if (length < rules.minLength) faults.push(`The password must be at least ${rules.minLength} characters long.`)
  if (length > rules.maxLength) faults.push(`The password must be at most ${rules.maxLength} characters long.`)
  const required = failing(asked(rules, 'required'))
  if (!rules.allowPassphrases || length < rules.minPhraseLength) {
    const optional = asked(rules, 'optional'),
      failed = failing(optional)
    if (optional.length - failed.length < needed(rules)) required.push(...failed)
  }
  return [...faults, ...[...new Set(required)].map((test) => passes[test][1])]
}

const asked = (rules: Rules, kind: Kind) => TESTS.filter((test) => rules[flatNames[kind][test]])
const testsOf = (rules: Rules) => asked(rules, 'optional').length
/** At most as many as there are. */
const needed = (rules: Rules) => Math.min(rules.minOptionalTestsToPass, testsOf(rules))

/** The rules whose passwords keep each of the given rules. */
export function strictest(all: readonly [Rules, ...Rules[]]): Rules {
  // rules that ask for no optional test do not decide which there are
  const asking = all.filter((rules) => needed(rules) > 0)
  const optional = Object.values(flatNames.optional).map((name) => [
    name,
    asking.length ? asking.some((rules) => rules[name]) : all[0][name],
  ])
  const required = Object.values(flatNames.required).map((name) => [name, all.some((rules) => rules[name])])
  const tests = Object.fromEntries([...optional, ...required]) as Record<FlatTest, boolean>
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
    blockPwnedPasswords: all.some((rules) => rules.blockPwnedPasswords),
  }
}
