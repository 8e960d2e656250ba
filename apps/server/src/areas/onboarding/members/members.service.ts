import { may } from '../../../kernel/authorize.ts'
import { after, DAY } from '../../../kernel/clock.ts'
import { isUuid } from '../../../kernel/environments.ts'
import { errors } from '../../../kernel/errors.ts'
import type { Ctx, TenantScope, UserCaller, VendorCaller } from '../../../kernel/operation.ts'
import * as activation from '../../sign-in/activation/activation.service.ts'
import * as invitations from '../invitations/invitations.service.ts'
import { loginErrors } from '../../sign-in/login/login.errors.ts'
import { membershipErrors } from '../../people/memberships/memberships.errors.ts'
import * as memberships from '../../people/memberships/memberships.service.ts'
import { needs } from '../../rights/permissions/permissions.keys.ts'
import * as roles from '../../rights/roles/roles.service.ts'
import { userErrors } from '../../people/users/users.errors.ts'
import * as userList from '../../people/users/user-list.service.ts'
import { secretColumns, toCoreUser } from '../../people/users/users.schemas.ts'
import * as users from '../../people/users/users.service.ts'
import { memberErrors } from './members.errors.ts'
import { toMember, type MemberChange, type MemberQuery } from './members.schemas.ts'

type Caller = VendorCaller | UserCaller

/** A page of the tenant's members; those of the tenants below it are none. */
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
  const { items, _metadata } = await userList.list(ctx, caller, tenant, query, { roles: true })
  const names = new Map(
    (
      await ctx.db.user.findMany({
        where: { id: { in: items.map((item) => item.id) } },
        select: { id: true, username: true },
      })
    ).map((row) => [row.id, row.username]),
  )
  return {
    items: items.map((item) => toMember(item, ctx.vendorId, tenant.id, names.get(item.id) ?? null)),
    totalPages: _metadata.totalPages,
    totals: _metadata.totalItems,
  }
}

/** @throws 404 for a user who is no member, or not to be seen */
export async function get(ctx: Ctx, caller: Caller, tenant: TenantScope, who: { id: string } | { email: string }) {
  const row = await users.find(ctx, {
    ...who,
    ...users.membersOf(ctx, { tenantId: tenant.id }),
    ...memberships.visibleTo(caller),
  })
  return toMember(toCoreUser(row, caller, tenant.id), ctx.vendorId, tenant.id, row.username)
}

/**
 * Changes a member's name, and the roles that it has in the tenant: those given are all that it has then. Address, phone
 * number and picture are its own to change: they are ways to log in, in other tenants, too.
 * @throws 400 when nobody is named or a role is unknown, 403 for whoever may not change roles or for a member or roles stronger than the caller's own, 404
 */
export async function update(
  ctx: Ctx,
  caller: Caller,
  tenant: TenantScope,
  { id, email, name, roleIds }: MemberChange,
) {
  const found = await get(ctx, caller, tenant, named(id, email))
  await roles.mayManage(ctx, caller, tenant, found.id)
  if (roleIds && !isSame(roleIds, found.roleIds)) {
    if (caller.kind === 'user' && !may(caller.permissions, rolesPermission)) throw errors.forbidden(rolesPermission)
    await memberships.changeRoles(ctx, caller, found.id, [{ tenantId: tenant.id, add: roleIds, remove: 'others' }])
  }
  if (name !== undefined) await users.mark(ctx, { id: found.id }, { name })
  return get(ctx, caller, tenant, { id: found.id })
}
const rolesPermission = needs.users.giveRoles

function named(id: string | undefined, email: string | undefined) {
  if (id !== undefined) {
    if (isUuid(id)) return { id }
    throw userErrors.notFound()
  }
  if (email === undefined) throw memberErrors.notNamed()
  return { email: email.toLowerCase() }
}
const isSame = (some: readonly string[], others: readonly string[]) =>
  new Set([...some, ...others]).size === others.length && new Set(some).size === others.length

/** Sends the mail that the member waits for once more: that of the activation, or of the invitation. @throws 400 when it waits for none, 404, 423 for a locked user */
export async function resendMail(ctx: Ctx, caller: Caller, tenant: TenantScope, userId: string) {
  const found = await ctx.db.membership.findFirst({
    where: { userId, tenantId: tenant.id, ...memberships.liveAndVisibleTo(ctx, caller) },
    select: { acceptedAt: true, user: { omit: secretColumns } },
  })
  if (!found) throw membershipErrors.notFound()
  const { user, acceptedAt } = found
  if (user.isLocked) throw loginErrors.locked()
  if (user.verified && acceptedAt) throw memberErrors.alreadyActive()
  const issuer = caller.kind === 'user' ? await ctx.db.user.findUnique({ where: { id: caller.userId } }) : null
  await ctx.atomically(async (tx) => {
    if (user.verified) await invitations.sendInvitation(tx, user, tenant.id, { issuer })
    else await activation.sendActivation(tx, user, tenant.id, { issuer })
  })
}

/** As `resendMail`, to whoever is known by the address. @returns the user's id, undefined where no member of that address waits for a mail */
export async function remind(ctx: Ctx, caller: Caller, tenant: TenantScope, email: string) {
  const waiting = { OR: [{ acceptedAt: null }, { user: { verified: false } }] }
  const found = await ctx.db.membership.findFirst({
    where: {
      tenantId: tenant.id,
      AND: [memberships.live(ctx), { user: { email: email.toLowerCase(), ...memberships.visibleTo(caller) } }, waiting],
    },
    select: { userId: true },
  })
  if (found) await resendMail(ctx, caller, tenant, found.userId)
  return found?.userId
}

/** How many members there are, how many came in the last seven days, and how many are superusers. */
export async function stats(ctx: Ctx, caller: Caller, tenant: TenantScope) {
  const selected = await userList.selection(ctx, caller, tenant, { _includeSubTenants: false }),
    recent = { tenantId: tenant.id, createdAt: { gt: after(ctx.clock.now(), -7 * DAY) } }
  // the few who are not shown are taken off, so that the others need not be looked at one by one
  const [totalItems, added, ended, invisible, superAdmins] = await Promise.all([
    userList.totalOf(ctx, selected),
    ctx.db.membership.count({ where: recent }),
    ctx.db.membership.count({ where: { ...recent, expiresAt: { lte: ctx.clock.now() } } }),
    caller.kind === 'user'
      ? ctx.db.user.count({
          where: { invisible: true, memberships: { some: { ...recent, ...memberships.live(ctx) } } },
        })
      : 0,
    ctx.db.user.count({ where: { AND: [selected.where, { superUser: true }] } }),
  ])
  return { totalItems, addedThisWeek: added - ended - invisible, superAdmins }
}
