import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { newEnvironment, server } from '../../../../test/environment.ts'
import { signToken } from '../../../kernel/tokens.ts'

const url = '/identity/resources/configurations/v1'

/** BEHAVIOUR of a fresh environment */
const fresh = {
  defaultTokenExpiration: 86_400,
  defaultRefreshTokenExpiration: 2_592_000,
  cookieSameSite: 'NONE',
  allowSignups: true,
  apiTokensEnabled: true,
  allowOverridePasswordComplexity: false,
  allowOverridePasswordExpiration: false,
  allowOverrideEnforcePasswordHistory: false,
  jwtAlgorithm: 'RS256',
  allowNotVerifiedUsersLogin: false,
  forcePermissions: false,
  authStrategy: 'EmailAndPassword',
  defaultPasswordlessTokenExpiration: 300,
  forceSameDeviceOnAuth: false,
  allowTenantInvitations: true,
  rotateRefreshTokens: true,
  machineToMachineAuthStrategy: 'ClientCredentials',
  addRolesToJwt: true,
  addPermissionsToJwt: true,
  refreshTokensRotationLimit: 100,
  addSamlAttributesToJwt: false,
  allowCustomLoginTenantSwitch: false,
  restrictEqualLevelRoleAssignment: false,
}

describe.concurrent('the identity configuration', () => {
  test('of a fresh environment is whole', async () => {
    const env = await newEnvironment()
    const { status, body } = await env.vendor('GET', url)
    expect(status).toBe(200)
    expect(body).toEqual({
      ...fresh,
      id: env.id,
      publicKey: expect.stringMatching(/^-----BEGIN PUBLIC KEY-----\n[^\r]+-----END PUBLIC KEY-----\n$/),
      jwtSecret: '',
    })
  })

  test('is changed in part: what is not given stays', async () => {
    const env = await newEnvironment(),
      other = await newEnvironment()
    const first = await env.vendor('POST', url, { defaultTokenExpiration: 600, cookieSameSite: 'LAX' })
    expect(first).toMatchObject({
      status: 201,
      body: { ...fresh, id: env.id, defaultTokenExpiration: 600, cookieSameSite: 'LAX' },
    })
    const second = await env.vendor('POST', url, { allowSignups: false, authStrategy: 'MagicLink' })
    expect(second).toMatchObject({
      status: 201,
      body: {
        ...fresh,
        id: env.id,
        defaultTokenExpiration: 600,
        cookieSameSite: 'LAX',
        allowSignups: false,
        authStrategy: 'MagicLink',
      },
    })
    expect((await env.vendor('GET', url)).body).toEqual(second.body)
    expect((await other.vendor('GET', url)).body).toMatchObject(fresh)
  })

  test('is not changed by nothing, by null, by unknown fields and by what the server alone decides', async () => {
    const env = await newEnvironment()
    const before = (await env.vendor('POST', url, { defaultTokenExpiration: 600 })).body
    for (const body of [
      undefined,
      {},
      { defaultTokenExpiration: null },
      { surprise: 1 },
      { id: 'mine', publicKey: 'mine', jwtSecret: 'mine' },
      { skipTenantValidation: true },
    ]) {
      const answer = await env.vendor('POST', url, body)
      expect(answer, JSON.stringify(body)).toMatchObject({ status: 201 })
      expect(answer.body).toEqual(before)
    }
    expect((await env.vendor('GET', url)).body).toEqual(before)
  })

  test('refuses what cannot be, and then changes nothing at all', async () => {
    const env = await newEnvironment()
    const refuse = async (body: object, ...errors: string[]) =>
      expect(await env.vendor('POST', url, { allowSignups: false, ...body })).toMatchObject({
        status: 400,
        body: { errors },
      })
    await refuse(
      { authStrategy: 'Telepathy' },
      expect.stringMatching(/^authStrategy must be one of the following values: /),
    )
    await refuse({ cookieSameSite: 'lax' }, 'cookieSameSite must be one of the following values: STRICT, LAX, NONE')
    await refuse({ jwtAlgorithm: 'none' }, 'jwtAlgorithm must be one of the following values: RS256, HS256')
    await refuse(
      { defaultRefreshTokenExpiration: 15_552_001 },
      'defaultRefreshTokenExpiration must not be greater than 15552000',
    )
    await refuse({ defaultTokenExpiration: 0 }, 'defaultTokenExpiration must not be less than 1')
    await refuse(
      { defaultTokenExpiration: '600' },
      'defaultTokenExpiration must be a number conforming to the specified constraints',
    )
    await refuse({ forcePermissions: 'yes' }, 'forcePermissions must be a boolean value')
    expect((await env.vendor('GET', url)).body).toMatchObject(fresh)
    expect((await env.vendor('POST', url, { defaultRefreshTokenExpiration: 15_552_000 })).status).toBe(201)
  })

  test('of many partial changes at once each takes effect', async () => {
    const env = await newEnvironment()
    const changes = [
      { allowSignups: false },
      { apiTokensEnabled: false },
      { forcePermissions: true },
      { addRolesToJwt: false },
      { rotateRefreshTokens: false },
      { defaultTokenExpiration: 60 },
      { authStrategy: 'Code' },
      { cookieSameSite: 'STRICT' },
    ]
    const answers = await Promise.all(changes.map((change) => env.vendor('POST', url, change)))
    expect(answers.map((answer) => answer.status)).toEqual(changes.map(() => 201))
    answers.forEach((answer, index) => expect(answer.body).toMatchObject(changes[index]!))
    expect((await env.vendor('GET', url)).body).toMatchObject(Object.assign({}, ...changes))
  })

  test('the shared secret is shown while it signs, to management only', async () => {
    const env = await newEnvironment()
    const user = await env.user({ roleKeys: ['Admin'] })
    expect((await env.vendor('GET', url)).body.jwtSecret).toBe('')
    const { jwtSecret } = (await env.vendor('POST', url, { jwtAlgorithm: 'HS256' })).body
    expect(jwtSecret.length).toBeGreaterThanOrEqual(32)
    expect((await env.vendor('GET', url)).body.jwtSecret).toBe(jwtSecret)
    expect((await user('GET', url)).body).toMatchObject({ jwtAlgorithm: 'HS256', jwtSecret: '' })
    const [head, body, signature] = signToken(
      await env.context(),
      { type: 'userToken' },
      { expiresIn: 60, algorithm: 'HS256' },
    ).split('.')
    expect(createHmac('sha256', jwtSecret).update(`${head}.${body}`).digest('base64url')).toBe(signature)
    expect((await env.vendor('POST', url, { jwtAlgorithm: 'RS256' })).body.jwtSecret).toBe('')
  })

  test('is read by any user for the portal, and changed by none', async () => {
    const env = await newEnvironment()
    const user = await env.user(),
      admin = await env.user({ roleKeys: ['Admin'] })
    expect(await user('GET', url)).toMatchObject({ status: 200, body: { ...fresh, id: env.id, jwtSecret: '' } })
    expect(await admin('POST', url, { allowSignups: false })).toMatchObject({
      status: 401,
      body: { errors: ['Failed to verify vendor JWT'] },
    })
    expect((await admin('GET', `${url}/basic`)).status).toBe(401)
    expect((await env.anonymous('GET', url)).status).toBe(401)
    expect((await env.vendor('GET', url)).body.allowSignups).toBe(true)
  })
})

