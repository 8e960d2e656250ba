import { describe, expect, test } from 'vitest'
import { authenticator } from './authenticator.ts'
import { browser, mailed, phone, received, useBrowsers, wrongOf, type Browser } from './browser.ts'
import { newEnvironment, type TestEnvironment } from './environment.ts'
import { claimsOf, codeOf, mfaPolicy, PASSWORD, strategies } from './second-factors.ts'

/** Drives the browser client's own package through every second factor; reads codes from the emulator. */
useBrowsers()
const MULTI_FACTOR = 'http://schemas.openid.net/pape/policies/2007/06/multi-factor'

type Strategy = 'AuthenticatorApp' | 'SMS' | 'EmailCode' | 'WebAuthnPlatform' | 'WebAuthnCrossPlatform'
/** An environment with these factors on beside the app, and a frozen clock. */
async function environment(...active: Strategy[]) {
  const env = await newEnvironment()
  await env.clock.freeze(await env.clock.now())
  for (const strategy of active)
    expect((await env.vendor('POST', strategies, { strategy, isActive: true })).status).toBeLessThan(300)
  return env
}
const force = async (env: TestEnvironment, more = {}) => {
  expect((await env.vendor('POST', mfaPolicy, { enforceMFAType: 'Force', ...more })).status).toBe(201)
}
const keyOf = (env: TestEnvironment) => authenticator({ origin: `http://${env.name}.localhost:3100` })

async function somebody(env: TestEnvironment) {
  const user = await env.newUser({ password: PASSWORD }),
    at = browser(env)
  await at.api.auth.loginv2({ email: user.email, password: PASSWORD })
  return { ...at, user }
}
/** Shows the first factor, and returns what the answer has in place of a token. */
async function ask(at: Pick<Browser, 'api' | 'jar' | 'token'>, { email }: { email: string }) {
  const { user } = await at.api.auth.loginv2({ email, password: PASSWORD })
  expect(user).toMatchObject({ mfaRequired: true, mfaToken: expect.any(String), userEmail: email })
  expect(user.accessToken).toBeFalsy()
  expect([...at.jar.keys()].filter((name) => name.startsWith('fe_refresh_'))).toEqual([])
  return user as Record<string, any>
}
/** Expects a login with this factor: its token names the factor, the refreshed one does not. */
async function isIn({ api, token }: Pick<Browser, 'api' | 'token'>, { id }: { id: string }, factor: string) {
  expect(claimsOf(token()!)).toMatchObject({
    sub: id,
    acr: MULTI_FACTOR,
    amr: ['mfa', factor],
    auth_time: expect.any(Number),
  })
  expect((await api.auth.refreshTokenV3()).user.id).toBe(id)
  expect(claimsOf(token()!)).not.toHaveProperty('amr')
}
async function withApp(env: TestEnvironment) {
  const one = await somebody(env),
    { qrCode, secret } = await one.api.auth.preEnrollMFAAuthenticatorApp()
  expect(qrCode).toMatch(/^data:image\/png;base64,/)
  await expect(
    one.api.auth.enrollMFAAuthenticatorApp({ token: wrongOf(await codeOf(env, secret)) }),
  ).rejects.toMatchObject({ statusCode: 401 })
  const { recoveryCode } = await one.api.auth.enrollMFAAuthenticatorApp({ token: await codeOf(env, secret) })
  await env.clock.advance(30_000)
  const {
    authenticators: [{ id: deviceId }],
  } = await one.api.auth.getMFADevices()
  return { ...one, secret: secret as string, recoveryCode: recoveryCode as string, deviceId: deviceId as string }
}
async function withPhone(env: TestEnvironment) {
  const one = await somebody(env),
    phoneNumber = phone()
  const { otcToken, phoneNumber: shown } = await one.api.auth.preEnrollMFASMS({ phoneNumber })
  expect(shown).toBe(phoneNumber)
  const { recoveryCode } = await one.api.auth.enrollMFASMS({
    otcToken,
    code: (await mailed(env, phoneNumber, 'MultiFactorAuthentication')).code,
  })
  const {
    phones: [{ id: deviceId }],
  } = await one.api.auth.getMFADevices()
  return { ...one, phoneNumber, recoveryCode: recoveryCode as string, deviceId: deviceId as string }
}
async function withKey(env: TestEnvironment) {
  const one = await somebody(env),
    key = keyOf(env)
  const { webauthnToken, options } = await one.api.auth.preEnrollMFAWebAuthn()
  await one.api.auth.enrollMFAWebAuthn({
    deviceType: 'CrossPlatform',
    webauthnToken,
    options: { ...key.create(options), deviceType: 'CrossPlatform' },
  })
  const {
    webauthn: [{ id: deviceId, deviceType, name }],
  } = await one.api.auth.getMFADevices()
  expect({ deviceType, name }).toEqual({ deviceType: 'CrossPlatform', name: expect.any(String) })
  return { ...one, key, deviceId: deviceId as string }
}

