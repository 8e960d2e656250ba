import { canonicalEmail } from '../../../kernel/email-addresses.ts'
import { type Caller, type Ctx, type TenantScope, userIdOf } from '../../../kernel/operation.ts'
import * as sendings from '../../access/codes/sendings.service.ts'
import * as activationMails from '../../people/activation-mails/activation-mails.service.ts'
import { membershipErrors } from '../../people/memberships/memberships.errors.ts'
import { secretColumns } from '../../people/users/users.schemas.ts'
import { live, liveAndVisibleTo, visibleTo } from '../../rights/held/held.service.ts'
import { loginErrors } from '../../sign-in/login/login.errors.ts'
import * as invitations from '../invitations/invitations.service.ts'
import { memberErrors } from '../members/members.errors.ts'

/** Resends the mail that the member waits for: activation or invitation. @throws 400 when they wait for none, 404, 423 for a locked user */
export async function resendMail(ctx: Ctx, caller: Caller, tenant: TenantScope, userId: string) {
  const found = await ctx.db.membership.findFirst({
    where: { userId, tenantId: tenant.id, ...liveAndVisibleTo(ctx, caller) },
    select: { acceptedAt: true, user: { omit: secretColumns } },
  })
  if (!found) throw membershipErrors.notFound()
  const { user, acceptedAt } = found
  if (user.isLocked) throw loginErrors.locked()
  if (user.verified && acceptedAt) throw memberErrors.alreadyActive()
  await sendings.countFor(ctx, caller, [user.email])
  const issuerId = userIdOf(caller),
    issuer = issuerId === undefined ? null : await ctx.db.user.findUnique({ where: { id: issuerId } })
  await ctx.atomically(async (tx) => {
    if (user.verified) await invitations.sendInvitation(tx, user, tenant.id, { issuer })
    else await activationMails.send(tx, user, tenant.id, { issuer })
  })
}

/** As `resendMail`, by address. @returns the user's id; undefined when no member with that address waits for a mail */
export async function remind(ctx: Ctx, caller: Caller, tenant: TenantScope, email: string) {
  const waiting = { OR: [{ acceptedAt: null }, { user: { verified: false } }] }
  const found = await ctx.db.membership.findFirst({
    where: {
      tenantId: tenant.id,
      AND: [live(ctx), { user: { email: canonicalEmail(email), ...visibleTo(caller) } }, waiting],
    },
    select: { userId: true },
  })
  if (found) await resendMail(ctx, caller, tenant, found.userId)
  return found?.userId
}
