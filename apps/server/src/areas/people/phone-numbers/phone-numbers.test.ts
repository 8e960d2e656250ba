import { describe, expect, test } from 'vitest'
import {
  deps,
  newEnvironment,
  server,
  UNKNOWN_ID,
  type Client,
  type TestEnvironment,
} from '../../../../test/environment.ts'
import { contextFor } from '../../../kernel/context.ts'
import { MINUTE } from '../../../kernel/clock.ts'
import { buildServer } from '../../../server.ts'
import { ownerOf } from './phone-numbers.service.ts'

const v1 = '/identity/resources/users/phone-numbers/v1',
  v2 = '/identity/resources/users/phone-numbers/v2'
const number = '+15551234567',
  other = '+15557654321'

const codeTo = async (env: TestEnvironment, to = number) => (await env.messages({ to })).at(-1)!.code!
const wrong = (code: string) => (code === '000000' ? '111111' : '000000')
const owns = async (env: TestEnvironment, phoneNumber = number) => (await ownerOf(await env.context(), phoneNumber))?.id
const ownNumber = async (env: TestEnvironment, id: string) =>
  (await (await env.context()).db.user.findUniqueOrThrow({ where: { id } })).phoneNumber
const list = async (client: Client) =>
  (await client('GET', `${v1}/me`)).body as { id: string; phoneNumber: string; verified: boolean }[]

/** Adds a number and verifies it. */
async function addVerified(env: TestEnvironment, client: Client, phoneNumber = number) {
  const {
    body: { otcToken },
  } = await client('POST', v1, { phoneNumber })
  const { status } = await client('POST', `${v1}/verify`, { otcToken, code: await codeTo(env, phoneNumber) })
  expect(status).toBe(200)
  return (await list(client)).find((row) => row.phoneNumber === phoneNumber)!.id
}

