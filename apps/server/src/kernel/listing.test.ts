import { describe, expect, it } from 'vitest'
import { deps, newEnvironment, unique } from '../../test/environment.ts'
import { foldLists, pageOf, type List } from './listing.ts'

type Env = Awaited<ReturnType<typeof newEnvironment>>

/** Users that came three at a time, so that many are of one moment. */
async function people(env: Env, count: number, tenantId: string) {
  const ctx = await env.context(), ids = Array.from({ length: count }, () => deps.random.uuid())
  const at = (i: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, Math.floor(i / 3)))
  await ctx.db.user.createMany({ data: ids.map((id, i) => ({ id, name: `Somebody ${i}`, email: `${unique('who')}@example.com`, username: i % 2 ? unique('name') : null, createdAt: at(i), updatedAt: at(i) })) })
  await ctx.db.membership.createMany({ data: ids.map((userId, i) => ({ userId, tenantId, createdAt: at(count - i) })) })
  return ids
}

const sorted = (rows: readonly { id: string, createdAt: Date }[]) => rows.toSorted((a, b) => a.createdAt.getTime() - b.createdAt.getTime() || (a.id < b.id ? -1 : 1)).map((row) => row.id)

/** Every page of a list is the one that sorting and counting give. */
async function expectExact(env: Env, tenantId: string) {
  const ctx = await env.context(), everybody = await ctx.db.user.findMany({ include: { memberships: true, emails: true } })
  const expected: [List, string[]][] = [
    ['tenants', sorted((await ctx.db.tenant.findMany({})).map(({ rowId, createdAt }) => ({ id: rowId, createdAt })))],
    ['users', sorted(everybody)],
    ['usernames', sorted(everybody.filter((user) => user.username !== null))],
    ['emails', sorted(everybody.flatMap((user) => user.emails))],
    [`members:${tenantId}`, sorted(everybody.filter((user) => user.memberships.some((m) => m.tenantId === tenantId)))],
  ]
  for (const [list, ids] of expected) {
    for (const _order of ['ASC', 'DESC'] as const) {
      const ordered = _order === 'ASC' ? ids : ids.toReversed()
      for (const _limit of [1, 7, 200]) {
        for (let _offset = 0; _offset <= Math.ceil(ids.length / _limit); _offset += _limit === 1 ? 11 : 1) {
          expect(await pageOf(ctx, list, { _limit, _offset, _order }), `${list} ${_order} ${_limit} ${_offset}`)
            .toEqual({ total: ids.length, ids: ordered.slice(_offset * _limit, (_offset + 1) * _limit) })
        }
      }
    }
  }
}

const chunks = async (env: Env, list: string) => (await env.context()).db.listChunk.count({ where: { list } })
const changes = async (env: Env) => (await env.context()).db.listChange.count({})

describe.concurrent('a counted list', () => {
  it('has the pages that sorting and counting give: new, folded, split, changed since, shrunk', async () => {
    const env = await newEnvironment(), tenantId = await env.newTenant(), fold = () => foldLists(deps, { chunk: 8, vendorId: env.id })
    const ids = await people(env, 60, tenantId)
    await expectExact(env, tenantId)
    await fold()
    expect(await changes(env)).toBe(0)
    expect(await chunks(env, 'users')).toBeGreaterThan(5)
    await expectExact(env, tenantId)

    const ctx = await env.context()
    await people(env, 5, tenantId)
    await ctx.db.user.deleteMany({ where: { id: { in: ids.filter((_, i) => i % 4 === 0) } } })
    await ctx.db.membership.deleteMany({ where: { userId: { in: ids.filter((_, i) => i % 4 === 1) } } })
    await ctx.db.user.update({ where: { id: ids[2]! }, data: { username: unique('named') } })
    await ctx.db.user.update({ where: { id: ids[3]! }, data: { username: null } })
    await expectExact(env, tenantId)
    await fold()
    await expectExact(env, tenantId)

    await ctx.db.user.deleteMany({ where: { id: { in: ids.slice(0, 60) } } })
    await fold()
    await expectExact(env, tenantId)
    expect(await chunks(env, 'users')).toBeLessThan(8)
  })

  it('follows a member into another tenant, and is gone with its tenant', async () => {
    const env = await newEnvironment(), [one, other] = [await env.newTenant(), await env.newTenant()], ids = await people(env, 9, one)
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
    const env = await newEnvironment(), tenantId = await env.newTenant(), ids = await people(env, 40, tenantId), ctx = await env.context()
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
    const env = await newEnvironment(), tenantId = await env.newTenant(), ctx = await env.context()
    await expect(ctx.atomically(async (tx) => {
      await tx.db.user.create({ data: { id: deps.random.uuid(), name: 'Nobody', createdAt: new Date(), updatedAt: new Date() } })
      throw new Error('no')
    })).rejects.toThrow('no')
    await expectExact(env, tenantId)
  })

  it('leaves out of a tenant whose membership has ended, and for users who is invisible, on whatever page', async () => {
    const env = await newEnvironment(), admin = await env.user({ permissions: ['fe.secure.read.users'] }), ids = await people(env, 40, admin.tenantId), ctx = await env.context()
    const gone = ids.filter((_, i) => i % 7 === 2), invisible = ids.filter((_, i) => i % 5 === 1)
    await ctx.db.membership.updateMany({ where: { userId: { in: gone } }, data: { expiresAt: new Date(Date.now() - 1000) } })
    await ctx.db.membership.updateMany({ where: { userId: ids[0]! }, data: { expiresAt: new Date(Date.now() + 600_000) } })
    await ctx.db.user.updateMany({ where: { id: { in: invisible } }, data: { invisible: true } })
    const everybody = sorted(await ctx.db.user.findMany({})), pagesOf = async (call: typeof env.vendor, order: string) => {
      const found: string[] = []
      for (let offset = 0, pages = 1; offset < pages; offset++) {
        const { body } = await call('GET', `/identity/resources/users/v1?_limit=4&_offset=${offset}&_order=${order}`)
        found.push(...body.items.map((user: { id: string }) => user.id))
        pages = body._metadata.totalPages
        if (offset === pages - 1) expect(body._metadata.totalItems).toBe(found.length)
      }
      return found
    }
    const expectRight = async () => {
      const toManagement = everybody.filter((id) => !gone.includes(id)), toUser = toManagement.filter((id) => !invisible.includes(id))
      for (const [call, shown] of [[admin, toUser], [env.as(admin.tenantId), toManagement]] as const) {
        expect(await pagesOf(call, 'ASC')).toEqual(shown)
        expect(await pagesOf(call, 'DESC')).toEqual(shown.toReversed())
      }
    }
    await expectRight()
    await foldLists(deps, { chunk: 8, vendorId: env.id })
    await expectRight()
    expect((await admin('GET', '/team/resources/stats/v1/members')).body).toMatchObject({ totalItems: 41 - new Set([...gone, ...invisible]).size })
  })
})
