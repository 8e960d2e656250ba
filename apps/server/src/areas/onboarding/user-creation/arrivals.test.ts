import { describe, expect, test } from 'vitest'
import { newEnvironment, UNKNOWN_ID, type TestEnvironment } from '../../../../test/environment.ts'

/* Users who come in together are stored together: in one statement, or in one transaction. */

const users = '/identity/resources/users',
  below = '/identity/resources/sub-tenants/users/v2',
  roles = '/identity/resources/roles/v1'

const rolesOf = async (env: TestEnvironment, tenantId: string) => {
  const rows = await (
    await env.context()
  ).db.membership.findMany({
    where: { tenantId },
    select: { user: { select: { email: true } }, roles: { select: { role: { select: { key: true } } } } },
  })
  return Object.fromEntries(rows.map((row) => [row.user.email, row.roles.map(({ role }) => role.key).sort()]))
}
const recipients = async (env: TestEnvironment) =>
  (await env.messages()).map((message) => `${message.template} ${message.recipient}`).sort()

describe.concurrent('users who come in together', () => {
  test('are new, known, or were members before, and none is in when one is refused', async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant(),
      known = await env.newUser(),
      former = await env.newUser({ tenantId, roleKeys: ['Admin'] })
    await env.vendor('POST', roles, [{ key: 'plain', name: 'Plain', level: 9 }])
    const { db, clock } = await env.context(),
      plain = (await db.role.findFirstOrThrow({ where: { key: 'plain' } })).id
    await db.membership.updateMany({ where: { userId: former.id }, data: { expiresAt: clock.now() } })
    const call = (emails: string[]) =>
      env.vendor('POST', below, { tenantId, roleIds: [plain], users: emails.map((email) => ({ email })) })
    const everybody = ['new@example.com', known.email, former.email]
    expect(await call([...everybody, 'NEW@example.com'])).toMatchObject({ status: 409 })
    expect(await db.user.count({ where: { email: 'new@example.com' } })).toBe(0)
    expect(await recipients(env)).toEqual([])
    expect(await call(everybody)).toMatchObject({ status: 201 })
    // the roles of before are gone
    expect(await rolesOf(env, tenantId)).toEqual(Object.fromEntries(everybody.map((email) => [email, ['plain']])))
    expect(await recipients(env)).toEqual(
      ['ActivateUser new@example.com', `InviteToTenant ${known.email}`, `InviteToTenant ${former.email}`].sort(),
    )
    expect(await call([known.email])).toMatchObject({ status: 409 })
  })

  test('get codes by mail where the environment wants codes', async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant(),
      known = await env.newUser()
    const configurations = '/identity/resources/configurations/v1'
    for (const kind of ['activation', 'invitation'])
      expect(
        (await env.vendor('POST', `${configurations}/${kind}/strategies`, { strategy: 'code' })).status,
      ).toBeLessThan(300)
    const people = [{ email: 'new@example.com' }, { email: known.email }]
    expect((await env.vendor('POST', below, { tenantId, users: people })).status).toBe(201)
    expect(await recipients(env)).toEqual(
      ['ActivateUserWithCode new@example.com', `InviteToTenantWithCode ${known.email}`].sort(),
    )
    const [message] = await env.messages({ to: 'new@example.com' }),
      link = new URL(message!.link!).searchParams
    const answer = await env.anonymous('POST', `${users}/v1/activate/code`, {
      userId: link.get('userId'),
      token: link.get('token'),
      code: message!.code,
      password: 'Henhouse-1!',
    })
    expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300)
  })

  test('of an empty account: the first has the roles for that, the others the default ones', async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant()
    const own = await env.vendor('GET', roles)
    for (const { id } of own.body)
      await env.vendor('PATCH', `${roles}/${id}`, { isDefault: false, firstUserRole: false })
    await env.vendor('POST', roles, [
      { key: 'founder', name: 'F', firstUserRole: true },
      { key: 'guest', name: 'G', isDefault: true },
    ])
    const call = (...emails: string[]) =>
      env.vendor('POST', below, { tenantId, users: emails.map((email) => ({ email })) })
    const answers = await Promise.all([call('a@example.com', 'b@example.com'), call('c@example.com', 'd@example.com')])
    expect(answers.map(({ status }) => status)).toEqual([201, 201])
    const held = await rolesOf(env, tenantId)
    expect(Object.values(held).flat().sort()).toEqual(['founder', 'guest', 'guest', 'guest'])
    expect(held['b@example.com']).toEqual(['guest'])
    expect(held['d@example.com']).toEqual(['guest'])
  })

  test('by a task: those who are refused are named, and all others are in once', async () => {
    const env = await newEnvironment(),
      member = await env.newUser()
    const entries = Array.from({ length: 14 }, (_, i): object => ({ email: `u${i}@example.com` }))
    entries[1] = { email: member.email }
    entries[4] = { email: 'U3@example.com' }
    entries[8] = { email: 'u8@example.com', roleIds: [UNKNOWN_ID] }
    entries[13] = { name: 'Nobody' }
    const { body } = await env.as(member.tenantId)('POST', `${users}/bulk/v1/invite`, { users: entries })
    await env.runJobs()
    const found = (await env.vendor('GET', `${users}/bulk/v1/status/${body.id}`)).body
    expect(found).toMatchObject({ status: 'CompletedWithErrors', total: 14, processed: 14 })
    expect(found.errors.map((error: { index: number }) => error.index)).toEqual([1, 4, 8, 13])
    const expected = [0, 2, 3, 5, 6, 7, 9, 10, 11, 12].map((i) => `ActivateUser u${i}@example.com`).sort()
    expect(await recipients(env)).toEqual(expected)
  })
})
