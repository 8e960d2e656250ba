import type { User } from '@henhouse/database'
import { invalid } from '../../../kernel/errors.ts'
import type { HttpCtx } from '../../../kernel/operation.ts'
import * as captcha from '../../policies/captcha-policy/captcha-policy.service.ts'
import * as identitySettings from '../../policies/identity-settings/identity-settings.service.ts'
import type { IdentityConfiguration } from '../../policies/identity-settings/identity-settings.schemas.ts'
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

/** What is known so far; a step that comes later may count on those before it. */
interface Attempt {
  readonly credentials: Credentials
  readonly configuration?: IdentityConfiguration
  readonly user?: User | null
  readonly place?: entry.Place
  /** about the password, for the answer */
  readonly notice?: Pick<LoginAnswer, 'passwordExpiresIn' | 'notificationPeriod'>
  /** ends the login: tokens, or what is wanted first */
  readonly answer?: LoginAnswer
}
type Step = (ctx: HttpCtx, attempt: Attempt) => Attempt | Promise<Attempt>

/** A login with a password, in the order in which it happens. Until the password has proved right, nothing tells whether there is such a user. */
const passwordSteps: readonly Step[] = [
  identifierGiven,
  captchaPassed,
  strategyAllowed,
  userLookedUp,
  nameNotLocked,
  passwordRight,
  stillNotLocked,
  emailVerified,
  placeOpen,
  passwordNotExpired,
  passwordNotBreached,
  sessionStarted,
]

export async function logInWithPassword(ctx: HttpCtx, credentials: Credentials): Promise<LoginAnswer> {
  let attempt: Attempt = { credentials }
  for (const step of passwordSteps) {
    attempt = await step(ctx, attempt)
    if (attempt.answer) return attempt.answer
  }
  throw new Error('the login came to no end')
}

function identifierGiven(_ctx: HttpCtx, attempt: Attempt) {
  if (!attempt.credentials.email && !attempt.credentials.username)
    throw invalid('Either email or username must be provided')
  return attempt
}

async function captchaPassed(ctx: HttpCtx, attempt: Attempt) {
  const { email, recaptchaToken } = attempt.credentials
  await captcha.mustPass(ctx, { token: recaptchaToken, email, ip: ctx.http.ip })
  return attempt
}

async function strategyAllowed(ctx: HttpCtx, attempt: Attempt) {
  const configuration = await identitySettings.current(ctx)
  if (!['EmailAndPassword', 'UsernameAndPassword'].includes(configuration.authStrategy)) throw loginErrors.strategyOff()
  return { ...attempt, configuration }
}

async function userLookedUp(ctx: HttpCtx, attempt: Attempt) {
  const { email, username } = attempt.credentials
  return {
    ...attempt,
    user: await (email ? userEmails.ownerOf(ctx, email.trim()) : users.byUsername(ctx, username!.trim())),
  }
}

const nameIn = ({ credentials: { email, username } }: Attempt) => (email || username)!

/** Before the password is looked at: who guesses on must not learn when it was right. A name that is nobody's is locked like a user. */
async function nameNotLocked(ctx: HttpCtx, attempt: Attempt) {
  const isLocked = await guesses.isNameLocked(ctx, nameIn(attempt))
  if (attempt.user ? attempt.user.isLocked : isLocked) throw loginErrors.locked()
  return attempt
}

/** As much work for nobody as for somebody. */
async function passwordRight(ctx: HttpCtx, attempt: Attempt) {
  const { passwords } = ctx.deps,
    { password } = attempt.credentials,
    { user } = attempt
  const hash = user?.passwordHash ?? null
  if (!(await passwords.verify(hash, password)) || !user || hash === null) {
    await guesses.wrong(ctx, user ?? null, nameIn(attempt))
    throw loginErrors.wrong()
  }
  if (passwords.needsRehash(hash)) {
    // a password changed meanwhile stays changed
    await ctx.db.user.updateMany({
      where: { id: user.id, passwordHash: hash },
      data: { passwordHash: await passwords.hash(password) },
    })
  }
  return attempt
}

/** As it is now: guesses that came in at once with this one may have locked the user while its password was compared. */
async function stillNotLocked(ctx: HttpCtx, attempt: Attempt) {
  const now = await ctx.db.user.findUnique({ where: { id: attempt.user!.id }, select: { isLocked: true } })
  if (!now) throw loginErrors.wrong()
  if (now.isLocked) throw loginErrors.locked()
  return attempt
}

async function emailVerified(ctx: HttpCtx, attempt: Attempt) {
  await mustBeVerified(ctx, attempt.user!, attempt.configuration!)
  return attempt
}

/** Before anything about the password is told: nobody is sent for a new one who is not let in with it. */
async function placeOpen(ctx: HttpCtx, attempt: Attempt) {
  return { ...attempt, place: await entry.placeFor(ctx, attempt.user!, undefined, attempt.credentials.invitationToken) }
}

/** One that has run out only leads to a new one; before, the user is told in time. */
async function passwordNotExpired(ctx: HttpCtx, attempt: Attempt) {
  const user = attempt.user!,
    expiry = await passwordSettings.expiry(ctx, user, attempt.place!.tenant.tenantIds)
  if (!expiry) return attempt
  if ('expired' in expiry)
    return {
      ...attempt,
      answer: { mfaRequired: false, resetPasswordToken: await passwordReset.tokenFor(ctx, user), userId: user.id },
    }
  return {
    ...attempt,
    notice: { passwordExpiresIn: expiry.expiresInMinutes, notificationPeriod: expiry.notificationPeriod },
  }
}

/** Others know it, too, so it must not lead anywhere: the way to a new one goes by mail. */
async function passwordNotBreached(ctx: HttpCtx, attempt: Attempt) {
  const user = attempt.user!
  if (!(await breached.isBlocked(ctx, user, attempt.credentials.password))) return attempt
  return {
    ...attempt,
    answer: {
      mfaRequired: false,
      isBreachedPassword: true,
      userId: user.id,
      ...(user.email !== null && { userEmail: user.email }),
    },
  }
}

async function sessionStarted(ctx: HttpCtx, attempt: Attempt) {
  return {
    ...attempt,
    answer: { ...(await login.complete(ctx, attempt.user!, { place: attempt.place! })), ...attempt.notice },
  }
}
