import { Type } from 'typebox'
import { ApiError } from '../../../kernel/errors.ts'
import { job, TakenOver, type JobControl } from '../../../kernel/jobs.ts'
import type { Ctx } from '../../../kernel/operation.ts'
import { Id } from '../../../kernel/validation.ts'
import { bringIn, type Newcomer } from '../user-creation/user-creation.service.ts'
import type { InviteProgress, RolesProgress } from './user-bulk.schemas.ts'
import { changeRolesIn } from './user-roles.service.ts'

/** Sealed, as the entries may hold passwords. */
const InvitePayload = Type.Object({ tenantId: Type.String(), total: Type.Integer(), sealed: Type.String() })

/** Adds the users one after the other. Each is committed together with a note that it is done, so that after a crash none is lost or done twice. */
export const inviteUsers = job({
  name: 'invite-users',
  payload: InvitePayload,
  keep: true,
  async run(ctx, { tenantId, sealed }, control) {
    const newcomers = JSON.parse(ctx.deps.secrets.open(sealed)) as Newcomer[]
    const { done, errors } = await storedProgress<InviteProgress>(ctx, control)
    for (const [index, newcomer] of [...newcomers.entries()].slice(done)) {
      const failed = await attempt(ctx, control, () =>
        bringIn(ctx, { kind: 'vendor' }, tenantId, newcomer, (tx) => control.progress({ done: index + 1, errors }, tx)),
      )
      if (failed === undefined) continue
      errors.push({ index, email: newcomer.email ?? null, message: failed })
      await control.progress({ done: index + 1, errors })
    }
  },
})

const RolesPayload = Type.Object({
  userId: Id,
  tenantIds: Type.Array(Type.String()),
  add: Type.Array(Type.String()),
  remove: Type.Array(Type.String()),
})

/** Giving and taking roles is idempotent: a tenant may be done twice. */
export const changeRoles = job({
  name: 'change-roles',
  payload: RolesPayload,
  keep: true,
  async run(ctx, { userId, tenantIds, add, remove }, control) {
    const { done, errors } = await storedProgress<RolesProgress>(ctx, control)
    for (const [index, tenantId] of [...tenantIds.entries()].slice(done)) {
      const failed = await attempt(ctx, control, () =>
        changeRolesIn(ctx, { userId, tenantIds: [tenantId], add, remove }),
      )
      if (failed !== undefined) errors.push({ tenantId, message: failed })
      await control.progress({ done: index + 1, errors })
    }
  },
})
export const userBulkJobs = [changeRoles, inviteUsers]

async function storedProgress<P extends { done: number; errors: object[] }>(ctx: Ctx, { id }: JobControl): Promise<P> {
  const { progress } = await ctx.db.job.findUniqueOrThrow({ where: { id }, select: { progress: true } })
  return (progress as unknown as P | null) ?? ({ done: 0, errors: [] } as unknown as P)
}

/**
 * Does one entry. A refusal counts for this entry. A fault of ours fails the job, which is tried again; in the last try it
 * counts for this entry, so that the next ones are done.
 * @returns why it was refused
 */
async function attempt(ctx: Ctx, { last }: JobControl, work: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await work()
  } catch (error) {
    if (error instanceof ApiError) return error.message
    if (!last || error instanceof TakenOver) throw error
    ctx.log.error({ err: error }, 'an entry failed for good')
    return 'Internal error'
  }
}
