import { describe, expect, test } from 'vitest'
import { newEnvironment, type Answer, type TestEnvironment } from '../../../../test/environment.ts'
import { inTheWay } from '../../../../test/in-the-way.ts'

const auth = '/identity/resources/auth/v1'
const PASSWORD = 'Correct-horse-7'
const SECOND = 1000,
  HOUR = 3_600_000,
  DAY = 24 * HOUR

const claimsOf = (token: string) => JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString())
const cookieName = (id: string) => `fe_refresh_${id.replace('-', '')}`
const configure = async (env: TestEnvironment, value: object) => {
  const ctx = await env.context(),
    now = ctx.clock.now()
  await ctx.db.setting.deleteMany({ where: { key: 'identity-configuration' } })
  await ctx.db.setting.create({
    data: { id: ctx.random.uuid(), key: 'identity-configuration', value, createdAt: now, updatedAt: now },
  })
}

/** A user who has just logged in. */
async function loggedIn(
  env: TestEnvironment,
  { roleKeys = [] as string[], configuration }: { roleKeys?: string[]; configuration?: object } = {},
) {
  if (configuration) await configure(env, configuration)
  const user = await env.newUser({ password: PASSWORD, roleKeys })
  const { body } = await env.anonymous('POST', `${auth}/user`, { email: user.email, password: PASSWORD })
  return { user, body, token: body.refreshToken as string }
}
const refresh = (env: TestEnvironment, token: string, body: object = {}): Promise<Answer> =>
  env.anonymous('POST', `${auth}/user/token/refresh`, body, { cookies: { [cookieName(env.id)]: token } })
const join = async (env: TestEnvironment, userId: string, tenantId: string) => {
  const ctx = await env.context()
  await ctx.db.membership.create({
    data: { userId, tenantId, acceptedAt: ctx.clock.now(), createdAt: ctx.clock.now() },
  })
}
const sessionsOf = async (env: TestEnvironment, userId: string) =>
  (await env.context()).db.session.findMany({ where: { userId }, include: { tokens: true } })

const ended = { status: 401, body: { errors: ['Session not found'] } }

