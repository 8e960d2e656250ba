import { describe, expect, test } from 'vitest'
import { keysOf } from '../../src/areas/rights/held/held.service.ts'
import { newEnvironment, type TestEnvironment } from '../environment.ts'

const users = '/identity/resources/users',
  login = '/identity/resources/auth/v1/user'
const password = 'Correct-Horse-7'

const logIn = (env: TestEnvironment, email: string) => env.anonymous('POST', login, { email, password })
const cookiesOf = ({ cookies }: { cookies: { name: string; value: string }[] }) => ({
  cookies: Object.fromEntries(cookies.map(({ name, value }) => [name, value])),
})
const claims = (answer: { body: { accessToken: string } }) =>
  JSON.parse(Buffer.from(answer.body.accessToken.split('.')[1]!, 'base64url').toString()) as Record<string, unknown>
const linkTo = async (env: TestEnvironment, to: string) => {
  const query = new URL((await env.messages({ to, template: 'InviteToTenant' })).at(-1)!.link!).searchParams
  return { userId: query.get('userId')!, token: query.get('token')! }
}

/** A user who is in one tenant, and invited into that of others. */
async function invited(env: TestEnvironment, more: object = {}) {
  const host = await env.user({ roleKeys: ['Admin'] }),
    guest = await env.newUser({ password })
  const made = await host('POST', `${users}/v2`, { email: guest.email, name: 'Guest', ...more })
  expect(made.status).toBe(201)
  return { host, guest, made }
}

