import { createHash, timingSafeEqual } from 'node:crypto'
import * as challenges from '../../../kernel/challenges.ts'
import { ApiError, invalid } from '../../../kernel/errors.ts'
import type { Ctx, HttpCtx } from '../../../kernel/operation.ts'
import * as refreshTokens from '../../access/tokens/refresh-tokens.service.ts'
import { clientErrors } from '../../applications/oauth-clients/oauth-clients.errors.ts'
import * as clients from '../../applications/oauth-clients/oauth-clients.service.ts'
import type { Caller } from '../../applications/oauth-clients/oauth-clients.service.ts'
import * as login from '../login/login.service.ts'
import { mfaErrors } from '../mfa/mfa.errors.ts'
import { authorizationCode, type Granted } from './authorize.flow.ts'
import type { Asked } from './asked.ts'
import { oauthErrors } from './oauth.errors.ts'
import type { TokenAnswer, TokenRequest } from './oauth.schemas.ts'

/** RFC 7636 wants 43 characters at least. The browser client of the reference sends 16, which nobody can guess in a minute. */
const VERIFIER = /^[\w.~-]{16,128}$/

/**
 * Tokens for a code, once: for the client that the code was made for, by the proof that it has begun the login itself. Shown
 * again while it would be good, it ends the session and all tokens that came of it (RFC 9700 §4.2.4, §2.1.1).
 * @throws 400, 401
 */
export async function byCode(ctx: HttpCtx, request: TokenRequest): Promise<TokenAnswer> {
  if (!request.code) throw invalid('code should not be empty')
  if (!request.redirect_uri) throw invalid('redirect_uri should not be empty')
  const caller = await clients.callerIn(ctx, request)
  const found = await challenges.find(ctx, authorizationCode, request.code)
  if (found.state === 'used') await endStolen(ctx, found.challenge)
  if (found.state !== 'ok') throw oauthErrors.badCode()
  const { challenge } = found,
    { asked, sessionId, proof } = challenge.data as unknown as Granted
  mustFit(asked, request, caller)
  if ((await challenges.useUp(ctx, challenge)).state !== 'ok') {
    await endStolen(ctx, challenge)
    throw oauthErrors.badCode()
  }
  const session = await ctx.db.session.findFirst({ where: { id: sessionId, userId: challenge.userId! } })
  if (!session) throw oauthErrors.badCode()
  const token = await refreshTokens.branch(ctx, session)
  return inWordsOfGrants(async () => {
    const renewed = await login.renew(ctx, [token], {
      wanted: challenge.tenantId ?? undefined,
      proof: { ...proof, authTime: session.createdAt, nonce: asked.nonce },
    })
    const answer = answerOf(renewed)
    return asked.isAgent ? forAgent(answer) : answer
  })
}

/** The token names the application as its reader, not the agent. Refresh tokens are not bound to a client, so it gets none. */
const forAgent = ({ access_token, token_type, expires_in }: TokenAnswer): TokenAnswer => ({
  access_token,
  token_type,
  expires_in,
})

/** @throws 400, 401 */
function mustFit(asked: Asked, { redirect_uri, code_verifier }: TokenRequest, caller: Caller | undefined) {
  if (caller ? caller.client.id !== asked.clientId : asked.isAgent) throw oauthErrors.badCode()
  if (redirect_uri !== asked.redirectUri) throw oauthErrors.badCode()
  if (asked.codeChallenge !== undefined) return mustProve(asked.codeChallenge, code_verifier)
  // a verifier for a code without a challenge: somebody has taken the challenge away (RFC 9700 §4.8.2)
  if (code_verifier !== undefined) throw oauthErrors.noVerifier()
  if (!caller?.isAuthenticated) throw clientErrors.invalid()
}

function mustProve(challenge: string, verifier: string | undefined) {
  const isRight =
    verifier !== undefined &&
    VERIFIER.test(verifier) &&
    timingSafeEqual(createHash('sha256').update(verifier).digest(), Buffer.from(challenge, 'base64url'))
  if (!isRight) throw oauthErrors.noVerifier()
}

/** Somebody shows a code that has been exchanged. After its time it is only refused: browsers go back to old pages. */
async function endStolen(
  ctx: Ctx,
  { data, userId, expiresAt }: { data: unknown; userId: string | null; expiresAt: Date },
) {
  const now = ctx.clock.now()
  if (expiresAt <= now) return
  const { sessionId } = data as Granted
  await ctx.db.session.updateMany({ where: { id: sessionId, endedAt: null }, data: { endedAt: now } })
  ctx.log.warn({ userId, sessionId }, 'a used code was shown again: its session has been ended')
}

/** Tokens for a refresh token, from here or from any login. @throws as a refresh */
export async function byRefreshToken(ctx: HttpCtx, request: TokenRequest): Promise<TokenAnswer> {
  const { refresh_token: token, tenantId: wanted } = request
  if (!token) throw invalid('refresh_token should not be empty')
  const caller = await clients.callerIn(ctx, request)
  return inWordsOfGrants(async () =>
    answerOf(
      await login.renew(ctx, [token], {
        wanted,
        applicationId: caller && (caller.client.applicationId ?? null),
      }),
    ),
  )
}

/** @throws 403 where a second factor is wanted: there is no page here to ask for it */
export function answerOf(renewed: Awaited<ReturnType<typeof login.renew>>): TokenAnswer {
  if ('demand' in renewed) throw mfaErrors.wanted()
  const { accessToken, expiresIn, refreshToken } = renewed.answer
  return {
    access_token: accessToken!,
    id_token: accessToken!,
    refresh_token: refreshToken!,
    token_type: 'Bearer',
    expires_in: expiresIn!,
  }
}

/** The errors of logins, for readers of RFC 6749 §5.2. */
async function inWordsOfGrants<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof ApiError && error.status < 500) error.oauthError ??= 'invalid_grant'
    throw error
  }
}