describe.concurrent('parts of the identity configuration', () => {
  test('backends ask for two of its fields', async () => {
    const env = await newEnvironment()
    expect((await env.vendor('GET', `${url}/basic`)).body).toEqual({
      forcePermissions: false,
      machineToMachineAuthStrategy: 'ClientCredentials',
    })
    await env.vendor('POST', url, { forcePermissions: true, machineToMachineAuthStrategy: 'AccessToken' })
    expect((await env.vendor('GET', `${url}/basic`)).body).toEqual({
      forcePermissions: true,
      machineToMachineAuthStrategy: 'AccessToken',
    })
  })

  test('a login page gets what it needs, without a token and with a stale one', async () => {
    const env = await newEnvironment()
    const expected = {
      allowSignups: true,
      allowNotVerifiedUsersLogin: false,
      apiTokensEnabled: true,
      forcePermissions: false,
      restrictEqualLevelRoleAssignment: false,
      authStrategy: 'EmailAndPassword',
      machineToMachineAuthStrategy: 'ClientCredentials',
    }
    expect(await env.anonymous('GET', `/frontegg${url}/public`)).toMatchObject({ status: 200, body: expected })
    expect((await env.client({ authorization: 'Bearer stale' })('GET', `${url}/public`)).body).toEqual(expected)
    await env.vendor('POST', url, { allowSignups: false, authStrategy: 'SmsCode' })
    const { body } = await server.http.inject({
      method: 'GET',
      url: `${url}/public`,
      headers: { host: `${env.name}.localhost:3100` },
    })
    expect(JSON.parse(body)).toEqual({ ...expected, allowSignups: false, authStrategy: 'SmsCode' })
  })

  test("the ways to log in are lists, of which the main one is the environment's", async () => {
    const env = await newEnvironment()
    const secondary = [
      'WebAuthnPlatform',
      'WebAuthnCrossPlatform',
      'SmsCode',
      'SmsCodeV2',
      'Passkeys',
      'UsernameAndPassword',
      'UsernameAndMagicLink',
      'UsernameAndCode',
      'UsernameAndSms',
    ]
    for (const path of [`${url}/auth/strategies`, `${url}/auth/strategies/public`]) {
      expect((await env.anonymous('GET', path)).body).toEqual({
        mainAuthStrategies: [{ strategy: 'EmailAndPassword' }],
        secondaryAuthStrategies: secondary.map((strategy) => ({ strategy, isActive: false })),
      })
    }
    await env.vendor('POST', url, { authStrategy: 'Code' })
    expect((await env.anonymous('GET', `/frontegg${url}/auth/strategies/public`)).body.mainAuthStrategies).toEqual([
      { strategy: 'Code' },
    ])
  })
})
