import type { AddressInfo } from 'node:net'
import { describe, expect, test } from 'vitest'
import { deps, newEnvironment, UNKNOWN_ID, type TestEnvironment } from '../../test/environment.ts'
import { webService } from '../../test/web-service.ts'
import { buildServer } from '../server.ts'
import { addControlPlane } from './control-plane.ts'
import { faultyOutbound } from './faults.ts'
import { watching } from './watch.ts'

const watched = watching(deps),
  on = await buildServer(
    { ...deps, outbound: faultyOutbound(deps.outbound, watched.faults, deps.database) },
    watched.watch,
  )
await addControlPlane(on, { open: true, watching: watched })

const ROLES = '/identity/resources/roles/v1',
  FORGOT = '/identity/resources/users/v1/passwords/reset'
const order = (env: TestEnvironment, fault: object) =>
  env.bare('POST', '/_emulator/faults', { environment: env.id, ...fault })
const requests = async (env: TestEnvironment) =>
  (await env.bare('GET', `/_emulator/requests?environment=${env.id}`)).body
const messages = async (env: TestEnvironment, more = '') =>
  (await env.bare('GET', `/_emulator/messages?environment=${env.id}${more}`)).body
const statuses = async (count: number, call: () => Promise<{ status: number }>) =>
  (await Promise.all(Array.from({ length: count }, call))).map(({ status }) => status)

