import { describe, expect, test } from 'vitest'
import { httpDouble } from '../../../../../../packages/outbound/test/http-double.ts'
import { approvalFlows, decide, executed, flowOf, linkOf, look } from '../../../../test/approvals.ts'
import { newEnvironment, unique, type TestEnvironment } from '../../../../test/environment.ts'
import { newPhone } from '../../../../test/people.ts'
import { logIn, PASSWORD } from '../../../../test/second-factors.ts'
import { countFor } from '../../access/codes/sendings.service.ts'

const MINUTE = 60_000
const users = '/identity/resources/users'
const address = () => `${unique('approver')}@example.com`
const stateOf = async (env: TestEnvironment, id: string) =>
  (await (await env.context()).db.approvalExecution.findUniqueOrThrow({ where: { id } })).state

describe.concurrent('a request for approval', () => {
  test('goes to each approver by a link of their own, shows what it is about, and ends with the last approval', async () => {
    const env = await newEnvironment(),
      asking = await env.newUser(),
      [one, two] = [address(), address()]
    const id = await executed(env, { ...flowOf({ emails: [one, two] }, {}, 2), description: 'Above 1000' }, asking, {
      executionData: { amount: 1200 },
    })
    const [first, second] = [await linkOf(env, one), await linkOf(env, two)]
    expect(first.approvalFlowExecutionId).toBe(id)
    expect(first.approverId).not.toBe(second.approverId)
    const [message] = await env.messages({ to: one })
    expect(message).toMatchObject({ template: 'ApprovalFlowApprove', tenantId: asking.tenantId })
    expect(new URL(message!.link!).pathname).toBe('/account/approval-flow')
    expect(message!.text).toContain(`${asking.email.split('@')[0]} asks for your approval`)
    expect(await look(env.anonymous, first)).toMatchObject({
      status: 200,
      body: {
        approvalFlowName: expect.stringContaining('Flow'),
        approvalFlowDescription: 'Above 1000',
        requester: asking.email,
        approvalFlowRequestDate: expect.any(String),
        executionData: { amount: 1200 },
      },
    })
    expect(await decide(env.anonymous, first)).toMatchObject({ status: 200, body: { success: true } })
    expect(await stateOf(env, id)).toBe('pending')
    expect((await decide(env.anonymous, second)).status).toBe(200)
    expect(await stateOf(env, id)).toBe('approved')
  })

  test('takes each decision once, and none after the end', async () => {
    const env = await newEnvironment(),
      [one, two, three] = [address(), address(), address()]
    const id = await executed(env, flowOf({ emails: [one, two, three] }, {}, 2), await env.newUser())
    const [first, second, third] = [await linkOf(env, one), await linkOf(env, two), await linkOf(env, three)]
    expect((await decide(env.anonymous, first)).status).toBe(200)
    for (const approved of [true, false])
      expect(await decide(env.anonymous, first, approved)).toMatchObject({
        status: 409,
        body: { errors: ['The approver has decided already'] },
      })
    expect((await decide(env.anonymous, second, false)).status).toBe(200)
    expect(await stateOf(env, id)).toBe('rejected')
    expect(await decide(env.anonymous, third)).toMatchObject({
      status: 409,
      body: { errors: ['The approval request is no longer open'] },
    })
    expect((await look(env.anonymous, third)).status).toBe(409)
    expect(await stateOf(env, id)).toBe('rejected')
  })

  test('counts approvers who decide at once one after the other, and a step is finished once', async () => {
    const env = await newEnvironment(),
      addresses = Array.from({ length: 6 }, address),
      later = address(),
      [step] = flowOf({ emails: addresses }, {}, 3).steps,
      flow = {
        ...flowOf({ emails: addresses }),
        steps: [step, { ...flowOf({ emails: [later] }).steps[0], stepOrder: 2 }],
      }
    const id = await executed(env, flow, await env.newUser()),
      links = await Promise.all(addresses.map((to) => linkOf(env, to)))
    const answers = await Promise.all(links.map((link) => decide(env.anonymous, link)))
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 200, 200, 409, 409, 409])
    expect(await env.messages({ to: later })).toEqual([])
    await env.runJobs()
    expect(await env.messages({ to: later })).toHaveLength(1)
    expect((await decide(env.anonymous, await linkOf(env, later))).status).toBe(200)
    expect(await stateOf(env, id)).toBe('approved')
  })

  test('is decided by one person once, however many of their addresses are asked', async () => {
    const env = await newEnvironment(),
      boss = await env.newUser(),
      second = address()
    const { db } = await env.context()
    await db.userEmail.create({
      data: {
        id: crypto.randomUUID(),
        userId: boss.id,
        email: second,
        verified: true,
        createdAt: new Date(),
        updatedAt: new Date(),
      },
    })
    const flow = flowOf({ emails: [boss.email, second] }, {}, 1)
    const id = await executed(env, flow, await env.newUser())
    const asked = await db.approvalApprover.findMany({ where: { executionId: id } })
    expect(asked.map(({ userId }) => userId)).toEqual([boss.id])
    const { flow: made, asker } = { flow: flowOf({ emails: [second] }, {}, 1), asker: await env.newUser() }
    const other = await executed(env, made, asker),
      link = await linkOf(env, second)
    expect((await env.vendor('POST', `/identity/resources/users/v1/${boss.id}/lock`)).status).toBe(200)
    expect((await decide(env.anonymous, link)).status).toBe(404)
    expect(await stateOf(env, other)).toBe('pending')
  })

  test('is not begun by a token to act for the user: whoever acts could be asked', async () => {
    const env = await newEnvironment()
    await env.vendor('POST', '/identity/resources/configurations/v1/delegation', { enabled: true })
    const permissions = ['fe.secure.*'],
      user = await env.newUser({ password: PASSWORD, permissions }),
      actor = await env.machine({
        tenantId: user.tenantId,
        permissions: ['fe.secure.write.delegation', ...permissions],
      })
    const flow = await env.as(user.tenantId)('POST', approvalFlows, flowOf({ emails: [address()] })),
      type = 'urn:ietf:params:oauth:token-type:access_token'
    expect(flow.status, JSON.stringify(flow.body)).toBeLessThan(300)
    const own = (await logIn(env, user)).body.accessToken as string
    const { body } = await env.anonymous('POST', '/oauth/token', {
      ...{
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        subject_token: own,
        subject_token_type: type,
      },
      ...{ actor_token: actor.token, actor_token_type: type },
    })
    const url = `${approvalFlows}/${flow.body.id}/execute`
    expect(await env.withToken(body.access_token as string)('POST', url, {})).toMatchObject({
      status: 403,
      body: { errors: ['Only a user who has logged in may do this'] },
    })
    expect((await env.withToken(own)('POST', url, {})).status).toBe(200)
  })

  test.for(['locked', 'removed', 'disabled'] as const)(
    'is not approved for somebody who is %s by then',
    async (how) => {
      const env = await newEnvironment(),
        [one, two] = [address(), address()],
        asking = await env.newUser()
      const minutes = { autoApproveInMinutes: 10, timeoutMinutes: 60 },
        decided = await executed(env, flowOf({ emails: [one] }), asking),
        silent = await executed(env, flowOf({ emails: [two] }, minutes), asking)
      const user = `/identity/resources/users/v1/${asking.id}`
      const change = {
        locked: () => env.vendor('POST', `${user}/lock`),
        removed: () => env.as(asking.tenantId)('DELETE', user),
        disabled: () => env.as(asking.tenantId)('POST', `/identity/resources/tenants/users/v1/${asking.id}/disable`),
      }[how]
      expect((await change()).status).toBeLessThan(300)
      await decide(env.anonymous, await linkOf(env, one))
      await env.clock.advance(10 * MINUTE)
      await env.runJobs()
      for (const id of [decided, silent]) expect(await stateOf(env, id)).toBe('rejected')
    },
  )

  test('is not moved by a link of another request, step or environment, nor by what is no link', async () => {
    const env = await newEnvironment(),
      foreign = await newEnvironment(),
      to = address()
    await executed(env, flowOf({ emails: [to] }), await env.newUser())
    const other = await linkOf(env, to),
      id = await executed(env, flowOf({ emails: [to] }), await env.newUser()),
      link = await linkOf(env, to),
      wrong = [
        { ...link, approverId: other.approverId },
        { ...link, approvalFlowExecutionId: other.approvalFlowExecutionId },
        { ...link, approvalFlowStepId: other.approvalFlowStepId },
        { ...link, approverId: 'x' },
        { ...link, approverId: link.approvalFlowExecutionId },
      ]
    for (const bad of wrong) {
      expect((await decide(env.anonymous, bad)).status).toBe(404)
      expect((await look(env.anonymous, bad)).status).toBe(404)
    }
    expect((await decide(foreign.anonymous, link)).status).toBe(404)
    expect(await stateOf(env, id)).toBe('pending')
    expect((await decide(env.anonymous, link)).status).toBe(200)
  })

  test('is rejected when its time is up, whether or not a job has noticed', async () => {
    const env = await newEnvironment(),
      to = address(),
      id = await executed(env, flowOf({ emails: [to] }, { timeoutMinutes: 5 }), await env.newUser()),
      link = await linkOf(env, to)
    await env.clock.advance(5 * MINUTE)
    expect((await decide(env.anonymous, link)).status).toBe(409)
    expect(await stateOf(env, id)).toBe('pending')
    await env.runJobs()
    expect(await stateOf(env, id)).toBe('rejected')
  })

  test('is approved by itself where the flow says so, unless somebody was against it', async () => {
    const env = await newEnvironment(),
      [one, two] = [address(), address()],
      minutes = { autoApproveInMinutes: 10, timeoutMinutes: 60 },
      asking = await env.newUser(),
      silent = await executed(env, flowOf({ emails: [one] }, minutes), asking),
      refused = await executed(env, flowOf({ emails: [two] }, minutes), asking)
    await decide(env.anonymous, await linkOf(env, two), false)
    await env.clock.advance(9 * MINUTE)
    await env.runJobs()
    expect(await stateOf(env, silent)).toBe('pending')
    await env.clock.advance(MINUTE)
    await env.runJobs()
    expect(await stateOf(env, silent)).toBe('approved')
    expect(await stateOf(env, refused)).toBe('rejected')
  })

  test('reminds those who have not decided, with the same link, until the end', async () => {
    const env = await newEnvironment(),
      [one, two] = [address(), address()],
      minutes = { reminderIntervalMinutes: 60, timeoutMinutes: 150 }
    await executed(env, flowOf({ emails: [one, two] }, minutes, 2), await env.newUser())
    const link = await linkOf(env, two)
    await decide(env.anonymous, await linkOf(env, one))
    for (const [minute, expected] of [
      [59, 1],
      [1, 2],
      [60, 3],
      [60, 3],
    ] as const) {
      await env.clock.advance(minute * MINUTE)
      await env.runJobs()
      expect(await env.messages({ to: two })).toHaveLength(expected)
    }
    expect(await env.messages({ to: one })).toHaveLength(1)
    expect(await linkOf(env, two)).toEqual(link)
  })

  test('sends no more messages to an address than an hour allows', async () => {
    const env = await newEnvironment(),
      to = address()
    // so that no hour ends meanwhile
    await env.clock.freeze(new Date('2030-05-01T10:00:00.000Z'))
    const asking = await env.user(),
      { body: flow } = await env.vendor('POST', approvalFlows, flowOf({ emails: [to] })),
      url = `${approvalFlows}/${flow.id}/execute`
    await countFor(await env.context(), { kind: 'person' }, Array<string>(99).fill(to))
    expect((await asking('POST', url, {})).status).toBe(200)
    expect((await asking('POST', url, {})).status).toBe(429)
    expect(await env.messages({ to })).toHaveLength(1)
    // management has more sent
    expect((await env.as(asking.tenantId, asking.id)('POST', url, {})).status).toBe(200)
  })
})

