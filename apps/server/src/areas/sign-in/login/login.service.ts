import { ApiError, errors } from '../../../kernel/errors.ts'
import type { Ctx, HttpCtx, PersonCaller } from '../../../kernel/operation.ts'
import { fingerprint } from '../../../kernel/random.ts'
import * as applications from '../../applications/applications/applications.service.ts'
import * as ips from '../../policies/ip-restrictions/ip-restrictions.service.ts'
import { mfaErrors } from '../mfa/mfa.errors.ts'
import * as mfa from '../mfa/mfa-demand.service.ts'
import * as refreshTokens from '../../access/tokens/refresh-tokens.service.ts'
import type { OpenSession, Subject } from '../../access/tokens/refresh-tokens.service.ts'
import { sessionErrors } from '../../access/sessions/sessions.errors.ts'
import * as sessions from '../../access/sessions/sessions.service.ts'
import * as users from '../../people/users/users.service.ts'
import * as accessTokens from '../../access/tokens/access-tokens.service.ts'
import type { AccessToken, Proof } from '../../access/tokens/access-tokens.service.ts'
import type { LoginAnswer } from '../entry/entry.schemas.ts'
import * as entry from '../entry/entry.service.ts'
import * as cookie from '../../access/tokens/refresh-cookie.ts'
import { sessionById, sessionByToken } from './sessions.sql.ts'

interface Completion {
  /** where to log in; absent: where the user was last, or the first tenant that lets them in */
  tenantId?: string | undefined
  /** leads into a tenant that the user may not be a member of yet */
  invitationToken?: string | undefined
  /** the result of `entry.placeFor`, when the caller has it already */
  place?: entry.Place
}

/**
 * The end of every way to log in, once the first factor is proved: session, tokens, cookie and the common answer; or the
 * answer that asks for a second factor.
 * @throws 403 for a user whom no tenant, or not `tenantId`, lets in
 */
export async function complete(
  ctx: HttpCtx,
  user: Subject,
  { tenantId, invitationToken, place }: Completion = {},
): Promise<LoginAnswer> {
  const found = place ?? (await entry.placeFor(ctx, user, { wanted: tenantId, invitationToken }))
  const demand = await mfa.demandOf(ctx, user, found.tenant, found.invitationToken)
  return (
    demand.answer ?? entry.enter(ctx, user, { ...(await entry.arrival(ctx, user, found)), mfaPassed: demand.settled })
  )
}

/**
 * New tokens for a refresh token in the body or the cookie. The user's rights are read again; the way they logged in is not
 * carried over.
 * @param wanted the tenant to go on in; one that does not let the user in is a 404, and nothing changes
 * @throws 401, and clears the cookie
 */
export async function refresh(
  ctx: HttpCtx,
  shown: string | undefined,
  wanted: string | undefined,
): Promise<LoginAnswer> {
  try {
    const renewed = await renewByCookie(ctx, shown === undefined ? cookie.read(ctx) : [shown], wanted)
    return 'demand' in renewed ? renewed.demand : renewed.answer
  } catch (error) {
    if (error instanceof ApiError && error.status === 401 && shown === undefined) cookie.clear(ctx)
    throw error
  }
}

/** As `renew`; the cookie holds the next token. */
export async function renewByCookie(ctx: HttpCtx, tokens: readonly string[], wanted: string | undefined) {
  const renewed = await renew(ctx, tokens, { wanted })
  if (!('demand' in renewed)) cookie.write(ctx, renewed.applicationId, renewed.token, renewed.configuration)
  return renewed
}

interface Renewal {
  wanted?: string | undefined
  /** whose the session must be, null for the environment; undefined: anybody's */
  applicationId?: string | null | undefined
  /** what the first token for a client says of the login */
  proof?: Proof
}

/** As `refresh`, whatever carries the tokens; of several, the one that can be exchanged. Or the demand for a second factor. @throws as `refresh` */
export async function renew(ctx: HttpCtx, tokens: readonly string[], { wanted, applicationId, proof = {} }: Renewal) {
  const { found, tenant, keys, rulesIn } = await goodFor(ctx, tokens, { wanted, applicationId }),
    { session } = found
  const demand = tenant.id === session.tenantId ? undefined : await mfa.demandOfSession(ctx, session, tenant)
  if (demand) return { demand }
  const rules = rulesIn(tenant.id)
  // a prehook may refuse it: then the refresh token can be shown again
  const access = await accessTokens.issue(
    ctx,
    session.user,
    { tenant, sessionId: session.id, applicationId: session.applicationId, keys, proof },
    rules.configuration,
  )
  const token = await refreshTokens.exchange(ctx, found, tenant.id, rules)
  return {
    answer: entry.answer(session.user, access, token),
    token,
    applicationId: session.applicationId,
    configuration: rules.configuration,
  }
}

