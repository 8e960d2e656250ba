import { describe, expect, test } from 'vitest'
import { deps, newEnvironment, unique, type TestEnvironment } from '../../../../test/environment.ts'
import { auth, codeOf, logIn, mfa, PASSWORD, withApp } from '../../../../test/second-factors.ts'

const users = '/identity/resources/users/v1',
  WRONG = 'Henhouse-2!'
const stateOf = async (env: TestEnvironment, id: string) =>
  (await env.context()).db.user.findUniqueOrThrow({ where: { id }, select: { failedLogins: true, isLocked: true } })
const guess = (env: TestEnvironment, email: string) => logIn(env, { email, password: WRONG })
async function guarded(maxAttempts: number) {
  const env = await newEnvironment()
  expect(
    (await env.vendor('POST', '/identity/resources/configurations/v1/lockout-policy', { enabled: true, maxAttempts }))
      .status,
  ).toBe(201)
  return env
}
const nobody = () => `${unique('nobody')}@example.com`

describe.concurrent('guessing passwords', () => {
  test('goes no further than the lock: the right password and a wrong one are answered alike', async () => {
    const env = await guarded(2),
      user = await env.newUser({ password: PASSWORD })
    expect((await guess(env, user.email)).status).toBe(401)
    expect((await guess(env, user.email)).status).toBe(401)
    const [right, wrong] = [await logIn(env, user), await guess(env, user.email)]
    expect(right).toMatchObject({ status: 423, body: { errorCode: 'ER-01034' } })
    expect(wrong).toMatchObject({ status: right.status, body: right.body })
    expect(await env.messages({ template: 'UnlockUser' })).toMatchObject([{ recipient: user.email }])
  })

  test("locks names that are nobody's alike, and mails nobody", async () => {
    const env = await guarded(2),
      email = nobody()
    const answers = []
    for (const name of [email, email.toUpperCase(), email, email]) answers.push((await guess(env, name)).status)
    expect(answers).toEqual([401, 401, 423, 423])
    expect(await env.messages()).toEqual([])
    expect((await guess(env, nobody())).status).toBe(401)
  })

  test('many at once are told that they are wrong as often as there are tries, for somebody and for nobody', async () => {
    const env = await guarded(3),
      user = await env.newUser({ password: PASSWORD }),
      unknown = nobody()
    for (const email of [user.email, unknown]) {
      const answers = await Promise.all(Array.from({ length: 10 }, () => guess(env, email)))
      expect(answers.map((a) => a.status).toSorted()).toEqual([...Array(3).fill(401), ...Array(7).fill(423)])
    }
    expect(await stateOf(env, user.id)).toEqual({ failedLogins: 3, isLocked: true })
    expect(await env.messages({ template: 'UnlockUser' })).toHaveLength(1)
  })

  test('starts anew after a login, and when management unlocks the user', async () => {
    const env = await guarded(2),
      user = await env.newUser({ password: PASSWORD })
    await guess(env, user.email)
    expect((await logIn(env, user)).status).toBe(200)
    await guess(env, user.email)
    expect(await stateOf(env, user.id)).toEqual({ failedLogins: 1, isLocked: false })
    await guess(env, user.email)
    expect((await logIn(env, user)).status).toBe(423)
    await env.vendor('POST', `${users}/${user.id}/unlock`)
    expect(await stateOf(env, user.id)).toEqual({ failedLogins: 0, isLocked: false })
    expect((await logIn(env, user)).status).toBe(200)
  })

  test('costs whom it locks the sessions, also when the lock is undone', async () => {
    const env = await guarded(1),
      user = await env.newUser({ password: PASSWORD })
    const { refreshToken } = (await logIn(env, user)).body
    await guess(env, user.email)
    await env.vendor('POST', `${users}/${user.id}/unlock`)
    expect((await env.anonymous('POST', `${auth}/token/refresh`, { refreshToken })).status).toBe(401)
  })

  test('counts at changing it, too: what is right comes too late after the lock', async () => {
    const env = await guarded(2),
      user = await env.user({ password: PASSWORD })
    const change = (password: string) =>
      user('POST', `${users}/passwords/change`, { password, newPassword: 'Another-Hen-3!' })
    const answers = await Promise.all(Array.from({ length: 6 }, () => change(WRONG)))
    expect(answers.map((a) => a.status).toSorted()).toEqual([400, 400, 423, 423, 423, 423])
    expect((await change(PASSWORD)).status).toBe(423)
  })

  test("tries no hash for a locked name, nobody's or somebody's", async () => {
    const env = await guarded(1),
      user = await env.newUser({ password: PASSWORD }),
      unknown = nobody()
    // one that nothing verifies: the answer would be a 401
    await guess(env, unknown)
    await env.vendor('POST', `${users}/${user.id}/lock`)
    const ctx = await env.context()
    await ctx.db.user.update({
      where: { id: user.id },
      data: { passwordHash: await deps.passwords.hash('something else') },
    })
    for (const email of [user.email, unknown]) expect((await logIn(env, { email })).status).toBe(423)
  })
})

