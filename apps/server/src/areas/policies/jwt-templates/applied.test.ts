import { createHmac, createVerify } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { newEnvironment, type TestEnvironment } from '../../../../test/environment.ts'
import {
  applyToAll,
  done,
  jwtTemplates,
  MANDATORY_CLAIMS,
  plainTemplate,
  ruleFor,
  ruleForAll,
  setRules,
  withClaims,
} from '../../../../test/jwt-templates.ts'
import { auth, claimsOf, codeOf, logIn, mfa, PASSWORD, withApp } from '../../../../test/second-factors.ts'

const identity = '/identity/resources',
  configuration = `${identity}/configurations/v1`,
  me = `${identity}/users/v2/me`
const headerOf = (token: string) => JSON.parse(Buffer.from(token.split('.')[0]!, 'base64url').toString()) as object
const loggedIn = async (env: TestEnvironment, who: { email: string }) =>
  (await done(logIn(env, who))) as { accessToken: string; refreshToken: string; expiresIn: number; expires: string }
const newApplication = async (env: TestEnvironment) =>
  (
    await done(
      env.vendor('POST', '/applications/resources/applications/v1', {
        name: 'App',
        appURL: 'https://a.example',
        loginURL: 'https://a.example/login',
        accessType: 'FREE_ACCESS',
      }),
    )
  ).id as string
const logInAt = async (env: TestEnvironment, { email }: { email: string }, applicationId: string) =>
  (
    await done(
      env.anonymous(
        'POST',
        auth,
        { email, password: PASSWORD },
        { headers: { 'frontegg-requested-application-id': applicationId } },
      ),
    )
  ).accessToken as string

/** What every user token has, whatever its template says. */
const always = (env: TestEnvironment, user: { id: string; tenantId: string }) => ({
  type: 'userToken',
  sub: user.id,
  iss: `http://${env.name}.localhost:3100`,
  aud: env.id,
  sid: expect.any(String),
  tenantId: user.tenantId,
  iat: expect.any(Number),
  exp: expect.any(Number),
})

