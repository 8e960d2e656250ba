import * as jobs from '../../../kernel/jobs.ts'
import type { Ctx } from '../../../kernel/operation.ts'
import type { Rubbish } from '../../../kernel/cleanup.ts'
import * as applications from '../../applications/applications/applications.service.ts'
import * as users from '../../people/users/users.service.ts'
import { bringIn } from './bringing.service.ts'
import { candidateOf, Refusal } from './candidates.ts'
import { importUsers } from './imports.jobs.ts'
import { importErrors } from './imports.errors.ts'
import { MigratedUser, type MigrationStatus } from './imports.schemas.ts'
import { importStatus } from './imports.sql.ts'
import { partsOf, type Format } from './parts.ts'

/**
 * Brings a user over from another system, with the hash of their password. One who is there already keeps everything, and gets
 * into the tenant.
 * @throws 400 for what cannot be used, 404 for an unknown tenant, 409 when the username or number is somebody else's, 403
 * without a default application
 */
export async function importOne(ctx: Ctx, user: MigratedUser) {
  await mustHaveApplication(ctx)
  const [outcome] = await bringIn(ctx, [candidateOf(MigratedUser, user)])
  if (outcome instanceof Refusal) throw outcome.error
  return users.read(ctx, { id: outcome!.userId }, user.tenantId)
}

/** Queues the import of many. What is wrong with one of them is told by `status`, and stops no other. @throws 403 without a default application */
export async function start(ctx: Ctx, format: Format, rows: readonly object[]) {
  await mustHaveApplication(ctx)
  const migrationId = ctx.random.uuid()
  await ctx.atomically(async (tx) => {
    await tx.db.userImport.create({
      data: { id: migrationId, format, state: 'pending', total: rows.length, createdAt: tx.clock.now() },
    })
    await tx.db.userImportPart.createMany({ data: partsOf(tx, migrationId, rows) })
    await jobs.add(tx, importUsers, { importId: migrationId })
  })
  return { migrationId }
}

/** Users are let into the default application, or those that let in everybody. @throws 403 when there is none */
export const mustHaveApplication = (ctx: Ctx) => applications.requested(ctx, undefined)

const MOST_ERRORS = 1000

/** @throws 404 */
export async function status(ctx: Ctx, migrationId: string): Promise<MigrationStatus> {
  const [found] = await ctx.sql(importStatus, migrationId, MOST_ERRORS)
  if (!found) throw importErrors.notFound()
  const { error, errors, state, total, migrated } = found,
    whole = error === null ? [] : [{ index: null, field: null, email: null, message: error }]
  return { migrationId, state, total, migrated, errors: [...whole, ...errors] }
}

/** Those that ended long ago, and uploads that broke off with the server. */
export const importRubbish: Rubbish = {
  table: 'UserImport',
  when: `t."finishedAt" < env.now - interval '30 days' or (t.state = 'receiving' and t."createdAt" < env.now - interval '1 day')`,
}
