import { describe, expect, test } from 'vitest'
import { newEnvironment, UNKNOWN_ID } from '../../../../test/environment.ts'

const url = '/identity/resources/users/v3/roles'

describe.concurrent('roles of users', () => {
  test('are listed by tenant, for repeated or comma-joined ids; unknown ones are left out', async () => {
    const env = await newEnvironment(),
      a = await env.newUser({ roleKeys: ['Admin'] }),
      b = await env.newUser({ tenantId: a.tenantId, roleKeys: ['ReadOnly', 'Admin'] }),
      far = await env.newUser({ roleKeys: ['Admin'] })
    const [admin, readOnly] = (await env.vendor('GET', '/identity/resources/roles/v1')).body.map(
      (r: { id: string }) => r.id,
    )
    const here = { vendorId: env.id, tenantId: a.tenantId }
    const both = [
      { ...here, userId: a.id, roleIds: [admin] },
      { ...here, userId: b.id, roleIds: expect.arrayContaining([admin, readOnly]) },
    ]
    expect(
      await env.as(a.tenantId)('GET', `${url}?ids=${a.id},${b.id},${far.id},${UNKNOWN_ID},nonsense`),
    ).toMatchObject({ status: 200, body: both })
    expect((await env.as(a.tenantId)('GET', `${url}?ids=${a.id}&ids=${b.id}`)).body).toHaveLength(2)
    expect(
      (await env.vendor('GET', `${url}?ids=${a.id},${far.id}`)).body.map((r: { tenantId: string }) => r.tenantId),
    ).toEqual([a.tenantId, far.tenantId])
    const reader = await env.user({ tenantId: a.tenantId, permissions: ['fe.secure.read.users'] })
    expect((await reader('GET', `${url}?ids=${far.id}`)).body).toEqual([])
  })

  test('at most 250 at a time', async () => {
    const env = await newEnvironment()
    const ids = Array.from({ length: 251 }, () => UNKNOWN_ID).join(',')
    expect((await env.vendor('GET', `${url}?ids=${ids}`)).status).toBe(400)
    expect((await env.vendor('GET', url)).status).toBe(400)
  })

  test('users see no invisible users, nobody sees expired ones, and 250 may be asked for', async () => {
    const env = await newEnvironment(),
      reader = await env.user({ permissions: ['fe.secure.read.users'] }),
      { tenantId } = reader,
      ghost = await env.newUser({ tenantId }),
      gone = await env.newUser({ tenantId }),
      { db, clock } = await env.context()
    await env.vendor('PUT', `/identity/resources/users/v1/${ghost.id}/invisible`, { invisible: true })
    await db.membership.updateMany({ where: { userId: gone.id }, data: { expiresAt: clock.now() } })
    const path = `${url}?ids=${[reader.id, ghost.id, gone.id, ...Array<string>(247).fill('x')].join(',')}`,
      whose = ({ body }: { body: { userId: string }[] }) => body.map((row) => row.userId)
    expect(whose(await reader('GET', path))).toEqual([reader.id])
    for (const client of [env.vendor, env.as(tenantId)])
      expect(whose(await client('GET', path))).toEqual([reader.id, ghost.id])
  })
})
