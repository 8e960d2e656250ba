import * as refreshTokens from '../../access/tokens/refresh-tokens.service.ts'
import { epoch, SECOND } from '../../../kernel/clock.ts'
import { baseUrl } from '../../../kernel/environments.ts'
import { errors } from '../../../kernel/errors.ts'
import type { BoundCaller, Ctx, Holder, HttpCtx, UserScope } from '../../../kernel/operation.ts'
import { fingerprint } from '../../../kernel/random.ts'
import * as sessions from '../../access/sessions/sessions.service.ts'
import * as clients from '../../applications/oauth-clients/oauth-clients.service.ts'
import type { Client } from '../../applications/oauth-clients/oauth-clients.service.ts'
import { clientErrors } from '../../applications/oauth-clients/oauth-clients.errors.ts'
import { pictureOf } from '../../delivery/mail/person.ts'
import { oauthErrors } from './oauth.errors.ts'
import type { TokenInQuestion } from './oauth.schemas.ts'

/** Who the user of a token is (OpenID Connect Core §5.3). */
export async function userInfo(ctx: Ctx, caller: BoundCaller, { id }: UserScope) {
  const user = await ctx.db.user.findUnique({
    where: { id },
    select: {
      id: true,
      name: true,
      email: true,
      verified: true,
      phoneNumber: true,
      profilePictureUrl: true,
      updatedAt: true,
    },
  })
  if (!user) throw errors.unauthorized()
  return {
    sub: id,
    name: user.name,
    ...(user.email !== null && { email: user.email }),
    email_verified: user.verified,
    ...(user.phoneNumber !== null && { phone_number: user.phoneNumber }),
    picture: pictureOf(user),
    updated_at: epoch(user.updatedAt),
    tenantId: caller.tenantId,
  }
}

/** A refresh token with its session. */
const refreshTokenOf = (ctx: Ctx, token: string) =>
  ctx.db.refreshToken.findUnique({
    where: { id: fingerprint(token) },
    include: { session: { include: { user: { select: { isLocked: true } } } } },
  })
type FoundRefreshToken = NonNullable<Awaited<ReturnType<typeof refreshTokenOf>>>

/** The environment sees the tokens of all its applications; they, and their clients, see their own. */
const isFor = ({ applicationId }: Client, audience: string) => applicationId === undefined || applicationId === audience

/**
 * Whether a token is good now, and whose it is (RFC 7662). Of one that is not, or not for the client, it tells nothing.
 * @throws 401 for a client that does not show its secret
 */
export async function introspect(ctx: HttpCtx, { token, ...shown }: TokenInQuestion) {
  const client = await clients.mustAuthenticate(ctx, shown)
  const holder = await ctx.http.holderOf(token)
  if (holder) return isFor(client, holder.audience) ? accessTokenFacts(ctx, holder) : { active: false }
  const found = await refreshTokenOf(ctx, token)
  return found && isFor(client, found.session.applicationId ?? ctx.vendorId)
    ? refreshTokenFacts(ctx, found)
    : { active: false }
}

const accessTokenFacts = (ctx: Ctx, { caller, sub, audience, expiresAt, ties }: Holder) => ({
  active: true,
  sub,
  client_id: audience,
  aud: audience,
  iss: baseUrl(ctx.deps.publicUrl, ctx.environment),
  ...(expiresAt && { exp: epoch(expiresAt) }),
  iat: ties[0]!.iat,
  token_type: 'Bearer',
  tenantId: caller.tenantId,
})

async function refreshTokenFacts(ctx: Ctx, { session, usedAt, expiresAt, createdAt }: FoundRefreshToken) {
  const { policy } = (await sessions.rulesOf(ctx, session.tenantId))(session.tenantId),
    end = Math.min(expiresAt.getTime(), sessions.endOf(session, policy).getTime())
  if (usedAt || session.endedAt || session.user.isLocked || end <= ctx.clock.now().getTime()) return { active: false }
  return {
    active: true,
    sub: session.userId,
    client_id: session.applicationId ?? ctx.vendorId,
    iss: baseUrl(ctx.deps.publicUrl, ctx.environment),
    exp: Math.floor(end / SECOND),
    iat: epoch(createdAt),
    ...(session.tenantId !== null && { tenantId: session.tenantId }),
  }
}

/**
 * Ends the session of a token, and with it all tokens that came of the same login (RFC 7009). Does nothing for a token that is
 * not good any more. Programs' tokens end with their credentials.
 * @throws 400 for a token of another client, 401 for a call that names no client
 */
export async function revoke(ctx: HttpCtx, { token, ...shown }: TokenInQuestion) {
  const caller = await clients.callerIn(ctx, shown)
  if (!caller) throw clientErrors.invalid()
  const found = await refreshTokenOf(ctx, token),
    holder = found ? undefined : await ctx.http.holderOf(token),
    audience = found ? (found.session.applicationId ?? ctx.vendorId) : holder?.audience
  if (audience === undefined) return
  // without its secret, a client could be anybody
  const own = caller.client.applicationId ?? ctx.vendorId
  if (audience !== own && !(caller.isAuthenticated && isFor(caller.client, audience))) throw oauthErrors.notYours()
  if (!found && holder?.caller.kind !== 'person') throw oauthErrors.unsupportedTokenType()
  const sessionId = found?.sessionId ?? (holder!.caller as { sessionId: string }).sessionId
  await refreshTokens.logOutOf(ctx, sessionId)
}
