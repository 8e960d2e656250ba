import { Type } from 'typebox'
import { describe, expect, test } from 'vitest'
import { newEnvironment, type TestEnvironment } from '../../test/environment.ts'
import { ApiError } from './errors.ts'
import type { TenantScope } from './operation.ts'
import * as settings from './settings.ts'

const numbers = settings.setting('numbers', Type.Object({ a: Type.Integer(), b: Type.Integer(), c: Type.Integer() }), {
  a: 0,
  b: 0,
  c: 0,
})
const taken = new ApiError(409, undefined, ['taken'])
const tenantOf = async (env: TestEnvironment) => ({ id: await env.newTenant() }) as TenantScope

describe.concurrent('settings', () => {
  test("answer with the tenant's document, else the environment's, else what is initial", async () => {
    const env = await newEnvironment(),
      ctx = await env.context(),
      tenant = await tenantOf(env),
      other = await tenantOf(env)
    expect(await settings.effective(ctx, numbers, tenant)).toEqual({ a: 0, b: 0, c: 0 })
    await settings.save(ctx, numbers, { a: 1, b: 1, c: 1 })
    await settings.save(ctx, numbers, { a: 2, b: 2, c: 2 }, tenant)
    expect(await settings.effective(ctx, numbers, tenant)).toEqual({ a: 2, b: 2, c: 2 })
    expect(await settings.effective(ctx, numbers, other)).toEqual({ a: 1, b: 1, c: 1 })
    expect(await settings.stored(ctx, numbers, other)).toBeNull()
    expect(await settings.remove(ctx, numbers, tenant)).toBe(true)
    expect(await settings.effective(ctx, numbers, tenant)).toEqual({ a: 1, b: 1, c: 1 })
  })

  test('are created once, by one of many', async () => {
    const env = await newEnvironment(),
      ctx = await env.context()
    const results = await Promise.allSettled(
      Array.from({ length: 8 }, (_, a) => settings.create(ctx, numbers, { a, b: 0, c: 0 }, taken)),
    )
    expect(results.filter((r) => r.status === 'fulfilled')).toHaveLength(1)
    for (const r of results) if (r.status === 'rejected') expect(r.reason).toBe(taken)
  })

  test('keep every one of several partial changes at once, also the first ones', async () => {
    const env = await newEnvironment(),
      ctx = await env.context()
    await Promise.all([
      settings.patch(ctx, numbers, { a: 1 }),
      settings.patch(ctx, numbers, { b: 2 }),
      settings.patch(ctx, numbers, { c: 3 }),
    ])
    expect(await settings.effective(ctx, numbers)).toEqual({ a: 1, b: 2, c: 3 })
  })
})
