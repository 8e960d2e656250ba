import type { Operation } from '../src/kernel/operation.ts'
import { deps, unique, type TestEnvironment } from './environment.ts'
import { MANDATORY_CLAIMS, ruleFor } from './jwt-templates.ts'
import { configured, type Type } from './pools.ts'

let phones = 0
/** Makes one of everything in an environment. The ids are keyed by the names that paths and bodies use. */
export async function furnished(env: TestEnvironment) {
  const ctx = await env.context(),
    now = ctx.clock.now()
  const user = await env.newUser({ permissions: ['fe.secure.*'], password: 'Henhouse-1!' })
  const row = { createdAt: now, updatedAt: now }
  const role = await ctx.db.role.create({
    data: { id: ctx.random.uuid(), tenantId: user.tenantId, key: unique('role'), name: 'R', level: 9, ...row },
  })
  const category = await ctx.db.permissionCategory.create({
    data: { id: ctx.random.uuid(), name: unique('Category'), ...row },
  })
  const permission = await ctx.db.permission.create({
    data: { id: ctx.random.uuid(), key: unique('permission'), name: 'P', ...row },
  })
  const { id: everything } = await ctx.db.permission.findFirstOrThrow({ where: { key: 'fe.secure.*' } })
  await ctx.db.rolePermission.createMany({
    data: [permission.id, everything].map((permissionId) => ({ roleId: role.id, permissionId })),
  })
  const session = await ctx.db.session.create({
    data: {
      id: ctx.random.uuid(),
      userId: user.id,
      tenantId: user.tenantId,
      createdAt: now,
      lastActiveAt: now,
      expiresAt: new Date(now.getTime() + 86_400_000),
    },
  })
  const email = await ctx.db.userEmail.create({
    data: { id: ctx.random.uuid(), userId: user.id, email: `${unique('second')}@example.com`, verified: true, ...row },
  })
  const phone = await ctx.db.phoneNumber.create({
    data: {
      id: ctx.random.uuid(),
      userId: user.id,
      phoneNumber: `+1555${1_000_000 + ++phones}`,
      verified: true,
      ...row,
    },
  })
  const { username } = await ctx.db.user.update({ where: { id: user.id }, data: { username: unique('name') } })
  const group = await ctx.db.group.create({
    data: {
      id: ctx.random.uuid(),
      tenantId: user.tenantId,
      name: 'G',
      ...row,
      roles: { create: { roleId: role.id } },
      users: { create: { userId: user.id } },
    },
  })
  const domainRestriction = await ctx.db.domainRestriction.create({
    data: { id: ctx.random.uuid(), tenantId: user.tenantId, domain: 'example.com', type: 'ALLOW', createdAt: now },
  })
  const ipRestriction = await ctx.db.ipRestriction.create({
    data: { id: ctx.random.uuid(), tenantId: user.tenantId, ip: '192.0.2.1', strategy: 'ALLOW', ...row },
  })
  const application = await ctx.db.application.create({
    data: {
      id: ctx.random.uuid(),
      name: 'A',
      appURL: 'https://a.example',
      loginURL: 'https://a.example/login',
      accessType: 'MANAGED_ACCESS',
      type: 'web',
      frontendStack: 'vue',
      clientSecret: deps.secrets.seal('s'),
      sharedSecret: deps.secrets.seal('s'),
      ...row,
      tenants: { create: { tenantId: user.tenantId, accessType: 'MANAGED_ACCESS', createdAt: now } },
      users: { create: { userId: user.id, tenantId: user.tenantId, createdAt: now } },
    },
  })
  const client = await ctx.db.applicationClient.create({
    data: {
      id: ctx.random.uuid(),
      applicationId: application.id,
      clientName: 'C',
      clientType: 'Agent',
      clientSecret: deps.secrets.seal('s'),
      ...row,
    },
  })
  const redirectUri = await ctx.db.redirectUri.create({
    data: { id: ctx.random.uuid(), redirectUri: `https://${unique('app')}.example/cb`, createdAt: now },
  })
  const migration = await ctx.db.job.create({
    data: {
      id: ctx.random.uuid(),
      name: 'migrate-tenants',
      payload: { tenantIds: ['a'] },
      runAt: now,
      maxAttempts: 1,
      state: 'done',
      createdAt: now,
      finishedAt: now,
    },
  })
  await ctx.db.userImport.create({
    data: {
      ...{ id: migration.id, format: 'v1', state: 'completed', total: 1, createdAt: now, finishedAt: now },
      parts: { create: { number: 0, start: 0, migrated: 1 } },
    },
  })
  const invite = await ctx.db.tenantInvite.create({
    data: {
      id: ctx.random.uuid(),
      tenantId: user.tenantId,
      tokenHash: unique('hash'),
      token: deps.secrets.seal('t'),
      shouldSendEmail: false,
      createdAt: now,
      expiresAt: now,
    },
  })
  const socialProvider = await ctx.db.socialProvider.create({
    data: {
      ...{ id: ctx.random.uuid(), type: unique('acme'), custom: true, active: true, customised: true },
      ...{ clientId: 'c', secret: deps.secrets.seal('s'), options: {}, additionalScopes: [], displayName: 'Acme' },
      ...{ authorizationUrl: 'https://acme.example/a', tokenUrl: 'https://acme.example/t' },
      ...{ userInfoUrl: 'https://acme.example/u', ...row },
      identities: { create: { id: ctx.random.uuid(), subject: 's', userId: user.id, createdAt: now } },
    },
  })
  const credentials = { tenantId: user.tenantId, secretHash: unique('hash'), createdAt: now }
  const tenantApiToken = await ctx.db.apiToken.create({
    data: { ...credentials, id: ctx.random.uuid(), roles: { create: { roleId: role.id } } },
  })
  const userApiToken = await ctx.db.apiToken.create({
    data: {
      ...credentials,
      id: ctx.random.uuid(),
      userId: user.id,
      createdByUserId: user.id,
      refreshes: { create: { id: unique('hash'), expiresAt: now } },
    },
  })
  const jwtTemplate = await ctx.db.jwtTemplate.create({
    data: {
      id: ctx.random.uuid(),
      key: unique('template'),
      name: 'T',
      expiration: 600,
      algorithm: 'RS256',
      claims: MANDATORY_CLAIMS,
      ...row,
    },
  })
  // there is one in an environment, for nobody here
  await ctx.db.setting.createMany({
    data: [
      {
        id: ctx.random.uuid(),
        key: 'jwt-template-targeting',
        value: { rules: [ruleFor(jwtTemplate.key, 'tenantId', ['nowhere'])] },
        ...row,
      },
    ],
    skipDuplicates: true,
  })
  const jwtTargeting = await ctx.db.setting.findFirstOrThrow({ where: { key: 'jwt-template-targeting' } })
  const sourceIds = Object.fromEntries(Object.keys(configured).map((type) => [type, ctx.random.uuid()])) as Record<
    Type,
    string
  >
  await ctx.db.userSource.createMany({
    data: Object.entries(configured).map(([type, configuration]) => ({
      ...{ id: sourceIds[type as Type], type, name: 'S', description: '', index: 0, ...row },
      configuration: deps.secrets.seal(JSON.stringify(configuration)),
    })),
  })
  await ctx.db.userSourceApplication.create({
    data: { userSourceId: sourceIds['custom-code'], applicationId: application.id },
  })
  const approvalFlow = await ctx.db.approvalFlow.create({
    data: {
      id: ctx.random.uuid(),
      tenantId: user.tenantId,
      name: 'A',
      channels: { email: true, sms: false },
      configuration: {},
      steps: [
        {
          id: ctx.random.uuid(),
          stepOrder: 1,
          approverSelectors: { roleKeys: [], emails: ['approver@example.com'], phoneNumbers: [] },
          configuration: { minApprovals: 1 },
          createdAt: now.toISOString(),
          updatedAt: now.toISOString(),
        },
      ],
      ...row,
    },
  })
  // asks nobody
  const prehook = await ctx.db.prehook.create({
    data: {
      id: ctx.random.uuid(),
      url: 'https://hooks.example',
      secret: deps.secrets.seal('s'),
      failMethod: 'OPEN',
      isActive: false,
      ...row,
    },
  })
  const device = { userId: user.id, createdAt: now }
  const authenticator = await ctx.db.mfaDevice.create({
    data: {
      ...device,
      id: ctx.random.uuid(),
      kind: 'authenticator',
      secret: deps.secrets.seal('GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'),
    },
  })
  const mfaPhone = await ctx.db.mfaDevice.create({
    data: { ...device, id: ctx.random.uuid(), kind: 'sms', phoneNumber: '+12025550199' },
  })
  const key = await ctx.db.mfaDevice.create({
    data: {
      ...device,
      id: ctx.random.uuid(),
      kind: 'webauthn',
      credentialId: unique('key'),
      publicKey: 'AA',
      counter: 0n,
      deviceType: 'Platform',
      rpId: 'localhost',
    },
  })
  const passkey = await ctx.db.passkey.create({
    data: {
      ...device,
      id: ctx.random.uuid(),
      credentialId: unique('passkey'),
      publicKey: 'AA',
      counter: 0n,
      deviceType: 'Platform',
      rpId: 'localhost',
    },
  })
  const ofAccount = { id: ctx.random.uuid(), tenantId: user.tenantId, createdAt: now },
    ofMember = { ...ofAccount, id: ctx.random.uuid(), userId: user.id }
  await ctx.db.accessToken.createMany({ data: [ofAccount, ofMember] })
  await ctx.db.accessTokenRole.create({ data: { tokenId: ofAccount.id, roleId: role.id } })
  // of a type of its own, as an environment has one of each
  const template = await ctx.db.mailTemplate.create({
    data: { id: ctx.random.uuid(), type: unique('type'), ...row },
  })
  // of the account, and of the environment; they hear of nothing
  const hook = { displayName: 'W', url: 'https://hooks.example/in', isActive: true, ...row }
  const webhook = await ctx.db.webhook.create({ data: { ...hook, id: ctx.random.uuid(), tenantId: user.tenantId } })
  const environmentWebhook = await ctx.db.webhook.create({ data: { ...hook, id: ctx.random.uuid() } })
  const webhookDelivery = await ctx.db.webhookDelivery.create({
    data: {
      id: ctx.random.uuid(),
      webhookId: webhook.id,
      eventId: ctx.random.uuid(),
      eventKey: 'frontegg.user.created',
      subject: `user:${user.id}`,
      body: '{}',
      state: 'delivered',
      dueAt: now,
      createdAt: now,
      finishedAt: now,
    },
  })
  const webhookCall = await ctx.db.webhookAttempt.create({
    data: {
      id: ctx.random.uuid(),
      deliveryId: webhookDelivery.id,
      webhookId: webhook.id,
      number: 1,
      requestHeaders: {},
      status: 200,
      durationMs: 1,
      createdAt: now,
    },
  })
  const triggered = await ctx.db.event.create({
    data: {
      ...{ id: ctx.random.uuid(), at: now, key: 'event.triggered', severity: 'Info', outcome: 'success' },
      ...{ subjectKind: 'event', subjectId: 'eggs.laid', actorKind: 'vendor', tenantId: user.tenantId },
    },
  })
  const customDomain = await ctx.db.customDomain.create({
    data: { id: ctx.random.uuid(), domain: `${unique('login')}.example`, createdAt: now },
  })
  const [iosApp, androidApp] = await Promise.all(
    ['ios', 'android'].map((platform) =>
      ctx.db.mobileApp.create({ data: { id: ctx.random.uuid(), platform, name: unique('app'), createdAt: now } }),
    ),
  )
  return {
    eventId: triggered.id,
    customDomainId: customDomain.id,
    iosAppId: iosApp!.id,
    androidAppId: androidApp!.id,
    webhookId: webhook.id,
    environmentWebhookId: environmentWebhook.id,
    webhookCallId: webhookCall.id,
    tenantApiTokenId: tenantApiToken.id,
    userApiTokenId: userApiToken.id,
    templateId: template.id,
    auth0SourceId: sourceIds.auth0,
    cognitoSourceId: sourceIds.cognito,
    firebaseSourceId: sourceIds.firebase,
    userSourceId: sourceIds['custom-code'],
    federationSourceId: sourceIds.federation,
    tenantAccessTokenId: ofAccount.id,
    userAccessTokenId: ofMember.id,
    authenticatorId: authenticator.id,
    mfaPhoneId: mfaPhone.id,
    keyId: key.id,
    passkeyId: passkey.id,
    emailId: email.id,
    phoneId: phone.id,
    username: username!,
    approvalFlowId: approvalFlow.id,
    prehookId: prehook.id,
    jwtTemplateId: jwtTemplate.id,
    jwtTemplateKey: jwtTemplate.key,
    jwtTargetingId: jwtTargeting.id,
    customProviderId: socialProvider.id,
    inviteId: invite.id,
    migrationId: migration.id,
    appId: application.id,
    clientId: client.id,
    redirectUriId: redirectUri.id,
    groupId: group.id,
    domainRestrictionId: domainRestriction.id,
    ipRestrictionId: ipRestriction.id,
    userId: user.id,
    tenantId: user.tenantId,
    roleId: role.id,
    categoryId: category.id,
    permissionId: permission.id,
    sessionId: session.id,
  }
}
export type Ids = Awaited<ReturnType<typeof furnished>>

