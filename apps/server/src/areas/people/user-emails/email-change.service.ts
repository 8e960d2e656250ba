import { canonicalEmail } from '../../../kernel/email-addresses.ts'
import type { ChallengeKind } from '../../../kernel/challenges.ts'
import { onDuplicate } from '../../../kernel/errors.ts'
import type { Ctx, UserScope } from '../../../kernel/operation.ts'
import { countFor, countSending } from '../../access/codes/sendings.service.ts'
import * as activationMails from '../activation-mails/activation-mails.service.ts'
import { userErrors } from '../users/users.errors.ts'
import { originOf, type Origin, type OwnCtx } from '../../delivery/mail/person.ts'
import * as users from '../users/users.service.ts'
import { userEmailErrors } from './user-emails.errors.ts'
import { mayTake, mustAnswerFor, mustBeAllowed, mustBeFree, sendCode, tellFormer } from './user-emails.service.ts'
import * as events from '../../rights/events/events.service.ts'

const change: ChallengeKind = { purpose: 'email-change', typed: true }

/** Mails a code to the address that will be the user's own. @throws 403 where users may not change it, or not to that domain; 409 when it is somebody else's */
export async function ask(ctx: Ctx, user: UserScope, written: string) {
  const email = canonicalEmail(written)
  await mustBeAllowed(ctx)
  await mayTake(ctx, user.id, email)
  await mustBeFree(ctx, user.id, email)
  await countSending(ctx, user.id, email)
  await ctx.atomically(async (tx) => {
    const row = await users.locked(tx, user.id)
    if (row.email === email && row.verified) throw userEmailErrors.same()
    await sendCode(tx, row, change, email)
  })
}

/** Checks the domain again, as the lists may have changed since. @throws 403; 401 or 400 for the code; 409 when somebody else was faster */
export async function confirm(ctx: OwnCtx, user: UserScope, { email, code }: { email: string; code: string }) {
  await mustBeAllowed(ctx)
  await mayTake(ctx, user.id, canonicalEmail(email))
  await mustAnswerFor(ctx, user, change, email, code)
  await users.mayBeUpdated(ctx, user.id, { email: canonicalEmail(email) })
  await ctx.atomically((tx) => replace(tx, user.id, canonicalEmail(email), { verified: true }, originOf(ctx)))
}

/**
 * Sets the address on management's word. A verified user stays verified; any other gets an activation link at the new address.
 * @throws 404, 409, 403 for a blocked domain
 */
export async function set(ctx: Ctx, userId: string, written: string) {
  const email = canonicalEmail(written)
  await mayTake(ctx, userId, email)
  await users.mayBeUpdated(ctx, userId, { email })
  await countFor(ctx, { kind: 'vendor' }, [email])
  return ctx.atomically(async (tx) => {
    const former = await replace(tx, userId, email, {})
    if (former.email !== email && !former.verified)
      await activationMails.send(tx, { ...former, email }, former.activeTenantId ?? undefined)
  })
}

/** Replaces the former address, which gets a mail about it. Links and codes that were mailed there stop working. */
async function replace(tx: Ctx, userId: string, email: string, verified: { verified?: true }, from?: Origin) {
  const former = await users.locked(tx, userId)
  await tx.db.user
    .updateMany({ where: { id: userId }, data: { email, ...verified } })
    .catch(onDuplicate(userErrors.emailTaken()))
  const whose = { userId, tenantId: former.activeTenantId }
  await events.record(tx, { ...whose, key: 'user.emailChanged' }, { ...whose, key: 'frontegg.user.updated' })
  if (former.email === email) return former
  await tx.db.challenge.deleteMany({ where: { userId, consumedAt: null } })
  await tellFormer(tx, former, from)
  return former
}
