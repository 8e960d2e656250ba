import { may } from '../../../kernel/authorize.ts'
import { isUuid } from '../../../kernel/environments.ts'
import { errors } from '../../../kernel/errors.ts'
import { grouped } from '../../../kernel/paging.ts'
import { idsAbove, tenantsOf } from '../../rights/tree/tree.service.ts'
import type { Caller, Ctx, TenantScope, UserScope } from '../../../kernel/operation.ts'
import { membershipErrors } from '../../people/memberships/memberships.errors.ts'
import { hasArrived } from '../../people/memberships/memberships.schemas.ts'
import * as memberships from '../../people/memberships/memberships.service.ts'
import { needs } from '../../rights/permissions/permissions.keys.ts'
import * as roles from '../../rights/roles/roles.service.ts'
import { tenantErrors } from '../../accounts/tenants/tenants.errors.ts'
import { bringAllIn, type Arrival } from '../user-creation/user-creation.service.ts'
import * as userList from '../../people/users/user-list.service.ts'
import { toListed } from '../../people/users/users.schemas.ts'
import { page } from '../../../kernel/paging.ts'
import { permissionsOf } from '../../people/users/user-rights.service.ts'
import { goesBelow } from '../../rights/held/sub-account-access.service.ts'
import { parentsAmong } from '../../accounts/hierarchy/hierarchy.service.ts'
import { familyOf } from '../../rights/held/sub-account-access.service.ts'
import type { Counted, UsersOfSubAccount } from './sub-account-users.schemas.ts'
import { open } from '../../rights/held/held.service.ts'
import { countsByAccess } from './sub-account-users.sql.ts'
import { mayBeRemoved } from '../../people/users/users.service.ts'

export interface Root {
  tenantId: string
  name: string
  parentTenantId: string | null
  hasChildren: boolean
  subAccountAccessAllowed: boolean
}

/** The tenants that let the user in, without those that they already reach from one above. */
export async function rootsOf(ctx: Ctx, user: UserScope): Promise<Root[]> {
  const rows = await ctx.db.membership.findMany({
    where: { userId: user.id, ...open(ctx) },
    orderBy: [{ createdAt: 'asc' }, { tenantId: 'asc' }],
    select: {
      user: { select: { subAccountAccess: true } },
      tenant: { select: { id: true, name: true, parentId: true, path: true, subAccountAccessType: true } },
    },
  })
  const opening = new Set(
    rows
      .filter((row) => goesBelow(row.user.subAccountAccess, row.tenant.subAccountAccessType))
      .map((row) => row.tenant.id),
  )
  const roots = rows.filter(({ tenant }) => !idsAbove(tenant.path).some((id) => opening.has(id))),
    parents = await parentsAmong(
      ctx,
      roots.map(({ tenant }) => tenant.id),
    )
  return roots.map(({ tenant }) => ({
    tenantId: tenant.id,
    name: tenant.name,
    parentTenantId: tenant.parentId,
    hasChildren: parents.has(tenant.id),
    subAccountAccessAllowed: opening.has(tenant.id),
  }))
}

/** A page of the users of the tenant and of those below it, with their rights in each. */
export async function list(ctx: Ctx, caller: Caller, tenant: TenantScope, query: userList.UserQuery) {
  const [{ rows, total }, permissions] = await Promise.all([
    userList.rows(ctx, caller, tenant, { ...query, _includeSubTenants: true }, { roles: true }),
    permissionsOf(ctx),
  ])
  const items = rows.map((row) => {
    const user = toListed(row, caller, tenant),
      arrived = new Map(row.places.map((place) => [place.tenantId, hasArrived(row, place)]))
    return {
      ...user,
      tenants: user.tenants.map((place) => ({
        ...place,
        permissions: permissions(place.roles ?? []),
        activated: arrived.get(place.tenantId) ?? false,
        lastLogin: user.lastLogin,
      })),
    }
  })
  const found = page(items, total, query)
  return { ...found, totalPages: found._metadata.totalPages }
}

/** Users reach their own tenant and, with access to sub-accounts, those below it; management without a tenant reaches all. @throws 404 */
async function mustReach(ctx: Ctx, caller: Caller, tenant: TenantScope | undefined, tenantIds: readonly string[]) {
  const wanted = [...new Set(tenantIds)],
    family = tenant && (await familyOf(ctx, caller, tenant.id))
  if (
    (await ctx.db.tenant.count({ where: { id: { in: wanted }, ...(family && { AND: tenantsOf(family) }) } })) <
    wanted.length
  )
    throw tenantErrors.notFound()
}

