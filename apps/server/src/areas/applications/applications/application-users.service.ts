import { may } from '../../../kernel/authorize.ts'
import { isUuid } from '../../../kernel/environments.ts'
import { errors, onUnknownReference } from '../../../kernel/errors.ts'
import { type Caller, type Ctx, type TenantScope, userIdOf, type UserScope } from '../../../kernel/operation.ts'
import { needs } from '../../rights/permissions/permissions.keys.ts'
import * as roles from '../../rights/roles/roles.service.ts'
import { tenantErrors } from '../../accounts/tenants/tenants.errors.ts'
import { userErrors } from '../../people/users/users.errors.ts'
import { applicationErrors } from './applications.errors.ts'
import { mustExist, visibleTo, wantsAssignment } from './applications.service.ts'
import { live } from '../../rights/held/held.service.ts'
import * as events from '../../rights/events/events.service.ts'

interface Assignment {
  tenantId: string
  appIds: readonly string[]
  userIds: readonly string[]
}

const once = (ids: readonly string[]) => [...new Set(ids)]
/** UUIDs are the same in either case, tenants' ids are not. */
const uuids = (ids: readonly string[]) => once(ids.map((id) => id.toLowerCase()))

/** Calls made in a tenant are about that tenant. */
function mustBeThere(scope: TenantScope | undefined, tenantId: string) {
  if (scope && scope.id !== tenantId) throw tenantErrors.notFound()
}

/**
 * Lets members of a tenant into applications that the tenant has. Those already in stay in.
 * @returns the assignments asked for, old and new
 * @throws 404 for an unknown application, tenant or member, or an application that the tenant lacks; nothing is changed
 * then
 */
export async function assign(
  ctx: Ctx,
  caller: Caller,
  scope: TenantScope | undefined,
  { tenantId, appIds, userIds }: Assignment,
) {
  mustBeThere(scope, tenantId)
  await roles.mayManage(ctx, caller, scope, ...userIds)
  const apps = uuids(appIds),
    users = uuids(userIds)
  return ctx.atomically(async (tx) => {
    await mustBeMembers(tx, users, tenantId)
    await mustBeAssigned(tx, apps, tenantId)
    const createdAt = tx.clock.now()
    await tx.db.applicationUser
      .createMany({
        data: apps.flatMap((applicationId) => users.map((userId) => ({ applicationId, userId, tenantId, createdAt }))),
        skipDuplicates: true,
      })
      .catch(onUnknownReference(userErrors.notFound()))
    await writeDown(tx, 'frontegg.user.app.assigned', tenantId, users, apps)
    return tx.db.applicationUser.findMany({
      where: { tenantId, applicationId: { in: apps }, userId: { in: users } },
      orderBy: [{ createdAt: 'asc' }, { applicationId: 'asc' }, { userId: 'asc' }],
    })
  })
}

const writeDown = (tx: Ctx, key: string, tenantId: string, userIds: readonly string[], appIds: readonly string[]) =>
  events.record(
    tx,
    ...userIds.map((userId) => ({ key, tenantId, userId, details: { appIds: appIds.slice(0, MOST_IDS) } })),
  )
const MOST_IDS = 50

async function mustBeMembers(ctx: Ctx, userIds: readonly string[], tenantId: string) {
  if (!(await ctx.db.tenant.findFirst({ where: { id: tenantId }, select: { id: true } }))) throw tenantErrors.notFound()
  const members = await ctx.db.membership.count({
    where: { tenantId, userId: { in: userIds.filter(isUuid) }, ...live(ctx) },
  })
  if (members < userIds.length) throw userErrors.notFound()
}

/** Locks the tenant's assignments, so that none is removed before its users are let in. */
async function mustBeAssigned(tx: Ctx, applicationIds: readonly string[], tenantId: string) {
  const found = await tx.db.application.findMany({
    where: { id: { in: applicationIds.filter(isUuid) } },
    select: { id: true, accessType: true },
  })
  if (found.length < applicationIds.length) throw applicationErrors.notFound()
  const managed = found
    .filter((application) => application.accessType !== 'FREE_ACCESS')
    .map((application) => application.id)
  const { count } = await tx.db.applicationTenant.updateMany({
    where: { tenantId, applicationId: { in: managed } },
    data: { tenantId },
  })
  if (count < managed.length) throw applicationErrors.tenantNotAssigned()
}

/** A user who was not let in is no failure. @throws 404 for an unknown application */
export async function unassign(
  ctx: Ctx,
  caller: Caller,
  scope: TenantScope | undefined,
  { tenantId, appIds, userIds }: Assignment,
) {
  mustBeThere(scope, tenantId)
  await roles.mayManage(ctx, caller, scope, ...userIds)
  const apps = uuids(appIds)
  await ctx.atomically(async (tx) => {
    const known = await tx.db.application.count({ where: { id: { in: apps.filter(isUuid) } } })
    if (known < apps.length) throw applicationErrors.notFound()
    const where = { tenantId, applicationId: { in: apps }, userId: { in: uuids(userIds).filter(isUuid) } }
    const gone = await tx.db.applicationUser.findMany({ where, distinct: ['userId'], select: { userId: true } })
    await tx.db.applicationUser.deleteMany({ where })
    await tx.db.applicationActiveTenant.deleteMany({ where })
    await writeDown(
      tx,
      'frontegg.user.app.unassigned',
      tenantId,
      gone.map((row) => row.userId),
      apps,
    )
  })
}

