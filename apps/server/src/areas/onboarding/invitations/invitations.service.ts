import type { Prisma } from '@henhouse/database'
import { Type } from 'typebox'
import { canonicalEmail } from '../../../kernel/email-addresses.ts'
import { find, guessing, redeem, revoke, rowOf, type ChallengeKind, type Outcome } from '../../../kernel/challenges.ts'
import { DAY, SECOND } from '../../../kernel/clock.ts'
import { errors, onUnknownReference } from '../../../kernel/errors.ts'
import { discreetly } from '../../../kernel/discretion.ts'
import { membershipsIn } from '../../rights/tree/tree.service.ts'
import * as jobs from '../../../kernel/jobs.ts'
import type { Caller, Ctx, HttpCtx, TenantScope } from '../../../kernel/operation.ts'
import { Id } from '../../../kernel/validation.ts'
import * as sendings from '../../access/codes/sendings.service.ts'
import * as access from '../../access/sessions/access.service.ts'
import * as activationMails from '../../people/activation-mails/activation-mails.service.ts'
import { activationErrors } from '../../sign-in/activation/activation.errors.ts'
import type { MailedCode } from '../../access/codes/codes.schemas.ts'
import { enter, pending, refusal, renew, type CodeKind } from '../../access/codes/codes.service.ts'
import { familyOf } from '../../rights/held/sub-account-access.service.ts'
import * as ips from '../../policies/ip-restrictions/ip-restrictions.service.ts'
import { loginErrors } from '../../sign-in/login/login.errors.ts'
import { linkTo } from '../../delivery/mail/links.ts'
import * as mail from '../../delivery/mail/mail.service.ts'
import { membershipErrors } from '../../people/memberships/memberships.errors.ts'
import { live } from '../../rights/held/held.service.ts'
import * as strategies from '../../policies/strategies/strategies.service.ts'
import { mailDataOf, nobody, type Circumstances, type Person } from '../../delivery/mail/person.ts'
import { invitationErrors, isLocked } from './invitations.errors.ts'
import * as events from '../../rights/events/events.service.ts'

/** The link with which a user accepts that they were added to a tenant. */
const invitation: ChallengeKind = { purpose: 'invitation' }
/** The code that takes the link's place where the environment wants codes. */
const invitationCode: CodeKind = { purpose: 'invitation-code', typed: true, perTenant: true }
export const invitations = [invitation, invitationCode]
const LIFETIME_MS = 7 * DAY

/** Makes a new invitation to the tenant, which replaces any older one, and mails it. A user without an address gets no mail. */
export async function sendInvitation(ctx: Ctx, user: Person, tenantId: string, circumstances: Circumstances = {}) {
  if (user.email === null) return
  const userId = user.id
  const { strategy, codeExpiration } = await strategies.invitation(ctx)
  const to = { to: user.email, ...(!user.isNobody && { userId, tenantId }) }
  if (strategy === 'code') {
    await revoke(ctx, userId, [invitation], tenantId)
    const { token, code } = await renew(ctx, invitationCode, {
      userId,
      isNobody: user.isNobody,
      tenantId,
      codeExpiration,
    })
    return mail.send(ctx, {
      ...to,
      template: 'InviteToTenantWithCode',
      lifetimeMs: codeExpiration * SECOND,
      data: {
        ...mailDataOf(user, circumstances),
        code,
        redirectURL: await linkTo(ctx, 'InviteToTenantWithCode', { userId, token }),
      },
    })
  }
  await revoke(ctx, userId, invitations, tenantId)
  const made = await invitationLink(ctx, { ...user, email: user.email }, tenantId, circumstances)
  await ctx.db.challenge
    .create({ data: made.challenge, select: { id: true } })
    .catch(onUnknownReference(errors.notFound('User')))
  await mail.send(ctx, made.mail)
}

/** As `sendInvitation` with a link: what is to be stored, and the mail. Older invitations to the tenant (`invitations`) are to be revoked. */
export async function invitationLink(
  ctx: Ctx,
  user: Person & { email: string },
  tenantId: string,
  circumstances: Circumstances,
) {
  const token = ctx.random.token(),
    about = user.isNobody ? {} : { userId: user.id, tenantId }
  return {
    challenge: rowOf(ctx, invitation, { secret: token, lifetimeMs: LIFETIME_MS, ...about }),
    mail: {
      ...about,
      to: user.email,
      template: 'InviteToTenant' as const,
      lifetimeMs: LIFETIME_MS,
      data: {
        ...mailDataOf(user, circumstances),
        redirectURL: await linkTo(ctx, 'InviteToTenant', { userId: user.id, token }),
      },
    },
  }
}

/** Accepts the invitation of a link, without a login. A user with an unproven past is mailed a link to choose a password. @throws 400 for a bad token or a locked tenant, 403 where the user is disabled or the tenant blocks the IP address, 423 for a locked user */
export async function accept(ctx: HttpCtx, { userId, token }: Omit<MailedCode, 'code'>) {
  const found = await find(ctx, invitation, token)
  if (found.state !== 'ok' || found.challenge.userId !== userId.toLowerCase()) throw activationErrors.invalidToken()
  await settle(ctx, found.challenge, false, (tx) => redeem(tx, invitation, token))
}

/** As `accept`, with a code. Wrong ones count. */
export async function acceptWithCode(ctx: HttpCtx, given: MailedCode) {
  const challenge = await pending(ctx, invitationCode, given)
  await guessing(ctx, invitationCode, challenge, () =>
    settle(ctx, challenge, true, (tx) => enter(tx, invitationCode, given)),
  )
}

