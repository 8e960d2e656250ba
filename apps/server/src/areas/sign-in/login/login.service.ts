import { ApiError, errors } from '../../../kernel/errors.ts'
import type { Ctx, HttpCtx, UserCaller } from '../../../kernel/operation.ts'
import * as applications from '../../applications/applications/applications.service.ts'
import * as ips from '../../policies/ip-restrictions/ip-restrictions.service.ts'
import { mfaErrors } from '../mfa/mfa.errors.ts'
import * as mfa from '../mfa/mfa-demand.service.ts'
import * as refreshTokens from '../../access/tokens/refresh-tokens.service.ts'
import type { Subject } from '../../access/tokens/refresh-tokens.service.ts'
import { sessionErrors } from '../../access/sessions/sessions.errors.ts'
import * as sessions from '../../access/sessions/sessions.service.ts'
import * as users from '../../people/users/users.service.ts'
import * as accessTokens from '../../access/tokens/access-tokens.service.ts'
import type { AccessToken } from '../../access/tokens/access-tokens.service.ts'
import type { LoginAnswer } from '../entry/entry.schemas.ts'
import * as entry from '../entry/entry.service.ts'
import * as cookie from '../../access/tokens/refresh-cookie.ts'
import { keysOf } from '../../rights/held/held.service.ts'

interface Completion {
  /** where to log in; absent: where the user was last, or may be */
  tenantId?: string | undefined
  /** leads into a tenant that the user may not be in yet */
  invitationToken?: string | undefined
  /** the same, when it has been found out already */
  place?: entry.Place
}

/**
 * The end of every way to log in, once the user has proved to be who it is: session, tokens, cookie, and the common answer;
 * or, for a user of whom a second factor is wanted, the answer that asks for it.
 * @throws 403 for a user who may go nowhere, or not into `tenantId`
 */
export async function complete(
  ctx: HttpCtx,
  user: Subject,
  { tenantId, invitationToken, place }: Completion = {},
): Promise<LoginAnswer> {
  const found = place ?? (await entry.placeFor(ctx, user, tenantId, invitationToken))
  const demand = await mfa.demandOf(ctx, user, found.tenant, found.invitationToken)
  return (
    demand.answer ?? entry.enter(ctx, user, { ...(await entry.arrival(ctx, user, found)), mfaPassed: demand.settled })
  )
}

/**
 * New tokens for a refresh token, shown in the body or in the cookie. What the user may do is looked up anew; how it logged
 * in is not carried over.
 * @param wanted the tenant to go on in: one where the user may not be is not found, and nothing happens
 * @throws 401, and the cookie goes
 */
export async function refresh(
  ctx: HttpCtx,
  shown: string | undefined,
  wanted: string | undefined,
): Promise<LoginAnswer> {
  try {
    return await renew(ctx, shown ?? cookie.read(ctx), wanted)
  } catch (error) {
    if (error instanceof ApiError && error.status === 401 && shown === undefined) cookie.clear(ctx)
    throw error
  }
}

async function renew(ctx: HttpCtx, token: string | undefined, wanted: string | undefined): Promise<LoginAnswer> {
  const found = token === undefined ? null : await refreshTokens.find(ctx, token)
  if (!found || token === undefined) throw sessionErrors.ended()
  const { session } = found,
    { user } = session
  const tenant = await users.activeTenantOf(ctx, { ...user, activeTenantId: wanted ?? user.activeTenantId })
  if (!tenant) throw sessionErrors.ended()
  const [rulesIn, keys] = await Promise.all([
    sessions.rulesOf(ctx, session.tenantId, tenant.id),
    keysOf(ctx, user.id, tenant.id),
  ])
  await refreshTokens.mustBeGood(ctx, found, rulesIn(session.tenantId))
  if (wanted !== undefined && tenant.id !== wanted) throw errors.notFound('Tenant')
  await mustStillBeAdmitted(ctx, session, tenant.id)
  await ips.mustAllow(ctx, ctx.http.ip, tenant.id)
  const demand = tenant.id === session.tenantId ? undefined : await mfa.demandOfSession(ctx, session, tenant)
  if (demand) return demand
  const rules = rulesIn(tenant.id)
  const next = await refreshTokens.exchange(ctx, token, found, tenant.id, rules)
  const access = accessTokens.issue(
    ctx,
    user,
    { tenant, sessionId: session.id, applicationId: session.applicationId, keys },
    rules.configuration,
  )
  cookie.write(ctx, session.applicationId, next, rules.configuration)
  return entry.answer(user, access, next)
}

/** A session of an application goes on for as long as the application lets its user in. @throws 401 */
async function mustStillBeAdmitted(
  ctx: Ctx,
  { applicationId, userId }: { applicationId: string | null; userId: string },
  tenantId: string,
) {
  if (applicationId === null) return
  await applications.mustAdmit(ctx, { applicationId, userId, tenantId }).catch((error: unknown) => {
    throw error instanceof ApiError ? sessionErrors.ended() : error
  })
}

/** Ends the session of the refresh token, if there is one. */
export async function logOut(ctx: HttpCtx, shown: string | undefined) {
  const token = shown ?? cookie.read(ctx)
  if (token !== undefined) await refreshTokens.endSession(ctx, token)
  cookie.clear(ctx)
}

/**
 * An access token for another of the user's tenants; the session stays where it is.
 * @throws 401 when the session of the caller's token has ended, 404 for a tenant where the user may not be, 403 from an address that it keeps out
 */
export async function tokenFor(ctx: HttpCtx, caller: UserCaller, wanted: string): Promise<AccessToken> {
  const session = await refreshTokens.sessionOf(ctx, caller)
  if (!session) throw sessionErrors.ended()
  const tenant = await users.activeTenantOf(ctx, { ...session.user, activeTenantId: wanted })
  const rules = (await sessions.rulesOf(ctx, session.tenantId))(session.tenantId)
  refreshTokens.mustLive(ctx, session, rules)
  if (tenant?.id !== wanted) throw errors.notFound('Tenant')
  await mustStillBeAdmitted(ctx, session, wanted)
  await ips.mustAllow(ctx, ctx.http.ip, wanted)
  if (wanted !== session.tenantId && (await mfa.isWantedOf(ctx, session, tenant))) throw mfaErrors.wanted()
  const keys = await keysOf(ctx, session.userId, wanted)
  return accessTokens.issue(
    ctx,
    session.user,
    { tenant, sessionId: session.id, applicationId: session.applicationId, keys },
    rules.configuration,
  )
}
