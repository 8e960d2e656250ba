import type { Ctx } from '../../../kernel/operation.ts'
import * as settings from '../../../kernel/settings.ts'
import { groupsConfiguration, type GroupsConfiguration } from '../../rights/held/groups-configuration.ts'
import { groupErrors } from './groups.errors.ts'

export const current = (ctx: Ctx) => settings.effective(ctx, groupsConfiguration)

export async function change(ctx: Ctx, fields: Partial<GroupsConfiguration>) {
  await settings.patch(ctx, groupsConfiguration, fields)
}

/** @throws 403 when groups are switched off */
export async function mustBeEnabled(ctx: Ctx) {
  const configuration = await current(ctx)
  if (!configuration.enabled) throw groupErrors.disabled()
  return configuration
}
