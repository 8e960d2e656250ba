import { Type } from 'typebox'
import { setting } from '../../../kernel/settings.ts'

export const UserEmailsPolicy = Type.Object({ allowEmailChange: Type.Boolean() })
export const userEmailsPolicy = setting('user-emails-policy', UserEmailsPolicy, { allowEmailChange: false })
