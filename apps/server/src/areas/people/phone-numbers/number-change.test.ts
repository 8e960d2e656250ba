import { describe, expect, test } from 'vitest'
import { newEnvironment, UNKNOWN_ID, type TestEnvironment } from '../../../../test/environment.ts'
import { MINUTE } from '../../../kernel/clock.ts'
import { ownerOf } from './phone-numbers.service.ts'

const phones = '/identity/resources/users/phone-numbers/v1',
  v1 = '/identity/resources/users/v1/phone'
const number = '+15551234567',
  other = '+15557654321'

const codeTo = async (env: TestEnvironment, to: string) => (await env.messages({ to })).at(-1)!.code!
const owns = async (env: TestEnvironment, phoneNumber = number) => (await ownerOf(await env.context(), phoneNumber))?.id
async function numbersOf(env: TestEnvironment, id: string) {
  const { phoneNumber, phones } = await (
    await env.context()
  ).db.user.findUniqueOrThrow({ where: { id }, include: { phones: { orderBy: { phoneNumber: 'asc' } } } })
  return {
    own: phoneNumber,
    all: phones.map((row) => `${row.phoneNumber} ${row.verified ? 'verified' : 'unverified'}`),
  }
}
const give = (env: TestEnvironment, id: string, phoneNumber = number) =>
  env.vendor('POST', `${phones}/vendor/${id}`, { phoneNumber })

describe.concurrent("changing one's phone number", () => {
  test('takes a code sent to the new one', async () => {
    const env = await newEnvironment(),
      user = await env.user()
    await give(env, user.id)
    const asked = await user('POST', v1, { phoneNumber: other })
    expect(asked).toMatchObject({ status: 201, body: { changePhoneId: expect.any(String) } })
    expect(await numbersOf(env, user.id)).toEqual({ own: number, all: [`${number} verified`] })
    expect(await env.messages()).toMatchObject([{ channel: 'sms', recipient: other }])
    const body = { ...asked.body, code: await codeTo(env, other) }
    const answers = await Promise.all(Array.from({ length: 8 }, () => user('POST', `${v1}/verify`, body)))
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array(7).fill(400)])
    expect(await numbersOf(env, user.id)).toEqual({ own: other, all: [`${other} verified`] })
    expect([await owns(env), await owns(env, other)]).toEqual([undefined, user.id])
  })

  test('works for the first one, and leaves further ones alone', async () => {
    const env = await newEnvironment(),
      user = await env.user()
    const change = async (phoneNumber: string) =>
      user('POST', `${v1}/verify`, {
        ...(await user('POST', v1, { phoneNumber })).body,
        code: await codeTo(env, phoneNumber),
      })
    expect((await change(number)).status).toBe(201)
    expect((await numbersOf(env, user.id)).own).toBe(number)
    await give(env, user.id, '+15550000000')
    await change(other)
    expect(await numbersOf(env, user.id)).toEqual({ own: other, all: ['+15550000000 verified', `${other} verified`] })
    await change('+15550000000')
    expect(await numbersOf(env, user.id)).toEqual({ own: '+15550000000', all: ['+15550000000 verified'] })
  })

  test('is refused with a wrong or foreign code, or an old one', async () => {
    const env = await newEnvironment(),
      user = await env.user(),
      stranger = await env.user()
    const { body } = await user('POST', v1, { phoneNumber: number }),
      code = await codeTo(env, number)
    expect(await stranger('POST', `${v1}/verify`, { ...body, code })).toMatchObject({
      status: 401,
      body: { errorCode: 'ER-01011' },
    })
    expect((await user('POST', `${v1}/verify`, { changePhoneId: UNKNOWN_ID, code })).status).toBe(401)
    expect((await user('POST', `${phones}/verify`, { otcToken: body.changePhoneId, code })).status).toBe(401)
    await env.clock.advance(10 * MINUTE)
    expect(await user('POST', `${v1}/verify`, { ...body, code })).toMatchObject({
      status: 400,
      body: { errorCode: 'ER-01017' },
    })
    expect((await numbersOf(env, user.id)).own).toBeNull()
  })

  test('does not take a number from somebody else', async () => {
    const env = await newEnvironment(),
      user = await env.user(),
      holder = await env.newUser()
    await give(env, user.id)
    const { body } = await user('POST', v1, { phoneNumber: other }),
      code = await codeTo(env, other)
    await give(env, holder.id, other)
    expect((await user('POST', `${v1}/verify`, { ...body, code })).status).toBe(409)
    expect((await user('POST', v1, { phoneNumber: other })).status).toBe(409)
    expect([(await numbersOf(env, user.id)).own, await owns(env, other)]).toEqual([number, holder.id])
  })
})

