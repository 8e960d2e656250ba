import { createHmac, generateKeyPairSync, verify } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { outbound } from '@henhouse/outbound'
import {
  httpDouble,
  unreachable,
  type Received,
  type Reply,
} from '../../../../../../packages/outbound/test/http-double.ts'
import { verified } from '../../../../../../packages/mail/test/sigv4.ts'
import { loggingServer } from '../../../../test/logged.ts'
import { newEnvironment, newServer, unique, type TestEnvironment } from '../../../../test/environment.ts'
import { addSource, auth0Double, bodyOf, configured, json, logInWith, scriptOf } from '../../../../test/pools.ts'

const PASSWORD = 'correct horse battery'
const ada = () => ({ email: `${unique('ada')}@example.com`, password: PASSWORD })

describe('Auth0', () => {
  test('is asked with the password, and says who it is', async () => {
    const user = {
        ...ada(),
        user_id: 'auth0|1',
        email_verified: true,
        name: 'Ada',
        picture: 'https://example.com/a.png',
      },
      double = await auth0Double([user]),
      env = await newEnvironment(await newServer({ auth0Url: double.url }))
    await addSource(env, 'auth0')
    const { status, body } = await logInWith(
      env,
      { email: user.email, password: PASSWORD },
      { 'x-forwarded-for': '203.0.113.9' },
    )
    expect(status, JSON.stringify(body)).toBe(200)
    expect(body).toMatchObject({ userEmail: user.email, emailVerified: true, accessToken: expect.any(String) })
    expect(bodyOf(double.received[0]!)).toEqual({
      ...{ grant_type: 'password', username: user.email, password: PASSWORD, scope: 'openid profile email' },
      ...{ client_id: configured.auth0.clientId, client_secret: configured.auth0.secret },
    })
    expect(double.received[0]!.headers['auth0-forwarded-for']).toBe('203.0.113.9')
    const { db } = await env.context()
    expect(await db.user.findFirstOrThrow({ where: { email: user.email } })).toMatchObject({
      ...{ name: 'Ada', profilePictureUrl: 'https://example.com/a.png', externalId: 'auth0|1', passwordHash: null },
    })
    expect((await logInWith(env, { email: user.email, password: 'wrong' })).status).toBe(401)
  })

  test('says in the metadata that users cannot write which account is theirs', async () => {
    const users = [
      { ...ada(), user_id: 'auth0|1', email_verified: true, app_metadata: { org: 'coop' } },
      { ...ada(), user_id: 'auth0|2', email_verified: true, user_metadata: { org: 'coop' } },
      { ...ada(), user_id: 'auth0|3', email_verified: true, app_metadata: { org: 'nowhere' } },
    ]
    const double = await auth0Double(users),
      env = await newEnvironment(await newServer({ auth0Url: double.url }))
    await env.vendor('POST', '/tenants/resources/tenants/v1', { tenantId: 'coop', name: 'Coop' })
    await addSource(env, 'auth0', { tenantConfig: { tenantResolverType: 'dynamic', tenantIdFieldName: 'org' } })
    const answers = []
    for (const { email } of users) answers.push((await logInWith(env, { email, password: PASSWORD })).status)
    expect(answers).toEqual([200, 401, 401])
    const { db } = await env.context()
    expect(await db.membership.findMany({ where: {}, select: { tenantId: true } })).toEqual([{ tenantId: 'coop' }])
  })

  test.each([
    ['a second factor', json(403, { error: 'mfa_required', mfa_token: 'x' }), 401],
    ['a block', json(429, { error: 'too_many_attempts', error_description: 'blocked' }), 401],
    ['another client', json(403, { error: 'unauthorized_client' }), 503],
    ['a rate limit', json(429, { error: 'too_many_requests' }), 503],
    ['a fault of its own', { status: 500 }, 503],
    ['a redirect', { status: 302, headers: { location: 'http://127.0.0.1/' } }, 503],
    ['no JSON', { status: 200, body: 'hello' }, 503],
    ['no token', json(200, {}), 503],
    ['a token of nobody', json(200, { access_token: 'of nobody' }), 503],
  ] as [string, Reply, number][])('lets nobody in with %s', async (_, reply, expected) => {
    const double = await auth0Double([], { token: () => reply }),
      env = await newEnvironment(await newServer({ auth0Url: double.url }))
    await addSource(env, 'auth0')
    expect((await logInWith(env, ada())).status).toBe(expected)
    expect(await (await env.context()).db.user.count({ where: {} })).toBe(0)
  })
})