describe.concurrent("a phone number of one's own", () => {
  test('is added unverified with a code sent to it, and verified with that code', async () => {
    const env = await newEnvironment(),
      user = await env.user()
    const added = await user('POST', v1, { phoneNumber: '+1-555-123-4567' })
    expect(added).toMatchObject({ status: 201, body: { otcToken: expect.stringMatching(/^[0-9a-f-]{36}$/) } })
    expect(await list(user)).toEqual([
      {
        id: expect.any(String),
        userId: user.id,
        phoneNumber: number,
        verified: false,
        createdAt: expect.any(String),
        updatedAt: expect.any(String),
      },
    ])
    expect([await owns(env), await ownNumber(env, user.id)]).toEqual([undefined, null])
    const [message] = await env.messages()
    expect(message).toMatchObject({
      channel: 'sms',
      template: 'PhoneVerification',
      recipient: number,
      userId: user.id,
      code: expect.stringMatching(/^\d{6}$/),
    })
    expect(message!.text).toContain(message!.code!)
    expect(await user('POST', `${v1}/verify`, { otcToken: added.body.otcToken, code: message!.code })).toMatchObject({
      status: 200,
      body: null,
    })
    expect(await list(user)).toMatchObject([{ phoneNumber: number, verified: true }])
    expect([await owns(env), await owns(env, '+1-555-1234-567'), await ownNumber(env, user.id)]).toEqual([
      user.id,
      user.id,
      number,
    ])
  })

  test('may be added without a code, and verified later with one', async () => {
    const env = await newEnvironment(),
      user = await env.user()
    expect(await user('POST', v1, { phoneNumber: number, verify: false })).toMatchObject({ status: 201, body: {} })
    expect(await env.messages()).toEqual([])
    const { status, body } = await user('POST', `${v1}/preverify`, { phoneNumber: number })
    expect([status, Object.keys(body)]).toEqual([200, ['otcToken']])
    expect((await user('POST', `${v1}/verify`, { ...body, code: await codeTo(env) })).status).toBe(200)
    expect(await list(user)).toMatchObject([{ phoneNumber: number, verified: true }])
  })

  test('that was not added before is added when its code comes back', async () => {
    const env = await newEnvironment(),
      user = await env.user()
    const { body } = await user('POST', `${v1}/preverify`, { phoneNumber: number })
    expect(await list(user)).toEqual([])
    await user('POST', `${v1}/verify`, { ...body, code: await codeTo(env) })
    expect(await list(user)).toMatchObject([{ phoneNumber: number, verified: true }])
  })

  test("is one of several; the first verified one is the user's own", async () => {
    const env = await newEnvironment(),
      user = await env.user()
    await addVerified(env, user)
    await env.clock.advance(1000)
    await addVerified(env, user, other)
    expect(await list(user)).toMatchObject([
      { phoneNumber: number, verified: true },
      { phoneNumber: other, verified: true },
    ])
    expect([await ownNumber(env, user.id), await owns(env), await owns(env, other)]).toEqual([number, user.id, user.id])
  })

  test('can be sent another code, which replaces the one before', async () => {
    const env = await newEnvironment(),
      user = await env.user()
    const first = await user('POST', v1, { phoneNumber: number }),
      code = await codeTo(env)
    const second = await user('POST', v1, { phoneNumber: number })
    expect(second.status).toBe(201)
    expect(await user('POST', `${v1}/verify`, { ...first.body, code })).toMatchObject({
      status: 401,
      body: { errorCode: 'ER-01011' },
    })
    expect((await user('POST', `${v1}/verify`, { ...second.body, code: await codeTo(env) })).status).toBe(200)
    expect(await user('POST', v1, { phoneNumber: number })).toMatchObject({
      status: 409,
      body: { errors: ['User with this phone number already exists'] },
    })
  })

  test.each([
    '',
    '5551234567',
    '+0123456789',
    '+1 555 1234567',
    '+15551234567 ',
    '+123456',
    '+1234567890123456',
    'whatsapp:+15551234567',
  ])('is refused when it is none: %j', async (phoneNumber) => {
    const env = await newEnvironment(),
      user = await env.user()
    for (const path of [v1, `${v1}/preverify`])
      expect(await user('POST', path, { phoneNumber })).toMatchObject({
        status: 400,
        body: { errors: ['Phone number must be valid'] },
      })
    expect([await list(user), await env.messages()]).toEqual([[], []])
  })

  test('is neither verified nor added where messages cannot be sent', async () => {
    const env = await newEnvironment(),
      { id, tenantId } = await env.newUser()
    const { sms: _, ...others } = deps
    const { http } = await buildServer(others)
    const headers = { authorization: `Bearer ${await env.userToken({ id, tenantId })}` }
    const answer = await http.inject({ method: 'POST', url: v1, headers, payload: { phoneNumber: number } })
    expect([answer.statusCode, answer.json()]).toEqual([
      400,
      { errors: ['Failed to send sms to +1*******567'], errorCode: 'ER-01037' },
    ])
    const ctx = contextFor(deps, (await server.environments.byId(env.id))!, deps.log)
    expect([await ctx.db.phoneNumber.count(), await ctx.db.challenge.count()]).toEqual([0, 0])
    await http.close()
  })

  test('can be added by management, which must name the user', async () => {
    const env = await newEnvironment(),
      user = await env.newUser()
    expect(await env.vendor('POST', v1, { phoneNumber: number })).toMatchObject({
      status: 403,
      body: { errorCode: 'ER-00008' },
    })
    expect((await env.as(user.tenantId, user.id)('POST', v1, { phoneNumber: number })).status).toBe(201)
    expect(await list(env.as(user.tenantId, user.id))).toMatchObject([{ userId: user.id }])
  })
})

