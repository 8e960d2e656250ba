import type { IncomingMessage, ServerResponse } from 'node:http'
import cookie from '@fastify/cookie'
import jwt from '@fastify/jwt'
import fastJson from 'fast-json-stringify'
import Fastify, {
  LogController,
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify'
import helmet from 'helmet'
import { TooManyHashes } from '@henhouse/passwords'
import type { Logger } from 'pino'
import type { TSchema } from 'typebox'
import { admit, basicIn, callerOf, guestOf, header, identify, tenantOf, userOf } from './authorize.ts'
import { isVisit, originOf, protectBrowsers } from './browsers.ts'
import { acceptBodies, isOauth } from './bodies.ts'
import type { Rubbish } from './cleanup.ts'
import { at, contextFor, sqlFor } from './context.ts'
import { cookiesOf, mustBeHome } from './cookies.ts'
import type { Deps, ServerDeps } from './deps.ts'
import { edge, guardEdge } from './edge.ts'
import { baseUrl, environmentDirectory, type Environment, type EnvironmentDirectory } from './environments.ts'
import {
  ApiError,
  callersFault,
  envelope,
  errors,
  invalid,
  isDatabaseAway,
  oauthFields,
  pointsNowhere,
  type Refusal,
} from './errors.ts'
import { leaveForms, partsOf } from './forms.ts'
import { health } from './health.ts'
import { holderOf, type Lookups } from './holders.ts'
import type { Job, WorkerParts } from './jobs.ts'
import { heedAddress, heedSubjects, tokenCalls } from './limits.ts'
import { memoryOf } from './memory.ts'
import { measure } from './metrics.ts'
import {
  Empty,
  isReply,
  Raw,
  Redirect,
  type Auth,
  type Call,
  type Caller,
  type Ctx,
  type Destination,
  type Http,
  type HttpCtx,
  type Operation,
  type RawBody,
  type TenantScope,
  type Unserved,
  type UserScope,
} from './operation.ts'
import { traceId } from './random.ts'
import { tokenReader, type TokenReader } from './tokens.ts'
import { faults, fits, fromQuery, MAX_FAULTS, tidy } from './validation.ts'

export interface AppParts {
  deps: ServerDeps
  operations: readonly Operation[]
  unserved: readonly Unserved[]
  jobs: readonly Job[]
  rubbish: readonly Rubbish[]
  lookups: Lookups
  record: Recording
  /** absent in production */
  watch?: Watch | undefined
}

/** What the emulator does about each call of an operation. */
export interface Watch {
  /** The address of this server that the call came to. */
  addressOf(request: FastifyRequest, environments: EnvironmentDirectory): Promise<URL>
  /** Whose call it is. `call` says later who calls. */
  identified(request: FastifyRequest, environment: Environment, call: Call): void
  /** Comes after the kernel's own checks, right before the operation. What it throws is the answer. */
  admitted(request: FastifyRequest, op: Operation, about: Scoped): Promise<void>
}
interface Recording {
  /** Writes down that an operation with `audit` has succeeded: in its transaction. */
  change: (ctx: Scoped, key: string, input: unknown, result: unknown) => Promise<void>
  refusal: (ctx: Ctx, refusal: Refusal) => Promise<void>
}
/** `http` listens and serves; `worker` names what `startWorker` and `runDue` need. */
export type Server = Awaited<ReturnType<typeof buildApp>>

const MAX_BODY_BYTES = 2 * 1024 * 1024

export async function buildApp({ deps, operations, unserved, jobs, rubbish, lookups, record, watch }: AppParts) {
  const environments = environmentDirectory(deps.database, memoryOf(deps.database))
  const app = await framework(deps, environments)
  const read = tokenReader(app.jwt, environments, deps.secrets)
  measure(app, deps.metrics)
  const state = health(app, deps.database)

  const serve = serving({ deps, environments, read, lookups, record, watch })
  const route = (on: FastifyInstance, op: Operation) =>
    on.route({
      method: op.method,
      url: urlOf(op.path),
      config: { operation: op.id, upload: op.upload, oauth: op.oauth, auth: op.auth },
      handler: (request, reply) => serve(op, request, reply),
    })
  for (const op of operations) if (!op.form) route(app, op)
  await app.register(async (inner) => {
    await leaveForms(inner)
    for (const op of operations) if (op.form) route(inner, op)
  })
  refuseUnserved(app, unserved)
  return {
    http: app as FastifyInstance,
    environments,
    worker: { deps, environments, jobs, rubbish, log: deps.log } satisfies WorkerParts,
    operations,
    health: state,
    watch,
  }
}

const urlOf = (path: string) => path.replace(/\{(\w+)\}/g, ':$1')

/** An operation below the same path is found first. */
function refuseUnserved(app: FastifyInstance, unserved: readonly Unserved[]) {
  for (const { what, paths } of unserved)
    for (const path of paths)
      app.route({
        method: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
        url: urlOf(path),
        handler: ({ method, url }, reply) =>
          sendEnvelope(reply, errors.unserved(`${method} ${url.replace(/\?.*$/s, '')}`, what)),
      })
}

/**
 * Fastify with what every request gets: a trace id, a line in the log, the error envelope, cookies, headers for
 * browsers.
 */
async function framework(deps: Deps, environments: EnvironmentDirectory) {
  const loggerInstance: FastifyBaseLogger = deps.log
  const app = Fastify({
    ...edge,
    loggerInstance,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: traceId,
    trustProxy: deps.trustProxy,
    bodyLimit: MAX_BODY_BYTES,
    forceCloseConnections: 'idle',
    frameworkErrors: (error, request, reply) => void sendError(error, request, reply.headers(always(request))),
    routerOptions: { ignoreTrailingSlash: true, ignoreDuplicateSlashes: true, maxParamLength: 512 },
    // browsers call every path below /frontegg, servers without it
    rewriteUrl: (request) => request.url?.replace(/^\/+frontegg(?=\/)/, '') ?? '/',
  })
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(always(request))
  })
  app.addHook('onResponse', async (request, reply) => {
    // the route, not the address: query strings hold tokens
    request.log[(request.routeOptions.config as { quiet?: boolean }).quiet ? 'debug' : 'info'](
      {
        method: request.method,
        route: request.routeOptions.url ?? 'unknown',
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime),
      },
      'served',
    )
  })
  acceptBodies(app)
  app.setErrorHandler((error, request, reply) => sendError(error as Error, request, reply))
  app.setNotFoundHandler((_request, reply) => sendEnvelope(reply, errors.notFound('Route')))
  await app.register(cookie)
  // every call names its own key: this secret signs and verifies nothing
  await app.register(jwt, { secret: deps.random.token() })
  await protectBrowsers(app, deps, environments)
  guardEdge(app)
  return app
}

