import { isDeepStrictEqual } from 'node:util'
import { Type } from 'typebox'
import { isUuid } from '../../../kernel/environments.ts'
import { onUnknownReference } from '../../../kernel/errors.ts'
import * as jobs from '../../../kernel/jobs.ts'
import type { Caller, Ctx, TenantScope } from '../../../kernel/operation.ts'
import { grouped } from '../../../kernel/paging.ts'
import { Id } from '../../../kernel/validation.ts'
import { live, liveAndVisibleTo, open } from '../../rights/held/held.service.ts'
import { roleErrors } from '../../rights/roles/roles.errors.ts'
import * as roles from '../../rights/roles/roles.service.ts'
import { tenantErrors } from '../../accounts/tenants/tenants.errors.ts'
import * as access from '../../access/sessions/access.service.ts'
import { membershipErrors } from './memberships.errors.ts'
import { giveRoles, joining, takeRoles } from './memberships.sql.ts'
import * as events from '../../rights/events/events.service.ts'

export interface NewMembership {
  userId: string
  tenantId: string
  /** Checked by `roles.assignable`. None: the roles that newcomers get. */
  roleIds?: readonly string[] | undefined
  /** The user has an invitation that they have not accepted yet. */
  invited?: boolean
  /** When a temporary membership ends. */
  expiresAt?: Date | null | undefined
}

/** Makes the user a member. A user without a tenant will log in to this one. @throws 409 for a member, 404 when there is no such tenant */
export function add(ctx: Ctx, { userId, tenantId, roleIds = [], invited = false, expiresAt = null }: NewMembership) {
  return ctx.atomically(async (tx) => {
    const now = tx.clock.now()
    const granted = roleIds.length ? roleIds : await roles.initial(tx, tenantId, { first: await isEmpty(tx, tenantId) })
    const join = async () => {
      const [found] = await tx
        .sql(joining, userId, tenantId, now, invited ? null : now, expiresAt, granted)
        .catch((error: unknown) => onUnknownReference(tenantErrors.notFound())(error))
      return found!.added > 0
    }
    // an expired membership may still be here
    const isOver = async () =>
      (await tx.db.membership.deleteMany({ where: { userId, tenantId, expiresAt: { lte: now } } })).count > 0
    if (!((await join()) || ((await isOver()) && (await join())))) throw membershipErrors.alreadyMember()
    if (expiresAt) await endLater(tx, { userId, tenantId, expiresAt })
  })
}

/** Adding people without naming roles gives them the roles of newcomers. @throws 403 when one of those is stronger than the caller's own */
export async function mayBringIn(ctx: Ctx, caller: Caller, ...tenantIds: readonly string[]) {
  if (caller.kind === 'vendor' || !tenantIds.length) return
  const [rows, rolesIn] = await Promise.all([
    ctx.db.tenant.findMany({
      where: { id: { in: [...tenantIds] }, memberships: { some: {} } },
      select: { id: true },
    }),
    roles.initialIn(ctx, tenantIds),
  ])
  const peopled = new Set(rows.map((row) => row.id))
  await roles.mustBeAssignable(
    ctx,
    caller,
    tenantIds.map((tenantId) => ({ tenantId, roleIds: rolesIn(tenantId, { first: !peopled.has(tenantId) }) })),
  )
}

/** Whether the tenant has no members. The lock on its row makes simultaneous first members wait for each other. */
export async function isEmpty(tx: Ctx, tenantId: string) {
  const nobody = async () => !(await tx.db.membership.findFirst({ where: { tenantId }, select: { userId: true } }))
  if (!(await nobody())) return false
  await tx.db.tenant.updateMany({ where: { id: tenantId }, data: { id: tenantId } })
  return nobody()
}

/**
 * Ends a membership, and the user's sessions in that tenant. The user stays, even without any tenant; if they were active
 * there, they go on in the first of their others. @throws 404 for a user who is no member
 */
export const remove = (ctx: Ctx, userId: string, tenantId: string) => removeAll(ctx, userId, [tenantId])

/** As `remove`, in several tenants: in all of them, or in none. */
export async function removeAll(ctx: Ctx, userId: string, tenantIds: readonly string[]) {
  const wanted = [...new Set(tenantIds)]
  await ctx.atomically(async (tx) => {
    if ((await end(tx, userId, wanted)) < wanted.length) throw membershipErrors.notFound()
  })
}