describe.concurrent('the code of a phone number', () => {
  test("is refused when it is wrong, another user's, of another purpose, or of an unknown token", async () => {
    const env = await newEnvironment(),
      user = await env.user(),
      stranger = await env.user()
    const {
        body: { otcToken },
      } = await user('POST', v1, { phoneNumber: number }),
      code = await codeTo(env)
    const refused = { status: 401, body: { errors: ['Invalid code'], errorCode: 'ER-01011' } }
    expect(await user('POST', `${v1}/verify`, { otcToken, code: wrong(code) })).toMatchObject(refused)
    expect(await stranger('POST', `${v1}/verify`, { otcToken, code })).toMatchObject(refused)
    expect(
      await user('POST', '/identity/resources/users/v1/phone/verify', { changePhoneId: otcToken, code }),
    ).toMatchObject(refused)
    for (const unknown of [UNKNOWN_ID, 'x'])
      expect(await user('POST', `${v1}/verify`, { otcToken: unknown, code })).toMatchObject(refused)
    expect(await list(user)).toMatchObject([{ verified: false }])
    expect((await user('POST', `${v1}/verify`, { otcToken, code })).status).toBe(200)
  })

  test('runs out after ten minutes', async () => {
    const env = await newEnvironment(),
      user = await env.user()
    await env.clock.freeze()
    const {
        body: { otcToken },
      } = await user('POST', v1, { phoneNumber: number }),
      code = await codeTo(env)
    await env.clock.freeze(new Date((await env.clock.now()).getTime() + 10 * MINUTE))
    expect(await user('POST', `${v1}/verify`, { otcToken, code })).toMatchObject({
      status: 400,
      body: { errors: ['Code has expired'], errorCode: 'ER-01017' },
    })
    expect(await list(user)).toMatchObject([{ verified: false }])
  })

  test('stops working after five wrong ones', async () => {
    const env = await newEnvironment(),
      user = await env.user()
    const {
        body: { otcToken },
      } = await user('POST', v1, { phoneNumber: number }),
      code = await codeTo(env)
    const tries = await Promise.all(
      Array.from({ length: 5 }, () => user('POST', `${v1}/verify`, { otcToken, code: wrong(code) })),
    )
    expect(tries.map(({ status }) => status)).toEqual(Array(5).fill(401))
    expect((await user('POST', `${v1}/verify`, { otcToken, code })).status).toBe(400)
    expect(await list(user)).toMatchObject([{ verified: false }])
  })

  test('works once, however many requests use it at once', async () => {
    const env = await newEnvironment(),
      user = await env.user()
    const {
        body: { otcToken },
      } = await user('POST', v1, { phoneNumber: number }),
      code = await codeTo(env)
    const answers = await Promise.all(Array.from({ length: 8 }, () => user('POST', `${v1}/verify`, { otcToken, code })))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(7).fill(400)])
    expect(await list(user)).toMatchObject([{ verified: true }])
  })

  test('is stored only as a hash, except in the message itself', async () => {
    const env = await newEnvironment(),
      user = await env.user()
    await user('POST', v1, { phoneNumber: number })
    const code = await codeTo(env)
    expect(JSON.stringify(await (await env.context()).db.challenge.findMany())).not.toContain(code)
  })
})

