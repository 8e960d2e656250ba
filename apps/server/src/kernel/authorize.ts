import type { FastifyRequest } from 'fastify'
import { after, MINUTE } from './clock.ts'
import { tenantById, userById } from './authorize.sql.ts'
import type { EnvironmentDirectory, Environment } from './environments.ts'
import { isUuid } from './environments.ts'
import { errors, failure } from './errors.ts'
import { foundBy, isKey, permissionsIn, standing, type Lookups, type Reaches } from './holders.ts'
import type { Caller, Ctx, Operation, TenantScope, UserScope } from './operation.ts'
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

/** `Authorization: Basic …`. The parts are encoded as those of a form before they are joined (RFC 6749 §2.3.1). */
export function basicIn(request: FastifyRequest) {
  const encoded = /^Basic\s+([\w+/=-]+)\s*$/i.exec(header(request, 'authorization') ?? '')?.[1]
  if (encoded === undefined) return undefined
  const [, id, secret] = /^([^:]*):(.*)$/s.exec(Buffer.from(encoded, 'base64').toString()) ?? []
  try {
    const plain = (part: string) => decodeURIComponent(part.replaceAll('+', ' '))
    return id === undefined || secret === undefined ? undefined : { id: plain(id), secret: plain(secret) }
  } catch {
    return undefined
  }
}

/** What a request's token says. Each kind of token counts only in its own place. */
async function shownIn(request: FastifyRequest, read: TokenReader): Promise<Known | undefined> {
  const token = bearer(request),
    key = token === undefined ? header(request, 'x-api-key') : undefined,
    shown = token ?? key,
    known = shown ? await read(shown) : undefined
  return known && isKey(known.claims) === (key !== undefined) ? known : undefined
}
type Known = NonNullable<Awaited<ReturnType<TokenReader>>>

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
  const known = await shownIn(request, read)
  if (known) return known
  if (op.auth !== 'public') throw op.auth === 'vendor' ? errors.notVendor() : errors.unauthorized()
  return { environment: await environmentOf(request, environments, publicHost), claims: undefined }
}

/** Permission keys match whole, or by prefix where the held one ends in `*`. */
export const may = (held: readonly string[], wanted: string) =>
  held.some((key) => key === wanted || (key.endsWith('*') && wanted.startsWith(key.slice(0, -1))))

/** How old a login may be with which users change how they log in. */
const RECENT_MS = 15 * MINUTE

/** The caller of an operation that needs a token. @throws 401, 403 for a login that is too old, and for what is no login where one is needed */
export async function callerOf(
  ctx: Ctx,
  op: Operation,
  claims: Claims | undefined,
  lookups: Lookups,
  ip: string,
): Promise<Caller | undefined> {
  if (op.auth === 'public') return undefined
  const valid = standing(ctx, claims)
  if (op.auth === 'vendor' && valid?.type !== 'vendor') throw errors.notVendor()
  if (valid?.type === 'vendor') {
    if (op.auth === 'user') throw errors.unauthorized()
    return { kind: 'vendor' }
  }
  const found = await foundBy(ctx, valid, lookups, ip)
  if (!found) throw errors.unauthorized()
  const { session } = found
  if ((op.people || op.recentLogin) && !session) throw errors.onlyPeople()
  const mayChangeLogin = !!session && (!session.isGuarded || after(session.beganAt, RECENT_MS) > ctx.clock.now())
  if (op.recentLogin && !mayChangeLogin) throw errors.loginTooOld()
  const permissions = op.permission ? await permissionsIn(ctx, found, lookups) : (found.permissions ?? [])
  return found.caller.kind === 'person'
    ? { ...found.caller, mayChangeLogin, permissions }
    : { ...found.caller, permissions }
}

/**
 * The caller of a public operation who sends a good token, though none is needed: it says whose tenant and user the
 * call is about. Headers alone prove nothing.
 */
export async function guestOf(
  ctx: Ctx,
  op: Operation,
  claims: Claims | undefined,
  lookups: Lookups,
  ip: string,
): Promise<Caller | undefined> {
  const valid = op.auth === 'public' ? standing(ctx, claims) : undefined
  return valid?.type === 'vendor' ? { kind: 'vendor' } : (await foundBy(ctx, valid, lookups, ip))?.caller
}

/**
 * The tenant of the call. For an environment token: the one that it names, which must be in this environment (if the operation
 * does not find that out itself). For all others: that of the token, or one below it that a header names and the caller reaches.
 */
export async function tenantOf(
  ctx: Ctx,
  op: Operation,
  caller: Caller | undefined,
  request: FastifyRequest,
  reaches: Reaches,
): Promise<TenantScope | undefined> {
  if (!op.tenant || op.tenant === 'none') return undefined
  const named = header(request, 'frontegg-tenant-id')
  if (caller && caller.kind !== 'vendor')
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
  if (op.findsTenant || (await ctx.sql(tenantById, id)).length) return { id } as TenantScope
  // Terraform's provider names the environment itself where it means no tenant
  if (op.tenant === 'optional' && id === ctx.vendorId) return undefined
  throw errors.notFound('Tenant')
}

/** The user of the call: the token's own, or the one that an environment token names. A program of a tenant speaks for none. */
export async function userOf(
  ctx: Ctx,
  op: Operation,
  caller: Caller | undefined,
  request: FastifyRequest,
): Promise<UserScope | undefined> {
  if (!op.user || op.user === 'none') return undefined
  if (caller?.kind === 'person' || caller?.kind === 'agent') return { id: caller.userId } as UserScope
  const id = caller?.kind === 'vendor' ? header(request, 'frontegg-user-id') : undefined
  if (id === undefined) {
    if (op.user === 'required') throw errors.noUser()
    return undefined
  }
  if (!isUuid(id) || !(await ctx.sql(userById, id)).length) throw errors.notFound('User')
  return { id } as UserScope
}

export function admit(op: Operation, caller: Caller | undefined) {
  if (caller && caller.kind !== 'vendor' && op.permission && !may(caller.permissions, op.permission))
    throw errors.forbidden(op.permission)
}