/** Adds users to tenants, all of them or none. Throws as `bringIn` does, and 404 for a tenant out of reach. */
export async function bringIn(ctx: Ctx, caller: Caller, tenant: TenantScope | undefined, arrivals: readonly Arrival[]) {
  await mustReach(
    ctx,
    caller,
    tenant,
    arrivals.map((arrival) => arrival.tenantId),
  )
  await bringAllIn(ctx, caller, arrivals)
}

const accessPermission = needs.subAccounts.access

/** Adds several users to one tenant. Access to sub-accounts belongs to the user and holds in all their tenants, so it is set for new users only. */
export async function bringManyIn(
  ctx: Ctx,
  caller: Caller,
  tenant: TenantScope | undefined,
  { users, allowSubAccountAccess, ...place }: UsersOfSubAccount,
  applicationId: string | undefined,
) {
  await mustReach(ctx, caller, tenant, [place.tenantId])
  if (allowSubAccountAccess !== undefined && caller.kind !== 'vendor' && !may(caller.permissions, accessPermission))
    throw errors.forbidden(accessPermission)
  const entered = await bringAllIn(
    ctx,
    caller,
    users.map((user) => ({ ...user, ...place, applicationId })),
  )
  if (allowSubAccountAccess !== undefined)
    await ctx.db.user.updateMany({
      where: {
        id: { in: entered.map(({ id }) => id) },
        subAccountAccess: null,
        memberships: { every: { tenantId: place.tenantId } },
      },
      data: { subAccountAccess: allowSubAccountAccess },
    })
}

/** Ends a user's memberships in the tenants, all of them or none. @throws 404 for a tenant out of reach, or one that the user is no member of, 403 for a user who is stronger than the caller in one of them */
export async function remove(
  ctx: Ctx,
  caller: Caller,
  tenant: TenantScope | undefined,
  userId: string,
  tenantIds: readonly string[],
) {
  await mustReach(ctx, caller, tenant, tenantIds)
  if (!isUuid(userId)) throw membershipErrors.notFound()
  await roles.mayManageIn(
    ctx,
    caller,
    tenantIds.map((tenantId) => ({ userId, tenantId })),
  )
  for (const tenantId of tenantIds) await mayBeRemoved(ctx, userId, tenantId)
  await memberships.removeAll(ctx, userId, tenantIds)
}

export type RoleChange = 'add' | 'set' | 'remove'

/** Changes a member's roles in the tenants, in all of them or in none. Throws as `memberships.changeRoles` does, and 404 for a tenant out of reach. */
export async function changeRoles(
  ctx: Ctx,
  caller: Caller,
  tenant: TenantScope | undefined,
  userId: string,
  places: readonly { tenantId: string; roleIds: string[] }[],
  how: RoleChange,
) {
  await mustReach(
    ctx,
    caller,
    tenant,
    places.map((place) => place.tenantId),
  )
  await memberships.changeRoles(
    ctx,
    caller,
    userId,
    places.map(({ tenantId, roleIds }) => ({
      tenantId,
      add: how === 'remove' ? [] : roleIds,
      remove: how === 'set' ? ('others' as const) : how === 'remove' ? roleIds : [],
    })),
  )
}

/**
 * The numbers of users in each of these tenants, and of those with access to its sub-accounts. Tenants that the caller may not
 * see are left out.
 */
export async function counts(
  ctx: Ctx,
  caller: Caller,
  tenant: TenantScope | undefined,
  { tenantIds, excludeInvisibleUsers = false }: Counted,
) {
  const rows = await ctx.db.tenant.findMany({
    where: { id: { in: tenantIds }, ...(tenant && { path: { has: tenant.id } }) },
    select: { id: true, subAccountAccessType: true },
  })
  const types = new Map(rows.map((row) => [row.id, row.subAccountAccessType])),
    known = [...new Set(tenantIds)].filter((id) => types.has(id))
  const counted = await ctx.sql(
    countsByAccess,
    known,
    ctx.clock.now(),
    caller.kind !== 'vendor' || excludeInvisibleUsers,
  )
  const sum = (rows: typeof counted) => rows.reduce((total, { users }) => total + users, 0),
    byTenant = grouped(counted, (row) => row.tenantId)
  return known.map((tenantId) => {
    const rows = byTenant.get(tenantId) ?? []
    return {
      tenantId,
      totalUsers: sum(rows),
      totalAccessAllowedUsers: sum(rows.filter(({ access }) => goesBelow(access, types.get(tenantId)!))),
    }
  })
}
