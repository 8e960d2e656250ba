import { describe, expect, test } from 'vitest'
import type { Operation } from '../src/kernel/operation.ts'
import { deps, newEnvironment, operations, unique, type Answer, type Client } from './environment.ts'
import {
  checksumOf,
  furnished,
  idFor,
  kindOf,
  needsAccessTokens,
  ownIds,
  rowsAbout,
  wantAccessTokens,
  type Ids,
} from './furnished.ts'
import { filledBody, leavesOf, pathOf, type Leaf } from './samples.ts'

/*
 * Ids of others in bodies and queries: of another account, and of another environment. Each is put into a request that is
 * right otherwise, and answered like an id that nobody has. `isolation.test.ts` does the same for paths.
 */

/** They look like ids, by name or by schema, and are none of ours. */
const noIds: [RegExp, string][] = [
  [
    /^authenticate(Environment|ApiTokenV\d) \.clientId$|\.(sessionId|changePhoneId)$/,
    'nothing without its secret: kinds-of-tokens.test.ts',
  ],
  [/\._?externalIds?$/, 'the id of a user in another system, as management has set it'],
  [/\.key$/, 'the name of a role, permission or template: one that is taken is refused'],
  [
    /\.treatment$|^listJwtTemplatesV1 \?\.keys\[\]$/,
    'the name of a template of the environment, which need not be there',
  ],
  [/\.value\.list\[\]$/, 'what a token is compared with'],
  [/\.alias$|\.organization$/, 'the name that an account has at its public login page'],
  [/\._?(phoneNumber|usernamePrefix|usernames\[\])$/, 'what a user is found by'],
  [/^setMailConfigurationV2 \.payload\.|^setSmsConfigurationV1 |\.serviceName$/, 'settings of a provider'],
  [/^migrateUsersFromAuth0V1 |UserSourceV1 \.configuration\.(?!tenantConfig\.tenantId$)/, 'what another system has'],
  [/\.(eventKeys|events)\[\]$|^listEventConfigurationsV1 \?\.channels$/, 'keys of events; what they can be told by'],
  [
    /^grantToken \.(\w+_type|audience|client_\w+|code_verifier)$/,
    'words of OAuth; the audience is the environment or nothing, and clients prove who they are',
  ],
  [
    /^(authorize|authorizeByForm|logOutOfClient|introspectToken|revokeToken) /,
    'words of OAuth; clients prove who they are',
  ],
  [/^(setNamed|set)SocialProviderV2 |^(create|update)CustomProviderV1 /, 'ids that a login provider has given'],
  [/^(list|export)AuditsV\d /, 'what is searched for, and how columns are called'],
  [/^\w+ApprovalFlowV1 \.steps\[\]\.approverSelectors\.roleKeys\[\]$/, 'the keys of roles that need not be there'],
  [/^(getApprovalExecutionData|decideApproval)V1 /, 'ids of a link, which only its receiver knows'],
  [/^prelogin(Sso|Saml)V\d \.email$/, 'nobody is looked up'],
  [/^triggerEventV3 \.eventKey$/, 'the key of an event, which need not be known'],
  [
    /^updateEnvironment |^(create|verify)CustomDomainV2 |^createIosAppV1 /,
    'words, origins and host names; what Apple calls an app',
  ],
  [/\.color$|\.transports\[\]$|\.entityName$/, 'words'],
]

/** A new field that looks like an id is either known to `kindOf`, or listed above. */
const looksLikeId = ({ at, schema }: Leaf) =>
  schema.type === 'string' &&
  !schema.enum &&
  (/(^|[a-z])_?ids?(\[\])?$/i.test(at) ||
    /\b_?(tenant|user|member|role|group|permission|categor|app|application|session|device|account|organi[sz]ation|environment|vendor)(y|s|ies)?(\[\])?$/i.test(
      at,
    ) ||
    schema.format === 'uuid' ||
    (schema.maxLength === 255 && !schema.format && !schema.pattern))

const idsOf = (op: Operation) =>
  leavesOf(op)
    .map(({ at }) => ({ at, kind: kindOf(op, at) }))
    .filter((leaf): leaf is { at: string; kind: keyof Ids } => leaf.kind !== undefined)
const taking = operations.filter((op) => idsOf(op).length > 0)

/** What accounts share. Whether an account has an application, it may know. */
const common = new Set<keyof Ids>(['permissionId', 'categoryId', 'appId'])

