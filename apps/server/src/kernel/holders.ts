import type { Algorithm } from '@henhouse/jwt'
import { SECOND } from './clock.ts'
import { baseUrl, isUuid } from './environments.ts'
import type { Actor, BoundCaller, Ctx, Holder, MachineType, Tie } from './operation.ts'
import { hasExpired, type Claims } from './tokens.ts'
import { isStorable } from './validation.ts'

/* Whom a token speaks for, as long as what it depends on is there. Areas say whether it is: `Lookups`. */

/**
 * The tokens of programs: whether they act for a user, and whether they come in `x-api-key`, as those do that are never
 * exchanged for another.
 */
const machines: ReadonlyMap<unknown, { isUsers: boolean; isKey: boolean }> = new Map(
  Object.entries({
    userApiToken: { isUsers: true, isKey: false },
    tenantApiToken: { isUsers: false, isKey: false },
    userAccessToken: { isUsers: true, isKey: true },
    tenantAccessToken: { isUsers: false, isKey: true },
  } satisfies Record<MachineType, object>),
)
/** Whether it is shown in `x-api-key`. */
export const isKey = ({ type }: Pick<Claims, 'type'>) => machines.get(type)?.isKey ?? false

/** Loads the permission keys of users whose token carries none, as an environment can configure. */
type PermissionsOf = (ctx: Ctx, userId: string, tenantId: string) => Promise<readonly string[]>

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
type SessionOf = (ctx: Ctx, token: UserToken) => Promise<LiveSession | undefined>
export interface LiveSession {
  /** by a login or a step-up */
  readonly beganAt: Date
  /** the user has a password or a second factor */
  readonly isGuarded: boolean
}

/** What a program's token claims, once its signature and form have been checked. */
export interface MachineToken {
  readonly type: MachineType
  readonly id: string
  readonly tenantId: string
  /** for whom it acts; undefined: for the tenant */
  readonly userId: string | undefined
  /** to the second */
  readonly issuedAt: Date
}
/**
 * What a program's token may do, as long as it is there; undefined when it has ended or programs are not let in, or when what
 * holds of sessions keeps its user or tenant out. Those that log in nowhere are held to the addresses that the tenant allows.
 */
type MachineOf = (ctx: Ctx, token: MachineToken, ip: string) => Promise<LiveMachine | undefined>
export interface LiveMachine {
  /** permission keys; undefined: those of its user */
  readonly permissions: readonly string[] | undefined
}

/** Whether callers may do in another tenant what their token lets them do in their own. */
export type Reaches = (ctx: Ctx, caller: BoundCaller, tenantId: string) => Promise<boolean>

/** What areas know of those who call. */
export interface Lookups {
  readonly sessionOf: SessionOf
  readonly machineOf: MachineOf
  readonly permissionsOf: PermissionsOf
  readonly reaches: Reaches
  /** Whether one may act for another at all, in this way. */
  readonly allowsActing: (ctx: Ctx, way: Actor['type']) => Promise<boolean>
}

/** Claims that are good by themselves: they have not expired, and those of an environment token name this environment. */
export const standing = (ctx: Ctx, claims: Claims | undefined) =>
  claims && !hasExpired(ctx, claims) && (claims.type !== 'vendor' || claims.vendorId === ctx.vendorId)
    ? claims
    : undefined

/** The claims that decide, if they have the form of ours: holders of a shared secret can write anything into a token. */
function tieOf(ctx: Ctx, claims: Claims): Tie | undefined {
  const { type, sub, sid, tenantId, userId, iat, iss, aud, algorithm: alg } = claims
  if (!isId(sub) || typeof tenantId !== 'string' || !isStorable(tenantId)) return undefined
  if (typeof iat !== 'number' || !(Math.abs(iat) < LAST_SECOND)) return undefined
  // where the server has several addresses, each has issued some
  const isOurs = ctx.deps.usualUrl ? typeof iss === 'string' : iss === baseUrl(ctx.deps.publicUrl, ctx.environment)
  if (!isOurs || !isId(aud)) return undefined
  const tie = { sub, tenantId, iat, aud, alg }
  if (type === 'userToken') return isId(sid) ? { ...tie, type, sid } : undefined
  const machine = machines.get(type)
  if (!machine || alg !== 'RS256' || aud !== ctx.vendorId) return undefined
  if (machine.isUsers) return isId(userId) ? { ...tie, type: type!, userId } : undefined
  return { ...tie, type: type! }
}
/** of what dates can tell */
const LAST_SECOND = 8_000_000_000_000
const isId = (value: unknown): value is string => typeof value === 'string' && isUuid(value)
const areTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string')

/** How many tokens one may come from by delegation, over and over. */
export const MOST_TIES = 6

/**
 * What a token depends on: what it speaks for itself; or, for a delegated one, what the tokens do that it was made from. Its
 * subject comes first.
 */
