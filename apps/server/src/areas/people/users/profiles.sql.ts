import type { User } from '@henhouse/database'
import type { Static } from 'typebox'
import { statement } from '../../../kernel/sql.ts'
import { door, held, type HeldRole } from '../../rights/held/held.sql.ts'
import type { Role } from '../../rights/roles/roles.schemas.ts'

/** The columns of a user that replies are made of. */
const COLUMNS = [
  'id',
  'email',
  'username',
  'name',
  'profilePictureUrl',
  'phoneNumber',
  'verified',
  'mfaEnrolled',
  'mfaBypass',
  'provider',
  'managedBy',
  'isLocked',
  'invisible',
  'superUser',
  'subAccountAccess',
  'activeTenantId',
  'metadata',
  'vendorMetadata',
  'externalId',
  'createdAt',
  'lastLogin',
] as const satisfies (keyof User)[]
export type ShownUser = Pick<User, (typeof COLUMNS)[number]>

/** A place of a user, as JSON has it. */
export interface Place {
  readonly tenantId: string
  readonly isDisabled: boolean
  readonly acceptedAt: string | null
  readonly expiresAt: string | null
  readonly subAccountAccessType: string
  /** left out of lists without roles */
  readonly roleIds?: readonly string[]
  /** what `withRoles` makes of them */
  roles?: Static<typeof Role>[]
}

const columns = COLUMNS.map((column) => `u."${column}"`).join(', ')
const place = (m: string, roles: boolean) => `json_build_object(
  'tenantId', ${m}."tenantId", 'isDisabled', ${m}."isDisabled", 'acceptedAt', ${m}."acceptedAt", 'expiresAt', ${m}."expiresAt",
  'subAccountAccessType', t."subAccountAccessType"${
    roles
      ? `, 'roleIds', array(
    select mr."roleId" from "MembershipRole" mr
    where mr."vendorId" = $1 and mr."userId" = ${m}."userId" and mr."tenantId" = ${m}."tenantId")`
      : ''
  })`

/** A user in one of the tenants. */
export interface Profile extends ShownUser {
  /** those that have not run out, the oldest first */
  readonly places: readonly Place[]
  /** the tenant that was asked for, else the one where the user is active; `held` is about it */
  readonly here: string | null
  readonly held: readonly HeldRole[]
  /** a tenant above lets the user come down to it */
  readonly comesDown: boolean
}

/** Where users are active is the tenant chosen last, else the first that lets them in, else the first; superusers may be in any. */
const profileBy = (name: string, who: string) =>
  statement<Profile, [now: Date, who: string, tenantId: string | null]>(
    `users.profileBy${name}`,
    `
  with one as materialized (select ${columns} from "User" u where u."vendorId" = $1 and ${who}),
  who as (select u.id as "userId" from one u),
  member as materialized (
    select m.* from who join "Membership" m on m."vendorId" = $1 and m."userId" = who."userId"
    where m."expiresAt" is null or m."expiresAt" > $2),
  here as materialized (
    select coalesce(
      $4,
      (select u."activeTenantId" from one u where u."superUser"),
      (select m."tenantId" from member m cross join one u order by
        m."isDisabled" or m."acceptedAt" is null,
        (m."isDisabled" or m."acceptedAt" is null or m."tenantId" is distinct from u."activeTenantId"),
        m."createdAt", m."tenantId" limit 1)) as id),
  ${door}
  select u.*,
    coalesce((
      select json_agg(${place('m', true)} order by m."createdAt", m."tenantId")
      from member m join "Tenant" t on t."vendorId" = $1 and t.id = m."tenantId"), '[]') as places,
    (select h.id from here h) as here,
    coalesce((select json_agg(r) from (${held('true')}) r), '[]') as held,
    exists (select from door d cross join here h where d.id <> h.id) as "comesDown"
  from one u`,
  )

export const profileById = profileBy('Id', 'u.id = $3')
export const profileByEmail = profileBy('Email', 'u.email = $3')

/**
 * The users with these ids, in no order, with their places: those in the tenant $4 only, or ($5) also in those below it;
 * without one, all. The places of all are found together: one search for each user, or a join with the ids, takes twice as long.
 */
const shown = (name: string, roles: boolean) =>
  statement<
    ShownUser & { places: readonly Place[] },
    [now: Date, ids: readonly string[], tenantId: string | null, below: boolean]
  >(
    `users.shown${name}`,
    `
  select ${columns}, coalesce(p.places, '[]') as places
  from "User" u left join (
    select m."userId", json_agg(${place('m', roles)} order by m."createdAt", m."tenantId") as places
    from "Membership" m join "Tenant" t on t."vendorId" = m."vendorId" and t.id = m."tenantId"
    where m."vendorId" = $1 and m."userId" = any ($3::uuid[]) and (m."expiresAt" is null or m."expiresAt" > $2)
      and ($4::text is null or m."tenantId" = $4 or ($5 and t.path @> array[$4]))
    group by m."userId") p on p."userId" = u.id
  where u."vendorId" = $1 and u.id = any ($3::uuid[])`,
  )

export const usersShown = shown('', false)
export const usersShownWithRoles = shown('WithRoles', true)
