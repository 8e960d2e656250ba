import { accessTokensRoutes } from './areas/machines/access-tokens/access-tokens.routes.ts'
import { accountSettingsRoutes } from './areas/accounts/account-settings/account-settings.routes.ts'
import { activationRoutes } from './areas/sign-in/activation/activation.routes.ts'
import { apiTokensRoutes } from './areas/machines/api-tokens/api-tokens.routes.ts'
import { applicationsRoutes } from './areas/applications/applications/applications.routes.ts'
import { auditsRoutes } from './areas/rights/events/audits.routes.ts'
import { approvalFlowsRoutes } from './areas/people/approval-flows/approval-flows.routes.ts'
import { captchaPolicyRoutes } from './areas/policies/captcha-policy/captcha-policy.routes.ts'
import { domainRestrictionsRoutes } from './areas/policies/domain-restrictions/domain-restrictions.routes.ts'
import { delegationRoutes } from './areas/machines/delegation/delegation.routes.ts'
import { environmentsRoutes } from './areas/environments/environments.routes.ts'
import { exchangeRoutes } from './areas/machines/api-tokens/exchange.routes.ts'
import { groupsRoutes } from './areas/people/groups/groups.routes.ts'
import { hierarchyRoutes } from './areas/accounts/hierarchy/hierarchy.routes.ts'
import { subAccountUsersRoutes } from './areas/onboarding/sub-account-users/sub-account-users.routes.ts'
import { subTenantsRoutes } from './areas/accounts/hierarchy/sub-tenants.routes.ts'
import { identitySettingsRoutes } from './areas/policies/identity-settings/identity-settings.routes.ts'
import { impersonationRoutes } from './areas/machines/delegation/impersonation.routes.ts'
import { importsRoutes } from './areas/onboarding/imports/imports.routes.ts'
import { invitationsRoutes } from './areas/onboarding/invitations/invitations.routes.ts'
import { invitesRoutes } from './areas/onboarding/invitations/invites.routes.ts'
import { ipRestrictionsRoutes } from './areas/policies/ip-restrictions/ip-restrictions.routes.ts'
import { jwtTemplatesRoutes } from './areas/policies/jwt-templates/jwt-templates.routes.ts'
import { lockoutPolicyRoutes } from './areas/policies/lockout-policy/lockout-policy.routes.ts'
import { loginRoutes } from './areas/sign-in/login/login.routes.ts'
import { mailRoutes } from './areas/delivery/mail/mail.routes.ts'
import { mailTemplatesRoutes } from './areas/delivery/mail/mail-templates.routes.ts'
import { membersRoutes } from './areas/onboarding/members/members.routes.ts'
import { membershipsRoutes } from './areas/people/memberships/memberships.routes.ts'
import { mfaAuthenticatorRoutes } from './areas/sign-in/mfa/mfa-authenticator.routes.ts'
import { mfaCodesRoutes } from './areas/sign-in/mfa/mfa-codes.routes.ts'
import { mfaWebauthnRoutes } from './areas/sign-in/mfa/mfa-webauthn.routes.ts'
import { mfaRoutes } from './areas/sign-in/mfa/mfa.routes.ts'
import { mfaPolicyRoutes } from './areas/policies/mfa-policy/mfa-policy.routes.ts'
import { authorizeRoutes } from './areas/sign-in/oauth/authorize.routes.ts'
import { oauthRoutes } from './areas/sign-in/oauth/oauth.routes.ts'
import { oauthClientsRoutes } from './areas/applications/oauth-clients/oauth-clients.routes.ts'
import { passwordlessRoutes } from './areas/sign-in/passwordless/passwordless.routes.ts'
import { passwordsRoutes } from './areas/sign-in/passwords/passwords.routes.ts'
import { passkeysRoutes } from './areas/sign-in/passkeys/passkeys.routes.ts'
import { passwordSettingsRoutes } from './areas/policies/password-settings/password-settings.routes.ts'
import { permissionsRoutes } from './areas/rights/permissions/permissions.routes.ts'
import { numberChangeRoutes } from './areas/people/phone-numbers/number-change.routes.ts'
import { phoneNumbersRoutes } from './areas/people/phone-numbers/phone-numbers.routes.ts'
import { prehooksRoutes } from './areas/delivery/prehooks/prehooks.routes.ts'
import { profilePicturesRoutes } from './areas/people/profile-pictures/profile-pictures.routes.ts'
import { rolesRoutes } from './areas/rights/roles/roles.routes.ts'
import { rolesV2Routes } from './areas/rights/roles/roles-v2.routes.ts'
import { sessionsRoutes } from './areas/access/sessions/sessions.routes.ts'
import { smsRoutes } from './areas/delivery/sms/sms.routes.ts'
import { signUpRoutes } from './areas/sign-in/signup/signup.routes.ts'
import { socialProvidersRoutes } from './areas/policies/social-providers/social-providers.routes.ts'
import { socialRoutes } from './areas/sign-in/social/social.routes.ts'
import { stepUpRoutes } from './areas/sign-in/mfa/step-up.routes.ts'
import { strategiesRoutes } from './areas/policies/strategies/strategies.routes.ts'
import { temporaryUsersRoutes } from './areas/people/memberships/temporary-users.routes.ts'
import { tenantMigrationsRoutes } from './areas/accounts/tenant-migrations/tenant-migrations.routes.ts'
import { tenantsRoutes } from './areas/accounts/tenants/tenants.routes.ts'
import { triggersRoutes } from './areas/rights/events/triggers.routes.ts'
import { userEmailsPolicyRoutes } from './areas/policies/user-emails-policy/user-emails-policy.routes.ts'
import { emailChangeRoutes } from './areas/people/user-emails/email-change.routes.ts'
import { userEmailsRoutes } from './areas/people/user-emails/user-emails.routes.ts'
import { usernamesRoutes } from './areas/people/usernames/usernames.routes.ts'
import { meRoutes } from './areas/people/users/me.routes.ts'
import { userBulkRoutes } from './areas/onboarding/user-bulk/user-bulk.routes.ts'
import { userCreationRoutes } from './areas/onboarding/user-creation/user-creation.routes.ts'
import { userTenantsRoutes } from './areas/onboarding/user-tenants/user-tenants.routes.ts'
import { userPoolsRoutes } from './areas/sign-in/user-pools/user-pools.routes.ts'
import { usersRoutes } from './areas/people/users/users.routes.ts'
import { entitlementsRoutes } from './areas/rights/entitlements/entitlements.routes.ts'
import { portalRoutes } from './areas/policies/portal/portal.routes.ts'
import { ssoRoutes } from './areas/sign-in/sso/sso.routes.ts'
import { webhooksRoutes } from './areas/delivery/webhooks/webhooks.routes.ts'
import { mobileAppsRoutes } from './areas/environments/mobile-apps.routes.ts'
import { workspaceRoutes } from './areas/environments/workspace.routes.ts'
import type { Operation } from './kernel/operation.ts'

