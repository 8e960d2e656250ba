import { describe, expect, test } from 'vitest'
import { deps, newEnvironment, newServer, type TestEnvironment } from '../environment.ts'

const users = '/identity/resources/users',
  emails = `${users}/emails/v1`,
  phones = `${users}/phone-numbers/v1`
const MOST_GUESSES = 30

/** Wrong on purpose: the right one is in the outbox. */
const guess = (code: string) => (code === '000000' ? '111111' : '000000')
const lastCode = async (env: TestEnvironment, to: string) => (await env.messages({ to })).at(-1)!.code!

describe.concurrent('guessing at the codes of an address or number that one claims', () => {
  test('ends after so many guesses, however many codes are asked for, also when all come at once', async () => {
    const env = await newEnvironment(),
      user = await env.user(),
      email = 'victim@example.com'
    const statuses: number[] = []
    while (statuses.length < 2 * MOST_GUESSES) {
      expect((await user('POST', emails, { email })).status).toBeLessThan(300)
      const code = guess(await lastCode(env, email))
      const answers = await Promise.all(
        Array.from({ length: 6 }, () => user('POST', `${emails}/verify`, { email, code })),
      )
      statuses.push(...answers.map((answer) => answer.status))
    }
    expect(statuses.filter((status) => status !== 429)).toHaveLength(MOST_GUESSES)
    const code = await lastCode(env, email)
    expect((await user('POST', `${emails}/verify`, { email, code })).status).toBe(429)
    await env.clock.advance(3_600_000)
    const later = await env.asUser(user)
    expect((await later('POST', emails, { email })).status).toBe(200)
    expect((await later('POST', `${emails}/verify`, { email, code: await lastCode(env, email) })).status).toBe(200)
  })

  test('is counted for the address, whoever guesses', async () => {
    const env = await newEnvironment(),
      email = 'victim@example.com',
      statuses: number[] = []
    for (let i = 0; i < 8; i++) {
      const user = await env.user()
      await (await env.context()).db.userEmail.deleteMany({ where: { email } })
      expect((await user('POST', emails, { email })).status).toBe(201)
      const code = guess(await lastCode(env, email))
      for (let j = 0; j < 5; j++) statuses.push((await user('POST', `${emails}/verify`, { email, code })).status)
    }
    expect(statuses.filter((status) => status !== 429)).toHaveLength(MOST_GUESSES)
  })

  test('is counted for numbers as well, and right codes are not', async () => {
    const env = await newEnvironment(),
      user = await env.user(),
      statuses: number[] = []
    for (let i = 0; i < 35; i++) {
      const phoneNumber = `+1202555${1000 + i}`
      const { otcToken } = (await user('POST', phones, { phoneNumber })).body as { otcToken: string }
      expect(
        (await user('POST', `${phones}/verify`, { otcToken, code: await lastCode(env, phoneNumber) })).status,
      ).toBe(200)
    }
    for (let i = 0; i < 8; i++) {
      const phoneNumber = '+12025552000'
      const { otcToken } = (await user('POST', phones, { phoneNumber })).body as { otcToken: string }
      const code = guess(await lastCode(env, phoneNumber))
      for (let j = 0; j < 5; j++) statuses.push((await user('POST', `${phones}/verify`, { otcToken, code })).status)
    }
    expect(statuses.filter((status) => status !== 429)).toHaveLength(MOST_GUESSES)
  })
})

describe.concurrent('having codes sent', () => {
  test('in production ends after ten in an hour, for one user and to one address or number', async () => {
    const on = await newServer({ rateLimits: true })
    const env = await newEnvironment(on)
    const [one, two] = [await env.user(), await env.user()]
    const flood = async (path: string, bodyOf: (i: number) => object, user = one) => {
      const answers = await Promise.all(Array.from({ length: 15 }, (_, i) => user('POST', path, bodyOf(i))))
      return answers.filter((answer) => answer.status !== 429).length
    }
    expect(await flood(emails, (i) => ({ email: `victim${i}@example.com` }))).toBe(10)
    expect(await flood(phones, (i) => ({ phoneNumber: `+1202555${3000 + i}` }))).toBe(0)
    expect(await flood(`${phones}/preverify`, () => ({ phoneNumber: '+12025554000' }), two)).toBe(10)
    expect(await flood(`${phones}/preverify`, () => ({ phoneNumber: '+12025554000' }), await env.user())).toBe(0)
    expect((await env.messages()).length).toBe(20)
    await on.http.close()
  })

  test('in the emulator ends, too, so that no loop goes on for ever', async () => {
    expect(deps.rateLimits).toBe(false)
    const env = await newEnvironment(),
      user = await env.user()
    const answers = await Promise.all(
      Array.from({ length: 110 }, () => user('POST', `${phones}/preverify`, { phoneNumber: '+12025555000' })),
    )
    expect(answers.filter((answer) => answer.status !== 429)).toHaveLength(100)
  })
})
