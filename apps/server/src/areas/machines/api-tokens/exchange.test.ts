import { describe, expect, test } from 'vitest'
import {
  deps,
  newEnvironment,
  newServer,
  unique,
  UNKNOWN_ID,
  type TestEnvironment,
} from '../../../../test/environment.ts'
import { claimsOf } from '../../../../test/second-factors.ts'
import { MINUTE, SECOND } from '../../../kernel/clock.ts'

const identity = '/identity/resources',
  tenants = `${identity}/tenants/api-tokens/v2`,
  users = `${identity}/users/api-tokens/v1`,
  configuration = `${identity}/configurations/v1`,
  HOUR = 60 * MINUTE,
  DAY = 24 * HOUR
const invalid = { status: 401, body: { errors: ['Invalid authentication'] } }

interface Token {
  clientId: string
  secret: string
}
const exchange = (env: TestEnvironment, { clientId, secret }: Token, version = 'v1') =>
  env.anonymous('POST', `${identity}/auth/${version}/api-token`, { clientId, secret })
const refresh = (env: TestEnvironment, refreshToken: string, version = 'v1') =>
  env.anonymous('POST', `${identity}/auth/${version}/api-token/token/refresh`, { refreshToken })
const tenantToken = async (env: TestEnvironment, tenantId: string, body: object = {}) =>
  (await env.as(tenantId)('POST', tenants, body)).body as Token
const userToken = async (env: TestEnvironment, user: { id: string; tenantId: string }, body: object = {}) =>
  (await env.as(user.tenantId, user.id)('POST', users, body)).body as Token
const roleId = async (env: TestEnvironment, key: string) =>
  (await (await env.context()).db.role.findFirstOrThrow({ where: { key } })).id
const claimsFor = async (env: TestEnvironment, token: Token) =>
  claimsOf((await exchange(env, token)).body.accessToken as string)

