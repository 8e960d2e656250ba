import { openDatabase } from '@henhouse/database'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { cryptoRandom } from '../../src/kernel/random.ts'
import {
  deps,
  newEnvironment,
  newServer,
  operations,
  unique,
  type Answer,
  type Client,
  type TestEnvironment,
} from '../environment.ts'

/*
 * What a call costs must not grow with the statements that its lists make: one list item more is no statement more. A
 * database of its own counts them.
 */
const database = openDatabase(inject('databaseUrl'), { max: 4 }),
  below = '/identity/resources/sub-tenants/users/v1',
  belowV2 = '/identity/resources/sub-tenants/users/v2'
let env: TestEnvironment, on: Awaited<ReturnType<typeof newServer>>
let seen = 0

beforeAll(async () => {
  const { pool } = database
  pool.on('connect', (client) => {
    const query = client.query.bind(client) as (...args: unknown[]) => unknown
    ;(client as unknown as { query: typeof query }).query = (...args) => {
      seen++
      return query(...args)
    }
  })
  on = await newServer({ database })
  env = await newEnvironment(on)
})
afterAll(async () => {
  await on.http.close()
  await database.close()
})

async function statementsOf(call: () => Promise<Answer>) {
  seen = 0
  const answer = await call()
  expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300)
  return seen
}

/** A tenant with `count` tenants below it, members and roles of its own. */
async function house(count: number) {
  const top = await env.newTenant(),
    ctx = await env.context(),
    now = ctx.clock.now()
  const row = { createdAt: now, updatedAt: now },
    ids = Array.from({ length: count }, () => cryptoRandom.uuid())
  await ctx.db.tenant.createMany({
    data: ids.map((id) => ({ id, rowId: cryptoRandom.uuid(), name: id, parentId: top, ...row })),
  })
  const roleIds = ids.map(() => cryptoRandom.uuid())
  await ctx.db.role.createMany({
    data: roleIds.map((id) => ({ id, key: id, name: id, level: 9, ...row })),
  })
  const userIds = ids.map(() => cryptoRandom.uuid())
  await ctx.db.user.createMany({
    data: userIds.map((id) => ({ id, email: `${id}@example.com`, name: id, activeTenantId: top, ...row })),
  })
  await ctx.db.membership.createMany({
    data: userIds.map((userId) => ({ userId, tenantId: top, acceptedAt: now, createdAt: now })),
  })
  // who goes through the tenants below
  const visitor = await env.newUser({ tenantId: top })
  await ctx.db.membership.createMany({
    data: ids.map((tenantId) => ({ userId: visitor.id, tenantId, acceptedAt: now, createdAt: now })),
  })
  const admin = await env.user({ tenantId: top, permissions: ['fe.secure.*', 'fe.account-hierarchy.read.subAccount'] })
  await ctx.db.user.update({ where: { id: admin.id }, data: { subAccountAccess: true } })
  const application = await ctx.db.application.create({
    data: {
      id: cryptoRandom.uuid(),
      name: 'A',
      appURL: 'https://a.example',
      loginURL: 'https://a.example',
      accessType: 'FREE_ACCESS',
      type: 'web',
      frontendStack: 'vue',
      clientSecret: deps.secrets.seal('s'),
      sharedSecret: deps.secrets.seal('s'),
      ...row,
    },
  })
  return { top, ids, roleIds, userIds, visitor, admin: admin as Client, appId: application.id }
}
type House = Awaited<ReturnType<typeof house>>

