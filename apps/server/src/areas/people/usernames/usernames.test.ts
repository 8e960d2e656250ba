import { describe, expect, test } from 'vitest'
import { newEnvironment, UNKNOWN_ID } from '../../../../test/environment.ts'

const v1 = '/identity/resources/usernames/v1'

describe.concurrent('a username', () => {
  test('is chosen by the user, once, stored in lower case, and shown', async () => {
    const env = await newEnvironment(),
      user = await env.user()
    expect(await user('GET', `${v1}/me`)).toMatchObject({ status: 404, body: { errors: ['Username not found'] } })
    expect(await user('POST', v1, { username: 'Ada.Lovelace' })).toMatchObject({ status: 201, body: null })
    expect(await user('GET', `${v1}/me`)).toMatchObject({
      status: 200,
      body: { username: 'ada.lovelace', userId: user.id },
    })
    expect(await user('POST', v1, { username: 'ada' })).toMatchObject({
      status: 409,
      body: { errors: ['User already has a username'] },
    })
    expect((await user('GET', `${v1}/me`)).body.username).toBe('ada.lovelace')
  })

  test.each(['a', "az09^$.!-#+'~_", 'A'.repeat(128)])('may be %j', async (username) => {
    const env = await newEnvironment(),
      user = await env.user()
    expect((await user('POST', v1, { username })).status).toBe(201)
    expect((await user('GET', `${v1}/me`)).body.username).toBe(username.toLowerCase())
    expect((await user('DELETE', `${v1}/${encodeURIComponent(username)}`)).status).toBe(200)
  })

  test.each([
    ['', 'username should not be empty'],
    ['a b', 'Username contains invalid characters'],
    ['é', 'Username contains invalid characters'],
    ['a@b', 'Username contains invalid characters'],
    ['a/b', 'Username contains invalid characters'],
    ['a\n', 'Username contains invalid characters'],
    ['a'.repeat(129), 'username must be shorter than or equal to 128 characters'],
  ])('must not be %j', async (username, message) => {
    const env = await newEnvironment(),
      user = await env.user()
    expect(await user('POST', v1, { username })).toMatchObject({ status: 400, body: { errors: [message] } })
    expect((await user('GET', `${v1}/me`)).status).toBe(404)
  })

  test('goes to one of many users who want it at once, in any case', async () => {
    const env = await newEnvironment()
    const users = await Promise.all(Array.from({ length: 8 }, () => env.user()))
    const answers = await Promise.all(users.map((user, i) => user('POST', v1, { username: i % 2 ? 'ada' : 'ADA' })))
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array(7).fill(409)])
    expect(answers.find(({ status }) => status === 409)!.body.errors).toEqual([
      'User with this username already exists',
    ])
  })

  test('is set once when a user asks for many at once', async () => {
    const env = await newEnvironment(),
      user = await env.user()
    const answers = await Promise.all(Array.from({ length: 8 }, (_, i) => user('POST', v1, { username: `ada-${i}` })))
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array(7).fill(409)])
  })

  test('is free in another environment', async () => {
    for (const env of [await newEnvironment(), await newEnvironment()])
      expect((await (await env.user())('POST', v1, { username: 'ada' })).status).toBe(201)
  })

  test('is deleted by its user or management, and is then free', async () => {
    const env = await newEnvironment(),
      user = await env.user(),
      stranger = await env.user()
    await user('POST', v1, { username: 'ada' })
    expect((await stranger('DELETE', `${v1}/ada`)).status).toBe(404)
    expect((await env.as(stranger.tenantId, stranger.id)('DELETE', `${v1}/ada`)).status).toBe(404)
    expect(await user('DELETE', `${v1}/ADA`)).toMatchObject({ status: 200, body: null })
    expect([(await user('GET', `${v1}/me`)).status, (await user('DELETE', `${v1}/ada`)).status]).toEqual([404, 404])
    expect((await stranger('POST', v1, { username: 'ada' })).status).toBe(201)
    expect((await env.vendor('DELETE', `${v1}/ada`)).status).toBe(200)
    expect((await stranger('GET', `${v1}/me`)).status).toBe(404)
  })

  test('stays when the user has no other identifier', async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant()
    const {
      body: { id },
    } = await env.as(tenantId)('POST', '/identity/resources/users/v2', { username: 'ada', name: 'Ada' })
    const user = await env.asUser({ id, tenantId })
    for (const client of [user, env.vendor])
      expect(await client('DELETE', `${v1}/ada`)).toMatchObject({
        status: 400,
        body: { errors: ['Email is required when username is not provided'] },
      })
    expect((await user('GET', `${v1}/me`)).body.username).toBe('ada')
  })
})

describe.concurrent('the list of usernames', () => {
  test('shows management all, by page, order and filter', async () => {
    const env = await newEnvironment(),
      ids: Record<string, string> = {}
    for (const username of ['ada', 'a_b', 'bob', 'axb']) {
      const user = await env.user()
      await user('POST', v1, { username })
      ids[username] = user.id
      await env.clock.advance(1000)
    }
    await env.newUser()
    const names = async (query: string) =>
      (await env.vendor('GET', `${v1}?${query}`)).body.items.map((row: { username: string }) => row.username)
    expect(await env.vendor('GET', v1)).toMatchObject({
      status: 200,
      body: {
        items: [{ username: 'ada', userId: ids['ada'] }, {}, {}, {}],
        _metadata: { totalItems: 4, totalPages: 1 },
      },
    })
    expect(await names('_sortBy=username&_order=DESC')).toEqual(
      ['bob', 'axb', 'ada', 'a_b'].sort((a, b) => b.localeCompare(a, 'en')),
    )
    expect([
      await names('_limit=1&_offset=2'),
      await names('_usernamePrefix=A_'),
      await names('_usernamePrefix=da'),
      await names('usernames=BOB,nobody'),
      await names('usernames=ada&usernames=bob'),
      await names(`userIds=${ids['bob']},x,${UNKNOWN_ID}`),
      await names('userIds=x'),
    ]).toEqual([['bob'], ['a_b'], [], ['bob'], ['ada', 'bob'], ['bob'], []])
  })

  test('shows a tenant its members only, and shows users nobody invisible', async () => {
    const env = await newEnvironment(),
      admin = await env.user({ permissions: ['fe.secure.read.users'] })
    const [hidden, outsider] = [await env.user({ tenantId: admin.tenantId }), await env.user()]
    for (const [user, username] of [
      [admin, 'ada'],
      [hidden, 'bob'],
      [outsider, 'eve'],
    ] as const)
      await user('POST', v1, { username })
    await env.vendor('PUT', `/identity/resources/users/v1/${hidden.id}/invisible`, { invisible: true })
    expect((await admin('GET', v1)).body.items).toEqual([{ username: 'ada', userId: admin.id }])
    expect((await admin('GET', `${v1}?userIds=${outsider.id}`)).body.items).toEqual([])
    expect((await env.as(admin.tenantId)('GET', v1)).body.items).toHaveLength(2)
  })
})