describe('Cognito', () => {
  const region = 'eu-west-1'
  async function cognito(
    users: { email: string; password: string; attributes: Record<string, string>; enabled?: boolean }[],
    init?: () => Reply,
  ) {
    const fault = (type: string, message = 'x') => json(400, { __type: type, message })
    return httpDouble((request) => {
      verified(request, { [configured.cognito.accessKeyId]: configured.cognito.secretAccessKey }, new Date())
      const body = bodyOf(request)
      if (body['UserPoolId'] !== configured.cognito.userPoolId) return fault('ResourceNotFoundException')
      const action = String(request.headers['x-amz-target'])
      if (action === 'AWSCognitoIdentityProviderService.AdminInitiateAuth') {
        const { USERNAME, PASSWORD: typed, SECRET_HASH } = body['AuthParameters'] as Record<string, string>
        const hash = createHmac('sha256', configured.cognito.clientSecret)
          .update(USERNAME + configured.cognito.clientId)
          .digest('base64')
        if (SECRET_HASH !== hash)
          return fault('NotAuthorizedException', `Unable to verify secret hash for client ${body['ClientId']}`)
        if (init) return init()
        const user = users.find((one) => one.email === USERNAME)
        if (!user) return fault('UserNotFoundException')
        return user.password === typed
          ? json(200, {
              AuthenticationResult: { AccessToken: 'a', IdToken: 'i', ExpiresIn: 3600 },
              ChallengeParameters: {},
            })
          : fault('NotAuthorizedException', 'Incorrect username or password.')
      }
      const user = users.find((one) => one.email === body['Username'])
      return user
        ? json(200, {
            Username: 'u-1',
            Enabled: user.enabled ?? true,
            UserAttributes: Object.entries(user.attributes).map(([Name, Value]) => ({ Name, Value })),
          })
        : fault('UserNotFoundException')
    })
  }
  const setUp = async (double: { url: string }, configuration: object = {}) => {
    const env = await newEnvironment(await newServer({ userPoolEndpoints: { cognito: double.url } }))
    await env.vendor('POST', '/tenants/resources/tenants/v1', { tenantId: 'coop', name: 'Coop' })
    await addSource(env, 'cognito', configuration)
    return env
  }

  test('is asked by signed calls, and says who it is', async () => {
    const user = ada(),
      double = await cognito([
        {
          ...user,
          attributes: { sub: 's-1', email: user.email, email_verified: 'true', name: 'Ada', 'custom:org': 'coop' },
        },
      ]),
      env = await setUp(double, { tenantConfig: { tenantResolverType: 'dynamic', tenantIdFieldName: 'custom:org' } })
    const { status, body } = await logInWith(env, user)
    expect(status, JSON.stringify(body)).toBe(200)
    expect(body).toMatchObject({ userEmail: user.email, emailVerified: true })
    const { db } = await env.context()
    expect(await db.user.findFirstOrThrow({ where: {}, include: { memberships: true, source: true } })).toMatchObject({
      ...{ name: 'Ada', activeTenantId: 'coop', memberships: [{ tenantId: 'coop' }], source: { subject: 's-1' } },
    })
    for (const guess of [{ ...user, password: 'wrong' }, ada()]) expect((await logInWith(env, guess)).status).toBe(401)
  })

  test.each([
    ['a challenge', json(200, { ChallengeName: 'SOFTWARE_TOKEN_MFA', Session: 's' }), 401],
    ['a new password', json(200, { ChallengeName: 'NEW_PASSWORD_REQUIRED', Session: 's' }), 401],
    ['no confirmation', json(400, { __type: 'UserNotConfirmedException' }), 401],
    ['a namespace', json(400, { __type: 'com.amazonaws.cognito#UserNotFoundException' }), 401],
    ['throttling', json(400, { __type: 'TooManyRequestsException' }), 503],
    ['other keys', json(400, { __type: 'UnrecognizedClientException' }), 503],
    ['an unknown flow', json(400, { __type: 'InvalidParameterException', message: 'Auth flow not enabled' }), 503],
  ] as [string, Reply, number][])('lets nobody in with %s', async (_, reply, expected) => {
    const env = await setUp(await cognito([], () => reply))
    expect((await logInWith(env, ada())).status).toBe(expected)
  })

  test('lets nobody in with the wrong secret of the application, nor a user whom it has disabled', async () => {
    const user = ada(),
      double = await cognito([{ ...user, enabled: false, attributes: { sub: 's', email: user.email } }])
    expect((await logInWith(await setUp(double, { clientSecret: 'other' }), user)).status).toBe(503)
    expect((await logInWith(await setUp(double), user)).status).toBe(401)
    expect(
      double.received.every(({ headers }) => String(headers.authorization).includes(`/${region}/cognito-idp/`)),
    ).toBe(true)
  })
})

