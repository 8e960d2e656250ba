import { Type, type Static } from 'typebox'
import { Document, setting, type Stored } from '../../../kernel/settings.ts'
import { DateTime } from '../../../kernel/validation.ts'
import type { Rules } from './strength.ts'

/** Twice as many UTF-16 units as this are still hashed (packages/passwords). */
const Length = Type.Integer({ minimum: 1, maximum: 1024 })
const optionalTests = {
  requireLowercase: Type.Boolean(),
  requireUppercase: Type.Boolean(),
  requireNumbers: Type.Boolean(),
  requireSpecialChars: Type.Boolean(),
}
const requiredTests = { checkThreeRepeatedChars: Type.Boolean() }
const limits = {
  allowPassphrases: Type.Boolean(),
  maxLength: Length,
  minLength: Length,
  minPhraseLength: Length,
  minOptionalTestsToPass: Type.Integer({ minimum: 0, maximum: 4 }),
  blockPwnedPasswords: Type.Boolean(),
}

/**
 * What an environment or a tenant has said about passwords, and no more: where a tenant says nothing, the environment's
 * rules apply. Flat, so that two changes at once both take effect.
 */
export const passwordRules = setting(
  'password-policy',
  Type.Partial(Type.Object({ ...limits, ...optionalTests, ...requiredTests })),
  {},
)

export const PasswordPolicy = Type.Object({
  ...limits,
  optionalTests: Type.Object(optionalTests),
  requiredTests: Type.Object(requiredTests),
})
export const toPasswordPolicy = ({
  requireLowercase,
  requireUppercase,
  requireNumbers,
  requireSpecialChars,
  checkThreeRepeatedChars,
  ...others
}: Rules): Static<typeof PasswordPolicy> => ({
  ...others,
  optionalTests: { requireLowercase, requireUppercase, requireNumbers, requireSpecialChars },
  requiredTests: { checkThreeRepeatedChars },
})

export const PasswordPolicyChange = Type.Partial(
  Type.Object({
    ...limits,
    optionalTests: Type.Partial(Type.Object(optionalTests)),
    requiredTests: Type.Partial(Type.Object(requiredTests)),
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
