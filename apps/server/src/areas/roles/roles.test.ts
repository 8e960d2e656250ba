import { describe, expect, test } from 'vitest'
import { newEnvironment, UNKNOWN_ID } from '../../../test/environment.ts'

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
    expect(body[0].permissions).toHaveLength(4)
  })

  test('roles of the environment are seen by every tenant, a tenant\'s own by nobody else', async () => {
    const env = await newEnvironment()
    const [mine, theirs] = [await env.newTenant(), await env.newTenant()]
    expect(await env.vendor('POST', url, [{ key: 'editor', name: 'Editor', level: 1 }])).toMatchObject({ status: 201, body: [{ key: 'editor', tenantId: null, permissions: [], description: null }] })
    expect(await env.as(mine)('POST', url, [{ key: 'mine', name: 'Mine', level: 2 }])).toMatchObject({ status: 201, body: [{ tenantId: mine }] })
    const keys = async (tenantId: string) => (await (await env.user({ tenantId, permissions: ['fe.secure.read.roles'] }))('GET', url)).body.map((r: { key: string }) => r.key)
    expect(await keys(mine)).toEqual(expect.arrayContaining(['editor', 'mine']))
    expect(await keys(theirs)).not.toContain('mine')
  })

  test('a key is taken once, among the environment\'s and among each tenant\'s; nothing of the batch is made', async () => {
    const env = await newEnvironment()
    const tenant = await env.newTenant()
    expect((await env.as(tenant)('POST', url, [{ key: 'a', name: 'A', level: 0 }])).status).toBe(201)
    expect((await env.vendor('POST', url, [{ key: 'a', name: 'A', level: 0 }])).status).toBe(201)
    const again = await env.vendor('POST', url, [{ key: 'b', name: 'B', level: 0 }, { key: 'a', name: 'A', level: 0 }])
    expect(again).toMatchObject({ status: 409, body: { errors: ['Roles already exists'] } })
    expect((await env.vendor('GET', url)).body.map((r: { key: string }) => r.key)).not.toContain('b')
  })

  test('of many that take the same key at once, one gets it', async () => {
    const env = await newEnvironment()
    const answers = await Promise.all(Array.from({ length: 8 }, () => env.vendor('POST', url, [{ key: 'same', name: 'S', level: 0 }])))
    expect(answers.map((a) => a.status).sort()).toEqual([201, 409, 409, 409, 409, 409, 409, 409])
  })

  test('every fault of the input is named, with its code', async () => {
    const env = await newEnvironment()
    expect(await env.vendor('POST', url, { key: 'a' })).toMatchObject({ status: 400, body: { errors: ['Expected body to be an array'] } })
    const { status, body } = await env.vendor('POST', url, [{ key: 'a', level: 40_000 }])
    expect(status).toBe(400)
    expect(body.errors).toEqual(['0.name should not be empty', '0.name must be a string', '0.level must not be greater than 32767'])
    expect(body.errorCodes).toHaveLength(3)
    expect(body.errorCode).toBe(body.errorCodes[0])
  })

  test('permissions are replaced, and unknown ones refused with nothing changed', async () => {
    const env = await newEnvironment()
    const [permission] = (await env.vendor('POST', '/identity/resources/permissions/v1', [{ key: 'read', name: 'Read' }])).body
    const [role] = (await env.vendor('POST', url, [{ key: 'r', name: 'R', level: 0 }])).body
    const path = `${url}/${role.id}/permissions`
    expect(await env.vendor('PUT', path, { permissionIds: [permission.id] })).toMatchObject({ status: 200, body: { permissions: [permission.id] } })
    expect((await env.vendor('PUT', path, { permissionIds: [UNKNOWN_ID] })).status).toBe(404)
    expect((await env.vendor('PUT', path, { permissionIds: ['no id'] })).status).toBe(404)
    expect((await env.vendor('GET', url)).body.find((r: { id: string }) => r.id === role.id).permissions).toEqual([permission.id])
    expect(await env.vendor('PUT', path, { permissionIds: [] })).toMatchObject({ status: 200, body: { permissions: [] } })
  })

  test('a user changes roles of its own tenant only, and none stronger than its own', async () => {
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
    const keys = (await (await env.context()).db.membershipRole.findMany({ where: { userId: someone.id }, include: { role: true } })).map((r) => r.role.key)
    expect(keys).toEqual(['all'])
  })

  test('a role given to a tenant leaves the members of the others', async () => {
    const env = await newEnvironment()
    const [role] = (await env.vendor('POST', url, [{ key: 'move', name: 'Move', level: 0 }])).body
    const a = await env.newUser({ roleKeys: ['move'] }), b = await env.newUser({ roleKeys: ['move'] })
    expect(await env.vendor('PUT', `${url}/${role.id}/tenant`, { tenantId: a.tenantId })).toMatchObject({ status: 200, body: { tenantId: a.tenantId } })
    const holders = await (await env.context()).db.membershipRole.findMany({ where: { roleId: role.id } })
    expect(holders.map((h) => h.userId)).toEqual([a.id])
    expect((await env.as(b.tenantId)('GET', url)).body.map((r: { key: string }) => r.key)).not.toContain('move')
    expect((await env.vendor('PUT', `${url}/${role.id}/tenant`, { tenantId: 'nowhere' })).status).toBe(404)
  })
})
