import { describe, expect, test } from 'vitest'
import { newEnvironment, type TestEnvironment } from '../../../../test/environment.ts'
import * as guesses from './guesses.service.ts'
import * as unlock from './unlock.service.ts'

const url = '/identity/resources/users/v3/me/unlock',
  users = '/identity/resources/users/v1',
  login = '/identity/resources/auth/v1/user'
const password = 'Correct-Horse-7'

/** A user who was locked by wrong passwords, and the token of the mail about it. */
async function lockedOut(env: TestEnvironment) {
  await env.vendor('POST', '/identity/resources/configurations/v1/lockout-policy', { enabled: true, maxAttempts: 2 })
  const user = await env.newUser({ password }),
    ctx = await env.context()
  await guesses.failed(ctx, { userId: user.id })
  expect(await guesses.failed(ctx, { userId: user.id })).toMatchObject({ locked: true })
  await unlock.sendMail(ctx, await ctx.db.user.findUniqueOrThrow({ where: { id: user.id } }))
  const [mail] = await env.messages({ template: 'UnlockUser' })
  expect(mail).toMatchObject({ recipient: user.email, userId: user.id })
  const link = new URL(mail!.link!)
  expect(link.pathname).toBe('/account/unlock')
  return { ...user, token: link.searchParams.get('token')! }
}

describe.concurrent('unlocking oneself', () => {
  test('takes the token of the mail, once, and another mail says that it is done', async () => {
    const env = await newEnvironment()
    const { email, token } = await lockedOut(env)
    expect((await env.anonymous('POST', login, { email, password })).status).toBe(423)
    expect(await env.anonymous('POST', url, { token: 'x' })).toMatchObject({
      status: 400,
      body: { errors: ['Invalid token'] },
    })
    expect(await env.anonymous('POST', url, { token })).toMatchObject({ status: 200, body: null })
    expect(await env.messages({ template: 'UnlockUserSuccess' })).toMatchObject([{ recipient: email }])
    expect((await env.anonymous('POST', login, { email, password })).status).toBe(200)
    expect((await env.anonymous('POST', url, { token })).status).toBe(400)
  })

  test('many times at once works once', async () => {
    const env = await newEnvironment()
    const { token } = await lockedOut(env)
    const answers = await Promise.all(Array.from({ length: 8 }, () => env.anonymous('POST', url, { token })))
    expect(answers.map((a) => a.status).toSorted()).toEqual([200, ...Array(7).fill(400)])
    expect(await env.messages({ template: 'UnlockUserSuccess' })).toHaveLength(1)
  })

  test("undoes no lock of management's, and works for a day", async () => {
    const env = await newEnvironment()
    const { id, email, token } = await lockedOut(env)
    await env.clock.advance(1000)
    await env.vendor('POST', `${users}/${id}/lock`)
    expect((await env.anonymous('POST', url, { token })).status).toBe(400)
    expect((await env.anonymous('POST', login, { email, password })).status).toBe(423)
    const other = await newEnvironment(),
      late = await lockedOut(other)
    await other.clock.advance(86_400_000)
    expect((await other.anonymous('POST', url, { token: late.token })).status).toBe(400)
  })

  test('is offered to nobody who is not locked', async () => {
    const env = await newEnvironment()
    const user = await env.newUser(),
      ctx = await env.context()
    await unlock.sendMail(ctx, await ctx.db.user.findUniqueOrThrow({ where: { id: user.id } }))
    expect(await env.messages()).toEqual([])
  })
})
