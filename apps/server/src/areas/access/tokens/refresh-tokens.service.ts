import type { Prisma, Session } from '@henhouse/database'
import { after, SECOND } from '../../../kernel/clock.ts'
import { onUnknownReference } from '../../../kernel/errors.ts'
import type { Ctx, HttpCtx, PersonCaller } from '../../../kernel/operation.ts'
import { fingerprint } from '../../../kernel/random.ts'
import { loginErrors } from '../../sign-in/login/login.errors.ts'
import { sessionErrors } from '../sessions/sessions.errors.ts'
import { endOf, type Rules } from '../sessions/sessions.service.ts'
import { moving, starting, staying, type Limits, type Writing } from './refresh-tokens.sql.ts'
import { GRACE_MS, lineOf, successor } from './rotation.ts'
import type { Rubbish } from '../../../kernel/cleanup.ts'
import * as events from '../../rights/events/events.service.ts'

/** What a login and its tokens have to know about a user. */
const subject = {
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
/** The same for a statement in which the user is `u`. */
export const subjectColumns = Object.keys(subject)
  .map((column) => `u."${column}"`)
  .join(', ')

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
export async function mustBeUnchanged(tx: Ctx, { id, passwordChangedAt }: Seen) {
  const { count } = await tx.db.user.updateMany({
    where: { id, isLocked: false, passwordChangedAt },
    data: { isLocked: false },
  })
  if (!count) await refuseChanged(tx, id)
}

/** What is wrong with a user who is not as they were read. @throws as `mustBeUnchanged` */
export async function refuseChanged(ctx: Ctx, id: string): Promise<never> {
  const now = await ctx.db.user.findUnique({ where: { id }, select: { isLocked: true } })
  if (!now) throw sessionErrors.ended()
  throw now.isLocked ? loginErrors.locked() : loginErrors.wrong()
}

interface NewSession {
  sessionId: string
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
export async function start(
  ctx: HttpCtx,
  { sessionId, user, tenantId, applicationId, mfaPassed }: NewSession,
  rules: Rules,
) {
  const now = ctx.clock.now(),
    token = ctx.random.token()
  const { ip, userAgent } = ctx.http
  const expiresAt = lifetime(rules, now, now)
  const line = events.lineOf(ctx, {
    key: 'frontegg.user.authenticated',
    ...{ tenantId, userId: user.id, by: { userId: user.id, sessionId } },
    details: { applicationId, mfaPassed },
  })
  const begin = async (on: Ctx) => {
    const [row] = await on.sql(
      starting,
      ...writing(now, { userId: user.id, tenantId, sessionId }, { tokenId: fingerprint(token), expiresAt }),
      ...limitsOf(rules),
      user.passwordChangedAt,
      applicationId ?? null,
      mfaPassed,
      ip,
      userAgent,
      JSON.stringify([line]),
    )
    return row!.begun
  }
  const isTold = await events.isTold(ctx, line)
  // else something has changed the user: this waits until it is done, and may be only another login
  if (isTold || !(await begin(ctx)))
    await ctx.atomically(async (tx) => {
      await mustBeUnchanged(tx, user)
      await begin(tx)
      await events.tell(tx, [line])
    })
  return { token, expiresAt }
}

/** The first values of all statements. */
const writing = (
  now: Date,
  { userId, tenantId, sessionId }: Place,
  { tokenId, expiresAt }: { tokenId: string | null; expiresAt: Date },
): Writing => [now, userId, tenantId, sessionId, tokenId, expiresAt]
const limitsOf = ({ configuration, policy: { idle, total, concurrent } }: Rules): Limits => [
  secondsIn(idle),
  secondsIn(total),
  configuration.refreshTokensRotationLimit - 1,
  (concurrent?.max ?? MANY) - 1,
  concurrent?.within ?? null,
]
const secondsIn = (ms: number) => (ms === Infinity ? null : ms / SECOND)
/** more than a user can have; fits into an int */
const MANY = 2 ** 31 - 1

/** A new token ends after its lifetime, or with the session. */
const lifetime = ({ configuration, policy }: Rules, now: Date, createdAt: Date) =>
  new Date(
    Math.min(
      after(now, configuration.defaultRefreshTokenExpiration * SECOND).getTime(),
      createdAt.getTime() + policy.total,
    ),
  )

/** A session and its user, as they were read when a token of it was shown. */
export type OpenSession = Pick<
  Session,
  'id' | 'tenantId' | 'applicationId' | 'mfaPassed' | 'createdAt' | 'lastActiveAt' | 'expiresAt' | 'endedAt'
> & { readonly user: Subject }
/** A refresh token that was shown. */
export interface Found {
  readonly token: string
  readonly usedAt: Date | null
  readonly expiresAt: Date
  readonly session: OpenSession
}

/** The session of an access token, with its user; null when there is none. */
export function sessionOf(
  ctx: Ctx,
  { userId, sessionId }: Pick<PersonCaller, 'userId' | 'sessionId'>,
): Promise<OpenSession | null> {
  return ctx.db.session.findFirst({ where: { id: sessionId, userId }, include: { user: { select: subject } } })
}

/** Tokens are issued only in a living session, to a user who is not locked. @throws 401 */
export function mustLive(ctx: Ctx, session: OpenSession, { policy }: Rules) {
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
    await ctx.atomically(async (tx) => {
      await tx.db.session.updateMany({ where: { id: session.id, endedAt: null }, data: { endedAt: now } })
      await events.record(tx, {
        key: 'session.refreshTokenReused',
        ...{ tenantId: session.tenantId, userId: session.user.id, subject: { kind: 'session', id: session.id } },
        ...{ failed: true, severity: 'High' },
      })
    })
    ctx.log.warn(
      { userId: session.user.id, sessionId: session.id },
      'a used refresh token was shown again: its session has been ended',
    )
    throw sessionErrors.ended()
  }
}

/**
 * Begins another line of tokens in a living session, for a client that its user has let in by it: whatever ends the session
 * ends both lines. The token is to be exchanged at once, which looks at all that a refresh looks at. @throws 401 when the
 * session is gone
 */
export async function branch(ctx: Ctx, { id: sessionId, expiresAt }: Pick<Session, 'id' | 'expiresAt'>) {
  const token = ctx.random.token()
  await ctx.db.refreshToken
    .create({
      data: { id: fingerprint(token), sessionId, createdAt: ctx.clock.now(), expiresAt },
      select: { id: true },
    })
    .catch(onUnknownReference(sessionErrors.ended()))
  return token
}

/** Ends the sessions of the tokens, used or not, and returns them. Does nothing for an unknown token. */
export const endSessions = (ctx: Ctx, tokens: readonly string[]) =>
  ctx.db.session.updateManyAndReturn({
    where: { endedAt: null, tokens: { some: { id: { in: tokens.map(fingerprint) } } } },
    data: { endedAt: ctx.clock.now() },
    select: { id: true, userId: true, tenantId: true },
  })

/** As `endSessions`, by their user. */
export const logOut = (ctx: Ctx, tokens: readonly string[]) =>
  ctx.atomically(async (tx) => {
    await loggedOut(tx, await endSessions(tx, tokens))
  })

/** As `logOut`, of a session that something else than its refresh token has shown. */
export const logOutOf = (ctx: Ctx, sessionId: string) =>
  ctx.atomically(async (tx) => {
    await loggedOut(
      tx,
      await tx.db.session.updateManyAndReturn({
        where: { id: sessionId, endedAt: null },
        data: { endedAt: tx.clock.now() },
        select: { id: true, userId: true, tenantId: true },
      }),
    )
  })

const loggedOut = (tx: Ctx, ended: readonly { id: string; userId: string; tenantId: string | null }[]) =>
  events.record(
    tx,
    ...ended.map(({ id, userId, tenantId }) => ({
      key: 'user.loggedOut',
      ...{ tenantId, userId, subject: { kind: 'session', id }, by: { userId, sessionId: id } },
    })),
  )

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
  const moves = session.tenantId !== tenantId || session.user.activeTenantId !== tenantId,
    userId = session.user.id
  const next = rotates
    ? { token: successor(ctx, token), expiresAt: lifetime(rules, now, session.createdAt) }
    : { token, expiresAt }
  const values = writing(
    now,
    { userId, tenantId, sessionId: session.id },
    { tokenId: rotates ? fingerprint(next.token) : null, expiresAt: next.expiresAt },
  )
  const stay = async () => (await ctx.sql(staying, ...values, fingerprint(token)))[0]!
  const move = async (on: Ctx) => (await on.sql(moving, ...values, ...limitsOf(rules), fingerprint(token)))[0]!
  const moved = async () => {
    const tried = await move(ctx)
    if (tried.moved) return tried
    // something has changed the user: this waits until it is done
    return ctx.atomically(async (tx) => {
      await tx.db.user.updateMany({ where: { id: userId }, data: { activeTenantId: tenantId } })
      return move(tx)
    })
  }
  const { used, touched } = await (moves ? moved() : stay())
  if (rotates && !used) return latest(ctx, token, session.id)
  if (!touched) throw sessionErrors.ended()
  return next
}

/** The last token of the line that this one began. */
async function latest(ctx: Ctx, token: string, sessionId: string): Promise<RefreshToken> {
  const line = lineOf(ctx, token)
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

/** Used tokens stay until they expire: showing one again reveals a theft. */
export const refreshTokenRubbish: Rubbish = {
  table: 'RefreshToken',
  when: `t."expiresAt" < env.now - interval '1 day'`,
}
