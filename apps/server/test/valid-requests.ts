import { executed, flowOf, linkOf } from './approvals.ts'
import { mayDelegate } from '../src/areas/rights/permissions/permissions.keys.ts'
import { changeRoles } from '../src/areas/onboarding/user-bulk/user-bulk.jobs.ts'
import * as jobs from '../src/kernel/jobs.ts'
import type { Operation } from '../src/kernel/operation.ts'
import { unique, type Answer, type Client, type TestEnvironment } from './environment.ts'
import { furnished, idFor, wantAccessTokens } from './furnished.ts'
import {
  configure,
  kinds,
  last,
  linked,
  mfaTokenOf,
  switchOn,
  withKey,
  withMfaPhone,
  type KeyUser,
  type Person,
  type PhoneUser,
} from './kinds-of-secrets.ts'
import { cookiesIn, custom, goesTo, grantedBy, paths, verified } from './login-providers.ts'
import { keyOf, newPhone } from './people.ts'
import { allow, browserOf, CALLBACK, pkce, queryOf, question } from './oauth-browser.ts'
import { plainTemplate, ruleFor, ruleForAll, targeting } from './jwt-templates.ts'
import { configured, sourceNames, type Type } from './pools.ts'
import { fillPath, sampleBody } from './samples.ts'
import { auth, claimsOf, codeOf, logIn, mfa, mfaPolicy, own, PASSWORD, withApp } from './second-factors.ts'

/*
 * For every operation a request that succeeds, as a client would send it. Most are told by the registry: the smallest
 * body, and the ids of the scene. The others stand in the tables below.
 */

const users = '/identity/resources/users',
  settings = '/identity/resources/configurations/v1',
  tenants = '/tenants/resources/tenants',
  invites = '/identity/resources/tenants/invites'
/** of `test`, as PHP makes it */
const BCRYPT = '$2y$10$wisIVhmjWjm/lkujDJVAXuuYDXiGU/c9HK3mMzqFbfk45PXA527ui'
const SMS_ACCOUNT = { accountId: `AC${'0'.repeat(32)}`, token: 'a-token', senderName: 'Acme' }
const GIF = 'R0lGODlhAwACAIAAAAAAAP///yH5BAEAAAAALAAAAAADAAIAAAIChF8AOw=='

/** @throws unless the call succeeds */
async function ok(answer: Promise<Answer>) {
  const { status, body } = await answer
  if (status >= 300) throw new Error(`a preparation failed: ${status} ${JSON.stringify(body)}`)
  return body
}

/** What the requests are about: an environment with one of everything, an account below another, and people. */
export async function sceneOf(env: TestEnvironment) {
  // codes of authenticator apps must not change in between
  await env.clock.freeze(await env.clock.now())
  const ids = await furnished(env),
    { tenantId } = ids
  await ok(env.vendor('PUT', `${tenants}/v2/${tenantId}`, { alias: 'coop' }))
  const below = await ok(env.vendor('POST', `${tenants}/v1`, { name: 'Below', parentTenantId: tenantId })),
    belowId: string = below.tenantId
  const ctx = await env.context(),
    roleId = async (key: string) => (await ctx.db.role.findFirstOrThrow({ where: { key } })).id
  const member = await env.user({ tenantId, roleKeys: ['Admin'], password: PASSWORD })
  await ok(env.vendor('PUT', `/identity/resources/sub-tenants/users/v1/${ids.userId}/access`, { allowAccess: true }))
  const phoneNumber = newPhone()
  await ok(env.vendor('POST', `${users}/phone-numbers/v1/vendor/${member.id}`, { phoneNumber }))
  const sessionId = String(claimsOf(await env.userToken({ id: ids.userId, tenantId }))['sid']),
    meAnew = async () =>
      env.withToken(await env.userToken({ id: ids.userId, tenantId, sessionId }, { permissions: ['*'], jti: unique() }))
  return {
    env,
    ids: { ...ids, userId: member.id },
    /** The user who has one of everything, with a token like that of a login: it holds their permissions. */
    me: await meAnew(),
    /** with a token that the server has not seen yet */
    meAnew,
    ownId: ids.userId,
    tenantId,
    belowId,
    elsewhereId: await env.newTenant(),
    adminRoleId: await roleId('Admin'),
    readOnlyRoleId: await roleId('ReadOnly'),
    member,
    phoneNumber,
    /** not verified */
    newcomer: await env.user({ tenantId, password: PASSWORD, verified: false }),
    memberBelow: await env.user({ tenantId: belowId, roleKeys: ['Admin'] }),
  }
}
export type Scene = Awaited<ReturnType<typeof sceneOf>>

/** What differs from the usual request. */
interface Request {
  by?: Client
  path?: Record<string, string>
  query?: Record<string, string>
  body?: unknown
  headers?: Record<string, string>
}
type Requests = Record<string, Request | (() => Promise<Request>)>

/** What people are shown or sent, by the operation that takes it: the requests of `kinds`. */
const shown: Record<string, string> = {
  activateUserV1: 'activation link',
  activateUserWithCodeV1: 'activation code',
  acceptInvitationV1: 'invitation link',
  acceptInvitationWithCodeV1: 'invitation code',
  finishPasswordResetV1: 'password reset link',
  exchangePasswordResetCodeV2: 'password reset code',
  logInBySocialV1: 'code of a login with a provider',
  logInWithMagicLinkV1: 'magic link',
  logInWithCodeV1: 'login code by mail',
  logInWithSmsV1: 'login code by SMS',
  verifyAuthenticatorAtLoginV1: 'MFA token',
  verifyMfaByEmailV1: 'MFA code by mail',
  verifyMfaBySmsV1: 'MFA code by SMS',
  enrolSmsV1: 'code that enrols a phone',
  disableSmsV1: 'code that takes a phone away',
  enrolAuthenticatorV1: 'enrolment of an app',
  enrolWebauthnV1: 'enrolment of a security key',
  verifyMfaByWebauthnV1: 'challenge of a security key at login',
  disableWebauthnV1: 'challenge that takes a security key away',
  createPasskeyV1: 'enrolment of a passkey',
  logInWithPasskeyV1: 'challenge of a passkey',
  recoverMfaV1: 'recovery code',
  refreshTokenV1: 'refresh token',
  finishHostedLogin: 'state of a login for a client',
  returnToClient: 'way back to a client',
  'grantToken: for a code': 'code for a client',
  unlockMeV3: 'unlock link',
  verifyUserEmailV1: 'code of another e-mail address',
  verifyOwnEmailChangeV1: 'code of a changed e-mail address',
  verifyPhoneNumberV1: 'code of a phone number',
  verifyPhoneNumberDeletionV1: 'code that takes a phone number away',
  verifyPhoneNumberChangeV1: 'code of a changed phone number',
  verifyPhoneNumberResetV1: 'code for a lost phone',
  changePhoneNumberAfterResetV1: 'token for a lost phone',
  'logInV1: with a personal invite': 'personal invite',
  'logInV1: on a remembered browser': 'remembered browser',
}

