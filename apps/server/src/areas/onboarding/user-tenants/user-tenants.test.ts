import { describe, expect, test } from 'vitest'
import { newEnvironment, UNKNOWN_ID, type TestEnvironment } from '../../../../test/environment.ts'
import { activeTenantOf } from '../../people/users/users.service.ts'

const v1 = '/identity/resources/users/v1'
const join = (env: TestEnvironment, userId: string, tenantId: string) =>
  env.vendor('POST', `${v1}/${userId}/tenant`, { tenantId, skipInviteEmail: true })
const disable = (env: TestEnvironment, userId: string, tenantId: string) =>
  env.as(tenantId)('POST', `/identity/resources/tenants/users/v1/${userId}/disable`)
async function active(env: TestEnvironment, userId: string) {
  const ctx = await env.context()
  return activeTenantOf(ctx, await ctx.db.user.findUniqueOrThrow({ where: { id: userId } }))
}
const ids = (tenants: { tenantId: string }[]) => tenants.map((t) => t.tenantId)

describe.concurrent('the tenants of a user', () => {
  test('are listed in the order of joining, with the active one', async () => {
    const env = await newEnvironment()
    const first = await env.newTenant('First'),
      second = await env.newTenant('Second')
    const user = await env.user({ tenantId: second })
    await join(env, user.id, first)
    for (const version of ['v1', 'v3']) {
      const { status, body } = await user('GET', `/identity/resources/users/${version}/me/tenants`)
      expect(status).toBe(200)
      expect(ids(body.tenants)).toEqual([second, first])
      expect(body.activeTenant).toEqual(body.tenants[0])
      expect(body.activeTenant).toMatchObject({
        tenantId: second,
        name: 'Second',
        vendorId: env.id,
        isReseller: false,
        metadata: '{}',
        createdAt: expect.any(String),
        updatedAt: expect.any(String),
      })
      expect(body.activeTenant.id).not.toBe(second)
    }
    expect((await user('GET', '/identity/resources/users/v2/me/tenants')).body).toEqual(
      (await user('GET', `${v1}/me/tenants`)).body.tenants,
    )
    expect((await env.as(undefined, user.id)('GET', `${v1}/me/tenants`)).body.activeTenant.tenantId).toBe(second)
    expect((await env.as(first, user.id)('GET', `${v1}/me/tenants`)).body.activeTenant.tenantId).toBe(first)
    expect((await env.vendor('GET', `${v1}/me/tenants`)).status).toBe(403)
  })

  test('do not show those that have disabled the user', async () => {
    const env = await newEnvironment()
    const user = await env.user(),
      other = await env.newTenant()
    await join(env, user.id, other)
    await disable(env, user.id, user.tenantId)
    expect((await user('GET', `${v1}/me/tenants`)).status).toBe(401)
    const there = await env.asUser({ id: user.id, tenantId: other })
    expect((await there('GET', `${v1}/me/tenants`)).body).toMatchObject({
      tenants: [{ tenantId: other }],
      activeTenant: { tenantId: other },
    })
    await disable(env, user.id, other)
    expect((await there('GET', `${v1}/me/tenants`)).status).toBe(401)
  })

  test('one of them is made active by the user', async () => {
    const env = await newEnvironment()
    const user = await env.user(),
      other = await env.newTenant(),
      foreign = await env.newTenant()
    await join(env, user.id, other)
    const { status, body } = await user('PUT', `${v1}/tenant`, { tenantId: other })
    expect(status).toBe(200)
    expect(body).toMatchObject({ id: user.id, tenantId: other, roles: [{ key: 'Admin' }] })
    expect((await active(env, user.id))!.id).toBe(other)
    expect((await user('PUT', `${v1}/tenant`, { tenantId: foreign })).status).toBe(404)
    expect((await user('PUT', `${v1}/tenant`, { tenantId: 'nowhere' })).status).toBe(404)
    expect((await user('PUT', `${v1}/tenant`, {})).status).toBe(400)
    await disable(env, user.id, user.tenantId)
    const there = await env.asUser({ id: user.id, tenantId: other })
    expect((await there('PUT', `${v1}/tenant`, { tenantId: user.tenantId })).status).toBe(403)
    expect((await active(env, user.id))!.id).toBe(other)
    expect((await env.as(other, user.id)('PUT', `${v1}/tenant`, { tenantId: other })).status).toBe(200)
  })

  test('a login takes place in the active one, else in the first that lets the user in, else nowhere', async () => {
    const env = await newEnvironment()
    const user = await env.newUser(),
      second = await env.newTenant(),
      third = await env.newTenant()
    await join(env, user.id, second)
    await join(env, user.id, third)
    await env.vendor('PUT', `${v1}/${user.id}/tenant`, { tenantId: third })
    expect(await active(env, user.id)).toEqual({ id: third, tenantIds: [user.tenantId, second, third] })
    await disable(env, user.id, third)
    expect(await active(env, user.id)).toEqual({ id: user.tenantId, tenantIds: [user.tenantId, second] })
    const ctx = await env.context()
    await ctx.db.membership.updateMany({ where: { tenantId: user.tenantId }, data: { expiresAt: ctx.clock.now() } })
    expect(await active(env, user.id)).toEqual({ id: second, tenantIds: [second] })
    await disable(env, user.id, second)
    expect(await active(env, user.id)).toBeUndefined()
  })

  test('are all for a superuser, except those that have disabled them', async () => {
    const env = await newEnvironment()
    const foreign = await env.newTenant(),
      user = await env.user()
    await (
      await env.context()
    ).db.tenant.updateMany({ where: { id: foreign }, data: { createdAt: new Date('2001-01-01') } })
    await env.vendor('PUT', `${v1}/${user.id}/superuser`, { superUser: true })
    expect(ids((await user('GET', `${v1}/me/tenants`)).body.tenants)).toEqual([foreign, user.tenantId])
    expect(await active(env, user.id)).toEqual({ id: user.tenantId, tenantIds: [user.tenantId] })
    expect(await user('PUT', `${v1}/tenant`, { tenantId: foreign })).toMatchObject({
      status: 200,
      body: { tenantId: foreign, roles: [] },
    })
    expect(await active(env, user.id)).toEqual({ id: foreign, tenantIds: [user.tenantId, foreign] })
    const there = await env.asUser({ id: user.id, tenantId: foreign })
    expect((await there('GET', '/identity/resources/users/v2/me')).body).toMatchObject({
      tenantId: foreign,
      superUser: true,
    })
    expect((await there('GET', `${v1}/me/tenants`)).body.activeTenant.tenantId).toBe(foreign)
    expect((await user('PUT', `${v1}/tenant`, { tenantId: 'nowhere' })).status).toBe(404)
    await disable(env, user.id, user.tenantId)
    expect((await there('PUT', `${v1}/tenant`, { tenantId: user.tenantId })).status).toBe(403)
    await env.vendor('PUT', `${v1}/${user.id}/superuser`, { superUser: false })
    expect(await active(env, user.id)).toBeUndefined()
    expect((await there('GET', '/identity/resources/users/v2/me')).status).toBe(401)
  })

  test('a superuser without any logs in to the oldest', async () => {
    const env = await newEnvironment()
    const oldest = await env.newTenant(),
      user = await env.newUser()
    await (
      await env.context()
    ).db.tenant.updateMany({ where: { id: oldest }, data: { createdAt: new Date('2001-01-01') } })
    await env.vendor('PUT', `${v1}/${user.id}/superuser`, { superUser: true })
    await env.as(user.tenantId)('DELETE', `${v1}/${user.id}`)
    expect(await active(env, user.id)).toEqual({ id: oldest, tenantIds: [oldest] })
  })

  test('one more is added by management, with an invitation unless the call says not to', async () => {
    const env = await newEnvironment()
    const user = await env.newUser(),
      tenantId = await env.newTenant('Acme'),
      quiet = await env.newTenant()
    const { status, body } = await env.vendor('POST', `${v1}/${user.id}/tenant`, { tenantId })
    expect(status).toBe(201)
    expect(body).toMatchObject({
      id: user.id,
      tenantId: user.tenantId,
      tenantIds: [user.tenantId, tenantId],
      tenants: [{ roles: [] }, { roles: [{ key: 'Admin' }] }],
    })
    expect(await env.messages()).toMatchObject([
      { template: 'InviteToTenant', recipient: user.email, tenantId, subject: 'You are invited to Acme' },
    ])
    expect((await env.as(tenantId)('GET', `${v1}/${user.id}`)).body.activatedForTenant).toBe(false)
    expect((await join(env, user.id, quiet)).status).toBe(201)
    expect((await env.as(quiet)('GET', `${v1}/${user.id}`)).body.activatedForTenant).toBe(true)
    expect(await env.messages()).toHaveLength(1)
    expect((await env.vendor('POST', `${v1}/${user.id}/tenant`, { tenantId })).status).toBe(409)
    expect((await env.vendor('POST', `${v1}/${UNKNOWN_ID}/tenant`, { tenantId })).status).toBe(404)
  })

  test('a missing tenant is made, unless the call demands that it exists', async () => {
    const env = await newEnvironment()
    const user = await env.newUser(),
      other = await env.newUser()
    for (const method of ['PUT', 'POST'] as const) {
      expect(
        (await env.vendor(method, `${v1}/${user.id}/tenant`, { tenantId: 'acme', validateTenantExist: true })).status,
      ).toBe(404)
      expect((await env.vendor(method, `${v1}/${UNKNOWN_ID}/tenant`, { tenantId: 'acme' })).status).toBe(404)
      expect((await env.vendor(method, `${v1}/${user.id}/tenant`, { tenantId: 'a,b' })).status).toBe(400)
    }
    expect(await (await env.context()).db.tenant.count()).toBe(2)
    expect(await env.vendor('PUT', `${v1}/${user.id}/tenant`, { tenantId: 'acme' })).toMatchObject({
      status: 200,
      body: { tenantId: 'acme', tenantIds: [user.tenantId, 'acme'] },
    })
    expect(await env.vendor('POST', `${v1}/${other.id}/tenant`, { tenantId: 'beta' })).toMatchObject({
      status: 201,
      body: { tenantIds: [other.tenantId, 'beta'] },
    })
    expect(
      (await env.vendor('PUT', `${v1}/${other.id}/tenant`, { tenantId: 'acme', validateTenantExist: true })).body,
    ).toMatchObject({ tenantId: 'acme', tenantIds: [other.tenantId, 'beta', 'acme'] })
    expect((await env.vendor('PUT', `${v1}/${other.id}/tenant`, { tenantId: 'beta' })).body.tenantId).toBe('beta')
  })

  test("one is made active by management many times at once, and joined once, unless it blocks the user's domain", async () => {
    const env = await newEnvironment(),
      restrictions = '/identity/resources/configurations/restrictions/v1/email-domain'
    const user = await env.newUser({ email: 'ada@evil.example' }),
      other = await env.newTenant(),
      closed = await env.newTenant()
    for (const tenantId of [other, 'new']) {
      const answers = await Promise.all(
        Array.from({ length: 8 }, () => env.vendor('PUT', `${v1}/${user.id}/tenant`, { tenantId })),
      )
      expect(answers.map((a) => [a.status, a.body.tenantId])).toEqual(Array(8).fill([200, tenantId]))
    }
    expect((await active(env, user.id))!.tenantIds).toEqual([user.tenantId, other, 'new'])
    await env.as(closed)('POST', restrictions, { domain: 'evil.example', type: 'BLOCK' })
    await env.as(closed)('POST', `${restrictions}/config`, { active: true, type: 'BLOCK' })
    expect((await env.vendor('PUT', `${v1}/${user.id}/tenant`, { tenantId: closed })).status).toBe(403)
    expect((await active(env, user.id))!.id).toBe('new')
    expect(await env.messages()).toEqual([])
  })

  test('many requests to add a user to a missing tenant add them once', async () => {
    const env = await newEnvironment()
    const user = await env.newUser()
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => env.vendor('POST', `${v1}/${user.id}/tenant`, { tenantId: 'acme' })),
    )
    expect(answers.map((a) => a.status).sort()).toEqual([201, ...Array(7).fill(409)])
    expect(await env.messages()).toHaveLength(1)
  })
})