describe.concurrent('a phone number in an environment', () => {
  test('goes to one of many users who add it at once', async () => {
    const env = await newEnvironment()
    const users = await Promise.all(Array.from({ length: 8 }, () => env.user()))
    const answers = await Promise.all(users.map((user) => user('POST', v1, { phoneNumber: number, verify: false })))
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array(7).fill(409)])
    expect((await Promise.all(users.map(list))).flat()).toHaveLength(1)
  })

  test('goes to one of many users who prove it at once', async () => {
    const env = await newEnvironment()
    const users = await Promise.all(Array.from({ length: 8 }, () => env.user()))
    const codes: object[] = []
    for (const user of users)
      codes.push({ ...(await user('POST', `${v1}/preverify`, { phoneNumber: number })).body, code: await codeTo(env) })
    const answers = await Promise.all(users.map((user, i) => user('POST', `${v1}/verify`, codes[i])))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(7).fill(409)])
    expect((await Promise.all(users.map(list))).flat()).toMatchObject([{ verified: true }])
  })

  test("is taken when it is another user's own, however it got there", async () => {
    const env = await newEnvironment(),
      user = await env.user(),
      holder = await env.user()
    await holder('PUT', '/identity/resources/users/v2/me', { phoneNumber: number })
    expect(await list(holder)).toMatchObject([{ phoneNumber: number, verified: false }])
    for (const path of [v1, `${v1}/preverify`])
      expect(await user('POST', path, { phoneNumber: number })).toMatchObject({ status: 409 })
    expect((await env.vendor('POST', `${v1}/vendor/${user.id}`, { phoneNumber: number })).status).toBe(409)
    expect([await list(user), await env.messages()]).toEqual([[], []])
  })

  test('is not blocked by a user who only named it', async () => {
    const env = await newEnvironment(),
      [claimer, holder] = [await env.user(), await env.user()]
    await claimer('POST', v1, { phoneNumber: number, verify: false })
    expect((await holder('POST', v1, { phoneNumber: number })).status).toBe(409)
    const { body } = await holder('POST', `${v1}/preverify`, { phoneNumber: number })
    expect((await holder('POST', `${v1}/verify`, { ...body, code: await codeTo(env) })).status).toBe(200)
    expect([await list(claimer), await owns(env)]).toEqual([[], holder.id])
    await claimer('POST', v1, { phoneNumber: other, verify: false })
    await env.clock.advance(10 * MINUTE)
    expect((await holder('POST', v1, { phoneNumber: other })).status).toBe(201)
    expect(await list(claimer)).toEqual([])
  })

  test("that one user only named becomes another's own when management says so", async () => {
    const env = await newEnvironment(),
      claimer = await env.user(),
      { id } = await env.newUser()
    await claimer('POST', v1, { phoneNumber: number, verify: false })
    expect((await env.vendor('PUT', `/identity/resources/users/v1/${id}`, { phoneNumber: number })).status).toBe(200)
    expect([await list(claimer), await owns(env)]).toEqual([[], id])
  })

  test('is free in another environment', async () => {
    const [mine, theirs] = [await newEnvironment(), await newEnvironment()]
    await addVerified(mine, await mine.user())
    await addVerified(theirs, await theirs.user())
    expect(await owns(mine)).not.toBe(await owns(theirs))
  })

  test('is deleted with the user', async () => {
    const env = await newEnvironment(),
      user = await env.user(),
      next = await env.user()
    await addVerified(env, user)
    expect((await env.vendor('DELETE', `/identity/resources/users/v1/${user.id}`)).status).toBe(200)
    await addVerified(env, next)
    expect(await owns(env)).toBe(next.id)
    expect((await user('POST', v1, { phoneNumber: other })).status).toBe(401)
  })
})

describe.concurrent('deleting a phone number', () => {
  test('takes a code sent to it', async () => {
    const env = await newEnvironment(),
      user = await env.user()
    const id = await addVerified(env, user)
    const asked = await user('DELETE', `${v1}/${id}`)
    expect(asked).toMatchObject({ status: 200, body: { phoneId: id, otcToken: expect.any(String) } })
    expect(await list(user)).toHaveLength(1)
    const { otcToken } = asked.body,
      code = await codeTo(env)
    expect((await env.messages({ to: number })).length).toBe(2)
    expect(await user('POST', `${v1}/${id}/delete/verify`, { otcToken, code: wrong(code) })).toMatchObject({
      status: 401,
      body: { errorCode: 'ER-01011' },
    })
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => user('POST', `${v1}/${id}/delete/verify`, { otcToken, code })),
    )
    expect(answers.filter(({ status }) => status === 200)).toMatchObject([{ body: null }])
    expect([...new Set(answers.map(({ status }) => status))].every((status) => [200, 400, 404].includes(status))).toBe(
      true,
    )
    expect([await list(user), await owns(env), await ownNumber(env, user.id)]).toEqual([[], undefined, null])
  })

  test("leaves the oldest other verified one as the user's own", async () => {
    const env = await newEnvironment(),
      user = await env.user()
    const id = await addVerified(env, user)
    await user('POST', v1, { phoneNumber: '+15550000000', verify: false })
    await env.clock.advance(1000)
    await addVerified(env, user, other)
    const { body } = await user('DELETE', `${v1}/${id}`)
    await user('POST', `${v1}/${id}/delete/verify`, { otcToken: body.otcToken, code: await codeTo(env) })
    expect(await list(user)).toMatchObject([{ phoneNumber: '+15550000000' }, { phoneNumber: other }])
    expect(await ownNumber(env, user.id)).toBe(other)
  })

  test('takes the code of that very number', async () => {
    const env = await newEnvironment(),
      user = await env.user()
    const [id, second] = [await addVerified(env, user), await addVerified(env, user, other)]
    const {
      body: { otcToken },
    } = await user('DELETE', `${v1}/${id}`)
    expect((await user('POST', `${v1}/${second}/delete/verify`, { otcToken, code: await codeTo(env) })).status).toBe(
      401,
    )
    expect(await list(user)).toHaveLength(2)
  })

  test("is possible for the user's own only", async () => {
    const env = await newEnvironment(),
      user = await env.user(),
      stranger = await env.user()
    const id = await addVerified(env, user)
    expect((await stranger('DELETE', `${v1}/${id}`)).status).toBe(404)
    expect((await stranger('POST', `${v1}/${id}/delete/verify`, { otcToken: UNKNOWN_ID, code: '123456' })).status).toBe(
      404,
    )
    expect((await user('DELETE', `${v1}/${UNKNOWN_ID}`)).status).toBe(404)
    expect(await list(user)).toHaveLength(1)
  })
})