describe.concurrent('approvers', () => {
  test('by role are the members who have it, by themselves or by a group, and never who asks', async () => {
    const env = await newEnvironment(),
      admin = await env.newUser({ roleKeys: ['Admin'] }),
      { tenantId } = admin,
      asking = await env.newUser({ tenantId, roleKeys: ['Admin'] }),
      byGroup = await env.newUser({ tenantId }),
      unproven = await env.newUser({ tenantId, roleKeys: ['Admin'], verified: false }),
      plain = await env.newUser({ tenantId }),
      elsewhere = await env.newUser({ roleKeys: ['Admin'] })
    const { db } = await env.context(),
      { id: roleId } = await db.role.findFirstOrThrow({ where: { key: 'Admin' } }),
      { body: group } = await env.as(tenantId)('POST', '/identity/resources/groups/v1', { name: 'Admins' })
    await env.as(tenantId)('POST', `/identity/resources/groups/v1/${group.id}/roles`, { roleIds: [roleId] })
    await env.as(tenantId)('POST', `/identity/resources/groups/v1/${group.id}/users`, { userIds: [byGroup.id] })
    await executed(env, flowOf({ roleKeys: ['Admin'] }), asking)
    const asked = (await env.messages()).map(({ recipient }) => recipient)
    expect(asked.toSorted()).toEqual([admin.email, byGroup.email].toSorted())
    for (const { email } of [asking, unproven, plain, elsewhere]) expect(asked).not.toContain(email)
  })

  test('are asked by SMS where the flow has that channel, at a proven number', async () => {
    const env = await newEnvironment(),
      admin = await env.newUser({ roleKeys: ['Admin'] }),
      phoneNumber = newPhone(),
      named = newPhone()
    await env.vendor('POST', `${users}/phone-numbers/v1/vendor/${admin.id}`, { phoneNumber })
    const flow = {
      ...flowOf({ roleKeys: ['Admin'], phoneNumbers: [named], emails: ['nobody@example.com'] }),
      channels: { email: false, sms: true },
    }
    const id = await executed(env, flow, await env.newUser({ tenantId: admin.tenantId }))
    expect((await env.messages()).map(({ recipient, channel }) => [channel, recipient]).toSorted()).toEqual(
      [
        ['sms', phoneNumber],
        ['sms', named],
      ].toSorted(),
    )
    const [message] = await env.messages({ to: named })
    expect(message!.text).toContain(message!.link)
    expect((await decide(env.anonymous, await linkOf(env, named))).status).toBe(200)
    expect(await stateOf(env, id)).toBe('approved')
  })

  test.for([
    ['nobody has the role', flowOf({ roleKeys: ['Nobody'] })],
    ['fewer are asked than have to approve', flowOf({ emails: ['a@example.com'] }, {}, 2)],
  ] as const)('are too few where %s: nobody is asked', async ([, flow]) => {
    const env = await newEnvironment(),
      { id, tenantId } = await env.newUser(),
      { body: made } = await env.vendor('POST', approvalFlows, flow)
    expect(await env.as(tenantId, id)('POST', `${approvalFlows}/${made.id}/execute`, {})).toMatchObject({
      status: 400,
      body: { errors: ['The approval flow has fewer approvers than have to approve'] },
    })
    expect(await env.messages()).toEqual([])
  })

  test('who cannot be found for a later step end the request', async () => {
    const env = await newEnvironment(),
      to = address(),
      flow = flowOf({ emails: [to] }),
      steps = [...flow.steps, { ...flowOf({ roleKeys: ['Nobody'] }).steps[0], stepOrder: 2 }],
      id = await executed(env, { ...flow, steps }, await env.newUser())
    await decide(env.anonymous, await linkOf(env, to))
    await env.runJobs()
    expect(await stateOf(env, id)).toBe('rejected')
  })

  const losses: [string, (env: TestEnvironment, who: { id: string; tenantId: string }) => Promise<unknown>][] = [
    ['locked', (env, { id }) => env.vendor('POST', `${users}/v1/${id}/lock`)],
    ['deleted', (env, { id }) => env.vendor('DELETE', `${users}/v1/${id}`)],
    ['removed', (env, { id, tenantId }) => env.as(tenantId)('DELETE', `${users}/v1/${id}`)],
    [
      'disabled',
      (env, { id, tenantId }) => env.as(tenantId)('POST', `/identity/resources/tenants/users/v1/${id}/disable`),
    ],
  ]
  const ways = { role: () => ({ roleKeys: ['Admin'] }), address: (email: string) => ({ emails: [email] }) }
  test.for(
    losses.flatMap(([what, lose]) => Object.entries(ways).map(([way, select]) => [what, way, lose, select] as const)),
  )('who are %s, and were asked by their %s, decide nothing', async ([, , lose, select]) => {
    const env = await newEnvironment(),
      approver = await env.newUser({ roleKeys: ['Admin'] }),
      // so that the removed one is still a user
      { tenantId } = approver,
      elsewhere = await env.newTenant()
    await env.vendor('POST', `${users}/v1/${approver.id}/tenant`, { tenantId: elsewhere })
    const id = await executed(env, flowOf(select(approver.email)), await env.newUser({ tenantId })),
      link = await linkOf(env, approver.email)
    await lose(env, approver)
    expect((await look(env.anonymous, link)).status).toBe(404)
    expect((await decide(env.anonymous, link)).status).toBe(404)
    expect(await stateOf(env, id)).toBe('pending')
  })

  test('by role decide nothing once they have lost it', async () => {
    const env = await newEnvironment(),
      approver = await env.newUser({ roleKeys: ['Admin'] }),
      id = await executed(env, flowOf({ roleKeys: ['Admin'] }), await env.newUser({ tenantId: approver.tenantId })),
      link = await linkOf(env, approver.email),
      { db } = await env.context()
    await db.membershipRole.deleteMany({ where: { userId: approver.id } })
    expect((await decide(env.anonymous, link)).status).toBe(404)
    expect(await stateOf(env, id)).toBe('pending')
  })
})

