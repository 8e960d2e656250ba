import { describe, expect, test } from 'vitest'
import { deps, newEnvironment, operations, server, type TestEnvironment } from '../../test/environment.ts'
import { buildServer } from '../server.ts'
import { addControlPlane } from './control-plane.ts'
import { watching } from './watch.ts'

const own = { ...deps, rateLimits: false },
  watched = watching(own),
  on = await buildServer(own, watched.watch)
await addControlPlane(on, { open: true, watching: watched })

const R = '/identity/resources',
  LOGIN = `${R}/auth/v1/user`,
  PASSWORD = 'Correct-Horse-7'
const made = () => newEnvironment(on)
const requests = async (env: TestEnvironment, query = '') =>
  (await env.bare('GET', `/_emulator/requests?environment=${env.id}&${query}`)).body
const expectation = (env: TestEnvironment, body: object) =>
  env.bare('POST', '/_emulator/requests/expect', { environment: env.id, ...body })
const logIn = (env: TestEnvironment, email: string, password = PASSWORD) =>
  env.anonymous('POST', LOGIN, { email, password })
const loginAnswer = async (env: TestEnvironment, email: string, more = '') =>
  (await env.bare('GET', `/_emulator/explain/login?environment=${env.id}&email=${encodeURIComponent(email)}${more}`))
    .body
const reasons = async (env: TestEnvironment, email: string, more = '') =>
  (await loginAnswer(env, email, more)).obstacles.map(({ reason }: { reason: string }) => reason)
/** The entry that a refusal names. */
const explained = async (env: TestEnvironment, answer: { headers: Record<string, unknown> }) =>
  (await env.bare('GET', new URL(String(answer.headers['frontegg-explain'])).pathname)).body

