import { statement } from '../../../kernel/sql.ts'
import { storing } from '../../rights/events/events.sql.ts'

/** The session, its place and its new token. */
export type Writing = [
  now: Date,
  userId: string,
  tenantId: string,
  sessionId: string,
  tokenId: string | null,
  expiresAt: Date,
]
/** Which of the user's other sessions may stay. */
export type Limits = [
  idleSeconds: number | null,
  totalSeconds: number | null,
  othersUsed: number,
  othersBegun: number,
  within: string | null,
]

/*
 * Parts of a statement see what was there when it began, but an update waits for the row and changes its newest version. So
 * the user's row must still be the version that the statement has seen: then no login of theirs has come in between, and the
 * sessions that it counts are all. Otherwise nothing is written.
 */
const isAsSeen = `u.xmin = (select seen.xmin from "User" seen where seen."vendorId" = $1 and seen.id = $3)`

/**
 * The user's surplus sessions, but never the given one: by the environment's number those unused for longest, by the policy's
 * the oldest. Sessions in this tenant that its times have ended do not count.
 */
const surplus = `
  other as materialized (
    select s.id, s."tenantId", s."createdAt", s."lastActiveAt" from "Session" s
    where s."vendorId" = $1 and s."userId" = $3 and s.id <> $5 and s."endedAt" is null and s."expiresAt" > $2
      and s."impersonatorId" is null
      and (s."tenantId" is distinct from $4 or coalesce(
        least(s."lastActiveAt" + $8::float8 * interval '1 second', s."createdAt" + $9::float8 * interval '1 second') > $2,
        true))),
  surplus as (
    (select o.id from other o order by o."lastActiveAt" desc, o."createdAt" desc offset $10::int)
    union
    (select o.id from other o where $12::text is null or o."tenantId" = $12
      order by o."createdAt" desc offset $11::int))`

/** Begins a session with its first token, ends surplus ones, and writes down that the user has logged in. */
export const starting = statement<
  { begun: boolean },
  [
    ...Writing,
    ...Limits,
    passwordChangedAt: Date | null,
    applicationId: string | null,
    mfaPassed: boolean,
    ipAddress: string,
    userAgent: string,
    events: string,
  ]
>(
  'sessions.start',
  `
  with entering as (
    update "User" u set "lastLogin" = $2, "failedLogins" = 0, "activeTenantId" = $4
    where u."vendorId" = $1 and u.id = $3 and not u."isLocked" and u."passwordChangedAt" is not distinct from $13
      and ${isAsSeen}
    returning u.id),
  begun as (
    insert into "Session" ("vendorId", id, "userId", "tenantId", "applicationId", "mfaPassed", "ipAddress", "userAgent",
      "createdAt", "lastActiveAt", "expiresAt")
    select $1, $5, e.id, $4, $14, $15, $16, $17, $2, $2, $7 from entering e
    returning id),
  token as (
    insert into "RefreshToken" ("vendorId", id, "sessionId", "createdAt", "expiresAt")
    select $1, $6, b.id, $2, $7 from begun b),
  ${surplus},
  ended as (
    update "Session" s set "endedAt" = $2 from surplus x, entering e
    where s."vendorId" = $1 and s.id = x.id and s."endedAt" is null),
  told as (${storing('$18', 'exists (select from begun)')})
  select exists (select from begun) as begun`,
)

/**
 * Exchanges a token for the next one, or only prolongs its session where tokens stay the same (`tokenId` is null).
 * @param usedId the place of the token's id among the values
 */
const exchanged = (usedId: string, when = '') => `
  used as (
    update "RefreshToken" r set "usedAt" = $2
    where $6::text is not null and r."vendorId" = $1 and r.id = ${usedId} and r."usedAt" is null${when}
    returning r.id),
  touched as (
    update "Session" s set "lastActiveAt" = $2, "tenantId" = $4, "expiresAt" = $7
    where s."vendorId" = $1 and s.id = $5 and s."userId" = $3 and s."endedAt" is null
      and ($6::text is null or exists (select from used))${when}
    returning s.id),
  token as (
    insert into "RefreshToken" ("vendorId", id, "sessionId", "createdAt", "expiresAt")
    select $1, $6, t.id, $2, $7 from touched t where $6::text is not null)`

interface Exchanged {
  readonly used: boolean
  readonly touched: boolean
}
const exchangedColumns = `exists (select from used) as used, exists (select from touched) as touched`

/** In the tenant where the session is: the parts that another one would take cost as much as all the rest. */
export const staying = statement<Exchanged, [...Writing, usedId: string]>(
  'sessions.stay',
  `
  with ${exchanged('$8')}
  select ${exchangedColumns}`,
)

/** The session goes to another tenant, and there surplus ones end. */
export const moving = statement<Exchanged & { moved: boolean }, [...Writing, ...Limits, usedId: string]>(
  'sessions.move',
  `
  with moved as (
    update "User" u set "activeTenantId" = $4
    where u."vendorId" = $1 and u.id = $3 and ${isAsSeen}
    returning u.id),
  ${exchanged('$13', ' and exists (select from moved)')},
  ${surplus},
  ended as (
    update "Session" s set "endedAt" = $2 from surplus x, touched t
    where s."vendorId" = $1 and s.id = x.id and s."endedAt" is null)
  select exists (select from moved) as moved, ${exchangedColumns}`,
)