describe('Firebase', () => {
  const firebase = (user: { email: string; password: string; more?: object }, signIn?: () => Reply) =>
    httpDouble((request) => {
      if (request.headers['x-goog-api-key'] !== configured.firebase.apiKey)
        return json(400, { error: { code: 400, message: 'API key not valid.' } })
      const body = bodyOf(request)
      if (request.target === '/v1/accounts:signInWithPassword') {
        if (signIn) return signIn()
        return body['email'] === user.email && body['password'] === user.password
          ? json(200, { localId: 'f-1', email: user.email, idToken: 'an-id-token', registered: true })
          : json(400, { error: { code: 400, message: 'INVALID_LOGIN_CREDENTIALS' } })
      }
      return request.target === '/v1/accounts:lookup' && body['idToken'] === 'an-id-token'
        ? json(200, {
            users: [{ localId: 'f-1', email: user.email, emailVerified: true, displayName: 'Ada', ...user.more }],
          })
        : json(400, { error: { message: 'INVALID_ID_TOKEN' } })
    })
  const setUp = async (double: { url: string }, configuration: object = {}) => {
    const env = await newEnvironment(await newServer({ userPoolEndpoints: { firebase: double.url } }))
    await addSource(env, 'firebase', configuration)
    return env
  }

  test('is asked with the address, and says who it is', async () => {
    const user = ada(),
      env = await setUp(await firebase(user))
    expect(await logInWith(env, user)).toMatchObject({
      status: 200,
      body: { userEmail: user.email, emailVerified: true },
    })
    expect(await (await env.context()).db.user.findFirstOrThrow({ where: {} })).toMatchObject({
      name: 'Ada',
      externalId: 'f-1',
    })
    expect((await logInWith(env, { ...user, password: 'wrong' })).status).toBe(401)
  })

  test('is not asked with a username', async () => {
    const double = await firebase(ada()),
      env = await setUp(double)
    expect((await logInWith(env, { username: 'ada', password: PASSWORD })).status).toBe(401)
    expect(double.received).toEqual([])
  })

  test.each([
    ['a second factor', json(200, { mfaPendingCredential: 'x', mfaInfo: [] }), 401],
    ['too many tries', json(400, { error: { message: 'TOO_MANY_ATTEMPTS_TRY_LATER : Access was disabled' } }), 401],
    ['passwords switched off', json(400, { error: { message: 'OPERATION_NOT_ALLOWED' } }), 503],
    ['another token', json(200, { idToken: 'other' }), 503],
    ['a fault of its own', { status: 503 }, 503],
  ] as [string, Reply, number][])('lets nobody in with %s', async (_, reply, expected) => {
    expect((await logInWith(await setUp(await firebase(ada(), () => reply)), ada())).status).toBe(expected)
  })

  test('lets nobody in whom it has disabled', async () => {
    const user = { ...ada(), more: { disabled: true } }
    expect((await logInWith(await setUp(await firebase(user)), { email: user.email, password: PASSWORD })).status).toBe(
      401,
    )
  })
})