describe.concurrent('the exchange of client id and secret', () => {
  test('gives the same in the names of both versions, for the time that the environment says', async () => {
    const env = await newEnvironment(),
      token = await tenantToken(env, await env.newTenant())
    await env.vendor('POST', configuration, { defaultTokenExpiration: 600 })
    await env.clock.freeze(new Date('2031-05-05T10:00:00.000Z'))
    const [first, second] = [await exchange(env, token), await exchange(env, token, 'v2')]
    const expires = 'Mon, 05 May 2031 10:10:00 GMT',
      secret = expect.stringMatching(/^[\w-]{43}$/)
    expect(first.status).toBe(200)
    expect(first.body).toEqual({ accessToken: expect.any(String), refreshToken: secret, expiresIn: 600, expires })
    expect(second.status).toBe(200)
    expect(second.body).toEqual({ access_token: expect.any(String), refresh_token: secret, expires_in: 600, expires })
    const { iat, exp } = claimsOf(first.body.accessToken as string) as { iat: number; exp: number }
    expect([iat, exp]).toEqual(['10:00', '10:10'].map((time) => Date.parse(`2031-05-05T${time}Z`) / SECOND))
    for (const { body } of [await refresh(env, second.body.refresh_token as string, 'v2')])
      expect(body).toEqual({ access_token: expect.any(String), refresh_token: secret, expires_in: 600, expires })
    expect((await refresh(env, first.body.refreshToken as string)).body).toMatchObject({ expiresIn: 600, expires })
  })

  test("tells in an account's token what the token may do now", async () => {
    const env = await newEnvironment(),
      admin = await env.user({ roleKeys: ['Admin'] }),
      readOnly = await roleId(env, 'ReadOnly')
    const token = (await admin('POST', tenants, { roleIds: [readOnly], metadata: { team: 'hens' } })).body as Token
    const claims = await claimsFor(env, token)
    expect(claims).toEqual({
      sub: token.clientId,
      type: 'tenantApiToken',
      iss: `http://${env.name}.localhost:3100`,
      aud: env.id,
      tenantId: admin.tenantId,
      roles: ['ReadOnly'],
      permissions: expect.any(Array),
      metadata: { team: 'hens' },
      createdByUserId: admin.id,
      iat: expect.any(Number),
      exp: expect.any(Number),
    })
    expect((claims['permissions'] as string[]).toSorted()).toEqual(['fe.connectivity.read.*', 'fe.secure.read.*'])
    await env.vendor('PATCH', `${identity}/roles/v1/${readOnly}`, { key: 'Looker' })
    expect((await claimsFor(env, token))['roles']).toEqual(['Looker'])
  })

  test('tells permissions that were given without a role', async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant(),
      { db } = await env.context(),
      permissions = await db.permission.findMany({ where: { key: { in: ['fe.secure.read.users', 'fe.secure.*'] } } })
    const claims = await claimsFor(
      env,
      await tenantToken(env, tenantId, { permissionIds: permissions.map(({ id }) => id) }),
    )
    expect(claims['roles']).toEqual([])
    expect((claims['permissions'] as string[]).toSorted()).toEqual(['fe.secure.*', 'fe.secure.read.users'])
    expect(claims).toMatchObject({ createdByUserId: null, metadata: {} })
  })

  test("tells in a user's token who they are, and what they may do in that account now, by groups, too", async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ roleKeys: ['ReadOnly'] })
    const { db, clock } = await env.context()
    await db.user.update({ where: { id: user.id }, data: { metadata: '{"theme":"dark"}' } })
    const token = await userToken(env, user, { metadata: { on: 'laptop' } })
    expect(await claimsFor(env, token)).toEqual({
      sub: token.clientId,
      type: 'userApiToken',
      iss: `http://${env.name}.localhost:3100`,
      aud: env.id,
      tenantId: user.tenantId,
      userId: user.id,
      email: user.email,
      userMetadata: { theme: 'dark' },
      roles: ['ReadOnly'],
      permissions: expect.arrayContaining(['fe.secure.read.*']),
      metadata: { on: 'laptop' },
      createdByUserId: user.id,
      iat: expect.any(Number),
      exp: expect.any(Number),
    })
    await db.membershipRole.deleteMany({ where: { userId: user.id } })
    const elsewhere = await env.newTenant()
    await db.membership.create({
      data: {
        userId: user.id,
        tenantId: elsewhere,
        acceptedAt: clock.now(),
        createdAt: clock.now(),
        roles: { create: { roleId: await roleId(env, 'ReadOnly') } },
      },
    })
    expect(await claimsFor(env, token)).toMatchObject({ roles: [], permissions: [] })
    const home = env.as(user.tenantId),
      group = (await home('POST', `${identity}/groups/v1`, { name: 'G' })).body.id as string
    await home('POST', `${identity}/groups/v1/${group}/roles`, { roleIds: [await roleId(env, 'Admin')] })
    await home('POST', `${identity}/groups/v1/${group}/users`, { userIds: [user.id] })
    const { refreshToken } = (await exchange(env, token)).body
    expect(await claimsFor(env, token)).toMatchObject({ roles: ['Admin'] })
    await home('DELETE', `${identity}/groups/v1/${group}`)
    const refreshed = await refresh(env, refreshToken as string)
    expect(claimsOf(refreshed.body.accessToken as string)).toMatchObject({ type: 'userApiToken', roles: [] })
  })

  test('leaves out of tokens what the environment does not want there', async () => {
    const env = await newEnvironment(),
      token = await userToken(env, await env.newUser({ roleKeys: ['Admin'] }))
    await env.vendor('POST', configuration, { addRolesToJwt: false, addPermissionsToJwt: false })
    const claims = await claimsFor(env, token)
    expect(claims).not.toHaveProperty('roles')
    expect(claims).not.toHaveProperty('permissions')
  })

  test("signs with the key pair also where users' tokens are signed with the shared secret", async () => {
    const env = await newEnvironment(),
      token = await tenantToken(env, await env.newTenant())
    await env.vendor('POST', configuration, { jwtAlgorithm: 'HS256' })
    const [header] = ((await exchange(env, token)).body.accessToken as string).split('.')
    expect(JSON.parse(Buffer.from(header!, 'base64url').toString())).toMatchObject({ alg: 'RS256' })
  })

  test('gives no token that outlives its credentials', async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant(),
      token = await tenantToken(env, tenantId, { expiresInMinutes: 10 })
    await env.clock.advance(9 * MINUTE)
    const { body } = await exchange(env, token)
    expect(body.expiresIn).toBeLessThanOrEqual(60)
    expect(body.expiresIn).toBeGreaterThan(30)
    await env.clock.advance(MINUTE)
    expect(await exchange(env, token)).toMatchObject(invalid)
    expect(await refresh(env, body.refreshToken as string)).toMatchObject(invalid)
  })

  test('refuses all wrong credentials alike', async () => {
    const env = await newEnvironment(),
      other = await newEnvironment(),
      token = await tenantToken(env, await env.newTenant()),
      another = await tenantToken(env, await env.newTenant()),
      foreign = await tenantToken(other, await other.newTenant())
    const wrong = [
      { ...token, secret: another.secret },
      { ...token, secret: token.secret.slice(0, -1) },
      { ...token, secret: `${token.secret} ` },
      { ...token, secret: token.clientId },
      { clientId: UNKNOWN_ID, secret: token.secret },
      { clientId: 'x', secret: token.secret },
      { clientId: env.id, secret: env.apiKey },
      foreign,
    ]
    for (const one of wrong) {
      const answer = await exchange(env, one)
      expect(answer).toMatchObject(invalid)
      expect(answer.body).toEqual(invalid.body)
    }
    expect((await exchange(env, token)).status).toBe(200)
    for (const body of [{}, { clientId: token.clientId }, { ...token, secret: 7 }, [token]])
      expect((await env.anonymous('POST', `${identity}/auth/v2/api-token`, body)).status).toBe(400)
  })

  test.for<[string, object | ((env: TestEnvironment, who: { id: string; tenantId: string }) => Promise<unknown>)]>([
    ['locked', (env, { id }) => env.vendor('POST', `${identity}/users/v1/${id}/lock`)],
    ['disabled there', { isDisabled: true }],
    ['not in yet', { acceptedAt: null }],
    ['not in any more', { expiresAt: new Date('2020-01-01') }],
  ])('is refused, like a refresh, while the user is %s', async ([, what]) => {
    const env = await newEnvironment(),
      user = await env.newUser(),
      token = await userToken(env, user),
      { db, clock } = await env.context()
    const { refreshToken } = (await exchange(env, token)).body
    const where = { userId: user.id }
    if (typeof what === 'function') await what(env, user)
    else await db.membership.updateMany({ where, data: what })
    expect(await exchange(env, token)).toMatchObject(invalid)
    expect(await refresh(env, refreshToken as string)).toMatchObject(invalid)
    await db.membership.updateMany({ where, data: { isDisabled: false, acceptedAt: clock.now(), expiresAt: null } })
    await db.user.updateMany({ data: { isLocked: false } })
    expect((await exchange(env, token)).status).toBe(200)
    expect((await refresh(env, refreshToken as string)).status).toBe(200)
  })

  test('is refused, like a refresh, when the account is gone', async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant(),
      token = await tenantToken(env, tenantId)
    const { refreshToken } = (await exchange(env, token)).body
    await env.vendor('DELETE', `/tenants/resources/tenants/v1/${tenantId}`)
    expect(await exchange(env, token)).toMatchObject(invalid)
    expect(await refresh(env, refreshToken as string)).toMatchObject(invalid)
  })

  test.for([{ apiTokensEnabled: false }, { machineToMachineAuthStrategy: 'AccessToken' }])(
    'is refused, like a refresh, where the environment says %j',
    async (settings) => {
      const env = await newEnvironment(),
        token = await tenantToken(env, await env.newTenant()),
        { refreshToken } = (await exchange(env, token)).body
      await env.vendor('POST', configuration, settings)
      for (const version of ['v1', 'v2'])
        for (const answer of [
          await exchange(env, token, version),
          await refresh(env, refreshToken as string, version),
        ]) {
          expect(answer.status).toBe(403)
          expect(answer.body).toEqual({ errors: ['Api tokens are disabled'] })
        }
    },
  )

  test('is refused, like a refresh, from an address that the account keeps out', async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant(),
      token = await tenantToken(env, tenantId),
      { refreshToken } = (await exchange(env, token)).body
    const office = { headers: { 'x-forwarded-for': '203.0.113.20' } },
      ips = `${configuration}/restrictions/ip`
    await env.as(tenantId)('POST', ips, { ip: '203.0.113.0/24', strategy: 'ALLOW', isActive: true })
    expect(
      (await env.as(tenantId)('POST', `${ips}/config`, { isActive: true, strategy: 'ALLOW' }, office)).status,
    ).toBe(201)
    expect((await exchange(env, token)).status).toBe(403)
    expect((await refresh(env, refreshToken as string)).status).toBe(403)
    expect((await env.client(office.headers)('POST', `${identity}/auth/v2/api-token`, token)).status).toBe(200)
  })

  test('is limited for whoever has the credentials, and not by those who only know the id', async () => {
    const now = deps.systemClock.now(),
      env = await newEnvironment(await newServer({ rateLimits: true, systemClock: { now: () => now } }))
    const token = await tenantToken(env, await env.newTenant()),
      other = await tenantToken(env, await env.newTenant())
    /** 610 calls from many addresses. */
    async function many(shown: object) {
      const answers: number[] = []
      for (let round = 0; round < 61; round++)
        answers.push(
          ...(await Promise.all(
            Array.from({ length: 10 }, async (_, i) => {
              const from = env.client({ 'x-forwarded-for': `198.51.100.${i}` })
              return (await from('POST', `${identity}/auth/v2/api-token`, shown)).status
            }),
          )),
        )
      return [200, 401, 429].map((status) => answers.filter((answer) => answer === status).length)
    }
    expect(await many({ ...token, secret: 'x' })).toEqual([0, 600, 10])
    expect(await many(token)).toEqual([600, 0, 10])
    expect((await exchange(env, token, 'v2')).status).toBe(429)
    expect((await exchange(env, other, 'v2')).status).toBe(200)
  })
})

