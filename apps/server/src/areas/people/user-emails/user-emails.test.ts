import { describe, expect, test } from 'vitest'
import { newEnvironment, UNKNOWN_ID, unique, type Client, type TestEnvironment } from '../../../../test/environment.ts'
import { HOUR } from '../../../kernel/clock.ts'
import { ownerOf } from './user-emails.service.ts'

const v1 = '/identity/resources/users/emails/v1',
  policy = '/identity/resources/configurations/v1/user-emails-policy'
const second = 'second@example.com'

const codeTo = async (env: TestEnvironment, to = second) =>
  (await env.messages({ to, template: 'VerifyNewEmail' })).at(-1)!.code!
const wrong = (code: string) => (code === '000000' ? '111111' : '000000')
const owner = async (env: TestEnvironment, email = second) => (await ownerOf(await env.context(), email))?.id
const list = async (client: Client) =>
  (await client('GET', `${v1}/me`)).body as { id: string; email: string; verified: boolean; isPrimary: boolean }[]
const shown = async (client: Client) =>
  (await list(client)).map(({ email, verified, isPrimary }) => [email, verified, isPrimary])
const give = async (env: TestEnvironment, userId: string, email = second, isVerified = true) =>
  (await env.vendor('POST', `${v1}/vendor/${userId}`, { email, isVerified })).body as { id: string }
const rowOf = async (env: TestEnvironment, id: string) =>
  (await env.context()).db.user.findUniqueOrThrow({ where: { id } })

describe.concurrent("an e-mail address of one's own", () => {
  test('is added unverified, and verified with the code mailed to it', async () => {
    const env = await newEnvironment(),
      user = await env.user()
    const added = await user('POST', v1, { email: 'Second@Example.com' })
    expect(added.status).toBe(201)
    expect(added.body).toEqual({
      id: expect.any(String),
      userId: user.id,
      email: second,
      verified: false,
      isPrimary: false,
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
    })
    expect(await shown(user)).toEqual([
      [user.email, true, true],
      [second, false, false],
    ])
    const [message] = await env.messages()
    expect(message).toMatchObject({
      channel: 'email',
      template: 'VerifyNewEmail',
      recipient: second,
      userId: user.id,
      code: expect.stringMatching(/^\d{6}$/),
    })
    expect(message!.text).toContain(message!.code!)
    expect(message!.text).toContain(second)
    expect(await owner(env)).toBeUndefined()
    expect(await user('POST', `${v1}/verify`, { email: 'SECOND@example.com', code: message!.code })).toMatchObject({
      status: 200,
      body: null,
    })
    expect(await shown(user)).toEqual([
      [user.email, true, true],
      [second, true, false],
    ])
    expect([
      await owner(env, 'SECOND@example.com'),
      await owner(env, user.email),
      (await rowOf(env, user.id)).email,
    ]).toEqual([user.id, user.id, user.email])
  })

  test('is sent another code when it is added again, until it is verified', async () => {
    const env = await newEnvironment(),
      user = await env.user()
    await user('POST', v1, { email: second })
    const first = await codeTo(env)
    const again = await user('POST', v1, { email: second })
    expect([again.status, (await env.messages()).length]).toEqual([200, 2])
    const code = await codeTo(env)
    if (first !== code) expect((await user('POST', `${v1}/verify`, { email: second, code: first })).status).toBe(401)
    expect((await user('POST', `${v1}/verify`, { email: second, code })).status).toBe(200)
    expect(await user('POST', v1, { email: second })).toMatchObject({
      status: 409,
      body: { errors: ['User with this email already exists'] },
    })
    expect((await user('POST', v1, { email: user.email })).status).toBe(409)
    expect(await list(user)).toHaveLength(2)
  })

  test('is one of several, each with a code of its own', async () => {
    const env = await newEnvironment(),
      user = await env.user()
    await user('POST', v1, { email: second })
    await user('POST', v1, { email: 'third@example.com' })
    const code = await codeTo(env),
      third = await codeTo(env, 'third@example.com')
    if (code !== third) expect((await user('POST', `${v1}/verify`, { email: second, code: third })).status).toBe(401)
    for (const body of [
      { email: second, code },
      { email: 'third@example.com', code: third },
    ])
      expect((await user('POST', `${v1}/verify`, body)).status).toBe(200)
    expect((await list(user)).map(({ verified }) => verified)).toEqual([true, true, true])
  })

  test('may be the primary one, still unverified', async () => {
    const env = await newEnvironment(),
      user = await env.user({ verified: false })
    expect((await user('POST', v1, { email: user.email })).status).toBe(200)
    expect(
      (await user('POST', `${v1}/verify`, { email: user.email, code: await codeTo(env, user.email) })).status,
    ).toBe(200)
    expect(await shown(user)).toEqual([[user.email, true, true]])
    expect((await rowOf(env, user.id)).verified).toBe(true)
  })

  test('becomes the primary one of a user who has none, once it is verified', async () => {
    const env = await newEnvironment(),
      user = await env.user()
    await (await env.context()).db.user.update({ where: { id: user.id }, data: { email: null, username: 'ada' } })
    expect(await list(user)).toEqual([])
    await user('POST', v1, { email: second })
    expect([await shown(user), (await rowOf(env, user.id)).email]).toEqual([[[second, false, false]], null])
    await user('POST', `${v1}/verify`, { email: second, code: await codeTo(env) })
    expect([await shown(user), await owner(env)]).toEqual([[[second, true, true]], user.id])
  })

  test.each(['', 'nobody', 'a@b@example.com', `${'a'.repeat(320)}@example.com`])(
    'is refused when it is invalid: %j',
    async (email) => {
      const env = await newEnvironment(),
        user = await env.user()
      expect((await user('POST', v1, { email })).status).toBe(400)
      expect((await env.vendor('POST', `${v1}/vendor/${user.id}`, { email })).status).toBe(400)
      expect([await list(user), await env.messages()]).toMatchObject([[{ email: user.email }], []])
    },
  )
})

