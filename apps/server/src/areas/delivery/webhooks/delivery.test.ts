import { createHash } from 'node:crypto'
import { outbound, type Outbound } from '@henhouse/outbound'
import { createVerifier } from 'fast-jwt'
import { describe, expect, test } from 'vitest'
import { httpDouble, type Received, type Reply } from '../../../../../../packages/outbound/test/http-double.ts'
import { deps, newEnvironment, newServer, type TestEnvironment } from '../../../../test/environment.ts'
import { DAY, HOUR, MINUTE, SECOND } from '../../../kernel/clock.ts'
import { runDue } from '../../../kernel/jobs.ts'
import { isHeard, queueFor } from './webhooks.service.ts'

const KEY = 'frontegg.user.created',
  secret = 'a secret of the receiver'
const ok: Reply = { status: 200, body: 'thanks' }

/** A receiver's double, and an environment that tells it of events. */
async function setUp(
  answer: (request: Received) => Reply | undefined = () => ok,
  env?: TestEnvironment,
  path = '/hook?a=b',
) {
  const double = await httpDouble(answer),
    home = env ?? (await newEnvironment())
  const { body: hook } = await home.vendor('POST', '/webhook/custom', {
    displayName: 'Ours',
    url: `${double.url}${path}`,
    secret,
    eventKeys: [KEY],
    isActive: true,
  })
  return {
    env: home,
    hook,
    received: double.received,
    url: double.url,
    row: async () => (await home.context()).db.webhook.findUniqueOrThrow({ where: { id: hook._id } }),
    deliveries: async () =>
      (await home.context()).db.webhookDelivery.findMany({
        where: { webhookId: hook._id },
        orderBy: { sequence: 'asc' },
      }),
    log: async () => (await home.vendor('GET', `/webhook/logs?id=${hook._id}&limit=100`)).body,
  }
}
const uuid = () => deps.random.uuid()
async function tell(
  env: TestEnvironment,
  {
    key = KEY,
    subject = 'user:1',
    tenantId,
    n = 0,
  }: Partial<{ key: string; subject: string; tenantId: string; n: number }> = {},
) {
  const ctx = await env.context(),
    id = uuid()
  await ctx.atomically((tx) =>
    queueFor(tx, {
      id,
      key,
      at: tx.clock.now(),
      subject,
      tenantId: tenantId ?? null,
      body: { eventKey: key, n, user: { name: 'Zoë' } },
    }),
  )
  return id
}
const numbers = (received: readonly Received[]) => received.map(({ body }) => JSON.parse(String(body)).n as number)
const eventIds = (received: readonly Received[]) => received.map(({ headers }) => headers['x-webhook-event-id'])
const deliveryIds = (received: readonly Received[]) => received.map(({ headers }) => headers['x-webhook-delivery-id'])

/** With a limit of time that a test can wait for, for those that hang. */
const hasty = (): Outbound => {
  const real = outbound('anywhere')
  return {
    ...real,
    call: (name, url, call, about) =>
      real.call(name, url, { ...call, ...(url.endsWith('/hangs') && { timeoutMs: 300 }) }, about),
  }
}

