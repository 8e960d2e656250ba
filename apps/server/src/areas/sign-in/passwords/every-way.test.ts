import { describe, expect, test } from 'vitest'
import { newEnvironment, unique, type Answer, type TestEnvironment } from '../../../../test/environment.ts'
import { PASSWORD } from '../../../../test/second-factors.ts'

const users = '/identity/resources/users',
  settings = '/identity/resources/configurations/v1'
const fresh = () => `${unique('way')}@example.com`
const tokenIn = (link: string) => Object.fromEntries(new URL(link).searchParams)

/** Every way to set a password. */
const ways: Record<string, (env: TestEnvironment, password: string) => Promise<Answer>> = {
  'signing up': (env, password) =>
    env.anonymous('POST', `${users}/v1/signUp`, { email: fresh(), password, companyName: 'Hens' }),
  activation: async (env, password) => {
    const { id } = await env.newUser({ verified: false })
    return env.anonymous('POST', `${users}/v1/activate`, {
      ...tokenIn((await env.vendor('POST', `${users}/v1/${id}/links/generate-activation-token`)).body.link),
      password,
    })
  },
  'a reset': async (env, password) => {
    const { id } = await env.newUser({ password: PASSWORD })
    return env.anonymous('POST', `${users}/v1/passwords/reset/verify`, {
      ...tokenIn((await env.vendor('POST', `${users}/v1/${id}/links/generate-password-reset-token`)).body.link),
      password,
    })
  },
  'a change': async (env, newPassword) =>
    (await env.user({ password: PASSWORD }))('POST', `${users}/v1/passwords/change`, {
      password: PASSWORD,
      newPassword,
    }),
  'management that makes the user': async (env, password) =>
    env.as(await env.newTenant())('POST', `${users}/v2`, { email: fresh(), password }),
}

describe.concurrent.each(Object.entries(ways))('a password set by %s', (_, set) => {
  test('must pass every required test, and the configured number of others', async () => {
    const env = await newEnvironment()
    await env.vendor('POST', `${settings}/password`, { minLength: 8, minOptionalTestsToPass: 4 })
    expect(await set(env, 'aaaB1')).toMatchObject({
      status: 400,
      body: {
        errors: [
          'The password must be at least 8 characters long.',
          'The password may not contain sequences of three or more repeated characters.',
          'The password must contain at least one special character.',
        ],
      },
    })
    expect((await set(env, 'a'.repeat(5000))).status).toBe(400)
    expect((await set(env, 'Fitting-Hen-1')).status).toBeLessThan(300)
  })

  test('may be a passphrase where that is allowed', async () => {
    const env = await newEnvironment(),
      phrase = 'seven hens sat on a wall'
    await env.vendor('POST', `${settings}/password`, { minOptionalTestsToPass: 4 })
    expect((await set(env, phrase)).status).toBe(400)
    await env.vendor('POST', `${settings}/password`, { allowPassphrases: true })
    expect((await set(env, phrase)).status).toBeLessThan(300)
  })

  test('must not be a breached one, where the policy says so', async () => {
    const env = await newEnvironment()
    expect((await set(env, 'Password123!')).status).toBeLessThan(300)
    await env.vendor('POST', `${settings}/password`, { blockPwnedPasswords: true })
    expect(await set(env, 'Password123!')).toMatchObject({
      status: 400,
      body: { errors: ['Password has been breached'] },
    })
  })
})
