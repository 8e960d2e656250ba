import { Type, type Static } from 'typebox'
import { Document, setting } from '../../../kernel/settings.ts'

const policy = {
  enabled: Type.Boolean(),
  siteKey: Type.String({ minLength: 1, maxLength: 512 }),
  /** sealed in what is stored */
  secretKey: Type.String({ minLength: 1, maxLength: 2048 }),
  minScore: Type.Number({ minimum: 0, maximum: 1 }),
  /** addresses that need no captcha */
  ignoredEmails: Type.Array(Type.String({ maxLength: 512 }), { maxItems: 1000 }),
}
const StoredPolicy = Type.Object(policy)
export type StoredPolicy = Static<typeof StoredPolicy>

export const captchaPolicy = setting('captcha-policy', StoredPolicy, {
  enabled: false,
  siteKey: '',
  secretKey: '',
  minScore: 0,
  ignoredEmails: [],
})

export const NewCaptchaPolicy = Type.Object({ ...policy, ignoredEmails: Type.Optional(policy.ignoredEmails) })
export type NewCaptchaPolicy = Static<typeof NewCaptchaPolicy>

export const CaptchaPolicy = Document(StoredPolicy)

/** What a login page needs to show the captcha. */
export const PublicCaptchaPolicy = Type.Object({ enabled: Type.Boolean(), siteKey: Type.Optional(Type.String()) })