describe('a federated server', () => {
  async function federated(user: { email: string; password: string }, discovery: object = {}) {
    const calls: Received[] = []
    const double = await httpDouble((request) => {
      calls.push(request)
      const { target, headers } = request
      if (target === '/.well-known/openid-configuration')
        return json(200, {
          issuer: double.url,
          token_endpoint: `${double.url}/token`,
          userinfo_endpoint: `${double.url}/me`,
          grant_types_supported: ['authorization_code', 'password'],
          ...discovery,
        })
      if (target === '/token') {
        const form = new URLSearchParams(request.body.toString()),
          [id, secret] = headers.authorization
            ? Buffer.from(headers.authorization.slice(6), 'base64').toString().split(':').map(decodeURIComponent)
            : [form.get('client_id'), form.get('client_secret')]
        if (id !== configured.federation.clientId || secret !== configured.federation.secret)
          return json(401, { error: 'invalid_client' })
        if (form.get('grant_type') !== 'password') return json(400, { error: 'unsupported_grant_type' })
        return form.get('username') === user.email && form.get('password') === user.password
          ? json(200, { access_token: 'a-token', token_type: 'Bearer' })
          : json(400, { error: 'invalid_grant' })
      }
      return headers.authorization === 'Bearer a-token'
        ? json(200, { sub: 'p-1', email: user.email, email_verified: true, name: 'Ada', org: ['coop', 'mill'] })
        : json(401, {})
    })
    return double
  }
  const wellknownUrl = (double: { url: string }) => `${double.url}/.well-known/openid-configuration`

  test.each([
    ['in a header', {}],
    ['in the body', { token_endpoint_auth_methods_supported: ['client_secret_post'] }],
  ])('is asked where it says that it is, with the client secret %s', async (_, discovery) => {
    const user = ada(),
      double = await federated(user, discovery),
      env = await newEnvironment()
    for (const tenantId of ['coop', 'mill'])
      await env.vendor('POST', '/tenants/resources/tenants/v1', { tenantId, name: 'T' })
    await addSource(env, 'federation', {
      wellknownUrl: wellknownUrl(double),
      tenantConfig: { tenantResolverType: 'dynamic', tenantIdFieldName: 'org' },
    })
    expect(await logInWith(env, user)).toMatchObject({ status: 200, body: { userEmail: user.email } })
    const { db } = await env.context()
    expect((await db.membership.findMany({ where: {} })).map(({ tenantId }) => tenantId).toSorted()).toEqual([
      'coop',
      'mill',
    ])
    expect((await logInWith(env, { ...user, password: 'wrong' })).status).toBe(401)
  })

  test('is asked where it is configured to be', async () => {
    const user = ada(),
      { url } = await federated(user),
      env = await newEnvironment()
    await addSource(env, 'federation', {
      wellknownUrl: undefined,
      oauth2Config: {
        authorizationUrl: `${url}/auth`,
        tokenUrl: `${url}/token`,
        userInfoUrl: `${url}/me`,
        grantTypes: ['password'],
      },
    })
    expect((await logInWith(env, user)).status).toBe(200)
  })

  test('is sent no password when it does not say that it takes any', async () => {
    const user = ada(),
      double = await federated(user, { grant_types_supported: ['authorization_code'] }),
      env = await newEnvironment()
    await addSource(env, 'federation', { wellknownUrl: wellknownUrl(double) })
    await addSource(env, 'federation', {
      wellknownUrl: undefined,
      oauth2Config: { authorizationUrl: double.url, tokenUrl: `${double.url}/token`, userInfoUrl: `${double.url}/me` },
    })
    expect((await logInWith(env, user)).status).toBe(503)
    expect(double.received.map(({ target }) => target)).toEqual(['/.well-known/openid-configuration'])
  })
})

