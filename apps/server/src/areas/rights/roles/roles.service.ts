import type { Role } from '@henhouse/database'
import { Type } from 'typebox'
import { may } from '../../../kernel/authorize.ts'
import { onDuplicate, onMissing } from '../../../kernel/errors.ts'
import * as jobs from '../../../kernel/jobs.ts'
import { userIdOf, type BoundCaller, type Caller, type Ctx, type TenantScope } from '../../../kernel/operation.ts'
import { inOrderOf } from '../../../kernel/paging.ts'
import { isUuid } from '../../../kernel/environments.ts'
import { Id } from '../../../kernel/validation.ts'
import { rolesIn, rolesNamed } from '../held/defined.ts'
import { rolesHeld, rolesHeldInMany } from '../held/held.service.ts'
import { rightsOfMachine } from '../held/held.sql.ts'
import type { Place } from '../held/sub-account-access.service.ts'
import * as identitySettings from '../../policies/identity-settings/identity-settings.service.ts'
import { permissionErrors } from '../permissions/permissions.errors.ts'
import { tenantErrors } from '../../accounts/tenants/tenants.errors.ts'
import { roleErrors } from './roles.errors.ts'
import { takingElsewhere } from './roles.sql.ts'
import { withPermissionIds, type NewRole, type RoleChange } from './roles.schemas.ts'

/** A tenant sees its own roles and the environment's; management without a tenant sees all of them. */
export const visibleTo = (tenant: Pick<TenantScope, 'id'> | undefined) =>
  tenant ? { OR: [{ tenantId: null }, { tenantId: tenant.id }] } : {}

export function list(ctx: Ctx, tenant: TenantScope | undefined) {
  return ctx.db.role.findMany({
    where: visibleTo(tenant),
    include: withPermissionIds,
    orderBy: [{ createdAt: 'asc' }, { key: 'asc' }],
  })
}

export async function create(ctx: Ctx, caller: Caller, tenant: TenantScope | undefined, roles: NewRole[]) {
  await mayGrant(ctx, caller, Math.min(...roles.map(({ level = 0 }) => level)))
  await mayName(
    ctx,
    caller,
    roles.map((role) => role.key),
  )
  const now = ctx.clock.now()
  const data = roles.map((role) => ({
      level: 0,
      ...role,
      id: ctx.random.uuid(),
      tenantId: tenant?.id ?? null,
      createdAt: now,
      updatedAt: now,
    })),
    ids = data.map((role) => role.id)
  return ctx
    .atomically(async (tx) => {
      await tx.db.role.createMany({ data })
      const made = await tx.db.role.findMany({ where: { id: { in: ids } }, include: withPermissionIds })
      const migrating = made.filter(mustMigrate)
      // one role is given at once, several would take too long
      if (migrating.length > 1)
        await jobs.addMany(
          tx,
          giveToAll,
          migrating.map((role) => ({ roleId: role.id })),
        )
      else for (const role of migrating) await migrate(tx, role)
      return inOrderOf(ids, made)
    })
    .catch(onDuplicate(roleErrors.keyTaken()))
}

export async function update(
  ctx: Ctx,
  caller: Caller,
  tenant: TenantScope | undefined,
  roleId: string,
  change: RoleChange,
) {
  await mustBeEditable(ctx, caller, tenant, [roleId])
  if (change.level !== undefined) await mayGrant(ctx, caller, change.level)
  if (change.key !== undefined) await mayName(ctx, caller, [change.key], roleId)
  return ctx
    .atomically(async (tx) => {
      const role = await tx.db.role.update({
        where: { id: roleId },
        data: { ...change, updatedAt: tx.clock.now() },
        include: withPermissionIds,
      })
      await migrate(tx, role)
      return role
    })
    .catch(onDuplicate(roleErrors.keyTaken()))
    .catch(onMissing(roleErrors.notFound()))
}

export async function remove(ctx: Ctx, caller: Caller, tenant: TenantScope | undefined, roleId: string) {
  await mustBeEditable(ctx, caller, tenant, [roleId])
  await ctx.db.role.delete({ where: { id: roleId } }).catch(onMissing(roleErrors.notFound()))
}

