import { describe, expect, test } from 'vitest'
import { newEnvironment, type TestEnvironment } from '../../../../test/environment.ts'

const roles = '/identity/resources/roles/v1',
  users = '/identity/resources/users',
  groups = '/identity/resources/groups/v1',
  permissions = '/identity/resources/permissions/v1'
const stronger = { status: 403, body: { errors: ['The user has a role that is stronger than your own'] } }
const tooStrong = { status: 403, body: { errors: ['The role is stronger than your own'] } }
const newRole = async (env: TestEnvironment, key: string, level: number, tenantId?: string) =>
  (await env.as(tenantId)('POST', roles, [{ key, name: key, level }])).body[0].id as string
const permissionIds = async (env: TestEnvironment, ...keys: string[]) =>
  (await (await env.context()).db.permission.findMany({ where: { key: { in: keys } } })).map((p) => p.id)
const everyPermission = ['fe.secure.*', 'fe.account-hierarchy.write.subAccountAccess']

describe.concurrent('nobody makes itself more than it is', () => {
  test('by roles with built-in permissions that it has not got', async () => {
    const env = await newEnvironment()
    const editor = await env.user({ permissions: ['fe.secure.write.roles', 'fe.secure.read.*'] }),
      own = await newRole(env, 'own', 0, editor.tenantId)
    const [held, held2, all, remove] = await Promise.all(
      ['fe.secure.write.roles', 'fe.secure.read.users', 'fe.secure.*', 'fe.secure.delete.users'].map(
        async (key) => (await permissionIds(env, key))[0]!,
      ),
    )
    const put = (ids: unknown[]) => editor('PUT', `${roles}/${own}/permissions`, { permissionIds: ids })
    for (const id of [all, remove]) {
      const key = id === all ? 'fe.secure.*' : 'fe.secure.delete.users',
        refused = { status: 403, body: { errors: [`Permission ${key} can be passed on only by who has it`] } }
      expect(await put([held, id])).toMatchObject(refused)
      expect(await editor('PUT', `${permissions}/${id}/roles`, { roleIds: [own] })).toMatchObject(refused)
      expect(
        await editor('POST', '/identity/resources/roles/v2', {
          key: 'derived',
          name: 'D',
          baseRoleId: own,
          permissionIds: [id],
        }),
      ).toMatchObject(refused)
    }
    expect(await put([held, held2])).toMatchObject({
      status: 200,
      body: { permissions: expect.arrayContaining([held, held2]) },
    })
    expect((await editor('PUT', `${permissions}/${held2}/roles`, { roleIds: [own] })).status).toBe(200)
    // what management gave the role stays in it when the page sends the whole list back
    await env.vendor('PUT', `${roles}/${own}/permissions`, { permissionIds: [remove] })
    expect(await put([remove, held])).toMatchObject({
      status: 200,
      body: { permissions: expect.arrayContaining([remove, held]) },
    })
    expect((await put([held])).status).toBe(200)
    expect((await put([remove, held])).status).toBe(403)
  })

  test('by permissions of an application, which the environment classifies', async () => {
    const env = await newEnvironment()
    const [open, closed] = (
      await env.vendor('POST', permissions, [
        { key: 'app.read', name: 'R' },
        { key: 'app.own', name: 'O', assignmentType: 'NEVER' },
      ])
    ).body
    const editor = await env.user({ permissions: ['fe.secure.write.roles'] }),
      own = await newRole(env, 'own', 0, editor.tenantId)
    expect((await editor('PUT', `${roles}/${own}/permissions`, { permissionIds: [open.id] })).status).toBe(200)
    expect((await editor('PUT', `${roles}/${own}/permissions`, { permissionIds: [open.id, closed.id] })).status).toBe(
      403,
    )
  })

  test('by a role of the tenant with the key of one of the environment', async () => {
    const env = await newEnvironment()
    const editor = await env.user({ permissions: ['fe.secure.write.*'] }),
      base = await newRole(env, 'plain', 0, editor.tenantId)
    const taken = { status: 409, body: { errors: ['Roles already exists'] } }
    expect(
      await editor('POST', roles, [
        { key: 'free', name: 'F', level: 0 },
        { key: 'Admin', name: 'A', level: 0 },
      ]),
    ).toMatchObject(taken)
    expect(
      await editor('POST', '/identity/resources/roles/v2', {
        key: 'Admin',
        name: 'A',
        baseRoleId: base,
        permissionIds: [],
      }),
    ).toMatchObject(taken)
    expect(await editor('PATCH', `${roles}/${base}`, { key: 'Admin' })).toMatchObject(taken)
    expect((await editor('PATCH', `${roles}/${base}`, { key: 'plainer' })).status).toBe(200)
    const same = await newRole(env, 'ReadOnly', 0, editor.tenantId)
    expect((await editor('PATCH', `${roles}/${same}`, { key: 'ReadOnly', name: 'Ours' })).status).toBe(200)
    expect(
      (await env.as(editor.tenantId)('GET', roles)).body.filter(
        (r: { key: string; tenantId: string | null }) => r.key === 'Admin' && r.tenantId,
      ),
    ).toEqual([])
  })

  test('by letting somebody in who is given the roles of newcomers', async () => {
    const env = await newEnvironment()
    const link = { expiresInMinutes: 60, shouldSendEmail: false }
    const weak = await env.user({ permissions: ['fe.secure.write.users', 'fe.secure.write.tenantInvites'], level: 3 }),
      own = await newRole(env, 'own', 3, weak.tenantId)
    for (const version of ['v1', 'v2'])
      expect(await weak('POST', `${users}/${version}`, { email: 'mine@example.com' })).toMatchObject(tooStrong)
    expect(await weak('POST', '/identity/resources/tenants/invites/v1/user', link)).toMatchObject(tooStrong)
    expect(await (await env.context()).db.user.count()).toBe(1)
    expect((await weak('POST', `${users}/v2`, { email: 'mine@example.com', roleIds: [own] })).status).toBe(201)
    expect(
      (await weak('POST', '/identity/resources/tenants/invites/v2/user', { ...link, roleIds: [own] })).status,
    ).toBe(201)
    const [admin] = (await env.vendor('GET', roles)).body
    await env.vendor('PATCH', `${roles}/${admin.id}`, { isDefault: false })
    expect((await weak('POST', `${users}/v2`, { email: 'other@example.com' })).status).toBe(201)
  })
})

