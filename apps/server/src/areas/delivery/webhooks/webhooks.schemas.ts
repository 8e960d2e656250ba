import type { Webhook as Row, WebhookAttempt, WebhookDelivery } from '@henhouse/database'
import { Type, type Static } from 'typebox'
import { DateTime, FilledKey, Id, Key, Name, NameOrNone, Nullable, Text } from '../../../kernel/validation.ts'
import { maskedSecret } from '../mail/mail.schemas.ts'

const Url = Type.String({ minLength: 1, maxLength: 2048 })
const EventKeys = Type.Array(FilledKey, { maxItems: 200 })
/** It signs as it is, blanks and all. What looks like a key in PEM would be taken for one of another kind. */
const Secret = Type.String({
  maxLength: 1024,
  pattern: '^(?!-----BEGIN)[ -~]*$',
  message: 'secret must have visible ASCII characters only',
})

/** What clients were shown in its place, and send back. */
export const isMasked = (secret: string) => secret.startsWith(MASK)
const MASK = maskedSecret('')

export const NewWebhook = Type.Object({
  displayName: Type.Optional(NameOrNone),
  description: Type.Optional(Text),
  url: Url,
  /** null, or an empty one: deliveries are not signed */
  secret: Type.Optional(Nullable(Secret)),
  eventKeys: Type.Optional(EventKeys),
  isActive: Type.Optional(Type.Boolean()),
})
export type NewWebhook = Static<typeof NewWebhook>
export const WebhookChange = Type.Partial(NewWebhook)
export type WebhookChange = Static<typeof WebhookChange>

export const Webhook = Type.Object({
  _id: Id,
  displayName: Type.String(),
  description: Type.String(),
  url: Type.String(),
  /** in clear only for the one who has just made it */
  secret: Nullable(Type.String()),
  eventKeys: Type.Array(Type.String()),
  isActive: Type.Boolean(),
  /** when it was switched off because its receiver had not answered for days */
  switchedOffAt: Nullable(DateTime),
  type: Type.Literal('CUSTOM'),
  tenantId: Nullable(Type.String()),
  vendorId: Id,
  invocations: Type.Integer(),
  createdAt: DateTime,
  updatedAt: DateTime,
})
/** @param secret in clear; it is shown as it is */
export const toWebhook = (row: Row, secret: string | null, invocations: number): Static<typeof Webhook> => ({
  _id: row.id,
  displayName: row.displayName,
  description: row.description,
  url: row.url,
  secret,
  eventKeys: row.eventKeys,
  isActive: row.isActive,
  switchedOffAt: row.switchedOffAt?.toISOString() ?? null,
  type: 'CUSTOM',
  tenantId: row.tenantId,
  vendorId: row.vendorId,
  invocations,
  createdAt: row.createdAt.toISOString(),
  updatedAt: row.updatedAt.toISOString(),
})

export const TestCall = Type.Object({
  url: Url,
  secret: Type.Optional(Nullable(Secret)),
  payload: Type.Optional(Type.Object({}, { additionalProperties: true, maxBytes: 65_536 })),
})
export type TestCall = Static<typeof TestCall>
/** `statusCode` is 0 when there was no answer, and `body` then says why. */
export const TestOutcome = Type.Object({ statusCode: Type.Integer(), body: Type.String() })

export const LogQuery = Type.Object({
  /** of the webhook */
  id: Id,
  /** counts rows, not pages */
  offset: Type.Optional(Type.Integer({ minimum: 0, maximum: 2 ** 31 - 1 })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200 })),
})
export type LogQuery = Static<typeof LogQuery>

const Headers = Type.Record(Type.String(), Type.String())
const Call = Type.Object({
  id: Id,
  webhookId: Id,
  vendorId: Id,
  tenantId: Nullable(Type.String()),
  /** 0: there was no answer */
  statusCode: Type.String(),
  /** what was sent */
  body: Type.String(),
  eventId: Id,
  eventKey: Type.String(),
  attempt: Type.Integer(),
  state: Type.String(),
  requestHeaders: Headers,
  responseHeaders: Nullable(Headers),
  response: Nullable(Type.String()),
  error: Nullable(Type.String()),
  durationMs: Type.Integer(),
  createdAt: DateTime,
})
export const Log = Type.Object({ count: Type.Integer(), rows: Type.Array(Call) })
export const toCall = ({ delivery, ...row }: WebhookAttempt & { delivery: WebhookDelivery }): Static<typeof Call> => ({
  id: row.id,
  webhookId: row.webhookId,
  vendorId: row.vendorId,
  tenantId: delivery.tenantId,
  statusCode: String(row.status ?? 0),
  body: delivery.body,
  eventId: delivery.eventId,
  eventKey: delivery.eventKey,
  attempt: row.number,
  state: delivery.state,
  requestHeaders: row.requestHeaders as Record<string, string>,
  responseHeaders: row.responseHeaders as Record<string, string> | null,
  response: row.response,
  error: row.error,
  durationMs: row.durationMs,
  createdAt: row.createdAt.toISOString(),
})

/** A webhook of the environment as its management knows it. */
export const NewConfiguration = Type.Object({
  url: Url,
  events: Type.Array(FilledKey, { minItems: 1, maxItems: 200 }),
  displayName: Name,
  key: FilledKey,
  /** without one, it is given one */
  secret: Type.Optional(Secret),
  description: Type.Optional(Text),
})
export type NewConfiguration = Static<typeof NewConfiguration>

const configuration = {
  id: Type.String(),
  key: Type.String(),
  displayName: Type.String(),
  description: Type.String(),
  categoryId: Nullable(Type.String()),
  vendorId: Id,
  createdAt: DateTime,
  updatedAt: DateTime,
}
/** In lists it has neither its address nor its events. */
export const Configuration = Type.Object(configuration)
export const toConfiguration = (row: Row): Static<typeof Configuration> => ({
  id: row.id,
  key: row.key ?? row.id,
  displayName: row.displayName,
  description: row.description,
  categoryId: null,
  vendorId: row.vendorId,
  createdAt: row.createdAt.toISOString(),
  updatedAt: row.updatedAt.toISOString(),
})
export const MadeConfiguration = Type.Object({
  ...configuration,
  url: Type.String(),
  events: Type.Array(Type.String()),
  secret: Nullable(Type.String()),
})

export const ConfigurationQuery = Type.Object({
  /** what is asked for are the events that such a channel can be told, not the webhooks */
  channels: Type.Optional(Key),
})

const category = { id: Type.String(), vendorId: Id, name: Type.String(), createdAt: DateTime, updatedAt: DateTime }
export const Category = Type.Object({ ...category, events: Type.Array(Configuration) })
/** A webhook of the environment, or an event with its category. */
export const ConfigurationOrEvent = Type.Object({
  ...configuration,
  category: Type.Optional(Type.Object(category)),
})