function tiesOf(ctx: Ctx, claims: Claims): readonly Tie[] | undefined {
  const { act, bound_to: parts, type, sub, tenantId, iss, aud, algorithm } = claims
  if (act === undefined && parts === undefined) {
    const tie = tieOf(ctx, claims)
    return tie && [tie]
  }
  // no token that others can sign
  if (type !== 'userToken' || algorithm !== 'RS256' || !isActor(act) || !Array.isArray(parts)) return undefined
  if (parts.length < 2 || parts.length > MOST_TIES) return undefined
  const ties = parts.flatMap(
      (part: Tie | null) => (part && tieOf(ctx, { ...part, iss: iss!, algorithm: algorithmOf(part) })) ?? [],
    ),
    subject = ties[0]
  // a JWT template can name the environment in place of the application
  const isForIt = subject?.aud === aud || aud === ctx.vendorId,
    isWhole = ties.length === parts.length && subject?.tenantId === tenantId && isForIt
  return isWhole && (subject?.userId ?? subject?.sub) === sub && (subject?.userId ?? subject?.sid) ? ties : undefined
}
const isActor = (act: unknown): act is Actor =>
  typeof act === 'object' && act !== null && typeof (act as { sub?: unknown }).sub === 'string'
const algorithmOf = ({ alg }: Tie): Algorithm => (alg === 'HS256' ? 'HS256' : 'RS256')

interface Live {
  readonly caller: BoundCaller
  readonly session?: LiveSession
  readonly machine?: LiveMachine
}

/** Who is at the other end of a tie, as long as it lasts. */
async function liveOf(ctx: Ctx, tie: Tie, { sessionOf, machineOf }: Lookups, ip: string): Promise<Live | undefined> {
  const { sub, tenantId, sid, userId, aud } = tie,
    issuedAt = new Date(tie.iat * SECOND),
    bound = { tenantId, permissions: [] }
  if (sid !== undefined) {
    const token = { userId: sub, tenantId, sessionId: sid, issuedAt, audience: aud, algorithm: algorithmOf(tie) },
      session = await sessionOf(ctx, token)
    return (
      session && {
        session,
        caller: { kind: 'person', ...bound, userId: sub, sessionId: sid, mayChangeLogin: false },
      }
    )
  }
  const by = { type: tie.type as MachineType, id: sub },
    machine = await machineOf(ctx, { ...by, tenantId, userId, issuedAt }, ip)
  return (
    machine && {
      machine,
      caller: userId === undefined ? { kind: 'machine', ...bound, by } : { kind: 'agent', ...bound, userId, by },
    }
  )
}

export interface Found extends Live {
  readonly ties: readonly Tie[]
  /** undefined: the token does not say */
  readonly permissions: readonly string[] | undefined
}

/** Whom a token speaks for, as long as all is there that it depends on. */
export async function foundBy(
  ctx: Ctx,
  claims: Claims | undefined,
  lookups: Lookups,
  ip: string,
): Promise<Found | undefined> {
  const ties = claims && tiesOf(ctx, claims)
  if (!ties || (claims.permissions !== undefined && !areTexts(claims.permissions))) return undefined
  const isDelegated = ties.length > 1
  if (isDelegated && !(await areAllowed(ctx, claims.act as Actor, lookups))) return undefined
  const [subject, ...others] = await Promise.all(ties.map((tie) => liveOf(ctx, tie, lookups, ip)))
  if (!subject || others.includes(undefined)) return undefined
  if (!isDelegated) {
    // the token of a key names none, and holders of a shared secret can write any into theirs
    const claimed = isKey(claims) || claims.algorithm !== 'RS256' ? undefined : claims.permissions
    return { ...subject, ties, permissions: subject.machine?.permissions ?? claimed }
  }
  const by = { type: 'delegation', id: (claims.act as Actor).sub } as const,
    { tenantId } = subject.caller
  return {
    ties,
    permissions: claims.permissions,
    caller: { kind: 'agent', userId: claims.sub!, tenantId, permissions: [], by },
  }
}

/** Whether all who act, one for the other, may still do that. */
async function areAllowed(ctx: Ctx, { type, act }: Actor, lookups: Lookups): Promise<boolean> {
  return (await lookups.allowsActing(ctx, type)) && (!act || areAllowed(ctx, act, lookups))
}

/** Those that the token names, else those that its user has now. */
export const permissionsIn = async (ctx: Ctx, { caller, permissions }: Found, { permissionsOf }: Lookups) =>
  permissions ?? (caller.kind === 'machine' ? [] : await permissionsOf(ctx, caller.userId, caller.tenantId))

/** As `callerOf`, for a token of this environment that an operation takes in its input, whatever its place would be. */
export async function holderOf(ctx: Ctx, claims: Claims, lookups: Lookups, ip: string): Promise<Holder | undefined> {
  const valid = standing(ctx, claims),
    found = await foundBy(ctx, valid, lookups, ip)
  if (!valid || !found) return undefined
  const { exp, sub, aud, roles, act } = valid
  return {
    caller: { ...found.caller, permissions: await permissionsIn(ctx, found, lookups) },
    sub: sub!,
    audience: aud!,
    expiresAt: exp === undefined ? undefined : new Date(exp * SECOND),
    roles: !isKey(valid) && areTexts(roles) ? roles : undefined,
    act: isActor(act) ? act : undefined,
    ties: found.ties,
    proof: proofIn(valid),
  }
}

const proofIn = ({ amr, acr, algorithm }: Claims) =>
  algorithm === 'RS256'
    ? { amr: areTexts(amr) ? amr : undefined, acr: typeof acr === 'string' ? acr : undefined }
    : { amr: undefined, acr: undefined }
