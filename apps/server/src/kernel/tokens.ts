import { sign, type Algorithm } from '@henhouse/jwt'
import type { FastifyInstance } from 'fastify'
import { LRUCache } from 'lru-cache'
import { DAY, epoch, SECOND } from './clock.ts'
import type { Environment, EnvironmentDirectory } from './environments.ts'
import type { Ctx } from './operation.ts'
import type { SecretBox } from './secrets.ts'

/** What a token says, once its signature has been checked. */
export interface Claims {
  readonly type?: string
  readonly sub?: string
  readonly vendorId?: string
  readonly iss?: string
  readonly aud?: string
  readonly tenantId?: string
  readonly sid?: string
  /** of the user for whom a program acts */
  readonly userId?: string
  readonly roles?: readonly string[]
  readonly permissions?: readonly string[]
  /** how the user logged in */
  readonly amr?: unknown
  readonly acr?: unknown
  /** who acts for the subject, and what the token is tied to: of a delegated token only */
  readonly act?: unknown
  readonly bound_to?: unknown
  readonly iat?: number
  /** only a token of a machine may have none: see LASTING */
  readonly exp?: number
  /** what it was signed by; no claim */
  readonly algorithm: Algorithm
}

/**
 * These may last for ever, because it is looked up on each call whether they are alive. No other token is read without
 * an `exp`.
 */
const LASTING: ReadonlySet<unknown> = new Set(['tenantAccessToken', 'userAccessToken'])
const mayEnd = ({ type, exp }: Claims) => typeof exp === 'number' || (exp === undefined && LASTING.has(type))

/** Whether the time of a token is up. */
export const hasExpired = (ctx: Ctx, { exp = Infinity }: Claims) => exp <= epoch(ctx.clock.now())

/**
 * Checks tokens with the key that their `kid` names, and says whose environment that is. A signature is checked once,
 * expiry every time, on the environment's clock (see authorize).
 */
export function tokenReader(jwt: FastifyInstance['jwt'], environments: EnvironmentDirectory, secrets: SecretBox) {
  const checked = new LRUCache<string, { vendorId: string; kid: string; claims: Claims }>({ max: 10_000 })
  return async function read(token: string): Promise<{ environment: Environment; claims: Claims } | undefined> {
    const known = checked.get(token)
    if (known) {
      const environment = await environments.byId(known.vendorId)
      // removing a key ends its tokens
      if (environment?.keys.some((key) => key.id === known.kid)) return { environment, claims: known.claims }
      checked.delete(token)
      return undefined
    }
    const header = headerOf(jwt, token)
    if (!header) return undefined
    const environment = await environments.byKey(header.kid)
    const key = environment?.keys.find((k) => k.id === header.kid)
    if (!environment || !key) return undefined
    // The algorithm picks the kind of key, and each kind is only ever used for its own algorithm: a public key is never
    // taken for a shared secret (RFC 8725 §2.1).
    const secret = header.alg === 'RS256' ? key.publicKey : secrets.open(key.secret)
    try {
      const payload = jwt.verify<Claims>(token, { key: secret, algorithms: [header.alg], ignoreExpiration: true })
      // The environment's own servers read the shared secret, to check users' tokens with: management is not to be had by it
      if (header.alg === 'HS256' && payload.type !== 'userToken') return undefined
      if (!mayEnd(payload)) return undefined
      const claims = { ...payload, algorithm: header.alg }
      checked.set(token, { vendorId: environment.id, kid: header.kid, claims })
      return { environment, claims }
    } catch {
      return undefined
    }
  }
}
export type TokenReader = ReturnType<typeof tokenReader>

/** What of a header can be one of ours: anything else never gets near a key. */
function headerOf(jwt: FastifyInstance['jwt'], token: string): { kid: string; alg: Algorithm } | undefined {
  try {
    const { kid, alg } =
      jwt.decode<{ header: { kid?: unknown; alg?: unknown } }>(token, { complete: true })?.header ?? {}
    return typeof kid === 'string' && /^[0-9a-f]{16}$/.test(kid) && (alg === 'RS256' || alg === 'HS256')
      ? { kid, alg }
      : undefined
  } catch {
    return undefined
  }
}

/**
 * Signs claims with the environment's current key; `iat` and `exp` are of its clock.
 * @param expiresIn seconds; `never` for a token that is looked up on each call, which then has no `exp`
 * @param at when it is signed
 */
export function signToken(
  ctx: Ctx,
  claims: object,
  {
    expiresIn,
    algorithm = 'RS256',
    at = ctx.clock.now(),
  }: { expiresIn: number | 'never'; algorithm?: Algorithm; at?: Date },
) {
  const key = ctx.environment.keys[0]
  if (!key) throw new Error('the environment has no signing key')
  const iat = epoch(at)
  return sign(
    { ...claims, iat, ...(expiresIn !== 'never' && { exp: iat + expiresIn }) },
    {
      kid: key.id,
      algorithm,
      key: opened(ctx.deps.secrets, algorithm === 'RS256' ? key.privateKey : key.secret),
    },
  )
}

const openedKeys = new WeakMap<SecretBox, LRUCache<string, string>>()
/** Unsealing at every signature would cost more than it protects: the key is in memory while it signs. */
function opened(secrets: SecretBox, sealed: string) {
  let cache = openedKeys.get(secrets)
  if (!cache) openedKeys.set(secrets, (cache = new LRUCache({ max: 1000 })))
  let plain = cache.get(sealed)
  if (plain === undefined) cache.set(sealed, (plain = secrets.open(sealed)))
  return plain
}

/** A token to manage the environment with, for a day. Always RS256: servers' SDKs know only the public key. */
export function environmentToken(ctx: Ctx) {
  const expiresIn = DAY / SECOND
  return { token: signToken(ctx, { type: 'vendor', vendorId: ctx.vendorId, scopes: [] }, { expiresIn }), expiresIn }
}