describe.concurrent('management', () => {
  test('gives users numbers that count as verified', async () => {
    const env = await newEnvironment(),
      { id, tenantId } = await env.newUser()
    expect(await env.vendor('POST', `${v1}/vendor/${id}`, { phoneNumber: number })).toMatchObject({
      status: 201,
      body: null,
    })
    expect(await list(env.as(tenantId, id))).toMatchObject([{ phoneNumber: number, verified: true }])
    expect([await owns(env), await ownNumber(env, id), await env.messages()]).toEqual([id, number, []])
    expect((await env.vendor('POST', `${v1}/vendor/${id}`, { phoneNumber: number })).status).toBe(409)
    expect((await env.vendor('POST', `${v1}/vendor/${UNKNOWN_ID}`, { phoneNumber: other })).status).toBe(404)
    expect((await env.vendor('POST', `${v1}/vendor/${id}`, { phoneNumber: '555' })).status).toBe(400)
    expect(await list(env.as(tenantId, id))).toHaveLength(1)
  })

  test('vouches for what a user added', async () => {
    const env = await newEnvironment(),
      user = await env.user()
    await user('POST', v1, { phoneNumber: number, verify: false })
    expect((await env.vendor('POST', `${v1}/vendor/${user.id}`, { phoneNumber: number })).status).toBe(201)
    expect(await list(user)).toMatchObject([{ verified: true }])
  })

  test('verifies the numbers of users it creates; users who invite others do not', async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant(),
      admin = await env.user({ tenantId, roleKeys: ['Admin'] })
    const made = await env.as(tenantId)('POST', '/identity/resources/users/v2', {
      email: 'a@example.com',
      phoneNumber: number,
    })
    expect([made.status, await owns(env)]).toEqual([201, made.body.id])
    expect(
      (await admin('POST', '/identity/resources/users/v2', { email: 'b@example.com', phoneNumber: other })).status,
    ).toBe(201)
    expect(await owns(env, other)).toBeUndefined()
  })

  test('takes numbers away without a code', async () => {
    const env = await newEnvironment(),
      user = await env.user(),
      stranger = await env.user()
    const id = await addVerified(env, user)
    expect((await env.vendor('DELETE', `${v1}/vendor/${stranger.id}/${id}`)).status).toBe(404)
    expect((await env.vendor('DELETE', `${v1}/vendor/${user.id}/${UNKNOWN_ID}`)).status).toBe(404)
    expect(await env.vendor('DELETE', `${v1}/vendor/${user.id}/${id}`)).toMatchObject({ status: 200, body: null })
    expect([await list(user), await ownNumber(env, user.id)]).toEqual([[], null])
    expect((await env.vendor('DELETE', `${v1}/vendor/${user.id}/${id}`)).status).toBe(404)
  })

  test('gives a number to one of many users when it tries all at once', async () => {
    const env = await newEnvironment()
    const users = await Promise.all(Array.from({ length: 8 }, () => env.newUser()))
    const answers = await Promise.all(
      users.map(({ id }) => env.vendor('POST', `${v1}/vendor/${id}`, { phoneNumber: number })),
    )
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array(7).fill(409)])
  })
})

