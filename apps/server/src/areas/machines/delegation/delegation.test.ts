import { describe, expect, test } from 'vitest'
import { loggingServer } from '../../../../test/logged.ts'
import {
  newEnvironment,
  newServer,
  type Answer,
  type Client,
  type TestEnvironment,
} from '../../../../test/environment.ts'
import { applyToAll, jwtTemplates, plainTemplate, withClaims } from '../../../../test/jwt-templates.ts'
import { claimsOf, codeOf, logIn, mfa, PASSWORD, withApp } from '../../../../test/second-factors.ts'
import { signedBy } from '../../../../test/user-token.ts'

const identity = '/identity/resources',
  users = `${identity}/users`,
  settings = `${identity}/configurations/v1`,
  configuration = `${settings}/delegation`,
  tenants = '/tenants/resources/tenants/v1'
const GRANT = 'urn:ietf:params:oauth:grant-type:token-exchange',
  ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token',
  JWT = 'urn:ietf:params:oauth:token-type:jwt'
const READ = 'fe.secure.read.users',
  DELEGATE = 'fe.secure.write.delegation'

const done = async (answer: Promise<Answer>) => {
  const { status, body } = await answer
  expect(status, JSON.stringify(body)).toBeLessThan(300)
  return body
}
const list = (client: Client) => client('GET', `${users}/v3`)

/** Asks for a token with which the actor acts for the subject. */
const ask = (env: TestEnvironment, subject: string, actor: string, more: object = {}) =>
  env.anonymous('POST', '/oauth/token', {
    grant_type: GRANT,
    subject_token: subject,
    subject_token_type: ACCESS_TOKEN,
    actor_token: actor,
    actor_token_type: ACCESS_TOKEN,
    ...more,
  })
const delegated = async (env: TestEnvironment, subject: string, actor: string) =>
  (await done(ask(env, subject, actor))).access_token as string

/** An environment where one may act for another, a user who has logged in, and a program of their account that may act for them. */
async function scene(env: TestEnvironment | Promise<TestEnvironment> = newEnvironment()) {
  const here = await env
  await done(here.vendor('POST', configuration, { enabled: true }))
  const user = await here.newUser({ password: PASSWORD, permissions: [READ] }),
    { tenantId } = user,
    program = await here.machine({ tenantId, permissions: [DELEGATE] }),
    subject = (await logIn(here, user)).body.accessToken as string
  return { env: here, user, tenantId, program, subject, actor: program.token }
}

