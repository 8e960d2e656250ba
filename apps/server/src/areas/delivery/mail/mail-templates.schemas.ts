import { Type, type Static } from 'typebox'
import { MailTemplateType } from './mail.schemas.ts'

const Sender = { maxLength: 512, format: 'one-line' } as const
const Pattern = Type.String({ maxLength: 4095 })

/** What is left out stays as it is. An empty sender or address stands for the default. */
export const MailTemplateChange = Type.Object({
  type: MailTemplateType,
  senderEmail: Type.Optional(Type.String(Sender)),
  subject: Type.Optional(Type.String({ minLength: 1, ...Sender })),
  fromName: Type.Optional(Type.String(Sender)),
  redirectURL: Type.Optional(Pattern),
  htmlTemplate: Type.Optional(Type.String({ minLength: 1, maxLength: 1_000_000 })),
  successRedirectUrl: Type.Optional(Pattern),
  active: Type.Optional(Type.Boolean()),
})
export type MailTemplateChange = Static<typeof MailTemplateChange>

export const MailTemplateView = Type.Object({
  /** of a template that was changed */
  id: Type.Optional(Type.String()),
  /** its name; the reference calls it an object, so no type is declared */
  type: Type.Unsafe<MailTemplateType>({}),
  htmlTemplate: Type.String(),
  senderEmail: Type.String(),
  subject: Type.String(),
  fromName: Type.String(),
  /** for the default application */
  redirectURL: Type.String(),
  redirectURLPattern: Type.String(),
  successRedirectUrl: Type.String(),
  successRedirectUrlPattern: Type.String(),
  active: Type.Boolean(),
})
export type MailTemplateView = Static<typeof MailTemplateView>
