import { describe, expect, test } from 'vitest'
import { newEnvironment, UNKNOWN_ID, type TestEnvironment } from '../../../../test/environment.ts'

const v1 = '/identity/resources/users/v1',
  vendorOnly = '/identity/resources/vendor-only/users/v1'
const rowOf = async (env: TestEnvironment, id: string) => (await env.context()).db.user.findUnique({ where: { id } })
async function newSession(env: TestEnvironment, userId: string, tenantId: string) {
  const ctx = await env.context(),
    now = ctx.clock.now()
  const { id } = await ctx.db.session.create({
    data: {
      id: ctx.random.uuid(),
      userId,
      tenantId,
      createdAt: now,
      lastActiveAt: now,
      expiresAt: new Date(now.getTime() + 86_400_000),
    },
  })
  return async () => (await (await env.context()).db.session.findUnique({ where: { id } }))?.endedAt === null
}

describe.concurrent('users', () => {
  test('are found in their tenant by id, anywhere by management, and by address in any case', async () => {
    const env = await newEnvironment()
    const user = await env.newUser({ roleKeys: ['ReadOnly'], email: 'ada@example.com' }),
      elsewhere = await env.newTenant()
    const found = await env.as(user.tenantId)('GET', `${v1}/${user.id}`)
    expect(found.status).toBe(200)
    expect(found.body).toMatchObject({
      id: user.id,
      tenantId: user.tenantId,
      roles: [{ key: 'ReadOnly' }],
      tenants: [{ tenantId: user.tenantId, roles: [{ key: 'ReadOnly' }] }],
    })
    expect(found.body.permissions.map((p: { key: string }) => p.key).sort()).toEqual([
      'fe.connectivity.read.*',
      'fe.secure.read.*',
    ])
    expect(await env.as(elsewhere)('GET', `${v1}/${user.id}`)).toMatchObject({
      status: 404,
      body: { errorCode: 'ER-00004' },
    })
    expect(await env.vendor('GET', `${v1}/${user.id}`)).toMatchObject({ status: 403, body: { errorCode: 'ER-00008' } })
    expect((await env.vendor('GET', `${vendorOnly}/${user.id}`)).body).toEqual(found.body)
    const byEmail = await env.vendor('GET', `${v1}/email?email=ADA@example.com`)
    expect(byEmail).toMatchObject({ status: 200, body: { id: user.id, tenantIds: [user.tenantId] } })
    expect(byEmail.body).not.toHaveProperty('permissions')
    for (const path of [`${v1}/email?email=nobody@example.com`, `${vendorOnly}/${UNKNOWN_ID}`, `${vendorOnly}/garbage`])
      expect((await env.vendor('GET', path)).status).toBe(404)
    expect((await env.vendor('GET', `${v1}/email`)).status).toBe(400)
  })

  test('cannot be reached from another environment', async () => {
    const [one, two] = [await newEnvironment(), await newEnvironment()]
    const user = await one.newUser(),
      tenant = await two.newTenant()
    for (const [method, path, body] of [
      ['GET', `${vendorOnly}/${user.id}`],
      ['GET', `${v1}/email?email=${user.email}`],
      ['PUT', `${v1}/${user.id}`, { name: 'x' }],
      ['DELETE', `${v1}/${user.id}`],
      ['POST', `${v1}/${user.id}/lock`],
      ['POST', `${v1}/${user.id}/verify`],
      ['PUT', `${v1}/${user.id}/superuser`, { superUser: true }],
      ['PUT', `${v1}/${user.id}/tenant`, { tenantId: tenant }],
      ['POST', `${v1}/${user.id}/tenant`, { tenantId: tenant }],
    ] as const)
      expect((await two.vendor(method, path, body)).status, `${method} ${path}`).toBe(404)
    expect(await rowOf(one, user.id)).toMatchObject({
      name: user.email.split('@')[0],
      isLocked: false,
      superUser: false,
    })
  })

  test('are changed by management, only in the given fields', async () => {
    const env = await newEnvironment()
    const user = await env.newUser(),
      other = await env.newUser()
    const change = {
      name: 'Ada',
      phoneNumber: '+12025550101',
      metadata: '{"a":{}}',
      vendorMetadata: '{"b":1}',
      mfaBypass: true,
      externalId: 'x',
      profilePictureUrl: 'https://example.com/p.png',
    }
    expect(await env.vendor('PUT', `${v1}/${user.id}`, change)).toMatchObject({
      status: 200,
      body: { ...change, email: user.email, verified: true },
    })
    expect(
      (await env.vendor('PUT', `${v1}/${user.id}`, { name: 'Ada L.', email: 'other@example.com', verified: false }))
        .body,
    ).toMatchObject({ ...change, name: 'Ada L.', email: user.email, verified: true })
    expect((await env.vendor('PUT', `${v1}/${user.id}`, { profilePictureUrl: null })).body.profilePictureUrl).toMatch(
      /^https:\/\/www\.gravatar\.com\/avatar\/[0-9a-f]{32}\?d=https:\/\/ui-avatars\.com\/api\/Ada%20L\.\/128\/random$/,
    )
    expect((await env.vendor('PUT', `${v1}/${other.id}`, { phoneNumber: '+1-202-5550101' })).status).toBe(409)
    for (const bad of [
      { metadata: '1' },
      { vendorMetadata: 'null' },
      { phoneNumber: 'x' },
      { name: '' },
      { mfaBypass: 'yes' },
      { profilePictureUrl: 'x'.repeat(4096) },
    ]) {
      expect((await env.vendor('PUT', `${v1}/${user.id}`, bad)).status, JSON.stringify(bad).slice(0, 80)).toBe(400)
    }
    expect((await env.vendor('PUT', `${v1}/${UNKNOWN_ID}`, { name: 'x' })).status).toBe(404)
    expect((await rowOf(env, user.id))!.metadata).toBe('{"a":{}}')
  })

  test('lose one tenant and go on in the next; their sessions there end', async () => {
    const env = await newEnvironment()
    const user = await env.newUser(),
      second = await env.newTenant(),
      third = await env.newTenant()
    for (const tenantId of [second, third])
      await env.vendor('POST', `${v1}/${user.id}/tenant`, { tenantId, skipInviteEmail: true })
    await env.vendor('PUT', `${v1}/${user.id}/tenant`, { tenantId: third })
    const [here, there] = [await newSession(env, user.id, third), await newSession(env, user.id, second)]
    expect(await env.as(third)('DELETE', `${v1}/${user.id}`)).toMatchObject({ status: 200, body: null })
    expect([await here(), await there()]).toEqual([false, true])
    expect((await env.vendor('GET', `${vendorOnly}/${user.id}`)).body).toMatchObject({
      tenantId: user.tenantId,
      tenantIds: [user.tenantId, second],
    })
    expect((await env.as(third)('DELETE', `${v1}/${user.id}`)).status).toBe(404)
  })

  test('stay, without tenants, when they lose the last one', async () => {
    const env = await newEnvironment()
    const user = await env.newUser()
    expect((await env.as(user.tenantId)('DELETE', `${v1}/${user.id}`)).status).toBe(200)
    expect((await env.vendor('GET', `${vendorOnly}/${user.id}`)).body).toMatchObject({
      tenantId: '',
      tenantIds: [],
      tenants: [],
      roles: [],
      permissions: [],
      activatedForTenant: false,
    })
    expect((await rowOf(env, user.id))!.activeTenantId).toBeNull()
  })

  test('are removed once by many requests at once', async () => {
    const env = await newEnvironment()
    const user = await env.newUser()
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => env.as(user.tenantId)('DELETE', `${v1}/${user.id}`)),
    )
    expect(answers.map((a) => a.status).sort()).toEqual([200, ...Array(7).fill(404)])
  })

  test('are deleted for good by management, with all that was theirs', async () => {
    const env = await newEnvironment()
    const user = await env.newUser()
    await newSession(env, user.id, user.tenantId)
    expect(await env.vendor('DELETE', `${v1}/${user.id}`)).toMatchObject({ status: 200, body: null })
    expect((await env.vendor('DELETE', `${v1}/${user.id}`)).status).toBe(404)
    const { db } = await env.context()
    expect([await db.user.count(), await db.membership.count(), await db.session.count()]).toEqual([0, 0, 0])
    expect((await env.as(user.tenantId)('POST', '/identity/resources/users/v2', { email: user.email })).status).toBe(
      201,
    )
  })

  test('are removed by users from their own tenant alone', async () => {
    const env = await newEnvironment()
    const manager = await env.user({ permissions: ['fe.secure.delete.users'] }),
      other = await env.newTenant()
    const colleague = await env.newUser({ tenantId: manager.tenantId }),
      stranger = await env.newUser()
    await env.vendor('POST', `${v1}/${colleague.id}/tenant`, { tenantId: other, skipInviteEmail: true })
    expect(
      (await manager('DELETE', `${v1}/${colleague.id}`, undefined, { headers: { 'frontegg-tenant-id': other } }))
        .status,
    ).toBe(200)
    expect((await env.vendor('GET', `${vendorOnly}/${colleague.id}`)).body.tenantIds).toEqual([other])
    expect((await manager('DELETE', `${v1}/${stranger.id}`)).status).toBe(404)
    expect(
      (
        await (
          await env.user({ tenantId: manager.tenantId, permissions: ['fe.secure.read.*'] })
        )('DELETE', `${v1}/${manager.id}`)
      ).status,
    ).toBe(403)
    expect(await rowOf(env, stranger.id)).not.toBeNull()
  })

  test('are locked, which ends all their sessions, and unlocked', async () => {
    const env = await newEnvironment()
    const user = await env.newUser(),
      lives = await newSession(env, user.id, user.tenantId)
    await (await env.context()).db.user.update({ where: { id: user.id }, data: { failedLogins: 4 } })
    for (let twice = 0; twice < 2; twice++)
      expect(await env.vendor('POST', `${v1}/${user.id}/lock`)).toMatchObject({ status: 200, body: null })
    expect(await lives()).toBe(false)
    expect((await env.vendor('GET', `${vendorOnly}/${user.id}`)).body.isLocked).toBe(true)
    expect(await env.vendor('POST', `${v1}/${user.id}/unlock`)).toMatchObject({ status: 200, body: null })
    expect(await rowOf(env, user.id)).toMatchObject({ isLocked: false, lockedAt: null, failedLogins: 0 })
    expect((await env.vendor('POST', `${v1}/${UNKNOWN_ID}/lock`)).status).toBe(404)
    expect((await env.vendor('POST', `${v1}/${UNKNOWN_ID}/unlock`)).status).toBe(404)
  })

  test('cannot go on with a session once they are locked, removed or disabled', async () => {
    const env = await newEnvironment(),
      password = 'Henhouse-1!'
    const ways = [
      (id: string) => env.vendor('POST', `${v1}/${id}/lock`),
      (id: string) => env.vendor('DELETE', `${v1}/${id}`),
      (id: string, tenantId: string) => env.as(tenantId)('DELETE', `${v1}/${id}`),
      (id: string, tenantId: string) => env.as(tenantId)('POST', `/identity/resources/tenants/users/v1/${id}/disable`),
    ]
    for (const expel of ways) {
      const user = await env.newUser({ password })
      const login = await env.anonymous('POST', '/identity/resources/auth/v1/user', { email: user.email, password })
      expect(login.status).toBe(200)
      const cookies = Object.fromEntries(login.cookies.map(({ name, value }) => [name, value]))
      expect((await expel(user.id, user.tenantId)).status).toBeLessThan(300)
      expect(
        (await env.anonymous('POST', '/identity/resources/auth/v1/user/token/refresh', {}, { cookies })).status,
      ).toBe(401)
      expect(
        (await env.anonymous('POST', '/identity/resources/auth/v1/user', { email: user.email, password })).status,
      ).toBeGreaterThanOrEqual(400)
    }
  })

  test('are verified by management', async () => {
    const env = await newEnvironment()
    const user = await env.newUser({ verified: false })
    const seen = async () => (await env.vendor('GET', `${vendorOnly}/${user.id}`)).body
    expect(await seen()).toMatchObject({ verified: false, activatedForTenant: false })
    expect(await env.vendor('POST', `${v1}/${user.id}/verify`)).toMatchObject({ status: 200, body: null })
    expect(await seen()).toMatchObject({ verified: true, activatedForTenant: true })
    expect((await env.vendor('POST', `${v1}/${UNKNOWN_ID}/verify`)).status).toBe(404)
  })

  test('are made superusers, and ordinary users again', async () => {
    const env = await newEnvironment()
    const user = await env.newUser()
    for (const superUser of [true, false])
      expect(await env.vendor('PUT', `${v1}/${user.id}/superuser`, { superUser })).toMatchObject({
        status: 200,
        body: { superUser },
      })
    expect((await env.vendor('PUT', `${v1}/${user.id}/superuser`, {})).status).toBe(400)
    expect((await env.vendor('PUT', `${v1}/${user.id}/invisible`, { invisible: 'yes' })).status).toBe(400)
  })

  test('log in again once they are unlocked, or let in again', async () => {
    const env = await newEnvironment(),
      password = 'Henhouse-1!',
      user = await env.newUser({ password }),
      inTenant = env.as(user.tenantId),
      there = `/identity/resources/tenants/users/v1/${user.id}`
    const login = async () =>
      (await env.anonymous('POST', '/identity/resources/auth/v1/user', { email: user.email, password })).status
    for (const [client, shut, open, refused] of [
      [env.vendor, `${v1}/${user.id}/lock`, `${v1}/${user.id}/unlock`, 423],
      [inTenant, `${there}/disable`, `${there}/enable`, 403],
    ] as const) {
      await client('POST', shut)
      expect(await login()).toBe(refused)
      await client('POST', open)
      expect(await login()).toBe(200)
    }
  })

  test('who are superusers enter any account with their session, and not once they are ordinary users again', async () => {
    const env = await newEnvironment(),
      password = 'Henhouse-1!',
      user = await env.newUser({ password }),
      other = await env.newTenant(),
      elsewhere = await (await newEnvironment()).newTenant()
    await env.vendor('PUT', `${v1}/${user.id}/superuser`, { superUser: true })
    let { refreshToken } = (
      await env.anonymous('POST', '/identity/resources/auth/v1/user', { email: user.email, password })
    ).body
    const go = async (tenantId: string) => {
      const { status, body } = await env.anonymous('POST', '/identity/resources/auth/v1/user/token/refresh', {
        refreshToken,
        tenantId,
      })
      if (status === 201) refreshToken = body.refreshToken
      return [
        status,
        status === 201 && JSON.parse(Buffer.from(body.accessToken.split('.')[1], 'base64url').toString()).tenantId,
      ]
    }
    expect(await go(other)).toEqual([201, other])
    expect(await go(elsewhere)).toEqual([404, false])
    await env.vendor('PUT', `${v1}/${user.id}/superuser`, { superUser: false })
    expect(await go(other)).toEqual([404, false])
    expect(await go(user.tenantId)).toEqual([201, user.tenantId])
    for (const [path, body] of [
      ['superuser', { superUser: true }],
      ['invisible', { invisible: true }],
    ] as const)
      expect((await env.vendor('PUT', `${v1}/${UNKNOWN_ID}/${path}`, body)).status).toBe(404)
  })
})