/** Replaces the role's permissions. */
export async function setPermissions(
  ctx: Ctx,
  caller: Caller,
  tenant: TenantScope | undefined,
  roleId: string,
  permissionIds: string[],
) {
  await mustBeEditable(ctx, caller, tenant, [roleId])
  const wanted = await usable(ctx, caller, permissionIds, roleId)
  return ctx.db.role
    .update({
      where: { id: roleId },
      data: {
        permissions: { deleteMany: {}, createMany: { data: wanted.map((permissionId) => ({ permissionId })) } },
        updatedAt: ctx.clock.now(),
      },
      include: withPermissionIds,
    })
    .catch(onMissing(roleErrors.notFound()))
}

/**
 * The ids of permissions, each once. The role may keep those that it has. @throws 404 when one is unknown, 403 when a
 * user may not use it in a role
 */
export async function usable(ctx: Ctx, caller: Caller, permissionIds: readonly string[], roleId?: string) {
  const wanted = [...new Set(permissionIds)]
  const permissions = await ctx.db.permission.findMany({
    where: { id: { in: wanted.filter(isUuid) } },
    select: { id: true, key: true, assignmentType: true, fePermission: true },
  })
  if (permissions.length < wanted.length) throw permissionErrors.notFound()
  const kept = new Set(
    roleId === undefined
      ? []
      : (await ctx.db.rolePermission.findMany({ where: { roleId }, select: { permissionId: true } })).map(
          (row) => row.permissionId,
        ),
  )
  for (const permission of permissions) if (!kept.has(permission.id)) mayPassOn(caller, permission)
  return wanted
}

/**
 * The environment decides which permissions tenants may use in their own roles. The built-in permissions are about this
 * server itself: users pass on only those that they hold, or they could give themselves anything.
 * @throws 403
 */
export function mayPassOn(
  caller: Caller,
  { key, assignmentType, fePermission }: { key: string; assignmentType: string; fePermission: boolean },
) {
  if (caller.kind === 'vendor') return
  if (assignmentType === 'NEVER') throw roleErrors.notAssignable()
  if (fePermission && !may(caller.permissions, key)) throw roleErrors.notHeld(key)
}

/**
 * Gives the role to a tenant, or with null to the whole environment. Members, groups and tokens of other tenants lose it.
 */
export async function setTenant(ctx: Ctx, roleId: string, tenantId: string | null) {
  if (tenantId !== null && !(await ctx.db.tenant.findFirst({ where: { id: tenantId }, select: { id: true } })))
    throw tenantErrors.notFound()
  return ctx
    .atomically(async (tx) => {
      if (tenantId !== null) await tx.sql(takingElsewhere, roleId, tenantId)
      return tx.db.role.update({
        where: { id: roleId },
        data: { tenantId, updatedAt: tx.clock.now() },
        include: withPermissionIds,
      })
    })
    .catch(onDuplicate(roleErrors.keyTaken()))
    .catch(onMissing(roleErrors.notFound()))
}

/** The ids of roles that can be given in this tenant, in the order asked for. @throws 400 when one is unknown there */
export async function assignable(
  ctx: Ctx,
  caller: Caller | undefined,
  tenantId: string,
  roleIds: readonly string[],
  strength?: number,
) {
  const wanted = [...new Set(roleIds)]
  if (!wanted.length) return []
  const roles = await rolesNamed(ctx, wanted, [tenantId])
  if (roles.length < wanted.length) throw roleErrors.unknownRoles()
  if (caller) await mayAssign(ctx, caller, strongest(roles), strength)
  return wanted
}

