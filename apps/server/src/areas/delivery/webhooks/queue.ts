import { definition, definitionOfTenants } from '../../../kernel/definitions.ts'
import { rowOf } from '../../../kernel/jobs.ts'
import type { Ctx } from '../../../kernel/operation.ts'
import { grouped } from '../../../kernel/paging.ts'
import { queueEvents } from './deliveries.sql.ts'
import { deliverWebhooks } from './webhooks.jobs.ts'

interface Listener {
  readonly id: string
  readonly eventKeys: readonly string[]
}
const listening = { isActive: true } as const,
  shape = { id: true, eventKeys: true } as const

/** With more tenants than this, all of them are asked for. */
const MOST_TENANTS = 5000

const ofEnvironment = definition('webhooks', {
  models: ['Webhook'],
  async load({ db }) {
    const hooks: Listener[] = await db.webhook.findMany({ where: { ...listening, tenantId: null }, select: shape })
    const tenants = await db.webhook.findMany({
      where: { ...listening, tenantId: { not: null } },
      distinct: ['tenantId'],
      select: { tenantId: true },
      take: MOST_TENANTS,
    })
    return {
      hooks,
      tenants: tenants.length < MOST_TENANTS ? new Map(tenants.map(({ tenantId }) => [tenantId!, true])) : undefined,
    }
  },
})

const ofTenants = definitionOfTenants<readonly Listener[]>("tenants' webhooks", {
  models: ['Webhook'],
  async load({ db }, tenantIds) {
    const rows = await db.webhook.findMany({
      where: { ...listening, tenantId: { in: [...tenantIds] } },
      select: { ...shape, tenantId: true },
    })
    return grouped(rows, ({ tenantId }) => tenantId!)
  },
  none: [],
})

/** The webhooks that hear of such an event: those of the environment, and those of the tenant that it is about. */
async function listenersOf(ctx: Ctx, key: string, tenantId: string | null | undefined) {
  const { hooks, tenants } = await ofEnvironment(ctx)
  const theirs =
    typeof tenantId === 'string' && (tenants?.has(tenantId) ?? true) ? (await ofTenants(ctx, [tenantId]))(tenantId) : []
  return [
    ...hooks.map((hook) => ({ ...hook, isOfTenant: false })),
    ...theirs.map((hook) => ({ ...hook, isOfTenant: true })),
  ].filter(({ eventKeys }) => eventKeys.includes(key))
}

/** Whether any webhook hears of such an event. From memory: what a webhook would be told need not be made when there is none. */
export const isHeard = async (ctx: Ctx, key: string, tenantId?: string | null) =>
  (await listenersOf(ctx, key, tenantId)).length > 0

export interface OutgoingEvent {
  /** a UUID; receivers know repetitions by it */
  id: string
  key: string
  at: Date
  /** What it is about. Its events are delivered in their order, as long as the receiver keeps up. */
  subject: string
  tenantId?: string | null
  /** whom it is about */
  userId?: string | null
  /** what is sent, as JSON */
  body: object
  /** what webhooks of the tenant are sent, if it is less */
  bodyInTenant?: object
}

/**
 * Tells the webhooks that hear of them, in this order, with one statement in the caller's transaction: if that is rolled back,
 * nobody is told. Once it is committed they are told at least once, for a day.
 */
export async function queueFor(ctx: Ctx, ...events: readonly OutgoingEvent[]) {
  const sent: OutgoingEvent[] = [],
    told: { webhookId: string; place: number }[] = []
  for (const event of events) {
    const hooks = await listenersOf(ctx, event.key, event.tenantId)
    for (const isOfTenant of [false, true]) {
      const hearing = hooks.filter((hook) => hook.isOfTenant === isOfTenant)
      if (!hearing.length) continue
      const place = sent.push(isOfTenant ? { ...event, body: event.bodyInTenant ?? event.body } : event) - 1
      told.push(...hearing.map(({ id }) => ({ webhookId: id, place })))
    }
  }
  if (told.length) await store(ctx, sent, told)
}

/** Takes as long as `queueFor` does when a webhook hears. */
export const queueNothing = (ctx: Ctx) => store(ctx, [], [])

async function store(
  ctx: Ctx,
  events: readonly OutgoingEvent[],
  told: readonly { webhookId: string; place: number }[],
) {
  const { name, maxAttempts } = rowOf(ctx, deliverWebhooks, { webhookId: '' })
  await ctx.sql(
    queueEvents,
    told.map(({ webhookId }) => webhookId),
    told.map(() => ctx.random.uuid()),
    told.map(() => ctx.random.uuid()),
    told.map(({ place }) => place),
    JSON.stringify(
      events.map(({ id, key, at, subject, tenantId, body }, place) => ({
        ...{ place, eventId: id, key, subject, tenantId: tenantId ?? null, body: JSON.stringify(body), at },
      })),
    ),
    name,
    maxAttempts,
  )
}
