import type { TObject } from 'typebox'
import { apiTokenErrors } from '../areas/machines/api-tokens/api-tokens.errors.ts'
import { applicationErrors } from '../areas/applications/applications/applications.errors.ts'
import { prehookErrors } from '../areas/delivery/prehooks/prehooks.errors.ts'
import { invitationErrors } from '../areas/onboarding/invitations/invitations.errors.ts'
import { groupErrors } from '../areas/people/groups/groups.errors.ts'
import { membershipErrors } from '../areas/people/memberships/memberships.errors.ts'
import { userEmailErrors } from '../areas/people/user-emails/user-emails.errors.ts'
import { captchaErrors } from '../areas/policies/captcha-policy/captcha-policy.errors.ts'
import { captchaPolicy } from '../areas/policies/captcha-policy/captcha-policy.schemas.ts'
import { domainErrors } from '../areas/policies/domain-restrictions/domain-restrictions.errors.ts'
import { domainConfiguration } from '../areas/policies/domain-restrictions/domain-restrictions.schemas.ts'
import { identityConfiguration } from '../areas/policies/identity-settings/identity-settings.schemas.ts'
import { ipErrors } from '../areas/policies/ip-restrictions/ip-restrictions.errors.ts'
import { ipConfiguration } from '../areas/policies/ip-restrictions/ip-restrictions.schemas.ts'
import { lockoutPolicy } from '../areas/policies/lockout-policy/lockout-policy.schemas.ts'
import { mfaPolicy } from '../areas/policies/mfa-policy/mfa-policy.schemas.ts'
import { passwordErrors } from '../areas/policies/password-settings/password-settings.errors.ts'
import { historyPolicy, passwordRules } from '../areas/policies/password-settings/password-settings.schemas.ts'
import { userEmailsPolicy } from '../areas/policies/user-emails-policy/user-emails-policy.schemas.ts'
import { groupsConfiguration } from '../areas/rights/held/groups-configuration.ts'
import { roleErrors } from '../areas/rights/roles/roles.errors.ts'
import { loginErrors } from '../areas/sign-in/login/login.errors.ts'
import { mfaErrors } from '../areas/sign-in/mfa/mfa.errors.ts'
import { signUpErrors } from '../areas/sign-in/signup/signup.errors.ts'
import { errors } from '../kernel/errors.ts'
import type { Setting } from '../kernel/settings.ts'

/* What decided that a call was refused, and what to do about it: read off the refusal. */

export type RuleKind =
  | 'permission'
  | 'policy'
  | 'limit'
  | 'lock'
  | 'token'
  | 'context'
  | 'credentials'
  | 'prehook'
  | 'input'
  | 'not-found'
  | 'conflict'
  | 'fault'
  | 'not-served'
  | 'server'

export interface Reason {
  readonly kind: RuleKind
  /** of the policy, or of the permission */
  readonly name?: string
  /** whose document it is, is found out */
  readonly setting?: Setting<TObject>
  readonly says: string
  /** the id of the operation that changes it */
  readonly change?: string
}
export interface Refusal {
  readonly status: number
  readonly code: string | undefined
  readonly messages: readonly string[]
}

const policy = (setting: Setting<TObject>, says: string, change: string): Reason => ({
  kind: 'policy',
  name: setting.key,
  setting,
  says,
  change,
})
const settingOf = (says: string): Reason => policy(identityConfiguration, says, 'updateConfigurationV1')
const strength = (says: string): Reason => ({ kind: 'permission', name: 'roles', says })

