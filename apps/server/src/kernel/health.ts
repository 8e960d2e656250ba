import type { Database } from '@henhouse/database'
import type { FastifyInstance } from 'fastify'

export interface Health {
  /** Why this server should get no requests now, for instance because it is ending; undefined when all is well. */
  unready: string | undefined
}

/** Shorter than the usual time limit of a probe. */
const PATIENCE_MS = 2000

/**
 * `/health/live`: the process answers; restart it when it does not. `/health/ready`: send it requests; a 503 says why
 * not.
 * A server listens only after its migrations (and the emulator's seed), so only the database is left to check.
 */
export function health(app: FastifyInstance, { pool }: Database): Health {
  const state: Health = { unready: undefined }
  // probes come every few seconds
  const quiet = { config: { quiet: true } }
  app.get('/health/live', quiet, async () => ({ status: 'live' }))
  app.get('/health/ready', quiet, async (request, reply) => {
    const reason =
      state.unready ??
      (await withinTime(pool.query('select from "Vendor" limit 1')).catch((error: unknown) => {
        request.log.warn({ err: error }, 'the database does not answer')
        return 'the database does not answer'
      }))
    return reason === undefined ? { status: 'ready' } : reply.code(503).send({ status: 'unavailable', reason })
  })
  return state
}

/** Undefined when the work is done in time. */
async function withinTime(work: Promise<unknown>): Promise<undefined> {
  let timer
  try {
    await Promise.race([
      work,
      new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Error(`no answer within ${PATIENCE_MS} ms`)), PATIENCE_MS)
      }),
    ])
  } finally {
    clearTimeout(timer)
  }
}
