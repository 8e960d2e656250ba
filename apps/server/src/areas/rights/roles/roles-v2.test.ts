import { describe, expect, test } from 'vitest'
import { newEnvironment, UNKNOWN_ID, type TestEnvironment } from '../../../../test/environment.ts'

const url = '/identity/resources/roles/v2',
  v1 = '/identity/resources/roles/v1'
interface RoleWire {
  id: string
  key: string
  level: number
  permissions: string[]
}
const make = async (
  env: TestEnvironment,
  role: { key: string; level: number; name?: string; description?: string; isDefault?: boolean },
  tenantId?: string,
) => (await env.as(tenantId)('POST', v1, [{ name: role.key.toUpperCase(), ...role }])).body[0] as RoleWire
const permissionsOf = async (env: TestEnvironment, ...keys: string[]) =>
  (await (await env.context()).db.permission.findMany({ where: { key: { in: keys } } })).map(
    (permission) => permission.id,
  )
const keys = (body: { items: RoleWire[] }) => body.items.map((role) => role.key)

describe.concurrent('roles by the page', () => {
  test('are those that v1 lists, the oldest first', async () => {
    const env = await newEnvironment()
    await make(env, { key: 'b', level: 2 })
    const { status, body } = await env.vendor('GET', url)
    expect(status).toBe(200)
    expect(body.items).toEqual((await env.vendor('GET', v1)).body)
    expect(body._metadata).toEqual({ totalItems: 3, totalPages: 1 })
    const page = (await env.vendor('GET', `${url}?_limit=2&_offset=1`)).body
    expect(keys(page)).toEqual(['b'])
    expect(page).toMatchObject({
      _metadata: { totalItems: 3, totalPages: 2 },
      _links: { next: '', prev: expect.stringMatching(/^http.*\/roles\/v2\?_limit=2&_offset=0$/) },
    })
    expect((await env.vendor('GET', `${url}?_limit=2000`)).status).toBe(200)
    for (const query of ['_limit=0', '_limit=2001', '_offset=-1', '_sortBy=shoeSize', '_order=UP', '_levels=a'])
      expect((await env.vendor('GET', `${url}?${query}`)).status, query).toBe(400)
  })

  test('are found by level, tenant and text', async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant(),
      other = await env.newTenant()
    await make(env, { key: 'alpha', level: 1, description: 'Reads 100%' })
    await make(env, { key: 'beta', level: 2 }, tenantId)
    await make(env, { key: 'gamma', level: 3, name: 'Alphabet' }, other)
    const find = async (query: string) => keys((await env.vendor('GET', `${url}?${query}`)).body)
    expect(await find('_levels=1,3')).toEqual(['alpha', 'gamma'])
    expect(await find('_levels=1&_levels=2')).toEqual(['alpha', 'beta'])
    expect(await find(`_tenantIds=${tenantId},${other}`)).toEqual(['beta', 'gamma'])
    expect(await find('_tenantIds=nobody')).toEqual([])
    expect(await find('_filter=ALPHA')).toEqual(['alpha', 'gamma'])
    expect(await find('_filter=%25')).toEqual(['alpha'])
    expect(await find('_filter=alpha&_levels=3')).toEqual(['gamma'])
  })

  test('come in any order, also by how much they hold', async () => {
    const env = await newEnvironment()
    await env.clock.freeze(new Date('2030-01-01'))
    const a = await make(env, { key: 'a', level: 9, name: 'Z', description: 'm' }),
      b = await make(env, { key: 'b', level: 8, name: 'Y', description: 'l', isDefault: true })
    const user = await env.newUser({ roleKeys: ['b'] })
    await env.vendor('PUT', `${v1}/${a.id}/permissions`, { permissionIds: await permissionsOf(env, 'fe.secure.*') })
    const group = (await env.as(user.tenantId)('POST', '/identity/resources/groups/v1', { name: 'G' })).body.id
    await env.as(user.tenantId)('POST', `/identity/resources/groups/v1/${group}/roles`, { roleIds: [b.id] })
    const sorted = async (by: string, order: string) =>
      keys((await env.vendor('GET', `${url}?_sortBy=${by}&_order=${order}&_levels=8,9`)).body)
    for (const [by, ascending] of [
      ['key', ['a', 'b']],
      ['name', ['b', 'a']],
      ['description', ['b', 'a']],
      ['level', ['b', 'a']],
      ['isDefault', ['a', 'b']],
      ['firstUserRole', ['a', 'b']],
      ['createdAt', ['a', 'b']],
      ['updatedAt', ['a', 'b']],
      ['permissions', ['b', 'a']],
      ['userTenants', ['a', 'b']],
      ['groups', ['a', 'b']],
    ] as const) {
      expect(await sorted(by, 'ASC'), by).toEqual(ascending)
      expect(await sorted(by, 'DESC'), by).toEqual(ascending.toReversed())
    }
  })

  test("show a tenant its own and the environment's", async () => {
    const env = await newEnvironment(),
      other = await env.newTenant()
    await make(env, { key: 'theirs', level: 4 }, other)
    const reader = await env.user({ permissions: ['fe.secure.read.roles'], level: 7 })
    await make(env, { key: 'mine', level: 5 }, reader.tenantId)
    const list = (await reader('GET', url)).body
    expect(keys(list)).toEqual(expect.arrayContaining(['Admin', 'mine']))
    expect(keys(list)).not.toContain('theirs')
    expect(keys((await reader('GET', `${url}?_tenantIds=${other}`)).body)).toEqual([])
    expect((await reader('GET', `${url}/distinct-levels`)).body).toEqual([0, 5, 7])
    expect((await reader('GET', `${url}/distinct-tenants`)).body).toEqual([reader.tenantId])
    expect((await env.vendor('GET', `${url}/distinct-levels`)).body).toEqual([0, 4, 5, 7])
    expect((await env.vendor('GET', `${url}/distinct-tenants`)).body).toEqual([other, reader.tenantId].toSorted())
    expect((await env.as(other)('GET', `${url}/distinct-levels`)).body).toEqual([0, 4, 7])
  })

  test("are listed for the portal's page of the team", async () => {
    const env = await newEnvironment()
    const reader = await env.user({ permissions: ['fe.secure.read.roles'], level: 7 }),
      other = await env.newTenant()
    await make(env, { key: 'theirs', level: 4 }, other)
    await make(env, { key: 'mine', level: 5, description: 'M' }, reader.tenantId)
    const { status, body } = await reader('GET', '/team/resources/roles/v1')
    expect(status).toBe(200)
    expect(body.items).toHaveLength(4)
    expect(body.items).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ key: 'Admin', tenantId: null, description: expect.any(String), permissionLevel: 0 }),
        expect.objectContaining({
          key: 'mine',
          tenantId: reader.tenantId,
          description: 'M',
          permissionLevel: 5,
          permissions: [],
        }),
      ]),
    )
    expect(
      (await env.as(other)('GET', '/team/resources/roles/v1')).body.items.map((role: RoleWire) => role.key),
    ).toContain('theirs')
  })
})

