import { statement } from '../../../kernel/sql.ts'
import { storing } from '../../rights/events/events.sql.ts'
import { atHome, insert } from '../user-creation/arrivals.sql.ts'

/** Whose an address, username or number is. */
interface Holding {
  readonly userId: string
  readonly text: string
  readonly verified: boolean
  /** the one in the user's own row, not one of their further ones */
  readonly isOwn: boolean
  readonly unprovenPast: boolean
}
interface Knowledge {
  readonly emails: readonly Holding[]
  readonly usernames: readonly Holding[]
  readonly phones: readonly Holding[]
  /** of the users with these addresses or usernames, in these tenants */
  readonly members: readonly { readonly userId: string; readonly tenantId: string; readonly isOver: boolean }[]
  readonly tenantIds: readonly string[]
}

const holding = (text: string, verified: string, isOwn: string) => `json_build_object(
  'userId', u.id, 'text', ${text}, 'verified', ${verified}, 'isOwn', ${isOwn}, 'unprovenPast', u."unprovenPast")`
const all = (what: string) => `coalesce((select json_agg(${what}), '[]')`

/** What has to be known to bring users in. */
export const knowledge = statement<
  Knowledge,
  [
    now: Date,
    emails: readonly string[],
    usernames: readonly string[],
    phones: readonly string[],
    tenantIds: readonly string[],
  ]
>(
  'imports.knowledge',
  `
  with mails as materialized (
    select e.email, e.verified, e."userId" from "UserEmail" e where e."vendorId" = $1 and e.email = any ($3::text[])),
  named as materialized (
    select u.* from "User" u where u."vendorId" = $1 and u.username = any ($4::text[])),
  people as materialized (select "userId" from mails union select id from named)
  select
    ${all(`${holding('m.email', 'm.verified', 'u.email is not distinct from m.email')})
      from mails m join "User" u on u."vendorId" = $1 and u.id = m."userId"`)} as emails,
    ${all(`${holding('u.username', 'true', 'true')}) from named u`)} as usernames,
    ${all(`${holding('p."phoneNumber"', 'p.verified', 'u."phoneNumber" is not distinct from p."phoneNumber"')})
      from "PhoneNumber" p join "User" u on u."vendorId" = $1 and u.id = p."userId"
      where p."vendorId" = $1 and p."phoneNumber" = any ($5::text[])`)} as phones,
    ${all(`json_build_object(
        'userId', m."userId", 'tenantId', m."tenantId", 'isOver', coalesce(m."expiresAt" <= $2, false)))
      from people p join "Membership" m on m."vendorId" = $1 and m."userId" = p."userId"
      where m."tenantId" = any ($6::text[])`)} as members,
    array(select t.id from "Tenant" t where t."vendorId" = $1 and t.id = any ($6::text[])) as "tenantIds"`,
)

/**
 * Frees addresses ($2) and numbers ($3) that somebody has added and not verified: users who are brought in have theirs by the
 * word of the environment.
 */
export const freeing = statement<{ done: boolean }, [emails: readonly string[], phones: readonly string[]]>(
  'imports.freeing',
  `
  with emails as (
    delete from "UserEmail" e using "User" u
    where e."vendorId" = $1 and e.email = any ($2::text[]) and not e.verified
      and u."vendorId" = $1 and u.id = e."userId" and u.email is distinct from e.email),
  phones as (
    delete from "PhoneNumber" p using "User" u
    where p."vendorId" = $1 and p."phoneNumber" = any ($3::text[]) and not p.verified
      and u."vendorId" = $1 and u.id = p."userId" and u."phoneNumber" is distinct from p."phoneNumber")
  select true as done`,
)

const isDue = '(select turn.due from turn)'

/**
 * Stores all about users who are brought in, at once: themselves ($6), their memberships ($7) with roles ($8) and
 * applications ($9), their further addresses ($10), the numbers that they log in with ($11), and second factors ($12). With
 * part $3 of the import $2, only if its rows are still there. They go, and it keeps how many came in ($4) and what was
 * wrong with the others ($5).
 */
export const bringing = statement<
  { done: boolean },
  [
    importId: string | null,
    part: number | null,
    migrated: number,
    faults: string,
    users: string,
    memberships: string,
    roles: string,
    applications: string,
    emails: string,
    phones: string,
    devices: string,
    events: string,
  ]
>(
  'imports.bringing',
  `
  with part as (
    update "UserImportPart" p set rows = null, migrated = $4, faults = $5::jsonb
    where p."vendorId" = $1 and p."importId" = $2 and p.number = $3 and p.rows is not null returning p.number),
  turn as materialized (select $2::uuid is null or exists (select from part) as due),
  users as (${insert(
    'User',
    '$6',
    [
      'id',
      'email',
      'username',
      'phoneNumber',
      'name',
      'profilePictureUrl',
      'provider',
      'externalId',
      'metadata',
      'vendorMetadata',
      'passwordHash',
      'passwordChangedAt',
      'verified',
      'mfaEnrolled',
      'isLocked',
      'lockedAt',
      'activeTenantId',
      'createdAt',
      'updatedAt',
    ],
    isDue,
  )}),
  memberships as (${insert('Membership', '$7', ['userId', 'tenantId', 'acceptedAt', 'createdAt'], isDue)}),
  roles as (${insert('MembershipRole', '$8', ['userId', 'tenantId', 'roleId'], isDue)}),
  applications as (${insert('ApplicationUser', '$9', ['applicationId', 'userId', 'tenantId', 'createdAt'], isDue)}),
  emails as (${insert('UserEmail', '$10', ['id', 'userId', 'email', 'verified', 'createdAt', 'updatedAt'], isDue)}),
  phones as (${insert('PhoneNumber', '$11', ['id', 'userId', 'phoneNumber', 'verified', 'createdAt', 'updatedAt'], isDue)}),
  devices as (${insert('MfaDevice', '$12', ['id', 'userId', 'kind', 'secret', 'phoneNumber', 'createdAt'], isDue)}),
  homes as (${atHome('$7', isDue)}),
  told as (${storing('$13', isDue)})
  select turn.due as done from turn`,
)
