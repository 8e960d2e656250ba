import { describe, expect, test } from 'vitest'
import { newEnvironment, type TestEnvironment } from '../../../../test/environment.ts'
import { remove } from '../../accounts/tenants/deletion.service.ts'
import { keyOf } from '../../accounts/tenants/tenants.service.ts'
import { ancestorsOf, subtreeOf } from './tree.service.ts'
import type { Ctx } from '../../../kernel/operation.ts'

/** `{ b: 'a' }`: b is below a */
async function plant(env: TestEnvironment, tree: Record<string, string | null>) {
  const ctx = await env.context(),
    now = ctx.clock.now()
  for (const [id, parentId] of Object.entries(tree))
    await ctx.db.tenant.create({
      data: { id, rowId: ctx.random.uuid(), name: id, parentId, createdAt: now, updatedAt: now },
    })
  return ctx
}

const places = async (ctx: Ctx, tenantId: string) =>
  (await subtreeOf(ctx, tenantId))
    .map(({ id, parentId, level }) => [id, parentId, level] as const)
    .toSorted(([a], [b]) => a.localeCompare(b))

describe.concurrent('the hierarchy of tenants', () => {
  test('is read up to the top, and down to the last', async () => {
    const ctx = await plant(await newEnvironment(), { a: null, b: 'a', c: 'b', d: 'b', e: 'c', other: null })
    expect(await ancestorsOf(ctx, 'e')).toEqual(['c', 'b', 'a'])
    expect(await ancestorsOf(ctx, 'a')).toEqual([])
    expect(await ancestorsOf(ctx, 'nobody')).toEqual([])
    expect(await places(ctx, 'a')).toEqual([
      ['a', null, 0],
      ['b', 'a', 1],
      ['c', 'b', 2],
      ['d', 'b', 2],
      ['e', 'c', 3],
    ])
    expect(await places(ctx, 'c')).toEqual([
      ['c', 'b', 0],
      ['e', 'c', 1],
    ])
    expect(await subtreeOf(ctx, 'nobody')).toEqual([])
  })

  test('never leads into another environment, even by the same ids', async () => {
    const mine = await plant(await newEnvironment(), { a: null, b: 'a' })
    const theirs = await plant(await newEnvironment(), {
      top: null,
      a: 'top',
      b: 'a',
      c: 'b',
      a2: 'a',
      "' or true --": 'b',
    })
    expect(await ancestorsOf(mine, 'b')).toEqual(['a'])
    expect(await places(mine, 'a')).toEqual([
      ['a', null, 0],
      ['b', 'a', 1],
    ])
    expect(await ancestorsOf(mine, 'c')).toEqual([])
    expect(await subtreeOf(mine, 'top')).toEqual([])
    expect(await subtreeOf(mine, "' or true --")).toEqual([])
    expect(await ancestorsOf(theirs, "' or true --")).toEqual(['b', 'a', 'top'])
  })

  test('is the same whatever comes first: moves, what comes in one statement, ends', async () => {
    const ctx = await plant(await newEnvironment(), { a: null, b: 'a', c: 'b', d: 'c', x: null })
    await ctx.db.tenant.update({ where: keyOf(ctx, 'b'), data: { parentId: 'x' } })
    expect(await places(ctx, 'a')).toEqual([['a', null, 0]])
    expect(await places(ctx, 'x')).toEqual([
      ['b', 'x', 1],
      ['c', 'b', 2],
      ['d', 'c', 3],
      ['x', null, 0],
    ])
    expect(await ancestorsOf(ctx, 'd')).toEqual(['c', 'b', 'x'])
    await ctx.db.tenant.update({ where: keyOf(ctx, 'c'), data: { parentId: null } })
    expect(await ancestorsOf(ctx, 'd')).toEqual(['c'])
    // the last first
    const now = ctx.clock.now()
    await ctx.db.tenant.createMany({
      data: [
        ['h', 'g'],
        ['g', 'f'],
        ['f', 'd'],
      ].map(([id, parentId]) => ({
        id: id!,
        parentId: parentId!,
        rowId: ctx.random.uuid(),
        name: id!,
        createdAt: now,
        updatedAt: now,
      })),
    })
    expect(await ancestorsOf(ctx, 'h')).toEqual(['g', 'f', 'd', 'c'])
    expect((await places(ctx, 'c')).map(([id]) => id)).toEqual(['c', 'd', 'f', 'g', 'h'])
  })

  test('of a thousand levels is read and moved like any, and has no circle', async () => {
    const names = Array.from({ length: 1000 }, (_, index) => `t${index}`)
    const ctx = await newEnvironment().then((env) => env.context()),
      now = ctx.clock.now()
    await ctx.db.tenant.createMany({
      data: names.map((id, index) => ({
        id,
        rowId: ctx.random.uuid(),
        name: id,
        parentId: index ? names[index - 1]! : null,
        createdAt: now,
        updatedAt: now,
      })),
    })
    expect(await ancestorsOf(ctx, 't999')).toEqual(names.slice(0, -1).toReversed())
    expect((await subtreeOf(ctx, 't0')).map(({ level }) => level).toSorted((a, b) => a - b)).toEqual(
      names.map((_, index) => index),
    )
    for (const parentId of ['t999', 't995'])
      await expect(ctx.db.tenant.update({ where: keyOf(ctx, 't995'), data: { parentId } })).rejects.toThrow(
        'a tenant would be below itself',
      )
    await ctx.db.tenant.update({ where: keyOf(ctx, 't500'), data: { parentId: 't0' } })
    expect(await ancestorsOf(ctx, 't999')).toEqual([...names.slice(500, -1).toReversed(), 't0'])
  })

  test('stays whole when many put, move and take tenants at once', async () => {
    const ctx = await plant(await newEnvironment(), { a: null, b: 'a', c: 'b', d: 'c', x: null })
    const now = ctx.clock.now(),
      add = (id: string, parentId: string) =>
        ctx.db.tenant.create({
          data: { id, parentId, rowId: ctx.random.uuid(), name: id, createdAt: now, updatedAt: now },
        })
    await Promise.all(
      Array.from({ length: 12 }, async (_, index) => {
        await add(`n${index}`, 'd')
        await ctx.db.tenant.update({ where: keyOf(ctx, 'b'), data: { parentId: index % 2 ? 'a' : 'x' } })
        await add(`m${index}`, `n${index}`)
        await ctx.db.tenant.update({ where: keyOf(ctx, `n${index}`), data: { parentId: index % 3 ? 'c' : 'd' } })
        if (index % 4 === 0) await remove(ctx, `n${index}`)
      }),
    )
    const rows = await ctx.db.tenant.findMany({ select: { id: true, parentId: true, path: true } }),
      parents = new Map(rows.map(({ id, parentId }) => [id, parentId]))
    const wayTo = (id: string | null): string[] => (id === null ? [] : [...wayTo(parents.get(id)!), id])
    for (const { id, path } of rows) expect(path).toEqual(wayTo(id))
    expect(rows).toHaveLength(5 + 12 + 9)
  })
})
