import type { Ctx } from '../../../kernel/operation.ts'
import { statement } from '../../../kernel/sql.ts'

/** What becomes of a member's roles in one tenant. */
interface RolePlan {
  readonly tenantId: string
  readonly add: readonly string[]
  readonly remove: readonly string[]
}

type Values = [userId: string, tenantIds: readonly string[], roleIds: readonly string[]]

const giving = statement<object, Values>(
  'memberships.giveRoles',
  `
  insert into "MembershipRole" ("vendorId", "userId", "tenantId", "roleId")
  select $1, $2::uuid, p."tenantId", p."roleId" from unnest($3::text[], $4::uuid[]) p("tenantId", "roleId")
  on conflict do nothing`,
)
const taking = statement<object, Values>(
  'memberships.takeRoles',
  `
  delete from "MembershipRole" r using unnest($3::text[], $4::uuid[]) p("tenantId", "roleId")
  where r."vendorId" = $1 and r."userId" = $2::uuid and r."tenantId" = p."tenantId" and r."roleId" = p."roleId"`,
)

const run = async (
  ctx: Ctx,
  what: typeof giving,
  userId: string,
  plans: readonly { tenantId: string; roleIds: readonly string[] }[],
) => {
  const pairs = plans.flatMap(({ tenantId, roleIds }) => roleIds.map((roleId) => ({ tenantId, roleId })))
  if (pairs.length)
    await ctx.sql(
      what,
      userId,
      pairs.map((pair) => pair.tenantId),
      pairs.map((pair) => pair.roleId),
    )
}

/** Gives a member roles in several tenants; those that they have, they keep. */
export const giveRoles = (ctx: Ctx, userId: string, plans: readonly Pick<RolePlan, 'tenantId' | 'add'>[]) =>
  run(
    ctx,
    giving,
    userId,
    plans.map(({ tenantId, add }) => ({ tenantId, roleIds: add })),
  )
export const takeRoles = (ctx: Ctx, userId: string, plans: readonly Pick<RolePlan, 'tenantId' | 'remove'>[]) =>
  run(
    ctx,
    taking,
    userId,
    plans.map(({ tenantId, remove }) => ({ tenantId, roleIds: remove })),
  )
