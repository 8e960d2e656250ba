import { describe, expect, test } from 'vitest'
import { newEnvironment, type TestEnvironment } from '../../../../test/environment.ts'

const groups = '/identity/resources/groups/v1',
  auth = '/identity/resources/auth/v1/user'
const password = 'Henhouse-1!'
const payload = (token: string) =>
  JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as {
    roles?: string[]
    permissions?: string[]
    tenantId: string
  }

/** A role with one permission, and a group that has it. */
async function groupWithRole(env: TestEnvironment, tenantId: string) {
  const call = env.as(tenantId),
    [role] = (await env.vendor('POST', '/identity/resources/roles/v1', [{ key: 'editor', name: 'E', level: 1 }])).body
  const permission = (await env.vendor('GET', '/identity/resources/permissions/v1')).body.find(
    (p: { key: string }) => p.key === 'fe.secure.read.groups',
  )
  await env.vendor('PUT', `/identity/resources/roles/v1/${role.id}/permissions`, { permissionIds: [permission.id] })
  const group = (await call('POST', groups, { name: 'Editors' })).body.id as string
  await call('POST', `${groups}/${group}/roles`, { roleIds: [role.id] })
  const change =
    (method: 'POST' | 'DELETE') =>
    async (...userIds: string[]) => {
      expect((await call(method, `${groups}/${group}/users`, { userIds })).status).toBeLessThan(300)
    }
  return { group, roleId: role.id as string, join: change('POST'), leave: change('DELETE') }
}
const login = async (env: TestEnvironment, { email }: { email: string }) =>
  (await env.anonymous('POST', auth, { email, password })).body as { accessToken: string; refreshToken: string }
const rights = async (env: TestEnvironment, token: string, headers = {}) => {
  const { body } = await env.withToken(token)('GET', '/identity/resources/users/v1/me/authorization', undefined, {
    headers,
  })
  return [body.roles.map((r: { key: string }) => r.key), body.permissions.map((p: { key: string }) => p.key)]
}
const inherited = [['editor'], ['fe.secure.read.groups']],
  nothing = [[], []]

describe.concurrent('the roles of a group', () => {
  test("are in the token of a login and in the user's authorization; a user who leaves loses them at once, and in the next token", async () => {
    const env = await newEnvironment(),
      member = await env.newUser({ password }),
      { join, leave } = await groupWithRole(env, member.tenantId)
    await join(member.id)
    const first = await login(env, member),
      refresh = async (refreshToken: string) =>
        (await env.anonymous('POST', `${auth}/token/refresh`, { refreshToken })).body
    expect(payload(first.accessToken)).toMatchObject({ roles: inherited[0], permissions: inherited[1] })
    expect(await rights(env, first.accessToken)).toEqual(inherited)
    await leave(member.id)
    expect(await rights(env, first.accessToken)).toEqual(nothing)
    const second = await refresh(first.refreshToken)
    expect(payload(second.accessToken)).toMatchObject({ roles: [], permissions: [] })
    expect((await env.withToken(second.accessToken)('GET', groups)).status).toBe(403)
    await join(member.id)
    const third = await refresh(second.refreshToken)
    expect(payload(third.accessToken)).toMatchObject({ roles: inherited[0], permissions: inherited[1] })
    expect((await env.withToken(third.accessToken)('GET', groups)).status).toBe(200)
  })

  test.for([
    'the group is deleted',
    'the group loses the role',
    'the role is deleted',
    'groups are switched off',
    'their roles are switched off',
    'the member is removed',
  ])('are lost when %s', async (how) => {
    const env = await newEnvironment(),
      member = await env.newUser({ password }),
      { join, group, roleId } = await groupWithRole(env, member.tenantId),
      call = env.as(member.tenantId)
    await join(member.id)
    const { accessToken } = await login(env, member)
    const done: Record<string, () => Promise<{ status: number }>> = {
      'the group is deleted': () => call('DELETE', `${groups}/${group}`),
      'the group loses the role': () => call('DELETE', `${groups}/${group}/roles`, { roleIds: [roleId] }),
      'the role is deleted': () => env.vendor('DELETE', `/identity/resources/roles/v1/${roleId}`),
      'groups are switched off': () => env.vendor('POST', `${groups}/config`, { enabled: false }),
      'their roles are switched off': () => env.vendor('POST', `${groups}/config`, { rolesEnabled: false }),
      'the member is removed': () => call('DELETE', `/identity/resources/users/v1/${member.id}`),
    }
    expect(await rights(env, accessToken)).toEqual(inherited)
    expect((await done[how]!()).status).toBeLessThan(300)
    if (how === 'the member is removed')
      expect((await env.withToken(accessToken)('GET', '/identity/resources/users/v1/me/authorization')).status).toBe(
        401,
      )
    else expect(await rights(env, accessToken)).toEqual(nothing)
  })

  test('apply in the accounts below to users with access to them, and nowhere else', async () => {
    const env = await newEnvironment(),
      member = await env.newUser({ password }),
      { join, leave } = await groupWithRole(env, member.tenantId),
      below = await env.newTenant(),
      deeper = await env.newTenant()
    for (const [parentTenantId, childTenantId] of [
      [member.tenantId, below],
      [below, deeper],
    ])
      await env.vendor('POST', '/tenants/resources/hierarchy/v1', { parentTenantId, childTenantId })
    await join(member.id)
    const { accessToken } = await login(env, member),
      there = { 'frontegg-tenant-id': deeper }
    const tokenFor = async (tenantId: string) =>
      env.withToken(accessToken)('POST', '/identity/resources/users/v3/me/token', { tenantId })
    expect((await tokenFor(deeper)).status).toBe(404)
    await env.as(member.tenantId)('PUT', `/identity/resources/sub-tenants/users/v1/${member.id}/access`, {
      allowAccess: true,
    })
    expect(payload((await tokenFor(deeper)).body.accessToken)).toMatchObject({
      tenantId: deeper,
      roles: inherited[0],
      permissions: inherited[1],
    })
    expect(await rights(env, accessToken, there)).toEqual(inherited)
    await leave(member.id)
    expect(await rights(env, accessToken, there)).toEqual(nothing)
    expect(payload((await tokenFor(deeper)).body.accessToken)).toMatchObject({
      tenantId: deeper,
      roles: [],
      permissions: [],
    })
    await env.as(member.tenantId)('PUT', `/identity/resources/sub-tenants/users/v1/${member.id}/access`, {
      allowAccess: false,
    })
    expect((await tokenFor(deeper)).status).toBe(404)
  })
})