describe.concurrent('with a second factor one logs in', () => {
  test.for(['loginWithMfaV2', 'verifyMFAAuthenticatorAppForLogin'])('by an authenticator app (%s)', async (method) => {
    const env = await environment(),
      { user, secret, deviceId } = await withApp(env),
      at = browser(env)
    const { mfaToken, mfaEnrolled, mfaDevices } = await ask(at, user)
    expect({ mfaEnrolled, mfaDevices }).toEqual({
      mfaEnrolled: true,
      mfaDevices: { authenticators: [{ id: deviceId }], phones: [], webauthn: [], emails: [] },
    })
    expect(await at.api.auth.checkIfAllowToRememberMfaDevice(mfaToken)).toEqual({
      isAllowedToRemember: false,
      mfaDeviceExpiration: expect.any(Number),
    })
    const verify = (value: string) =>
      at.api.auth[method](...(method === 'loginWithMfaV2' ? [] : [deviceId]), { mfaToken, value })
    await expect(verify(wrongOf(await codeOf(env, secret)))).rejects.toMatchObject({
      statusCode: 401,
      errorCode: 'ER-01011',
    })
    const answer = await verify(await codeOf(env, secret))
    // with this call the page must store the token itself
    if (method !== 'loginWithMfaV2') at.holdToken(answer.accessToken)
    await isIn(at, user, 'otp')
    await expect(verify(await codeOf(env, secret, 1))).rejects.toMatchObject({ statusCode: 401 })
  })

  test('by a code sent to the phone', async () => {
    const env = await environment('SMS'),
      { user, phoneNumber, deviceId } = await withPhone(env),
      at = browser(env)
    const { mfaToken, mfaDevices } = await ask(at, user)
    expect(mfaDevices['phones']).toEqual([
      { id: deviceId, phoneNumber: expect.stringContaining(phoneNumber.slice(-2)) },
    ])
    expect(mfaDevices['phones'][0].phoneNumber).not.toBe(phoneNumber)
    const { otcToken } = await at.api.auth.preVerifyMFASMSForLogin(deviceId, { mfaToken }),
      { code } = await mailed(env, phoneNumber, 'MultiFactorAuthentication')
    await expect(
      at.api.auth.verifyMFASMSForLogin(deviceId, { mfaToken, otcToken, code: wrongOf(code) }),
    ).rejects.toMatchObject({ statusCode: 401, errorCode: 'ER-01011' })
    await at.api.auth.verifyMFASMSForLoginV2(deviceId, { mfaToken, otcToken, code })
    await isIn(at, user, 'sms')
  })

  test('by a mailed code, without an enrolment', async () => {
    const env = await environment('EmailCode'),
      { user } = await somebody(env),
      at = browser(env)
    await force(env)
    const { mfaToken, mfaEnrolled, mfaDevices } = await ask(at, user)
    expect({ mfaEnrolled, emails: mfaDevices['emails'] }).toEqual({
      mfaEnrolled: true,
      emails: [{ email: user.email }],
    })
    const { otcToken } = await at.api.auth.preVerifyMFAEmailCode({ mfaToken }),
      { code } = await mailed(env, user.email, 'MFAOTC')
    await expect(at.api.auth.verifyMFAEmailCode({ mfaToken, otcToken, code: wrongOf(code) })).rejects.toMatchObject({
      statusCode: 401,
    })
    await at.api.auth.verifyMFAEmailCodeV2({ mfaToken, otcToken, code })
    await isIn(at, user, 'otp')
  })

  test('by a security key', async () => {
    const env = await environment('WebAuthnCrossPlatform'),
      { user, key, deviceId } = await withKey(env),
      at = browser(env)
    const { mfaToken, mfaDevices } = await ask(at, user)
    expect(mfaDevices['webauthn']).toEqual([{ id: deviceId, deviceType: 'CrossPlatform', name: expect.any(String) }])
    const { webauthnToken, options } = await at.api.auth.preVerifyMFAWebAuthnForLogin(deviceId, { mfaToken })
    const stranger = keyOf(env)
    stranger.create({ challenge: 'YQ', rp: { id: options.rpId }, user: { id: 'YQ' } })
    await expect(
      at.api.auth.verifyMFAWebAuthnForLogin(deviceId, {
        mfaToken,
        webauthnToken,
        options: { ...stranger.get({ challenge: options.challenge, rpId: options.rpId }), id: key.held[0]!.id },
      }),
    ).rejects.toMatchObject({ statusCode: 401, errorCode: 'ER-01052' })
    const again = await at.api.auth.preVerifyMFAWebAuthnForLogin(deviceId, { mfaToken })
    await at.api.auth.verifyMFAWebAuthnForLoginV2(deviceId, {
      mfaToken,
      webauthnToken: again.webauthnToken,
      options: key.get(again.options),
    })
    await isIn(at, user, 'hwk')
  })

  test('only once in a remembered browser, while it is remembered', async () => {
    const env = await environment(),
      { user, secret } = await withApp(env),
      at = browser(env)
    await force(env, { allowRememberMyDevice: true, mfaDeviceExpiration: 86_400 })
    const { mfaToken } = await ask(at, user)
    expect(await at.api.auth.checkIfAllowToRememberMfaDevice(mfaToken)).toEqual({
      isAllowedToRemember: true,
      mfaDeviceExpiration: 86_400,
    })
    await at.api.auth.loginWithMfa({ mfaToken, value: await codeOf(env, secret), rememberDevice: true })
    expect([...at.jar.keys()].some((name) => name === `fe_device_${env.id.replaceAll('-', '')}`)).toBe(true)
    await at.api.auth.logout()
    expect((await at.api.auth.loginv2({ email: user.email, password: PASSWORD })).user).toMatchObject({
      id: user.id,
      mfaRequired: false,
    })
    await ask(browser(env), user)
    await at.api.auth.logout()
    await env.clock.advance(86_401_000)
    await ask(at, user)
  })

  test.for(['app', 'phone'])('no longer, once the recovery code has removed it (%s)', async (first) => {
    const env = await environment('SMS'),
      { user, recoveryCode } = await (first === 'app' ? withApp(env) : withPhone(env)),
      at = browser(env)
    await ask(at, user)
    await expect(at.api.auth.recoverMfaToken({ email: user.email, recoveryCode: 'wrong' })).rejects.toMatchObject({
      statusCode: 401,
    })
    await at.api.auth.recoverMfaToken({ email: user.email, recoveryCode })
    expect((await at.api.auth.loginv2({ email: user.email, password: PASSWORD })).user).toMatchObject({
      id: user.id,
      mfaRequired: false,
      mfaEnrolled: false,
    })
    expect(await received(env, user.email, 'MFARecoveryCode')).toHaveLength(1)
  })
})

