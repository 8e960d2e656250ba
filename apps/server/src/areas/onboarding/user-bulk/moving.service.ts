import { Type } from 'typebox'
import { after, MINUTE } from '../../../kernel/clock.ts'
import * as jobs from '../../../kernel/jobs.ts'
import type { Ctx } from '../../../kernel/operation.ts'
import { visibleTo } from '../../applications/applications/applications.service.ts'
import * as memberships from '../../people/memberships/memberships.service.ts'
import * as tenants from '../../accounts/tenants/tenants.service.ts'
import { bulkErrors } from './user-bulk.errors.ts'
import * as events from '../../rights/events/events.service.ts'

/** Members per step. A larger step would hold the tenant and the process longer, and be no faster. */
const BATCH = 250

/**
 * Moves every member of one tenant to another, in steps that each leave a consistent state; a job finishes what a crash
 * interrupts. A user in both tenants keeps what they have in the target. Links, the ends of temporary memberships, and
 * applications that the target has, too, move along; roles and groups that belong to the source tenant do not.
 * @throws 404 for an unknown tenant
 */
export async function moveMembers(ctx: Ctx, from: string, to: string) {
  if (from === to) throw bulkErrors.sameTenant()
  await Promise.all([tenants.mustExist(ctx, from), tenants.mustExist(ctx, to)])
  const isLong = await ctx.db.membership.findFirst({
    where: { tenantId: from },
    skip: BATCH,
    orderBy: { userId: 'asc' },
    select: { userId: true },
  })
  const rest = isLong && (await jobs.add(ctx, finishMove, { from, to }, after(ctx.clock.now(), MINUTE)))
  while (await moveSome(ctx, from, to));
  if (rest) await ctx.db.job.deleteMany({ where: { id: rest } })
}

function moveSome(ctx: Ctx, from: string, to: string) {
  return ctx.atomically(async (tx) => {
    // another move of the same members waits
    await tx.db.tenant.updateMany({ where: { id: from }, data: { id: from } })
    // the target's applications do not change meanwhile
    await tx.db.applicationTenant.updateMany({ where: { tenantId: to }, data: { tenantId: to } })
    const members = await tx.db.membership.findMany({
      where: { tenantId: from },
      take: BATCH,
      orderBy: { userId: 'asc' },
      include: {
        roles: { where: { role: { tenantId: null } }, select: { roleId: true } },
        apps: { where: { application: visibleTo({ id: to }) }, select: { applicationId: true, createdAt: true } },
      },
    })
    if (!members.length) return false
    const userIds = members.map((m) => m.userId),
      now = tx.clock.now()
    // an expired membership in the target is in the way; one in the source does not move
    await tx.db.membership.deleteMany({ where: { tenantId: to, userId: { in: userIds }, expiresAt: { lte: now } } })
    const there = new Set(
      (
        await tx.db.membership.findMany({ where: { tenantId: to, userId: { in: userIds } }, select: { userId: true } })
      ).map((m) => m.userId),
    )
    const moving = members.filter((m) => !there.has(m.userId) && !(m.expiresAt && m.expiresAt <= now))
    await tx.db.membership.createMany({
      data: moving.map(({ roles: _, apps: _apps, ...m }) => ({ ...m, tenantId: to })),
    })
    await tx.db.membershipRole.createMany({
      data: moving.flatMap((m) => m.roles.map(({ roleId }) => ({ userId: m.userId, tenantId: to, roleId }))),
    })
    await tx.db.applicationUser.createMany({
      data: moving.flatMap((m) => m.apps.map((app) => ({ ...app, userId: m.userId, tenantId: to }))),
    })
    await tx.db.membership.deleteMany({ where: { tenantId: from, userId: { in: userIds } } })
    await tx.db.session.updateMany({
      where: { tenantId: from, userId: { in: userIds }, endedAt: null },
      data: { endedAt: now },
    })
    for (const { userId, expiresAt } of moving)
      if (expiresAt) await memberships.endLater(tx, { userId, tenantId: to, expiresAt })
    // links that were mailed and not used yet lead to the new tenant
    await tx.db.challenge.updateMany({
      where: { tenantId: from, userId: { in: moving.map((m) => m.userId) }, consumedAt: null },
      data: { tenantId: to },
    })
    await tx.db.user.updateMany({ where: { id: { in: userIds }, activeTenantId: from }, data: { activeTenantId: to } })
    await events.record(tx, { key: 'tenant.usersMoved', tenantId: from, details: { to, users: moving.length } })
    return members.length === BATCH
  })
}

/** Finishes a move whose process died. If one of the tenants is gone, there is nobody to move. */
const finishMove = jobs.job({
  name: 'finish-moving-members',
  payload: Type.Object({ from: Type.String(), to: Type.String() }),
  async run(ctx, { from, to }) {
    if ((await ctx.db.tenant.count({ where: { id: { in: [from, to] } } })) < 2) return
    while (await moveSome(ctx, from, to));
  },
})
export const movingJobs = [finishMove]
