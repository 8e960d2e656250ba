import { describe, expect, test } from 'vitest'
import { newEnvironment, UNKNOWN_ID, type TestEnvironment } from '../../../../test/environment.ts'
import { claimsOf, logIn, PASSWORD } from '../../../../test/second-factors.ts'

const url = '/identity/resources/impersonation/v1',
  configuration = '/identity/resources/configurations/v1/impersonation',
  users = '/identity/resources/users',
  me = `${users}/v2/me`,
  sessions = `${users}/sessions/v1`
const MAY = 'fe.secure.write.actorToken',
  READ = 'fe.secure.read.users'

/** An account with somebody who may be in the place of others, and a member whose rights are a part of theirs. */
async function scene() {
  const env = await newEnvironment()
  await env.vendor('POST', configuration, { enabled: true })
  const support = await env.newUser({ password: PASSWORD, permissions: [MAY, READ, 'fe.secure.write.userApiTokens'] }),
    { tenantId } = support,
    member = await env.newUser({ tenantId, password: PASSWORD, permissions: [READ] }),
    actorToken = (await logIn(env, support)).body.accessToken as string
  return { env, support, member, tenantId, actorToken }
}
const impersonate = (env: TestEnvironment, actorToken: string, impersonatedUserId: string) =>
  env.anonymous('POST', url, { impersonatedUserId, actorToken, redirectUrl: 'https://app.example.com' })
async function inPlace() {
  const all = await scene(),
    { status, body, cookies } = await impersonate(all.env, all.actorToken, all.member.id)
  expect(status, JSON.stringify(body)).toBe(200)
  return { ...all, body, cookies, token: body.accessToken as string, as: all.env.withToken(body.accessToken as string) }
}