describe.concurrent('where a second factor is forced, one is enrolled at the login', () => {
  const newcomer = async (env: TestEnvironment) => {
    const user = await env.newUser({ password: PASSWORD }),
      at = browser(env)
    await force(env)
    const asked = await ask(at, user)
    expect(asked).toMatchObject({
      mfaEnrolled: false,
      mfaDevices: { authenticators: [], phones: [], webauthn: [], emails: [] },
      recoveryCode: expect.any(String),
    })
    return { user, at, mfaToken: asked['mfaToken'] as string, asked }
  }

  test.for(['at once', 'asked for'])('an authenticator app, with the QR code that came %s', async (way) => {
    const env = await environment(),
      { user, at, mfaToken, asked } = await newcomer(env)
    expect(asked).toMatchObject({
      mfaStrategies: ['AuthenticatorApp'],
      qrCode: expect.stringMatching(/^data:image\/png/),
      secret: expect.any(String),
    })
    const { secret } = way === 'at once' ? asked : await at.api.auth.preEnrollMFAAuthenticatorAppForLogin({ mfaToken })
    const { user: me } = await at.api.auth.enrollMFAAuthenticatorAppForLoginV2({
      mfaToken,
      token: await codeOf(env, secret),
    })
    expect(me).toMatchObject({ id: user.id, mfaEnrolled: true, recoveryCode: asked['recoveryCode'] })
    await isIn(at, user, 'otp')
    expect(await received(env, user.email, 'MFAEnroll')).toHaveLength(1)
  })

  test('a phone; the shown recovery code works for it', async () => {
    const env = await environment('SMS'),
      { user, at, mfaToken, asked } = await newcomer(env),
      phoneNumber = phone()
    expect(asked['mfaStrategies']).toContain('SMS')
    const { otcToken } = await at.api.auth.preEnrollMFASMSForLogin({ mfaToken, phoneNumber })
    const { user: me } = await at.api.auth.enrollMFASMSForLoginV2({
      mfaToken,
      otcToken,
      code: (await mailed(env, phoneNumber, 'MultiFactorAuthentication')).code,
    })
    expect(me.recoveryCode).toBe(asked['recoveryCode'])
    await isIn(at, user, 'sms')
    await at.api.auth.recoverMfaToken({ email: user.email, recoveryCode: me.recoveryCode })
    expect(await ask(browser(env), user)).toMatchObject({ mfaEnrolled: false })
  })

  test('a security key, or the device itself', async () => {
    const env = await environment('WebAuthnPlatform', 'WebAuthnCrossPlatform'),
      { user, at, mfaToken } = await newcomer(env),
      key = keyOf(env)
    const { webauthnToken, options } = await at.api.auth.preEnrollMFAWebAuthnForLogin({ mfaToken })
    await at.api.auth.enrollMFAWebAuthnForLoginV2({
      mfaToken,
      deviceType: 'Platform',
      webauthnToken,
      options: { ...key.create(options), deviceType: 'Platform' },
    })
    await isIn(at, user, 'hwk')
  })

  test('only by a user without one: the password alone does not add a further one', async () => {
    const env = await environment('SMS', 'WebAuthnPlatform'),
      { user } = await withApp(env),
      at = browser(env),
      { mfaToken } = await ask(at, user)
    for (const method of [
      'preEnrollMFAAuthenticatorAppForLogin',
      'preEnrollMFASMSForLogin',
      'preEnrollMFAWebAuthnForLogin',
    ]) {
      await expect(at.api.auth[method]({ mfaToken, phoneNumber: phone() })).rejects.toMatchObject({ statusCode: 403 })
    }
  })
})

