import { statement } from '../../../kernel/sql.ts'

/** The number of members of each tenant by their access to sub-accounts (null: not set). */
export const countsByAccess = statement<
  { tenantId: string; access: boolean | null; users: number },
  [tenantIds: readonly string[], now: Date, visible: boolean]
>(
  'members.countsByAccess',
  `
  select m."tenantId", u."subAccountAccess" as access, count(*)::int as users
  from "Membership" m join "User" u on u."vendorId" = m."vendorId" and u.id = m."userId"
  where m."vendorId" = $1 and m."tenantId" = any ($2::text[]) and (m."expiresAt" is null or m."expiresAt" > $3) and not ($4 and u.invisible)
  group by 1, 2`,
  { planEachTime: true },
)