/** What a refresh token stands for, and the tenant that it is good for. Nothing is used up. @throws as `refresh` */
async function goodFor(ctx: HttpCtx, tokens: readonly string[], { wanted, applicationId }: Renewal) {
  const found = tokens.length ? await foundBy(ctx, tokens, wanted) : undefined
  if (!found || (applicationId !== undefined && found.session.applicationId !== applicationId))
    throw sessionErrors.ended()
  const { session, standing } = found,
    { user } = session
  const tenant = await users.activeTenantAmong(
    ctx,
    { ...user, activeTenantId: wanted ?? user.activeTenantId },
    standing.members,
  )
  if (!tenant) throw sessionErrors.ended()
  const [rulesIn, keys] = await Promise.all([
    sessions.rulesOf(ctx, session.tenantId, tenant.id),
    entry.keysIn(ctx, user.id, tenant.id, tenant.id === standing.home ? standing.held : undefined),
  ])
  await refreshTokens.mustBeGood(ctx, found, rulesIn(session.tenantId))
  if (wanted !== undefined && tenant.id !== wanted) throw errors.notFound('Tenant')
  await mustStillBeAdmitted(ctx, session, tenant.id)
  await ips.mustAllow(ctx, ctx.http.ip, tenant.id)
  return { found, tenant, keys, rulesIn }
}

/** The session that a browser is in, and its place in the tenant, if it can go on there without being asked anything. */
export async function sessionIn(ctx: HttpCtx, tokens: readonly string[], renewal: Renewal) {
  if (!tokens.length) return undefined
  try {
    const {
      found: { session },
      tenant,
    } = await goodFor(ctx, tokens, renewal)
    return tenant.id !== session.tenantId && (await mfa.isWantedOf(ctx, session, tenant))
      ? undefined
      : { session, tenant }
  } catch (error) {
    if (error instanceof ApiError) return undefined
    throw error
  }
}

/** The refresh token with its session and user, and how they stand with their tenants. */
async function foundBy(ctx: Ctx, tokens: readonly string[], wanted: string | undefined) {
  const shown = new Map(tokens.map((token) => [fingerprint(token), token]))
  const [row] = await ctx.sql(sessionByToken, ctx.clock.now(), [...shown.keys()], wanted ?? null)
  return (
    row && {
      token: shown.get(row.tokenId)!,
      usedAt: row.usedAt,
      expiresAt: row.tokenExpiresAt,
      session: { ...row, id: row.sessionId, user: row },
      standing: row,
    }
  )
}

/** A session for an application lasts only while the application lets its user in. @throws 401 */
async function mustStillBeAdmitted(ctx: Ctx, { applicationId, user }: OpenSession, tenantId: string) {
  if (applicationId === null) return
  await applications.mustAdmit(ctx, { applicationId, userId: user.id, tenantId }).catch((error: unknown) => {
    throw error instanceof ApiError ? sessionErrors.ended() : error
  })
}

/** Ends the session of the refresh token, if there is one, or of each that came in a cookie. */
export async function logOut(ctx: HttpCtx, shown: string | undefined) {
  const tokens = shown === undefined ? cookie.read(ctx) : [shown]
  if (tokens.length) await refreshTokens.logOut(ctx, tokens)
  cookie.clear(ctx)
}

/** The refresh tokens of the browser in these applications; undefined: in the one that the call names. */
export const tokensOf = (ctx: HttpCtx, applicationIds: readonly (string | undefined)[] | undefined) =>
  applicationIds ? applicationIds.flatMap((id) => cookie.of(ctx, id)) : cookie.read(ctx)

/** Ends all sessions that the browser has in these applications, and forgets their cookies. @param applicationIds undefined for the environment */
export async function logOutOf(ctx: HttpCtx, applicationIds: readonly (string | undefined)[]) {
  const tokens = tokensOf(ctx, applicationIds)
  if (tokens.length) await refreshTokens.logOut(ctx, tokens)
  for (const id of applicationIds) cookie.clearOf(ctx, id)
}

/**
 * An access token for another of the user's tenants; the session stays in its own.
 * @throws 401 when the session of the caller's token has ended, 404 for a tenant that does not let the user in, 403 from an IP address that it blocks
 */
export async function tokenFor(ctx: HttpCtx, caller: PersonCaller, wanted: string): Promise<AccessToken> {
  const { session, standing, tenant, rules } = await placeOf(ctx, caller, wanted),
    { user } = session
  const keys = await entry.keysIn(ctx, user.id, wanted, wanted === standing.home ? standing.held : undefined)
  return accessTokens.issue(
    ctx,
    user,
    { tenant, sessionId: session.id, applicationId: session.applicationId, keys },
    rules.configuration,
  )
}

/** The session of a token, if its user can go on by it in this tenant. @throws as `tokenFor` */
export async function placeOf(
  ctx: HttpCtx,
  { sessionId, userId }: Pick<PersonCaller, 'sessionId' | 'userId'>,
  wanted: string,
) {
  const [row] = await ctx.sql(sessionById, ctx.clock.now(), sessionId, userId, wanted)
  if (!row) throw sessionErrors.ended()
  const session = { ...row, id: row.sessionId, user: row }
  const tenant = await users.activeTenantAmong(ctx, { ...row, activeTenantId: wanted }, row.members)
  const rules = (await sessions.rulesOf(ctx, session.tenantId))(session.tenantId)
  refreshTokens.mustLive(ctx, session, rules)
  if (tenant?.id !== wanted) throw errors.notFound('Tenant')
  await mustStillBeAdmitted(ctx, session, wanted)
  await ips.mustAllow(ctx, ctx.http.ip, wanted)
  if (wanted !== session.tenantId && (await mfa.isWantedOf(ctx, session, tenant))) throw mfaErrors.wanted()
  return { session, standing: row, tenant, rules }
}
