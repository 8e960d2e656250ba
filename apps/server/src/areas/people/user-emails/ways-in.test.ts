import { describe, expect, test } from 'vitest'
import { newEnvironment, unique, type Client, type TestEnvironment } from '../../../../test/environment.ts'
import { auth, logIn, mfa, mfaPolicy, PASSWORD, strategies } from '../../../../test/second-factors.ts'

const users = '/identity/resources/users',
  emails = `${users}/emails/v1`,
  phones = `${users}/phone-numbers/v1`,
  settings = '/identity/resources/configurations/v1'
const NEW = 'Another-Hen-3!'

const lastTo = async (env: TestEnvironment, to: string) => (await env.messages({ to })).at(-1)
const codeTo = async (env: TestEnvironment, to: string) => (await lastTo(env, to))!.code!
const freshEmail = () => `${unique('way')}@example.com`
let count = 0
const freshPhone = () => `+1202${String(5_660_000 + ++count)}`

async function addEmail(env: TestEnvironment, user: Client, email = freshEmail(), { verified = true } = {}) {
  expect((await user('POST', emails, { email })).status).toBe(201)
  if (verified)
    expect((await user('POST', `${emails}/verify`, { email, code: await codeTo(env, email) })).status).toBe(200)
  return email
}
async function addPhone(env: TestEnvironment, user: Client, phoneNumber = freshPhone(), { verified = true } = {}) {
  const { otcToken } = (await user('POST', phones, { phoneNumber })).body
  if (verified)
    expect((await user('POST', `${phones}/verify`, { otcToken, code: await codeTo(env, phoneNumber) })).status).toBe(
      200,
    )
  return phoneNumber
}
const logInBy = (env: TestEnvironment, by: object, password = PASSWORD) =>
  env.anonymous('POST', auth, { ...by, password })

describe.concurrent('a user with several addresses, several numbers and a username', () => {
  test('logs in by any verified address, and by their username, as one user', async () => {
    const env = await newEnvironment(),
      user = await env.user({ password: PASSWORD })
    const [second, third] = [await addEmail(env, user), await addEmail(env, user)],
      username = unique('name')
    expect((await user('POST', '/identity/resources/usernames/v1', { username })).status).toBe(201)
    for (const by of [
      { email: user.email },
      { email: second.toUpperCase() },
      { email: third },
      { username },
      { username: username.toUpperCase() },
    ]) {
      expect(await logInBy(env, by)).toMatchObject({
        status: 200,
        body: { userId: user.id, userEmail: user.email, accessToken: expect.any(String) },
      })
    }
  })

  test('does not log in by an unverified address or number: the answer is that for an unknown one', async () => {
    const env = await newEnvironment(),
      user = await env.user({ password: PASSWORD })
    const claimed = await addEmail(env, user, freshEmail(), { verified: false }),
      phoneNumber = await addPhone(env, user, freshPhone(), { verified: false })
    const { status, body } = await logInBy(env, { email: claimed })
    expect({ status, body }).toEqual({
      status: 401,
      body: { errors: ['Incorrect email or password'], errorCode: 'ER-01078' },
    })
    await env.anonymous('POST', `${users}/v2/passwords/reset/email`, { identifier: claimed, identifierType: 'email' })
    await env.anonymous('POST', `${users}/v2/passwords/reset/sms`, {
      identifier: phoneNumber,
      identifierType: 'phoneNumber',
    })
    expect(await env.messages({ template: 'ResetPassword' })).toEqual([])
  })

  test('cannot use an address once it is taken away', async () => {
    const env = await newEnvironment(),
      user = await env.user({ password: PASSWORD }),
      second = await addEmail(env, user)
    const { id } = (await user('GET', `${emails}/me`)).body.find((row: { email: string }) => row.email === second)
    expect((await user('DELETE', `${emails}/${id}`)).status).toBe(200)
    expect((await logInBy(env, { email: second })).status).toBe(401)
    expect((await logInBy(env, { email: user.email })).status).toBe(200)
  })

  test('resets the password by any of them: the mail goes to the address that was given', async () => {
    const env = await newEnvironment(),
      user = await env.user({ password: PASSWORD }),
      second = await addEmail(env, user)
    await env.anonymous('POST', `${users}/v1/passwords/reset`, { email: second })
    expect(await env.messages({ template: 'ResetPassword' })).toMatchObject([{ recipient: second, userId: user.id }])
    const { userId, token } = Object.fromEntries(new URL((await lastTo(env, second))!.link!).searchParams)
    expect(
      (await env.anonymous('POST', `${users}/v1/passwords/reset/verify`, { userId, token, password: NEW })).status,
    ).toBe(201)
    expect((await logInBy(env, { email: user.email }, NEW)).status).toBe(200)
  })

  test('resets the password by any verified number, the first or another', async () => {
    const env = await newEnvironment(),
      user = await env.user({ password: PASSWORD }),
      numbers = [await addPhone(env, user), await addPhone(env, user)]
    for (const [i, identifier] of numbers.entries()) {
      const { sessionId } = (
        await env.anonymous('POST', `${users}/v2/passwords/reset/sms`, { identifier, identifierType: 'phoneNumber' })
      ).body
      const answer = await env.anonymous('POST', `${users}/v2/passwords/reset/sms/verify`, {
        sessionId,
        otcToken: await codeTo(env, identifier),
      })
      expect(answer).toMatchObject({ status: 200, body: { userId: user.id } })
      expect(
        (await env.anonymous('POST', `${users}/v1/passwords/reset/verify`, { ...answer.body, password: `${NEW}${i}` }))
          .status,
      ).toBe(201)
    }
    expect((await logInBy(env, { email: user.email }, `${NEW}1`)).status).toBe(200)
  })

  test('is mailed second factors at their primary address, and only when that is verified', async () => {
    const env = await newEnvironment(),
      user = await env.user({ password: PASSWORD })
    await env.vendor('POST', strategies, { strategy: 'EmailCode', isActive: true })
    await env.vendor('POST', mfaPolicy, {})
    const second = await addEmail(env, user),
      claimed = await addEmail(env, user, freshEmail(), { verified: false })
    const { mfaToken, mfaDevices } = (await logIn(env, { email: second })).body
    expect(mfaDevices.emails).toEqual([{ email: user.email }])
    await env.anonymous('POST', `${mfa}/emailcode`, { mfaToken })
    expect(await env.messages({ template: 'MFAOTC' })).toMatchObject([{ recipient: user.email }])
    expect((await env.messages({ to: claimed })).map(({ template }) => template)).toEqual(['VerifyNewEmail'])
    const unproved = await env.newUser({ password: PASSWORD, verified: false })
    await env.vendor('POST', settings, { allowNotVerifiedUsersLogin: true })
    expect((await logIn(env, { email: unproved.email })).body.mfaDevices.emails).toEqual([])
  })

  test('has one primary address, which only a verified one can replace', async () => {
    const env = await newEnvironment(),
      user = await env.user({ password: PASSWORD })
    await env.vendor('POST', `${settings}/user-emails-policy`, { allowEmailChange: true })
    const second = await addEmail(env, user),
      claimed = await addEmail(env, user, freshEmail(), { verified: false })
    const choices = await Promise.all(
      [second, second, user.email, second].map((email) =>
        env.vendor('POST', `${emails}/vendor/${user.id}/primary`, { email }),
      ),
    )
    expect(choices.every(({ status }) => status < 300)).toBe(true)
    expect((await env.vendor('POST', `${emails}/vendor/${user.id}/primary`, { email: claimed })).status).toBe(400)
    const list = (await user('GET', `${emails}/me`)).body as { email: string; isPrimary: boolean }[]
    expect(list.filter(({ isPrimary }) => isPrimary)).toHaveLength(1)
    for (const email of [second, user.email]) expect((await logInBy(env, { email })).status).toBe(200)
  })
})

