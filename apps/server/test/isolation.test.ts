import { describe, expect, test } from 'vitest'
import type { Operation } from '../src/kernel/operation.ts'
import { deps, newEnvironment, operations, unique, type TestEnvironment } from './environment.ts'
import { fillPath, pathNames, sampleBody } from './samples.ts'

/** An environment with one of everything in it, by the name that paths and bodies use for its id. */
async function furnished(env: TestEnvironment) {
  const ctx = await env.context(), now = ctx.clock.now()
  const user = await env.newUser({ permissions: ['fe.secure.*'], password: 'Henhouse-1!' })
  const row = { createdAt: now, updatedAt: now }
  const role = await ctx.db.role.create({ data: { id: ctx.random.uuid(), tenantId: user.tenantId, key: unique('role'), name: 'R', level: 9, ...row } })
  const category = await ctx.db.permissionCategory.create({ data: { id: ctx.random.uuid(), name: unique('Category'), ...row } })
  const permission = await ctx.db.permission.create({ data: { id: ctx.random.uuid(), key: unique('permission'), name: 'P', ...row } })
  const session = await ctx.db.session.create({ data: { id: ctx.random.uuid(), userId: user.id, tenantId: user.tenantId, createdAt: now, lastActiveAt: now, expiresAt: new Date(now.getTime() + 86_400_000) } })
  const email = await ctx.db.userEmail.create({ data: { id: ctx.random.uuid(), userId: user.id, email: `${unique('second')}@example.com`, verified: true, ...row } })
  const phone = await ctx.db.phoneNumber.create({ data: { id: ctx.random.uuid(), userId: user.id, phoneNumber: '+15551230000', verified: true, ...row } })
  const { username } = await ctx.db.user.update({ where: { id: user.id }, data: { username: unique('name') } })
  const group = await ctx.db.group.create({ data: { id: ctx.random.uuid(), tenantId: user.tenantId, name: 'G', ...row, roles: { create: { roleId: role.id } }, users: { create: { userId: user.id } } } })
  const domainRestriction = await ctx.db.domainRestriction.create({ data: { id: ctx.random.uuid(), tenantId: user.tenantId, domain: 'example.com', type: 'ALLOW', createdAt: now } })
  const ipRestriction = await ctx.db.ipRestriction.create({ data: { id: ctx.random.uuid(), tenantId: user.tenantId, ip: '192.0.2.1', strategy: 'ALLOW', ...row } })
  const application = await ctx.db.application.create({ data: {
    id: ctx.random.uuid(), name: 'A', appURL: 'https://a.example', loginURL: 'https://a.example/login', accessType: 'MANAGED_ACCESS', type: 'web', frontendStack: 'vue', clientSecret: 's', sharedSecret: 's', ...row,
    tenants: { create: { tenantId: user.tenantId, accessType: 'MANAGED_ACCESS', createdAt: now } }, users: { create: { userId: user.id, tenantId: user.tenantId, createdAt: now } },
  } })
  const client = await ctx.db.applicationClient.create({ data: { id: ctx.random.uuid(), applicationId: application.id, clientName: 'C', clientType: 'Agent', clientSecret: 's', ...row } })
  const migration = await ctx.db.job.create({ data: { id: ctx.random.uuid(), name: 'migrate-tenants', payload: { tenantIds: ['a'] }, runAt: now, maxAttempts: 1, state: 'done', createdAt: now, finishedAt: now } })
  const invite = await ctx.db.tenantInvite.create({ data: { id: ctx.random.uuid(), tenantId: user.tenantId, tokenHash: 'h', token: 't', shouldSendEmail: false, createdAt: now, expiresAt: now } })
  const device = { userId: user.id, createdAt: now }
  const authenticator = await ctx.db.mfaDevice.create({ data: { ...device, id: ctx.random.uuid(), kind: 'authenticator', secret: deps.secrets.seal('GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ') } })
  const mfaPhone = await ctx.db.mfaDevice.create({ data: { ...device, id: ctx.random.uuid(), kind: 'sms', phoneNumber: '+12025550199' } })
  const key = await ctx.db.mfaDevice.create({ data: { ...device, id: ctx.random.uuid(), kind: 'webauthn', credentialId: unique('key'), publicKey: 'AA', counter: 0n, deviceType: 'Platform', rpId: 'localhost' } })
  const passkey = await ctx.db.passkey.create({ data: { ...device, id: ctx.random.uuid(), credentialId: unique('passkey'), publicKey: 'AA', counter: 0n, deviceType: 'Platform', rpId: 'localhost' } })
  return { authenticatorId: authenticator.id, mfaPhoneId: mfaPhone.id, keyId: key.id, passkeyId: passkey.id, emailId: email.id, phoneId: phone.id, username: username!, inviteId: invite.id, migrationId: migration.id, appId: application.id, clientId: client.id, groupId: group.id, domainRestrictionId: domainRestriction.id, ipRestrictionId: ipRestriction.id, userId: user.id, tenantId: user.tenantId, roleId: role.id, categoryId: category.id, permissionId: permission.id, sessionId: session.id }
}
type Ids = Awaited<ReturnType<typeof furnished>>

