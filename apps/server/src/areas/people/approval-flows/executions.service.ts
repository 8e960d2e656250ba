import type { ApprovalExecution, ApprovalFlow } from '@henhouse/database'
import { isWebAddress, Refused } from '@henhouse/outbound'
import { Type } from 'typebox'
import { find, useUp } from '../../../kernel/challenges.ts'
import type { Rubbish } from '../../../kernel/cleanup.ts'
import { after, MINUTE } from '../../../kernel/clock.ts'
import { ApiError, errors, invalid, onUnknownReference } from '../../../kernel/errors.ts'
import * as jobs from '../../../kernel/jobs.ts'
import type { Caller, Ctx, TenantScope, UserScope } from '../../../kernel/operation.ts'
import { Id } from '../../../kernel/validation.ts'
import * as sendings from '../../access/codes/sendings.service.ts'
import { nobody } from '../../delivery/mail/person.ts'
import * as events from '../../rights/events/events.service.ts'
import { open } from '../../rights/held/held.service.ts'
import { doorsTo } from '../../rights/held/sub-account-access.service.ts'
import { userErrors } from '../users/users.errors.ts'
import { approvalErrors } from './approval-flows.errors.ts'
import { planOf, type ApproverAction, type ApproverLink, type Execution, type Plan } from './approval-flows.schemas.ts'
import { chosen, mayStill, themselves, type Chosen } from './approvers.service.ts'
import { approval, ask, countFor, mailDecision, notify, sender, subjectOf } from './asking.service.ts'

/** How long a request stays open that has no time of its own, and what a user confirms of their own. */
const LONGEST_MINUTES = 10_080,
  STEP_UP_MINUTES = 10

interface Beginning extends Plan {
  readonly flowId: string | null
  readonly name: string
  readonly description: string | null
}

/** Asks for approval by a flow, for a user. @throws 400 for a flow that is off or finds too few approvers, 404 for a user who is not in the tenant, 429 */
export async function execute(
  ctx: Ctx,
  caller: Caller,
  place: { tenant: TenantScope; user: UserScope },
  flow: ApprovalFlow,
  execution: Execution,
) {
  // a colleague with a token for this user could be asked, and approve what they themselves have asked for
  if (caller.kind === 'agent' && caller.by.type === 'delegation') throw errors.onlyPeople()
  if (!flow.isActive) throw approvalErrors.inactive()
  const { steps, channels } = planOf(flow),
    where = { tenantId: place.tenant.id, requesterId: place.user.id }
  await isIn(ctx, caller, place)
  const approvers = await chosen(ctx, where, channels, steps[0]!)
  return begin(ctx, caller, where, { ...flow, ...planOf(flow), flowId: flow.id }, execution, approvers)
}

/**
 * Asks the user themselves whether a call in their name is theirs: whoever holds only their token has not their mail or
 * phone. @throws as `execute`
 */
export async function executeStepUp(
  ctx: Ctx,
  caller: Caller,
  place: { tenant: TenantScope; user: UserScope },
  execution: Execution,
) {
  const asMember = await isIn(ctx, caller, place),
    approver = await themselves(ctx, place.user.id, asMember),
    at = ctx.clock.now().toISOString()
  const step = {
    id: ctx.random.uuid(),
    stepOrder: 1,
    approverSelectors: { roleKeys: [], emails: [], phoneNumbers: [] },
    configuration: { minApprovals: 1 },
    createdAt: at,
    updatedAt: at,
  }
  const plan = {
    flowId: null,
    name: 'Step-up',
    description: null,
    channels: { email: true, sms: true },
    configuration: { timeoutMinutes: STEP_UP_MINUTES },
    steps: [step],
  }
  return begin(ctx, caller, { tenantId: place.tenant.id, requesterId: place.user.id }, plan, execution, [approver])
}

/** Whether the user is a member of the tenant. Who has come down from one above is not; their token proves their place. @throws 404 when nothing does */
async function isIn(ctx: Ctx, caller: Caller, { tenant, user }: { tenant: TenantScope; user: UserScope }) {
  const where = { tenantId: tenant.id, userId: user.id, user: { isLocked: false }, ...open(ctx) },
    isMember = (await ctx.db.membership.count({ where })) > 0
  if (!isMember && caller.kind === 'vendor') throw userErrors.notFound()
  return isMember
}

