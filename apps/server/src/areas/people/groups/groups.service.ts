import type { Prisma } from '@henhouse/database'
import { isUuid } from '../../../kernel/environments.ts'
import { onDuplicate, onMissing, onUnknownReference } from '../../../kernel/errors.ts'
import type { Caller, Ctx, TenantScope } from '../../../kernel/operation.ts'
import { slice } from '../../../kernel/paging.ts'
import { liveAndVisibleTo } from '../../rights/held/held.service.ts'
import * as roles from '../../rights/roles/roles.service.ts'
import { mustBeObjects } from '../users/users.schemas.ts'
import { mustBeEnabled } from './configuration.service.ts'
import { groupErrors } from './groups.errors.ts'
import {
  withRole,
  withUser,
  type GroupChange,
  type GroupPageQuery,
  type GroupQuery,
  type GroupRow,
  type NewGroup,
} from './groups.schemas.ts'
import * as events from '../../rights/events/events.service.ts'

type Relations = GroupQuery['_groupsRelations']

/** Every function here throws 403 when groups are switched off, and sees only the given tenant's groups. */
export async function list(ctx: Ctx, caller: Caller, tenant: TenantScope, relations: Relations): Promise<GroupRow[]> {
  await mustBeEnabled(ctx)
  return ctx.db.group.findMany({
    where: { tenantId: tenant.id },
    include: related(ctx, caller, relations),
    orderBy: [{ createdAt: 'asc' }, { id: 'asc' }],
  })
}

export async function page(ctx: Ctx, caller: Caller, tenant: TenantScope, query: GroupPageQuery) {
  await mustBeEnabled(ctx)
  const { _groupsRelations, _sortBy = 'createdAt', _order = 'ASC' } = query
  const where = { tenantId: tenant.id }
  const [rows, total]: [GroupRow[], number] = await Promise.all([
    ctx.db.group.findMany({
      where,
      include: related(ctx, caller, _groupsRelations),
      orderBy: [{ [_sortBy]: _order.toLowerCase() }, { id: 'asc' }],
      ...slice(query),
    }),
    ctx.db.group.count({ where }),
  ])
  return { rows, total }
}

/** The groups with these ids. Unknown ids are left out. */
export async function byIds(
  ctx: Ctx,
  caller: Caller,
  tenant: TenantScope,
  ids: readonly string[],
  relations: Relations,
): Promise<GroupRow[]> {
  await mustBeEnabled(ctx)
  return ctx.db.group.findMany({
    where: { tenantId: tenant.id, id: { in: ids.filter(isUuid) } },
    include: related(ctx, caller, relations),
    orderBy: [{ createdAt: 'asc' }, { id: 'asc' }],
  })
}

export async function get(
  ctx: Ctx,
  caller: Caller,
  tenant: TenantScope,
  groupId: string,
  relations: Relations,
): Promise<GroupRow> {
  await mustBeEnabled(ctx)
  const found = await ctx.db.group.findFirst({
    where: { id: groupId, tenantId: tenant.id },
    include: related(ctx, caller, relations),
  })
  if (!found) throw groupErrors.notFound()
  return found
}

export async function create(ctx: Ctx, tenant: TenantScope, group: NewGroup): Promise<GroupRow> {
  await mustBeEnabled(ctx)
  mustBeObjects(group)
  const now = ctx.clock.now()
  return ctx.db.group
    .create({ data: { ...group, id: ctx.random.uuid(), tenantId: tenant.id, createdAt: now, updatedAt: now } })
    .catch(onDuplicate(groupErrors.nameTaken()))
}

export async function update(
  ctx: Ctx,
  caller: Caller,
  tenant: TenantScope,
  groupId: string,
  change: GroupChange,
): Promise<GroupRow> {
  await mustBeOurs(ctx, caller, tenant, groupId)
  mustBeObjects(change)
  return ctx.db.group
    .update({
      where: { id: groupId, tenantId: tenant.id },
      data: { ...change, updatedAt: ctx.clock.now() },
      include: related(ctx, caller, 'rolesAndUsers'),
    })
    .catch(onDuplicate(groupErrors.nameTaken()))
    .catch(onMissing(groupErrors.notFound()))
}

export async function remove(ctx: Ctx, caller: Caller, tenant: TenantScope, groupId: string) {
  await mustBeInReach(ctx, caller, tenant, groupId)
  await ctx.atomically(async (tx) => {
    // while there is something to tell of
    await events.record(tx, {
      key: 'frontegg.group.deleted',
      ...{ tenantId: tenant.id, subject: { kind: 'group', id: groupId } },
    })
    await tx.db.group.delete({ where: { id: groupId, tenantId: tenant.id } }).catch(onMissing(groupErrors.notFound()))
  })
}