describe.concurrent('refreshing', () => {
  test('exchanges the cookie for new tokens and a new cookie', async () => {
    const env = await newEnvironment()
    const { user, body, token } = await loggedIn(env)
    const answer = await refresh(env, token, { tenantId: null })
    expect(answer).toMatchObject({
      status: 201,
      body: {
        tokenType: 'bearer',
        mfaRequired: false,
        accessToken: expect.any(String),
        expiresIn: 86_400,
        userId: user.id,
        userEmail: user.email,
      },
      cookies: [{ name: cookieName(env.id), value: answer.body.refreshToken, httpOnly: true, path: '/' }],
    })
    expect(answer.body.refreshToken).not.toBe(token)
    expect(claimsOf(answer.body.accessToken)).toMatchObject({
      sub: user.id,
      sid: claimsOf(body.accessToken).sid,
      tenantId: user.tenantId,
    })
    expect((await refresh(env, answer.body.refreshToken)).status).toBe(201)
  })

  test('accepts the cookie in any of its spellings, a token in the body, no body, and an old Bearer token beside it', async () => {
    const env = await newEnvironment()
    const { body, token } = await loggedIn(env)
    const url = `${auth}/user/token/refresh`
    let last = token
    const next = (answer: Answer) => {
      expect(answer.status).toBe(201)
      last = answer.body.refreshToken
    }
    for (const name of [`fe_refresh_${env.id}`, `fe_refresh_${env.id.replaceAll('-', '')}`])
      next(await env.anonymous('POST', url, {}, { cookies: { [name]: last } }))
    next(await env.anonymous('POST', url, undefined, { cookies: { [cookieName(env.id)]: last } }))
    next(await env.anonymous('POST', url, { refreshToken: last }))
    next(await env.withToken(body.accessToken)('POST', url, {}, { cookies: { [cookieName(env.id)]: last } }))
    await env.clock.advance(23 * HOUR)
    next(await refresh(env, last))
    await env.clock.advance(2 * HOUR)
    next(await env.withToken(body.accessToken)('POST', url, {}, { cookies: { [cookieName(env.id)]: last } }))
  })

  test('works for the lifetime of the refresh token, which starts again each time', async () => {
    const env = await newEnvironment()
    await env.clock.freeze()
    const { token } = await loggedIn(env)
    await env.clock.advance(30 * DAY - 1)
    const { body } = await refresh(env, token)
    await env.clock.advance(30 * DAY - 1)
    const again = await refresh(env, body.refreshToken)
    expect(again.status).toBe(201)
    await env.clock.advance(30 * DAY)
    expect(await refresh(env, again.body.refreshToken)).toMatchObject(ended)
  })

  test('a missing, unknown or expired token is refused and its cookie cleared', async () => {
    const env = await newEnvironment()
    const { token } = await loggedIn(env, { configuration: { defaultRefreshTokenExpiration: 60 } })
    const none = await env.anonymous('POST', `${auth}/user/token/refresh`, {})
    expect(none).toMatchObject({ ...ended, cookies: [] })
    expect(none.body).toEqual({ errors: ['Session not found'] })
    const cleared = [{ name: cookieName(env.id), value: '', expires: new Date(0) }]
    expect(await refresh(env, 'unknown')).toMatchObject({ ...ended, cookies: cleared })
    await env.clock.advance(61 * SECOND)
    expect(await refresh(env, token)).toMatchObject({ ...ended, cookies: cleared })
  })

  test('a refused token in the body leaves the cookie alone', async () => {
    const env = await newEnvironment()
    const { token } = await loggedIn(env)
    const url = `${auth}/user/token/refresh`,
      cookies = { [cookieName(env.id)]: token }
    const refused = await env.anonymous('POST', url, { refreshToken: 'unknown' }, { cookies })
    expect(refused).toMatchObject({ ...ended, cookies: [] })
    expect((await env.anonymous('POST', url, {}, { cookies })).status).toBe(201)
  })

  test('roles and permissions are the current ones', async () => {
    const env = await newEnvironment()
    const { user, body, token } = await loggedIn(env, { roleKeys: ['ReadOnly'] })
    expect(claimsOf(body.accessToken).roles).toEqual(['ReadOnly'])
    const ctx = await env.context()
    const admin = await ctx.db.role.findFirstOrThrow({ where: { key: 'Admin' } })
    await ctx.db.membershipRole.updateMany({ where: { userId: user.id }, data: { roleId: admin.id } })
    expect(claimsOf((await refresh(env, token)).body.accessToken)).toMatchObject({
      roles: ['Admin'],
      permissions: expect.arrayContaining(['fe.secure.*']),
    })
  })

  test('locked, deleted and disabled users get no tokens', async () => {
    const env = await newEnvironment()
    const ctx = await env.context()
    const [locked, deleted, disabled] = await Promise.all([loggedIn(env), loggedIn(env), loggedIn(env)])
    await ctx.db.user.update({ where: { id: locked.user.id }, data: { isLocked: true } })
    await ctx.db.user.delete({ where: { id: deleted.user.id } })
    await ctx.db.membership.updateMany({ where: { userId: disabled.user.id }, data: { isDisabled: true } })
    for (const { token } of [locked, deleted, disabled]) expect(await refresh(env, token)).toMatchObject(ended)
    await ctx.db.user.update({ where: { id: locked.user.id }, data: { isLocked: false } })
    expect((await refresh(env, locked.token)).status).toBe(201)
  })

  test('the token is unknown in another environment', async () => {
    const [env, other] = [await newEnvironment(), await newEnvironment()]
    const { token } = await loggedIn(env)
    expect(await refresh(other, token)).toMatchObject(ended)
    expect((await refresh(env, token)).status).toBe(201)
  })

  test("an application's cookie is separate from the environment's", async () => {
    const env = await newEnvironment()
    const { user, token } = await loggedIn(env)
    const {
        body: { id: applicationId },
      } = await env.vendor('GET', '/applications/resources/applications/v1/default'),
      cookie = cookieName(applicationId)
    const inApplication = env.client({ 'frontegg-requested-application-id': applicationId })
    const login = await inApplication('POST', `${auth}/user`, { email: user.email, password: PASSWORD })
    const answer = await inApplication(
      'POST',
      `${auth}/user/token/refresh`,
      {},
      { cookies: { [cookieName(env.id)]: token, [cookie]: login.body.refreshToken } },
    )
    expect(answer.cookies).toMatchObject([{ name: cookie }])
    expect(claimsOf(answer.body.accessToken)).toMatchObject({
      applicationId,
      sid: claimsOf(login.body.accessToken).sid,
    })
    expect((await refresh(env, token)).cookies).toMatchObject([{ name: cookieName(env.id) }])
  })
})

