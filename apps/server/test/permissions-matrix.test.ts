import { describe, expect, test } from 'vitest'
import { builtInCategories } from '../src/areas/environments/built-in.ts'
import { needs } from '../src/areas/rights/permissions/permissions.keys.ts'
import type { Operation } from '../src/kernel/operation.ts'
import { newEnvironment, operations, UNKNOWN_ID, type Client } from './environment.ts'
import { everythingOf, furnished, idFor, type Ids } from './furnished.ts'
import { fillPath, pathNames, sampleBody } from './samples.ts'
import { claimsOf } from './second-factors.ts'

/** The operations for user tokens, from the registry, so that a new one is covered at once. */
const selfService = operations.filter((op) => op.auth === 'both' || op.auth === 'user')
const gated = selfService.filter((op) => op.permission).map((op) => [op.id, op] as const)
const missing = (op: Operation) => ({
  status: 403,
  body: { errors: [`Missing permission ${op.permission}`], errorCode: 'ER-00008' },
})
const call = (client: Client, op: Operation, id: (name: string) => string) =>
  client(op.method, fillPath(op, id), sampleBody(op, true))

/** `fe.secure.read.users` → `fe.secure.read.*`, `fe.secure.*`, `fe.*`, `*` */
const wildcards = (key: string) =>
  key
    .split('.')
    .map((_, i, words) => [...words.slice(0, i), '*'].join('.'))
    .toReversed()
/** Keys that resemble the needed one, but do not grant it. */
const nearMisses = (key: string) => {
  const words = key.split('.'),
    last = words.at(-1)!
  const others = Object.values(needs)
    .flatMap((group) => Object.values(group))
    .filter((other) => other !== key)
  return [
    ...others,
    key.slice(0, -1),
    `${key}s`,
    `${key}.*`,
    key.toUpperCase(),
    words.slice(0, -1).join('.'),
    last,
    '',
    '.*',
    `${words.slice(0, -1).join('.')}.x*`,
  ]
}

const { env, ids } = await (async () => {
  const env = await newEnvironment()
  return { env, ids: await furnished(env) }
})()
const holder = { id: ids.userId, tenantId: ids.tenantId }
const sessionId = String(claimsOf(await env.userToken(holder))['sid'])
const before = await everythingOf(env.id)
const holding = async (permissions: string[]) =>
  env.withToken(await env.userToken({ ...holder, sessionId }, { permissions }))

/** Operations that are not only about the caller, and still open to every user. */
const openToAll = new Set([
  'getConfigurationV1',
  'getInviteConfigurationV1',
  'getTemporaryUsersConfigurationV1',
  'getUserEmailsPolicyV1',
  'listSocialProvidersForUserV2', // as everybody sees them
  'listMfaStrategiesV1', // pages need it to show themselves
  'createTokenForTenantV3',
  'generateStepUpV1', // about the caller's own tokens
  'getUserEntitlementsV2', // the caller's own permissions
  'deleteUsernameV1',
  'listApplicationsOfUserV1', // the service demands the permission for other users
])

describe.concurrent('the table of permissions', () => {
  test('names only built-in ones, each once, and operations use all of them', () => {
    const builtIn = new Set(builtInCategories.flatMap((category) => category.permissions))
    const keys = Object.values(needs).flatMap((group) => Object.values(group) as string[])
    expect(keys.filter((key) => !builtIn.has(key))).toEqual([])
    expect(new Set(keys).size).toBe(keys.length)
    const asked = new Set(selfService.map((op) => op.permission))
    expect(keys.filter((key) => !asked.has(key))).toEqual([])
    expect([...asked].filter((key) => key !== undefined && !keys.includes(key))).toEqual([])
  })

  test('operations without a permission are about the caller, except for a few', () => {
    const open = selfService.filter((op) => !op.permission && op.user !== 'required').map((op) => op.id)
    expect(open.toSorted()).toEqual([...openToAll].toSorted())
  })

  test('reading operations need a read permission, and writing ones never do', () => {
    const reading = new Set<string>([
      'countUsersOfTenantsV1',
      'exportAuditsV1',
      'exportAuditsV2',
      'getGroupsByIdsV1',
      'verifyIpV1',
      'verifyIpInAllowListV1',
    ])
    const wrong = gated.filter(
      ([id, { method, permission }]) => permission!.includes('.read.') !== (method === 'GET' || reading.has(id)),
    )
    expect(wrong.map(([id]) => id)).toEqual([])
  })
})

