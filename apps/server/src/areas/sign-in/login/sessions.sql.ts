import { statement } from '../../../kernel/sql.ts'
import { subjectColumns, type OpenSession, type Subject } from '../../access/tokens/refresh-tokens.service.ts'
import { standing, standingColumns, type Standing } from '../entry/standing.sql.ts'

/** A session, its user, and how they stand with their tenants. */
type Row = Subject & Standing & Omit<OpenSession, 'id' | 'user'> & { readonly sessionId: string }

const session = `
  s.id as "sessionId", s."userId", s."tenantId", s."applicationId", s."mfaPassed", s."createdAt", s."lastActiveAt",
  s."expiresAt", s."endedAt"`
/** After `with shown as (…)`, whose one row is a session. `wanted` is the tenant to go to, null for that of the last time. */
const holder = (wanted: string) => `
  who as (
    select s."userId", coalesce(${wanted}::text, u."activeTenantId") as wanted, null::text as arriving
    from shown s join "User" u on u."vendorId" = $1 and u.id = s."userId"),
  ${standing}
  select s.*, ${subjectColumns}, ${standingColumns}
  from shown s join "User" u on u."vendorId" = $1 and u.id = s."userId"`

/**
 * Of several tokens it is the one that can be exchanged: a used one would end the session. The token is found by its id before
 * its session is: a plan that begins with the session reads all tokens that it ever had. The ids stand in a select of their own
 * so that the statement is planned once (`arrivals.sql.ts` says why).
 */
export const sessionByToken = statement<
  Row & { tokenId: string; usedAt: Date | null; tokenExpiresAt: Date },
  [now: Date, tokenIds: readonly string[], wanted: string | null]
>(
  'login.sessionByToken',
  `
  with token as materialized (
    select r.* from "RefreshToken" r where r."vendorId" = $1 and r.id = any ((select $3::text[])::text[])),
  shown as materialized (
    select r.id as "tokenId", r."usedAt", r."expiresAt" as "tokenExpiresAt", ${session}
    from token r join "Session" s on s."vendorId" = $1 and s.id = r."sessionId"
    order by (r."usedAt" is null and s."endedAt" is null and r."expiresAt" > $2) desc, r."createdAt" desc limit 1),
  ${holder('$4')}`,
)

export const sessionById = statement<Row, [now: Date, sessionId: string, userId: string, wanted: string]>(
  'login.sessionById',
  `
  with shown as materialized (
    select ${session} from "Session" s where s."vendorId" = $1 and s.id = $3 and s."userId" = $4),
  ${holder('$5')}`,
)
