import { ApiError, errors } from '../../../kernel/errors.ts'
import type { Ctx, HttpCtx, UserCaller } from '../../../kernel/operation.ts'
import * as applications from '../../applications/applications/applications.service.ts'
import * as invites from '../../onboarding/invitations/invites.service.ts'
import * as ips from '../../policies/ip-restrictions/ip-restrictions.service.ts'
import { mfaErrors } from '../mfa/mfa.errors.ts'
import * as mfa from '../mfa/mfa-demand.service.ts'
import * as memberships from '../../people/memberships/memberships.service.ts'
import * as refreshTokens from '../../access/tokens/refresh-tokens.service.ts'
import type { RefreshToken, Subject } from '../../access/tokens/refresh-tokens.service.ts'
import { sessionErrors } from '../../access/sessions/sessions.errors.ts'
import * as sessions from '../../access/sessions/sessions.service.ts'
import * as users from '../../people/users/users.service.ts'
import * as accessTokens from '../../access/tokens/access-tokens.service.ts'
import type { AccessToken, Proof } from '../../access/tokens/access-tokens.service.ts'
import { loginErrors } from './login.errors.ts'
import type { LoginAnswer } from './login.schemas.ts'
import * as cookie from '../../access/tokens/refresh-cookie.ts'

/** Where a login leads. */
export interface Place {
  readonly tenant: users.ActiveTenant
  readonly applicationId: string | undefined
  /** the user gets there by this one, which is taken up when the login is through */
  readonly invitationToken?: string | undefined
}

interface Completion {
  /** where to log in; absent: where the user was last, or may be */
  tenantId?: string | undefined
  /** leads into a tenant that the user may not be in yet */
  invitationToken?: string | undefined
  /** the same, when it has been found out already */
  place?: Place
  /** an identity provider vouches for the user by SAML */
  bySaml?: boolean
}

/**
 * The end of every way to log in, once the user has proved to be who it is: session, tokens, cookie, and the common answer;
 * or, for a user of whom a second factor is wanted, the answer that asks for it.
 * @throws 403 for a user who may go nowhere, or not into `tenantId`
 */
export async function complete(
  ctx: HttpCtx,
  user: Subject,
  { tenantId, invitationToken, place, bySaml = false }: Completion = {},
): Promise<LoginAnswer> {
  const found = place ?? (await placeFor(ctx, user, tenantId, invitationToken))
  const demand = await mfa.demandOf(ctx, user, found.tenant, { bySaml, invitationToken: found.invitationToken })
  return demand.answer ?? enter(ctx, user, { ...(await arrival(ctx, user, found)), mfaPassed: demand.settled })
}

/** As `complete`, for a user of whom no second factor is wanted any more: for those who have checked one. */
export async function enter(
  ctx: HttpCtx,
  user: Subject,
  { tenant, applicationId, mfaPassed, proof = {} }: Place & { mfaPassed: boolean; proof?: Proof },
): Promise<LoginAnswer> {
  const [rulesIn, keys] = await Promise.all([
    sessions.rulesOf(ctx, tenant.id),
    memberships.keysOf(ctx, user.id, tenant.id),
  ])
  const rules = rulesIn(tenant.id)
  const session = await refreshTokens.start(ctx, { user, tenantId: tenant.id, applicationId, mfaPassed }, rules)
  const access = accessTokens.issue(
    ctx,
    user,
    { tenant, sessionId: session.sessionId, applicationId, keys, proof },
    rules.configuration,
  )
  cookie.write(ctx, applicationId, session, rules.configuration)
  return answer(user, access, session)
}

/**
 * Where a login leads: to where it is invited, the tenant wanted, else where the user is active in the application, else where
 * it was last; and to the application that the browser is at. An invitation is not taken up by that.
 * @throws 403 as `complete`, and where the application, or the tenant's addresses, do not let the user in; as `invites.forUser`
 */
export async function placeFor(ctx: HttpCtx, user: Subject, wanted?: string, invitationToken?: string): Promise<Place> {
  if (invitationToken) return invitedPlace(ctx, user, invitationToken)
  const at = cookie.applicationOf(ctx)
  const chosen = wanted ?? (at && (await applications.activeTenantOf(ctx, at, user.id))) ?? user.activeTenantId
  const tenant = await users.activeTenantOf(ctx, { ...user, activeTenantId: chosen })
  if (!tenant || (wanted !== undefined && tenant.id !== wanted)) throw loginErrors.noTenant()
  const application = await applications.mustAdmit(ctx, {
    applicationId: cookie.requestedApplication(ctx),
    userId: user.id,
    tenantId: tenant.id,
  })
  await ips.mustAllow(ctx, ctx.http.ip, tenant.id)
  return { tenant, applicationId: application?.id }
}

/** What the tenant to come asks of its members is asked of the user already. The application lets it in only once it is one. */
async function invitedPlace(ctx: HttpCtx, user: Subject, invitationToken: string): Promise<Place> {
  const [{ tenantId: id }, home] = await Promise.all([
    invites.forUser(ctx, user, invitationToken),
    users.activeTenantOf(ctx, user),
  ])
  return {
    tenant: { id, tenantIds: [...new Set([...(home?.tenantIds ?? []), id])] },
    applicationId: undefined,
    invitationToken,
  }
}

/** The place itself, for who has shown all that is wanted: an invitation there is taken up. */
export async function arrival(ctx: HttpCtx, user: Subject, place: Place): Promise<Place> {
  return place.invitationToken === undefined
    ? place
    : placeFor(ctx, user, await invites.join(ctx, user, place.invitationToken))
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
    memberships.keysOf(ctx, user.id, tenant.id),
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
  return answer(user, access, next)
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
  const keys = await memberships.keysOf(ctx, session.userId, wanted)
  return accessTokens.issue(
    ctx,
    session.user,
    { tenant, sessionId: session.id, applicationId: session.applicationId, keys },
    rules.configuration,
  )
}

const answer = (user: Subject, access: AccessToken, { token }: RefreshToken): LoginAnswer => ({
  tokenType: 'bearer',
  mfaRequired: false,
  ...access,
  refreshToken: token,
  userId: user.id,
  ...(user.email !== null && { userEmail: user.email }),
  emailVerified: user.verified,
  isBreachedPassword: false,
})