/** Adds roles to the group, none stronger than the caller's own. Groups that an identity provider manages get their roles here, too. */
export async function addRoles(
  ctx: Ctx,
  caller: Caller,
  tenant: TenantScope,
  groupId: string,
  roleIds: readonly string[],
) {
  const { rolesEnabled } = await mustBeThere(ctx, tenant, groupId)
  if (!rolesEnabled) throw groupErrors.rolesDisabled()
  const wanted = await roles.assignable(ctx, caller, tenant.id, roleIds)
  await ctx.db.groupRole
    .createMany({ data: wanted.map((roleId) => ({ groupId, tenantId: tenant.id, roleId })), skipDuplicates: true })
    .catch(onUnknownReference(groupErrors.notFound()))
}

/** Takes roles from the group. Throws as `addRoles` does: a caller cannot take away roles stronger than their own. */
export async function removeRoles(
  ctx: Ctx,
  caller: Caller,
  tenant: TenantScope,
  groupId: string,
  roleIds: readonly string[],
) {
  await mustBeThere(ctx, tenant, groupId)
  const unwanted = await roles.assignable(ctx, caller, tenant.id, roleIds)
  await ctx.db.groupRole.deleteMany({ where: { groupId, roleId: { in: unwanted } } })
}

/** Adds members of the tenant to the group: all of them, or none when one is not a member. */
export async function addUsers(
  ctx: Ctx,
  caller: Caller,
  tenant: TenantScope,
  groupId: string,
  userIds: readonly string[],
) {
  await mustBeInReach(ctx, caller, tenant, groupId)
  if (!userIds.every(isUuid)) throw groupErrors.unknownMembers()
  // the foreign key to the membership rejects users who are not members
  await ctx.db.groupUser
    .createMany({
      data: [...new Set(userIds)].map((userId) => ({ groupId, tenantId: tenant.id, userId })),
      skipDuplicates: true,
    })
    .catch(onUnknownReference(groupErrors.unknownMembers()))
}

export async function removeUsers(
  ctx: Ctx,
  caller: Caller,
  tenant: TenantScope,
  groupId: string,
  userIds: readonly string[],
) {
  await mustBeInReach(ctx, caller, tenant, groupId)
  await ctx.db.groupUser.deleteMany({ where: { groupId, userId: { in: userIds.filter(isUuid) } } })
}

/** The groups that each user is in, in one tenant or, without one, in all. Users who are not members are left out. */
export async function ofUsers(ctx: Ctx, caller: Caller, tenant: TenantScope | undefined, userIds: readonly string[]) {
  await mustBeEnabled(ctx)
  const rows = await ctx.db.membership.findMany({
    where: {
      userId: { in: userIds.filter(isUuid) },
      ...(tenant && { tenantId: tenant.id }),
      ...liveAndVisibleTo(ctx, caller),
    },
    select: {
      vendorId: true,
      tenantId: true,
      userId: true,
      groups: { select: { groupId: true }, orderBy: [{ group: { createdAt: 'asc' } }, { groupId: 'asc' }] },
    },
    orderBy: [{ createdAt: 'asc' }, { userId: 'asc' }, { tenantId: 'asc' }],
  })
  return rows.map(({ groups, ...row }) => ({ ...row, groupIds: groups.map((g) => g.groupId) }))
}

/** What to load with a group. The type claims both, as Prisma cannot type a choice; in `GroupRow` either may be missing. */
function related(ctx: Ctx, caller: Caller, relations: Relations) {
  const both = {
    roles: { select: withRole, orderBy: [{ role: { createdAt: 'asc' } }, { role: { key: 'asc' } }] },
    users: {
      where: { membership: liveAndVisibleTo(ctx, caller) },
      select: withUser,
      orderBy: [{ membership: { user: { createdAt: 'asc' } } }, { userId: 'asc' }],
    },
  } satisfies Prisma.GroupInclude
  const { roles, users } = both
  return (relations === 'roles' ? { roles } : relations === 'users' ? { users } : relations ? both : {}) as typeof both
}

async function mustBeThere(ctx: Ctx, tenant: TenantScope, groupId: string) {
  const { rolesEnabled } = await mustBeEnabled(ctx)
  const found = await ctx.db.group.findFirst({
    where: { id: groupId, tenantId: tenant.id },
    select: { managedBy: true },
  })
  if (!found) throw groupErrors.notFound()
  return { ...found, rolesEnabled }
}

/** Users may not change what an identity provider manages: a group's name, its members, its existence. */
async function mustBeOurs(ctx: Ctx, caller: Caller, tenant: TenantScope, groupId: string) {
  const { managedBy } = await mustBeThere(ctx, tenant, groupId)
  if (caller.kind !== 'vendor' && managedBy !== 'frontegg') throw groupErrors.provisioned()
}

/** Joining a group gives its roles and leaving takes them, so a user may do either only when none is stronger than their own. */
async function mustBeInReach(ctx: Ctx, caller: Caller, tenant: TenantScope, groupId: string) {
  await mustBeOurs(ctx, caller, tenant, groupId)
  if (caller.kind === 'vendor') return
  const held = await ctx.db.groupRole.findMany({ where: { groupId }, select: { role: { select: { level: true } } } })
  await roles.mayAssign(ctx, caller, Math.min(...held.map(({ role }) => role.level)))
}