async function begin(
  ctx: Ctx,
  caller: Caller,
  where: { tenantId: string; requesterId: string },
  { flowId, name, description, channels, configuration, steps }: Beginning,
  { executionData, webhookUrl }: Execution,
  approvers: readonly Chosen[],
) {
  if (webhookUrl !== undefined && !isWebAddress(webhookUrl))
    throw invalid('webhookUrl must be an http or https address')
  const now = ctx.clock.now(),
    id = ctx.random.uuid(),
    { autoApproveInMinutes, timeoutMinutes = LONGEST_MINUTES, reminderIntervalMinutes } = configuration
  const isApprovedFirst = autoApproveInMinutes !== undefined && autoApproveInMinutes < timeoutMinutes,
    endsAt = after(now, (isApprovedFirst ? autoApproveInMinutes : timeoutMinutes) * MINUTE)
  const row = {
    id,
    ...where,
    flowId,
    name,
    description,
    channels,
    configuration,
    steps: [...steps],
    ...(executionData && { data: executionData }),
    webhooks: [...new Set([configuration.webhookUrl, webhookUrl].filter((url) => url !== undefined))],
    byManagement: caller.kind === 'vendor',
    createdAt: now,
    endsAt,
    endsAs: isApprovedFirst ? 'approved' : 'rejected',
  }
  const subject = await subjectOf(ctx, row)
  await countFor(ctx, sender(row), approvers)
  await ctx
    .atomically(async (tx) => {
      if (flowId !== null) await mustStillBeOn(tx, flowId)
      await tx.db.approvalExecution.create({ data: row, select: { id: true } })
      await ask(tx, row, subject, steps[0]!, approvers)
      await jobs.add(tx, endRequest, { executionId: id }, endsAt)
      if (reminderIntervalMinutes !== undefined) await remindLater(tx, row, reminderIntervalMinutes, 0)
      await events.record(tx, lineFor('requested', row))
    })
    // the user, an approver or the tenant is gone by now
    .catch(onUnknownReference(userErrors.notFound()))
  return { approvalFlowExecutionId: id }
}

/** Whoever deletes the flow waits, and then finds the request. */
async function mustStillBeOn(tx: Ctx, id: string) {
  const { count } = await tx.db.approvalFlow.updateMany({ where: { id, isActive: true }, data: { isActive: true } })
  if (!count) throw approvalErrors.inactive()
}

/** What an approver's link is about, while they may decide. @throws 404 for a link that leads to nothing, 409 when it is decided or over */
async function linkedTo(ctx: Ctx, link: Omit<ApproverAction, 'approved'>) {
  const found = await find(ctx, approval, link.approverId)
  if (found.state === 'used') throw approvalErrors.decided()
  if (found.state === 'expired') throw approvalErrors.over()
  if (found.state !== 'ok') throw approvalErrors.notFound()
  const { challenge } = found,
    { executionId, stepId } = challenge.data as { executionId: string; stepId: string }
  if (executionId !== link.approvalFlowExecutionId.toLowerCase() || stepId !== link.approvalFlowStepId.toLowerCase())
    throw approvalErrors.notFound()
  const approver = await ctx.db.approvalApprover.findUnique({
    where: { id: challenge.id },
    include: { execution: { include: { requester: { select: { name: true, email: true } } } } },
  })
  if (!approver) throw approvalErrors.notFound()
  const { execution } = approver,
    position = planOf(execution).steps.findIndex(({ id }) => id === stepId),
    step = planOf(execution).steps[position]!
  if (!(await mayStill(ctx, execution.tenantId, approver, step))) throw approvalErrors.notFound()
  if (execution.state !== 'pending' || execution.position !== position || execution.endsAt <= ctx.clock.now())
    throw approvalErrors.over()
  return { challenge, approver, execution, position, step }
}

/** What the page shows of a request. @throws as `linkedTo` */
export async function dataFor(ctx: Ctx, link: ApproverLink) {
  const { execution } = await linkedTo(ctx, link),
    { name, description, requester, createdAt, data } = execution
  return {
    approvalFlowName: name,
    ...(description !== null && { approvalFlowDescription: description }),
    requester: requester.email ?? requester.name,
    approvalFlowRequestDate: createdAt.toISOString(),
    ...(data !== null && { executionData: data as object }),
  }
}

/**
 * Takes an approver's decision: the last approval that a step needs opens the next one, or ends the request; a rejection ends
 * it. Those who decide at once come one after the other. @throws as `linkedTo`
 */