describe.concurrent('replacing a lost phone number', () => {
  async function lost(env: TestEnvironment) {
    const user = await env.user()
    await give(env, user.id)
    return user
  }
  const ask = async (env: TestEnvironment, email: string) =>
    (await env.anonymous('POST', `${v1}/reset`, { email })).body as { resetPhoneNumberToken: string }
  async function token(env: TestEnvironment, email: string) {
    const asked = await ask(env, email)
    return (await env.anonymous('POST', `${v1}/reset/verify`, { ...asked, code: await codeTo(env, email) })).body as {
      changePhoneNumberToken: string
    }
  }

  test('takes a mailed code, a token for it, and the new number', async () => {
    const env = await newEnvironment(),
      user = await lost(env)
    const asked = await env.anonymous('POST', `${v1}/reset`, { email: user.email.toUpperCase() })
    expect(asked).toMatchObject({ status: 201, body: { resetPhoneNumberToken: expect.any(String) } })
    const [message] = await env.messages()
    expect(message).toMatchObject({
      channel: 'email',
      template: 'ResetPhoneNumber',
      recipient: user.email,
      code: expect.stringMatching(/^\d{6}$/),
    })
    expect(message!.text).toContain(message!.code!)
    const verified = await env.anonymous('POST', `${v1}/reset/verify`, { ...asked.body, code: message!.code })
    expect(verified).toMatchObject({ status: 201, body: { changePhoneNumberToken: expect.any(String) } })
    const ctx = await env.context(),
      now = ctx.clock.now()
    const session = await ctx.db.session.create({
      data: {
        id: ctx.random.uuid(),
        userId: user.id,
        tenantId: user.tenantId,
        createdAt: now,
        lastActiveAt: now,
        expiresAt: new Date(now.getTime() + MINUTE),
      },
    })
    expect(
      await env.anonymous('PUT', `${v1}/change`, { ...verified.body, phoneNumber: '+1-555-7654321' }),
    ).toMatchObject({ status: 200, body: null })
    expect(await numbersOf(env, user.id)).toEqual({ own: other, all: [`${other} verified`] })
    expect((await ctx.db.session.findUniqueOrThrow({ where: { id: session.id } })).endedAt).not.toBeNull()
  })

  test('works once, with the code and with the token', async () => {
    const env = await newEnvironment(),
      user = await lost(env)
    const asked = await ask(env, user.email),
      code = await codeTo(env, user.email)
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => env.anonymous('POST', `${v1}/reset/verify`, { ...asked, code })),
    )
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array(7).fill(400)])
    const { body } = answers.find(({ status }) => status === 201)!
    const changes = await Promise.all(
      Array.from({ length: 8 }, (_, i) =>
        env.anonymous('PUT', `${v1}/change`, { ...body, phoneNumber: `+1555000000${i}` }),
      ),
    )
    expect(changes.map(({ status }) => status).sort()).toEqual([200, ...Array(7).fill(400)])
    expect((await numbersOf(env, user.id)).all).toHaveLength(1)
  })

  test('does not reveal whether there is such a user', async () => {
    const env = await newEnvironment(),
      user = await lost(env)
    const unverified = await env.newUser({ verified: false })
    const seen = []
    for (const email of [user.email, unverified.email, 'nobody@example.com']) {
      const asked = await ask(env, email),
        answers = []
      for (let i = 0; i < 7; i++)
        answers.push(await env.anonymous('POST', `${v1}/reset/verify`, { ...asked, code: 'wrong' }))
      seen.push(answers.map(({ status, body }) => [status, body]))
    }
    expect(seen[1]).toEqual(seen[0])
    expect(seen[2]).toEqual(seen[0])
    expect((await env.messages()).map(({ recipient }) => recipient)).toEqual([user.email])
  })

  test('works with any verified address of the user', async () => {
    const env = await newEnvironment(),
      user = await lost(env)
    await env.vendor('POST', `/identity/resources/users/emails/v1/vendor/${user.id}`, {
      email: 'second@example.com',
      isVerified: true,
    })
    await env.vendor('POST', `/identity/resources/users/emails/v1/vendor/${user.id}`, { email: 'third@example.com' })
    const before = (await env.messages()).length
    await ask(env, 'third@example.com')
    expect(await env.messages()).toHaveLength(before)
    expect(
      (
        await env.anonymous('PUT', `${v1}/change`, {
          ...(await token(env, 'Second@example.com'.toLowerCase())),
          phoneNumber: other,
        })
      ).status,
    ).toBe(200)
    expect((await numbersOf(env, user.id)).own).toBe(other)
  })

  test('is refused with an old code or token, a code that a newer one replaced, or no token at all', async () => {
    const env = await newEnvironment(),
      user = await lost(env)
    const first = await ask(env, user.email),
      code = await codeTo(env, user.email)
    const second = await ask(env, user.email)
    expect((await env.anonymous('POST', `${v1}/reset/verify`, { ...first, code })).status).toBe(401)
    const late = await token(env, user.email)
    await env.clock.advance(10 * MINUTE)
    expect((await env.anonymous('POST', `${v1}/reset/verify`, { ...second, code: '123456' })).status).toBe(401)
    for (const changePhoneNumberToken of [late.changePhoneNumberToken, 'x', UNKNOWN_ID]) {
      expect(await env.anonymous('PUT', `${v1}/change`, { changePhoneNumberToken, phoneNumber: other })).toMatchObject({
        status: 400,
        body: { errors: ['Invalid token'] },
      })
    }
    expect((await numbersOf(env, user.id)).own).toBe(number)
  })

  test("does not take somebody else's number, and can then be tried with another", async () => {
    const env = await newEnvironment(),
      user = await lost(env),
      holder = await env.newUser()
    await give(env, holder.id, other)
    const proof = await token(env, user.email)
    expect((await env.anonymous('PUT', `${v1}/change`, { ...proof, phoneNumber: other })).status).toBe(409)
    expect((await env.anonymous('PUT', `${v1}/change`, { ...proof, phoneNumber: '555' })).status).toBe(400)
    expect((await env.anonymous('PUT', `${v1}/change`, { ...proof, phoneNumber: '+15550000000' })).status).toBe(200)
    expect([(await numbersOf(env, user.id)).own, await owns(env, other)]).toEqual(['+15550000000', holder.id])
  })

  test('stays within the environment', async () => {
    const [mine, theirs] = [await newEnvironment(), await newEnvironment()]
    const user = await lost(theirs),
      proof = await token(theirs, user.email)
    expect((await mine.anonymous('PUT', `${v1}/change`, { ...proof, phoneNumber: other })).status).toBe(400)
    await ask(mine, user.email)
    expect(await mine.messages()).toEqual([])
  })
})