describe.concurrent('a token made by a JWT template', () => {
  test('has the claims of the template in place of the default ones, and what it is known by', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD, roleKeys: ['Admin'] })
    await applyToAll(env, withClaims({ greeting: 'hello' }))
    expect(claimsOf((await loggedIn(env, user)).accessToken)).toEqual({ ...always(env, user), greeting: 'hello' })
  })

  test('keeps the JSON type of a variable that stands alone, and has text where it does not', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD, roleKeys: ['ReadOnly'] })
    const about = {
      name: 'Ada',
      metadata: '{"plan":"gold","seats":{"most":5},"tags":["a"],"off":null}',
      phoneNumber: '+4915112345678',
      profilePictureUrl: 'https://pictures.example/1',
    }
    await done(env.vendor('PUT', `${identity}/users/v1/${user.id}`, about))
    await applyToAll(
      env,
      withClaims({
        whole: {
          name: '{{user.name}}',
          email: '{{ user.email }}',
          verified: '{{user.verified}}',
          metadata: '{{user.metadata}}',
          tenantIds: '{{user.tenantIds}}',
          phone: '{{user.phoneNumber}}',
          picture: '{{user.profilePictureUrl}}',
          external: '{{user.externalId}}',
          roles: '{{user.tenant.roles}}',
          most: '{{user.metadata.seats.most}}',
          off: '{{user.metadata.off}}',
          none: '{{user.metadata.seats.least}}',
          deeper: '{{user.metadata.plan.length}}',
          application: '{{applicationId}}',
          client: '{{clientId}}',
          type: '{{type}}',
        },
        list: ['{{user.verified}}', '{{user.metadata.none}}', '{{user.metadata.tags}}', 1, null],
        text: 'I am {{user.name}} ({{user.verified}}, {{user.metadata.seats}}, {{user.externalId}}{{applicationId}})',
        until: '{{exp}}',
        since: 'at {{iat}}',
        session: '{{sid}}',
      }),
    )
    const claims = claimsOf((await loggedIn(env, user)).accessToken)
    expect(claims).toEqual({
      ...always(env, user),
      whole: {
        name: 'Ada',
        email: user.email,
        verified: true,
        metadata: JSON.parse(about.metadata),
        tenantIds: [user.tenantId],
        phone: about.phoneNumber,
        picture: about.profilePictureUrl,
        external: null,
        roles: ['ReadOnly'],
        most: 5,
        off: null,
        client: env.id,
        type: 'userToken',
      },
      list: [true, ['a'], 1, null],
      text: 'I am Ada (true, {"most":5}, )',
      until: claims['exp'],
      since: `at ${String(claims['iat'])}`,
      session: claims['sid'],
    })
  })

  test('lasts as long as the template says, and so says the answer', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD })
    await env.clock.freeze(new Date('2030-05-01T10:00:00.000Z'))
    await applyToAll(env, withClaims({}, { expiration: 90 }))
    const answer = await loggedIn(env, user),
      { iat, exp } = claimsOf(answer.accessToken) as { iat: number; exp: number }
    expect(exp - iat).toBe(90)
    expect(answer).toMatchObject({ expiresIn: 90, expires: 'Wed, 01 May 2030 10:01:30 GMT' })
    const call = env.withToken(answer.accessToken)
    expect((await call('GET', me)).status).toBe(200)
    await env.clock.advance(91_000)
    expect((await call('GET', me)).status).toBe(401)
  })

  test('comes from every way to one: login, refresh, another tenant', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD })
    await applyToAll(env, withClaims({ made: 'by a template' }))
    const { accessToken, refreshToken } = await loggedIn(env, user)
    const refreshed = await done(env.anonymous('POST', `${auth}/token/refresh`, { refreshToken })),
      another = await done(
        env.withToken(accessToken)('POST', `${identity}/users/v3/me/token`, { tenantId: user.tenantId }),
      )
    for (const token of [accessToken, refreshed.accessToken, another.accessToken])
      expect(claimsOf(token)).toEqual({ ...always(env, user), made: 'by a template' })
  })

  test('follows each change of the template and of the rules at once', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD }),
      { id } = await applyToAll(env, withClaims({ v: 1 }))
    const version = async () => claimsOf((await loggedIn(env, user)).accessToken)['v']
    expect(await version()).toBe(1)
    await done(
      env.vendor('PUT', `${jwtTemplates}/${id}`, { templateSchema: { claims: { ...MANDATORY_CLAIMS, v: 2 } } }),
    )
    expect(await version()).toBe(2)
    await setRules(env.vendor, [])
    expect(await version()).toBeUndefined()
  })

  test('still tells how the user logged in, and that they are a superuser', async () => {
    const env = await newEnvironment(),
      user = await withApp(env)
    await done(env.vendor('PUT', `${identity}/users/v1/${user.id}/superuser`, { superUser: true }))
    await applyToAll(env, withClaims({ tenantId: '{{user.tenantId}}', type: '{{type}}' }))
    const { mfaToken } = (await logIn(env, user)).body as { mfaToken: string }
    const { accessToken } = await done(
      env.anonymous('POST', `${mfa}/authenticator/${user.deviceId}/verify`, {
        mfaToken,
        value: await codeOf(env, user.secret),
      }),
    )
    expect(claimsOf(accessToken)).toEqual({
      ...always(env, user),
      amr: expect.arrayContaining(['mfa']),
      acr: expect.stringContaining('multi-factor'),
      auth_time: expect.any(Number),
      superUser: true,
    })
  })

  test('is for the application or for the environment, as the template says, and opens the server either way', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD }),
      applicationId = await newApplication(env),
      { id } = await applyToAll(env, plainTemplate)
    const audienceOf = async (aud: string) => {
      await done(env.vendor('PUT', `${jwtTemplates}/${id}`, withClaims({ aud })))
      const tokens = [await logInAt(env, user, applicationId), (await loggedIn(env, user)).accessToken]
      for (const token of tokens) expect((await env.withToken(token)('GET', me)).status, aud).toBe(200)
      return tokens.map((token) => claimsOf(token)['aud'])
    }
    expect(await audienceOf('{{clientId}}')).toEqual([env.id, env.id])
    expect(await audienceOf('{{applicationId}}')).toEqual([applicationId, env.id])
    expect(await audienceOf('{{aud}}')).toEqual([applicationId, env.id])
  })

  test('has roles and permissions as lists of keys where the template wants them, also if no other token has them', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD, roleKeys: ['ReadOnly'] }),
      nobody = await env.newUser({ password: PASSWORD })
    await done(env.vendor('POST', configuration, { addRolesToJwt: false, addPermissionsToJwt: false }))
    await applyToAll(env, withClaims({ roles: '{{user.tenant.roles}}', permissions: '{{user.tenant.permissions}}' }))
    expect(claimsOf((await loggedIn(env, user)).accessToken)).toMatchObject({
      roles: ['ReadOnly'],
      permissions: expect.arrayContaining(['fe.secure.read.*', 'fe.connectivity.read.*']),
    })
    expect(claimsOf((await loggedIn(env, nobody)).accessToken)).toMatchObject({ roles: [], permissions: [] })
  })

  test('fits a header, however much its template wants: what there is no room for is left out', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD }),
      metadata = JSON.stringify({ much: '"'.repeat(6000) })
    await done(env.vendor('PUT', `${identity}/users/v1/${user.id}`, { metadata }))
    const copies = Object.fromEntries(Array.from({ length: 150 }, (_, i) => [`copy${i}`, ['{{user.metadata}}']]))
    await applyToAll(env, withClaims({ ...copies, zz_text: 'so {{user.metadata}}', zz_small: '{{user.email}}' }))
    const { accessToken } = await loggedIn(env, user),
      claims = claimsOf(accessToken),
      copied = Object.keys(claims).filter((name) => name.startsWith('copy'))
    expect(copied.length).toBe(3)
    expect(claims).toMatchObject({ ...always(env, user), zz_small: user.email })
    expect(claims).not.toHaveProperty('zz_text')
    expect(accessToken.length).toBeLessThan(64 * 1024)
    expect((await env.withToken(accessToken)('GET', me)).status).toBe(200)
  })
})