describe.concurrent('an invitation that is not accepted', () => {
  test('lets nobody in: in no token, no list, and by no switch', async () => {
    const env = await newEnvironment(),
      { host, guest } = await invited(env)
    const answer = await logIn(env, guest.email),
      user = env.withToken(answer.body.accessToken)
    expect(claims(answer)).toMatchObject({ tenantId: guest.tenantId, tenantIds: [guest.tenantId] })
    expect((await user('PUT', `${users}/v1/tenant`, { tenantId: host.tenantId })).status).toBe(404)
    const refreshed = await env.anonymous(
      'POST',
      `${login}/token/refresh`,
      { tenantId: host.tenantId },
      cookiesOf(answer),
    )
    expect(refreshed.status).toBe(404)
    const me = (await user('GET', `${users}/v2/me`)).body
    expect([me.tenantIds, me.tenants.map((place: { tenantId: string }) => place.tenantId)]).toEqual([
      [guest.tenantId],
      [guest.tenantId],
    ])
    const { tenants } = (await user('GET', `${users}/v1/me/tenants`)).body
    expect(tenants.map((tenant: { tenantId: string }) => tenant.tenantId)).toEqual([guest.tenantId])
    const hierarchy = (await user('GET', `${users}/v2/me/hierarchy`)).body
    expect(JSON.stringify(hierarchy)).not.toContain(host.tenantId)
  })

  test('gives no role, to a member and through a group', async () => {
    const env = await newEnvironment(),
      { host, guest } = await invited(env)
    const ctx = await env.context()
    const [role] = (await env.vendor('POST', '/identity/resources/roles/v1', [{ key: 'r', name: 'R', level: 9 }])).body
    await ctx.db.membershipRole.create({ data: { userId: guest.id, tenantId: host.tenantId, roleId: role.id } })
    expect(await keysOf(ctx, guest.id, host.tenantId)).toEqual({ roleIds: [], roles: [], permissions: [] })
    await env.anonymous('POST', `${users}/v1/invitation/accept`, await linkTo(env, guest.email))
    expect((await keysOf(ctx, guest.id, host.tenantId)).roles).toContain('r')
  })

  test('opens nothing below the tenant', async () => {
    const env = await newEnvironment(),
      { host, guest } = await invited(env),
      below = await env.newTenant(),
      { db } = await env.context()
    await db.tenant.updateMany({ where: { id: below }, data: { parentId: host.tenantId } })
    await db.user.update({ where: { id: guest.id }, data: { subAccountAccess: true } })
    const choose = async () =>
      env.withToken((await logIn(env, guest.email)).body.accessToken)('PUT', `${users}/v1/tenant`, { tenantId: below })
    expect((await choose()).status).toBe(404)
    await env.anonymous('POST', `${users}/v1/invitation/accept`, await linkTo(env, guest.email))
    expect((await choose()).status).toBe(200)
  })

  test('lets in by its link, also a user who is in no other tenant', async () => {
    const env = await newEnvironment(),
      { host, guest } = await invited(env)
    await env.as(guest.tenantId)('DELETE', `${users}/v1/${guest.id}`)
    expect((await logIn(env, guest.email)).status).toBe(403)
    expect((await env.anonymous('POST', `${users}/v1/invitation/accept`, await linkTo(env, guest.email))).status).toBe(
      201,
    )
    expect(claims(await logIn(env, guest.email))).toMatchObject({ tenantId: host.tenantId })
  })

  test('lets in a user who is activated by a mail of that tenant', async () => {
    const env = await newEnvironment(),
      host = await env.user({ roleKeys: ['Admin'] }),
      guest = await env.newUser({ verified: false })
    await host('POST', `${users}/v2`, { email: guest.email, name: 'Guest' })
    await env.as(guest.tenantId)('DELETE', `${users}/v1/${guest.id}`)
    await host('POST', `/team/resources/members/v1/${guest.id}/resendActivationEmail`)
    const query = new URL((await env.messages({ to: guest.email, template: 'ActivateUser' })).at(-1)!.link!)
      .searchParams
    const answer = await env.anonymous('POST', `${users}/v1/activate`, {
      userId: query.get('userId'),
      token: query.get('token'),
      password,
    })
    expect([answer.status, claims(answer).tenantIds]).toEqual([200, [host.tenantId]])
  })

  test('waits also where a user said that no mail is to be sent', async () => {
    const env = await newEnvironment(),
      { host, guest } = await invited(env, { skipInviteEmail: true })
    expect(await env.messages({ to: guest.email })).toEqual([])
    expect(claims(await logIn(env, guest.email)).tenantIds).toEqual([guest.tenantId])
    // until the user is asked, and agrees
    await host('POST', `/team/resources/members/v1/${guest.id}/resendActivationEmail`)
    await env.anonymous('POST', `${users}/v1/invitation/accept`, await linkTo(env, guest.email))
    expect(claims(await logIn(env, guest.email)).tenantIds).toEqual([guest.tenantId, host.tenantId])
  })

  test('is not needed where the environment says so', async () => {
    const env = await newEnvironment(),
      guest = await env.newUser({ password }),
      [quiet, active] = [await env.newTenant(), await env.newTenant()]
    await env.as(quiet)('POST', `${users}/v2`, { email: guest.email, skipInviteEmail: true })
    await env.as(active)('POST', `${users}/v2`, { email: guest.email })
    expect(claims(await logIn(env, guest.email)).tenantIds).toEqual([guest.tenantId, quiet])
    await env.vendor('PUT', `${users}/v1/${guest.id}/tenant`, { tenantId: active })
    expect(claims(await logIn(env, guest.email))).toMatchObject({
      tenantId: active,
      tenantIds: [guest.tenantId, quiet, active],
    })
  })

  test('stays to be seen by management, and by those who invited', async () => {
    const env = await newEnvironment(),
      { host, guest, made } = await invited(env)
    expect(made.body).toMatchObject({ tenantId: host.tenantId, activatedForTenant: false })
    expect(made.body.roles).not.toEqual([])
    const seen = (await env.as(host.tenantId)('GET', `${users}/v1/${guest.id}`)).body
    expect(seen.tenantIds).toEqual([guest.tenantId, host.tenantId])
    const query = new URLSearchParams({ userIds: guest.id })
    const [{ tenantsStatuses }] = (await env.vendor('GET', `/identity/resources/tenants/users/v1/statuses?${query}`))
      .body
    expect(tenantsStatuses).toContainEqual({ tenantId: host.tenantId, status: 'PendingInvitation' })
    const members = (await host('GET', '/team/resources/members/v1')).body.items
    expect(members.map(({ id }: { id: string }) => id).toSorted()).toEqual([guest.id, host.id].toSorted())
  })

  test('keeps a user who has nothing else from all that is under way', async () => {
    const env = await newEnvironment(),
      { guest } = await invited(env),
      answer = await logIn(env, guest.email)
    await env.as(guest.tenantId)('DELETE', `${users}/v1/${guest.id}`)
    expect((await env.anonymous('POST', `${login}/token/refresh`, undefined, cookiesOf(answer))).status).toBe(401)
  })
})
