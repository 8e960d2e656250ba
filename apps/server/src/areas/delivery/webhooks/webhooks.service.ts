import type { Webhook as Row } from '@henhouse/database'
import { isWebAddress } from '@henhouse/outbound'
import { onDuplicate } from '../../../kernel/errors.ts'
import * as jobs from '../../../kernel/jobs.ts'
import type { Ctx, TenantScope } from '../../../kernel/operation.ts'
import type { Rubbish } from '../../../kernel/cleanup.ts'
import { maskedSecret } from '../mail/mail.schemas.ts'
import { invocations } from './deliveries.sql.ts'
import { send } from './sending.ts'
import { webhookErrors } from './webhooks.errors.ts'
import { deliverWebhooks, forgetSilence } from './webhooks.jobs.ts'
import {
  isMasked,
  toCall,
  toConfiguration,
  toWebhook,
  type LogQuery,
  type NewConfiguration,
  type NewWebhook,
  type TestCall,
  type WebhookChange,
} from './webhooks.schemas.ts'

export { isHeard, queueFor, queueNothing } from './queue.ts'

/** Of a tenant, or of the environment. */
const MOST = 100

/** Calls of a webhook can be looked at for a month. They go with their deliveries. */
export const webhookRubbish: Rubbish = {
  table: 'WebhookDelivery',
  when: `t.state <> 'pending' and t."createdAt" < env.now - interval '30 days'`,
}

/** A tenant sees its own webhooks, and management without a tenant those of the environment. */
const visibleTo = (tenant: TenantScope | undefined) => ({ tenantId: tenant?.id ?? null })

async function mustFind(ctx: Ctx, tenant: TenantScope | undefined, id: string) {
  const found = await ctx.db.webhook.findFirst({ where: { id, ...visibleTo(tenant) } })
  if (!found) throw webhookErrors.notFound()
  return found
}

const secretOf = (ctx: Ctx, { secret }: Pick<Row, 'secret'>) => (secret === null ? null : ctx.deps.secrets.open(secret))
const maskOf = (ctx: Ctx, row: Row) => {
  const secret = secretOf(ctx, row)
  return secret && maskedSecret(secret)
}

const all = (ctx: Ctx, tenant: TenantScope | undefined) =>
  ctx.db.webhook.findMany({ where: visibleTo(tenant), orderBy: [{ createdAt: 'asc' }, { id: 'asc' }] })

/** With their secrets masked. */
export async function list(ctx: Ctx, tenant: TenantScope | undefined) {
  const rows = await all(ctx, tenant),
    counts = rows.length ? await countsOf(ctx, rows) : new Map<string, number>()
  return rows.map((row) => toWebhook(row, maskOf(ctx, row), counts.get(row.id) ?? 0))
}

const countsOf = async (ctx: Ctx, rows: readonly Row[]) =>
  new Map(
    (
      await ctx.sql(
        invocations,
        rows.map(({ id }) => id),
      )
    ).map(({ id, count }) => [id, count]),
  )

interface Made extends Omit<NewWebhook, 'secret'> {
  secret: string | null
  key?: string
}

/** @throws 400 for an address that cannot be called, and when there are too many; 409 when the key is taken */
async function make(ctx: Ctx, tenant: TenantScope | undefined, { secret, url, eventKeys = [], ...given }: Made) {
  mustBeAddress(url)
  if (secret !== null && isMasked(secret)) throw webhookErrors.maskedSecret()
  // a bound against rubbish: that two at the same moment may pass it does no harm
  if ((await ctx.db.webhook.count({ where: visibleTo(tenant) })) >= MOST) throw webhookErrors.tooMany()
  const now = ctx.clock.now()
  return ctx.db.webhook
    .create({
      data: {
        id: ctx.random.uuid(),
        ...visibleTo(tenant),
        key: given.key ?? null,
        displayName: given.displayName ?? '',
        description: given.description ?? '',
        url,
        secret: secret === null ? null : ctx.deps.secrets.seal(secret),
        eventKeys: [...new Set(eventKeys)],
        isActive: given.isActive ?? true,
        createdAt: now,
        updatedAt: now,
      },
    })
    .catch(onDuplicate(webhookErrors.keyTaken()))
}

/** @returns it with its secret, for the only time. @throws 400 */
export async function create(ctx: Ctx, tenant: TenantScope | undefined, { secret, ...given }: NewWebhook) {
  const row = await make(ctx, tenant, { ...given, secret: secret || null })
  return toWebhook(row, secret || null, 0)
}