interface Invitation {
  userId: string | null
  tenantId: string | null
}

async function settle(
  ctx: HttpCtx,
  { userId, tenantId }: Invitation,
  withCode: boolean,
  use: (tx: Ctx) => Promise<Outcome<unknown> | { state: 'wrong' }>,
) {
  if (userId === null || tenantId === null) throw activationErrors.invalidToken()
  const member = await ctx.db.membership.findFirst({
    where: { userId, tenantId, ...live(ctx) },
    select: { isDisabled: true, user: { select: { isLocked: true } }, tenant: { select: { status: true } } },
  })
  if (!member) throw activationErrors.invalidToken()
  if (isLocked(member.tenant)) throw invitationErrors.tenantLocked()
  if (member.user.isLocked) throw loginErrors.locked()
  if (member.isDisabled) throw membershipErrors.disabled()
  await ips.mustAllow(ctx, ctx.http.ip, tenantId)
  // a wrong code must stay counted, so the transaction commits and the refusal follows it
  const { state } = await ctx.atomically(async (tx) => {
    const used = await use(tx)
    if (used.state !== 'ok') return used
    await revoke(tx, userId, invitations, tenantId)
    await events.record(tx, { key: 'user.invitationAccepted', userId, tenantId })
    if (await take(tx, userId, tenantId)) {
      const user = await tx.db.user.findUniqueOrThrow({ where: { id: userId } })
      sendings.isCounted(tx, user.email)
      await activationMails.send(tx, user, tenantId)
    }
    return used
  })
  if (state !== 'ok') throw refusal(state, withCode)
}

/**
 * Lets an invited user in. What they set up before their address was proved is void from then on.
 * @returns whether they have to choose a new password
 */
export async function take(tx: Ctx, userId: string, tenantId: string) {
  const { count } = await tx.db.membership.updateMany({
    where: { userId, tenantId, acceptedAt: null },
    data: { acceptedAt: tx.clock.now() },
  })
  return count > 0 && access.voidUnprovenPast(tx, userId)
}

/**
 * How many mails are written in one go: the first batch while the caller waits, the rest by a job. Each batch is counted for
 * the address: where somebody has many invitations, the last ones are left out.
 */
const MOST_AT_ONCE = 3

interface Wanted {
  places?: Prisma.MembershipWhereInput | undefined
  self?: string | undefined
  /** who has them sent, if it is the environment */
  by?: 'vendor' | undefined
}

/**
 * Sends the mail of each open invitation to these places (absent: all) again. The answer does not reveal whether there is
 * such a user or invitation. The user `self` gets their own from all tenants.
 */
async function resendTo(
  ctx: Ctx,
  who: { email: string } | { id: string },
  { places, self, by }: Wanted,
): Promise<void> {
  const user = await ctx.db.user.findFirst({ where: { ...who, isLocked: false } })
  const waiting = await ctx.db.membership.findMany({
    where: {
      userId: user?.id ?? ctx.random.uuid(),
      acceptedAt: null,
      isDisabled: false,
      ...live(ctx),
      ...(user?.id !== self && places),
    },
    select: { tenantId: true },
    orderBy: [{ createdAt: 'asc' }, { tenantId: 'asc' }],
  })
  const found = waiting.map((row) => row.tenantId),
    later = found.slice(MOST_AT_ONCE)
  // does the same work for an unknown user, and takes it back
  if (!user || !found.length)
    return discreetly(ctx, false, async (tx) => {
      await sendInvitation(tx, nobody(tx, 'email' in who ? who.email : ''), ctx.random.uuid())
    })
  await ctx.atomically(async (tx) => {
    for (const tenantId of found.slice(0, MOST_AT_ONCE)) await sendInvitation(tx, user, tenantId)
    if (later.length) await jobs.add(tx, resendInvitations, { userId: user.id, tenantIds: later, ...(by && { by }) })
  })
}

/** For the named tenant, or for all when none is named. A user who asks for their own gets all of them. */
export const resend = (ctx: Ctx, email: string, tenantId: string | undefined, self: string | undefined) =>
  resendTo(ctx, { email: canonicalEmail(email) }, { places: tenantId === undefined ? undefined : { tenantId }, self })

/** For the tenant and those below it; when a user calls, only for those they have access to. */
export async function resendBelow(ctx: Ctx, caller: Caller, tenant: TenantScope, email: string) {
  await sendings.countFor(ctx, caller, [email])
  await resendTo(
    ctx,
    { email: canonicalEmail(email) },
    {
      places: membershipsIn(await familyOf(ctx, caller, tenant.id)),
      by: caller.kind === 'vendor' ? 'vendor' : undefined,
    },
  )
}

const resendInvitations = jobs.job({
  name: 'resend-invitations',
  payload: Type.Object({
    userId: Id,
    tenantIds: Type.Array(Type.String()),
    by: Type.Optional(Type.Literal('vendor')),
  }),
  async run(ctx, { userId, tenantIds, by }) {
    const user = await ctx.db.user.findUnique({ where: { id: userId }, select: { email: true } })
    if (!user || user.email === null || !(await sendings.mayGetOne(ctx, user.email, by))) return
    await resendTo(ctx, { id: userId }, { places: { tenantId: { in: tenantIds } }, by })
  },
})
export const invitationJobs = [resendInvitations]
