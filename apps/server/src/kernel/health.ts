import type { Database } from '@henhouse/database'
import type { FastifyInstance } from 'fastify'

export interface Health {
  /** Why nothing should be sent here now, as while the server ends; undefined when all is well. */
  unready: string | undefined
}

/** Less than a probe is usually given. */
const PATIENCE_MS = 2000

/**
 * `/health/live`: the process answers; restart it when it does not. `/health/ready`: send it requests; 503 says why not.
 * A server listens only when its migrations (and the emulator's seed) are applied, so what is left to ask is the database.
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