/** Machines come with access tokens or log in with API tokens: an environment decides for one of them. */
export const wantAccessTokens = (env: TestEnvironment, wants = true) =>
  env.vendor('POST', '/identity/resources/configurations/v1', {
    machineToMachineAuthStrategy: wants ? 'AccessToken' : 'ClientCredentials',
  })
/** Whether an operation needs an environment that wants them, which a fresh one does not. */
export const needsAccessTokens = (op: Operation) => op.path.includes('/access-tokens/')

/** What a path parameter with a general name means, by the path. */
const meaning: [RegExp, keyof Ids][] = [
  [/^\/webhook\/logs\//, 'webhookCallId'],
  [/^\/webhook\//, 'webhookId'],
  [/^\/event\//, 'environmentWebhookId'],
  [/\/approval-flows\//, 'approvalFlowId'],
  [/^\/prehooks\//, 'prehookId'],
  [/\/jwt-templates\//, 'jwtTemplateId'],
  [/\/sso\/custom\//, 'customProviderId'],
  [/\/jwt-template-targeting\//, 'jwtTargetingId'],
  [/\/user-sources\/.*\/auth0\//, 'auth0SourceId'],
  [/\/user-sources\/.*\/cognito\//, 'cognitoSourceId'],
  [/\/user-sources\/.*\/firebase\//, 'firebaseSourceId'],
  [/\/user-sources\/.*\/federation\//, 'federationSourceId'],
  [/\/user-sources\//, 'userSourceId'],
  [/\/application-clients\//, 'clientId'],
  [/\/redirect-uri\//, 'redirectUriId'],
  [/\/custom-domains\//, 'customDomainId'],
  [/\/associated-domains\/v1\/ios\//, 'iosAppId'],
  [/\/associated-domains\/v1\/android\//, 'androidAppId'],
  [/\/applications\/v1\//, 'appId'],
  [/\/tenants\/api-tokens\//, 'tenantApiTokenId'],
  [/\/users\/api-tokens\//, 'userApiTokenId'],
  [/\/restrictions\/v1\/email-domain\//, 'domainRestrictionId'],
  [/\/restrictions\/ip\//, 'ipRestrictionId'],
  [/\/sessions\//, 'sessionId'],
  [/\/mfa\/authenticator\//, 'authenticatorId'],
  [/\/mfa\/sms\//, 'mfaPhoneId'],
  [/\/mfa\/webauthn\//, 'keyId'],
  [/\/webauthn\/v1\/devices\//, 'passkeyId'],
  [/\/phone-numbers\//, 'phoneId'],
  [/\/tenants\/access-tokens\//, 'tenantAccessTokenId'],
  [/\/users\/access-tokens\//, 'userAccessTokenId'],
  [/\/users\//, 'userId'],
]
/** Parameters that are not ids of rows: words, keys and aliases. */
export const words = new Set(['key', 'alias', 'type', 'provider'])

/** What an id in a body or a query is the id of, by its name. */
const named: [RegExp, keyof Ids][] = [
  [/^((src|target|parent|child|sub)?tenantids?|tenants)$/, 'tenantId'],
  [/^userids?$/, 'userId'],
  [/^usersourceid$/, 'userSourceId'],
  [/^(add|remove|base)?roleids?$/, 'roleId'],
  [/^groups?ids$/, 'groupId'],
  [/^permissionids$/, 'permissionId'],
  [/^categoryid$/, 'categoryId'],
  [/^app(lication)?ids?$/, 'appId'],
]
/** What a general name means there. */
const ofOperations: Record<string, keyof Ids | undefined> = {
  'createIosAppV1 .appId': undefined,
  'impersonateV1 .impersonatedUserId': 'userId',
  'listApplicationsV1 ?.ids': 'appId',
  'listJwtTemplatesV1 ?.ids[]': 'jwtTemplateId',
  'listUsersV1 ?.ids': 'userId',
  'listWebhookLogs ?.id': 'webhookId',
  'listUsersV2 ?.ids': 'userId',
  'listUsersV3 ?.ids': 'userId',
  'searchUsersV1 ?.ids': 'userId',
  'listSubAccountUsersV1 ?.ids': 'userId',
  'listGroupsOfUsersV3 ?.ids[]': 'userId',
  'listRolesOfUsersV3 ?.ids[]': 'userId',
  'updateMemberV1 .id': 'userId',
  'createPermissionCategoryV1 .id': 'categoryId',
}
/** Which of the ids belongs there; undefined for what is no id. @param at as in `leavesOf` */
export function kindOf(op: Operation, at: string): keyof Ids | undefined {
  const name = /(\w+)(\[\])?$/.exec(at)![1]!.replace(/^_/, '').toLowerCase()
  const place = `${op.id} ${at}`
  return place in ofOperations ? ofOperations[place] : named.find(([pattern]) => pattern.test(name))?.[1]
}

export function idFor(op: Operation, name: string, ids: Ids): string {
  if (name in ids) return ids[name as keyof Ids]
  if (words.has(name)) return 'word'
  const found = meaning.find(([path]) => path.test(op.path))
  if (!found) throw new Error(`${op.id}: say in furnished.ts what {${name}} is`)
  return ids[found[1]]
}

/** Every row of an environment, by table, to check that nothing has changed. */
export async function everythingOf(vendorId: string): Promise<Record<string, unknown>> {
  const { rows } = await deps.database.pool.query<{ name: string; rows: unknown }>(await everything, [vendorId])
  return Object.fromEntries(rows.map((row) => [row.name, row.rows]))
}
/** The ids that nobody else has. */
export const ownIds = (ids: object) =>
  Object.values(ids).filter((id): id is string => /^[\da-f-]{36}$/.test(String(id)))
/** The rows of an environment that name one of these ids in a column of their own. */
export async function rowsAbout(vendorId: string, ids: object) {
  const { rows } = await deps.database.pool.query<{ name: string; rows: unknown }>(await naming, [
    vendorId,
    ownIds(ids),
  ])
  return Object.fromEntries(rows.map((row) => [row.name, row.rows]))
}
const naming = (async () => {
  const { rows } = await deps.database.pool.query<{ name: string; matches: string }>(
    `select table_name as name, string_agg(format(case data_type when 'ARRAY' then '%I::text[] && $2::text[]'
       else '%I::text = any ($2::text[])' end, column_name), ' or ') as matches
     from information_schema.columns
     where table_schema = current_schema() and column_name <> 'vendorId' and (column_name ~ '(^id|Ids?)$' or data_type = 'ARRAY')
       and table_name in (select table_name from information_schema.columns
         where table_schema = current_schema() and column_name = 'vendorId')
     group by 1 order by 1`,
  )
  return rows
    .map(
      ({ name, matches }) =>
        `select '${name}' as name, jsonb_agg(to_jsonb(t) order by to_jsonb(t)::text) as rows from "${name}" t
         where "vendorId" = $1 and (${matches})`,
    )
    .join(' union all ')
})()
/** Of all those rows: the same as long as none has changed. */
export async function checksumOf(vendorId: string) {
  const { rows } = await deps.database.pool.query<{ sum: string }>(
    `select md5(string_agg(name || coalesce(rows::text, ''), '' order by name)) as sum from (${await everything}) t`,
    [vendorId],
  )
  return rows[0]!.sum
}
const everything = (async () => {
  const { rows } = await deps.database.pool.query<{ name: string }>(
    `select table_name as name from information_schema.columns where column_name = 'vendorId' and table_schema = current_schema() order by 1`,
  )
  return rows
    .map(
      ({ name }) =>
        `select '${name}' as name, jsonb_agg(to_jsonb(t) order by to_jsonb(t)::text) as rows from "${name}" t where "vendorId" = $1`,
    )
    .join(' union all ')
})()
