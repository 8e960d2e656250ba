import { describe, expect, test } from 'vitest'
import { newEnvironment, UNKNOWN_ID, type TestEnvironment } from '../../../../test/environment.ts'
import { HOUR } from '../../../kernel/clock.ts'

const me = '/identity/resources/users/v1/email/me',
  policy = '/identity/resources/configurations/v1/user-emails-policy'
const fresh = 'new@example.com'

const open = async () => {
  const env = await newEnvironment()
  await env.vendor('POST', policy, { allowEmailChange: true })
  return env
}
const codeTo = async (env: TestEnvironment, to = fresh) =>
  (await env.messages({ to, template: 'VerifyNewEmail' })).at(-1)!.code!
const wrong = (code: string) => (code === '000000' ? '111111' : '000000')
const rowOf = async (env: TestEnvironment, id: string) =>
  (await env.context()).db.user.findUniqueOrThrow({ where: { id }, include: { emails: { orderBy: { email: 'asc' } } } })
const addresses = async (env: TestEnvironment, id: string) =>
  (await rowOf(env, id)).emails.map(({ email, verified }) => `${email} ${verified ? 'verified' : 'unverified'}`)
const challenges = async (env: TestEnvironment, userId: string) =>
  (await env.context()).db.challenge.count({ where: { userId, consumedAt: null } })
/** The query of an activation link. */
const activationLink = async (env: TestEnvironment, id: string) =>
  new URL((await env.vendor('POST', `/identity/resources/users/v1/${id}/links/generate-activation-token`)).body.link)
    .search
/** 200 while the link can be used */
const standingOf = async (env: TestEnvironment, link: string) =>
  (await env.anonymous('GET', `/identity/resources/users/v1/activate/strategy${link}`)).status

describe.concurrent("changing one's e-mail address", () => {
  test('is off until the environment allows it', async () => {
    const env = await newEnvironment(),
      user = await env.user()
    for (const path of [me, `${me}/verify`])
      expect(await user('POST', path, { email: fresh, code: '123456' })).toMatchObject({
        status: 403,
        body: { errors: ['Email change is disabled'] },
      })
    expect(await env.messages()).toEqual([])
  })

  test('takes a code that is mailed to the new one; the former one gets a notice', async () => {
    const env = await open(),
      user = await env.user()
    expect(await user('POST', me, { email: 'New@Example.com' })).toMatchObject({ status: 200, body: null })
    expect([await addresses(env, user.id), (await rowOf(env, user.id)).email]).toEqual([
      [`${user.email} verified`],
      user.email,
    ])
    const code = await codeTo(env)
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => user('POST', `${me}/verify`, { email: fresh, code })),
    )
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(7).fill(400)])
    expect(answers.find(({ status }) => status === 200)!.body).toBeNull()
    expect(await rowOf(env, user.id)).toMatchObject({ email: fresh, verified: true })
    expect(await addresses(env, user.id)).toEqual([`${fresh} verified`])
    expect(await env.messages({ template: 'EmailAddressChanged' })).toMatchObject([{ recipient: user.email }])
  })

  test('ends the links and codes mailed to the former one', async () => {
    const env = await open(),
      user = await env.user({ verified: false })
    const link = await activationLink(env, user.id)
    expect(await standingOf(env, link)).toBe(200)
    await user('POST', me, { email: fresh })
    await user('POST', `${me}/verify`, { email: fresh, code: await codeTo(env) })
    expect([await standingOf(env, link), await challenges(env, user.id)]).toEqual([400, 0])
    // the former one was never verified, so it gets no mail
    expect(await env.messages({ template: 'EmailAddressChanged' })).toEqual([])
  })

  test("to another of the user's own keeps both", async () => {
    const env = await open(),
      user = await env.user()
    await env.vendor('POST', `/identity/resources/users/emails/v1/vendor/${user.id}`, {
      email: fresh,
      isVerified: true,
    })
    await user('POST', me, { email: fresh })
    expect((await user('POST', `${me}/verify`, { email: fresh, code: await codeTo(env) })).status).toBe(200)
    expect((await rowOf(env, user.id)).email).toBe(fresh)
    expect(await addresses(env, user.id)).toEqual([`${fresh} verified`, `${user.email} verified`])
  })

  test('to the same address is refused, unless it is still unverified', async () => {
    const env = await open(),
      user = await env.user(),
      unverified = await env.user({ verified: false })
    expect(await user('POST', me, { email: user.email.toUpperCase() })).toMatchObject({
      status: 400,
      body: { errors: ['This is the email of the user already'] },
    })
    await unverified('POST', me, { email: unverified.email })
    expect(
      (await unverified('POST', `${me}/verify`, { email: unverified.email, code: await codeTo(env, unverified.email) }))
        .status,
    ).toBe(200)
    expect((await rowOf(env, unverified.id)).verified).toBe(true)
  })

  test('is refused with a wrong or old code, or one for another address', async () => {
    const env = await open(),
      user = await env.user()
    await user('POST', me, { email: fresh })
    const code = await codeTo(env)
    expect(await user('POST', `${me}/verify`, { email: fresh, code: wrong(code) })).toMatchObject({
      status: 401,
      body: { errorCode: 'ER-01011' },
    })
    expect((await user('POST', `${me}/verify`, { email: 'other@example.com', code })).status).toBe(401)
    expect((await user('POST', '/identity/resources/users/emails/v1/verify', { email: fresh, code })).status).toBe(401)
    await env.clock.advance(HOUR)
    // the user's token has expired as well
    expect(await env.as(user.tenantId, user.id)('POST', `${me}/verify`, { email: fresh, code })).toMatchObject({
      status: 400,
      body: { errorCode: 'ER-01017' },
    })
    expect((await rowOf(env, user.id)).email).toBe(user.email)
  })

  test('does not take an address from somebody else', async () => {
    const env = await open(),
      user = await env.user(),
      holder = await env.newUser()
    expect(await user('POST', me, { email: holder.email })).toMatchObject({ status: 409 })
    await user('POST', me, { email: fresh })
    await env.vendor('POST', `/identity/resources/users/emails/v1/vendor/${holder.id}`, {
      email: fresh,
      isVerified: true,
    })
    expect((await user('POST', `${me}/verify`, { email: fresh, code: await codeTo(env) })).status).toBe(409)
    expect([await addresses(env, user.id), await env.messages({ template: 'EmailAddressChanged' })]).toEqual([
      [`${user.email} verified`],
      [],
    ])
  })
})

