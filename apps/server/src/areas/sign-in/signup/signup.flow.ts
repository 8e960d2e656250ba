import type { User } from '@henhouse/database'
import { invalid } from '../../../kernel/errors.ts'
import type { Ctx, HttpCtx } from '../../../kernel/operation.ts'
import * as activationMails from '../../people/activation-mails/activation-mails.service.ts'
import * as applications from '../../applications/applications/applications.service.ts'
import * as captcha from '../../policies/captcha-policy/captcha-policy.service.ts'
import * as domains from '../../policies/domain-restrictions/domain-restrictions.service.ts'
import * as identitySettings from '../../policies/identity-settings/identity-settings.service.ts'
import type { IdentityConfiguration } from '../../policies/identity-settings/identity-settings.schemas.ts'
import * as invites from '../../onboarding/invitations/invites.service.ts'
import { loginErrors } from '../login/login.errors.ts'
import * as login from '../login/login.service.ts'
import { requestedApplication } from '../../access/tokens/refresh-cookie.ts'
import * as memberships from '../../people/memberships/memberships.service.ts'
import * as passwords from '../../policies/password-settings/password-settings.service.ts'
import { toSignUpStrategies } from '../../policies/strategies/strategies.schemas.ts'
import * as tenants from '../../accounts/tenants/tenants.service.ts'
import { mustBeObjects } from '../../people/users/users.schemas.ts'
import * as users from '../../people/users/users.service.ts'
import { signUpErrors } from './signup.errors.ts'
import type { Applicant, SignUpAnswer } from './signup.schemas.ts'
import { shown } from '../../delivery/prehooks/users.ts'
import * as newcomers from '../entry/newcomers.service.ts'
import * as ips from '../../policies/ip-restrictions/ip-restrictions.service.ts'
import * as events from '../../rights/events/events.service.ts'

type By = 'email' | 'username' | 'phoneNumber'

/** A sign-up, step by step. Nothing is written before `make`, and `make` writes everything or nothing. */
export async function signUp(ctx: HttpCtx, by: By, applicant: Applicant): Promise<SignUpAnswer> {
  const { email, recaptchaToken } = applicant
  await captcha.mustPass(ctx, { token: recaptchaToken, email, ip: ctx.http.ip })
  const configuration = await signUpsAllowed(ctx, by)
  mustBeObjects(applicant)
  const { changed, home } = await letPass(ctx, { ...applicant, provider: 'local' }, await homeOf(ctx, applicant)),
    invitedTo = 'companyName' in home ? undefined : [tenantIdOf(home)]
  if (email !== undefined) await domains.mustAllow(ctx, email, invitedTo)
  const passwordHash = await goodPassword(ctx, applicant, configuration, invitedTo)
  const made = await make(ctx, changed, home, passwordHash, configuration)
  return sessionStarted(ctx, made, passwordHash)
}

/** Refuses accounts that nobody could log in to. */
async function signUpsAllowed(ctx: HttpCtx, by: By) {
  const configuration = await identitySettings.current(ctx)
  if (!configuration.allowSignups) throw signUpErrors.switchedOff()
  await identitySettings.mustBeLocal(ctx)
  const byPhone = toSignUpStrategies(configuration).some(
    ({ strategy, isActive }) => strategy === 'phoneNumber' && isActive,
  )
  if (by === 'phoneNumber' && !byPhone) throw loginErrors.strategyOff()
  return configuration
}

/** The account to join: the one of the invitation, a new one, or the one that the environment's prehook has chosen. */
type Home = { invite: invites.Usable } | NewHome | { chosenId: string }
interface NewHome {
  companyName: string
  tenantId: string
}
export const tenantIdOf = (home: Home) =>
  'invite' in home ? home.invite.tenantId : 'companyName' in home ? home.tenantId : home.chosenId

export async function homeOf(
  ctx: HttpCtx,
  { companyName, invitationToken }: Pick<Applicant, 'companyName' | 'invitationToken'>,
): Promise<Home> {
  if (invitationToken) return { invite: await invites.forNewcomer(ctx, invitationToken) }
  const name = companyName?.trim()
  if (!name) throw invalid('companyName should not be empty')
  return { companyName: name, tenantId: ctx.random.uuid() }
}

type Changed = Omit<Applicant, 'provider'> & Omit<newcomers.Said, 'chosenTenantId'>

