import type { FastifyRequest } from 'fastify'
import { epoch } from './clock.ts'
import type { EnvironmentDirectory, Environment } from './environments.ts'
import { isUuid } from './environments.ts'
import { errors, failure } from './errors.ts'
import type { Ctx, Operation, TenantScope, UserCaller, UserScope, VendorCaller } from './operation.ts'
import type { Claims, TokenReader } from './tokens.ts'

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

const unexpired = (ctx: Ctx, claims: Claims | undefined) =>
  claims && (claims.exp === undefined || claims.exp > epoch(ctx.clock.now())) ? claims : undefined

export async function callerOf(
  ctx: Ctx,
  op: Operation,
  claims: Claims | undefined,
  permissionsOf: PermissionsOf,
): Promise<VendorCaller | UserCaller | undefined> {
  if (op.auth === 'public') return undefined
  const valid = unexpired(ctx, claims)
  if (op.auth === 'vendor' && valid?.type !== 'vendor') throw errors.notVendor()
  if (valid?.type === 'vendor') {
    if (op.auth === 'user') throw errors.unauthorized()
    return { kind: 'vendor' }
  }
  if (valid?.type !== 'userToken' || !valid.sub || !valid.tenantId) throw errors.unauthorized()
  const permissions = valid.permissions ?? (op.permission ? await permissionsOf(ctx, valid.sub, valid.tenantId) : [])
  return { kind: 'user', userId: valid.sub, tenantId: valid.tenantId, sessionId: valid.sid, permissions }
}

/**
 * The caller of a public operation who sends a good token, though none is needed: it says whose tenant and user the
 * call is about. Headers alone prove nothing.
 */
export function guestOf(ctx: Ctx, op: Operation, claims: Claims | undefined): VendorCaller | UserCaller | undefined {
  const valid = op.auth === 'public' ? unexpired(ctx, claims) : undefined
  if (valid?.type === 'vendor') return { kind: 'vendor' }
  if (valid?.type !== 'userToken' || !valid.sub || !valid.tenantId) return undefined
  return { kind: 'user', userId: valid.sub, tenantId: valid.tenantId, sessionId: valid.sid, permissions: [] }
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
  if (!(await ctx.db.tenant.findFirst({ where: { id }, select: { id: true } }))) throw errors.notFound('Tenant')
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
  if (!isUuid(id) || !(await ctx.db.user.findUnique({ where: { id }, select: { id: true } })))
    throw errors.notFound('User')
  return { id } as UserScope
}

export function admit(op: Operation, caller: VendorCaller | UserCaller | undefined) {
  if (caller?.kind === 'user' && op.permission && !may(caller.permissions, op.permission))
    throw errors.forbidden(op.permission)
}
