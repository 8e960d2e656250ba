import { describe, expect, test } from 'vitest'
import { authenticator } from '../authenticator.ts'
import { newEnvironment, newServer, operations, type TestEnvironment } from '../environment.ts'
import { logIn, mfa, mfaPolicy, own, PASSWORD, strategies } from '../second-factors.ts'

const login = '/identity/resources/auth/v1/webauthn',
  devices = '/identity/resources/users/webauthn/v1/devices'

describe.concurrent('an Android app', () => {
  const known = 'android:apk-key-hash:pNiP5iKyQ8JwgGOaKA1zGPUPJIS-0H1xKCQcfIoGLck',
    other = 'android:apk-key-hash:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'

  /** What both steps come to for an app with this origin. */
  async function outcomes(env: TestEnvironment, origin: string, registeredAt = origin) {
    const user = await env.user({ password: PASSWORD }),
      app = authenticator({ origin: registeredAt })
    const made = await user('POST', `${devices}/verify`, app.create((await user('POST', devices)).body.options))
    const signing = authenticator({ origin })
    signing.held.push(...app.held)
    const { options } = (await env.anonymous('POST', `${login}/prelogin`, { email: user.email })).body
    if (made.status === 201) expect(options.allowCredentials).toMatchObject([{ id: app.held[0]!.id }])
    const { challenge, rpId } = options as { challenge: string; rpId: string }
    const answer = await env.anonymous('POST', `${login}/postlogin`, signing.get({ challenge, rpId }))
    return { registered: made.status, loggedIn: answer.status, token: answer.body.accessToken as string | undefined }
  }

  test('registers a passkey and logs in with it if the hash of its certificate is configured, and only then', async () => {
    const on = await newServer({ androidOrigins: [known] }),
      env = await newEnvironment(on)
    expect(await outcomes(env, known)).toEqual({ registered: 201, loggedIn: 201, token: expect.any(String) })
    expect(await outcomes(env, other)).toEqual({ registered: 401, loggedIn: 401, token: undefined })
    expect(await outcomes(env, other, known)).toEqual({ registered: 201, loggedIn: 401, token: undefined })
    expect(await outcomes(env, `${known}=`, known)).toMatchObject({ registered: 201, loggedIn: 401 })
    await on.http.close()
  })

  test('does neither where none is configured', async () => {
    expect(await outcomes(await newEnvironment(), known)).toMatchObject({ registered: 401, loggedIn: 401 })
  })
})

/** Every operation that begins with a passkey or a security key, called from a page. */
async function ceremonies(env: TestEnvironment, origin: string) {
  const page = { headers: { origin } }
  await env.vendor('POST', strategies, { strategy: 'WebAuthnCrossPlatform', isActive: true })
  const [user, newcomer] = [await env.user({ password: PASSWORD }), await env.newUser({ password: PASSWORD })]
  const key = authenticator({ origin: `http://${env.name}.localhost:3100` })
  const { webauthnToken, options } = (await user('POST', `${own}/webauthn/enroll`)).body
  await user('POST', `${own}/webauthn/enroll/verify`, {
    deviceType: 'CrossPlatform',
    webauthnToken,
    options: key.create(options),
  })
  const deviceId: string = (await user('GET', `${own}/devices`)).body.webauthn[0].id
  const { mfaToken } = (await logIn(env, user)).body
  await env.as(newcomer.tenantId)('POST', mfaPolicy, {})
  const enrolling = (await logIn(env, newcomer)).body.mfaToken
  return {
    startPasskeyLoginV1: () => env.anonymous('POST', `${login}/prelogin`, {}, page),
    startPasskeyV1: () => user('POST', devices, undefined, page),
    startWebauthnAtLoginV1: () => env.anonymous('POST', `${mfa}/webauthn/enroll`, { mfaToken: enrolling }, page),
    startMfaByWebauthnV1: () => env.anonymous('POST', `${mfa}/webauthn/${deviceId}`, { mfaToken }, page),
    startWebauthnV1: () => user('POST', `${own}/webauthn/enroll`, undefined, page),
    startDisableWebauthnV1: () => user('POST', `${own}/webauthn/${deviceId}/disable`, undefined, page),
  }
}

interface Schema {
  properties?: Record<string, Schema>
}

describe.concurrent('a page at an IP address', () => {
  test.for(['http://192.168.1.20:3100', 'http://[::1]:3000'])(
    '%s is told to use localhost by every operation that begins with a passkey or a key',
    async (origin) => {
      const all = await ceremonies(await newEnvironment(), origin)
      const challenging = operations.filter((op) =>
        Object.values(op.returns).some(
          (schema) => (schema as Schema).properties?.['options']?.properties?.['challenge'],
        ),
      )
      expect(Object.keys(all).toSorted()).toEqual(challenging.map((op) => op.id).toSorted())
      for (const [id, start] of Object.entries(all))
        expect(await start(), id).toMatchObject({
          status: 400,
          body: {
            errors: [
              `Passkeys and security keys need a domain name, and ${new URL(origin).hostname} is an IP address: open the page at localhost`,
            ],
          },
        })
    },
  )

  test('may do so at localhost', async () => {
    for (const [id, start] of Object.entries(await ceremonies(await newEnvironment(), 'http://localhost:5173'))) {
      const { status, body } = await start()
      expect({ id, status, at: body.options?.rpId ?? body.options?.rp.id }).toMatchObject({ id, at: 'localhost' })
      expect(status).toBeLessThan(300)
    }
  })
})
