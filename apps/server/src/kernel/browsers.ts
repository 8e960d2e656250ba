import cors from '@fastify/cors'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { environmentOf, header } from './authorize.ts'
import type { Deps } from './deps.ts'
import { isAllowedOrigin, type Environment, type EnvironmentDirectory } from './environments.ts'

/* What browsers say of the page that makes them call, and what they are told in return. */

/** Says which pages may read replies (CORS). */
export async function protectBrowsers(app: FastifyInstance, deps: Deps, environments: EnvironmentDirectory) {
  const common = {
    credentials: true,
    methods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
    exposedHeaders: [
      'frontegg-trace-id',
      'retry-after',
      'x-rate-limit-limit',
      'x-rate-limit-remaining',
      'x-rate-limit-reset',
    ],
    maxAge: 600,
  }
  if (deps.allowedOrigins === '*') return app.register(cors, { ...common, origin: true })
  const operators = [...deps.allowedOrigins, deps.publicUrl.origin]
  return app.register(cors, () => async (request: FastifyRequest) => ({
    ...common,
    origin: (await isOfEnvironment(deps, environments, request)) || operators,
  }))
}

/**
 * Whether the page that calls is of an origin that the environment allows. The host tells which environment it is: browsers ask
 * without a token first.
 */
async function isOfEnvironment(deps: Deps, environments: EnvironmentDirectory, request: FastifyRequest) {
  const origin = header(request, 'origin')
  if (origin === undefined) return false
  const environment = await environmentOf(request, environments, deps.publicUrl.hostname).catch(() => undefined)
  return !!environment && isAllowedOrigin(deps, environment, origin)
}

/** Over plain http browsers leave out the first of these headers. Scripts take anything, unless they say so. */
export const isVisit = (request: FastifyRequest) =>
  (header(request, 'sec-fetch-mode') ?? (/\btext\/html\b/.test(header(request, 'accept') ?? '') && 'navigate')) ===
  'navigate'

/** The origin of the page that calls, if it may call with cookies. */
export function originOf(deps: Deps, environment: Environment, request: FastifyRequest) {
  const origin = header(request, 'origin')
  return origin !== undefined && isAllowedOrigin(deps, environment, origin) && URL.canParse(origin) ? origin : undefined
}
