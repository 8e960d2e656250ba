import { describe, expect, test } from 'vitest'
import { newEnvironment, unique, UNKNOWN_ID, type TestEnvironment } from '../../../../test/environment.ts'

const url = '/identity/resources/users/v1/invitation',
  statuses = '/identity/resources/tenants/users/v1/statuses',
  DAY = 86_400_000
const refused = { status: 400, body: { errors: ['Invalid token'] } }
const wantCodes = (env: TestEnvironment, codeExpiration = 600) =>
  env.vendor('POST', '/identity/resources/configurations/v1/invitation/strategies', {
    strategy: 'code',
    codeExpiration,
  })
const wrongOf = (code: string) => (code === '000000' ? '000001' : '000000')

async function mailed(env: TestEnvironment, to: string, tenantId?: string) {
  const mail = (await env.messages({ to })).filter((m) => tenantId === undefined || m.tenantId === tenantId).at(-1)!
  const link = new URL(mail.link!)
  return {
    template: mail.template,
    pathname: link.pathname,
    code: mail.code!,
    link: { userId: link.searchParams.get('userId')!, token: link.searchParams.get('token')! },
  }
}
/** An existing user who has been invited to one more tenant. */
async function invited(env: TestEnvironment, tenantId?: string) {
  const user = await env.newUser(),
    to = tenantId ?? (await env.newTenant(unique('Globex')))
  expect((await env.as(to)('POST', '/identity/resources/users/v2', { email: user.email })).status).toBe(201)
  return { ...user, invitedTo: to, ...(await mailed(env, user.email)) }
}
const statusOf = async (env: TestEnvironment, userId: string, tenantId: string) =>
  (await env.vendor('GET', `${statuses}?userIds=${userId}`)).body[0].tenantsStatuses.find(
    (s: { tenantId: string }) => s.tenantId === tenantId,
  )?.status