// one after the other: the doubles end with the test that opened them, which vitest cannot tell of concurrent ones
describe('a webhook', () => {
  test('is told of an event, signed over the bytes that are sent', async () => {
    const { env, received, log, hook } = await setUp()
    const id = await tell(env)
    await env.runJobs()
    const [{ method, target, headers, body }] = received as [Received]
    expect([method, target, headers['content-type']]).toEqual(['POST', '/hook?a=b', 'application/json'])
    expect(JSON.parse(String(body))).toEqual({ eventKey: KEY, n: 0, user: { name: 'Zoë' } })
    const payload = createVerifier({ key: secret, algorithms: ['HS256'] })(String(headers['x-webhook-secret']))
    expect(payload).toMatchObject({ data: createHash('sha256').update(body).digest('hex') })
    expect(payload.exp).toBeGreaterThan(payload.iat)
    expect(() =>
      createVerifier({ key: 'another', algorithms: ['HS256'] })(String(headers['x-webhook-secret'])),
    ).toThrow()
    expect(headers['x-webhook-event-id']).toBe(id)
    const { count, rows } = await log()
    expect(count).toBe(1)
    expect(rows[0]).toMatchObject({
      id: headers['x-webhook-delivery-id'],
      webhookId: hook._id,
      statusCode: '200',
      body: String(body),
      eventId: id,
      eventKey: KEY,
      attempt: 1,
      state: 'delivered',
      requestHeaders: { 'x-webhook-secret': '***', 'x-webhook-event-id': id },
      response: 'thanks',
      error: null,
    })
    expect(JSON.stringify(rows)).not.toContain(headers['x-webhook-secret'])
    // everything is done
    expect(await (await env.context()).db.job.count()).toBe(0)
    await env.runJobs()
    expect(received).toHaveLength(1)
  })

  test('is not signed for without a secret', async () => {
    const { env, received, hook } = await setUp()
    await env.vendor('PATCH', `/webhook/${hook._id}`, { secret: null })
    await tell(env)
    await env.runJobs()
    expect(received[0]!.headers).not.toHaveProperty('x-webhook-secret')
  })

  test('hears of the keys that it has subscribed to, while it is switched on', async () => {
    const { env, received, hook } = await setUp()
    const ctx = await env.context()
    await tell(env, { key: 'frontegg.user.deleted' })
    expect(await isHeard(ctx, 'frontegg.user.deleted', null)).toBe(false)
    expect(await isHeard(ctx, KEY, null)).toBe(true)
    await env.vendor('PATCH', `/webhook/${hook._id}`, { isActive: false })
    expect(await isHeard(ctx, KEY, null)).toBe(false)
    await tell(env)
    await env.runJobs()
    expect(received).toEqual([])
    expect(await ctx.db.webhookDelivery.count()).toBe(0)
  })

  test("of a tenant hears of its tenant only, and the environment's of all", async () => {
    const { env, received } = await setUp(),
      double = await httpDouble(() => ok),
      [mine, other] = [await env.newTenant(), await env.newTenant()]
    await env.as(mine)('POST', '/webhook/custom', { url: double.url, eventKeys: [KEY] })
    await tell(env, { n: 1 })
    await tell(env, { n: 2, tenantId: other })
    await tell(env, { n: 3, tenantId: mine })
    await env.runJobs()
    expect(numbers(received)).toEqual([1, 2, 3])
    expect(numbers(double.received)).toEqual([3])
    const ctx = await env.context()
    expect([await isHeard(ctx, KEY, mine), await isHeard(ctx, 'frontegg.x', mine)]).toEqual([true, false])
  })

  test('is not told of what was rolled back', async () => {
    const { env, received } = await setUp(),
      ctx = await env.context()
    await expect(
      ctx.atomically(async (tx) => {
        await queueFor(tx, { id: uuid(), key: KEY, at: tx.clock.now(), subject: 's', body: {} })
        throw new Error('no')
      }),
    ).rejects.toThrow('no')
    await env.runJobs()
    expect(received).toEqual([])
    expect(await ctx.db.webhookDelivery.count()).toBe(0)
  })

  test('that is deleted while an event is queued does not make its cause fail', async () => {
    const { env, hook } = await setUp(),
      ctx = await env.context()
    await ctx.atomically(async (tx) => {
      expect(await isHeard(tx, KEY, null)).toBe(true)
      await env.vendor('DELETE', `/webhook/${hook._id}`)
      await queueFor(tx, { id: uuid(), key: KEY, at: tx.clock.now(), subject: 's', body: {} })
    })
    expect(await ctx.db.webhookDelivery.count()).toBe(0)
  })
})

