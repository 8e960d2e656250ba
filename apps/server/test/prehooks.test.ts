import { describe, expect, test } from 'vitest'
import { deps, newEnvironment, unique, type TestEnvironment } from './environment.ts'
import { EVENTS, hooked, nowhere, prehooks, REFUSED, setHook } from './prehooks.ts'
import { claimsOf, logIn, PASSWORD } from './second-factors.ts'
import { house, setUp, ways } from './ways-in.ts'

/*
 * What prehooks are asked about, and what they change. `prehooks-everywhere.test.ts` goes through all operations.
 */

const users = '/identity/resources/users',
  auth = '/identity/resources/auth/v1/user'

describe('where a prehook gives no answer and closes', () => {
  // signing up with a number gives no token by itself
  test.for(Object.entries(ways).filter(([name]) => name !== 'signing up with a number'))(
    'there is no token: %s',
    async ([, way]) => {
      const env = await newEnvironment(),
        there = await house(env)
      await setUp(there, {}, way.needs)
      const begun = await way.begin(there),
        hook = await setHook(env, await nowhere(), ['JWT_GENERATION'])
      const from = env.client({})
      const refused = await begun.finish(from)
      expect(refused).toMatchObject({ status: REFUSED.status })
      expect(JSON.stringify(refused.body)).not.toMatch(/eyJ/)
      expect(refused.cookies.filter(({ value }) => value !== '')).toEqual([])
      await env.vendor('DELETE', `${prehooks}/${hook}`)
    },
  )

  test('a job reports whom it may not invite, and invites nobody', async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant()
    await setHook(env, await nowhere(), ['USER_INVITE'])
    const email = `${unique('new')}@example.com`
    const { status, body } = await env.as(tenantId)('POST', `${users}/bulk/v1/invite`, { users: [{ email }] })
    expect(status).toBe(202)
    await env.runJobs()
    expect(JSON.stringify((await env.as(tenantId)('GET', `${users}/bulk/v1/status/${body.id}`)).body)).toContain(
      REFUSED.body.errors[0],
    )
    expect(await (await env.context()).db.user.count()).toBe(0)
    expect(await env.messages()).toEqual([])
  })

  test.each(['setUserTenantV1', 'addUserToTenantV1'])('%s makes no account', async (id) => {
    const env = await newEnvironment(),
      { db } = await env.context(),
      user = await env.newUser(),
      method = id === 'setUserTenantV1' ? 'PUT' : 'POST'
    await setHook(env, await nowhere(), ['CREATE_TENANT'])
    const before = await db.tenant.count()
    expect(await env.vendor(method, `${users}/v1/${user.id}/tenant`, { tenantId: 'unheard-of' })).toMatchObject(REFUSED)
    expect([await db.tenant.count(), await db.membership.count()]).toEqual([before, 1])
  })

  test('the session and its refresh token stay, and go on once it answers', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD }),
      { refreshToken } = (await logIn(env, user)).body,
      hook = await setHook(env, await nowhere(), ['JWT_GENERATION']),
      refresh = () => env.anonymous('POST', `${auth}/token/refresh`, { refreshToken })
    for (let i = 0; i < 2; i++) {
      expect((await refresh()).status).toBe(403)
      await env.clock.advance(600_000)
    }
    expect((await logIn(env, user)).status).toBe(403)
    expect(await (await env.context()).db.session.count()).toBe(1)
    await env.vendor('DELETE', `${prehooks}/${hook}`)
    expect((await refresh()).status).toBeLessThan(300)
  })
})

