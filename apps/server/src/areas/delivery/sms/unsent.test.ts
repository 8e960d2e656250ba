import { describe, expect, test } from 'vitest'
import { deps, newEnvironment, type Answer, type Client, type TestEnvironment } from '../../../../test/environment.ts'
import { auth, logIn, mfa, mfaPolicy, own, PASSWORD, strategies } from '../../../../test/second-factors.ts'
import { buildServer } from '../../../server.ts'

const users = '/identity/resources/users',
  settings = '/identity/resources/configurations/v1',
  MINE = '+15551234567',
  NEW = '+15557654321'
const { sms: _, ...others } = deps
/** Nothing carries its text messages. */
const mute = await buildServer(others)

interface Somebody {
  env: TestEnvironment
  user: Client & { id: string; email: string }
  mfaToken: () => Promise<string>
  phoneId: string
  deviceId: string
}
const flows: [what: string, to: string, attempt: (who: Somebody) => Promise<Answer>][] = [
  [
    'a code to log in',
    MINE,
    async ({ env }) => {
      await env.vendor('POST', settings, { authStrategy: 'SmsCode' })
      return env.anonymous('POST', `${auth.replace('/user', '')}/passwordless/smscode/prelogin`, { phoneNumber: MINE })
    },
  ],
  [
    'a code to set a password',
    MINE,
    ({ env }) =>
      env.anonymous('POST', `${users}/v2/passwords/reset/sms`, { identifier: MINE, identifierType: 'phoneNumber' }),
  ],
  ['a code to enrol a phone', NEW, ({ user }) => user('POST', `${own}/sms/enroll`, { phoneNumber: NEW })],
  [
    'a second factor',
    MINE,
    async ({ env, mfaToken, deviceId }) =>
      env.anonymous('POST', `${mfa}/sms/${deviceId}`, { mfaToken: await mfaToken() }),
  ],
  ['a code to take a phone away', MINE, ({ user, deviceId }) => user('POST', `${own}/sms/${deviceId}/disable`)],
  ['a code for a further number', NEW, ({ user }) => user('POST', `${users}/phone-numbers/v1`, { phoneNumber: NEW })],
  [
    'a code for a number to come',
    NEW,
    ({ user }) => user('POST', `${users}/phone-numbers/v1/preverify`, { phoneNumber: NEW }),
  ],
  ['a code for another number', NEW, ({ user }) => user('POST', `${users}/v1/phone`, { phoneNumber: NEW })],
  ['a code to delete a number', MINE, ({ user, phoneId }) => user('DELETE', `${users}/phone-numbers/v1/${phoneId}`)],
]

describe.concurrent('where text messages cannot be sent', () => {
  test.for(flows)('%s is refused, the number masked, and nothing of the user changes', async ([, to, attempt]) => {
    const env = await newEnvironment(mute),
      user = await env.user({ password: PASSWORD }),
      { db, clock, random } = await env.context()
    await env.vendor('POST', `${users}/phone-numbers/v1/vendor/${user.id}`, { phoneNumber: MINE })
    await env.vendor('POST', strategies, { strategy: 'SMS', isActive: true })
    const { id: deviceId } = await db.mfaDevice.create({
      data: { id: random.uuid(), userId: user.id, kind: 'sms', phoneNumber: MINE, createdAt: clock.now() },
    })
    await db.user.updateMany({ where: { id: user.id }, data: { mfaEnrolled: true } })
    const phoneId: string = (await user('GET', `${users}/phone-numbers/v1/me`)).body[0].id
    const state = () => Promise.all([db.phoneNumber.findMany(), db.mfaDevice.findMany(), db.message.findMany()])
    const before = await state()
    const masked = `${to.slice(0, 2)}*******${to.slice(-3)}`
    expect(
      await attempt({
        env,
        user,
        phoneId,
        deviceId,
        mfaToken: async () => (await logIn(env, { email: user.email })).body.mfaToken,
      }),
    ).toMatchObject({ status: 400, body: { errors: [`Failed to send sms to ${masked}`], errorCode: 'ER-01037' } })
    expect(await state()).toEqual(before)
  })

  test('nobody enrols a phone on the way in', async () => {
    const env = await newEnvironment(mute),
      user = await env.newUser({ password: PASSWORD })
    await env.vendor('POST', strategies, { strategy: 'SMS', isActive: true })
    await env.vendor('POST', mfaPolicy, {})
    const { mfaToken } = (await logIn(env, user)).body
    expect(await env.anonymous('POST', `${mfa}/sms/enroll`, { mfaToken, phoneNumber: NEW })).toMatchObject({
      status: 400,
      body: { errorCode: 'ER-01037' },
    })
  })
})
