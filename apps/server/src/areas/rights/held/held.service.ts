import type { Ctx, UserCaller, VendorCaller } from '../../../kernel/operation.ts'
import { effective } from '../../../kernel/settings.ts'
import { groupsConfiguration } from './groups-configuration.ts'
import { doorsTo } from './sub-account-access.service.ts'

/** Memberships that have not run out. */
export const live = (ctx: Ctx) => ({ OR: [{ expiresAt: null }, { expiresAt: { gt: ctx.clock.now() } }] })

/** Users whom the caller may know of: users see none of invisible users. */
export const visibleTo = (caller: VendorCaller | UserCaller) => (caller.kind === 'user' ? { invisible: false } : {})
/** Memberships that have not run out, of those users. */
export const liveAndVisibleTo = (ctx: Ctx, caller: VendorCaller | UserCaller) => ({
  ...live(ctx),
  ...(caller.kind === 'user' && { user: visibleTo(caller) }),
})

/** The tenants that a user belongs to, also where disabled or not yet arrived; none for an unknown user. */
export async function tenantIdsOf(ctx: Ctx, userId: string) {
  return (await ctx.db.membership.findMany({ where: { userId, ...live(ctx) }, select: { tenantId: true } })).map(
    (row) => row.tenantId,
  )
}

/** The keys of what a user may do in a tenant, as tokens carry them. Empty for somebody who is not a member. */
export async function keysOf(ctx: Ctx, userId: string, tenantId: string) {
  const roles = await ctx.db.role.findMany({
    where: { id: { in: await rolesHeld(ctx, userId, tenantId) } },
    select: { key: true, permissions: { select: { permission: { select: { key: true } } } } },
    orderBy: [{ createdAt: 'asc' }, { key: 'asc' }],
  })
  return {
    // one of the tenant's may have the key of one of the environment's
    roles: [...new Set(roles.map((role) => role.key))],
    permissions: [...new Set(roles.flatMap((role) => role.permissions.map(({ permission }) => permission.key)))],
  }
}

/**
 * The ids of all roles that a user has in a tenant: those that it has there, and those of the tenants above from which it
 * comes down. Not to be called inside `ctx.atomically`.
 */
export async function rolesHeld(ctx: Ctx, userId: string, tenantId: string) {
  const [here, doors] = await Promise.all([rolesAt(ctx, userId, [tenantId]), doorsTo(ctx, userId, tenantId)])
  return [...new Set(doors.length ? [...here, ...(await rolesAt(ctx, userId, doors))] : here)]
}

/** The roles of the memberships, and those of the groups where they count. */
async function rolesAt(ctx: Ctx, userId: string, tenantIds: string[]) {
  const [own, inherited] = await Promise.all([
    ctx.db.membershipRole.findMany({ where: { userId, tenantId: { in: tenantIds } }, select: { roleId: true } }),
    ctx.db.groupRole.findMany({
      where: { tenantId: { in: tenantIds }, group: { users: { some: { userId } } } },
      select: { roleId: true },
    }),
  ])
  const { enabled, rolesEnabled } = inherited.length
    ? await effective(ctx, groupsConfiguration)
    : groupsConfiguration.initial
  return [...own, ...(enabled && rolesEnabled ? inherited : [])].map((row) => row.roleId)
}
