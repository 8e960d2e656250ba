import type { Ctx, TenantScope } from '../../../kernel/operation.ts'
import { queueFor } from '../../delivery/webhooks/webhooks.service.ts'
import { storeAll } from './events.sql.ts'
import { lineOf } from './events.service.ts'
import { triggerErrors } from './triggers.errors.ts'
import type { Trigger } from './triggers.schemas.ts'

/* Events of applications: what has happened there, and webhooks are told of as of what has happened here. */

const TRIGGERED = 'event.triggered',
  /** what is told of the channels that the reference has besides */
  NOT_HERE = { status: 'FAILED', errorMetadata: { message: 'Events go to webhooks only' } } as const
/** More are not listed: a call can name any. */
const MOST_CHANNELS = 10

/** @throws 400 for a key of the server's own */
export async function trigger(
  ctx: Ctx,
  tenant: TenantScope | undefined,
  { eventKey, data, channelConfiguration }: Trigger,
) {
  if (/^frontegg\./i.test(eventKey)) throw triggerErrors.ours()
  const tenantId = tenant?.id ?? null,
    line = lineOf(ctx, {
      key: TRIGGERED,
      ...{ tenantId, subject: { kind: 'event', id: eventKey } },
      details: { channels: Object.keys(channelConfiguration ?? {}).slice(0, MOST_CHANNELS) },
    })
  await ctx.atomically(async (tx) => {
    await tx.sql(storeAll, JSON.stringify([line]))
    await queueFor(tx, {
      ...{ id: line.id, key: eventKey, at: line.at, tenantId },
      // one that cannot be delivered holds no other up
      subject: `event ${line.id}`,
      body: { data, eventContext: { ...(tenantId !== null && { tenantId }) }, eventKey },
    })
  })
  return { eventId: line.id }
}

/** How far it has come. @throws 404 for an event of another tenant, and for one that nobody has triggered */
export async function status(ctx: Ctx, tenant: TenantScope | undefined, eventId: string) {
  const found = await ctx.db.event.findFirst({
    where: { id: eventId, key: TRIGGERED, ...(tenant && { tenantId: tenant.id }) },
    select: { subjectId: true, details: true },
  })
  if (!found) throw triggerErrors.notFound()
  const deliveries = await ctx.db.webhookDelivery.findMany({ where: { eventId }, select: { state: true } }),
    { channels = [] } = found.details as { channels?: string[] }
  return {
    eventKey: found.subjectId!,
    eventId,
    channels: {
      ...Object.fromEntries(channels.map((name) => [name, NOT_HERE])),
      ...(deliveries.length && { webhook: statusOf(deliveries.map(({ state }) => state)) }),
    },
  }
}

/** Of several webhooks: the worst of those that are done with it, once all are. */
function statusOf(states: readonly string[]) {
  const failed = states.filter((state) => state === 'failed' || state === 'dropped').length
  if (states.includes('pending')) return { status: 'PENDING' as const, errorMetadata: {} }
  return failed
    ? { status: 'FAILED' as const, errorMetadata: { failed, of: states.length } }
    : { status: 'SUCCEEDED' as const, errorMetadata: {} }
}
