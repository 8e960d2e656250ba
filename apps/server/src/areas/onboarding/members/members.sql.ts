import { statement } from '../../../kernel/sql.ts'
import { isInvisible } from '../../people/users/user-list.sql.ts'

/** Counts the members at `now`, with or without the invisible ones. */
export const memberStats = statement<
  { totalItems: number; addedThisWeek: number; superAdmins: number },
  [tenantId: string, now: Date, weekAgo: Date, visible: boolean]
>(
  'members.stats',
  `
  select count(*)::int as "totalItems", (count(*) filter (where m."createdAt" > $4))::int as "addedThisWeek", count(s.id)::int as "superAdmins"
  from "Membership" m left join "User" s on s."vendorId" = m."vendorId" and s.id = m."userId" and s."superUser"
  where m."vendorId" = $1 and m."tenantId" = $2 and (m."expiresAt" is null or m."expiresAt" > $3) and not ($5 and ${isInvisible('m."userId"')})`,
  { planEachTime: true },
)