const newUsers = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ email: `new${i}@example.com`, name: `New ${i}` }))

/** Accounts, applications and what belongs to them. */
const ofAccounts = ({ env, ids, me, ownId, tenantId, belowId, elsewhereId, member }: Scene): Requests => ({
  createAuditV1: { body: { severity: 'Info', action: 'eggs.laid' } },
  exportAuditsV1: { body: { properties: [{ name: 'action', displayName: 'Action' }] } },
  exportAuditsV2: { body: { properties: [{ name: 'action', displayName: 'Action' }] } },
  updateAccountSettingsV1: { body: { name: 'New' } },
  getPublicAccountSettingsV1: { query: { organization: 'coop' } },
  listParentTenantsOfV1: { path: { tenantId: belowId } },
  linkSubTenantV1: { body: { parentTenantId: tenantId, childTenantId: elsewhereId } },
  unlinkSubTenantV1: { body: { parentTenantId: tenantId, childTenantId: belowId } },
  getSubTenantsMetadataV2: { query: { _tenantIds: belowId } },
  createSubTenantV1: { body: { tenantId: 'new', name: 'New', parentTenantId: tenantId } },
  updateSubTenantV1: { path: { tenantId: belowId }, body: { name: 'New' } },
  updateSubTenantManagementV1: { path: { tenantId: belowId }, body: { isReseller: true } },
  updateSubTenantHierarchySettingsV1: { path: { tenantId: belowId }, body: { subAccountAccessType: 'alwaysOn' } },
  deleteSubTenantV1: { path: { tenantId: belowId } },
  migrateTenantsV1: { body: { tenants: [tenantId] } },
  createTenantV1: { body: { name: 'New' } },
  updateTenantV1: { body: { name: 'New' } },
  updateTenantV2: { body: { name: 'New' } },
  addTenantMetadataV1: { body: { metadata: { a: 1 } } },
  deleteTenantMetadataV1: async () => {
    await ok(env.vendor('POST', `${tenants}/v1/${tenantId}/metadata`, { metadata: { a: 1 } }))
    return { path: { key: 'a' } }
  },
  getTenantByAliasV2: { path: { alias: 'coop' } },
  createApplicationClient: {
    body: { clientName: 'New', clientType: 'Agent' },
    headers: { 'frontegg-application-id': ids.appId },
  },
  updateApplicationClient: { body: { clientName: 'New' } },
  assignApplicationToTenantV1: { body: { tenantId: elsewhereId } },
  updateApplicationOfTenantV1: { body: { accessType: 'FREE_ACCESS' } },
  assignUsersToNamedApplicationV1: { path: { appId: ids.appId }, body: { tenantId, userIds: [member.id] } },
  assignUsersToApplicationV1: { body: { appId: ids.appId, tenantId, userIds: [member.id] } },
  unassignUsersFromApplicationV1: { body: { appId: ids.appId, tenantId, userIds: [ownId] } },
  assignUserToApplicationsV1: { body: { userId: member.id, tenantId, appIds: [ids.appId] } },
  unassignUserFromApplicationsV1: { body: { userId: ownId, tenantId, appIds: [ids.appId] } },
  listUsersOfApplicationsV1: { query: { appIds: ids.appId } },
  listApplicationsOfUserV1: { path: { userId: ownId } },
  listApplicationsOfUsersV1: { query: { userIds: ownId } },
  getActiveTenantsV1: { by: env.as(tenantId, ownId) },
  chooseActiveTenantsV1: {
    by: env.as(tenantId, ownId),
    body: { activeApplicationTenants: [{ applicationId: ids.appId, tenantId }] },
  },
  updateApplicationV1: { body: { name: 'New' } },
  regenerateClientSecretV1: { body: { appId: ids.appId } },
  regenerateSharedSecretV1: { body: { appId: ids.appId } },
  setMailConfigurationV1: { body: { secret: 'SG.a-secret' } },
  setMailConfigurationV2: { body: { payload: { provider: 'sendgrid', secret: 'SG.a-secret' } } },
  ...Object.fromEntries(
    ['getMailConfigurationV1', 'deleteMailConfigurationV1'].map((id) => [
      id,
      async () => {
        await ok(env.vendor('POST', '/identity/resources/mail/v1/configurations', { secret: 'SG.a-secret' }))
        return {}
      },
    ]),
  ),
  getDefaultMailTemplateV1: { path: { type: 'OTC' } },
  setSmsConfigurationV1: { body: SMS_ACCOUNT },
  setMetadata: { query: { entityName: 'adminBox' }, body: { configuration: {} } },
  getSmsConfigurationV1: async () => {
    await ok(env.vendor('POST', `${settings}/sms`, SMS_ACCOUNT))
    return {}
  },
  getSmsTemplateV1: { path: { type: 'SignIn' } },
  getDefaultSmsTemplateV1: { path: { type: 'SignIn' } },
  setSmsTemplateV1: { path: { type: 'SignIn' }, body: { template: 'Acme: {{code}}' } },
  deleteSmsTemplateV1: async () => {
    await ok(env.vendor('POST', `${settings}/sms/templates/SignIn`, { active: false }))
    return { path: { type: 'SignIn' } }
  },
  authenticateEnvironment: { body: { clientId: env.id, secret: env.apiKey } },
  getMetadata: { query: { entityName: 'adminBox' } },
  endOwnSessionsV1: { by: me },
  revokeSessionsV1: { body: { userId: member.id } },
  setSessionConfigurationV1: { body: { sessionIdleTimeoutConfiguration: { isActive: true, timeout: 600 } } },
  setEnvironmentSessionConfigurationV1: { body: { sessionIdleTimeoutConfiguration: { isActive: true, timeout: 600 } } },
})

