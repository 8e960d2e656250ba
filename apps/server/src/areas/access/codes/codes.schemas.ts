import { Type, type Static } from 'typebox'
import { Code, FilledKey, FilledToken } from '../../../kernel/validation.ts'

/** What the link in the mail holds. */
export const LinkToken = Type.Object({ userId: FilledKey, token: FilledToken })
export const MailedCode = Type.Object({ ...LinkToken.properties, code: Code })
export type MailedCode = Static<typeof MailedCode>
