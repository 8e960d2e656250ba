import { Type, type Static } from 'typebox'

/** What the link in the mail holds. */
export const LinkToken = Type.Object({ userId: Type.String({ minLength: 1 }), token: Type.String({ minLength: 1 }) })
export const MailedCode = Type.Object({ ...LinkToken.properties, code: Type.String({ minLength: 1 }) })
export type MailedCode = Static<typeof MailedCode>