/** Users who were let into the application, in any tenant. @throws 404 */
export async function usersOf(ctx: Ctx, applicationId: string) {
  await mustExist(ctx, applicationId)
  const rows = await ctx.db.applicationUser.findMany({
    where: { applicationId, membership: live(ctx) },
    orderBy: [{ createdAt: 'asc' }, { userId: 'asc' }],
    select: { userId: true },
  })
  return once(rows.map((row) => row.userId))
}

/**
 * What a user was let into, in the tenant of the call if there is one. Only users who may read assignments see those of
 * others. @throws 404 for an unknown user
 */
export async function applicationsOf(ctx: Ctx, caller: Caller, tenant: TenantScope | undefined, userId: string) {
  const [user] = await applicationsOfAll(ctx, caller, tenant, [userId])
  if (!user) throw userErrors.notFound()
  if (caller.kind !== 'vendor' && userIdOf(caller) !== user.userId && !may(caller.permissions, needs.applications.read))
    throw errors.forbidden(needs.applications.read)
  return user.appIds
}

/** What each of these users was let into; unknown users are left out. */
export async function applicationsOfAll(
  ctx: Ctx,
  caller: Caller,
  tenant: TenantScope | undefined,
  userIds: readonly string[],
) {
  const within = { ...(tenant && { tenantId: tenant.id }), ...live(ctx) },
    self = userIdOf(caller)
  const there = tenant ? [{ memberships: { some: within } }, ...(self === undefined ? [] : [{ id: self }])] : [{}]
  const rows = await ctx.db.user.findMany({
    where: { id: { in: userIds.filter(isUuid) }, AND: [{ OR: there }, visibleUsers(caller)] },
    orderBy: [{ createdAt: 'asc' }, { id: 'asc' }],
    select: { id: true, memberships: { where: within, select: { apps: { select: { applicationId: true } } } } },
  })
  return rows.map((user) => ({
    userId: user.id,
    appIds: once(user.memberships.flatMap(({ apps }) => apps.map((app) => app.applicationId))),
  }))
}

/** Only management and the invisible users themselves see invisible users. */
function visibleUsers(caller: Caller) {
  const self = userIdOf(caller)
  if (caller.kind === 'vendor') return {}
  return { OR: [{ invisible: false }, ...(self === undefined ? [] : [{ id: self }])] }
}

/** Who was let into each of these applications; those that are not visible are left out. */
export async function usersOfAll(
  ctx: Ctx,
  caller: Caller,
  tenant: TenantScope | undefined,
  applicationIds: readonly string[],
) {
  const membership = { ...live(ctx), ...(tenant && { tenantId: tenant.id }), user: visibleUsers(caller) }
  const rows = await ctx.db.application.findMany({
    where: { id: { in: applicationIds.filter(isUuid) }, ...visibleTo(tenant) },
    orderBy: [{ createdAt: 'asc' }, { id: 'asc' }],
    select: {
      id: true,
      users: { where: { membership }, orderBy: [{ createdAt: 'asc' }, { userId: 'asc' }], select: { userId: true } },
    },
  })
  return rows.map(({ id, users }) => ({ appId: id, userIds: once(users.map((user) => user.userId)) }))
}

export const activeTenants = (ctx: Ctx, user: UserScope) =>
  ctx.db.applicationActiveTenant.findMany({
    where: { userId: user.id },
    orderBy: { applicationId: 'asc' },
    select: { applicationId: true, tenantId: true },
  })

interface Choice {
  applicationId: string
  tenantId: string
}

/**
 * Sets the tenant in which the user is active in each of these applications from the next login on.
 * @throws 404 for an unknown application, or a tenant that the user is not a member of or that lacks the application;
 * 403 for a user who was not let in there. Nothing is changed then
 */
export function chooseTenants(ctx: Ctx, user: UserScope, given: readonly Choice[]) {
  const choices = [...new Map(given.map((choice) => [choice.applicationId.toLowerCase(), choice.tenantId]))].map(
    ([applicationId, tenantId]) => ({ applicationId, tenantId }),
  )
  const applicationId = { in: choices.map((choice) => choice.applicationId) },
    tenantId = { in: once(choices.map((choice) => choice.tenantId)) }
  return ctx.atomically(async (tx) => {
    if (!applicationId.in.every(isUuid)) throw applicationErrors.notFound()
    if ((await tx.db.membership.count({ where: { userId: user.id, tenantId, ...live(tx) } })) < tenantId.in.length)
      throw tenantErrors.notFound()
    const found = await tx.db.application.findMany({
      where: { id: applicationId },
      select: {
        id: true,
        accessType: true,
        tenants: { where: { tenantId } },
        users: { where: { userId: user.id, tenantId }, select: { tenantId: true } },
      },
    })
    for (const choice of choices) {
      const application = found.find((one) => one.id === choice.applicationId)
      if (!application) throw applicationErrors.notFound()
      const here = (one: { tenantId: string }) => one.tenantId === choice.tenantId
      if (wantsAssignment(application, application.tenants.find(here)) && !application.users.some(here))
        throw applicationErrors.userNotAssigned()
    }
    await tx.db.applicationActiveTenant.deleteMany({ where: { userId: user.id, applicationId } })
    await tx.db.applicationActiveTenant
      .createMany({ data: choices.map((choice) => ({ ...choice, userId: user.id })), skipDuplicates: true })
      .catch(onUnknownReference(tenantErrors.notFound()))
  })
}
