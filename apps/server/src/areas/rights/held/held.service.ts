import type { Prisma } from '@henhouse/database'
import type { Ctx, UserCaller, VendorCaller } from '../../../kernel/operation.ts'
import { effective } from '../../../kernel/settings.ts'
import { groupsConfiguration } from './groups-configuration.ts'
import { doorsTo } from './sub-account-access.service.ts'

/** Memberships that have not run out. */
export const live = (ctx: Ctx) => ({ OR: [{ expiresAt: null }, { expiresAt: { gt: ctx.clock.now() } }] })

/** Memberships that let the user in: not run out, not disabled, and accepted, or made without an invitation. */
export const open = (ctx: Ctx) => ({ isDisabled: false, acceptedAt: { not: null }, ...live(ctx) })

/** The users that the caller may see: users do not see invisible ones. */
export const visibleTo = (caller: VendorCaller | UserCaller) => (caller.kind === 'user' ? { invisible: false } : {})
/** Memberships of those users that have not run out. */
export const liveAndVisibleTo = (ctx: Ctx, caller: VendorCaller | UserCaller) => ({
  ...live(ctx),
  ...(caller.kind === 'user' && { user: visibleTo(caller) }),
})

/** A user's tenants, including those where they are disabled or have not arrived yet; none for an unknown user. */
export async function tenantIdsOf(ctx: Ctx, userId: string) {
  return (await ctx.db.membership.findMany({ where: { userId, ...live(ctx) }, select: { tenantId: true } })).map(
    (row) => row.tenantId,
  )
}

/**
 * The keys of a user's roles and permissions in a tenant, as tokens carry them. Empty for users who are not members, or have
 * not accepted their invitation.
 */
export async function keysOf(ctx: Ctx, userId: string, tenantId: string) {
  const roles = await ctx.db.role.findMany({
    where: { id: { in: await rolesOf(ctx, userId, tenantId, { acceptedAt: { not: null } }) } },
    select: { key: true, permissions: { select: { permission: { select: { key: true } } } } },
    orderBy: [{ createdAt: 'asc' }, { key: 'asc' }],
  })
  return {
    // a tenant's role may have the same key as one of the environment's
    roles: [...new Set(roles.map((role) => role.key))],
    permissions: [...new Set(roles.flatMap((role) => role.permissions.map(({ permission }) => permission.key)))],
  }
}

/**
 * The ids of all roles that users have in a tenant: their own there, and those of the tenants above from which they
 * come down. Those of an invitation that is not accepted are among them: `keysOf` leaves them out.
 * Not to be called inside `ctx.atomically`.
 */
export const rolesHeld = (ctx: Ctx, userId: string, tenantId: string) => rolesOf(ctx, userId, tenantId, {})

/** As `rolesHeld`, by such memberships only. */
async function rolesOf(ctx: Ctx, userId: string, tenantId: string, membership: Prisma.MembershipWhereInput) {
  const [here, doors] = await Promise.all([
    rolesAt(ctx, userId, [tenantId], membership),
    doorsTo(ctx, userId, tenantId),
  ])
  return [...new Set(doors.length ? [...here, ...(await rolesAt(ctx, userId, doors, membership))] : here)]
}

/** The roles of the memberships, and those of their groups where groups count. */
async function rolesAt(ctx: Ctx, userId: string, tenantIds: string[], membership: Prisma.MembershipWhereInput) {
  const [own, inherited] = await Promise.all([
    ctx.db.membershipRole.findMany({
      where: { userId, tenantId: { in: tenantIds }, membership },
      select: { roleId: true },
    }),
    ctx.db.groupRole.findMany({
      where: { tenantId: { in: tenantIds }, group: { users: { some: { userId, membership } } } },
      select: { roleId: true },
    }),
  ])
  const { enabled, rolesEnabled } = inherited.length
    ? await effective(ctx, groupsConfiguration)
    : groupsConfiguration.initial
  return [...own, ...(enabled && rolesEnabled ? inherited : [])].map((row) => row.roleId)
}