describe.concurrent('the code of an e-mail address', () => {
  test('is refused when it is wrong, or when the address has none', async () => {
    const env = await newEnvironment(),
      user = await env.user(),
      stranger = await env.user()
    await user('POST', v1, { email: second })
    const code = await codeTo(env),
      refused = { status: 401, body: { errors: ['Invalid code'], errorCode: 'ER-01011' } }
    expect(await user('POST', `${v1}/verify`, { email: second, code: wrong(code) })).toMatchObject(refused)
    expect(await user('POST', `${v1}/verify`, { email: 'third@example.com', code })).toMatchObject(refused)
    expect(await stranger('POST', `${v1}/verify`, { email: second, code })).toMatchObject(refused)
    expect(await shown(user)).toContainEqual([second, false, false])
  })

  test('runs out after an hour', async () => {
    const env = await newEnvironment(),
      user = await env.user()
    await env.clock.freeze()
    await user('POST', v1, { email: second })
    await env.clock.freeze(new Date((await env.clock.now()).getTime() + HOUR))
    // the user's token has expired as well
    const later = env.as(user.tenantId, user.id)
    expect(await later('POST', `${v1}/verify`, { email: second, code: await codeTo(env) })).toMatchObject({
      status: 400,
      body: { errors: ['Code has expired'], errorCode: 'ER-01017' },
    })
    expect(await shown(later)).toContainEqual([second, false, false])
  })

  test('stops working after five wrong ones', async () => {
    const env = await newEnvironment(),
      user = await env.user()
    await user('POST', v1, { email: second })
    const code = await codeTo(env)
    await Promise.all(
      Array.from({ length: 5 }, () => user('POST', `${v1}/verify`, { email: second, code: wrong(code) })),
    )
    expect((await user('POST', `${v1}/verify`, { email: second, code })).status).toBe(400)
    expect(await shown(user)).toContainEqual([second, false, false])
  })

  test('works once, however many requests use it at once', async () => {
    const env = await newEnvironment(),
      user = await env.user()
    await user('POST', v1, { email: second })
    const code = await codeTo(env)
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => user('POST', `${v1}/verify`, { email: second, code })),
    )
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(7).fill(400)])
  })

  test('is deleted with the address', async () => {
    const env = await newEnvironment(),
      user = await env.user()
    const {
      body: { id },
    } = await user('POST', v1, { email: second })
    await user('DELETE', `${v1}/${id}`)
    expect((await user('POST', `${v1}/verify`, { email: second, code: await codeTo(env) })).status).toBe(401)
    expect(await list(user)).toHaveLength(1)
  })
})

