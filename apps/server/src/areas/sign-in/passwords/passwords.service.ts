import { isUuid } from '../../../kernel/environments.ts'
import type { Ctx, PersonCaller, UserScope, VendorCaller } from '../../../kernel/operation.ts'
import * as guesses from '../../access/guesses/guesses.service.ts'
import { loginErrors } from '../login/login.errors.ts'
import { tenantIdsOf } from '../../rights/held/held.service.ts'
import * as settings from '../../policies/password-settings/password-settings.service.ts'
import * as userEmails from '../../people/user-emails/user-emails.service.ts'
import * as access from '../../access/sessions/access.service.ts'
import { userErrors } from '../../people/users/users.errors.ts'
import * as users from '../../people/users/users.service.ts'
import { passwordsErrors } from './passwords.errors.ts'
import type { PasswordChange, PasswordTrial } from './passwords.schemas.ts'
import { proven } from './proof.service.ts'
import * as events from '../../rights/events/events.service.ts'

/** The password rules for a user; for an unknown one, the environment's. */
export const rulesFor = async (ctx: Ctx, userId: string | undefined) =>
  settings.strictestRules(ctx, userId !== undefined && isUuid(userId) ? await tenantIdsOf(ctx, userId) : [])

/** Checks a password against policy and history, and hashes it. Call it outside of transactions. @throws 400 */
export async function accepted(ctx: Ctx, userId: string, password: string) {
  const tenantIds = await tenantIdsOf(ctx, userId)
  await settings.mustSatisfy(ctx, password, tenantIds)
  await settings.mustBeNew(ctx, userId, password, tenantIds)
  return ctx.deps.passwords.hash(password)
}

interface Circumstances {
  /** the session that stays; all others end */
  except?: string | undefined
  /** the hash of the password that the user has just shown; absent: replaces any */
  replaced?: string
  verified?: boolean
}

/** Stores the hash from `accepted`, and ends everything that depends on the old password. @throws 400 when `replaced` is no longer the user's hash, 404, 423 when `replaced` is given and the user has been locked meanwhile */
export async function put(
  tx: Ctx,
  userId: string,
  passwordHash: string,
  { except, replaced, verified = false }: Circumstances = {},
) {
  const { isLocked, activeTenantId } = await users.locked(tx, userId)
  const { passwordHash: old } = await tx.db.user.findUniqueOrThrow({
    where: { id: userId },
    select: { passwordHash: true },
  })
  if (replaced !== undefined && isLocked) throw loginErrors.locked()
  if (replaced !== undefined && old !== replaced) throw passwordsErrors.wrongCurrent()
  await settings.remember(tx, userId, old, await tenantIdsOf(tx, userId))
  await users.mark(
    tx,
    { id: userId },
    {
      passwordHash,
      passwordChangedAt: tx.clock.now(),
      passwordLeakedAt: null,
      failedLogins: 0,
      ...(verified && { verified }),
    },
  )
  await access.end(tx, userId, { except })
  await events.record(tx, { key: 'frontegg.user.changedPassword', userId, tenantId: activeTenantId })
}

/** A wrong current password counts like one at login, so that somebody at an open browser cannot guess on. @throws 400, 423 for a locked user */
export async function change(
  ctx: Ctx,
  caller: VendorCaller | PersonCaller,
  { id: userId }: UserScope,
  { password, newPassword }: PasswordChange,
) {
  const user = await ctx.db.user.findUnique({ where: { id: userId } })
  if (!user) throw userErrors.notFound()
  if (user.isLocked) throw loginErrors.locked()
  const replaced = await proven(ctx, user, password)
  if (replaced === null) {
    await guesses.wrong(ctx, user, userId)
    throw passwordsErrors.wrongCurrent()
  }
  const passwordHash = await accepted(ctx, userId, newPassword)
  const except = caller.kind === 'person' ? caller.sessionId : undefined
  await ctx.atomically((tx) => put(tx, userId, passwordHash, { except, replaced }))
}

/** Whether this is the user's password. Starts no session and counts nothing. For an unknown user it takes the same time. */
export async function matches(ctx: Ctx, { email, password }: PasswordTrial) {
  const user = await userEmails.ownerOf(ctx, email.trim())
  return { valid: (await proven(ctx, user, password)) !== null }
}
