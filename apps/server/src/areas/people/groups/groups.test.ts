import { describe, expect, test } from 'vitest'
import { newEnvironment, UNKNOWN_ID, type Client, type TestEnvironment } from '../../../../test/environment.ts'
import { rightsOf } from '../users/user-rights.service.ts'
import * as held from '../../rights/held/held.service.ts'

const url = '/identity/resources/groups/v1'
const all = '_groupsRelations=rolesAndUsers'
const every = ['fe.secure.read.*', 'fe.secure.write.*', 'fe.secure.delete.*']

async function newGroup(client: Client, name = 'Editors', more: object = {}) {
  const { status, body } = await client('POST', url, { name, ...more })
  expect(status).toBe(201)
  return body.id as string
}
async function newRole(env: TestEnvironment, key: string, level = 0, tenantId?: string, permissionKeys: string[] = []) {
  const [role] = (await env.as(tenantId)('POST', '/identity/resources/roles/v1', [{ key, name: key, level }])).body
  if (permissionKeys.length) {
    const permissions = (await env.vendor('GET', '/identity/resources/permissions/v1')).body.filter(
      (p: { key: string }) => permissionKeys.includes(p.key),
    )
    expect(
      (
        await env.vendor('PUT', `/identity/resources/roles/v1/${role.id}/permissions`, {
          permissionIds: permissions.map((p: { id: string }) => p.id),
        })
      ).status,
    ).toBe(200)
  }
  return role.id as string
}
const keysOf = async (env: TestEnvironment, { id, tenantId }: { id: string; tenantId: string }) =>
  held.keysOf(await env.context(), id, tenantId)
const setConfiguration = async (env: TestEnvironment, body: object) =>
  expect(await env.vendor('POST', `${url}/config`, body)).toMatchObject({ status: 201, body: null })
const names = ({ body }: { body: any }) => (body.groups ?? body.items).map((g: { name: string }) => g.name)
const ids = (rows: { id: string }[]) => rows.map((row) => row.id)

