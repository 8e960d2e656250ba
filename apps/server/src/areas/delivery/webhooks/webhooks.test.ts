import { createVerifier } from 'fast-jwt'
import { describe, expect, test } from 'vitest'
import { httpDouble } from '../../../../../../packages/outbound/test/http-double.ts'
import { newEnvironment, UNKNOWN_ID } from '../../../../test/environment.ts'

const configurations = '/event/resources/configurations/v1'
const hook = {
  displayName: 'Ours',
  description: 'for the CRM',
  url: 'https://hooks.example/in?token=1',
  secret: 'a long secret of the receiver',
  eventKeys: ['frontegg.user.created', 'frontegg.user.created', 'frontegg.user.deleted'],
  isActive: false,
}
const all = ['read.webhooks', 'write.webhook', 'delete.webhook', 'read.webhookLogs'].map(
  (key) => `fe.connectivity.${key}`,
)

describe.concurrent('webhooks', () => {
  test('are made, listed, changed and deleted, as the browser client and Terraform do', async () => {
    const env = await newEnvironment(),
      // Terraform names the environment where it means no tenant
      management = env.as(env.id)
    const made = await management('POST', '/webhook/custom', hook)
    expect(made).toMatchObject({ status: 201, body: { ...hook, eventKeys: hook.eventKeys.slice(1), type: 'CUSTOM' } })
    const { _id: id } = made.body
    expect(made.body).toMatchObject({ vendorId: env.id, tenantId: null, invocations: 0, switchedOffAt: null })
    const [listed] = (await management('GET', '/webhook')).body
    expect(listed).toEqual({ ...made.body, secret: '********iver' })
    // it sends back all that it was shown
    const changed = await management('PATCH', `/webhook/${id}`, { ...listed, displayName: 'Theirs', isActive: true })
    expect(changed.body).toMatchObject({ displayName: 'Theirs', isActive: true, secret: '********iver', url: hook.url })
    const { secret } = await (await env.context()).db.webhook.findUniqueOrThrow({ where: { id } })
    expect(secret).toMatch(/^v1\./)
    expect((await management('PATCH', `/webhook/${id}`, { secret: '' })).body.secret).toBeNull()
    expect(await management('DELETE', `/webhook/${id}`)).toMatchObject({ status: 200, body: null })
    expect((await management('DELETE', `/webhook/${id}`)).status).toBe(404)
    expect((await management('GET', '/webhook')).body).toEqual([])
  })

  test('need an address that can be called, and a secret that can sign', async () => {
    const env = await newEnvironment()
    for (const change of [
      { url: 'ftp://hooks.example' },
      { url: 'hooks.example' },
      { url: '' },
      { url: undefined },
      { secret: '********iver' },
      { secret: '-----BEGIN PUBLIC KEY-----' },
      { secret: 'a\nb' },
      { eventKeys: [''] },
      { eventKeys: 'frontegg.user.created' },
      { url: `https://a.example/${'x'.repeat(2048)}` },
    ])
      expect((await env.vendor('POST', '/webhook/custom', { ...hook, ...change })).status, JSON.stringify(change)).toBe(
        400,
      )
    const { body } = await env.vendor('POST', '/webhook/custom', hook)
    expect((await env.vendor('PATCH', `/webhook/${body._id}`, { url: 'file:///etc/passwd' })).status).toBe(400)
  })

  test('of a tenant are there for its users only, and those of the environment for none', async () => {
    const env = await newEnvironment(),
      ada = await env.user({ permissions: all }),
      eve = await env.user({ permissions: all })
    const { body: theirs } = await env.vendor('POST', '/webhook/custom', hook),
      { body: mine } = await ada('POST', '/webhook/custom', hook)
    expect(mine.tenantId).toBe(ada.tenantId)
    expect((await ada('GET', '/webhook')).body.map((row: { _id: string }) => row._id)).toEqual([mine._id])
    expect((await eve('GET', '/webhook')).body).toEqual([])
    for (const [who, id] of [
      [eve, mine._id],
      [ada, theirs._id],
      [env.vendor, mine._id],
      [ada, UNKNOWN_ID],
    ] as const) {
      expect((await who('PATCH', `/webhook/${id}`, { url: 'https://evil.example' })).status).toBe(404)
      expect((await who('GET', `/webhook/logs?id=${id}`)).status).toBe(404)
      expect((await who('DELETE', `/webhook/${id}`)).status).toBe(404)
    }
    expect((await env.as(ada.tenantId)('GET', '/webhook')).body).toHaveLength(1)
    // they go with their tenant
    await env.vendor('DELETE', `/tenants/resources/tenants/v1/${ada.tenantId}`)
    await env.runJobs()
    expect(await (await env.context()).db.webhook.count()).toBe(1)
  })

  test('need the permission for each', async () => {
    const env = await newEnvironment(),
      reader = await env.user({ permissions: ['fe.connectivity.read.*'] }),
      { body } = await env.as(reader.tenantId)('POST', '/webhook/custom', hook)
    expect((await reader('GET', '/webhook')).status).toBe(200)
    expect((await reader('GET', `/webhook/logs?id=${body._id}`)).body).toEqual({ count: 0, rows: [] })
    expect((await reader('GET', `${configurations}/categories`)).status).toBe(200)
    for (const call of [
      reader('POST', '/webhook/custom', hook),
      reader('PATCH', `/webhook/${body._id}`, {}),
      reader('DELETE', `/webhook/${body._id}`),
      reader('POST', '/webhook/test', { url: hook.url, secret: null }),
      reader('POST', `/webhook/logs/${UNKNOWN_ID}/retries`),
    ])
      expect((await call).status).toBe(403)
    // nobody's own tenant is the environment
    expect(
      (await reader('GET', '/webhook', undefined, { headers: { 'frontegg-tenant-id': env.id } })).body,
    ).toHaveLength(1)
  })

  test('are no more than a hundred', async () => {
    const env = await newEnvironment(),
      ctx = await env.context(),
      now = ctx.clock.now()
    const { isActive, url, displayName } = hook
    await ctx.db.webhook.createMany({
      data: Array.from({ length: 100 }, () => ({
        id: ctx.random.uuid(),
        displayName,
        url,
        isActive,
        createdAt: now,
        updatedAt: now,
      })),
    })
    expect((await env.vendor('POST', '/webhook/custom', hook)).status).toBe(400)
    expect((await env.as(await env.newTenant())('POST', '/webhook/custom', hook)).status).toBe(201)
  })

  test('of the environment are also kept by key, and lists of them say neither where they are nor of what they hear', async () => {
    const env = await newEnvironment(),
      wanted = { url: hook.url, events: ['frontegg.user.created'], displayName: 'Ours', key: 'ours' }
    const made = await env.vendor('POST', configurations, wanted)
    expect(made).toMatchObject({ status: 201, body: { ...wanted, description: '', vendorId: env.id } })
    expect(made.body.secret.length).toBeGreaterThan(20)
    const { status, body } = await env.vendor('POST', configurations, { ...wanted, secret: 'mine', key: 'second' })
    expect([status, body.secret]).toEqual([201, 'mine'])
    expect((await env.vendor('POST', configurations, wanted)).status).toBe(409)
    for (const gone of ['url', 'events', 'displayName', 'key'])
      expect((await env.vendor('POST', configurations, { ...wanted, [gone]: undefined })).status, gone).toBe(400)
    const { body: rows } = await env.vendor('GET', configurations)
    expect(rows.map((row: { key: string }) => row.key)).toEqual(['ours', 'second'])
    expect(JSON.stringify(rows)).not.toMatch(/hooks\.example|frontegg\.user|secret/)
    // they are the same webhooks
    expect((await env.vendor('GET', '/webhook')).body).toHaveLength(2)
    expect(await env.vendor('DELETE', `${configurations}/${made.body.id}`)).toMatchObject({
      status: 200,
      body: { key: 'ours' },
    })
    expect((await env.vendor('DELETE', `${configurations}/${made.body.id}`)).status).toBe(404)
    const { body: ofTenant } = await env.as(await env.newTenant())('POST', '/webhook/custom', hook)
    expect((await env.vendor('DELETE', `${configurations}/${ofTenant._id}`)).status).toBe(404)
  })

  test('can be told of events that are listed by category, each with a name', async () => {
    const env = await newEnvironment(),
      ada = await env.user({ permissions: ['fe.connectivity.*'] })
    const { body: categories } = await ada('GET', `${configurations}/categories`),
      { body: events } = await ada('GET', `${configurations}?channels=webhook`)
    expect(
      categories.flatMap((category: { events: { key: string }[] }) => category.events.map(({ key }) => key)),
    ).toEqual(events.map((event: { key: string }) => event.key))
    expect(new Set(events.map((event: { key: string }) => event.key)).size).toBe(events.length)
    expect(events).toContainEqual(
      expect.objectContaining({
        key: 'frontegg.user.authenticatedWithSAML',
        displayName: 'User authenticated with SAML',
        categoryId: 'authentication',
        category: expect.objectContaining({ id: 'authentication', name: 'Authentication' }),
      }),
    )
    expect((await env.vendor('GET', `${configurations}?channels=webhook`)).body).toEqual(events)
    expect((await ada('GET', configurations)).body).toEqual(events)
  })
})

