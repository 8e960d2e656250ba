/** The permissions that every environment has, by category (BEHAVIOUR 8). */
const expand = (prefix: string, words: string) =>
  words
    .trim()
    .split(/\s+/)
    .map((word) => prefix + word)

const secure = [
  ...expand('fe.secure.', '* read.* write.* delete.*'),
  ...expand(
    'fe.secure.read.',
    `accountSettings audits emailDomainRestrictions groups ipRestrictions passwordExpirationConfiguration permissions
    provisioningConfiguration roles samlConfiguration samlDefaultRoles securityPolicy tenantApiTokens userApiTokens users userSubTenants countryRestrictions`,
  ),
  ...expand(
    'fe.secure.write.',
    `accountSettings actorToken appsUsers delegation emailDomainRestrictions enableDisable groups groupsRoles groupsUsers
    ipRestrictions passwordExpirationConfiguration provisioningConfiguration resendActivationEmail roles samlConfiguration samlDefaultRoles
    securityPolicy tenantApiTokens tenantInvites updateRole updateUser userApiTokens userSubTenants users usersRoles`,
  ),
  ...expand(
    'fe.secure.delete.',
    `appsUsers emailDomainRestrictions groups groupsUsers ipRestrictions provisioningConfiguration role samlConfiguration
    securityPolicy sessions tenantApiTokens tenantInvites userApiTokens userSubTenants users usersRoles`,
  ),
]
const connectivity = [
  ...expand('fe.connectivity.', '* read.* write.* delete.*'),
  ...expand(
    'fe.connectivity.read.',
    `emailConfig eventCategories events slackApp slackChannels slackSubscriptions slackUsers smsConfig
    userBellNotifications webhookLogs webhooks`,
  ),
  ...expand(
    'fe.connectivity.write.',
    `emailConfig sendWebpushNotification slackAppRegistration slackSubscriptions smsConfig subscribeWebpush
    triggerEvent updateSlackSubscription updateUserBellNotification webhook`,
  ),
  ...expand(
    'fe.connectivity.delete.',
    'bellNotifications emailConfig slackAppRegistration slackSubscriptionEvent slackSubscriptions smsConfig webhook',
  ),
]

export const builtInCategories: readonly { name: string; description: string; permissions: readonly string[] }[] = [
  { name: 'Secure access', description: 'Who may use the account, and how they log in', permissions: secure },
  { name: 'Connectivity', description: 'Webhooks, messages and notifications', permissions: connectivity },
  {
    name: 'Account settings',
    description: 'The account itself',
    permissions: expand('fe.account-settings.', 'read.app delete.account write.custom-login-box'),
  },
  {
    name: 'Account hierarchy',
    description: 'Accounts below the account',
    permissions: expand(
      'fe.account-hierarchy.',
      'delete.subAccount read.subAccount write.subAccount write.subAccountAccess write.subAccountManagement',
    ),
  },
  {
    name: 'Subscriptions',
    description: 'Plans and payment',
    permissions: expand('fe.subscriptions.', '* read.* write.*'),
  },
]

export interface BuiltInRole {
  key: string
  name: string
  description: string
  isDefault: boolean
  firstUserRole: boolean
  permissions: readonly string[]
}
export const builtInRoles: readonly BuiltInRole[] = [
  {
    key: 'Admin',
    name: 'Admin',
    description: 'May do everything in the account',
    isDefault: true,
    firstUserRole: true,
    permissions: [
      'fe.secure.*',
      'fe.connectivity.*',
      'fe.account-settings.read.app',
      'fe.subscriptions.*',
      // the portal's page of users looks for accounts below
      'fe.account-hierarchy.read.subAccount',
    ],
  },
  {
    key: 'ReadOnly',
    name: 'Read Only',
    description: 'May see everything in the account',
    isDefault: false,
    firstUserRole: false,
    permissions: ['fe.secure.read.*', 'fe.connectivity.read.*'],
  },
]

/** As the original's portal shows them, where that is not what is made of the key. */
const names: Readonly<Record<string, string>> = {
  'fe.secure.delete.sessions': 'Revoke User Sessions',
  'fe.account-hierarchy.read.subAccount': 'Read sub-accounts',
  'fe.account-hierarchy.write.subAccount': 'Create or update sub-account',
}

/** `fe.secure.read.samlDefaultRoles` → `Read saml default roles` */
export function permissionName(key: string) {
  if (names[key] !== undefined) return names[key]
  const words = key
    .split('.')
    .slice(1)
    .map((word) => (word === '*' ? 'everything' : word))
    .join(' ')
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .replace(/-/g, ' ')
    .toLowerCase()
  return words.charAt(0).toUpperCase() + words.slice(1)
}