describe.concurrent('a role after another one', () => {
  test('has its level, and the permissions that were given', async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant()
    const base = await make(env, { key: 'base', level: 6 }),
      permissionIds = await permissionsOf(env, 'fe.secure.read.users', 'fe.secure.read.roles')
    const { status, body } = await env.as(tenantId)('POST', url, {
      key: 'k',
      name: 'N',
      description: 'D',
      isDefault: true,
      baseRoleId: base.id,
      permissionIds: [...permissionIds, permissionIds[0]],
      level: 1,
    })
    expect(status).toBe(200)
    expect(body).toMatchObject({
      vendorId: env.id,
      tenantId,
      key: 'k',
      name: 'N',
      description: 'D',
      isDefault: true,
      firstUserRole: false,
      level: 6,
    })
    expect(body.permissions.toSorted()).toEqual(permissionIds.toSorted())
    expect((await env.as(tenantId)('GET', v1)).body).toContainEqual(body)
    expect(
      await env.vendor('POST', url, { key: 'k', name: 'N', baseRoleId: base.id, permissionIds: [] }),
    ).toMatchObject({ status: 200, body: { tenantId: null, description: null, isDefault: false, permissions: [] } })
  })

  test('is refused where the other one or a permission is unknown, or the key taken', async () => {
    const env = await newEnvironment(),
      other = await newEnvironment()
    const tenantId = await env.newTenant(),
      base = await make(env, { key: 'base', level: 6 })
    const theirs = await make(other, { key: 'theirs', level: 1 }),
      neighbours = await make(env, { key: 'neighbours', level: 1 }, await env.newTenant())
    const [permission] = await permissionsOf(other, 'fe.secure.*')
    const post = (body: object) =>
      env.as(tenantId)('POST', url, { key: 'k', name: 'N', baseRoleId: base.id, permissionIds: [], ...body })
    for (const baseRoleId of [theirs.id, neighbours.id, UNKNOWN_ID, 'x', ''])
      expect(await post({ baseRoleId }), baseRoleId).toMatchObject({
        status: 404,
        body: { errors: ['Role not found'] },
      })
    for (const id of [permission, UNKNOWN_ID, 'x'])
      expect(await post({ permissionIds: [id] }), id).toMatchObject({
        status: 404,
        body: { errors: ['Permission not found'] },
      })
    for (const body of [
      { key: '' },
      { name: '' },
      { baseRoleId: null },
      { permissionIds: null },
      { permissionIds: 'x' },
    ])
      expect((await post(body)).status, JSON.stringify(body)).toBe(400)
    expect((await env.as(tenantId)('GET', v1)).body.map((role: RoleWire) => role.key)).not.toContain('k')
    const answers = await Promise.all(Array.from({ length: 8 }, () => post({})))
    expect(answers.map((answer) => answer.status).sort()).toEqual([200, 409, 409, 409, 409, 409, 409, 409])
    expect(answers.find((answer) => answer.status === 409)!.body.errors).toEqual(['Roles already exists'])
  })

  test('can be made by users in their own tenant, no stronger than they are', async () => {
    const env = await newEnvironment()
    const user = await env.user({ permissions: ['fe.secure.write.roles'], level: 5 }),
      reader = await env.user({ permissions: ['fe.secure.read.roles'] })
    const strong = await make(env, { key: 'strong', level: 4 }),
      equal = await make(env, { key: 'equal', level: 5 })
    const never = (
      await env.vendor('POST', '/identity/resources/permissions/v1', [
        { key: 'never', name: 'Never', assignmentType: 'NEVER' },
      ])
    ).body[0].id
    const body = { key: 'k', name: 'N', permissionIds: [] }
    expect((await reader('POST', url, { ...body, baseRoleId: equal.id })).status).toBe(403)
    expect(await user('POST', url, { ...body, baseRoleId: strong.id })).toMatchObject({
      status: 403,
      body: { errors: ['The role is stronger than your own'] },
    })
    expect(await user('POST', url, { ...body, baseRoleId: equal.id, permissionIds: [never] })).toMatchObject({
      status: 403,
      body: { errors: ['The permission cannot be used in the roles of an account'] },
    })
    expect(
      await user(
        'POST',
        url,
        { ...body, baseRoleId: equal.id },
        { headers: { 'frontegg-tenant-id': await env.newTenant() } },
      ),
    ).toMatchObject({ status: 200, body: { tenantId: user.tenantId, level: 5 } })
  })
})
