import { Type } from 'typebox'
import { ApiError, invalid } from '../../../kernel/errors.ts'
import { job, type JobControl } from '../../../kernel/jobs.ts'
import type { Ctx } from '../../../kernel/operation.ts'
import { faults } from '../../../kernel/validation.ts'
import { OwnId } from '../tenants/tenants.schemas.ts'
import * as tenants from '../tenants/tenants.service.ts'
import { atTheStart, type Progress } from './tenant-migrations.schemas.ts'

/** Makes the tenants one after the other; after a crash it goes on where it stopped. */
export const migrateTenants = job({
  name: 'migrate-tenants',
  payload: Type.Object({ tenantIds: Type.Array(Type.String()) }),
  keep: true,
  async run(ctx, { tenantIds }, { id, progress: note }) {
    const { progress } = await ctx.db.job.findUniqueOrThrow({ where: { id }, select: { progress: true } })
    let reached = (progress as unknown as Progress | null) ?? atTheStart
    for (const tenantId of tenantIds.slice(reached.done)) reached = await migrate(ctx, tenantId, reached, note)
  },
})

/** The tenant and its record are stored together, or neither is. */
async function migrate(
  ctx: Ctx,
  tenantId: string,
  { done, errors }: Progress,
  note: JobControl['progress'],
): Promise<Progress> {
  try {
    const [fault] = faults(OwnId, tenantId)
    if (fault !== undefined) throw invalid(fault)
    const reached = { done: done + 1, errors }
    await ctx.atomically(async (tx) => {
      await tenants.insert(tx, { tenantId })
      await note(reached, tx)
    })
    return reached
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    const reached = { done: done + 1, errors: [...errors, { tenantId, message: error.message }] }
    await note(reached)
    return reached
  }
}

export const tenantMigrationJobs = [migrateTenants]