describe.concurrent('a second factor is removed', () => {
  const isGone = async (at: Pick<Browser, 'api'>, user: { email: string }) => {
    expect(await at.api.auth.getMFADevices()).toMatchObject({ authenticators: [], phones: [], webauthn: [] })
    expect((await at.api.auth.loginv2({ email: user.email, password: PASSWORD })).user).toMatchObject({
      mfaRequired: false,
      mfaEnrolled: false,
    })
  }

  test.for(['disableMFAAuthenticatorApp', 'disableMfa'])(
    'an authenticator app, for a code of it (%s)',
    async (method) => {
      const env = await environment(),
        one = await withApp(env)
      const disable = (token: string) =>
        one.api.auth[method](...(method === 'disableMfa' ? [] : [one.deviceId]), { token })
      await expect(disable(wrongOf(await codeOf(env, one.secret)))).rejects.toMatchObject({ statusCode: 401 })
      await disable(await codeOf(env, one.secret))
      await isGone(one, one.user)
      expect(await received(env, one.user.email, 'MFAUnenroll')).toHaveLength(1)
    },
  )

  test('a phone, with a code sent to it', async () => {
    const env = await environment('SMS'),
      one = await withPhone(env)
    const { otcToken } = await one.api.auth.preDisableMFASMS(one.deviceId),
      { code } = await mailed(env, one.phoneNumber, 'MultiFactorAuthentication')
    await expect(one.api.auth.disableMFASMS(one.deviceId, { otcToken, code: wrongOf(code) })).rejects.toMatchObject({
      statusCode: 401,
    })
    await one.api.auth.disableMFASMS(one.deviceId, { otcToken, code })
    await isGone(one, one.user)
  })

  test('a security key, with its signature', async () => {
    const env = await environment('WebAuthnCrossPlatform'),
      one = await withKey(env)
    const { webauthnToken, options } = await one.api.auth.preDisableMFAWebAuthn(one.deviceId)
    await one.api.auth.disableMFAWebAuthn(one.deviceId, { webauthnToken, options: one.key.get(options) })
    await isGone(one, one.user)
  })
})

