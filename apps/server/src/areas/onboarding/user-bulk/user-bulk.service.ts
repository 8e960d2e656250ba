import type { Job as JobRow } from '@henhouse/database'
import { isUuid } from '../../../kernel/environments.ts'
import { invalid } from '../../../kernel/errors.ts'
import * as jobs from '../../../kernel/jobs.ts'
import type { Ctx, TenantScope } from '../../../kernel/operation.ts'
import { visibleTo } from '../../rights/roles/roles.service.ts'
import { roleErrors } from '../../rights/roles/roles.errors.ts'
import { userErrors } from '../../people/users/users.errors.ts'
import type { Newcomer } from '../user-creation/user-creation.service.ts'
import { bulkErrors } from './user-bulk.errors.ts'
import { changeRoles, inviteUsers } from './user-bulk.jobs.ts'
import type { InviteProgress, RolesChange, RolesProgress } from './user-bulk.schemas.ts'
import { changeRolesIn } from './user-roles.service.ts'
import { tenantIdsOf } from '../../rights/held/held.service.ts'

/** Queues a bulk invitation. @returns the task's id */
export function invite(ctx: Ctx, tenant: TenantScope, newcomers: Newcomer[]) {
  return jobs.add(ctx, inviteUsers, {
    tenantId: tenant.id,
    total: newcomers.length,
    sealed: ctx.deps.secrets.seal(JSON.stringify(newcomers)),
  })
}

/** @throws 404 */
export async function inviteStatus(ctx: Ctx, id: string) {
  const row = await task(ctx, id, inviteUsers.name)
  const { total } = row.payload as { total: number },
    { done, errors } = (row.progress as InviteProgress | null) ?? { done: 0, errors: [] }
  const ended = errors.length ? ('CompletedWithErrors' as const) : ('Completed' as const)
  const status =
    row.state === 'failed'
      ? ('Failed' as const)
      : row.state === 'done'
        ? ended
        : row.attempts
          ? ('InProgress' as const)
          : ('Pending' as const)
  return { id, status, total, processed: done, errors }
}

/** Up to this many tenants are done while the caller waits; more become a task. */
const AT_ONCE = 50

/** Gives and takes a user's roles in many tenants; without `tenantIds`, in all of theirs. @throws 404 for an unknown user, 400 for unknown roles or a tenant they do not belong to */
export async function changeUserRoles(
  ctx: Ctx,
  userId: string,
  { addRoleIds: add = [], removeRoleIds: remove = [], tenantIds }: RolesChange,
) {
  if (!(await ctx.db.user.findUnique({ where: { id: userId }, select: { id: true } }))) throw userErrors.notFound()
  if (!add.length && !remove.length) throw invalid('Either addRoleIds or removeRoleIds must be provided')
  const own = await tenantIdsOf(ctx, userId),
    chosen = [...new Set(tenantIds ?? own)],
    known = new Set(own)
  if (chosen.some((id) => !known.has(id))) throw invalid('tenantIds must be accounts of the user')
  await mustBeKnown(ctx, [...add, ...remove])
  const answer = { userId, rolesAdded: add, rolesRemoved: remove }
  if (chosen.length > AT_ONCE)
    return {
      ...answer,
      affectedTenants: chosen.length,
      taskId: await jobs.add(ctx, changeRoles, { userId, tenantIds: chosen, add, remove }),
    }
  await changeRolesIn(ctx, { userId, tenantIds: chosen, add, remove })
  return { ...answer, affectedTenants: chosen.length }
}

async function mustBeKnown(ctx: Ctx, roleIds: string[]) {
  const wanted = [...new Set(roleIds)]
  if (
    (await ctx.db.role.count({ where: { id: { in: wanted.filter(isUuid) }, ...visibleTo(undefined) } })) < wanted.length
  )
    throw roleErrors.unknownRoles()
}

/** @throws 404 */
export async function rolesTask(ctx: Ctx, id: string) {
  const row = await task(ctx, id, changeRoles.name)
  const { userId, tenantIds, add, remove } = row.payload as {
    userId: string
    tenantIds: string[]
    add: string[]
    remove: string[]
  }
  const { done, errors } = (row.progress as RolesProgress | null) ?? { done: 0, errors: [] }
  const failures = row.state === 'failed' ? [...errors, { message: row.error ?? 'The task failed' }] : errors
  const ended = failures.length ? ('CompletedWithErrors' as const) : ('Completed' as const)
  const status = row.state !== 'queued' ? ended : row.attempts ? ('InProgress' as const) : ('NotStarted' as const)
  return {
    id,
    userId,
    status,
    totalTenants: tenantIds.length,
    processedTenants: done,
    addedRoleIds: add,
    removedRoleIds: remove,
    errors: failures,
  }
}

async function task(ctx: Ctx, id: string, name: string): Promise<JobRow> {
  const row = await ctx.db.job.findFirst({ where: { id, name } })
  if (!row) throw bulkErrors.notFound()
  return row
}
