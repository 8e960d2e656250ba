import type { User } from '@henhouse/database'
import { find, guessing, type Outcome, revoke, useUp } from '../../../kernel/challenges.ts'
import { isUuid } from '../../../kernel/environments.ts'
import { invalid } from '../../../kernel/errors.ts'
import type { Ctx, HttpCtx } from '../../../kernel/operation.ts'
import * as captcha from '../../policies/captcha-policy/captcha-policy.service.ts'
import * as identitySettings from '../../policies/identity-settings/identity-settings.service.ts'
import { loginErrors } from '../login/login.errors.ts'
import type { LoginAnswer } from '../entry/entry.schemas.ts'
import * as entry from '../entry/entry.service.ts'
import * as login from '../login/login.service.ts'
import * as invitations from '../../onboarding/invitations/invitations.service.ts'
import { live } from '../../rights/held/held.service.ts'
import * as passwords from '../../policies/password-settings/password-settings.service.ts'
import * as access from '../../access/sessions/access.service.ts'
import { userErrors } from '../../people/users/users.errors.ts'
import { activationErrors } from './activation.errors.ts'
import type { Activation, CodeActivation } from './activation.schemas.ts'
import { activation, activationCode, isAbout } from '../../people/activation-mails/activation-mails.service.ts'
import { enter, pending, refusal } from '../../access/codes/codes.service.ts'
import * as events from '../../rights/events/events.service.ts'

/** Verifies the address with the token of a mailed link, sets the password, and logs the user in. */
export async function activate(ctx: HttpCtx, { userId, token, ...given }: Activation) {
  const user = await admitted(ctx, userId, given)
  const link = await mustBeLinkOf(ctx, user, token),
    { tenantId } = link
  return finish(ctx, user, { password: given.password, tenantId, withCode: false }, (tx) => useUp(tx, link))
}

/** As `activate`, with a mailed code. Wrong ones count. */
export async function activateWithCode(ctx: HttpCtx, { userId, token, code, ...given }: CodeActivation) {
  const user = await admitted(ctx, userId, given)
  const asked = await mustBeCodeOf(ctx, user, token),
    { tenantId } = asked
  return guessing(ctx, activationCode, asked, () =>
    finish(ctx, user, { password: given.password, tenantId, withCode: true }, (tx) =>
      enter(tx, activationCode, { userId, token, code }),
    ),
  )
}

/** Whether the user has to choose a password, given the token of a link or a code. @throws 400 for any other token */
export async function strategyFor(ctx: Ctx, { userId, token }: Pick<Activation, 'userId' | 'token'>) {
  const user = await byId(ctx, userId)
  if (!user) throw activationErrors.invalidToken()
  if (isUuid(token)) await mustBeCodeOf(ctx, user, token)
  else await mustBeLinkOf(ctx, user, token)
  return { shouldSetPassword: (await hasPasswords(ctx, user)) && !(await keepsPassword(ctx, user)) }
}

const byId = async (ctx: Ctx, userId: string) =>
  isUuid(userId) ? ctx.db.user.findUnique({ where: { id: userId } }) : null

async function admitted(ctx: HttpCtx, userId: string, { recaptchaToken }: { recaptchaToken?: string | undefined }) {
  const user = await byId(ctx, userId)
  await captcha.mustPass(ctx, { token: recaptchaToken, email: user?.email ?? undefined, ip: ctx.http.ip })
  if (!user) throw activationErrors.invalidToken()
  return user
}

async function mustBeLinkOf(ctx: Ctx, user: User, token: string) {
  const found = await find(ctx, activation, token)
  if (found.state !== 'ok' || !isAbout(found.challenge, user)) throw activationErrors.invalidToken()
  return found.challenge
}

async function mustBeCodeOf(ctx: Ctx, user: User, token: string) {
  const challenge = await pending(ctx, activationCode, { userId: user.id, token })
  if (!isAbout(challenge, user)) throw activationErrors.invalidToken()
  return challenge
}

interface Given {
  password: string | undefined
  /** the tenant whose invitation it accepts */
  tenantId: string | null
  withCode: boolean
}

/** Checks everything before the token is used up, so that a weak password does not cost the token. */
async function finish(
  ctx: HttpCtx,
  user: User,
  { password, tenantId: arriving, withCode }: Given,
  use: (tx: Ctx) => Promise<Outcome<{ tenantId: string | null }> | { state: 'wrong' }>,
): Promise<LoginAnswer> {
  if (user.isLocked) throw loginErrors.locked()
  // an activation logs in
  await identitySettings.mustBeLocal(ctx)
  const standing = await entry.standingFor(ctx, user, { arriving }),
    place = await entry.placeFor(ctx, user, { arriving }, standing),
    tenantIds = standing.members.map((membership) => membership.tenantId)
  const passwordHash = await chosen(ctx, user, password || undefined, tenantIds)
  const now = ctx.clock.now()
  // a wrong code must stay counted, so the transaction commits and the refusal follows it
  const outcome = await ctx.atomically(async (tx) => {
    const used = await use(tx)
    if (used.state !== 'ok') return used
    const { tenantId } = used.challenge
    await revoke(tx, user.id, [activation, activationCode])
    if (tenantId !== null) await invitations.take(tx, user.id, tenantId)
    if (passwordHash !== undefined) await access.voidUnprovenPast(tx, user.id)
    if (passwordHash !== undefined) await passwords.remember(tx, user.id, user.passwordHash, tenantIds)
    if (passwordHash !== undefined && user.passwordHash !== null) await access.end(tx, user.id)
    const [activated] = await tx.db.user.updateManyAndReturn({
      where: { id: user.id, email: user.email },
      data: {
        verified: true,
        updatedAt: now,
        ...(passwordHash !== undefined && { passwordHash, passwordChangedAt: now, failedLogins: 0 }),
      },
    })
    if (!activated) throw userErrors.notFound()
    await events.record(tx, {
      key: 'frontegg.user.activated',
      ...{ userId: user.id, tenantId: tenantId ?? activated.activeTenantId },
    })
    return { ...used, activated }
  })
  if (outcome.state !== 'ok') throw refusal(outcome.state, withCode)
  return login.complete(ctx, outcome.activated, { place })
}

/** Whether the user logs in with a password: not where the environment has none, or a provider logs them in. */
const hasPasswords = async (ctx: Ctx, user: User) =>
  user.provider === 'local' && (await identitySettings.current(ctx)).authStrategy.endsWith('Password')

/** A password from before the proof of the address is good in the tenant that was made with it, and in no other. */
const keepsPassword = async (ctx: Ctx, { id: userId, passwordHash, unprovenPast }: User) =>
  passwordHash !== null &&
  !(unprovenPast && (await ctx.db.membership.count({ where: { userId, acceptedAt: null, ...live(ctx) } })))

/** The hash of the user's new password; undefined when they have none or keep the old one. */
async function chosen(ctx: Ctx, user: User, password: string | undefined, tenantIds: readonly string[]) {
  if (!(await hasPasswords(ctx, user))) return undefined
  if (password === undefined) {
    if (!(await keepsPassword(ctx, user))) throw invalid('password should not be empty')
    return undefined
  }
  await passwords.mustSatisfy(ctx, password, tenantIds)
  await passwords.mustBeNew(ctx, user.id, password, tenantIds)
  return ctx.deps.passwords.hash(password)
}
