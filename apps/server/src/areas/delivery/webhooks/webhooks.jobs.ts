import { LRUCache } from 'lru-cache'
import { Type } from 'typebox'
import { after, DAY, MINUTE, SECOND } from '../../../kernel/clock.ts'
import type { Deps } from '../../../kernel/deps.ts'
import { add, backOff, job } from '../../../kernel/jobs.ts'
import type { Ctx } from '../../../kernel/operation.ts'
import { Id } from '../../../kernel/validation.ts'
import { onlyFailures, takeNext, type Taken } from './deliveries.sql.ts'
import { isDelivered, send, TIMEOUT, type Outcome } from './sending.ts'

/*
 * A delivery is a row, and a job only wakes somebody up: it delivers whatever is due for its webhook, in the order of the
 * events, and ends. So one that finds enough others at work can leave the rest to them.
 */

/** Deliveries that one process has under way for a webhook. */
const AT_ONCE = 3
/** How long one job goes on before another one takes its turn. */
const TURN = 30 * SECOND
/** After this, the worker that sends a delivery counts as dead. */
const LEASE = 3 * TIMEOUT
/** How long it is tried. */
const LIFETIME = DAY
/** How long an event waits for an earlier one of the same subject. */
const PATIENCE = 10 * MINUTE
/** So many deliveries given up, one after another, switch a webhook off. */
const MOST_GIVEN_UP = 5

interface Pace {
  running: number
  /** somebody was sent away since this was last false */
  isCalled: boolean
}
/** It gave no answer: until then it is left alone, or each delivery that waits would hold a worker up. */
interface Silence {
  until: Date
  times: number
  /** a job is there that goes on then */
  willWake: boolean
}
const paces = new WeakMap<Deps, Map<string, Pace>>(),
  silences = new WeakMap<Deps, LRUCache<string, Silence>>()

function of<V extends object>(kept: WeakMap<Deps, V>, deps: Deps, make: () => V) {
  let found = kept.get(deps)
  if (!found) kept.set(deps, (found = make()))
  return found
}
const silencesOf = ({ deps }: Ctx) => of(silences, deps, () => new LRUCache<string, Silence>({ max: 10_000 }))

export const deliverWebhooks = job({
  name: 'deliver-webhooks',
  payload: Type.Object({ webhookId: Id }),
  atOnce: 50,
  async run(ctx, { webhookId }) {
    const all = of(paces, ctx.deps, () => new Map<string, Pace>()),
      pace = all.get(webhookId) ?? { running: 0, isCalled: false }
    if (pace.running >= AT_ONCE) {
      pace.isCalled = true
      return
    }
    all.set(webhookId, pace)
    pace.running++
    try {
      await deliverAll(ctx, webhookId, pace)
    } finally {
      if (--pace.running === 0) all.delete(webhookId)
    }
  },
})
export const webhookJobs = [deliverWebhooks]

async function deliverAll(ctx: Ctx, webhookId: string, pace: Pace) {
  const ends = after(ctx.deps.systemClock.now(), TURN)
  do {
    pace.isCalled = false
    for (;;) {
      if (await isSilent(ctx, webhookId)) return
      if (ctx.deps.systemClock.now() > ends) {
        await add(ctx, deliverWebhooks, { webhookId })
        return
      }
      if (!(await deliverNext(ctx, webhookId))) break
    }
  } while (pace.isCalled)
}

/** Whether the webhook is left alone for now. A job is there then for when it is not. */
async function isSilent(ctx: Ctx, webhookId: string) {
  const silence = silencesOf(ctx).get(webhookId),
    now = ctx.clock.now()
  // the clock may have been set back
  if (!silence || silence.until <= now || silence.until > after(now, backOff(silence.times))) return false
  if (!silence.willWake) {
    silence.willWake = true
    await add(ctx, deliverWebhooks, { webhookId }, silence.until)
  }
  return true
}

async function deliverNext(ctx: Ctx, webhookId: string) {
  const now = ctx.clock.now(),
    machineNow = ctx.deps.systemClock.now(),
    attemptId = ctx.random.uuid()
  const [taken] = await ctx.sql(
    takeNext,
    webhookId,
    attemptId,
    after(machineNow, LEASE),
    now,
    machineNow,
    after(now, -PATIENCE),
  )
  if (!taken) return false
  if (!taken.isActive) {
    await dropAll(ctx, webhookId)
    return false
  }
  const outcome = await send(ctx, {
    url: taken.url,
    secret: taken.secret === null ? null : ctx.deps.secrets.open(taken.secret),
    body: taken.body,
    headers: { 'x-webhook-event-id': taken.eventId, 'x-webhook-delivery-id': attemptId },
  })
  await settle(ctx, webhookId, attemptId, taken, outcome)
  noteSilence(ctx, webhookId, outcome)
  return true
}

/** A webhook that is switched off is told nothing, also not of what happened before. */
const dropAll = ({ db, clock }: Ctx, webhookId: string) =>
  db.webhookDelivery.updateMany({
    where: { webhookId, state: 'pending' },
    data: { state: 'dropped', finishedAt: clock.now(), attemptId: null, leaseUntil: null },
  })

function noteSilence(ctx: Ctx, webhookId: string, { status }: Outcome) {
  const kept = silencesOf(ctx),
    known = kept.get(webhookId),
    now = ctx.clock.now()
  if (status !== undefined) kept.delete(webhookId)
  // those that were under way at the same time count once
  else if (!known || known.until <= now) {
    const times = (known?.times ?? 0) + 1
    kept.set(webhookId, { until: after(now, backOff(times)), times, willWake: false })
  }
}

/** It may have another address now. */
export const forgetSilence = (ctx: Ctx, webhookId: string) => silencesOf(ctx).delete(webhookId)

/** Records what became of an attempt, and what follows from it. */
async function settle(ctx: Ctx, webhookId: string, attemptId: string, taken: Taken, outcome: Outcome) {
  const { id, attempts, createdAt } = taken
  await ctx.atomically(async (tx) => {
    const now = tx.clock.now(),
      isDone = isDelivered(outcome),
      isOver = isDone || after(createdAt, LIFETIME) <= now,
      dueAt = after(now, backOff(attempts))
    // its webhook was deleted meanwhile
    if (!(await tx.db.webhookDelivery.count({ where: { id } }))) return
    await tx.db.webhookAttempt.create({
      data: { ...outcome, id: attemptId, deliveryId: id, webhookId, number: attempts, createdAt: now },
      select: { id: true },
    })
    const { count } = await tx.db.webhookDelivery.updateMany({
      // a worker that was silent for so long that another one has taken it over decides nothing any more
      where: { id, attemptId, state: 'pending' },
      data: {
        attemptId: null,
        leaseUntil: null,
        ...(isOver ? { state: isDone ? 'delivered' : 'failed', finishedAt: now } : { dueAt }),
      },
    })
    if (!count) return
    if (!isOver) await add(tx, deliverWebhooks, { webhookId }, dueAt)
    else if (!isDone) await switchOffTheDead(tx, webhookId)
  })
}

async function switchOffTheDead(tx: Ctx, webhookId: string) {
  const [last] = await tx.sql(onlyFailures, webhookId, MOST_GIVEN_UP)
  if (!last?.isSo) return
  const now = tx.clock.now()
  await tx.db.webhook.updateMany({
    where: { id: webhookId, isActive: true },
    data: { isActive: false, switchedOffAt: now, updatedAt: now },
  })
}
