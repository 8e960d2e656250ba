import { describe, expect, test } from 'vitest'
import { newEnvironment } from '../../../../test/environment.ts'

const login = '/identity/resources/auth/v1/user',
  settings = '/identity/resources/configurations/v1'
const PASSWORD = 'Henhouse-1!'

describe.concurrent('a login is guarded by', () => {
  test('a captcha, before anything is looked up; exempt addresses need none', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD }),
      exempt = await env.newUser({ password: PASSWORD })
    expect(
      (
        await env.vendor('POST', `${settings}/captcha-policy`, {
          enabled: true,
          siteKey: 'site',
          secretKey: 'secret',
          minScore: 0.5,
          ignoredEmails: [exempt.email],
        })
      ).status,
    ).toBe(201)
    const attempt = (email: string, recaptchaToken?: string) =>
      env.anonymous('POST', login, { email, password: PASSWORD, recaptchaToken })
    for (const email of [user.email, 'nobody@example.com']) {
      expect(await attempt(email)).toMatchObject({ status: 400, body: { errors: ['Captcha is required'] } })
      expect(await attempt(email, 'score:0.3')).toMatchObject({ status: 400, body: { errors: ['Captcha is invalid'] } })
    }
    expect((await attempt(user.email, 'score:0.9')).status).toBe(200)
    expect((await attempt(exempt.email)).status).toBe(200)
  })

  test("the account's IP rules, at login and at every refresh", async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD }),
      other = await env.newUser({ password: PASSWORD })
    const manage = env.as(user.tenantId),
      at = (ip: string) => env.client({ 'x-forwarded-for': ip })
    const session = (await at('198.51.100.7')('POST', login, { email: user.email, password: PASSWORD })).body
    expect(
      (
        await manage('POST', `${settings}/restrictions/ip`, {
          ip: '203.0.113.0/24',
          strategy: 'ALLOW',
          isActive: true,
          description: 'office',
        })
      ).status,
    ).toBe(201)
    expect(
      (
        await manage(
          'POST',
          `${settings}/restrictions/ip/config`,
          { isActive: true, strategy: 'ALLOW' },
          { headers: { 'x-forwarded-for': '203.0.113.9' } },
        )
      ).status,
    ).toBe(201)
    expect((await at('203.0.113.20')('POST', login, { email: user.email, password: PASSWORD })).status).toBe(200)
    expect(await at('198.51.100.7')('POST', login, { email: user.email, password: PASSWORD })).toMatchObject({
      status: 403,
      cookies: [],
    })
    expect(
      (await at('198.51.100.7')('POST', `${login}/token/refresh`, { refreshToken: session.refreshToken })).status,
    ).toBe(403)
    // the refusal used nothing up
    expect(
      (await at('203.0.113.20')('POST', `${login}/token/refresh`, { refreshToken: session.refreshToken })).status,
    ).toBe(201)
    expect((await at('198.51.100.7')('POST', login, { email: other.email, password: PASSWORD })).status).toBe(200)
  })
})
