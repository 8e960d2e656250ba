import { statement } from '../../../kernel/sql.ts'
import { subjectColumns, type Subject } from '../../access/tokens/refresh-tokens.service.ts'
import { door, held, openMembership, type HeldRole } from '../../rights/held/held.sql.ts'

/** A session that the token is to depend on; times as JSON has them. */
export interface Dependence {
  readonly id: string
  readonly createdAt: string
  readonly lastActiveAt: string
  readonly expiresAt: string
  readonly tenantId: string | null
  readonly applicationId: string | null
}

/** Whom a delegated token is about. */
type Row = Subject & {
  /** the tenants that let the user in */
  readonly tenantIds: readonly string[]
  /** the user's roles in the tenant of the token */
  readonly held: readonly HeldRole[]
  /** of the user who acts */
  readonly actorEmail: string | null
  /** those that have not ended */
  readonly sessions: readonly Dependence[]
}

export const subjectOf = statement<
  Row,
  [now: Date, userId: string, tenantId: string, actorId: string | null, sessionIds: readonly string[]]
>(
  'delegation.subject',
  `
  with who as (select $3::uuid as "userId"), here as (select $4::text as id), ${door}
  select ${subjectColumns},
    array(
      select m."tenantId" from "Membership" m
      where m."vendorId" = $1 and m."userId" = u.id and ${openMembership}
      order by m."createdAt", m."tenantId") as "tenantIds",
    coalesce((select json_agg(h) from (${held('false')}) h), '[]') as held,
    (select a.email from "User" a where a."vendorId" = $1 and a.id = $5::uuid) as "actorEmail",
    coalesce((
      select json_agg(json_build_object('id', s.id, 'createdAt', s."createdAt", 'lastActiveAt', s."lastActiveAt",
        'expiresAt', s."expiresAt", 'tenantId', s."tenantId", 'applicationId', s."applicationId"))
      from "Session" s where s."vendorId" = $1 and s.id = any ($6::uuid[]) and s."endedAt" is null), '[]') as sessions
  from "User" u where u."vendorId" = $1 and u.id = $3`,
)
