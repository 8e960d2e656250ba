import { describe, expect, test } from 'vitest'
import {
  deps,
  newEnvironment,
  newServer,
  operations,
  unique,
  type Answer,
  type Client,
} from '../../test/environment.ts'
import { after, MINUTE, SECOND, type Clock } from './clock.ts'
import { contextFor } from './context.ts'
import { cryptoRandom } from './random.ts'
import * as limits from './limits.ts'

/** Two replicas of a server that refuses too many requests. Their clock stands still: no window ends in the midst of a test. */
const clock: Clock = { now: () => new Date('2031-05-05T10:00:10.000Z') }
const [replica, other] = await Promise.all([
  newServer({ rateLimits: true, systemClock: clock }),
  newServer({ rateLimits: true, systemClock: clock }),
])

const login = '/identity/resources/auth/v1/user',
  reset = '/identity/resources/users/v1/passwords/reset'
const PASSWORD = 'Henhouse-1!'
const times = <T>(count: number, what: (index: number) => Promise<T>) =>
  Promise.all(Array.from({ length: count }, (_, index) => what(index)))
/** `10x201 14x429` */
const tally = (answers: Answer[]) =>
  [...new Set(answers.map((a) => a.status))]
    .sort((a, b) => a - b)
    .map((status) => `${answers.filter((a) => a.status === status).length}x${status}`)
    .join(' ')
/** An address that no other test uses. */
const newIp = () => `2001:db8:${cryptoRandom.uuid().slice(9, 18).replace('-', ':')}::1`

async function limited() {
  const env = await newEnvironment()
  return { env, at: (ip: string, on = replica): Client => env.client({ 'x-forwarded-for': ip }, on) }
}

