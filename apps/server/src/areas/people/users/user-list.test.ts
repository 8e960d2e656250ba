import { describe, expect, test } from 'vitest'
import { newEnvironment, UNKNOWN_ID, type TestEnvironment } from '../../../../test/environment.ts'

const v3 = '/identity/resources/users/v3'
type Item = {
  id: string
  email: string
  name: string
  tenants: { tenantId: string; roles?: { key: string }[] }[]
  tenantIds: string[]
}
const emails = ({ body }: { body: { items: Item[] } }) => body.items.map((item) => item.email)
const url = (query: Record<string, string | number | boolean>) =>
  `${v3}?${new URLSearchParams(Object.entries(query).map(([k, v]): [string, string] => [k, String(v)]))}`

let moment = Date.parse('2090-01-01')
/** Users called a@example.com, b@example.com … in one tenant, each made after the one before and after everybody else. */
async function people(env: TestEnvironment, letters: string, tenantId?: string) {
  const tenant = tenantId ?? (await env.newTenant()),
    ctx = await env.context(),
    users = []
  for (const letter of letters) {
    const user = await env.newUser({ tenantId: tenant, email: `${letter}@example.com` })
    await ctx.db.user.update({ where: { id: user.id }, data: { createdAt: new Date(moment++) } })
    users.push(user)
  }
  return { tenantId: tenant, users }
}

/** A link of a page, as a client follows it that takes it as it stands. */
const addressed = (link: string) => link.slice(new URL(link).origin.length)

