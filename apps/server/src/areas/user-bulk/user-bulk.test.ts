import { describe, expect, test } from 'vitest'
import { deps, newEnvironment, server, UNKNOWN_ID, type TestEnvironment } from '../../../test/environment.ts'
import { runDue } from '../../kernel/jobs.ts'

const users = '/identity/resources/users'
const bulkRoles = (id: string) => `/identity/resources/vendor-only/users/v1/${id}/roles/bulk`
const roleOf = async (env: TestEnvironment, key: string, tenantId?: string) => (await env.as(tenantId ?? '')('POST', '/identity/resources/roles/v1', [{ key, name: key, level: 1 }])).body[0].id as string
const keysOf = async (env: TestEnvironment, userId: string, tenantId: string) =>
  (await (await env.context()).db.membershipRole.findMany({ where: { userId, tenantId }, include: { role: true } })).map((r) => r.role.key).sort()

describe.concurrent('bulk invitations', () => {
  test('bring in whom they can, and say of each failure which entry it was', async () => {
    const env = await newEnvironment(), member = await env.newUser()
    const { status, body } = await env.as(member.tenantId)('POST', `${users}/bulk/v1/invite`, { users: [
      { email: 'one@example.com', name: 'One' }, { email: member.email }, { email: 'two@example.com', skipInviteEmail: true, password: 'Henhouse-1!' }, { email: 'three@example.com', roleIds: [UNKNOWN_ID] },
    ] })
    expect(status).toBe(202)
    expect(await env.vendor('GET', `${users}/bulk/v1/status/${body.id}`)).toMatchObject({ status: 200, body: { id: body.id, status: 'Pending', total: 4, processed: 0, errors: [] } })
    const row = await (await env.context()).db.job.findUnique({ where: { id: body.id } })
    expect(JSON.stringify(row!.payload)).not.toContain('Henhouse')
    await env.runJobs()
    expect((await env.vendor('GET', `${users}/bulk/v1/status/${body.id}`)).body).toMatchObject({
      status: 'CompletedWithErrors', processed: 4, errors: [{ index: 1, email: member.email, message: 'User already exists in this account' }, { index: 3, email: 'three@example.com', message: 'Some of the roles do not exist' }],
    })
    expect((await env.messages()).map((m) => [m.recipient, m.template])).toEqual([['one@example.com', 'ActivateUser']])
    expect((await env.anonymous('POST', '/identity/resources/auth/v1/user', { email: 'two@example.com', password: 'Henhouse-1!' })).status).toBe(200)
    expect((await env.vendor('GET', `${users}/bulk/v1/status/${UNKNOWN_ID}`)).status).toBe(404)
    expect((await (await newEnvironment()).vendor('GET', `${users}/bulk/v1/status/${body.id}`)).status).toBe(404)
  })

  test('taken up after a crash lose nobody and repeat nobody', async () => {
    const env = await newEnvironment(), tenant = await env.newTenant()
    const { body: { id } } = await env.as(tenant)('POST', `${users}/bulk/v1/invite`, { users: ['a', 'b', 'c'].map((name) => ({ email: `${name}@example.com` })) })
    const ctx = await env.context()
    // what a worker leaves that died after the second entry was in and before that was stored
    for (const name of ['a', 'b']) expect((await env.as(tenant)('POST', `${users}/v2`, { email: `${name}@example.com` })).status).toBe(201)
    await ctx.db.job.update({ where: { id }, data: { attempts: 1, progress: { done: 1, errors: [] }, leaseUntil: new Date(deps.systemClock.now().getTime() - 1) } })
    await runDue(server.worker, env.id)
    expect((await env.vendor('GET', `${users}/bulk/v1/status/${id}`)).body).toMatchObject({ status: 'Completed', processed: 3, errors: [] })
    expect((await env.messages()).map((m) => m.recipient)).toEqual(['a@example.com', 'b@example.com', 'c@example.com'])
  })

  test('a body with a fault in any entry is refused whole', async () => {
    const env = await newEnvironment(), tenant = await env.newTenant()
    expect(await env.as(tenant)('POST', `${users}/bulk/v1/invite`, { users: [{ email: 'ok@example.com' }, { email: 'no address' }] })).toMatchObject({ status: 400, body: { errors: ['users.1.email must be an email'] } })
    expect(await (await env.context()).db.job.count()).toBe(0)
  })
})