describe('a source that cannot be asked', () => {
  const down = async () => ({ wellknownUrl: `http://127.0.0.1:${await unreachable()}/` })

  test('is passed over: the next one decides', async () => {
    const env = await newEnvironment(),
      user = ada()
    await addSource(env, 'federation', await down(), { index: 1 })
    await addSource(
      env,
      'custom-code',
      { codePayload: scriptOf([{ ...user, id: '1', emailVerified: true }]) },
      { index: 2 },
    )
    expect((await logInWith(env, user)).status).toBe(200)
    expect((await logInWith(env, ada())).status).toBe(401)
  })

  test('is called on no private address in production, and only by https', async () => {
    const double = await httpDouble(() => ({ status: 200 })),
      env = await newEnvironment(await newServer({ outbound: outbound([]) }))
    for (const wellknownUrl of [double.url, double.url.replace('http:', 'https:'), 'http://example.com/'])
      await addSource(env, 'federation', { wellknownUrl })
    await addSource(env, 'auth0', { domain: 'localhost' })
    expect((await logInWith(env, ada())).status).toBe(503)
    expect(double.received).toEqual([])
  })

  test('is logged without password and secrets', async () => {
    const user = ada()
    const double = await httpDouble((request) =>
        json(500, { error_description: `${request.body.toString()} ${request.headers.authorization}` }),
      ),
      { server, lines } = await loggingServer({
        auth0Url: double.url,
        userPoolEndpoints: { cognito: double.url, firebase: double.url },
      }),
      env = await newEnvironment(server)
    await addSource(env, 'auth0')
    await addSource(env, 'cognito')
    await addSource(env, 'firebase')
    await addSource(env, 'federation', {
      wellknownUrl: undefined,
      oauth2Config: {
        authorizationUrl: double.url,
        tokenUrl: double.url,
        userInfoUrl: double.url,
        grantTypes: ['password'],
      },
    })
    await addSource(env, 'custom-code', {
      codePayload: 'function onEvent({ password }) { throw new Error(`no: ${password}`) }',
    })
    expect((await logInWith(env, user)).status).toBe(401)
    const text = lines.join('\n')
    expect(text).toContain('a user source could not be asked')
    expect(text).toContain('the script of a user source threw')
    expect(text).not.toMatch(/the-(secret|private|firebase)/)
    expect(text).not.toContain(PASSWORD)
  })
})

