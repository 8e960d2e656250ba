import { statement } from '../../../kernel/sql.ts'

/**
 * An event for these webhooks, as far as they are still there and switched on, each with a job that delivers it. They are
 * locked, so that one that is deleted at this moment does not make the cause of the event fail.
 */
export const queueEvent = statement<
  object,
  [
    webhookIds: readonly string[],
    deliveryIds: readonly string[],
    jobIds: readonly string[],
    eventId: string,
    key: string,
    subject: string,
    tenantId: string | null,
    body: string,
    at: Date,
    job: string,
    maxAttempts: number,
  ]
>(
  'webhooks.queue',
  `
  with hook as (
    select w.id, given."deliveryId", given."jobId"
    from unnest($2::uuid[], $3::uuid[], $4::uuid[]) as given (id, "deliveryId", "jobId")
    join "Webhook" w on w."vendorId" = $1::uuid and w.id = given.id and w."isActive"
    for key share of w),
  delivery as (
    insert into "WebhookDelivery"
      ("vendorId", id, "webhookId", "eventId", "eventKey", subject, "tenantId", body, state, attempts, "dueAt", "createdAt")
    select $1::uuid, "deliveryId", id, $5::uuid, $6::text, $7::text, $8::text, $9::text, 'pending', 0, $10::timestamptz,
      $10::timestamptz from hook)
  insert into "Job" ("vendorId", id, name, payload, "runAt", "maxAttempts", state, "createdAt")
  select $1::uuid, "jobId", $11::text, jsonb_build_object('webhookId', id), $10::timestamptz, $12::int, 'queued',
    $10::timestamptz from hook`,
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