/** Reads and changes a policy that has to be there. */
const stored = (ids: readonly string[], make: () => Promise<unknown>, body?: unknown): Requests =>
  Object.fromEntries(
    ids.map((id) => [
      id,
      async () => {
        await make()
        return body === undefined ? {} : { body }
      },
    ]),
  )

/** Policies, roles and permissions. */
const ofPolicies = ({ env, ids, me, adminRoleId }: Scene): Requests => {
  const asMember = (path: string, body: object) => () => ok(me('POST', `${settings}/${path}`, body)),
    asManagement = (path: string, body: object) => () => ok(env.vendor('POST', `${settings}/${path}`, body))
  const lockout = { enabled: true, maxAttempts: 3 },
    history = { enabled: true, historySize: 3 },
    captcha = { enabled: true, siteKey: 'site', secretKey: 'secret', minScore: 0.5 },
    mfaChange = { enforceMFAType: 'DontForce' },
    approverLink = async () => {
      await executed(env, flowOf({ emails: ['approver@example.com'] }), { id: ids.userId, tenantId: ids.tenantId })
      return linkOf(env, 'approver@example.com')
    },
    rotation = { isActive: true }
  return {
    createCaptchaPolicyV1: { body: captcha },
    ...stored(['getCaptchaPolicyV1', 'getPublicCaptchaPolicyV1'], asManagement('captcha-policy', captcha)),
    ...stored(['replaceCaptchaPolicyV1'], asManagement('captcha-policy', captcha), captcha),
    createDomainRestrictionV1: { body: { domain: 'example.org', type: 'ALLOW' } },
    replaceDomainRestrictionsV1: { body: { type: 'ALLOW', domains: ['example.net', 'example.org'] } },
    setDomainConfigurationV1: { body: { active: true, type: 'ALLOW' } },
    updateConfigurationV1: { body: { allowSignups: false } },
    putIpRestrictionV1: { body: { ip: '192.0.2.7', strategy: 'ALLOW' } },
    createIpRestrictionsV1: { body: { ips: [{ ip: '192.0.2.7' }, { ip: '192.0.2.8' }] } },
    setIpConfigurationV1: { body: { isActive: false, strategy: 'BLOCK' } },
    createLockoutPolicyV1: { body: lockout },
    ...stored(['getLockoutPolicyV1'], asMember('lockout-policy', lockout)),
    ...stored(['getEnvironmentLockoutPolicyV1'], asManagement('lockout-policy', lockout)),
    ...stored(['updateLockoutPolicyV1'], asMember('lockout-policy', lockout), lockout),
    createMfaPolicyV1: { body: mfaChange },
    putMfaPolicyV1: { body: mfaChange },
    ...stored(['getMfaPolicyV1'], asMember('mfa-policy', mfaChange)),
    ...stored(['getEnvironmentMfaPolicyV1'], asManagement('mfa-policy', mfaChange)),
    ...stored(['updateMfaPolicyV1'], asMember('mfa-policy', mfaChange), mfaChange),
    setMfaStrategyV1: { body: { strategy: 'SMS', isActive: true } },
    updateMfaConfigurationV1: { body: { authenticationApp: { active: true, serviceName: 'Coop' } } },
    setPasswordPolicyV1: { body: { minLength: 12 } },
    createPasswordHistoryPolicyV1: { body: history },
    ...stored(['getPasswordHistoryPolicyV1'], asMember('password-history-policy', history)),
    ...stored(['getEnvironmentPasswordHistoryPolicyV1'], asManagement('password-history-policy', history)),
    ...stored(['updatePasswordHistoryPolicyV1'], asMember('password-history-policy', history), history),
    setPasswordRotationV1: { body: rotation },
    ...stored(['getPasswordRotationV1'], asMember('password-rotation', rotation)),
    ...stored(['getEnvironmentPasswordRotationV1'], asManagement('password-rotation', rotation)),
    setActivationStrategyV1: { body: { strategy: 'code' } },
    setInvitationStrategyV1: { body: { strategy: 'code' } },
    setUserEmailsPolicyV1: { body: { allowEmailChange: true } },
    setImpersonationV1: { body: { enabled: true } },
    createCustomDomainV2: { body: { customDomain: 'login.acme.example' } },
    verifyCustomDomainV2: { body: { customDomain: `login.of.${env.name}.example` } },
    setDelegationV1: { body: { enabled: true } },
    createPermissionsV1: { body: [{ key: 'eggs.read', name: 'Read eggs' }] },
    updatePermissionV1: { body: { name: 'New' } },
    addPermissionToRolesV1: { body: { roleIds: [ids.roleId] } },
    classifyPermissionsV1: { body: { permissionIds: [ids.permissionId], type: 'ALWAYS' } },
    createPermissionCategoryV1: { body: { name: 'New' } },
    updatePermissionCategoryV1: { body: { name: 'New' } },
    createPrehookV1: {
      body: {
        url: 'https://hooks.example',
        secret: 'a secret',
        eventKeys: ['SIGN_UP'],
        failMethod: 'OPEN',
        isActive: false,
      },
    },
    updatePrehookV1: { body: { displayName: 'New' } },
    createApprovalFlowV1: { body: flowOf({ emails: ['approver@example.com'] }) },
    updateApprovalFlowV1: { body: { name: 'New' } },
    executeApprovalFlowV1: { by: env.as(ids.tenantId, ids.userId), body: { executionData: { amount: 1 } } },
    executeStepUpApprovalFlowV1: { by: env.as(ids.tenantId, ids.userId), body: {} },
    getApprovalExecutionDataV1: async () => ({ query: await approverLink() }),
    decideApprovalV1: async () => ({ body: { ...(await approverLink()), approved: true } }),
    createJwtTemplateV1: { body: { ...plainTemplate, key: 'hen' } },
    updateJwtTemplateV1: { body: { ...plainTemplate, key: 'hen' } },
    createJwtTemplateTargetingV1: async () => {
      await ok(env.vendor('DELETE', `${targeting}/${ids.jwtTargetingId}`))
      return { body: { rules: [ruleFor('hen', 'userEmail', ['@example.com'])] } }
    },
    replaceJwtTemplateTargetingV1: { body: { rules: [ruleFor('hen', 'userEmail', ['@example.com'])] } },
    updateJwtTemplateTargetingV1: { body: { rules: [] } },
    createWebhook: { body: { url: 'https://hooks.example/in', eventKeys: ['frontegg.tenant.locked'] } },
    listWebhookLogs: { query: { id: ids.webhookId } },
    updateWebhook: { body: { description: 'New' } },
    // nobody listens there
    testWebhook: { body: { url: 'http://127.0.0.1:9/', secret: null } },
    createEventConfigurationV1: {
      body: { url: 'https://hooks.example/in', events: ['frontegg.tenant.locked'], displayName: 'New', key: 'new' },
    },
    ...Object.fromEntries(
      Object.entries(sourceNames).flatMap(([type, name]) => [
        [`create${name}UserSourceV1`, { body: { name: 'New', index: 0, configuration: configured[type as Type] } }],
        [`update${name}UserSourceV1`, { body: { name: 'New', configuration: configured[type as Type] } }],
      ]),
    ),
    assignUserSourceV1: { body: { userSourceId: ids.auth0SourceId, appIds: [ids.appId] } },
    unassignUserSourceV1: { body: { userSourceId: ids.userSourceId, appIds: [ids.appId] } },
    createRolesV1: { body: [{ key: 'hen', name: 'Hen', level: 3 }] },
    updateRoleV1: { body: { name: 'New' } },
    setRolePermissionsV1: { body: { permissionIds: [ids.permissionId] } },
    setRoleTenantV1: async () => {
      const [role] = await ok(
        env.vendor('POST', '/identity/resources/roles/v1', [{ key: 'hen', name: 'Hen', level: 3 }]),
      )
      return { path: { roleId: role.id }, body: { tenantId: ids.tenantId } }
    },
    createRoleV2: { body: { key: 'hen', name: 'Hen', baseRoleId: adminRoleId, permissionIds: [ids.permissionId] } },
    ...ofProviders(env),
  }
}