/** Which thing a path parameter of a general name means, by the path. */
const meaning: [RegExp, keyof Ids][] = [
  [/\/application-clients\//, 'clientId'],
  [/\/applications\/v1\//, 'appId'],
  [/\/restrictions\/v1\/email-domain\//, 'domainRestrictionId'],
  [/\/restrictions\/ip\//, 'ipRestrictionId'],
  [/\/sessions\//, 'sessionId'],
  [/\/mfa\/authenticator\//, 'authenticatorId'],
  [/\/mfa\/sms\//, 'mfaPhoneId'],
  [/\/mfa\/webauthn\//, 'keyId'],
  [/\/webauthn\/v1\/devices\//, 'passkeyId'],
  [/\/phone-numbers\//, 'phoneId'],
  [/\/users\//, 'userId'],
]
/** No ids of rows of ours: words, keys and aliases. */
const words = new Set(['key', 'alias', 'type', 'provider'])

function idFor(op: Operation, name: string, ids: Ids): string {
  if (name in ids) return ids[name as keyof Ids]
  if (words.has(name)) return 'word'
  const found = meaning.find(([path]) => path.test(op.path))
  if (!found) throw new Error(`${op.id}: say in isolation.test.ts what {${name}} is`)
  return ids[found[1]]
}

/** Ids of things that all tenants share. */
const ofEnvironment = new Set([...words, 'permissionId', 'categoryId'])

/** Every row of an environment, as text: to see that nothing has changed. */
async function everythingOf(vendorId: string) {
  const { rows } = await deps.database.pool.query<{ name: string }>(`select table_name as name from information_schema.columns where column_name = 'vendorId' and table_schema = current_schema() order by 1`)
  const tables = await Promise.all(rows.map(async ({ name }) => [name, (await deps.database.pool.query(`select to_jsonb(t) as row from "${name}" t where "vendorId" = $1 order by 1`, [vendorId])).rows] as const))
  return Object.fromEntries(tables)
}

const withIds = operations.filter((op) => pathNames(op).some((name) => !words.has(name)) && op.auth !== 'public')
/** Answer for an unknown id with an empty list, as the reference does. */
const emptyForUnknown = new Set(['getTenantV1', 'getTenantV2'])

const hierarchy = ['read.subAccount', 'write.subAccount', 'write.subAccountAccess', 'write.subAccountManagement', 'delete.subAccount'].map((name) => `fe.account-hierarchy.${name}`)

/** Nothing here changes anything of theirs, so all tests share them, and one look at them beforehand. */
const shared = await (async () => {
  const theirs = await newEnvironment(), mine = await newEnvironment(), both = await newEnvironment()
  const [ids, own, neighbour] = [await furnished(theirs), await furnished(mine), await furnished(both)]
  const admin = await mine.user({ tenantId: own.tenantId, roleKeys: ['Admin'] })
  const stranger = await both.user({ permissions: ['fe.secure.*', 'fe.account-settings.delete.account', ...hierarchy] })
  return { theirs, ids, neighbour, both, managed: mine.as(own.tenantId, own.userId), admin, stranger, before: { theirs: await everythingOf(theirs.id), both: await everythingOf(both.id) } }
})()

describe.concurrent('ids of others are unknown ids', () => {
  test.for(withIds.map((op) => [op.id, op] as const))('%s does not reach into another environment', async ([, op]) => {
    const client = op.auth === 'user' ? shared.admin : shared.managed
    const answer = await client(op.method, fillPath(op, (name) => idFor(op, name, shared.ids)), sampleBody(op, true))
    if (emptyForUnknown.has(op.id)) expect(answer).toMatchObject({ status: 200, body: [] })
    else expect(answer).toMatchObject({ status: 404, body: { errors: [expect.any(String)] } })
    expect(await everythingOf(shared.theirs.id)).toEqual(shared.before.theirs)
  })

  const ofTenants = withIds.filter((op) => op.auth !== 'vendor' && op.tenant && op.tenant !== 'none' && pathNames(op).some((name) => !ofEnvironment.has(name)))
  test.for(ofTenants.map((op) => [op.id, op] as const))('%s does not reach into another tenant', async ([, op]) => {
    const answer = await shared.stranger(op.method, fillPath(op, (name) => idFor(op, name, shared.neighbour)), sampleBody(op, true))
    expect(answer).toMatchObject({ status: 404, body: { errors: [expect.any(String)] } })
    expect(await everythingOf(shared.both.id)).toEqual(shared.before.both)
  })
})