/** Headers of every reply. Nearly every one holds tokens, or what belongs to somebody: none is to be stored (RFC 6749 §5.1). */
const always = ({ id }: FastifyRequest) => ({ ...security, 'frontegg-trace-id': id, 'cache-control': 'no-store' })

/** Helmet's headers. They are the same for each reply, so it is asked once: it is made for being asked each time. */
const security = (() => {
  const headers: Record<string, string> = {}
  const apply = helmet({
    contentSecurityPolicy: { directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } },
    crossOriginResourcePolicy: { policy: 'cross-origin' },
  })
  const reply = { setHeader: (name: string, value: string) => (headers[name.toLowerCase()] = value), removeHeader() {} }
  apply({} as IncomingMessage, reply as unknown as ServerResponse, () => {})
  return headers
})()

type Serving = Pick<AppParts, 'deps' | 'lookups' | 'record' | 'watch'> & {
  environments: EnvironmentDirectory
  read: TokenReader
}

/** Passes a request to its operation's handler, and the handler's answer to the caller. */
function serving({ deps: usual, environments, read, lookups, record, watch }: Serving) {
  const countCall = tokenCalls(usual)
  return async (op: Operation, request: FastifyRequest, reply: FastifyReply) => {
    const deps = watch ? at(usual, (await watch.addressOf(request, environments)).href) : usual
    if (op.environment) reply.headers(await heedAddress(anywhere(deps), op, request.ip))
    // otherwise the input is checked only after the caller is authorized
    const early = op.environment && inputOf(op, request)
    const { environment, claims } = op.environment
      ? { environment: await op.environment(environments, early), claims: undefined }
      : await identify(request, op, read, environments, deps.publicUrl.hostname)
    const call = callIn(request)
    watch?.identified(request, environment, call)
    mustBeHome(deps, environment, op, request)
    const log = (request.log as Logger).child({ vendorId: environment.id }),
      parts = { applicationId: applicationIn(request), call },
      ctx = contextFor(deps, environment, log, parts)
    if (!op.environment) reply.headers(await heedAddress(ctx, op, request.ip))
    if (op.auth !== 'public') countCall(environment.id, claims)
    const caller = await callerOf(ctx, op, claims, lookups, request.ip)
    call.caller = caller
    const by = nameOf(caller)
    if (by) request.log = request.log.child(by)
    admit(op, caller)
    const named = by ? contextFor(deps, environment, ctx.log.child(by), parts) : ctx
    const input = await heedSubjects(named, op, early ?? inputOf(op, request))
    const known = caller ?? (await guestOf(named, op, claims, lookups, request.ip))
    call.caller = known
    const tenant = await tenantOf(named, op, known, request, lookups.reaches)
    const user = await userOf(named, op, known, request)
    const full: HttpCtx & Scoped & { caller: unknown } = {
      ...named,
      http: httpOf(deps, environment, op, request, reply, holderIn(ctx, op, read, lookups, request.ip)),
      caller,
      tenant,
      user,
    }
    await watch?.admitted(request, op, full)
    return send(
      deps,
      op,
      reply,
      withLinks(await answer(full, op, input, record), addressOf(deps, environment, request)),
    )
  }
}

