import { issue, revoke, type ChallengeKind } from '../../kernel/challenges.ts'
import { DAY } from '../../kernel/clock.ts'
import { baseUrl } from '../../kernel/environments.ts'
import type { Ctx } from '../../kernel/operation.ts'
import * as mail from '../mail/mail.service.ts'
import { mailDataOf, type Person } from '../users/users.schemas.ts'

/** The link by which a user accepts having been added to a tenant. */
export const invitation: ChallengeKind = { purpose: 'invitation' }
const LIFETIME_MS = 7 * DAY

/** Makes a new invitation to the tenant, in the place of any before, and mails it; nothing is mailed to a user without an address. */
export async function sendInvitation(ctx: Ctx, user: Person, tenantId: string, emailMetadata?: object) {
  if (user.email === null) return
  const userId = user.id, token = ctx.random.token()
  const tenant = await ctx.db.tenant.findFirst({ where: { id: tenantId }, select: { name: true } })
  await revoke(ctx, userId, [invitation], tenantId)
  await issue(ctx, invitation, { secret: token, lifetimeMs: LIFETIME_MS, userId, tenantId })
  const redirectURL = `${baseUrl(ctx.deps.publicUrl, ctx.environment)}/account/invitation/accept?${new URLSearchParams({ userId, token })}`
  await mail.send(ctx, { template: 'InviteToTenant', to: user.email, userId, tenantId, data: { ...mailDataOf(user, emailMetadata), tenantName: tenant?.name, redirectURL } })
}
