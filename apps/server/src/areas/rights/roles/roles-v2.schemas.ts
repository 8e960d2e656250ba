import { Type, type Static } from 'typebox'
import { Order } from '../../../kernel/paging.ts'
import { FilledKey, Key, Keys, Name, OneOf, Text } from '../../../kernel/validation.ts'
import { Role, toRole, type RoleWithPermissionIds } from './roles.schemas.ts'

export const RoleQuery = Type.Object({
  _limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 2000 })),
  _offset: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000_000 })),
  /** the last three: by their number */
  _sortBy: Type.Optional(
    OneOf([
      'key',
      'name',
      'description',
      'isDefault',
      'firstUserRole',
      'level',
      'updatedAt',
      'createdAt',
      'permissions',
      'userTenants',
      'groups',
    ]),
  ),
  _order: Type.Optional(Order),
  _filter: Type.Optional(Text),
  _levels: Type.Optional(Type.Array(Type.Integer({ minimum: 0, maximum: 32767 }), { maxItems: 1000 })),
  _tenantIds: Type.Optional(Keys),
})
export type RoleQuery = Static<typeof RoleQuery>

/** The level is that of the base role. */
export const DerivedRole = Type.Object({
  key: FilledKey,
  name: Name,
  description: Type.Optional(Text),
  isDefault: Type.Optional(Type.Boolean()),
  baseRoleId: Key,
  permissionIds: Keys,
})
export type DerivedRole = Static<typeof DerivedRole>

/** A role as the portal's team page reads it. */
export const TeamRole = Type.Object({ ...Role.properties, description: Type.String(), permissionLevel: Type.Integer() })
export const toTeamRole = (row: RoleWithPermissionIds): Static<typeof TeamRole> => ({
  ...toRole(row),
  description: row.description ?? '',
  permissionLevel: row.level,
})