/** Changes what is given. What waits is tried at once. @throws 400, 404 */
export async function update(ctx: Ctx, tenant: TenantScope | undefined, id: string, change: WebhookChange) {
  const { secret, url, eventKeys, ...rest } = change
  await mustFind(ctx, tenant, id)
  if (url !== undefined) mustBeAddress(url)
  const row = await ctx.atomically(async (tx) => {
    const now = tx.clock.now()
    const { count } = await tx.db.webhook.updateMany({
      where: { id, ...visibleTo(tenant) },
      data: {
        ...rest,
        ...(url !== undefined && { url }),
        ...(eventKeys && { eventKeys: [...new Set(eventKeys)] }),
        // a masked one is what was shown, and stays
        ...(secret !== undefined &&
          !(secret && isMasked(secret)) && { secret: secret ? ctx.deps.secrets.seal(secret) : null }),
        ...(rest.isActive && { switchedOffAt: null }),
        updatedAt: now,
      },
    })
    if (!count) throw webhookErrors.notFound()
    const { count: waiting } = await tx.db.webhookDelivery.updateMany({
      where: { webhookId: id, state: 'pending' },
      data: { dueAt: now },
    })
    if (waiting) await jobs.add(tx, deliverWebhooks, { webhookId: id })
    return tx.db.webhook.findUniqueOrThrow({ where: { id } })
  })
  forgetSilence(ctx, id)
  return toWebhook(row, maskOf(ctx, row), (await countsOf(ctx, [row])).get(id) ?? 0)
}

/** What waits to be delivered is deleted with it. @throws 404 */
export async function remove(ctx: Ctx, tenant: TenantScope | undefined, id: string) {
  const { count } = await ctx.db.webhook.deleteMany({ where: { id, ...visibleTo(tenant) } })
  if (!count) throw webhookErrors.notFound()
}

function mustBeAddress(url: string) {
  if (!isWebAddress(url)) throw webhookErrors.notAnAddress()
}

/** Calls an address once, with what is given in place of an event. Nothing is stored. @throws 400 */
export async function test(ctx: Ctx, tenant: TenantScope | undefined, { url, secret, payload }: TestCall) {
  mustBeAddress(url)
  const body = JSON.stringify(payload ?? { eventKey: 'frontegg.webhook.test', eventContext: { tenantId: tenant?.id } })
  const { status, response, error } = await send(ctx, {
    url,
    secret: await secretForTest(ctx, tenant, url, secret || null),
    body,
  })
  return { statusCode: status ?? 0, body: response ?? error ?? '' }
}

/** A masked secret is the one that is stored for this very address. */
async function secretForTest(ctx: Ctx, tenant: TenantScope | undefined, url: string, secret: string | null) {
  if (secret === null || !isMasked(secret)) return secret
  const rows = await ctx.db.webhook.findMany({ where: { ...visibleTo(tenant), url } })
  const found = rows.find((row) => maskOf(ctx, row) === secret)
  if (!found) throw webhookErrors.maskedSecret()
  return secretOf(ctx, found)
}

/** The calls of a webhook, the newest first. @throws 404 */
export async function log(ctx: Ctx, tenant: TenantScope | undefined, { id, offset = 0, limit = 10 }: LogQuery) {
  await mustFind(ctx, tenant, id)
  const where = { webhookId: id }
  const [count, rows] = await Promise.all([
    ctx.db.webhookAttempt.count({ where }),
    ctx.db.webhookAttempt.findMany({
      where,
      include: { delivery: true },
      orderBy: [{ createdAt: 'desc' }, { number: 'desc' }, { id: 'desc' }],
      skip: offset,
      take: limit,
    }),
  ])
  return { count, rows: rows.map(toCall) }
}

/** Delivers what a call has delivered once more, as the same event. @throws 404, 409 when the webhook is switched off */
export async function replay(ctx: Ctx, tenant: TenantScope | undefined, callId: string) {
  const call = await ctx.db.webhookAttempt.findFirst({
    where: { id: callId, delivery: { webhook: visibleTo(tenant) } },
    include: { delivery: { include: { webhook: true } } },
  })
  if (!call) throw webhookErrors.noSuchCall()
  const { webhookId, webhook, eventId, eventKey, subject, tenantId, body } = call.delivery
  if (!webhook.isActive) throw webhookErrors.isOff()
  await ctx.atomically(async (tx) => {
    const now = tx.clock.now()
    await tx.db.webhookDelivery.create({
      data: {
        id: tx.random.uuid(),
        webhookId,
        eventId,
        eventKey,
        subject,
        tenantId,
        body,
        state: 'pending',
        dueAt: now,
        createdAt: now,
      },
      select: { id: true },
    })
    await jobs.add(tx, deliverWebhooks, { webhookId })
  })
}

/** The environment's, as its management knows them. */
export const configurations = async (ctx: Ctx) => (await all(ctx, undefined)).map(toConfiguration)

/** @returns it with its secret, for the only time. @throws 400, 409 when the key is taken */
export async function createConfiguration(ctx: Ctx, { events, secret, ...given }: NewConfiguration) {
  const known = secret || ctx.random.token()
  const row = await make(ctx, undefined, { ...given, eventKeys: events, secret: known })
  return { ...toConfiguration(row), url: row.url, events: row.eventKeys, secret: known }
}

/** @returns what was deleted. @throws 404 */
export async function removeConfiguration(ctx: Ctx, id: string) {
  const row = await mustFind(ctx, undefined, id)
  await remove(ctx, undefined, id)
  return toConfiguration(row)
}
