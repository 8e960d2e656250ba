import { describe, expect, test } from 'vitest'
import { newEnvironment } from '../../../../test/environment.ts'
import * as strategies from './strategies.service.ts'

const base = '/identity/resources/configurations/v1'

describe.concurrent('strategies', () => {
  test.for(['activation', 'invitation'] as const)(
    'the %s is by link at first, and what is not given stays',
    async (kind) => {
      const env = await newEnvironment(),
        url = `${base}/${kind}/strategies`
      expect(await env.vendor('GET', url)).toMatchObject({
        status: 200,
        body: { strategy: 'link', codeExpiration: 3600 },
      })
      expect(await env.vendor('POST', url, { strategy: 'code', codeExpiration: 60 })).toMatchObject({
        status: 200,
        body: null,
      })
      await env.vendor('POST', url, { strategy: 'link' })
      expect((await env.vendor('GET', url)).body).toEqual({ strategy: 'link', codeExpiration: 60 })
      expect(await strategies[kind](await env.context())).toEqual({ strategy: 'link', codeExpiration: 60 })
      expect(await env.vendor('POST', url, { strategy: 'code', codeExpiration: 59 })).toMatchObject({
        status: 400,
        body: { errors: ['codeExpiration must not be less than 60'] },
      })
      expect((await env.vendor('POST', url, { strategy: 'pigeon' })).status).toBe(400)
      expect((await env.vendor('GET', url)).body.strategy).toBe('link')
    },
  )

  test('activation and invitation are two', async () => {
    const env = await newEnvironment()
    await env.vendor('POST', `${base}/activation/strategies`, { strategy: 'code' })
    expect((await env.vendor('GET', `${base}/invitation/strategies`)).body.strategy).toBe('link')
    expect((await env.vendor('POST', `${base}/activation/strategies`, { codeExpiration: 100 })).status).toBe(400)
    expect((await env.vendor('POST', `${base}/invitation/strategies`, { codeExpiration: 100 })).status).toBe(200)
  })

  test('a sign-up form asks for what people will log in with', async () => {
    const env = await newEnvironment(),
      url = `${base}/sign-up/strategies`
    const asked = async () =>
      (await env.anonymous('GET', url)).body.map((s: { strategy: string; isActive: boolean; isRequired: boolean }) => [
        s.strategy,
        s.isActive,
        s.isRequired,
      ])
    expect(await asked()).toEqual([
      ['email', true, true],
      ['phoneNumber', false, false],
      ['username', false, false],
    ])
    await env.vendor('POST', base, { authStrategy: 'UsernameAndPassword' })
    expect(await asked()).toEqual([
      ['email', true, false],
      ['phoneNumber', false, false],
      ['username', true, true],
    ])
    await env.vendor('POST', base, { authStrategy: 'SmsCode' })
    expect(await asked()).toEqual([
      ['email', false, false],
      ['phoneNumber', true, true],
      ['username', false, false],
    ])
  })

  test('a password is recovered by mail, where there are passwords', async () => {
    const env = await newEnvironment(),
      url = `${base}/password-recovery/strategies`
    expect(await env.anonymous('GET', url)).toMatchObject({
      status: 200,
      body: [
        { strategy: 'email', isActive: true },
        { strategy: 'sms', isActive: false },
      ],
    })
    await env.vendor('POST', base, { authStrategy: 'MagicLink' })
    expect((await env.anonymous('GET', url)).body[0]).toEqual({ strategy: 'email', isActive: false })
  })
})
