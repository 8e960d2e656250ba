import type { User } from '@henhouse/database'
import { statement } from '../../../kernel/sql.ts'
import type { Membership } from '../../people/users/users.service.ts'
import { door, held, type HeldRole } from '../../rights/held/held.sql.ts'

/** How a user stands with their tenants. */
export interface Standing {
  /** their memberships that have not run out, the oldest first */
  readonly members: readonly Membership[]
  /** the tenant that they go to, if they are a member there: `held` is about it */
  readonly home: string | null
  readonly held: readonly HeldRole[]
}

/**
 * Parts of a statement, after `with who as (…)`, whose one row has the "userId", the tenant that they want (`wanted`), and one
 * whose invitation they are about to accept (`arriving`). `$2` is the present time.
 */
export const standing = `
  member as materialized (
    select m."tenantId" as id, m."isDisabled", m."acceptedAt" is not null as "isAccepted",
      row_number() over (order by m."createdAt", m."tenantId") as place
    from who join "Membership" m on m."vendorId" = $1 and m."userId" = who."userId"
    where m."expiresAt" is null or m."expiresAt" > $2),
  here as materialized (
    select m.id from member m cross join who
    where not m."isDisabled" and (m."isAccepted" or m.id = who.arriving)
    order by m.id is distinct from who.wanted, m.place limit 1),
  ${door}`
export const standingColumns = `
  coalesce((
    select json_agg(json_build_object('tenantId', m.id, 'isDisabled', m."isDisabled", 'isAccepted', m."isAccepted")
      order by m.place) from member m), '[]') as members,
  (select h.id from here h) as home,
  coalesce((select json_agg(r) from (${held('false')}) r), '[]') as held`

export const standingOf = statement<
  Standing & Pick<User, 'isLocked'>,
  [now: Date, userId: string, wanted: string | null, arriving: string | null]
>(
  'entry.standing',
  `
  with who as (select $3::uuid as "userId", $4::text as wanted, $5::text as arriving),
  ${standing}
  select u."isLocked", ${standingColumns} from "User" u where u."vendorId" = $1 and u.id = $3`,
)