/** The caller chooses the id, or may: one that nobody has is made. What other environments have is nobody's. */
const choosing = new Set([
  'createTenantV1 .tenantId',
  'createSubTenantV1 .tenantId',
  'addUserToTenantV1 .tenantId',
  'setUserTenantV1 .tenantId',
  'createPermissionCategoryV1 .id',
  'migrateTenantsV1 .tenants[]',
])
/** These leave out what is none of the caller's, as the reference does, and do the rest. */
const dropping: Record<string, string> = {
  'unassignUsersFromApplicationV1 .tenantId': 'nobody was let in there',
  'unassignUsersFromApplicationV1 .userIds[]': 'they were not let in',
  'unassignUserFromApplicationsV1 .userId': 'they were not let in',
  'unassignUserSourceV1 .appIds[]': 'they were not assigned',
  'removeUsersFromGroupV1 .userIds[]': 'they were not in the group',
  'getGroupsByIdsV1 .groupsIds[]': 'lists what it finds',
  'countUsersOfTenantsV1 .tenantIds[]': 'counts what it finds',
  'inviteUsersInBulkV1 .users[].roleIds[]': 'the task reports it',
  'migrateUsersV1 .users[].tenantId': 'the task reports it',
  'migrateUsersV1 .users[].roleIds[]': 'the task reports it',
  'migrateUsersV2 .users[].tenantId': 'the task reports it',
  'migrateUsersV2 .users[].roleIds[]': 'the task reports it',
}
/** These refuse with the 400 of the reference. */
const invalid = /roleIds\[\]$|^changeUserRolesInBulkV1 \.tenantIds|^addUsersToGroupV1 /i
/** With an environment token, these reach any account on purpose, whatever its header names. */
const reaching: Record<string, string> = {
  'createInviteV1 .userId': 'the link is for a user who is not in the account yet',
  'changeUserRolesInBulkV1 .removeRoleIds[]': 'each account loses those that it has',
  'listTenantApplicationsV1 ?.tenantIds': 'management asks for accounts by their ids',
  'listTenantApplicationsV2 ?.tenantIds': 'management asks for accounts by their ids',
}

/** An account with one of everything, an account below it, and an administrator. */
async function household(env: Awaited<ReturnType<typeof newEnvironment>>) {
  const { db, clock } = await env.context(),
    now = clock.now(),
    { tenantId, ...others } = await furnished(env),
    childId = deps.random.uuid()
  await db.tenant.create({
    data: { id: childId, rowId: deps.random.uuid(), name: 'Below', parentId: tenantId, createdAt: now, updatedAt: now },
  })
  await db.membership.create({
    data: { userId: others.userId, tenantId: childId, acceptedAt: now, createdAt: now },
  })
  return { ...others, tenantId, childId }
}
type Household = Awaited<ReturnType<typeof household>>

/** Two environments; in one of them the neighbours, and somebody whose ids are only read with. */
async function world(accessTokens: boolean) {
  const [home, abroad] = [await newEnvironment(), await newEnvironment()]
  for (const env of [home, abroad]) await wantAccessTokens(env, accessTokens)
  const [neighbour, foreigner] = [await household(home), await household(abroad)]
  const { id: readOnlyId } = await (
    await home.context()
  ).db.role.findFirstOrThrow({ where: { key: 'ReadOnly' }, select: { id: true } })
  return {
    home,
    abroad,
    neighbour,
    foreigner,
    readOnlyId,
    before: await checksumOf(abroad.id),
    neighbours: await rowsAbout(home.id, neighbour),
    reading: await household(home),
  }
}
const usual = await world(false),
  withAccessTokens = await world(true)
const worldOf = (op: Operation) => (needsAccessTokens(op) ? withAccessTokens : usual)

/** The value that is right there. */
function own(op: Operation, at: string, ids: Household) {
  const kind = kindOf(op, at)!
  if (choosing.has(`${op.id} ${at}`)) return kind === 'tenantId' ? unique('chosen') : deps.random.uuid()
  const isBelow = /sub-tenants|hierarchy/.test(op.path)
  if (kind === 'tenantId' && ((isBelow && !/parent/i.test(at)) || placing.has(`${op.id} ${at}`))) return ids.childId
  return kind === 'roleId' && isBelow ? worldOf(op).readOnlyId : ids[kind]
}
/** What has to be new there, or another account. */
const placing = new Set(['assignApplicationToTenantV1 .tenantId', 'moveUsersToTenantV1 .targetTenantId'])
/** A request that is right, but for one id. */
function request(op: Operation, ids: Household, wrong?: { at: string; id: string }) {
  const values: Record<string, unknown> = {}
  for (const { at, schema, isRequired } of leavesOf(op)) {
    if (schema.format === 'email' && (isRequired || at === '.email')) values[at] = `${unique('new')}@example.com`
    if (/\.(key|name)$/.test(at) && isRequired) values[at] = unique('name')
    // a federated server has this or others
    if (at.endsWith('.wellknownUrl')) values[at] = 'https://id.example.com'
    const isQuery = at.startsWith('?')
    if (kindOf(op, at) && (isRequired || !isQuery || at === wrong?.at)) values[at] = own(op, at, ids)
  }
  if (wrong) {
    const mine = own(op, wrong.at, ids)
    // together with one of the caller's own, where there may be several
    if (wrong.at.endsWith('[]')) values[wrong.at.slice(0, -2)] = [mine, wrong.id]
    else values[wrong.at] = /\.(_external)?(app|tenant|user)?ids$/i.test(wrong.at) ? `${mine},${wrong.id}` : wrong.id
  }
  const path = pathOf(op, (name) => (name === 'tenantId' ? own(op, '.tenantId', ids) : idFor(op, name, ids)), values)
  return [op.method, path, filledBody(op, values)] as const
}

