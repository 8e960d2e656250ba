import type { Job } from '@henhouse/database'
import * as jobs from '../../../kernel/jobs.ts'
import type { Ctx } from '../../../kernel/operation.ts'
import { tenantMigrationErrors } from './tenant-migrations.errors.ts'
import { migrateTenants } from './tenant-migrations.jobs.ts'
import { atTheStart, type MigrationStatus, type Progress } from './tenant-migrations.schemas.ts'

/** Queues a job that makes tenants with these ids, each with its id as its name. Repeated ids count once. */
export async function start(ctx: Ctx, tenantIds: readonly string[]) {
  return { migrationId: await jobs.add(ctx, migrateTenants, { tenantIds: [...new Set(tenantIds)] }) }
}

/** @throws 404 */
export async function status(ctx: Ctx, migrationId: string): Promise<MigrationStatus> {
  const job = await ctx.db.job.findFirst({ where: { id: migrationId, name: migrateTenants.name } })
  if (!job) throw tenantMigrationErrors.notFound()
  const { tenantIds } = job.payload as { tenantIds: string[] }
  const { done, errors } = (job.progress as unknown as Progress | null) ?? atTheStart
  const state = stateOf(job),
    unseen = state === 'failed' ? tenantIds.slice(done) : []
  return {
    migrationId,
    state,
    total: tenantIds.length,
    migrated: done - errors.length,
    errors: [
      ...errors,
      ...unseen.map((tenantId) => ({ tenantId, message: 'The migration was given up before it came to this account' })),
    ],
  }
}

function stateOf({ state, attempts }: Job): MigrationStatus['state'] {
  if (state === 'queued') return attempts ? 'in_progress' : 'pending'
  return state === 'done' ? 'completed' : 'failed'
}