const sso = '/identity/resources/sso',
  github = { clientId: 'client', secret: 'secret', active: true }

/** Services that users log in with. */
function ofProviders(env: TestEnvironment): Requests {
  const withGithub = async () => {
    await ok(env.vendor('POST', `${sso}/v2/github`, github))
    return { path: { provider: 'github' } }
  }
  const startedAt = async (provider: string) => {
    await ok(env.vendor('POST', `${sso}/custom/v1`, custom(provider)))
    return env.anonymous('GET', paths.start(provider))
  }
  return {
    setNamedSocialProviderV2: { body: { type: 'github', ...github } },
    setSocialProviderV2: { path: { provider: 'github' }, body: github },
    getSocialProviderV2: withGithub,
    activateSocialProviderV2: withGithub,
    deactivateSocialProviderV2: withGithub,
    createCustomProviderV1: { body: custom('coop') },
    updateCustomProviderV1: { body: { displayName: 'Coop' } },
    startSocialLoginV1: withGithub,
    startSocialLoginV2: withGithub,
    startCustomLoginV2: async () => {
      await ok(env.vendor('POST', `${sso}/custom/v1`, custom('coop')))
      return { path: { provider: 'coop' } }
    },
    passSocialLoginV2: async () => {
      const started = await startedAt('coop'),
        cookie = Object.entries(cookiesIn(started)).map((pair) => pair.join('='))
      return {
        path: { provider: 'coop' },
        query: grantedBy(goesTo(started), verified('ada@example.com')),
        headers: { cookie: cookie.join('; ') },
      }
    },
    postSocialLoginV2: { body: { state: 'state', code: 'code' } },
  }
}

/** Access tokens, where the environment wants them. */
const ofAccessTokens = ({ env, ids, me }: Scene): Requests => {
  const wanted = (request: Request) => async () => {
    await ok(wantAccessTokens(env))
    return request
  }
  const lookingUp = [
    'listActiveTenantAccessTokensV1',
    'getTenantAccessTokenV1',
    'listActiveUserAccessTokensV1',
    'getUserAccessTokenV1',
  ]
  return {
    createTenantAccessTokenV1: wanted({
      body: { description: 'New', expiresInMinutes: 60, roleIds: [ids.roleId] },
    }),
    'createTenantAccessTokenV1: by management': wanted({ by: env.as(ids.tenantId), body: { roleIds: [ids.roleId] } }),
    createUserAccessTokenV1: wanted({ by: me, body: { description: 'New' } }),
    ...Object.fromEntries(
      lookingUp.flatMap((id) => [
        [id, wanted({})],
        // as SDKs ask
        [`${id}: whatever the account`, wanted({ by: env.vendor })],
      ]),
    ),
  }
}

