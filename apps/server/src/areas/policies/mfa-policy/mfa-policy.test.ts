import { describe, expect, test } from 'vitest'
import { newEnvironment } from '../../../../test/environment.ts'
import * as mfaPolicy from './mfa-policy.service.ts'

const url = '/identity/resources/configurations/v1/mfa-policy'
const strategies = '/identity/resources/configurations/v1/mfa/strategies',
  configuration = '/identity/resources/configurations/v1/mfa'
const keys = ['fe.secure.read.securityPolicy', 'fe.secure.write.securityPolicy']

describe.concurrent('the MFA policy', () => {
  test('is not there until it is created, with its defaults, and then once', async () => {
    const env = await newEnvironment()
    expect(await env.vendor('GET', url)).toMatchObject({
      status: 404,
      body: { errors: [expect.stringContaining('MFA is disabled')] },
    })
    expect(await env.vendor('POST', url)).toMatchObject({
      status: 201,
      body: {
        enforceMFAType: 'Force',
        allowRememberMyDevice: false,
        mfaDeviceExpiration: 1209600,
        id: expect.any(String),
      },
    })
    expect(await env.vendor('POST', url, { enforceMFAType: 'DontForce' })).toMatchObject({ status: 409 })
    expect((await env.vendor('GET', url)).body.enforceMFAType).toBe('Force')
  })

  test('of many that create it at once, one does', async () => {
    const env = await newEnvironment()
    const answers = await Promise.all(Array.from({ length: 8 }, () => env.vendor('POST', url, {})))
    expect(answers.map((a) => a.status).sort()).toEqual([201, 409, 409, 409, 409, 409, 409, 409])
  })

  test('PATCH wants something to change, and something to change it in', async () => {
    const env = await newEnvironment()
    expect(await env.vendor('PATCH', url, {})).toMatchObject({
      status: 400,
      body: { errors: ['Missing parameters to update'] },
    })
    expect((await env.vendor('PATCH', url, { enforceMFAType: 'Force' })).status).toBe(404)
    await env.vendor('POST', url, { enforceMFAType: 'DontForce', mfaDeviceExpiration: 60 })
    expect(await env.vendor('PATCH', url, { allowRememberMyDevice: true })).toMatchObject({
      status: 200,
      body: { enforceMFAType: 'DontForce', allowRememberMyDevice: true, mfaDeviceExpiration: 60 },
    })
    expect(await env.vendor('PATCH', url, { enforceMFAType: 'Sometimes' })).toMatchObject({
      status: 400,
      body: { errors: ['enforceMFAType must be one of the following values: DontForce, Force, ForceExceptSAML'] },
    })
    expect((await env.vendor('GET', url)).body.enforceMFAType).toBe('DontForce')
  })

  test('PUT makes it or changes it, also many at once', async () => {
    const env = await newEnvironment()
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, i) =>
        env.vendor('PUT', url, i % 2 ? { allowRememberMyDevice: true } : { mfaDeviceExpiration: 600 }),
      ),
    )
    expect(answers.every((a) => a.status === 200)).toBe(true)
    expect((await env.vendor('GET', url)).body).toMatchObject({
      enforceMFAType: 'Force',
      allowRememberMyDevice: true,
      mfaDeviceExpiration: 600,
    })
  })

  test("a tenant has its own beside the environment's, for users who may change it", async () => {
    const env = await newEnvironment(),
      admin = await env.user({ permissions: keys }),
      stranger = await env.user({ permissions: keys })
    expect((await admin('GET', `${url}/vendor`)).status).toBe(404)
    await env.vendor('POST', url, { enforceMFAType: 'DontForce' })
    expect((await admin('GET', url)).status).toBe(404)
    expect(await admin('PUT', url, { enforceMFAType: 'Force' })).toMatchObject({ status: 200 })
    expect((await admin('GET', `${url}/vendor`)).body.enforceMFAType).toBe('DontForce')
    expect((await env.as(admin.tenantId)('GET', url)).body.enforceMFAType).toBe('Force')
    expect((await stranger('GET', url)).status).toBe(404)
    expect((await env.vendor('GET', url)).body.enforceMFAType).toBe('DontForce')
    const reader = await env.user({ permissions: ['fe.secure.read.securityPolicy'] })
    expect((await reader('PUT', url, { enforceMFAType: 'DontForce' })).status).toBe(403)
  })

  test("asks of a user what is the strictest of the environment and all the user's tenants", async () => {
    const env = await newEnvironment(),
      ctx = await env.context()
    const a = await env.newTenant(),
      b = await env.newTenant()
    expect(await mfaPolicy.requirement(ctx, [a, b])).toEqual({
      enforceMFAType: 'DontForce',
      allowRememberMyDevice: false,
      mfaDeviceExpiration: 1209600,
    })
    await env.as(a)('POST', url, {
      enforceMFAType: 'ForceExceptSAML',
      allowRememberMyDevice: true,
      mfaDeviceExpiration: 900,
    })
    expect(await mfaPolicy.requirement(ctx, [a, b])).toEqual({
      enforceMFAType: 'ForceExceptSAML',
      allowRememberMyDevice: true,
      mfaDeviceExpiration: 900,
    })
    await env.as(b)('POST', url, { enforceMFAType: 'Force', allowRememberMyDevice: true, mfaDeviceExpiration: 300 })
    expect(await mfaPolicy.requirement(ctx, [a, b])).toEqual({
      enforceMFAType: 'Force',
      allowRememberMyDevice: true,
      mfaDeviceExpiration: 300,
    })
    expect(await mfaPolicy.requirement(ctx, [a])).toMatchObject({ enforceMFAType: 'ForceExceptSAML' })
    await env.vendor('POST', url, { enforceMFAType: 'DontForce', allowRememberMyDevice: false })
    expect(await mfaPolicy.requirement(ctx, [a])).toEqual({
      enforceMFAType: 'ForceExceptSAML',
      allowRememberMyDevice: false,
      mfaDeviceExpiration: 900,
    })
    await env.vendor('PATCH', url, { enforceMFAType: 'Force' })
    await env.as(a)('PATCH', url, { enforceMFAType: 'DontForce' })
    expect(await mfaPolicy.requirement(ctx, [a])).toMatchObject({ enforceMFAType: 'Force' })
    expect(await mfaPolicy.requirement(ctx, [])).toMatchObject({ enforceMFAType: 'Force' })
  })
})

