import { Type, type Static } from 'typebox'
import { setting } from '../../../kernel/settings.ts'
import { Id, OneOf } from '../../../kernel/validation.ts'

const AuthStrategy = OneOf([
  'EmailAndPassword',
  'MagicLink',
  'Code',
  'NoLocalAuthentication',
  'SmsCode',
  'UsernameAndPassword',
  'UsernameAndMagicLink',
  'UsernameAndCode',
  'UsernameAndSms',
])

/** 68 years: a moment that far ahead is still a valid date. */
const Seconds = Type.Integer({ minimum: 1, maximum: 2 ** 31 - 1 })

/** An environment's decisions about identities; times in seconds. */
export const IdentityConfiguration = Type.Object({
  defaultTokenExpiration: Seconds,
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
  defaultPasswordlessTokenExpiration: Seconds,
  forceSameDeviceOnAuth: Type.Boolean(),
  allowTenantInvitations: Type.Boolean(),
  rotateRefreshTokens: Type.Boolean(),
  machineToMachineAuthStrategy: OneOf(['ClientCredentials', 'AccessToken']),
  addRolesToJwt: Type.Boolean(),
  addPermissionsToJwt: Type.Boolean(),
  refreshTokensRotationLimit: Type.Integer({ minimum: 1, maximum: 2 ** 31 - 1 }),
  addSamlAttributesToJwt: Type.Boolean(),
  allowCustomLoginTenantSwitch: Type.Boolean(),
  /** whether users may give others only roles that are weaker than their own, not equal ones */
  restrictEqualLevelRoleAssignment: Type.Boolean(),
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
  restrictEqualLevelRoleAssignment: false,
})

/** `skipTenantValidation` is accepted and changes nothing: a user's accounts always exist. */
export const ConfigurationChange = Type.Partial(
  Type.Object({ ...IdentityConfiguration.properties, skipTenantValidation: Type.Boolean() }),
)
export type ConfigurationChange = Static<typeof ConfigurationChange>

export const Configuration = Type.Object({
  id: Id,
  /** SPKI PEM of the current key */
  publicKey: Type.String(),
  /** The shared secret while tokens are signed with it (HS256), for the environment's own servers; otherwise empty. */
  jwtSecret: Type.String(),
  ...IdentityConfiguration.properties,
})

export const BasicConfiguration = Type.Pick(IdentityConfiguration, ['forcePermissions', 'machineToMachineAuthStrategy'])

/** What a login page needs before anybody logs in. */
export const PublicConfiguration = Type.Pick(IdentityConfiguration, [
  'allowSignups',
  'allowNotVerifiedUsersLogin',
  'apiTokensEnabled',
  'forcePermissions',
  'authStrategy',
  'machineToMachineAuthStrategy',
  'restrictEqualLevelRoleAssignment',
])

const secondaryStrategies = [
  'WebAuthnPlatform',
  'WebAuthnCrossPlatform',
  'SmsCode',
  'SmsCodeV2',
  'Passkeys',
  'UsernameAndPassword',
  'UsernameAndMagicLink',
  'UsernameAndCode',
  'UsernameAndSms',
] as const

/** How users log in: the environment's main way, and the ways beside it. */
export const Strategies = Type.Object({
  mainAuthStrategies: Type.Array(Type.Object({ strategy: AuthStrategy })),
  secondaryAuthStrategies: Type.Array(
    Type.Object({ strategy: OneOf([...secondaryStrategies]), isActive: Type.Boolean() }),
  ),
})
/** So far there is only the main way: the others are off in every environment. */
export const toStrategies = ({ authStrategy }: IdentityConfiguration): Static<typeof Strategies> => ({
  mainAuthStrategies: [{ strategy: authStrategy }],
  secondaryAuthStrategies: secondaryStrategies.map((strategy) => ({ strategy, isActive: false })),
})