describe.concurrent('bulk roles', () => {
  test('are given and taken in all of the user\'s accounts, or in those named', async () => {
    const env = await newEnvironment(), user = await env.newUser({ roleKeys: ['ReadOnly'] }), second = await env.newTenant()
    await env.vendor('POST', `${users}/v1/${user.id}/tenant`, { tenantId: second, skipInviteEmail: true })
    const editor = await roleOf(env, 'editor'), readOnly = (await env.vendor('GET', '/identity/resources/roles/v1')).body.find((r: { key: string }) => r.key === 'ReadOnly').id
    expect(await env.vendor('PATCH', bulkRoles(user.id), { addRoleIds: [editor], removeRoleIds: [readOnly] })).toMatchObject({ status: 200, body: { userId: user.id, affectedTenants: 2, rolesAdded: [editor], rolesRemoved: [readOnly] } })
    expect(await keysOf(env, user.id, user.tenantId)).toEqual(['editor'])
    expect(await keysOf(env, user.id, second)).toEqual(['Admin', 'editor'])
    await env.vendor('PATCH', bulkRoles(user.id), { removeRoleIds: [editor], tenantIds: [second] })
    expect(await keysOf(env, user.id, second)).toEqual(['Admin'])
    expect(await keysOf(env, user.id, user.tenantId)).toEqual(['editor'])
  })

  test('that cannot be given in one account are given in none', async () => {
    const env = await newEnvironment(), user = await env.newUser(), second = await env.newTenant()
    await env.vendor('POST', `${users}/v1/${user.id}/tenant`, { tenantId: second, skipInviteEmail: true })
    const local = await roleOf(env, 'local', user.tenantId)
    expect((await env.vendor('PATCH', bulkRoles(user.id), { addRoleIds: [local] })).status).toBe(400)
    expect(await keysOf(env, user.id, user.tenantId)).toEqual([])
    for (const body of [{}, { addRoleIds: [UNKNOWN_ID] }, { addRoleIds: ['x'] }, { addRoleIds: [local], tenantIds: ['elsewhere'] }]) expect((await env.vendor('PATCH', bulkRoles(user.id), body)).status).toBe(400)
    expect((await env.vendor('PATCH', bulkRoles(UNKNOWN_ID), { addRoleIds: [local] })).status).toBe(404)
  })

  test('in very many accounts become a task, which says how far it is', async () => {
    const env = await newEnvironment(), user = await env.newUser(), ctx = await env.context(), now = ctx.clock.now()
    const ids = Array.from({ length: 60 }, (_, i) => `t${i}`)
    await ctx.db.tenant.createMany({ data: ids.map((id) => ({ id, rowId: ctx.random.uuid(), name: id, createdAt: now, updatedAt: now })) })
    await ctx.db.membership.createMany({ data: ids.map((tenantId) => ({ userId: user.id, tenantId, acceptedAt: now, createdAt: now })) })
    const editor = await roleOf(env, 'editor')
    const { body: { taskId, affectedTenants } } = await env.vendor('PATCH', bulkRoles(user.id), { addRoleIds: [editor] })
    expect(affectedTenants).toBe(61)
    const status = async () => (await env.vendor('GET', `/identity/resources/vendor-only/users/v1/bulk-roles/status/${taskId}`)).body
    expect(await status()).toMatchObject({ id: taskId, userId: user.id, status: 'NotStarted', totalTenants: 61, processedTenants: 0, addedRoleIds: [editor] })
    await env.runJobs()
    expect(await status()).toMatchObject({ status: 'Completed', processedTenants: 61, errors: [] })
    expect(await ctx.db.membershipRole.count({ where: { userId: user.id, role: { key: 'editor' } } })).toBe(61)
  })
})

describe.concurrent('moving the users of an account', () => {
  test('takes all of them along with the environment\'s roles, and leaves those who are there already as they are', async () => {
    const env = await newEnvironment(), from = await env.newTenant(), to = await env.newTenant()
    const mover = await env.newUser({ tenantId: from, roleKeys: ['Admin'], password: 'Henhouse-1!' }), both = await env.newUser({ tenantId: to, roleKeys: ['ReadOnly'] })
    await env.vendor('POST', `${users}/v1/${both.id}/tenant`, { tenantId: from, skipInviteEmail: true })
    const local = await roleOf(env, 'local', from)
    await env.as(from)('POST', `${users}/v1/${mover.id}/roles`, { roleIds: [local] })
    const login = await env.anonymous('POST', '/identity/resources/auth/v1/user', { email: mover.email, password: 'Henhouse-1!' })
    expect(await env.vendor('PUT', `${users}/v1/tenants/migrate`, { srcTenantId: from, targetTenantId: to })).toMatchObject({ status: 200, body: null })
    const { db } = await env.context()
    expect(await db.membership.count({ where: { tenantId: from } })).toBe(0)
    expect(await keysOf(env, mover.id, to)).toEqual(['Admin'])
    expect(await keysOf(env, both.id, to)).toEqual(['ReadOnly'])
    expect(await db.user.findUnique({ where: { id: mover.id } })).toMatchObject({ activeTenantId: to })
    expect((await env.anonymous('POST', '/identity/resources/auth/v1/user/token/refresh', { refreshToken: login.body.refreshToken })).status).toBe(401)
    expect((await env.vendor('PUT', `${users}/v1/tenants/migrate`, { srcTenantId: from, targetTenantId: 'nowhere' })).status).toBe(404)
    expect((await env.vendor('PUT', `${users}/v1/tenants/migrate`, { srcTenantId: to, targetTenantId: to })).status).toBe(400)
  })
})
