import { describe, expect, test } from 'vitest'
import { newEnvironment, UNKNOWN_ID, type TestEnvironment } from '../../../../test/environment.ts'
import * as lockout from './lockout-policy.service.ts'

const url = '/identity/resources/configurations/v1/lockout-policy'
const keys = ['fe.secure.read.securityPolicy', 'fe.secure.write.securityPolicy']
const stateOf = async (env: TestEnvironment, id: string) =>
  (await env.context()).db.user.findUniqueOrThrow({
    where: { id },
    select: { failedLogins: true, isLocked: true, lockedAt: true },
  })

describe.concurrent('the lockout policy', () => {
  test('is not there until it is created, and then once', async () => {
    const env = await newEnvironment()
    expect(await env.vendor('GET', url)).toMatchObject({
      status: 404,
      body: { errors: ['Lockout policy is not defined'] },
    })
    expect((await env.vendor('PATCH', url, { enabled: true, maxAttempts: 3 })).status).toBe(404)
    const made = await env.vendor('POST', url, { enabled: true, maxAttempts: 5 })
    expect(made).toMatchObject({
      status: 201,
      body: { enabled: true, maxAttempts: 5, id: expect.any(String), createdAt: expect.any(String) },
    })
    expect(await env.vendor('POST', url, { enabled: false, maxAttempts: 1 })).toMatchObject({
      status: 409,
      body: { errors: ['Lockout policy already exists'] },
    })
    expect((await env.vendor('GET', url)).body).toEqual(made.body)
    await env.clock.advance(1000)
    const { status, body } = await env.vendor('PATCH', url, { enabled: false, maxAttempts: 3 })
    expect({ status, body }).toMatchObject({
      status: 200,
      body: { id: made.body.id, enabled: false, maxAttempts: 3, createdAt: made.body.createdAt },
    })
    expect(body.updatedAt > made.body.updatedAt).toBe(true)
  })

  test('of many that create it at once, one does', async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant()
    for (const client of [env.vendor, env.as(tenantId)]) {
      const answers = await Promise.all(
        Array.from({ length: 8 }, () => client('POST', url, { enabled: true, maxAttempts: 5 })),
      )
      expect(answers.map((a) => a.status).sort()).toEqual([201, 409, 409, 409, 409, 409, 409, 409])
    }
  })

  test('wrong input is refused, and nothing changes', async () => {
    const env = await newEnvironment()
    expect(await env.vendor('POST', url, { maxAttempts: 5 })).toMatchObject({
      status: 400,
      body: { errors: ['enabled must be a boolean value'] },
    })
    expect(await env.vendor('POST', url, { enabled: true, maxAttempts: 0 })).toMatchObject({
      status: 400,
      body: { errors: ['maxAttempts must not be less than 1'] },
    })
    expect((await env.vendor('POST', url, { enabled: true, maxAttempts: 2.5 })).status).toBe(400)
    expect((await env.vendor('GET', url)).status).toBe(404)
    await env.vendor('POST', url, { enabled: true, maxAttempts: 5 })
    expect((await env.vendor('PATCH', url, { enabled: true })).status).toBe(400)
    expect((await env.vendor('GET', url)).body.maxAttempts).toBe(5)
  })

  test("a tenant has its own, beside the environment's, and no other tenant sees it", async () => {
    const env = await newEnvironment(),
      mine = await env.newTenant(),
      theirs = await env.newTenant()
    const admin = await env.user({ tenantId: mine, permissions: keys }),
      other = await env.user({ tenantId: theirs, permissions: keys })
    await env.vendor('POST', url, { enabled: true, maxAttempts: 5 })
    expect((await admin('GET', url)).status).toBe(404)
    expect(await admin('POST', url, { enabled: true, maxAttempts: 3 })).toMatchObject({ status: 201 })
    expect((await env.as(mine)('GET', url)).body.maxAttempts).toBe(3)
    expect((await admin('GET', `${url}/vendor`)).body.maxAttempts).toBe(5)
    expect((await env.vendor('GET', url)).body.maxAttempts).toBe(5)
    expect((await other('GET', url)).status).toBe(404)
    expect((await other('PATCH', url, { enabled: false, maxAttempts: 1 })).status).toBe(404)
    expect((await other('GET', url, undefined, { headers: { 'frontegg-tenant-id': mine } })).status).toBe(404)
  })

  test('reading it is one permission, changing it another', async () => {
    const env = await newEnvironment()
    const reader = await env.user({ permissions: ['fe.secure.read.securityPolicy'] })
    expect((await reader('GET', url)).status).toBe(404)
    expect((await reader('POST', url, { enabled: true, maxAttempts: 3 })).status).toBe(403)
  })
})

describe.concurrent('wrong passwords', () => {
  test('are not counted without a policy, nor with one that is off', async () => {
    const env = await newEnvironment(),
      { id } = await env.newUser(),
      ctx = await env.context()
    expect(await lockout.failed(ctx, { userId: id })).toMatchObject({ locked: false })
    await env.vendor('POST', url, { enabled: false, maxAttempts: 1 })
    expect(await lockout.failed(ctx, { userId: id })).toMatchObject({ locked: false })
    expect(await stateOf(env, id)).toMatchObject({ failedLogins: 0, isLocked: false })
  })

  test('lock the user at the limit, once', async () => {
    const env = await newEnvironment(),
      { id } = await env.newUser(),
      ctx = await env.context()
    await env.vendor('POST', url, { enabled: true, maxAttempts: 3 })
    const outcomes = []
    for (let i = 0; i < 4; i++) outcomes.push(await lockout.failed(ctx, { userId: id }))
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
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => lockout.failed(ctx, { userId: id })))
    expect(outcomes.filter((o) => o.locked)).toHaveLength(1)
    expect(await stateOf(env, id)).toMatchObject({ failedLogins: 20, isLocked: true })
    const fewer = await Promise.all(Array.from({ length: 19 }, () => lockout.failed(ctx, { userId: other })))
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
    await ctx.db.membership.create({ data: { userId: both.id, tenantId: strict, createdAt: ctx.clock.now() } })
    expect(await lockout.failed(ctx, { userId: free.id })).toMatchObject({ locked: false })
    expect(await lockout.failed(ctx, { userId: elsewhere.id })).toMatchObject({ locked: true })
    expect(await lockout.failed(ctx, { userId: both.id })).toMatchObject({ locked: false })
    expect(await lockout.failed(ctx, { userId: both.id })).toMatchObject({ locked: true })
  })

  test("of another environment's user, or of nobody, change nothing", async () => {
    const env = await newEnvironment(),
      other = await newEnvironment(),
      { id } = await other.newUser()
    await env.vendor('POST', url, { enabled: true, maxAttempts: 1 })
    await other.vendor('POST', url, { enabled: true, maxAttempts: 1 })
    const ctx = await env.context()
    expect(await lockout.failed(ctx, { userId: id })).toMatchObject({ locked: false })
    expect(await lockout.failed(ctx, { userId: UNKNOWN_ID })).toMatchObject({ locked: false })
    expect(await stateOf(other, id)).toMatchObject({ failedLogins: 0, isLocked: false })
  })
})
