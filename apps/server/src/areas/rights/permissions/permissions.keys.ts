const secure = <K extends string>(key: K) => `fe.secure.${key}` as const
const connectivity = <K extends string>(key: K) => `fe.connectivity.${key}` as const
const below = <K extends string>(key: K) => `fe.account-hierarchy.${key}` as const

/**
 * What users must hold for data that is not their own. Only this file says so (BEHAVIOUR 2.1; the mapping follows the
 * names, as there is no public table). Each key is built in to every environment (environments/built-in.ts).
 */
export const needs = {
  users: {
    read: secure('read.users'),
    invite: secure('write.users'),
    update: secure('write.updateUser'),
    enableDisable: secure('write.enableDisable'),
    remind: secure('write.resendActivationEmail'),
    delete: secure('delete.users'),
    giveRoles: secure('write.usersRoles'),
    takeRoles: secure('delete.usersRoles'),
    endSessions: secure('delete.sessions'),
  },
  invites: { write: secure('write.tenantInvites'), delete: secure('delete.tenantInvites') },
  groups: {
    read: secure('read.groups'),
    write: secure('write.groups'),
    delete: secure('delete.groups'),
    /** also to take them away: there is no other key for that */
    roles: secure('write.groupsRoles'),
    addUsers: secure('write.groupsUsers'),
    removeUsers: secure('delete.groupsUsers'),
  },
  roles: {
    read: secure('read.roles'),
    write: secure('write.roles'),
    update: secure('write.updateRole'),
    delete: secure('delete.role'),
  },
  permissions: { read: secure('read.permissions') },
  /** MFA, lockout, passwords and sessions */
  securityPolicy: { read: secure('read.securityPolicy'), write: secure('write.securityPolicy') },
  passwordRotation: {
    read: secure('read.passwordExpirationConfiguration'),
    write: secure('write.passwordExpirationConfiguration'),
  },
  domainRestrictions: {
    read: secure('read.emailDomainRestrictions'),
    write: secure('write.emailDomainRestrictions'),
    delete: secure('delete.emailDomainRestrictions'),
  },
  ipRestrictions: {
    read: secure('read.ipRestrictions'),
    write: secure('write.ipRestrictions'),
    delete: secure('delete.ipRestrictions'),
  },
  audits: { read: secure('read.audits') },
  account: {
    read: secure('read.accountSettings'),
    write: secure('write.accountSettings'),
    delete: 'fe.account-settings.delete.account',
  },
  /** of the account */
  tenantApiTokens: {
    read: secure('read.tenantApiTokens'),
    write: secure('write.tenantApiTokens'),
    delete: secure('delete.tenantApiTokens'),
  },
  /** one's own */
  userApiTokens: {
    read: secure('read.userApiTokens'),
    write: secure('write.userApiTokens'),
    delete: secure('delete.userApiTokens'),
  },
  sso: { read: secure('read.samlConfiguration') },
  applications: {
    read: 'fe.account-settings.read.app',
    assign: secure('write.appsUsers'),
    unassign: secure('delete.appsUsers'),
  },
  subAccounts: {
    read: below('read.subAccount'),
    write: below('write.subAccount'),
    access: below('write.subAccountAccess'),
    management: below('write.subAccountManagement'),
    delete: below('delete.subAccount'),
  },
  webhooks: {
    read: connectivity('read.webhooks'),
    /** also to test them, and to deliver something once more */
    write: connectivity('write.webhook'),
    delete: connectivity('delete.webhook'),
    readLogs: connectivity('read.webhookLogs'),
    readEvents: connectivity('read.events'),
    readCategories: connectivity('read.eventCategories'),
    trigger: connectivity('write.triggerEvent'),
  },
  usersBelow: {
    read: secure('read.userSubTenants'),
    write: secure('write.userSubTenants'),
    delete: secure('delete.userSubTenants'),
  },
} as const

/** What one needs to act for another, by a token exchange. It opens no operation. */
export const mayDelegate = secure('write.delegation')

/** What one needs to be in another's place. It opens no operation. */
export const mayImpersonate = secure('write.actorToken')

/** Whether this server itself goes by a key, and not only the application. */
export const isOfThisServer = (key: string) => key.startsWith('fe.')
