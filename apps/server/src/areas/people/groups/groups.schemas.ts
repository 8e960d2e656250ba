import type { Group as GroupColumns, User } from '@henhouse/database'
import { Type, type Static } from 'typebox'
import { Order, Page, pageQuery } from '../../../kernel/paging.ts'
import { DateTime, Id, Key, Keys, MetadataText, Name, OneOf, Text } from '../../../kernel/validation.ts'
import { hasArrived } from '../memberships/memberships.schemas.ts'
import { Role, toRole, withPermissionIds, type RoleWithPermissionIds } from '../../rights/roles/roles.schemas.ts'
import { pictureOf } from '../../delivery/mail/person.ts'
import { GroupsConfiguration } from '../../rights/held/groups-configuration.ts'

const details = {
  color: Type.Optional(Type.String({ maxLength: 255 })),
  description: Type.Optional(Text),
  /** text of a JSON object */
  metadata: Type.Optional(MetadataText),
}
export const NewGroup = Type.Object({ name: Name, ...details })
export type NewGroup = Static<typeof NewGroup>
export const GroupChange = Type.Object({ name: Type.Optional(Name), ...details })
export type GroupChange = Static<typeof GroupChange>

export const ConfigurationChange = Type.Partial(GroupsConfiguration)
export const GroupIds = Type.Object({ groupsIds: Keys })
export const UserIds = Type.Object({ userIds: Keys })

const relations = { _groupsRelations: Type.Optional(OneOf(['roles', 'users', 'rolesAndUsers'])) }
export const GroupQuery = Type.Object(relations)
export type GroupQuery = Static<typeof GroupQuery>
export const GroupPageQuery = Type.Object({
  ...relations,
  ...pageQuery,
  _sortBy: Type.Optional(OneOf(['id', 'name', 'createdAt', 'updatedAt'])),
  _order: Type.Optional(Order),
})
export type GroupPageQuery = Static<typeof GroupPageQuery>
export const UsersQuery = Type.Object({ ids: Type.Array(Key, { maxItems: 250 }) })

const GroupUser = Type.Object({
  id: Id,
  email: Type.String(),
  name: Type.String(),
  profilePictureUrl: Type.String(),
  createdAt: DateTime,
  activatedForTenant: Type.Boolean(),
})

export const Group = Type.Object({
  id: Id,
  name: Type.String(),
  color: Type.String(),
  description: Type.String(),
  metadata: Type.String(),
  roles: Type.Array(Role),
  users: Type.Array(GroupUser),
  managedBy: OneOf(['frontegg', 'scim2']),
  createdAt: DateTime,
  updatedAt: DateTime,
})
export const Groups = Type.Object({ groups: Type.Array(Group) })
export const GroupPage = Page(Group)

export const GroupsOfUser = Type.Object({ vendorId: Id, tenantId: Type.String(), userId: Id, groupIds: Type.Array(Id) })

export const withRole = { role: { include: withPermissionIds } } as const
export const withUser = {
  membership: {
    select: {
      acceptedAt: true,
      user: {
        select: {
          id: true,
          email: true,
          name: true,
          profilePictureUrl: true,
          createdAt: true,
          verified: true,
          lastLogin: true,
        },
      },
    },
  },
} as const

type Person = Pick<User, keyof typeof withUser.membership.select.user.select>
/** Roles and users are present only when asked for. */
export interface GroupRow extends Omit<GroupColumns, 'vendorId' | 'tenantId'> {
  roles?: { role: RoleWithPermissionIds }[]
  users?: { membership: { acceptedAt: Date | null; user: Person } }[]
}

export const toGroup = ({ roles = [], users = [], ...row }: GroupRow): Static<typeof Group> => ({
  ...row,
  managedBy: row.managedBy as 'frontegg' | 'scim2',
  roles: roles.map(({ role }) => toRole(role)),
  users: users.map(({ membership: { user, ...membership } }) => ({
    id: user.id,
    email: user.email ?? '',
    name: user.name,
    profilePictureUrl: pictureOf(user),
    createdAt: user.createdAt.toISOString(),
    activatedForTenant: hasArrived(user, membership),
  })),
  createdAt: row.createdAt.toISOString(),
  updatedAt: row.updatedAt.toISOString(),
})
export const toGroups = (rows: GroupRow[]) => ({ groups: rows.map(toGroup) })
