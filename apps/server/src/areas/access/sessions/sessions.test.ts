import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { newEnvironment, UNKNOWN_ID, type TestEnvironment } from '../../../../test/environment.ts'
import { inTheWay, type Query } from '../../../../test/in-the-way.ts'

const me = '/identity/resources/users/sessions/v1/me',
  revoke = '/identity/resources/users/sessions/v1/revoke'
const policy = '/identity/resources/configurations/sessions/v1'
const auth = '/identity/resources/auth/v1/user'
const PASSWORD = 'Correct-horse-7'
const SECOND = 1000,
  MINUTE = 60 * SECOND

const login = async (env: TestEnvironment, email: string, headers: Record<string, string> = {}) => {
  const { status, body } = await env.anonymous('POST', auth, { email, password: PASSWORD }, { headers })
  expect(status).toBe(200)
  const claims = JSON.parse(Buffer.from(body.accessToken.split('.')[1], 'base64url').toString())
  return { call: env.withToken(body.accessToken), token: body.refreshToken as string, id: claims.sid as string }
}
const refresh = async (env: TestEnvironment, refreshToken: string, tenantId?: string) =>
  env.anonymous('POST', `${auth}/token/refresh`, { refreshToken, tenantId: tenantId ?? null })
const alive = async (env: TestEnvironment, userId: string) =>
  (await env.context()).db.session.count({ where: { userId, endedAt: null } })

