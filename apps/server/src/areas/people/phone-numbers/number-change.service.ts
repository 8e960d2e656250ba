import { canonicalEmail } from '../../../kernel/email-addresses.ts'
import { find, issue, mustAnswer, revoke, useUp, type ChallengeKind } from '../../../kernel/challenges.ts'
import { discreetly } from '../../../kernel/discretion.ts'
import type { Ctx, UserScope } from '../../../kernel/operation.ts'
import { linkTo } from '../../delivery/mail/links.ts'
import * as mail from '../../delivery/mail/mail.service.ts'
import * as userEmails from '../user-emails/user-emails.service.ts'
import { countSending } from '../../access/codes/sendings.service.ts'
import * as access from '../../access/sessions/access.service.ts'
import { mailDataOf, nobody } from '../../delivery/mail/person.ts'
import * as users from '../users/users.service.ts'
import { phoneNumberErrors } from './phone-numbers.errors.ts'
import { CODE_MS, hold, mustBeFree, sendCode } from './phone-numbers.service.ts'
import * as events from '../../rights/events/events.service.ts'

const change: ChallengeKind = { purpose: 'phone-number-change', typed: true }
/** For a user who has lost their phone: a code by e-mail first, then a token for the code. */
const reset: ChallengeKind = { purpose: 'phone-number-reset', typed: true }
const afterReset: ChallengeKind = { purpose: 'phone-number-after-reset' }

/** Sends a code to the number that will be the user's own. @throws 409 when it is somebody else's */
export async function ask(ctx: Ctx, user: UserScope, written: string) {
  const phoneNumber = users.plain(written)
  await mustBeFree(ctx, user.id, phoneNumber)
  await countSending(ctx, user.id, phoneNumber)
  return {
    changePhoneId: await ctx.atomically((tx) =>
      sendCode(tx, change, { userId: user.id, to: phoneNumber, data: { phoneNumber } }),
    ),
  }
}

/** @throws 401 or 400 for the code; 409 */
export async function confirm(
  ctx: Ctx,
  user: UserScope,
  { changePhoneId, code }: { changePhoneId: string; code: string },
) {
  const { data } = await mustAnswer(ctx, change, changePhoneId, code, user.id),
    { phoneNumber } = data as { phoneNumber: string }
  await users.mayBeUpdated(ctx, user.id, { phoneNumber })
  await ctx.atomically((tx) => replace(tx, user.id, phoneNumber))
}

/**
 * Mails a code to a verified address; the code lets its reader set another number. An unknown address gets the same answer
 * in the same time, but no mail.
 */
export async function askReset(ctx: Ctx, email: string) {
  const address = canonicalEmail(email),
    owner = await userEmails.ownerOf(ctx, address)
  const user = owner && (owner.verified || owner.email !== address) ? owner : undefined,
    code = ctx.random.digits(6)
  const { id } = await ctx.atomically(async (tx) => {
    await revoke(tx, user?.id ?? tx.random.uuid(), [reset])
    return issue(tx, reset, {
      secret: code,
      lifetimeMs: CODE_MS,
      data: { email: address },
      ...(user && { userId: user.id }),
    })
  })
  const redirectURL = await linkTo(ctx, 'ResetPhoneNumber', { token: id })
  await discreetly(ctx, !!user, (tx) =>
    mail.send(tx, {
      template: 'ResetPhoneNumber',
      to: address,
      userId: user?.id,
      lifetimeMs: CODE_MS,
      data: { ...mailDataOf(user ?? nobody(tx, address)), code, redirectURL },
    }),
  )
  return { resetPhoneNumberToken: id }
}

/** Exchanges the code for a token. @throws 401 or 400 for the code */
export async function confirmReset(
  ctx: Ctx,
  { resetPhoneNumberToken, code }: { resetPhoneNumberToken: string; code: string },
) {
  const { userId } = await mustAnswer(ctx, reset, resetPhoneNumberToken, code)
  const token = ctx.random.token()
  await issue(ctx, afterReset, { secret: token, lifetimeMs: CODE_MS, ...(userId !== null && { userId }) })
  return { changePhoneNumberToken: token }
}

/** Sets the number, on the word of the e-mail address, and ends all sessions, as the lost phone may hold one. @throws 400 for the token; 409, and the token can be used again */
export async function finishReset(
  ctx: Ctx,
  { changePhoneNumberToken, phoneNumber: written }: { changePhoneNumberToken: string; phoneNumber: string },
) {
  const found = await find(ctx, afterReset, changePhoneNumberToken),
    userId = found.state === 'ok' ? found.challenge.userId : null,
    phoneNumber = users.plain(written)
  if (found.state !== 'ok' || userId === null) throw phoneNumberErrors.badToken()
  await users.mayBeUpdated(ctx, userId, { phoneNumber })
  await ctx.atomically(async (tx) => {
    if ((await useUp(tx, found.challenge)).state !== 'ok') throw phoneNumberErrors.badToken()
    await replace(tx, userId, phoneNumber)
    await access.end(tx, userId)
  })
}

/** Puts this number in the place of the user's own one. */
async function replace(tx: Ctx, userId: string, phoneNumber: string) {
  const { phoneNumber: before, activeTenantId: tenantId } = await hold(tx, userId, phoneNumber)
  await events.record(tx, { key: 'user.phoneNumberChanged', userId, tenantId })
  if (before === null || before === phoneNumber) return
  await users.mark(tx, { id: userId }, { phoneNumber })
  await tx.db.phoneNumber.deleteMany({ where: { userId, phoneNumber: before } })
}
