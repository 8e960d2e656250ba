import { Refused } from '@henhouse/outbound'
import { Type } from 'typebox'
import { after, HOUR, SECOND } from '../../../kernel/clock.ts'
import { add, Hopeless, job, type Job } from '../../../kernel/jobs.ts'
import type { Ctx } from '../../../kernel/operation.ts'
import { Id } from '../../../kernel/validation.ts'
import * as auth0 from './auth0.client.ts'
import { rowsOf } from './auth0.rows.ts'
import { failImport, importUsers } from './imports.jobs.ts'
import type { Auth0Source } from './imports.schemas.ts'
import { keeping } from './imports.sql.ts'
import { gathering, MOST_ROWS_IN_ALL, mostBytes, partOf } from './parts.ts'

/** How often Auth0 is asked whether its export is done, and for how long. */
const PAUSE = 5 * SECOND,
  MOST_WAIT = 6 * HOUR

/** What is kept between two steps, sealed. */
type Kept = Auth0Source & { token?: string; exportId?: string }

const FetchPayload = Type.Object({ importId: Id })

/**
 * Has Auth0 export its users, and fetches them. Each step is safe to repeat. Nobody is brought in before all are here, and then
 * the credentials are gone.
 */
export const importFromAuth0: Job<typeof FetchPayload> = job({
  name: 'import-from-auth0',
  payload: FetchPayload,
  async run(ctx, { importId }) {
    const found = await ctx.db.userImport.findFirst({ where: { id: importId, state: 'pending' } })
    if (!found || found.settings === null) return
    const kept = JSON.parse(ctx.deps.secrets.open(found.settings)) as Kept
    try {
      const location = await exported(ctx, importId, kept)
      if (location !== undefined) await fetchUsers(ctx, { id: importId, settings: found.settings }, kept, location)
      else if (ctx.clock.now() > after(found.createdAt, MOST_WAIT))
        throw new Hopeless('Auth0 did not finish its export')
      else await add(ctx, importFromAuth0, { importId }, after(ctx.clock.now(), PAUSE))
    } catch (error) {
      throw error instanceof Refused && !error.retryable ? new Hopeless(error.message) : error
    }
  },
  failed: (ctx, { importId }, reason) =>
    failImport(ctx, importId, reason.startsWith('Auth0') ? reason : 'Auth0 could not be read'),
})
export const auth0Jobs = [importFromAuth0]

/** Where the export's file is, once it is there. */
async function exported(ctx: Ctx, importId: string, kept: Kept) {
  const token = kept.token ?? (await auth0.tokenFor(ctx, kept))
  if (kept.exportId === undefined) {
    const exportId = await auth0.startExport(ctx, kept.domain, token)
    await ctx.db.userImport.updateMany({
      where: { id: importId, state: 'pending' },
      data: { settings: ctx.deps.secrets.seal(JSON.stringify({ ...kept, token, exportId } satisfies Kept)) },
    })
    return undefined
  }
  const found = await auth0.stateOf(ctx, kept.domain, token, kept.exportId)
  if (found.state === 'failed') throw new Hopeless('Auth0 could not export its users')
  return found.state === 'done' ? found.location : undefined
}

/** Stores all users, as parts of the import, in place of those from a try before. Of two workers the later one goes on. */
async function fetchUsers(
  ctx: Ctx,
  { id: importId, settings }: { id: string; settings: string },
  kept: Kept,
  location: string,
) {
  const mine = ctx.deps.secrets.seal(JSON.stringify(kept)),
    { count: isMine } = await ctx.db.userImport.updateMany({
      where: { id: importId, settings },
      data: { settings: mine },
    })
  if (!isMine) return
  await ctx.db.userImportPart.deleteMany({ where: { importId } })
  const gather = gathering()
  let parts = 0
  const keep = async (rows: string[] | undefined) => {
    if (!rows) return
    const part = partOf(ctx, importId, parts++, gather.start, rows)
    await ctx.sql(keeping, importId, part.number, part.start, part.rows)
  }
  const most = mostBytes(ctx)
  let copied = 0
  for await (const user of auth0.usersAt(ctx, location, most)) {
    // a row more for each further tenant: a small file could name enough of them to fill the database
    const rows = rowsOf(user, kept)
    if (rows.length > 1) copied += (rows.length - 1) * JSON.stringify(rows[0]).length
    if (copied > most) throw new Hopeless(`Auth0: the users take more than ${most} bytes for their accounts`)
    if (gather.total + rows.length > MOST_ROWS_IN_ALL)
      throw new Hopeless(`Auth0: the export has more than ${MOST_ROWS_IN_ALL} rows`)
    for (const row of rows) await keep(gather.add(row))
  }
  await keep(gather.rest())
  await ctx.atomically(async (tx) => {
    const { count } = await tx.db.userImport.updateMany({
      where: { id: importId, settings: mine },
      data: { total: gather.total, settings: null },
    })
    if (count) await add(tx, importUsers, { importId })
  })
}
