import { describe, expect, test } from 'vitest'
import { deps, newEnvironment, UNKNOWN_ID, type TestEnvironment } from '../../../../test/environment.ts'

const v1 = '/identity/resources/sub-tenants/users/v1',
  v2 = '/identity/resources/sub-tenants/users/v2',
  count = '/identity/resources/tenants/users/v1/count'
const keys = [
  'fe.secure.read.userSubTenants',
  'fe.secure.write.userSubTenants',
  'fe.secure.delete.userSubTenants',
  'fe.secure.write.usersRoles',
  'fe.secure.delete.usersRoles',
  'fe.account-hierarchy.read.subAccount',
]

/** Tenant a above b above c; d apart. The user administers a, and has access to sub-accounts. */
async function family({ access = true } = {}) {
  const env = await newEnvironment()
  for (const tenantId of ['a', 'd']) await env.vendor('POST', '/tenants/resources/tenants/v1', { tenantId })
  for (const [tenantId, parentTenantId] of [
    ['b', 'a'],
    ['c', 'b'],
  ] as const)
    await env.vendor('POST', '/tenants/resources/sub-tenants/v1', { tenantId, name: tenantId, parentTenantId })
  const admin = await env.user({ tenantId: 'a', permissions: keys })
  if (access) await env.vendor('PUT', `${v1}/${admin.id}/access`, { allowAccess: true })
  return { env, admin }
}
const role = async (env: TestEnvironment, key: string, level = 5, tenantId?: string): Promise<string> =>
  (await env.as(tenantId)('POST', '/identity/resources/roles/v1', [{ key, name: key, level }])).body[0].id
const rows = async (env: TestEnvironment) => {
  const found = await (
    await env.context()
  ).db.membership.findMany({
    select: {
      tenantId: true,
      user: { select: { email: true } },
      roles: { select: { role: { select: { key: true } } } },
    },
    orderBy: [{ tenantId: 'asc' }],
  })
  return found.map((m) => [m.user.email, m.tenantId, ...m.roles.map((r) => r.role.key).sort()].join(' ')).sort()
}