describe('the webhooks of a request', () => {
  test('are told one end, when the last approval meets the time-out', async () => {
    const env = await newEnvironment(),
      to = address(),
      double = await httpDouble(() => ({ status: 200 })),
      flow = flowOf({ emails: [to] }, { timeoutMinutes: 5, webhookUrl: double.url }),
      id = await executed(env, flow, await env.newUser()),
      link = await linkOf(env, to),
      { db } = await env.context()
    // the job is due, and the link still works
    await db.job.updateMany({ where: { name: 'end-approval' }, data: { runAt: new Date(0) } })
    const [answer] = await Promise.all([decide(env.anonymous, link), env.runJobs()])
    await env.runJobs()
    const state = await stateOf(env, id)
    expect([200, 409]).toContain(answer.status)
    expect(state).toBe(answer.status === 200 ? 'approved' : 'rejected')
    expect(double.received.map(({ body }) => JSON.parse(body.toString()).status)).toEqual([state])
  })

  test('are told the outcome, that of the flow and that of the request, again and again until they hear it', async () => {
    const env = await newEnvironment(),
      to = address(),
      answers = [500, 302, 200],
      ofFlow = await httpDouble(() => ({ status: answers.shift() ?? 200 })),
      ofRequest = await httpDouble(() => ({ status: 204 })),
      asking = await env.newUser(),
      flow = flowOf({ emails: [to] }, { webhookUrl: `${ofFlow.url}/a?key=1` })
    const id = await executed(env, flow, asking, { executionData: { amount: 1 }, webhookUrl: ofRequest.url })
    await decide(env.anonymous, await linkOf(env, to))
    for (let i = 0; i < 4; i++) {
      await env.runJobs()
      await env.clock.advance(MINUTE)
    }
    expect(ofFlow.received).toHaveLength(3)
    expect(ofFlow.received[0]).toMatchObject({ method: 'POST', target: '/a?key=1' })
    expect(ofRequest.received).toHaveLength(1)
    const bodies = [...ofFlow.received, ...ofRequest.received].map(({ body }) => body.toString())
    expect(new Set(bodies).size).toBe(1)
    expect(JSON.parse(bodies[0]!)).toMatchObject({
      approvalFlowExecutionId: id,
      status: 'approved',
      reason: 'decision',
      tenantId: asking.tenantId,
      userId: asking.id,
      executionData: { amount: 1 },
      approvalFlowName: flow.name,
      approvalFlowId: expect.any(String),
      at: expect.any(String),
    })
  })

  test('are told of each decision, too, where the flow says so', async () => {
    const env = await newEnvironment(),
      [one, two] = [address(), address()],
      double = await httpDouble(() => ({ status: 200 })),
      flow = flowOf({ emails: [one, two] }, { webhookUrl: double.url, notifyOnDecisions: true }, 2)
    await executed(env, flow, await env.newUser())
    for (const [to, approved] of [
      [one, true],
      [two, false],
    ] as const)
      await decide(env.anonymous, await linkOf(env, to), approved)
    await env.runJobs()
    const told = double.received.map(({ body }) => JSON.parse(body.toString()) as Record<string, unknown>)
    expect(told.map(({ approved, status }) => approved ?? status).toSorted()).toEqual(
      [true, false, 'rejected'].toSorted(),
    )
  })

  test('must have an address', async () => {
    const env = await newEnvironment(),
      { id, tenantId } = await env.newUser(),
      { body: flow } = await env.vendor('POST', approvalFlows, flowOf({ emails: ['a@example.com'] }))
    for (const path of [flow.id, 'step-up'])
      expect(
        await env.as(tenantId, id)('POST', `${approvalFlows}/${path}/execute`, { webhookUrl: 'javascript:1' }),
      ).toMatchObject({ status: 400, body: { errors: ['webhookUrl must be an http or https address'] } })
  })
})

