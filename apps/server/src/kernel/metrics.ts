import type { FastifyInstance } from 'fastify'
import { collectDefaultMetrics, Histogram, Registry } from 'prom-client'
import { header } from './authorize.ts'
import type { Deps } from './deps.ts'
import { errors } from './errors.ts'
import { fingerprint } from './random.ts'

/** `/metrics` in the Prometheus text format: the process, and the time of every operation by status. */
export function measure(app: FastifyInstance, readers: Deps['metrics']) {
  if (readers === undefined) return
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const seconds = new Histogram({
    name: 'henhouse_request_duration_seconds',
    help: 'Time to serve a request, by operation and status',
    labelNames: ['operation', 'status'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
    registers: [registry],
  })
  app.addHook('onResponse', async (request, reply) => {
    const { operation } = request.routeOptions.config as { operation?: string }
    if (operation) seconds.observe({ operation, status: reply.statusCode }, reply.elapsedTime / 1000)
  })
  const wanted = readers === 'open' ? undefined : fingerprint(`Bearer ${readers.token}`)
  app.get('/metrics', { config: { quiet: true } }, async (request, reply) => {
    // hashes may be compared letter by letter: their beginnings say nothing of the token
    if (wanted !== undefined && fingerprint(header(request, 'authorization') ?? '') !== wanted)
      throw errors.unauthorized()
    return reply.type(registry.contentType).send(await registry.metrics())
  })
}