/** Users, their memberships, and how they come in. */
const ofPeople = (scene: Scene): Requests => {
  const {
    env,
    ids,
    me,
    ownId,
    tenantId,
    belowId,
    elsewhereId,
    adminRoleId,
    readOnlyRoleId,
    member,
    newcomer,
    memberBelow,
  } = scene
  const [person] = newUsers(1),
    roles = { subTenantsRoles: [{ tenantId: belowId, roleIds: [adminRoleId] }] },
    management = env.as(tenantId)
  const invite = async () => ok(me('POST', `${invites}/v1/user`, {}))
  return {
    resendInvitationV1: async () => {
      await ok(env.as(elsewhereId)('POST', `${users}/v2`, { email: member.email }))
      return { by: env.as(elsewhereId), body: { email: member.email } }
    },
    resendAllInvitationsV1: async () => {
      await ok(env.as(belowId)('POST', `${users}/v2`, { email: member.email }))
      return { body: { email: member.email } }
    },
    ...stored(['getUserInviteV1', 'deleteUserInviteV1'], invite),
    ...stored(['updateUserInviteV1'], invite, { expiresInMinutes: 60 }),
    createUserInviteV1: { body: { expiresInMinutes: 60, shouldSendEmail: true } },
    createUserInviteV2: { body: { expiresInMinutes: 60, roleIds: [ids.roleId] } },
    verifyInviteV1: async () => ({ body: { token: (await invite()).token } }),
    createInviteV1: { body: { tenantId: elsewhereId, userId: member.id } },
    addMemberV1: { body: { ...person, roleIds: [adminRoleId] } },
    updateMemberV1: { body: { id: member.id, name: 'New', roleIds: [adminRoleId] } },
    resendMemberMailV1: { path: { userId: newcomer.id } },
    addUserToSubAccountsV1: { body: { user: person, subTenants: [{ tenantId: belowId, roleIds: [adminRoleId] }] } },
    addUsersToSubAccountV2: { body: { users: newUsers(2), tenantId: belowId, roleIds: [adminRoleId] } },
    'addUsersToSubAccountV2: a hundred': {
      body: { users: newUsers(100), tenantId: belowId, roleIds: [adminRoleId] },
    },
    removeUserFromSubAccountsV1: { body: { userId: memberBelow.id, subTenants: [{ tenantId: belowId }] } },
    addRolesInSubAccountsV1: {
      path: { userId: memberBelow.id },
      body: { subTenantsRoles: [{ tenantId: belowId, roleIds: [readOnlyRoleId] }] },
    },
    setRolesInSubAccountsV1: { path: { userId: memberBelow.id }, body: roles },
    removeRolesInSubAccountsV1: { path: { userId: memberBelow.id }, body: roles },
    countUsersOfTenantsV1: { body: { tenantIds: [tenantId, belowId] } },
    setSubAccountAccessV1: { body: { allowAccess: true } },
    inviteUsersInBulkV1: { body: { users: newUsers(2) } },
    getBulkInviteStatusV1: async () => {
      const { id } = await ok(management('POST', `${users}/bulk/v1/invite`, { users: newUsers(2) }))
      return { path: { id } }
    },
    changeUserRolesInBulkV1: { body: { addRoleIds: [readOnlyRoleId] } },
    getBulkRolesStatusV1: async () => {
      const change = { userId: member.id, tenantIds: [tenantId], add: [readOnlyRoleId], remove: [] }
      return { path: { taskId: await jobs.add(await env.context(), changeRoles, change) } }
    },
    migrateUserV1: {
      body: {
        ...person,
        tenantId,
        passwordHash: BCRYPT,
        authenticatorAppMfaSecret: 'JBSW Y3DP EHPK 3PXP',
        roleIds: ['Admin'],
      },
    },
    'migrateUserV1: of somebody who is there': { body: { email: member.email, tenantId: elsewhereId } },
    migrateUsersV1: { body: { users: newUsers(2).map((user) => ({ ...user, tenantId })) } },
    'migrateUsersV1: a thousand': { body: { users: newUsers(1000).map((user) => ({ ...user, tenantId })) } },
    migrateUsersV2: {
      body: { users: [{ emails: [{ email: 'a@example.com', primary: true, verified: true }], tenantId }] },
    },
    migrateUsersFromCsvV1: {
      body: [
        ...['--x', 'content-disposition: form-data; name="csv"; filename="users.csv"', 'content-type: text/csv'],
        ...['', `email,tenantId\na@example.com,${tenantId}`, '--x--', ''],
      ].join('\r\n'),
      headers: { 'content-type': 'multipart/form-data; boundary=x' },
    },
    migrateUsersFromAuth0V1: {
      body: { domain: 'coop.auth0.com', clientId: 'id', secret: 'secret', tenantIdFieldName: 'tenantId' },
    },
    moveUsersToTenantV1: { body: { srcTenantId: tenantId, targetTenantId: elsewhereId } },
    createUserV1: { body: { ...person, roleIds: [adminRoleId] } },
    createUserV2: { body: { ...person, roleIds: [adminRoleId] } },
    'createUserV2: by management, without a mail': { by: management, body: { ...person, skipInviteEmail: true } },
    'createUserV2: of somebody who is a user already': { body: { email: memberBelow.email } },
    createVendorUserV1: { body: { ...person, tenantId } },
    chooseTenantV1: { body: { tenantId } },
    setUserTenantV1: { body: { tenantId } },
    'setUserTenantV1: in another account': { body: { tenantId: elsewhereId } },
    'deleteUserV1: everywhere': { by: env.vendor },
    addUserToTenantV1: { body: { tenantId: elsewhereId } },
    createGroupV1: { body: { name: 'New' } },
    getGroupsByIdsV1: { body: { groupsIds: [ids.groupId] } },
    changeGroupsConfigurationV1: { body: { enabled: true } },
    updateGroupV1: { body: { name: 'New' } },
    addRolesToGroupV1: { body: { roleIds: [adminRoleId] } },
    removeRolesFromGroupV1: { body: { roleIds: [ids.roleId] } },
    addUsersToGroupV1: { body: { userIds: [member.id] } },
    removeUsersFromGroupV1: { body: { userIds: [ownId] } },
    listGroupsOfUsersV3: { query: { ids: ownId } },
    listRolesOfUsersV3: { query: { ids: ownId } },
    addUserRolesV1: { body: { roleIds: [ids.roleId] } },
    removeUserRolesV1: { body: { roleIds: [adminRoleId] } },
    enableUserInTenantV1: async () => {
      await ok(management('POST', `/identity/resources/tenants/users/v1/${member.id}/disable`))
      return {}
    },
    setTemporaryUsersConfigurationV1: { body: { enabled: true } },
    ...stored(['makeUserPermanentV1'], () => temporary(scene)),
    ...stored(['makeUserTemporaryV1'], () => temporary(scene), { expirationInSeconds: 3600 }),
    changePhoneNumberV1: { body: { phoneNumber: newPhone() } },
    resetPhoneNumberV1: { body: { email: member.email } },
    createPhoneNumberV1: { body: { phoneNumber: newPhone() } },
    preverifyPhoneNumberV1: { body: { phoneNumber: newPhone() } },
    createVendorPhoneNumberV1: { body: { phoneNumber: newPhone() } },
    deleteVendorPhoneNumberV1: { path: { userId: ownId } },
    setOwnPictureV1: { body: { profileImage: GIF } },
    getPictureV1: async () => {
      const url = String(await ok(me('PUT', '/team/resources/profile/me/image/v1', { profileImage: GIF })))
      return { path: { vendorId: env.id, pictureId: url.split('/').at(-1)! } }
    },
    ...stored(['changeOwnEmailV1'], () => changingEmails(scene), { email: 'changed@example.com' }),
    setUserEmailV1: { by: env.vendor, body: { email: 'changed@example.com' } },
    createUserEmailV1: { body: { email: 'second@example.com' } },
    setOwnPrimaryEmailV1: async () => {
      await changingEmails(scene)
      return { body: { email: await secondAddress(scene) } }
    },
    createVendorUserEmailV1: { body: { email: 'second@example.com', isVerified: true } },
    deleteVendorUserEmailV1: { path: { userId: ownId } },
    setVendorPrimaryEmailV1: async () => ({ path: { userId: ownId }, body: { email: await secondAddress(scene) } }),
    createUsernameV1: { by: member, body: { username: 'hen' } },
    'listUsersV3: by management': { by: env.vendor },
    searchUsersV1: { query: { _phraseSearchContains: 'user' } },
    getUserByEmailV1: { query: { email: member.email } },
    updateUserV1: { body: { name: 'New' } },
    updateOwnUserV1: { body: { name: 'New' } },
    updateMeV2: { body: { name: 'New' } },
    verifyUserV1: { path: { userId: newcomer.id } },
    unlockUserV1: async () => {
      await ok(env.vendor('POST', `${users}/v1/${member.id}/lock`))
      return {}
    },
    setUserInvisibleV1: { body: { invisible: true } },
    setUserSuperuserV1: { body: { superUser: true } },
  }
}
const secondAddress = async ({ me }: Scene) =>
  ((await ok(me('GET', `${users}/emails/v1/me`))) as { email: string; isPrimary: boolean }[]).find(
    ({ isPrimary }) => !isPrimary,
  )!.email
