import { canonicalEmail } from '../../../kernel/email-addresses.ts'
import { discreetly } from '../../../kernel/discretion.ts'
import { isUuid } from '../../../kernel/environments.ts'
import type { Ctx } from '../../../kernel/operation.ts'
import * as activationMails from '../../people/activation-mails/activation-mails.service.ts'
import { statusOf } from '../../people/memberships/memberships.schemas.ts'
import { live } from '../../rights/held/held.service.ts'
import { nobody } from '../../delivery/mail/person.ts'
import type { Renewal, StatusQuery } from './activation.schemas.ts'

/** Resends the mail to a user who waits for one. For anybody else it does the same work, but sends no mail. */
export async function resend(ctx: Ctx, { email, emailMetadata }: Renewal) {
  const user = await ctx.db.user.findFirst({
    where: { email: canonicalEmail(email), verified: false, isLocked: false },
  })
  await discreetly(ctx, !!user, async (tx) => {
    await activationMails.send(tx, user ?? nobody(tx, email), user?.activeTenantId ?? undefined, { emailMetadata })
  })
}

/** The most tenants of one user in the answer. */
const MOST_STATUSES = 2000

/** The state of each user in each of their tenants. Unknown ids are left out. */
export async function statuses(ctx: Ctx, { userIds, userTenantStatuses: wanted }: StatusQuery) {
  const rows = await ctx.db.user.findMany({
    where: { id: { in: userIds.filter(isUuid) } },
    orderBy: [{ createdAt: 'asc' }, { id: 'asc' }],
    select: {
      id: true,
      verified: true,
      lastLogin: true,
      memberships: {
        where: live(ctx),
        select: { tenantId: true, acceptedAt: true },
        orderBy: [{ createdAt: 'asc' }, { tenantId: 'asc' }],
        take: MOST_STATUSES,
      },
    },
  })
  return rows.map((user) => ({
    userId: user.id,
    tenantsStatuses: user.memberships
      .map((membership) => ({ tenantId: membership.tenantId, status: statusOf(user, membership) }))
      .filter(({ status }) => !wanted?.length || wanted.includes(status)),
  }))
}