/** @param when a condition on the memberships; returns how many have been ended */
function end(ctx: Ctx, userId: string, tenantIds: string[], when: { expiresAt?: { lte: Date } } = {}) {
  return ctx.atomically(async (tx) => {
    // locks the user before the membership, in the order that changes of users take: no deadlock
    await tx.db.user.updateMany({ where: { id: userId }, data: { id: userId } })
    const { count } = await tx.db.membership.deleteMany({ where: { userId, tenantId: { in: tenantIds }, ...when } })
    if (!count) return 0
    await endAccess(tx, userId, tenantIds)
    const next = await tx.db.membership.findFirst({
      where: { userId, ...open(tx) },
      orderBy: { createdAt: 'asc' },
      select: { tenantId: true },
    })
    await tx.db.user.updateMany({
      where: { id: userId, activeTenantId: { in: tenantIds } },
      data: { activeTenantId: next?.tenantId ?? null },
    })
    await events.record(
      tx,
      ...tenantIds.map((tenantId) => ({ key: 'frontegg.user.removedFromTenant', userId, tenantId })),
    )
    return count
  })
}

/** Lets a member in again, or disables them in this one tenant, which ends their sessions there. @throws 404 for a user who is no member, 403 for one who is stronger than the caller */
export async function setDisabled(ctx: Ctx, caller: Caller, userId: string, tenant: TenantScope, isDisabled: boolean) {
  await roles.mayManage(ctx, caller, tenant, userId)
  const tenantId = tenant.id
  await ctx.atomically(async (tx) => {
    const { count } = await tx.db.membership.updateMany({
      where: { userId, tenantId, ...live(tx) },
      data: { isDisabled },
    })
    if (!count) throw membershipErrors.notFound()
    if (isDisabled) await endAccess(tx, userId, [tenantId])
  })
}

/** Ends sessions in these tenants; everywhere, for a user who has no other tenant to go to. */
async function endAccess(tx: Ctx, userId: string, tenantIds: string[]) {
  const isInElsewhere = await tx.db.user.count({
    where: {
      id: userId,
      OR: [{ superUser: true }, { memberships: { some: { tenantId: { notIn: tenantIds }, ...open(tx) } } }],
    },
  })
  await access.end(tx, userId, isInElsewhere ? { tenantIds } : {})
}

/** Makes a member temporary, or with null permanent. @throws 404 for a user who is no member */
export function setExpiry(ctx: Ctx, userId: string, tenantId: string, expiresAt: Date | null) {
  return ctx.atomically(async (tx) => {
    const where = { userId, tenantId, ...live(tx) },
      before = await tx.db.membership.findFirst({ where, select: { expiresAt: true } }),
      { count } = await tx.db.membership.updateMany({ where, data: { expiresAt } })
    if (!count) throw membershipErrors.notFound()
    // one of the names is as the reference spells it
    const change = expiresAt === null ? 'temporary.to.permanentd' : before?.expiresAt ? 'edited' : 'given'
    await events.record(tx, {
      key: `frontegg.user.temporary.access.${change}`,
      ...{ userId, tenantId, details: { expiresAt: expiresAt?.toISOString() } },
    })
    if (expiresAt) await endLater(tx, { userId, tenantId, expiresAt })
  })
}

interface Temporary {
  userId: string
  tenantId: string
  expiresAt: Date
}
/** Schedules the end of a temporary membership. */
export const endLater = (tx: Ctx, { userId, tenantId, expiresAt }: Temporary) =>
  jobs.add(tx, expireMembership, { userId, tenantId }, expiresAt)
/** As `endLater`, without storing anything. */
export const endOf = (ctx: Ctx, { userId, tenantId, expiresAt }: Temporary) =>
  jobs.rowOf(ctx, expireMembership, { userId, tenantId }, expiresAt)

/** Adds roles to those that the member has. @throws 400 for an unknown role, 403 for one stronger than the caller's own, 404 for a user who is no member */
export async function grantRoles(
  ctx: Ctx,
  caller: Caller,
  userId: string,
  tenantId: string,
  roleIds: readonly string[],
) {
  const wanted = await roles.assignable(ctx, caller, tenantId, roleIds)
  await ctx.db.membershipRole
    .createMany({ data: wanted.map((roleId) => ({ userId, tenantId, roleId })), skipDuplicates: true })
    .catch(onUnknownReference(membershipErrors.notFound()))
  return rolesOf(ctx, userId, tenantId)
}

/** Takes roles away. Throws as `grantRoles` does: a caller cannot take away roles stronger than their own. */
export async function revokeRoles(
  ctx: Ctx,
  caller: Caller,
  userId: string,
  tenantId: string,
  roleIds: readonly string[],
) {
  const unwanted = await roles.assignable(ctx, caller, tenantId, roleIds)
  await ctx.db.membershipRole.deleteMany({ where: { userId, tenantId, roleId: { in: unwanted } } })
  return rolesOf(ctx, userId, tenantId)
}