describe.concurrent('an e-mail address in an environment', () => {
  test('goes to one of many users who add it at once', async () => {
    const env = await newEnvironment()
    const users = await Promise.all(Array.from({ length: 8 }, () => env.user()))
    const answers = await Promise.all(users.map((user) => user('POST', v1, { email: second })))
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array(7).fill(409)])
    expect(await env.messages()).toHaveLength(1)
  })

  test('goes to one user when some add it, make it primary or are created with it at once', async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant()
    const users = await Promise.all(Array.from({ length: 6 }, () => env.newUser()))
    const answers = await Promise.all([
      ...users
        .slice(0, 3)
        .map(({ id }) => env.vendor('POST', `${v1}/vendor/${id}`, { email: second, isVerified: true })),
      ...users
        .slice(3)
        .map(({ id }) => env.vendor('PUT', `/identity/resources/users/v1/${id}/email`, { email: second })),
      ...[1, 2].map(() => env.as(tenantId)('POST', '/identity/resources/users/v2', { email: second })),
    ])
    const { db } = await env.context(),
      rows = await db.userEmail.findMany({ where: { email: second } })
    // a creation with an address that became another user's own adds that user to the tenant instead
    const winners = answers.flatMap(({ status, body }) => (status < 300 ? [body.userId ?? body.id] : []))
    expect(answers.every(({ status }) => [200, 201, 409].includes(status))).toBe(true)
    expect([new Set(winners).size, rows.map(({ userId }) => userId)]).toEqual([1, [winners[0]]])
    expect(await db.user.count({ where: { email: second, id: { not: winners[0] } } })).toBe(0)
  })

  test("is taken by another user's primary one", async () => {
    const env = await newEnvironment(),
      user = await env.user(),
      holder = await env.newUser({ verified: false })
    expect((await user('POST', v1, { email: holder.email.toUpperCase() })).status).toBe(409)
    expect(
      (await env.vendor('POST', `${v1}/vendor/${user.id}`, { email: holder.email, isVerified: true })).status,
    ).toBe(409)
    expect([(await list(user)).length, await env.messages()]).toEqual([1, []])
  })

  test("keeps new users from taking another user's verified one, but not one only named", async () => {
    const env = await newEnvironment(),
      user = await env.user(),
      client = env.as(await env.newTenant())
    await give(env, user.id)
    await user('POST', v1, { email: 'third@example.com' })
    expect((await client('POST', '/identity/resources/users/v2', { email: second })).status).toBe(409)
    const made = await client('POST', '/identity/resources/users/v2', { email: 'third@example.com' })
    expect([made.status, await owner(env, 'third@example.com')]).toEqual([201, made.body.id])
    expect(await shown(user)).toEqual([
      [user.email, true, true],
      [second, true, false],
    ])
    expect(
      (await user('POST', `${v1}/verify`, { email: 'third@example.com', code: await codeTo(env, 'third@example.com') }))
        .status,
    ).toBe(409)
  })

  test("that one user only named becomes another's once its code has expired, or management vouches for it", async () => {
    const env = await newEnvironment(),
      claimer = await env.user(),
      holder = await env.user()
    await claimer('POST', v1, { email: second })
    await claimer('POST', v1, { email: 'third@example.com' })
    expect((await holder('POST', v1, { email: second })).status).toBe(409)
    await give(env, holder.id, 'third@example.com')
    await env.clock.advance(HOUR)
    const [claims, holds] = [claimer, holder].map((who) => env.as(who.tenantId, who.id)) as [Client, Client]
    expect((await holds('POST', v1, { email: second })).status).toBe(201)
    expect([(await list(claims)).length, (await list(holds)).length]).toEqual([1, 3])
  })

  test('is free in another environment, and free again when its user is gone', async () => {
    const [mine, theirs] = [await newEnvironment(), await newEnvironment()]
    const [a, b, c] = [await mine.newUser(), await mine.newUser(), await theirs.newUser()]
    await give(mine, a.id)
    await give(theirs, c.id)
    expect([await owner(mine), await owner(theirs)]).toEqual([a.id, c.id])
    await mine.vendor('DELETE', `/identity/resources/users/v1/${a.id}`)
    await give(mine, b.id)
    expect(await owner(mine)).toBe(b.id)
  })
})

