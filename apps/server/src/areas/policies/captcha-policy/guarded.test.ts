import { describe, expect, test } from 'vitest'
import { newEnvironment, newServer, unique, type Client } from '../../../../test/environment.ts'

const settings = '/identity/resources/configurations/v1',
  auth = '/identity/resources/auth/v1',
  users = '/identity/resources/users/v1'
const policy = { enabled: true, siteKey: 'site', secretKey: 'secret', minScore: 0.5 }
const PASSWORD = 'Henhouse-1!',
  UNKNOWN = { userId: '0b0e5f0e-7a0e-4c55-9d0e-222222222222', token: 'x' }

/** What is guarded: path, a body that would do, and the strategy of the environment that it needs. */
const guarded: [path: string, body: () => object, authStrategy?: string][] = [
  [`${auth}/user`, () => ({ email: 'nobody@example.com', password: PASSWORD })],
  [`${users}/signUp`, () => ({ email: `${unique()}@example.com`, name: 'A', companyName: 'A', password: PASSWORD })],
  [
    `${users}/signUp/username`,
    () => ({ username: unique('ada'), name: 'A', companyName: 'A', password: PASSWORD }),
    'UsernameAndPassword',
  ],
  [`${users}/signUp/phoneNumber`, () => ({ phoneNumber: '+15550001111', name: 'A', companyName: 'A' }), 'SmsCode'],
  [`${users}/activate`, () => ({ ...UNKNOWN, password: PASSWORD })],
  [`${users}/activate/code`, () => ({ ...UNKNOWN, code: '123456', password: PASSWORD })],
  [`${auth}/passwordless/magiclink/prelogin`, () => ({ email: 'nobody@example.com' }), 'MagicLink'],
  [`${auth}/passwordless/code/prelogin`, () => ({ email: 'nobody@example.com' }), 'Code'],
  [`${auth}/passwordless/smscode/prelogin`, () => ({ phoneNumber: '+15550002222' }), 'SmsCode'],
  [`${auth}/webauthn/prelogin`, () => ({})],
  [
    `${auth}/webauthn/postlogin`,
    () => ({ id: 'nobodys', response: { clientDataJSON: 'e30', authenticatorData: 'e30', signature: 'e30' } }),
  ],
]
/** A server whose captcha service is out of reach: nobody listens at port 9. */
const cutOff = await newServer({ captchaUrl: 'http://127.0.0.1:9/siteverify' })

describe.concurrent('where a captcha is wanted', () => {
  test.for(guarded)(
    '%s does nothing without one, with a wrong one, or while none can be checked',
    async ([path, body, authStrategy]) => {
      const env = await newEnvironment()
      if (authStrategy !== undefined) expect((await env.vendor('POST', settings, { authStrategy })).status).toBe(201)
      expect((await env.vendor('POST', `${settings}/captcha-policy`, policy)).status).toBe(201)
      const attempt = (call: Client, recaptchaToken?: string) =>
        call('POST', path, { ...body(), ...(recaptchaToken !== undefined && { recaptchaToken }) })
      expect(await attempt(env.anonymous)).toMatchObject({ status: 400, body: { errors: ['Captcha is required'] } })
      for (const token of ['wrong', 'score:0.4'])
        expect(await attempt(env.anonymous, token)).toMatchObject({
          status: 400,
          body: { errors: ['Captcha is invalid'] },
        })
      expect(await attempt(env.client({}, cutOff), 'score:0.9')).toMatchObject({
        status: 400,
        body: { errors: ['Captcha could not be verified'] },
      })
      const { db } = await env.context()
      expect([await db.user.count(), await db.challenge.count(), await db.message.count()]).toEqual([0, 0, 0])
      expect(((await attempt(env.anonymous, 'score:0.9')).body?.errors ?? []).join()).not.toMatch(/captcha/i)
    },
  )
})
