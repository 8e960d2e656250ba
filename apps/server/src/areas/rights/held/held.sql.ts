import { statement } from '../../../kernel/sql.ts'

/** A role that a user has in a tenant. */
export interface HeldRole {
  readonly roleId: string
  /** where the user has it: the tenant itself, or one above from which they come down */
  readonly tenantId: string
  readonly byGroup: boolean
}

/*
 * Parts of statements about one user in one tenant. They stand after `with who as (…)`, whose one row has the "userId", and
 * `here as (…)`, whose one row has the tenant's id. `$2` is the present time.
 */

/** A membership `m` that lets its user in: not disabled, accepted, and not run out. */
export const openMembership = `
  not m."isDisabled" and m."acceptedAt" is not null and (m."expiresAt" is null or m."expiresAt" > $2)`

/** The tenant, and those above from which users come down into it, as `doorsTo`. */
export const door = `
  door as (
    select h.id from here h
    union all
    select m."tenantId" from here h
    join "Tenant" t on t."vendorId" = $1 and t.id = h.id
    cross join who
    join "Membership" m on m."vendorId" = t."vendorId" and m."userId" = who."userId" and m."tenantId" = any (t.path)
    join "Tenant" above on above."vendorId" = m."vendorId" and above.id = m."tenantId"
    join "User" u on u."vendorId" = m."vendorId" and u.id = m."userId"
    where m."tenantId" <> t.id and ${openMembership}
      and (above."subAccountAccessType" = 'alwaysOn'
        or coalesce(u."subAccountAccess", above."subAccountAccessType" = 'defaultOn'))
      and not exists (
        select from "Membership" own
        where own."vendorId" = $1 and own."userId" = who."userId" and own."tenantId" = t.id and own."isDisabled"
          and (own."expiresAt" is null or own."expiresAt" > $2)))`

/** The roles that the user has there. `pending` is the condition under which an invitation that is not accepted counts. */
export const held = (pending: string) => `
  select mr."roleId", mr."tenantId", false as "byGroup" from who cross join door d
  join "MembershipRole" mr on mr."vendorId" = $1 and mr."userId" = who."userId" and mr."tenantId" = d.id
  join "Membership" m on m."vendorId" = mr."vendorId" and m."userId" = mr."userId" and m."tenantId" = mr."tenantId"
  where m."acceptedAt" is not null or ${pending}
  union all
  select gr."roleId", gu."tenantId", true from who cross join door d
  join "GroupUser" gu on gu."vendorId" = $1 and gu."userId" = who."userId" and gu."tenantId" = d.id
  join "GroupRole" gr on gr."vendorId" = gu."vendorId" and gr."groupId" = gu."groupId"
  join "Membership" m on m."vendorId" = gu."vendorId" and m."userId" = gu."userId" and m."tenantId" = gu."tenantId"
  where m."acceptedAt" is not null or ${pending}`

export const rolesHeldIn = statement<HeldRole, [now: Date, userId: string, tenantId: string, pending: boolean]>(
  'held.roles',
  `
  with who as (select $3::uuid as "userId"), here as (select $4::text as id), ${door}
  ${held('$5')}`,
)

/** What a token of a tenant was given. */
interface MachineRights {
  readonly roleIds: readonly string[]
  /** instead of roles */
  readonly hasPermissions: boolean
  /** how strong the caller was who gave them; null: management */
  readonly level: number | null
}

/** By the id of an API token or an access token. */
export const rightsOfMachine = statement<MachineRights, [id: string, tenantId: string]>(
  'held.machine',
  `
  select
    coalesce((
      select json_agg(r."roleId") from "ApiTokenRole" r where r."vendorId" = $1 and r."apiTokenId" = a.id), '[]') as "roleIds",
    exists (select from "ApiTokenPermission" p where p."vendorId" = $1 and p."apiTokenId" = a.id) as "hasPermissions",
    a.level
  from "ApiToken" a where a."vendorId" = $1 and a.id = $2 and a."tenantId" = $3 and a."userId" is null
  union all
  select
    coalesce((
      select json_agg(r."roleId") from "AccessTokenRole" r where r."vendorId" = $1 and r."tokenId" = t.id), '[]'),
    false, null
  from "AccessToken" t where t."vendorId" = $1 and t.id = $2 and t."tenantId" = $3 and t."userId" is null`,
)
