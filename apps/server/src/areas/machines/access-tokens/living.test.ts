import { describe, expect, test } from 'vitest'
import { newEnvironment, type TestEnvironment } from '../../../../test/environment.ts'
import * as memberships from '../../people/memberships/memberships.service.ts'
import * as accessTokens from './access-tokens.service.ts'

const settings = '/identity/resources/configurations/v1',
  roles = '/identity/resources/roles/v1',
  users = '/identity/resources/users',
  tenants = '/tenants/resources/tenants/v1',
  ofTenants = '/identity/resources/tenants/access-tokens/v1',
  ofUsers = '/identity/resources/users/access-tokens/v1',
  vendorOnly = '/identity/resources/vendor-only'
const MINUTE = 60_000

type Kind = 'tenant' | 'user'
const active = async (env: TestEnvironment, kind: Kind, tenantId?: string) =>
  (await env.as(tenantId)('GET', `${vendorOnly}/${kind}s/access-tokens/v1/active`)).body as string[]
const lookUp = (env: TestEnvironment, kind: Kind, id: string, tenantId?: string) =>
  env.as(tenantId)('GET', `${vendorOnly}/${kind}s/access-tokens/v1/${id}`)
const alive = async (env: TestEnvironment, kind: Kind, id: string) => accessTokens.alive(await env.context(), kind, id)

/** Whether it is alive, which the list, the look-up and our own check tell alike. */
async function lives(env: TestEnvironment, kind: Kind, id: string) {
  const [listed, answer, known] = [await active(env, kind), await lookUp(env, kind, id), await alive(env, kind, id)],
    found = listed.includes(id)
  expect(answer.status).toBe(found ? 200 : 404)
  expect(known !== undefined).toBe(found)
  return found
}

async function withTokens() {
  const env = await newEnvironment()
  await env.vendor('POST', settings, { machineToMachineAuthStrategy: 'AccessToken' })
  const newRole = async (key: string, permissionKeys: string[], tenantId?: string) => {
    const [{ id }] = (await env.as(tenantId)('POST', roles, [{ key, name: key, level: 1 }])).body
    const { db } = await env.context(),
      rows = await db.permission.findMany({ where: { key: { in: permissionKeys } } })
    await env.vendor('PUT', `${roles}/${id}/permissions`, { permissionIds: rows.map((row) => row.id) })
    return id as string
  }
  return Object.assign(env, { newRole })
}
const created = async (answer: ReturnType<TestEnvironment['vendor']>) => {
  const { status, body } = await answer
  expect(status, JSON.stringify(body)).toBe(201)
  return body as { id: string; secret: string; expires?: string }
}