/** Asks the environment's prehooks about the user, and about an account that they would make. @throws what these say */
export async function letPass(
  ctx: HttpCtx,
  applicant: Omit<Applicant, 'provider'> & { provider: string },
  home: Home,
): Promise<{ changed: Changed; home: Home }> {
  const { chosenTenantId: chosenId, ...said } = await newcomers.letPass(ctx, 'SIGN_UP', () => ({
      data: shown({ ...applicant, ipAddress: ctx.http.ip }),
      tenantId: 'invite' in home ? home.invite.tenantId : null,
      applicationId: requestedApplication(ctx),
    })),
    at = chosenId === undefined ? home : { chosenId }
  if ('chosenId' in at) await ips.mustAllow(ctx, ctx.http.ip, at.chosenId)
  if ('companyName' in at)
    await tenants.mayHappen(ctx, 'CREATE_TENANT', { tenantId: at.tenantId, name: at.companyName })
  await newcomers.mustHaveRoles(ctx, said, [tenantIdOf(at)])
  return { changed: { ...applicant, ...said }, home: at }
}

/**
 * The hash of the password; null for a user who has none, or who chooses it later by a mailed link. So does a user with an
 * invitation: the tenant of others believes only a password that the owner of the address has chosen.
 */
async function goodPassword(
  ctx: HttpCtx,
  applicant: Applicant,
  { authStrategy, allowNotVerifiedUsersLogin }: IdentityConfiguration,
  invitedTo: readonly string[] = [],
) {
  const { password, email } = applicant
  if (!authStrategy.endsWith('Password')) return null
  if (password === undefined && email === undefined) throw invalid('password should not be empty')
  if (password === undefined) return null
  await passwords.mustSatisfy(ctx, password, invitedTo)
  if (invitedTo.length && email !== undefined && !allowNotVerifiedUsersLogin) return null
  return ctx.deps.passwords.hash(password)
}

type Made = Awaited<ReturnType<typeof make>>

/** Inserts the user first: other sign-ups with the same address wait for that row, and then make nothing. */
function make(
  ctx: HttpCtx,
  applicant: Changed,
  home: Home,
  passwordHash: string | null,
  { allowNotVerifiedUsersLogin }: IdentityConfiguration,
) {
  const { email, username, phoneNumber, name, profilePictureUrl, metadata, emailMetadata, subAccountAccess } = applicant
  // without an address there is nothing to verify
  const verified = email === undefined
  const shouldActivate = !verified && !(passwordHash !== null && allowNotVerifiedUsersLogin)
  const applicationId = requestedApplication(ctx),
    unprovenPast = !verified && passwordHash !== null
  const fields = { email, username, phoneNumber, profilePictureUrl, metadata, subAccountAccess },
    tenantId = tenantIdOf(home)
  return ctx.atomically(async (tx) => {
    const user = await users.insert(tx, {
      ...given(fields),
      name,
      verified,
      passwordHash,
      unprovenPast,
      activeTenantId: tenantId,
    })
    await moveIn(tx, home, user, applicationId, applicant.chosenRoleIds)
    await events.record(tx, { key: 'frontegg.user.signedUp', userId: user.id, tenantId })
    const activationToken = shouldActivate
      ? await activationMails.send(tx, user, tenantId, { emailMetadata })
      : undefined
    return { user, tenantId, shouldActivate, activationToken }
  })
}

export async function moveIn(
  tx: Ctx,
  home: Home,
  user: User,
  applicationId: string | undefined,
  chosenRoleIds?: readonly string[],
) {
  const tenantId = tenantIdOf(home)
  if ('invite' in home) {
    await invites.use(
      tx,
      chosenRoleIds ? { ...home.invite, roleIds: [...chosenRoleIds] } : home.invite,
      user,
      applicationId,
    )
    return
  }
  if ('companyName' in home)
    await tenants.insert(tx, {
      tenantId,
      name: home.companyName,
      creatorName: user.name,
      ...(user.email !== null && { creatorEmail: user.email }),
    })
  await memberships.add(tx, { userId: user.id, tenantId, ...(chosenRoleIds && { roleIds: chosenRoleIds }) })
  await applications.enrol(tx, { applicationId, userId: user.id, tenantId })
}

/** Logs the user in at once if they chose a password and need no verification. */
async function sessionStarted(
  ctx: HttpCtx,
  { user, tenantId, shouldActivate, activationToken }: Made,
  passwordHash: string | null,
): Promise<SignUpAnswer> {
  const isIn = !shouldActivate && passwordHash !== null
  return {
    shouldActivate,
    userId: user.id,
    tenantId,
    ...(activationToken !== undefined && { activationToken }),
    ...(isIn && { authResponse: await login.complete(ctx, { ...user, activeTenantId: tenantId }, { tenantId }) }),
  }
}

type Given<T> = { [K in keyof T]: Exclude<T[K], undefined> }
/** The fields without the missing ones. */
const given = <T extends object>(fields: T) =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<Given<T>>
