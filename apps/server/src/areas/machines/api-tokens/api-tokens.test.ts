import { describe, expect, test } from 'vitest'
import { newEnvironment, unique, UNKNOWN_ID, type Client, type TestEnvironment } from '../../../../test/environment.ts'
import { MINUTE } from '../../../kernel/clock.ts'
import { fingerprint } from '../../../kernel/random.ts'

const identity = '/identity/resources',
  v1 = `${identity}/tenants/api-tokens/v1`,
  v2 = `${identity}/tenants/api-tokens/v2`,
  mine = `${identity}/users/api-tokens/v1`,
  configuration = `${identity}/configurations/v1`
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const disabled = { status: 403, body: { errors: ['Api tokens are disabled'] } }

const tokenOf = async (client: Client, body: object = {}) => {
  const answer = await client('POST', v2, body)
  expect(answer.status, JSON.stringify(answer.body)).toBe(201)
  return answer.body as { clientId: string; secret: string; roleIds: string[]; permissionIds: string[] }
}
const roleId = async (env: TestEnvironment, key: string) =>
  (await (await env.context()).db.role.findFirstOrThrow({ where: { key } })).id
const permissionIds = async (env: TestEnvironment, ...keys: string[]) =>
  (await (await env.context()).db.permission.findMany({ where: { key: { in: keys } } })).map(({ id }) => id)
const newRole = async (env: TestEnvironment, keys: string[], level = 0, tenantId?: string) => {
  const [{ id }] = (await env.as(tenantId)('POST', `${identity}/roles/v1`, [{ key: unique('role'), name: 'R', level }]))
    .body
  await env.as(tenantId)('PUT', `${identity}/roles/v1/${id}/permissions`, {
    permissionIds: await permissionIds(env, ...keys),
  })
  return id as string
}
const logsIn = async (env: TestEnvironment, { clientId, secret }: { clientId: string; secret: string }) =>
  (await env.anonymous('POST', `${identity}/auth/v2/api-token`, { clientId, secret })).status