export interface RolesIn {
  tenantId: string
  add: readonly string[]
  remove: readonly string[] | 'others'
}

/**
 * Changes a member's roles in several tenants: in all of them, or in none. A role that is both given and taken is given;
 * `others` takes every role that is not given. Throws as `grantRoles` does.
 */
export async function changeRoles(
  ctx: Ctx,
  caller: Caller,
  userId: string,
  changes: readonly RolesIn[],
): Promise<void> {
  const tenantIds = [...new Set(changes.map((change) => change.tenantId))],
    setting = changes.filter(({ remove }) => remove === 'others').map((change) => change.tenantId),
    held = await rolesIn(ctx, userId, setting),
    plans = tenantIds.map((tenantId) =>
      planFor(
        tenantId,
        changes.filter((change) => change.tenantId === tenantId),
        held,
      ),
    )
  await roles.mustBeAssignable(
    ctx,
    caller,
    plans.map(({ tenantId, add, remove }) => ({ tenantId, roleIds: [...add, ...remove] })),
  )
  const stale = new Error('the roles have changed since they were read')
  await ctx
    .atomically(async (tx) => {
      const { count } = await tx.db.membership.updateMany({
        where: { userId, tenantId: { in: tenantIds }, ...live(tx) },
        data: { userId },
      })
      if (count < tenantIds.length) throw membershipErrors.notFound()
      if (!isDeepStrictEqual(await rolesIn(tx, userId, setting), held)) throw stale
      await takeRoles(tx, userId, plans)
      await giveRoles(tx, userId, plans).catch(onUnknownReference(roleErrors.unknownRoles()))
    })
    .catch((error: unknown) => {
      // the roles have changed meanwhile: check again whether the caller may take them
      if (error !== stale) throw error
      return changeRoles(ctx, caller, userId, changes)
    })
}

/** What all the changes of one tenant come to. */
function planFor(tenantId: string, changes: readonly RolesIn[], held: Awaited<ReturnType<typeof rolesIn>>) {
  const add = new Set(changes.flatMap((change) => change.add)),
    others = (held.get(tenantId) ?? []).map((row) => row.roleId),
    unwanted = changes.flatMap(({ remove }) => (remove === 'others' ? others : remove))
  return { tenantId, add: [...add], remove: [...new Set(unwanted)].filter((id) => !add.has(id)) }
}

/** The ids of the roles that a member was given in each of these tenants. */
const rolesIn = async (ctx: Ctx, userId: string, tenantIds: string[]) => {
  const rows = tenantIds.length
    ? await ctx.db.membershipRole.findMany({
        where: { userId, tenantId: { in: tenantIds } },
        select: { tenantId: true, roleId: true },
        orderBy: [{ tenantId: 'asc' }, { roleId: 'asc' }],
      })
    : []
  return grouped(rows, (row) => row.tenantId)
}

/** The roles of these users' current memberships, one row each. Unknown users, and those the caller may not see, are left out. */
export async function rolesOfUsers(
  ctx: Ctx,
  caller: Caller,
  tenant: TenantScope | undefined,
  userIds: readonly string[],
) {
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
      roles: { select: { roleId: true }, orderBy: [{ role: { createdAt: 'asc' } }, { roleId: 'asc' }] },
    },
    orderBy: [{ createdAt: 'asc' }, { userId: 'asc' }, { tenantId: 'asc' }],
  })
  return rows.map(({ roles: held, ...row }) => ({ ...row, roleIds: held.map((r) => r.roleId) }))
}

async function rolesOf(ctx: Ctx, userId: string, tenantId: string) {
  const member = await ctx.db.membership.findFirst({
    where: { userId, tenantId, ...live(ctx) },
    select: { roles: { select: { role: true }, orderBy: [{ role: { createdAt: 'asc' } }, { role: { key: 'asc' } }] } },
  })
  if (!member) throw membershipErrors.notFound()
  return {
    tenantId,
    userId,
    roles: member.roles.map(({ role }) => ({ ...role, createdAt: role.createdAt.toISOString() })),
  }
}

/** Ends a temporary membership, unless it was prolonged after this was queued. */
const expireMembership = jobs.job({
  name: 'expire-membership',
  payload: Type.Object({ userId: Id, tenantId: Type.String() }),
  async run(ctx, { userId, tenantId }) {
    await end(ctx, userId, [tenantId], { expiresAt: { lte: ctx.clock.now() } })
  },
})
export const membershipJobs = [expireMembership]
