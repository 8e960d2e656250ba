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

/** Where a login leads. */
export interface Place {
  readonly tenant: ActiveTenant
  readonly applicationId: string | undefined
  /** the user gets there by this one, which is taken up when the login is through */
  readonly invitationToken?: string | undefined
}

/** Lets the user in who has shown all that is wanted: session, tokens, cookie, and the common answer. */
export async function enter(
  ctx: HttpCtx,
  user: Subject,
  { tenant, applicationId, mfaPassed, proof = {} }: Place & { mfaPassed: boolean; proof?: Proof },
): Promise<LoginAnswer> {
  const [rulesIn, keys] = await Promise.all([sessions.rulesOf(ctx, tenant.id), keysOf(ctx, user.id, tenant.id)])
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
 * @throws 403 where the user may go nowhere, or not to the tenant wanted, and where the application, or the tenant's addresses, do not let the user in; as `invites.forUser`
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

/** What a user is told who is let in. */
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