describe.concurrent('the requester', () => {
  const DECISION = 'ApprovalFlowDecision'
  const told = async (env: TestEnvironment) =>
    (await env.messages({ template: DECISION })).map(({ recipient, subject, text }) => ({ recipient, subject, text }))

  test('is mailed each decision where the flow says so: by whom, and whether others have to decide', async () => {
    const env = await newEnvironment(),
      asking = await env.newUser(),
      member = await env.newUser({ tenantId: asking.tenantId }),
      stranger = address()
    const { db } = await env.context()
    await db.user.update({ where: { id: member.id }, data: { name: 'Grace' } })
    const flow = { ...flowOf({ emails: [member.email, stranger] }, { notifyOnDecisions: true }, 2), name: 'Pay Acme' }
    await executed(env, flow, asking)
    expect((await decide(env.anonymous, await linkOf(env, member.email))).status).toBe(200)
    const [first] = await told(env)
    expect(first).toMatchObject({ recipient: asking.email, subject: 'An approver has approved your request' })
    expect(first!.text).toContain('Grace has approved your request “Pay Acme”.')
    expect(first!.text).toContain('It still needs the approval of others.')
    expect((await decide(env.anonymous, await linkOf(env, stranger))).status).toBe(200)
    const [, second] = await told(env)
    expect(second!.text).toContain('An approver has approved your request “Pay Acme”.')
    expect(second!.text).toContain('Nobody else has to approve it.')
    expect(await db.message.findFirst({ where: { template: DECISION } })).toMatchObject({
      ...{ userId: asking.id, tenantId: asking.tenantId, link: null, code: null },
    })
  })

  test('is mailed a rejection, once of many decisions at once', async () => {
    const env = await newEnvironment(),
      asking = await env.newUser(),
      approver = address()
    await executed(env, flowOf({ emails: [approver] }, { notifyOnDecisions: true }), asking)
    const link = await linkOf(env, approver)
    await Promise.all(Array.from({ length: 6 }, () => decide(env.anonymous, link, false)))
    const mails = await told(env)
    expect(mails).toMatchObject([{ recipient: asking.email, subject: 'An approver has rejected your request' }])
    expect(mails[0]!.text).toContain('Nobody else is asked about it.')
  })

  test('gets no mail at an address that is not proven, and none where the flow does not say so', async () => {
    const env = await newEnvironment(),
      approver = address()
    for (const [verified, configuration] of [
      [false, { notifyOnDecisions: true }],
      [true, { notifyOnDecisions: false }],
      [true, {}],
    ] as const) {
      await executed(env, flowOf({ emails: [approver] }, configuration), await env.newUser({ verified }))
      expect((await decide(env.anonymous, await linkOf(env, approver))).status).toBe(200)
    }
    expect(await told(env)).toEqual([])
  })

  test('is told nothing by the name of a flow: it makes no links and no markup of ours', async () => {
    const env = await newEnvironment(),
      asking = await env.newUser(),
      approver = address()
    const flow = flowOf({ emails: [approver] }, { notifyOnDecisions: true })
    await executed(env, { ...flow, name: '<b>evil.example</b>' }, asking)
    await decide(env.anonymous, await linkOf(env, approver))
    const [message] = await env.messages({ template: DECISION })
    expect(message!.html).toContain('&lt;b&gt;evil')
    expect(message!.text).not.toContain('evil.example')
  })
})

