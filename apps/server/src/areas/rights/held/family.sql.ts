import { statement } from '../../../kernel/sql.ts'

/** What says whether a caller goes down from a tenant. */
export interface Descent {
  /** there are tenants below */
  readonly isParent: boolean
  /** the user may do below their own tenant all that they may do in it */
  readonly opens: boolean
  /** so may every member about whom nothing was decided; false without a tenant */
  readonly isOpen: boolean
}

/**
 * Whether there are tenants below $3, and whether the user $4 may go below the tenant $5 of their token: as a member with
 * access to sub-accounts, or because they came down into it. The order makes Postgres use the index.
 */
export const descent = statement<
  Descent,
  [now: Date, tenantId: string, userId: string | null, usersTenantId: string | null]
>(
  'held.descent',
  `
  with known as (
    select m."tenantId" = t.id as own, not m."isDisabled"
      and (above."subAccountAccessType" = 'alwaysOn'
        or coalesce(u."subAccountAccess", above."subAccountAccessType" = 'defaultOn')) as open
    from "Tenant" t
    join "Membership" m on m."vendorId" = t."vendorId" and m."userId" = $4 and m."tenantId" = any (t.path)
    join "Tenant" above on above."vendorId" = m."vendorId" and above.id = m."tenantId"
    join "User" u on u."vendorId" = m."vendorId" and u.id = m."userId"
    where t."vendorId" = $1 and t.id = $5 and (m."isDisabled" or m."acceptedAt" is not null)
      and (m."expiresAt" is null or m."expiresAt" > $2))
  select
    (select c.id from "Tenant" c where c."vendorId" = $1 and c."parentId" = $3 order by c.id limit 1) is not null as "isParent",
    coalesce((select k.open from known k where k.own), exists (select from known k where k.open)) as opens,
    exists (
      select from "Tenant" t where t."vendorId" = $1 and t.id = $5 and t."subAccountAccessType" in ('alwaysOn', 'defaultOn')
    ) as "isOpen"`,
)
