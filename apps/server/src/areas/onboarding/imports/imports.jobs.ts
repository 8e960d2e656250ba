import { Type } from 'typebox'
import { failure } from '../../../kernel/errors.ts'
import { add, job, TakenOver, type Job } from '../../../kernel/jobs.ts'
import type { Ctx } from '../../../kernel/operation.ts'
import { Id } from '../../../kernel/validation.ts'
import { bringEachIn, giveUp } from './bringing.service.ts'
import { nextPart } from './imports.sql.ts'
import { candidatesIn } from './parts.ts'

/** A worker runs a few jobs at once: other work must not wait for whole imports. */
const PARTS_AT_ONCE = 20

const ImportPayload = Type.Object({ importId: Id })

/**
 * Brings in the users of some parts, one part after the other, and leaves the next ones to another job. Each part is stored
 * together with what came of it: after a crash nobody is lost or done twice.
 */
export const importUsers: Job<typeof ImportPayload> = job({
  name: 'import-users',
  payload: ImportPayload,
  async run(ctx, { importId }, control) {
    for (let done = 0, after = -1; done < PARTS_AT_ONCE; done++) {
      const [next] = await ctx.sql(nextPart, importId, after)
      if (!next) return
      if (next.number === null || next.rows === null) return finish(ctx, importId)
      const part = { importId, number: next.number, start: next.start },
        candidates = candidatesIn(ctx, next.format, next.settings, next.rows)
      await bringEachIn(ctx, candidates, part).catch(async (error: unknown) => {
        if (error instanceof TakenOver || !control.last) throw error
        ctx.log.error({ err: error, part }, 'a part of an import failed for good')
        await giveUp(ctx, candidates, part, internal())
      })
      after = next.number
    }
    await ctx.atomically(async (tx) => {
      await control.progress({}, tx)
      await add(tx, importUsers, { importId })
    })
  },
  failed: (ctx, { importId }) => failImport(ctx, importId, 'The migration was given up'),
})

const internal = failure(500, 'computed', 'Internal error')

async function finish(ctx: Ctx, importId: string) {
  await ctx.db.userImport.updateMany({
    where: { id: importId, state: 'in_progress' },
    data: { state: 'completed', settings: null, finishedAt: ctx.clock.now() },
  })
}

/** Ends an import for good. What waited for it is deleted. */
export async function failImport(ctx: Ctx, importId: string, error: string) {
  await ctx.db.userImport.updateMany({
    where: { id: importId, finishedAt: null },
    data: { state: 'failed', error, settings: null, finishedAt: ctx.clock.now() },
  })
  await ctx.db.userImportPart.updateMany({ where: { importId }, data: { rows: null } })
}
export const importJobs = [importUsers]