describe.concurrent('looking up an access token', () => {
  test('of an account tells the keys of its roles and permissions, as they are now', async () => {
    const env = await withTokens(),
      tenantId = await env.newTenant(),
      permissions = (
        await env.vendor('POST', '/identity/resources/permissions/v1', [
          { key: 'eggs.read', name: 'R' },
          { key: 'eggs.write', name: 'W' },
        ])
      ).body as { id: string }[]
    const [hen, own] = [
      await env.newRole('hen', ['eggs.read', 'fe.secure.read.users']),
      await env.newRole('own', ['eggs.read'], tenantId),
    ]
    const { id } = await created(env.as(tenantId)('POST', ofTenants, { roleIds: [hen, own, hen] }))
    const found = (await lookUp(env, 'tenant', id)).body
    expect(found).toEqual({
      id,
      tenantId,
      roles: expect.arrayContaining(['hen', 'own']),
      permissions: expect.arrayContaining(['eggs.read', 'fe.secure.read.users']),
    })
    expect([found.roles.length, found.permissions.length]).toEqual([2, 2])
    await env.vendor('PUT', `${roles}/${own}/permissions`, { permissionIds: [permissions[1]!.id] })
    await env.vendor('DELETE', `${roles}/${hen}`)
    expect((await lookUp(env, 'tenant', id)).body).toEqual({
      id,
      tenantId,
      roles: ['own'],
      permissions: ['eggs.write'],
    })
    expect((await env.as(tenantId)('GET', ofTenants)).body.accessTokens[0].roleIds).toEqual([own])
  })

  test('of a member tells what they hold in the account now, by groups and from above, too', async () => {
    const env = await withTokens(),
      user = await env.newUser({ roleKeys: ['Admin'] }),
      as = env.as(user.tenantId)
    const { id } = await created(env.as(user.tenantId, user.id)('POST', ofUsers, {}))
    const found = (await lookUp(env, 'user', id)).body
    expect(found).toMatchObject({ id, tenantId: user.tenantId, userId: user.id, roles: ['Admin'] })
    expect(found.permissions).toContain('fe.secure.*')
    expect(found).not.toHaveProperty('expires')
    const { db } = await env.context(),
      readOnly = (await db.role.findFirstOrThrow({ where: { key: 'ReadOnly' } })).id,
      admin = (await db.role.findFirstOrThrow({ where: { key: 'Admin' } })).id
    const group = (await as('POST', '/identity/resources/groups/v1', { name: 'G' })).body
    await as('POST', `/identity/resources/groups/v1/${group.id}/roles`, { roleIds: [readOnly] })
    await as('POST', `/identity/resources/groups/v1/${group.id}/users`, { userIds: [user.id] })
    expect((await lookUp(env, 'user', id)).body.roles.toSorted()).toEqual(['Admin', 'ReadOnly'])
    await as('DELETE', `${users}/v1/${user.id}/roles`, { roleIds: [admin] })
    const { body } = await lookUp(env, 'user', id)
    expect(body.roles).toEqual(['ReadOnly'])
    expect(body.permissions).not.toContain('fe.secure.*')
    await env.vendor('POST', '/identity/resources/groups/v1/config', { rolesEnabled: false })
    expect((await lookUp(env, 'user', id)).body).toMatchObject({ roles: [], permissions: [] })

    const parentId = await env.newTenant(),
      above = await env.newRole('above', ['fe.secure.read.roles'])
    await db.tenant.updateMany({ where: { id: user.tenantId }, data: { parentId } })
    await db.user.updateMany({ where: { id: user.id }, data: { subAccountAccess: true } })
    await memberships.add(await env.context(), { userId: user.id, tenantId: parentId, roleIds: [above] })
    expect((await lookUp(env, 'user', id)).body).toMatchObject({
      roles: ['above'],
      permissions: ['fe.secure.read.roles'],
    })
  })

  test('tells when it expires', async () => {
    const env = await withTokens(),
      { id, expires } = await created(env.as(await env.newTenant())('POST', ofTenants, { expiresInMinutes: 5 }))
    expect((await lookUp(env, 'tenant', id)).body.expires).toBe(expires)
  })

  test('needs no header of an account, and with one it finds only its own', async () => {
    const env = await withTokens(),
      user = await env.newUser(),
      other = await env.newTenant(),
      abroad = await withTokens()
    const ids = {
      tenant: (await created(env.as(user.tenantId)('POST', ofTenants, {}))).id,
      user: (await created(env.as(user.tenantId, user.id)('POST', ofUsers, {}))).id,
    }
    const elsewhere = (await created(env.as(other)('POST', ofTenants, {}))).id
    for (const kind of ['tenant', 'user'] as const) {
      expect((await lookUp(env, kind, ids[kind])).status).toBe(200)
      expect((await lookUp(env, kind, ids[kind], user.tenantId)).status).toBe(200)
      expect((await lookUp(env, kind, ids[kind], other)).status).toBe(404)
      expect((await lookUp(env, kind, ids[kind], 'nowhere')).status).toBe(404)
      expect((await lookUp(abroad, kind, ids[kind])).status).toBe(404)
      expect(await active(env, kind, user.tenantId)).toEqual([ids[kind]])
      expect(await active(abroad, kind)).toEqual([])
    }
    expect((await active(env, 'tenant')).toSorted()).toEqual([ids.tenant, elsewhere].toSorted())
    expect(await active(env, 'tenant', other)).toEqual([elsewhere])
    expect(await active(env, 'user', other)).toEqual([])
    // each kind has its own address
    expect((await lookUp(env, 'tenant', ids.user)).status).toBe(404)
    expect((await lookUp(env, 'user', ids.tenant)).status).toBe(404)
  })
})

interface Made {
  env: TestEnvironment
  user: { id: string; tenantId: string; email: string }
  id: string
}
/** What ends a token of a member, and what brings it back. */
const ends: Record<string, { happens(made: Made): Promise<unknown>; undo?(made: Made): Promise<unknown> }> = {
  'it is deleted': { happens: ({ env, user, id }) => env.as(user.tenantId, user.id)('DELETE', `${ofUsers}/${id}`) },
  'its user is locked': {
    happens: ({ env, user }) => env.vendor('POST', `${users}/v1/${user.id}/lock`),
    undo: ({ env, user }) => env.vendor('POST', `${users}/v1/${user.id}/unlock`),
  },
  'wrong passwords lock its user': {
    async happens({ env, user: { id, email } }) {
      await env.vendor('POST', `${settings}/lockout-policy`, { enabled: true, maxAttempts: 1 })
      await env.anonymous('POST', '/identity/resources/auth/v1/user', { email, password: 'wrong' })
      expect(await (await env.context()).db.user.count({ where: { id, isLocked: true } })).toBe(1)
      return { status: 200 }
    },
    undo: ({ env, user }) => env.vendor('POST', `${users}/v1/${user.id}/unlock`),
  },
  'its user is disabled in the account': {
    happens: ({ env, user }) =>
      env.as(user.tenantId)('POST', `/identity/resources/tenants/users/v1/${user.id}/disable`),
    undo: ({ env, user }) => env.as(user.tenantId)('POST', `/identity/resources/tenants/users/v1/${user.id}/enable`),
  },
  'its user is deleted': { happens: ({ env, user }) => env.vendor('DELETE', `${users}/v1/${user.id}`) },
  'its user leaves the account': {
    async happens({ env, user }) {
      await env.vendor('POST', `${users}/v1/${user.id}/tenant`, {
        tenantId: await env.newTenant(),
        skipInviteEmail: true,
      })
      return env.as(user.tenantId)('DELETE', `${users}/v1/${user.id}`)
    },
  },
  'its user is moved to another account': {
    happens: async ({ env, user }) =>
      env.vendor('PUT', `${users}/v1/tenants/migrate`, {
        srcTenantId: user.tenantId,
        targetTenantId: await env.newTenant(),
      }),
  },
  'the time of its user in the account is up': {
    async happens({ env, user }) {
      const ctx = await env.context()
      await memberships.setExpiry(ctx, user.id, user.tenantId, ctx.clock.now())
      return { status: 200 }
    },
  },
  'its account is deleted': { happens: ({ env, user }) => env.vendor('DELETE', `${tenants}/${user.tenantId}`) },
  'its time is up': {
    async happens({ env }) {
      await env.clock.advance(10 * MINUTE)
      return { status: 200 }
    },
  },
}

