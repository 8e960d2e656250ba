import { refusalText } from '../../texts.ts'
import { read, type Reply, type Visit } from '../../visit.ts'
import { texts } from './password.texts.ts'

const TESTS = [
  'requireLowercase',
  'requireUppercase',
  'requireNumbers',
  'requireSpecialChars',
  'checkThreeRepeatedChars',
] as const
type Tests = Partial<Record<(typeof TESTS)[number], boolean>>
interface Policy {
  readonly minLength: number
  readonly maxLength: number
  readonly allowPassphrases: boolean
  readonly minPhraseLength: number
  readonly minOptionalTestsToPass: number
  readonly optionalTests: Tests
  readonly requiredTests: Tests
}

/** What a password must be like, in one sentence. @param userId whose; the API answers alike for one who does not exist */
export async function rulesOf(visit: Visit, userId?: string) {
  const query = userId ? `?${new URLSearchParams({ userId })}` : ''
  const policy = await read<Policy>(visit, `/identity/resources/users/v1/passwords/config${query}`)
  const t = texts[visit.language],
    named = (tests: Tests) => TESTS.filter((test) => tests[test]),
    listed = (tests: readonly (typeof TESTS)[number][]) => tests.map((test) => t[test]).join(', ')
  const must = named(policy.requiredTests),
    some = named(policy.optionalTests).filter((test) => !must.includes(test)),
    count = Math.min(policy.minOptionalTestsToPass, some.length)
  return [
    t.length(policy.minLength, policy.maxLength),
    must.length && t.must(listed(must)),
    count && t.some(count, listed(some)),
    policy.allowPassphrases && t.phrase(policy.minPhraseLength),
  ]
    .filter(Boolean)
    .join('; ')
}

/** Why the API has not taken a password; undefined when it says nothing of the password. */
export function passwordFault(visit: Visit, reply: Reply): string | undefined {
  const t = texts[visit.language],
    said = (reply.body.errors ?? []).join(' ')
  if (reply.status === 429) return refusalText(visit.language, reply)
  if (/breached/i.test(said)) return t.inBreach
  if (/must differ/i.test(said)) return t.used
  if (/should not be empty/i.test(said)) return t.enter
  return /password/i.test(said) ? t.weak : undefined
}