describe.concurrent('a refresh token of an API token', () => {
  const logIn = async (env: TestEnvironment) =>
    (await exchange(env, await tenantToken(env, await env.newTenant()))).body.refreshToken as string
  const next = async (env: TestEnvironment, token: string) => {
    const { status, body } = await refresh(env, token)
    expect(status).toBe(200)
    return body.refreshToken as string
  }

  test('rotates: a new one takes its place, and it lives as long again', async () => {
    const env = await newEnvironment()
    await env.clock.freeze()
    const first = await logIn(env)
    await env.clock.advance(30 * DAY - 1)
    const second = await next(env, first)
    expect(second).not.toBe(first)
    expect(second).toMatch(/^[\w-]{43}$/)
    await env.clock.advance(30 * DAY - 1)
    const third = await next(env, second)
    await env.clock.advance(30 * DAY)
    expect(await refresh(env, third)).toMatchObject(invalid)
    expect(await (await env.context()).db.apiRefreshToken.count()).toBe(1)
  })

  test('is repeated when the answer was lost, within ten seconds', async () => {
    const env = await newEnvironment()
    await env.clock.freeze()
    const first = await logIn(env),
      second = await next(env, first)
    await env.clock.advance(10 * SECOND)
    expect(await next(env, first)).toBe(second)
    expect(await next(env, first)).toBe(second)
    expect(await next(env, second)).not.toBe(second)
  })

  test('ends its successor when it is shown again later', async () => {
    const env = await newEnvironment()
    await env.clock.freeze()
    const first = await logIn(env),
      second = await next(env, first)
    await env.clock.advance(10 * SECOND + 1)
    expect(await refresh(env, first)).toMatchObject(invalid)
    expect(await refresh(env, second)).toMatchObject(invalid)
  })

  test('ends the last of its line, also after several exchanges, but not while these may overlap', async () => {
    const env = await newEnvironment()
    await env.clock.freeze()
    const first = await logIn(env)
    let last = first
    for (let i = 0; i < 4; i++) last = await next(env, last)
    expect(await refresh(env, first)).toMatchObject(invalid)
    last = await next(env, last)
    await env.clock.advance(HOUR)
    expect(await refresh(env, first)).toMatchObject(invalid)
    expect(await refresh(env, last)).toMatchObject(invalid)
  })

  test('stays the same where tokens do not rotate', async () => {
    const env = await newEnvironment()
    await env.clock.freeze()
    const first = await next(env, await logIn(env))
    await env.vendor('POST', configuration, { rotateRefreshTokens: false })
    for (let i = 0; i < 3; i++) {
      expect(await next(env, first)).toBe(first)
      await env.clock.advance(9 * DAY)
    }
    await env.clock.advance(3 * DAY)
    expect(await refresh(env, first)).toMatchObject(invalid)
  })

  test('is one of a hundred: the oldest goes for the next', async () => {
    const env = await newEnvironment(),
      token = await tenantToken(env, await env.newTenant())
    await env.clock.freeze()
    const shown: string[] = []
    for (let i = 0; i < 100; i++) shown.push((await exchange(env, token)).body.refreshToken as string)
    // a refresh makes no more of them, and the newest of this one
    shown.push(await next(env, shown.shift()!))
    shown.push((await exchange(env, token)).body.refreshToken as string)
    expect(await refresh(env, shown.shift()!)).toMatchObject(invalid)
    expect(shown).toHaveLength(100)
    for (const one of shown) expect((await refresh(env, one)).status).toBe(200)
  })

  test('is none of a user, nor is theirs one of it, nor one of another environment', async () => {
    const env = await newEnvironment(),
      token = await logIn(env),
      user = await env.newUser({ password: 'Henhouse-1!' })
    const login = await env.anonymous('POST', `${identity}/auth/v1/user`, {
      email: user.email,
      password: user.password,
    })
    expect(login.status).toBe(200)
    expect(await refresh(env, login.body.refreshToken as string)).toMatchObject(invalid)
    expect(
      (await env.anonymous('POST', `${identity}/auth/v1/user/token/refresh`, { refreshToken: token })).status,
    ).toBe(401)
    for (const one of ['x', unique('x').repeat(20), token.slice(1), `${token}x`])
      expect(await refresh(env, one)).toMatchObject(invalid)
    expect(await refresh(await newEnvironment(), token)).toMatchObject(invalid)
    expect((await refresh(env, token)).status).toBe(200)
  })
})