describe.concurrent('lists of users', () => {
  test('come in pages, oldest first, with links to the others', async () => {
    const env = await newEnvironment()
    const { users } = await people(env, 'cab')
    const first = await env.vendor('GET', url({ _limit: 2 }))
    expect(first.status).toBe(200)
    expect(first.body).toMatchObject({
      items: [{ id: users[0]!.id }, { id: users[1]!.id }],
      _metadata: { totalItems: 3, totalPages: 2 },
      _links: { prev: '' },
    })
    const next = await env.vendor('GET', addressed(first.body._links.next))
    expect(next.body).toMatchObject({ items: [{ id: users[2]!.id }], _links: { next: '' } })
    expect((await env.vendor('GET', addressed(next.body._links.prev))).body.items).toHaveLength(2)
    expect((await env.vendor('GET', url({ _limit: 2, _offset: 5 }))).body).toMatchObject({
      items: [],
      _metadata: { totalItems: 3 },
    })
    for (const query of [
      { _limit: 201 },
      { _limit: 0 },
      { _offset: -1 },
      { _limit: 'x' },
      { _sortBy: 'shoeSize' },
      { _order: 'sideways' },
    ])
      expect((await env.vendor('GET', url(query as never))).status).toBe(400)
  })

  test('have 50 users on a page by default', async () => {
    const env = await newEnvironment()
    const tenantId = await env.newTenant(),
      ctx = await env.context(),
      now = ctx.clock.now()
    const ids = Array.from({ length: 51 }, () => ctx.random.uuid())
    await ctx.db.user.createMany({
      data: ids.map((id) => ({ id, email: `${id}@example.com`, name: 'x', createdAt: now, updatedAt: now })),
    })
    await ctx.db.membership.createMany({ data: ids.map((userId) => ({ userId, tenantId, createdAt: now })) })
    const { body } = await env.as(tenantId)('GET', v3)
    expect(body.items).toHaveLength(50)
    expect(body._metadata).toEqual({ totalItems: 51, totalPages: 2 })
  })

  test('show no rights in v3, and roles in each tenant in v1 and v2', async () => {
    const env = await newEnvironment()
    const user = await env.newUser({ roleKeys: ['Admin'] })
    const [item] = (await env.vendor('GET', v3)).body.items
    expect(item).toMatchObject({
      id: user.id,
      sub: user.id,
      tenantId: user.tenantId,
      tenantIds: [user.tenantId],
      tenants: [{ tenantId: user.tenantId, isDisabled: false, temporaryExpirationDate: null }],
      metadata: '{}',
      vendorMetadata: '{}',
      lastLogin: null,
      superUser: false,
      activatedForTenant: true,
    })
    for (const field of ['roles', 'permissions', 'passwordHash']) expect(item).not.toHaveProperty(field)
    expect(item.tenants[0]).not.toHaveProperty('roles')
    for (const version of ['v1', 'v2']) {
      const { body } = await env.vendor('GET', `/identity/resources/users/${version}`)
      expect(body.items).toMatchObject([
        { id: user.id, tenants: [{ tenantId: user.tenantId, roles: [{ key: 'Admin' }] }], roles: [{ key: 'Admin' }] },
      ])
      expect(body.items[0].permissions.map((permission: { key: string }) => permission.key)).toContain('fe.secure.*')
      expect(body._metadata.totalPages).toBe(1)
    }
  })

  test.for(['createdAt', 'name', 'email', 'verified', 'isLocked', 'provider', 'tenantId'])(
    'are sorted by %s, up or down',
    async (_sortBy) => {
      const env = await newEnvironment()
      const {
          users: [high, low],
        } = await people(env, 'ba'),
        ctx = await env.context()
      await ctx.db.user.update({
        where: { id: low!.id },
        data: {
          createdAt: new Date('2001-01-01'),
          name: 'A',
          verified: false,
          isLocked: false,
          provider: 'apple',
          activeTenantId: '1',
        },
      })
      await ctx.db.user.update({
        where: { id: high!.id },
        data: {
          createdAt: new Date('2002-01-01'),
          name: 'B',
          verified: true,
          isLocked: true,
          provider: 'google',
          activeTenantId: '2',
        },
      })
      expect(emails(await env.vendor('GET', url({ _sortBy })))).toEqual(['a@example.com', 'b@example.com'])
      expect(emails(await env.vendor('GET', url({ _sortBy, _order: 'ASC' })))).toEqual([
        'a@example.com',
        'b@example.com',
      ])
      expect(emails(await env.vendor('GET', url({ _sortBy, _order: 'DESC' })))).toEqual([
        'b@example.com',
        'a@example.com',
      ])
    },
  )

  test.for(['id', 'provider'])('are sorted by id where %s is equal', async (_sortBy) => {
    const env = await newEnvironment()
    const { users } = await people(env, 'abc')
    const ids = users.map((u) => u.id).sort()
    const found = async (_order: string) =>
      (await env.vendor('GET', url({ _sortBy, _order }))).body.items.map((i: Item) => i.id)
    expect(await found('ASC')).toEqual(ids)
    expect(await found('DESC')).toEqual(ids.reverse())
  })

  test('are filtered by address, ids, external ids, and beginnings or parts of names', async () => {
    const env = await newEnvironment()
    const {
        users: [ada, bob, eve],
      } = await people(env, 'abe'),
      ctx = await env.context()
    await ctx.db.user.update({
      where: { id: ada!.id },
      data: { name: 'Ada 100% Lovelace', username: 'ada', phoneNumber: '+12025550101', externalId: 'x1' },
    })
    await ctx.db.user.update({ where: { id: bob!.id }, data: { name: 'Bob_Ross', username: 'bob', externalId: 'x2' } })
    await ctx.db.user.update({ where: { id: eve!.id }, data: { name: 'Eve' } })
    const find = async (query: Record<string, string>) => emails(await env.vendor('GET', url(query)))
    const [a, b, e] = ['a@example.com', 'b@example.com', 'e@example.com']
    expect(await find({ _email: 'A@Example.com' })).toEqual([a])
    expect(await find({ _email: 'example.com' })).toEqual([])
    expect(await find({ ids: `${ada!.id},${eve!.id},${UNKNOWN_ID},garbage` })).toEqual([a, e])
    expect(emails(await env.vendor('GET', `${v3}?ids=${ada!.id}&ids=${bob!.id}`))).toEqual([a, b])
    expect(await find({ _externalIds: 'x2,x1' })).toEqual([a, b])
    expect(await find({ _namePrefix: 'ada' })).toEqual([a])
    expect(await find({ _namePrefix: 'Lovelace' })).toEqual([])
    expect(await find({ _filter: 'LOVE' })).toEqual([a])
    expect(await find({ _filter: '@example' })).toEqual([a, b, e])
    expect(await find({ _filter: '%' })).toEqual([a])
    expect(await find({ _filter: '_' })).toEqual([b])
    expect(await find({ _filter: 'nobody' })).toEqual([])
    expect(await find({ _identifier: 'AD', _identifierType: 'username' })).toEqual([a])
    expect(await find({ _identifier: '+1202', _identifierType: 'phoneNumber' })).toEqual([a])
    expect(await find({ _identifier: 'b@', _identifierType: 'email' })).toEqual([b])
    expect(await find({ _filter: 'example', _namePrefix: 'b' })).toEqual([b])
    for (const query of [
      { _identifier: 'a' },
      { _identifierType: 'email' },
      { _identifier: 'a', _identifierType: 'shoeSize' },
    ])
      expect((await env.vendor('GET', url(query as never))).status).toBe(400)
  })

  test('show one tenant by header or filter, and those below it unless the query says not to', async () => {
    const env = await newEnvironment()
    const parent = await env.newTenant(),
      child = await env.newTenant(),
      grandchild = await env.newTenant(),
      ctx = await env.context()
    await ctx.db.tenant.updateMany({ where: { id: child }, data: { parentId: parent } })
    await ctx.db.tenant.updateMany({ where: { id: grandchild }, data: { parentId: child } })
    await people(env, 'p', parent)
    await people(env, 'c', child)
    await people(env, 'g', grandchild)
    await people(env, 'o')
    expect(emails(await env.vendor('GET', v3))).toHaveLength(4)
    expect(emails(await env.as(parent)('GET', v3))).toEqual(['p@example.com', 'c@example.com', 'g@example.com'])
    expect(emails(await env.as(parent)('GET', url({ _includeSubTenants: false })))).toEqual(['p@example.com'])
    expect(emails(await env.vendor('GET', url({ _tenantId: child })))).toEqual(['c@example.com', 'g@example.com'])
    expect(emails(await env.vendor('GET', url({ _tenantId: 'nowhere' })))).toEqual([])
    expect(emails(await env.as(child)('GET', url({ _tenantId: parent, _includeSubTenants: false })))).toEqual([])
  })

  test('show a user only their own tenant and, with access to sub-accounts, those below it', async () => {
    const env = await newEnvironment()
    const parent = await env.newTenant(),
      child = await env.newTenant(),
      other = await env.newTenant(),
      ctx = await env.context()
    await ctx.db.tenant.updateMany({ where: { id: child }, data: { parentId: parent } })
    const reader = await env.user({ tenantId: parent, email: 'reader@example.com', permissions: ['fe.secure.read.*'] })
    const {
      users: [shared],
    } = await people(env, 's', parent)
    await people(env, 'c', child)
    await people(env, 'o', other)
    await ctx.db.membership.create({ data: { userId: shared!.id, tenantId: other, createdAt: new Date('2000-01-01') } })
    await ctx.db.user.update({
      where: { id: shared!.id },
      data: { activeTenantId: other, vendorMetadata: '{"secret":1}' },
    })
    const list = await reader('GET', v3)
    expect(emails(list)).toEqual(['reader@example.com', 's@example.com'])
    expect(list.body.items[1]).toMatchObject({
      tenantId: parent,
      tenantIds: [parent],
      tenants: [{ tenantId: parent }],
      vendorMetadata: '{}',
    })
    expect(JSON.stringify(list.body)).not.toContain(other)
    expect(emails(await reader('GET', url({ _tenantId: other })))).toEqual([])
    expect(emails(await reader('GET', url({ _tenantId: child })))).toEqual([])
    await ctx.db.user.update({ where: { id: reader.id }, data: { subAccountAccess: true } })
    expect(emails(await reader('GET', v3))).toEqual(['reader@example.com', 's@example.com', 'c@example.com'])
    expect(emails(await reader('GET', url({ _tenantId: child })))).toEqual(['c@example.com'])
    expect((await (await env.user())('GET', v3)).status).toBe(403)
  })

  test('hide invisible users from users, not from management', async () => {
    const env = await newEnvironment()
    const reader = await env.user({ permissions: ['fe.secure.read.users'] })
    const {
      users: [ghost],
    } = await people(env, 'g', reader.tenantId)
    expect(
      await env.vendor('PUT', `/identity/resources/users/v1/${ghost!.id}/invisible`, { invisible: true }),
    ).toMatchObject({ status: 200, body: { invisible: true } })
    expect(emails(await reader('GET', v3))).toEqual([reader.email])
    expect(emails(await env.as(reader.tenantId)('GET', v3))).toEqual([reader.email, 'g@example.com'])
    await env.vendor('PUT', `/identity/resources/users/v1/${ghost!.id}/invisible`, { invisible: false })
    expect(emails(await reader('GET', v3))).toEqual([reader.email, 'g@example.com'])
  })

  test('show nobody of another environment', async () => {
    const [one, two] = [await newEnvironment(), await newEnvironment()]
    const user = await one.newUser()
    expect(emails(await two.vendor('GET', url({ ids: user.id })))).toEqual([])
    expect(emails(await two.vendor('GET', url({ _tenantId: user.tenantId })))).toEqual([])
  })
})
