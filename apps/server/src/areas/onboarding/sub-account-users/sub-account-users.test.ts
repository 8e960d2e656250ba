import { describe, expect, test } from 'vitest'
import { newEnvironment, UNKNOWN_ID } from '../../../../test/environment.ts'

const access = (id: string) => `/identity/resources/sub-tenants/users/v1/${id}/access`
const hierarchy = '/identity/resources/users/v2/me/hierarchy'

describe.concurrent('access to sub-accounts', () => {
  test('is given and taken, shows on the user, and opens the accounts below', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: 'Henhouse-1!', roleKeys: ['Admin'] }),
      below = await env.newTenant('Below')
    await env.as(user.tenantId)('POST', '/tenants/resources/hierarchy/v1', {
      parentTenantId: user.tenantId,
      childTenantId: below,
    })
    const login = (
      await env.anonymous('POST', '/identity/resources/auth/v1/user', { email: user.email, password: 'Henhouse-1!' })
    ).body
    const switchDown = () =>
      env.anonymous('POST', '/identity/resources/auth/v1/user/token/refresh', {
        refreshToken: login.refreshToken,
        tenantId: below,
      })
    expect((await switchDown()).status).toBe(404)
    expect(await env.as(user.tenantId)('PUT', access(user.id), { allowAccess: true })).toMatchObject({
      status: 200,
      body: null,
    })
    expect(
      (await env.as(user.tenantId)('GET', `/identity/resources/users/v1/${user.id}`)).body.subAccountAccessAllowed,
    ).toBe(true)
    expect((await switchDown()).status).toBe(201)
    expect((await env.as(user.tenantId)('PUT', access(user.id), { allowAccess: false })).status).toBe(200)
    expect(
      (await env.as(user.tenantId)('GET', `/identity/resources/users/v1/${user.id}`)).body.subAccountAccessAllowed,
    ).toBe(false)
    expect((await env.vendor('PUT', access(UNKNOWN_ID), { allowAccess: true })).status).toBe(404)
    expect((await env.as(user.tenantId)('PUT', access(user.id), {})).status).toBe(400)
  })

  test("leaves out of the user's own list the accounts that they reach from one above", async () => {
    const env = await newEnvironment(),
      user = await env.newUser(),
      below = await env.newTenant('Below'),
      apart = await env.newTenant('Apart')
    await env.as(user.tenantId)('POST', '/tenants/resources/hierarchy/v1', {
      parentTenantId: user.tenantId,
      childTenantId: below,
    })
    for (const tenantId of [below, apart])
      await env.vendor('POST', `/identity/resources/users/v1/${user.id}/tenant`, { tenantId, skipInviteEmail: true })
    const call = await env.asUser(user)
    const ids = async () => (await call('GET', hierarchy)).body.map((t: { tenantId: string }) => t.tenantId)
    expect(await ids()).toEqual([user.tenantId, below, apart])
    await env.vendor('PUT', access(user.id), { allowAccess: true })
    expect(await ids()).toEqual([user.tenantId, apart])
    expect((await call('GET', hierarchy)).body[0]).toMatchObject({
      parentTenantId: null,
      hasChildren: true,
      subAccountAccessAllowed: true,
    })
  })
})