describe.concurrent('impersonation', () => {
  test('is off until management switches it on, and its tokens are good only while it is', async () => {
    const { env, member, actorToken, as } = await inPlace()
    expect((await env.vendor('GET', configuration)).body).toEqual({ enabled: true })
    await env.vendor('POST', configuration, { enabled: false })
    expect((await as('GET', me)).status).toBe(401)
    expect(await impersonate(env, actorToken, member.id)).toMatchObject({
      ...{ status: 403, body: { errors: ['Impersonation is disabled'] } },
    })
    const fresh = await newEnvironment()
    expect((await fresh.vendor('GET', configuration)).body).toEqual({ enabled: false })
    // to act by token exchange is another switch
    await env.vendor('POST', '/identity/resources/configurations/v1/delegation', { enabled: true })
    expect((await as('GET', me)).status).toBe(401)
    expect((await env.anonymous('POST', configuration, { enabled: true })).status).toBe(401)
  })

  test('gives a token of the user in this account, that names who is behind it, for an hour, with no cookie', async () => {
    const { member, support, tenantId, token, body, cookies, as } = await inPlace(),
      claims = claimsOf(token)
    expect(body).toEqual({
      ...{ accessToken: token, tokenType: 'bearer', refreshToken: '', expiresIn: 3600, expires: expect.any(String) },
    })
    expect(cookies).toEqual([])
    expect(claims).toMatchObject({
      ...{ type: 'userToken', sub: member.id, tenantId, tenantIds: [tenantId], permissions: [READ] },
      act: { sub: support.id, type: 'impersonation', email: support.email },
      exp: Number(claims['iat']) + 3600,
    })
    expect((await as('GET', me)).body).toMatchObject({ id: member.id })
    expect((await as('GET', `${users}/v3`)).status).toBe(200)
  })

  test('is written down, with who is behind it, and so is what is done in it', async () => {
    const { env, member, support, tenantId, as } = await inPlace()
    expect((await as('PUT', me, { name: 'Other' })).status).toBe(200)
    const { db } = await env.context(),
      [begun] = await db.event.findMany({ where: { key: 'user.impersonated' } })
    expect(begun).toMatchObject({
      ...{ tenantId, userId: member.id, severity: 'High', actorKind: 'person', actorUserId: support.id },
      details: { impersonatorId: support.id },
    })
    const [changed] = await db.event.findMany({ where: { key: 'frontegg.user.updated' } })
    expect(changed).toMatchObject({ actorKind: 'agent', credentialType: 'delegation', credentialId: support.id })
  })

  test('changes nothing that the user logs in with, and begins no other session', async () => {
    const { env, as, token, actorToken, member, support } = await inPlace()
    for (const [method, path, body] of [
      ['POST', `${users}/v1/passwords/change`, { password: PASSWORD, newPassword: 'Another-1!' }],
      ['POST', `${users}/v1/mfa/authenticator/enroll`, {}],
      ['POST', `${users}/v1/mfa/authenticator/enroll/verify`, { token: '123456' }],
      ['POST', `${users}/webauthn/v1/devices`, {}],
      ['POST', `${users}/v3/me/token`, { tenantId: member.tenantId }],
      ['POST', `${users}/api-tokens/v1`, {}],
      ['POST', '/identity/resources/auth/v1/user/step-up/generate', {}],
    ] as const)
      expect((await as(method, path, body)).status, path).toBe(403)
    expect(
      (await env.anonymous('POST', '/identity/resources/auth/v1/user/token/refresh', { refreshToken: '' })).status,
    ).toBe(401)
    // nor is it a way into a third place
    expect((await impersonate(env, token, support.id)).status).toBe(401)
    expect((await impersonate(env, actorToken, member.id)).status).toBe(200)
  })

  test("ends with the impersonator's session, after an hour, and when the user ends it", async () => {
    const one = await inPlace()
    await one.env.withToken(one.actorToken)('DELETE', `${sessions}/me/all`)
    expect((await one.as('GET', me)).status).toBe(401)

    const two = await inPlace()
    await two.env.clock.advance(3_540_000)
    expect((await two.as('GET', me)).status).toBe(200)
    await two.env.clock.advance(120_000)
    expect((await two.as('GET', me)).status).toBe(401)

    const three = await inPlace(),
      own = three.env.withToken((await logIn(three.env, three.member)).body.accessToken as string),
      listed = (await own('GET', `${sessions}/me`)).body as { id: string; impersonated: boolean; current: boolean }[]
    expect(listed.map(({ impersonated, current }) => ({ impersonated, current }))).toEqual(
      expect.arrayContaining([
        { impersonated: true, current: false },
        { impersonated: false, current: true },
      ]),
    )
    const { id } = listed.find(({ impersonated }) => impersonated)!
    expect((await own('DELETE', `${sessions}/me/${id}`)).status).toBe(200)
    expect((await three.as('GET', me)).status).toBe(401)
  })

  test('ends with the one before, of the same two, and takes the place of no session of the user', async () => {
    const { env, as, actorToken, member, tenantId } = await inPlace()
    await env.as(tenantId)('POST', '/identity/resources/configurations/sessions/v1', {
      sessionConcurrentConfiguration: { isActive: true, maxSessions: 1 },
    })
    const own = env.withToken((await logIn(env, member)).body.accessToken as string)
    expect((await as('GET', me)).status).toBe(200)
    const again = await impersonate(env, actorToken, member.id)
    expect((await as('GET', me)).status).toBe(401)
    expect((await env.withToken(again.body.accessToken as string)('GET', me)).status).toBe(200)
    expect((await own('GET', me)).status).toBe(200)
  })

  test('begun twice at once leaves one token that is good', async () => {
    const { env, actorToken, member } = await scene(),
      answers = await Promise.all(Array.from({ length: 4 }, () => impersonate(env, actorToken, member.id)))
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200])
    const uses = await Promise.all(answers.map(({ body }) => env.withToken(body.accessToken as string)('GET', me)))
    expect(uses.map(({ status }) => status).sort()).toEqual([200, 401, 401, 401])
  })

  test('is for users who may, and who have logged in themselves', async () => {
    const { env, member, tenantId } = await scene(),
      other = await env.newUser({ tenantId, password: PASSWORD, permissions: [READ] }),
      program = await env.machine({ tenantId, permissions: [MAY, READ] }),
      stranger = await (await newEnvironment()).newUser({ permissions: [MAY] })
    expect(await impersonate(env, (await logIn(env, other)).body.accessToken as string, member.id)).toMatchObject({
      status: 403,
    })
    for (const token of [program.token, 'rubbish', await env.token({ type: 'vendor', vendorId: env.id }), stranger.id])
      expect((await impersonate(env, token, member.id)).status).toBe(401)
  })

  test('is of members of the account, who may do no more than the impersonator', async () => {
    const { env, support, actorToken, tenantId, member } = await scene(),
      elsewhere = await env.newUser({ permissions: [READ] }),
      stronger = await env.newUser({ tenantId, permissions: [READ, 'fe.secure.delete.users'] }),
      superuser = await env.newUser({ tenantId, permissions: [READ] })
    await env.vendor('PUT', `${users}/v1/${superuser.id}/superuser`, { superUser: true })
    for (const [id, status] of [
      [support.id, 400],
      [elsewhere.id, 404],
      [UNKNOWN_ID, 404],
      [stronger.id, 403],
      [superuser.id, 403],
    ] as const)
      expect((await impersonate(env, actorToken, id)).status, id).toBe(status)
    expect((await impersonate(env, actorToken, 'no id')).status).toBe(400)
    await env.as(tenantId)('POST', `${users}/v1/${member.id}/lock`)
    expect((await impersonate(env, actorToken, member.id)).status).toBe(423)
    expect(await (await env.context()).db.session.count({ where: { impersonatorId: { not: null } } })).toBe(0)
  })
})
