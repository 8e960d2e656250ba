import type { MailTemplate } from '@henhouse/database'
import { definition } from '../../../kernel/definitions.ts'
import type { Ctx } from '../../../kernel/operation.ts'
import type { MailTemplateType } from './mail.schemas.ts'

/** A template that the environment has changed. What is null is as the default. */
export type OwnTemplate = MailTemplate

/** By type. */
export const ownTemplates = definition('mail templates', {
  models: ['MailTemplate'],
  load: async ({ db }): Promise<ReadonlyMap<string, OwnTemplate>> =>
    new Map((await db.mailTemplate.findMany()).map((row) => [row.type, row])),
})

/** Whether mails of this type are sent. */
export const isActive = async (ctx: Ctx, type: MailTemplateType) =>
  (await ownTemplates(ctx)).get(type)?.active !== false
