import { Type, type Static } from 'typebox'
import { setting } from '../../kernel/settings.ts'
import { OneOf } from '../../kernel/validation.ts'

export const AuthStrategy = OneOf(['EmailAndPassword', 'MagicLink', 'Code', 'NoLocalAuthentication', 'SmsCode', 'UsernameAndPassword', 'UsernameAndMagicLink', 'UsernameAndCode', 'UsernameAndSms'])

/** What an environment has decided about identities; times in seconds. */
export const IdentityConfiguration = Type.Object({
  defaultTokenExpiration: Type.Integer({ minimum: 1 }),
  defaultRefreshTokenExpiration: Type.Integer({ minimum: 1, maximum: 15_552_000 }),
  cookieSameSite: OneOf(['STRICT', 'LAX', 'NONE']),
  allowSignups: Type.Boolean(),
  apiTokensEnabled: Type.Boolean(),
  allowOverridePasswordComplexity: Type.Boolean(),
  allowOverridePasswordExpiration: Type.Boolean(),
  allowOverrideEnforcePasswordHistory: Type.Boolean(),
  jwtAlgorithm: OneOf(['RS256', 'HS256']),
  allowNotVerifiedUsersLogin: Type.Boolean(),
  forcePermissions: Type.Boolean(),
  authStrategy: AuthStrategy,
  defaultPasswordlessTokenExpiration: Type.Integer({ minimum: 1 }),
  forceSameDeviceOnAuth: Type.Boolean(),
  allowTenantInvitations: Type.Boolean(),
  rotateRefreshTokens: Type.Boolean(),
  machineToMachineAuthStrategy: OneOf(['ClientCredentials', 'AccessToken']),
  addRolesToJwt: Type.Boolean(),
  addPermissionsToJwt: Type.Boolean(),
  refreshTokensRotationLimit: Type.Integer({ minimum: 1 }),
  addSamlAttributesToJwt: Type.Boolean(),
  allowCustomLoginTenantSwitch: Type.Boolean(),
})
export type IdentityConfiguration = Static<typeof IdentityConfiguration>

export const identityConfiguration = setting('identity-configuration', IdentityConfiguration, {
  defaultTokenExpiration: 86_400,
  defaultRefreshTokenExpiration: 2_592_000,
  cookieSameSite: 'NONE',
  allowSignups: true,
  apiTokensEnabled: true,
  allowOverridePasswordComplexity: false,
  allowOverridePasswordExpiration: false,
  allowOverrideEnforcePasswordHistory: false,
  jwtAlgorithm: 'RS256',
  allowNotVerifiedUsersLogin: false,
  forcePermissions: false,
  authStrategy: 'EmailAndPassword',
  defaultPasswordlessTokenExpiration: 300,
  forceSameDeviceOnAuth: false,
  allowTenantInvitations: true,
  rotateRefreshTokens: true,
  machineToMachineAuthStrategy: 'ClientCredentials',
  addRolesToJwt: true,
  addPermissionsToJwt: true,
  refreshTokensRotationLimit: 100,
  addSamlAttributesToJwt: false,
  allowCustomLoginTenantSwitch: false,
})