describe.concurrent('acting for others', () => {
  test('is off until management switches it on, and tokens that do so are good only while it is', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ permissions: [READ] }),
      program = await env.machine({ tenantId: user.tenantId, permissions: [DELEGATE] }),
      subject = await env.userToken(user)
    expect(await env.vendor('GET', configuration)).toMatchObject({ status: 200, body: { enabled: false } })
    const off = await ask(env, subject, program.token)
    expect([off.status, off.body]).toEqual([
      403,
      {
        errors: ['OAuth is disabled'],
        error: 'unauthorized_client',
        error_description: 'OAuth is disabled',
      },
    ])
    expect(await env.vendor('POST', configuration, { enabled: true })).toMatchObject({ status: 200, body: null })
    await done(env.vendor('POST', configuration, {}))
    expect((await env.vendor('GET', configuration)).body).toEqual({ enabled: true })
    const token = await delegated(env, subject, program.token)
    expect((await list(env.withToken(token))).status).toBe(200)
    await done(env.vendor('POST', configuration, { enabled: false }))
    expect((await list(env.withToken(token))).status).toBe(401)
    expect((await list(env.withToken(subject))).status).toBe(200)
  })

  test('takes a token of the user and one of who acts, and names both', async () => {
    const { env, user, subject, actor, program } = await scene(),
      { status, body, headers } = await ask(env, subject, actor)
    expect([status, body]).toEqual([
      200,
      {
        access_token: expect.any(String),
        issued_token_type: ACCESS_TOKEN,
        token_type: 'Bearer',
        expires_in: expect.any(Number),
      },
    ])
    expect(headers['cache-control']).toBe('no-store')
    const claims = claimsOf(body.access_token as string),
      { sid: _sid, exp: _exp, iat: _iat, ...ofLogin } = claimsOf(subject)
    expect(claims).toMatchObject({ ...ofLogin, act: { sub: program.id, type: 'delegation' } })
    expect(claims).not.toHaveProperty('sid')
    expect((await env.withToken(body.access_token as string)('GET', `${users}/v2/me`)).body.id).toBe(user.id)
  })

  test('takes JSON and forms, with and without the prefix of browsers, and each field once', async () => {
    const { env, subject, actor } = await scene(),
      form = new URLSearchParams({
        grant_type: GRANT,
        subject_token: subject,
        subject_token_type: JWT,
        actor_token: actor,
        actor_token_type: JWT,
      }),
      headers = { 'content-type': 'application/x-www-form-urlencoded' }
    for (const path of ['/oauth/token', '/frontegg/oauth/token', '/oauth/token/'])
      expect(await env.anonymous('POST', path, String(form), { headers })).toMatchObject({
        status: 200,
        body: { issued_token_type: ACCESS_TOKEN },
      })
    form.append('subject_token', actor)
    expect(await env.anonymous('POST', '/oauth/token', String(form), { headers })).toMatchObject({
      status: 400,
      body: { error: 'invalid_request', error_description: 'Invalid input form', errors: ['Invalid input form'] },
    })
  })

  test('says what is wrong as OAuth does, and as all else here', async () => {
    const { env, subject, actor } = await scene()
    const cases: [object, number, string, RegExp][] = [
      [{ grant_type: undefined }, 400, 'invalid_request', /^grant_type should not be empty$/],
      [{ grant_type: 'password' }, 400, 'unsupported_grant_type', /^grant_type is not supported$/],
      [{ grant_type: '__proto__' }, 400, 'unsupported_grant_type', /^grant_type is not supported$/],
      [{ grant_type: 7 }, 400, 'invalid_request', /^grant_type must be a string$/],
      [{ subject_token: undefined }, 400, 'invalid_request', /^subject_token should not be empty$/],
      [{ subject_token: 'x.y.z' }, 400, 'invalid_request', /^subject_token is not valid$/],
      [{ actor_token: undefined }, 400, 'invalid_request', /^actor_token should not be empty$/],
      [{ actor_token: 'x.y.z' }, 400, 'invalid_request', /^actor_token is not valid$/],
      [{ actor_token_type: undefined }, 400, 'invalid_request', /^actor_token_type must be one of/],
      [{ subject_token_type: 'urn:ietf:params:oauth:token-type:saml2' }, 400, 'invalid_request', /^subject_token_type/],
      [
        { requested_token_type: 'urn:ietf:params:oauth:token-type:refresh_token' },
        400,
        'invalid_request',
        /^requested/,
      ],
      [{ audience: 'https://elsewhere.example' }, 400, 'invalid_target', /^There is no such audience$/],
    ]
    for (const [change, status, error, text] of cases) {
      const answer = await ask(env, subject, actor, change)
      expect(answer, JSON.stringify(change)).toMatchObject({
        status,
        body: { error, error_description: expect.stringMatching(text), errors: [expect.stringMatching(text)] },
      })
    }
    const broken = await env.anonymous('POST', '/oauth/token', '{"a":', {
      headers: { 'content-type': 'application/json' },
    })
    expect(broken.body).toEqual({
      errors: ['Invalid input json'],
      errorCode: 'ER-00006',
      error: 'invalid_request',
      error_description: 'Invalid input json',
    })
    await done(ask(env, subject, actor, { audience: env.id, requested_token_type: JWT, scope: 'openid' }))
  })

  test('is for users, and for programs, with the permission', async () => {
    const { env, user, tenantId, subject } = await scene(),
      assistant = await env.newUser({ tenantId, permissions: [DELEGATE] }),
      stranger = await env.newUser({ tenantId, permissions: [READ] }),
      subjects = { user: subject, program: (await env.machine({ tenantId, userId: user.id })).token },
      actors = {
        user: await env.userToken(assistant, { permissions: [DELEGATE] }),
        'user whose token says nothing': await env.userToken(assistant),
        'program of a user': (await env.machine({ tenantId, userId: assistant.id })).token,
        'program of the tenant': (await env.machine({ tenantId, permissions: [DELEGATE] })).token,
      }
    for (const [name, shown] of Object.entries(subjects))
      for (const [by, actor] of Object.entries(actors)) {
        const token = await delegated(env, shown, actor)
        expect((await list(env.withToken(token))).status, `${by} for ${name}`).toBe(200)
        const { act, sub } = claimsOf(token)
        expect(sub).toBe(user.id)
        expect(act).toEqual({
          sub: claimsOf(actor)['sub'],
          type: 'delegation',
          ...(by !== 'program of the tenant' && { email: assistant.email }),
        })
      }
    const powerless = [
      await env.userToken(stranger, { permissions: [READ] }),
      await env.userToken(stranger),
      (await env.machine({ tenantId, userId: stranger.id })).token,
      (await env.machine({ tenantId, permissions: [READ] })).token,
    ]
    for (const actor of powerless)
      expect(await ask(env, subject, actor)).toMatchObject({
        status: 403,
        body: { errors: [`Missing permission ${DELEGATE}`], errorCode: 'ER-00008', error: 'unauthorized_client' },
      })
    // a tenant is nobody to act for
    expect(await ask(env, actors['program of the tenant'], actors.user)).toMatchObject({
      status: 400,
      body: { errors: ['subject_token must be the token of a user'] },
    })
    const environment = await env.token({ type: 'vendor', vendorId: env.id })
    expect((await ask(env, environment, actors.user)).body.errors).toEqual(['subject_token is not valid'])
    expect((await ask(env, subject, environment)).body.errors).toEqual(['actor_token is not valid'])
  })

  test('is for the access tokens of programs, too', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ permissions: [READ] }),
      { tenantId } = user,
      assistant = await env.newUser({ tenantId, permissions: [DELEGATE] })
    await done(env.vendor('POST', configuration, { enabled: true }))
    const { db } = await env.context(),
      { roleId } = await db.membershipRole.findFirstOrThrow({ where: { userId: assistant.id } }),
      subject = await env.key({ tenantId, userId: user.id })
    for (const actor of [
      await env.key({ tenantId, userId: assistant.id }),
      await env.key({ tenantId, roleIds: [roleId] }),
    ]) {
      const token = await delegated(env, subject.token, actor.token)
      // what the key does not say is looked up
      expect(claimsOf(token)).toMatchObject({ permissions: [READ], act: { sub: actor.id } })
      expect((await list(env.withToken(token))).status).toBe(200)
      expect((await list(env.client({ 'x-api-key': token }))).status).toBe(401)
      await db.accessToken.delete({ where: { id: actor.id } })
      expect((await list(env.withToken(token))).status).toBe(401)
    }
  })

  test('stays where the actor may act', async () => {
    const { env, user, tenantId, subject } = await scene(),
      elsewhere = await env.machine({ permissions: [DELEGATE] }),
      refused = { status: 403, body: { errors: ['The actor may not act in the account of the subject'] } }
    expect(await ask(env, subject, elsewhere.token)).toMatchObject(refused)
    const { tenantId: below } = await done(env.vendor('POST', tenants, { name: 'Below', parentTenantId: tenantId })),
      child = await env.newUser({ tenantId: below as string, permissions: [READ] }),
      parent = await env.machine({ tenantId, permissions: [DELEGATE] }),
      shown = await env.userToken(child)
    expect(await ask(env, shown, parent.token)).toMatchObject(refused)
    const { db } = await env.context()
    await db.tenant.updateMany({ where: { id: tenantId }, data: { subAccountAccessType: 'alwaysOn' } })
    expect(claimsOf(await delegated(env, shown, parent.token))).toMatchObject({ sub: child.id, tenantId: below })
    // never upwards
    const up = await env.machine({ tenantId: below as string, permissions: [DELEGATE] })
    expect(await ask(env, subject, up.token)).toMatchObject(refused)
    expect(user.tenantId).toBe(tenantId)
  })

  test('takes no tokens of other environments', async () => {
    const { env, subject, actor } = await scene(),
      other = await scene()
    expect((await ask(env, other.subject, actor)).body.errors).toEqual(['subject_token is not valid'])
    expect((await ask(env, subject, other.actor)).body.errors).toEqual(['actor_token is not valid'])
    // the environment that a header names decides, not the tokens
    expect((await ask(other.env, subject, actor)).body.errors).toEqual(['subject_token is not valid'])
  })

  test('gives the rights that the subject has by their token, and still has', async () => {
    const { env, tenantId, actor } = await scene(),
      user = await env.newUser({ tenantId, permissions: [READ, 'fe.secure.read.groups', 'fe.secure.write.groups'] })
    const rights = async (claims: object) => {
      const { roles, permissions } = claimsOf(await delegated(env, await env.userToken(user, claims), actor))
      return { roles, permissions }
    }
    const { db } = await env.context(),
      { key } = await db.role.findFirstOrThrow({ where: { memberships: { some: { userId: user.id } } } })
    expect(await rights({ permissions: [READ, 'fe.secure.read.roles'], roles: [] })).toEqual({
      roles: [],
      permissions: [READ],
    })
    expect(await rights({ permissions: ['fe.secure.read.*'], roles: [key, 'Admin'] })).toEqual({
      roles: [key],
      permissions: expect.toSatisfy(
        (keys: string[]) => keys.toSorted().join() === 'fe.secure.read.groups,fe.secure.read.users',
      ),
    })
    await db.membershipRole.deleteMany({ where: { userId: user.id } })
    expect(await rights({ permissions: ['*'], roles: [key] })).toEqual({ roles: [], permissions: [] })
  })

  test('nests those who acted before, and says when there are too many', async () => {
    const { env, user, tenantId, subject, actor } = await scene(),
      others = await Promise.all(
        [1, 2, 3, 4].map(async () => (await env.machine({ tenantId, permissions: [DELEGATE] })).token),
      )
    let token = subject,
      act: unknown
    for (const next of [actor, ...others]) {
      token = await delegated(env, token, next)
      act = { sub: claimsOf(next)['sub'], type: 'delegation', ...(act !== undefined && { act }) }
      expect(claimsOf(token)['act']).toEqual(act)
      expect((await env.withToken(token)('GET', `${users}/v2/me`)).body.id).toBe(user.id)
    }
    expect(await ask(env, token, actor)).toMatchObject({
      status: 400,
      body: { errors: ['The chain of delegations is too long'] },
    })
    // whoever acts for somebody does not lend out their permission to act
    const assistant = await env.newUser({ tenantId, permissions: [DELEGATE] }),
      lent = await delegated(env, await env.userToken(assistant), actor)
    expect(await ask(env, subject, lent)).toMatchObject({
      status: 400,
      body: { errors: ['actor_token must not be a delegated token'] },
    })
  })
})

