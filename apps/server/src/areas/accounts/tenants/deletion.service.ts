import { Type } from 'typebox'
import { after, MINUTE } from '../../../kernel/clock.ts'
import { ApiError, onMissing } from '../../../kernel/errors.ts'
import { isParent, lockHierarchy } from '../../rights/tree/tree.service.ts'
import * as jobs from '../../../kernel/jobs.ts'
import type { Ctx } from '../../../kernel/operation.ts'
import { tenantErrors } from './tenants.errors.ts'
import { keyOf, mayHappen } from './tenants.service.ts'
import { lockingOwnUsers } from './tenants.sql.ts'
import * as events from '../../rights/events/events.service.ts'

/** How many members one transaction removes, or tenants it moves; a hundred thousand would exceed its time limit. */
const STEP = 1000

/** As `carryOut`, if the environment's prehook has nothing against it. @throws what it says, 404 */
export async function remove(ctx: Ctx, tenantId: string) {
  await mayHappen(ctx, 'DELETE_TENANT', { tenantId })
  await carryOut(ctx, tenantId)
}

/**
 * Deletes the tenant, everything in it, and the users who belong to no other. The tenants below it move up to the one
 * above it. A superuser belongs to every tenant, and stays. With very many members, or tenants right below it, most go
 * first, in steps that each leave a consistent state; a job finishes what a crash interrupts.
 * @throws 404
 */
async function carryOut(ctx: Ctx, tenantId: string) {
  const [manyMembers, manyBelow] = await Promise.all([
    ctx.db.membership.findFirst({
      where: { tenantId },
      skip: STEP,
      orderBy: { createdAt: 'asc' },
      select: { userId: true },
    }),
    ctx.db.tenant.findFirst({
      where: { parentId: tenantId },
      skip: STEP,
      orderBy: { id: 'asc' },
      select: { id: true },
    }),
  ])
  if (manyMembers || manyBelow) {
    await announce(ctx, tenantId)
    while (await takeSome(ctx, tenantId));
    while (await raiseSome(ctx, tenantId));
  }
  for (let attempt = 1; ; attempt++) {
    try {
      return await ctx.atomically((tx) => removeAll(tx, tenantId))
    } catch (error) {
      // a tenant was put below it meanwhile: it moves up, too
      if (attempt === 5 || (error as { code?: string }).code !== 'P2003') throw error
    }
  }
}

/** From here on its members and programs cannot get in, and the tenant goes even if this process dies. */
function announce(ctx: Ctx, tenantId: string) {
  return ctx.atomically(async (tx) => {
    const now = tx.clock.now(),
      tenant = await tx.db.tenant.findUnique({ where: keyOf(tx, tenantId), select: { rowId: true } })
    if (!tenant) throw tenantErrors.notFound()
    await jobs.add(tx, finishDeletion, { tenantId, rowId: tenant.rowId }, after(now, MINUTE))
    await tx.db.membership.updateMany({ where: { tenantId, isDisabled: false }, data: { isDisabled: true } })
    await tx.db.session.updateMany({ where: { tenantId, endedAt: null }, data: { endedAt: now } })
    await tx.db.apiToken.deleteMany({ where: { tenantId } })
    await tx.db.accessToken.deleteMany({ where: { tenantId } })
  })
}

/** @returns whether there may be more */
function takeSome(ctx: Ctx, tenantId: string) {
  return ctx.atomically(async (tx) => {
    // a simultaneous deletion waits here
    await locked(tx, tenantId)
    const members = await tx.db.membership.findMany({
      where: { tenantId },
      take: STEP,
      orderBy: { createdAt: 'asc' },
      select: { userId: true },
    })
    const ids = members.map(({ userId }) => userId),
      userIds = { in: ids }
    await removeUsers(tx, tenantId, await ownUsers(tx, tenantId, ids))
    await tx.db.user.updateMany({ where: { id: userIds, activeTenantId: tenantId }, data: { activeTenantId: null } })
    await tx.db.session.deleteMany({ where: { userId: userIds, tenantId } })
    await tx.db.membership.deleteMany({ where: { tenantId, userId: userIds } })
    return members.length === STEP
  })
}