describe.concurrent('accepting an invitation', () => {
  test('by the link activates the user for that account, without a login', async () => {
    const env = await newEnvironment()
    const user = await invited(env)
    expect(user).toMatchObject({
      template: 'InviteToTenant',
      pathname: '/account/invitation/accept',
      link: { userId: user.id },
    })
    expect(await statusOf(env, user.id, user.invitedTo)).toBe('PendingInvitation')
    expect(await env.anonymous('POST', `${url}/accept`, user.link)).toMatchObject({
      status: 201,
      body: null,
      cookies: [],
    })
    expect(await statusOf(env, user.id, user.invitedTo)).toBe('PendingLogin')
    expect(await env.anonymous('POST', `${url}/accept`, user.link)).toMatchObject(refused)
  })

  test('many times at once works once', async () => {
    const env = await newEnvironment()
    const user = await invited(env)
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => env.anonymous('POST', `${url}/accept`, user.link)),
    )
    expect(answers.map((a) => a.status).toSorted()).toEqual([201, ...Array(7).fill(400)])
  })

  test("takes the token of that user's link, for seven days", async () => {
    const env = await newEnvironment()
    const [user, other] = [await invited(env), await invited(env)]
    for (const bad of [
      { userId: other.id },
      { userId: UNKNOWN_ID },
      { userId: 'x' },
      { token: 'x' },
      { token: UNKNOWN_ID },
    ])
      expect(await env.anonymous('POST', `${url}/accept`, { ...user.link, ...bad })).toMatchObject(refused)
    await env.clock.advance(7 * DAY - 60_000)
    expect((await env.anonymous('POST', `${url}/accept`, user.link)).status).toBe(201)
    await env.clock.advance(60_000)
    expect(await env.anonymous('POST', `${url}/accept`, other.link)).toMatchObject(refused)
  })

  test('is refused for users who are locked, disabled there or no longer members, and for a locked account', async () => {
    const env = await newEnvironment()
    const user = await invited(env),
      attempt = () => env.anonymous('POST', `${url}/accept`, user.link)
    await env.vendor('POST', `/identity/resources/users/v1/${user.id}/lock`)
    expect((await attempt()).status).toBe(423)
    await env.vendor('POST', `/identity/resources/users/v1/${user.id}/unlock`)
    await env.as(user.invitedTo)('POST', `/identity/resources/tenants/users/v1/${user.id}/disable`)
    expect((await attempt()).status).toBe(403)
    await env.as(user.invitedTo)('POST', `/identity/resources/tenants/users/v1/${user.id}/enable`)
    await env.vendor('PUT', `/tenants/resources/tenants/v1/${user.invitedTo}`, { status: 'Locked' })
    expect(await attempt()).toMatchObject({ status: 400, body: { errorCode: 'ER-01239' } })
    expect(await statusOf(env, user.id, user.invitedTo)).toBe('PendingInvitation')
    await env.vendor('PUT', `/tenants/resources/tenants/v1/${user.invitedTo}`, { status: 'active' })
    await env.as(user.invitedTo)('DELETE', `/identity/resources/users/v1/${user.id}`)
    expect(await attempt()).toMatchObject(refused)
  })

  test('by a code counts wrong ones, and refuses the right one after five', async () => {
    const env = await newEnvironment()
    await wantCodes(env)
    const [user, unlucky] = [await invited(env), await invited(env)]
    expect(user).toMatchObject({
      template: 'InviteToTenantWithCode',
      pathname: '/account/invitation/code',
      code: expect.stringMatching(/^\d{6}$/),
    })
    expect(await env.anonymous('POST', `${url}/accept`, user.link)).toMatchObject(refused)
    expect(await env.anonymous('POST', `${url}/accept/code`, { ...user.link, code: wrongOf(user.code) })).toMatchObject(
      { status: 401, body: { errorCode: 'ER-01011' } },
    )
    expect(
      await env.anonymous('POST', `${url}/accept/code`, { ...user.link, userId: unlucky.id, code: user.code }),
    ).toMatchObject(refused)
    expect(await env.anonymous('POST', `${url}/accept/code`, { ...user.link, code: user.code })).toMatchObject({
      status: 200,
      body: null,
    })
    expect(await statusOf(env, user.id, user.invitedTo)).toBe('PendingLogin')
    await Promise.all(
      Array.from({ length: 8 }, () =>
        env.anonymous('POST', `${url}/accept/code`, { ...unlucky.link, code: wrongOf(unlucky.code) }),
      ),
    )
    expect(await env.anonymous('POST', `${url}/accept/code`, { ...unlucky.link, code: unlucky.code })).toMatchObject({
      status: 400,
      body: { errorCode: 'ER-01017' },
    })
    expect(await statusOf(env, unlucky.id, unlucky.invitedTo)).toBe('PendingInvitation')
  })

  test('by a code works for the configured time, and for one account', async () => {
    const env = await newEnvironment()
    await wantCodes(env, 60)
    const user = await invited(env),
      second = await env.newTenant()
    await env.as(second)('POST', '/identity/resources/users/v2', { email: user.email })
    const other = await mailed(env, user.email, second)
    expect(other.link.token).not.toBe(user.link.token)
    expect((await env.anonymous('POST', `${url}/accept/code`, { ...other.link, code: other.code })).status).toBe(200)
    expect(await statusOf(env, user.id, user.invitedTo)).toBe('PendingInvitation')
    await env.clock.advance(60_000)
    expect(await env.anonymous('POST', `${url}/accept/code`, { ...user.link, code: user.code })).toMatchObject({
      status: 400,
      body: { errorCode: 'ER-01017' },
    })
  })
})