describe.concurrent('an access token of a member is dead at once', () => {
  test.for(Object.entries(ends))('when %s', async ([, { happens, undo }]) => {
    const env = await withTokens(),
      user = await env.newUser({ password: 'Henhouse-1!' }),
      bystander = await env.newUser({ tenantId: await env.newTenant() })
    const { id } = await created(env.as(user.tenantId, user.id)('POST', ofUsers, { expiresInMinutes: 10 })),
      other = (await created(env.as(bystander.tenantId, bystander.id)('POST', ofUsers, {}))).id,
      made = { env, user, id }
    expect(await lives(env, 'user', id)).toBe(true)
    expect(((await happens(made)) as { status: number }).status).toBeLessThan(300)
    expect(await lives(env, 'user', id)).toBe(false)
    expect(await active(env, 'user')).toEqual([other])
    if (!undo) return
    expect(((await undo(made)) as { status: number }).status).toBeLessThan(300)
    expect(await lives(env, 'user', id)).toBe(true)
  })

  test('and stays so when its user comes back into the account', async () => {
    const env = await withTokens(),
      user = await env.newUser(),
      { id } = await created(env.as(user.tenantId, user.id)('POST', ofUsers, {}))
    const add = (tenantId: string) =>
      env.vendor('POST', `${users}/v1/${user.id}/tenant`, { tenantId, skipInviteEmail: true })
    await add(await env.newTenant())
    await env.as(user.tenantId)('DELETE', `${users}/v1/${user.id}`)
    await add(user.tenantId)
    expect((await env.as(user.tenantId, user.id)('GET', ofUsers)).body).toEqual({ accessTokens: [] })
    expect(await lives(env, 'user', id)).toBe(false)
  })
})

describe.concurrent('an access token of an account is dead at once', () => {
  const newToken = async (body: object = {}) => {
    const env = await withTokens(),
      tenantId = await env.newTenant(),
      { id } = await created(env.as(tenantId)('POST', ofTenants, body))
    expect(await lives(env, 'tenant', id)).toBe(true)
    return { env, tenantId, id }
  }

  test('when it is deleted', async () => {
    const { env, tenantId, id } = await newToken()
    await env.as(tenantId)('DELETE', `${ofTenants}/${id}`)
    expect(await lives(env, 'tenant', id)).toBe(false)
  })

  test('when its time is up, to the moment', async () => {
    const { env, id } = await newToken({ expiresInMinutes: 10 })
    await env.clock.freeze(new Date((await lookUp(env, 'tenant', id)).body.expires))
    expect(await lives(env, 'tenant', id)).toBe(false)
    await env.clock.advance(-1)
    expect(await lives(env, 'tenant', id)).toBe(true)
  })

  test('when its account is deleted, also when another one gets its id', async () => {
    const { env, tenantId, id } = await newToken()
    expect((await env.vendor('DELETE', `${tenants}/${tenantId}`)).status).toBeLessThan(300)
    expect(await lives(env, 'tenant', id)).toBe(false)
    expect((await env.vendor('POST', tenants, { tenantId, name: 'Again' })).status).toBe(201)
    expect(await lives(env, 'tenant', id)).toBe(false)
    expect((await env.as(tenantId)('GET', ofTenants)).body).toEqual({ accessTokens: [] })
  })

  test('while the environment wants none', async () => {
    const { env, id } = await newToken()
    for (const configuration of [{ machineToMachineAuthStrategy: 'ClientCredentials' }, { apiTokensEnabled: false }]) {
      await env.vendor('POST', settings, configuration)
      expect((await lookUp(env, 'tenant', id)).status).toBe(403)
      expect(await alive(env, 'tenant', id)).toBeUndefined()
      await env.vendor('POST', settings, { machineToMachineAuthStrategy: 'AccessToken', apiTokensEnabled: true })
      expect(await lives(env, 'tenant', id)).toBe(true)
    }
  })

  test('but not when the user who made it goes', async () => {
    const env = await withTokens(),
      admin = await env.user({ roleKeys: ['Admin'] }),
      { id } = await created(admin('POST', ofTenants, {}))
    await env.vendor('DELETE', `${users}/v1/${admin.id}`)
    expect(await lives(env, 'tenant', id)).toBe(true)
  })
})