describe.concurrent("roles as strong as one's own", () => {
  test('are handed out, unless the environment allows weaker ones only', async () => {
    const env = await newEnvironment(),
      config = '/identity/resources/configurations/v1'
    const admin = await env.user({ permissions: ['fe.secure.*'], level: 5 }),
      other = await env.newUser({ tenantId: admin.tenantId }),
      home = env.as(admin.tenantId)
    const [equal, weaker, built] = [
      await newRole(env, 'equal', 5),
      await newRole(env, 'weaker', 6),
      (await env.vendor('GET', roles)).body[0].id,
    ]
    await env.vendor('PATCH', `${roles}/${built}`, { isDefault: false })
    const [group, mighty] = await Promise.all(
      ['G', 'M'].map(async (name) => (await home('POST', groups, { name })).body.id as string),
    )
    await home('POST', `${groups}/${mighty}/roles`, { roleIds: [equal] })
    const link = { expiresInMinutes: 60, shouldSendEmail: false }
    const deeds = (roleId: string, groupId: string) =>
      [
        ['POST', `${users}/v1/${other.id}/roles`, { roleIds: [roleId] }],
        ['DELETE', `${users}/v1/${other.id}/roles`, { roleIds: [roleId] }],
        ['POST', `${groups}/${group}/roles`, { roleIds: [roleId] }],
        ['DELETE', `${groups}/${group}/roles`, { roleIds: [roleId] }],
        ['POST', `${groups}/${groupId}/users`, { userIds: [other.id] }],
        ['DELETE', `${groups}/${groupId}/users`, { userIds: [other.id] }],
        ['POST', '/identity/resources/tenants/invites/v2/user', { ...link, roleIds: [roleId] }],
        ['POST', `${users}/v2`, { email: `${roleId}@example.com`, roleIds: [roleId] }],
      ] as const
    for (const [method, path, body] of deeds(equal, mighty!).slice(0, 7))
      expect((await admin(method, path, body)).status, path).toBeLessThan(300)
    expect(
      (await env.vendor('POST', config, { restrictEqualLevelRoleAssignment: true })).body
        .restrictEqualLevelRoleAssignment,
    ).toBe(true)
    expect((await env.anonymous('GET', `${config}/public`)).body.restrictEqualLevelRoleAssignment).toBe(true)
    for (const [method, path, body] of deeds(equal, mighty!))
      expect(await admin(method, path, body), path).toMatchObject({
        status: 403,
        body: { errors: ['The role is not weaker than your own'] },
      })
    for (const [method, path, body] of deeds(weaker, group!))
      expect((await admin(method, path, body)).status, path).toBeLessThan(300)
    // what hands out no role is as before
    expect((await admin('POST', roles, [{ key: 'made', name: 'M', level: 5 }])).status).toBe(201)
    expect((await home('POST', `${users}/v1/${other.id}/roles`, { roleIds: [equal] })).status).toBe(201)
  })
})

