import { describe, expect, test } from 'vitest'
import { newEnvironment, UNKNOWN_ID } from '../../../../test/environment.ts'

const url = '/identity/resources/roles/v1'

describe.concurrent('roles', () => {
  test('a fresh environment has Admin and ReadOnly', async () => {
    const env = await newEnvironment()
    const { status, body } = await env.vendor('GET', url)
    expect(status).toBe(200)
    expect(body).toMatchObject([
      { key: 'Admin', tenantId: null, isDefault: true, firstUserRole: true, level: 0, vendorId: env.id },
      { key: 'ReadOnly', isDefault: false, firstUserRole: false },
    ])
    expect(body[0].permissions).toHaveLength(5)
  })

  test("roles of the environment are seen by every tenant, a tenant's own by nobody else", async () => {
    const env = await newEnvironment()
    const [mine, theirs] = [await env.newTenant(), await env.newTenant()]
    expect(await env.vendor('POST', url, [{ key: 'editor', name: 'Editor', level: 1 }])).toMatchObject({
      status: 201,
      body: [{ key: 'editor', tenantId: null, permissions: [], description: null }],
    })
    expect(await env.as(mine)('POST', url, [{ key: 'mine', name: 'Mine', level: 2 }])).toMatchObject({
      status: 201,
      body: [{ tenantId: mine }],
    })
    const keys = async (tenantId: string) =>
      (await (await env.user({ tenantId, permissions: ['fe.secure.read.roles'] }))('GET', url)).body.map(
        (r: { key: string }) => r.key,
      )
    expect(await keys(mine)).toEqual(expect.arrayContaining(['editor', 'mine']))
    expect(await keys(theirs)).not.toContain('mine')
  })

  test("a key is taken once, among the environment's and among each tenant's; nothing of the batch is made", async () => {
    const env = await newEnvironment()
    const tenant = await env.newTenant()
    expect((await env.as(tenant)('POST', url, [{ key: 'a', name: 'A', level: 0 }])).status).toBe(201)
    expect((await env.vendor('POST', url, [{ key: 'a', name: 'A', level: 0 }])).status).toBe(201)
    const again = await env.vendor('POST', url, [
      { key: 'b', name: 'B', level: 0 },
      { key: 'a', name: 'A', level: 0 },
    ])
    expect(again).toMatchObject({ status: 409, body: { errors: ['Roles already exists'] } })
    expect((await env.vendor('GET', url)).body.map((r: { key: string }) => r.key)).not.toContain('b')
  })

  test('of many that take the same key at once, one gets it', async () => {
    const env = await newEnvironment()
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => env.vendor('POST', url, [{ key: 'same', name: 'S', level: 0 }])),
    )
    expect(answers.map((a) => a.status).sort()).toEqual([201, 409, 409, 409, 409, 409, 409, 409])
  })

  test('every fault of the input is named, with its code', async () => {
    const env = await newEnvironment()
    expect(await env.vendor('POST', url, { key: 'a' })).toMatchObject({
      status: 400,
      body: { errors: ['Expected body to be an array'] },
    })
    const { status, body } = await env.vendor('POST', url, [{ key: 'a', level: 40_000 }])
    expect(status).toBe(400)
    expect(body.errors).toEqual([
      '0.name should not be empty',
      '0.name must be a string',
      '0.level must not be greater than 32767',
    ])
    expect(body.errorCodes).toHaveLength(3)
    expect(body.errorCode).toBe(body.errorCodes[0])
  })

  test('permissions are replaced, and unknown ones refused with nothing changed', async () => {
    const env = await newEnvironment()
    const [permission] = (
      await env.vendor('POST', '/identity/resources/permissions/v1', [{ key: 'read', name: 'Read' }])
    ).body
    const [role] = (await env.vendor('POST', url, [{ key: 'r', name: 'R', level: 0 }])).body
    const path = `${url}/${role.id}/permissions`
    expect(await env.vendor('PUT', path, { permissionIds: [permission.id] })).toMatchObject({
      status: 200,
      body: { permissions: [permission.id] },
    })
    expect((await env.vendor('PUT', path, { permissionIds: [UNKNOWN_ID] })).status).toBe(404)
    expect((await env.vendor('PUT', path, { permissionIds: ['no id'] })).status).toBe(404)
    expect((await env.vendor('GET', url)).body.find((r: { id: string }) => r.id === role.id).permissions).toEqual([
      permission.id,
    ])
    expect(await env.vendor('PUT', path, { permissionIds: [] })).toMatchObject({
      status: 200,
      body: { permissions: [] },
    })
  })

  test('users change only roles of their own tenant, and none stronger than their own', async () => {
    const env = await newEnvironment()
    const tenantId = await env.newTenant()
    const manager = await env.user({ tenantId, permissions: ['fe.secure.write.*', 'fe.secure.delete.role'], level: 5 })
    const admin = (await env.vendor('GET', url)).body[0]
    expect((await manager('PATCH', `${url}/${admin.id}`, { name: 'Owned' })).status).toBe(403)
    expect((await manager('DELETE', `${url}/${admin.id}`)).status).toBe(403)
    expect((await manager('POST', url, [{ key: 'strong', name: 'S', level: 4 }])).status).toBe(403)
    const made = await manager('POST', url, [{ key: 'weak', name: 'W', level: 5 }])
    expect(made).toMatchObject({ status: 201, body: [{ tenantId }] })
    expect((await manager('PATCH', `${url}/${made.body[0].id}`, { level: 1 })).status).toBe(403)
    expect(await manager('DELETE', `${url}/${made.body[0].id}`)).toMatchObject({ status: 204, body: null })
  })

  test('a default role marked for migration is given to everybody who is there', async () => {
    const env = await newEnvironment()
    const someone = await env.newUser()
    await env.vendor('POST', url, [{ key: 'all', name: 'All', level: 9, isDefault: true, migrateRole: true }])
    const keys = (
      await (await env.context()).db.membershipRole.findMany({ where: { userId: someone.id }, include: { role: true } })
    ).map((r) => r.role.key)
    expect(keys).toEqual(['all'])
  })

  test('only one that is default and marked is, by making it or by changing it; one of a tenant in that tenant only', async () => {
    const env = await newEnvironment(),
      a = await env.newUser(),
      b = await env.newUser()
    const holders = async (key: string) =>
      (await (await env.context()).db.membershipRole.findMany({ where: { role: { key } } })).map((row) => row.userId)
    const [marked, plain, own] = [
      (await env.vendor('POST', url, [{ key: 'marked', name: 'M', level: 1, migrateRole: true }])).body[0].id,
      (await env.vendor('POST', url, [{ key: 'plain', name: 'P', level: 1, isDefault: true }])).body[0].id,
      (await env.as(a.tenantId)('POST', url, [{ key: 'own', name: 'O', level: 1, isDefault: true, migrateRole: true }]))
        .body[0].id,
    ]
    expect([await holders('marked'), await holders('plain'), await holders('own')]).toEqual([[], [], [a.id]])
    await env.vendor('PATCH', `${url}/${marked}`, { isDefault: true })
    await env.vendor('PATCH', `${url}/${plain}`, { migrateRole: true })
    for (const key of ['marked', 'plain']) expect((await holders(key)).toSorted()).toEqual([a.id, b.id].toSorted())
    await env.as(a.tenantId)('PATCH', `${url}/${own}`, { name: 'Again' })
    expect(await holders('own')).toEqual([a.id])
  })

  test('to very many in the background, to each once, and to nobody any more when the role has changed its mind', async () => {
    const env = await newEnvironment(),
      ctx = await env.context(),
      now = ctx.clock.now(),
      tenantId = await env.newTenant()
    const ids = Array.from({ length: 1010 }, () => ctx.random.uuid())
    await ctx.db.user.createMany({ data: ids.map((id) => ({ id, name: 'N', createdAt: now, updatedAt: now })) })
    await ctx.db.membership.createMany({
      data: ids.map((userId) => ({ userId, tenantId, acceptedAt: now, createdAt: now })),
    })
    const make = async (key: string) =>
      (await env.vendor('POST', url, [{ key, name: key, level: 9, isDefault: true, migrateRole: true }])).body[0]
        .id as string
    const all = await make('all'),
      revoked = await make('revoked'),
      given = (roleId: string) => ctx.db.membershipRole.count({ where: { roleId } })
    expect([await given(all), await given(revoked)]).toEqual([1000, 1000])
    await env.vendor('PATCH', `${url}/${revoked}`, { isDefault: false })
    await env.runJobs()
    expect([await given(all), await given(revoked)]).toEqual([1010, 1000])
    expect(await ctx.db.job.count()).toBe(0)
  })

  test('newcomers get the default roles of the environment and of their tenant, or those they were given', async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant(),
      call = env.as(tenantId)
    const keysOf = async (client: typeof call, body: object) =>
      (await client('POST', '/identity/resources/users/v2', body)).body.roles
        .map((r: { key: string }) => r.key)
        .toSorted()
    const [plain] = (
      await call('POST', url, [
        { key: 'plain', name: 'P', level: 1 },
        { key: 'ours', name: 'O', level: 1, isDefault: true },
        { key: 'founder', name: 'F', level: 1, firstUserRole: true },
      ])
    ).body
    await env.as(await env.newTenant())('POST', url, [
      { key: 'theirs', name: 'T', level: 1, isDefault: true, firstUserRole: true },
    ])
    expect(await keysOf(call, { email: 'first@example.com' })).toEqual(['Admin', 'founder'])
    expect(await keysOf(call, { email: 'second@example.com' })).toEqual(['Admin', 'ours'])
    expect(await keysOf(call, { email: 'third@example.com', roleIds: [plain.id] })).toEqual(['plain'])
    expect(
      await keysOf(env.as(await env.newTenant()), {
        email: 'fourth@example.com',
        roleIds: [(await env.vendor('GET', url)).body[1].id],
      }),
    ).toEqual(['ReadOnly'])
  })

  test('a deleted role is gone from members, groups and the next token', async () => {
    const env = await newEnvironment(),
      member = await env.newUser(),
      call = env.as(member.tenantId)
    const [role] = (await call('POST', url, [{ key: 'gone', name: 'G', level: 1 }])).body,
      group = (await call('POST', '/identity/resources/groups/v1', { name: 'G' })).body.id
    await call('POST', `/identity/resources/users/v1/${member.id}/roles`, { roleIds: [role.id] })
    await call('POST', `/identity/resources/groups/v1/${group}/roles`, { roleIds: [role.id] })
    const rights = async () =>
      (await env.as(member.tenantId, member.id)('GET', '/identity/resources/users/v1/me/authorization')).body.roles.map(
        (r: { key: string }) => r.key,
      )
    expect(await rights()).toEqual(['gone'])
    expect((await call('DELETE', `${url}/${role.id}`)).status).toBe(204)
    expect(await rights()).toEqual([])
    expect((await call('GET', `/identity/resources/groups/v1/${group}?_groupsRelations=roles`)).body.roles).toEqual([])
    expect((await call('GET', `/identity/resources/users/v3/roles?ids=${member.id}`)).body).toMatchObject([
      { roleIds: [] },
    ])
    expect((await call('POST', url, [{ key: 'gone', name: 'Anew', level: 2 }])).status).toBe(201)
  })

  test('a role given to a tenant leaves the members of the others', async () => {
    const env = await newEnvironment()
    const [role] = (await env.vendor('POST', url, [{ key: 'move', name: 'Move', level: 0 }])).body
    const a = await env.newUser({ roleKeys: ['move'] }),
      b = await env.newUser({ roleKeys: ['move'] })
    expect(await env.vendor('PUT', `${url}/${role.id}/tenant`, { tenantId: a.tenantId })).toMatchObject({
      status: 200,
      body: { tenantId: a.tenantId },
    })
    const holders = await (await env.context()).db.membershipRole.findMany({ where: { roleId: role.id } })
    expect(holders.map((h) => h.userId)).toEqual([a.id])
    expect((await env.as(b.tenantId)('GET', url)).body.map((r: { key: string }) => r.key)).not.toContain('move')
    expect((await env.vendor('PUT', `${url}/${role.id}/tenant`, { tenantId: 'nowhere' })).status).toBe(404)
  })

  test.for([
    [0, 201],
    [32_767, 201],
    [-1, 400],
    [32_768, 400],
    [1.5, 400],
    ['1', 400],
    [undefined, 201],
  ] as const)('a level of %s is answered with %i', async ([level, status]) => {
    const env = await newEnvironment()
    const answer = await env.vendor('POST', url, [{ key: 'k', name: 'N', level }])
    expect([answer.status, answer.body[0]?.level]).toEqual([status, status === 201 ? (level ?? 0) : undefined])
  })

  test('are made in the order sent, without the permissions that are sent along, and changed in what is given only', async () => {
    const env = await newEnvironment(),
      [permission] = (await env.vendor('GET', '/identity/resources/permissions/v1')).body
    const made = (
      await env.vendor('POST', url, [
        { key: 'b', name: 'B', level: 1, description: 'The b', permissions: [permission.id] },
        { key: 'a', name: 'A', level: 1 },
      ])
    ).body
    expect(made).toMatchObject([
      { key: 'b', description: 'The b', permissions: [], isDefault: false, firstUserRole: false },
      { key: 'a' },
    ])
    const path = `${url}/${made[0].id}`
    const { body: whole } = await env.vendor('PUT', `${path}/permissions`, { permissionIds: [permission.id] })
    expect(
      await env.vendor('PATCH', path, { name: 'Bee', tenantId: 'x', permissions: [], vendorId: UNKNOWN_ID }),
    ).toMatchObject({ status: 200, body: { ...whole, name: 'Bee', updatedAt: expect.any(String) } })
    expect(await env.vendor('PATCH', path, { key: 'a' })).toMatchObject({
      status: 409,
      body: { errors: ['Roles already exists'] },
    })
    expect((await env.vendor('PATCH', path, { level: 40_000 })).status).toBe(400)
    for (const method of ['PATCH', 'DELETE'] as const)
      expect(
        (await env.vendor(method, `${url}/${UNKNOWN_ID}`, method === 'PATCH' ? { name: 'X' } : undefined)).status,
      ).toBe(404)
  })

  test("one of a tenant becomes the whole environment's again, unless its key is taken there", async () => {
    const env = await newEnvironment(),
      { tenantId, id } = await env.newUser(),
      other = await env.newTenant()
    const [role, twin] = (
      await env.as(tenantId)('POST', url, [
        { key: 'own', name: 'O', level: 1 },
        { key: 'Admin', name: 'Ours', level: 1 },
      ])
    ).body
    await env.as(tenantId)('POST', `/identity/resources/users/v1/${id}/roles`, { roleIds: [role.id] })
    const keys = async () => (await env.as(other)('GET', url)).body.map((r: { key: string }) => r.key)
    expect(await keys()).not.toContain('own')
    expect((await env.vendor('PUT', `${url}/${role.id}/tenant`, {})).status).toBe(400)
    expect(await env.vendor('PUT', `${url}/${role.id}/tenant`, { tenantId: null })).toMatchObject({
      status: 200,
      body: { tenantId: null },
    })
    expect(await keys()).toContain('own')
    expect(await (await env.context()).db.membershipRole.count({ where: { roleId: role.id } })).toBe(1)
    expect((await env.vendor('PUT', `${url}/${twin.id}/tenant`, { tenantId: null })).status).toBe(409)
    expect((await env.vendor('PUT', `${url}/${UNKNOWN_ID}/tenant`, { tenantId: null })).status).toBe(404)
  })
})
