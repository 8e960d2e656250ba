import { describe, expect, test } from 'vitest'
import { newEnvironment } from '../../../../test/environment.ts'
import { claimsOf, codeOf, logIn, mfa, mfaPolicy, own, PASSWORD, withApp } from '../../../../test/second-factors.ts'

describe.concurrent('a recovery code', () => {
  test('removes all factors, once, and mails the user', async () => {
    const env = await newEnvironment(),
      user = await withApp(env)
    const recover = (recoveryCode: string, email = user.email) =>
      env.anonymous('POST', `${mfa}/recover`, { recoveryCode, email })
    expect((await recover('wrong')).status).toBe(401)
    expect((await logIn(env, user)).body.mfaRequired).toBe(true)
    expect(await recover(` ${user.recoveryCode.toUpperCase()} `, user.email.toUpperCase())).toMatchObject({
      status: 200,
      body: null,
    })
    expect((await logIn(env, user)).body.mfaRequired).toBe(false)
    expect((await user('GET', `${own}/devices`)).body).toEqual({
      webauthn: [],
      phones: [],
      authenticators: [],
      emails: [],
    })
    expect((await env.messages({ to: user.email })).at(-1)!.template).toBe('MFARecoveryCode')
    expect((await recover(user.recoveryCode)).status).toBe(401)
  })

  test('works for its user only; a wrong one and an unknown address are answered and counted alike', async () => {
    const env = await newEnvironment(),
      user = await withApp(env),
      other = await withApp(env)
    await env.clock.freeze()
    const recover = (recoveryCode: string, email: string) =>
      env.anonymous('POST', `${mfa}/recover`, { recoveryCode, email })
    const [known, unknown] = [
      await recover(other.recoveryCode, user.email),
      await recover(other.recoveryCode, 'nobody@example.com'),
    ]
    expect(known).toMatchObject({ status: 401 })
    expect(unknown).toMatchObject({ status: 401, body: known.body })
    for (const email of [user.email, 'nobody@example.com']) {
      const answers = await Promise.all(Array.from({ length: 12 }, () => recover('wrong', email)))
      expect(answers.filter((a) => a.status === 401)).toHaveLength(9)
      expect(answers.filter((a) => a.status === 429)).toHaveLength(3)
    }
    expect((await recover(user.recoveryCode, user.email)).status).toBe(429)
    expect((await logIn(env, user)).body.mfaRequired).toBe(true)
  })

  test('works once when used eight times at once', async () => {
    const env = await newEnvironment(),
      user = await withApp(env)
    const answers = await Promise.all(
      Array.from({ length: 8 }, () =>
        env.anonymous('POST', `${mfa}/recover`, { recoveryCode: user.recoveryCode, email: user.email }),
      ),
    )
    expect(answers.map((a) => a.status).sort()).toEqual([200, 401, 401, 401, 401, 401, 401, 401])
    expect(await env.messages({ to: user.email, template: 'MFARecoveryCode' })).toHaveLength(1)
  })
})

describe.concurrent('a remembered device', () => {
  const finish = async (
    env: Awaited<ReturnType<typeof newEnvironment>>,
    user: { email: string; secret: string },
    rememberDevice = true,
  ) => {
    const { mfaToken } = (await logIn(env, user)).body
    const answer = await env.anonymous('POST', `${mfa}/verify`, {
      mfaToken,
      value: await codeOf(env, user.secret),
      rememberDevice,
    })
    expect(answer.status).toBe(201)
    await env.clock.advance(30_000)
    return answer.cookies.find((c) => c.name === `fe_device_${env.id.replaceAll('-', '')}`)
  }

  test("needs no second factor for the policy's time, and for its own user only", async () => {
    const env = await newEnvironment(),
      user = await withApp(env),
      other = await withApp(env)
    await env.vendor('POST', mfaPolicy, {
      enforceMFAType: 'Force',
      allowRememberMyDevice: true,
      mfaDeviceExpiration: 3600,
    })
    expect(await finish(env, user, false)).toBeUndefined()
    const cookie = (await finish(env, user))!
    expect(cookie).toMatchObject({ httpOnly: true, maxAge: 3600, path: '/' })
    const rows = await (await env.context()).db.rememberedDevice.findMany()
    expect(rows).toHaveLength(1)
    expect(JSON.stringify(rows)).not.toContain(cookie.value)
    const cookies = { [cookie.name]: cookie.value }
    const through = await logIn(env, user, cookies)
    expect(through.body.mfaRequired).toBe(false)
    expect(claimsOf(through.body.accessToken)).not.toHaveProperty('amr')
    expect((await logIn(env, other, cookies)).body.mfaRequired).toBe(true)
    expect((await logIn(env, user, { [cookie.name]: 'forged' })).body.mfaRequired).toBe(true)
    await env.vendor('PATCH', mfaPolicy, { allowRememberMyDevice: false })
    expect((await logIn(env, user, cookies)).body.mfaRequired).toBe(true)
    await env.vendor('PATCH', mfaPolicy, { allowRememberMyDevice: true, mfaDeviceExpiration: 10 })
    expect((await logIn(env, user, cookies)).body.mfaRequired).toBe(true)
    await env.vendor('PATCH', mfaPolicy, { mfaDeviceExpiration: 86_400 })
    expect((await logIn(env, user, cookies)).body.mfaRequired).toBe(false)
    await env.clock.advance(3_600_000)
    expect((await logIn(env, user, cookies)).body.mfaRequired).toBe(true)
  })

  test('is not remembered without a policy, and a login can ask for the policy', async () => {
    const env = await newEnvironment(),
      user = await withApp(env)
    const policyOf = async () =>
      env.anonymous('GET', `${mfaPolicy}/allow-remember-device?mfaToken=${(await logIn(env, user)).body.mfaToken}`)
    expect(await policyOf()).toMatchObject({
      status: 200,
      body: { isAllowedToRemember: false, mfaDeviceExpiration: 1_209_600 },
    })
    expect(await finish(env, user)).toBeUndefined()
    await env.vendor('POST', mfaPolicy, { allowRememberMyDevice: true })
    await env.as(user.tenantId)('POST', mfaPolicy, { allowRememberMyDevice: true, mfaDeviceExpiration: 60 })
    expect((await policyOf()).body).toEqual({ isAllowedToRemember: true, mfaDeviceExpiration: 60 })
    expect((await env.anonymous('GET', `${mfaPolicy}/allow-remember-device?mfaToken=nothing`)).status).toBe(401)
    expect((await env.anonymous('GET', `${mfaPolicy}/allow-remember-device`)).status).toBe(400)
  })

  test('is forgotten when the last factor is removed', async () => {
    const env = await newEnvironment(),
      user = await withApp(env)
    await env.vendor('POST', mfaPolicy, { allowRememberMyDevice: true })
    const cookie = (await finish(env, user))!
    await env.as(user.tenantId, user.id)('POST', `${own}/disable`)
    expect(
      (await logIn(env, { email: user.email, password: PASSWORD }, { [cookie.name]: cookie.value })).body,
    ).toMatchObject({ mfaRequired: true, mfaEnrolled: false })
  })
})
