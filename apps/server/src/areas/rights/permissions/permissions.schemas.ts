import type { Permission as PermissionRow, PermissionCategory, Prisma } from '@henhouse/database'
import { Type, type Static } from 'typebox'
import { DateTime, Id, Key, Name, Nullable, OneOf, Text } from '../../../kernel/validation.ts'

export const AssignmentType = OneOf(['NEVER', 'ALWAYS', 'ASSIGNABLE'])

export const PermissionChange = Type.Object({
  key: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
  name: Type.Optional(Name),
  description: Type.Optional(Text),
  categoryId: Type.Optional(Key),
})
export type PermissionChange = Static<typeof PermissionChange>

export const NewPermission = Type.Object({
  key: Type.String({ minLength: 1, maxLength: 255 }),
  name: Name,
  description: Type.Optional(Text),
  categoryId: Type.Optional(Key),
  assignmentType: Type.Optional(AssignmentType),
})
export type NewPermission = Static<typeof NewPermission>

export const Permission = Type.Object({
  id: Id,
  key: Type.String(),
  name: Type.String(),
  description: Nullable(Type.String()),
  createdAt: DateTime,
  updatedAt: DateTime,
  roleIds: Type.Array(Id),
  categoryId: Nullable(Id),
  fePermission: Type.Boolean(),
})

/** What `toPermission` needs beside the row's own columns. @param role which roles are told of: those that the tenant sees */
export const withRoleIds = (role: Prisma.RoleWhereInput) =>
  ({ roles: { where: { role }, select: { roleId: true } } }) satisfies Prisma.PermissionInclude

export const toPermission = ({
  roles,
  ...row
}: PermissionRow & { roles: { roleId: string }[] }): Static<typeof Permission> => ({
  ...row,
  roleIds: roles.map((r) => r.roleId),
  createdAt: row.createdAt.toISOString(),
  updatedAt: row.updatedAt.toISOString(),
})

export const NewCategory = Type.Object({ name: Name, description: Type.Optional(Text), id: Type.Optional(Id) })
export type NewCategory = Static<typeof NewCategory>
export const CategoryChange = Type.Object({ name: Type.Optional(Name), description: Type.Optional(Text) })
export type CategoryChange = Static<typeof CategoryChange>

export const Category = Type.Object({
  id: Id,
  name: Type.String(),
  description: Nullable(Type.String()),
  createdAt: DateTime,
  updatedAt: DateTime,
  feCategory: Type.Boolean(),
  permissionIds: Type.Array(Id),
})
/** What `toCategory` needs beside the row's own columns. */
export const withPermissionIds = {
  permissions: { select: { id: true }, orderBy: [{ createdAt: 'asc' }, { key: 'asc' }] },
} satisfies Prisma.PermissionCategoryInclude
export const toCategory = ({
  permissions,
  ...row
}: PermissionCategory & { permissions: { id: string }[] }): Static<typeof Category> => ({
  ...row,
  permissionIds: permissions.map(({ id }) => id),
  createdAt: row.createdAt.toISOString(),
  updatedAt: row.updatedAt.toISOString(),
})