describe.concurrent("an account's API token", () => {
  test.for([v1, v2])('is made with its secret, which is shown only then: %s', async (path) => {
    const env = await newEnvironment(),
      admin = await env.user({ roleKeys: ['Admin'] }),
      readOnly = await roleId(env, 'ReadOnly')
    const now = await env.clock.now()
    await env.clock.freeze(now)
    const { status, body } = await admin('POST', path, {
      description: 'nightly',
      metadata: { team: 'hens', nested: { eggs: [1, 2] } },
      roleIds: [readOnly],
      expiresInMinutes: 5,
    })
    expect(status).toBe(201)
    const shown = {
      clientId: expect.stringMatching(UUID),
      description: 'nightly',
      metadata: { team: 'hens', nested: { eggs: [1, 2] } },
      tenantId: admin.tenantId,
      createdByUserId: admin.id,
      roleIds: [readOnly],
      permissionIds: [],
      createdAt: now.toISOString(),
      expires: new Date(now.getTime() + 5 * MINUTE).toISOString(),
    }
    expect(body).toEqual({ ...shown, secret: expect.stringMatching(UUID) })
    expect((await admin('GET', v1)).body).toEqual([shown])
    const row = await (await env.context()).db.apiToken.findFirstOrThrow()
    expect(row.secretHash).toBe(fingerprint(body.secret as string))
    expect(JSON.stringify(row)).not.toContain(body.secret)
  })

  test('needs nothing: without an end it does not expire, and without rights it may do nothing', async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant()
    const { status, body } = await env.as(tenantId)('POST', v2, {})
    expect(status).toBe(201)
    expect(body).toMatchObject({
      description: null,
      metadata: {},
      createdByUserId: null,
      roleIds: [],
      permissionIds: [],
      expires: null,
    })
    await env.clock.advance(20 * 365 * 86_400_000)
    expect(await logsIn(env, body)).toBe(200)
  })

  test('has permissions only if it has no roles', async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant(),
      admin = await roleId(env, 'Admin'),
      [read] = await permissionIds(env, 'fe.secure.read.users')
    expect(await tokenOf(env.as(tenantId), { permissionIds: [read, read] })).toMatchObject({ permissionIds: [read] })
    expect(await tokenOf(env.as(tenantId), { roleIds: [admin, admin], permissionIds: [read] })).toMatchObject({
      roleIds: [admin],
      permissionIds: [],
    })
  })

  test('is listed in its account only, the oldest first, and not among the personal ones', async () => {
    const env = await newEnvironment(),
      user = await env.user({ roleKeys: ['Admin'] }),
      elsewhere = await env.newTenant()
    const made: string[] = []
    for (let i = 0; i < 3; i++) {
      made.push((await tokenOf(user)).clientId)
      await env.clock.advance(1000)
    }
    await tokenOf(env.as(elsewhere))
    const personal = (await user('POST', mine, {})).body.clientId as string
    const ids = async (path: string) =>
      (await user('GET', path)).body.map(({ clientId }: { clientId: string }) => clientId)
    expect(await ids(v1)).toEqual(made)
    expect(await ids(mine)).toEqual([personal])
    for (const [path, id] of [
      [v1, personal],
      [mine, made[0]],
    ])
      expect((await user('DELETE', `${path}/${id}`)).status).toBe(404)
  })

  test('is changed in what is given, and keeps the rest and its secret', async () => {
    const env = await newEnvironment(),
      admin = await env.user({ roleKeys: ['Admin'] }),
      [readOnly, all] = [await roleId(env, 'ReadOnly'), await roleId(env, 'Admin')],
      [read] = await permissionIds(env, 'fe.secure.read.users')
    const token = await tokenOf(admin, { description: 'a', metadata: { a: 1 }, roleIds: [readOnly] })
    const change = async (body: object) => {
      const answer = await admin('PATCH', `${v1}/${token.clientId}`, body)
      expect(answer.status).toBe(200)
      expect(answer.body).not.toHaveProperty('secret')
      expect((await admin('GET', v1)).body).toEqual([answer.body])
      return answer.body
    }
    expect(await change({})).toMatchObject({ description: 'a', metadata: { a: 1 }, roleIds: [readOnly] })
    expect(await change({ description: 'b' })).toMatchObject({
      description: 'b',
      metadata: { a: 1 },
      roleIds: [readOnly],
    })
    expect(await change({ metadata: { b: 2 } })).toMatchObject({ description: 'b', metadata: { b: 2 } })
    expect(await change({ roleIds: [all] })).toMatchObject({ roleIds: [all], permissionIds: [] })
    expect(await change({ permissionIds: [read] })).toMatchObject({ roleIds: [], permissionIds: [read] })
    expect(await change({ roleIds: [] })).toMatchObject({ roleIds: [], permissionIds: [] })
    expect(await logsIn(env, token)).toBe(200)
  })

  test('is gone when it is deleted', async () => {
    const env = await newEnvironment(),
      admin = await env.user({ roleKeys: ['Admin'] }),
      token = await tokenOf(admin)
    expect(await admin('DELETE', `${v1}/${token.clientId}`)).toMatchObject({ status: 200, body: null })
    expect((await admin('DELETE', `${v1}/${token.clientId}`)).status).toBe(404)
    expect((await admin('PATCH', `${v1}/${token.clientId}`, { description: 'x' })).status).toBe(404)
    expect((await admin('GET', v1)).body).toEqual([])
    expect(await logsIn(env, token)).toBe(401)
  })

  test('loses a role or permission that is deleted, or given to another account', async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant(),
      [kept, doomed, moved] = [await newRole(env, []), await newRole(env, []), await newRole(env, [])]
    const { clientId } = await tokenOf(env.as(tenantId), { roleIds: [kept, doomed, moved] })
    const rolesLeft = async () =>
      (await env.as(tenantId)('GET', v1)).body.find((one: { clientId: string }) => one.clientId === clientId)
        .roleIds as string[]
    await env.vendor('DELETE', `${identity}/roles/v1/${doomed}`)
    expect((await rolesLeft()).toSorted()).toEqual([kept, moved].toSorted())
    await env.vendor('PUT', `${identity}/roles/v1/${moved}/tenant`, { tenantId: await env.newTenant() })
    await (await env.context()).db.role.updateMany({ where: { id: moved }, data: { tenantId: null } })
    expect(await rolesLeft()).toEqual([kept])
  })

  test.for([
    [
      'a role of another account',
      async (env: TestEnvironment) => [await newRole(env, [], 0, await env.newTenant()), 400],
    ],
    ['an unknown role', async () => [UNKNOWN_ID, 400]],
    ['no id of a role', async () => ['admin', 400]],
  ] as const)('is refused %s, by users and management', async ([, which]) => {
    const env = await newEnvironment(),
      admin = await env.user({ roleKeys: ['Admin'] }),
      [id, status] = await which(env),
      token = await tokenOf(admin)
    for (const client of [admin, env.as(admin.tenantId)]) {
      expect((await client('POST', v2, { roleIds: [id] })).status).toBe(status)
      expect((await client('PATCH', `${v1}/${token.clientId}`, { roleIds: [id] })).status).toBe(status)
    }
    expect((await admin('GET', v1)).body).toMatchObject([{ roleIds: [] }])
  })

  test('is refused an unknown permission', async () => {
    const env = await newEnvironment(),
      tenant = env.as(await env.newTenant())
    for (const id of [UNKNOWN_ID, 'fe.secure.*', (await permissionIds(await newEnvironment(), 'fe.secure.*'))[0]])
      expect((await tenant('POST', v2, { permissionIds: [id] })).status).toBe(404)
  })

  test.for<[string, object]>([
    ['no time at all', { expiresInMinutes: 0 }],
    ['a time beyond all dates', { expiresInMinutes: 1e12 }],
    ['a time as text', { expiresInMinutes: '5' }],
    ['metadata as text', { metadata: 'text' }],
    ['a list as metadata', { metadata: [] }],
    ['too much metadata', { metadata: { much: 'x'.repeat(8200) } }],
    ['a number as description', { description: 7 }],
    ['roles that are no list', { roleIds: 'x' }],
    ['too many roles', { roleIds: Array.from({ length: 1001 }, () => UNKNOWN_ID) }],
  ])('is refused with %s', async ([, body]) => {
    const env = await newEnvironment()
    expect((await env.as(await env.newTenant())('POST', v2, body)).status).toBe(400)
  })
})