describe.concurrent('rotation', () => {
  test('parallel tabs with one token all get the same next one', async () => {
    const env = await newEnvironment()
    await env.clock.freeze()
    const { user, token } = await loggedIn(env)
    const answers = await Promise.all(Array.from({ length: 8 }, () => refresh(env, token)))
    expect(answers.map((a) => a.status)).toEqual(Array(8).fill(201))
    expect(new Set(answers.map((a) => a.body.refreshToken)).size).toBe(1)
    const [session] = await sessionsOf(env, user.id)
    expect(session!.tokens.filter((t) => !t.usedAt)).toHaveLength(1)
    expect((await refresh(env, answers[0]!.body.refreshToken)).status).toBe(201)
  })

  test('a late tab within the grace period gets the current token', async () => {
    const env = await newEnvironment()
    const start = new Date('2027-03-01T00:00:00Z')
    await env.clock.freeze(start)
    const { token } = await loggedIn(env)
    const second = (await refresh(env, token)).body.refreshToken
    const third = (await refresh(env, second)).body.refreshToken
    await env.clock.freeze(new Date(start.getTime() + 10 * SECOND))
    const late = await refresh(env, token)
    expect(late).toMatchObject({ status: 201, body: { refreshToken: third }, cookies: [{ value: third }] })
    expect((await refresh(env, third)).status).toBe(201)
  })

  test('a token used again after the grace period counts as stolen: the whole session ends', async () => {
    const env = await newEnvironment()
    const { user, token } = await loggedIn(env)
    const next = (await refresh(env, token)).body.refreshToken
    await env.clock.advance(11 * SECOND)
    expect(await refresh(env, token)).toMatchObject({ ...ended, cookies: [{ value: '' }] })
    expect(await refresh(env, next)).toMatchObject(ended)
    expect((await sessionsOf(env, user.id)).every((s) => s.endedAt)).toBe(true)
  })

  test("the user's other sessions survive that", async () => {
    const env = await newEnvironment()
    const { user, token } = await loggedIn(env)
    const other = (await env.anonymous('POST', `${auth}/user`, { email: user.email, password: PASSWORD })).body
      .refreshToken
    await refresh(env, token)
    await env.clock.advance(11 * SECOND)
    expect(await refresh(env, token)).toMatchObject(ended)
    expect((await refresh(env, other)).status).toBe(201)
  })

  test('without rotation the token stays the same, and is not prolonged', async () => {
    const env = await newEnvironment()
    const { token } = await loggedIn(env, {
      configuration: { rotateRefreshTokens: false, defaultRefreshTokenExpiration: 600 },
    })
    await env.clock.advance(400 * SECOND)
    const answers = await Promise.all([refresh(env, token), refresh(env, token)])
    for (const { status, body, cookies } of answers) {
      expect({ status, token: body.refreshToken }).toEqual({ status: 201, token })
      expect(cookies[0]!['maxAge']).toBeLessThanOrEqual(200)
    }
    await env.clock.advance(201 * SECOND)
    expect(await refresh(env, token)).toMatchObject(ended)
  })

  test('above the limit of refresh tokens for a user, the longest unused one ends', async () => {
    const env = await newEnvironment()
    const { user, token: first } = await loggedIn(env, { configuration: { refreshTokensRotationLimit: 2 } })
    const login = async () => {
      await env.clock.advance(SECOND)
      return (await env.anonymous('POST', `${auth}/user`, { email: user.email, password: PASSWORD })).body.refreshToken
    }
    const second = await login()
    await env.clock.advance(SECOND)
    const used = (await refresh(env, first)).body.refreshToken
    const third = await login()
    expect(await refresh(env, second)).toMatchObject(ended)
    expect((await refresh(env, used)).status).toBe(201)
    expect((await refresh(env, third)).status).toBe(201)
  })

  test('a session that ends during the exchange of its token gives no new one', async () => {
    const env = await newEnvironment()
    const { user, token } = await loggedIn(env)
    const answer = await inTheWay(['update "Session" set "endedAt" = now() where "userId" = $1', user.id], () =>
      refresh(env, token),
    )
    expect(answer).toMatchObject(ended)
    const sessions = await sessionsOf(env, user.id)
    expect(sessions.every((s) => s.endedAt)).toBe(true)
    expect(sessions.flatMap((s) => s.tokens)).toHaveLength(1)
  })
})

