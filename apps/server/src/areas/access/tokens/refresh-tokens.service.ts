import type { Prisma, Session } from '@henhouse/database'
import { after, SECOND } from '../../../kernel/clock.ts'
import type { Ctx, HttpCtx, UserCaller } from '../../../kernel/operation.ts'
import { fingerprint } from '../../../kernel/random.ts'
import { loginErrors } from '../../sign-in/login/login.errors.ts'
import { sessionErrors } from '../sessions/sessions.errors.ts'
import { endOf, type Rules } from '../sessions/sessions.service.ts'
import type { Rubbish } from '../../../kernel/cleanup.ts'

/** Tabs that show the same token at the same time are not thieves. */
const GRACE_MS = 10 * SECOND
/** How many exchanges a late tab may have missed within that time. */
const MAX_STEPS_BEHIND = 8

/** What a login and its tokens have to know about a user. */
export const subject = {
  id: true,
  email: true,
  name: true,
  verified: true,
  isLocked: true,
  metadata: true,
  profilePictureUrl: true,
  externalId: true,
  phoneNumber: true,
  superUser: true,
  activeTenantId: true,
  mfaEnrolled: true,
  mfaBypass: true,
  passwordChangedAt: true,
} as const satisfies Prisma.UserSelect
export type Subject = Prisma.UserGetPayload<{ select: typeof subject }>

export interface RefreshToken {
  readonly token: string
  readonly expiresAt: Date
}
/** Users as they were read when they proved who they are. */
export type Seen = Pick<Subject, 'id' | 'passwordChangedAt'>

/**
 * Call this first in a transaction that hands out what leads to a session or a new password. It waits at the user's
 * row, so it comes before or after a lock or a new password, which end all that came before them.
 * @throws 423 when the user is locked; 401 when they are gone, or their password has changed since they were read
 */
export async function mustBeUnchanged(
  tx: Ctx,
  { id, passwordChangedAt }: Seen,
  data: Prisma.UserUpdateManyMutationInput & { activeTenantId?: string } = {},
) {
  const { count } = await tx.db.user.updateMany({
    where: { id, isLocked: false, passwordChangedAt },
    data: { isLocked: false, ...data },
  })
  if (count) return
  const now = await tx.db.user.findUnique({ where: { id }, select: { isLocked: true } })
  if (!now) throw sessionErrors.ended()
  throw now.isLocked ? loginErrors.locked() : loginErrors.wrong()
}

interface NewSession {
  user: Seen
  tenantId: string
  applicationId: string | undefined
  mfaPassed: boolean
}
interface Place {
  userId: string
  tenantId: string
  sessionId: string
}

/**
 * Begins a session in a tenant, with its first refresh token. The user's oldest sessions end when there are too many.
 * Logins of one user queue at the user's row, so that no two of them take the last place.
 * @throws as `mustBeUnchanged`
 */
export async function start(ctx: HttpCtx, { user, tenantId, applicationId, mfaPassed }: NewSession, rules: Rules) {
  const userId = user.id,
    now = ctx.clock.now(),
    sessionId = ctx.random.uuid(),
    token = ctx.random.token()
  const { ip: ipAddress, userAgent } = ctx.http
  const expiresAt = lifetime(rules, now, now)
  await ctx.atomically(async (tx) => {
    await mustBeUnchanged(tx, user, { lastLogin: now, failedLogins: 0, activeTenantId: tenantId })
    await tx.db.session.create({
      data: {
        id: sessionId,
        userId,
        tenantId,
        applicationId: applicationId ?? null,
        mfaPassed,
        ipAddress,
        userAgent,
        createdAt: now,
        lastActiveAt: now,
        expiresAt,
      },
      select: { id: true },
    })
    await tx.db.refreshToken.create({
      data: { id: fingerprint(token), sessionId, createdAt: now, expiresAt },
      select: { id: true },
    })
    await makeRoom(tx, { userId, tenantId, sessionId }, rules)
  })
  return { sessionId, token, expiresAt }
}

/**
 * Ends surplus sessions, but never the given one: by the environment's number those unused for longest, by the policy's
 * the oldest.
 */
async function makeRoom(ctx: Ctx, { userId, tenantId, sessionId }: Place, { configuration, policy }: Rules) {
  const now = ctx.clock.now()
  const rows = await ctx.db.session.findMany({
    where: { userId, endedAt: null, expiresAt: { gt: now }, id: { not: sessionId } },
    orderBy: { createdAt: 'desc' },
    select: { id: true, tenantId: true, createdAt: true, lastActiveAt: true, expiresAt: true },
  })
  const others = rows.filter((session) => session.tenantId !== tenantId || endOf(session, policy) > now)
  const unused = others
    .toSorted((a, b) => b.lastActiveAt.getTime() - a.lastActiveAt.getTime())
    .slice(configuration.refreshTokensRotationLimit - 1)
  const { max = Infinity, within } = policy.concurrent ?? {}
  const surplus = others.filter((session) => within === undefined || session.tenantId === within).slice(max - 1)
  const ids = [...unused, ...surplus].map((session) => session.id)
  if (ids.length) await ctx.db.session.updateMany({ where: { id: { in: ids }, endedAt: null }, data: { endedAt: now } })
}

/** A new token ends after its lifetime, or with the session. */
const lifetime = ({ configuration, policy }: Rules, now: Date, createdAt: Date) =>
  new Date(
    Math.min(
      after(now, configuration.defaultRefreshTokenExpiration * SECOND).getTime(),
      createdAt.getTime() + policy.total,
    ),
  )

/**
 * The token with its session and user; null for one that never existed, or was cleaned up. Of several tokens it is the one
 * that can be exchanged: a used one would end the session.
 */
