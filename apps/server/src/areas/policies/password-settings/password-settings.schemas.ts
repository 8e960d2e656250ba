import { Type, type Static } from 'typebox'
import { Document, setting, type Stored } from '../../../kernel/settings.ts'
import { DateTime } from '../../../kernel/validation.ts'
import { flatNames, TESTS, type FlatTest, type Rules } from './strength.ts'

/** Twice as many UTF-16 units as this are still hashed (packages/passwords). */
const Length = Type.Integer({ minimum: 1, maximum: 1024 })
/** On the wire, both for those of which some must be passed and for those that all must be. */
const Tests = Type.Object({
  requireLowercase: Type.Boolean(),
  requireUppercase: Type.Boolean(),
  requireNumbers: Type.Boolean(),
  requireSpecialChars: Type.Boolean(),
  checkThreeRepeatedChars: Type.Boolean(),
})
type Tests = Static<typeof Tests>
const limits = {
  allowPassphrases: Type.Boolean(),
  maxLength: Length,
  minLength: Length,
  minPhraseLength: Length,
  minOptionalTestsToPass: Type.Integer({ minimum: 0, maximum: 5 }),
  blockPwnedPasswords: Type.Boolean(),
}

const flag = Type.Boolean()
const flatTests = Object.fromEntries(
  [...Object.values(flatNames.optional), ...Object.values(flatNames.required)].map((name) => [name, flag]),
) as Record<FlatTest, typeof flag>

/**
 * What an environment or a tenant has said about passwords, and no more: where a tenant says nothing, the environment's
 * rules apply. Flat, so that two changes at once both take effect.
 */
export const passwordRules = setting('password-policy', Type.Partial(Type.Object({ ...limits, ...flatTests })), {})

export const PasswordPolicy = Type.Object({
  ...limits,
  optionalTests: Tests,
  requiredTests: Tests,
})
export function toPasswordPolicy(rules: Rules): Static<typeof PasswordPolicy> {
  const tests = (kind: 'optional' | 'required') =>
    Object.fromEntries(TESTS.map((test) => [test, rules[flatNames[kind][test]]])) as Tests
  return { ...rules, optionalTests: tests('optional'), requiredTests: tests('required') }
}

/** The tests of a change as they are stored. */
export const flatTestsOf = ({ optionalTests = {}, requiredTests = {} }: PasswordPolicyChange): Partial<Rules> =>
  Object.fromEntries(
    TESTS.flatMap((test) => [
      [flatNames.optional[test], optionalTests[test]],
      [flatNames.required[test], requiredTests[test]],
    ]).filter(([, value]) => value !== undefined),
  ) as Partial<Rules>

export const PasswordPolicyChange = Type.Partial(
  Type.Object({
    ...limits,
    optionalTests: Type.Partial(Tests),
    requiredTests: Type.Partial(Tests),
  }),
)
export type PasswordPolicyChange = Static<typeof PasswordPolicyChange>

export const NewHistoryPolicy = Type.Object({
  enabled: Type.Boolean(),
  historySize: Type.Integer({ minimum: 1, maximum: 10 }),
})
export type NewHistoryPolicy = Static<typeof NewHistoryPolicy>
export const historyPolicy = setting('password-history', NewHistoryPolicy, { enabled: false, historySize: 1 })
export const HistoryPolicy = Document(NewHistoryPolicy)

/** Five years of minutes. */
const Minutes = { maximum: 2_628_000 }
const RotationRules = Type.Object({
  isActive: Type.Boolean(),
  rotationPeriod: Type.Integer({ minimum: 1, ...Minutes }),
  notificationPeriod: Type.Integer({ minimum: 0, ...Minutes }),
})
export const rotation = setting('password-rotation', RotationRules, {
  isActive: false,
  rotationPeriod: 129_600,
  notificationPeriod: 10_080,
})
export const RotationChange = Type.Partial(RotationRules)
export type RotationChange = Static<typeof RotationChange>

/** `tenantId` is empty for the environment's own, because the wire has a text there. */
export const Rotation = Type.Object({
  ...RotationRules.properties,
  tenantId: Type.String(),
  createdAt: DateTime,
  updatedAt: DateTime,
})
export const toRotation = ({
  value,
  tenantId,
  createdAt,
  updatedAt,
}: Stored<Static<typeof RotationRules>>): Static<typeof Rotation> => ({
  ...value,
  tenantId: tenantId ?? '',
  createdAt: createdAt.toISOString(),
  updatedAt: updatedAt.toISOString(),
})