describe.concurrent('the users of sub-accounts', () => {
  test('are listed with their rights in each account', async () => {
    const { env, admin } = await family(),
      key = await role(env, 'reader')
    const permission = (
      await env.vendor('POST', '/identity/resources/permissions/v1', [{ key: 'read.it', name: 'Read it' }])
    ).body[0]
    await env.vendor('PUT', `/identity/resources/roles/v1/${key}/permissions`, { permissionIds: [permission.id] })
    const below = await env.newUser({ tenantId: 'c', roleKeys: ['reader'] })
    await env.newUser({ tenantId: 'd' })
    const { status, body } = await admin(
      'GET',
      `${v1}?_offset=0&_limit=10&_sortBy=createdAt&_order=ASC&_filter=undefined`,
    )
    expect(status).toBe(200)
    expect(body).toMatchObject({ totalPages: 1, _metadata: { totalItems: 2, totalPages: 1 } })
    expect(body.items.map((u: { id: string }) => u.id)).toEqual([admin.id, below.id])
    expect(body.items[1]).toMatchObject({
      email: below.email,
      tenants: [
        {
          tenantId: 'c',
          activated: true,
          lastLogin: null,
          roles: [{ key: 'reader', permissions: [permission.id] }],
          permissions: [{ id: permission.id, key: 'read.it', roleIds: [key] }],
        },
      ],
    })
    expect((await admin('GET', `${v1}?_filter=${below.email}`)).body.items).toHaveLength(1)
    expect((await env.as('b')('GET', v1)).body.items).toMatchObject([{ id: below.id }])
  })

  test('are out of reach without access to sub-accounts', async () => {
    const { env, admin } = await family({ access: false }),
      below = await env.newUser({ tenantId: 'b' }),
      before = await rows(env)
    expect((await admin('GET', v1)).body.items.map((u: { id: string }) => u.id)).toEqual([admin.id])
    for (const tenantId of ['b', 'd', 'nowhere']) {
      expect(
        (await admin('POST', v1, { user: { email: 'n@example.com' }, subTenants: [{ tenantId: 'a' }, { tenantId }] }))
          .status,
      ).toBe(404)
      expect((await admin('POST', v2, { users: [{ email: 'n@example.com' }], tenantId })).status).toBe(404)
      expect((await admin('DELETE', v1, { userId: below.id, subTenants: [{ tenantId }] })).status).toBe(404)
      for (const method of ['POST', 'PATCH', 'DELETE'] as const)
        expect(
          (await admin(method, `${v1}/${below.id}/roles`, { subTenantsRoles: [{ tenantId, roleIds: [] }] })).status,
        ).toBe(404)
    }
    expect(await rows(env)).toEqual(before)
  })

  test('are invited, one user to several accounts', async () => {
    const { env, admin } = await family(),
      reader = await role(env, 'reader')
    expect(
      await admin('POST', v1, {
        user: { email: 'New@example.com', name: 'New' },
        subTenants: [{ tenantId: 'b', roleIds: [reader] }, { tenantId: 'c' }],
      }),
    ).toMatchObject({ status: 201, body: null })
    expect((await rows(env)).slice(0, -1)).toEqual(['new@example.com b reader', 'new@example.com c Admin'])
    expect(await env.messages({ to: 'new@example.com' })).toMatchObject([
      { template: 'ActivateUser', tenantId: 'b' },
      { template: 'InviteToTenant', tenantId: 'c' },
    ])
    expect(
      (await env.vendor('POST', v1, { user: { email: 'new@example.com' }, subTenants: [{ tenantId: 'd' }] })).status,
    ).toBe(201)
    expect((await rows(env)).at(-2)).toBe('new@example.com d Admin')
  })

  test('are invited to all accounts that are named, or to none', async () => {
    const { env, admin } = await family(),
      member = await env.newUser({ tenantId: 'c' }),
      before = await rows(env),
      strong = await role(env, 'strong', 0)
    const invite = (user: object, ...subTenants: object[]) => admin('POST', v1, { user, subTenants })
    expect((await invite({ email: member.email }, { tenantId: 'b' }, { tenantId: 'c' })).status).toBe(409)
    expect((await invite({ email: 'n@example.com' }, { tenantId: 'b' }, { tenantId: 'b' })).status).toBe(409)
    expect(
      (await invite({ email: 'n@example.com' }, { tenantId: 'b' }, { tenantId: 'c', roleIds: [UNKNOWN_ID] })).status,
    ).toBe(400)
    expect((await invite({ email: 'nobody' }, { tenantId: 'b' })).status).toBe(400)
    expect((await invite({ email: 'n@example.com' })).status).toBe(400)
    await (await env.context()).db.role.updateMany({ where: { name: 'For a test' }, data: { level: 3 } })
    expect(
      (
        await invite(
          { email: 'n@example.com' },
          { tenantId: 'b', roleIds: [await role(env, 'weak', 9)] },
          { tenantId: 'c', roleIds: [strong] },
        )
      ).status,
    ).toBe(403)
    expect(await rows(env)).toEqual(before)
    expect(await (await env.context()).db.user.count()).toBe(2)
    expect(await env.messages()).toEqual([])
  })

  test('are invited at once to different accounts, and all invitations succeed', async () => {
    const { env, admin } = await family()
    for (const tenantId of ['e', 'f', 'g', 'h'])
      await env.vendor('POST', '/tenants/resources/sub-tenants/v1', { tenantId, name: tenantId, parentTenantId: 'a' })
    const answers = await Promise.all(
      ['b', 'c', 'e', 'f', 'g', 'h'].map((tenantId) =>
        admin('POST', v1, { user: { email: 'n@example.com' }, subTenants: [{ tenantId }] }),
      ),
    )
    expect(answers.map((a) => a.status)).toEqual(Array(6).fill(201))
    expect(await (await env.context()).db.user.count()).toBe(2)
    expect((await rows(env)).filter((row) => row.startsWith('n@'))).toHaveLength(6)
    expect(await env.messages({ template: 'ActivateUser' })).toHaveLength(1)
  })

  test('are invited, several users to one account, with access to sub-accounts where that is granted', async () => {
    const { env, admin } = await family(),
      known = await env.newUser({ tenantId: 'd' }),
      body = { users: [{ email: 'x@example.com' }, { email: known.email }], tenantId: 'b', allowSubAccountAccess: true }
    expect((await admin('POST', `${v2}/`, body)).status).toBe(403)
    const { admin: other } = {
      admin: await env.user({ tenantId: 'a', permissions: [...keys, 'fe.account-hierarchy.write.subAccountAccess'] }),
    }
    await env.vendor('PUT', `${v1}/${other.id}/access`, { allowAccess: true })
    expect(await other('POST', `${v2}/`, body)).toMatchObject({ status: 201, body: null })
    const users = await (
      await env.context()
    ).db.user.findMany({
      where: { email: { in: ['x@example.com', known.email] } },
      select: { email: true, subAccountAccess: true },
    })
    expect(users.sort((a) => (a.email === known.email ? 1 : -1))).toEqual([
      { email: 'x@example.com', subAccountAccess: true },
      { email: known.email, subAccountAccess: null },
    ])
    expect((await other('POST', v2, body)).status).toBe(409)
    expect((await env.vendor('POST', v2, { users: [], tenantId: 'b' })).status).toBe(400)
  })

  test('are removed from all accounts that are named, or from none', async () => {
    const { env, admin } = await family(),
      user = await env.newUser({ tenantId: 'b' })
    await env.vendor('POST', v1, { user: { email: user.email }, subTenants: [{ tenantId: 'c' }] })
    const remove = (...ids: string[]) =>
      admin('DELETE', v1, { userId: user.id, subTenants: ids.map((tenantId) => ({ tenantId })) })
    expect((await remove('b', 'a')).status).toBe(404)
    await env.vendor('POST', `${v1}/${user.id}/roles`, {
      subTenantsRoles: [{ tenantId: 'c', roleIds: [await role(env, 'strong', 0)] }],
    })
    await (await env.context()).db.role.updateMany({ where: { name: 'For a test' }, data: { level: 3 } })
    expect((await remove('b', 'c')).status).toBe(403)
    await (await env.context()).db.role.updateMany({ where: { name: 'For a test' }, data: { level: 0 } })
    expect((await admin('DELETE', v1, { userId: 'me', subTenants: [{ tenantId: 'b' }] })).status).toBe(404)
    expect(await rows(env)).toHaveLength(3)
    expect(await remove('b', 'c', 'c')).toMatchObject({ status: 200, body: null })
    expect(await rows(env)).toHaveLength(1)
    expect(await (await env.context()).db.user.count()).toBe(2)
  })

  test('are given roles, have them replaced, and lose them', async () => {
    const { env, admin } = await family(),
      [one, two, own] = [await role(env, 'one'), await role(env, 'two'), await role(env, 'own', 5, 'c')]
    const user = await env.newUser({ tenantId: 'b' })
    await env.vendor('POST', v1, { user: { email: user.email }, subTenants: [{ tenantId: 'c', roleIds: [one] }] })
    const change = (method: 'POST' | 'PATCH' | 'DELETE', ...subTenantsRoles: object[]) =>
      admin(method, `${v1}/${user.id}/roles`, { subTenantsRoles })
    const held = async () =>
      (await rows(env)).filter((row) => row.startsWith(user.email)).map((row) => row.replace(`${user.email} `, ''))
    expect(
      await change('POST', { tenantId: 'b', roleIds: [one] }, { tenantId: 'c', roleIds: [two, own, two] }),
    ).toMatchObject({ status: 201, body: null })
    expect(await held()).toEqual(['b one', 'c one own two'])
    expect(await change('PATCH', { tenantId: 'c', roleIds: [two] })).toMatchObject({ status: 200, body: null })
    expect(await held()).toEqual(['b one', 'c two'])
    expect(await change('DELETE', { tenantId: 'b', roleIds: [one] }, { tenantId: 'c', roleIds: [one] })).toMatchObject({
      status: 200,
      body: null,
    })
    expect(await held()).toEqual(['b', 'c two'])
    // one role of another tenant, or one account that the user is not in: nothing changes
    expect((await change('PATCH', { tenantId: 'c', roleIds: [] }, { tenantId: 'b', roleIds: [own] })).status).toBe(400)
    expect((await change('PATCH', { tenantId: 'c', roleIds: [] }, { tenantId: 'a', roleIds: [one] })).status).toBe(404)
    expect(await held()).toEqual(['b', 'c two'])
  })

  test("lose no role stronger than the caller's own", async () => {
    const { env, admin } = await family(),
      strong = await role(env, 'strong', 0),
      weak = await role(env, 'weak', 9)
    await (await env.context()).db.role.updateMany({ where: { name: 'For a test' }, data: { level: 3 } })
    const user = await env.newUser({ tenantId: 'b', roleKeys: ['strong'] })
    for (const [method, roleIds] of [
      ['PATCH', [weak]],
      ['DELETE', [strong]],
      ['POST', [strong]],
    ] as const) {
      expect(
        (await admin(method, `${v1}/${user.id}/roles`, { subTenantsRoles: [{ tenantId: 'b', roleIds }] })).status,
      ).toBe(403)
    }
    expect(await rows(env)).toContainEqual(expect.stringMatching(/ b strong$/))
  })

  test('keep the roles of one of many replacements at once', async () => {
    const { env, admin } = await family(),
      user = await env.newUser({ tenantId: 'b' })
    const ids = await Promise.all(['k', 'l', 'm', 'n'].map((key) => role(env, key)))
    const answers = await Promise.all(
      ids.map((id) =>
        admin('PATCH', `${v1}/${user.id}/roles`, { subTenantsRoles: [{ tenantId: 'b', roleIds: [id] }] }),
      ),
    )
    expect(answers.map((a) => a.status)).toEqual([200, 200, 200, 200])
    expect(await (await env.context()).db.membershipRole.count({ where: { userId: user.id } })).toBe(1)
  })

  test('are counted, and so are those with access to sub-accounts', async () => {
    const { env, admin } = await family(),
      hidden = await env.newUser({ tenantId: 'b' }),
      opened = await env.newUser({ tenantId: 'b' })
    await env.vendor('PUT', `/identity/resources/users/v1/${hidden.id}/invisible`, { invisible: true })
    await env.vendor('PUT', `${v1}/${opened.id}/access`, { allowAccess: true })
    const ask = async (client: typeof env.vendor, body: object) => (await client('POST', count, body)).body
    expect(await admin('POST', count, { tenantIds: ['b', 'a', 'c', 'd', 'nowhere', 'b'] })).toMatchObject({
      status: 201,
      body: [
        { tenantId: 'b', totalUsers: 1, totalAccessAllowedUsers: 1 },
        { tenantId: 'a', totalUsers: 1, totalAccessAllowedUsers: 1 },
        { tenantId: 'c', totalUsers: 0, totalAccessAllowedUsers: 0 },
      ],
    })
    expect(await ask(env.vendor, { tenantIds: ['b', 'd'] })).toEqual([
      { tenantId: 'b', totalUsers: 2, totalAccessAllowedUsers: 1 },
      { tenantId: 'd', totalUsers: 0, totalAccessAllowedUsers: 0 },
    ])
    expect(await ask(env.vendor, { tenantIds: ['b'], excludeInvisibleUsers: true })).toMatchObject([{ totalUsers: 1 }])
    await env.vendor('PUT', '/tenants/resources/sub-tenants/v1/b/hierarchy-settings', {
      subAccountAccessType: 'defaultOn',
    })
    await env.vendor('PUT', `${v1}/${opened.id}/access`, { allowAccess: false })
    expect(await ask(env.vendor, { tenantIds: ['b'] })).toMatchObject([{ totalUsers: 2, totalAccessAllowedUsers: 1 }])
    await env.vendor('PUT', '/tenants/resources/sub-tenants/v1/b/hierarchy-settings', {
      subAccountAccessType: 'alwaysOn',
    })
    expect(await ask(env.vendor, { tenantIds: ['b'] })).toMatchObject([{ totalAccessAllowedUsers: 2 }])
  })

  test('and their accounts are read even when there are more than a statement takes parameters', async () => {
    const { env, admin } = await family(),
      ctx = await env.context(),
      many = 33_000
    const client = await deps.database.pool.connect()
    try {
      await client.query('begin; set local session_replication_role = replica')
      await client.query(
        `
        insert into "Tenant" ("vendorId", id, "rowId", "parentId", path, name, "createdAt", "updatedAt")
        select $1, 't' || i, gen_random_uuid(), 'b', array['a', 'b', 't' || i], 'Number ' || i, now(), now() from generate_series(1, $2) i`,
        [ctx.vendorId, many],
      )
      await client.query('commit')
    } finally {
      client.release()
    }
    const below = await env.newUser({ tenantId: 't77' })
    for (const path of [
      v1,
      '/identity/resources/users/v3',
      '/identity/resources/users/v3?_filter=@',
      '/identity/resources/users/v1/query/phrase?_phraseSearchContains=example&_phraseSearchApproximate=true',
    ]) {
      const { status, body } = await env.as('a')('GET', path)
      expect([path, status, body.items?.map((user: { id: string }) => user.id).sort()]).toEqual([
        path,
        200,
        [admin.id, below.id].sort(),
      ])
    }
    expect((await admin('GET', v1)).body.items).toMatchObject([
      { id: admin.id },
      { id: below.id, tenants: [{ tenantId: 't77' }] },
    ])
    for (const path of ['users/emails/v1', 'users/phone-numbers/v2', 'usernames/v1'])
      expect(await env.as('a')('GET', `/identity/resources/${path}`)).toMatchObject({ status: 200 })
    expect((await env.as('a')('GET', '/tenants/resources/hierarchy/v1')).body).toHaveLength(many + 2)
    expect((await env.as('a')('GET', '/tenants/resources/hierarchy/v1/tree')).body.children[0].children).toHaveLength(
      many + 1,
    )
    expect(
      (await env.as('a')('GET', '/tenants/resources/hierarchy/v2?_filter=number%20777&_limit=5')).body,
    ).toMatchObject({ _metadata: { totalItems: 11 } })
    expect((await env.as('a')('GET', '/tenants/resources/hierarchy/v2/metadata?_tenantIds=a,b,t77')).body).toEqual([
      { tenantId: 'a', totalSubTenants: many + 2, isParent: true },
      { tenantId: 'b', totalSubTenants: many + 1, isParent: true },
      { tenantId: 't77', totalSubTenants: 0, isParent: false },
    ])
  })
})