describe('somebody who has forgotten their password', () => {
  const forget = (env: TestEnvironment, email: string, headers = {}) =>
    env.anonymous('POST', '/identity/resources/users/v1/passwords/reset', { email }, { headers })
  /** A link in a mail, and what it opens. */
  async function getsIn(env: TestEnvironment, email: string) {
    expect(await forget(env, email)).toMatchObject({ status: 201, body: null })
    expect(await env.messages()).toEqual([])
    await env.runJobs()
    const [mail] = await env.messages()
    expect(mail).toMatchObject({ recipient: email, template: 'ResetPassword' })
    const { searchParams } = new URL(mail!.link!),
      body = { userId: searchParams.get('userId'), token: searchParams.get('token'), password: 'a-New-password-1' }
    expect(
      (await env.anonymous('POST', '/identity/resources/users/v1/passwords/reset/verify', body)).status,
    ).toBeLessThan(300)
    expect(await logInWith(env, { email, password: body.password })).toMatchObject({
      status: 200,
      body: { userEmail: email },
    })
  }
  const profile = (email: string) => ({ id: '1', email, emailVerified: true, name: 'Ada' })
  const isMigrated = true

  test('is brought in from a script', async () => {
    const { email } = ada(),
      env = await newEnvironment(),
      getUserCodePayload = `const onEvent = ({ email }) => (email === ${JSON.stringify(email)} ? ${JSON.stringify(profile(email))} : null)`
    await addSource(env, 'custom-code', { isMigrated, getUserCodePayload })
    await getsIn(env, email)
    expect((await forget(env, ada().email)).status).toBe(201)
    await env.runJobs()
    expect(await env.messages()).toHaveLength(1)
  })

  test('is brought in from Auth0', async () => {
    const { email } = ada(),
      double = await httpDouble(({ target, headers }) => {
        if (target === '/oauth/token') return json(200, { access_token: 'management' })
        return headers.authorization === 'Bearer management' &&
          target === `/api/v2/users-by-email?${new URLSearchParams({ email })}`
          ? json(200, [
              { user_id: 'google-oauth2|1', email, email_verified: true },
              { user_id: 'auth0|2', email, email_verified: true, name: 'Ada' },
            ] as object)
          : json(404, {})
      }),
      env = await newEnvironment(await newServer({ auth0Url: double.url }))
    await addSource(env, 'auth0', { isMigrated })
    await getsIn(env, email)
    expect(await (await env.context()).db.userSourceUser.findMany({ where: {} })).toMatchObject([
      { subject: 'auth0|2' },
    ])
  })

  test('is brought in from Cognito', async () => {
    const { email } = ada(),
      double = await httpDouble((request) => {
        verified(request, { [configured.cognito.accessKeyId]: configured.cognito.secretAccessKey }, new Date())
        return bodyOf(request)['Username'] === email
          ? json(200, {
              Username: 'u',
              Enabled: true,
              UserAttributes: [
                ['sub', 's'],
                ['email', email],
                ['email_verified', 'true'],
              ].map(([Name, Value]) => ({ Name, Value })),
            })
          : json(400, { __type: 'UserNotFoundException' })
      }),
      env = await newEnvironment(await newServer({ userPoolEndpoints: { cognito: double.url } }))
    await addSource(env, 'cognito', { isMigrated })
    await getsIn(env, email)
  })

  test('is brought in from Firebase, as its service account', async () => {
    const { email } = ada(),
      { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const double = await httpDouble((request) => {
      if (request.target === '/token') {
        const [head, claims, signature] = new URLSearchParams(request.body.toString()).get('assertion')!.split('.')
        const isGood = verify(
          'sha256',
          Buffer.from(`${head}.${claims}`),
          publicKey,
          Buffer.from(signature!, 'base64url'),
        )
        return isGood ? json(200, { access_token: 'of the account' }) : json(400, { error: 'invalid_grant' })
      }
      return request.target === '/v1/projects/coop/accounts:lookup' &&
        request.headers.authorization === 'Bearer of the account'
        ? json(200, { users: [{ localId: 'f', email, emailVerified: true }] })
        : json(401, { error: { message: 'UNAUTHENTICATED' } })
    })
    const env = await newEnvironment(
      await newServer({ userPoolEndpoints: { firebase: double.url, google: `${double.url}/token` } }),
    )
    const private_key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString().replaceAll('\n', '\\n')
    await addSource(env, 'firebase', {
      isMigrated,
      serviceAccount: { ...configured.firebase.serviceAccount, private_key },
    })
    await getsIn(env, email)
  })

  test.each([
    ['the source keeps its users', { isMigrated: false }, {}],
    ['the source does not vouch for the address', { isMigrated }, { emailVerified: false }],
    ['the source says another address', { isMigrated }, { email: 'other@example.com' }],
  ])('stays where they are when %s', async (_, configuration, more) => {
    const { email } = ada(),
      env = await newEnvironment(),
      getUserCodePayload = `const onEvent = () => (${JSON.stringify({ ...profile(email), ...more })})`
    await addSource(env, 'custom-code', { ...configuration, getUserCodePayload })
    expect((await forget(env, email)).status).toBe(201)
    await env.runJobs()
    expect(await env.messages()).toEqual([])
    expect(await (await env.context()).db.user.count({ where: {} })).toBe(0)
  })

  test('is not looked up elsewhere when they are here, or the source is away', async () => {
    const env = await newEnvironment(await newServer({ auth0Url: `http://127.0.0.1:${await unreachable()}` })),
      { email } = await env.newUser({ password: PASSWORD })
    await addSource(env, 'auth0', { isMigrated })
    await forget(env, email)
    expect(await (await env.context()).db.job.count({ where: { name: 'look-up-in-user-sources' } })).toBe(0)
    await forget(env, ada().email)
    await env.runJobs()
    expect(await env.messages()).toMatchObject([{ recipient: email }])
  })
})
