import { describe, expect, test } from 'vitest'
import { cleanUp } from '../../../kernel/cleanup.ts'
import { deps, newEnvironment, newServer, unique, type TestEnvironment } from '../../../../test/environment.ts'
import { eventRubbish, record } from './events.service.ts'

const identity = '/identity/resources',
  login = `${identity}/auth/v1/user`,
  PASSWORD = 'Correct-Horse-7'

const eventsOf = async (env: TestEnvironment, where: object = {}) =>
  (await env.context()).db.event.findMany({ where, orderBy: { sequence: 'asc' } })
const keysOf = async (env: TestEnvironment, where: object = {}) => (await eventsOf(env, where)).map(({ key }) => key)

describe.concurrent('the audit trail', () => {
  test('says who has logged in and out, where, from where and in which session', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD })
    const headers = { 'user-agent': 'Hen/1.0', 'x-forwarded-for': '192.0.2.44' },
      credentials = { email: user.email, password: PASSWORD }
    const { body, headers: got } = await env.anonymous('POST', login, credentials, { headers })
    const [entered] = await eventsOf(env)
    expect(entered).toMatchObject({
      key: 'frontegg.user.authenticated',
      ...{ severity: 'Info', outcome: 'success', tenantId: user.tenantId, userId: user.id },
      ...{ subjectKind: 'user', subjectId: user.id, actorKind: 'person', actorUserId: user.id },
      ...{ ip: '192.0.2.44', userAgent: 'Hen/1.0', traceId: got['frontegg-trace-id'] },
    })
    const session = await (await env.context()).db.session.findFirstOrThrow({ where: { userId: user.id } })
    expect(entered!.sessionId).toBe(session.id)
    await env.anonymous('POST', `${identity}/auth/v1/logout`, { refreshToken: body.refreshToken })
    expect((await eventsOf(env)).at(-1)).toMatchObject({
      key: 'user.loggedOut',
      ...{ actorUserId: user.id, sessionId: session.id, subjectKind: 'session', subjectId: session.id },
    })
    await env.anonymous('POST', `${identity}/auth/v1/logout`, { refreshToken: body.refreshToken })
    expect(await eventsOf(env)).toHaveLength(2)
  })

  test('has failed logins of those who are there, and the lock that they lead to, and nothing of anybody else', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD })
    const tries = (email: string) => env.anonymous('POST', login, { email, password: 'wrong' })
    await tries('nobody@example.com')
    expect(await eventsOf(env)).toEqual([])
    await tries(user.email)
    await env.vendor('POST', `${identity}/configurations/v1/lockout-policy`, { enabled: true, maxAttempts: 2 })
    await tries('nobody@example.com')
    await tries(user.email)
    await tries(user.email)
    expect(await keysOf(env, { userId: user.id })).toEqual([
      ...Array<string>(3).fill('frontegg.user.failedAuthentication'),
      'user.locked',
    ])
    expect((await eventsOf(env)).at(-1)).toMatchObject({
      key: 'user.locked',
      ...{ severity: 'High', outcome: 'failure', actorKind: 'anonymous', actorUserId: null, tenantId: user.tenantId },
    })
    expect(await keysOf(env, { userId: null })).toEqual(['lockoutPolicy.updated'])
  })

  test('says which program, delegate or member did something, and for whom', async () => {
    const env = await newEnvironment(),
      member = await env.user({ permissions: ['fe.secure.write.roles'] }),
      program = await env.machine({ tenantId: member.tenantId, permissions: ['fe.secure.write.groups'] }),
      agent = await env.machine({ tenantId: member.tenantId, userId: member.id })
    await member('POST', `${identity}/roles/v1`, [{ key: 'hen', name: 'Hen', level: 3 }])
    await program('POST', `${identity}/groups/v1`, { name: 'Hens' })
    await agent('PUT', `${identity}/users/v2/me`, { name: 'Gertrude' })
    await env.as(member.tenantId)('POST', `${identity}/groups/v1`, { name: 'Cocks' })
    const [role, group, me, other] = await eventsOf(env),
      nobody = { credentialId: null, sessionId: null, actorUserId: null }
    expect(role).toMatchObject({
      key: 'role.created',
      actorKind: 'person',
      actorUserId: member.id,
      subjectKind: 'role',
    })
    expect(role!.sessionId).toEqual(expect.any(String))
    expect(group).toMatchObject({
      key: 'frontegg.group.created',
      ...{ ...nobody, actorKind: 'machine', credentialType: 'tenantApiToken', credentialId: program.id },
    })
    expect(me).toMatchObject({
      key: 'frontegg.user.updated',
      ...{ actorKind: 'agent', actorUserId: member.id, credentialType: 'userApiToken', credentialId: agent.id },
      ...{ userId: member.id, subjectKind: 'user' },
    })
    expect(other).toMatchObject({ ...nobody, actorKind: 'vendor', credentialType: null })
    for (const event of [role, group, me, other]) expect(event!.tenantId).toBe(member.tenantId)
    const ctx = await env.context()
    expect(await ctx.db.group.count({ where: { id: { in: [group!.subjectId!, other!.subjectId!] } } })).toBe(2)
  })

  test('has each step of an account: user, password, roles, second factor, removal', async () => {
    const env = await newEnvironment(),
      { tenantId } = (await env.vendor('POST', '/tenants/resources/tenants/v1', { name: 'Coop' })).body,
      management = env.as(tenantId)
    const { id } = (await management('POST', `${identity}/users/v2`, { email: `${unique('hen')}@example.com` })).body
    const [role] = (await management('GET', `${identity}/roles/v1`)).body
    await management('POST', `${identity}/users/v1/${id}/roles`, { roleIds: [role.id] })
    await env.vendor('POST', `${identity}/users/v1/${id}/lock`)
    await env.vendor('POST', `${identity}/users/v1/${id}/unlock`)
    await management('DELETE', `${identity}/users/v1/${id}`)
    await env.vendor('DELETE', `${identity}/users/v1/${id}`)
    await env.vendor('DELETE', `/tenants/resources/tenants/v1/${tenantId}`)
    expect(await keysOf(env)).toEqual([
      'frontegg.tenant.created',
      'frontegg.user.created',
      'frontegg.user.updated',
      'user.locked',
      'user.unlocked',
      'frontegg.user.removedFromTenant',
      'frontegg.user.deleted',
      'frontegg.tenant.deleted',
    ])
  })

  test('has each user who goes with an account, and webhooks hear who it was', async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant(),
      other = await env.newTenant()
    const created = await env.vendor('POST', '/event/resources/configurations/v1', {
      ...{ displayName: 'Ends', url: 'https://receiver.example/', key: 'secret-of-the-webhook', isActive: true },
      events: ['frontegg.user.deleted'],
    })
    expect(created.status, JSON.stringify(created.body)).toBeLessThan(300)
    const going = [await env.newUser({ tenantId }), await env.newUser({ tenantId })],
      staying = await env.newUser({ tenantId })
    expect((await env.vendor('POST', `${identity}/users/v1/${staying.id}/tenant`, { tenantId: other })).status).toBe(
      201,
    )
    expect((await env.vendor('DELETE', `/tenants/resources/tenants/v1/${tenantId}`)).status).toBe(200)
    const { db } = await env.context()
    const lines = await db.event.findMany({ where: { key: 'frontegg.user.deleted' } })
    expect(new Set(lines.map(({ userId }) => userId))).toEqual(new Set(going.map(({ id }) => id)))
    expect(lines.every((line) => line.tenantId === tenantId)).toBe(true)
    const deliveries = await db.webhookDelivery.findMany({ where: { eventKey: 'frontegg.user.deleted' } }),
      bodies = deliveries.map(
        ({ body }) => JSON.parse(body) as { user: { id: string; email: string; roles: object[] } },
      )
    for (const user of going)
      expect(bodies.find((body) => body.user.id === user.id)).toMatchObject({
        user: { email: user.email, tenantIds: [tenantId] },
        eventContext: { tenantId, userId: user.id },
      })
    expect(bodies).toHaveLength(going.length)
  })

  test("tells an account's own webhooks nothing of the other accounts of a user", async () => {
    const env = await newEnvironment(),
      admin = await env.user({ permissions: ['fe.connectivity.*'] }),
      { tenantId } = admin,
      other = await env.newTenant(),
      user = await env.newUser({ tenantId })
    const hook = { displayName: 'Mine', description: '', url: 'https://receiver.example/', isActive: true },
      eventKeys = ['frontegg.user.updated']
    expect((await admin('POST', '/webhook/custom', { ...hook, eventKeys })).status).toBeLessThan(300)
    const created = await env.vendor('POST', '/event/resources/configurations/v1', {
      ...{ displayName: 'All', url: 'https://all.example/', key: 'secret-of-the-webhook', isActive: true },
      events: eventKeys,
    })
    expect(created.status).toBeLessThan(300)
    expect((await env.vendor('POST', `${identity}/users/v1/${user.id}/tenant`, { tenantId: other })).status).toBe(201)
    const [role] = (await env.as(tenantId)('GET', `${identity}/roles/v1`)).body as { id: string }[]
    const given = await env.as(tenantId)('POST', `${identity}/users/v1/${user.id}/roles`, { roleIds: [role!.id] })
    expect(given.status).toBe(201)
    const { db } = await env.context(),
      sent = await db.webhookDelivery.findMany({
        where: { eventKey: 'frontegg.user.updated' },
        include: { webhook: true },
      })
    const tenantsOf = (isOwn: boolean) => {
      const found = sent.find(({ webhook }) => (webhook.tenantId !== null) === isOwn)!
      const { tenantIds, tenants } = JSON.parse(found.body).user as {
        tenantIds: string[]
        tenants: { tenantId: string }[]
      }
      expect(tenants.map((one) => one.tenantId)).toEqual(tenantIds)
      return new Set(tenantIds)
    }
    expect(tenantsOf(true)).toEqual(new Set([tenantId]))
    expect(tenantsOf(false)).toEqual(new Set([tenantId, other]))
  })

  test('has nothing of what is refused, or rolled back', async () => {
    const env = await newEnvironment(),
      member = await env.user({ permissions: ['fe.secure.write.groups'] })
    expect((await member('POST', `${identity}/groups/v1`, { name: 'Hens' })).status).toBe(201)
    const calls = [
      member('POST', `${identity}/groups/v1`, { name: 'Hens' }),
      member('POST', `${identity}/groups/v1`, { name: '' }),
      member('POST', `${identity}/roles/v1`, [{ key: 'a', name: 'A', level: 1 }]),
      env.vendor('DELETE', `${identity}/users/v1/${env.id}`),
      env.vendor('PUT', `/tenants/resources/tenants/v1/${unique()}`, { name: 'New' }),
    ]
    for (const call of calls) expect((await call).status).toBeGreaterThanOrEqual(400)
    const ctx = await env.context()
    await expect(
      ctx.atomically(async (tx) => {
        await record(tx, { key: 'test.undone' })
        throw new Error('undone')
      }),
    ).rejects.toThrow('undone')
    expect(await keysOf(env)).toEqual(['frontegg.group.created'])
  })

  test('has one line for the one of many calls at once that takes effect', async () => {
    const env = await newEnvironment(),
      member = await env.user({ permissions: ['fe.secure.write.groups', 'fe.secure.delete.groups'] })
    const all = await Promise.all(
      Array.from({ length: 8 }, () => member('POST', `${identity}/groups/v1`, { name: 'Hens' })),
    )
    expect(all.filter(({ status }) => status === 201)).toHaveLength(1)
    const { id } = all.find(({ status }) => status === 201)!.body
    await Promise.all(Array.from({ length: 8 }, () => member('DELETE', `${identity}/groups/v1/${id}`)))
    expect(await keysOf(env)).toEqual(['frontegg.group.created', 'frontegg.group.deleted'])
  })

  test('tells of a refresh token that was shown again after it was used', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD })
    await env.vendor('POST', `${identity}/configurations/v1`, { rotateRefreshTokens: true })
    const { refreshToken } = (await env.anonymous('POST', login, { email: user.email, password: PASSWORD })).body
    await env.anonymous('POST', `${login}/token/refresh`, { refreshToken })
    await env.clock.advance(3_600_000)
    expect((await env.anonymous('POST', `${login}/token/refresh`, { refreshToken })).status).toBe(401)
    expect((await eventsOf(env)).at(-1)).toMatchObject({
      key: 'session.refreshTokenReused',
      ...{ severity: 'High', outcome: 'failure', userId: user.id, tenantId: user.tenantId },
    })
  })

  test('goes back as far as it is to, on the clock of its environment', async () => {
    const env = await newEnvironment()
    const ctx = await env.context()
    await record(ctx, { key: 'test.old' })
    await env.clock.advance(29 * 86_400_000)
    await record(await env.context(), { key: 'test.new' })
    await env.clock.advance(2 * 86_400_000)
    await cleanUp(deps, [eventRubbish(30)])
    expect(await keysOf(env)).toEqual(['test.new'])
    const { worker } = await newServer({ auditDays: 30 })
    expect(worker.rubbish).toContainEqual(eventRubbish(30))
  })
})