/** Who calls is filled in as soon as it is known. */
const callIn = (request: FastifyRequest): { -readonly [K in keyof Call]: Call[K] } => ({
  traceId: request.id,
  ip: request.ip,
  userAgent: header(request, 'user-agent') ?? '',
  caller: undefined,
})

/** What the log says of a program or a delegate: no session tells who they are. */
function nameOf(caller: Caller | undefined) {
  if (caller?.kind === 'machine') return { by: caller.by }
  return caller?.kind === 'agent' ? { by: caller.by, userId: caller.userId } : undefined
}

/** What `http.holderOf` is for this call. */
const holderIn =
  (ctx: Ctx, op: Operation, read: TokenReader, lookups: Lookups, ip: string) => async (token: string) => {
    if (!op.exchanges) throw new Error(`${op.id} exchanges tokens, and does not declare it`)
    const known = await read(token)
    return known?.environment.id === ctx.vendorId ? holderOf(ctx, known.claims, lookups, ip) : undefined
  }

/** Where the call went, without its query. */
const addressOf = ({ publicUrl }: Deps, environment: Environment, { originalUrl }: FastifyRequest) =>
  `${baseUrl(publicUrl, environment)}${originalUrl.replace(/\?.*$/s, '')}`

/** Makes addresses of a page's links, which are query strings: clients request them as they stand. */
function withLinks(result: unknown, address: string) {
  const links = (result as { _links?: Record<string, string> } | null | undefined)?._links
  if (!links) return result
  const whole = Object.entries(links).map(([name, query]) => [name, query && `${address}?${query}`])
  return { ...(result as object), _links: Object.fromEntries(whole) as Record<string, string> }
}

/** For calls that have yet to prove which environment they are for: they count for all environments together. */
const anywhere = (deps: ServerDeps) => ({
  deps,
  vendorId: 'any',
  clock: deps.systemClock,
  sql: sqlFor(deps, 'any'),
  inTransaction: false,
})