describe.concurrent('a user makes no token that may do more than they', () => {
  const writing = ['fe.secure.write.tenantApiTokens', 'fe.secure.read.tenantApiTokens']

  test('by a role that is stronger', async () => {
    const env = await newEnvironment(),
      weak = await env.user({ permissions: ['fe.secure.*'], level: 5 }),
      [equal, stronger] = [await newRole(env, [], 5), await newRole(env, [], 4)]
    const tooStrong = { status: 403, body: { errors: ['The role is stronger than your own'] } }
    const token = await tokenOf(weak, { roleIds: [equal] })
    expect(await weak('POST', v2, { roleIds: [equal, stronger] })).toMatchObject(tooStrong)
    expect(await weak('PATCH', `${v1}/${token.clientId}`, { roleIds: [stronger] })).toMatchObject(tooStrong)
    await env.vendor('POST', configuration, { restrictEqualLevelRoleAssignment: true })
    expect(await weak('POST', v2, { roleIds: [equal] })).toMatchObject({
      status: 403,
      body: { errors: ['The role is not weaker than your own'] },
    })
  })

  test('by a role of the same strength with permissions that they do not have', async () => {
    const env = await newEnvironment(),
      user = await env.user({ permissions: [...writing, 'fe.secure.read.*'] })
    const lacking = (key: string) => ({
      status: 403,
      body: { errors: [`Permission ${key} can be passed on only by who has it`] },
    })
    expect(await user('POST', v2, { roleIds: [await newRole(env, ['fe.secure.delete.users'])] })).toMatchObject(
      lacking('fe.secure.delete.users'),
    )
    expect(await user('POST', v2, { roleIds: [await newRole(env, ['fe.secure.*'])] })).toMatchObject(
      lacking('fe.secure.*'),
    )
    await tokenOf(user, { roleIds: [await newRole(env, ['fe.secure.read.users', ...writing])] })
  })

  test("by a permission that they do not have, the application's own among them", async () => {
    const env = await newEnvironment()
    const [held, other, never] = (
      await env.vendor(
        'POST',
        `${identity}/permissions/v1`,
        ['eggs.read', 'eggs.sell', 'eggs.burn'].map((key) => ({
          key,
          name: key,
          assignmentType: key === 'eggs.burn' ? 'NEVER' : 'ALWAYS',
        })),
      )
    ).body as { id: string }[]
    const user = await env.user({ permissions: [...writing, 'eggs.read', 'eggs.burn'] })
    expect((await user('POST', v2, { permissionIds: [held!.id, other!.id] })).status).toBe(403)
    expect((await user('POST', v2, { permissionIds: [never!.id] })).status).toBe(403)
    const [all] = await permissionIds(env, 'fe.secure.*')
    expect((await user('POST', v2, { permissionIds: [all] })).status).toBe(403)
    const token = await tokenOf(user, { permissionIds: [held!.id] })
    expect((await user('PATCH', `${v1}/${token.clientId}`, { permissionIds: [all] })).status).toBe(403)
    expect((await user('GET', v1)).body).toMatchObject([{ permissionIds: [held!.id] }])
  })

  test('by a token from before they lost a role', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ permissions: writing }),
      client = env.withToken(await env.userToken(user, { permissions: ['*'] })),
      ids = await permissionIds(env, 'fe.secure.delete.users')
    const lacking = { errors: ['Permission fe.secure.delete.users can be passed on only by who has it'] }
    expect(await client('POST', v2, { permissionIds: ids })).toMatchObject({ status: 403, body: lacking })
    const roleIds = [await newRole(env, ['fe.secure.delete.users'])]
    expect(await client('POST', v2, { roleIds })).toMatchObject({ status: 403, body: lacking })
    await tokenOf(client, { permissionIds: await permissionIds(env, ...writing) })
  })

  test('by changing what a stronger one says', async () => {
    const env = await newEnvironment(),
      user = await env.user({ permissions: writing, level: 3 }),
      [strong, able] = [
        await tokenOf(env.as(user.tenantId), { roleIds: [await newRole(env, [], 1)] }),
        await tokenOf(env.as(user.tenantId), { permissionIds: await permissionIds(env, 'fe.secure.*') }),
      ]
    for (const { clientId } of [strong, able])
      for (const body of [{ metadata: { admin: true } }, { roleIds: [] }])
        expect((await user('PATCH', `${v1}/${clientId}`, body)).status).toBe(403)
    for (const row of (await user('GET', v1)).body) expect(row.metadata).toEqual({})
  })
})