/** Checks that the caller may give these roles in these tenants. @throws 400 when one is unknown there, 403 when one is too strong */
export async function mustBeAssignable(
  ctx: Ctx,
  caller: Caller,
  places: readonly { tenantId: string; roleIds: readonly string[] }[],
) {
  const wanted = [...new Set(places.flatMap(({ roleIds }) => roleIds))]
  if (!wanted.length) return
  const rows = await rolesNamed(
      ctx,
      wanted,
      places.map(({ tenantId }) => tenantId),
    ),
    owners = new Map(rows.map((role) => [role.id, role.tenantId]))
  const isThere = (tenantId: string, owner: string | null | undefined) => owner === null || owner === tenantId
  if (!places.every(({ tenantId, roleIds }) => roleIds.every((id) => isThere(tenantId, owners.get(id.toLowerCase())))))
    throw roleErrors.unknownRoles()
  await mayAssign(ctx, caller, strongest(rows))
}

/** The roles of new members who were given none: those for a tenant's first user, or the default ones. */
export async function initial(ctx: Ctx, tenantId: string, { first }: { first: boolean }) {
  return (await initialIn(ctx, [tenantId]))(tenantId, { first })
}

/** As `initial`, for several tenants. */
export async function initialIn(ctx: Ctx, tenantIds: readonly string[]) {
  const roles = await rolesIn(ctx, tenantIds)
  return (tenantId: string, { first }: { first: boolean }) => {
    const there = roles.filter((role) => role.tenantId === null || role.tenantId === tenantId),
      forFirst = there.filter((role) => role.firstUserRole)
    return (first && forFirst.length ? forFirst : there.filter((role) => role.isDefault)).map((role) => role.id)
  }
}

/**
 * A lower level is stronger. Users give no role that is stronger than their own strongest, inherited ones included.
 * Equal is allowed.
 */
export async function mayGrant(ctx: Ctx, caller: Caller, level: number, strength?: number) {
  if (caller.kind !== 'vendor' && level < (strength ?? (await strengthOf(ctx, caller)))) throw roleErrors.tooStrong()
}

/**
 * Tokens carry the keys of roles, and applications rely on them. So users cannot give a role of their tenant the key of
 * one of the environment's; management can. A role may keep its key. @throws 409
 */
export async function mayName(ctx: Ctx, caller: Caller, keys: string[], roleId?: string) {
  if (caller.kind === 'vendor') return
  const others =
    roleId === undefined
      ? {}
      : {
          NOT: {
            key: {
              in: (await ctx.db.role.findMany({ where: { id: roleId }, select: { key: true } })).map(
                (role) => role.key,
              ),
            },
          },
        }
  if (await ctx.db.role.findFirst({ where: { tenantId: null, key: { in: keys }, ...others }, select: { id: true } }))
    throw roleErrors.keyTaken()
}

/**
 * As `mayGrant`, for assigning roles: the environment can restrict that to roles weaker than the caller's strongest.
 * Without roles the level is infinite.
 */
export async function mayAssign(ctx: Ctx, caller: Caller, level: number, strength?: number) {
  await mayGrant(ctx, caller, level, strength)
  if (
    caller.kind === 'vendor' ||
    level === Infinity ||
    !(await identitySettings.current(ctx)).restrictEqualLevelRoleAssignment
  )
    return
  if (level <= (strength ?? (await strengthOf(ctx, caller)))) throw roleErrors.notWeaker()
}

/**
 * Users cannot remove, shut out or change members who are stronger than they are. They may do all that to themselves.
 * @throws 403
 */
export const mayManage = (
  ctx: Ctx,
  caller: Caller,
  tenant: Pick<TenantScope, 'id'> | undefined,
  ...userIds: readonly string[]
) => mayManageIn(ctx, caller, tenant ? userIds.map((userId) => ({ userId, tenantId: tenant.id })) : [])

/** As `mayManage`, for members of several tenants. */
export async function mayManageIn(ctx: Ctx, caller: Caller, places: readonly Place[]) {
  if (caller.kind === 'vendor') return
  const others = places
    .filter(({ userId }) => isUuid(userId))
    .map(({ userId, tenantId }) => ({ userId: userId.toLowerCase(), tenantId }))
    .filter(({ userId }) => userId !== userIdOf(caller))
  if (!others.length) return
  const self = caller.kind === 'machine' ? [] : [caller],
    held = await rolesHeldInMany(ctx, [...self, ...others]),
    rows = await ctx.db.role.findMany({
      where: { id: { in: [...new Set(held.flat())] } },
      select: { id: true, level: true },
    }),
    byId = new Map(rows.map((role) => [role.id, role]))
  const levels = held.map((ids) => strongest(ids.flatMap((id) => byId.get(id) ?? []))),
    own = caller.kind === 'machine' ? await strengthOf(ctx, caller) : levels.shift()!
  if (levels.some((level) => level < own)) throw roleErrors.strongerUser()
}