export async function decide(ctx: Ctx, { approved, ...link }: ApproverAction) {
  const { challenge, approver, execution, position, step } = await linkedTo(ctx, link)
  await ctx.atomically(async (tx) => {
    const now = tx.clock.now()
    const { count } = await tx.db.approvalExecution.updateMany({
      where: { id: execution.id, state: 'pending', position, endsAt: { gt: now } },
      data: { approvals: { increment: Number(approved) } },
    })
    if (!count) throw approvalErrors.over()
    if ((await useUp(tx, challenge)).state !== 'ok') throw approvalErrors.decided()
    if (!(await mayStill(tx, execution.tenantId, approver, step))) throw approvalErrors.notFound()
    await tx.db.approvalApprover.update({ where: { id: approver.id }, data: { approved, decidedAt: now } })
    await events.record(tx, {
      ...lineFor('decided', execution),
      details: { approved, approverId: approver.id, approverUserId: approver.userId },
    })
    const { approvals } = await tx.db.approvalExecution.findUniqueOrThrow({ where: { id: execution.id } })
    const { configuration, steps } = planOf(execution),
      isPassed = approved && approvals >= step.configuration.minApprovals
    if (configuration.notifyOnDecisions) {
      await tell(tx, execution, { approved, approvalFlowStepId: step.id })
      const isOver = !approved || (isPassed && position + 1 === steps.length)
      await mailDecision(tx, execution, approver.userId, { isApproved: approved, isOver })
    }
    if (!approved) await finish(tx, execution, 'rejected', 'decision')
    else if (isPassed) await goOn(tx, execution, position + 1)
  })
  return { success: true }
}

async function goOn(tx: Ctx, execution: ApprovalExecution, position: number) {
  if (position === planOf(execution).steps.length) return finish(tx, execution, 'approved', 'decision')
  await tx.db.approvalExecution.updateMany({
    where: { id: execution.id },
    data: { position, approvals: 0, isAsked: false },
  })
  await jobs.add(tx, openStep, { executionId: execution.id, position })
}

type Reason = 'requesterGone' | 'decision' | 'timeout' | 'autoApproval' | 'noApprovers' | 'flowDeleted'

/**
 * Ends a request, unless it has ended. Whoever waits for its outcome is told. Nothing is approved for somebody who is locked or
 * has left the tenant meanwhile.
 */
async function finish(tx: Ctx, execution: ApprovalExecution, outcome: 'approved' | 'rejected', why: Reason) {
  const isGone = outcome === 'approved' && !(await isStillThere(tx, execution)),
    state = isGone ? 'rejected' : outcome,
    reason = isGone ? 'requesterGone' : why
  const { count } = await tx.db.approvalExecution.updateMany({
    where: { id: execution.id, state: 'pending' },
    data: { state, finishedAt: tx.clock.now() },
  })
  if (!count) return
  await events.record(tx, { ...lineFor(state, execution), details: { reason } })
  await tell(tx, execution, { status: state, reason })
}

/** As a member, or by a way down from a tenant above. */
async function isStillThere(tx: Ctx, { tenantId, requesterId: userId }: ApprovalExecution) {
  const user = await tx.db.user.findUnique({ where: { id: userId }, select: { isLocked: true } })
  if (!user || user.isLocked) return false
  return (
    (await tx.db.membership.count({ where: { tenantId, userId, ...open(tx) } })) > 0 ||
    (await doorsTo(tx, userId, tenantId)).length > 0
  )
}

/** The line of the audit trail about a request. */
const lineFor = (
  what: string,
  { id, tenantId, requesterId }: { id: string; tenantId: string; requesterId: string },
) => ({
  key: `approval.${what}`,
  ...{ tenantId, userId: requesterId, subject: { kind: 'approval', id } },
})

/** Ends what is being asked by a flow. */
export async function calledOff(tx: Ctx, flowId: string) {
  for (const execution of await tx.db.approvalExecution.findMany({ where: { flowId, state: 'pending' } }))
    await finish(tx, execution, 'rejected', 'flowDeleted')
}

/** Tells the webhooks of a request, each on its own, until they have heard it. */
const tell = (tx: Ctx, { id, flowId, name, tenantId, requesterId, data, webhooks }: ApprovalExecution, news: object) =>
  jobs.addMany(
    tx,
    callWebhook,
    webhooks.map((url) => ({
      url,
      body: {
        approvalFlowExecutionId: id,
        ...(flowId !== null && { approvalFlowId: flowId }),
        approvalFlowName: name,
        tenantId,
        userId: requesterId,
        ...(data !== null && { executionData: data }),
        ...news,
        at: tx.clock.now().toISOString(),
      },
    })),
  )

const about = Type.Object({ executionId: Id })

