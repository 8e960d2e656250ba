import { describe, expect, test } from 'vitest'
import { newEnvironment } from '../../../../test/environment.ts'

const url = '/identity/resources/configurations/v1/lockout-policy'
const keys = ['fe.secure.read.securityPolicy', 'fe.secure.write.securityPolicy']

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