/** Those that are told by their words. */
const known: readonly (readonly [failures: readonly { status: number; message: string }[], reason: Reason])[] = [
  [[errors.noTenant], { kind: 'context', says: 'An environment token needs the header frontegg-tenant-id here.' }],
  [[errors.noUser], { kind: 'context', says: 'An environment token needs the header frontegg-user-id here.' }],
  [[applicationErrors.notSpecified], { kind: 'context', says: 'The call needs the header frontegg-application-id.' }],
  [
    [errors.loginTooOld],
    { kind: 'token', says: 'The login of this session is more than 15 minutes ago. Log in again, or step up.' },
  ],
  [[errors.onlyPeople], { kind: 'token', says: 'The token belongs to a program. Send the token of a user.' }],
  [[errors.foreignPage], { kind: 'token', says: 'A page of another site sent its cookies.' }],
  [
    [loginErrors.locked],
    {
      kind: 'lock',
      name: lockoutPolicy.key,
      setting: lockoutPolicy,
      says: 'The user, or the name that was tried, is locked: by too many wrong guesses, or by management.',
      change: 'unlockUserV1',
    },
  ],
  [[loginErrors.wrong], { kind: 'credentials', says: 'No user has this name with this password.' }],
  [[loginErrors.noTenant], { kind: 'context', name: 'membership', says: 'No tenant lets the user in.' }],
  [[membershipErrors.disabled], { kind: 'lock', name: 'membership', says: 'The membership is disabled.' }],
  [
    [ipErrors.restricted],
    policy(
      ipConfiguration,
      "The tenant's list of IP addresses keeps the caller's address out.",
      'setIpConfigurationV1',
    ),
  ],
  [
    [domainErrors.restricted],
    policy(domainConfiguration, 'The domain of the e-mail address is not allowed.', 'setDomainConfigurationV1'),
  ],
  [
    [captchaErrors.missing, captchaErrors.wrong, captchaErrors.unavailable],
    policy(captchaPolicy, 'A captcha is needed. The emulator takes the token score:0.9.', 'replaceCaptchaPolicyV1'),
  ],
  [
    [passwordErrors.breached],
    policy(passwordRules, 'The password is on a list of breached ones.', 'setPasswordPolicyV1'),
  ],
  [[mfaErrors.wanted], policy(mfaPolicy, 'A second factor is required there.', 'updateMfaPolicyV1')],
  [
    [mfaErrors.wrongCode, mfaErrors.badToken, mfaErrors.wrongRecoveryCode],
    { kind: 'credentials', says: 'The code or token is wrong, used up, or has expired.' },
  ],
  [[loginErrors.strategyOff], settingOf('The environment does not log users in this way (authStrategy).')],
  [[signUpErrors.switchedOff], settingOf('The environment takes no sign-ups (allowSignups).')],
  [[invitationErrors.switchedOff], settingOf('The environment lets tenants invite nobody (allowTenantInvitations).')],
  [
    [apiTokenErrors.disabled],
    settingOf('The environment has another way for programs to log in (machineToMachineAuthStrategy).'),
  ],
  [
    [userEmailErrors.changeOff],
    policy(userEmailsPolicy, 'Users may not change their address.', 'setUserEmailsPolicyV1'),
  ],
  [
    [groupErrors.disabled, groupErrors.rolesDisabled],
    policy(groupsConfiguration, 'Groups, or their roles, are switched off.', 'changeGroupsConfigurationV1'),
  ],
  [
    [applicationErrors.userNotAssigned, applicationErrors.inactive],
    { kind: 'policy', name: 'application', says: 'The application is not active, or not open to this user.' },
  ],
  [[roleErrors.tooStrong], strength("The role has a lower level than the caller's own, so it is stronger.")],
  [[roleErrors.notWeaker], strength('The caller can change only roles that are weaker than their own.')],
  [[roleErrors.strongerUser], strength('The user has a stronger role than the caller.')],
  [[prehookErrors.noAnswer], { kind: 'prehook', says: 'A prehook gave no answer, and is set to refuse then.' }],
]
const byWords = new Map(
  known.flatMap(([failures, reason]) =>
    failures.map(({ status, message }) => [`${status} ${message}`, reason] as const),
  ),
)

/** What the status alone says. */
const byStatus: Readonly<Record<number, Reason>> = {
  400: { kind: 'input', says: 'The input is wrong, or no longer good: the errors of the reply name what.' },
  404: { kind: 'not-found', says: 'It is not there, or belongs to another tenant or environment.' },
  409: { kind: 'conflict', says: 'It contradicts what is stored.' },
  423: { kind: 'lock', says: 'It is locked.' },
  429: { kind: 'limit', says: 'This was done too often in a short time.' },
  501: { kind: 'not-served', says: 'Henhouse does not have this part of the API.' },
}

/** What decided. */
export function reasonOf({ status, code, messages }: Refusal): Reason {
  const words = messages[0] ?? '',
    found = byWords.get(`${status} ${words}`)
  if (found) return found
  const permission = /^Missing permission (\S+)$/.exec(words)?.[1]
  if (status === 403 && permission !== undefined)
    return {
      kind: 'permission',
      name: permission,
      says: `The caller does not have the permission ${permission}. One of their roles must have it.`,
      change: 'setRolePermissionsV1',
    }
  if (status === 401 && code === 'ER-01060')
    return settingOf('The user has not verified their address (allowNotVerifiedUsersLogin).')
  if (words.startsWith('The password must '))
    return policy(passwordRules, 'The password does not have the form that is asked for.', 'setPasswordPolicyV1')
  if (words.startsWith('The new password must differ'))
    return policy(historyPolicy, 'The password was used before.', 'updatePasswordHistoryPolicyV1')
  if (status === 401) return { kind: 'token', says: 'The call needs a good token.' }
  if (status === 403) return { kind: 'policy', says: 'The caller is known, and may not do this.' }
  return byStatus[status] ?? (status < 500 ? byStatus[400]! : { kind: 'server', says: 'The server failed.' })
}
