import type { Algorithm } from '@henhouse/jwt'
import type { FastifyRequest } from 'fastify'
import { after, MINUTE, SECOND } from './clock.ts'
import { tenantById, userById } from './authorize.sql.ts'
import type { EnvironmentDirectory, Environment } from './environments.ts'
import { baseUrl, isUuid } from './environments.ts'
import { errors, failure } from './errors.ts'
import type { Ctx, Operation, TenantScope, UserCaller, UserScope, VendorCaller } from './operation.ts'
import { hasExpired, type Claims, type TokenReader } from './tokens.ts'
import { isStorable } from './validation.ts'

const noSuchEnvironment = failure(404, 'ER-00004', 'Environment not found')

export const header = (request: FastifyRequest, name: string) => {
  const value = request.headers[name]
  const text = Array.isArray(value) ? value[0] : value
  return text === undefined || text === '' ? undefined : text
}

/** `Authorization: Bearer …`, or `x-access-token`, which older SDKs send. */
function bearer(request: FastifyRequest) {
  const authorization = header(request, 'authorization')
  return (authorization && /^Bearer\s+(\S+)\s*$/i.exec(authorization)?.[1]) ?? header(request, 'x-access-token')
}

/** Host name without scheme, port and path; SDKs send full URLs, too. */
const hostName = (text: string) =>
  text
    .replace(/^[a-z]+:\/\//i, '')
    .replace(/[/:].*$/, '')
    .toLowerCase()

/**
 * The environment of a request without a valid token: the one that a header names, else the one of its host, else the
 * default.
 */
export async function environmentOf(
  request: FastifyRequest,
  environments: EnvironmentDirectory,
  publicHost: string,
): Promise<Environment> {
  const named = header(request, 'frontegg-vendor-id')
  if (named) {
    const environment = await environments.byId(named)
    if (!environment) throw noSuchEnvironment()
    return environment
  }
  for (const name of ['frontegg-vendor-host', 'host', 'origin']) {
    const host = hostName(header(request, name) ?? '')
    if (!host || host === publicHost) continue
    const label = host.endsWith(`.${publicHost}`) ? host.slice(0, -publicHost.length - 1) : undefined
    const found = (await environments.byHost(host)) ?? (label ? await environments.byName(label) : undefined)
    if (found) return found
  }
  const fallback = await environments.default()
  if (!fallback) throw noSuchEnvironment()
  return fallback
}

export interface Identified {
  environment: Environment
  claims: Claims | undefined
}

/**
 * The environment and, with a valid token, its claims. `callerOf` decides whether the token is enough.
 * A public operation ignores a bad token: browsers send stale ones along with a refresh.
 */
export async function identify(
  request: FastifyRequest,
  op: Operation,
  read: TokenReader,
  environments: EnvironmentDirectory,
  publicHost: string,
): Promise<Identified> {
  const token = bearer(request)
  const known = token ? await read(token) : undefined
  if (known) return known
  if (op.auth !== 'public') throw op.auth === 'vendor' ? errors.notVendor() : errors.unauthorized()
  return { environment: await environmentOf(request, environments, publicHost), claims: undefined }
}

/** Permission keys match whole, or by prefix where the held one ends in `*`. */
export const may = (held: readonly string[], wanted: string) =>
  held.some((key) => key === wanted || (key.endsWith('*') && wanted.startsWith(key.slice(0, -1))))

/** Loads the permission keys of users whose token carries none, as an environment can configure. */
export type PermissionsOf = (ctx: Ctx, userId: string, tenantId: string) => Promise<readonly string[]>

/** What a user token claims, once its signature and form have been checked. */
export interface UserToken {
  readonly userId: string
  readonly tenantId: string
  readonly sessionId: string
  /** to the second */
  readonly issuedAt: Date
  /** the application or environment that it is for */
  readonly audience: string
  readonly algorithm: Algorithm
}
/** The session of a user token; undefined when it has ended, its user is gone or locked, or its tenant keeps them out. */
export type SessionOf = (ctx: Ctx, token: UserToken) => Promise<LiveSession | undefined>
export interface LiveSession {
  /** by a login or a step-up */
  readonly beganAt: Date
  /** the user has a password or a second factor */
  readonly isGuarded: boolean
}

/** Claims that are good by themselves: they have not expired, and those of an environment token name this environment. */
const standing = (ctx: Ctx, claims: Claims | undefined) =>
  claims && !hasExpired(ctx, claims) && (claims.type !== 'vendor' || claims.vendorId === ctx.vendorId)
    ? claims
    : undefined

/** The user of a token, as long as their session, their account and their place in the tenant last. */
async function holderOf(
  ctx: Ctx,
  claims: Claims | undefined,
  sessionOf: SessionOf,
): Promise<{ caller: UserCaller; session: LiveSession } | undefined> {
  const { type, sub: userId, sid: sessionId, tenantId, iat, iss, aud, permissions, algorithm } = claims ?? {}
  // holders of a shared secret can write anything into a token
  if (type !== 'userToken' || !isId(userId) || !isId(sessionId) || typeof tenantId !== 'string') return undefined
  if (typeof iat !== 'number' || !(Math.abs(iat) < LAST_SECOND) || !isStorable(tenantId)) return undefined
  if (iss !== baseUrl(ctx.deps.publicUrl, ctx.environment) || !isId(aud)) return undefined
  if (permissions !== undefined && !areTexts(permissions)) return undefined
  const session = await sessionOf(ctx, {
    userId,
    tenantId,
    sessionId,
    issuedAt: new Date(iat * SECOND),
    audience: aud,
    algorithm: algorithm!,
  })
  return (
    session && {
      session,
      caller: { kind: 'user', userId, tenantId, sessionId, mayChangeLogin: false, permissions: [] },
    }
  )
}
/** of what dates can tell */
const LAST_SECOND = 8_000_000_000_000
const isId = (value: unknown): value is string => typeof value === 'string' && isUuid(value)
const areTexts = (value: unknown) => Array.isArray(value) && value.every((item) => typeof item === 'string')

/** How old a login may be with which users change how they log in. */
const RECENT_MS = 15 * MINUTE

/** The caller of an operation that needs a token. @throws 401, 403 for a login that is too old */
export async function callerOf(
  ctx: Ctx,
  op: Operation,
  claims: Claims | undefined,
  { sessionOf, permissionsOf }: { sessionOf: SessionOf; permissionsOf: PermissionsOf },
): Promise<VendorCaller | UserCaller | undefined> {
  if (op.auth === 'public') return undefined
  const valid = standing(ctx, claims)
  if (op.auth === 'vendor' && valid?.type !== 'vendor') throw errors.notVendor()
  if (valid?.type === 'vendor') {
    if (op.auth === 'user') throw errors.unauthorized()
    return { kind: 'vendor' }
  }
  const holder = await holderOf(ctx, valid, sessionOf)
  if (!holder) throw errors.unauthorized()
  const { caller, session } = holder
  const mayChangeLogin = !session.isGuarded || after(session.beganAt, RECENT_MS) > ctx.clock.now()
  if (op.recentLogin && !mayChangeLogin) throw errors.loginTooOld()
  const permissions =
    valid?.permissions ?? (op.permission ? await permissionsOf(ctx, caller.userId, caller.tenantId) : [])
  return { ...caller, mayChangeLogin, permissions }
}

/**
 * The caller of a public operation who sends a good token, though none is needed: it says whose tenant and user the
 * call is about. Headers alone prove nothing.
 */
export async function guestOf(
  ctx: Ctx,
  op: Operation,
  claims: Claims | undefined,
  sessionOf: SessionOf,
): Promise<VendorCaller | UserCaller | undefined> {
  const valid = op.auth === 'public' ? standing(ctx, claims) : undefined
  return valid?.type === 'vendor' ? { kind: 'vendor' } : (await holderOf(ctx, valid, sessionOf))?.caller
}

/** Whether users may do in another tenant what their token lets them do in their own. */
export type Reaches = (ctx: Ctx, caller: UserCaller, tenantId: string) => Promise<boolean>

/**
 * The tenant of the call. For a user token: its own, or one below it that a header names and the user has access to.
 * For an environment token: the one that it names, which must be in this environment.
 */
export async function tenantOf(
  ctx: Ctx,
  op: Operation,
  caller: VendorCaller | UserCaller | undefined,
  request: FastifyRequest,
  reaches: Reaches,
): Promise<TenantScope | undefined> {
  if (!op.tenant || op.tenant === 'none') return undefined
  const named = header(request, 'frontegg-tenant-id')
  if (caller?.kind === 'user')
    return {
      id:
        named !== undefined && named !== caller.tenantId && (await reaches(ctx, caller, named))
          ? named
          : caller.tenantId,
    } as TenantScope
  const id = caller && named
  if (id === undefined) {
    if (op.tenant === 'required') throw errors.noTenant()
    return undefined
  }
  if (!(await ctx.sql(tenantById, id)).length) throw errors.notFound('Tenant')
  return { id } as TenantScope
}

/** The user of the call: the token's own, or the one that an environment token names. */
export async function userOf(
  ctx: Ctx,
  op: Operation,
  caller: VendorCaller | UserCaller | undefined,
  request: FastifyRequest,
): Promise<UserScope | undefined> {
  if (!op.user || op.user === 'none') return undefined
  if (caller?.kind === 'user') return { id: caller.userId } as UserScope
  const id = caller && header(request, 'frontegg-user-id')
  if (id === undefined) {
    if (op.user === 'required') throw errors.noUser()
    return undefined
  }
  if (!isUuid(id) || !(await ctx.sql(userById, id)).length) throw errors.notFound('User')
  return { id } as UserScope
}

export function admit(op: Operation, caller: VendorCaller | UserCaller | undefined) {
  if (caller?.kind === 'user' && op.permission && !may(caller.permissions, op.permission))
    throw errors.forbidden(op.permission)
}