describe.concurrent('groups', () => {
  test('a new group has the given details, or default ones', async () => {
    const env = await newEnvironment()
    const tenant = await env.newTenant()
    const plain = await env.as(tenant)('POST', url, { name: 'Plain' })
    expect(plain).toMatchObject({
      status: 201,
      body: { name: 'Plain', description: '', metadata: '{}', roles: [], users: [], managedBy: 'frontegg' },
    })
    expect(plain.body.color).toMatch(/^#[0-9A-F]{6}$/)
    const full = { name: 'Full', color: '#00FF00', description: 'With all of it', metadata: '{"a":1}' }
    const { body } = await env.as(tenant)('POST', url, full)
    expect(await env.as(tenant)('GET', `${url}/${body.id}`)).toMatchObject({
      status: 200,
      body: { ...full, createdAt: body.createdAt, updatedAt: body.createdAt },
    })
  })

  test('invalid input is refused, and creates nothing', async () => {
    const env = await newEnvironment()
    const client = env.as(await env.newTenant())
    expect(await client('POST', url, {})).toMatchObject({
      status: 400,
      body: { errors: ['name should not be empty', 'name must be a string'] },
    })
    expect((await client('POST', url, { name: '' })).status).toBe(400)
    expect((await client('POST', url, { name: 'n'.repeat(256) })).status).toBe(400)
    for (const metadata of ['no json', '[1]', '7', 'null'])
      expect((await client('POST', url, { name: 'M', metadata })).status).toBe(400)
    expect((await client('GET', url)).body).toEqual({ groups: [] })
    const id = await newGroup(client)
    expect((await client('PATCH', `${url}/${id}`, { name: 'New', metadata: 'no json' })).status).toBe(400)
    expect((await client('GET', `${url}?_groupsRelations=friends`)).status).toBe(400)
    expect(names(await client('GET', url))).toEqual(['Editors'])
  })

  test('an update changes only the fields it names, and answers the whole group', async () => {
    const env = await newEnvironment()
    const member = await env.newUser()
    const client = env.as(member.tenantId),
      id = await newGroup(client, 'Old', { description: 'stays', color: '#111111' })
    const roleId = await newRole(env, 'r')
    await client('POST', `${url}/${id}/roles`, { roleIds: [roleId] })
    await client('POST', `${url}/${id}/users`, { userIds: [member.id] })
    await env.clock.advance(60_000)
    const changed = await client('PATCH', `${url}/${id}`, { name: 'New', metadata: '{"b":2}' })
    expect(changed).toMatchObject({
      status: 200,
      body: {
        id,
        name: 'New',
        description: 'stays',
        color: '#111111',
        metadata: '{"b":2}',
        roles: [{ id: roleId }],
        users: [{ id: member.id }],
      },
    })
    expect(changed.body.updatedAt > changed.body.createdAt).toBe(true)
    expect((await client('PATCH', `${url}/${UNKNOWN_ID}`, { name: 'X' })).status).toBe(404)
  })

  test('a name can be used once in a tenant, and again in others', async () => {
    const env = await newEnvironment()
    const client = env.as(await env.newTenant()),
      elsewhere = env.as(await env.newTenant())
    await newGroup(client, 'A')
    await newGroup(elsewhere, 'A')
    const other = await newGroup(client, 'B')
    expect(await client('POST', url, { name: 'A' })).toMatchObject({
      status: 409,
      body: { errors: ['Group with this name already exists'] },
    })
    expect((await client('PATCH', `${url}/${other}`, { name: 'A' })).status).toBe(409)
    expect((await client('PATCH', `${url}/${other}`, { name: 'B', color: '#fff' })).status).toBe(200)
  })

  test('of many requests for the same name at once, one gets it', async () => {
    const env = await newEnvironment()
    const client = env.as(await env.newTenant())
    const answers = await Promise.all(Array.from({ length: 8 }, () => client('POST', url, { name: 'same' })))
    expect(answers.map((a) => a.status).sort()).toEqual([201, 409, 409, 409, 409, 409, 409, 409])
    expect(names(await client('GET', url))).toEqual(['same'])
  })

  test('a deleted group is gone, with an empty answer, and its members stay', async () => {
    const env = await newEnvironment()
    const member = await env.newUser(),
      client = env.as(member.tenantId)
    const id = await newGroup(client),
      roleId = await newRole(env, 'r')
    await client('POST', `${url}/${id}/roles`, { roleIds: [roleId] })
    await client('POST', `${url}/${id}/users`, { userIds: [member.id] })
    expect(await client('DELETE', `${url}/${id}`)).toMatchObject({ status: 200, body: null })
    expect((await client('GET', `${url}/${id}`)).status).toBe(404)
    expect((await client('DELETE', `${url}/${id}`)).status).toBe(404)
    const ctx = await env.context()
    expect(await ctx.db.membership.count({ where: { userId: member.id } })).toBe(1)
    expect(await ctx.db.role.count({ where: { id: roleId } })).toBe(1)
  })

  test('of many requests to delete a group at once, one succeeds', async () => {
    const env = await newEnvironment()
    const client = env.as(await env.newTenant()),
      id = await newGroup(client)
    const answers = await Promise.all(Array.from({ length: 8 }, () => client('DELETE', `${url}/${id}`)))
    expect(answers.map((a) => a.status).sort()).toEqual([200, 404, 404, 404, 404, 404, 404, 404])
  })

  test('a tenant sees and reaches its own groups only', async () => {
    const env = await newEnvironment()
    const theirs = await env.newUser({ permissions: every }),
      mine = await env.user({ permissions: every })
    const id = await newGroup(env.as(theirs.tenantId), 'Theirs')
    await newGroup(mine, 'Mine')
    expect(names(await mine('GET', url))).toEqual(['Mine'])
    expect(names(await mine('GET', '/identity/resources/groups/v2'))).toEqual(['Mine'])
    expect((await mine('POST', `${url}/bulkGet`, { groupsIds: [id] })).body).toEqual({ groups: [] })
    for (const [method, path, body] of [
      ['GET', '', undefined],
      ['PATCH', '', { name: 'Stolen' }],
      ['DELETE', '', undefined],
      ['POST', '/users', { userIds: [mine.id] }],
      ['DELETE', '/users', { userIds: [theirs.id] }],
      ['POST', '/roles', { roleIds: [] }],
      ['DELETE', '/roles', { roleIds: [] }],
    ] as const) {
      expect(await mine(method, `${url}/${id}${path}`, body), `${method} ${path}`).toMatchObject({
        status: 404,
        body: { errors: ['Group not found'] },
      })
    }
    expect(names(await env.as(theirs.tenantId)('GET', url))).toEqual(['Theirs'])
  })

  test('roles and users are included when asked for', async () => {
    const env = await newEnvironment()
    const member = await env.newUser({ email: 'ada@example.com' }),
      client = env.as(member.tenantId)
    const id = await newGroup(client),
      roleId = await newRole(env, 'editor', 3)
    expect(await client('POST', `${url}/${id}/roles`, { roleIds: [roleId] })).toMatchObject({ status: 201, body: null })
    expect(await client('POST', `${url}/${id}/users`, { userIds: [member.id] })).toMatchObject({
      status: 201,
      body: null,
    })
    const roles = [
      {
        id: roleId,
        key: 'editor',
        name: 'editor',
        tenantId: null,
        vendorId: env.id,
        level: 3,
        isDefault: false,
        firstUserRole: false,
        permissions: [],
      },
    ]
    const users = [
      {
        id: member.id,
        email: 'ada@example.com',
        name: 'ada',
        profilePictureUrl: expect.stringContaining('gravatar'),
        activatedForTenant: true,
      },
    ]
    for (const [relations, expected] of [
      ['', { roles: [], users: [] }],
      ['roles', { roles, users: [] }],
      ['users', { roles: [], users }],
      ['rolesAndUsers', { roles, users }],
    ] as const) {
      const query = relations && `?_groupsRelations=${relations}`
      expect((await client('GET', `${url}/${id}${query}`)).body, relations).toMatchObject(expected)
      expect((await client('GET', `${url}${query}`)).body, relations).toMatchObject({ groups: [expected] })
      expect((await client('GET', `/identity/resources/groups/v2${query}`)).body, relations).toMatchObject({
        items: [expected],
      })
      expect(await client('POST', `${url}/bulkGet${query}`, { groupsIds: [id] }), relations).toMatchObject({
        status: 201,
        body: { groups: [expected] },
      })
    }
  })

  test('groups are found by their ids; unknown ids are left out', async () => {
    const env = await newEnvironment()
    const client = env.as(await env.newTenant())
    const [a] = [await newGroup(client, 'A'), await newGroup(client, 'B')]
    expect(names(await client('POST', `${url}/bulkGet`, { groupsIds: [UNKNOWN_ID, a, 'no id', a] }))).toEqual(['A'])
    expect((await client('POST', `${url}/bulkGet`, { groupsIds: [] })).body).toEqual({ groups: [] })
    expect((await client('POST', `${url}/bulkGet`, {})).status).toBe(400)
    expect((await client('POST', `${url}/bulkGet`, { groupsIds: Array(1001).fill(a) })).status).toBe(400)
  })

  test('the second version has pages, in the requested order', async () => {
    const env = await newEnvironment()
    const client = env.as(await env.newTenant())
    for (const name of ['C', 'A', 'B']) {
      await newGroup(client, name)
      await env.clock.advance(1000)
    }
    const page = (query: string) => client('GET', `/identity/resources/groups/v2?${query}`)
    expect(names(await page(''))).toEqual(['C', 'A', 'B'])
    expect(names(await page('_sortBy=name&_order=DESC'))).toEqual(['C', 'B', 'A'])
    const second = await page('_sortBy=name&_limit=2&_offset=1')
    expect(second.body).toMatchObject({
      items: [{ name: 'C' }],
      _metadata: { totalItems: 3, totalPages: 2 },
      _links: { next: '', prev: expect.stringContaining('_sortBy=name') },
    })
    expect((await page('_limit=0')).status).toBe(400)
    expect((await page('_sortBy=color')).status).toBe(400)
  })

  test('adding and removing may be repeated', async () => {
    const env = await newEnvironment()
    const member = await env.newUser(),
      client = env.as(member.tenantId),
      id = await newGroup(client),
      roleId = await newRole(env, 'r')
    const group = async () => (await client('GET', `${url}/${id}?${all}`)).body
    for (const path of ['roles', 'users']) {
      const body = path === 'roles' ? { roleIds: [roleId, roleId] } : { userIds: [member.id, member.id] }
      expect([
        (await client('POST', `${url}/${id}/${path}`, body)).status,
        (await client('POST', `${url}/${id}/${path}`, body)).status,
      ]).toEqual([201, 201])
      expect((await group())[path]).toHaveLength(1)
      expect(await client('DELETE', `${url}/${id}/${path}`, body)).toMatchObject({ status: 200, body: null })
      expect(await client('DELETE', `${url}/${id}/${path}`, body)).toMatchObject({ status: 200, body: null })
      expect((await group())[path]).toEqual([])
    }
  })

  test('only members of the tenant can be added: all that are named, or none', async () => {
    const env = await newEnvironment()
    const member = await env.newUser(),
      stranger = await env.newUser(),
      client = env.as(member.tenantId),
      id = await newGroup(client)
    for (const other of [stranger.id, UNKNOWN_ID, 'no id']) {
      expect(await client('POST', `${url}/${id}/users`, { userIds: [member.id, other] })).toMatchObject({
        status: 400,
        body: { errors: ['Some of the users are not members of the account'] },
      })
    }
    expect((await client('GET', `${url}/${id}?${all}`)).body.users).toEqual([])
    expect((await client('DELETE', `${url}/${id}/users`, { userIds: ['no id'] })).status).toBe(200)
    for (const method of ['POST', 'DELETE'] as const)
      expect((await client(method, `${url}/${id}/users`, { userIds: Array(1001).fill(member.id) })).status).toBe(400)
  })

  test('only roles of the environment and of the tenant can be given', async () => {
    const env = await newEnvironment()
    const tenant = await env.newTenant(),
      client = env.as(tenant),
      id = await newGroup(client)
    const own = await newRole(env, 'own', 0, tenant),
      shared = await newRole(env, 'shared'),
      foreign = await newRole(env, 'foreign', 0, await env.newTenant())
    for (const roleId of [foreign, UNKNOWN_ID, 'no id'])
      expect((await client('POST', `${url}/${id}/roles`, { roleIds: [shared, roleId] })).status).toBe(400)
    expect((await client('GET', `${url}/${id}?${all}`)).body.roles).toEqual([])
    expect((await client('POST', `${url}/${id}/roles`, { roleIds: [own, shared] })).status).toBe(201)
    expect(ids((await client('GET', `${url}/${id}?${all}`)).body.roles)).toEqual([own, shared])
  })

  test('a user who leaves the tenant leaves its groups, and a deleted role leaves them, too', async () => {
    const env = await newEnvironment()
    const [a, role] = [await env.newUser(), await newRole(env, 'r')]
    const b = await env.newUser({ tenantId: a.tenantId }),
      client = env.as(a.tenantId),
      id = await newGroup(client)
    await client('POST', `${url}/${id}/users`, { userIds: [a.id, b.id] })
    await client('POST', `${url}/${id}/roles`, { roleIds: [role] })
    await (await env.context()).db.membership.deleteMany({ where: { userId: a.id } })
    expect((await env.vendor('DELETE', `/identity/resources/roles/v1/${role}`)).status).toBe(204)
    const { body } = await client('GET', `${url}/${id}?${all}`)
    expect(ids(body.users)).toEqual([b.id])
    expect(body.roles).toEqual([])
  })

  test('deleting a tenant deletes its groups', async () => {
    const env = await newEnvironment()
    const member = await env.newUser(),
      client = env.as(member.tenantId),
      id = await newGroup(client)
    await client('POST', `${url}/${id}/users`, { userIds: [member.id] })
    const ctx = await env.context()
    await ctx.db.tenant.deleteMany({ where: { id: member.tenantId } })
    expect([await ctx.db.group.count(), await ctx.db.groupUser.count()]).toEqual([0, 0])
  })

  test('a role given to another tenant leaves the groups of this one', async () => {
    const env = await newEnvironment()
    const [mine, theirs] = [await env.newTenant(), await env.newTenant()],
      role = await newRole(env, 'moves')
    const [a, b] = [await newGroup(env.as(mine)), await newGroup(env.as(theirs))]
    for (const [tenant, id] of [
      [mine, a],
      [theirs, b],
    ] as const)
      await env.as(tenant)('POST', `${url}/${id}/roles`, { roleIds: [role] })
    expect((await env.vendor('PUT', `/identity/resources/roles/v1/${role}/tenant`, { tenantId: theirs })).status).toBe(
      200,
    )
    expect((await env.as(mine)('GET', `${url}/${a}?${all}`)).body.roles).toEqual([])
    expect(ids((await env.as(theirs)('GET', `${url}/${b}?${all}`)).body.roles)).toEqual([role])
  })
})

describe.concurrent('roles inherited from groups', () => {
  test("count beside a member's own, once each, in that tenant only", async () => {
    const env = await newEnvironment()
    const own = await newRole(env, 'own', 1, undefined, ['fe.secure.read.users']),
      given = await newRole(env, 'given', 1, undefined, ['fe.secure.read.users', 'fe.secure.read.roles'])
    const member = await env.newUser({ roleKeys: ['own'] }),
      client = env.as(member.tenantId)
    const elsewhere = await env.newTenant(),
      ctx = await env.context()
    await ctx.db.membership.create({
      data: { userId: member.id, tenantId: elsewhere, acceptedAt: ctx.clock.now(), createdAt: ctx.clock.now() },
    })
    const group = await newGroup(client),
      empty = await newGroup(client, 'Empty')
    await client('POST', `${url}/${group}/roles`, { roleIds: [own, given] })
    expect(await keysOf(env, member)).toEqual({
      roleIds: [own],
      roles: ['own'],
      permissions: ['fe.secure.read.users'],
    })
    for (const id of [group, empty]) await client('POST', `${url}/${id}/users`, { userIds: [member.id] })
    const { roles, permissions } = await keysOf(env, member)
    expect([roles.toSorted(), permissions.toSorted()]).toEqual([
      ['given', 'own'],
      ['fe.secure.read.roles', 'fe.secure.read.users'],
    ])
    const rights = await rightsOf(ctx, member.id, member.tenantId)
    expect(rights.roles.map((r) => r.key).toSorted()).toEqual(['given', 'own'])
    expect(rights.permissions.map((p) => p.key).toSorted()).toEqual(['fe.secure.read.roles', 'fe.secure.read.users'])
    expect(await keysOf(env, { id: member.id, tenantId: elsewhere })).toEqual({
      roleIds: [],
      roles: [],
      permissions: [],
    })
    await client('DELETE', `${url}/${group}/users`, { userIds: [member.id] })
    expect((await keysOf(env, member)).roles).toEqual(['own'])
  })

  test('grant their operations from the next token on', async () => {
    const env = await newEnvironment()
    const member = await env.newUser(),
      client = env.as(member.tenantId),
      group = await newGroup(client)
    const role = await newRole(env, 'reader', 1, undefined, ['fe.secure.read.groups'])
    await client('POST', `${url}/${group}/users`, { userIds: [member.id] })
    expect((await (await env.asUser(member))('GET', url)).status).toBe(403)
    await client('POST', `${url}/${group}/roles`, { roleIds: [role] })
    expect((await (await env.asUser(member))('GET', url)).status).toBe(200)
  })

  test('give nothing while groups, or their roles, are switched off', async () => {
    const env = await newEnvironment()
    const member = await env.newUser(),
      client = env.as(member.tenantId),
      group = await newGroup(client),
      role = await newRole(env, 'r')
    await client('POST', `${url}/${group}/users`, { userIds: [member.id] })
    await client('POST', `${url}/${group}/roles`, { roleIds: [role] })
    for (const off of [{ rolesEnabled: false }, { rolesEnabled: true, enabled: false }]) {
      await setConfiguration(env, off)
      expect((await keysOf(env, member)).roles).toEqual([])
      expect((await rightsOf(await env.context(), member.id, member.tenantId)).roles).toEqual([])
    }
    await setConfiguration(env, { enabled: true })
    expect((await keysOf(env, member)).roles).toEqual(['r'])
  })

  test('make a user as strong as they are', async () => {
    const env = await newEnvironment()
    const strong = await newRole(env, 'strong', 1)
    const user = await env.user({ permissions: every, level: 5 }),
      client = env.as(user.tenantId),
      group = await newGroup(client),
      other = await newGroup(client, 'Other')
    await client('POST', `${url}/${group}/roles`, { roleIds: [strong] })
    expect((await user('POST', `${url}/${other}/roles`, { roleIds: [strong] })).status).toBe(403)
    await client('POST', `${url}/${group}/users`, { userIds: [user.id] })
    expect((await user('POST', `${url}/${other}/roles`, { roleIds: [strong] })).status).toBe(201)
    await setConfiguration(env, { rolesEnabled: false })
    expect((await user('DELETE', `${url}/${other}/roles`, { roleIds: [strong] })).status).toBe(403)
  })
})

describe.concurrent('what a user may do with groups', () => {
  test('each operation needs its own permission', async () => {
    const env = await newEnvironment()
    const tenantId = await env.newTenant(),
      id = await newGroup(env.as(tenantId)),
      doomed = await newGroup(env.as(tenantId), 'Doomed')
    const calls = [
      ['fe.secure.read.groups', 'GET', url, undefined],
      ['fe.secure.read.groups', 'GET', '/identity/resources/groups/v2', undefined],
      ['fe.secure.read.groups', 'GET', `${url}/${id}`, undefined],
      ['fe.secure.read.groups', 'POST', `${url}/bulkGet`, { groupsIds: [] }],
      ['fe.secure.read.groups', 'GET', `${url}/config`, undefined],
      ['fe.secure.read.groups', 'GET', `/identity/resources/users/v3/groups?ids=${UNKNOWN_ID}`, undefined],
      ['fe.secure.write.groups', 'POST', url, { name: 'By a user' }],
      ['fe.secure.write.groups', 'PATCH', `${url}/${id}`, { color: '#000' }],
      ['fe.secure.delete.groups', 'DELETE', `${url}/${doomed}`, undefined],
      ['fe.secure.write.groupsRoles', 'POST', `${url}/${id}/roles`, { roleIds: [] }],
      ['fe.secure.write.groupsRoles', 'DELETE', `${url}/${id}/roles`, { roleIds: [] }],
      ['fe.secure.write.groupsUsers', 'POST', `${url}/${id}/users`, { userIds: [] }],
      ['fe.secure.delete.groupsUsers', 'DELETE', `${url}/${id}/users`, { userIds: [] }],
    ] as const
    const held = [...new Set(calls.map(([permission]) => permission))]
    for (const permission of held) {
      const without = await env.user({ tenantId, permissions: held.filter((p) => p !== permission) }),
        only = await env.user({ tenantId, permissions: [permission] })
      for (const [, method, path, body] of calls.filter(([p]) => p === permission)) {
        expect((await without(method, path, body)).status, `${method} ${path} without`).toBe(403)
        expect((await only(method, path, body)).status, `${method} ${path} with`).toBeLessThan(300)
      }
    }
  })

  test('users neither give nor take roles stronger than their own', async () => {
    const env = await newEnvironment()
    const [strong, equal, weak] = [
      await newRole(env, 'strong', 4),
      await newRole(env, 'equal', 5),
      await newRole(env, 'weak', 6),
    ]
    const user = await env.user({ permissions: every, level: 5 }),
      client = env.as(user.tenantId),
      id = await newGroup(client)
    expect(await user('POST', `${url}/${id}/roles`, { roleIds: [weak, strong] })).toMatchObject({
      status: 403,
      body: { errors: ['The role is stronger than your own'] },
    })
    expect((await client('GET', `${url}/${id}?${all}`)).body.roles).toEqual([])
    expect((await user('POST', `${url}/${id}/roles`, { roleIds: [weak, equal] })).status).toBe(201)
    await client('POST', `${url}/${id}/roles`, { roleIds: [strong] })
    expect((await user('DELETE', `${url}/${id}/roles`, { roleIds: [strong] })).status).toBe(403)
    expect((await user('DELETE', `${url}/${id}/roles`, { roleIds: [weak, equal] })).status).toBe(200)
    expect(ids((await client('GET', `${url}/${id}?${all}`)).body.roles)).toEqual([strong])
  })

  test('users do not choose the members of a group with a role stronger than their own', async () => {
    const env = await newEnvironment()
    const user = await env.user({ permissions: every, level: 5 }),
      client = env.as(user.tenantId),
      id = await newGroup(client),
      strong = await newRole(env, 'strong', 4)
    const friend = await env.newUser({ tenantId: user.tenantId })
    expect((await user('POST', `${url}/${id}/users`, { userIds: [friend.id] })).status).toBe(201)
    await client('POST', `${url}/${id}/roles`, { roleIds: [strong] })
    for (const [method, path, body] of [
      ['POST', '/users', { userIds: [user.id] }],
      ['DELETE', '/users', { userIds: [friend.id] }],
      ['DELETE', '', undefined],
    ] as const) {
      expect((await user(method, `${url}/${id}${path}`, body)).status, `${method} ${path}`).toBe(403)
    }
    expect(ids((await client('GET', `${url}/${id}?${all}`)).body.users)).toEqual([friend.id])
    expect((await user('PATCH', `${url}/${id}`, { color: '#123' })).status).toBe(200)
  })

  test('a group that an identity provider manages cannot be changed, except for its roles', async () => {
    const env = await newEnvironment()
    const user = await env.user({ permissions: every }),
      client = env.as(user.tenantId),
      id = await newGroup(client),
      role = await newRole(env, 'r', 9)
    await (await env.context()).db.group.updateMany({ where: { id }, data: { managedBy: 'scim2' } })
    for (const [method, path, body] of [
      ['PATCH', '', { name: 'Mine' }],
      ['DELETE', '', undefined],
      ['POST', '/users', { userIds: [user.id] }],
      ['DELETE', '/users', { userIds: [user.id] }],
    ] as const) {
      expect((await user(method, `${url}/${id}${path}`, body)).status, `${method} ${path}`).toBe(403)
    }
    expect(await user('GET', `${url}/${id}?${all}`)).toMatchObject({
      status: 200,
      body: { name: 'Editors', users: [], managedBy: 'scim2' },
    })
    expect((await user('POST', `${url}/${id}/roles`, { roleIds: [role] })).status).toBe(201)
    expect((await user('DELETE', `${url}/${id}/roles`, { roleIds: [role] })).status).toBe(200)
    expect((await client('PATCH', `${url}/${id}`, { name: 'Renamed' })).status).toBe(200)
    expect((await client('POST', `${url}/${id}/users`, { userIds: [user.id] })).status).toBe(201)
    expect((await client('DELETE', `${url}/${id}`)).status).toBe(200)
  })

  test('only the environment sees invisible members; invited ones are shown as not yet activated', async () => {
    const env = await newEnvironment()
    const user = await env.user({ permissions: every }),
      client = env.as(user.tenantId),
      id = await newGroup(client),
      ctx = await env.context()
    const ghost = await env.newUser({ tenantId: user.tenantId }),
      invited = await env.newUser({ tenantId: user.tenantId }),
      gone = await env.newUser({ tenantId: user.tenantId })
    await client('POST', `${url}/${id}/users`, { userIds: [ghost.id, invited.id, gone.id] })
    await ctx.db.user.updateMany({ where: { id: ghost.id }, data: { invisible: true } })
    await ctx.db.membership.updateMany({ where: { userId: invited.id }, data: { acceptedAt: null } })
    await ctx.db.membership.updateMany({ where: { userId: gone.id }, data: { expiresAt: ctx.clock.now() } })
    expect((await user('GET', `${url}/${id}?${all}`)).body.users).toMatchObject([
      { id: invited.id, activatedForTenant: false },
    ])
    expect(ids((await client('GET', `${url}/${id}?${all}`)).body.users).toSorted()).toEqual(
      [ghost.id, invited.id].toSorted(),
    )
    const found = (query: Client) =>
      query('GET', `/identity/resources/users/v3/groups?ids=${ghost.id},${invited.id},${gone.id}`)
    expect((await found(user)).body.map((row: { userId: string }) => row.userId)).toEqual([invited.id])
    expect((await found(client)).body).toHaveLength(2)
  })
})

describe.concurrent('the configuration of groups', () => {
  test('everything is on by default; a field that is not named keeps its value', async () => {
    const env = await newEnvironment()
    const read = async () => (await env.vendor('GET', `${url}/config`)).body
    expect(await read()).toEqual({ enabled: true, rolesEnabled: true })
    await setConfiguration(env, { rolesEnabled: false })
    expect(await read()).toEqual({ enabled: true, rolesEnabled: false })
    await setConfiguration(env, { enabled: false })
    expect(await read()).toEqual({ enabled: false, rolesEnabled: false })
    await setConfiguration(env, {})
    expect(await read()).toEqual({ enabled: false, rolesEnabled: false })
    expect((await env.vendor('POST', `${url}/config`, { enabled: 'yes' })).status).toBe(400)
  })

  test("is the environment's: users read it and cannot change it", async () => {
    const env = await newEnvironment()
    const admin = await env.user({ roleKeys: ['Admin'] })
    expect(await admin('GET', `${url}/config`)).toMatchObject({ status: 200, body: { enabled: true } })
    expect((await admin('POST', `${url}/config`, { enabled: false })).status).toBe(401)
  })

  test('switched-off groups refuse every call, and are back when switched on again', async () => {
    const env = await newEnvironment()
    const tenant = await env.newTenant(),
      client = env.as(tenant),
      id = await newGroup(client),
      admin = await env.user({ tenantId: tenant, roleKeys: ['Admin'] })
    await setConfiguration(env, { enabled: false })
    const calls = [
      ['GET', url],
      ['GET', '/identity/resources/groups/v2'],
      ['POST', url, { name: 'B' }],
      ['POST', `${url}/bulkGet`, { groupsIds: [id] }],
      ['GET', `${url}/${id}`],
      ['PATCH', `${url}/${id}`, { name: 'B' }],
      ['DELETE', `${url}/${id}`],
      ['POST', `${url}/${id}/roles`, { roleIds: [] }],
      ['DELETE', `${url}/${id}/roles`, { roleIds: [] }],
      ['POST', `${url}/${id}/users`, { userIds: [] }],
      ['DELETE', `${url}/${id}/users`, { userIds: [] }],
      ['GET', `/identity/resources/users/v3/groups?ids=${UNKNOWN_ID}`],
    ] as const
    for (const caller of [client, admin]) {
      for (const [method, path, body] of calls)
        expect(await caller(method, path, body), `${method} ${path}`).toMatchObject({
          status: 403,
          body: { errors: ['Groups are disabled'] },
        })
    }
    await setConfiguration(env, { enabled: true })
    expect(names(await client('GET', url))).toEqual(['Editors'])
  })

  test('roles that are switched off cannot be given, only taken', async () => {
    const env = await newEnvironment()
    const client = env.as(await env.newTenant()),
      id = await newGroup(client),
      role = await newRole(env, 'r')
    await client('POST', `${url}/${id}/roles`, { roleIds: [role] })
    await setConfiguration(env, { rolesEnabled: false })
    expect(await client('POST', `${url}/${id}/roles`, { roleIds: [role] })).toMatchObject({
      status: 403,
      body: { errors: ['Roles of groups are disabled'] },
    })
    expect((await client('DELETE', `${url}/${id}/roles`, { roleIds: [role] })).status).toBe(200)
    expect((await client('GET', `${url}/${id}?${all}`)).body.roles).toEqual([])
  })
})

describe.concurrent('the groups of users', () => {
  const v3 = '/identity/resources/users/v3/groups'

  test('are listed for each tenant, or for the one that the call names', async () => {
    const env = await newEnvironment()
    const a = await env.newUser(),
      b = await env.newUser(),
      ctx = await env.context()
    await ctx.db.membership.create({
      data: { userId: a.id, tenantId: b.tenantId, acceptedAt: ctx.clock.now(), createdAt: ctx.clock.now() },
    })
    const here = await newGroup(env.as(a.tenantId)),
      there = await newGroup(env.as(b.tenantId))
    await env.as(a.tenantId)('POST', `${url}/${here}/users`, { userIds: [a.id] })
    await env.as(b.tenantId)('POST', `${url}/${there}/users`, { userIds: [a.id] })
    const row = (userId: string, tenantId: string, groupIds: string[]) => ({
      vendorId: env.id,
      tenantId,
      userId,
      groupIds,
    })
    const everywhere = await env.vendor('GET', `${v3}?ids=${a.id},${b.id}`)
    expect(everywhere.status).toBe(200)
    expect(everywhere.body).toHaveLength(3)
    expect(everywhere.body).toEqual(
      expect.arrayContaining([
        row(a.id, a.tenantId, [here]),
        row(a.id, b.tenantId, [there]),
        row(b.id, b.tenantId, []),
      ]),
    )
    expect((await env.as(a.tenantId)('GET', `${v3}?ids=${a.id}&ids=${b.id}`)).body).toEqual([
      row(a.id, a.tenantId, [here]),
    ])
    const reader = await env.user({ tenantId: a.tenantId, permissions: ['fe.secure.read.groups'] })
    expect((await reader('GET', `${v3}?ids=${a.id},${b.id}`)).body).toEqual([row(a.id, a.tenantId, [here])])
  })

  test('at most 250 users can be asked for, and unknown ones are left out', async () => {
    const env = await newEnvironment()
    expect(await env.vendor('GET', `${v3}?ids=${UNKNOWN_ID},no-id`)).toMatchObject({ status: 200, body: [] })
    expect((await env.vendor('GET', v3)).status).toBe(400)
    expect((await env.vendor('GET', `${v3}?ids=${Array(250).fill('x').join()}`)).status).toBe(200)
    expect((await env.vendor('GET', `${v3}?ids=${Array(251).fill('x').join()}`)).status).toBe(400)
  })
})
