import { canonicalEmail } from '../../../kernel/email-addresses.ts'
import { invalid } from '../../../kernel/errors.ts'
import type { HttpCtx } from '../../../kernel/operation.ts'
import * as captcha from '../../policies/captcha-policy/captcha-policy.service.ts'
import * as identitySettings from '../../policies/identity-settings/identity-settings.service.ts'
import * as passwordSettings from '../../policies/password-settings/password-settings.service.ts'
import * as breached from '../passwords/breached.service.ts'
import { proven } from '../passwords/proof.service.ts'
import * as userPools from '../user-pools/asking.service.ts'
import { userPoolErrors } from '../user-pools/user-pools.errors.ts'
import * as passwordReset from '../passwords/reset.service.ts'
import * as guesses from '../../access/guesses/guesses.service.ts'
import { accountByEmail, accountById, accountByUsername, type Account, type Nobody } from './accounts.sql.ts'
import { loginErrors } from './login.errors.ts'
import type { Credentials } from './login.schemas.ts'
import type { LoginAnswer } from '../entry/entry.schemas.ts'
import * as entry from '../entry/entry.service.ts'
import * as login from './login.service.ts'
import { mustBeVerified } from '../entry/verified-address.service.ts'

/** A login with a password, step by step. Until the password is proved right, no answer reveals whether there is such a user. */
export async function logInWithPassword(ctx: HttpCtx, credentials: Credentials): Promise<LoginAnswer> {
  const { email, password, recaptchaToken, invitationToken } = credentials
  const name = nameIn(credentials)
  await captcha.mustPass(ctx, { token: recaptchaToken, email, ip: ctx.http.ip })
  const configuration = await strategyAllowed(ctx)
  const found = await accountOf(ctx, credentials, name)
  mustNotBeLocked(found)
  const user = await mustKnow(ctx, credentials, name, found.user)
  const standing = await entry.standingFor(ctx, user)
  mustStillNotBeLocked(standing)
  await mustBeVerified(ctx, user, configuration)
  // before the password's expiry or leak is reported: a user whom no tenant lets in is not asked for a new one
  const place = await entry.placeFor(ctx, user, { invitationToken }, standing)
  const expiry = await passwordSettings.expiry(ctx, user, place.tenant.tenantIds)
  if (expiry && 'expired' in expiry) return passwordExpired(ctx, user)
  if (await breached.isBlocked(ctx, user, password, tenantIdsIn(standing))) return passwordBreached(user)
  const answer = await login.complete(ctx, user, { place })
  // warns the user before the password expires
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

interface Found {
  /** null: no user has the name */
  readonly user: Account | null
  /** whether a name without a user would be locked */
  readonly isNameLocked: boolean
}

/** The owner of an address, or of a username, and the lock of the name itself, in one statement for known and unknown names. */
async function accountOf(ctx: HttpCtx, { email }: Credentials, name: string): Promise<Found> {
  const lockId = guesses.idOf(ctx, name),
    text = name.trim()
  const [row] = email
    ? await ctx.sql(accountByEmail, canonicalEmail(text), lockId)
    : await ctx.sql(accountByUsername, canonicalEmail(text), lockId)
  const { isNameLocked, ...user } = row!
  return { user: isKnown(user) ? user : null, isNameLocked }
}
const isKnown = (user: Account | Nobody): user is Account => user.id !== null

/** Checked before the password, so that a guesser does not learn which one is right. An unknown name is locked like a user. */
function mustNotBeLocked({ user, isNameLocked }: Found) {
  if (user ? user.isLocked : isNameLocked) throw loginErrors.locked()
}

/** Compares the password, or has it compared where the user came from; takes the same time for an unknown user. */
async function mustKnow(ctx: HttpCtx, credentials: Credentials, name: string, user: Account | null) {
  const decider = await userPools.inCharge(ctx, user)
  const known = decider
    ? await knownElsewhere(ctx, decider, credentials, name)
    : (await proven(ctx, user, credentials.password)) !== null && user
  if (known) return known
  await guesses.wrong(ctx, user, name)
  throw loginErrors.wrong()
}

/** As they are here after the sources of users have had their say. @throws 503 when none of them could be asked */
async function knownElsewhere(
  ctx: HttpCtx,
  decider: userPools.InCharge,
  { email, password }: Credentials,
  name: string,
) {
  const [answer] = await Promise.all([
    userPools.ask(ctx, decider, { name: name.trim(), isEmail: !!email, password }),
    proven(ctx, null, password),
  ])
  if (answer.verdict === 'unknown') throw userPoolErrors.unavailable()
  return answer.verdict === 'yes' && (await ctx.sql(accountById, answer.userId))[0]
}

/** Looks at the lock again: simultaneous guesses may have locked the user while the password was compared. */
function mustStillNotBeLocked({ isLocked }: entry.StandingFor) {
  if (isLocked === undefined) throw loginErrors.wrong()
  if (isLocked) throw loginErrors.locked()
}

/** All the user's tenants, as `tenantIdsOf`. */
const tenantIdsIn = ({ members }: entry.StandingFor) => members.map((membership) => membership.tenantId)

/** An expired password only lets the user set a new one. */
const passwordExpired = async (ctx: HttpCtx, user: Account): Promise<LoginAnswer> => ({
  mfaRequired: false,
  resetPasswordToken: await passwordReset.tokenFor(ctx, user),
  userId: user.id,
})

/** Others know a breached password, so it opens nothing: the user gets a mail to set a new one. */
const passwordBreached = ({ id, email }: Account): LoginAnswer => ({
  mfaRequired: false,
  isBreachedPassword: true,
  userId: id,
  ...(email !== null && { userEmail: email }),
})
