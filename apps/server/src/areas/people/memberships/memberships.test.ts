import { describe, expect, test } from 'vitest'
import { newEnvironment, UNKNOWN_ID, type TestEnvironment } from '../../../../test/environment.ts'
import * as memberships from './memberships.service.ts'

const users = '/identity/resources/users/v1',
  tenants = '/identity/resources/tenants/users/v1'
const newRoles = async (env: TestEnvironment, ...levels: number[]) =>
  (
    await env.vendor(
      'POST',
      '/identity/resources/roles/v1',
      levels.map((level) => ({ key: `level-${level}`, name: `Level ${level}`, level })),
    )
  ).body as { id: string; key: string }[]
const keys = ({ body }: { body: { roles: { key: string }[] } }) => body.roles.map((role) => role.key)

describe.concurrent('memberships', () => {
  test('roles are given and taken, once or twice, and the answer has the ones left', async () => {
    const env = await newEnvironment()
    const user = await env.newUser(),
      [one, two] = await newRoles(env, 1, 2),
      call = env.as(user.tenantId)
    const given = await call('POST', `${users}/${user.id}/roles`, { roleIds: [one!.id, two!.id] })
    expect(given).toMatchObject({
      status: 201,
      body: {
        tenantId: user.tenantId,
        userId: user.id,
        roles: [{ key: 'level-1', level: 1, isDefault: false }, { key: 'level-2' }],
      },
    })
    expect(keys(await call('POST', `${users}/${user.id}/roles`, { roleIds: [one!.id, one!.id] }))).toEqual([
      'level-1',
      'level-2',
    ])
    const taken = await call('DELETE', `${users}/${user.id}/roles`, { roleIds: [one!.id] })
    expect(taken).toMatchObject({ status: 200, body: { roles: [{ id: two!.id }] } })
    expect(keys(await call('DELETE', `${users}/${user.id}/roles`, { roleIds: [one!.id] }))).toEqual(['level-2'])
    expect(keys(await call('POST', `${users}/${user.id}/roles`, { roleIds: [] }))).toEqual(['level-2'])
  })

  test('a role given many times at once is held once', async () => {
    const env = await newEnvironment()
    const user = await env.newUser(),
      [role] = await newRoles(env, 1)
    const answers = await Promise.all(
      Array.from({ length: 8 }, () =>
        env.as(user.tenantId)('POST', `${users}/${user.id}/roles`, { roleIds: [role!.id] }),
      ),
    )
    expect(answers.map((a) => a.status)).toEqual(Array(8).fill(201))
    expect(keys(answers[0]!)).toEqual(['level-1'])
  })

  test('only roles that the tenant can see are given, and only to its users', async () => {
    const env = await newEnvironment()
    const user = await env.newUser(),
      stranger = await env.newUser(),
      [role] = await newRoles(env, 1),
      call = env.as(user.tenantId)
    const [foreign] = (
      await env.as(stranger.tenantId)('POST', '/identity/resources/roles/v1', [{ key: 'theirs', name: 'T', level: 1 }])
    ).body
    for (const method of ['POST', 'DELETE'] as const) {
      for (const id of [UNKNOWN_ID, 'x', foreign.id])
        expect((await call(method, `${users}/${user.id}/roles`, { roleIds: [role!.id, id] })).status).toBe(400)
      for (const id of [UNKNOWN_ID, 'x', stranger.id])
        expect((await call(method, `${users}/${id}/roles`, { roleIds: [role!.id] })).status).toBe(404)
      expect((await call(method, `${users}/${user.id}/roles`, {})).status).toBe(400)
      expect((await env.vendor(method, `${users}/${user.id}/roles`, { roleIds: [role!.id] })).status).toBe(403)
    }
    expect(keys(await call('POST', `${users}/${user.id}/roles`, { roleIds: [] }))).toEqual([])
    expect(keys(await env.as(stranger.tenantId)('POST', `${users}/${stranger.id}/roles`, { roleIds: [] }))).toEqual([])
  })

  test('a user gives and takes nothing stronger than their own roles, and needs a permission for each', async () => {
    const env = await newEnvironment()
    const [strong, weak] = await newRoles(env, 1, 9)
    const manager = await env.user({
      permissions: ['fe.secure.write.usersRoles', 'fe.secure.delete.usersRoles'],
      level: 5,
    })
    const boss = await env.newUser({ tenantId: manager.tenantId, roleKeys: ['level-1'] }),
      url = `${users}/${boss.id}/roles`
    expect((await manager('POST', url, { roleIds: [strong!.id] })).status).toBe(403)
    expect((await manager('DELETE', url, { roleIds: [strong!.id] })).status).toBe(403)
    expect(keys(await manager('POST', url, { roleIds: [weak!.id] }))).toEqual(['level-1', 'level-9'])
    expect(keys(await manager('DELETE', url, { roleIds: [weak!.id] }))).toEqual(['level-1'])
    const other = await env.user({ tenantId: manager.tenantId, permissions: ['fe.secure.write.usersRoles'] })
    expect((await other('DELETE', url, { roleIds: [weak!.id] })).status).toBe(403)
    expect((await manager('POST', `${users}/${(await env.newUser()).id}/roles`, { roleIds: [weak!.id] })).status).toBe(
      404,
    )
  })

  test('a member is disabled in one tenant, their sessions there end, and they are let in again', async () => {
    const env = await newEnvironment()
    const user = await env.newUser(),
      other = await env.newTenant(),
      ctx = await env.context(),
      now = ctx.clock.now()
    await env.vendor('POST', `${users}/${user.id}/tenant`, { tenantId: other, skipInviteEmail: true })
    for (const tenantId of [user.tenantId, other])
      await ctx.db.session.create({
        data: {
          id: ctx.random.uuid(),
          userId: user.id,
          tenantId,
          createdAt: now,
          lastActiveAt: now,
          expiresAt: new Date(now.getTime() + 86_400_000),
        },
      })
    const living = async () => (await ctx.db.session.findMany({ where: { endedAt: null } })).map((s) => s.tenantId)
    const flags = async () =>
      (await env.vendor('GET', `/identity/resources/vendor-only/users/v1/${user.id}`)).body.tenants.map(
        (t: { isDisabled: boolean }) => t.isDisabled,
      )
    expect(await env.as(user.tenantId)('POST', `${tenants}/${user.id}/disable`)).toMatchObject({
      status: 201,
      body: null,
    })
    expect(await flags()).toEqual([true, false])
    expect(await living()).toEqual([other])
    expect(await env.as(user.tenantId)('POST', `${tenants}/${user.id}/enable`)).toMatchObject({
      status: 201,
      body: null,
    })
    expect(await flags()).toEqual([false, false])
  })

  test('members are disabled by users with the permission, in their own tenant', async () => {
    const env = await newEnvironment()
    const manager = await env.user({ permissions: ['fe.secure.write.enableDisable'] }),
      colleague = await env.newUser({ tenantId: manager.tenantId }),
      stranger = await env.newUser()
    for (const verb of ['disable', 'enable']) {
      expect((await manager('POST', `${tenants}/${colleague.id}/${verb}`)).status).toBe(201)
      for (const id of [stranger.id, UNKNOWN_ID, 'x'])
        expect((await manager('POST', `${tenants}/${id}/${verb}`)).status).toBe(404)
      expect(await env.vendor('POST', `${tenants}/${colleague.id}/${verb}`)).toMatchObject({
        status: 403,
        body: { errorCode: 'ER-00008' },
      })
      expect((await (await env.user())('POST', `${tenants}/${colleague.id}/${verb}`)).status).toBe(403)
    }
  })

  test('a temporary member that is prolonged or made permanent stays', async () => {
    const env = await newEnvironment()
    const ctx = await env.context(),
      at = (ms: number) => new Date(ctx.clock.now().getTime() + ms)
    const longer = await env.newUser(),
      forever = await env.newUser(),
      over = await env.newUser()
    for (const { id, tenantId } of [longer, forever, over]) await memberships.setExpiry(ctx, id, tenantId, at(60_000))
    await memberships.setExpiry(ctx, longer.id, longer.tenantId, at(600_000))
    await memberships.setExpiry(ctx, forever.id, forever.tenantId, null)
    await env.clock.advance(61_000)
    await env.runJobs()
    const left = async () =>
      (await ctx.db.membership.findMany({ select: { userId: true } })).map((m) => m.userId).sort()
    expect(await left()).toEqual([longer.id, forever.id].sort())
    await expect(memberships.setExpiry(ctx, over.id, over.tenantId, null)).rejects.toMatchObject({ status: 404 })
    await env.clock.advance(600_000)
    await env.runJobs()
    expect(await left()).toEqual([forever.id])
  })
})
