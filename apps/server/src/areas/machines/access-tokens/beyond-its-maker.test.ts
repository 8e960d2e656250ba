import { describe, expect, test } from 'vitest'
import { newEnvironment, type TestEnvironment } from '../../../../test/environment.ts'

const settings = '/identity/resources/configurations/v1',
  roles = '/identity/resources/roles/v1',
  users = '/identity/resources/users',
  ofTenants = '/identity/resources/tenants/access-tokens/v1',
  ofUsers = '/identity/resources/users/access-tokens/v1',
  vendorOnly = '/identity/resources/vendor-only/tenants/access-tokens/v1'
const WRITE = 'fe.secure.write.tenantApiTokens'
const lacks = (key: string) => ({
  status: 403,
  body: { errors: [`Permission ${key} can be passed on only by who has it`] },
})
const tooStrong = { status: 403, body: { errors: ['The role is stronger than your own'] } }

async function withTokens() {
  const env = await newEnvironment()
  await env.vendor('POST', settings, { machineToMachineAuthStrategy: 'AccessToken' })
  const { db } = await env.context()
  return Object.assign(env, {
    db,
    newRole: async (key: string, level: number, permissionKeys: string[], tenantId?: string) => {
      const [{ id }] = (await env.as(tenantId)('POST', roles, [{ key, name: key, level }])).body,
        rows = await db.permission.findMany({ where: { key: { in: permissionKeys } } })
      await env.vendor('PUT', `${roles}/${id}/permissions`, { permissionIds: rows.map((row) => row.id) })
      return id as string
    },
    roleId: async (key: string) => (await db.role.findFirstOrThrow({ where: { key } })).id,
  })
}
type Env = Awaited<ReturnType<typeof withTokens>>
const give = (call: TestEnvironment['vendor'], ...roleIds: string[]) => call('POST', ofTenants, { roleIds })
const noneMade = async ({ db }: Env) => expect(await db.accessToken.count()).toBe(0)