describe.concurrent('the list of phone numbers', () => {
  test.each([v1, v2])('%s shows management all, by page, order and filter', async (path) => {
    const env = await newEnvironment(),
      [a, b] = [await env.newUser(), await env.newUser()]
    for (const [who, phoneNumber] of [
      [a, '+15550000001'],
      [b, '+15550000003'],
      [a, '+15550000002'],
    ] as const) {
      await env.vendor('POST', `${v1}/vendor/${who.id}`, { phoneNumber })
      await env.clock.advance(1000)
    }
    const numbers = async (query: string) =>
      (await env.vendor('GET', `${path}?${query}`)).body.items
        .map((row: { phoneNumber: string }) => row.phoneNumber.at(-1))
        .join('')
    const whole = await env.vendor('GET', path)
    expect(whole).toMatchObject({
      status: 200,
      body: { _metadata: { totalItems: 3, totalPages: 1 }, _links: { next: '' } },
    })
    expect(whole.body.items[0]).toEqual({
      id: expect.any(String),
      userId: a.id,
      phoneNumber: '+15550000001',
      verified: true,
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
    })
    expect([
      await numbers(''),
      await numbers('_sortBy=phoneNumber&_order=DESC'),
      await numbers('_limit=2&_offset=1'),
      await numbers('_phoneNumber=%2B1-555-0000003'),
      await numbers('_phoneNumber=555'),
    ]).toEqual(['132', '321', '2', '3', ''])
    expect(await numbers(`_limit=${path === v1 ? 2147483647 : 250}&_offset=2147483647`)).toBe('')
  })

  test('has a limit in its second version, which also filters by users', async () => {
    const env = await newEnvironment(),
      [a, b] = [await env.newUser(), await env.newUser()]
    await env.vendor('POST', `${v1}/vendor/${a.id}`, { phoneNumber: number })
    await env.vendor('POST', `${v1}/vendor/${b.id}`, { phoneNumber: other })
    expect((await env.vendor('GET', `${v2}?userIds=${a.id},${UNKNOWN_ID}&userIds=garbage`)).body.items).toMatchObject([
      { userId: a.id },
    ])
    expect((await env.vendor('GET', `${v2}?userIds=garbage`)).body.items).toEqual([])
    expect([
      (await env.vendor('GET', `${v2}?_limit=251`)).status,
      (await env.vendor('GET', `${v2}?_limit=250`)).status,
      (await env.vendor('GET', `${v1}?_limit=5000`)).status,
    ]).toEqual([400, 200, 200])
  })

  test('shows a tenant its members only, and shows users nobody invisible', async () => {
    const env = await newEnvironment(),
      admin = await env.user({ permissions: ['fe.secure.read.users'] })
    const [hidden, outsider] = [await env.newUser({ tenantId: admin.tenantId }), await env.newUser()]
    for (const [who, phoneNumber] of [
      [admin, '+15550000001'],
      [hidden, '+15550000002'],
      [outsider, '+15550000003'],
    ] as const)
      await env.vendor('POST', `${v1}/vendor/${who.id}`, { phoneNumber })
    await env.vendor('PUT', `/identity/resources/users/v1/${hidden.id}/invisible`, { invisible: true })
    for (const path of [v1, v2]) {
      expect((await admin('GET', path)).body.items).toMatchObject([{ userId: admin.id }])
      expect((await env.as(admin.tenantId)('GET', path)).body.items).toHaveLength(2)
      expect((await env.vendor('GET', path)).body.items).toHaveLength(3)
    }
  })
})