describe.concurrent('stepping up', () => {
  test('shows the second factor again; the token has the factor and its time', async () => {
    const env = await environment(),
      one = await withApp(env)
    await one.api.auth.refreshTokenV3()
    expect(claimsOf(one.token()!)).not.toHaveProperty('acr')
    await env.clock.advance(60_000)
    const { mfaToken, mfaEnrolled, mfaDevices } = await one.api.auth.generateStepupSession({ maxAge: 300 })
    expect({ mfaEnrolled, devices: mfaDevices.authenticators }).toEqual({
      mfaEnrolled: true,
      devices: [{ id: one.deviceId }],
    })
    await one.api.auth.loginWithMfaV2({ mfaToken, value: await codeOf(env, one.secret) })
    const { auth_time: authTime } = claimsOf(one.token()!)
    expect(authTime).toBe(Math.floor((await env.clock.now()).getTime() / 1000))
    await isIn(one, one.user, 'otp')
  })

  test('is refused for a user without a second factor', async () => {
    const env = await environment(),
      one = await somebody(env)
    await expect(one.api.auth.generateStepupSession({})).rejects.toMatchObject({
      statusCode: 400,
      errorCode: 'ER-01097',
    })
  })
})

test.concurrent('a user of the older enrolment calls gets the same app', async () => {
  const env = await environment(),
    one = await somebody(env),
    { qrCode, secret } = await one.api.auth.enrollMfa()
  expect(qrCode).toMatch(/^data:image/)
  expect(await one.api.auth.verifyMfa({ token: await codeOf(env, secret) })).toEqual({
    recoveryCode: expect.any(String),
  })
  await env.clock.advance(30_000)
  const { mfaToken } = await ask(browser(env), one.user)
  await one.api.auth.loginWithMfa({ mfaToken, value: await codeOf(env, secret) })
  await isIn(one, one.user, 'otp')
})
