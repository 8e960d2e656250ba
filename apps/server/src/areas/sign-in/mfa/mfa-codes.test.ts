import { describe, expect, test } from 'vitest'
import { newEnvironment, type TestEnvironment } from '../../../../test/environment.ts'
import {
  claimsOf,
  codeOf,
  logIn,
  mfa,
  mfaPolicy,
  own,
  PASSWORD,
  strategies,
  withApp,
} from '../../../../test/second-factors.ts'

const switchOn = (env: TestEnvironment, ...names: string[]) =>
  Promise.all(names.map((strategy) => env.vendor('POST', strategies, { strategy, isActive: true })))
const lastCode = async (env: TestEnvironment, to: string) => (await env.messages({ to })).at(-1)!.code!
const wrongFor = (code: string) => String((Number(code) + 1) % 1_000_000).padStart(6, '0')
const numbers = ['+12025550101', '+12025550102']

async function withPhone(env: TestEnvironment, phoneNumber = numbers[0]!) {
  await switchOn(env, 'SMS')
  const user = await env.user({ password: PASSWORD })
  const { otcToken } = (await user('POST', `${own}/sms/enroll`, { phoneNumber })).body
  const enrolled = await user('POST', `${own}/sms/enroll/verify`, { otcToken, code: await lastCode(env, phoneNumber) })
  expect(enrolled).toMatchObject({ status: 200, body: { recoveryCode: expect.any(String) } })
  const deviceId: string = (await user('GET', `${own}/devices`)).body.phones[0].id
  return Object.assign(user, { deviceId, phoneNumber })
}

