import type { User } from '@henhouse/database'
import { invalid } from '../../../kernel/errors.ts'
import type { HttpCtx } from '../../../kernel/operation.ts'
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

type By = 'email' | 'username' | 'phoneNumber'

/** What is known so far; a step that comes later may count on those before it. */
interface Attempt {
  readonly applicant: Applicant
  readonly by: By
  readonly configuration?: IdentityConfiguration
  readonly invite?: invites.Usable
  /** null: the user has none, or is yet to choose it */
  readonly passwordHash?: string | null
  readonly made?: Made
  readonly answer?: SignUpAnswer
}
interface Made {
  readonly user: User
  readonly tenantId: string
  readonly shouldActivate: boolean
  readonly activationToken: string | undefined
}
type Step = (ctx: HttpCtx, attempt: Attempt) => Attempt | Promise<Attempt>

/** In the order in which it happens. Up to `userMade` nothing is changed, and that makes everything or nothing. */
const steps: readonly Step[] = [
  captchaPassed,
  signUpsAllowed,
  fieldsSensible,
  invitationFound,
  domainAllowed,
  passwordGood,
  userMade,
  sessionStarted,
]

export async function signUp(ctx: HttpCtx, by: By, applicant: Applicant): Promise<SignUpAnswer> {
  let attempt: Attempt = { applicant, by }
  for (const step of steps) attempt = await step(ctx, attempt)
  return attempt.answer!
}

async function captchaPassed(ctx: HttpCtx, attempt: Attempt) {
  await captcha.mustPass(ctx, {
    token: attempt.applicant.recaptchaToken,
    email: attempt.applicant.email,
    ip: ctx.http.ip,
  })
  return attempt
}

/** Nobody is made an account that there is no way into. */
async function signUpsAllowed(ctx: HttpCtx, attempt: Attempt) {
  const configuration = await identitySettings.current(ctx)
  if (!configuration.allowSignups) throw signUpErrors.switchedOff()
  if (isLocal(attempt) && configuration.authStrategy === 'NoLocalAuthentication') throw loginErrors.strategyOff()
  const byPhone = toSignUpStrategies(configuration).some(
    ({ strategy, isActive }) => strategy === 'phoneNumber' && isActive,
  )
  if (attempt.by === 'phoneNumber' && !byPhone) throw loginErrors.strategyOff()
  return { ...attempt, configuration }
}

function fieldsSensible(_ctx: HttpCtx, attempt: Attempt) {
  const { companyName, invitationToken } = attempt.applicant
  mustBeObjects(attempt.applicant)
  if (!companyName?.trim() && !invitationToken) throw invalid('companyName should not be empty')
  return attempt
}

async function invitationFound(ctx: HttpCtx, attempt: Attempt) {
  const { invitationToken } = attempt.applicant
  return invitationToken ? { ...attempt, invite: await invites.forNewcomer(ctx, invitationToken) } : attempt
}

async function domainAllowed(ctx: HttpCtx, attempt: Attempt) {
  if (attempt.applicant.email !== undefined)
    await domains.mustAllow(ctx, attempt.applicant.email, attempt.invite && [attempt.invite.tenantId])
  return attempt
}

/** Whoever can be mailed chooses it later, if not now. */
async function passwordGood(ctx: HttpCtx, attempt: Attempt) {
  const { password, email } = attempt.applicant
  if (!isLocal(attempt) || !attempt.configuration!.authStrategy.endsWith('Password'))
    return { ...attempt, passwordHash: null }
  if (password === undefined && email === undefined) throw invalid('password should not be empty')
  if (password === undefined) return { ...attempt, passwordHash: null }
  await passwords.mustSatisfy(ctx, password, attempt.invite ? [attempt.invite.tenantId] : [])
  return { ...attempt, passwordHash: await ctx.deps.passwords.hash(password) }
}

/** The user comes first: of those who sign up with the same address at once all but one wait for it, and then make nothing. */
function userMade(ctx: HttpCtx, attempt: Attempt) {
  const { applicant, invite, passwordHash = null, configuration } = attempt
  const { email, username, phoneNumber, name, profilePictureUrl, metadata, provider, emailMetadata, companyName } =
    applicant
  // nothing to be verified without an address, and nothing left to be by us when somebody else logs the user in
  const verified = email === undefined || !isLocal(attempt)
  const shouldActivate = !verified && !(passwordHash !== null && configuration!.allowNotVerifiedUsersLogin)
  const applicationId = requestedApplication(ctx)
  const fields = { email, username, phoneNumber, profilePictureUrl, metadata, provider }
  return ctx.atomically(async (tx) => {
    const user = await users.insert(tx, { ...given(fields), name, verified, passwordHash })
    const tenantId =
      invite?.tenantId ??
      (
        await tenants.create(tx, {
          name: companyName!.trim(),
          creatorName: user.name,
          ...(user.email !== null && { creatorEmail: user.email }),
        })
      ).id
    if (invite) {
      await invites.use(tx, invite, user, applicationId)
    } else {
      await memberships.add(tx, { userId: user.id, tenantId })
      await applications.enrol(tx, { applicationId, userId: user.id, tenantId })
    }
    const activationToken = shouldActivate
      ? await activationMails.send(tx, user, tenantId, { emailMetadata })
      : undefined
    return { ...attempt, made: { user, tenantId, shouldActivate, activationToken } }
  })
}

/** Where a password was taken and nothing is left to be verified the user is in. */
async function sessionStarted(ctx: HttpCtx, attempt: Attempt) {
  const { user, tenantId, shouldActivate, activationToken } = attempt.made!
  const isIn = !shouldActivate && attempt.passwordHash !== null
  const answer: SignUpAnswer = {
    shouldActivate,
    userId: user.id,
    tenantId,
    ...(activationToken !== undefined && { activationToken }),
    ...(isIn && { authResponse: await login.complete(ctx, { ...user, activeTenantId: tenantId }, { tenantId }) }),
  }
  return { ...attempt, answer }
}

const isLocal = ({ applicant }: Attempt) => (applicant.provider ?? 'local') === 'local'

type Given<T> = { [K in keyof T]: Exclude<T[K], undefined> }
/** Without what was not given. */
const given = <T extends object>(fields: T) =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<Given<T>>