describe.concurrent('switching tenants', () => {
  test('the named tenant becomes the active one, and stays so', async () => {
    const env = await newEnvironment()
    const { user, token } = await loggedIn(env)
    const other = await env.newTenant()
    await join(env, user.id, other)
    const switched = await refresh(env, token, { tenantId: other })
    expect(claimsOf(switched.body.accessToken)).toMatchObject({ tenantId: other, tenantIds: [user.tenantId, other] })
    expect(claimsOf((await refresh(env, switched.body.refreshToken)).body.accessToken).tenantId).toBe(other)
    expect(await (await env.context()).db.user.findFirst({ where: { id: user.id } })).toMatchObject({
      activeTenantId: other,
    })
  })

  test('the next token is for a tenant chosen elsewhere', async () => {
    const env = await newEnvironment()
    const { user, token } = await loggedIn(env)
    const other = await env.newTenant()
    await join(env, user.id, other)
    await (await env.context()).db.user.update({ where: { id: user.id }, data: { activeTenantId: other } })
    expect(claimsOf((await refresh(env, token)).body.accessToken).tenantId).toBe(other)
    expect(await sessionsOf(env, user.id)).toMatchObject([{ tenantId: other }])
  })

  test('two tabs that refresh for two tenants at once each get their own', async () => {
    const env = await newEnvironment()
    await env.clock.freeze()
    const { user, token } = await loggedIn(env)
    const other = await env.newTenant()
    await join(env, user.id, other)
    const answers = await Promise.all([
      refresh(env, token, { tenantId: other }),
      refresh(env, token, { tenantId: user.tenantId }),
    ])
    expect(answers.map((a) => claimsOf(a.body.accessToken).tenantId)).toEqual([other, user.tenantId])
    expect(answers[0].body.refreshToken).toBe(answers[1].body.refreshToken)
  })

  test("a tenant that is not the user's is not found, and the user stays logged in", async () => {
    const env = await newEnvironment()
    const { user, token } = await loggedIn(env)
    const [foreign, closed] = [await env.newTenant(), await env.newTenant()]
    await join(env, user.id, closed)
    await (await env.context()).db.membership.updateMany({ where: { tenantId: closed }, data: { isDisabled: true } })
    for (const tenantId of [foreign, closed, 'nowhere'])
      expect(await refresh(env, token, { tenantId })).toMatchObject({
        status: 404,
        body: { errors: ['Tenant not found'] },
        cookies: [],
      })
    expect(claimsOf((await refresh(env, token)).body.accessToken).tenantId).toBe(user.tenantId)
  })

  test('a user disabled in the active tenant goes on in another', async () => {
    const env = await newEnvironment()
    const { user, token } = await loggedIn(env)
    const other = await env.newTenant()
    await join(env, user.id, other)
    await (
      await env.context()
    ).db.membership.updateMany({ where: { tenantId: user.tenantId }, data: { isDisabled: true } })
    expect(claimsOf((await refresh(env, token)).body.accessToken)).toMatchObject({
      tenantId: other,
      tenantIds: [other],
    })
  })
})

describe.concurrent('logging out', () => {
  test("ends the cookie's session and clears the cookie; the access token ends with it", async () => {
    const env = await newEnvironment()
    const { body, token } = await loggedIn(env)
    const answer = await env.anonymous('POST', `${auth}/logout`, undefined, {
      cookies: { [cookieName(env.id)]: token },
    })
    expect(answer).toMatchObject({
      status: 201,
      body: null,
      cookies: [{ name: cookieName(env.id), value: '', expires: new Date(0) }],
    })
    expect(await refresh(env, token)).toMatchObject(ended)
    expect((await env.withToken(body.accessToken)('GET', '/identity/resources/users/sessions/v1/me')).status).toBe(401)
  })

  test('succeeds again, without a cookie, and with an invalid one', async () => {
    const env = await newEnvironment()
    const { token } = await loggedIn(env)
    for (const cookies of [
      { [cookieName(env.id)]: token },
      { [cookieName(env.id)]: token },
      { [cookieName(env.id)]: 'unknown' },
      undefined,
    ]) {
      expect((await env.anonymous('POST', `${auth}/logout`, {}, cookies && { cookies })).status).toBe(201)
    }
  })

  test('leaves other sessions alone', async () => {
    const env = await newEnvironment()
    const { user, token } = await loggedIn(env)
    const other = (await env.anonymous('POST', `${auth}/user`, { email: user.email, password: PASSWORD })).body
      .refreshToken
    await env.anonymous('POST', `${auth}/logout`, {}, { cookies: { [cookieName(env.id)]: other } })
    expect((await refresh(env, token)).status).toBe(201)
    expect(await refresh(env, other)).toMatchObject(ended)
  })
})
