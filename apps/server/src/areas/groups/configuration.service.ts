import { Type, type Static } from 'typebox'
import type { Ctx } from '../../kernel/operation.ts'
import * as settings from '../../kernel/settings.ts'
import { doorsTo } from '../hierarchy/sub-account-access.service.ts'
import { groupErrors } from './groups.errors.ts'

/** Whether an environment has groups at all, and whether their roles count. */
export const GroupsConfiguration = Type.Object({ enabled: Type.Boolean(), rolesEnabled: Type.Boolean() })
type GroupsConfiguration = Static<typeof GroupsConfiguration>
const groupsConfiguration = settings.setting('groups-configuration', GroupsConfiguration, { enabled: true, rolesEnabled: true })

export const current = (ctx: Ctx) => settings.effective(ctx, groupsConfiguration)

export async function change(ctx: Ctx, fields: Partial<GroupsConfiguration>) {
  await settings.patch(ctx, groupsConfiguration, fields)
}

/** @throws 403 where there are no groups */
export async function mustBeEnabled(ctx: Ctx) {
  const configuration = await current(ctx)
  if (!configuration.enabled) throw groupErrors.disabled()
  return configuration
}

/**
 * The ids of all roles that a user has in a tenant: those of the membership and those of its groups where they count, there
 * and in the tenants above from which it comes down. Not to be called inside `ctx.atomically`.
 */
export async function rolesHeld(ctx: Ctx, userId: string, tenantId: string) {
  const places = { in: [tenantId, ...await doorsTo(ctx, userId, tenantId)] }
  const own = await ctx.db.membershipRole.findMany({ where: { userId, tenantId: places }, select: { roleId: true } })
  const inherited = await ctx.db.groupRole.findMany({ where: { tenantId: places, group: { users: { some: { userId } } } }, select: { roleId: true } })
  const { enabled, rolesEnabled } = inherited.length ? await current(ctx) : groupsConfiguration.initial
  return [...new Set([...own, ...(enabled && rolesEnabled ? inherited : [])].map((row) => row.roleId))]
}