/** @returns whether there may be more */
function raiseSome(ctx: Ctx, tenantId: string) {
  return ctx.atomically(async (tx) => {
    await lockHierarchy(tx)
    const tenant = await locked(tx, tenantId)
    const children = await tx.db.tenant.findMany({
      where: { parentId: tenantId },
      take: STEP,
      orderBy: { id: 'asc' },
      select: { id: true },
    })
    await tx.db.tenant.updateMany({
      where: { parentId: tenantId, id: { in: children.map(({ id }) => id) } },
      data: { parentId: tenant.parentId },
    })
    return children.length === STEP
  })
}

/** Locks the tenant: nobody else moves or deletes it until the transaction ends. @throws 404 */
const locked = (tx: Ctx, tenantId: string) =>
  tx.db.tenant
    .update({ where: keyOf(tx, tenantId), data: { id: tenantId }, select: { parentId: true } })
    .catch(onMissing(tenantErrors.notFound()))

async function removeAll(ctx: Ctx, tenantId: string) {
  const hasChildren = await isParent(ctx, tenantId)
  if (hasChildren) await lockHierarchy(ctx)
  // the lock comes first: a tenant that is being moved must not hand those below it to the one it has just left
  const tenant = await locked(ctx, tenantId)
  if (hasChildren)
    await ctx.db.tenant.updateMany({ where: { parentId: tenantId }, data: { parentId: tenant.parentId } })
  await removeUsers(ctx, tenantId, await ownUsers(ctx, tenantId), { key: 'frontegg.tenant.deleted', tenantId })
  await ctx.db.user.updateMany({ where: { activeTenantId: tenantId }, data: { activeTenantId: null } })
  // the jobs about it; one that is running finds nothing there any more
  await ctx.db.job.deleteMany({ where: { payload: { path: ['tenantId'], equals: tenantId } } })
  await ctx.db.tenant.delete({ where: keyOf(ctx, tenantId) }).catch(onMissing(tenantErrors.notFound()))
}

/** Those of the tenant's users who belong to no other: nobody makes them members elsewhere until the transaction ends. */
async function ownUsers(tx: Ctx, tenantId: string, among: readonly string[] | null = null) {
  const locked = await tx.sql(lockingOwnUsers, tenantId, among)
  if (!locked.length) return []
  return tx.db.user.findMany({
    where: { id: { in: locked.map(({ id }) => id) }, memberships: { every: { tenantId } } },
    orderBy: [{ createdAt: 'asc' }, { id: 'asc' }],
    select: { id: true },
  })
}

/** Deletes these users, and writes down that they and others are deleted: users first, and while there is something to tell of. */
async function removeUsers(tx: Ctx, tenantId: string, users: readonly { id: string }[], ...others: events.Event[]) {
  await events.record(tx, ...users.map(({ id }) => ({ key: 'frontegg.user.deleted', userId: id, tenantId })), ...others)
  if (users.length) await tx.db.user.deleteMany({ where: { id: { in: users.map(({ id }) => id) } } })
}

/** Finishes a deletion whose process died, but not of another tenant that has got the id since. */
const finishDeletion = jobs.job({
  name: 'finish-tenant-deletion',
  payload: Type.Object({ tenantId: Type.String(), rowId: Type.String() }),
  async run(ctx, { tenantId, rowId }) {
    if (!(await ctx.db.tenant.findFirst({ where: { id: tenantId, rowId }, select: { id: true } }))) return
    // another process may finish it at the same time
    await carryOut(ctx, tenantId).catch((error: unknown) => {
      if (!(error instanceof ApiError)) throw error
    })
  },
})
export const tenantJobs = [finishDeletion]
