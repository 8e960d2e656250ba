import { describe, expect, test } from 'vitest'
import { approvalFlows, executed, flowOf } from '../../../../test/approvals.ts'
import { newEnvironment, UNKNOWN_ID } from '../../../../test/environment.ts'

const write = ['fe.secure.write.securityPolicy', 'fe.secure.read.securityPolicy']

describe.concurrent('an approval flow', () => {
  test('is kept as it was given, its steps in their order and each with an id', async () => {
    const env = await newEnvironment(),
      at = new Date('2030-05-01T10:00:00.000Z')
    await env.clock.freeze(at)
    const step = (stepOrder: number, approverSelectors: object) => ({
      approverSelectors,
      stepOrder,
      configuration: { minApprovals: 1 },
    })
    const flow = {
      name: 'Payments',
      description: 'Above a limit',
      channels: { email: true, sms: true },
      configuration: {
        autoApproveInMinutes: 1,
        reminderIntervalMinutes: 60,
        timeoutMinutes: 5,
        notifyOnDecisions: true,
        webhookUrl: 'https://hooks.example/x',
      },
      steps: [step(7, { emails: ['a@example.com'] }), step(2, { roleKeys: ['Admin'], phoneNumbers: ['+12025550123'] })],
    }
    const { status, body } = await env.vendor('POST', approvalFlows, flow),
      times = { createdAt: at.toISOString(), updatedAt: at.toISOString() },
      ids = { id: expect.any(String) }
    expect(status).toBe(201)
    expect(body).toEqual({
      ...flow,
      // decisions are written down in the audit trail
      configuration: { ...flow.configuration, logging: true },
      ...ids,
      vendorId: env.id,
      isActive: true,
      ...times,
      steps: [
        {
          ...step(2, { roleKeys: ['Admin'], emails: [], phoneNumbers: ['+12025550123'] }),
          ...ids,
          ...times,
        },
        { ...step(7, { roleKeys: [], emails: ['a@example.com'], phoneNumbers: [] }), ...ids, ...times },
      ],
    })
    expect((await env.vendor('GET', `${approvalFlows}/${body.id}`)).body).toEqual(body)
    expect((await env.vendor('GET', approvalFlows)).body).toEqual({ items: [body], total: 1 })
  })

  test('is changed in part, and gone once it is deleted', async () => {
    const env = await newEnvironment(),
      { body: made } = await env.vendor('POST', approvalFlows, flowOf({ emails: ['a@example.com'] })),
      url = `${approvalFlows}/${made.id}`
    await env.clock.advance(1000)
    const changed = await env.vendor('PATCH', url, { isActive: false })
    expect(changed).toMatchObject({ status: 200, body: { ...made, isActive: false, updatedAt: expect.any(String) } })
    expect(changed.body.updatedAt > made.updatedAt).toBe(true)
    expect(await env.vendor('DELETE', url)).toMatchObject({ status: 204, body: null })
    for (const [method, payload] of [['GET'], ['PATCH', { isActive: true }], ['DELETE']] as const)
      expect((await env.vendor(method, url, payload)).status, method).toBe(404)
  })

  test.for([
    ['no channel', { channels: { email: false, sms: false } }, 'channels must have at least one that is true'],
    [
      'an address that is none',
      { configuration: { webhookUrl: 'file:///etc/passwd' } },
      'configuration.webhookUrl must be an http or https address',
    ],
    ['a step that asks nobody', flowOf({}), 'steps.0.approverSelectors must select somebody'],
    ['no step', { steps: [] }, 'steps must contain at least 1 elements'],
    ['too short a time', { configuration: { timeoutMinutes: 4 } }, /timeoutMinutes must not be less than 5/],
    [
      'two steps of one order',
      { steps: [...flowOf({ roleKeys: ['a'] }).steps, ...flowOf({ roleKeys: ['b'] }).steps] },
      'steps must have a stepOrder of their own each',
    ],
  ] as const)('cannot have %s', async ([, change, message]) => {
    const env = await newEnvironment(),
      good = flowOf({ emails: ['a@example.com'] }),
      { body: made } = await env.vendor('POST', approvalFlows, good),
      expected = { status: 400, body: { errors: [expect.stringMatching(message)] } }
    expect(await env.vendor('POST', approvalFlows, { ...good, ...change })).toMatchObject(expected)
    expect(await env.vendor('PATCH', `${approvalFlows}/${made.id}`, change)).toMatchObject(expected)
    expect((await env.vendor('GET', approvalFlows)).body).toEqual({ items: [made], total: 1 })
  })

  test("of an account is nobody else's, and an account sees the environment's, but does not change them", async () => {
    const env = await newEnvironment(),
      [ada, bob] = [await env.user({ permissions: write }), await env.user({ permissions: write })],
      flow = flowOf({ roleKeys: ['Admin'] }),
      { body: own } = await ada('POST', approvalFlows, flow),
      { body: common } = await env.vendor('POST', approvalFlows, flow)
    expect(own.tenantId).toBe(ada.tenantId)
    expect(common).not.toHaveProperty('tenantId')
    const idsFor = async (client: typeof ada) =>
      (await client('GET', approvalFlows)).body.items.map(({ id }: { id: string }) => id)
    expect(await idsFor(ada)).toEqual([own.id, common.id])
    expect(await idsFor(bob)).toEqual([common.id])
    for (const [method, payload] of [['GET'], ['PATCH', { isActive: false }], ['DELETE']] as const)
      expect((await bob(method, `${approvalFlows}/${own.id}`, payload)).status, method).toBe(404)
    expect((await bob('POST', `${approvalFlows}/${own.id}/execute`, {})).status).toBe(404)
    for (const [method, payload] of [['PATCH', { isActive: false }], ['DELETE']] as const)
      expect((await ada(method, `${approvalFlows}/${common.id}`, payload)).status, method).toBe(403)
    expect((await ada('PATCH', `${approvalFlows}/${own.id}`, { isActive: false })).status).toBe(200)
    expect((await env.vendor('GET', `${approvalFlows}/${common.id}`)).body.isActive).toBe(true)
  })

  test('is not there once too often, also when many are made at once', async () => {
    const env = await newEnvironment(),
      { db, clock } = await env.context(),
      { body: made } = await env.vendor('POST', approvalFlows, flowOf({ roleKeys: ['Admin'] }))
    await db.approvalFlow.createMany({
      data: Array.from({ length: 197 }, (_, at) => ({
        id: crypto.randomUUID(),
        name: `Flow ${at}`,
        channels: made.channels,
        configuration: {},
        steps: made.steps,
        createdAt: clock.now(),
        updatedAt: clock.now(),
      })),
    })
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => env.vendor('POST', approvalFlows, flowOf({ roleKeys: ['Admin'] }))),
    )
    expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 201, 400, 400, 400])
    expect((await env.vendor('GET', approvalFlows)).body.total).toBe(200)
    // an account has places of its own
    expect((await env.as(await env.newTenant())('POST', approvalFlows, flowOf({ roleKeys: ['a'] }))).status).toBe(201)
  })

  test('asks nobody while it is off, and for nobody who is not there', async () => {
    const env = await newEnvironment(),
      { id, tenantId } = await env.newUser(),
      stranger = await env.newUser(),
      { body: flow } = await env.vendor('POST', approvalFlows, flowOf({ emails: ['a@example.com'] })),
      url = `${approvalFlows}/${flow.id}`
    expect((await env.as(tenantId, stranger.id)('POST', `${url}/execute`, {})).status).toBe(404)
    expect((await env.as(tenantId, id)('POST', `${approvalFlows}/${UNKNOWN_ID}/execute`, {})).status).toBe(404)
    await env.vendor('PATCH', url, { isActive: false })
    expect(await env.as(tenantId, id)('POST', `${url}/execute`, {})).toMatchObject({
      status: 400,
      body: { errors: ['The approval flow is not active'] },
    })
    expect(await env.messages()).toEqual([])
  })

  test('that is deleted has what it asks rejected', async () => {
    const env = await newEnvironment(),
      asking = await env.newUser(),
      flow = flowOf({ emails: ['a@example.com'] }, { webhookUrl: 'http://127.0.0.1:9/x' })
    await executed(env, flow, asking)
    const { db } = await env.context(),
      { id } = await db.approvalFlow.findFirstOrThrow()
    expect((await env.vendor('DELETE', `${approvalFlows}/${id}`)).status).toBe(204)
    expect(await db.approvalExecution.count()).toBe(0)
    expect(await db.job.findMany({ where: { name: 'call-approval-webhook' } })).toMatchObject([
      { payload: { body: { status: 'rejected', reason: 'flowDeleted' } } },
    ])
  })
})