describe.concurrent('a user without the permission', () => {
  test.for(gated)('%s refuses a user with all other permissions, and changes nothing', async ([, op]) => {
    const own = (name: string) => idFor(op, name, ids)
    for (const held of [[], nearMisses(op.permission!)])
      expect(await call(await holding(held), op, own)).toMatchObject(missing(op))
    expect(await everythingOf(env.id)).toEqual(before)
  })
})

describe.concurrent('a user with the permission', () => {
  test.for(gated)(
    '%s lets it in by the key, by a wildcard, and by a role where the token has no permissions',
    async ([, op]) => {
      const { open } = await opened
      const made = await open.newUser({ permissions: [op.permission!] }),
        plain = await open.newUser({ tenantId: made.tenantId })
      const client = async (claims: object, who = made) => open.withToken(await open.userToken(who, claims))
      expect(await call(await client({}, plain), op, () => UNKNOWN_ID)).toMatchObject(missing(op))
      expect(await call(await client({}), op, () => UNKNOWN_ID)).not.toMatchObject(missing(op))
      for (const permissions of [[op.permission!], ...wildcards(op.permission!).map((key) => [key])]) {
        // somebody else each time: one of these operations deletes the caller's tenant
        const { status, body } = await call(await client({ permissions }, await open.newUser()), op, () => UNKNOWN_ID)
        expect([status, body], permissions.join()).not.toEqual([403, missing(op).body])
        expect(status, permissions.join()).not.toBe(401)
        expect(status, permissions.join()).toBeLessThan(500)
      }
    },
  )
})
const opened = newEnvironment().then((open) => ({ open }))

/** Fills in a sample body's fields about users, roles and levels. */
const named = (body: unknown, ids: Ids): unknown => {
  if (Array.isArray(body)) return body.map((item) => named(item, ids))
  if (typeof body !== 'object' || body === null) return body
  const values: Record<string, unknown> = {
    level: 1,
    permissionIds: [],
    appIds: [ids.appId],
    tenantId: ids.tenantId,
    email: 'newcomer@example.com',
  }
  // users choose no passwords for others
  const fields = Object.entries(body).filter(([name]) => name !== 'password')
  return Object.fromEntries(
    fields.map(([name, value]) => {
      if (/role_?ids$/i.test(name)) return [name, [ids.roleId]]
      if (/roleId$/i.test(name)) return [name, ids.roleId]
      if (name === 'id' && 'roleIds' in body) return [name, ids.userId]
      if (/^userIds?$/.test(name)) return [name, name === 'userId' ? ids.userId : [ids.userId]]
      return [name, values[name] ?? named(value, ids)]
    }),
  )
}
const ladder = await (async () => {
  const env = await newEnvironment(),
    ids = await furnished(env)
  await (await env.context()).db.role.updateMany({ where: { id: ids.roleId }, data: { level: 1 } })
  await env.vendor('PUT', '/identity/resources/users/temporary/v1/configuration', { enabled: true })
  const weak = await env.newUser({ tenantId: ids.tenantId, permissions: ['fe.secure.read.users'], level: 9 })
  const client = env.withToken(await env.userToken(weak, { permissions: ['*'] }))
  return { env, ids, client, before: await everythingOf(env.id) }
})()
/** These give nothing to anybody, and take nothing away. */
const harmless = new Set(['updateGroupV1', 'resendMemberMailV1'])
const aboutStrength = gated.filter(([id, op]) => {
  const strong = [ladder.ids.userId, ladder.ids.roleId, ladder.ids.groupId],
    body = sampleBody(op, true)
  const inPath = pathNames(op).some((name) => strong.includes(idFor(op, name, ladder.ids)))
  return (
    op.method !== 'GET' &&
    !harmless.has(id) &&
    (inPath ||
      JSON.stringify(named(body, ladder.ids)) !==
        JSON.stringify(named(body, { ...ladder.ids, userId: '', roleId: '' })))
  )
})

describe.concurrent('a user with every permission and a weak role', () => {
  test('is tested in many operations', () => {
    expect(aboutStrength.length).toBeGreaterThan(20)
  })

  test.for(aboutStrength)('%s refuses what is stronger than the user, and changes nothing', async ([, op]) => {
    const { env, ids, client } = ladder
    const answer = await client(
      op.method,
      fillPath(op, (name) => idFor(op, name, ids)),
      named(sampleBody(op, true), ids),
    )
    expect(answer).toMatchObject({ status: 403, body: { errors: [expect.stringMatching(/stronger than your own$/)] } })
    expect(await everythingOf(env.id)).toEqual(ladder.before)
  })
})