describe.concurrent('a step-up by approval', () => {
  const stepUp = `${approvalFlows}/step-up/execute`

  test('asks the user themselves, by their proven address, for ten minutes', async () => {
    const env = await newEnvironment(),
      user = await env.user(),
      { status, body } = await user('POST', stepUp, { executionData: { action: 'pay' } })
    expect(status).toBe(200)
    const link = await linkOf(env, user.email)
    expect((await look(env.anonymous, link)).body).toMatchObject({
      approvalFlowName: 'Step-up',
      requester: user.email,
      executionData: { action: 'pay' },
    })
    expect((await decide(env.anonymous, link)).status).toBe(200)
    expect(await stateOf(env, body.approvalFlowExecutionId)).toBe('approved')
    await user('POST', stepUp, {})
    const late = await linkOf(env, user.email)
    await env.clock.advance(10 * MINUTE)
    expect((await decide(env.anonymous, late)).status).toBe(409)
  })

  test('asks by SMS whose address is not proven, and nobody who has neither', async () => {
    const env = await newEnvironment(),
      user = await env.user({ verified: false }),
      phoneNumber = newPhone()
    expect((await user('POST', stepUp, {})).status).toBe(400)
    await env.vendor('POST', `${users}/phone-numbers/v1/vendor/${user.id}`, { phoneNumber })
    expect((await user('POST', stepUp, {})).status).toBe(200)
    expect((await env.messages()).map(({ recipient }) => recipient)).toEqual([phoneNumber])
  })
})
