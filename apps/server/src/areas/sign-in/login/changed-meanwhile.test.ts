import { describe, expect, test, vi } from 'vitest'
import { deps, newEnvironment, newServer, unique, type TestEnvironment } from '../../../../test/environment.ts'
import { logIn, mfaPolicy } from '../../../../test/second-factors.ts'
import { DAY } from '../../../kernel/clock.ts'
import * as passwords from '../passwords/passwords.service.ts'

const users = '/identity/resources/users/v1',
  settings = '/identity/resources/configurations/v1',
  NEW = 'Another-Henhouse-2!'

/** What happens while a password is compared, once. */
const meanwhile = new Map<string, () => Promise<unknown>>()
const slow = await newServer({
  passwords: {
    ...deps.passwords,
    async verify(hash, password) {
      const right = await deps.passwords.verify(hash, password),
        happens = meanwhile.get(password)
      meanwhile.delete(password)
      await happens?.()
      return right
    },
  },
})

const reset = async (env: TestEnvironment, userId: string) => {
  const {
    body: { token },
  } = await env.vendor('POST', `${users}/${userId}/links/generate-password-reset-token`)
  expect(
    (await env.anonymous('POST', `${users}/passwords/reset/verify`, { userId, token, password: NEW })).status,
  ).toBe(201)
}
/** What could still lead to a session. */
const left = async (env: TestEnvironment, userId: string) => {
  const { db } = await env.context()
  return {
    sessions: await db.session.count({ where: { userId, endedAt: null } }),
    challenges: await db.challenge.findMany({ where: { userId, consumedAt: null }, select: { purpose: true } }),
  }
}
const NOTHING = { sessions: 0, challenges: [] }

describe.concurrent('a password that is changed while somebody logs in with the old one', () => {
  test.for<[what: string, before: (env: TestEnvironment) => Promise<unknown>]>([
    ['a session', async () => {}],
    ['a token for a second factor', (env) => env.vendor('POST', mfaPolicy, {})],
    [
      'a token to set another one with',
      async (env) => {
        await env.vendor('POST', `${settings}/password-rotation`, { isActive: true, rotationPeriod: 60 })
        await env.clock.advance(DAY)
      },
    ],
  ])('leaves nobody %s', async ([, before]) => {
    const env = await newEnvironment(slow),
      password = unique('Henhouse-1!'),
      user = await env.newUser({ password })
    await before(env)
    expect((await logIn(env, user)).status).toBe(200)
    meanwhile.set(password, () => reset(env, user.id))
    expect(await logIn(env, user)).toMatchObject({ status: 401, body: { errorCode: 'ER-01078' }, cookies: [] })
    expect(meanwhile.has(password)).toBe(false)
    expect(await left(env, user.id)).toEqual(NOTHING)
    expect((await logIn(env, { ...user, password: NEW })).status).toBe(200)
  })

  /** Changes the password when what the login shows has been used up, and before there is a session. */
  async function changedAfterProof(
    env: TestEnvironment,
    userId: string,
    purpose: string,
    attempt: () => ReturnType<TestEnvironment['anonymous']>,
  ) {
    const ctx = await env.context(),
      hash = await deps.passwords.hash(NEW)
    const used = () => ctx.db.challenge.count({ where: { userId, purpose, consumedAt: { not: null } } })
    const before = await used()
    const answering = await ctx.atomically(async (tx) => {
      // sessions begin at the user's row
      await tx.db.user.updateMany({ where: { id: userId }, data: { updatedAt: tx.clock.now() } })
      const answer = attempt()
      await vi.waitFor(async () => expect(await used()).toBe(before + 1), { timeout: 10_000, interval: 5 })
      await passwords.put(tx, userId, hash)
      return { answer }
    })
    return answering.answer
  }

  test('leaves nobody a session for a link that was used just before', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: NEW })
    await env.vendor('POST', settings, { authStrategy: 'MagicLink' })
    await env.anonymous('POST', '/identity/resources/auth/v1/passwordless/magiclink/prelogin', { email: user.email })
    const token = new URL((await env.messages({ to: user.email })).at(-1)!.link!).searchParams.get('token')
    expect(
      (
        await changedAfterProof(env, user.id, 'magic-link', () =>
          env.anonymous('POST', '/identity/resources/auth/v1/passwordless/magiclink/postlogin', { token }),
        )
      ).status,
    ).toBe(401)
    expect(await left(env, user.id)).toEqual(NOTHING)
  })

  test('leaves nobody a token to set it with for a code that was used just before', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: NEW }),
      phoneNumber = '+15551230009'
    await env.vendor('POST', `/identity/resources/users/phone-numbers/v1/vendor/${user.id}`, { phoneNumber })
    const { sessionId } = (
      await env.anonymous('POST', '/identity/resources/users/v2/passwords/reset/sms', {
        identifier: phoneNumber,
        identifierType: 'phoneNumber',
      })
    ).body
    const otcToken = (await env.messages({ to: phoneNumber })).at(-1)!.code
    const { status } = await changedAfterProof(env, user.id, 'password-reset-code', () =>
      env.anonymous('POST', '/identity/resources/users/v2/passwords/reset/sms/verify', { sessionId, otcToken }),
    )
    // it depends on when the user was read
    expect([400, 401]).toContain(status)
    expect(await left(env, user.id)).toEqual(NOTHING)
  })
})
