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

/** Makes a member with these roles, unless there is one: a user without a tenant will log in to this one. */
export const joining = statement<
  { added: number },
  [
    userId: string,
    tenantId: string,
    now: Date,
    acceptedAt: Date | null,
    expiresAt: Date | null,
    roleIds: readonly string[],
  ]
>(
  'memberships.joining',
  `
  with added as (
    insert into "Membership" ("vendorId", "userId", "tenantId", "createdAt", "acceptedAt", "expiresAt")
    select $1::uuid, $2::uuid, $3::text, $4::timestamptz, $5::timestamptz, $6::timestamptz
    on conflict do nothing returning "userId"),
  roles as (
    insert into "MembershipRole" ("vendorId", "userId", "tenantId", "roleId")
    select $1::uuid, m."userId", $3::text, r.id from added m cross join unnest($7::uuid[]) r(id)),
  home as (
    update "User" u set "activeTenantId" = $3::text from added m
    where u."vendorId" = $1 and u.id = m."userId" and u."activeTenantId" is null)
  select count(*)::int as added from added`,
)
