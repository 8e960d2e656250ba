import { Type, type Static } from 'typebox'
import { Page } from '../../../kernel/paging.ts'
import { DateTime, FilledKey, Key, Keys, NameOrNone, Nullable } from '../../../kernel/validation.ts'
import { Permission } from '../../rights/permissions/permissions.schemas.ts'
import { CoreUser, Email, TenantOfUser } from '../../people/users/users.schemas.ts'

const most = { minItems: 1, maxItems: 100 }

/** A user with their rights in each of their tenants. */
const SubAccountUser = Type.Object({
  ...CoreUser.properties,
  tenants: Type.Array(
    Type.Object({
      ...TenantOfUser.properties,
      permissions: Type.Array(Permission),
      activated: Type.Boolean(),
      lastLogin: Nullable(DateTime),
    }),
  ),
})

/** The browser client's type has `totalPages` at the top; its store reads it where all lists have it. */
export const SubAccountUsers = Type.Object({ ...Page(SubAccountUser).properties, totalPages: Type.Integer() })

const Person = Type.Object({ email: Email, name: Type.Optional(NameOrNone) })
const Place = Type.Object({ tenantId: FilledKey })
const PlaceWithRoles = Type.Object({ ...Place.properties, roleIds: Type.Optional(Keys) })

export const UserOfSubAccounts = Type.Object({ user: Person, subTenants: Type.Array(PlaceWithRoles, most) })
export const UsersOfSubAccount = Type.Object({
  users: Type.Array(Person, most),
  ...PlaceWithRoles.properties,
  allowSubAccountAccess: Type.Optional(Type.Boolean()),
})
export type UsersOfSubAccount = Static<typeof UsersOfSubAccount>
export const Departure = Type.Object({ userId: Key, subTenants: Type.Array(Place, most) })
export const RolesInSubAccounts = Type.Object({
  subTenantsRoles: Type.Array(Type.Object({ ...Place.properties, roleIds: Keys }), most),
})

export const Counted = Type.Object({
  tenantIds: Keys,
  excludeInvisibleUsers: Type.Optional(Type.Boolean()),
})
export type Counted = Static<typeof Counted>
export const UserCount = Type.Object({
  tenantId: Type.String(),
  totalUsers: Type.Integer(),
  totalAccessAllowedUsers: Type.Integer(),
})
