import type { Prisma } from '@henhouse/database'
import { canonicalEmail } from '../../../kernel/email-addresses.ts'
import { isUuid } from '../../../kernel/environments.ts'
import { onDuplicate } from '../../../kernel/errors.ts'
import type { Caller, Ctx, TenantScope, UserScope } from '../../../kernel/operation.ts'
import { containing, inOrderOf, page, slice } from '../../../kernel/paging.ts'
import { selection } from '../users/user-list.service.ts'
import { userErrors } from '../users/users.errors.ts'
import { usernameErrors } from './usernames.errors.ts'
import type { UsernameQuery } from './usernames.schemas.ts'
import { usernamesOf } from './usernames.sql.ts'
import * as users from '../users/users.service.ts'
import * as events from '../../rights/events/events.service.ts'

/** A page of the usernames of the users that the caller may list. */
export async function list(ctx: Ctx, caller: Caller, tenant: TenantScope | undefined, query: UsernameQuery) {
  const { _sortBy = 'createdAt', _order, _usernamePrefix, userIds, usernames } = query,
    direction = _order === 'DESC' ? 'desc' : 'asc'
  const { where: user, crowd } = await selection(ctx, caller, tenant, {})
  const select = { id: true, username: true },
    shown = (rows: { id: string; username: string | null }[], total: number) =>
      page(
        rows.map(({ id, username }) => ({ userId: id, username: username! })),
        total,
        query,
      )
  if (crowd && _usernamePrefix === undefined && !userIds && !usernames) {
    const { ids, total } = await usernamesOf(ctx, crowd, _sortBy, query)
    return shown(inOrderOf(ids, await ctx.db.user.findMany({ where: { id: { in: ids } }, select })), total)
  }
  const where: Prisma.UserWhereInput = {
    username: {
      not: null,
      ...(_usernamePrefix !== undefined && { startsWith: containing(canonicalEmail(_usernamePrefix)).contains }),
      ...(usernames && { in: usernames.map(canonicalEmail) }),
    },
    AND: [user, ...(userIds ? [{ id: { in: userIds.filter(isUuid) } }] : [])],
  }
  const orderBy: Prisma.UserOrderByWithRelationInput[] = [
    { [_sortBy === 'userId' ? 'id' : _sortBy]: direction },
    { id: direction },
  ]
  return shown(
    ...(await Promise.all([
      ctx.db.user.findMany({ where, select, orderBy, ...slice(query) }),
      ctx.db.user.count({ where }),
    ])),
  )
}

/** @throws 404 */
export async function own(ctx: Ctx, { id: userId }: UserScope) {
  const username = (await ctx.db.user.findUnique({ where: { id: userId }, select: { username: true } }))?.username
  if (username == null) throw usernameErrors.notFound()
  return { userId, username }
}

/** @throws 409 for a user who has a username, and for a taken one; what a prehook says */
export async function create(ctx: Ctx, { id }: UserScope, written: string) {
  const username = canonicalEmail(written)
  await users.mayBeUpdated(ctx, id, { username })
  await events.recording(ctx, { key: 'user.usernameAdded', userId: id }, async (tx) => {
    const { count } = await tx.db.user
      .updateMany({ where: { id, username: null }, data: { username, updatedAt: tx.clock.now() } })
      .catch(onDuplicate(userErrors.usernameTaken()))
    if (!count) throw usernameErrors.hasOne()
  })
}

/** @param user the user it must belong to; undefined: any (management only) @throws 404; 400 when the user has no other identifier; what a prehook says */
export async function remove(ctx: Ctx, user: UserScope | undefined, written: string) {
  const username = canonicalEmail(written),
    owner = user ?? (await ctx.db.user.findFirst({ where: { username }, select: { id: true } }))
  if (!owner) throw usernameErrors.notFound()
  await users.mayBeUpdated(ctx, owner.id, { username: null })
  await events.recording(ctx, { key: 'user.usernameRemoved', userId: owner.id, details: { username } }, async (tx) => {
    const where = { id: owner.id, username }
    const { count } = await tx.db.user.updateMany({
      where: { ...where, OR: [{ email: { not: null } }, { phoneNumber: { not: null } }] },
      data: { username: null, updatedAt: tx.clock.now() },
    })
    if (!count) throw (await tx.db.user.count({ where })) ? usernameErrors.lastIdentifier() : usernameErrors.notFound()
  })
}