const temporary = ({ env }: Scene) => ok(env.vendor('PUT', `${users}/temporary/v1/configuration`, { enabled: true }))
const changingEmails = ({ env }: Scene) =>
  ok(env.vendor('POST', `${settings}/user-emails-policy`, { allowEmailChange: true }))

/** Logging in with a password, and what goes before. */
const ofLogins = ({ env, ids, tenantId, member, phoneNumber, newcomer }: Scene): Requests => {
  const { email } = member,
    credentials = { email, password: PASSWORD }
  const loggedIn = async () => ok(logIn(env, member))
  const byTemplate = () => ok(env.vendor('PUT', targeting, { rules: [ruleForAll(ids.jwtTemplateKey)] }))
  const byStrategy = (authStrategy: string, body: object) => async () => {
    await ok(configure({ authStrategy })(env))
    return { body }
  }
  const activationLink = async () => {
    await ok(env.anonymous('POST', `${users}/v1/activate/reset`, { email: newcomer.email }))
    return { userId: newcomer.id, token: await linked(env, newcomer.email) }
  }
  return {
    getActivationStrategyOfUserV1: async () => ({ query: await activationLink() }),
    resendActivationV1: { body: { email: newcomer.email } },
    createActivationLinkV1: { path: { userId: newcomer.id } },
    listUserStatusesV1: { query: { userIds: member.id } },
    logInV1: { body: credentials },
    'logInV1: of somebody with a second factor': async () => {
      const user = await withApp(env)
      return { body: { email: user.email, password: user.password } }
    },
    'logInV1: by a JWT template': async () => {
      await byTemplate()
      return { body: credentials }
    },
    'refreshTokenV1: by a JWT template': async () => {
      const { refreshToken } = await loggedIn()
      await byTemplate()
      return { body: { refreshToken } }
    },
    logOutV1: async () => ({ body: { refreshToken: (await loggedIn()).refreshToken } }),
    createTokenForTenantV3: { body: { tenantId } },
    requestMagicLinkV1: byStrategy('MagicLink', { email }),
    requestLoginCodeV1: byStrategy('Code', { email }),
    requestLoginSmsV1: byStrategy('SmsCode', { email }),
    getStrictestPasswordPolicyV1: { query: { userId: member.id } },
    requestPasswordResetV1: { body: { email } },
    validatePasswordResetV1: async () => {
      await ok(env.anonymous('POST', `${users}/v1/passwords/reset`, { email }))
      return { body: { userId: member.id, token: await linked(env, email) } }
    },
    changePasswordV1: { by: member, body: { password: PASSWORD, newPassword: 'Another-Hen-3!' } },
    requestPasswordResetByEmailV2: { body: { identifier: email, identifierType: 'email' } },
    requestPasswordResetBySmsV2: { body: { identifier: phoneNumber, identifierType: 'phoneNumber' } },
    verifyPasswordV1: { body: credentials },
    startPasskeyLoginV1: { body: { email } },
    signUpV1: { body: { email: 'new@example.com', password: PASSWORD, companyName: 'New' } },
    signUpWithUsernameV1: byStrategy('UsernameAndPassword', {
      username: 'hen',
      password: PASSWORD,
      companyName: 'New',
    }),
    signUpWithPhoneNumberV1: byStrategy('SmsCode', { phoneNumber: newPhone(), companyName: 'New' }),
    generateStepUpV1: async () => ({ by: await withApp(env), body: {} }),
    unenrolUserV1: async () => ({ path: { userId: (await withApp(env)).id } }),
  }
}

