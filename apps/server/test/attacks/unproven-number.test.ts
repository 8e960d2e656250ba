import { describe, expect, test } from 'vitest'
import { newEnvironment, unique, type TestEnvironment } from '../environment.ts'
import { logIn, PASSWORD } from '../second-factors.ts'

const identity = '/identity/resources',
  smsCode = `${identity}/auth/v1/passwordless/smscode`,
  profiles = [`${identity}/users/v2/me`, `${identity}/users/v1`]
const MINUTE = 60_000

async function environment() {
  const env = await newEnvironment()
  expect((await env.vendor('POST', `${identity}/configurations/v1`, { authStrategy: 'SmsCode' })).status).toBe(201)
  return env
}
let numbers = 0
const newNumber = () => `+1202555${String(1000 + ++numbers)}`
const ask = (env: TestEnvironment, person: object) => env.anonymous('POST', `${smsCode}/prelogin`, person)

describe.concurrent('a number that somebody only named', () => {
  test('leads its owner into no account of others, which others could enter, too', async () => {
    const env = await environment(),
      thief = await env.user()
    for (const profile of profiles) {
      const phoneNumber = newNumber()
      expect((await thief('PUT', profile, { phoneNumber })).status).toBe(200)
      const nobody = await ask(env, { phoneNumber: newNumber() })
      expect((await ask(env, { phoneNumber })).status).toBe(nobody.status)
      for (const named of [{ email: thief.email }, { userId: thief.id }])
        expect(await ask(env, named)).toMatchObject({
          status: 400,
          body: { errors: ['User does not have a phone number'] },
        })
      expect(await env.messages()).toEqual([])
    }
  })

  test('leads nobody into the account of an invited user, nor of one who signed up with it besides an address', async () => {
    const env = await environment(),
      host = await env.user({ roleKeys: ['Admin'] }),
      [invited, signedUp] = [newNumber(), newNumber()]
    const guest = { email: `${unique('guest')}@example.com`, phoneNumber: invited }
    expect((await host('POST', `${identity}/users/v2`, guest)).status).toBe(201)
    const applicant = { email: `${unique('eve')}@example.com`, phoneNumber: signedUp, companyName: 'Eve' }
    expect((await env.anonymous('POST', `${identity}/users/v1/signUp`, applicant)).status).toBe(201)
    for (const phoneNumber of [invited, signedUp]) {
      await ask(env, { phoneNumber })
      expect(await env.messages({ to: phoneNumber })).toEqual([])
    }
  })

  test('logs in who has signed up with it alone, and is theirs from then on', async () => {
    const env = await environment(),
      phoneNumber = newNumber()
    const { body } = await env.anonymous('POST', `${identity}/users/v1/signUp/phoneNumber`, {
      phoneNumber,
      name: 'Ada',
      companyName: 'Engines',
    })
    for (let login = 0; login < 2; login++) {
      const { cookies } = await ask(env, { phoneNumber })
      const answer = await env.anonymous(
        'POST',
        `${smsCode}/postlogin`,
        { token: (await env.messages({ to: phoneNumber })).at(-1)!.code },
        { cookies: Object.fromEntries(cookies.map(({ name, value }) => [name, value])) },
      )
      expect(answer).toMatchObject({ status: 201, body: { userId: body.userId } })
    }
    expect(await (await env.context()).db.phoneNumber.findFirst({ where: { userId: body.userId } })).toMatchObject({
      phoneNumber,
      verified: true,
    })
  })

  test('is not put into a profile with the token of an old login', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD }),
      { accessToken } = (await logIn(env, user)).body as { accessToken: string },
      call = env.withToken(accessToken),
      [kept, other] = [newNumber(), newNumber()]
    expect((await call('PUT', profiles[0]!, { phoneNumber: kept })).status).toBe(200)
    await env.clock.advance(15 * MINUTE)
    for (const profile of profiles) {
      expect(await call('PUT', profile, { name: 'Eve', phoneNumber: other })).toMatchObject({
        status: 403,
        body: { errors: ['Log in again to change how you log in'] },
      })
      // portals send the whole profile
      const answer = await call('PUT', profile, { name: 'Ada', phoneNumber: kept })
      expect(answer).toMatchObject({ status: 200, body: { name: 'Ada', phoneNumber: kept } })
    }
    expect((await env.as(user.tenantId, user.id)('PUT', profiles[0]!, { phoneNumber: other })).status).toBe(200)
  })
})