describe.concurrent('a delegated token', () => {
  /** What ends it, for a subject who has logged in and an actor who is a user's program. */
  const endings: Record<
    string,
    (of: {
      env: TestEnvironment
      user: Person
      assistant: Person
      programId: string
      subject: string
    }) => Promise<unknown>
  > = {
    'the session of the subject ends': ({ env, user }) =>
      done(env.as(user.tenantId, user.id)('DELETE', `${users}/sessions/v1/me/all`)),
    'the subject logs out': async ({ env, subject }) =>
      (await env.context()).db.session.updateMany({
        where: { id: String(claimsOf(subject)['sid']) },
        data: { endedAt: await env.clock.now() },
      }),
    'the subject is locked': ({ env, user }) => done(env.vendor('POST', `${users}/v1/${user.id}/lock`)),
    'the subject is deleted': ({ env, user }) => done(env.vendor('DELETE', `${users}/v1/${user.id}`)),
    'the subject is disabled': ({ env, user }) =>
      done(env.as(user.tenantId)('POST', `${identity}/tenants/users/v1/${user.id}/disable`)),
    'the subject is removed': ({ env, user }) => done(env.as(user.tenantId)('DELETE', `${users}/v1/${user.id}`)),
    'the actor is deleted': async ({ env, programId }) =>
      (await env.context()).db.apiToken.delete({ where: { id: programId } }),
    'the user of the actor is locked': ({ env, assistant }) =>
      done(env.vendor('POST', `${users}/v1/${assistant.id}/lock`)),
    'the user of the actor is removed': ({ env, assistant }) =>
      done(env.as(assistant.tenantId)('DELETE', `${users}/v1/${assistant.id}`)),
    'there are no programs any more': ({ env }) =>
      done(env.vendor('POST', settings, { machineToMachineAuthStrategy: 'AccessToken' })),
    'the tenant is deleted': ({ env, user }) => done(env.vendor('DELETE', `${tenants}/${user.tenantId}`)),
  }
  interface Person {
    id: string
    tenantId: string
  }
  const replica = newServer()

  test.for(Object.entries(endings))('ends at the next request, on any replica, when %s', async ([, end]) => {
    const { env, user, tenantId, subject } = await scene(),
      assistant = await env.newUser({ tenantId, permissions: [DELEGATE] }),
      program = await env.machine({ tenantId, userId: assistant.id }),
      further = await env.machine({ tenantId, permissions: [DELEGATE] }),
      once = await delegated(env, subject, program.token),
      twice = await delegated(env, once, further.token),
      clients = [once, twice].flatMap((token) => [env.withToken(token), token])
    const calls = async () => {
      const on = await replica
      return Promise.all(
        clients.map(async (one) =>
          typeof one === 'string'
            ? (await list(env.client({ authorization: `Bearer ${one}` }, on))).status
            : (await list(one)).status,
        ),
      )
    }
    expect(await calls()).toEqual([200, 200, 200, 200])
    await end({ env, user, assistant, programId: program.id, subject })
    expect(await calls()).toEqual([401, 401, 401, 401])
    expect((await ask(env, twice, further.token)).status).toBe(400)
  })

  test('ends with the session of an actor who has logged in', async () => {
    const { env, tenantId, subject } = await scene(),
      assistant = await env.newUser({ tenantId, password: PASSWORD, permissions: [DELEGATE] }),
      actor = (await logIn(env, assistant)).body.accessToken as string,
      call = env.withToken(await delegated(env, subject, actor))
    expect((await list(call)).status).toBe(200)
    await done(env.as(tenantId, assistant.id)('DELETE', `${users}/sessions/v1/me/all`))
    expect((await list(call)).status).toBe(401)
  })

  test('lasts no longer than either token, nor than tokens do', async () => {
    const { env, user, tenantId, program } = await scene()
    await env.clock.freeze(await env.clock.now())
    const now = Math.floor((await env.clock.now()).getTime() / 1000),
      ctx = await env.context(),
      subject = claimsOf(await env.userToken(user)),
      actor = claimsOf(program.token)
    const lasting = async (ofSubject: number, ofActor: number) => {
      const { body } = await ask(
        env,
        signedBy(ctx, { ...subject, exp: now + ofSubject }),
        signedBy(ctx, { ...actor, exp: now + ofActor }),
      )
      const { exp } = claimsOf(body.access_token as string) as { exp: number }
      expect(exp).toBeLessThanOrEqual(now + Math.min(ofSubject, ofActor))
      return body.expires_in as number
    }
    expect(await lasting(100, 200)).toBeGreaterThan(98)
    expect(await lasting(200, 100)).toBeLessThanOrEqual(100)
    expect(await lasting(1, 100)).toBe(1)
    await done(env.vendor('POST', settings, { defaultTokenExpiration: 30 }))
    expect(await lasting(200, 100)).toBe(30)
    const call = env.withToken(await delegated(env, signedBy(ctx, { ...subject, exp: now + 20 }), program.token))
    expect((await list(call)).status).toBe(200)
    await env.clock.advance(20_000)
    expect((await list(call)).status).toBe(401)
    expect(tenantId).toBe(user.tenantId)
  })

  test('is no login: nobody has stepped up in it, and it opens nothing that is for people', async () => {
    const env = await newEnvironment(),
      careful = await withApp(env),
      { tenantId } = careful
    await done(env.vendor('POST', configuration, { enabled: true }))
    const { mfaToken } = (await logIn(env, careful)).body as { mfaToken: string },
      entered = await env.anonymous('POST', `${mfa}/authenticator/${careful.deviceId}/verify`, {
        mfaToken,
        value: await codeOf(env, careful.secret),
      }),
      subject = entered.body.accessToken as string,
      program = await env.machine({ tenantId, permissions: [DELEGATE] })
    expect(claimsOf(subject)).toHaveProperty('acr')
    const token = await delegated(env, subject, program.token),
      call = env.withToken(token)
    for (const name of ['acr', 'amr', 'auth_time', 'sid']) expect(claimsOf(token)).not.toHaveProperty(name)
    for (const [method, path, body] of [
      ['POST', `${users}/v1/passwords/change`, { password: PASSWORD, newPassword: 'Another-Hen-3!' }],
      ['POST', `${users}/emails/v1`, { email: 'new@example.com' }],
      ['POST', `${users}/v1/mfa/authenticator/enroll`, undefined],
      ['POST', `${users}/v3/me/token`, { tenantId }],
      ['POST', `${identity}/auth/v1/user/step-up/generate`, undefined],
      ['GET', `${users}/sessions/v1/me/current`, undefined],
      ['PUT', `${users}/v2/me`, { phoneNumber: '+12025550177' }],
    ] as const)
      expect(await call(method, path, body), path).toMatchObject({
        status: 403,
        body: { errors: ['Only a user who has logged in may do this'] },
      })
  })

  test('is not to be had from a session that has run out', async () => {
    const { env, subject, actor } = await scene()
    await done(
      env.vendor('POST', `${identity}/configurations/sessions/v1/vendor`, {
        sessionIdleTimeoutConfiguration: { isActive: true, timeout: 60 },
      }),
    )
    await delegated(env, subject, actor)
    await env.clock.advance(61_000)
    expect((await ask(env, subject, actor)).body.errors).toEqual(['subject_token is not valid'])
  })

  test('is made by a JWT template, which changes nothing of who acts for whom, how it is signed or how long it may last', async () => {
    const { env, user, program, subject, actor } = await scene(),
      template = withClaims({ made: true }, { algorithm: 'HS256', expiration: 7 * 86_400 })
    await applyToAll(env, template)
    const { access_token: token, expires_in } = await done(ask(env, subject, actor)),
      { iat, exp, ...claims } = claimsOf(token as string) as { iat: number; exp: number }
    expect(claims).toMatchObject({
      made: true,
      sub: user.id,
      type: 'userToken',
      act: { sub: program.id, type: 'delegation' },
      bound_to: [{ sub: user.id }, { sub: program.id }],
    })
    expect(claims).not.toHaveProperty('email')
    expect(exp - iat).toBe(expires_in)
    expect(exp).toBeLessThanOrEqual(Math.min(...[subject, actor].map((one) => claimsOf(one)['exp'] as number)))
    const header = Buffer.from((token as string).split('.')[0]!, 'base64url').toString()
    expect(JSON.parse(header)).toMatchObject({ alg: 'RS256' })
    expect((await list(env.withToken(token as string))).status).toBe(200)
    await done(env.vendor('POST', configuration, { enabled: false }))
    expect((await list(env.withToken(token as string))).status).toBe(401)
  })

  test('is of an application as long as that lets the user in', async () => {
    const { env, user, tenantId, actor } = await scene(),
      apps = '/applications/resources/applications/v1',
      { id } = await done(
        env.vendor('POST', apps, {
          name: 'App',
          appURL: 'https://a.example',
          loginURL: 'https://a.example/login',
          accessType: 'FREE_ACCESS',
        }),
      )
    const entering = () =>
      env.anonymous(
        'POST',
        `${identity}/auth/v1/user`,
        { email: user.email, password: PASSWORD },
        { headers: { 'frontegg-requested-application-id': id as string } },
      )
    const subject = (await entering()).body.accessToken as string,
      token = await delegated(env, subject, actor)
    expect(claimsOf(token)).toMatchObject({ aud: id, applicationId: id })
    expect((await list(env.withToken(token))).status).toBe(200)
    const template = await applyToAll(env, plainTemplate),
      general = await delegated(env, subject, actor)
    expect(claimsOf(general)).toMatchObject({ aud: env.id })
    expect((await list(env.withToken(general))).status).toBe(200)
    const { accessToken: unnamed } = (await entering()).body
    expect(claimsOf(unnamed as string)).toMatchObject({ aud: env.id })
    await done(env.vendor('DELETE', `${jwtTemplates}/${template.id}`))
    expect((await list(env.withToken(await delegated(env, unnamed as string, actor)))).status).toBe(200)
    await done(env.vendor('PATCH', `${apps}/${id}`, { accessType: 'MANAGED_ACCESS' }))
    for (const shown of [subject, unnamed as string])
      expect((await ask(env, shown, actor)).body.errors).toEqual(['subject_token is not valid'])
    expect(tenantId).toBe(user.tenantId)
  })

  test('is given only where the account lets its users in from', async () => {
    const { env, tenantId, subject, actor } = await scene(),
      office = { headers: { 'x-forwarded-for': '203.0.113.20' } },
      admin = env.as(tenantId)
    const entry = { ip: '203.0.113.0/24', strategy: 'ALLOW', isActive: true, description: '' }
    await done(admin('POST', `${settings}/restrictions/ip`, entry))
    await done(admin('POST', `${settings}/restrictions/ip/config`, { isActive: true, strategy: 'ALLOW' }, office))
    expect(await ask(env, subject, actor)).toMatchObject({
      status: 403,
      body: { errors: ['Your IP address is not allowed'] },
    })
  })

  test('is believed only as we signed it', async () => {
    const { env, user, tenantId, subject, actor, program } = await scene(),
      other = await env.newUser({ tenantId, permissions: ['fe.secure.*'] }),
      ctx = await env.context(),
      claims = claimsOf(await delegated(env, subject, actor)),
      parts = claims['bound_to'] as Record<string, unknown>[],
      theirSession = String(claimsOf(await env.userToken(other))['sid'])
    const opened = async (changed: object, header?: object) =>
      (await list(env.withToken(signedBy(ctx, { ...claims, ...changed }, header)))).status
    expect(await opened({})).toBe(200)
    const [first, second] = parts as [Record<string, unknown>, Record<string, unknown>]
    const wrong: object[] = [
      { act: undefined },
      { act: null },
      { act: {} },
      { act: 'x' },
      { bound_to: undefined },
      { bound_to: null },
      { bound_to: {} },
      { bound_to: [] },
      { bound_to: [first] },
      { bound_to: [null, second] },
      { bound_to: ['x', second] },
      { bound_to: [second, first] },
      { bound_to: [first, { ...second, sub: user.id }] },
      { bound_to: [first, { ...second, tenantId: 'x' }] },
      { bound_to: [first, { ...second, type: 'vendor' }] },
      { bound_to: [{ ...first, sid: theirSession }, second] },
      { bound_to: [{ ...first, sid: undefined }, second] },
      { bound_to: Array.from({ length: 7 }, () => first) },
      { sub: other.id },
      { sub: program.id },
      { tenantId: 'x' },
      { aud: user.id },
      { type: 'userApiToken', userId: user.id },
    ]
    for (const changed of wrong) expect(await opened(changed), JSON.stringify(changed)).toBe(401)
  })

  test('is not to be had by those who can read the shared secret', async () => {
    const { env, user, subject, actor } = await scene()
    await done(env.vendor('POST', settings, { jwtAlgorithm: 'HS256' }))
    const now = await logIn(env, user),
      token = await delegated(env, now.body.accessToken as string, actor),
      header = JSON.parse(Buffer.from(token.split('.')[0]!, 'base64url').toString()) as { alg: string }
    expect(header.alg).toBe('RS256')
    expect((await list(env.withToken(token))).status).toBe(200)
    const { signToken } = await import('../../../kernel/tokens.ts'),
      forged = signToken(await env.context(), claimsOf(token), { expiresIn: 60, algorithm: 'HS256' })
    expect((await list(env.withToken(forged))).status).toBe(401)
    // a session of before is signed as it was, and still good
    expect((await list(env.withToken(await delegated(env, subject, actor)))).status).toBe(200)
  })

  test('is logged when it is given and when it is used, by the ids of both', async () => {
    const { server, lines } = await loggingServer(),
      { env, user, tenantId, subject, actor, program } = await scene(newEnvironment(server)),
      token = await delegated(env, subject, actor)
    await list(env.withToken(token))
    const entries = lines.map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(entries.filter(({ msg }) => msg === 'somebody acts for a user')).toMatchObject([
      { userId: user.id, tenantId, vendorId: env.id, by: { type: 'tenantApiToken', id: program.id } },
    ])
    expect(entries.at(-1)).toMatchObject({
      msg: 'served',
      status: 200,
      userId: user.id,
      by: { type: 'delegation', id: program.id },
    })
    for (const secret of [token, subject, actor]) expect(lines.join('\n')).not.toContain(secret)
  })
})