describe.concurrent('a code by mail', () => {
  test('finishes a login without any enrolment, where mailed codes are on and MFA is required', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD })
    await switchOn(env, 'EmailCode')
    expect((await logIn(env, { email: user.email })).body.mfaRequired).toBe(false)
    await env.vendor('POST', mfaPolicy, {})
    const { body } = await logIn(env, { email: user.email })
    expect(body).toMatchObject({
      mfaRequired: true,
      mfaEnrolled: true,
      mfaDevices: { emails: [{ email: user.email }], authenticators: [] },
    })
    const asked = await env.anonymous('POST', `${mfa}/emailcode`, { mfaToken: body.mfaToken })
    expect(asked).toMatchObject({ status: 201, body: { otcToken: expect.any(String) } })
    const [message] = await env.messages({ to: user.email, template: 'MFAOTC' })
    expect(message).toMatchObject({ code: expect.stringMatching(/^\d{6}$/) })
    const verify = (code: string) =>
      env.anonymous('POST', `${mfa}/emailcode/verify`, { mfaToken: body.mfaToken, otcToken: asked.body.otcToken, code })
    expect(await verify(wrongFor(message!.code!))).toMatchObject({ status: 401, body: { errorCode: 'ER-01011' } })
    const done = await verify(message!.code!)
    expect(done).toMatchObject({ status: 201, body: { mfaRequired: false, accessToken: expect.any(String) } })
    expect(claimsOf(done.body.accessToken)['amr']).toEqual(['mfa', 'otp'])
    expect(done.body).not.toHaveProperty('recoveryCode')
    expect((await verify(message!.code!)).status).toBe(401)
    expect((await (await env.context()).db.user.findUniqueOrThrow({ where: { id: user.id } })).mfaEnrolled).toBe(false)
  })

  test('works beside an app, and must be shown before an app can be enrolled', async () => {
    const env = await newEnvironment(),
      user = await withApp(env)
    await switchOn(env, 'EmailCode')
    const { mfaToken, mfaDevices } = (await logIn(env, user)).body
    expect(mfaDevices).toMatchObject({ emails: [{ email: user.email }], authenticators: [{ id: user.deviceId }] })
    expect((await env.anonymous('POST', `${mfa}/emailcode`, { mfaToken })).status).toBe(201)
    await env.vendor('POST', mfaPolicy, {})
    const other = await env.newUser({ password: PASSWORD }),
      asked = (await logIn(env, { email: other.email })).body
    expect((await env.anonymous('POST', `${mfa}/authenticator/enroll`, { mfaToken: asked.mfaToken })).status).toBe(403)
  })

  test('goes only to a verified address, and nowhere when mailed codes are off', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD, verified: false }),
      app = await withApp(env)
    expect(
      await env.anonymous('POST', `${mfa}/emailcode`, { mfaToken: (await logIn(env, app)).body.mfaToken }),
    ).toMatchObject({ status: 400, body: { errorCode: 'ER-01012' } })
    await env.vendor('POST', '/identity/resources/configurations/v1', { allowNotVerifiedUsersLogin: true })
    await env.vendor('POST', mfaPolicy, {})
    await switchOn(env, 'EmailCode')
    const { body } = await logIn(env, { email: user.email })
    expect(body).toMatchObject({
      mfaEnrolled: false,
      mfaDevices: { emails: [] },
      mfaStrategies: ['AuthenticatorApp', 'EmailCode'],
    })
    expect((await env.anonymous('POST', `${mfa}/emailcode`, { mfaToken: body.mfaToken })).status).toBe(400)
    expect(await env.messages({ to: user.email, template: 'MFAOTC' })).toEqual([])
  })

  test('works for the configured time, and only for its own login', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD })
    await env.vendor('POST', '/identity/resources/configurations/v1/mfa', {
      email: { active: true, tokenLifetimeSeconds: 360, sender: '' },
    })
    await env.vendor('POST', mfaPolicy, {})
    const { mfaToken } = (await logIn(env, { email: user.email })).body,
      other = (await logIn(env, { email: user.email })).body.mfaToken
    const ask = async () => (await env.anonymous('POST', `${mfa}/emailcode`, { mfaToken })).body.otcToken as string
    const otcToken = await ask(),
      code = await lastCode(env, user.email)
    expect((await env.anonymous('POST', `${mfa}/emailcode/verify`, { mfaToken: other, otcToken, code })).status).toBe(
      401,
    )
    expect((await env.anonymous('POST', `${mfa}/emailcode/verify`, { mfaToken, otcToken: 'no id', code })).status).toBe(
      401,
    )
    await env.clock.advance(361_000)
    expect(await env.anonymous('POST', `${mfa}/emailcode/verify`, { mfaToken, otcToken, code })).toMatchObject({
      status: 400,
      body: { errorCode: 'ER-01017' },
    })
    const rows = JSON.stringify(await (await env.context()).db.challenge.findMany())
    expect(rows).not.toContain(code)
  })

  test('finishes one login when used eight times at once, and is sent five times at most', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD })
    await switchOn(env, 'EmailCode')
    await env.vendor('POST', mfaPolicy, {})
    await env.clock.freeze()
    const { mfaToken } = (await logIn(env, { email: user.email })).body
    const { otcToken } = (await env.anonymous('POST', `${mfa}/emailcode`, { mfaToken })).body,
      code = await lastCode(env, user.email)
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => env.anonymous('POST', `${mfa}/emailcode/verify`, { mfaToken, otcToken, code })),
    )
    expect(answers.filter((a) => a.status === 201)).toHaveLength(1)
    const next = (await logIn(env, { email: user.email })).body.mfaToken
    const more = await Promise.all(
      Array.from({ length: 8 }, () => env.anonymous('POST', `${mfa}/emailcode`, { mfaToken: next })),
    )
    expect(more.map((a) => a.status).sort()).toEqual([201, 201, 201, 201, 429, 429, 429, 429])
    expect(await env.messages({ to: user.email, template: 'MFAOTC' })).toHaveLength(5)
  })
})

