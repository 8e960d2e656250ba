import { describe, expect, test } from 'vitest'
import { newEnvironment, UNKNOWN_ID, type TestEnvironment } from '../../../../test/environment.ts'

const v1 = '/team/resources/members/v1',
  stats = '/team/resources/stats/v1/members'
const role = async (env: TestEnvironment, key: string, level = 5): Promise<string> =>
  (await env.vendor('POST', '/identity/resources/roles/v1', [{ key, name: key, level }])).body[0].id
const DAY = 86_400_000

describe.concurrent("the portal's members page", () => {
  test('lists those of the account, in pages and in the requested order', async () => {
    const env = await newEnvironment(),
      admin = await env.user({ email: 'a@example.com', permissions: ['fe.secure.read.users'] }),
      { tenantId } = admin
    const [b, c] = [
      await env.newUser({ tenantId, email: 'b@example.com', password: 'Henhouse-1!', roleKeys: ['ReadOnly'] }),
      await env.newUser({ tenantId, email: 'c@example.com' }),
    ]
    await env.newUser({ email: 'elsewhere@example.com' })
    await env.anonymous('POST', '/identity/resources/auth/v1/user', { email: b.email, password: 'Henhouse-1!' })
    const ids = async (query: string) =>
      (await admin('GET', `${v1}?${query}`)).body.items.map((item: { id: string }) => item.id)
    const { status, body } = await admin('GET', `${v1}?pageOffset=0&pageSize=2&sortBy=email&sortDirection=desc`)
    expect(status).toBe(200)
    expect(body).toMatchObject({
      totalPages: 2,
      totals: 3,
      items: [
        {
          id: c.id,
          email: c.email,
          tenantId,
          vendorId: env.id,
          roleIds: [],
          roles: [],
          activatedForTenant: true,
          mfaEnabled: false,
          verified: true,
          isDisabled: false,
          managedBy: 'frontegg',
          phone: null,
          username: null,
          lastLogin: null,
        },
        { id: b.id, roles: [{ key: 'ReadOnly', tenantId: null }], lastLogin: expect.any(String) },
      ],
    })
    expect(body.items[1].roleIds).toEqual([body.items[1].roles[0].id])
    expect(body.items[1].profileImageUrl).toMatch(/^https:/)
    expect(await ids('pageOffset=1&pageSize=2&sortBy=email&sortDirection=desc')).toEqual([admin.id])
    expect(await ids('pageOffset=0&pageSize=undefined')).toEqual([admin.id, b.id, c.id])
    expect((await ids('sortBy=lastLogin&sortDirection=desc'))[0]).toBe(b.id)
    expect((await ids('sortBy=lastLogin&sortDirection=asc')).at(-1)).toBe(b.id)
    expect(await ids('searchFilter=B%40EX')).toEqual([b.id])
    for (const query of ['sortBy=shoeSize', 'sortDirection=up', 'pageSize=201', 'pageOffset=-1'])
      expect((await admin('GET', `${v1}?${query}`)).status).toBe(400)
    expect((await env.as(tenantId)('GET', v1)).body.totals).toBe(3)
  })

  test('shows nobody who is invisible, or in an account below', async () => {
    const env = await newEnvironment(),
      admin = await env.user({ permissions: ['fe.secure.*'] }),
      { tenantId } = admin,
      below = await env.newTenant()
    await env.vendor('POST', '/tenants/resources/hierarchy/v1', { parentTenantId: tenantId, childTenantId: below })
    await env.vendor('PUT', `/identity/resources/sub-tenants/users/v1/${admin.id}/access`, { allowAccess: true })
    const hidden = await env.newUser({ tenantId }),
      lower = await env.newUser({ tenantId: below })
    await env.vendor('PUT', `/identity/resources/users/v1/${hidden.id}/invisible`, { invisible: true })
    expect((await admin('GET', v1)).body.items.map((u: { id: string }) => u.id)).toEqual([admin.id])
    for (const id of [hidden.id, lower.id, UNKNOWN_ID, 'me'])
      expect((await admin('PUT', v1, { id, name: 'Changed' })).status).toBe(404)
    expect((await admin('POST', `${v1}/${hidden.id}/resendActivationEmail`, {})).status).toBe(404)
    expect((await env.as(tenantId)('GET', v1)).body.totals).toBe(2)
    expect(await (await env.context()).db.user.count({ where: { name: 'Changed' } })).toBe(0)
  })

  test('invites', async () => {
    const env = await newEnvironment(),
      admin = await env.user({ permissions: ['fe.secure.write.users'] }),
      reader = await role(env, 'reader')
    const { status, body } = await admin('POST', v1, {
      email: 'New@example.com',
      name: 'New',
      phone: '+1202-555-0100',
      roleIds: [reader],
    })
    expect(status).toBe(201)
    expect(body).toMatchObject({
      email: 'new@example.com',
      name: 'New',
      phone: '+12025550100',
      tenantId: admin.tenantId,
      roleIds: [reader],
      roles: [{ key: 'reader' }],
      activatedForTenant: false,
      verified: false,
    })
    expect(await env.messages()).toMatchObject([{ template: 'ActivateUser', recipient: 'new@example.com' }])
    expect((await admin('POST', v1, { email: 'new@example.com', roleIds: [] })).status).toBe(409)
    expect((await admin('POST', v1, { roleIds: [] })).status).toBe(400)
    expect((await admin('POST', v1, { email: 'x@example.com', roleIds: [UNKNOWN_ID] })).status).toBe(400)
  })

  test("changes a member's name and, with the permission for it, their roles", async () => {
    const env = await newEnvironment(),
      { tenantId } = await env.newUser(),
      [one, two] = [await role(env, 'one'), await role(env, 'two')]
    const user = await env.newUser({ tenantId, roleKeys: ['one'] })
    const clerk = await env.user({ tenantId, permissions: ['fe.secure.write.updateUser'] }),
      admin = await env.user({ tenantId, permissions: ['fe.secure.write.updateUser', 'fe.secure.write.usersRoles'] })
    // the portal sends back what it read
    expect(
      await clerk('PUT', v1, {
        id: user.id,
        name: 'Renamed',
        roleIds: [one],
        email: 'other@example.com',
        phone: '+12025550100',
      }),
    ).toMatchObject({
      status: 200,
      body: { id: user.id, name: 'Renamed', email: user.email, phone: null, roleIds: [one] },
    })
    expect(await clerk('PUT', v1, { id: user.id, name: 'Again', roleIds: [two] })).toMatchObject({
      status: 403,
      body: { errorCode: 'ER-00008' },
    })
    expect((await env.as(tenantId)('GET', `/identity/resources/users/v1/${user.id}`)).body).toMatchObject({
      name: 'Renamed',
      roles: [{ key: 'one' }],
    })
    expect((await admin('PUT', v1, { email: user.email.toUpperCase(), roleIds: [two] })).body).toMatchObject({
      id: user.id,
      name: 'Renamed',
      roleIds: [two],
      roles: [{ key: 'two' }],
    })
    expect((await admin('PUT', v1, { id: user.id, roleIds: [] })).body.roleIds).toEqual([])
    expect((await admin('PUT', v1, { id: user.id, roleIds: [UNKNOWN_ID] })).status).toBe(400)
    expect((await admin('PUT', v1, { roleIds: [] })).status).toBe(400)
    expect((await admin('PUT', v1, { id: user.id, name: '' })).status).toBe(400)
  })

  test("gives and takes no role that is stronger than the administrator's own", async () => {
    const env = await newEnvironment(),
      [strong, weak] = [await role(env, 'strong', 1), await role(env, 'weak', 9)]
    const admin = await env.user({ permissions: ['fe.secure.*'], level: 4 }),
      [boss, clerk] = [
        await env.newUser({ tenantId: admin.tenantId, roleKeys: ['strong'] }),
        await env.newUser({ tenantId: admin.tenantId, roleKeys: ['weak'] }),
      ]
    expect((await admin('PUT', v1, { id: boss.id, roleIds: [weak] })).status).toBe(403)
    expect((await admin('PUT', v1, { id: clerk.id, roleIds: [weak, strong] })).status).toBe(403)
    expect((await admin('PUT', v1, { id: clerk.id, roleIds: [] })).status).toBe(200)
    expect((await env.vendor('GET', `/identity/resources/vendor-only/users/v1/${boss.id}`)).body.roles).toMatchObject([
      { key: 'strong' },
    ])
  })

  test('removes', async () => {
    const env = await newEnvironment(),
      admin = await env.user({ permissions: ['fe.secure.delete.users'] }),
      user = await env.newUser({ tenantId: admin.tenantId }),
      other = await env.newUser()
    expect(await admin('DELETE', `${v1}/${user.id}`)).toMatchObject({
      status: 200,
      body: { id: user.id, email: user.email },
    })
    expect((await admin('DELETE', `${v1}/${user.id}`)).status).toBe(404)
    expect((await admin('DELETE', `${v1}/${other.id}`)).status).toBe(404)
    expect(await (await env.context()).db.membership.count()).toBe(2)
  })

  test('resends the mail that a member waits for', async () => {
    const env = await newEnvironment(),
      admin = await env.user({ permissions: ['fe.secure.write.resendActivationEmail'] }),
      known = await env.newUser(),
      { tenantId } = admin
    const fresh = (await env.as(tenantId)('POST', '/identity/resources/users/v2', { email: 'new@example.com' })).body
    await env.as(tenantId)('POST', '/identity/resources/users/v2', { email: known.email })
    for (const id of [fresh.id, known.id])
      expect(await admin('POST', `${v1}/${id}/resendActivationEmail`, {})).toMatchObject({ status: 201, body: null })
    expect((await env.messages()).map((m) => [m.recipient, m.template])).toEqual([
      ['new@example.com', 'ActivateUser'],
      [known.email, 'InviteToTenant'],
      ['new@example.com', 'ActivateUser'],
      [known.email, 'InviteToTenant'],
    ])
    expect((await admin('POST', `${v1}/${admin.id}/resendActivationEmail`, {})).status).toBe(400)
    expect((await admin('POST', `${v1}/${UNKNOWN_ID}/resendActivationEmail`, {})).status).toBe(404)
    await env.vendor('POST', `/identity/resources/users/v1/${fresh.id}/lock`)
    expect((await admin('POST', `${v1}/${fresh.id}/resendActivationEmail`, {})).status).toBe(423)
    expect(await env.messages()).toHaveLength(4)
  })

  test('resends it, too, when a member is invited again by address alone, as the browser client does', async () => {
    const env = await newEnvironment(),
      admin = await env.user({ permissions: ['fe.secure.write.users'] }),
      url = '/identity/resources/users/v2',
      body = { email: 'new@example.com', provider: 'local' }
    const first = await admin('POST', url, body),
      again = await admin('POST', url, { ...body, email: 'NEW@example.com' })
    expect([first.status, again.status]).toEqual([201, 201])
    expect(again.body).toMatchObject({ id: first.body.id, email: 'new@example.com', tenantId: admin.tenantId })
    expect((await env.messages()).map((message) => message.template)).toEqual(['ActivateUser', 'ActivateUser'])
    // with more than an address the call means to create a user
    for (const more of [{ roleIds: [] }, { name: 'Other' }])
      expect((await admin('POST', url, { ...body, ...more })).status).toBe(409)
    await env.vendor('POST', `/identity/resources/users/v1/${first.body.id}/verify`)
    expect((await admin('POST', url, body)).status).toBe(409)
    expect(await env.messages()).toHaveLength(2)
  })

  test('counts', async () => {
    const env = await newEnvironment(),
      admin = await env.user({ permissions: ['fe.secure.read.users'] }),
      { tenantId } = admin
    await env.clock.advance(8 * DAY)
    const later = await env.user({ tenantId, permissions: ['fe.secure.read.users'] }),
      hidden = await env.newUser({ tenantId })
    await env.newUser()
    await env.vendor('PUT', `/identity/resources/users/v1/${admin.id}/superuser`, { superUser: true })
    await env.vendor('PUT', `/identity/resources/users/v1/${hidden.id}/invisible`, { invisible: true })
    expect(await later('GET', stats)).toMatchObject({
      status: 200,
      body: { totalItems: 2, addedThisWeek: 1, superAdmins: 1 },
    })
    expect((await env.as(tenantId)('GET', stats)).body).toEqual({ totalItems: 3, addedThisWeek: 2, superAdmins: 1 })
  })
})