describe.concurrent('the algorithm of a JWT template', () => {
  const secretOf = async (env: TestEnvironment) => (await env.vendor('GET', configuration)).body.jwtSecret as string

  test('HS256 signs with the shared secret, which management then sees, and the server takes the tokens back', async () => {
    const env = await newEnvironment(),
      ada = await env.newUser({ password: PASSWORD, roleKeys: ['Admin'] }),
      bob = await env.newUser({ password: PASSWORD })
    const { id } = await done(env.vendor('POST', jwtTemplates, withClaims({}, { algorithm: 'HS256' })))
    expect(await secretOf(env)).toBe('')
    await setRules(env.vendor, [ruleFor('plain', 'userId', [ada.id])])
    const secret = await secretOf(env),
      shared = await loggedIn(env, ada),
      usual = await loggedIn(env, bob),
      [head, body, signature] = shared.accessToken.split('.')
    expect([headerOf(shared.accessToken), headerOf(usual.accessToken)]).toMatchObject([
      { alg: 'HS256' },
      { alg: 'RS256' },
    ])
    expect(createHmac('sha256', secret).update(`${head}.${body}`).digest('base64url')).toBe(signature)
    for (const { accessToken } of [shared, usual])
      expect((await env.withToken(accessToken)('GET', me)).status).toBe(200)
    expect((await env.withToken(shared.accessToken)('GET', configuration)).body).toMatchObject({
      jwtAlgorithm: 'RS256',
      jwtSecret: '',
    })
    expect((await env.withToken(shared.accessToken)('GET', `${identity}/roles/v1`)).status).toBe(200)
    // once nothing is signed so any more, such tokens open nothing; a refresh brings another one
    await done(env.vendor('DELETE', `${jwtTemplates}/${id}`))
    expect(await secretOf(env)).toBe('')
    expect((await env.withToken(shared.accessToken)('GET', me)).status).toBe(401)
    const { accessToken } = await done(
      env.anonymous('POST', `${auth}/token/refresh`, { refreshToken: shared.refreshToken }),
    )
    expect(headerOf(accessToken)).toMatchObject({ alg: 'RS256' })
    expect((await env.withToken(accessToken)('GET', me)).status).toBe(200)
  })

  test('RS256 signs with the key pair where other tokens are signed with the shared secret', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD })
    await done(env.vendor('POST', configuration, { jwtAlgorithm: 'HS256' }))
    await applyToAll(env, plainTemplate)
    const { accessToken } = await loggedIn(env, user),
      [head, body, signature] = accessToken.split('.'),
      { publicKey } = (await env.vendor('GET', configuration)).body
    expect(createVerify('RSA-SHA256').update(`${head}.${body}`).verify(publicKey, signature!, 'base64url')).toBe(true)
    expect((await env.withToken(accessToken)('GET', me)).status).toBe(200)
  })
})