type Scoped = Ctx & { tenant: TenantScope | undefined; user: UserScope | undefined }

async function answer(ctx: Scoped, op: Operation, input: unknown, record: Recording): Promise<unknown> {
  const { audit } = op
  try {
    if (audit === undefined) return await op.handler(ctx, input)
    return await ctx.atomically(async (tx) => {
      const within = { ...ctx, ...tx },
        result: unknown = await op.handler(within, input)
      await record.change(within, audit, input, isReply(result) ? result.body : result)
      return result
    })
  } catch (error) {
    if (error instanceof ApiError && error.event) await record.refusal(ctx, error.event)
    return refuse(ctx, op, error)
  }
}

/** Turns what a handler threw into the error that the caller gets. */
async function refuse(ctx: Scoped, op: Operation, thrown: unknown): Promise<never> {
  const known = pointsNowhere(thrown) ? await lostScope(ctx) : undefined,
    error = known ?? callersFault(thrown) ?? thrown
  if (error !== thrown && !known) ctx.log.warn({ err: thrown }, 'refused by the database')
  if (ctx.deps.strict && error instanceof ApiError && !error.isTheirs && !declares(op, error.status))
    throw new Error(`${op.id} raised an undeclared ${error.status}: ${error.message}`, { cause: thrown })
  throw error
}

/**
 * A tenant or user may go while a call is served. A write for one that is gone breaks a foreign key; this finds what is
 * missing.
 */
async function lostScope({ db, tenant, user }: Scoped) {
  if (tenant && !(await db.tenant.findFirst({ where: { id: tenant.id }, select: { id: true } })))
    return errors.notFound('Tenant')
  return user && !(await db.user.findUnique({ where: { id: user.id }, select: { id: true } }))
    ? errors.notFound('User')
    : undefined
}

/** The kernel itself answers 400, 401, 403 and 404; an operation must declare any other. */
const declares = (op: Operation, status: number) =>
  [400, 401, 403, 404].includes(status) ||
  (status === 429 && !!op.limits) ||
  !!op.errors?.some((e) => e.status === status)

/** RFC 6749 §3.1: which of two would hold is not to be guessed. @throws 400 */
function mustNameOnce({ query }: FastifyRequest) {
  const twice = Object.entries(query as object).find(([, value]) => Array.isArray(value))
  if (twice) throw invalid(`${twice[0]} must be given once`)
}

function inputOf(op: Operation, request: FastifyRequest) {
  if (request.url.includes('%00')) throw errors.notFound()
  // a malformed id finds nothing
  if (op.params && faults(op.params, request.params).length) throw errors.notFound()
  if (op.oauth) mustNameOnce(request)
  const query = op.query && fromQuery(op.query, request.query as Record<string, unknown>)
  const body =
    op.body && tidy(op.body, request.body ?? ((op.body as { type?: string }).type === 'array' ? undefined : {}))
  const found = [...(op.query ? faults(op.query, query) : []), ...(op.body ? faults(op.body, body) : [])]
  const [first, ...rest] = found.slice(0, MAX_FAULTS)
  if (first !== undefined) throw invalid(first, ...rest)
  return { params: request.params, query, body }
}

function httpOf(
  deps: Deps,
  environment: Environment,
  op: Operation,
  request: FastifyRequest,
  reply: FastifyReply,
  ofToken: Http['holderOf'],
): Http {
  return {
    holderOf: ofToken,
    ip: request.ip,
    userAgent: header(request, 'user-agent') ?? '',
    origin: originOf(deps, environment, request),
    isVisit: isVisit(request),
    applicationId: applicationIn(request),
    tenantHeader: header(request, 'frontegg-tenant-id'),
    loginAlias: header(request, 'frontegg-login-alias'),
    basic: basicIn(request),
    ...cookiesOf(deps, op, request, reply),
    form: (mostBytes) => partsOf(op, request, mostBytes),
  }
}

