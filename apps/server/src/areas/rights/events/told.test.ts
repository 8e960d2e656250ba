import { openDatabase } from '@henhouse/database'
import { afterAll, describe, expect, inject, test } from 'vitest'
import { deps, newEnvironment, unique, type TestEnvironment } from '../../../../test/environment.ts'
import { hearing } from '../../../../test/hearing.ts'
import { buildServer } from '../../../server.ts'
import { record } from './events.service.ts'

const identity = '/identity/resources'
const CREATED = 'frontegg.user.created',
  INVITED = 'frontegg.user.invitedToTenant'

/** A separate server's statements. */
const sent: string[] = []
const database = openDatabase(inject('databaseUrl'), { max: 2 })
database.pool.on('connect', (connection) => {
  const query = connection.query.bind(connection) as (...args: unknown[]) => unknown
  connection.query = ((...args: unknown[]) => {
    sent.push(typeof args[0] === 'string' ? args[0] : (args[0] as { text: string }).text)
    return query(...args)
  }) as typeof connection.query
})
const server = await buildServer({ ...deps, database })
afterAll(() => database.close())

const newRole = async (env: TestEnvironment, key: string, tenantId?: string) => {
  const {
    body: [role],
  } = await env.as(tenantId)('POST', `${identity}/roles/v1`, [{ key, name: key, level: 3 }])
  return role.id as string
}

describe('webhooks that hear of many users at once', () => {
  test('are told of each what they would be told of that one alone', async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant(),
      above = await env.newTenant()
    const [common, own, byGroup] = [
      await newRole(env, unique('common')),
      await newRole(env, unique('own'), tenantId),
      await newRole(env, unique('group'), tenantId),
    ]
    const users = [
      await env.newUser({ tenantId, permissions: ['fe.secure.read.roles'] }),
      await env.newUser({ tenantId }),
      await env.newUser({ tenantId: above }),
      await env.newUser({ tenantId: above }),
    ]
    const tenant = env.as(tenantId)
    await tenant('POST', `${identity}/users/v1/${users[0]!.id}/roles`, { roleIds: [common, own] })
    const { body: group } = await tenant('POST', `${identity}/groups/v1`, { name: 'Hens' })
    await tenant('POST', `${identity}/groups/v1/${group.id}/roles`, { roleIds: [byGroup] })
    await tenant('POST', `${identity}/groups/v1/${group.id}/users`, { userIds: [users[1]!.id] })
    await env.vendor('POST', `${identity}/users/v1/${users[2]!.id}/tenant`, { tenantId, skipInviteEmail: true })
    const told = await hearing(env, ['frontegg.user.updated'])
    const events = users.map(({ id }, index) => ({
      key: 'frontegg.user.updated',
      userId: id,
      tenantId: index === 3 ? null : tenantId,
    }))
    const ctx = await env.context()
    for (const event of events) await record(ctx, event)
    const alone = await told()
    await record(ctx, ...events)
    expect((await told()).slice(4)).toEqual(alone)
    expect(alone.map(({ user }) => user!.id)).toEqual(users.map(({ id }) => id))
    expect(alone[0]!.user!.roles.map(({ id }) => id)).toEqual(expect.arrayContaining([common, own]))
    expect(alone[0]!.user!.permissions.map(({ key }) => key)).toContain('fe.secure.read.roles')
    expect(alone[1]!.user!.roles.map(({ id }) => id)).toContain(byGroup)
    expect(alone[3]!.user!.tenantId).toBe(above)
  })

  test('cost as many statements for many as for two', async () => {
    const env = await newEnvironment(server),
      tenantId = await env.newTenant()
    await hearing(env, [CREATED])
    const invited = async (count: number) => {
      const ctx = await env.context(),
        users = []
      for (let n = 0; n < count; n++) users.push(await env.newUser({ tenantId }))
      sent.length = 0
      await record(ctx, ...users.map(({ id }) => ({ key: CREATED, userId: id, tenantId })))
      return sent.length
    }
    await invited(2)
    expect(await invited(9)).toBe(await invited(2))
  })

  test('are told of all who arrive together, in their order, each with the roles that they have got', async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant(),
      known = await env.newUser(),
      roleId = await newRole(env, unique('role')),
      told = await hearing(env, [CREATED, INVITED], tenantId),
      emails = Array.from({ length: 12 }, () => `${unique('hen')}@example.com`)
    // a step of the job has more than one of them
    await env.as(tenantId)('POST', `${identity}/users/bulk/v1/invite`, {
      users: [...emails, known.email].map((email) => ({ email, roleIds: [roleId] })),
    })
    await env.runJobs()
    const heard = await told()
    expect(heard.map(({ user }) => user!.email)).toEqual([...emails, known.email])
    expect(heard.map(({ eventKey }) => eventKey)).toEqual([...emails.map(() => CREATED), INVITED])
    for (const { user, eventContext } of heard) {
      expect(user!.roles.map(({ id }) => id)).toEqual([roleId])
      expect(eventContext).toEqual({ tenantId, userId: user!.id })
    }
  })
})
