import { describe, expect, it } from 'vitest'
import { deps, newEnvironment, unique } from '../../test/environment.ts'
import { countsOf, foldLists, pageOf, type By, type List } from './listing.ts'

type Env = Awaited<ReturnType<typeof newEnvironment>>

/** Users that came three at a time, so that many are of one moment; names, and what else there are few of, are often the same. */
async function people(env: Env, count: number, tenantId: string) {
  const ctx = await env.context(),
    ids = Array.from({ length: count }, () => deps.random.uuid())
  const at = (i: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, Math.floor(i / 3)))
  await ctx.db.user.createMany({
    data: ids.map((id, i) => ({
      id,
      name: `Somebody ${i % 7}`,
      email: i % 9 ? `${unique('who')}@example.com` : null,
      username: i % 2 ? unique('name') : null,
      phoneNumber: i % 3 ? `+1${deps.random.digits(12)}` : null,
      verified: i % 4 === 0,
      isLocked: i % 11 === 0,
      subAccountAccess: [null, true, false, null][i % 4]!,
      provider: i % 5 ? 'local' : 'google',
      activeTenantId: i % 6 ? tenantId : null,
      lastLogin: i % 4 ? at(i + 5) : null,
      createdAt: at(i),
      updatedAt: at(i),
    })),
  })
  await ctx.db.membership.createMany({ data: ids.map((userId, i) => ({ userId, tenantId, createdAt: at(count - i) })) })
  await ctx.db.userEmail.createMany({
    data: ids
      .filter((_, i) => i % 3 === 0)
      .map((userId, i) => ({
        id: deps.random.uuid(),
        userId,
        email: `${unique('more')}@example.com`,
        verified: false,
        createdAt: at(i * 2),
        updatedAt: at(i),
      })),
  })
  return ids
}

type Entry = readonly [key: string | number, id: string]
const sorted = (entries: readonly Entry[]) =>
  entries.toSorted(([a, i], [b, j]) => (a < b ? -1 : a > b ? 1 : i < j ? -1 : 1)).map(([, id]) => id)

/** What every list is in every order, by sorting. */
async function expectedLists(env: Env, tenantId: string) {
  const ctx = await env.context(),
    everybody = await ctx.db.user.findMany({ include: { memberships: true, emails: true, phones: true } }),
    tenants = await ctx.db.tenant.findMany({})
  const lists: [List, By, Entry[]][] = []
  for (const [members, own] of [
    [false, everybody],
    [true, everybody.filter((user) => user.memberships.some((m) => m.tenantId === tenantId))],
  ] as const) {
    const add = (list: List, by: By, entries: Entry[]) =>
      lists.push([members ? `members:${tenantId}` : list, by, entries])
    const each = (by: By, key: (user: (typeof own)[number]) => Entry[0]) =>
      add(
        'users',
        by,
        own.map((user) => [key(user), user.id]),
      )
    each('createdAt', (user) => user.createdAt.getTime())
    each('name', (user) => user.name)
    each('email', (user) => user.email ?? '')
    each('id', (user) => user.id)
    each('verified', (user) => Number(user.verified))
    each('isLocked', (user) => Number(user.isLocked))
    each('provider', (user) => user.provider)
    each('tenantId', (user) => user.activeTenantId ?? '')
    if (members) each('lastLogin', (user) => user.lastLogin?.getTime() ?? 0)
    if (members) each('subAccountAccess', (user) => `${user.subAccountAccess ?? ''}`)
    const named = own.filter((user) => user.username !== null)
    add(
      'users',
      'usernames.createdAt',
      named.map((user) => [user.createdAt.getTime(), user.id]),
    )
    add(
      'users',
      'usernames.userId',
      named.map((user) => [user.id, user.id]),
    )
    add(
      'users',
      'usernames.username',
      named.map((user) => [user.username!, user.id]),
    )
    const emails = own.flatMap((user) => user.emails),
      phones = own.flatMap((user) => user.phones)
    add(
      'emails',
      'emails.createdAt',
      emails.map((row) => [row.createdAt.getTime(), row.id]),
    )
    add(
      'emails',
      'emails.userId',
      emails.map((row) => [row.userId, row.id]),
    )
    add(
      'emails',
      'emails.email',
      emails.map((row) => [row.email, row.id]),
    )
    add(
      'phone-numbers',
      'phone-numbers.createdAt',
      phones.map((row) => [row.createdAt.getTime(), row.id]),
    )
    add(
      'phone-numbers',
      'phone-numbers.userId',
      phones.map((row) => [row.userId, row.id]),
    )
    add(
      'phone-numbers',
      'phone-numbers.phoneNumber',
      phones.map((row) => [row.phoneNumber, row.id]),
    )
  }
  for (const [list, own] of [
    ['tenants', tenants],
    [`children:${tenantId}`, tenants.filter((row) => row.parentId === tenantId)],
  ] as const) {
    lists.push([list, 'tenants.createdAt', own.map((row) => [row.createdAt.getTime(), row.rowId])])
    lists.push([list, 'tenants.name', own.map((row) => [row.name, row.rowId])])
    lists.push([list, 'tenants.tenantId', own.map((row) => [row.id, row.rowId])])
  }
  return lists.map(([list, by, entries]) => [list, by, sorted(entries)] as const)
}

