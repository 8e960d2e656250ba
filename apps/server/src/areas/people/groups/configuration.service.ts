import { Type, type Static } from 'typebox'
import type { Ctx } from '../../../kernel/operation.ts'
import * as settings from '../../../kernel/settings.ts'
import { doorsTo } from '../../accounts/hierarchy/sub-account-access.service.ts'
import { groupErrors } from './groups.errors.ts'

/** Whether an environment has groups at all, and whether their roles count. */
export const GroupsConfiguration = Type.Object({ enabled: Type.Boolean(), rolesEnabled: Type.Boolean() })
type GroupsConfiguration = Static<typeof GroupsConfiguration>
const groupsConfiguration = settings.setting('groups-configuration', GroupsConfiguration, {
  enabled: true,
  rolesEnabled: true,
})

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
  const { enabled, rolesEnabled } = inherited.length ? await current(ctx) : groupsConfiguration.initial
  return [...own, ...(enabled && rolesEnabled ? inherited : [])].map((row) => row.roleId)
}