describe('a delivery that fails', () => {
  test('is tried again with growing waits, as the same event under another id, signed anew', async () => {
    let failures = 3
    const { env, received, log, deliveries } = await setUp(() => (failures-- > 0 ? { status: 500, body: 'no' } : ok))
    await env.clock.freeze()
    const id = await tell(env)
    for (const wait of [0, 15 * SECOND, 30 * SECOND, MINUTE]) {
      await env.clock.advance(wait - 1)
      await env.runJobs()
      const before = received.length
      await env.clock.advance(1)
      await env.runJobs()
      expect(received.length - before, `after ${wait} ms`).toBe(1)
    }
    expect(new Set(eventIds(received))).toEqual(new Set([id]))
    expect(new Set(deliveryIds(received)).size).toBe(4)
    const hash = createHash('sha256').update(received[3]!.body).digest('hex')
    for (const { headers, body } of received) {
      expect(body.equals(received[0]!.body)).toBe(true)
      expect(createVerifier({ key: secret })(String(headers['x-webhook-secret']))).toMatchObject({ data: hash })
    }
    expect(
      (await log()).rows.map((row: { attempt: number; statusCode: string }) => [row.attempt, row.statusCode]),
    ).toEqual([
      [4, '200'],
      [3, '500'],
      [2, '500'],
      [1, '500'],
    ])
    expect(await deliveries()).toMatchObject([{ state: 'delivered', attempts: 4 }])
  })

  test('is given up after a day, and the fifth in a row switches its webhook off', async () => {
    const { env, received, deliveries, row, hook } = await setUp(() => ({ status: 503 }))
    for (let n = 0; n < 6; n++) await tell(env, { n, subject: `user:${n}` })
    for (let hours = 0; hours < 23; hours++) {
      await env.runJobs()
      await env.clock.advance(HOUR)
    }
    expect((await deliveries()).map(({ state }) => state)).toEqual(Array(6).fill('pending'))
    expect((await row()).isActive).toBe(true)
    await env.clock.advance(HOUR)
    await env.runJobs()
    expect((await deliveries()).map(({ state }) => state).sort()).toEqual(
      [...Array(5).fill('failed'), 'dropped'].sort(),
    )
    const { body } = await env.vendor('GET', '/webhook')
    expect(body).toMatchObject([{ _id: hook._id, isActive: false, switchedOffAt: expect.any(String) }])
    const before = received.length
    await tell(env)
    await env.clock.advance(DAY)
    await env.runJobs()
    expect(received).toHaveLength(before)
    // somebody switches it on again
    expect((await env.vendor('PATCH', `/webhook/${hook._id}`, { isActive: true })).body).toMatchObject({
      isActive: true,
      switchedOffAt: null,
    })
    await tell(env)
    await env.runJobs()
    expect(received).toHaveLength(before + 1)
  })

  test('holds up later events of its subject, for a while, and of no other', async () => {
    let isDown = true
    const { env, received } = await setUp(({ body }) =>
      isDown && JSON.parse(String(body)).n === 1 ? { status: 500 } : ok,
    )
    await tell(env, { n: 1, subject: 'user:a' })
    await tell(env, { n: 2, subject: 'user:a' })
    await tell(env, { n: 3, subject: 'user:b' })
    await env.runJobs()
    expect(numbers(received)).toEqual([1, 3])
    isDown = false
    await env.clock.advance(15 * SECOND)
    await env.runJobs()
    expect(numbers(received)).toEqual([1, 3, 1, 2])
    // but not for ever
    isDown = true
    await tell(env, { n: 1, subject: 'user:a' })
    await tell(env, { n: 5, subject: 'user:a' })
    received.length = 0
    for (let minutes = 0; minutes < 20; minutes++) {
      await env.runJobs()
      if (minutes < 9) expect(numbers(received)).not.toContain(5)
      await env.clock.advance(MINUTE)
    }
    expect(numbers(received).filter((n) => n === 5)).toHaveLength(1)
  })

  test('is tried again at once when the webhook gets another address', async () => {
    const { env, hook, received } = await setUp(() => ({ status: 404 })),
      moved = await httpDouble(() => ok)
    const id = await tell(env)
    await env.runJobs()
    await env.vendor('PATCH', `/webhook/${hook._id}`, { url: moved.url })
    await env.runJobs()
    expect(received).toHaveLength(1)
    expect(eventIds(moved.received)).toEqual([id])
  })

  test('with a redirect goes nowhere else', async () => {
    const inner = await httpDouble(() => ok),
      { env, log } = await setUp(() => ({ status: 307, headers: { location: inner.url } }))
    await tell(env)
    await env.runJobs()
    expect(inner.received).toEqual([])
    expect((await log()).rows).toMatchObject([{ statusCode: '307', state: 'pending' }])
  })

  test('goes to no private address in production, also not by a test', async () => {
    const env = await newEnvironment(await newServer({ outbound: outbound([]) })),
      { received, log, url } = await setUp(() => ok, env)
    await tell(env)
    await env.runJobs()
    expect((await log()).rows).toMatchObject([
      { statusCode: '0', error: 'webhook: the address is not a public one', response: null },
    ])
    expect((await env.vendor('POST', '/webhook/test', { url })).body).toEqual({
      statusCode: 0,
      body: 'webhook: the address is not a public one',
    })
    expect(received).toEqual([])
  })
})

