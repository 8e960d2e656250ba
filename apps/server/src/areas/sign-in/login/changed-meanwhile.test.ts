import { passwordHasher } from '@henhouse/passwords'
import { describe, expect, test, vi } from 'vitest'
import { deps, newEnvironment, newServer, unique, type TestEnvironment } from '../../../../test/environment.ts'
import { inTheWay } from '../../../../test/in-the-way.ts'
import { logIn, mfaPolicy, PASSWORD } from '../../../../test/second-factors.ts'
import { DAY } from '../../../kernel/clock.ts'
import * as passwords from '../passwords/passwords.service.ts'

const users = '/identity/resources/users/v1',
  settings = '/identity/resources/configurations/v1',
  NEW = 'Another-Henhouse-2!'

/** Runs once, while a password is compared. */
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

/** Runs once, when the code or link of this id has been used up, before any other check. */
const onceUsed = new Map<string, () => Promise<unknown>>()
const lateReader = await newServer({
  database: {
    ...deps.database,
    prisma: deps.database.prisma.$extends({
      query: {
        challenge: {
          async updateMany({ args, query }) {
            const updated = await query(args),
              id = args.where?.id as string
            if (args.data.consumedAt && updated.count) {
              await onceUsed.get(id)?.()
              onceUsed.delete(id)
            }
            return updated
          },
        },
      },
    }) as unknown as typeof deps.database.prisma,
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
/** Everything that could still lead to a session. */
const left = async (env: TestEnvironment, userId: string) => {
  const { db } = await env.context()
  return {
    sessions: await db.session.count({ where: { userId, endedAt: null } }),
    challenges: await db.challenge.findMany({ where: { userId, consumedAt: null }, select: { purpose: true } }),
  }
}
const NOTHING = { sessions: 0, challenges: [] }

describe.concurrent('a password that is changed during a login with the old one', () => {
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

  test('stays changed, though the old hash was due for an upgrade', async () => {
    const env = await newEnvironment(slow),
      password = unique('Henhouse-1!'),
      user = await env.newUser({ password }),
      { db } = await env.context()
    const weak = passwordHasher({ memoryCost: 32, timeCost: 1, parallelism: 1 })
    await db.user.updateMany({ where: { id: user.id }, data: { passwordHash: await weak.hash(password) } })
    meanwhile.set(password, () => reset(env, user.id))
    expect((await logIn(env, user)).status).toBe(401)
    expect(meanwhile.has(password)).toBe(false)
    expect((await logIn(env, { ...user, password: NEW })).status).toBe(200)
  })

  /** Changes the password after the login's proof has been used up, and before there is a session. */
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

  test('leaves no session to a link that was used just before', async () => {
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

  test('leaves no reset token to a code that was used just before', async () => {
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
    // depends on when the user was read
    expect([400, 401]).toContain(status)
    expect(await left(env, user.id)).toEqual(NOTHING)
  })

  const passwordless = '/identity/resources/auth/v1/passwordless'
  const proofs: [what: string, purpose: string, authStrategy: string, prelogin: string, postlogin: string][] = [
    ['a link', 'magic-link', 'MagicLink', `${passwordless}/magiclink/prelogin`, `${passwordless}/magiclink/postlogin`],
    ['a mailed code', 'login-code', 'Code', `${passwordless}/code/prelogin`, `${passwordless}/code/postlogin`],
    [
      'a code to a phone',
      'login-sms',
      'SmsCode',
      `${passwordless}/smscode/prelogin`,
      `${passwordless}/smscode/postlogin`,
    ],
    [
      'a code to set another one with',
      'password-reset-code',
      'EmailAndPassword',
      '/identity/resources/users/v2/passwords/reset/sms',
      '/identity/resources/users/v2/passwords/reset/sms/verify',
    ],
  ]
  test.for(proofs)(
    'gives nothing for %s that was checked before the change, though the user is read only afterwards',
    async ([, purpose, authStrategy, asking, showing]) => {
      const env = await newEnvironment(lateReader),
        user = await env.newUser({ password: PASSWORD }),
        phoneNumber = '+15551230010',
        ctx = await env.context(),
        hash = await deps.passwords.hash(NEW)
      await env.vendor('POST', settings, { authStrategy })
      await env.vendor('POST', `/identity/resources/users/phone-numbers/v1/vendor/${user.id}`, { phoneNumber })
      const prove = async () => {
        const { status, body } = await env.anonymous('POST', asking, {
          email: user.email,
          identifier: phoneNumber,
          identifierType: 'phoneNumber',
        })
        expect(status).toBeLessThan(300)
        const { link, code } = (await env.messages()).at(-1)!
        const token = link ? new URL(link).searchParams.get('token') : code
        return () => env.anonymous('POST', showing, { token, otcToken: token, sessionId: body?.sessionId })
      }
      expect((await (await prove())()).status).toBeLessThan(300)
      await ctx.db.session.deleteMany()
      const show = await prove()
      const { id } = await ctx.db.challenge.findFirstOrThrow({ where: { purpose, consumedAt: null } })
      onceUsed.set(id, () => passwords.put(ctx, user.id, hash))
      expect([400, 401]).toContain((await show()).status)
      expect(onceUsed.has(id)).toBe(false)
      expect(await left(env, user.id)).toEqual(NOTHING)
    },
  )
})

describe.concurrent('a user who is locked', () => {
  test('just before the session begins gets no session', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD })
    const answer = await inTheWay(['update "User" set "isLocked" = true where id = $1', user.id], () =>
      logIn(env, user),
    )
    expect(answer).toMatchObject({ status: 423, body: { errorCode: 'ER-01034' }, cookies: [] })
    expect(await left(env, user.id)).toEqual(NOTHING)
  })

  test('while the current password is compared cannot change it', async () => {
    const env = await newEnvironment(slow),
      password = unique('Henhouse-1!'),
      user = await env.user({ password })
    meanwhile.set(password, () => env.vendor('POST', `${users}/${user.id}/lock`))
    expect(await user('POST', `${users}/passwords/change`, { password, newPassword: NEW })).toMatchObject({
      status: 423,
      body: { errorCode: 'ER-01034' },
    })
    expect(meanwhile.has(password)).toBe(false)
    await env.vendor('POST', `${users}/${user.id}/unlock`)
    expect((await logIn(env, user)).status).toBe(200)
  })
})

describe.concurrent('a user who is locked during a login with the right password', () => {
  const removed = (env: TestEnvironment, userId: string) => env.vendor('DELETE', `${users}/${userId}`)
  const locked = (env: TestEnvironment, userId: string) => env.vendor('POST', `${users}/${userId}/lock`)
  type Meanwhile = typeof locked
  const cases: [
    what: string,
    who: { verified?: boolean; isMember?: boolean },
    before: number,
    Meanwhile,
    after: object,
  ][] = [
    ['may log in', {}, 200, locked, { status: 423, body: { errorCode: 'ER-01034' } }],
    ['has yet to verify the address', { verified: false }, 401, locked, { status: 423 }],
    ['belongs to no account', { isMember: false }, 403, locked, { status: 423 }],
    ['is deleted, not locked', {}, 200, removed, { status: 401, body: { errorCode: 'ER-01078' } }],
  ]
  test.for(cases)(
    'gets no answer that reveals that it was right, where the user %s',
    async ([, { isMember = true, ...who }, before, happens, after]) => {
      const env = await newEnvironment(slow),
        password = unique('Henhouse-1!'),
        user = await env.newUser({ password, ...who }),
        { db } = await env.context()
      if (!isMember) await db.membership.deleteMany({ where: { userId: user.id } })
      expect((await logIn(env, user)).status).toBe(before)
      await db.message.deleteMany()
      meanwhile.set(password, async () => expect((await happens(env, user.id)).status).toBeLessThan(300))
      expect(await logIn(env, user)).toMatchObject({ ...after, cookies: [] })
      expect(meanwhile.has(password)).toBe(false)
      expect(await db.session.count({ where: { endedAt: null } })).toBe(0)
      expect(await env.messages()).toEqual([])
    },
  )
})