describe.concurrent('sessions', () => {
  test('users see their own, with where they are from and which one is current', async () => {
    const env = await newEnvironment()
    const user = await env.newUser({ password: PASSWORD }),
      other = await env.newUser({ password: PASSWORD })
    await env.clock.freeze(new Date('2026-12-01T10:00:00Z'))
    const phone = await login(env, user.email, { 'user-agent': 'Phone/1', 'x-forwarded-for': '203.0.113.9' })
    await env.clock.freeze(new Date('2026-12-01T11:00:00Z'))
    const laptop = await login(env, user.email, { 'user-agent': 'Laptop/2' })
    await login(env, other.email)
    const { status, body } = await laptop.call('GET', me)
    expect(status).toBe(200)
    expect(body).toEqual([
      {
        id: laptop.id,
        createdAt: '2026-12-01T11:00:00.000Z',
        ipAddress: '127.0.0.1',
        userAgent: 'Laptop/2',
        current: true,
        impersonated: false,
        expires: '2026-12-31T11:00:00.000Z',
      },
      {
        id: phone.id,
        createdAt: '2026-12-01T10:00:00.000Z',
        ipAddress: '203.0.113.9',
        userAgent: 'Phone/1',
        current: false,
        impersonated: false,
        expires: '2026-12-31T10:00:00.000Z',
      },
    ])
    expect(await phone.call('GET', `${me}/current`)).toMatchObject({
      status: 200,
      body: { id: phone.id, current: true },
    })
  })

  test('management names the user, and where it names a tenant, one of theirs', async () => {
    const env = await newEnvironment()
    const user = await env.newUser({ password: PASSWORD })
    const { id } = await login(env, user.email)
    expect(await env.as(user.tenantId, user.id)('GET', me)).toMatchObject({
      status: 200,
      body: [{ id, current: false }],
    })
    expect(await env.as(user.tenantId)('GET', me)).toMatchObject({ status: 403, body: { errorCode: 'ER-00008' } })
    expect(await env.as(undefined, user.id)('GET', me)).toMatchObject({ status: 200, body: [{ id, current: false }] })
    expect((await env.as(undefined, UNKNOWN_ID)('GET', me)).status).toBe(404)
    expect((await env.as(await env.newTenant(), user.id)('GET', me)).status).toBe(404)
    expect((await env.as(user.tenantId, UNKNOWN_ID)('GET', me)).status).toBe(404)
    for (const url of [`${me}/all`, `${me}/${id}`]) {
      expect((await env.as(user.tenantId)('DELETE', url)).status).toBe(403)
      expect((await env.as(await env.newTenant(), user.id)('DELETE', url)).status).toBe(404)
    }
    expect(await alive(env, user.id)).toBe(1)
    const elsewhere = await newEnvironment()
    expect((await elsewhere.as(user.tenantId, user.id)('GET', me)).status).toBe(404)
    expect((await elsewhere.as(undefined, user.id)('DELETE', `${me}/all`)).status).toBe(404)
    const other = await login(env, user.email)
    expect((await env.as(undefined, user.id)('DELETE', `${me}/${id}`)).status).toBe(200)
    expect((await env.as(undefined, user.id)('GET', me)).body).toMatchObject([{ id: other.id }])
    expect((await env.as(undefined, user.id)('DELETE', `${me}/all`)).status).toBe(200)
    expect(await alive(env, user.id)).toBe(0)
  })

  test('one that is ended has a dead refresh token, and is gone', async () => {
    const env = await newEnvironment()
    const user = await env.newUser({ password: PASSWORD })
    const [one, two] = [await login(env, user.email), await login(env, user.email)]
    expect(await one.call('DELETE', `${me}/${two.id}`)).toMatchObject({ status: 200, body: null })
    expect((await refresh(env, two.token)).status).toBe(401)
    expect((await one.call('GET', me)).body).toMatchObject([{ id: one.id }])
    expect(await one.call('DELETE', `${me}/${two.id}`)).toMatchObject({
      status: 404,
      body: { errors: ['Session not found'] },
    })
    expect((await two.call('GET', `${me}/current`)).status).toBe(401)
    expect((await refresh(env, one.token)).status).toBe(201)
  })

  test('one that a browser has ends when somebody logs in there, and no other does', async () => {
    const env = await newEnvironment(),
      [ada, bob] = [await env.newUser({ password: PASSWORD }), await env.newUser({ password: PASSWORD })],
      elsewhere = await login(env, ada.email)
    let cookies: Record<string, string> = {},
      former: string | undefined
    for (const { email } of [ada, ada, bob]) {
      const answer = await env.anonymous('POST', auth, { email, password: PASSWORD }, { cookies })
      cookies = Object.fromEntries(answer.cookies.map(({ name, value }) => [name, value]))
      if (former !== undefined) expect((await env.withToken(former)('GET', me)).status).toBe(401)
      former = answer.body.accessToken as string
      expect((await env.withToken(former)('GET', me)).status).toBe(200)
    }
    expect((await elsewhere.call('GET', me)).body).toMatchObject([{ id: elsewhere.id }])
    // a wrong password ends nothing
    await env.anonymous('POST', auth, { email: ada.email, password: 'wrong' }, { cookies })
    expect((await env.withToken(former!)('GET', me)).status).toBe(200)
  })

  test('users end only their own', async () => {
    const env = await newEnvironment()
    const [mine, theirs] = [await env.newUser({ password: PASSWORD }), await env.newUser({ password: PASSWORD })]
    const [{ call }, other] = [await login(env, mine.email), await login(env, theirs.email)]
    for (const id of [other.id, UNKNOWN_ID, 'nonsense'])
      expect(await call('DELETE', `${me}/${id}`)).toMatchObject({ status: 404 })
    expect((await refresh(env, other.token)).status).toBe(201)
  })

  test('ending all of them ends this one, too', async () => {
    const env = await newEnvironment()
    const user = await env.newUser({ password: PASSWORD }),
      other = await env.newUser({ password: PASSWORD })
    const [one, two, foreign] = [
      await login(env, user.email),
      await login(env, user.email),
      await login(env, other.email),
    ]
    expect(await one.call('DELETE', `${me}/all`)).toMatchObject({ status: 200, body: null })
    for (const { token } of [one, two]) expect((await refresh(env, token)).status).toBe(401)
    expect((await refresh(env, foreign.token)).status).toBe(201)
    expect((await one.call('GET', me)).status).toBe(401)
    expect(await env.as(user.tenantId, user.id)('GET', me)).toMatchObject({ status: 200, body: [] })
    const again = await login(env, user.email)
    expect((await env.as(user.tenantId, user.id)('DELETE', `${me}/all`)).status).toBe(200)
    expect((await refresh(env, again.token)).status).toBe(401)
  })

  test('users who may delete sessions end those of a member, but only in their own account', async () => {
    const env = await newEnvironment()
    const user = await env.newUser({ password: PASSWORD })
    const ctx = await env.context(),
      elsewhere = await env.newTenant()
    await ctx.db.membership.create({
      data: { userId: user.id, tenantId: elsewhere, acceptedAt: ctx.clock.now(), createdAt: ctx.clock.now() },
    })
    const [here, there] = [await login(env, user.email), await login(env, user.email)]
    const moved = (await refresh(env, there.token, elsewhere)).body.refreshToken
    const admin = await env.user({ tenantId: user.tenantId, permissions: ['fe.secure.delete.sessions'] })
    expect(
      (
        await (
          await env.user({ tenantId: user.tenantId, permissions: ['fe.secure.read.users'] })
        )('POST', revoke, { userId: user.id })
      ).status,
    ).toBe(403)
    expect(await admin('POST', revoke, { userId: user.id })).toMatchObject({ status: 201, body: null })
    expect((await refresh(env, here.token)).status).toBe(401)
    expect((await refresh(env, moved, elsewhere)).status).toBe(201)
    const stranger = await env.user({ permissions: ['fe.secure.delete.sessions'] })
    for (const userId of [user.id, UNKNOWN_ID, 'nonsense'])
      expect((await stranger('POST', revoke, { userId })).status).toBe(404)
    expect((await stranger('POST', revoke, {})).status).toBe(400)
    expect(await alive(env, user.id)).toBe(1)
    expect((await env.vendor('POST', revoke, { userId: user.id })).status).toBe(201)
    expect(await alive(env, user.id)).toBe(0)
  })
})

