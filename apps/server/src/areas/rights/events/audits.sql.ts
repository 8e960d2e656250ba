import { statement } from '../../../kernel/sql.ts'
import type { Line } from './events.sql.ts'

/** A line as it is shown, with those who are still there. */
export interface ShownLine extends Omit<Line, 'at'> {
  /** as JSON has it */
  at: string
  name: string | null
  email: string | null
  actorEmail: string | null
}

/** A tenant that was made later is another one under the same id. */
const shown = `
  "Event" e
  left join "User" u on u."vendorId" = e."vendorId" and u.id = e."userId"
  left join "User" a on a."vendorId" = e."vendorId" and a.id = e."actorUserId"
  where e."vendorId" = $1
    and ($2::text is null or (e."tenantId" = $2
      and e.at >= (select t."createdAt" from "Tenant" t where t."vendorId" = $1 and t.id = $2)))
    and ($3::text is null or e.key ilike $3 or e.severity ilike $3 or e.ip ilike $3 or u.email ilike $3 or u.name ilike $3
      or a.email ilike $3 or e.details::text ilike $3)`

const orders = {
  createdAt: 'e.at',
  severity: 'e.severity',
  action: 'e.key',
  resource: 'e."subjectKind"',
  ip: 'e.ip',
  email: 'u.email',
  user: 'u.name',
  userAgent: 'e."userAgent"',
  tenantId: 'e."tenantId"',
}
export type By = keyof typeof orders

/** Where the order says nothing, the newest come first, or last. Others are found by time, which has an index. */
const inOrder = (by: By, direction: 'asc' | 'desc') =>
  statement<
    { total: number; rows: ShownLine[] },
    [tenantId: string | null, like: string | null, skip: number, take: number]
  >(
    `events.shown.${by}.${direction}`,
    `
  select (select count(*) from ${shown})::int as total, coalesce((
    select json_agg(to_jsonb(p) - 'vendorId' - 'sequence') from (
      select e.*, u.name, u.email, a.email as "actorEmail" from ${shown}
      order by ${by === 'createdAt' ? '' : `${orders[by]} ${direction} nulls last, `}e.at ${direction}, e.sequence ${direction}
      offset $4::bigint limit $5::int) p), '[]') as rows`,
    { planEachTime: true },
  )
export const shownBy = Object.fromEntries(
  Object.keys(orders).map((by) => [by, { asc: inOrder(by as By, 'asc'), desc: inOrder(by as By, 'desc') }]),
) as Record<By, Record<'asc' | 'desc', ReturnType<typeof inOrder>>>

export const counted = statement<
  { totalToday: number; severeThisWeek: number },
  [tenantId: string | null, today: Date, week: Date]
>(
  'events.counted',
  `
  select (count(*) filter (where e.at >= $3))::int as "totalToday",
    (count(*) filter (where e.at >= $4 and e.severity in ('High', 'Critical', 'Error')))::int as "severeThisWeek"
  from "Event" e
  where e."vendorId" = $1 and e.at >= least($3::timestamptz, $4::timestamptz)
    and ($2::text is null or (e."tenantId" = $2
      and e.at >= (select t."createdAt" from "Tenant" t where t."vendorId" = $1 and t.id = $2)))`,
  { planEachTime: true },
)
