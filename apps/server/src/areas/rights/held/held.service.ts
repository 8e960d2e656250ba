import type { Caller, Ctx } from '../../../kernel/operation.ts'
import { grouped } from '../../../kernel/paging.ts'
import { effective } from '../../../kernel/settings.ts'
import { definedRights, rolesNamed, type DefinedRole } from './defined.ts'
import { groupsConfiguration } from './groups-configuration.ts'
import { rolesHeldIn, type HeldRole } from './held.sql.ts'
import { doorsToAll, type Place } from './sub-account-access.service.ts'

/** Memberships that have not run out. */
export const live = (ctx: Ctx) => ({ OR: [{ expiresAt: null }, { expiresAt: { gt: ctx.clock.now() } }] })

/** Memberships that let the user in: not run out, not disabled, and accepted, or made without an invitation. */
export const open = (ctx: Ctx) => ({ isDisabled: false, acceptedAt: { not: null }, ...live(ctx) })

/** The users that the caller may see: users do not see invisible ones. */
export const visibleTo = (caller: Caller) => (caller.kind === 'vendor' ? {} : { invisible: false })
/** Memberships of those users that have not run out. */
export const liveAndVisibleTo = (ctx: Ctx, caller: Caller) => ({
  ...live(ctx),
  ...(caller.kind !== 'vendor' && { user: visibleTo(caller) }),
})

/** A user's tenants, including those where they are disabled or have not arrived yet; none for an unknown user. */
export async function tenantIdsOf(ctx: Ctx, userId: string) {
  return (await ctx.db.membership.findMany({ where: { userId, ...live(ctx) }, select: { tenantId: true } })).map(
    (row) => row.tenantId,
  )
}

/**
 * A user's roles in a tenant, and the keys of these and of their permissions, as tokens carry them. Empty for users who are
 * not members, or have not accepted their invitation.
 */
export const keysOf = async (ctx: Ctx, userId: string, tenantId: string) =>
  keysOfHeld(ctx, await ctx.sql(rolesHeldIn, ctx.clock.now(), userId, tenantId, false))

/** As `keysOf`, from what a statement has found. */
export const keysOfHeld = async (ctx: Ctx, held: readonly HeldRole[]) => keysOfRoles(ctx, await rolesOf(ctx, held))

/** The keys of roles and of their permissions, each once. */
export async function keysOfRoles(ctx: Ctx, roles: readonly DefinedRole[]) {
  const { permissions } = await definedRights(ctx)
  return {
    roleIds: roles.map((role) => role.id),
    // a tenant's role may have the same key as one of the environment's
    roles: [...new Set(roles.map((role) => role.key))],
    permissions: [
      ...new Set(
        roles.flatMap((role) =>
          role.permissions.flatMap(({ permissionId }) => permissions.get(permissionId)?.key ?? []),
        ),
      ),
    ],
  }
}

/**
 * All roles that users have in a tenant, the oldest first: their own there, and those of the tenants above from which they
 * come down. Those of an invitation that is not accepted are among them: `keysOf` leaves them out.
 */
export const rolesHeld = async (ctx: Ctx, userId: string, tenantId: string) =>
  rolesOf(ctx, await ctx.sql(rolesHeldIn, ctx.clock.now(), userId, tenantId, true))

/** As `rolesHeld`, for many places at once. The users' ids are in lower case. */
export async function rolesHeldInAll(ctx: Ctx, places: readonly Place[]): Promise<DefinedRole[][]> {
  const held = await heldIn(ctx, places),
    all = held.flat()
  const roles = await rolesNamed(
    ctx,
    all.map((row) => row.roleId),
    all.map((row) => row.tenantId),
  )
  return held.map((rows) => {
    const ids = new Set(rows.map((row) => row.roleId))
    return roles.filter(({ id }) => ids.has(id))
  })
}

/** The ids of the roles that `rolesHeld` finds, for many places at once. The users' ids are in lower case. */
export const rolesHeldInMany = async (ctx: Ctx, places: readonly Place[]): Promise<string[][]> =>
  (await heldIn(ctx, places)).map((rows) => rows.map((row) => row.roleId))

async function heldIn(ctx: Ctx, places: readonly Place[]) {
  const doors = await doorsToAll(ctx, places)
  const where = {
    userId: { in: [...new Set(places.map((place) => place.userId))] },
    tenantId: { in: [...new Set([...places.map((place) => place.tenantId), ...doors.flat()])] },
  }
  const { enabled, rolesEnabled } = await effective(ctx, groupsConfiguration)
  const [own, inherited] = await Promise.all([
    ctx.db.membershipRole.findMany({ where, select: { userId: true, tenantId: true, roleId: true } }),
    enabled && rolesEnabled
      ? ctx.db.groupUser.findMany({
          where,
          select: { userId: true, tenantId: true, group: { select: { roles: { select: { roleId: true } } } } },
        })
      : [],
  ])
  const byGroups = inherited.flatMap(({ group, ...place }) => group.roles.map((role) => ({ ...place, ...role }))),
    held = grouped([...own, ...byGroups], keyOf)
  return places.map(({ userId, tenantId }, index) =>
    [tenantId, ...doors[index]!].flatMap((id) => held.get(keyOf({ userId, tenantId: id })) ?? []),
  )
}
const keyOf = ({ userId, tenantId }: Place) => `${userId} ${tenantId}`

/** The roles that a statement has found, the oldest first: those by groups only where groups count. */
export async function rolesOf(ctx: Ctx, held: readonly HeldRole[]) {
  const { enabled, rolesEnabled } = await effective(ctx, groupsConfiguration)
  const counting = held.filter((role) => !role.byGroup || (enabled && rolesEnabled))
  return rolesNamed(
    ctx,
    counting.map((role) => role.roleId),
    counting.map((role) => role.tenantId),
  )
}