/** Every page of every list is the one that sorting and counting give. */
async function expectExact(env: Env, tenantId: string) {
  const ctx = await env.context()
  await Promise.all(
    (await expectedLists(env, tenantId)).map(async ([list, by, ids]) => {
      for (const _order of ['ASC', 'DESC'] as const) {
        const ordered = _order === 'ASC' ? ids : ids.toReversed()
        for (const [_limit, step] of [
          [1, 61],
          [9, 3],
          [200, 1],
        ] as const) {
          for (let _offset = 0; _offset <= Math.ceil(ids.length / _limit); _offset += step) {
            expect(
              await pageOf(ctx, list, by, { _limit, _offset, _order }),
              `${list} ${by} ${_order} ${_limit} ${_offset}`,
            ).toEqual({ total: ids.length, ids: ordered.slice(_offset * _limit, (_offset + 1) * _limit) })
          }
        }
      }
    }),
  )
  const tally: Record<string, number> = {}
  for (const { user } of await ctx.db.membership.findMany({ where: { tenantId }, select: { user: true } }))
    tally[`${user.subAccountAccess ?? ''}`] = 1 + (tally[`${user.subAccountAccess ?? ''}`] ?? 0)
  const { [tenantId]: counted = {}, ...others } = Object.fromEntries(
    await countsOf(ctx, [tenantId, 'nowhere'], 'subAccountAccess'),
  )
  expect([Object.fromEntries(Object.entries(counted).filter(([, count]) => count)), others]).toEqual([tally, {}])
}

const chunks = async (env: Env, list: string, by = 'createdAt') =>
  (await env.context()).db.listChunk.count({ where: { list, by } })
const changes = async (env: Env) => (await env.context()).db.listChange.count({})

