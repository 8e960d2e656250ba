import { describe, expect, test } from 'vitest'
import { newEnvironment, UNKNOWN_ID } from '../../../../test/environment.ts'
import { prehooks, SECRET, setHook } from '../../../../test/prehooks.ts'

const hook = {
  type: 'API',
  displayName: 'Guard',
  description: 'Looks at who signs up',
  url: 'https://hooks.example/x',
  secret: SECRET,
  eventKeys: ['SIGN_UP'],
  failMethod: 'OPEN',
  isActive: true,
}

describe.concurrent('a prehook', () => {
  test('is kept as it was given, and never shows its secret', async () => {
    const env = await newEnvironment(),
      { status, body } = await env.vendor('POST', prehooks, hook)
    expect(status).toBe(201)
    expect(body).toEqual({
      ...hook,
      id: expect.any(String),
      secret: '********',
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
    })
    expect(await env.vendor('GET', prehooks)).toMatchObject({ status: 200, body: [body] })
    const { db } = await env.context(),
      row = await db.prehook.findFirstOrThrow()
    expect(JSON.stringify(row)).not.toContain(SECRET)
  })

  test('is changed in part; a masked secret that comes back changes nothing', async () => {
    const env = await newEnvironment(),
      id = await setHook(env, 'https://hooks.example/x', ['SIGN_UP']),
      { db, deps } = await env.context(),
      secret = async () => deps.secrets.open((await db.prehook.findFirstOrThrow()).secret!)
    const changed = await env.vendor('PATCH', `${prehooks}/${id}`, {
      secret: '********',
      eventKeys: ['USER_INVITE', 'JWT_GENERATION'],
      isActive: false,
    })
    expect(changed).toMatchObject({
      status: 200,
      body: { eventKeys: ['JWT_GENERATION', 'USER_INVITE'], isActive: false },
    })
    expect(await secret()).toBe(SECRET)
    await env.vendor('PATCH', `${prehooks}/${id}`, { secret: 'another' })
    expect(await secret()).toBe('another')
    expect((await env.vendor('DELETE', `${prehooks}/${id}`)).status).toBe(200)
    expect((await env.vendor('DELETE', `${prehooks}/${id}`)).status).toBe(404)
    expect((await env.vendor('PATCH', `${prehooks}/${UNKNOWN_ID}`, {})).status).toBe(404)
    expect((await env.vendor('GET', prehooks)).body).toEqual([])
  })

  test('is the only one for its events, in either spelling, also when many are made at once', async () => {
    const env = await newEnvironment()
    const answers = await Promise.all(
      ['SIGN_UP', 'USER_SIGNUP', 'SIGN_UP', 'USER_SIGNUP'].map((key) =>
        env.vendor('POST', prehooks, { ...hook, eventKeys: [key] }),
      ),
    )
    expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 409, 409, 409])
    const id = await setHook(env, hook.url, ['USER_INVITE'])
    expect((await env.vendor('PATCH', `${prehooks}/${id}`, { eventKeys: ['SIGN_UP'] })).status).toBe(409)
    expect((await env.vendor('GET', prehooks)).body).toHaveLength(2)
  })

  test.for([
    ['an address of another kind', { url: 'file:///etc/passwd' }, 'url must be an http or https address'],
    ['an event that nobody asks about', { eventKeys: ['SAML_AUTH'] }, /eventKeys/],
    ['a type of another kind', { type: 'LAMBDA' }, /type must be one of/],
    ['no code', { type: 'CUSTOM_CODE' }, 'codePayload should not be empty'],
    ['too much code', { type: 'CUSTOM_CODE', codePayload: 'é'.repeat(20_000) }, /codePayload/],
    ['no address', { url: undefined }, 'url should not be empty'],
    ['an empty secret', { secret: '' }, /secret/],
    ['no secret', { secret: undefined }, 'secret should not be empty'],
    ['a secret that only looks like one', { secret: '********' }, 'secret must be the whole secret'],
  ] as const)('cannot have %s', async ([, change, message]) => {
    const env = await newEnvironment()
    expect(await env.vendor('POST', prehooks, { ...hook, ...change })).toMatchObject({
      status: 400,
      body: { errors: [expect.stringMatching(message)] },
    })
    expect((await env.vendor('GET', prehooks)).body).toEqual([])
  })

  test('is a script instead of a server, and back', async () => {
    const env = await newEnvironment(),
      { url: _, secret: __, ...rest } = hook,
      code = { type: 'CUSTOM_CODE', codePayload: 'const KEY = "k3y"; function onEvent() {}' }
    const { status, body } = await env.vendor('POST', prehooks, { ...rest, ...code })
    expect([status, body]).toEqual([
      201,
      { ...rest, ...code, id: body.id, createdAt: expect.any(String), updatedAt: expect.any(String) },
    ])
    const change = (given: object) => env.vendor('PATCH', `${prehooks}/${body.id}`, given),
      { db } = await env.context()
    expect(JSON.stringify(await db.prehook.findFirst())).not.toContain('k3y')
    expect(await change({ type: 'API', url: hook.url })).toMatchObject({
      status: 400,
      body: { errors: ['secret should not be empty'] },
    })
    expect((await change({ displayName: 'Other' })).body).toMatchObject({ ...code, displayName: 'Other' })
    const api = await change({ type: 'API', url: hook.url, secret: SECRET })
    expect(api.body).toMatchObject({ type: 'API', url: hook.url, secret: '********' })
    expect(api.body).not.toHaveProperty('codePayload')
    expect(await change({ type: 'CUSTOM_CODE' })).toMatchObject({
      status: 400,
      body: { errors: ['codePayload should not be empty'] },
    })
    expect((await env.vendor('GET', prehooks)).body).toEqual([api.body])
  })

  test("is nobody else's", async () => {
    const [env, other] = [await newEnvironment(), await newEnvironment()],
      id = await setHook(env, hook.url, ['SIGN_UP'])
    expect((await other.vendor('PATCH', `${prehooks}/${id}`, { isActive: false })).status).toBe(404)
    expect((await other.vendor('DELETE', `${prehooks}/${id}`)).status).toBe(404)
    expect((await other.vendor('GET', prehooks)).body).toEqual([])
    expect((await env.vendor('GET', prehooks)).body).toMatchObject([{ isActive: true }])
  })
})
