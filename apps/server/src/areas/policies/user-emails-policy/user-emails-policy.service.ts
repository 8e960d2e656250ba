import type { Static } from 'typebox'
import type { Ctx } from '../../../kernel/operation.ts'
import * as settings from '../../../kernel/settings.ts'
import { userEmailsPolicy, type UserEmailsPolicy } from './user-emails-policy.schemas.ts'

/** Whether users may change their e-mail address. */
export const current = (ctx: Ctx) => settings.effective(ctx, userEmailsPolicy)

export async function change(ctx: Ctx, fields: Partial<Static<typeof UserEmailsPolicy>>) {
  await settings.patch(ctx, userEmailsPolicy, fields)
}