describe.concurrent('users who claim the same at once', () => {
  /** Eight users each do it once, at the same time. */
  async function race(
    act: (env: TestEnvironment, user: Client & { id: string }) => Promise<{ status: number }>,
    prepare?: (env: TestEnvironment, user: Client & { id: string }) => Promise<unknown>,
  ) {
    const env = await newEnvironment(),
      all = await Promise.all(Array.from({ length: 8 }, () => env.user({ password: PASSWORD })))
    for (const user of all) await prepare?.(env, user)
    const answers = await Promise.all(all.map((user) => act(env, user)))
    return {
      env,
      all,
      statuses: answers.map(({ status }) => status),
      winner: all[answers.findIndex(({ status }) => status < 300)]!,
    }
  }
  const onlyOne = (statuses: number[]) => {
    expect(statuses.filter((status) => status < 300)).toHaveLength(1)
    expect(statuses.filter((status) => status === 409)).toHaveLength(7)
  }

  test('leave a username to one of them', async () => {
    const username = unique('same')
    const { env, statuses, winner } = await race((_, user) =>
      user('POST', '/identity/resources/usernames/v1', { username }),
    )
    onlyOne(statuses)
    expect((await logInBy(env, { username })).body.userId).toBe(winner.id)
  })

  test("leave an address to one of them, by management's word", async () => {
    const email = freshEmail()
    const { env, statuses, winner } = await race((env, user) =>
      env.vendor('POST', `${emails}/vendor/${user.id}`, { email, isVerified: true }),
    )
    onlyOne(statuses)
    expect((await logInBy(env, { email })).body.userId).toBe(winner.id)
  })

  test("leave a number to one of them, by management's word", async () => {
    const phoneNumber = freshPhone()
    onlyOne((await race((env, user) => env.vendor('POST', `${phones}/vendor/${user.id}`, { phoneNumber }))).statuses)
  })

  test('leave an address to one of them, each with a right code', async () => {
    const email = freshEmail(),
      codes = new Map<string, string>()
    // adding claims the address until the code expires; only a change of the primary address gives each a code without a claim
    const { env, statuses, winner } = await race(
      (_, user) => user('POST', `${users}/v1/email/me/verify`, { email, code: codes.get(user.id)! }),
      async (env, user) => {
        await env.vendor('POST', `${settings}/user-emails-policy`, { allowEmailChange: true })
        expect((await user('POST', `${users}/v1/email/me`, { email })).status).toBe(200)
        codes.set(user.id, await codeTo(env, email))
      },
    )
    onlyOne(statuses)
    expect((await logInBy(env, { email })).body.userId).toBe(winner.id)
  })

  test('leave a number to one of them, each with a right code', async () => {
    const phoneNumber = freshPhone(),
      bodies = new Map<string, object>()
    const { statuses } = await race(
      (_, user) => user('POST', `${users}/v1/phone/verify`, bodies.get(user.id)!),
      async (env, user) => {
        const asked = (await user('POST', `${users}/v1/phone`, { phoneNumber })).body
        bodies.set(user.id, { ...asked, code: await codeTo(env, phoneNumber) })
      },
    )
    onlyOne(statuses)
  })

  test('get one account and one new tenant when they sign up with one address', async () => {
    const env = await newEnvironment(),
      email = freshEmail()
    const answers = await Promise.all(
      Array.from({ length: 8 }, () =>
        env.anonymous('POST', `${users}/v1/signUp`, { email, password: PASSWORD, companyName: 'Same' }),
      ),
    )
    onlyOne(answers.map(({ status }) => status))
    expect(await (await env.context()).db.tenant.count()).toBe(1)
  })
})
