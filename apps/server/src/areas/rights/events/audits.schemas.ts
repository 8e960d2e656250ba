import { Type, type Static } from 'typebox'
import { DateTime, Id, Key, Name, Nullable, OneOf } from '../../../kernel/validation.ts'

const SEVERITIES = ['Info', 'Medium', 'High', 'Critical', 'Error'] as const

/** `createdAt`, `time` and `updatedAt` are the same: a line never changes. */
const SortBy = OneOf([
  ...(['createdAt', 'updatedAt', 'time', 'severity', 'action', 'resource', 'ip', 'email', 'user'] as const),
  ...(['userAgent', 'tenantId'] as const),
])
const query = {
  /** of the first line, not of a page */
  offset: Type.Optional(Type.Integer({ minimum: 0, maximum: 2 ** 31 - 1 })),
  filter: Type.Optional(Key),
  sortBy: Type.Optional(SortBy),
  /** in either case */
  sortDirection: Type.Optional(Type.String({ maxLength: 4, pattern: '^([aA][sS][cC]|[dD][eE][sS][cC])$' })),
  /** the header says it, too: a client of the reference sends both */
  tenantId: Type.Optional(Key),
}
export const AuditQuery = Type.Object({
  ...query,
  count: Type.Optional(Type.Integer({ minimum: 1, maximum: 200 })),
})
export type AuditQuery = Static<typeof AuditQuery>
export const StatsQuery = Type.Object({ tenantId: query.tenantId })

/** How many lines one file has at most. */
export const MOST_EXPORTED = 5000
export const ExportQuery = Type.Object({
  ...query,
  count: Type.Optional(Type.Integer({ minimum: 1, maximum: MOST_EXPORTED })),
})
export const Export = Type.Object({
  /** the columns: a field of a line, and what stands above it */
  properties: Type.Array(Type.Object({ name: Name, displayName: Type.Optional(Key) }), { minItems: 1, maxItems: 50 }),
})
export type Export = Static<typeof Export>

/** What an environment writes into the trail itself: any fields, as small as a line is. */
export const NewAudit = Type.Object(
  { severity: OneOf(SEVERITIES), tenantId: Type.Optional(Key) },
  { additionalProperties: true, maxBytes: 8192 },
)
export type NewAudit = Static<typeof NewAudit>

/** A line, and whatever fields an environment gave its own. */
const Audit = Type.Object(
  {
    _id: Id,
    frontegg_id: Id,
    eventKey: Type.String(),
    action: Type.String(),
    severity: OneOf(SEVERITIES),
    outcome: OneOf(['success', 'failure']),
    createdAt: DateTime,
    updatedAt: DateTime,
    time: DateTime,
    vendorId: Id,
    tenantId: Nullable(Type.String()),
  },
  { additionalProperties: true },
)
export const Audits = Type.Object({ data: Type.Array(Audit), total: Type.Integer() })
export const AuditStats = Type.Object({ totalToday: Type.Integer(), severeThisWeek: Type.Integer() })