describe.concurrent("a program's token made by a JWT template", () => {
  /** Of a tenant with a role, and of a member with another one, who has metadata. */
  async function withPrograms(env: TestEnvironment) {
    const user = await env.newUser({ roleKeys: ['Admin'] }),
      roles = (await done(env.vendor('GET', `${identity}/roles/v1`))) as { id: string; key: string }[],
      readOnlyId = roles.find(({ key }) => key === 'ReadOnly')!.id
    await done(env.vendor('PUT', `${identity}/users/v1/${user.id}`, { metadata: '{"plan":"gold"}' }))
    const ofTenant = await done(
        env.as(user.tenantId)('POST', `${identity}/tenants/api-tokens/v2`, { roleIds: [readOnlyId] }),
      ),
      ofUser = await done(
        env.as(user.tenantId, user.id)('POST', `${identity}/users/api-tokens/v1`, { expiresInMinutes: 2 }),
      )
    return { user, readOnlyId, ofTenant: ofTenant as Credentials, ofUser: ofUser as Credentials }
  }
  interface Credentials {
    clientId: string
    secret: string
  }
  const exchanged = async (env: TestEnvironment, { clientId, secret }: Credentials) =>
    (await done(env.anonymous('POST', `${identity}/auth/v1/api-token`, { clientId, secret }))) as {
      accessToken: string
      refreshToken: string
      expiresIn: number
    }

  test('keeps what it is known by, and has nothing of a user where it has none', async () => {
    const env = await newEnvironment(),
      { user, ofTenant, ofUser } = await withPrograms(env)
    await applyToAll(
      env,
      withClaims(
        {
          aud: '{{applicationId}}',
          name: '{{user.name}}',
          plan: '{{user.metadata.plan}}',
          roles: '{{user.tenant.roles}}',
          permissions: '{{user.tenant.permissions}}',
          text: '{{user.email}} of {{user.tenantId}}',
        },
        { expiration: 600 },
      ),
    )
    const { type: _, sid: __, sub: ___, ...common } = always(env, user),
      rights = { roles: expect.any(Array), permissions: expect.any(Array) }
    const first = await exchanged(env, ofTenant),
      refreshed = await done(
        env.anonymous('POST', `${identity}/auth/v1/api-token/token/refresh`, { refreshToken: first.refreshToken }),
      )
    for (const token of [first.accessToken, refreshed.accessToken])
      expect(claimsOf(token)).toEqual({
        ...common,
        ...rights,
        type: 'tenantApiToken',
        sub: ofTenant.clientId,
        roles: ['ReadOnly'],
        text: ` of ${user.tenantId}`,
      })
    const second = await exchanged(env, ofUser)
    expect(claimsOf(second.accessToken)).toEqual({
      ...common,
      ...rights,
      type: 'userApiToken',
      sub: ofUser.clientId,
      userId: user.id,
      roles: ['Admin'],
      plan: 'gold',
      text: `${user.email} of ${user.tenantId}`,
    })
    // the credentials of the second one end before
    expect(first.expiresIn).toBe(600)
    expect(second.expiresIn).toBeGreaterThan(60)
    expect(second.expiresIn).toBeLessThanOrEqual(120)
  })

  test('is found by its kind, its owner and its roles, and never signed with the shared secret', async () => {
    const env = await newEnvironment(),
      { user, readOnlyId, ofTenant, ofUser } = await withPrograms(env)
    await done(env.vendor('POST', jwtTemplates, withClaims({ made: true }, { algorithm: 'HS256' })))
    const isMade = async (credentials: Credentials) => {
      const { accessToken } = await exchanged(env, credentials)
      expect(headerOf(accessToken)).toMatchObject({ alg: 'RS256' })
      return claimsOf(accessToken)['made'] === true
    }
    const cases = [
      [ruleForAll('plain'), true, true],
      [ruleFor('plain', 'tokenType', ['tenantApiToken']), true, false],
      [ruleFor('plain', 'userId', [user.id]), false, true],
      [ruleFor('plain', 'userEmail', ['@example.com'], 'ends_with'), false, true],
      [ruleFor('plain', 'roleIds', [readOnlyId]), true, false],
      [ruleFor('plain', 'tenantId', [user.tenantId]), true, true],
      [ruleFor('plain', 'tenantId', ['other']), false, false],
    ] as const
    for (const [rule, tenants, users] of cases) {
      await setRules(env.vendor, [rule])
      expect([await isMade(ofTenant), await isMade(ofUser)], JSON.stringify(rule)).toEqual([tenants, users])
    }
  })
})
