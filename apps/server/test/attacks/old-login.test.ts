import { describe, expect, test } from 'vitest'
import { newEnvironment, operations, UNKNOWN_ID } from '../environment.ts'
import { fillPath, sampleBody } from '../samples.ts'
import { logIn, PASSWORD } from '../second-factors.ts'

const MINUTE = 60_000
const guarded = operations.filter((op) => op.recentLogin)
const tooOld = { status: 403, body: { errors: ['Log in again to change how you log in'] } }
const call = (client: Awaited<ReturnType<typeof newEnvironment>>['vendor'], op: (typeof guarded)[number]) =>
  client(
    op.method,
    fillPath(op, () => UNKNOWN_ID),
    sampleBody(op, true),
  )

describe.concurrent('the token of an old login', () => {
  test('is held off by everything that begins to add a way in, and by what takes one away without a code', () => {
    expect(guarded.map((op) => op.id).toSorted()).toEqual([
      'changeOwnEmailV1',
      'changePhoneNumberV1',
      'createPhoneNumberV1',
      'createUserAccessTokenV1',
      'createUserApiTokenV1',
      'createUserEmailV1',
      'createUsernameV1',
      'deletePasskeyV1',
      'deleteUserEmailV1',
      'deleteUsernameV1',
      'preverifyPhoneNumberV1',
      'setOwnPrimaryEmailV1',
      'startAuthenticatorV1',
      'startMfaV1',
      'startPasskeyV1',
      'startSmsV1',
      'startWebauthnV1',
    ])
  })

  test.for(guarded.map((op) => [op.id, op] as const))('%s refuses it, also when refreshed', async ([, op]) => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD }),
      { accessToken, refreshToken } = (await logIn(env, user)).body as Record<string, string>
    await env.clock.advance(15 * MINUTE - 5000)
    expect(await call(env.withToken(accessToken!), op)).not.toMatchObject(tooOld)
    await env.clock.advance(5000)
    expect(await call(env.withToken(accessToken!), op)).toMatchObject(tooOld)
    const refreshed = await env.anonymous('POST', '/identity/resources/auth/v1/user/token/refresh', { refreshToken })
    expect(await call(env.withToken(refreshed.body.accessToken as string), op)).toMatchObject(tooOld)
    const again = (await logIn(env, user)).body.accessToken as string
    expect(await call(env.withToken(again), op)).not.toMatchObject(tooOld)
  })

  test('adds them for users who have neither a password nor a second factor', async () => {
    const env = await newEnvironment(),
      user = await env.user()
    await env.clock.advance(20 * MINUTE)
    expect((await user('POST', '/identity/resources/users/emails/v1', { email: 'second@example.com' })).status).toBe(
      201,
    )
    await (await env.context()).db.user.updateMany({ data: { mfaEnrolled: true } })
    expect(await user('POST', '/identity/resources/users/emails/v1', { email: 'third@example.com' })).toMatchObject(
      tooOld,
    )
  })
})
