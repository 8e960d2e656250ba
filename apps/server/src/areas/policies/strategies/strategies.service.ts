import type { Ctx } from '../../../kernel/operation.ts'
import * as settings from '../../../kernel/settings.ts'
import { activationStrategy, invitationStrategy, type MailStrategy } from './strategies.schemas.ts'

/** Whether activation mails hold a link or a code, and for how many seconds a code works. */
export const activation = (ctx: Ctx) => settings.effective(ctx, activationStrategy)
/** As `activation`, for mails that invite a known user to one more account. */
export const invitation = (ctx: Ctx) => settings.effective(ctx, invitationStrategy)

export async function changeActivation(ctx: Ctx, fields: Partial<MailStrategy>) {
  await settings.patch(ctx, activationStrategy, fields)
}
export async function changeInvitation(ctx: Ctx, fields: Partial<MailStrategy>) {
  await settings.patch(ctx, invitationStrategy, fields)
}
