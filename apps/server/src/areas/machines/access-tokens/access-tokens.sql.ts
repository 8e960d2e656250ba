import { statement } from '../../../kernel/sql.ts'
import { door, held, openMembership, type HeldRole } from '../../rights/held/held.sql.ts'

/** Whose tokens: those of tenants, or those of members. */
export type Kind = 'tenant' | 'user'

/** How many there may be that have not expired. */
const MOST_IN_A_TENANT = 100,
  MOST = 10_000

/** Conditions on a token `t` at $2. */
const unexpired = `(t."expiresAt" is null or t."expiresAt" > $2)`
/** The tokens `t` of tenants, and those of members who are let in: more conditions may follow. */
const ofTenants = `where t."vendorId" = $1 and t."userId" is null`,
  ofMembers = `
    join "Membership" m on m."vendorId" = t."vendorId" and m."userId" = t."userId" and m."tenantId" = t."tenantId"
    join "User" u on u."vendorId" = m."vendorId" and u.id = m."userId"
    where t."vendorId" = $1 and t."userId" is not null and not u."isLocked" and ${openMembership}`

/** Has other creations in the environment wait until the transaction ends, so that no two of them take the last place. */
export const queueing = statement<{ queued: string }>(
  'accessTokens.queue',
  `select pg_advisory_xact_lock(hashtextextended('access tokens ' || $1::text, 0))::text as queued`,
)

interface Made {
  readonly made: boolean
  /** the user may have tokens in the tenant */
  readonly mayOwn: boolean
  /** there is room in the tenant */
  readonly fits: boolean
}
/** Makes a token if there is room, in the place of those of its tenant that have expired. Comes after `queueing`. */
export const creating = statement<
  Made,
  [
    now: Date,
    id: string,
    tenantId: string,
    userId: string | null,
    createdByUserId: string | null,
    description: string | null,
    expiresAt: Date | null,
    roleIds: readonly string[],
  ]
>(
  'accessTokens.create',
  `
  with expired as (
    delete from "AccessToken" t where t."vendorId" = $1 and t."tenantId" = $4 and not ${unexpired}),
  present as (
    select count(*) filter (where t."tenantId" = $4) as here, count(*) as everywhere
    from "AccessToken" t where t."vendorId" = $1 and ${unexpired}),
  owner as (
    select 1 where $5::uuid is null
    union all
    select 1 from "Membership" m where m."vendorId" = $1 and m."userId" = $5 and m."tenantId" = $4 and ${openMembership}),
  made as (
    insert into "AccessToken" ("vendorId", id, "tenantId", "userId", "createdByUserId", description, "createdAt", "expiresAt")
    select $1, $3::uuid, $4, $5, $6::uuid, $7::text, $2, $8::timestamptz from present p cross join owner
    where p.here < ${MOST_IN_A_TENANT} and p.everywhere < ${MOST}
    returning id),
  given as (
    insert into "AccessTokenRole" ("vendorId", "tokenId", "roleId")
    select $1, m.id, r from made m cross join unnest($9::uuid[]) r)
  select exists (select from made) as made, exists (select from owner) as "mayOwn", p.here < ${MOST_IN_A_TENANT} as fits
  from present p`,
)

const active = (kind: Kind, from: string) =>
  statement<{ ids: string[] }, [now: Date, tenantId: string | null]>(
    `accessTokens.active.${kind}`,
    `
    select array(
      select t.id from "AccessToken" t ${from} and ${unexpired} and ($3::text is null or t."tenantId" = $3)) as ids`,
    { planEachTime: true },
  )
/** The ids of all tokens that are alive, of one tenant or of the environment. */
export const activeOf = {
  tenant: active('tenant', ofTenants),
  user: active('user', ofMembers),
}

/** A token that is alive, with the roles that it has now. */
export interface Living {
  readonly tenantId: string
  readonly userId: string | null
  readonly expiresAt: Date | null
  readonly held: readonly HeldRole[]
}
/** @param more what else goes before `roles`, which finds those of the one row of `token` */
const living = (kind: Kind, from: string, { more = '', roles }: { more?: string; roles: string }) =>
  statement<Living, [now: Date, id: string, tenantId: string | null]>(
    `accessTokens.living.${kind}`,
    `
    with token as materialized (
      select t.id, t."tenantId", t."userId", t."expiresAt" from "AccessToken" t ${from} and t.id = $3 and ${unexpired}
        and ($4::text is null or t."tenantId" = $4))${more}
    select t."tenantId", t."userId", t."expiresAt", coalesce((select json_agg(r) from (${roles}) r), '[]') as held
    from token t`,
  )
export const livingOf = {
  tenant: living('tenant', ofTenants, {
    roles: `
      select r."roleId", token."tenantId", false as "byGroup" from token
      join "AccessTokenRole" r on r."vendorId" = $1 and r."tokenId" = token.id`,
  }),
  user: living('user', ofMembers, {
    more: `, who as (select "userId" from token), here as (select "tenantId" as id from token), ${door}`,
    roles: held('false'),
  }),
}