describe.concurrent('resending invitations', () => {
  test('replaces the link, also for a caller who is not logged in', async () => {
    const env = await newEnvironment()
    const user = await invited(env)
    expect(await env.anonymous('POST', `${url}/reset`, { email: user.email.toUpperCase() })).toMatchObject({
      status: 200,
      body: null,
    })
    const next = await mailed(env, user.email)
    expect(next.link.token).not.toBe(user.link.token)
    expect(await env.anonymous('POST', `${url}/accept`, user.link)).toMatchObject(refused)
    expect((await env.anonymous('POST', `${url}/accept`, next.link)).status).toBe(201)
    await env.anonymous('POST', `${url}/reset`, { email: user.email })
    expect(await env.messages({ to: user.email })).toHaveLength(2)
  })

  test('covers the account of the call; users get their own from all accounts', async () => {
    const env = await newEnvironment()
    const user = await invited(env),
      second = await env.newTenant(),
      admin = await env.user({ tenantId: second })
    await env.as(second)('POST', '/identity/resources/users/v2', { email: user.email })
    const sent = async () => (await env.messages({ to: user.email })).map((m) => m.tenantId).slice(2)
    await env.as(second)('POST', `${url}/reset`, { email: user.email })
    await admin('POST', `${url}/reset`, { email: user.email })
    await env.client({ 'frontegg-tenant-id': second })('POST', `${url}/reset`, { email: user.email })
    expect(await sent()).toEqual([second, second, second])
    await (
      await env.asUser(user)
    )('POST', `${url}/reset`, { email: user.email })
    expect((await sent()).slice(3)).toEqual([user.invitedTo, second])
  })

  test('does not reveal who is known or invited', async () => {
    const env = await newEnvironment()
    const user = await env.newUser(),
      locked = await invited(env)
    await env.vendor('POST', `/identity/resources/users/v1/${locked.id}/lock`)
    for (const email of [user.email, locked.email, `${unique('nobody')}@example.com`])
      expect(await env.anonymous('POST', `${url}/reset`, { email })).toMatchObject({ status: 200, body: null })
    expect(await env.messages()).toHaveLength(1)
  })

  test('to all includes the accounts below, for users only with access to them', async () => {
    const env = await newEnvironment()
    const top = await env.newTenant()
    const below = (await env.vendor('POST', '/tenants/resources/tenants/v1', { name: 'Below', parentTenantId: top }))
      .body.tenantId as string
    const user = await invited(env, top)
    for (const tenantId of [below, await env.newTenant()])
      await env.as(tenantId)('POST', '/identity/resources/users/v2', { email: user.email })
    const sent = async () => (await env.messages({ to: user.email })).map((m) => m.tenantId).slice(3)
    expect(await env.as(top)('POST', `${url}/reset/all`, { email: user.email })).toMatchObject({
      status: 200,
      body: null,
    })
    expect(await sent()).toEqual([top, below])
    const admin = await env.user({ tenantId: top, permissions: ['fe.secure.write.resendActivationEmail'] })
    await admin('POST', `${url}/reset/all`, { email: user.email })
    expect((await sent()).slice(2)).toEqual([top])
    await (await env.context()).db.user.updateMany({ where: { id: admin.id }, data: { subAccountAccess: true } })
    await admin('POST', `${url}/reset/all`, { email: user.email })
    expect((await sent()).slice(3)).toEqual([top, below])
  })

  test('to many is finished by a job', async () => {
    const env = await newEnvironment()
    const user = await env.newUser(),
      ctx = await env.context(),
      now = ctx.clock.now(),
      count = 45
    const ids = Array.from({ length: count }, () => ctx.random.uuid())
    await ctx.db.tenant.createMany({
      data: ids.map((id) => ({ id, rowId: ctx.random.uuid(), name: id, createdAt: now, updatedAt: now })),
    })
    await ctx.db.membership.createMany({ data: ids.map((tenantId) => ({ userId: user.id, tenantId, createdAt: now })) })
    await env.anonymous('POST', `${url}/reset`, { email: user.email })
    expect((await env.messages()).length).toBeLessThan(count)
    await env.runJobs()
    expect((await env.messages()).map((m) => m.tenantId).toSorted()).toEqual(ids.toSorted())
  })
})