const applicationIn = (request: FastifyRequest) =>
  header(request, 'frontegg-requested-application-id') ?? header(request, 'frontegg-application-id')

const writers = new WeakMap<TSchema, (value: unknown) => string>()
/** Only declared fields leave. Compiled when first used. */
function serialize(schema: TSchema, value: unknown) {
  let write = writers.get(schema)
  if (!write)
    writers.set(schema, (write = fastJson(lean(schema) as TSchema, { largeArrayMechanism: 'json-stringify' })))
  return write(value)
}

/**
 * The schema with `nullable: true` in place of each union with null. For a union the serializer asks a validator about every
 * value, which is slow.
 */
function lean(part: unknown): unknown {
  if (Array.isArray(part)) return part.map(lean)
  if (typeof part !== 'object' || part === null) return part
  const { anyOf } = part as { anyOf?: readonly { type?: string }[] },
    [other, ...more] = anyOf?.filter(({ type }) => type !== 'null') ?? []
  if (other?.type !== undefined && !more.length) return { ...(lean(other) as object), nullable: true }
  return Object.fromEntries(Object.entries(part).map(([key, value]) => [key, lean(value)]))
}

function send(deps: Deps, op: Operation, reply: FastifyReply, result: unknown) {
  const { status, body } = isReply(result) ? result : { status: Number(Object.keys(op.returns)[0]), body: result }
  const schema = op.returns[status]
  if (!schema) throw new Error(`${op.id} answered with an undeclared ${status}`)
  reply.code(status)
  if (schema === Empty) return reply.send()
  if (schema === Raw) return sendRaw(reply, body as RawBody)
  if (schema === Redirect) return reply.header('location', (body as Destination).location).send()
  if (deps.strict && !fits(schema, body))
    throw new Error(`the reply of ${op.id} does not fit its schema: ${faults(schema, body).join('; ')}`)
  return reply.header('content-type', 'application/json; charset=utf-8').send(serialize(schema, body))
}

/** As with every reply, `nosniff` keeps browsers from taking it for something else. */
function sendRaw(reply: FastifyReply, { type, data, lasting }: RawBody) {
  if (lasting) reply.header('cache-control', 'public, max-age=31536000, immutable')
  return reply.header('content-type', type).send(data)
}

function sendEnvelope(reply: FastifyReply, error: ApiError) {
  const { auth } = reply.request.routeOptions.config as { auth?: Auth }
  if (isOauth(reply.request) && auth !== 'public' && error.status === 401) {
    error.oauthError = 'invalid_token'
    reply.header('www-authenticate', 'Bearer error="invalid_token"')
  }
  return reply
    .code(error.status)
    .headers(error.headers ?? {})
    .header('content-type', 'application/json; charset=utf-8')
    .send(JSON.stringify({ ...envelope(error), ...(isOauth(reply.request) && oauthFields(error)) }))
}

function sendError(
  error: Error & { statusCode?: number; code?: string },
  request: FastifyRequest,
  reply: FastifyReply,
) {
  if (error instanceof ApiError) return sendEnvelope(reply, error)
  if (error.statusCode === 413) return sendEnvelope(reply, errors.tooLarge())
  if (error.statusCode === 415) return sendEnvelope(reply, errors.unsupported())
  if (error.statusCode && error.statusCode < 500)
    return sendEnvelope(reply, new ApiError(error.statusCode, undefined, ['Bad request']))
  const { operation } = request.routeOptions.config as { operation?: string }
  if (isDatabaseAway(error)) {
    request.log.warn({ err: error, operation }, 'the database is away')
    return sendEnvelope(reply, errors.unavailable())
  }
  if (error instanceof TooManyHashes) {
    request.log.warn({ operation }, 'too many passwords wait for their hash')
    return sendEnvelope(reply, errors.unavailable())
  }
  request.log.error({ err: error, operation }, 'failed')
  return sendEnvelope(reply, new ApiError(500, undefined, ['Internal server error']))
}
