import { accountSettingsRoutes } from './areas/account-settings/account-settings.routes.ts'
import { activationRoutes } from './areas/activation/activation.routes.ts'
import { applicationsRoutes } from './areas/applications/applications.routes.ts'
import { captchaPolicyRoutes } from './areas/captcha-policy/captcha-policy.routes.ts'
import { domainRestrictionsRoutes } from './areas/domain-restrictions/domain-restrictions.routes.ts'
import { environmentsRoutes } from './areas/environments/environments.routes.ts'
import { groupsRoutes } from './areas/groups/groups.routes.ts'
import { hierarchyRoutes } from './areas/hierarchy/hierarchy.routes.ts'
import { subAccountUsersRoutes } from './areas/hierarchy/sub-account-users.routes.ts'
import { subTenantsRoutes } from './areas/hierarchy/sub-tenants.routes.ts'
import { identitySettingsRoutes } from './areas/identity-settings/identity-settings.routes.ts'
import { invitationsRoutes } from './areas/invitations/invitations.routes.ts'
import { invitesRoutes } from './areas/invitations/invites.routes.ts'
import { ipRestrictionsRoutes } from './areas/ip-restrictions/ip-restrictions.routes.ts'
import { lockoutPolicyRoutes } from './areas/lockout-policy/lockout-policy.routes.ts'
import { loginRoutes } from './areas/login/login.routes.ts'
import { mailRoutes } from './areas/mail/mail.routes.ts'
import { membersRoutes } from './areas/members/members.routes.ts'
import { membershipsRoutes } from './areas/memberships/memberships.routes.ts'
import { mfaAuthenticatorRoutes } from './areas/mfa/mfa-authenticator.routes.ts'
import { mfaCodesRoutes } from './areas/mfa/mfa-codes.routes.ts'
import { mfaWebauthnRoutes } from './areas/mfa/mfa-webauthn.routes.ts'
import { mfaRoutes } from './areas/mfa/mfa.routes.ts'
import { mfaPolicyRoutes } from './areas/mfa-policy/mfa-policy.routes.ts'
import { passwordlessRoutes } from './areas/passwordless/passwordless.routes.ts'
import { passwordsRoutes } from './areas/passwords/passwords.routes.ts'
import { passkeysRoutes } from './areas/passkeys/passkeys.routes.ts'
import { passwordSettingsRoutes } from './areas/password-settings/password-settings.routes.ts'
import { permissionsRoutes } from './areas/permissions/permissions.routes.ts'
import { numberChangeRoutes } from './areas/phone-numbers/number-change.routes.ts'
import { phoneNumbersRoutes } from './areas/phone-numbers/phone-numbers.routes.ts'
import { profilePicturesRoutes } from './areas/profile-pictures/profile-pictures.routes.ts'
import { rolesRoutes } from './areas/roles/roles.routes.ts'
import { rolesV2Routes } from './areas/roles/roles-v2.routes.ts'
import { sessionsRoutes } from './areas/sessions/sessions.routes.ts'
import { signUpRoutes } from './areas/signup/signup.routes.ts'
import { stepUpRoutes } from './areas/step-up/step-up.routes.ts'
import { strategiesRoutes } from './areas/strategies/strategies.routes.ts'
import { temporaryUsersRoutes } from './areas/temporary-users/temporary-users.routes.ts'
import { tenantMigrationsRoutes } from './areas/tenant-migrations/tenant-migrations.routes.ts'
import { tenantsRoutes } from './areas/tenants/tenants.routes.ts'
import { userEmailsPolicyRoutes } from './areas/user-emails-policy/user-emails-policy.routes.ts'
import { emailChangeRoutes } from './areas/user-emails/email-change.routes.ts'
import { userEmailsRoutes } from './areas/user-emails/user-emails.routes.ts'
import { usernamesRoutes } from './areas/usernames/usernames.routes.ts'
import { meRoutes } from './areas/users/me.routes.ts'
import { userBulkRoutes } from './areas/user-bulk/user-bulk.routes.ts'
import { userCreationRoutes } from './areas/users/user-creation.routes.ts'
import { userTenantsRoutes } from './areas/users/user-tenants.routes.ts'
import { usersRoutes } from './areas/users/users.routes.ts'
import type { Operation } from './kernel/operation.ts'

/** The table of contents: everything that the server can be asked. */
export const operations: readonly Operation[] = [
  ...accountSettingsRoutes,
  ...activationRoutes,
  ...applicationsRoutes,
  ...captchaPolicyRoutes,
  ...domainRestrictionsRoutes,
  ...environmentsRoutes,
  ...groupsRoutes,
  ...hierarchyRoutes,
  ...subAccountUsersRoutes,
  ...subTenantsRoutes,
  ...identitySettingsRoutes,
  ...invitationsRoutes,
  ...invitesRoutes,
  ...ipRestrictionsRoutes,
  ...lockoutPolicyRoutes,
  ...loginRoutes,
  ...mailRoutes,
  ...membersRoutes,
  ...membershipsRoutes,
  ...mfaAuthenticatorRoutes,
  ...mfaCodesRoutes,
  ...mfaWebauthnRoutes,
  ...mfaRoutes,
  ...mfaPolicyRoutes,
  ...passwordlessRoutes,
  ...passwordsRoutes,
  ...passkeysRoutes,
  ...passwordSettingsRoutes,
  ...permissionsRoutes,
  ...numberChangeRoutes,
  ...phoneNumbersRoutes,
  ...profilePicturesRoutes,
  ...rolesRoutes,
  ...rolesV2Routes,
  ...sessionsRoutes,
  ...signUpRoutes,
  ...stepUpRoutes,
  ...strategiesRoutes,
  ...temporaryUsersRoutes,
  ...tenantMigrationsRoutes,
  ...tenantsRoutes,
  ...userEmailsPolicyRoutes,
  ...emailChangeRoutes,
  ...userEmailsRoutes,
  ...usernamesRoutes,
  ...meRoutes,
  ...userBulkRoutes,
  ...userCreationRoutes,
  ...userTenantsRoutes,
  ...usersRoutes,
]