describe.concurrent('the primary e-mail address', () => {
  test('is chosen by the user where that is allowed, among the verified ones, and the former one gets a notice', async () => {
    const env = await newEnvironment(),
      user = await env.user()
    await give(env, user.id)
    await user('POST', v1, { email: 'third@example.com' })
    expect(await user('POST', `${v1}/me/primary`, { email: second })).toMatchObject({
      status: 403,
      body: { errors: ['Email change is disabled'] },
    })
    expect((await rowOf(env, user.id)).email).toBe(user.email)
    await env.vendor('POST', policy, { allowEmailChange: true })
    expect(await user('POST', `${v1}/me/primary`, { email: 'third@example.com' })).toMatchObject({
      status: 400,
      body: { errors: ['Email is not verified'] },
    })
    expect((await user('POST', `${v1}/me/primary`, { email: 'fourth@example.com' })).status).toBe(404)
    expect(await user('POST', `${v1}/me/primary`, { email: 'SECOND@example.com' })).toMatchObject({
      status: 200,
      body: null,
    })
    expect(await shown(user)).toEqual([
      [user.email, true, false],
      [second, true, true],
      ['third@example.com', false, false],
    ])
    expect(await rowOf(env, user.id)).toMatchObject({ email: second, verified: true })
    expect(await env.messages({ template: 'EmailAddressChanged' })).toMatchObject([
      { recipient: user.email, userId: user.id },
    ])
    expect([await owner(env), await owner(env, user.email)]).toEqual([user.id, user.id])
    expect((await user('POST', `${v1}/me/primary`, { email: second })).status).toBe(200)
    expect(await env.messages({ template: 'EmailAddressChanged' })).toHaveLength(1)
  })

  test('is chosen by management in any case; an unverified former one gets no notice, and stays unverified', async () => {
    const env = await newEnvironment(),
      { id, email, tenantId } = await env.newUser({ verified: false }),
      stranger = await env.newUser()
    await give(env, id)
    await give(env, stranger.id, 'theirs@example.com')
    const choose = (to: string, userId = id) => env.vendor('POST', `${v1}/vendor/${userId}/primary`, { email: to })
    expect([(await choose('theirs@example.com')).status, (await choose(second, UNKNOWN_ID)).status]).toEqual([404, 404])
    expect(await choose(second)).toMatchObject({ status: 200, body: null })
    expect(await shown(env.as(tenantId, id))).toEqual([
      [email, false, false],
      [second, true, true],
    ])
    expect([(await rowOf(env, id)).verified, await env.messages(), await owner(env, email)]).toEqual([
      true,
      [],
      undefined,
    ])
    expect((await choose(email)).status).toBe(400)
  })

  test('cannot be deleted', async () => {
    const env = await newEnvironment(),
      user = await env.user()
    const { id } = (await list(user))[0]!
    for (const answer of [
      await user('DELETE', `${v1}/${id}`),
      await env.vendor('DELETE', `${v1}/vendor/${user.id}/${id}`),
    ]) {
      expect(answer).toMatchObject({ status: 400, body: { errors: ['The primary email cannot be deleted'] } })
    }
    expect(await shown(user)).toEqual([[user.email, true, true]])
  })

  test('always exists, whatever happens at once', async () => {
    const env = await newEnvironment(),
      user = await env.user()
    const { id } = await give(env, user.id)
    await Promise.all(
      Array.from({ length: 8 }, (_, i) =>
        i % 2
          ? env.vendor('POST', `${v1}/vendor/${user.id}/primary`, { email: second })
          : user('DELETE', `${v1}/${id}`),
      ),
    )
    const { email } = await rowOf(env, user.id)
    expect((await list(user)).filter((row) => row.isPrimary)).toMatchObject([{ email, verified: true }])
  })
})

describe.concurrent('deleting an e-mail address', () => {
  test('is open to its user and to management', async () => {
    const env = await newEnvironment(),
      user = await env.user(),
      stranger = await env.user()
    const [{ id }, third] = [await give(env, user.id), await give(env, user.id, 'third@example.com')]
    expect([
      (await stranger('DELETE', `${v1}/${id}`)).status,
      (await user('DELETE', `${v1}/${UNKNOWN_ID}`)).status,
    ]).toEqual([404, 404])
    expect((await env.vendor('DELETE', `${v1}/vendor/${stranger.id}/${id}`)).status).toBe(404)
    expect((await env.vendor('DELETE', `${v1}/vendor/${UNKNOWN_ID}/${id}`)).status).toBe(404)
    expect(await user('DELETE', `${v1}/${id}`)).toMatchObject({ status: 200, body: null })
    expect(await env.vendor('DELETE', `${v1}/vendor/${user.id}/${third.id}`)).toMatchObject({ status: 200, body: null })
    expect([await shown(user), await owner(env)]).toEqual([[[user.email, true, true]], undefined])
    expect((await user('DELETE', `${v1}/${id}`)).status).toBe(404)
  })
})

