import { issue, revoke, type ChallengeKind } from '../../kernel/challenges.ts'
import { DAY } from '../../kernel/clock.ts'
import { baseUrl } from '../../kernel/environments.ts'
import type { Ctx } from '../../kernel/operation.ts'
import * as mail from '../mail/mail.service.ts'
import { mailDataOf, type Person } from '../users/users.schemas.ts'

/** The link that a new user proves its address with. */
export const activation: ChallengeKind = { purpose: 'activation' }
const LIFETIME_MS = 7 * DAY

/** Makes a new activation link, in the place of any before, and mails it; nothing is mailed to a user without an address. */
export async function sendActivation(ctx: Ctx, user: Person, tenantId: string | undefined, emailMetadata?: object) {
  if (user.email === null) return
  const { link } = await makeLink(ctx, user.id, tenantId)
  await mail.send(ctx, { template: 'ActivateUser', to: user.email, userId: user.id, tenantId, data: { ...mailDataOf(user, emailMetadata), redirectURL: link } })
}

/** An activation link without a mail. */
export async function makeLink(ctx: Ctx, userId: string, tenantId: string | undefined) {
  const token = ctx.random.token()
  await revoke(ctx, userId, [activation])
  await issue(ctx, activation, { secret: token, lifetimeMs: LIFETIME_MS, userId, tenantId })
  return { token, link: `${baseUrl(ctx.deps.publicUrl, ctx.environment)}/account/activate?${new URLSearchParams({ userId, token })}` }
}