describe.concurrent('a stronger user', () => {
  const attempts = (id: string) =>
    [
      ['DELETE', `${users}/v1/${id}`, undefined],
      ['POST', `/identity/resources/tenants/users/v1/${id}/disable`, undefined],
      ['POST', `/identity/resources/tenants/users/v1/${id}/enable`, undefined],
      ['PUT', `${users}/temporary/v1/${id}`, { expirationInSeconds: 300 }],
      ['DELETE', `${users}/temporary/v1/${id}`, undefined],
      ['POST', `${users}/sessions/v1/revoke`, { userId: id }],
      ['PUT', `/identity/resources/sub-tenants/users/v1/${id}/access`, { allowAccess: true }],
    ] as const

  test('is not removed, shut out or changed by the weaker; equals and the weaker are', async () => {
    const env = await newEnvironment()
    await env.vendor('PUT', `${users}/temporary/v1/configuration`, { enabled: true })
    const boss = await env.user({ permissions: everyPermission, level: 1 }),
      manager = await env.user({ tenantId: boss.tenantId, permissions: everyPermission, level: 5 })
    const peer = await env.newUser({ tenantId: boss.tenantId, permissions: ['fe.secure.read.users'], level: 5 }),
      nobody = await env.newUser({ tenantId: boss.tenantId })
    for (const [method, path, body] of attempts(boss.id))
      expect(await manager(method, path, body), path).toMatchObject(stronger)
    const { db } = await env.context()
    expect(await db.membership.findFirst({ where: { userId: boss.id } })).toMatchObject({
      isDisabled: false,
      expiresAt: null,
    })
    for (const { id } of [peer, nobody])
      for (const [method, path, body] of attempts(id).toReversed())
        expect((await manager(method, path, body)).status, path).toBeLessThan(300)
    for (const [method, path, body] of attempts(manager.id).toReversed())
      expect((await boss(method, path, body)).status, path).toBeLessThan(300)
  })

  test('may be so through a group', async () => {
    const env = await newEnvironment()
    const manager = await env.user({ permissions: everyPermission, level: 5 }),
      boss = await env.newUser({ tenantId: manager.tenantId }),
      client = env.as(manager.tenantId)
    const strong = await newRole(env, 'strong', 1),
      group = (await client('POST', groups, { name: 'G' })).body.id
    await client('POST', `${groups}/${group}/roles`, { roleIds: [strong] })
    await client('POST', `${groups}/${group}/users`, { userIds: [boss.id] })
    expect(await manager('DELETE', `${users}/v1/${boss.id}`)).toMatchObject(stronger)
    await client('DELETE', `${groups}/${group}/users`, { userIds: [boss.id] })
    expect((await manager('DELETE', `${users}/v1/${boss.id}`)).status).toBe(200)
  })

  test('is so below the own account, too: a visitor is there no more than at home', async () => {
    const env = await newEnvironment()
    const visitor = await env.user({ permissions: everyPermission, level: 5 }),
      below = await env.newTenant()
    await env.vendor('POST', '/tenants/resources/hierarchy/v1', {
      parentTenantId: visitor.tenantId,
      childTenantId: below,
    })
    const boss = await env.newUser({ tenantId: below, permissions: ['fe.secure.read.users'], level: 1 }),
      strong = await newRole(env, 'strong', 1),
      weak = await newRole(env, 'weak', 6),
      plain = await env.newUser({ tenantId: below })
    const there = { headers: { 'frontegg-tenant-id': below } }
    expect((await visitor('DELETE', `${users}/v1/${plain.id}`, undefined, there)).status).toBe(404)
    await env.as(visitor.tenantId)('PUT', `/identity/resources/sub-tenants/users/v1/${visitor.id}/access`, {
      allowAccess: true,
    })
    expect(await visitor('DELETE', `${users}/v1/${boss.id}`, undefined, there)).toMatchObject(stronger)
    expect(await visitor('POST', `${users}/v1/${plain.id}/roles`, { roleIds: [strong] }, there)).toMatchObject(
      tooStrong,
    )
    expect((await visitor('POST', `${users}/v1/${plain.id}/roles`, { roleIds: [weak] }, there)).status).toBe(201)
    expect((await visitor('DELETE', `${users}/v1/${plain.id}`, undefined, there)).status).toBe(200)
  })
})
