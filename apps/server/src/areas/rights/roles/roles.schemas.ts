import type { Role as RoleRow } from '@henhouse/database'
import { Type, type Static } from 'typebox'
import { DateTime, Id, Name, Nullable, Text } from '../../../kernel/validation.ts'

export const Level = Type.Integer({ minimum: 0, maximum: 32767 })

export const NewRole = Type.Object({
  key: Type.String({ minLength: 1, maxLength: 255 }),
  name: Name,
  description: Type.Optional(Text),
  isDefault: Type.Optional(Type.Boolean()),
  migrateRole: Type.Optional(Type.Boolean()),
  firstUserRole: Type.Optional(Type.Boolean()),
  /** 0 where it is left out */
  level: Type.Optional(Level),
})
export type NewRole = Static<typeof NewRole>

export const RoleChange = Type.Partial(NewRole)
export type RoleChange = Static<typeof RoleChange>

export const Role = Type.Object({
  id: Id,
  vendorId: Id,
  tenantId: Nullable(Type.String()),
  key: Type.String(),
  name: Type.String(),
  description: Nullable(Type.String()),
  isDefault: Type.Boolean(),
  firstUserRole: Type.Boolean(),
  level: Type.Integer(),
  createdAt: DateTime,
  updatedAt: DateTime,
  permissions: Type.Array(Id),
})

/** What `toRole` needs beside the row's own columns. */
export const withPermissionIds = { permissions: { select: { permissionId: true } } } as const
export type RoleWithPermissionIds = RoleRow & { permissions: { permissionId: string }[] }

export const toRole = (row: RoleWithPermissionIds): Static<typeof Role> => ({
  ...row,
  permissions: row.permissions.map((p) => p.permissionId),
  createdAt: row.createdAt.toISOString(),
  updatedAt: row.updatedAt.toISOString(),
})
