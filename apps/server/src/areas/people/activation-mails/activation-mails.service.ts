import { issue, revoke, rowOf, type ChallengeKind } from '../../../kernel/challenges.ts'
import { DAY, SECOND } from '../../../kernel/clock.ts'
import type { Ctx } from '../../../kernel/operation.ts'
import { firstCode, renew, type CodeKind } from '../../access/codes/codes.service.ts'
import { linkTo } from '../../delivery/mail/links.ts'
import * as mail from '../../delivery/mail/mail.service.ts'
import { mailDataOf, ownerIn, type Circumstances, type Person } from '../../delivery/mail/person.ts'
import * as strategies from '../../policies/strategies/strategies.service.ts'
import { userErrors } from '../users/users.errors.ts'

/** The link that proves a new user's e-mail address. */
export const activation: ChallengeKind = { purpose: 'activation' }
/** The code that takes the link's place where the environment wants codes. */
export const activationCode: CodeKind = { purpose: 'activation-code', typed: true }
const LIFETIME_MS = 7 * DAY

/**
 * Makes a new activation link or code, which replaces any older one, and mails it. A user without an address gets no mail.
 * `emailMetadata` holds the values of `{{emailMetadata.…}}` in the mail.
 * @returns what a page needs to send back with the typed code; nothing for a link
 */
export async function send(
  ctx: Ctx,
  user: Person,
  tenantId: string | undefined,
  circumstances: Circumstances = {},
): Promise<string | undefined> {
  if (user.email === null) return undefined
  const { strategy, codeExpiration } = await strategies.activation(ctx)
  const to = { to: user.email, ...ownerIn(user), tenantId },
    data = mailDataOf(user, circumstances)
  if (strategy === 'link') {
    const { link } = await makeLink(ctx, user, tenantId)
    await mail.send(ctx, {
      ...to,
      template: 'ActivateUser',
      lifetimeMs: LIFETIME_MS,
      data: { ...data, redirectURL: link },
    })
    return undefined
  }
  await revoke(ctx, user.id, [activation])
  const { token, code } = await renew(ctx, activationCode, {
    userId: user.id,
    isNobody: user.isNobody,
    tenantId,
    codeExpiration,
    data: { email: user.email },
  })
  await mail.send(ctx, {
    ...to,
    template: 'ActivateUserWithCode',
    lifetimeMs: codeExpiration * SECOND,
    data: { ...data, code, redirectURL: await linkTo(ctx, 'ActivateUserWithCode', { userId: user.id, token }) },
  })
  return token
}

/** As `send`, for a user who has just been made: what is to be stored, and the mail. */
export async function first(
  ctx: Ctx,
  user: Person & { email: string },
  tenantId: string,
  circumstances: Circumstances,
) {
  const { strategy, codeExpiration } = await strategies.activation(ctx),
    about = { userId: user.id, tenantId },
    data = { email: user.email }
  const mail = { to: user.email, ...about },
    values = mailDataOf(user, circumstances)
  if (strategy === 'link') {
    const token = ctx.random.token()
    return {
      challenge: rowOf(ctx, activation, { secret: token, lifetimeMs: LIFETIME_MS, ...about, data }),
      mail: {
        ...mail,
        template: 'ActivateUser' as const,
        lifetimeMs: LIFETIME_MS,
        data: { ...values, redirectURL: await linkTo(ctx, 'ActivateUser', { userId: user.id, token }) },
      },
    }
  }
  const { token, code, row } = firstCode(ctx, activationCode, { ...about, codeExpiration, data })
  return {
    challenge: row,
    mail: {
      ...mail,
      template: 'ActivateUserWithCode' as const,
      lifetimeMs: codeExpiration * SECOND,
      data: { ...values, code, redirectURL: await linkTo(ctx, 'ActivateUserWithCode', { userId: user.id, token }) },
    },
  }
}

/** An activation link without a mail. Older links and codes stop working. */
async function makeLink(ctx: Ctx, user: Pick<Person, 'id' | 'email' | 'isNobody'>, tenantId: string | undefined) {
  const { id: userId, email } = user
  const token = ctx.random.token()
  await revoke(ctx, userId, [activation, activationCode])
  await issue(ctx, activation, { secret: token, lifetimeMs: LIFETIME_MS, ...ownerIn(user), tenantId, data: { email } })
  return { token, link: await linkTo(ctx, 'ActivateUser', { userId, token }) }
}

/** Whether the link or code was sent to the user's present address, not to an earlier one. */
export const isAbout = (
  { userId, data }: { userId: string | null; data: unknown },
  user: Pick<Person, 'id' | 'email'>,
) => userId === user.id && (data as { email: string | null }).email === user.email

/** A link for management to hand out itself. A verified user without a password can set one with it. @throws 404 */
export async function linkFor(ctx: Ctx, userId: string) {
  const user = await ctx.db.user.findUnique({
    where: { id: userId },
    select: { id: true, email: true, activeTenantId: true },
  })
  if (!user) throw userErrors.notFound()
  return { userId, ...(await ctx.atomically((tx) => makeLink(tx, user, user.activeTenantId ?? undefined))) }
}