describe.concurrent("a user's own API token", () => {
  test('is made, listed and deleted by the user alone', async () => {
    const env = await newEnvironment(),
      user = await env.user({ permissions: ['fe.secure.*'] }),
      colleague = await env.user({ tenantId: user.tenantId, roleKeys: ['Admin'] })
    const { status, body } = await user('POST', mine, {
      description: 'laptop',
      metadata: { a: 1 },
      expiresInMinutes: 60,
    })
    expect(status).toBe(201)
    const { secret, ...shown } = body
    expect(body).toEqual({
      clientId: expect.stringMatching(UUID),
      secret: expect.stringMatching(UUID),
      description: 'laptop',
      metadata: { a: 1 },
      createdAt: expect.any(String),
      expires: new Date(new Date(shown.createdAt as string).getTime() + 60 * MINUTE).toISOString(),
    })
    expect((await user('GET', mine)).body).toEqual([shown])
    expect((await colleague('GET', mine)).body).toEqual([])
    expect((await colleague('DELETE', `${mine}/${shown.clientId}`)).status).toBe(404)
    expect(await user('DELETE', `${mine}/${shown.clientId}`)).toMatchObject({ status: 200, body: null })
    expect(await logsIn(env, { clientId: shown.clientId, secret })).toBe(401)
  })

  test('may last ten years at most', async () => {
    const env = await newEnvironment(),
      user = await env.user({ roleKeys: ['Admin'] })
    expect((await user('POST', mine, { expiresInMinutes: 5_256_001 })).status).toBe(400)
    expect((await user('POST', mine, { expiresInMinutes: 5_256_000 })).status).toBe(201)
  })

  test('is made by management in the name of a member only', async () => {
    const env = await newEnvironment(),
      user = await env.newUser(),
      stranger = await env.newUser()
    expect((await env.as(user.tenantId, user.id)('POST', mine, {})).status).toBe(201)
    const inTheirName = env.as(user.tenantId, stranger.id),
      notFound = { status: 404, body: { errors: ['User not found'] } }
    expect(await inTheirName('POST', mine, {})).toMatchObject(notFound)
    expect(await inTheirName('GET', mine)).toMatchObject(notFound)
    expect((await env.as(user.tenantId, user.id)('GET', mine)).body).toHaveLength(1)
  })

  test('is not for users who come down from an account above', async () => {
    const env = await newEnvironment(),
      admin = await env.user({ roleKeys: ['Admin'] })
    const below = (
      await env.vendor('POST', '/tenants/resources/tenants/v1', { name: 'Below', parentTenantId: admin.tenantId })
    ).body.tenantId as string
    await env.vendor('PUT', `${identity}/sub-tenants/users/v1/${admin.id}/access`, { allowAccess: true })
    const down = env.withToken(await env.userToken({ id: admin.id, tenantId: below }))
    expect((await down('GET', mine)).body).toEqual([])
    expect(await down('POST', mine, {})).toMatchObject({ status: 404, body: { errors: ['User not found'] } })
  })

  test.for<[string, (env: TestEnvironment, user: { id: string; tenantId: string }) => Promise<unknown>]>([
    ['the user', (env, { id }) => env.vendor('DELETE', `${identity}/users/v1/${id}`)],
    ['their membership', (env, { id, tenantId }) => env.as(tenantId)('DELETE', `${identity}/users/v1/${id}`)],
    ['the account', (env, { tenantId }) => env.vendor('DELETE', `/tenants/resources/tenants/v1/${tenantId}`)],
  ])('goes with %s, and does not come back with another membership', async ([, happens]) => {
    const env = await newEnvironment(),
      user = await env.newUser(),
      ctx = await env.context(),
      now = ctx.clock.now()
    await ctx.db.membership.create({
      data: { userId: user.id, tenantId: await env.newTenant(), acceptedAt: now, createdAt: now },
    })
    const token = (await env.as(user.tenantId, user.id)('POST', mine, {})).body
    expect(await logsIn(env, token)).toBe(200)
    await happens(env, user)
    expect(await ctx.db.apiToken.count()).toBe(0)
    expect(await ctx.db.apiRefreshToken.count()).toBe(0)
    if (await ctx.db.tenant.findFirst({ where: { id: user.tenantId } }))
      if (await ctx.db.user.findFirst({ where: { id: user.id } }))
        await ctx.db.membership.create({
          data: { userId: user.id, tenantId: user.tenantId, acceptedAt: now, createdAt: now },
        })
    expect(await logsIn(env, token)).toBe(401)
  })
})

