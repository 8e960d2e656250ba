import { describe, expect, test } from 'vitest'
import { newEnvironment, unique, type TestEnvironment } from '../../../../test/environment.ts'
import * as memberships from '../../people/memberships/memberships.service.ts'
import { activeTenantOf } from '../../people/users/users.service.ts'
import * as held from './held.service.ts'

const me = '/identity/resources/users/v2/me',
  choose = '/identity/resources/users/v1/tenant'
const password = 'Henhouse-1!'

/** top over middle over low, and aside over under */
async function family(env: TestEnvironment) {
  const ctx = await env.context()
  const [top, middle, low, aside, under] = [
    await env.newTenant('Top'),
    await env.newTenant('Middle'),
    await env.newTenant('Low'),
    await env.newTenant('Aside'),
    await env.newTenant('Under'),
  ]
  for (const [id, parentId] of [
    [middle, top],
    [low, middle],
    [under, aside],
  ] as const)
    await ctx.db.tenant.updateMany({ where: { id }, data: { parentId } })
  return { top, middle, low, aside, under }
}
const allow = async (env: TestEnvironment, userId: string, subAccountAccess: boolean | null) => {
  await (await env.context()).db.user.update({ where: { id: userId }, data: { subAccountAccess } })
}
const rule = (env: TestEnvironment, tenantId: string, subAccountAccessType: string) =>
  env.vendor('PUT', `/tenants/resources/sub-tenants/v1/${tenantId}/hierarchy-settings`, { subAccountAccessType })
const join = (env: TestEnvironment, userId: string, tenantId: string, roleIds: string[]) =>
  env.context().then((ctx) => memberships.add(ctx, { userId, tenantId, roleIds }))
const disable = (env: TestEnvironment, userId: string, tenantId: string) =>
  env.as(tenantId)('POST', `/identity/resources/tenants/users/v1/${userId}/disable`)
const newRole = async (env: TestEnvironment, key: string, tenantId?: string) =>
  (await env.as(tenantId)('POST', '/identity/resources/roles/v1', [{ key, name: key, level: 5 }])).body[0].id as string
const keysOf = async (env: TestEnvironment, userId: string, tenantId: string) => {
  const { roles, permissions } = await held.keysOf(await env.context(), userId, tenantId)
  return { roles, permissions }
}
const rolesIn = async (env: TestEnvironment, userId: string, tenantId: string) =>
  (await keysOf(env, userId, tenantId)).roles.toSorted()
const logIn = (env: TestEnvironment, email: string) =>
  env.anonymous('POST', '/identity/resources/auth/v1/user', { email, password })
const refresh = (env: TestEnvironment, cookies: { name: string; value: string }[], tenantId?: string) =>
  env.client({})(
    'POST',
    '/identity/resources/auth/v1/user/token/refresh',
    { tenantId },
    { cookies: Object.fromEntries(cookies.map(({ name, value }) => [name, value])) },
  )
const claims = (token: string) =>
  JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as Record<string, unknown>

