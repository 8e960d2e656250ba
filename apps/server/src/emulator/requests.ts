import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import { contextFor } from '../kernel/context.ts'
import type { Server } from '../kernel/app.ts'
import { failure } from '../kernel/errors.ts'
import { Email } from '../areas/people/users/users.schemas.ts'
import { changing } from './explain.ts'
import { explainLogin } from './explain-login.ts'
import { awaited, body, named, query, Which } from './asking.ts'
import type { RequestLog, Wanted } from './request-log.ts'

/* What was asked of the server, why it was refused, and whether what a test expects has happened. */

const requestErrors = {
  notFound: failure(404, 'ER-00004', 'Request not found'),
}

const Text = Type.String({ minLength: 1, maxLength: 1000 })
const Filters = {
  operation: Type.Optional(Text),
  method: Type.Optional(Text),
  /** whole, or its beginning and a star */
  path: Type.Optional(Text),
  /** 404, or 4xx */
  status: Type.Optional(Type.String({ pattern: '^[1-5]([0-9]{2}|[xX]{2})$' })),
  tenant: Type.Optional(Text),
  user: Type.Optional(Text),
  /** what decided: its kind or its name */
  rule: Type.Optional(Text),
  /** a moment, or the id of a request: only what came after it */
  since: Type.Optional(Text),
}
/** seconds to wait */
const Wait = Type.Optional(Type.Number({ minimum: 0, maximum: 60 }))
const RequestQuery = Type.Object({
  ...Which.properties,
  ...Filters,
  wait: Wait,
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
})
const Count = Type.Optional(Type.Integer({ minimum: 0, maximum: 1000 }))
const Expectation = Type.Object({
  ...Which.properties,
  ...Filters,
  count: Count,
  atLeast: Count,
  atMost: Count,
  wait: Wait,
})
const LoginQuery = Type.Object({
  ...Which.properties,
  email: Email,
  tenant: Type.Optional(Text),
  ip: Type.Optional(Text),
})

/** Adds the calls about requests and logins. */
export function requestRoutes(app: FastifyInstance, server: Server, log: RequestLog) {
  app.get('/requests', async (request, reply) => {
    const { environment, wait = 0, limit = 100, ...wanted } = query(RequestQuery, request),
      { id } = await named(server, request, environment)
    return (await awaited(server, reply, wait, async () => log.find(id, wanted))).slice(0, limit)
  })
  app.get<{ Params: { id: string } }>('/requests/:id', async ({ params: { id } }) => {
    const found = log.byId(id)
    if (!found) throw requestErrors.notFound()
    return found
  })
  app.post('/requests/expect', async (request, reply) => {
    const { environment, wait = 0, count, atLeast, atMost, ...wanted } = body(Expectation, request),
      { id } = await named(server, request, environment),
      bounds = boundsOf({ count, atLeast, atMost })
    // what may not happen can be known only when the time is up
    const enough = async () => {
      const found = log.find(id, wanted)
      return found.length > bounds.most || (found.length >= bounds.least && bounds.most === Infinity) ? [found] : []
    }
    await awaited(server, reply, wait, enough)
    return outcome(log.find(id, wanted), bounds, wanted)
  })
  app.get('/explain/login', async (request) => {
    const { environment, email, tenant, ip = request.ip } = query(LoginQuery, request),
      ctx = contextFor(server.worker.deps, await named(server, request, environment), server.worker.log),
      { obstacles, ...answer } = await explainLogin(ctx, { email, ip, tenantId: tenant })
    return {
      ...answer,
      obstacles: obstacles.map(({ change, explanation, ...rest }) => ({
        ...rest,
        explanation: [explanation, ...changing(server, change)].join(' '),
      })),
    }
  })
}

type Bounds = Record<'count' | 'atLeast' | 'atMost', number | undefined>
/** Without any, there must be one at least. */
function boundsOf({ count, atLeast, atMost }: Bounds) {
  if (count !== undefined) return { least: count, most: count }
  return { least: atLeast ?? (atMost === undefined ? 1 : 0), most: atMost ?? Infinity }
}

function outcome(
  found: ReturnType<RequestLog['find']>,
  { least, most }: { least: number; most: number },
  wanted: Wanted,
) {
  const met = found.length >= least && found.length <= most,
    expected = least === most ? `exactly ${least}` : most === Infinity ? `at least ${least}` : `${least} to ${most}`
  const filters = Object.entries(wanted).map(([name, value]) => `${name} ${value}`)
  return {
    met,
    count: found.length,
    message: `${met ? 'As expected' : 'Not as expected'}: ${found.length} requests${filters.length ? ` with ${filters.join(', ')}` : ''}; expected ${expected}`,
    requests: found.slice(0, 100),
  }
}
