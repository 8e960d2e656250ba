import { statement } from '../../../kernel/sql.ts'
import { openMembership } from '../../rights/held/held.sql.ts'
import { given } from '../api-tokens/exchange.sql.ts'

/** What an API token that is alive was given; nothing for a user's, which may do what the user may. */
interface LiveApiToken {
  readonly roleIds: readonly string[]
  readonly permissionIds: readonly string[]
}

/*
 * A row goes with its tenant or membership, so a tenant of the same id that was made later has none of it. Users who come down
 * from a tenant above have no tokens below, and superusers none where they are no members.
 */
export const liveApiToken = statement<LiveApiToken, [now: Date, id: string, tenantId: string, userId: string | null]>(
  'callers.apiToken',
  `
  select ${given('a')}
  from "ApiToken" a
  left join "Membership" m on m."vendorId" = a."vendorId" and m."userId" = a."userId" and m."tenantId" = a."tenantId"
  left join "User" u on u."vendorId" = m."vendorId" and u.id = m."userId"
  where a."vendorId" = $1 and a.id = $3 and a."tenantId" = $4 and a."userId" is not distinct from $5::uuid
    and (a."expiresAt" is null or a."expiresAt" > $2)
    and (a."userId" is null or (not u."isLocked" and ${openMembership}))`,
)
