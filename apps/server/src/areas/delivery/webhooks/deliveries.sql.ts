import { statement } from '../../../kernel/sql.ts'

/** An event for one webhook. */
export interface Queued {
  webhookId: string
  deliveryId: string
  jobId: string
  eventId: string
  key: string
  subject: string
  tenantId: string | null
  body: string
  at: Date
}
/** Jobs of a webhook that are woken for one change: one process does not deliver more at once. */
const MOST_WOKEN = 3

/**
 * Events for webhooks, as far as these are still there and switched on, with jobs that deliver them. The webhooks are locked, so
 * that one that is deleted at this moment does not make the cause of the event fail.
 */
export const queueEvents = statement<object, [queued: string, job: string, maxAttempts: number]>(
  'webhooks.queue',
  `
  with given as (
    select * from jsonb_to_recordset($2::jsonb) as g ("webhookId" uuid, "deliveryId" uuid, "jobId" uuid, "eventId" uuid,
      key text, subject text, "tenantId" text, body text, at timestamptz)),
  hook as materialized (
    select w.id from "Webhook" w
    where w."vendorId" = $1::uuid and w.id in (select g."webhookId" from given g) and w."isActive"
    for key share),
  delivery as (
    insert into "WebhookDelivery"
      ("vendorId", id, "webhookId", "eventId", "eventKey", subject, "tenantId", body, state, attempts, "dueAt", "createdAt")
    select $1::uuid, g."deliveryId", g."webhookId", g."eventId", g.key, g.subject, g."tenantId", g.body, 'pending', 0, g.at, g.at
    from given g join hook h on h.id = g."webhookId"),
  woken as (
    select g.*, row_number() over (partition by g."webhookId") as number from given g join hook h on h.id = g."webhookId")
  insert into "Job" ("vendorId", id, name, payload, "runAt", "maxAttempts", state, "createdAt")
  select $1::uuid, w."jobId", $3::text, jsonb_build_object('webhookId', w."webhookId"), w.at, $4::int, 'queued', w.at
  from woken w where w.number <= ${MOST_WOKEN}`,
)

export interface Taken {
  id: string
  eventId: string
  eventKey: string
  body: string
  attempts: number
  createdAt: Date
  url: string
  /** sealed */
  secret: string | null
  isActive: boolean
}

/**
 * Takes the next delivery of a webhook, so that no other worker has it. One whose subject has an earlier one that is still
 * pending waits for that, up to a moment of its own: `$7` is the newest that waits no longer.
 */
export const takeNext = statement<
  Taken,
  [webhookId: string, attemptId: string, leaseUntil: Date, now: Date, machineNow: Date, patientUntil: Date]
>(
  'webhooks.take',
  `
  update "WebhookDelivery" d set "attemptId" = $3::uuid, "leaseUntil" = $4::timestamptz, attempts = d.attempts + 1
  from "Webhook" w
  where w."vendorId" = $1::uuid and w.id = $2::uuid and d."vendorId" = $1::uuid and d.id = (
    select n.id from "WebhookDelivery" n
    where n."vendorId" = $1::uuid and n."webhookId" = $2::uuid and n.state = 'pending' and n."dueAt" <= $5::timestamptz
      and (n."leaseUntil" is null or n."leaseUntil" < $6::timestamptz)
      and (n."createdAt" <= $7::timestamptz or not exists (
        select from "WebhookDelivery" e
        where e."vendorId" = $1::uuid and e."webhookId" = $2::uuid and e.subject = n.subject and e.state = 'pending'
          and e.sequence < n.sequence))
    order by n.sequence limit 1 for update skip locked)
  returning d.id, d."eventId", d."eventKey", d.body, d.attempts, d."createdAt", w.url, w.secret, w."isActive"`,
)

/** Whether the last `$3` deliveries that came to an end were all given up. */
export const onlyFailures = statement<{ isSo: boolean }, [webhookId: string, most: number]>(
  'webhooks.only-failures',
  `
  select count(*) = $3::int and bool_and(state = 'failed') as "isSo" from (
    select state from "WebhookDelivery"
    where "vendorId" = $1::uuid and "webhookId" = $2::uuid and state in ('delivered', 'failed')
    order by "finishedAt" desc limit $3::int) last`,
)

/** How often each of these webhooks was called, as far as the log goes back. */
export const invocations = statement<{ id: string; count: number }, [webhookIds: readonly string[]]>(
  'webhooks.invocations',
  `
  select "webhookId" as id, count(*)::int as count from "WebhookAttempt"
  where "vendorId" = $1::uuid and "webhookId" = any ($2::uuid[]) group by "webhookId"`,
)
