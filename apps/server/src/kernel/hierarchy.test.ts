import { describe, expect, test } from 'vitest'
import { newEnvironment, type TestEnvironment } from '../../test/environment.ts'
import { ancestorsOf, descendantsOf } from './hierarchy.ts'

/** `{ b: 'a' }`: b is below a */
async function plant(env: TestEnvironment, tree: Record<string, string | null>) {
  const ctx = await env.context(), now = ctx.clock.now()
  for (const [id, parentId] of Object.entries(tree)) await ctx.db.tenant.create({ data: { id, rowId: ctx.random.uuid(), name: id, parentId, createdAt: now, updatedAt: now } })
  return ctx
}

describe.concurrent('the hierarchy of tenants', () => {
  test('is read up to the top, and down to the last', async () => {
    const ctx = await plant(await newEnvironment(), { a: null, b: 'a', c: 'b', d: 'b', e: 'c', other: null })
    expect(await ancestorsOf(ctx, 'e')).toEqual(['c', 'b', 'a'])
    expect(await ancestorsOf(ctx, 'a')).toEqual([])
    expect(await ancestorsOf(ctx, 'nobody')).toEqual([])
    const below = await descendantsOf(ctx, 'a')
    expect(below.map(({ level }) => level)).toEqual([1, 2, 2, 3])
    expect(below.toSorted((x, y) => x.id.localeCompare(y.id))).toEqual([
      { id: 'b', parentId: 'a', level: 1 }, { id: 'c', parentId: 'b', level: 2 }, { id: 'd', parentId: 'b', level: 2 }, { id: 'e', parentId: 'c', level: 3 },
    ])
    expect(await descendantsOf(ctx, 'e')).toEqual([])
    expect(await descendantsOf(ctx, 'nobody')).toEqual([])
  })

  test('never leads into another environment, even by the same ids', async () => {
    const mine = await plant(await newEnvironment(), { a: null, b: 'a' })
    const theirs = await plant(await newEnvironment(), { 'top': null, 'a': 'top', 'b': 'a', 'c': 'b', 'a2': 'a', '\' or true --': 'b' })
    expect(await ancestorsOf(mine, 'b')).toEqual(['a'])
    expect(await descendantsOf(mine, 'a')).toEqual([{ id: 'b', parentId: 'a', level: 1 }])
    expect(await ancestorsOf(mine, 'c')).toEqual([])
    expect(await descendantsOf(mine, 'top')).toEqual([])
    expect(await descendantsOf(mine, '\' or true --')).toEqual([])
    expect(await ancestorsOf(theirs, '\' or true --')).toEqual(['b', 'a', 'top'])
  })

  test('of a thousand levels is read like any, and a circle that should not be there comes to an end', async () => {
    const names = Array.from({ length: 1000 }, (_, index) => `t${index}`)
    const ctx = await newEnvironment().then((env) => env.context()), now = ctx.clock.now()
    await ctx.db.tenant.createMany({ data: names.map((id, index) => ({ id, rowId: ctx.random.uuid(), name: id, parentId: index ? names[index - 1]! : null, createdAt: now, updatedAt: now })) })
    expect(await ancestorsOf(ctx, 't999')).toEqual(names.slice(0, -1).toReversed())
    expect((await descendantsOf(ctx, 't0')).map(({ id }) => id)).toEqual(names.slice(1))
    await ctx.db.tenant.updateMany({ where: { id: 't995' }, data: { parentId: 't999' } })
    expect((await ancestorsOf(ctx, 't999')).length).toBeLessThan(10)
    expect((await descendantsOf(ctx, 't999')).length).toBeLessThan(10)
  })
})