// one after the other: the doubles end with the test that opened them, which vitest cannot tell of concurrent ones
describe('a test call', () => {
  test('is signed as others are, and shows what came back', async () => {
    const env = await newEnvironment(),
      ada = await env.user({ permissions: all })
    let status = 201
    const double = await httpDouble(({ headers }) => ({ status, body: `got ${String(headers['x-webhook-secret'])}` })),
      url = `${double.url}/in`
    const payload = { eventKey: 'x', n: 1 }
    expect(await ada('POST', '/webhook/test', { url, secret: 'mine', payload })).toMatchObject({
      status: 200,
      body: { statusCode: 201, body: 'got ***' },
    })
    const [{ headers, body }] = double.received as [(typeof double.received)[0]]
    expect(JSON.parse(String(body))).toEqual(payload)
    expect(createVerifier({ key: 'mine' })(String(headers['x-webhook-secret']))).toHaveProperty('data')
    status = 500
    expect((await ada('POST', '/webhook/test', { url, secret: null })).body).toEqual({
      statusCode: 500,
      body: 'got undefined',
    })
    expect((await ada('POST', '/webhook/test', { url: 'gopher://x', secret: null })).status).toBe(400)
    expect(await (await env.context()).db.webhookAttempt.count()).toBe(0)
  })

  test('with a masked secret is signed with the stored one, for the address that it is stored for', async () => {
    const env = await newEnvironment(),
      [ada, eve] = [await env.user({ permissions: all }), await env.user({ permissions: all })]
    const [mine, other] = [await httpDouble(() => ({ status: 200 })), await httpDouble(() => ({ status: 200 }))]
    await ada('POST', '/webhook/custom', { ...hook, url: mine.url })
    const [{ secret }] = (await ada('GET', '/webhook')).body
    expect((await ada('POST', '/webhook/test', { url: mine.url, secret })).body.statusCode).toBe(200)
    createVerifier({ key: hook.secret })(String(mine.received[0]!.headers['x-webhook-secret']))
    expect((await ada('POST', '/webhook/test', { url: other.url, secret })).status).toBe(400)
    expect((await eve('POST', '/webhook/test', { url: mine.url, secret })).status).toBe(400)
    expect(other.received).toEqual([])
  })
})