describe.concurrent('guessing second factors', () => {
  const verify = (env: TestEnvironment, deviceId: string, mfaToken: string, value: string) =>
    env.anonymous('POST', `${mfa}/authenticator/${deviceId}/verify`, { mfaToken, value })
  async function wrongCode(env: TestEnvironment, secret: string) {
    const right = await Promise.all([-1, 0, 1].map((steps) => codeOf(env, secret, steps)))
    return ['000000', '111111', '222222', '333333'].find((code) => !right.includes(code))!
  }

  test('counts with wrong passwords, and a right password alone does not start the count anew', async () => {
    const env = await guarded(3),
      user = await withApp(env),
      wrong = await wrongCode(env, user.secret)
    await guess(env, user.email)
    const { mfaToken } = (await logIn(env, user)).body
    expect((await verify(env, user.deviceId, mfaToken, wrong)).status).toBe(401)
    expect(await stateOf(env, user.id)).toEqual({ failedLogins: 2, isLocked: false })
    expect((await verify(env, user.deviceId, mfaToken, wrong)).status).toBe(401)
    expect(await stateOf(env, user.id)).toEqual({ failedLogins: 3, isLocked: true })
    expect((await verify(env, user.deviceId, mfaToken, await codeOf(env, user.secret))).status).toBe(401)
    expect((await logIn(env, user)).status).toBe(423)
    expect(await env.messages({ template: 'UnlockUser' })).toHaveLength(1)
  })

  test('many at once, of several logins, lock the user at the limit exactly', async () => {
    const env = await guarded(3),
      user = await withApp(env),
      wrong = await wrongCode(env, user.secret)
    const tokens = await Promise.all(
      Array.from({ length: 3 }, async () => (await logIn(env, user)).body.mfaToken as string),
    )
    const answers = await Promise.all(
      [...tokens, ...tokens, ...tokens].map((token) => verify(env, user.deviceId, token, wrong)),
    )
    expect(answers.every(({ status }) => status === 401 || status === 423)).toBe(true)
    expect(answers.filter(({ body }) => body.errors[0] === 'Invalid code')).toHaveLength(3)
    expect(await stateOf(env, user.id)).toEqual({ failedLogins: 3, isLocked: true })
  })

  test('starts anew after a right one', async () => {
    const env = await guarded(3),
      user = await withApp(env)
    const { mfaToken } = (await logIn(env, user)).body
    await verify(env, user.deviceId, mfaToken, await wrongCode(env, user.secret))
    expect((await verify(env, user.deviceId, mfaToken, await codeOf(env, user.secret))).status).toBe(201)
    expect(await stateOf(env, user.id)).toEqual({ failedLogins: 0, isLocked: false })
  })
})
