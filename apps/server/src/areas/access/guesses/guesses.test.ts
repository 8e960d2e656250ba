import { describe, expect, test } from 'vitest'
import { newEnvironment, UNKNOWN_ID, type TestEnvironment } from '../../../../test/environment.ts'
import * as guesses from './guesses.service.ts'

const url = '/identity/resources/configurations/v1/lockout-policy'
const stateOf = async (env: TestEnvironment, id: string) =>
  (await env.context()).db.user.findUniqueOrThrow({
    where: { id },
    select: { failedLogins: true, isLocked: true, lockedAt: true },
  })

describe.concurrent('wrong passwords', () => {
  test('are not counted without a policy, nor with one that is off', async () => {
    const env = await newEnvironment(),
      { id } = await env.newUser(),
      ctx = await env.context()
    expect(await guesses.failed(ctx, { userId: id })).toMatchObject({ locked: false })
    await env.vendor('POST', url, { enabled: false, maxAttempts: 1 })
    expect(await guesses.failed(ctx, { userId: id })).toMatchObject({ locked: false })
    expect(await stateOf(env, id)).toMatchObject({ failedLogins: 0, isLocked: false })
  })

  test('lock the user at the limit, once', async () => {
    const env = await newEnvironment(),
      { id } = await env.newUser(),
      ctx = await env.context()
    await env.vendor('POST', url, { enabled: true, maxAttempts: 3 })
    const outcomes = []
    for (let i = 0; i < 4; i++) outcomes.push(await guesses.failed(ctx, { userId: id }))
    expect(outcomes).toEqual([
      { counted: true, locked: false },
      { counted: true, locked: false },
      { counted: true, locked: true },
      { counted: false, locked: false },
    ])
    expect(await stateOf(env, id)).toMatchObject({ isLocked: true, lockedAt: expect.any(Date) })
  })

  test('count exactly when many arrive at once, and exactly one of them locks', async () => {
    const env = await newEnvironment(),
      ctx = await env.context()
    const { id } = await env.newUser(),
      { id: other } = await env.newUser()
    await env.vendor('POST', url, { enabled: true, maxAttempts: 20 })
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => guesses.failed(ctx, { userId: id })))
    expect(outcomes.filter((o) => o.locked)).toHaveLength(1)
    expect(await stateOf(env, id)).toMatchObject({ failedLogins: 20, isLocked: true })
    const fewer = await Promise.all(Array.from({ length: 19 }, () => guesses.failed(ctx, { userId: other })))
    expect(fewer.filter((o) => o.locked)).toHaveLength(0)
    expect(await stateOf(env, other)).toMatchObject({ failedLogins: 19, isLocked: false })
  })

  test("follow the tenant's policy in the place of the environment's, and of several tenants the strictest", async () => {
    const env = await newEnvironment(),
      ctx = await env.context()
    const loose = await env.newTenant(),
      strict = await env.newTenant()
    await env.vendor('POST', url, { enabled: true, maxAttempts: 1 })
    await env.as(loose)('POST', url, { enabled: false, maxAttempts: 1 })
    await env.as(strict)('POST', url, { enabled: true, maxAttempts: 2 })
    const free = await env.newUser({ tenantId: loose }),
      both = await env.newUser({ tenantId: loose }),
      elsewhere = await env.newUser()
    await ctx.db.membership.create({
      data: { userId: both.id, tenantId: strict, acceptedAt: ctx.clock.now(), createdAt: ctx.clock.now() },
    })
    expect(await guesses.failed(ctx, { userId: free.id })).toMatchObject({ locked: false })
    expect(await guesses.failed(ctx, { userId: elsewhere.id })).toMatchObject({ locked: true })
    expect(await guesses.failed(ctx, { userId: both.id })).toMatchObject({ locked: false })
    expect(await guesses.failed(ctx, { userId: both.id })).toMatchObject({ locked: true })
  })

  test("of another environment's user, or of nobody, change nothing", async () => {
    const env = await newEnvironment(),
      other = await newEnvironment(),
      { id } = await other.newUser()
    await env.vendor('POST', url, { enabled: true, maxAttempts: 1 })
    await other.vendor('POST', url, { enabled: true, maxAttempts: 1 })
    const ctx = await env.context()
    expect(await guesses.failed(ctx, { userId: id })).toMatchObject({ locked: false })
    expect(await guesses.failed(ctx, { userId: UNKNOWN_ID })).toMatchObject({ locked: false })
    expect(await stateOf(other, id)).toMatchObject({ failedLogins: 0, isLocked: false })
  })
})