describe.concurrent('the request log', () => {
  test('says who asked for what, about whom, and what it took', async () => {
    const env = await made(),
      user = await env.user({ permissions: ['fe.secure.read.roles'] })
    expect((await user('GET', `${R}/roles/v1`)).status).toBe(200)
    const [entry] = await requests(env)
    expect(entry).toMatchObject({
      method: 'GET',
      path: `${R}/roles/v1`,
      operation: operations.find(({ path, method }) => path === `${R}/roles/v1` && method === 'GET')!.id,
      status: 200,
      environment: env.id,
      caller: { kind: 'person', id: user.id },
      tenant: user.tenantId,
      user: user.id,
      rule: null,
      fault: null,
    })
    expect(entry.statements).toBeGreaterThan(0)
    expect(entry.ms).toBeGreaterThan(0)
  })

  test('counts the statements of each request alone, also of many at once', async () => {
    const env = await made(),
      call = () => env.vendor('GET', `${R}/roles/v1`)
    await call()
    await call()
    const [{ statements }] = await requests(env)
    await Promise.all(Array.from({ length: 40 }, call))
    const entries = await requests(env, 'limit=40')
    expect(new Set(entries.map((entry: { statements: number }) => entry.statements))).toEqual(new Set([statements]))
  })

  test('is filtered by operation, path, status, user, tenant, rule and what came before', async () => {
    const env = await made(),
      user = await env.user(),
      found = async (query: string) => (await requests(env, query)).length
    await env.vendor('GET', `${R}/roles/v1`)
    const [first] = await requests(env)
    await user('GET', `${R}/users/v2/me`)
    await user('GET', `${R}/roles/v1`)
    expect(await found('')).toBe(3)
    expect(await found(`operation=${first.operation}`)).toBe(2)
    expect(await found(`path=${R}/roles/v1`)).toBe(2)
    expect(await found(`path=${R}/users/*`)).toBe(1)
    expect(await found('status=403')).toBe(1)
    expect(await found('status=4xx')).toBe(1)
    expect(await found('method=post')).toBe(0)
    expect(await found(`user=${user.id}`)).toBe(2)
    expect(await found(`tenant=${user.tenantId}`)).toBe(2)
    expect(await found('rule=permission')).toBe(1)
    expect(await found(`since=${first.id}`)).toBe(2)
    expect(await found('since=2001-01-01T00:00:00Z')).toBe(3)
    expect(await found('since=2999-01-01T00:00:00Z')).toBe(0)
    for (const query of ['since=yesterday', 'status=abc', 'opration=x', 'wait=61', 'limit=0'])
      expect([query, (await env.bare('GET', `/_emulator/requests?environment=${env.id}&${query}`)).status]).toEqual([
        query,
        400,
      ])
  })

  test('waits for a request that is still to come', async () => {
    const env = await made(),
      waiting = requests(env, 'wait=20&status=200')
    await env.vendor('GET', `${R}/roles/v1`)
    expect(await waiting).toHaveLength(1)
  })

  test('counts for a test, and says what it found', async () => {
    const env = await made()
    await env.vendor('GET', `${R}/roles/v1`)
    await env.vendor('GET', `${R}/roles/v1`)
    const met = async (body: object) => (await expectation(env, body)).body.met
    expect(await met({ path: `${R}/roles/v1`, count: 2 })).toBe(true)
    expect(await met({ path: `${R}/roles/v1`, count: 1 })).toBe(false)
    expect(await met({ atLeast: 1 })).toBe(true)
    expect(await met({ atLeast: 3 })).toBe(false)
    expect(await met({ atMost: 1 })).toBe(false)
    expect(await met({ status: '500', atMost: 0 })).toBe(true)
    expect(await met({ status: '500' })).toBe(false)
    expect((await expectation(env, { status: '500' })).body).toMatchObject({
      count: 0,
      requests: [],
      message: expect.stringMatching(/expected at least 1$/),
    })
    const later = expectation(env, { status: '201', wait: 20 })
    await env.vendor('POST', `${R}/roles/v1`, [{ key: 'r', name: 'R', level: 1 }])
    expect((await later).body).toMatchObject({ met: true, count: 1 })
    expect((await expectation(env, { cont: 1 })).status).toBe(400)
    expect((await expectation(env, { count: -1 })).status).toBe(400)
  })

  test('holds no secret of what was sent or answered', async () => {
    const env = await made(),
      { email } = await env.newUser({ password: PASSWORD }),
      { body, cookies } = await logIn(env, email)
    await logIn(env, email, 'Wrong-Horse-7')
    await env.anonymous('GET', '/oauth/account/login?token=secret-in-an-address')
    await env.anonymous('POST', `${R}/users/v1/passwords/reset/verify`, {
      userId: env.id,
      token: 'secret-token',
      password: PASSWORD,
    })
    const text = JSON.stringify(await requests(env))
    for (const secret of [
      PASSWORD,
      'Wrong-Horse-7',
      'secret-in-an-address',
      'secret-token',
      body.accessToken,
      body.refreshToken,
      cookies[0]!.value,
    ])
      expect(text).not.toContain(secret)
  })

  test('forgets the oldest, and all of an environment that is reset', async () => {
    const env = await made()
    for (let round = 0; round < 26; round++)
      await Promise.all(Array.from({ length: 20 }, () => env.anonymous('GET', `/nowhere/${round}`)))
    const entries = await requests(env, 'limit=1000')
    expect(entries).toHaveLength(500)
    expect(entries.at(-1).path).toBe('/nowhere/1')
    expect((await env.bare('POST', '/_emulator/reset', { environment: env.id })).status).toBe(204)
    expect(await requests(env)).toEqual([])
  })

  test("knows nothing of another environment's requests", async () => {
    const [env, other] = [await made(), await made()]
    await env.vendor('GET', `${R}/roles/v1`)
    expect(await requests(other)).toEqual([])
  })
})