/**
 * The level of the caller's strongest role in the tenant of their token; infinite without one. A tenant's API token that was
 * given permissions instead of roles is as strong as who gave them, be it management, which is stronger than every role.
 */
export async function strengthOf(ctx: Ctx, caller: BoundCaller) {
  if (caller.kind !== 'machine') return strongest(await rolesHeld(ctx, caller.userId, caller.tenantId))
  const [found] = await ctx.sql(rightsOfMachine, caller.by.id, caller.tenantId),
    { roleIds, hasPermissions, level } = found ?? { roleIds: [], hasPermissions: false, level: null }
  if (roleIds.length) return strongest(await rolesNamed(ctx, roleIds, [caller.tenantId]))
  return hasPermissions ? (level ?? -Infinity) : Infinity
}
/** The lowest level of the roles; infinite for none. */
export const strongest = (roles: readonly { level: number }[]) =>
  roles.reduce((least, { level }) => Math.min(least, level), Infinity)

/**
 * Checks that the caller may change all the roles. @throws 404 when one is not visible, 403 when one is out of reach
 */
export async function mustBeEditable(
  ctx: Ctx,
  caller: Caller,
  tenant: TenantScope | undefined,
  roleIds: readonly string[],
) {
  const found = await ctx.db.role.findMany({
    where: { id: { in: roleIds.filter(isUuid) }, ...visibleTo(tenant) },
    select: { tenantId: true, level: true },
  })
  if (found.length < roleIds.length) throw roleErrors.notFound()
  if (caller.kind !== 'vendor' && found.some((role) => role.tenantId === null)) throw roleErrors.ofEnvironment()
  await mayGrant(ctx, caller, Math.min(...found.map((role) => role.level)))
}

/**
 * Gives a default role marked for migration to everybody who is already there: to the first ones now, to the others by
 * a job.
 */
async function migrate(ctx: Ctx, role: MigrateableRole) {
  if (await giveToNext(ctx, role)) await jobs.add(ctx, giveToAll, { roleId: role.id })
}

type MigrateableRole = Pick<Role, 'id' | 'isDefault' | 'migrateRole' | 'tenantId'>
const mustMigrate = ({ isDefault, migrateRole }: MigrateableRole) => isDefault && migrateRole
/** How many members get a role in one step. */
const STEP = 1000

/**
 * Gives the role to the next members who lack it, in the order of their users' ids. @returns where to go on, if there
 * may be more
 */
async function giveToNext(ctx: Ctx, role: MigrateableRole, from?: string) {
  if (!mustMigrate(role)) return undefined
  const { id: roleId, tenantId } = role
  const members = await ctx.db.membership.findMany({
    where: {
      ...(tenantId !== null && { tenantId }),
      ...(from !== undefined && { userId: { gte: from } }),
      roles: { none: { roleId } },
    },
    select: { userId: true, tenantId: true },
    orderBy: { userId: 'asc' },
    take: STEP,
  })
  await ctx.db.membershipRole.createMany({
    data: members.map((member) => ({ ...member, roleId })),
    skipDuplicates: true,
  })
  return members.length === STEP ? members.at(-1)!.userId : undefined
}

/** Safe to repeat. Stops when the role is no longer meant for everybody. */
const giveToAll = jobs.job({
  name: 'give-role-to-all',
  payload: Type.Object({ roleId: Id }),
  async run(ctx, { roleId }) {
    let from: string | undefined
    do {
      const role: MigrateableRole | null = await ctx.db.role.findUnique({ where: { id: roleId } })
      from = role ? await giveToNext(ctx, role, from) : undefined
    } while (from !== undefined)
  },
})
export const roleJobs = [giveToAll]
