import { describe, expect, test } from 'vitest'
import { httpDouble } from '../../../../../../packages/outbound/test/http-double.ts'
import { newEnvironment, UNKNOWN_ID, type Client } from '../../../../test/environment.ts'

const url = '/event/resources/triggers/v3'
const event = { eventKey: 'eggs.laid', data: { title: 'Eggs', description: 'Three of them', count: 3 } }

async function prepared(answers = 200) {
  const env = await newEnvironment(),
    tenantId = await env.newTenant(),
    double = await httpDouble(() => ({ status: answers, body: '' }))
  const hear = (by: Client, eventKeys = [event.eventKey]) =>
    by('POST', '/webhook/custom', { displayName: 'Ours', url: double.url, secret: 's', eventKeys, isActive: true })
  const statusOf = async (eventId: string, by: Client = env.vendor) =>
    (await by('GET', `${url}/${eventId}/statuses`)).body
  return { env, tenantId, double, hear, statusOf }
}

describe.concurrent('an event of the application', () => {
  test('is told to the webhooks that hear it: of the environment and of its account, and of no other', async () => {
    const { env, tenantId, double, hear, statusOf } = await prepared(),
      other = await env.newTenant()
    await hear(env.vendor)
    await hear(env.as(tenantId))
    await hear(env.as(other))
    await hear(env.as(tenantId), ['eggs.hatched'])
    const { status, body } = await env.as(tenantId)('POST', url, event)
    expect(status).toBe(200)
    expect(body).toEqual({ eventId: expect.any(String) })
    expect(await statusOf(body.eventId)).toEqual({
      ...{ eventId: body.eventId, eventKey: 'eggs.laid' },
      channels: { webhook: { status: 'PENDING', errorMetadata: {} } },
    })
    await env.runJobs()
    expect(double.received).toHaveLength(2)
    for (const { headers, body: sent } of double.received) {
      expect(JSON.parse(String(sent))).toEqual({ eventKey: 'eggs.laid', data: event.data, eventContext: { tenantId } })
      expect(headers['x-webhook-event-id']).toBe(body.eventId)
    }
    expect((await statusOf(body.eventId)).channels).toEqual({ webhook: { status: 'SUCCEEDED', errorMetadata: {} } })
    // another of the same is another event
    expect((await env.as(tenantId)('POST', url, event)).body.eventId).not.toBe(body.eventId)
  })

  test('has a status when nobody hears it, which names the channels that are not here', async () => {
    const { env, tenantId, statusOf } = await prepared(),
      { body } = await env.as(tenantId)('POST', url, { ...event, channelConfiguration: { email: { subject: 'Eggs' } } })
    expect(await statusOf(body.eventId)).toEqual({
      ...{ eventId: body.eventId, eventKey: 'eggs.laid' },
      channels: { email: { status: 'FAILED', errorMetadata: { message: 'Events go to webhooks only' } } },
    })
    const { data } = (await env.as(tenantId)('GET', '/audits')).body
    expect(data.map((line: { action: string }) => line.action)).toContain('event.triggered')
  })

  test('has failed once its webhook was given up', async () => {
    const { env, hear, statusOf } = await prepared(410)
    await hear(env.vendor)
    const { body } = await env.vendor('POST', url, event)
    for (let day = 0; day < 3; day++) {
      await env.runJobs()
      await env.clock.advance(24 * 3600 * 1000)
    }
    await env.runJobs()
    expect((await statusOf(body.eventId)).channels.webhook).toEqual({
      ...{ status: 'FAILED', errorMetadata: { failed: 1, of: 1 } },
    })
  })

  test('is never one of the server, which receivers believe', async () => {
    const { env, double, hear } = await prepared()
    await hear(env.vendor, ['frontegg.user.deleted', 'Frontegg.user.deleted'])
    for (const eventKey of ['frontegg.user.deleted', 'Frontegg.user.deleted', ''])
      expect((await env.vendor('POST', url, { ...event, eventKey })).status).toBe(400)
    expect((await env.vendor('POST', url, { eventKey: 'a' })).status).toBe(400)
    await env.runJobs()
    expect(double.received).toEqual([])
  })

  test('is triggered and seen by users who may, in their account only', async () => {
    const { env, double, hear } = await prepared(),
      may = await env.user({ permissions: ['fe.connectivity.write.triggerEvent', 'fe.connectivity.read.events'] }),
      mayNot = await env.user({ permissions: ['fe.connectivity.read.*'] }),
      elsewhere = await env.newTenant()
    await hear(env.as(elsewhere))
    expect((await mayNot('POST', url, event)).status).toBe(403)
    const { body } = await may('POST', url, event, { headers: { 'frontegg-tenant-id': elsewhere } })
    await env.runJobs()
    expect(double.received).toEqual([])
    expect((await may('GET', `${url}/${body.eventId}/statuses`)).status).toBe(200)
    const foreign = (await env.as(elsewhere)('POST', url, event)).body.eventId
    for (const id of [foreign, UNKNOWN_ID, 'x']) expect((await may('GET', `${url}/${id}/statuses`)).status).toBe(404)
    expect((await (await newEnvironment()).vendor('GET', `${url}/${body.eventId}/statuses`)).status).toBe(404)
    expect((await env.anonymous('POST', url, event)).status).toBe(401)
  })
})
