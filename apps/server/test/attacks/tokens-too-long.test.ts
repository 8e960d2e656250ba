import { expect, test } from 'vitest'
import { cryptoRandom } from '../../src/kernel/random.ts'
import { listening, newEnvironment, unique } from '../environment.ts'

const claimsOf = (token: string) =>
  JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as {
    tenantIds: string[]
    tenantId: string
    permissions?: string[]
    roles?: string[]
  }

test('the token of a user in 500 tenants, with 600 permissions of their own, is taken by the server that made it', async () => {
  const env = await newEnvironment(),
    ctx = await env.context(),
    now = ctx.clock.now()
  const user = await env.newUser({ password: 'Correct-horse-7!', permissions: ['fe.secure.read.users'] })
  const ids = Array.from({ length: 500 }, () => cryptoRandom.uuid())
  await ctx.db.tenant.createMany({
    data: ids.map((id) => ({ id, rowId: cryptoRandom.uuid(), name: unique('Tenant'), createdAt: now, updatedAt: now })),
  })
  await ctx.db.membership.createMany({
    data: ids.map((tenantId) => ({ userId: user.id, tenantId, acceptedAt: now, createdAt: now })),
  })
  const { body: categories } = await env.vendor('POST', '/identity/resources/permissions/v1/categories', {
    name: 'Eggs',
    description: 'Eggs',
  })
  const keys = Array.from({ length: 600 }, (_, index) => `eggs.${'of.some.length.'.repeat(2)}${index}`)
  const made = await env.vendor(
    'POST',
    '/identity/resources/permissions/v1',
    keys.map((key) => ({ key, name: key, categoryId: categories.id })),
  )
  const role = await ctx.db.membershipRole.findFirstOrThrow({ where: { userId: user.id }, select: { roleId: true } })
  await ctx.db.rolePermission.createMany({
    data: (made.body as { id: string }[]).map(({ id }) => ({ roleId: role.roleId, permissionId: id })),
  })

  const base = await listening()
  const post = async (path: string, body: object, headers: Record<string, string> = {}) =>
    (
      await fetch(`${base}/identity/resources/${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'frontegg-vendor-id': env.id, ...headers },
        body: JSON.stringify(body),
      })
    ).json() as Promise<{ accessToken: string; refreshToken: string }>
  const { refreshToken } = await post('auth/v1/user', { email: user.email, password: user.password })
  // to the one that comes last
  const last = ids.at(-1)!
  const home = await post('auth/v1/user/token/refresh', { refreshToken, tenantId: user.tenantId })
  const away = await post('auth/v1/user/token/refresh', { refreshToken: home.refreshToken, tenantId: last })

  for (const [token, tenantId] of [
    [home.accessToken, user.tenantId],
    [away.accessToken, last],
  ] as const) {
    const claims = claimsOf(token)
    expect(claims.tenantId).toBe(tenantId)
    expect(claims.tenantIds).toContain(tenantId)
    expect(claims.tenantIds.length).toBeGreaterThan(200)
    expect(JSON.stringify(claims.tenantIds).length).toBeLessThanOrEqual(8 * 1024)
    expect(token.length).toBeLessThan(16 * 1024)
    const headers = { authorization: `Bearer ${token}` }
    expect((await fetch(`${base}/identity/resources/users/v2/me`, { headers })).status).toBe(200)
  }
  // what the token has no room for is looked up
  expect(claimsOf(home.accessToken).permissions).toBeUndefined()
  const users = await fetch(`${base}/identity/resources/users/v3`, {
    headers: { authorization: `Bearer ${home.accessToken}` },
  })
  expect(users.status).toBe(200)
})