/** Tenants, users, roles and groups are somebody else's where the call is about an account, or a user's own. */
const isOwned = (op: Operation, at: string, kind: keyof Ids, who: string) =>
  op.auth !== 'public' &&
  !(who === 'management' && `${op.id} ${at}` in reaching) &&
  !common.has(kind) &&
  ((op.tenant && op.tenant !== 'none') ||
    op.user === 'required' ||
    op.auth === 'user' ||
    (kind !== 'tenantId' && idsOf(op).some((other) => other.kind === 'tenantId' && other.at !== at)))

async function callersOf(op: Operation, { tenantId, userId, roleId }: Household): Promise<Record<string, Client>> {
  const { home } = worldOf(op)
  if (op.auth === 'public') return { anybody: home.anonymous }
  const admin = await home.newUser({ tenantId, roleKeys: ['Admin'] })
  // they give only what they have
  await (await home.context()).db.membershipRole.create({ data: { userId: admin.id, tenantId, roleId } })
  // so that the accounts below are within reach
  await (await home.context()).db.user.update({ where: { id: admin.id }, data: { subAccountAccess: true } })
  return {
    ...(op.auth !== 'user' && { management: home.as(tenantId, userId) }),
    ...(op.auth !== 'vendor' && { user: home.withToken(await home.userToken(admin, { permissions: ['*'] })) }),
  }
}
/** Who else has a role with a permission changes while other tests run. */
const masked = ({ body }: Answer, id: string) =>
  JSON.stringify(body ?? null)
    .replaceAll(id, 'id')
    .replace(/"roleIds":\[[^\]]*\]/g, '')

const cases = taking.flatMap((op) => idsOf(op).map(({ at }) => `${op.id} ${at}`))

describe.concurrent('ids of others', () => {
  test('are recognised wherever they may stand', () => {
    const strange = operations.flatMap((op) =>
      leavesOf(op)
        .filter((leaf) => looksLikeId(leaf) && !kindOf(op, leaf.at))
        .map(({ at }) => `${op.id} ${at}`)
        .filter((place) => !noIds.some(([pattern]) => pattern.test(place))),
    )
    expect(strange).toEqual([])
    const places = operations.flatMap((op) => leavesOf(op).map(({ at }) => `${op.id} ${at}`))
    expect(noIds.filter(([pattern]) => !places.some((place) => pattern.test(place)))).toEqual([])
    for (const place of [...choosing, ...placing, ...Object.keys(dropping), ...Object.keys(reaching)])
      expect(cases).toContain(place)
  })

  test.for(taking.map((op) => [op.id, op] as const))('are unknown ids to %s', async ([, op]) => {
    const { home, abroad, neighbour, neighbours, foreigner, before, reading } = worldOf(op)
    // what only reads shares one
    const ids = op.method === 'GET' ? reading : await household(home),
      callers = await callersOf(op, ids)
    for (const { at, kind } of idsOf(op))
      for (const [who, call] of Object.entries(callers)) {
        const owners = [...(isOwned(op, at, kind, who) ? [neighbour] : []), foreigner]
        await areUnknown(op, ids, call, { at, owners }, `${at}, ${who}`)
      }
    expect(await rowsAbout(home.id, neighbour)).toEqual(neighbours)
    expect(await checksumOf(abroad.id)).toBe(before)
    // and with ids of their own the request is right
    if (op.auth === 'public') return
    const answer = await (callers['management'] ?? callers['user']!)(...request(op, ids))
    expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300)
  })
})

/** The answers to ids of others are those to ids that nobody has. */
async function areUnknown(
  op: Operation,
  ids: Household,
  call: Client,
  { at, owners }: { at: string; owners: Household[] },
  said: string,
) {
  const place = `${op.id} ${at}`,
    kind = kindOf(op, at)!,
    isQuery = at.startsWith('?'),
    isChosen = choosing.has(place)
  const nobodys = deps.random.uuid(),
    unknown = isChosen ? undefined : await call(...request(op, ids, { at, id: nobodys }))
  for (const owner of owners) {
    const id = isChosen && kind === 'tenantId' ? owner.childId : owner[kind],
      answer = await call(...request(op, ids, { at, id })),
      { status } = answer
    const theirs = ownIds(owner).filter((other) => other !== id)
    expect(JSON.stringify(answer.body), said).not.toMatch(new RegExp(theirs.join('|')))
    if (status === 202) await worldOf(op).home.runJobs()
    if (!unknown) {
      expect([200, 201, 202, 409], said).toContain(status)
      continue
    }
    expect(status, said).toBe(unknown.status)
    if (isQuery || status >= 400) expect(masked(answer, id), said).toBe(masked(unknown, nobodys))
    if (op.auth === 'public') expect(status, said).toBeLessThan(500)
    else if (isQuery) expect([200, 404], said).toContain(status)
    else if (place in dropping) expect(status, said).toBeLessThan(300)
    else expect(invalid.test(place) ? [400, 404] : [404], said).toContain(status)
  }
}
