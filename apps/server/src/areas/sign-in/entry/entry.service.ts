import type { HttpCtx } from '../../../kernel/operation.ts'
import * as accessTokens from '../../access/tokens/access-tokens.service.ts'
import type { AccessToken, ActiveTenant, Proof } from '../../access/tokens/access-tokens.service.ts'
import * as cookie from '../../access/tokens/refresh-cookie.ts'
import * as refreshTokens from '../../access/tokens/refresh-tokens.service.ts'
import type { RefreshToken, Subject } from '../../access/tokens/refresh-tokens.service.ts'
import * as sessions from '../../access/sessions/sessions.service.ts'
import * as applications from '../../applications/applications/applications.service.ts'
import * as invites from '../../onboarding/invitations/invites.service.ts'
import * as users from '../../people/users/users.service.ts'
import * as ips from '../../policies/ip-restrictions/ip-restrictions.service.ts'
import { keysOf } from '../../rights/held/held.service.ts'
import { loginErrors } from '../login/login.errors.ts'
import type { LoginAnswer } from './entry.schemas.ts'

/** The tenant and application that a login leads to. */
export interface Place {
  readonly tenant: ActiveTenant
  readonly applicationId: string | undefined
  /** the invitation that lets the user in; it is accepted when the login is complete */
  readonly invitationToken?: string | undefined
}

/**
 * Starts the session of a user who has shown every required factor: tokens, cookie, and the common answer. It takes the
 * place of the session that the browser had there (ASVS 5.0 §7.2.4).
 */
export async function enter(
  ctx: HttpCtx,
  user: Subject,
  { tenant, applicationId, mfaPassed, proof = {} }: Place & { mfaPassed: boolean; proof?: Proof },
): Promise<LoginAnswer> {
  const [rulesIn, keys] = await Promise.all([sessions.rulesOf(ctx, tenant.id), keysOf(ctx, user.id, tenant.id)])
  const rules = rulesIn(tenant.id),
    former = cookie.replaced(ctx, applicationId)
  const session = await refreshTokens.start(ctx, { user, tenantId: tenant.id, applicationId, mfaPassed }, rules)
  const access = accessTokens.issue(
    ctx,
    user,
    { tenant, sessionId: session.sessionId, applicationId, keys, proof },
    rules.configuration,
  )
  if (former.length) await refreshTokens.endSessions(ctx, former)
  cookie.write(ctx, applicationId, session, rules.configuration)
  return answer(user, access, session)
}

/**
 * Where a login leads: to the tenant of the invitation, the wanted tenant, the user's active tenant in the application, or
 * the one where they were last; and to the application that the browser is at. The invitation is not accepted yet.
 * @param arriving a tenant whose invitation is about to be accepted
 * @throws 403 when no tenant, not the wanted one, not the application, or not the tenant's IP rules let the user in; as `invites.forUser`
 */
export async function placeFor(
  ctx: HttpCtx,
  user: Subject,
  wanted?: string,
  invitationToken?: string,
  arriving?: string | null,
): Promise<Place> {
  if (invitationToken) return invitedPlace(ctx, user, invitationToken)
  const at = cookie.applicationOf(ctx)
  const chosen = wanted ?? (at && (await applications.activeTenantOf(ctx, at, user.id))) ?? user.activeTenantId
  const tenant = await users.activeTenantOf(ctx, { ...user, activeTenantId: chosen }, arriving)
  if (!tenant || (wanted !== undefined && tenant.id !== wanted)) throw loginErrors.noTenant()
  const application = await applications.mustAdmit(ctx, {
    applicationId: cookie.requestedApplication(ctx),
    userId: user.id,
    tenantId: tenant.id,
  })
  await ips.mustAllow(ctx, ctx.http.ip, tenant.id)
  return { tenant, applicationId: application?.id }
}

/** The invited user must already meet the tenant's rules for members. The application admits them only once they are a member. */
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

/** The place for a user who has shown every required factor: accepts the invitation, if there is one. */
export async function arrival(ctx: HttpCtx, user: Subject, place: Place): Promise<Place> {
  return place.invitationToken === undefined
    ? place
    : placeFor(ctx, user, await invites.join(ctx, user, place.invitationToken))
}

/** The answer to a user who is let in. */
export const answer = (user: Subject, access: AccessToken, { token }: RefreshToken): LoginAnswer => ({
  tokenType: 'bearer',
  mfaRequired: false,
  ...access,
  refreshToken: token,
  userId: user.id,
  ...(user.email !== null && { userEmail: user.email }),
  emailVerified: user.verified,
  isBreachedPassword: false,
})
