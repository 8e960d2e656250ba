import * as jobs from '../../../kernel/jobs.ts'
import type { Ctx } from '../../../kernel/operation.ts'
import { importFromAuth0 } from './auth0.jobs.ts'
import type { Auth0Source } from './imports.schemas.ts'
import { mustHaveApplication } from './imports.service.ts'

/**
 * Queues the import of all users of an Auth0 tenant. Its credentials wait sealed, and are deleted once the users have been
 * fetched. @throws 403 without a default application
 */
export async function start(ctx: Ctx, source: Auth0Source) {
  await mustHaveApplication(ctx)
  const migrationId = ctx.random.uuid(),
    domain = source.domain.replace(/^https:\/\//, '').replace(/\/$/, '')
  await ctx.atomically(async (tx) => {
    await tx.db.userImport.create({
      data: {
        id: migrationId,
        format: 'auth0',
        state: 'pending',
        settings: tx.deps.secrets.seal(JSON.stringify({ ...source, domain })),
        createdAt: tx.clock.now(),
      },
    })
    await jobs.add(tx, importFromAuth0, { importId: migrationId })
  })
  return { migrationId }
}