/** Operations whose bodies list users, tenants or roles. */
const LISTS: Readonly<Record<string, (house: House) => Promise<Answer>>> = {
  assignUsersToApplicationV1: ({ appId, userIds, top }) =>
    env.vendor('POST', '/identity/resources/applications/v1', { appId, userIds, tenantId: top }),
  assignUsersToNamedApplicationV1: ({ appId, userIds, top }) =>
    env.vendor('POST', `/identity/resources/applications/v1/${appId}/users`, { userIds, tenantId: top }),
  unassignUsersFromApplicationV1: ({ appId, userIds, top }) =>
    env.vendor('DELETE', '/identity/resources/applications/v1', { appId, userIds, tenantId: top }),
  addRolesInSubAccountsV1: ({ admin, visitor, ids, roleIds }) =>
    admin('POST', `${below}/${visitor.id}/roles`, {
      subTenantsRoles: ids.map((tenantId) => ({ tenantId, roleIds })),
    }),
  setRolesInSubAccountsV1: ({ admin, visitor, ids, roleIds }) =>
    admin('PATCH', `${below}/${visitor.id}/roles`, {
      subTenantsRoles: ids.map((tenantId, index) => ({ tenantId, roleIds: roleIds.slice(index) })),
    }),
  removeRolesInSubAccountsV1: ({ admin, visitor, ids, roleIds }) =>
    admin('DELETE', `${below}/${visitor.id}/roles`, {
      subTenantsRoles: ids.map((tenantId) => ({ tenantId, roleIds })),
    }),
  changeUserRolesInBulkV1: ({ visitor, ids, roleIds }) =>
    env.vendor('PATCH', `/identity/resources/vendor-only/users/v1/${visitor.id}/roles/bulk`, {
      addRoleIds: roleIds,
      tenantIds: ids,
    }),
  countUsersOfTenantsV1: ({ admin, ids }) =>
    admin('POST', '/identity/resources/tenants/users/v1/count', { tenantIds: ids }),
  removeUserFromSubAccountsV1: ({ admin, visitor, ids }) =>
    admin('DELETE', below, { userId: visitor.id, subTenants: ids.map((tenantId) => ({ tenantId })) }),
}

describe('a call with a list', () => {
  test('makes no more statements for a long one than for a short one', async () => {
    const [few, many] = [await house(2), await house(40)],
      grown: Record<string, [number, number]> = {}
    for (const [id, call] of Object.entries(LISTS)) {
      const counts: [number, number] = [await statementsOf(() => call(few)), await statementsOf(() => call(many))]
      if (counts[1] > counts[0] + 2) grown[id] = counts
    }
    expect(grown).toEqual({})
  })

  test('is one of these, or its list is short, or each item is work of its own', () => {
    const listing = operations.filter((op) => op.method !== 'GET' && longest(op.body) > 20).map((op) => op.id)
    expect(listing.toSorted()).toEqual([...Object.keys(LISTS), ...Object.values(OTHERS).flat()].toSorted())
  })

  test('of newcomers costs next to nothing while one of them is there already', async () => {
    const { admin, top, visitor } = await house(2)
    const people = (count: number) => Array.from({ length: count }, () => ({ email: `${unique()}@example.com` }))
    const refused = async (count: number) => {
      seen = 0
      const users = [...people(count), { email: visitor.email }]
      expect((await admin('POST', belowV2, { users, tenantId: top })).status).toBe(409)
      return seen
    }
    const few = await refused(2)
    expect(await refused(60)).toBeLessThan(few + 3)
    expect(await (await env.context()).db.user.count({ where: { email: { startsWith: 'x-' } } })).toBe(0)
    const each = await statementsOf(() => admin('POST', belowV2, { users: people(20), tenantId: top }))
    expect(each / 20).toBeLessThan(20)
  })

  test('may name an account twice', async () => {
    const { admin, visitor, ids, roleIds } = await house(2)
    const twice = roleIds.map((id) => ({ tenantId: ids[0]!, roleIds: [id] }))
    expect((await admin('PATCH', `${below}/${visitor.id}/roles`, { subTenantsRoles: twice })).status).toBe(200)
    const { db } = await env.context()
    const held = await db.membershipRole.findMany({ where: { userId: visitor.id, tenantId: ids[0]! } })
    expect(held.map((row) => row.roleId).toSorted()).toEqual(roleIds.toSorted())
    const again = { userId: visitor.id, subTenants: [{ tenantId: ids[0]! }, { tenantId: ids[0]! }] }
    expect((await admin('DELETE', below, again)).status).toBe(200)
  })

  test('does not reach who is stronger, in whatever case their id is written', async () => {
    const { visitor, ids } = await house(2),
      weak = await env.user({ tenantId: ids[0]!, permissions: ['fe.secure.*'], level: 5 }),
      { db } = await env.context()
    const strong = await db.role.findFirstOrThrow({ where: { level: 0, tenantId: null } })
    await db.membershipRole.create({ data: { userId: visitor.id, tenantId: ids[0]!, roleId: strong.id } })
    for (const userId of [visitor.id, visitor.id.toUpperCase()])
      expect((await weak('DELETE', below, { userId, subTenants: [{ tenantId: ids[0]! }] })).status).toBe(403)
  })
})