/** Second factors. */
const ofSecondFactors = ({ env, ids, member }: Scene): Requests => {
  /** for a user without a factor, where one is demanded */
  const demanded = async (strategy?: string) => {
    await ok(env.vendor('POST', mfaPolicy, { enforceMFAType: 'Force' }))
    if (strategy) await ok(switchOn(env, strategy))
    return { mfaToken: await mfaTokenOf(env, member) }
  }
  /** for a user with one */
  const asked = async <P extends Person>(strategy: string, person: (env: TestEnvironment) => Promise<Person>) => {
    await ok(switchOn(env, strategy))
    const user = (await person(env)) as P
    return { user, mfaToken: await mfaTokenOf(env, user) }
  }
  const started = async (body: { mfaToken: string }) => ok(env.anonymous('POST', `${mfa}/authenticator/enroll`, body))
  const ofApp = async () => {
    const user = await withApp(env)
    return { by: user, path: { deviceId: user.deviceId }, body: { token: await codeOf(env, user.secret) } }
  }
  return {
    startAuthenticatorAtLoginV1: async () => ({ body: await demanded() }),
    enrolAuthenticatorAtLoginV1: async () => {
      const { mfaToken } = await demanded(),
        { secret } = await started({ mfaToken })
      return { body: { mfaToken, token: await codeOf(env, secret) } }
    },
    verifyMfaAtLoginV1: async () => {
      const user = await withApp(env)
      return { body: { mfaToken: await mfaTokenOf(env, user), value: await codeOf(env, user.secret) } }
    },
    startMfaV1: { by: member },
    startAuthenticatorV1: { by: member },
    enrolMfaV1: async () => {
      const { secret } = await ok(member('POST', `${own}/enroll`))
      return { by: member, body: { token: await codeOf(env, secret) } }
    },
    disableAuthenticatorV1: ofApp,
    disableMfaV1: ofApp,
    startMfaByEmailV1: async () => ({ body: await demanded('EmailCode') }),
    startSmsAtLoginV1: async () => ({ body: { ...(await demanded('SMS')), phoneNumber: newPhone() } }),
    enrolSmsAtLoginV1: async () => {
      const { mfaToken } = await demanded('SMS'),
        phoneNumber = newPhone(),
        { otcToken } = await ok(env.anonymous('POST', `${mfa}/sms/enroll`, { mfaToken, phoneNumber }))
      return { body: { mfaToken, otcToken, code: (await last(env, phoneNumber)).code } }
    },
    startMfaBySmsV1: async () => {
      const { user, mfaToken } = await asked<PhoneUser>('SMS', withMfaPhone)
      return { path: { deviceId: user.deviceId }, body: { mfaToken } }
    },
    startSmsV1: async () => {
      await ok(switchOn(env, 'SMS'))
      return { by: member, body: { phoneNumber: newPhone() } }
    },
    startWebauthnAtLoginV1: async () => ({ body: await demanded('WebAuthnCrossPlatform') }),
    enrolWebauthnAtLoginV1: async () => {
      const { mfaToken } = await demanded('WebAuthnCrossPlatform'),
        { webauthnToken, options } = await ok(env.anonymous('POST', `${mfa}/webauthn/enroll`, { mfaToken }))
      return {
        body: { mfaToken, webauthnToken, deviceType: 'CrossPlatform', options: keyOf(env).create(options) },
      }
    },
    startMfaByWebauthnV1: async () => {
      const { user, mfaToken } = await asked<KeyUser>('WebAuthnCrossPlatform', withKey)
      return { path: { deviceId: user.deviceId }, body: { mfaToken } }
    },
    startWebauthnV1: async () => {
      await ok(switchOn(env, 'WebAuthnCrossPlatform'))
      return { by: member }
    },
    getRememberDevicePolicyV1: async () => ({ query: await demanded() }),
    startDisableSmsV1: { path: { deviceId: ids.mfaPhoneId } },
  }
}

/** The names of requests: an operation's id, and what is special about the request, if there are several. */
export const operationOf = (name: string) => name.split(': ')[0]!

/** The names of all requests, for these operations. */
export function requestNames(scene: Scene, operations: readonly Operation[]) {
  return [...new Set([...operations.map((op) => op.id), ...Object.keys(requestsOf(scene)), ...Object.keys(shown)])]
}

