import type { Ctx, HttpCtx } from '../../../kernel/operation.ts'
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
import { keysOf, keysOfHeld } from '../../rights/held/held.service.ts'
import type { HeldRole } from '../../rights/held/held.sql.ts'
import { loginErrors } from '../login/login.errors.ts'
import type { LoginAnswer } from './entry.schemas.ts'
import { standingOf, type Standing } from './standing.sql.ts'

/** The tenant and application that a login leads to. */
export interface Place {
  readonly tenant: ActiveTenant
  readonly applicationId: string | undefined
  /** the user's roles there, where they are known already */
  readonly held?: readonly HeldRole[] | undefined
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
  { tenant, applicationId, held, mfaPassed, proof = {} }: Place & { mfaPassed: boolean; proof?: Proof },
): Promise<LoginAnswer> {
  const [rulesIn, keys] = await Promise.all([sessions.rulesOf(ctx, tenant.id), keysIn(ctx, user.id, tenant.id, held)])
  const rules = rulesIn(tenant.id),
    former = cookie.of(ctx, applicationId),
    sessionId = ctx.random.uuid()
  // before anything is written: a prehook may refuse it
  const access = await accessTokens.issue(
    ctx,
    user,
    { tenant, sessionId, applicationId, keys, proof },
    rules.configuration,
  )
  // first, so that the new session takes its place, and not that of another browser
  if (former.length) await refreshTokens.endSessions(ctx, former)
  const session = await refreshTokens.start(
    ctx,
    { sessionId, user, tenantId: tenant.id, applicationId, mfaPassed },
    rules,
  )
  cookie.write(ctx, applicationId, session, rules.configuration)
  return answer(user, access, session)
}

/** The keys of the user's roles and permissions in the tenant. `held` are the roles, where they are known already. */
export const keysIn = (ctx: Ctx, userId: string, tenantId: string, held: readonly HeldRole[] | undefined) =>
  held ? keysOfHeld(ctx, held) : keysOf(ctx, userId, tenantId)

interface Wish {
  /** the tenant that it must be */
  wanted?: string | undefined
  invitationToken?: string | undefined
  /** a tenant whose invitation is about to be accepted */
  arriving?: string | null
}
/** How a user stands with their tenants, read for one wish. */
export interface StandingFor extends Standing {
  /** undefined for a user who is gone */
  readonly isLocked: boolean | undefined
  /** the tenant to go to, if it lets them in */
  readonly chosen: string | null
}

/**
 * Reads in one statement how the user stands with their tenants and which roles they have where they go: to the tenant that is
 * wanted, their active one in the application, or the one where they were last.
 */
export async function standingFor(
  ctx: HttpCtx,
  user: Subject,
  { wanted, arriving = null }: Wish = {},
): Promise<StandingFor> {
  const at = cookie.applicationOf(ctx)
  const chosen = wanted ?? (at && (await applications.activeTenantOf(ctx, at, user.id))) ?? user.activeTenantId
  const [row] = await ctx.sql(standingOf, ctx.clock.now(), user.id, chosen, arriving)
  return { ...(row ?? { members: [], home: null, held: [], isLocked: undefined }), chosen }
}

/**
 * Where a login leads: to the tenant of the invitation, the wanted tenant, the user's active tenant in the application, or
 * the one where they were last; and to the application that the browser is at. The invitation is not accepted yet.
 * @param standing what `standingFor` has read for this wish, when the caller has it already
 * @throws 403 when no tenant, not the wanted one, not the application, or not the tenant's IP rules let the user in; as `invites.forUser`
 */
export async function placeFor(ctx: HttpCtx, user: Subject, wish: Wish = {}, standing?: StandingFor): Promise<Place> {
  const { wanted, invitationToken, arriving } = wish,
    known = standing ?? (await standingFor(ctx, user, wish))
  if (invitationToken) return invitedPlace(ctx, user, invitationToken, known)
  const tenant = await users.activeTenantAmong(ctx, { ...user, activeTenantId: known.chosen }, known.members, arriving)
  if (!tenant || (wanted !== undefined && tenant.id !== wanted)) throw loginErrors.noTenant()
  const application = await applications.mustAdmit(ctx, {
    applicationId: cookie.requestedApplication(ctx),
    userId: user.id,
    tenantId: tenant.id,
  })
  await ips.mustAllow(ctx, ctx.http.ip, tenant.id)
  // an invitation gives its roles only once it is accepted
  const held = tenant.id === known.home && tenant.id !== arriving ? known.held : undefined
  return { tenant, applicationId: application?.id, held }
}

/** The invited user must already meet the tenant's rules for members. The application admits them only once they are a member. */
async function invitedPlace(
  ctx: HttpCtx,
  user: Subject,
  invitationToken: string,
  { members }: StandingFor,
): Promise<Place> {
  const { tenantId: id } = await invites.forUser(ctx, user, invitationToken),
    home = await users.activeTenantAmong(ctx, user, members)
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
    : placeFor(ctx, user, { wanted: await invites.join(ctx, user, place.invitationToken) })
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
