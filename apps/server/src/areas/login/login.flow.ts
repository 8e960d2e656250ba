import type { User } from '@henhouse/database'
import { invalid } from '../../kernel/errors.ts'
import type { HttpCtx } from '../../kernel/operation.ts'
import * as activation from '../activation/activation.service.ts'
import * as captcha from '../captcha-policy/captcha-policy.service.ts'
import * as identitySettings from '../identity-settings/identity-settings.service.ts'
import type { IdentityConfiguration } from '../identity-settings/identity-settings.schemas.ts'
import * as invites from '../invitations/invites.service.ts'
import * as users from '../users/users.service.ts'
import { loginErrors } from './login.errors.ts'
import type { Credentials, LoginAnswer } from './login.schemas.ts'
import * as login from './login.service.ts'

/** What is known so far; a step that comes later may count on those before it. */
interface Attempt {
  readonly credentials: Credentials
  readonly configuration?: IdentityConfiguration
  readonly user?: User | null
  /** where an invitation leads */
  readonly invitedTo?: string
  readonly tenant?: users.ActiveTenant
  /** ends the login: tokens, or what is wanted first */
  readonly answer?: LoginAnswer
}
type Step = (ctx: HttpCtx, attempt: Attempt) => Attempt | Promise<Attempt>

/** A login with a password, in the order in which it happens. Until the password has proved right, nothing tells whether there is such a user. */
const passwordSteps: readonly Step[] = [identifierGiven, captchaPassed, strategyAllowed, userLookedUp, passwordRight, userNotLocked, emailVerified, invitationUsed, tenantOpen, sessionStarted]

export async function logInWithPassword(ctx: HttpCtx, credentials: Credentials): Promise<LoginAnswer> {
  let attempt: Attempt = { credentials }
  for (const step of passwordSteps) {
    attempt = await step(ctx, attempt)
    if (attempt.answer) return attempt.answer
  }
  throw new Error('the login came to no end')
}

function identifierGiven(_ctx: HttpCtx, attempt: Attempt) {
  if (!attempt.credentials.email && !attempt.credentials.username) throw invalid('Either email or username must be provided')
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
  return { ...attempt, user: await (email ? users.byEmail(ctx, email.trim()) : users.byUsername(ctx, username!.trim())) }
}

/** As much work for nobody as for somebody. */
async function passwordRight(ctx: HttpCtx, attempt: Attempt) {
  const { passwords } = ctx.deps, { password } = attempt.credentials, { user } = attempt
  const hash = user?.passwordHash ?? null
  if (!await passwords.verify(hash, password) || !user || hash === null) throw loginErrors.wrong()
  if (passwords.needsRehash(hash)) {
    // a password changed meanwhile stays changed
    await ctx.db.user.updateMany({ where: { id: user.id, passwordHash: hash }, data: { passwordHash: await passwords.hash(password) } })
  }
  return attempt
}

function userNotLocked(_ctx: HttpCtx, attempt: Attempt) {
  if (attempt.user!.isLocked) throw loginErrors.locked()
  return attempt
}

/** Whoever has an address must have shown that it is its own; the mail to do so with is sent once more. */
async function emailVerified(ctx: HttpCtx, attempt: Attempt) {
  const user = attempt.user!
  if (user.verified || user.email === null || attempt.configuration!.allowNotVerifiedUsersLogin) return attempt
  await ctx.atomically((tx) => activation.sendActivation(tx, user, user.activeTenantId ?? undefined))
  throw loginErrors.notVerified(masked(user.email))
}

/** Before it is known where the user may go: this may be the only place. */
async function invitationUsed(ctx: HttpCtx, attempt: Attempt) {
  const { invitationToken } = attempt.credentials
  return invitationToken ? { ...attempt, invitedTo: await invites.join(ctx, attempt.user!, invitationToken) } : attempt
}

async function tenantOpen(ctx: HttpCtx, attempt: Attempt) {
  return { ...attempt, tenant: await login.tenantFor(ctx, attempt.user!, attempt.invitedTo) }
}

async function sessionStarted(ctx: HttpCtx, attempt: Attempt) {
  return { ...attempt, answer: await login.complete(ctx, attempt.user!, { tenant: attempt.tenant! }) }
}

/** `ada@example.com` → `a***@example.com` */
const masked = (email: string) => email.replace(/^(.)[^@]*/, '$1***')
