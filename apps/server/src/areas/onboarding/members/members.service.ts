import * as events from '../../rights/events/events.service.ts'
import { canonicalEmail } from '../../../kernel/email-addresses.ts'
import { may } from '../../../kernel/authorize.ts'
import { after, DAY } from '../../../kernel/clock.ts'
import { isUuid } from '../../../kernel/environments.ts'
import { errors } from '../../../kernel/errors.ts'
import type { Caller, Ctx, TenantScope } from '../../../kernel/operation.ts'
import * as memberships from '../../people/memberships/memberships.service.ts'
import { needs } from '../../rights/permissions/permissions.keys.ts'
import * as roles from '../../rights/roles/roles.service.ts'
import { userErrors } from '../../people/users/users.errors.ts'
import * as userList from '../../people/users/user-list.service.ts'
import { toCoreUser, type UserWithTenants } from '../../people/users/users.schemas.ts'
import * as users from '../../people/users/users.service.ts'
import { memberErrors } from './members.errors.ts'
import { toMember, type MemberChange, type MemberQuery } from './members.schemas.ts'
import { memberStats } from './members.sql.ts'

/** A page of the tenant's members, without those of the tenants below. */
export async function list(
  ctx: Ctx,
  caller: Caller,
  tenant: TenantScope,
  { pageOffset = 0, pageSize = 50, sortBy = 'name', sortDirection, searchFilter }: MemberQuery,
) {
  const query = {
    _offset: pageOffset,
    _limit: pageSize,
    _sortBy: sortBy,
    _order: sortDirection === 'desc' ? ('DESC' as const) : ('ASC' as const),
    _includeSubTenants: false,
    ...(searchFilter !== undefined && { _filter: searchFilter }),
  }
  const { rows, total } = await userList.rows(ctx, caller, tenant, query, { roles: true })
  return {
    items: rows.map((row) => shown(ctx, caller, tenant, row)),
    totalPages: Math.ceil(total / pageSize),
    totals: total,
  }
}

/** @throws 404 for a user who is no member, or whom the caller may not see */
export const get = async (...[ctx, caller, tenant, who]: Parameters<typeof find>) =>
  shown(ctx, caller, tenant, await find(ctx, caller, tenant, who))

async function find(ctx: Ctx, caller: Caller, tenant: TenantScope, who: { id: string } | { email: string }) {
  const row = await users.find(ctx, who, { tenant, as: 'member' })
  if (row.invisible && caller.kind !== 'vendor') throw userErrors.notFound()
  return row
}

export const shown = (ctx: Ctx, caller: Caller, tenant: TenantScope, row: UserWithTenants) =>
  toMember(toCoreUser(row, caller, tenant.id), ctx.vendorId, tenant.id, row.username)

/**
 * Changes a member's name, and replaces their roles in the tenant by the given ones. Only the member can change their address,
 * phone number and picture, as these belong to them in every tenant.
 * @throws 400 when nobody is named or a role is unknown, 403 when the caller may not change roles, the member or a role is stronger than the caller, or who is renamed has not accepted the invitation, 404
 */
export async function update(
  ctx: Ctx,
  caller: Caller,
  tenant: TenantScope,
  { id, email, name, roleIds }: MemberChange,
) {
  const row = await find(ctx, caller, tenant, named(id, email)),
    found = shown(ctx, caller, tenant, row)
  await roles.mayManage(ctx, caller, tenant, found.id)
  const isRenamed = name !== undefined && name !== found.name,
    isIn = row.places.some((place) => place.tenantId === tenant.id && place.acceptedAt !== null)
  if (isRenamed && caller.kind !== 'vendor' && !isIn) throw memberErrors.onlyInvited()
  await users.mayBeUpdated(ctx, row.id, isRenamed ? { name } : {}, tenant.id)
  const places = roleIds &&
    !isSame(roleIds, found.roleIds) && [{ tenantId: tenant.id, add: roleIds, remove: 'others' as const }]
  if (places && caller.kind !== 'vendor' && !may(caller.permissions, rolesPermission))
    throw errors.forbidden(rolesPermission)
  await events.recording(ctx, { key: 'frontegg.user.updated', userId: found.id, tenantId: tenant.id }, async (tx) => {
    if (places) await memberships.changeRoles(tx, caller, found.id, places)
    if (isRenamed) await users.mark(tx, { id: found.id }, { name })
  })
  return get(ctx, caller, tenant, { id: found.id })
}
const rolesPermission = needs.users.giveRoles

function named(id: string | undefined, email: string | undefined) {
  if (id !== undefined) {
    if (isUuid(id)) return { id }
    throw userErrors.notFound()
  }
  if (email === undefined) throw memberErrors.notNamed()
  return { email: canonicalEmail(email) }
}
const isSame = (some: readonly string[], others: readonly string[]) =>
  new Set([...some, ...others]).size === others.length && new Set(some).size === others.length

/** The numbers of members, of those who joined in the last seven days, and of superusers. */
export async function stats(ctx: Ctx, caller: Caller, tenant: TenantScope) {
  const now = ctx.clock.now()
  const [found] = await ctx.sql(memberStats, tenant.id, now, after(now, -7 * DAY), caller.kind !== 'vendor')
  return found!
}
