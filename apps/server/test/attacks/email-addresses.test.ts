import { describe, expect, test } from 'vitest'
import { newEnvironment, type TestEnvironment } from '../environment.ts'

const v2 = '/identity/resources/users/v2'
const create = async (env: TestEnvironment, tenantId: string, email: string) =>
  env.as(tenantId)('POST', v2, { email, metadata: '{}', skipInviteEmail: true })

describe.concurrent('e-mail addresses', () => {
  test('have letters of every alphabet', async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant()
    for (const email of [
      'josé@example.com',
      'müller@example.com',
      '최상수@example.com',
      'あい@example.com',
      'b@bücher.example',
    ])
      expect(await create(env, tenantId, email), email).toMatchObject({ status: 201, body: { email } })
  })

  test('without a real domain are refused, and those that would break a header', async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant()
    for (const email of [
      'a@localhost',
      'a@example',
      'a@b.c',
      'x@1.2.3.4',
      'a@[127.0.0.1]',
      'a b@example.com',
      '"a\r\nBcc: b"@example.com',
      'a@example.com\n',
    ])
      expect(await create(env, tenantId, email), email).toMatchObject({
        status: 400,
        body: { errors: ['email must be an email'] },
      })
  })

  test.for([
    ['b@bücher.example', 'B@xn--bcher-kva.example'],
    ['b@BÜCHER.example', 'b@bücher.example'],
    ['jose\u0301@example.com', 'JOS\u00c9@example.com'],
  ] as const)('are one account however they are written: %s and %s', async ([first, second]) => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant()
    const made = await create(env, tenantId, first)
    expect(made.status).toBe(201)
    expect(await create(env, tenantId, second)).toMatchObject({ status: 409 })
    for (const email of [first, second].map(encodeURIComponent))
      expect((await env.vendor('GET', `/identity/resources/users/v1/email?email=${email}`)).body.id).toBe(made.body.id)
  })

  test('let their owner in by every spelling, and what is written for them is found by the lists', async () => {
    const env = await newEnvironment(),
      password = 'Correct-Horse-7'
    const made = await env.vendor('POST', '/identity/resources/vendor-only/users/v1', {
      email: 'Ada@Bücher.example',
      password,
      tenantId: await env.newTenant(),
      metadata: '{}',
    })
    expect(made).toMatchObject({ status: 201, body: { email: 'ada@bücher.example' } })
    for (const email of ['ada@bücher.example', 'ADA@XN--BCHER-KVA.example'])
      expect((await env.anonymous('POST', '/identity/resources/auth/v1/user', { email, password })).status).toBe(200)
    const { body } = await env.vendor('GET', `${v2}?_email=${encodeURIComponent('ada@xn--bcher-kva.example')}`)
    expect(body.items ?? body).toMatchObject([{ id: made.body.id }])
  })
})