describe.concurrent('a refusal explains itself', () => {
  test('by the permission that is missing', async () => {
    const env = await made(),
      user = await env.user(),
      answer = await user('GET', `${R}/roles/v1`)
    expect(answer.status).toBe(403)
    expect(answer.headers['frontegg-explain']).toBe(
      `http://localhost:3100/_emulator/requests/${String(answer.headers['frontegg-trace-id'])}`,
    )
    expect(await explained(env, answer)).toMatchObject({
      status: 403,
      user: user.id,
      rule: { kind: 'permission', name: 'fe.secure.read.roles' },
      explanation: expect.stringMatching(/does not have the permission fe\.secure\.read\.roles.*To change it: PUT /),
    })
  })

  test('by the policy, whose it is and what changes it', async () => {
    const env = await made(),
      { email, tenantId } = await env.newUser({ password: PASSWORD })
    await env.context().then((ctx) =>
      ctx.db.setting.create({
        data: {
          id: ctx.random.uuid(),
          key: 'ip-restrictions',
          tenantId,
          value: { isActive: true, strategy: 'ALLOW' },
          createdAt: ctx.clock.now(),
          updatedAt: ctx.clock.now(),
        },
      }),
    )
    const answer = await logIn(env, email)
    expect(answer.status).toBe(403)
    expect(await explained(env, answer)).toMatchObject({
      tenant: tenantId,
      rule: { kind: 'policy', name: 'ip-restrictions', owner: `tenant ${tenantId}` },
      explanation: expect.stringMatching(new RegExp(`is that of the tenant ${tenantId}.*To change it: POST `)),
    })
    expect(await reasons(env, email)).toEqual(['ip'])
  })

  test('by what stands between a user and their session', async () => {
    const env = await made(),
      user = await env.newUser({ password: PASSWORD }),
      wrong = await logIn(env, user.email, 'Wrong-Horse-7')
    expect(wrong.status).toBe(401)
    expect(await explained(env, wrong)).toMatchObject({
      rule: { kind: 'credentials' },
      user: user.id,
      explanation: expect.stringContaining('the password is wrong'),
    })
    expect(await explained(env, await logIn(env, 'nobody@example.com'))).toMatchObject({
      rule: { kind: 'credentials' },
      explanation: expect.stringContaining('No user of the environment has this address.'),
    })
  })

  test('by the token', async () => {
    const env = await made(),
      user = await env.user(),
      text = async (answer: { headers: Record<string, unknown> }) =>
        (await explained(env, answer)).explanation as string
    expect(await text(await env.anonymous('GET', `${R}/roles/v1`))).toContain('None was sent')
    expect(await text(await env.client({ authorization: 'Bearer x' }, on)('GET', `${R}/roles/v1`))).toContain('no JWT')
    expect(await text(await user('GET', `${R}/vendor-only/users/v1/${user.id}`))).toContain(
      'takes an environment token',
    )
    await env.clock.advance(40 * 86_400_000)
    expect(await text(await user('GET', `${R}/users/v2/me`))).toMatch(/expired at \d{4}/)
  })

  test('by the lock', async () => {
    const env = await made(),
      { id, email } = await env.newUser({ password: PASSWORD })
    await env.vendor('POST', `${R}/users/v1/${id}/lock`)
    const answer = await logIn(env, email)
    expect(answer.status).toBe(423)
    expect(await explained(env, answer)).toMatchObject({ rule: { kind: 'lock', owner: 'built-in' }, user: id })
  })

  test('on pages of other origins, too', async () => {
    const env = await made()
    const { headers } = await env.client({ origin: 'http://localhost:5173' }, on)('GET', `${R}/roles/v1`)
    expect(headers['access-control-expose-headers']).toContain('frontegg-explain')
  })

  test('never in production', async () => {
    const env = await newEnvironment()
    expect(server.watch).toBeUndefined()
    const { status, headers } = await env.anonymous('GET', `${R}/roles/v1`)
    expect([status, headers['frontegg-explain']]).toEqual([401, undefined])
    const plain = await buildServer(deps)
    for (const path of ['/_emulator/requests', '/_emulator/explain/login?email=a@example.com'])
      expect((await plain.http.inject({ url: path, headers: { host: 'localhost' } })).statusCode).toBe(404)
  })
})