describe('deliveries', () => {
  test('to a receiver that hangs hold up nobody else, and are few', async () => {
    const env = await newEnvironment(await newServer({ outbound: hasty() })),
      hanging = await setUp(() => undefined, env, '/hangs'),
      healthy = await setUp(() => ok, env)
    for (let n = 0; n < 20; n++) await tell(env, { n, subject: `user:${n}` })
    const worker = (await newServer({ outbound: hasty() })).worker
    await Promise.all(Array.from({ length: 10 }, () => runDue(worker, env.id)))
    expect(healthy.received).toHaveLength(20)
    expect(hanging.received.length).toBeLessThanOrEqual(3)
    expect((await hanging.log()).rows[0]).toMatchObject({
      statusCode: '0',
      error: expect.stringMatching(/no (whole )?answer/),
    })
    // it is left alone for a while
    const before = hanging.received.length
    await runDue(worker, env.id)
    expect(hanging.received).toHaveLength(before)
    await env.clock.advance(15 * SECOND)
    await runDue(worker, env.id)
    expect(hanging.received.length).toBeGreaterThan(before)
  })

  test('that wait for a receiver that hung arrive in their order once it answers', async () => {
    let isUp = false
    const env = await newEnvironment(await newServer({ outbound: hasty() })),
      { received } = await setUp(() => (isUp ? ok : undefined), env, '/hangs')
    for (let n = 0; n < 5; n++) await tell(env, { n })
    await env.runJobs()
    expect(numbers(received)).toEqual([0])
    isUp = true
    received.length = 0
    await env.clock.advance(15 * SECOND)
    await env.runJobs()
    expect(numbers(received)).toEqual([0, 1, 2, 3, 4])
  })

  test('are made once each and in order, however many workers look', async () => {
    const { env, received } = await setUp(),
      servers = await Promise.all([newServer(), newServer(), newServer()])
    const ids: string[] = []
    for (let n = 0; n < 12; n++) ids.push(await tell(env, { n, subject: `user:${n % 2}` }))
    await Promise.all(servers.flatMap(({ worker }) => [runDue(worker, env.id), runDue(worker, env.id)]))
    expect(eventIds(received).sort()).toEqual(ids.sort())
    for (const parity of [0, 1])
      expect(numbers(received).filter((n) => n % 2 === parity)).toEqual(
        Array.from({ length: 6 }, (_, i) => 2 * i + parity),
      )
  })

  test('whose worker died are made again, as the same event', async () => {
    const { env, received, deliveries } = await setUp(),
      ctx = await env.context(),
      id = await tell(env)
    // as if a worker had sent it, and had been killed before it could say so
    const deliveryId = (await deliveries())[0]!.id
    const hold = (leaseUntil: Date) =>
      ctx.db.webhookDelivery.update({ where: { id: deliveryId }, data: { attemptId: uuid(), leaseUntil, attempts: 1 } })
    await hold(new Date(deps.systemClock.now().getTime() + MINUTE))
    const job = await ctx.db.job.findFirstOrThrow()
    await env.runJobs()
    expect(received).toEqual([])
    await hold(new Date(deps.systemClock.now().getTime() - 1))
    // its job is still there, as it never ended
    await ctx.db.job.create({ data: { ...job, payload: job.payload as object, progress: undefined as never } })
    await env.runJobs()
    expect(eventIds(received)).toEqual([id])
    expect(await deliveries()).toMatchObject([{ state: 'delivered', attempts: 2 }])
  })

  test('whose jobs run twice are made once', async () => {
    const { env, received, hook } = await setUp(),
      ctx = await env.context()
    await tell(env)
    const job = await ctx.db.job.findFirstOrThrow()
    await ctx.db.job.create({
      data: {
        ...job,
        id: uuid(),
        sequence: job.sequence + 1_000_000n,
        payload: { webhookId: hook._id },
        progress: undefined as never,
      },
    })
    expect(await env.runJobs()).toBe(2)
    expect(received).toHaveLength(1)
  })

  test('show no secret in the log, also when the receiver answers with all that it got', async () => {
    const { env, received, log } = await setUp(({ headers }) => ({
      status: 200,
      body: `${secret} ${String(headers['x-webhook-secret'])}\0${'x'.repeat(10_000)}`,
    }))
    await tell(env)
    await env.runJobs()
    const { rows } = await log()
    expect(rows[0].response).toMatch(/^\*\*\* \*\*\* x+$/)
    expect(rows[0].response.length).toBeLessThan(4097)
    expect(JSON.stringify(rows)).not.toContain(received[0]!.headers['x-webhook-secret'])
  })

  test('can be made once more, as the same event', async () => {
    const { env, received, log, hook } = await setUp(),
      id = await tell(env)
    await env.runJobs()
    const { rows } = await log()
    expect(await env.vendor('POST', `/webhook/logs/${rows[0].id}/retries`)).toMatchObject({ status: 200, body: null })
    await env.runJobs()
    expect(eventIds(received)).toEqual([id, id])
    expect(received[1]!.body.equals(received[0]!.body)).toBe(true)
    expect(new Set(deliveryIds(received)).size).toBe(2)
    await env.vendor('PATCH', `/webhook/${hook._id}`, { isActive: false })
    expect((await env.vendor('POST', `/webhook/logs/${rows[0].id}/retries`)).status).toBe(409)
  })

  test('are shown by the emulator, which waits for them', async () => {
    const { env, hook, url } = await setUp(() => ({ status: 204 }))
    const waiting = env.bare('GET', `/_emulator/webhooks?environment=${env.id}&key=${KEY}&wait=20`)
    const id = await tell(env, { n: 7 })
    await env.runJobs()
    expect((await waiting).body).toMatchObject([
      {
        webhookId: hook._id,
        url: `${url}/hook?a=b`,
        eventId: id,
        eventKey: KEY,
        body: { n: 7 },
        attempt: 1,
        status: 204,
      },
    ])
    expect((await env.bare('GET', `/_emulator/webhooks?environment=${env.id}&key=x`)).body).toEqual([])
  })

  test('are kept for a month', async () => {
    const { env, log } = await setUp()
    await tell(env)
    await env.runJobs()
    const { cleanUp } = await import('../../../kernel/cleanup.ts'),
      { webhookRubbish } = await import('./webhooks.service.ts')
    await env.clock.advance(29 * DAY)
    await cleanUp(deps, [webhookRubbish])
    expect((await log()).count).toBe(1)
    await env.clock.advance(2 * DAY)
    await cleanUp(deps, [webhookRubbish])
    expect((await log()).count).toBe(0)
  })
})
