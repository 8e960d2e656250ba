import type { UserEmail as UserEmailRow } from '@henhouse/database'
import { Type, type Static } from 'typebox'
import { Order, pageQuery } from '../../../kernel/paging.ts'
import { Address, Code, DateTime, Id, JoinedKeys, OneOf } from '../../../kernel/validation.ts'
import { Email } from '../users/users.schemas.ts'

export const UserEmail = Type.Object({
  id: Id,
  userId: Id,
  email: Type.String(),
  verified: Type.Boolean(),
  isPrimary: Type.Boolean(),
  createdAt: DateTime,
  updatedAt: DateTime,
})

/** What `toUserEmail` needs besides the row's own columns. */
export const withPrimary = { user: { select: { email: true } } } as const
export const toUserEmail = ({
  user,
  createdAt,
  updatedAt,
  ...row
}: UserEmailRow & { user: { email: string | null } }): Static<typeof UserEmail> => ({
  ...row,
  isPrimary: user.email === row.email,
  createdAt: createdAt.toISOString(),
  updatedAt: updatedAt.toISOString(),
})

export const EmailOnly = Type.Object({ email: Email })
export const NewUserEmail = Type.Object({ email: Email, isVerified: Type.Optional(Type.Boolean()) })
export const EmailWithCode = Type.Object({ email: Email, code: Code })

export const UserEmailQuery = Type.Object({
  ...pageQuery,
  _sortBy: Type.Optional(OneOf(['userId', 'email'])),
  _order: Type.Optional(Order),
  _email: Type.Optional(Address),
  /** comma-joined */
  userIds: Type.Optional(JoinedKeys),
})
export type UserEmailQuery = Static<typeof UserEmailQuery>
