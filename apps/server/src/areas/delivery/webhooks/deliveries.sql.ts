import { statement } from '../../../kernel/sql.ts'

/**
 * Events for webhooks, as far as these are still there and switched on, each with a job that delivers it. They are locked, so
 * that one that is deleted at this moment does not make the cause of the event fail. Deliveries keep the order in which they
 * are given.
 */
export const queueEvents = statement<
  object,
  [
    webhookIds: readonly string[],
    deliveryIds: readonly string[],
    jobIds: readonly string[],
    /** which of the events each of these is told, by its place in them */
    places: readonly number[],
    events: string,
    job: string,
    maxAttempts: number,
  ]
>(
  'webhooks.queue',
  `
  with hook as (
    select w.id, given."deliveryId", given."jobId", given.n, e."eventId", e.key, e.subject, e."tenantId", e.body, e.at
    from unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::int[]) with ordinality
      as given (id, "deliveryId", "jobId", place, n)
    join jsonb_to_recordset($6::jsonb)
      as e (place int, "eventId" uuid, key text, subject text, "tenantId" text, body text, at timestamptz)
      on e.place = given.place
    join "Webhook" w on w."vendorId" = $1::uuid and w.id = given.id and w."isActive"
    for key share of w),
  delivery as (
    insert into "WebhookDelivery"
      ("vendorId", id, "webhookId", "eventId", "eventKey", subject, "tenantId", body, state, attempts, "dueAt", "createdAt")
    select $1::uuid, "deliveryId", id, "eventId", key, subject, "tenantId", body, 'pending', 0, at, at from hook order by n)
  insert into "Job" ("vendorId", id, name, payload, "runAt", "maxAttempts", state, "createdAt")
  select $1::uuid, "jobId", $7::text, jsonb_build_object('webhookId', id), at, $8::int, 'queued', at from hook order by n`,
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
