import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Database } from '@henhouse/database'
import type { Server, Watch } from '../kernel/app.ts'
import type { ServerDeps } from '../kernel/deps.ts'
import { addressOf } from './addresses.ts'
import { explain } from './explain.ts'
import { faultBook, play } from './faults.ts'
import { noteCaller, requestLog, type Entry, type Seen } from './request-log.ts'

/** Of these nothing is written down: they are not about an application. */
const UNSEEN = /^(?:\/frontegg)?\/+(?:_emulator|health|metrics)(?:[/?]|$)/

/** What the emulator sees of the requests to the server: built first, given to `buildServer`, then attached to its routes. */
export function watching(deps: ServerDeps) {
  const log = requestLog(),
    faults = faultBook(deps),
    seen = new WeakMap<FastifyRequest, Seen>()
  const watch: Watch = {
    addressOf: async (request, environments) =>
      deps.usualUrl ? addressOf(request, environments, deps.publicUrl) : deps.publicUrl,
    identified(request, environment, call) {
      const open = seen.get(request)
      if (!open) return
      Object.assign(open, { environment, call })
      open.entry.environment = environment.id
    },
    async admitted(request, _op, { tenant, user }) {
      const open = seen.get(request)
      if (!open) return
      open.entry.tenant = tenant?.id ?? null
      open.entry.user = user?.id ?? null
      noteCaller(open.entry, open.call!)
      await play(faults, open.entry, request)
    },
  }
  return {
    watch,
    log,
    seen,
    faults,
    /** What was there before an environment began anew. */
    forget(environment: string) {
      log.clear(environment)
      faults.clear(environment)
    },
  }
}
export type Watching = ReturnType<typeof watching>

/** Has every request written down. Call it once, before the server listens. */
export function attach(server: Server, { seen, log, watch, faults }: Watching) {
  const { http } = server,
    { deps } = server.worker,
    count = countStatements(deps.database)
  http.addHook('onRequest', async (request) => {
    if (request.method !== 'OPTIONS' && !UNSEEN.test(request.originalUrl))
      seen.set(request, { entry: newEntry(request, deps), began: performance.now() })
  })
  http.addHook('preHandler', (request, _reply, done) => {
    const open = seen.get(request)
    if (open) count.run(open.entry, done)
    else done()
  })
  http.addHook('onSend', async (request, reply, payload) => {
    const open = seen.get(request)
    if (!open) return payload
    seen.delete(request)
    const { entry } = open
    entry.status = reply.statusCode
    if (open.call) noteCaller(entry, open.call)
    const ordered = entry.fault === null ? undefined : faults.byId(entry.fault)
    if (reply.statusCode >= 400) {
      await explain(server, open, request, payload).catch((error: unknown) =>
        request.log.error({ err: error }, 'a refusal could not be explained'),
      )
      showWay(reply, entry, await watch.addressOf(request, server.environments))
    }
    if (open.environment) entry.fault ??= (await faults.refuseMail(open.environment.id))?.id ?? null
    if (ordered?.drop) entry.status = null
    entry.ms = Math.round((performance.now() - open.began) * 10) / 10
    log.add(entry)
    return ordered?.body === undefined ? payload : JSON.stringify(ordered.body)
  })
}

/** Where the refusal is explained; pages of other origins may read it, too. */
function showWay(reply: FastifyReply, { id }: Entry, here: URL) {
  reply.header('frontegg-explain', `${here.href.replace(/\/+$/, '')}/_emulator/requests/${id}`)
  const exposed = reply.getHeader('access-control-expose-headers')
  if (exposed !== undefined) reply.header('access-control-expose-headers', `${String(exposed)}, frontegg-explain`)
}

const newEntry = (request: FastifyRequest, { systemClock }: ServerDeps): Entry => ({
  id: request.id,
  at: systemClock.now().toISOString(),
  method: request.method,
  path: request.url.replace(/[?#].*$/s, ''),
  operation: (request.routeOptions.config as { operation?: string } | undefined)?.operation ?? null,
  status: null,
  ms: 0,
  statements: 0,
  environment: null,
  caller: { kind: 'anonymous', id: null },
  tenant: null,
  user: null,
  rule: null,
  errors: [],
  explanation: null,
  fault: null,
})

/** Counts what is sent to the database, BEGIN and COMMIT among it, for the request that sends it. */
function countStatements({ pool }: Database) {
  const current = new AsyncLocalStorage<Entry>(),
    counted = new WeakSet<object>(),
    connect = pool.connect.bind(pool) as (done?: (...given: unknown[]) => void) => unknown
  // a connection that was waited for is handed on by whoever has used it before
  pool.connect = ((done?: (...given: unknown[]) => void) =>
    done ? connect(AsyncResource.bind(done)) : connect()) as typeof pool.connect
  pool.on('acquire', (client) => {
    if (counted.has(client)) return
    counted.add(client)
    const query = client.query.bind(client) as (...given: unknown[]) => unknown
    client.query = ((...given: unknown[]) => {
      const entry = current.getStore()
      if (entry) entry.statements++
      return query(...given)
    }) as typeof client.query
  })
  return current
}
