import { accountByEmail } from '../areas/sign-in/login/accounts.sql.ts'
import { standingOf } from '../areas/sign-in/entry/standing.sql.ts'
import * as guesses from '../areas/access/guesses/guesses.service.ts'
import * as users from '../areas/people/users/users.service.ts'
import { captchaPolicy } from '../areas/policies/captcha-policy/captcha-policy.schemas.ts'
import * as domains from '../areas/policies/domain-restrictions/domain-restrictions.service.ts'
import * as identitySettings from '../areas/policies/identity-settings/identity-settings.service.ts'
import * as ips from '../areas/policies/ip-restrictions/ip-restrictions.service.ts'
import * as mfaPolicy from '../areas/policies/mfa-policy/mfa-policy.service.ts'
import * as passwordSettings from '../areas/policies/password-settings/password-settings.service.ts'
import * as mfa from '../areas/sign-in/mfa/mfa-demand.service.ts'
import { canonicalEmail } from '../kernel/email-addresses.ts'
import { ApiError } from '../kernel/errors.ts'
import type { Ctx } from '../kernel/operation.ts'
import * as settings from '../kernel/settings.ts'

/** Something between a user and a session. */
interface Obstacle {
  readonly reason: string
  /** a login with the right password fails; otherwise it is only asked for something more */
  readonly stops: boolean
  readonly explanation: string
  /** the operation that takes it away */
  readonly change?: string
}
interface Asked {
  readonly email: string
  /** the address to come from */
  readonly ip: string
  /** where to log in, if not where the user was last */
  readonly tenantId?: string | undefined
}

/** Whether the owner of the address could log in with the right password now, and what stands in the way. Changes nothing. */
export async function explainLogin(ctx: Ctx, { email, ip, tenantId }: Asked) {
  const name = canonicalEmail(email.trim()),
    configuration = await identitySettings.current(ctx),
    [row] = await ctx.sql(accountByEmail, name, guesses.idOf(ctx, email)),
    { isNameLocked, ...found } = row!,
    obstacles: Obstacle[] = [...(await beforeTheUser(ctx, name, configuration.authStrategy))]
  const answer = (user: { id: string } | null, tenant: string | null) => ({
    email: name,
    canLogIn: !obstacles.some(({ stops }) => stops),
    userId: user?.id ?? null,
    tenantId: tenant,
    obstacles,
  })
  if (found.id === null) {
    obstacles.push(...(await ofNobody(ctx, name, isNameLocked)))
    return answer(null, null)
  }
  const user = found
  if (user.isLocked)
    obstacles.push(stop('locked', 'The user is locked, by wrong guesses or by management.', 'unlockUserV1'))
  if (user.passwordHash === null && user.sourceId === null)
    obstacles.push(stop('password-missing', 'The user has no password. Other ways to log in may be open to them.'))
  if (!user.verified && user.email !== null && !configuration.allowNotVerifiedUsersLogin)
    obstacles.push(stop('unverified', 'The user has not verified their address.', 'verifyUserV1'))
  const [standing] = await ctx.sql(standingOf, ctx.clock.now(), user.id, tenantId ?? user.activeTenantId, null),
    members = standing?.members ?? [],
    place = await users.activeTenantAmong(ctx, { ...user, activeTenantId: tenantId ?? user.activeTenantId }, members)
  if (!place || (tenantId !== undefined && place.id !== tenantId)) {
    obstacles.push(noTenant(members, tenantId))
    return answer(user, null)
  }
  if (!(await ips.isAllowed(ctx, { id: place.id }, ip)))
    obstacles.push(stop('ip', `The IP restrictions of the tenant ${place.id} keep ${ip} out.`, 'setIpConfigurationV1'))
  const expiry = await passwordSettings.expiry(ctx, user, place.tenantIds)
  if (expiry && 'expired' in expiry)
    obstacles.push(
      stop(
        'password-expired',
        'The password has expired: the login only lets the user set a new one.',
        'setPasswordRotationV1',
      ),
    )
  obstacles.push(...(await secondFactor(ctx, user, place.tenantIds)))
  return answer(user, place.id)
}

const stop = (reason: string, explanation: string, change?: string): Obstacle => ({
  reason,
  stops: true,
  explanation,
  ...(change !== undefined && { change }),
})

async function beforeTheUser(ctx: Ctx, email: string, authStrategy: string): Promise<Obstacle[]> {
  const { enabled, ignoredEmails } = await settings.effective(ctx, captchaPolicy),
    needsCaptcha = enabled && !ignoredEmails.some((ignored) => canonicalEmail(ignored.trim()) === email)
  return [
    ...(needsCaptcha
      ? [
          {
            reason: 'captcha',
            stops: false,
            explanation: 'The login needs a captcha. The emulator takes the recaptchaToken score:0.9.',
            change: 'replaceCaptchaPolicyV1',
          },
        ]
      : []),
    ...(['EmailAndPassword', 'UsernameAndPassword'].includes(authStrategy)
      ? []
      : [
          stop(
            'strategy',
            `The environment logs users in by ${authStrategy}, and not with a password.`,
            'updateConfigurationV1',
          ),
        ]),
  ]
}

/** Nobody has the address. Whether somebody could sign up with it is told, too. */
async function ofNobody(ctx: Ctx, email: string, isNameLocked: boolean): Promise<Obstacle[]> {
  const isAllowed = await domains.mustAllow(ctx, email).then(
    () => true,
    (error: unknown) => {
      if (error instanceof ApiError) return false
      throw error
    },
  )
  return [
    stop('unknown', 'No user of the environment has this address.'),
    ...(isNameLocked ? [stop('locked', 'The address is locked: it was tried too often.')] : []),
    ...(isAllowed
      ? []
      : [stop('domain', 'The domain of the address is not allowed to sign up.', 'setDomainConfigurationV1')]),
  ]
}

function noTenant(members: readonly users.Membership[], wanted: string | undefined) {
  const about = wanted === undefined ? members : members.filter(({ tenantId }) => tenantId === wanted)
  if (!about.length)
    return stop(
      'no-tenant',
      wanted === undefined ? 'The user is in no tenant.' : `The user is not in the tenant ${wanted}.`,
    )
  const [first] = about,
    where = about.length > 1 ? 'their tenants' : `the tenant ${first!.tenantId}`
  return about.every(({ isDisabled }) => isDisabled)
    ? stop('disabled', `The user is disabled in ${where}.`)
    : stop('invitation-pending', `The user has not accepted the invitation to ${where}.`)
}

/** A remembered browser is not asked: this cannot know whose browser it will be. */
async function secondFactor(
  ctx: Ctx,
  user: Parameters<typeof mfa.isEnrolled>[1],
  tenantIds: readonly string[],
): Promise<Obstacle[]> {
  if (user.mfaBypass) return []
  const { enforceMFAType } = await mfaPolicy.requirement(ctx, tenantIds)
  if (!user.mfaEnrolled && enforceMFAType === 'DontForce') return []
  const isEnrolled = await mfa.isEnrolled(ctx, user)
  return [
    {
      reason: isEnrolled ? 'mfa' : 'mfa-enrolment',
      stops: false,
      explanation: isEnrolled
        ? 'After the password, the login asks for a second factor.'
        : 'A policy forces a second factor, and the user has none: the login asks them to set one up.',
      change: 'updateMfaPolicyV1',
    },
  ]
}