/** What programs log in with. */
const ofPrograms = ({ env, ids, tenantId, ownId, readOnlyRoleId, member }: Scene): Requests => {
  const exchange = '/identity/resources/auth/v1/api-token',
    ofAccount = async () => {
      const made = { roleIds: [readOnlyRoleId] },
        { clientId, secret } = await ok(env.as(tenantId)('POST', '/identity/resources/tenants/api-tokens/v2', made))
      return { body: { clientId, secret } }
    },
    personal = async () => {
      const { clientId, secret } = await ok(env.as(tenantId, ownId)('POST', `${users}/api-tokens/v1`, {}))
      return { body: { clientId, secret } }
    },
    refreshed = async (made: () => Promise<{ body: object }>) => {
      const { refreshToken } = await ok(env.anonymous('POST', exchange, (await made()).body))
      return { body: { refreshToken } }
    }
  const delegation = async (subject: string, actor: string) => {
    await ok(env.vendor('POST', `${settings}/delegation`, { enabled: true }))
    const type = 'urn:ietf:params:oauth:token-type:access_token'
    return {
      body: {
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        subject_token: subject,
        subject_token_type: type,
        actor_token: actor,
        actor_token_type: type,
      },
    }
  }
  const actor = async () => (await env.machine({ tenantId, permissions: [mayDelegate] })).token
  return {
    grantToken: async () =>
      delegation(await env.userToken({ id: ownId, tenantId }, { permissions: ['*'] }), await actor()),
    impersonateV1: async () => {
      await ok(env.vendor('POST', '/identity/resources/configurations/v1/impersonation', { enabled: true }))
      const actorToken = await env.userToken({ id: ownId, tenantId }, { permissions: ['*'] })
      return { body: { impersonatedUserId: member.id, actorToken } }
    },
    'grantToken: for credentials': {
      body: { grant_type: 'client_credentials', client_id: env.id, client_secret: env.apiKey },
    },
    'grantToken: of programs': async () =>
      delegation((await env.machine({ tenantId, userId: ownId })).token, await actor()),
    'listUsersV3: by a program of the account': async () => ({
      by: await env.machine({ tenantId, permissions: ['fe.secure.*'] }),
    }),
    'listUsersV3: by a program of a user': async () => ({ by: await env.machine({ tenantId, userId: ownId }) }),
    'listUsersV3: with an access token of a user': async () => ({ by: await env.key({ tenantId, userId: ownId }) }),
    'getMeV3: by a delegate': async () => {
      const { body } = await delegation(await env.userToken({ id: ownId, tenantId }), await actor())
      return { by: env.withToken((await ok(env.anonymous('POST', '/oauth/token', body))).access_token as string) }
    },
    createTenantApiTokenV1: { body: { roleIds: [ids.roleId] } },
    createTenantApiTokenV2: { body: { roleIds: [ids.roleId] } },
    'createTenantApiTokenV2: with permissions': { body: { permissionIds: [ids.permissionId] } },
    updateTenantApiTokenV1: { body: { description: 'New' } },
    'updateTenantApiTokenV1: with other permissions': { body: { permissionIds: [ids.permissionId] } },
    listUserApiTokensV1: {},
    'listUserApiTokensV1: by management': { by: env.as(tenantId, ownId) },
    authenticateApiTokenV1: ofAccount,
    authenticateApiTokenV2: ofAccount,
    'authenticateApiTokenV2: of a user': personal,
    refreshApiTokenV1: () => refreshed(ofAccount),
    refreshApiTokenV2: () => refreshed(ofAccount),
    'refreshApiTokenV2: of a user': () => refreshed(personal),
  }
}

/** What browsers and clients ask at the OAuth routes. */
const ofClients = ({ env, ids, member }: Scene): Requests => {
  const { challenge } = pkce(),
    refreshToken = async () =>
      (await ok(env.anonymous('POST', auth, { email: member.email, password: PASSWORD }))).refreshToken as string,
    cookieOf = ({ cookies }: { cookies: Record<string, string> }) => ({
      cookie: Object.entries(cookies)
        .map((pair) => pair.join('='))
        .join('; '),
    })
  const loggedIn = async () => {
    const browser = browserOf(env)
    await browser.logIn(member)
    return browser
  }
  const asked = async (query: Record<string, string>) => {
    await allow(env)
    return { query: question(env, challenge, query) }
  }
  const consenting = async () => {
    const { query } = await asked({ prompt: 'consent' }),
      browser = await loggedIn(),
      { state } = queryOf(await browser.ask(query))
    return { state, headers: cookieOf(browser) }
  }
  return {
    authorize: () => asked({}),
    'authorize: by a browser that is logged in': async () => ({
      ...(await asked({ prompt: 'none' })),
      headers: cookieOf(await loggedIn()),
    }),
    startHostedLogin: async () => {
      await allow(env)
      const browser = browserOf(env),
        { state } = queryOf(await browser.ask(question(env, challenge)))
      return { query: { state: state! }, headers: cookieOf(browser) }
    },
    readConsent: async () => {
      const { state, headers } = await consenting()
      return { query: { state: state! }, headers }
    },
    answerConsent: async () => {
      const { state, headers } = await consenting()
      return { body: { state, isGiven: true }, headers }
    },
    authorizeByForm: async () => ({ body: (await asked({})).query }),
    authorizeSilently: async () => ({ body: {}, headers: cookieOf(await loggedIn()) }),
    'grantToken: for a refresh token': async () => ({
      body: { grant_type: 'refresh_token', refresh_token: await refreshToken() },
    }),
    logOutOfClient: async () => ({ headers: cookieOf(await loggedIn()) }),
    logOutToken: async () => ({ body: { refreshToken: await refreshToken() } }),
    introspectToken: async () => ({
      body: { token: await refreshToken(), client_id: env.id, client_secret: env.apiKey },
    }),
    revokeToken: async () => ({ body: { token: await refreshToken(), client_id: env.id } }),
    setOauthConfigurationV1: { body: { isActive: true } },
    createRedirectUriV1: { body: { redirectUri: CALLBACK } },
    deleteRedirectUriV1: { path: { id: ids.redirectUriId } },
  }
}

const requestsOf = (scene: Scene): Requests => ({
  ...ofClients(scene),
  ...ofAccounts(scene),
  ...ofPolicies(scene),
  ...ofAccessTokens(scene),
  ...ofPeople(scene),
  ...ofLogins(scene),
  ...ofSecondFactors(scene),
  ...ofPrograms(scene),
})

/** Makes what the request needs. @returns what sends it */
export async function prepared(scene: Scene, op: Operation, name: string): Promise<() => Promise<Answer>> {
  const { env, ids, tenantId, me } = scene,
    kind = kinds[shown[name] ?? '']
  if (kind) {
    await kind.settings?.(env)
    const person = kind.person?.(env) ?? env.user({ tenantId, roleKeys: ['Admin'], password: PASSWORD })
    return (await kind.issue(env, await person)).show
  }
  const found = requestsOf(scene)[name] ?? {},
    request = typeof found === 'function' ? await found() : found
  const by =
    request.by ?? (op.auth === 'public' ? env.anonymous : op.auth === 'vendor' ? env.as(tenantId, ids.userId) : me)
  const path = fillPath(op, (part) => request.path?.[part] ?? idFor(op, part, ids)),
    query = request.query ? `?${new URLSearchParams(request.query).toString()}` : ''
  return () =>
    by(op.method, `${path}${query}`, 'body' in request ? request.body : sampleBody(op), {
      ...(request.headers && { headers: request.headers }),
    })
}