describe.concurrent('management sets e-mail addresses', () => {
  const put = (env: TestEnvironment, id: string, email = fresh) =>
    env.vendor('PUT', `/identity/resources/users/v1/${id}/email`, { email })

  test('of verified users, who stay verified; the former one gets a notice', async () => {
    const env = await newEnvironment(),
      { id, email } = await env.newUser()
    expect(await put(env, id, 'New@Example.com')).toMatchObject({
      status: 200,
      body: { id, email: fresh, verified: true, roles: [], permissions: [] },
    })
    expect(await addresses(env, id)).toEqual([`${fresh} verified`])
    expect(await env.messages()).toMatchObject([{ template: 'EmailAddressChanged', recipient: email }])
    expect((await put(env, id)).status).toBe(200)
    expect(await env.messages()).toHaveLength(1)
  })

  test('of unverified ones, who are mailed a new link; the old one stops working', async () => {
    const env = await newEnvironment(),
      { id } = await env.newUser({ verified: false })
    const link = await activationLink(env, id)
    expect(await standingOf(env, link)).toBe(200)
    expect((await put(env, id)).body).toMatchObject({ email: fresh, verified: false })
    expect(await env.messages()).toMatchObject([{ template: 'ActivateUser', recipient: fresh }])
    expect(await addresses(env, id)).toEqual([`${fresh} unverified`])
    expect([await standingOf(env, link), await challenges(env, id)]).toEqual([400, 1])
  })

  test("but not to somebody else's, and not of unknown users", async () => {
    const env = await newEnvironment(),
      [user, holder] = [await env.newUser(), await env.newUser()]
    await env.vendor('POST', `/identity/resources/users/emails/v1/vendor/${holder.id}`, {
      email: fresh,
      isVerified: true,
    })
    for (const email of [holder.email, fresh])
      expect(await put(env, user.id, email)).toMatchObject({
        status: 409,
        body: { errors: ['User with this email already exists'] },
      })
    expect((await put(env, UNKNOWN_ID)).status).toBe(404)
    expect((await put(env, user.id, 'nobody')).status).toBe(400)
    expect([await addresses(env, user.id), await env.messages()]).toEqual([[`${user.email} verified`], []])
  })

  test('for one user when it tries the same address for many at once', async () => {
    const env = await newEnvironment()
    const users = await Promise.all(Array.from({ length: 8 }, () => env.newUser()))
    const answers = await Promise.all(users.map(({ id }) => put(env, id)))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(7).fill(409)])
  })
})
