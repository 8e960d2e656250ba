import type { User } from '@henhouse/database'
import { invalid } from '../../../kernel/errors.ts'
import type { HttpCtx } from '../../../kernel/operation.ts'
import * as captcha from '../../policies/captcha-policy/captcha-policy.service.ts'
import * as identitySettings from '../../policies/identity-settings/identity-settings.service.ts'
import * as passwordSettings from '../../policies/password-settings/password-settings.service.ts'
import * as breached from '../passwords/breached.service.ts'
import * as passwordReset from '../passwords/reset.service.ts'
import * as userEmails from '../../people/user-emails/user-emails.service.ts'
import * as users from '../../people/users/users.service.ts'
import * as guesses from '../../access/guesses/guesses.service.ts'
import { loginErrors } from './login.errors.ts'
import type { Credentials } from './login.schemas.ts'
import type { LoginAnswer } from '../entry/entry.schemas.ts'
import * as entry from '../entry/entry.service.ts'
import * as login from './login.service.ts'
import { mustBeVerified } from './verified-address.service.ts'

/** A login with a password, in the order in which it happens. Until the password has proved right, nothing tells whether there is such a user. */
export async function logInWithPassword(ctx: HttpCtx, credentials: Credentials): Promise<LoginAnswer> {
  const { email, password, recaptchaToken, invitationToken } = credentials
  const name = nameIn(credentials)
  await captcha.mustPass(ctx, { token: recaptchaToken, email, ip: ctx.http.ip })
  const configuration = await strategyAllowed(ctx)
  const found = await (email ? userEmails.ownerOf(ctx, name.trim()) : users.byUsername(ctx, name.trim()))
  await mustNotBeLocked(ctx, name, found)
  const user = await mustKnow(ctx, name, found, password)
  await mustStillNotBeLocked(ctx, user)
  await mustBeVerified(ctx, user, configuration)
  // before anything about the password is told: nobody is sent for a new one who is not let in with it
  const place = await entry.placeFor(ctx, user, undefined, invitationToken)
  const expiry = await passwordSettings.expiry(ctx, user, place.tenant.tenantIds)
  if (expiry && 'expired' in expiry) return passwordExpired(ctx, user)
  if (await breached.isBlocked(ctx, user, password)) return passwordBreached(user)
  const answer = await login.complete(ctx, user, { place })
  // before the password runs out, the user is told in time
  return expiry
    ? { ...answer, passwordExpiresIn: expiry.expiresInMinutes, notificationPeriod: expiry.notificationPeriod }
    : answer
}

function nameIn({ email, username }: Credentials) {
  const name = email || username
  if (!name) throw invalid('Either email or username must be provided')
  return name
}

async function strategyAllowed(ctx: HttpCtx) {
  const configuration = await identitySettings.current(ctx)
  if (!['EmailAndPassword', 'UsernameAndPassword'].includes(configuration.authStrategy)) throw loginErrors.strategyOff()
  return configuration
}

/** Before the password is looked at: who guesses on must not learn when it was right. A name that is nobody's is locked like a user. */
async function mustNotBeLocked(ctx: HttpCtx, name: string, user: User | null) {
  const isLocked = await guesses.isNameLocked(ctx, name)
  if (user ? user.isLocked : isLocked) throw loginErrors.locked()
}

/** As much work for nobody as for somebody. */
async function mustKnow(ctx: HttpCtx, name: string, user: User | null, password: string) {
  const { passwords } = ctx.deps,
    hash = user?.passwordHash ?? null
  if (!(await passwords.verify(hash, password)) || !user || hash === null) {
    await guesses.wrong(ctx, user, name)
    throw loginErrors.wrong()
  }
  if (passwords.needsRehash(hash)) {
    // a password changed meanwhile stays changed
    await ctx.db.user.updateMany({
      where: { id: user.id, passwordHash: hash },
      data: { passwordHash: await passwords.hash(password) },
    })
  }
  return user
}

/** As it is now: guesses that came in at once with this one may have locked the user while its password was compared. */
async function mustStillNotBeLocked(ctx: HttpCtx, { id }: User) {
  const now = await ctx.db.user.findUnique({ where: { id }, select: { isLocked: true } })
  if (!now) throw loginErrors.wrong()
  if (now.isLocked) throw loginErrors.locked()
}

/** It only leads to a new one. */
const passwordExpired = async (ctx: HttpCtx, user: User): Promise<LoginAnswer> => ({
  mfaRequired: false,
  resetPasswordToken: await passwordReset.tokenFor(ctx, user),
  userId: user.id,
})

/** Others know it, too, so it must not lead anywhere: the way to a new one goes by mail. */
const passwordBreached = ({ id, email }: User): LoginAnswer => ({
  mfaRequired: false,
  isBreachedPassword: true,
  userId: id,
  ...(email !== null && { userEmail: email }),
})