describe.concurrent('access to sub-accounts', () => {
  test('gives the same roles in everything below, and nowhere else', async () => {
    const env = await newEnvironment(),
      { top, middle, low, aside, under } = await family(env)
    const user = await env.newUser({ tenantId: middle, permissions: ['fe.secure.read.users'] })
    const [own] = await rolesIn(env, user.id, middle)
    expect(await keysOf(env, user.id, low)).toEqual({ roles: [], permissions: [] })
    await allow(env, user.id, true)
    expect(await keysOf(env, user.id, low)).toEqual({ roles: [own], permissions: ['fe.secure.read.users'] })
    for (const elsewhere of [top, aside, under])
      expect(await keysOf(env, user.id, elsewhere)).toEqual({ roles: [], permissions: [] })
    await allow(env, user.id, false)
    expect(await rolesIn(env, user.id, low)).toEqual([])
  })

  test('adds to the roles that the user has below, those of groups and of the upper tenant itself among them', async () => {
    const env = await newEnvironment(),
      { top, middle, low } = await family(env)
    const [general, ofTop, ofLow, ofGroup] = [
      await newRole(env, 'general'),
      await newRole(env, 'top', top),
      await newRole(env, 'low', low),
      await newRole(env, 'group'),
    ]
    const user = await env.newUser({ tenantId: middle })
    await join(env, user.id, top, [general, ofTop])
    await join(env, user.id, low, [ofLow, general])
    const group = (await env.as(top)('POST', '/identity/resources/groups/v1', { name: 'G' })).body.id
    await env.as(top)('POST', `/identity/resources/groups/v1/${group}/roles`, { roleIds: [ofGroup] })
    await env.as(top)('POST', `/identity/resources/groups/v1/${group}/users`, { userIds: [user.id] })
    expect(await rolesIn(env, user.id, low)).toEqual(['general', 'low'])
    await allow(env, user.id, true)
    expect(await rolesIn(env, user.id, low)).toEqual(['general', 'group', 'low', 'top'])
    expect(await rolesIn(env, user.id, middle)).toEqual(['general', 'group', 'top'])
    expect(await rolesIn(env, user.id, top)).toEqual(['general', 'group', 'top'])
    await env.vendor('POST', '/identity/resources/groups/v1/config', { rolesEnabled: false })
    expect(await rolesIn(env, user.id, low)).toEqual(['general', 'low', 'top'])
  })

  test('is decided for the user, or by the tenant it is a member of', async () => {
    const env = await newEnvironment(),
      { top, low, aside, under } = await family(env)
    const role = await newRole(env, 'r'),
      user = await env.newUser({ tenantId: top })
    await join(env, user.id, aside, [role])
    const opens = async () => (await rolesIn(env, user.id, under)).length > 0
    const shown = async () =>
      (await env.as(aside)('GET', `/identity/resources/users/v1/${user.id}`)).body.subAccountAccessAllowed
    const cases = [
      ['defaultOff', null, false],
      ['defaultOff', false, false],
      ['defaultOff', true, true],
      ['defaultOn', null, true],
      ['defaultOn', false, false],
      ['defaultOn', true, true],
      ['alwaysOn', null, true],
      ['alwaysOn', false, true],
      ['alwaysOn', true, true],
    ] as const
    for (const [type, decided, open] of cases) {
      await rule(env, aside, type)
      await allow(env, user.id, decided)
      expect([await opens(), await shown()], `${type} ${decided}`).toEqual([open, open])
    }
    // one tenant's rule opens nothing below another
    await allow(env, user.id, null)
    expect(await rolesIn(env, user.id, low)).toEqual([])
    expect((await env.as(top)('GET', `/identity/resources/users/v1/${user.id}`)).body.subAccountAccessAllowed).toBe(
      false,
    )
  })

  test('lets the user be active below, in the tokens of a login and of a refresh, and show itself there', async () => {
    const env = await newEnvironment(),
      { top, low } = await family(env)
    const user = await env.user({ tenantId: top, password, permissions: ['fe.secure.read.users'] })
    const [own] = await rolesIn(env, user.id, top)
    expect((await user('PUT', choose, { tenantId: low })).status).toBe(404)
    await allow(env, user.id, true)
    const first = await logIn(env, user.email)
    expect(claims(first.body.accessToken)).toMatchObject({ tenantId: top, tenantIds: [top] })
    const switched = await refresh(env, first.cookies, low)
    expect(switched.status).toBe(201)
    expect(claims(switched.body.accessToken)).toMatchObject({
      tenantId: low,
      tenantIds: [top, low],
      roles: [own],
      permissions: ['fe.secure.read.users'],
    })

    expect(await user('PUT', choose, { tenantId: low })).toMatchObject({
      status: 200,
      body: { tenantId: low, tenantIds: [top], roles: [{ key: own }] },
    })
    const again = await logIn(env, user.email)
    expect(claims(again.body.accessToken)).toMatchObject({ tenantId: low, roles: [own] })
    const below = env.withToken(again.body.accessToken)
    expect(await below('GET', me)).toMatchObject({
      status: 200,
      body: { id: user.id, tenantId: low, roles: [{ key: own }], permissions: [{ key: 'fe.secure.read.users' }] },
    })
    expect((await below('PUT', me, { name: 'New' })).body).toMatchObject({ name: 'New', tenantId: low })
    expect((await below('GET', '/identity/resources/users/v3/me')).body).toMatchObject({ id: user.id, tenantId: low })
    expect((await below('GET', '/identity/resources/users/v1/me/authorization')).body).toMatchObject({
      roles: [{ key: own }],
      permissions: [{ key: 'fe.secure.read.users' }],
    })
    expect((await below('GET', '/identity/resources/users/v3/me/tenants')).body).toMatchObject({
      tenants: [{ tenantId: top }],
      activeTenant: { tenantId: low, name: 'Low' },
    })
    expect((await below('POST', '/identity/resources/users/v3/me/token', { tenantId: top })).status).toBeLessThan(300)
    expect((await below('PUT', choose, { tenantId: top })).status).toBe(200)
  })

  test('opens no tenant that is above, beside or unknown, nor one of another environment', async () => {
    const env = await newEnvironment(),
      other = await newEnvironment()
    const { top, middle, aside, under } = await family(env),
      theirs = await family(other)
    const user = await env.user({ tenantId: middle, password })
    await allow(env, user.id, true)
    const session = await logIn(env, user.email)
    for (const tenantId of [top, aside, under, 'nobody', theirs.low]) {
      expect((await user('PUT', choose, { tenantId })).status).toBe(404)
      expect((await refresh(env, session.cookies, tenantId)).status).toBe(404)
    }
  })

  test('ends when it is taken away, when the tenant goes elsewhere, and with the membership', async () => {
    const env = await newEnvironment(),
      { top, middle, low, aside } = await family(env)
    const user = await env.newUser({ tenantId: top, password }),
      home = aside
    await join(env, user.id, home, [await newRole(env, 'r')])
    const active = async () =>
      (await activeTenantOf(await env.context(), { id: user.id, activeTenantId: low, superUser: false }))?.id
    expect(await active()).toBe(top)
    await allow(env, user.id, true)
    expect(await active()).toBe(low)
    await env.vendor('DELETE', '/tenants/resources/hierarchy/v1', { parentTenantId: top, childTenantId: middle })
    expect(await active()).toBe(top)
    await env.vendor('POST', '/tenants/resources/hierarchy/v1', { parentTenantId: top, childTenantId: middle })
    expect(await active()).toBe(low)
    await disable(env, user.id, top)
    expect(await active()).toBe(home)
    expect(await rolesIn(env, user.id, low)).toEqual([])
    await env.as(top)('POST', `/identity/resources/tenants/users/v1/${user.id}/enable`)
    expect(await active()).toBe(low)
    const ctx = await env.context()
    await ctx.db.membership.updateMany({
      where: { userId: user.id, tenantId: top },
      data: { expiresAt: ctx.clock.now() },
    })
    expect(await active()).toBe(home)
  })

  test('that is lost sends a session that is below back up at the next refresh', async () => {
    const env = await newEnvironment(),
      { top, low } = await family(env)
    const user = await env.newUser({ tenantId: top, password })
    await allow(env, user.id, true)
    const below = await refresh(env, (await logIn(env, user.email)).cookies, low)
    expect(claims(below.body.accessToken)).toMatchObject({ tenantId: low })
    await allow(env, user.id, false)
    const back = await refresh(env, below.cookies)
    expect(back.status).toBe(201)
    expect(claims(back.body.accessToken)).toMatchObject({ tenantId: top, tenantIds: [top] })
    const stale = await env.asUser({ id: user.id, tenantId: low })
    expect((await stale('GET', me)).status).toBe(401)
  })

  test('goes past no tenant that keeps the user out', async () => {
    const env = await newEnvironment(),
      { top, middle, low } = await family(env)
    const user = await env.user({ tenantId: top })
    await allow(env, user.id, true)
    await join(env, user.id, middle, [await newRole(env, 'r')])
    await disable(env, user.id, middle)
    expect((await user('PUT', choose, { tenantId: middle })).status).toBe(403)
    expect(
      (await activeTenantOf(await env.context(), { id: user.id, activeTenantId: middle, superUser: false }))!.id,
    ).toBe(top)
    // out of that one tenant only
    expect((await user('PUT', choose, { tenantId: low })).status).toBe(200)
  })

  test('lists the users below, but only with access through the tenant of the token', async () => {
    const env = await newEnvironment(),
      { top, middle, low } = await family(env)
    const reader = await env.user({ tenantId: middle, permissions: ['fe.secure.read.users'] }),
      found = await env.newUser({ tenantId: low })
    const list = async () =>
      (await reader('GET', '/identity/resources/users/v3')).body.items.map((item: { id: string }) => item.id)
    expect(await list()).not.toContain(found.id)
    // their access comes from above, with a role that reads nobody
    await join(env, reader.id, top, [await newRole(env, 'weak')])
    await rule(env, top, 'alwaysOn')
    expect(await list()).not.toContain(found.id)
    await rule(env, middle, 'alwaysOn')
    expect(await list()).toContain(found.id)
  })
})

