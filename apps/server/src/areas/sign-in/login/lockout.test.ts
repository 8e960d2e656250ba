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
  test('stops at the lock: the right password and a wrong one get the same answer', async () => {
    const env = await guarded(2),
      user = await env.newUser({ password: PASSWORD })
    expect((await guess(env, user.email)).status).toBe(401)
    expect((await guess(env, user.email)).status).toBe(401)
    const [right, wrong] = [await logIn(env, user), await guess(env, user.email)]
    expect(right).toMatchObject({ status: 423, body: { errorCode: 'ER-01034' } })
    expect(wrong).toMatchObject({ status: right.status, body: right.body })
    expect(await env.messages({ template: 'UnlockUser' })).toMatchObject([{ recipient: user.email }])
  })

  test('locks unknown names as well, and sends no mail', async () => {
    const env = await guarded(2),
      email = nobody()
    const answers = []
    for (const name of [email, email.toUpperCase(), email, email]) answers.push((await guess(env, name)).status)
    expect(answers).toEqual([401, 401, 423, 423])
    expect(await env.messages()).toEqual([])
    expect((await guess(env, nobody())).status).toBe(401)
  })

  test("many at once get as many 'wrong' answers as there are tries, for known and unknown names", async () => {
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

  test('starts again after a login, and when management unlocks the user', async () => {
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

  test('ends the sessions of the locked user, also when the lock is undone', async () => {
    const env = await guarded(1),
      user = await env.newUser({ password: PASSWORD })
    const { refreshToken } = (await logIn(env, user)).body
    await guess(env, user.email)
    await env.vendor('POST', `${users}/${user.id}/unlock`)
    expect((await env.anonymous('POST', `${auth}/token/refresh`, { refreshToken })).status).toBe(401)
  })

  test('counts at a change of password, too, where the right password comes too late after the lock', async () => {
    const env = await guarded(2),
      user = await env.user({ password: PASSWORD })
    const change = (password: string) =>
      user('POST', `${users}/passwords/change`, { password, newPassword: 'Another-Hen-3!' })
    const answers = await Promise.all(Array.from({ length: 6 }, () => change(WRONG)))
    expect(answers.map((a) => a.status).toSorted()).toEqual([400, 400, 423, 423, 423, 423])
    expect((await change(PASSWORD)).status).toBe(401)
  })

  test('compares no hash for a locked name, known or unknown', async () => {
    const env = await guarded(1),
      user = await env.newUser({ password: PASSWORD }),
      unknown = nobody()
    // the hash is of another password: comparing it would answer 401
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

  test('counts together with wrong passwords, and a right password alone does not reset the count', async () => {
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

  test('starts again after a right one', async () => {
    const env = await guarded(3),
      user = await withApp(env)
    const { mfaToken } = (await logIn(env, user)).body
    await verify(env, user.deviceId, mfaToken, await wrongCode(env, user.secret))
    expect((await verify(env, user.deviceId, mfaToken, await codeOf(env, user.secret))).status).toBe(201)
    expect(await stateOf(env, user.id)).toEqual({ failedLogins: 0, isLocked: false })
  })
})