/** The end that comes by itself. */
const endRequest = jobs.job({
  name: 'end-approval',
  payload: about,
  run: (ctx, { executionId }) =>
    ctx.atomically(async (tx) => {
      const execution = await tx.db.approvalExecution.findUnique({ where: { id: executionId } })
      if (execution?.endsAs === 'approved') await finish(tx, execution, 'approved', 'autoApproval')
      else if (execution) await finish(tx, execution, 'rejected', 'timeout')
    }),
})

/** Asks the approvers of a later step. */
const openStep = jobs.job({
  name: 'open-approval-step',
  payload: Type.Object({ executionId: Id, position: Type.Integer() }),
  // as many messages as an hour allows may be out
  maxAttempts: 12,
  async run(ctx, { executionId, position }) {
    const execution = await ctx.db.approvalExecution.findFirst({
      where: { id: executionId, state: 'pending', position, isAsked: false },
    })
    if (!execution || execution.endsAt <= ctx.clock.now()) return
    const { channels, steps } = planOf(execution),
      step = steps[position]!
    const approvers = await chosen(ctx, execution, channels, step).catch((error: unknown) => {
        throw error instanceof ApiError ? new jobs.Hopeless(error.message) : error
      }),
      subject = await subjectOf(ctx, execution)
    await countFor(ctx, sender(execution), approvers)
    await ctx.atomically(async (tx) => {
      const { count } = await tx.db.approvalExecution.updateMany({
        where: { id: executionId, state: 'pending', position, isAsked: false },
        data: { isAsked: true },
      })
      if (count) await ask(tx, execution, subject, step, approvers)
    })
  },
  async failed(tx, { executionId }) {
    const execution = await tx.db.approvalExecution.findUnique({ where: { id: executionId } })
    if (execution) await finish(tx, execution, 'rejected', 'noApprovers')
  },
})

const remindLater = async (tx: Ctx, { id, endsAt }: { id: string; endsAt: Date }, minutes: number, number: number) => {
  const at = after(tx.clock.now(), minutes * MINUTE)
  if (at < endsAt) await jobs.add(tx, remind, { executionId: id, number }, at)
}

/** Sends those who have not decided their link again, as often as the flow says. */
const remind = jobs.job({
  name: 'remind-approvers',
  payload: Type.Object({ executionId: Id, number: Type.Integer() }),
  async run(ctx, { executionId, number }) {
    const execution = await ctx.db.approvalExecution.findFirst({
      where: { id: executionId, state: 'pending', reminders: number },
    })
    if (!execution || execution.endsAt <= ctx.clock.now()) return
    const { steps, configuration } = planOf(execution),
      step = steps[execution.position]!
    const waiting = await ctx.db.approvalApprover.findMany({
      where: { executionId, stepId: step.id, approved: null },
      include: { user: true },
    })
    const reminded: Parameters<typeof notify>[4][number][] = []
    for (const { user, email, phoneNumber, token, ...approver } of waiting) {
      if (!(await mayStill(ctx, execution.tenantId, approver, step))) continue
      const places = [email, phoneNumber].filter((to) => to !== null)
      // who has got too many messages is not reminded
      if (await sendings.refusalFor(ctx, sender(execution), places)) continue
      reminded.push({ person: user ?? nobody(ctx, email), email, phoneNumber, token: ctx.deps.secrets.open(token) })
    }
    const subject = await subjectOf(ctx, execution)
    await ctx.atomically(async (tx) => {
      const { count } = await tx.db.approvalExecution.updateMany({
        where: { id: executionId, state: 'pending', reminders: number },
        data: { reminders: { increment: 1 } },
      })
      if (!count) return
      await notify(tx, execution, subject, step, reminded)
      await remindLater(tx, execution, configuration.reminderIntervalMinutes!, number + 1)
    })
  },
})

/** It may be told more than once: the id of the request says which one it is about. */
const callWebhook = jobs.job({
  name: 'call-approval-webhook',
  payload: Type.Object({ url: Type.String(), body: Type.Object({}, { additionalProperties: true }) }),
  // a day
  maxAttempts: 55,
  async run(ctx, { url, body }) {
    const { status } = await ctx.deps.outbound
      .call(
        'the webhook of an approval flow',
        url,
        { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) },
        // it may hold a key of its owner's
        { secrets: [url] },
      )
      .catch((error: unknown) => {
        throw error instanceof Refused && !error.retryable ? new jobs.Hopeless(error.message) : error
      })
    if (status < 200 || status > 299) throw new Error(`the webhook of an approval flow answered ${status}`)
  },
})

export const approvalJobs = [endRequest, openStep, remind, callWebhook]

export const approvalRubbish: Rubbish = {
  table: 'ApprovalExecution',
  when: `t.state <> 'pending' and t."finishedAt" < env.now - interval '30 days'`,
}
