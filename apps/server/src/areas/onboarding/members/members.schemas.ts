import { Type, type Static } from 'typebox'
import {
  Address,
  DateTime,
  Id,
  Key,
  Keys,
  Name,
  NameOrNone,
  Nullable,
  OneOf,
  Text,
} from '../../../kernel/validation.ts'
import { Expiration } from '../../people/memberships/memberships.schemas.ts'
import { Role } from '../../rights/roles/roles.schemas.ts'
import { Email, PhoneNumber, Username, type CoreUser } from '../../people/users/users.schemas.ts'

/** A user as the portal's members page shows them. */
export const Member = Type.Object({
  id: Id,
  vendorId: Id,
  tenantId: Type.String(),
  email: Type.String(),
  name: Type.String(),
  phone: Nullable(Type.String()),
  username: Nullable(Type.String()),
  /** the older name of the next field */
  profileImage: Type.String(),
  profileImageUrl: Type.String(),
  roleIds: Type.Array(Id),
  roles: Type.Array(Role),
  activatedForTenant: Type.Boolean(),
  verified: Type.Boolean(),
  mfaEnabled: Type.Boolean(),
  isDisabled: Type.Boolean(),
  temporaryExpirationDate: Nullable(DateTime),
  managedBy: Type.String(),
  metadata: Type.String(),
  createdAt: DateTime,
  lastLogin: Nullable(DateTime),
})

export const toMember = (
  user: Static<typeof CoreUser>,
  vendorId: string,
  tenantId: string,
  username: string | null,
): Static<typeof Member> => {
  const place = user.tenants.find((one) => one.tenantId === tenantId),
    roles = place?.roles ?? []
  return {
    ...user,
    vendorId,
    tenantId,
    username,
    roles,
    roleIds: roles.map((role) => role.id),
    phone: user.phoneNumber,
    profileImage: user.profilePictureUrl,
    profileImageUrl: user.profilePictureUrl,
    mfaEnabled: user.mfaEnrolled,
    isDisabled: place?.isDisabled ?? false,
    temporaryExpirationDate: place?.temporaryExpirationDate ?? null,
  }
}

export const MemberQuery = Type.Object({
  /** the index of the page, from 0 */
  pageOffset: Type.Optional(Type.Integer({ minimum: 0, maximum: 2 ** 31 - 1 })),
  pageSize: Type.Optional(Type.Integer({ minimum: 1, maximum: 200 })),
  sortBy: Type.Optional(OneOf(['name', 'email', 'createdAt', 'lastLogin', 'verified', 'provider'])),
  sortDirection: Type.Optional(OneOf(['asc', 'desc'])),
  /** part of a name or an address */
  searchFilter: Type.Optional(Text),
})
export type MemberQuery = Static<typeof MemberQuery>

export const Members = Type.Object({ items: Type.Array(Member), totalPages: Type.Integer(), totals: Type.Integer() })

export const NewMember = Type.Object({
  email: Type.Optional(Email),
  username: Type.Optional(Username),
  name: Type.Optional(NameOrNone),
  phone: Type.Optional(PhoneNumber),
  roleIds: Type.Optional(Keys),
  expirationInSeconds: Type.Optional(Expiration),
})

/** Names the member by id or, without one, by address. */
export const MemberChange = Type.Object({
  id: Type.Optional(Key),
  email: Type.Optional(Address),
  name: Type.Optional(Name),
  roleIds: Type.Optional(Keys),
})
export type MemberChange = Static<typeof MemberChange>

export const MemberStats = Type.Object({
  totalItems: Type.Integer(),
  addedThisWeek: Type.Integer(),
  superAdmins: Type.Integer(),
})
