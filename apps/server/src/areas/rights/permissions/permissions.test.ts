import { describe, expect, test } from 'vitest'
import { newEnvironment, UNKNOWN_ID } from '../../../../test/environment.ts'

const url = '/identity/resources/permissions/v1'
type Row = { id: string; key: string; name: string; fePermission: boolean; categoryId: string }

describe.concurrent('permissions', () => {
  test('the built-in ones are there, in categories, and cannot be changed', async () => {
    const env = await newEnvironment()
    const all: Row[] = (await env.vendor('GET', url)).body
    const one = all.find((p) => p.key === 'fe.secure.read.users')!
    expect(one).toMatchObject({ fePermission: true })
    const categories: { id: string; name: string; feCategory: boolean }[] = (
      await env.vendor('GET', `${url}/categories`)
    ).body
    expect(categories.find((c) => c.id === one.categoryId)).toMatchObject({ name: 'Secure access', feCategory: true })
    expect((await env.vendor('PATCH', `${url}/${one.id}`, { name: 'Mine' })).status).toBe(400)
    expect((await env.vendor('DELETE', `${url}/${one.id}`)).status).toBe(400)
    expect((await env.vendor('DELETE', `${url}/categories/${categories[0]!.id}`)).status).toBe(400)
    expect((await env.vendor('GET', url)).body).toEqual(all)
  })

  test("tell nobody of other accounts' roles", async () => {
    const env = await newEnvironment(),
      permission: Row = (await env.vendor('POST', url, [{ key: 'feed', name: 'Feed' }])).body[0],
      [mine, theirs] = [await env.newTenant(), await env.newTenant()]
    const roleIn = async (tenantId: string) => {
      const call = env.as(tenantId),
        { id } = (await call('POST', '/identity/resources/roles/v1', [{ key: 'r', name: 'R' }])).body[0] as Row
      const permissionIds = [permission.id]
      expect((await call('PUT', `/identity/resources/roles/v1/${id}/permissions`, { permissionIds })).status).toBe(200)
      return id
    }
    const [own, foreign] = [await roleIn(mine), await roleIn(theirs)],
      user = await env.user({ tenantId: mine, roleKeys: ['Admin'] })
    await env.as(mine)('POST', `/identity/resources/users/v1/${user.id}/roles`, { roleIds: [own] })
    const known = (rows: { key: string; roleIds: string[] }[]) =>
      rows.find(({ key }) => key === 'feed')!.roleIds.toSorted()
    expect(known((await env.vendor('GET', url)).body)).toEqual([own, foreign].toSorted())
    expect(known((await env.as(mine)('GET', url)).body)).toEqual([own])
    expect(known((await user('GET', url)).body)).toEqual([own])
    for (const path of ['users/v2/me', 'users/v2', 'users/v3', 'sub-tenants/users/v1']) {
      const { status, body } = await user('GET', `/identity/resources/${path}`)
      expect([status, JSON.stringify(body).includes(foreign)], path).toEqual([200, false])
    }
    const changed = await user('PUT', `${url}/${permission.id}/roles`, { roleIds: [own] })
    expect(changed).toMatchObject({ status: 200, body: { roleIds: [own] } })
  })

  test('are made in the order sent, changed and deleted', async () => {
    const env = await newEnvironment()
    const category = (
      await env.vendor('POST', `${url}/categories`, { name: 'Chickens', description: 'All about them' })
    ).body
    const made = await env.vendor('POST', url, [
      { key: 'b', name: 'B', categoryId: category.id },
      { key: 'a', name: 'A', description: 'first letter', assignmentType: 'NEVER' },
    ])
    expect(made).toMatchObject({
      status: 201,
      body: [
        { key: 'b', categoryId: category.id, roleIds: [], fePermission: false },
        { key: 'a', categoryId: null, description: 'first letter' },
      ],
    })
    const path = `${url}/${made.body[0].id}`
    expect(await env.vendor('PATCH', path, { name: 'Bee' })).toMatchObject({
      status: 200,
      body: { name: 'Bee', key: 'b' },
    })
    expect(await env.vendor('PATCH', path, { key: 'a' })).toMatchObject({
      status: 409,
      body: { errors: [expect.stringContaining('already exist')] },
    })
    expect(await env.vendor('DELETE', path)).toMatchObject({ status: 204, body: null })
    expect((await env.vendor('DELETE', path)).status).toBe(404)
    expect((await env.vendor('POST', url, [{ key: 'c', name: 'C', categoryId: UNKNOWN_ID }])).status).toBe(404)
  })

  test('are added to roles, which keep what they have', async () => {
    const env = await newEnvironment()
    const [p] = (await env.vendor('POST', url, [{ key: 'p', name: 'P' }])).body
    const roles = (await env.vendor('GET', '/identity/resources/roles/v1')).body
    const ids = roles.map((r: Row) => r.id)
    const answer = await env.vendor('PUT', `${url}/${p.id}/roles`, { roleIds: ids })
    expect(answer.status).toBe(200)
    expect(answer.body.roleIds.toSorted()).toEqual(ids.toSorted())
    expect((await env.vendor('PUT', `${url}/${p.id}/roles`, { roleIds: [ids[0]] })).body.roleIds).toHaveLength(2)
    expect((await env.vendor('PUT', `${url}/${p.id}/roles`, { roleIds: [UNKNOWN_ID] })).status).toBe(404)
    const member = await env.user({ permissions: ['fe.secure.write.roles'] })
    expect((await member('PUT', `${url}/${p.id}/roles`, { roleIds: ids })).status).toBe(403)
  })

  test('those classified as NEVER cannot be used by a tenant in its own roles', async () => {
    const env = await newEnvironment()
    const [p] = (await env.vendor('POST', url, [{ key: 'secret', name: 'S' }])).body
    expect(await env.vendor('PUT', `${url}/classification`, { permissionIds: [p.id], type: 'NEVER' })).toMatchObject({
      status: 200,
      body: [{ id: p.id }],
    })
    const manager = await env.user({ permissions: ['fe.secure.write.roles'] })
    const [role] = (await manager('POST', '/identity/resources/roles/v1', [{ key: 'own', name: 'Own', level: 0 }])).body
    expect(
      (await manager('PUT', `/identity/resources/roles/v1/${role.id}/permissions`, { permissionIds: [p.id] })).status,
    ).toBe(403)
    expect((await manager('PUT', `${url}/${p.id}/roles`, { roleIds: [role.id] })).status).toBe(403)
    expect(
      (await env.vendor('PUT', `${url}/classification`, { permissionIds: [p.id, UNKNOWN_ID], type: 'ALWAYS' })).status,
    ).toBe(404)
    expect(
      (await manager('PUT', `/identity/resources/roles/v1/${role.id}/permissions`, { permissionIds: [p.id] })).status,
    ).toBe(403)
  })

  test('a category that goes leaves its permissions without one', async () => {
    const env = await newEnvironment()
    const category = (await env.vendor('POST', `${url}/categories`, { name: 'Short-lived' })).body
    expect(await env.vendor('POST', `${url}/categories`, { name: 'Short-lived' })).toMatchObject({
      status: 409,
      body: { errors: [expect.stringContaining('already exist')] },
    })
    const [p] = (await env.vendor('POST', url, [{ key: 'p', name: 'P', categoryId: category.id }])).body
    expect(await env.vendor('PATCH', `${url}/categories/${category.id}`, { description: 'new' })).toMatchObject({
      status: 200,
      body: null,
    })
    expect(await env.vendor('DELETE', `${url}/categories/${category.id}`)).toMatchObject({ status: 200, body: null })
    expect((await env.vendor('GET', url)).body.find((r: Row) => r.id === p.id).categoryId).toBeNull()
    expect((await env.vendor('DELETE', `${url}/categories/${category.id}`)).status).toBe(404)
  })

  test('the built-in ones are those of the original, by category', async () => {
    const env = await newEnvironment()
    const all: Row[] = (await env.vendor('GET', url)).body,
      categories: { name: string; feCategory: boolean; permissionIds: string[] }[] = (
        await env.vendor('GET', `${url}/categories`)
      ).body
    expect(categories.map((c) => [c.name, c.permissionIds.length, c.feCategory])).toEqual(
      [
        ['Secure access', 4 + 17 + 25 + 16, true],
        ['Connectivity', 4 + 11 + 10 + 7, true],
        ['Account settings', 3, true],
        ['Account hierarchy', 5, true],
        ['Subscriptions', 3, true],
      ].toSorted(),
    )
    expect(all.filter((p) => !p.fePermission)).toEqual([])
    const prefixes = {
      'Secure access': 'fe.secure.',
      Connectivity: 'fe.connectivity.',
      'Account settings': 'fe.account-settings.',
      'Account hierarchy': 'fe.account-hierarchy.',
      Subscriptions: 'fe.subscriptions.',
    } as Record<string, string>
    for (const { name, permissionIds } of categories)
      expect(
        all
          .filter((p) => p.key.startsWith(prefixes[name]!))
          .map((p) => p.id)
          .toSorted(),
      ).toEqual(permissionIds.toSorted())
    expect(
      (await env.vendor('GET', '/identity/resources/roles/v1')).body.map(
        (role: { key: string; level: number; permissions: string[] }) => [
          role.key,
          role.level,
          role.permissions.map((id) => all.find((p) => p.id === id)!.key).toSorted(),
        ],
      ),
    ).toEqual([
      [
        'Admin',
        0,
        [
          'fe.account-hierarchy.read.subAccount',
          'fe.account-settings.read.app',
          'fe.connectivity.*',
          'fe.secure.*',
          'fe.subscriptions.*',
        ],
      ],
      ['ReadOnly', 0, ['fe.connectivity.read.*', 'fe.secure.read.*']],
    ])
  })

  test('one that is deleted leaves the roles that had it, and the next token', async () => {
    const env = await newEnvironment()
    const [p, kept] = (
        await env.vendor('POST', url, [
          { key: 'p', name: 'P' },
          { key: 'kept', name: 'K' },
        ])
      ).body,
      [role] = (await env.vendor('POST', '/identity/resources/roles/v1', [{ key: 'r', name: 'R', level: 1 }])).body
    await env.vendor('PUT', `/identity/resources/roles/v1/${role.id}/permissions`, { permissionIds: [p.id, kept.id] })
    const user = await env.newUser({ roleKeys: ['r'] }),
      mine = async () =>
        (await env.as(user.tenantId, user.id)('GET', '/identity/resources/users/v1/me/authorization')).body.permissions
          .map((one: Row) => one.key)
          .toSorted()
    expect(await mine()).toEqual(['kept', 'p'])
    expect((await env.vendor('DELETE', `${url}/${p.id}`)).status).toBe(204)
    expect(await mine()).toEqual(['kept'])
    expect((await env.vendor('GET', '/identity/resources/roles/v1')).body.at(-1).permissions).toEqual([kept.id])
  })

  test('of every classification but NEVER, which none has at first, can be used by tenants; management may use all', async () => {
    const env = await newEnvironment(),
      manager = await env.user({ permissions: ['fe.secure.write.roles'] })
    const made = (
      await env.vendor('POST', url, [
        { key: 'plain', name: 'P' },
        ...['ALWAYS', 'ASSIGNABLE', 'NEVER'].map((assignmentType) => ({
          key: assignmentType,
          name: 'N',
          assignmentType,
        })),
      ])
    ).body as Row[]
    const [own] = (await manager('POST', '/identity/resources/roles/v1', [{ key: 'own', name: 'Own', level: 0 }])).body,
      path = `/identity/resources/roles/v1/${own.id}/permissions`
    expect(
      await Promise.all(made.map(async (p) => (await manager('PUT', path, { permissionIds: [p.id] })).status)),
    ).toEqual([200, 200, 200, 403])
    expect((await env.as(manager.tenantId)('PUT', path, { permissionIds: made.map((p) => p.id) })).status).toBe(200)
    for (const body of [
      { permissionIds: [made[0]!.id], type: 'SOMETIMES' },
      { permissionIds: [made[0]!.id] },
      { type: 'NEVER' },
      { permissionIds: [], type: 'NEVER' },
    ])
      expect((await env.vendor('PUT', `${url}/classification`, body)).status).toBe(400)
  })

  test('a wrong body is refused, and categories are shown whole', async () => {
    const env = await newEnvironment()
    expect(await env.vendor('POST', url, { key: 'a', name: 'A' })).toMatchObject({
      status: 400,
      body: { errors: ['Expected body to be an array'] },
    })
    for (const body of [
      [],
      [{ key: 'a' }],
      [{ name: 'A' }],
      [{ key: 'a', name: 'A', assignmentType: 'ONCE' }],
      [{ key: '', name: 'A' }],
    ])
      expect((await env.vendor('POST', url, body)).status).toBe(400)
    expect(
      await env.vendor('POST', url, [
        { key: 'a', name: 'A' },
        { key: 'fe.secure.*', name: 'B' },
      ]),
    ).toMatchObject({ status: 409, body: { errors: [expect.stringContaining('already exist')] } })
    expect((await env.vendor('GET', url)).body.find((p: Row) => p.key === 'a')).toBeUndefined()
    const { status, body: category } = await env.vendor('POST', `${url}/categories`, { name: 'Hens' }),
      [p] = (await env.vendor('POST', url, [{ key: 'hen', name: 'H', categoryId: category.id }])).body
    expect([status, category]).toEqual([
      201,
      {
        id: expect.any(String),
        name: 'Hens',
        description: null,
        feCategory: false,
        permissionIds: [],
        createdAt: expect.any(String),
        updatedAt: expect.any(String),
      },
    ])
    expect((await env.vendor('GET', `${url}/categories`)).body.at(-1)).toMatchObject({
      name: 'Hens',
      permissionIds: [p.id],
    })
    const builtIn = (await env.vendor('GET', `${url}/categories`)).body[0].id
    for (const [id, change, expected] of [
      [builtIn, { name: 'Mine' }, 400],
      [UNKNOWN_ID, { name: 'X' }, 404],
      [category.id, { name: 'Secure access' }, 409],
      [category.id, { name: '' }, 400],
    ] as const)
      expect((await env.vendor('PATCH', `${url}/categories/${id}`, change)).status).toBe(expected)
  })
})