/** The table of contents: everything that the server can be asked. */
export const operations: readonly Operation[] = [
  ...accessTokensRoutes,
  ...accountSettingsRoutes,
  ...activationRoutes,
  ...apiTokensRoutes,
  ...applicationsRoutes,
  ...auditsRoutes,
  ...approvalFlowsRoutes,
  ...captchaPolicyRoutes,
  ...delegationRoutes,
  ...domainRestrictionsRoutes,
  ...entitlementsRoutes,
  ...environmentsRoutes,
  ...exchangeRoutes,
  ...groupsRoutes,
  ...hierarchyRoutes,
  ...subAccountUsersRoutes,
  ...subTenantsRoutes,
  ...identitySettingsRoutes,
  ...impersonationRoutes,
  ...importsRoutes,
  ...invitationsRoutes,
  ...invitesRoutes,
  ...ipRestrictionsRoutes,
  ...jwtTemplatesRoutes,
  ...lockoutPolicyRoutes,
  ...loginRoutes,
  ...mailRoutes,
  ...mailTemplatesRoutes,
  ...membersRoutes,
  ...membershipsRoutes,
  ...mfaAuthenticatorRoutes,
  ...mfaCodesRoutes,
  ...mfaWebauthnRoutes,
  ...mfaRoutes,
  ...mfaPolicyRoutes,
  ...oauthRoutes,
  ...authorizeRoutes,
  ...oauthClientsRoutes,
  ...passwordlessRoutes,
  ...passwordsRoutes,
  ...passkeysRoutes,
  ...passwordSettingsRoutes,
  ...permissionsRoutes,
  ...numberChangeRoutes,
  ...phoneNumbersRoutes,
  ...portalRoutes,
  ...prehooksRoutes,
  ...profilePicturesRoutes,
  ...rolesRoutes,
  ...rolesV2Routes,
  ...sessionsRoutes,
  ...smsRoutes,
  ...signUpRoutes,
  ...socialProvidersRoutes,
  ...socialRoutes,
  ...stepUpRoutes,
  ...ssoRoutes,
  ...strategiesRoutes,
  ...temporaryUsersRoutes,
  ...tenantMigrationsRoutes,
  ...tenantsRoutes,
  ...triggersRoutes,
  ...userEmailsPolicyRoutes,
  ...emailChangeRoutes,
  ...userEmailsRoutes,
  ...usernamesRoutes,
  ...meRoutes,
  ...userBulkRoutes,
  ...userCreationRoutes,
  ...userTenantsRoutes,
  ...userPoolsRoutes,
  ...usersRoutes,
  ...webhooksRoutes,
  ...mobileAppsRoutes,
  ...workspaceRoutes,
]