describe.concurrent('the second factors', () => {
  test('are authenticator apps at first; others are switched on one by one, also at once', async () => {
    const env = await newEnvironment()
    expect(await env.vendor('GET', strategies)).toMatchObject({
      status: 200,
      body: {
        strategies: [
          { strategy: 'AuthenticatorApp', isActive: true },
          { strategy: 'WebAuthnPlatform', isActive: false },
          { strategy: 'WebAuthnCrossPlatform', isActive: false },
          { strategy: 'SMS', isActive: false },
          { strategy: 'EmailCode', isActive: false },
        ],
      },
    })
    const answers = await Promise.all(
      ['SMS', 'EmailCode', 'WebAuthnPlatform'].map((strategy) =>
        env.vendor('POST', strategies, { strategy, isActive: true }),
      ),
    )
    expect(answers.map(({ status, body }) => [status, body])).toEqual([
      [201, null],
      [201, null],
      [201, null],
    ])
    await env.vendor('POST', strategies, { strategy: 'AuthenticatorApp', isActive: false })
    expect(await mfaPolicy.activeStrategies(await env.context())).toEqual(['WebAuthnPlatform', 'SMS', 'EmailCode'])
    expect((await env.vendor('POST', strategies, { strategy: 'Fax', isActive: true })).status).toBe(400)
  })

  test('are for users to see and for management to change', async () => {
    const env = await newEnvironment(),
      user = await env.user({ roleKeys: ['Admin'] })
    expect((await user('GET', strategies)).status).toBe(200)
    expect((await user('POST', strategies, { strategy: 'SMS', isActive: true })).status).toBe(401)
    expect((await user('GET', configuration)).status).toBe(401)
  })

  test('the configuration and the list of strategies tell the same', async () => {
    const env = await newEnvironment()
    expect(await env.vendor('GET', configuration)).toMatchObject({
      status: 200,
      body: {
        authenticationApp: { active: true, serviceName: 'Frontegg' },
        sms: { active: false, tokenLifetimeSeconds: 300 },
        email: { active: false, tokenLifetimeSeconds: 300, sender: '' },
      },
    })
    const changed = await env.vendor('POST', configuration, { sms: { active: true, tokenLifetimeSeconds: 600 } })
    expect(changed).toMatchObject({
      status: 201,
      body: { authenticationApp: { active: true }, sms: { active: true, tokenLifetimeSeconds: 600 } },
    })
    expect((await env.vendor('GET', strategies)).body.strategies).toContainEqual({ strategy: 'SMS', isActive: true })
    await env.vendor('POST', strategies, { strategy: 'EmailCode', isActive: true })
    expect((await env.vendor('GET', configuration)).body.email.active).toBe(true)
  })

  test('a code lives five minutes at least', async () => {
    const env = await newEnvironment()
    const { status, body } = await env.vendor('POST', configuration, {
      email: { active: true, tokenLifetimeSeconds: 299 },
    })
    expect(status).toBe(400)
    expect(body.errors).toEqual([
      'email.tokenLifetimeSeconds must not be less than 300',
      'email.sender must be a string',
    ])
    expect((await env.vendor('GET', configuration)).body.email.active).toBe(false)
  })
})