describe.concurrent('a fault on order', () => {
  test('answers in place of the operation, so often and no more, and is in the request log', async () => {
    const env = await newEnvironment(on),
      { status, body } = await order(env, {
        operation: 'createRolesV1',
        status: 503,
        body: { error: 'later' },
        count: 1,
      })
    expect([status, body.played]).toEqual([201, 0])
    const create = () => env.vendor('POST', ROLES, [{ key: 'r', name: 'R', level: 1 }])
    expect((await env.vendor('GET', ROLES)).status).toBe(200)
    expect(await create()).toMatchObject({ status: 503, body: { error: 'later' } })
    expect((await requests(env))[0]).toMatchObject({
      status: 503,
      fault: body.id,
      rule: { kind: 'fault', name: body.id },
      explanation: expect.stringContaining(`DELETE /_emulator/faults/${body.id}`),
    })
    expect((await create()).status).toBe(201)
    expect((await env.bare('GET', `/_emulator/faults?environment=${env.id}`)).body).toMatchObject([
      { id: body.id, played: 1 },
    ])
  })

  test('is counted right by simultaneous calls', async () => {
    const env = await newEnvironment(on)
    await order(env, { status: 500, count: 3 })
    const found = await statuses(20, () => env.vendor('GET', ROLES))
    expect(found.filter((status) => status === 500)).toHaveLength(3)
  })

  test('may say when to come again', async () => {
    const env = await newEnvironment(on)
    await order(env, { retryAfter: 7 })
    const { status, headers, body } = await env.vendor('GET', ROLES)
    expect([status, headers['retry-after'], body]).toEqual([429, '7', { errors: ['Too Many Requests'] }])
  })

  test('happens to the tenant or user that it names', async () => {
    const env = await newEnvironment(on),
      [one, other] = [await env.user(), await env.user()],
      me = '/identity/resources/users/v2/me'
    await order(env, { tenant: one.tenantId, status: 502 })
    await order(env, { user: other.id, status: 504 })
    expect([(await one('GET', me)).status, (await other('GET', me)).status]).toEqual([502, 504])
    expect((await env.vendor('GET', ROLES)).status).toBe(200)
    expect((await (await newEnvironment(on)).vendor('GET', ROLES)).status).toBe(200)
  })

  test('happens as often as it is probable', async () => {
    const env = await newEnvironment(on)
    await order(env, { probability: 0, status: 500 })
    expect(await statuses(10, () => env.vendor('GET', ROLES))).toEqual(Array(10).fill(200))
    await order(env, { probability: 0.5, status: 500 })
    const failed = (await statuses(100, () => env.vendor('GET', ROLES))).filter((status) => status === 500).length
    expect(failed).toBeGreaterThan(15)
    expect(failed).toBeLessThan(85)
  })

  test('makes a call take longer, and then go on', async () => {
    const env = await newEnvironment(on)
    await order(env, { latency: 300, count: 1 })
    const began = performance.now()
    expect((await env.vendor('GET', ROLES)).status).toBe(200)
    expect(performance.now() - began).toBeGreaterThan(290)
    expect((await requests(env))[0].ms).toBeGreaterThan(290)
  })

  test('drops the connection', async ({ onTestFinished }) => {
    const watchedHere = watching(deps),
      here = await buildServer(deps, watchedHere.watch)
    await addControlPlane(here, { open: true, watching: watchedHere })
    await here.http.listen({ port: 0, host: '127.0.0.1' })
    onTestFinished(() => here.http.close())
    const env = await newEnvironment(here),
      url = `http://127.0.0.1:${(here.http.server.address() as AddressInfo).port}${ROLES}`,
      headers = { authorization: `Bearer ${await env.token({ type: 'vendor', vendorId: env.id })}` }
    await order(env, { drop: true, count: 1 })
    await expect(fetch(url, { headers })).rejects.toThrow('fetch failed')
    expect((await fetch(url, { headers })).status).toBe(200)
    expect(await requests(env)).toMatchObject([
      { status: 200, fault: null },
      { status: null, rule: { kind: 'fault' } },
    ])
  })

  test('has the provider refuse mails', async () => {
    const env = await newEnvironment(on),
      { email } = await env.newUser({ password: 'Correct-Horse-7' }),
      forgot = () => env.anonymous('POST', FORGOT, { email })
    await forgot()
    const { body } = await order(env, { target: 'mail', count: 1 })
    expect((await forgot()).status).toBe(201)
    expect((await requests(env))[0]).toMatchObject({ status: 201, fault: body.id })
    await forgot()
    expect(
      (await messages(env)).map(({ status, link, error }: Record<string, unknown>) => [status, link === null, error]),
    ).toEqual([
      ['held', false, null],
      ['failed', true, `The provider refused it: fault ${body.id}`],
      ['held', false, null],
    ])
  })

  test('has the receivers of webhooks down', async ({ onTestFinished }) => {
    const env = await newEnvironment(on),
      receiver = await webService(() => ({ body: '' }))
    onTestFinished(() => receiver.close())
    const hook = {
      displayName: 'Ours',
      description: '',
      secret: 'long enough',
      eventKeys: ['frontegg.user.created'],
      isActive: true,
    }
    expect((await env.as(env.id)('POST', '/webhook/custom', { ...hook, url: receiver.url })).status).toBe(201)
    const { body } = await order(env, { target: 'webhooks', count: 1 })
    const tenantId = await env.newTenant(),
      create = (email: string) =>
        env.vendor('POST', '/identity/resources/vendor-only/users/v1', { email, tenantId, name: 'N', metadata: '{}' })
    expect((await create('one@example.com')).status).toBe(201)
    await env.runJobs()
    expect(receiver.asked).toHaveLength(0)
    const calls = async () => (await env.bare('GET', `/_emulator/webhooks?environment=${env.id}`)).body
    expect(await calls()).toMatchObject([{ status: null, error: expect.stringContaining(body.id) }])
    await env.clock.advance(3_600_000)
    await env.runJobs()
    expect(receiver.asked).toHaveLength(1)
    await order(env, { target: 'webhooks', status: 500, count: 1 })
    await create('two@example.com')
    await env.runJobs()
    expect((await calls())[0].status).toBe(500)
    expect(receiver.asked).toHaveLength(1)
  })

  test('ends when it is deleted, and with a reset', async () => {
    const env = await newEnvironment(on),
      call = async () => (await env.vendor('GET', ROLES)).status,
      { body } = await order(env, { status: 500 })
    expect(await call()).toBe(500)
    expect((await env.bare('DELETE', `/_emulator/faults/${body.id}`)).status).toBe(204)
    expect((await env.bare('DELETE', `/_emulator/faults/${body.id}`)).status).toBe(404)
    expect(await call()).toBe(200)
    await order(env, { status: 500 })
    expect((await env.bare('DELETE', `/_emulator/faults?environment=${env.id}`)).status).toBe(204)
    expect(await call()).toBe(200)
    await order(env, { status: 500 })
    expect((await env.bare('POST', '/_emulator/reset', { environment: env.id })).status).toBe(204)
    expect(await call()).toBe(200)
  })

  test('must make sense', async () => {
    const env = await newEnvironment(on)
    for (const fault of [
      {},
      { operation: 'noSuchV1', status: 500 },
      { status: 100 },
      { status: 500, count: 0 },
      { status: 500, probability: 2 },
      { status: 500, statu: 1 },
      { body: {} },
      { drop: true, status: 500 },
      { latency: 60_001 },
      { target: 'sms' },
      { target: 'mail', status: 500 },
      { target: 'webhooks', drop: true },
      { target: 'webhooks', operation: 'createRolesV1' },
    ])
      expect([fault, (await order(env, fault)).status]).toEqual([fault, 400])
    expect((await env.bare('POST', '/_emulator/faults', { environment: UNKNOWN_ID, status: 500 })).status).toBe(404)
    expect((await env.bare('GET', `/_emulator/faults?environment=${env.id}`)).body).toEqual([])
  })

  test('is one of a hundred at most', async () => {
    const env = await newEnvironment(on)
    const found = await statuses(101, () => order(env, { status: 500, probability: 0 }))
    expect(found.filter((status) => status === 201)).toHaveLength(100)
  })
})
