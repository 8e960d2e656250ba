import { createVerify } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { deps, newEnvironment, server, unique, type TestEnvironment } from '../../../../test/environment.ts'

const url = '/identity/resources/auth/v1/user'
const PASSWORD = 'Correct-horse-7'
const HOUR = 3_600_000

const claimsOf = (token: string) => JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString())
const configure = async (env: TestEnvironment, value: object) => {
  const ctx = await env.context(),
    now = ctx.clock.now()
  await ctx.db.setting.create({
    data: { id: ctx.random.uuid(), key: 'identity-configuration', value, createdAt: now, updatedAt: now },
  })
}
const change = async (env: TestEnvironment, id: string, data: object) =>
  (await env.context()).db.user.update({ where: { id }, data })

describe.concurrent('password login', () => {
  test('answers tokens in camel case, and sets the refresh token as a cookie named after the client id', async () => {
    const env = await newEnvironment()
    const user = await env.newUser({ password: PASSWORD })
    await env.clock.freeze(new Date('2026-10-20T07:28:00Z'))
    const { status, body, cookies } = await env.anonymous('POST', url, { email: user.email, password: PASSWORD })
    expect(status).toBe(200)
    expect(body).toEqual({
      tokenType: 'bearer',
      mfaRequired: false,
      accessToken: expect.any(String),
      refreshToken: expect.any(String),
      expiresIn: 86_400,
      expires: 'Wed, 21 Oct 2026 07:28:00 GMT',
      userId: user.id,
      userEmail: user.email,
      emailVerified: true,
      isBreachedPassword: false,
    })
    expect(cookies).toEqual([
      {
        name: `fe_refresh_${env.id.replace('-', '')}`,
        value: body.refreshToken,
        path: '/',
        httpOnly: true,
        sameSite: 'Lax',
        maxAge: 2_592_000,
      },
    ])
  })

  test('over https the cookie is secure and its SameSite as configured', async () => {
    const env = await newEnvironment()
    const user = await env.newUser({ password: PASSWORD })
    const https = env.client({ 'x-forwarded-proto': 'https' })
    expect((await https('POST', url, { email: user.email, password: PASSWORD })).cookies).toMatchObject([
      { secure: true, sameSite: 'None' },
    ])
    await configure(env, { cookieSameSite: 'STRICT', defaultRefreshTokenExpiration: 600 })
    expect((await https('POST', url, { email: user.email, password: PASSWORD })).cookies).toMatchObject([
      { secure: true, sameSite: 'Strict', maxAge: 600 },
    ])
  })

  test('the access token has the user and their rights in its tenant', async () => {
    const env = await newEnvironment()
    const user = await env.newUser({ password: PASSWORD, roleKeys: ['ReadOnly'] })
    await change(env, user.id, {
      metadata: '{"plan":"gold"}',
      vendorMetadata: '{"secret":1}',
      externalId: 'x-1',
      phoneNumber: '+4915112345678',
      profilePictureUrl: 'https://pictures.example/1',
    })
    const { body } = await env.anonymous('POST', url, { email: user.email, password: PASSWORD })
    const [head, payload, signature] = body.accessToken.split('.')
    const [key] = (await env.context()).environment.keys
    expect(createVerify('RSA-SHA256').update(`${head}.${payload}`).verify(key!.publicKey, signature, 'base64url')).toBe(
      true,
    )
    const claims = claimsOf(body.accessToken)
    expect(claims).toEqual({
      type: 'userToken',
      sub: user.id,
      iss: `http://${env.name}.localhost:3100`,
      aud: env.id,
      sid: expect.any(String),
      iat: expect.any(Number),
      exp: claims.iat + 86_400,
      name: user.email.split('@')[0],
      email: user.email,
      email_verified: true,
      metadata: { plan: 'gold' },
      roles: ['ReadOnly'],
      permissions: expect.arrayContaining(['fe.secure.read.*', 'fe.connectivity.read.*']),
      tenantId: user.tenantId,
      tenantIds: [user.tenantId],
      profilePictureUrl: 'https://pictures.example/1',
      externalId: 'x-1',
      phoneNumber: '+4915112345678',
    })
    expect(JSON.stringify(claims)).not.toContain('secret')
  })

  test('a missing external id or phone number is null, and a superuser is marked as one', async () => {
    const env = await newEnvironment()
    const user = await env.newUser({ password: PASSWORD })
    await change(env, user.id, { superUser: true, metadata: 'nonsense' })
    const claims = claimsOf(
      (await env.anonymous('POST', url, { email: user.email, password: PASSWORD })).body.accessToken,
    )
    expect(claims).toMatchObject({ externalId: null, phoneNumber: null, superUser: true, metadata: {} })
    expect(claims).not.toHaveProperty('applicationId')
    expect(claims).not.toHaveProperty('amr')
  })

  test('lifetimes, algorithm and claims are as configured', async () => {
    const env = await newEnvironment()
    const user = await env.newUser({ password: PASSWORD, roleKeys: ['Admin'] })
    await configure(env, {
      defaultTokenExpiration: 300,
      jwtAlgorithm: 'HS256',
      addRolesToJwt: false,
      addPermissionsToJwt: false,
    })
    const { body } = await env.anonymous('POST', url, { email: user.email, password: PASSWORD })
    const claims = claimsOf(body.accessToken)
    expect(JSON.parse(Buffer.from(body.accessToken.split('.')[0], 'base64url').toString())).toMatchObject({
      alg: 'HS256',
    })
    expect(body.expiresIn).toBe(300)
    expect(claims.exp - claims.iat).toBe(300)
    expect(claims).not.toHaveProperty('roles')
    expect(claims).not.toHaveProperty('permissions')
    const call = env.withToken(body.accessToken)
    expect((await call('GET', '/identity/resources/users/sessions/v1/me')).status).toBe(200)
    expect((await call('GET', '/identity/resources/roles/v1')).status).toBe(200)
    await env.clock.advance(301_000)
    expect((await call('GET', '/identity/resources/users/sessions/v1/me')).status).toBe(401)
  })

  test("a login for an application has its own cookie and audience, and admits only the application's users", async () => {
    const env = await newEnvironment()
    const user = await env.newUser({ password: PASSWORD }),
      credentials = { email: user.email, password: PASSWORD }
    const applications = '/applications/resources/applications',
      identity = '/identity/resources/applications/v1'
    const { id } = (
      await env.vendor('POST', `${applications}/v1`, {
        name: 'Shop',
        appURL: 'https://shop.example',
        loginURL: 'https://shop.example/login',
        accessType: 'MANAGED_ACCESS',
      })
    ).body
    const shop = env.client({ 'frontegg-requested-application-id': id })
    expect(await shop('POST', url, credentials)).toMatchObject({
      status: 404,
      body: { errorCode: 'ER-01008' },
      cookies: [],
    })
    await env.vendor('POST', `${applications}/tenant-assignments/v1/${id}`, { tenantId: user.tenantId })
    expect(await shop('POST', url, credentials)).toMatchObject({ status: 403, body: { errorCode: 'ER-01009' } })
    await env.vendor('POST', identity, { appId: id, tenantId: user.tenantId, userIds: [user.id] })
    const login = await shop('POST', url, credentials),
      name = `fe_refresh_${id.replace('-', '')}`
    expect(login).toMatchObject({ status: 200, cookies: [{ name }] })
    expect(claimsOf(login.body.accessToken)).toMatchObject({ applicationId: id, aud: id })
    // the client id itself is not an application
    const plain = await env.client({ 'frontegg-requested-application-id': env.id })('POST', url, credentials)
    expect(plain).toMatchObject({ status: 200, cookies: [{ name: `fe_refresh_${env.id.replace('-', '')}` }] })
    expect((await env.client({ 'frontegg-application-id': 'a=b; c' })('POST', url, credentials)).status).toBe(404)
    const refreshed = await shop('POST', `${url}/token/refresh`, {}, { cookies: { [name]: login.body.refreshToken } })
    expect(refreshed.status).toBe(201)
    await env.vendor('DELETE', identity, { appId: id, tenantId: user.tenantId, userIds: [user.id] })
    expect(
      await shop('POST', `${url}/token/refresh`, {}, { cookies: { [name]: refreshed.body.refreshToken } }),
    ).toMatchObject({ status: 401, body: { errors: ['Session not found'] } })
  })

  test('the e-mail address works in any case, and so does a username', async () => {
    const env = await newEnvironment()
    const user = await env.newUser({ password: PASSWORD, email: `${unique('Ada')}@example.com`.toLowerCase() })
    await change(env, user.id, { username: 'ada.l' })
    expect(
      (await env.anonymous('POST', url, { email: ` ${user.email.toUpperCase()} `, password: PASSWORD })).status,
    ).toBe(200)
    expect(
      (
        await env.anonymous('POST', url, {
          username: 'Ada.L',
          password: PASSWORD,
          recaptchaToken: '',
          invitationToken: '',
        })
      ).status,
    ).toBe(200)
  })

  test('a login without an identifier or a password is refused', async () => {
    const env = await newEnvironment()
    expect(await env.anonymous('POST', url, { password: 'x' })).toMatchObject({
      status: 400,
      body: { errors: ['Either email or username must be provided'] },
    })
    expect(await env.anonymous('POST', url, { email: '', password: 'x' })).toMatchObject({ status: 400 })
    expect(await env.anonymous('POST', url, { email: 'a@example.com' })).toMatchObject({
      status: 400,
      body: { errorCode: 'ER-008897167d' },
    })
  })

  test('passwords are refused where the environment logs in by other means', async () => {
    const env = await newEnvironment()
    const user = await env.newUser({ password: PASSWORD })
    await configure(env, { authStrategy: 'MagicLink' })
    expect(await env.anonymous('POST', url, { email: user.email, password: PASSWORD })).toMatchObject({
      status: 400,
      body: { errors: ['Invalid authentication type'], errorCode: 'ER-01012' },
    })
  })

  test('unknown users, wrong passwords, users without one and unverified users get the same answer until the password is right', async () => {
    const env = await newEnvironment()
    const [known, passwordless, unverified] = await Promise.all([
      env.newUser({ password: PASSWORD }),
      env.newUser(),
      env.newUser({ password: PASSWORD, verified: false }),
    ])
    const emails = ['nobody@example.com', known.email, passwordless.email, unverified.email]
    const answers = await Promise.all(emails.map((email) => env.anonymous('POST', url, { email, password: 'wrong' })))
    for (const { status, body, cookies } of answers) {
      expect({ status, body, cookies }).toEqual({
        status: 401,
        body: { errors: ['Incorrect email or password'], errorCode: 'ER-01078' },
        cookies: [],
      })
    }
    expect(await env.messages()).toEqual([])
    expect(await env.anonymous('POST', url, { username: 'nobody', password: 'wrong' })).toMatchObject({
      status: 401,
      body: { errorCode: 'ER-01078' },
    })
  })

  test('a locked user gets the answer for locked users', async () => {
    const env = await newEnvironment()
    const user = await env.newUser({ password: PASSWORD })
    await change(env, user.id, { isLocked: true })
    expect(await env.anonymous('POST', url, { email: user.email, password: PASSWORD })).toMatchObject({
      status: 423,
      body: { errorCode: 'ER-01034' },
      cookies: [],
    })
  })

  test('an unverified user is sent the activation mail again instead of being let in, unless that is allowed', async () => {
    const env = await newEnvironment()
    const user = await env.newUser({ password: PASSWORD, verified: false })
    expect(await env.anonymous('POST', url, { email: user.email, password: PASSWORD })).toMatchObject({
      status: 401,
      body: {
        errors: [`Verify your email - verification email was sent to ${user.email[0]}***@example.com.`],
        errorCode: 'ER-01060',
      },
      cookies: [],
    })
    expect(await env.messages({ to: user.email })).toMatchObject([
      { template: 'ActivateUser', tenantId: user.tenantId },
    ])
    await configure(env, { allowNotVerifiedUsersLogin: true })
    expect(await env.anonymous('POST', url, { email: user.email, password: PASSWORD })).toMatchObject({
      status: 200,
      body: { emailVerified: false },
    })
  })

  test('a user with only a username has no address to verify', async () => {
    const env = await newEnvironment()
    const user = await env.newUser({ password: PASSWORD, verified: false })
    await change(env, user.id, { email: null, username: 'only-a-name' })
    const { status, body } = await env.anonymous('POST', url, { username: 'only-a-name', password: PASSWORD })
    expect(status).toBe(200)
    expect(body).not.toHaveProperty('userEmail')
  })

  test('a user disabled in one tenant is let into another; disabled in all, into none', async () => {
    const env = await newEnvironment()
    const user = await env.newUser({ password: PASSWORD })
    const ctx = await env.context(),
      other = await env.newTenant()
    await ctx.db.membership.create({
      data: { userId: user.id, tenantId: other, acceptedAt: ctx.clock.now(), createdAt: ctx.clock.now() },
    })
    await ctx.db.membership.updateMany({
      where: { userId: user.id, tenantId: user.tenantId },
      data: { isDisabled: true },
    })
    const claims = claimsOf(
      (await env.anonymous('POST', url, { email: user.email, password: PASSWORD })).body.accessToken,
    )
    expect(claims).toMatchObject({ tenantId: other, tenantIds: [other] })
    await ctx.db.membership.updateMany({
      where: { userId: user.id, tenantId: other },
      data: { expiresAt: ctx.clock.now() },
    })
    expect(await env.anonymous('POST', url, { email: user.email, password: PASSWORD })).toMatchObject({
      status: 403,
      cookies: [],
    })
    await ctx.db.membership.deleteMany({ where: { userId: user.id } })
    expect((await env.anonymous('POST', url, { email: user.email, password: PASSWORD })).status).toBe(403)
  })

  test('stores its time, and resets the count of failures', async () => {
    const env = await newEnvironment()
    const user = await env.newUser({ password: PASSWORD })
    await change(env, user.id, { failedLogins: 3 })
    await env.clock.freeze(new Date('2027-01-01T00:00:00Z'))
    await env.anonymous('POST', url, { email: user.email, password: 'wrong' })
    const read = async () =>
      (await env.context()).db.user.findFirst({
        where: { id: user.id },
        select: { lastLogin: true, failedLogins: true },
      })
    expect(await read()).toMatchObject({ lastLogin: null, failedLogins: 3 })
    await env.anonymous('POST', url, { email: user.email, password: PASSWORD })
    expect(await read()).toEqual({ lastLogin: new Date('2027-01-01T00:00:00Z'), failedLogins: 0 })
  })

  test('a weaker hash is replaced at a login with its password', async () => {
    const env = await newEnvironment()
    const user = await env.newUser({ password: PASSWORD })
    // argon2id with m=32: the same password as the tests' hasher makes it with less memory
    const { passwordHasher } = await import('@henhouse/passwords')
    const weak = await passwordHasher({ memoryCost: 32, timeCost: 1, parallelism: 1 }).hash(PASSWORD)
    await change(env, user.id, { passwordHash: weak })
    expect((await env.anonymous('POST', url, { email: user.email, password: PASSWORD })).status).toBe(200)
    const { passwordHash } = (await (await env.context()).db.user.findFirst({ where: { id: user.id } }))!
    expect(passwordHash).not.toBe(weak)
    expect(deps.passwords.needsRehash(passwordHash!)).toBe(false)
    expect((await env.anonymous('POST', url, { email: user.email, password: PASSWORD })).status).toBe(200)
  })

  test('only the hash of a refresh token is stored', async () => {
    const env = await newEnvironment()
    const user = await env.newUser({ password: PASSWORD })
    const { body } = await env.anonymous('POST', url, { email: user.email, password: PASSWORD })
    const rows = await (await env.context()).db.refreshToken.findMany({ include: { session: true } })
    expect(rows).toHaveLength(1)
    expect(JSON.stringify(rows)).not.toContain(body.refreshToken)
  })

  test('a user of one environment is unknown in another', async () => {
    const [env, other] = [await newEnvironment(), await newEnvironment()]
    const user = await env.newUser({ password: PASSWORD })
    expect((await other.anonymous('POST', url, { email: user.email, password: PASSWORD })).status).toBe(401)
  })

  test('works under /frontegg, too', async () => {
    const env = await newEnvironment()
    const user = await env.newUser({ password: PASSWORD })
    expect((await env.anonymous('POST', `/frontegg${url}`, { email: user.email, password: PASSWORD })).status).toBe(200)
    expect(server.operations.some((op) => op.path === url)).toBe(true)
  })
})