export async function find(ctx: Ctx, shown: readonly string[]) {
  const tokens = new Map(shown.map((token) => [fingerprint(token), token])),
    now = ctx.clock.now()
  const rows = await ctx.db.refreshToken.findMany({
    where: { id: { in: [...tokens.keys()] } },
    orderBy: { createdAt: 'desc' },
    select: { id: true, usedAt: true, expiresAt: true, session: { include: { user: { select: subject } } } },
  })
  const row = rows.find(({ usedAt, expiresAt, session }) => !usedAt && !session.endedAt && expiresAt > now) ?? rows[0]
  return row ? { ...row, token: tokens.get(row.id)! } : null
}
export type Found = NonNullable<Awaited<ReturnType<typeof find>>>

/** The session of an access token, with its user; null when there is none. */
export function sessionOf(ctx: Ctx, { userId, sessionId }: Pick<UserCaller, 'userId' | 'sessionId'>) {
  return sessionId === undefined
    ? null
    : ctx.db.session.findFirst({ where: { id: sessionId, userId }, include: { user: { select: subject } } })
}

/** Tokens are issued only in a living session, to a user who is not locked. @throws 401 */
export function mustLive(ctx: Ctx, session: Session & { user: Subject }, { policy }: Rules) {
  if (session.endedAt || session.user.isLocked || endOf(session, policy) <= ctx.clock.now()) throw sessionErrors.ended()
}

/**
 * Whether the token may still be shown. If it was exchanged longer ago than parallel tabs can explain, somebody has
 * stolen it: its whole session ends (RFC 9700 §4.14.2).
 * @throws 401
 */
export async function mustBeGood(ctx: Ctx, { session, usedAt, expiresAt }: Found, rules: Rules) {
  const now = ctx.clock.now()
  if (expiresAt <= now) throw sessionErrors.ended()
  mustLive(ctx, session, rules)
  if (usedAt && after(usedAt, GRACE_MS) < now) {
    await ctx.db.session.updateMany({ where: { id: session.id, endedAt: null }, data: { endedAt: now } })
    ctx.log.warn(
      { userId: session.userId, sessionId: session.id },
      'a used refresh token was shown again: its session has been ended',
    )
    throw sessionErrors.ended()
  }
}

/** Ends the sessions of the tokens, used or not. Does nothing for an unknown token. */
export async function endSessions(ctx: Ctx, tokens: readonly string[]) {
  await ctx.db.session.updateMany({
    where: { endedAt: null, tokens: { some: { id: { in: tokens.map(fingerprint) } } } },
    data: { endedAt: ctx.clock.now() },
  })
}

/**
 * Exchanges a good token for the next one; a second caller gets the same one.
 * @throws 401 when the session has ended meanwhile
 */
export async function exchange(
  ctx: Ctx,
  { token, session, usedAt, expiresAt }: Found,
  tenantId: string,
  rules: Rules,
): Promise<RefreshToken> {
  if (usedAt) return latest(ctx, token, session.id)
  const now = ctx.clock.now(),
    rotates = rules.configuration.rotateRefreshTokens
  const moves = session.tenantId !== tenantId || session.user.activeTenantId !== tenantId
  const next = rotates
    ? { token: successor(ctx, token), expiresAt: lifetime(rules, now, session.createdAt) }
    : { token, expiresAt }
  const first = await ctx.atomically(async (tx) => {
    // the user's row before the session's, as logins lock them
    if (moves) await tx.db.user.updateMany({ where: { id: session.userId }, data: { activeTenantId: tenantId } })
    if (rotates) {
      const { count } = await tx.db.refreshToken.updateMany({
        where: { id: fingerprint(token), usedAt: null },
        data: { usedAt: now },
      })
      if (count === 0) return false
      await tx.db.refreshToken.create({
        data: { id: fingerprint(next.token), sessionId: session.id, createdAt: now, expiresAt: next.expiresAt },
        select: { id: true },
      })
    }
    const { count } = await tx.db.session.updateMany({
      where: { id: session.id, endedAt: null },
      data: { lastActiveAt: now, tenantId, expiresAt: next.expiresAt },
    })
    if (count === 0) throw sessionErrors.ended()
    if (moves) await makeRoom(tx, { userId: session.userId, tenantId, sessionId: session.id }, rules)
    return true
  })
  return first ? next : latest(ctx, token, session.id)
}

/** The last token of the line that this one began. */
async function latest(ctx: Ctx, token: string, sessionId: string): Promise<RefreshToken> {
  const line = [token]
  while (line.length <= MAX_STEPS_BEHIND) line.push(successor(ctx, line.at(-1)!))
  const now = ctx.clock.now()
  const live = await ctx.db.refreshToken.findFirst({
    where: {
      sessionId,
      id: { in: line.map(fingerprint) },
      usedAt: null,
      expiresAt: { gt: now },
      session: { endedAt: null },
    },
    select: { id: true, expiresAt: true },
  })
  const found = line.find((one) => fingerprint(one) === live?.id)
  if (!live || found === undefined) throw sessionErrors.ended()
  return { token: found, expiresAt: live.expiresAt }
}

/**
 * The token after this one. It is derived, not drawn: all who show the same token at the same time get the same next
 * one, so no session ever forks, and only its hash is stored. It cannot be derived without the server's key.
 */
const successor = ({ deps: { secrets }, vendorId }: Ctx, token: string) =>
  secrets.digest('refresh tokens', `${vendorId} ${token}`, 'base64url')

/** Used tokens stay until they expire: showing one again reveals a theft. */
export const refreshTokenRubbish: Rubbish = {
  table: 'RefreshToken',
  when: `t."expiresAt" < env.now - interval '1 day'`,
}