describe.concurrent('a counted list', () => {
  it('has the pages that sorting and counting give: new, folded, split, changed since, shrunk', async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant(),
      fold = () => foldLists(deps, { chunk: 8, vendorId: env.id })
    const ids = await people(env, 60, tenantId)
    await expectExact(env, tenantId)
    await fold()
    expect(await changes(env)).toBe(0)
    expect(await chunks(env, 'users')).toBeGreaterThan(5)
    expect(await chunks(env, `members:${tenantId}`, 'emails.email')).toBeGreaterThan(5)
    await expectExact(env, tenantId)

    const ctx = await env.context()
    await people(env, 5, tenantId)
    await ctx.db.user.deleteMany({ where: { id: { in: ids.filter((_, i) => i % 4 === 0) } } })
    await ctx.db.membership.deleteMany({ where: { userId: { in: ids.filter((_, i) => i % 4 === 1) } } })
    await ctx.db.user.update({ where: { id: ids[2]! }, data: { username: unique('named') } })
    await ctx.db.user.update({ where: { id: ids[3]! }, data: { username: null } })
    await ctx.db.user.updateMany({ where: { id: { in: ids.slice(20, 26) } }, data: { subAccountAccess: true } })
    await expectExact(env, tenantId)
    await fold()
    await expectExact(env, tenantId)

    await ctx.db.user.deleteMany({ where: { id: { in: ids.slice(0, 60) } } })
    await fold()
    await expectExact(env, tenantId)
    expect(await chunks(env, 'users')).toBeLessThan(8)
  })

  it('follows a member into another tenant, and is gone with its tenant', async () => {
    const env = await newEnvironment(),
      [one, other] = [await env.newTenant(), await env.newTenant()],
      ids = await people(env, 9, one)
    await foldLists(deps, { vendorId: env.id })
    const ctx = await env.context()
    await ctx.db.membership.updateMany({ where: { userId: ids[4]! }, data: { tenantId: other } })
    await expectExact(env, one)
    await expectExact(env, other)
    await ctx.db.tenant.deleteMany({ where: { id: one } })
    await expectExact(env, one)
    await foldLists(deps, { vendorId: env.id })
    expect(await chunks(env, `members:${one}`)).toBe(0)
    await expectExact(env, other)
  })

  it('stays exact while many write, delete and fold at once', async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant(),
      ids = await people(env, 40, tenantId),
      ctx = await env.context()
    await Promise.all([
      ...[1, 2, 3, 4].map(() => people(env, 10, tenantId)),
      ...[0, 1, 2, 3].map((n) => ctx.db.user.deleteMany({ where: { id: { in: ids.slice(n * 8, n * 8 + 5) } } })),
      ...[4, 8, 16, 8].map((chunk) => foldLists(deps, { chunk, vendorId: env.id })),
    ])
    await expectExact(env, tenantId)
    await Promise.all([8, 8, 8].map((chunk) => foldLists(deps, { chunk, vendorId: env.id })))
    await expectExact(env, tenantId)
    await foldLists(deps, { chunk: 8, vendorId: env.id })
    expect(await changes(env)).toBe(0)
    await expectExact(env, tenantId)
  })

  it('takes what a rolled back transaction has written for nothing', async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant(),
      ctx = await env.context()
    await expect(
      ctx.atomically(async (tx) => {
        await tx.db.user.create({
          data: { id: deps.random.uuid(), name: 'Nobody', createdAt: new Date(), updatedAt: new Date() },
        })
        throw new Error('no')
      }),
    ).rejects.toThrow('no')
    await expectExact(env, tenantId)
  })

  it('leaves out of a tenant whose membership has ended, and for users who is invisible, on whatever page', async () => {
    const env = await newEnvironment(),
      admin = await env.user({ permissions: ['fe.secure.read.users'] }),
      ids = await people(env, 40, admin.tenantId),
      ctx = await env.context()
    const gone = ids.filter((_, i) => i % 7 === 2),
      invisible = ids.filter((_, i) => i % 5 === 1)
    await ctx.db.membership.updateMany({
      where: { userId: { in: gone } },
      data: { expiresAt: new Date(Date.now() - 1000) },
    })
    await ctx.db.membership.updateMany({
      where: { userId: ids[0]! },
      data: { expiresAt: new Date(Date.now() + 600_000) },
    })
    await ctx.db.user.updateMany({ where: { id: { in: invisible } }, data: { invisible: true } })
    const everybody = await ctx.db.user.findMany({ include: { emails: true, phones: true } })
    const pagesOf = async (call: typeof env.vendor, url: string) => {
      const found: string[] = []
      for (let offset = 0, pages = 1; offset < pages; offset++) {
        const { body } = await call('GET', `${url}${url.includes('?') ? '&' : '?'}_limit=24&_offset=${offset}`)
        found.push(...body.items.map((item: { id?: string; userId: string }) => item.id ?? item.userId))
        pages = body._metadata.totalPages
        if (offset === pages - 1) expect(body._metadata.totalItems).toBe(found.length)
      }
      return found
    }
    const expectRight = async () => {
      const toManagement = everybody.filter((user) => !gone.includes(user.id)),
        toUser = toManagement.filter((user) => !invisible.includes(user.id))
      for (const [call, shown] of [
        [admin, toUser],
        [env.as(admin.tenantId), toManagement],
      ] as const) {
        const lists: [string, Entry[]][] = [
          ['users/v1', shown.map((user) => [user.createdAt.getTime(), user.id])],
          ['users/v1?_sortBy=name', shown.map((user) => [user.name, user.id])],
          ['users/v1?_sortBy=email', shown.map((user) => [user.email ?? '', user.id])],
          ['users/emails/v1', shown.flatMap((user) => user.emails).map((row) => [row.createdAt.getTime(), row.id])],
          ['users/emails/v1?_sortBy=email', shown.flatMap((user) => user.emails).map((row) => [row.email, row.id])],
          [
            'users/phone-numbers/v1?_sortBy=userId',
            shown.flatMap((user) => user.phones).map((row) => [row.userId, row.id]),
          ],
          [
            'usernames/v1',
            shown.filter((user) => user.username !== null).map((user) => [user.createdAt.getTime(), user.id]),
          ],
        ]
        for (const [url, entries] of lists) {
          expect(await pagesOf(call, `/identity/resources/${url}`), url).toEqual(sorted(entries))
          expect(
            await pagesOf(call, `/identity/resources/${url}${url.includes('?') ? '&' : '?'}_order=DESC`),
            url,
          ).toEqual(sorted(entries).toReversed())
        }
      }
    }
    await expectRight()
    await foldLists(deps, { chunk: 8, vendorId: env.id })
    await expectRight()
    expect((await admin('GET', '/team/resources/stats/v1/members')).body).toMatchObject({
      totalItems: 41 - new Set([...gone, ...invisible]).size,
    })
  })

  it('stays exact when users are renamed, get addresses, come and go at once', async () => {
    const env = await newEnvironment(),
      [one, other] = [await env.newTenant(), await env.newTenant()],
      ids = await people(env, 24, one),
      ctx = await env.context()
    await foldLists(deps, { chunk: 4, vendorId: env.id })
    const email = () => `${unique('new')}@example.com`,
      now = new Date()
    for (let round = 0; round < 3; round++) {
      await Promise.all([
        ...ids.flatMap((id, i) => [
          ctx.atomically((tx) =>
            tx.db.user.update({
              where: { id },
              data: {
                name: `Renamed ${round}`,
                isLocked: i % 2 === round % 2,
                lastLogin: new Date(1e12 * Math.random()),
              },
            }),
          ),
          ctx.atomically((tx) =>
            tx.db.userEmail.create({
              data: {
                id: deps.random.uuid(),
                userId: id,
                email: email(),
                verified: false,
                createdAt: now,
                updatedAt: now,
              },
            }),
          ),
          ctx.atomically((tx) =>
            tx.db.user.update({
              where: { id },
              data: {
                username: i % 3 ? unique('named') : null,
                email: email(),
                phoneNumber: `+1${deps.random.digits(12)}`,
                updatedAt: now,
              },
            }),
          ),
          ctx.atomically((tx) =>
            tx.db.membership.deleteMany({ where: { userId: id, tenantId: round % 2 ? other : one } }),
          ),
          ctx.atomically((tx) =>
            tx.db.membership.createMany({
              data: [{ userId: id, tenantId: round % 2 ? one : other, createdAt: now }],
              skipDuplicates: true,
            }),
          ),
          ctx.atomically((tx) => tx.db.userEmail.deleteMany({ where: { userId: id, email: { startsWith: 'more' } } })),
        ]),
        ...[4, 4, 8].map((chunk) => foldLists(deps, { chunk, vendorId: env.id })),
      ])
      for (const tenantId of [one, other]) await expectExact(env, tenantId)
    }
    await ctx.db.user.deleteMany({ where: { id: { in: ids.slice(0, 12) } } })
    await foldLists(deps, { chunk: 4, vendorId: env.id })
    expect(await changes(env)).toBe(0)
    for (const tenantId of [one, other]) await expectExact(env, tenantId)
  })

  it('follows tenants that are renamed, moved below others and deleted', async () => {
    const env = await newEnvironment(),
      [one, other] = [await env.newTenant(), await env.newTenant()],
      ctx = await env.context(),
      at = (i: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, Math.floor(i / 3)))
    const ids = Array.from({ length: 40 }, () => deps.random.uuid())
    await ctx.db.tenant.createMany({
      data: ids.map((id, i) => ({
        id,
        rowId: deps.random.uuid(),
        name: `Tenant ${i % 7}`,
        parentId: i % 4 ? one : null,
        createdAt: at(i),
        updatedAt: at(i),
      })),
    })
    const expectBoth = async () => {
      for (const tenantId of [one, other]) await expectExact(env, tenantId)
    }
    await expectBoth()
    await foldLists(deps, { chunk: 4, vendorId: env.id })
    expect(await chunks(env, `children:${one}`, 'tenants.name')).toBeGreaterThan(3)
    await expectBoth()
    await Promise.all(
      ids.map((id, i) =>
        ctx.atomically(async (tx) => {
          if (i % 5 === 0) await tx.db.tenant.deleteMany({ where: { id } })
          else if (i % 5 === 1)
            await tx.db.tenant.updateMany({ where: { id }, data: { parentId: i % 2 ? other : null } })
          else await tx.db.tenant.updateMany({ where: { id }, data: { name: `Renamed ${i % 3}` } })
        }),
      ),
    )
    await expectBoth()
    await foldLists(deps, { chunk: 4, vendorId: env.id })
    await expectBoth()
  })
})