describe.concurrent('where an environment has no API tokens', () => {
  test.for([{ apiTokensEnabled: false }, { machineToMachineAuthStrategy: 'AccessToken' }])(
    'none is made, and those that there are can still be seen and deleted: %j',
    async (settings) => {
      const env = await newEnvironment(),
        admin = await env.user({ roleKeys: ['Admin'] }),
        token = await tokenOf(admin)
      await env.vendor('POST', configuration, settings)
      for (const path of [v1, v2, mine]) expect(await admin('POST', path, {})).toMatchObject(disabled)
      const { body } = await admin('POST', v2, {})
      expect(body).toEqual(disabled.body)
      expect((await admin('GET', v1)).body).toHaveLength(1)
      expect((await admin('DELETE', `${v1}/${token.clientId}`)).status).toBe(200)
    },
  )
})

test('an account has a thousand API tokens at most, and so has each of its members, also by calls at once', async () => {
  const env = await newEnvironment(),
    user = await env.newUser({ permissions: ['fe.secure.*'] }),
    { db, random, clock } = await env.context()
  const as = env.as(user.tenantId, user.id)
  for (const [url, userId] of [
    [v2, null],
    [mine, user.id],
  ] as const) {
    await db.apiToken.createMany({
      data: Array.from({ length: 998 }, () => ({
        ...{ id: random.uuid(), tenantId: user.tenantId, userId, secretHash: unique(), createdAt: clock.now() },
      })),
    })
    const answers = await Promise.all(Array.from({ length: 6 }, () => as('POST', url, {})))
    expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 201, 400, 400, 400, 400])
    expect(answers.find(({ status }) => status === 400)!.body.errors).toEqual([
      'There are as many API tokens as there may be',
    ])
    expect(await db.apiToken.count({ where: { tenantId: user.tenantId, userId } })).toBe(1000)
  }
  expect((await env.as(await env.newTenant())('POST', v2, {})).status).toBe(201)
})
