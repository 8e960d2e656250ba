import { Type, type Static } from 'typebox'
import { Document, setting } from '../../../kernel/settings.ts'

export const NewLockoutPolicy = Type.Object({
  enabled: Type.Boolean(),
  maxAttempts: Type.Integer({ minimum: 1, maximum: 2 ** 31 - 1 }),
})
export type NewLockoutPolicy = Static<typeof NewLockoutPolicy>

export const lockoutPolicy = setting('lockout-policy', NewLockoutPolicy, { enabled: false, maxAttempts: 5 })

export const LockoutPolicy = Document(NewLockoutPolicy)