describe.concurrent('rate limits', () => {
  test('let exactly so many of any number of calls at once through, on two replicas together', async () => {
    const { at } = await limited(),
      ip = newIp(),
      on = [at(ip), at(ip, other)]
    const answers = await times(24, (index) => on[index % 2]!('POST', reset, { email: `${unique()}@example.com` }))
    expect(tally(answers)).toBe('10x201 14x429')
    expect(
      answers
        .filter((a) => a.status === 201)
        .map((a) => a.headers['x-rate-limit-remaining'])
        .sort(),
    ).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'])
  })

  test('stop a user whose token calls without end, and nobody else', async () => {
    // stands still at a time when the tokens of the tests are valid
    const now = deps.systemClock.now(),
      env = await newEnvironment(await newServer({ rateLimits: true, systemClock: { now: () => now } })),
      [busy, calm] = [await env.user(), await env.user()]
    const call = (who: Client) => who('GET', '/identity/resources/roles/v1')
    for (let round = 0; round < 60; round++) expect(tally(await times(10, () => call(busy)))).toBe('10x403')
    expect(await call(busy)).toMatchObject({
      status: 429,
      headers: { 'retry-after': String(60 - Math.floor((now.getTime() % MINUTE) / SECOND)) },
      body: { errors: ['Too many requests'] },
    })
    expect((await call(calm)).status).toBe(403)
    expect((await call(env.vendor)).status).toBe(200)
  })

  test('hold for all tokens of an environment together, and start anew each minute', () => {
    let now = clock.now()
    const count = limits.tokenCalls({ rateLimits: true, systemClock: { now: () => now } })
    const token = (user: number) => ({ type: 'userToken', sub: `user-${user}` })
    for (let index = 0; index < 30_000; index++) count('one', token(index % 100))
    expect(() => count('one', token(100))).toThrow('Too many requests')
    expect(() => count('one', { type: 'vendor' })).toThrow('Too many requests')
    count('two', token(0))
    now = after(now, MINUTE)
    count('one', token(0))
  })

  test('refuse in the shape of every error, and say until when', async () => {
    const { at } = await limited(),
      from = at(newIp())
    for (let index = 0; index < 5; index++) {
      const { headers } = await from('POST', '/identity/resources/users/v1/signUp', {})
      expect(headers).toMatchObject({
        'x-rate-limit-limit': '5',
        'x-rate-limit-remaining': String(4 - index),
        'x-rate-limit-reset': '2031-05-05T10:01:00.000Z',
      })
    }
    const refused = await from('POST', '/identity/resources/users/v1/signUp', {})
    expect(refused).toMatchObject({
      status: 429,
      body: { errors: ['Too many requests'] },
      headers: { 'retry-after': '50', 'x-rate-limit-reset': '2031-05-05T10:01:00.000Z' },
    })
    expect(refused.body).toEqual({ errors: ['Too many requests'] })
  })

  test("end with their window, on the environment's clock", async () => {
    const { env, at } = await limited(),
      from = at(newIp())
    const ask = () => from('POST', '/identity/resources/users/v1/signUp', {})
    expect(tally(await times(6, ask))).toBe('5x400 1x429')
    await env.clock.advance(40 * SECOND)
    expect((await ask()).status).toBe(429)
    await env.clock.advance(10 * SECOND)
    expect((await ask()).status).toBe(400)
  })

  test("are one address's and one environment's; of IPv6 one network's", async () => {
    const { at } = await limited(),
      { at: elsewhere } = await limited(),
      ip = newIp()
    const ask = (client: Client) => client('POST', '/identity/resources/users/v1/signUp', {})
    await times(5, (index) => ask(at(ip.replace('::1', `::${index + 1}`))))
    expect((await ask(at(ip.replace('::1', ':1:2:3:4')))).status).toBe(429)
    expect((await ask(at(newIp()))).status).toBe(400)
    expect((await ask(elsewhere(ip))).status).toBe(400)
    await times(5, () => ask(at('192.0.2.77')))
    expect((await ask(at('::ffff:192.0.2.77'))).status).toBe(429)
    expect((await ask(at('192.0.2.78'))).status).toBe(400)
  })

  test('also count by the user that a call is about, from any number of addresses, whether that user exists or not', async () => {
    const { env, at } = await limited(),
      user = await env.newUser({ password: PASSWORD })
    const answersFor = async (email: string) => {
      const answers = await times(7, () => at(newIp())('POST', reset, { email }))
      expect(tally(answers)).toBe('5x201 2x429')
      return (await at(newIp())('POST', reset, { email: ` ${email.toUpperCase()} ` })).headers
    }
    const [known, unknown] = [await answersFor(user.email), await answersFor(`${unique()}@example.com`)]
    const shown = (headers: Answer['headers']) =>
      Object.entries(headers).filter(([name]) => /^(retry|x-rate)/.test(name))
    expect(shown(known)).toEqual(shown(unknown))
    expect(await env.messages({ template: 'ResetPassword' })).toHaveLength(5)
  })

  test('keep a password from being guessed, right ones included, and leave other users alone', async () => {
    const { env, at } = await limited(),
      user = await env.newUser({ password: PASSWORD }),
      bystander = await env.newUser({ password: PASSWORD })
    expect(tally(await times(32, () => at(newIp())('POST', login, { email: user.email, password: 'wrong' })))).toBe(
      '30x401 2x429',
    )
    expect((await at(newIp())('POST', login, { email: user.email, password: PASSWORD })).status).toBe(429)
    expect((await at(newIp())('POST', login, { email: bystander.email, password: PASSWORD })).status).toBe(200)
  })

  test('of an API key hold for all environments together, unknown ones included', async () => {
    const { env, at } = await limited(),
      ip = newIp()
    const ask = (clientId: string) => at(ip)('POST', '/auth/vendor', { clientId, secret: 'wrong' })
    expect(tally(await times(31, (index) => ask(index % 2 ? env.id : cryptoRandom.uuid())))).toBe('30x401 1x429')
  })

  test('are off unless they are on', async () => {
    const env = await newEnvironment(),
      ip = newIp()
    const answers = await times(12, () =>
      env.client({ 'x-forwarded-for': ip })('POST', '/identity/resources/users/v1/signUp', {}),
    )
    expect(tally(answers)).toBe('12x400')
    expect(answers[0]!.headers).not.toHaveProperty('x-rate-limit-limit')
  })

  test('for one address are those that the original publishes', () => {
    const identity = '/identity/resources',
      auth = `${identity}/auth/v1`,
      published: [most: number, perMs: number, paths: string[]][] = [
        [
          5,
          MINUTE,
          [
            `${identity}/users/v1/signUp`,
            `${identity}/users/v1/signUp/username`,
            `${identity}/users/v1/signUp/phoneNumber`,
          ],
        ],
        [
          10,
          MINUTE,
          [
            reset,
            `${reset}/verify`,
            ...['email', 'sms', 'sms/verify'].map((way) => `${identity}/users/v2/passwords/reset/${way}`),
            `${auth}/user/mfa/recover`,
            `${auth}/user/mfa/verify`,
            ...operations
              .map((op) => op.path)
              .filter((path) => path.startsWith(`${auth}/user/mfa/`) && path.endsWith('/verify')),
          ],
        ],
        [100, MINUTE, [login, ...['prelogin', 'postlogin'].map((step) => `${auth}/passwordless/magiclink/${step}`)]],
        [30, SECOND, ['/auth/vendor']],
      ]
    for (const [most, perMs, paths] of published) {
      for (const path of paths) {
        const op = operations.find((each) => each.method === 'POST' && each.path === path)
        expect(
          op?.limits?.filter((limit) => !limit.of),
          path,
        ).toEqual([{ most, perMs }])
      }
    }
  })

  test('stand at every public operation that does something', () => {
    expect(
      operations
        .filter((op) => op.auth === 'public' && op.method !== 'GET' && !op.limits?.some((limit) => !limit.of))
        .map((op) => op.id),
    ).toEqual([])
  })

  test('leave no address in the database', async () => {
    const { env, at } = await limited()
    await at(newIp())('POST', reset, { email: `${unique()}@example.com` })
    const { rows } = await deps.database.pool.query('select * from "Tally" where scope = $1 order by "expiresAt"', [
      env.id,
    ])
    expect(rows).toEqual(
      [1, 10].map((minutes) => ({
        key: expect.stringMatching(/^[0-9a-f]{64}$/),
        scope: env.id,
        count: 1,
        expiresAt: after(clock.now(), minutes * MINUTE),
      })),
    )
  })

  test('are written to a table that is not logged', async () => {
    const { rows } = await deps.database.pool.query(
      'select relpersistence from pg_class where oid = \'"Tally"\'::regclass',
    )
    expect(rows).toEqual([{ relpersistence: 'u' }])
  })
})

test.concurrent('a count can be taken back, in part and whole', async () => {
  const env = await newEnvironment(),
    ctx = contextFor(deps, (await env.context()).environment, deps.log)
  const counted = { name: 'test', about: 'somebody' },
    quota = { most: 2, perMs: 60 * MINUTE }
  const tries = async (count: number) =>
    (await Promise.allSettled(Array.from({ length: count }, () => limits.spend(ctx, counted, quota)))).filter(
      ({ status }) => status === 'fulfilled',
    ).length
  await env.clock.freeze()
  expect(await tries(2)).toBe(2)
  await limits.giveBack(ctx, counted, quota)
  expect(await tries(3)).toBe(1)
  await limits.forget(ctx, counted, quota)
  expect(await tries(3)).toBe(2)
})