describe.concurrent('nobody makes a machine that may do more than they may', () => {
  test('by roles with permissions that they have not got, built-in or of an application', async () => {
    const env = await withTokens()
    await env.vendor('POST', '/identity/resources/permissions/v1', [
      { key: 'eggs.read', name: 'R' },
      { key: 'eggs.write', name: 'W' },
    ])
    const maker = await env.user({ permissions: [WRITE, 'fe.secure.read.*', 'eggs.read'] })
    expect(await give(maker, await env.roleId('Admin'))).toMatchObject({ status: 403 })
    expect(await give(maker, await env.newRole('deleting', 0, ['fe.secure.delete.users']))).toMatchObject(
      lacks('fe.secure.delete.users'),
    )
    expect(await give(maker, await env.newRole('all', 0, ['fe.secure.*']))).toMatchObject(lacks('fe.secure.*'))
    const writing = await env.newRole('writing', 0, ['eggs.write'], maker.tenantId),
      reading = await env.newRole('reading', 0, ['eggs.read', 'fe.secure.read.users'], maker.tenantId)
    expect(await give(maker, writing)).toMatchObject(lacks('eggs.write'))
    expect(await give(maker, reading, writing)).toMatchObject(lacks('eggs.write'))
    await noneMade(env)
    const { status, body } = await give(maker, reading)
    expect(status).toBe(201)
    expect((await env.vendor('GET', `${vendorOnly}/${body.id}`)).body.permissions.toSorted()).toEqual([
      'eggs.read',
      'fe.secure.read.users',
    ])
  })

  test('but the roles that they have themselves', async () => {
    const env = await withTokens(),
      admin = await env.user({ roleKeys: ['Admin'] })
    expect((await give(admin, await env.roleId('Admin'), await env.roleId('ReadOnly'))).status).toBe(201)
  })

  test('by stronger roles, or equal ones where those are refused', async () => {
    const env = await withTokens(),
      maker = await env.user({ permissions: ['fe.secure.*'], level: 5 })
    const [stronger, equal, weaker] = [
      await env.newRole('stronger', 4, []),
      await env.newRole('equal', 5, []),
      await env.newRole('weaker', 6, []),
    ]
    expect(await give(maker, stronger)).toMatchObject(tooStrong)
    expect(await give(maker, weaker, stronger)).toMatchObject(tooStrong)
    expect((await give(maker, equal)).status).toBe(201)
    await env.vendor('POST', settings, { restrictEqualLevelRoleAssignment: true })
    expect(await give(maker, equal)).toMatchObject({
      status: 403,
      body: { errors: ['The role is not weaker than your own'] },
    })
    expect((await give(maker, weaker)).status).toBe(201)
  })

  test('by a token from before they lost their roles', async () => {
    const env = await withTokens(),
      admin = await env.user({ roleKeys: ['Admin'] }),
      adminId = await env.roleId('Admin')
    await env.as(admin.tenantId)('DELETE', `${users}/v1/${admin.id}/roles`, { roleIds: [adminId] })
    expect(await give(admin, adminId)).toMatchObject(tooStrong)
    expect(await give(admin, await env.roleId('ReadOnly'))).toMatchObject(tooStrong)
    await noneMade(env)
  })

  test('by what their token claims beyond their roles', async () => {
    const env = await withTokens(),
      weak = await env.newUser({ permissions: ['fe.secure.read.users'] }),
      client = env.withToken(await env.userToken(weak, { permissions: ['*'] }))
    expect(await give(client, await env.newRole('reading', 0, ['fe.secure.read.roles']))).toMatchObject(
      lacks('fe.secure.read.roles'),
    )
  })

  test('by a token that claims less than their roles', async () => {
    const env = await withTokens(),
      admin = await env.newUser({ roleKeys: ['Admin'] }),
      client = env.withToken(await env.userToken(admin, { permissions: [WRITE] }))
    expect(await give(client, await env.newRole('reading', 0, ['fe.secure.read.roles']))).toMatchObject(
      lacks('fe.secure.read.roles'),
    )
  })

  test('by a token from before they got weaker roles of the same level', async () => {
    const env = await withTokens(),
      admin = await env.user({ roleKeys: ['Admin', 'ReadOnly'] }),
      adminId = await env.roleId('Admin')
    await env.as(admin.tenantId)('DELETE', `${users}/v1/${admin.id}/roles`, { roleIds: [adminId] })
    expect(await give(admin, adminId)).toMatchObject({ status: 403 })
    expect((await give(admin, await env.roleId('ReadOnly'))).status).toBe(201)
  })

  test('by roles of another account', async () => {
    const env = await withTokens(),
      [admin, other] = [await env.user({ roleKeys: ['Admin'] }), await env.newTenant()],
      theirs = await env.newRole('theirs', 5, ['fe.secure.*'], other)
    for (const call of [admin, env.as(admin.tenantId)])
      expect(await give(call, theirs)).toMatchObject({
        status: 400,
        body: { errors: ['Some of the roles do not exist'] },
      })
    await noneMade(env)
  })

  test('by a role that moves to another account, and back', async () => {
    const env = await withTokens(),
      [tenantId, other] = [await env.newTenant(), await env.newTenant()],
      moving = await env.newRole('moving', 5, ['fe.secure.read.users'])
    const here = (await give(env.as(tenantId), moving)).body.id as string,
      there = (await give(env.as(other), moving)).body.id as string
    const rolesOf = async (id: string) => (await env.vendor('GET', `${vendorOnly}/${id}`)).body.roles as string[]
    expect([await rolesOf(here), await rolesOf(there)]).toEqual([['moving'], ['moving']])
    await env.vendor('PUT', `${roles}/${moving}/tenant`, { tenantId: other })
    expect([await rolesOf(here), await rolesOf(there)]).toEqual([[], ['moving']])
    await env.vendor('PUT', `${roles}/${moving}/tenant`, { tenantId: null })
    expect([await rolesOf(here), await rolesOf(there)]).toEqual([[], ['moving']])
  })

  test('in an account below, beyond what they may do from above', async () => {
    const env = await withTokens(),
      maker = await env.user({ permissions: [WRITE, 'fe.secure.read.users'] }),
      below = await env.newTenant(),
      aside = await env.newTenant()
    await env.db.tenant.updateMany({ where: { id: below }, data: { parentId: maker.tenantId } })
    const reading = await env.newRole('reading', 0, ['fe.secure.read.users']),
      deleting = await env.newRole('deleting', 0, ['fe.secure.delete.users'])
    const token = await env.userToken(maker, {
        permissions: [WRITE, 'fe.secure.read.users', 'fe.secure.delete.users'],
      }),
      within = (tenantId: string) => env.client({ authorization: `Bearer ${token}`, 'frontegg-tenant-id': tenantId })
    // without access to accounts below, the header changes nothing
    expect((await give(within(below), reading)).status).toBe(201)
    expect(await env.db.accessToken.count({ where: { tenantId: maker.tenantId } })).toBe(1)
    await env.db.user.updateMany({ where: { id: maker.id }, data: { subAccountAccess: true } })
    expect((await give(within(below), reading)).status).toBe(201)
    expect(await give(within(below), deleting)).toMatchObject(lacks('fe.secure.delete.users'))
    expect(await env.db.accessToken.count({ where: { tenantId: below } })).toBe(1)
    expect((await give(within(aside), reading)).status).toBe(201)
    expect(await env.db.accessToken.count({ where: { tenantId: aside } })).toBe(0)
    // those who are no members there have no tokens of their own there
    expect((await within(below)('POST', ofUsers, {})).status).toBe(403)
    const personal = await env.userToken(maker, { permissions: ['fe.secure.write.userApiTokens'] })
    expect(
      await env.client({ authorization: `Bearer ${personal}`, 'frontegg-tenant-id': below })('POST', ofUsers, {}),
    ).toMatchObject({ status: 404, body: { errors: ['User not found'] } })
  })

  test('by a token of their own: it is worth what they hold when it is used', async () => {
    const env = await withTokens(),
      user = await env.user({ roleKeys: ['Admin'] })
    const { id } = (await user('POST', ofUsers, {})).body,
      lookUp = () => env.vendor('GET', `/identity/resources/vendor-only/users/access-tokens/v1/${id}`)
    expect((await lookUp()).body.permissions).toContain('fe.secure.*')
    await env.as(user.tenantId)('DELETE', `${users}/v1/${user.id}/roles`, { roleIds: [await env.roleId('Admin')] })
    expect((await lookUp()).body).toMatchObject({ roles: [], permissions: [] })
  })
})