const idle = (timeout: number, isActive = true) => ({ sessionIdleTimeoutConfiguration: { isActive, timeout } })
const total = (timeout: number) => ({ sessionTimeoutConfiguration: { isActive: true, timeout } })
const concurrent = (maxSessions: number) => ({ sessionConcurrentConfiguration: { isActive: true, maxSessions } })

describe.concurrent('session configuration', () => {
  test('is empty until it is stored, for the environment and for each account; parts are stored one by one', async () => {
    const env = await newEnvironment()
    const tenant = await env.newTenant()
    for (const url of [policy, `${policy}/vendor`])
      expect(await env.vendor('GET', url)).toMatchObject({ status: 200, body: {} })
    expect(await env.vendor('POST', policy, idle(600))).toMatchObject({ status: 201, body: null })
    expect(await env.vendor('POST', `${policy}/vendor`, concurrent(3))).toMatchObject({ status: 201, body: null })
    for (const url of [policy, `${policy}/vendor`])
      expect((await env.vendor('GET', url)).body).toEqual({ ...idle(600), ...concurrent(3) })
    expect((await env.as(tenant)('GET', policy)).body).toEqual({})
    expect((await env.as(tenant)('POST', policy, total(3600))).status).toBe(201)
    expect((await env.as(tenant)('GET', policy)).body).toEqual(total(3600))
    expect((await env.as(tenant)('GET', `${policy}/vendor`)).body).toEqual({ ...idle(600), ...concurrent(3) })
    expect((await env.vendor('POST', policy, { ...idle(900, false), unknown: 1 })).status).toBe(201)
    expect((await env.vendor('GET', policy)).body).toEqual({ ...idle(900, false), ...concurrent(3) })
  })

  test("users need the permissions of security policies, and reach their own account's only", async () => {
    const env = await newEnvironment()
    const user = await env.user({ permissions: ['fe.secure.read.securityPolicy', 'fe.secure.write.securityPolicy'] })
    expect((await user('POST', policy, idle(120))).status).toBe(201)
    expect((await user('GET', policy)).body).toEqual(idle(120))
    expect((await env.vendor('GET', policy)).body).toEqual({})
    expect((await user('GET', `${policy}/vendor`)).status).toBe(401)
    const reader = await env.user({ tenantId: user.tenantId, permissions: ['fe.secure.read.securityPolicy'] })
    expect((await reader('POST', policy, idle(60))).status).toBe(403)
    expect((await (await env.user())('GET', policy)).status).toBe(403)
    expect((await user('GET', policy)).body).toEqual(idle(120))
  })

  test.each([
    [idle(59), 'sessionIdleTimeoutConfiguration.timeout must not be less than 60'],
    [idle(2_073_601), 'sessionIdleTimeoutConfiguration.timeout must not be greater than 2073600'],
    [total(59), 'sessionTimeoutConfiguration.timeout must not be less than 60'],
    [concurrent(0), 'sessionConcurrentConfiguration.maxSessions must not be less than 1'],
    [
      { sessionConcurrentConfiguration: { maxSessions: 1 } },
      'sessionConcurrentConfiguration.isActive must be a boolean value',
    ],
  ])('%j is refused', async (body, message) => {
    const env = await newEnvironment()
    expect(await env.vendor('POST', policy, body)).toMatchObject({ status: 400, body: { errors: [message] } })
    expect((await env.vendor('GET', policy)).body).toEqual({})
  })

  test('a session without a refresh for the idle time is dead', async () => {
    const env = await newEnvironment()
    const user = await env.newUser({ password: PASSWORD })
    await env.vendor('POST', policy, idle(600))
    const { token, call } = await login(env, user.email)
    await env.clock.advance(9 * MINUTE)
    const second = (await refresh(env, token)).body.refreshToken
    await env.clock.advance(9 * MINUTE)
    const third = (await refresh(env, second)).body.refreshToken
    const [listed] = (await call('GET', me)).body
    expect(new Date(listed.expires).getTime() - (await env.clock.now()).getTime()).toBeLessThanOrEqual(10 * MINUTE)
    await env.clock.advance(10 * MINUTE)
    expect(await refresh(env, third)).toMatchObject({ status: 401, body: { errors: ['Session not found'] } })
    expect((await call('GET', me)).body).toEqual([])
  })

  test('a session is over when its whole time is, however busy; so is its cookie', async () => {
    const env = await newEnvironment()
    const user = await env.newUser({ password: PASSWORD })
    await env.vendor('POST', policy, total(3600))
    const { token } = await login(env, user.email)
    await env.clock.advance(50 * MINUTE)
    const second = await refresh(env, token)
    expect(second.status).toBe(201)
    expect(second.cookies[0]!['maxAge']).toBeLessThanOrEqual(600)
    await env.clock.advance(10 * MINUTE)
    expect((await refresh(env, second.body.refreshToken)).status).toBe(401)
    expect((await refresh(env, (await login(env, user.email)).token)).status).toBe(201)
  })

  test('holds for sessions that are there already', async () => {
    const env = await newEnvironment()
    const user = await env.newUser({ password: PASSWORD })
    const { token } = await login(env, user.email)
    await env.clock.advance(2 * MINUTE)
    await env.vendor('POST', policy, idle(60))
    expect((await refresh(env, token)).status).toBe(401)
  })

  test("what an account decides takes the place of the environment's decision, and only of that", async () => {
    const env = await newEnvironment()
    const strict = await env.newUser({ password: PASSWORD }),
      usual = await env.newUser({ password: PASSWORD })
    await env.vendor('POST', policy, { ...idle(600), ...total(7200) })
    await env.as(strict.tenantId)('POST', policy, idle(60))
    const [inStrict, inUsual] = [await login(env, strict.email), await login(env, usual.email)]
    await env.clock.advance(5 * MINUTE)
    expect((await refresh(env, inStrict.token)).status).toBe(401)
    expect((await refresh(env, inUsual.token)).status).toBe(201)
    await env.as(usual.tenantId)('POST', policy, idle(2_073_600, false))
    const lasting = await login(env, usual.email)
    await env.clock.advance(90 * MINUTE)
    const next = await refresh(env, lasting.token)
    expect(next.status).toBe(201)
    await env.clock.advance(30 * MINUTE)
    expect((await refresh(env, next.body.refreshToken)).status).toBe(401)
  })

  test('one session too many ends the oldest', async () => {
    const env = await newEnvironment()
    const user = await env.newUser({ password: PASSWORD })
    await env.vendor('POST', policy, concurrent(2))
    const first = await login(env, user.email)
    await env.clock.advance(SECOND)
    const second = await login(env, user.email)
    await env.clock.advance(SECOND)
    const used = (await refresh(env, first.token)).body.refreshToken
    const third = await login(env, user.email)
    expect((await refresh(env, used)).status).toBe(401)
    for (const { token } of [second, third]) expect((await refresh(env, token)).status).toBe(201)
  })

  test('a login again in the same browser makes room for itself, and ends no session of another one', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD })
    await env.vendor('POST', policy, concurrent(2))
    const phone = await login(env, user.email)
    let cookies: Record<string, string> = {}
    for (let round = 0; round < 3; round++) {
      await env.clock.advance(SECOND)
      const answer = await env.anonymous('POST', auth, { email: user.email, password: PASSWORD }, { cookies })
      expect(answer.status).toBe(200)
      cookies = Object.fromEntries(answer.cookies.map(({ name, value }) => [name, value]))
      expect(await alive(env, user.id)).toBe(2)
    }
    expect((await refresh(env, phone.token)).status).toBe(201)
  })

  test('of many logins at once only as many stay as may', async () => {
    const env = await newEnvironment()
    const user = await env.newUser({ password: PASSWORD })
    await env.vendor('POST', policy, concurrent(2))
    const logins = await Promise.all(Array.from({ length: 8 }, () => login(env, user.email)))
    expect(await alive(env, user.id)).toBe(2)
    const answers = await Promise.all(logins.map(({ token }) => refresh(env, token)))
    expect(answers.map((a) => a.status).sort()).toEqual([201, 201, 401, 401, 401, 401, 401, 401])
  })

  test('a login that waited for another one counts its session, too', async () => {
    const env = await newEnvironment()
    const user = await env.newUser({ password: PASSWORD }),
      lockUser = ['update "User" set "lastLogin" = now() where id = $1', user.id] as const
    await env.vendor('POST', policy, concurrent(1))
    /** What another replica writes when it is there first. */
    const beginAnother = (query: Query) =>
      query(
        `insert into "Session" ("vendorId", id, "userId", "tenantId", "createdAt", "lastActiveAt", "expiresAt")
        values ($1, $2, $3, $4, now(), now(), now() + interval '1 day')`,
        [env.id, randomUUID(), user.id, user.tenantId],
      )
    const { token, id } = await inTheWay(lockUser, () => login(env, user.email), beginAnother)
    const { db } = await env.context(),
      living = () => db.session.findMany({ where: { userId: user.id, endedAt: null }, select: { id: true } })
    expect(await living()).toEqual([{ id }])
    // so does one that moves to another account
    const elsewhere = await env.newTenant(),
      now = await env.clock.now()
    await db.membership.create({
      data: { userId: user.id, tenantId: elsewhere, acceptedAt: now, createdAt: now },
    })
    const moved = await inTheWay(lockUser, () => refresh(env, token, elsewhere), beginAnother)
    expect(moved.status).toBe(201)
    expect(await living()).toEqual([{ id }])
  })

  test("an account's number counts its own sessions, those that move to it included", async () => {
    const env = await newEnvironment()
    const user = await env.newUser({ password: PASSWORD })
    const ctx = await env.context(),
      elsewhere = await env.newTenant()
    await ctx.db.membership.create({
      data: { userId: user.id, tenantId: elsewhere, acceptedAt: ctx.clock.now(), createdAt: ctx.clock.now() },
    })
    await env.as(elsewhere)('POST', policy, concurrent(1))
    const logins = [await login(env, user.email), await login(env, user.email), await login(env, user.email)]
    const first = (await refresh(env, logins[0]!.token, elsewhere)).body.refreshToken
    await env.clock.advance(SECOND)
    const second = (await refresh(env, logins[1]!.token, elsewhere)).body.refreshToken
    expect((await refresh(env, first, elsewhere)).status).toBe(401)
    expect((await refresh(env, second, elsewhere)).status).toBe(201)
    expect((await refresh(env, logins[2]!.token, user.tenantId)).status).toBe(201)
  })
})