describe.concurrent('management', () => {
  test('gives users addresses, verified or with a code mailed', async () => {
    const env = await newEnvironment(),
      user = await env.user()
    const verified = await env.vendor('POST', `${v1}/vendor/${user.id}`, { email: second, isVerified: true })
    expect(verified).toMatchObject({
      status: 201,
      body: { userId: user.id, email: second, verified: true, isPrimary: false },
    })
    expect(await env.messages()).toEqual([])
    expect(await env.vendor('POST', `${v1}/vendor/${user.id}`, { email: 'third@example.com' })).toMatchObject({
      status: 201,
      body: { verified: false },
    })
    expect(
      (await user('POST', `${v1}/verify`, { email: 'third@example.com', code: await codeTo(env, 'third@example.com') }))
        .status,
    ).toBe(200)
    expect((await env.vendor('POST', `${v1}/vendor/${user.id}`, { email: second })).status).toBe(409)
    expect((await env.vendor('POST', `${v1}/vendor/${UNKNOWN_ID}`, { email: 'fourth@example.com' })).status).toBe(404)
  })

  test('vouches for what a user added', async () => {
    const env = await newEnvironment(),
      user = await env.user({ verified: false })
    await user('POST', v1, { email: second })
    for (const email of [second, user.email])
      expect(await env.vendor('POST', `${v1}/vendor/${user.id}`, { email, isVerified: true })).toMatchObject({
        status: 200,
        body: { email, verified: true },
      })
    expect([await shown(user), (await rowOf(env, user.id)).verified]).toEqual([
      [
        [user.email, true, true],
        [second, true, false],
      ],
      true,
    ])
  })
})

describe.concurrent('the list of e-mail addresses', () => {
  test('shows management all, primary ones among them, by page, order and filter', async () => {
    const env = await newEnvironment()
    const a = await env.newUser({ email: 'a@example.com' }),
      b = await env.newUser({ email: 'c@example.com' })
    await env.clock.advance(1000)
    await give(env, a.id, 'b@example.com')
    const letters = async (query: string) =>
      (await env.vendor('GET', `${v1}?${query}`)).body.items.map((row: { email: string }) => row.email[0]).join('')
    const whole = await env.vendor('GET', v1)
    expect(whole).toMatchObject({
      status: 200,
      body: { _metadata: { totalItems: 3, totalPages: 1 }, _links: { next: '' } },
    })
    expect(whole.body.items[2]).toEqual({
      id: expect.any(String),
      userId: a.id,
      email: 'b@example.com',
      verified: true,
      isPrimary: false,
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
    })
    expect([
      await letters('_sortBy=email&_order=DESC'),
      await letters('_sortBy=email&_limit=2&_offset=1'),
      await letters('_email=B%40example.com'),
      await letters('_email=example'),
      await letters(`_sortBy=email&userIds=${a.id},${UNKNOWN_ID},x`),
      await letters('userIds=x'),
    ]).toEqual(['cba', 'c', 'b', '', 'ab', ''])
    expect(whole.body.items.filter((row: { userId: string }) => row.userId === b.id)).toMatchObject([
      { isPrimary: true },
    ])
  })

  test('shows a tenant its members only, and shows users nobody invisible', async () => {
    const env = await newEnvironment(),
      admin = await env.user({ permissions: ['fe.secure.read.users'] })
    const hidden = await env.newUser({ tenantId: admin.tenantId })
    await env.newUser({ email: `${unique()}@example.com` })
    await env.vendor('PUT', `/identity/resources/users/v1/${hidden.id}/invisible`, { invisible: true })
    expect((await admin('GET', v1)).body.items).toMatchObject([{ userId: admin.id }])
    expect((await env.as(admin.tenantId)('GET', v1)).body.items).toHaveLength(2)
    expect((await env.vendor('GET', v1)).body.items).toHaveLength(3)
  })
})