describe.concurrent('a token for another tenant', () => {
  const tokenUrl = '/identity/resources/users/v3/me/token'

  async function memberOfTwo() {
    const env = await newEnvironment()
    const user = await env.newUser({ password: PASSWORD, roleKeys: ['Admin'] })
    const ctx = await env.context(),
      other = await env.newTenant()
    const role = await ctx.db.role.findFirstOrThrow({ where: { key: 'ReadOnly' } })
    await ctx.db.membership.create({
      data: {
        userId: user.id,
        tenantId: other,
        acceptedAt: ctx.clock.now(),
        createdAt: ctx.clock.now(),
        roles: { create: { roleId: role.id } },
      },
    })
    const { body } = await env.anonymous('POST', url, { email: user.email, password: PASSWORD })
    return { env, user, other, body, call: env.withToken(body.accessToken) }
  }

  test("has the user's rights there, and leaves the session where it is", async () => {
    const { env, user, other, body, call } = await memberOfTwo()
    const answer = await call('POST', tokenUrl, { tenantId: other })
    expect(answer).toMatchObject({
      status: 201,
      body: { accessToken: expect.any(String), expiresIn: 86_400, expires: expect.stringMatching(/ GMT$/) },
      cookies: [],
    })
    expect(claimsOf(answer.body.accessToken)).toMatchObject({
      tenantId: other,
      roles: ['ReadOnly'],
      sid: claimsOf(body.accessToken).sid,
      sub: user.id,
      tenantIds: [user.tenantId, other],
    })
    const session = await (await env.context()).db.session.findFirst({ where: { userId: user.id } })
    expect(session).toMatchObject({ tenantId: user.tenantId })
  })

  test("is refused for a tenant that is not the user's, or does not let them in", async () => {
    const { env, user, other, call } = await memberOfTwo()
    expect((await call('POST', tokenUrl, { tenantId: await env.newTenant() })).status).toBe(404)
    expect((await call('POST', tokenUrl, { tenantId: 'nowhere' })).status).toBe(404)
    expect((await call('POST', tokenUrl, {})).status).toBe(400)
    const ctx = await env.context()
    await ctx.db.membership.updateMany({ where: { userId: user.id, tenantId: other }, data: { isDisabled: true } })
    expect((await call('POST', tokenUrl, { tenantId: other })).status).toBe(404)
  })

  test('is refused once the session has ended or the user is locked', async () => {
    const { env, user, other, body, call } = await memberOfTwo()
    await change(env, user.id, { isLocked: true })
    expect((await call('POST', tokenUrl, { tenantId: other })).status).toBe(401)
    await change(env, user.id, { isLocked: false })
    expect((await call('POST', tokenUrl, { tenantId: other })).status).toBe(201)
    await env.anonymous('POST', '/identity/resources/auth/v1/logout', { refreshToken: body.refreshToken })
    expect((await call('POST', tokenUrl, { tenantId: other })).status).toBe(401)
    await env.clock.advance(HOUR)
    expect((await env.vendor('POST', tokenUrl, { tenantId: other })).status).toBe(401)
  })
})