describe('what a prehook changes', () => {
  const signUp = (env: TestEnvironment, more: object = {}) =>
    env.anonymous('POST', `${users}/v1/signUp`, {
      email: `${unique('new')}@example.com`,
      name: 'Ada',
      password: PASSWORD,
      companyName: 'Acme',
      ...more,
    })

  test('of somebody who signs up: name, metadata, roles, and the account that they join', async () => {
    const env = await newEnvironment(),
      { db } = await env.context(),
      tenantId = await env.newTenant(),
      { id: roleId } = await db.role.findFirstOrThrow({ where: { key: 'ReadOnly' } })
    const double = await hooked(env, ['SIGN_UP'], {
      verdict: 'allow',
      response: {
        user: {
          id: 'ignored',
          email: 'ignored@example.com',
          name: 'Countess',
          metadata: { plan: 'gold' },
          roleIds: [roleId],
          allowSubaccountAccess: true,
        },
        tenant: { id: tenantId },
      },
    })
    const { status, body } = await signUp(env, { metadata: '{"a":1}' })
    expect([status, body.tenantId]).toEqual([201, tenantId])
    expect(double.questions()).toMatchObject([
      {
        data: {
          user: {
            email: expect.stringContaining('new-'),
            name: 'Ada',
            ipAddress: expect.any(String),
            metadata: '{"a":1}',
          },
        },
      },
    ])
    const user = await db.user.findUniqueOrThrow({
      where: { id: body.userId },
      include: { memberships: { include: { roles: true } } },
    })
    expect(user).toMatchObject({
      name: 'Countess',
      metadata: '{"plan":"gold"}',
      subAccountAccess: true,
      verified: false,
    })
    expect(user.email).not.toBe('ignored@example.com')
    expect(user.memberships).toMatchObject([{ tenantId, roles: [{ roleId }] }])
    expect(await db.tenant.count()).toBe(1)
  })

  test.for([
    ['an account that is not there', { tenant: { id: 'nowhere' } }],
    ['a role that is not there', { user: { roleIds: ['0b0e5f0e-7a0e-4c55-9d0e-222222222222'] } }],
  ])('is refused where it names %s', async ([, response]) => {
    const env = await newEnvironment()
    await hooked(env, ['SIGN_UP'], { verdict: 'allow', response })
    expect([400, 404]).toContain((await signUp(env)).status)
    expect(await (await env.context()).db.user.count()).toBe(0)
  })

  test('of another form is no answer', async () => {
    const env = await newEnvironment(),
      { id } = await hooked(env, ['SIGN_UP'], { verdict: 'allow', response: { user: { name: 7 } } })
    expect(await signUp(env)).toMatchObject(REFUSED)
    await env.vendor('PATCH', `${prehooks}/${id}`, { failMethod: 'OPEN' })
    expect((await signUp(env)).status).toBe(201)
  })

  test('of an invited user: name, and roles that the caller could not give', async () => {
    const env = await newEnvironment(),
      { db } = await env.context(),
      { id: roleId } = await db.role.findFirstOrThrow({ where: { key: 'Admin' } }),
      weak = await env.user({ permissions: ['fe.secure.write.users'], level: 9 })
    await hooked(env, ['USER_INVITE'], { continue: true, response: { user: { name: 'Bob', roleIds: [roleId] } } })
    const own = await db.membershipRole.findFirstOrThrow({ where: { userId: weak.id } })
    const { status, body } = await weak('POST', `${users}/v2`, {
      email: `${unique('bob')}@example.com`,
      roleIds: [own.roleId],
    })
    expect(status, JSON.stringify(body)).toBe(201)
    expect(body.name).toBe('Bob')
    expect(await db.membershipRole.findMany({ where: { userId: body.id } })).toMatchObject([{ roleId }])
  })

  test('of a profile: name and metadata', async () => {
    const env = await newEnvironment(),
      user = await env.user(),
      double = await hooked(env, ['USER_UPDATE'], {
        verdict: 'allow',
        response: { user: { metadata: { seen: true } } },
      })
    expect((await user('PUT', `${users}/v2/me`, { name: 'New', metadata: '{"a":1}' })).status).toBe(200)
    expect(double.questions()).toMatchObject([{ data: { user: { id: user.id, name: 'New', metadata: '{"a":1}' } } }])
    expect((await user('GET', `${users}/v2/me`)).body).toMatchObject({ name: 'New', metadata: '{"seen":true}' })
  })

  test('of a token: claims of its own, roles and permissions of the application, and how long it lasts', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD, permissions: ['fe.secure.read.users'] })
    const double = await hooked(env, ['JWT_GENERATION'], {
      verdict: 'allow',
      response: {
        claims: {
          sub: 'somebody else',
          iss: 'https://evil.example',
          aud: 'x',
          type: 'vendor',
          sid: 'x',
          tenantId: 'nowhere',
          superUser: true,
          act: { sub: 'x' },
          amr: ['mfa'],
          vendorId: 'x',
          roles: ['owner'],
          permissions: ['eggs.read', 'fe.secure.read.users', 'fe.secure.write.users', 'fe.*', '*'],
          customClaims: { plan: 'gold' },
        },
        expiresIn: 60,
        mfaFactorUsed: true,
      },
    })
    const { status, body } = await logIn(env, user)
    expect([status, body.expiresIn]).toEqual([200, 60])
    const claims = claimsOf(body.accessToken)
    expect(claims).toMatchObject({
      sub: user.id,
      type: 'userToken',
      aud: env.id,
      tenantId: user.tenantId,
      iss: `http://${env.name}.localhost:3100`,
      roles: ['owner'],
      permissions: ['eggs.read', 'fe.secure.read.users'],
      customClaims: { plan: 'gold' },
    })
    expect(Number(claims['exp']) - Number(claims['iat'])).toBe(60)
    for (const name of ['superUser', 'act', 'amr', 'vendorId']) expect(claims).not.toHaveProperty(name)
    expect(double.questions()[0].data.claims).toMatchObject({ sub: user.id, tenantId: user.tenantId })
    const me = env.withToken(body.accessToken)
    expect((await me('GET', `${users}/v2/me`)).status).toBe(200)
    expect((await me('POST', `${users}/v2`, { email: 'x@example.com' })).status).toBe(403)
  })

  test('costs no statement where there is none', async () => {
    const env = await newEnvironment(),
      ctx = await env.context(),
      kept = await import('../src/areas/delivery/prehooks/prehooks.service.ts')
    const first = await kept.activePrehooks(ctx)
    expect(await kept.activePrehooks(ctx)).toBe(first)
    expect(first.size).toBe(0)
    expect(EVENTS).toHaveLength(9)
    expect(deps.strict).toBe(true)
  })
})