interface Schema {
  maxItems?: number
  items?: Schema
  properties?: Record<string, Schema>
  anyOf?: Schema[]
}
/** The most items of any list in a body. */
function longest(schema: unknown): number {
  const { maxItems = 0, items, properties = {}, anyOf = [] } = (schema ?? {}) as Schema
  return Math.max(
    maxItems,
    ...[items, ...Object.values(properties), ...anyOf].map((part) => (part ? longest(part) : 0)),
  )
}
/** Operations with long lists that are not called here, by what becomes of the list. */
const OTHERS = {
  'one condition, or one insert of many rows': [
    'updateEnvironment',
    'addPermissionToRolesV1',
    'addRolesToGroupV1',
    'addUserRolesV1',
    'addUsersToGroupV1',
    'assignUserSourceV1',
    'assignUserToApplicationsV1',
    'chooseActiveTenantsV1',
    'classifyPermissionsV1',
    'createIpRestrictionsV1',
    'createPermissionsV1',
    'createRoleV2',
    'createRolesV1',
    ...['createAuth0UserSourceV1', 'createCognitoUserSourceV1', 'createCustomCodeUserSourceV1'],
    ...['createFederationUserSourceV1', 'createFirebaseUserSourceV1'],
    'createTenantAccessTokenV1',
    'createTenantApiTokenV1',
    'createTenantApiTokenV2',
    'getGroupsByIdsV1',
    'removeRolesFromGroupV1',
    'removeUserRolesV1',
    'removeUsersFromGroupV1',
    'replaceDomainRestrictionsV1',
    'setRolePermissionsV1',
    'unassignUserFromApplicationsV1',
    'unassignUserSourceV1',
    'updateMemberV1',
    'updateTenantApiTokenV1',
  ],
  'the roles of a newcomer: one condition, one insert': [
    'addMemberV1',
    'createInviteV1',
    'createUserInviteV2',
    'createUserV1',
    'createUserV2',
    'createVendorUserV1',
    'migrateUserV1',
  ],
  'a value that is stored, or not looked at': [
    'createApplicationClient',
    'createApprovalFlowV1',
    'createCaptchaPolicyV1',
    'createEventConfigurationV1',
    'createJwtTemplateTargetingV1',
    'createPasskeyV1',
    'createWebhook',
    'enrolWebauthnAtLoginV1',
    'enrolWebauthnV1',
    'exportAuditsV1',
    'exportAuditsV2',
    'replaceCaptchaPolicyV1',
    'replaceJwtTemplateTargetingV1',
    'setMetadata',
    'setNamedSocialProviderV2',
    'setSocialProviderV2',
    'signUpV1',
    'signUpWithPhoneNumberV1',
    'signUpWithUsernameV1',
    'updateApplicationClient',
    'updateFederationUserSourceV1',
    'updateApprovalFlowV1',
    'updateJwtTemplateTargetingV1',
    'updateWebhook',
  ],
  'a job does it, one after the other': ['inviteUsersInBulkV1', 'migrateTenantsV1'],
  'a job does it, a hundred at once': ['migrateUsersV1', 'migrateUsersV2'],
  // at most a hundred
  'users are made, and mails written, one after the other': ['addUserToSubAccountsV1', 'addUsersToSubAccountV2'],
} as const
