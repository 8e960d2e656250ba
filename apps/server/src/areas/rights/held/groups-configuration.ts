import { Type, type Static } from 'typebox'
import { setting } from '../../../kernel/settings.ts'

/** Whether an environment has groups at all, and whether their roles count. */
export const GroupsConfiguration = Type.Object({ enabled: Type.Boolean(), rolesEnabled: Type.Boolean() })
export type GroupsConfiguration = Static<typeof GroupsConfiguration>
export const groupsConfiguration = setting('groups-configuration', GroupsConfiguration, {
  enabled: true,
  rolesEnabled: true,
})