describe.concurrent("a header that names a tenant below that of a user's token", () => {
  const roles = '/identity/resources/roles/v1'
  const create = (call: Awaited<ReturnType<TestEnvironment['user']>>, tenantId: string) =>
    call('POST', roles, [{ key: unique('r'), name: 'R', level: 9 }], { headers: { 'frontegg-tenant-id': tenantId } })

  test('is followed with access to sub-accounts, else taken no notice of', async () => {
    const env = await newEnvironment(),
      { top, middle, low, aside, under } = await family(env)
    const user = await env.user({ tenantId: middle, permissions: ['fe.secure.write.roles'] })
    const madeIn = async (tenantId: string) => (await create(user, tenantId)).body[0].tenantId
    expect(await madeIn(low)).toBe(middle)
    await allow(env, user.id, true)
    expect(await madeIn(low)).toBe(low)
    for (const elsewhere of [top, aside, under, 'nobody']) expect(await madeIn(elsewhere)).toBe(middle)
    await join(env, user.id, low, [await newRole(env, 'x')])
    await disable(env, user.id, low)
    expect(await madeIn(low)).toBe(middle)
  })

  test('is not followed where the token says more than the user may do below', async () => {
    const env = await newEnvironment(),
      { top, middle, low } = await family(env)
    const user = await env.user({ tenantId: middle, permissions: ['fe.secure.write.roles'] })
    await join(env, user.id, top, [await newRole(env, 'weak')])
    await rule(env, top, 'alwaysOn')
    expect(await rolesIn(env, user.id, low)).toEqual(['weak'])
    expect((await create(user, low)).body[0].tenantId).toBe(middle)
    // users who came down into the middle bring only what counts below, too
    const strong = await env.newUser({ tenantId: top, permissions: ['fe.secure.write.roles'] })
    const visitor = Object.assign(await env.asUser({ id: strong.id, tenantId: middle }), strong)
    expect((await create(visitor, low)).body[0].tenantId).toBe(low)
  })
})
