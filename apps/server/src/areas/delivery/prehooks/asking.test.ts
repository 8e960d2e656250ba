import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createVerifier } from 'fast-jwt'
import { describe, expect, onTestFinished, test } from 'vitest'
import { httpDouble } from '../../../../../../packages/outbound/test/http-double.ts'
import { newEnvironment, unique } from '../../../../test/environment.ts'
import { hooked, nowhere, prehooks, REFUSED, SECRET, setHook } from '../../../../test/prehooks.ts'

const tenants = '/tenants/resources/tenants/v1',
  users = '/identity/resources/users'
const make = (env: Awaited<ReturnType<typeof newEnvironment>>) => env.vendor('POST', tenants, { name: unique('Acme') })

describe('a prehook', () => {
  test('is asked what is to happen, by a call that its secret has signed', async () => {
    const env = await newEnvironment(),
      double = await hooked(env, ['CREATE_TENANT'])
    expect((await env.vendor('POST', tenants, { tenantId: 'acme', name: 'Acme' })).status).toBe(201)
    const [{ method, target, headers, body }] = double.received as [(typeof double.received)[number]]
    expect([method, target, headers['content-type']]).toEqual(['POST', '/hook', 'application/json'])
    expect(JSON.parse(body.toString())).toEqual({
      eventKey: 'CREATE_TENANT',
      data: { tenant: { tenantId: 'acme', name: 'Acme' } },
      prehookContext: { vendorId: env.id, applicationId: null, tenantId: 'acme' },
    })
    const signature = String(headers['x-webhook-secret']),
      claims = createVerifier({ key: SECRET, algorithms: ['HS256'] })(signature)
    expect(claims).toEqual({
      data: createHash('sha256').update(body).digest('hex'),
      iat: expect.any(Number),
      exp: claims.iat + 300,
    })
  })

  test('is asked by the name of the event that it was given', async () => {
    const env = await newEnvironment(),
      double = await hooked(env, ['USER_SIGNUP'])
    await env.anonymous('POST', `${users}/v1/signUp`, {
      email: `${unique('new')}@example.com`,
      companyName: 'Acme',
      password: 'Henhouse-1!',
    })
    expect(double.questions()).toMatchObject([{ eventKey: 'USER_SIGNUP' }])
  })

  test.for([
    ['in the newer form', { verdict: 'block', error: { status: 422, message: ['No', 'Never'] } }, 422, ['No', 'Never']],
    ['in the older form', { continue: false, error: { status: 409, message: 'No' } }, 409, ['No']],
    ['without a reason', { verdict: 'block' }, 400, ['Refused by a prehook']],
    ['and wants a challenge, or a lock', { verdict: 'lock', error: { message: ['x'] } }, 400, ['x']],
    ['with a status that is not its own', { verdict: 'block', error: { status: 503, message: ['x'] } }, 400, ['x']],
    [
      'with too many words, and lines',
      { verdict: 'block', error: { message: ['a\nb', 7, 'x'.repeat(600), ...Array<string>(20).fill('y')] } },
      400,
      ['a b', 'x'.repeat(500), ...Array<string>(8).fill('y')],
    ],
  ] as const)('refuses %s', async ([, answer, status, messages]) => {
    const env = await newEnvironment()
    await hooked(env, ['CREATE_TENANT'], answer)
    expect(await make(env)).toMatchObject({ status, body: { errors: messages } })
    expect(await (await env.context()).db.tenant.count()).toBe(0)
  })

  const silences: [string, () => Promise<string>][] = [
    ['cannot be reached', nowhere],
    ['fails', async () => (await httpDouble(() => ({ status: 500, body: '{"verdict":"allow"}' }))).url],
    [
      'leads elsewhere',
      async () => (await httpDouble(() => ({ status: 302, headers: { location: 'https://a.example' } }))).url,
    ],
    ['answers no JSON', async () => (await httpDouble(() => ({ status: 200, body: 'yes' }))).url],
    ['says nothing', async () => (await httpDouble(() => ({ status: 200, body: '{}' }))).url],
    ['says something else', async () => (await httpDouble(() => ({ status: 200, body: '{"verdict":"maybe"}' }))).url],
    [
      'says too much',
      async () =>
        (await httpDouble(() => ({ status: 200, body: `{"verdict":"allow","x":"${'x'.repeat(100_000)}"}` }))).url,
    ],
    ['does not answer in time', async () => (await httpDouble(() => undefined)).url],
    ['answers a byte at a time', dripping],
  ]
  test.for(silences)('that %s refuses where it is to close, and else lets pass', async ([, server]) => {
    const env = await newEnvironment(),
      id = await setHook(env, await server(), ['CREATE_TENANT'])
    expect(await make(env)).toMatchObject(REFUSED)
    expect(await (await env.context()).db.tenant.count()).toBe(0)
    await env.vendor('PATCH', `${prehooks}/${id}`, { failMethod: 'OPEN' })
    expect((await make(env)).status).toBe(201)
  })

  test('is not asked once it is switched off or deleted, nor about anything else', async () => {
    const env = await newEnvironment(),
      id = await setHook(env, await nowhere(), ['DELETE_TENANT'])
    const { body } = await make(env)
    expect(await env.vendor('DELETE', `${tenants}/${body.tenantId}`)).toMatchObject(REFUSED)
    await env.vendor('PATCH', `${prehooks}/${id}`, { isActive: false })
    expect((await env.vendor('DELETE', `${tenants}/${body.tenantId}`)).status).toBeLessThan(300)
    await env.vendor('PATCH', `${prehooks}/${id}`, { isActive: true, eventKeys: ['CREATE_TENANT'] })
    expect(await make(env)).toMatchObject(REFUSED)
    await env.vendor('DELETE', `${prehooks}/${id}`)
    expect((await make(env)).status).toBe(201)
  })
})

/** Begins its answer, and never comes to an end. */
async function dripping() {
  const server = createServer((_, response) => {
    const timer = setInterval(() => response.write(' '), 100)
    response.once('close', () => clearInterval(timer))
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