describe.concurrent('the explanation of a login', () => {
  test('names what stands in the way, and nothing for those who can come in', async () => {
    const env = await made(),
      fine = await env.newUser({ password: PASSWORD })
    expect(await loginAnswer(env, fine.email.toUpperCase())).toEqual({
      email: fine.email,
      canLogIn: true,
      userId: fine.id,
      tenantId: fine.tenantId,
      obstacles: [],
    })
    const unverified = await env.newUser({ password: PASSWORD, verified: false }),
      without = await env.newUser(),
      locked = await env.newUser({ password: PASSWORD }),
      lost = await env.newUser({ password: PASSWORD })
    await env.vendor('POST', `${R}/users/v1/${locked.id}/lock`)
    await (await env.context()).db.membership.deleteMany({ where: { userId: lost.id } })
    expect(await reasons(env, unverified.email)).toEqual(['unverified'])
    expect(await reasons(env, without.email)).toEqual(['password-missing'])
    expect(await reasons(env, locked.email)).toEqual(['locked'])
    expect(await reasons(env, lost.email)).toEqual(['no-tenant'])
    expect(await reasons(env, 'nobody@example.com')).toEqual(['unknown'])
    expect(await reasons(env, fine.email, '&tenant=elsewhere')).toEqual(['no-tenant'])
    for (const { email } of [unverified, without, locked, lost]) {
      expect((await loginAnswer(env, email)).canLogIn).toBe(false)
      expect((await logIn(env, email)).status).not.toBe(200)
    }
  })

  test('names memberships that are disabled or not accepted', async () => {
    const env = await made(),
      { id, email } = await env.newUser({ password: PASSWORD }),
      change = async (data: object) => (await env.context()).db.membership.updateMany({ where: { userId: id }, data })
    await change({ isDisabled: true })
    expect(await reasons(env, email)).toEqual(['disabled'])
    await change({ isDisabled: false, acceptedAt: null })
    expect(await reasons(env, email)).toEqual(['invitation-pending'])
  })

  test('names policies: second factor, expired password, way of logging in', async () => {
    const env = await made(),
      { email } = await env.newUser({ password: PASSWORD })
    await env.vendor('POST', `${R}/configurations/v1/mfa-policy`, { enforceMFAType: 'Force' })
    expect(await reasons(env, email)).toEqual(['mfa-enrolment'])
    expect((await loginAnswer(env, email)).canLogIn).toBe(true)
    await env.vendor('POST', `${R}/configurations/v1/password-rotation`, {
      isActive: true,
      rotationPeriod: 60,
      notificationPeriod: 10,
    })
    await env.clock.advance(2 * 3_600_000)
    await env.vendor('POST', `${R}/configurations/v1`, { authStrategy: 'MagicLink' })
    const { obstacles, canLogIn } = await loginAnswer(env, email)
    expect(canLogIn).toBe(false)
    expect(obstacles.map(({ reason }: { reason: string }) => reason)).toEqual([
      'strategy',
      'password-expired',
      'mfa-enrolment',
    ])
    expect(obstacles[0].explanation).toMatch(/MagicLink.*To change it: POST /)
  })

  test('wants an address', async () => {
    const env = await made()
    for (const query of ['', 'email=x', `email=a@example.com&nam=x`])
      expect((await env.bare('GET', `/_emulator/explain/login?environment=${env.id}&${query}`)).status).toBe(400)
  })
})

test('every rule names an operation that there is', async () => {
  const { readFile } = await import('node:fs/promises')
  const text = (
      await Promise.all(
        ['rules.ts', 'explain-login.ts'].map((file) => readFile(new URL(file, import.meta.url), 'utf8')),
      )
    ).join('\n'),
    named = [...text.matchAll(/'(\w+V\d)'/g)].map(([, id]) => id)
  expect(named.length).toBeGreaterThan(10)
  expect(named.filter((id) => !operations.some((op) => op.id === id))).toEqual([])
})