describe.concurrent('a phone', () => {
  test('is enrolled during a login where that is forced', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD })
    await env.vendor('POST', mfaPolicy, {})
    const asked = (await logIn(env, { email: user.email })).body
    const start = (phoneNumber: string) =>
      env.anonymous('POST', `${mfa}/sms/enroll`, { mfaToken: asked.mfaToken, phoneNumber })
    expect(await start(numbers[0]!)).toMatchObject({ status: 400, body: { errorCode: 'ER-01012' } })
    await switchOn(env, 'SMS')
    expect(await start('12')).toMatchObject({ status: 400, body: { errors: ['Phone number must be valid'] } })
    const started = await start('+1-202-555-0101')
    expect(started).toMatchObject({ status: 201, body: { otcToken: expect.any(String), phoneNumber: numbers[0] } })
    const [message] = await env.messages({ to: numbers[0]! })
    expect(message).toMatchObject({ channel: 'sms', template: 'MultiFactorAuthentication' })
    const enrol = (code: string) =>
      env.anonymous('POST', `${mfa}/sms/enroll/verify`, {
        mfaToken: asked.mfaToken,
        otcToken: started.body.otcToken,
        code,
      })
    expect((await enrol(wrongFor(message!.code!))).status).toBe(401)
    const done = await enrol(message!.code!)
    expect(done).toMatchObject({
      status: 201,
      body: { accessToken: expect.any(String), recoveryCode: asked.recoveryCode },
    })
    expect(claimsOf(done.body.accessToken)['amr']).toEqual(['mfa', 'sms'])
    expect((await logIn(env, { email: user.email })).body).toMatchObject({
      mfaEnrolled: true,
      mfaDevices: { phones: [{ id: expect.any(String), phoneNumber: '+1*******101' }] },
    })
  })

  test('gets a code that finishes a login, only for that login and device', async () => {
    const env = await newEnvironment(),
      user = await withPhone(env),
      other = await withPhone(env, numbers[1])
    const { mfaToken, mfaDevices } = (await logIn(env, user)).body
    expect(mfaDevices.phones).toEqual([{ id: user.deviceId, phoneNumber: '+1*******101' }])
    expect((await env.anonymous('POST', `${mfa}/sms/${other.deviceId}`, { mfaToken })).status).toBe(404)
    const asked = await env.anonymous('POST', `${mfa}/sms/${user.deviceId}`, { mfaToken })
    expect(asked).toMatchObject({ status: 201, body: { otcToken: expect.any(String), phoneNumber: '+1*******101' } })
    const code = await lastCode(env, user.phoneNumber),
      { otcToken } = asked.body
    const verify = (given: string, deviceId = user.deviceId) =>
      env.anonymous('POST', `${mfa}/sms/${deviceId}/verify`, { mfaToken, otcToken, code: given })
    expect((await verify(code, other.deviceId)).status).toBe(404)
    expect((await verify(wrongFor(code))).status).toBe(401)
    const theirs = (await logIn(env, other)).body.mfaToken
    expect(
      (await env.anonymous('POST', `${mfa}/sms/${other.deviceId}/verify`, { mfaToken: theirs, otcToken, code })).status,
    ).toBe(401)
    expect(await verify(code)).toMatchObject({ status: 201, body: { accessToken: expect.any(String) } })
    expect((await verify(code)).status).toBe(401)
  })

  test('can be one of several: each gets its own codes, which work for no other, and is removed alone', async () => {
    const env = await newEnvironment(),
      user = await withPhone(env),
      [first, second] = numbers as [string, string]
    const started = (await user('POST', `${own}/sms/enroll`, { phoneNumber: second })).body
    expect(
      await user('POST', `${own}/sms/enroll/verify`, { otcToken: started.otcToken, code: await lastCode(env, second) }),
    ).toMatchObject({ status: 200, body: {} })
    const { mfaToken, mfaDevices } = (await logIn(env, user)).body
    expect(mfaDevices.phones).toEqual([
      { id: user.deviceId, phoneNumber: '+1*******101' },
      { id: expect.any(String), phoneNumber: '+1*******102' },
    ])
    const otherId: string = mfaDevices.phones[1].id,
      ids = [user.deviceId, otherId],
      asked: { otcToken: string; code: string }[] = []
    for (const [i, deviceId] of ids.entries()) {
      const { otcToken, phoneNumber } = (await env.anonymous('POST', `${mfa}/sms/${deviceId}`, { mfaToken })).body
      expect(phoneNumber).toBe(mfaDevices.phones[i].phoneNumber)
      asked.push({ otcToken, code: await lastCode(env, numbers[i]!) })
    }
    const verify = (deviceId: string, given: object) =>
      env.anonymous('POST', `${mfa}/sms/${deviceId}/verify`, { mfaToken, ...given })
    expect((await verify(ids[0]!, asked[1]!)).status).toBe(401)
    expect((await verify(ids[1]!, asked[0]!)).status).toBe(401)
    expect(await verify(ids[1]!, asked[1]!)).toMatchObject({ status: 201, body: { accessToken: expect.any(String) } })
    const { otcToken } = (await user('POST', `${own}/sms/${user.deviceId}/disable`)).body,
      code = await lastCode(env, first)
    expect((await user('POST', `${own}/sms/${otherId}/disable/verify`, { otcToken, code })).status).toBe(401)
    expect((await user('POST', `${own}/sms/${user.deviceId}/disable/verify`, { otcToken, code })).status).toBe(200)
    expect((await logIn(env, user)).body).toMatchObject({
      mfaRequired: true,
      mfaDevices: { phones: [{ id: otherId }] },
    })
    expect((await env.messages({ to: user.email })).map((m) => m.template)).toEqual([
      'MFAEnroll',
      'NewMFAMethod',
      'RemoveMFAMethod',
    ])
  })

  test('ends the login with five wrong codes', async () => {
    const env = await newEnvironment(),
      user = await withPhone(env)
    const { mfaToken } = (await logIn(env, user)).body
    const { otcToken } = (await env.anonymous('POST', `${mfa}/sms/${user.deviceId}`, { mfaToken })).body,
      code = await lastCode(env, user.phoneNumber)
    const verify = (given: string) =>
      env.anonymous('POST', `${mfa}/sms/${user.deviceId}/verify`, { mfaToken, otcToken, code: given })
    const answers = await Promise.all(Array.from({ length: 8 }, () => verify(wrongFor(code))))
    expect(answers.every((a) => a.status === 401)).toBe(true)
    expect((await verify(code)).status).toBe(401)
    expect((await env.anonymous('POST', `${mfa}/sms/${user.deviceId}`, { mfaToken })).status).toBe(401)
  })

  test('is enrolled once, and removed with a code sent to it', async () => {
    const env = await newEnvironment(),
      user = await withPhone(env),
      stranger = await env.user()
    expect((await user('POST', `${own}/sms/enroll`, { phoneNumber: user.phoneNumber })).status).toBe(409)
    expect((await user('GET', `${own}/devices`)).body.phones).toEqual([
      { id: user.deviceId, phoneNumber: user.phoneNumber },
    ])
    expect((await stranger('POST', `${own}/sms/${user.deviceId}/disable`)).status).toBe(404)
    const started = await user('POST', `${own}/sms/${user.deviceId}/disable`)
    expect(started).toMatchObject({ status: 200, body: { otcToken: expect.any(String), phoneNumber: '+1*******101' } })
    const code = await lastCode(env, user.phoneNumber),
      { otcToken } = started.body
    expect((await stranger('POST', `${own}/sms/${user.deviceId}/disable/verify`, { otcToken, code })).status).toBe(404)
    expect(
      (await user('POST', `${own}/sms/${user.deviceId}/disable/verify`, { otcToken, code: wrongFor(code) })).status,
    ).toBe(401)
    expect(await user('POST', `${own}/sms/${user.deviceId}/disable/verify`, { otcToken, code })).toMatchObject({
      status: 200,
      body: null,
    })
    expect((await logIn(env, user)).body.mfaRequired).toBe(false)
    expect((await env.messages({ to: user.email })).map((m) => m.template)).toEqual(['MFAEnroll', 'MFAUnenroll'])
  })

  test('beside an app is a second choice: either finishes a login', async () => {
    const env = await newEnvironment(),
      user = await withApp(env)
    await switchOn(env, 'SMS')
    const { otcToken } = (await user('POST', `${own}/sms/enroll`, { phoneNumber: numbers[0] })).body
    await user('POST', `${own}/sms/enroll/verify`, { otcToken, code: await lastCode(env, numbers[0]!) })
    expect((await env.messages({ to: user.email })).at(-1)!.template).toBe('NewMFAMethod')
    const { mfaToken, mfaDevices } = (await logIn(env, user)).body
    expect(mfaDevices.phones).toHaveLength(1)
    expect(
      (await env.anonymous('POST', `${mfa}/verify`, { mfaToken, value: await codeOf(env, user.secret) })).status,
    ).toBe(201)
  })
})
