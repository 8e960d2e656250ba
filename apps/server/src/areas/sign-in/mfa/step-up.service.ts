import type { Ctx, UserCaller } from '../../../kernel/operation.ts'
import { mfaErrors } from './mfa.errors.ts'
import * as mfa from './mfa-demand.service.ts'
import * as refreshTokens from '../../access/tokens/refresh-tokens.service.ts'
import { sessionErrors } from '../../access/sessions/sessions.errors.ts'
import * as sessions from '../../access/sessions/sessions.service.ts'

/**
 * What a user who is in needs to show a second factor once more. The login that it ends in takes the place of the session.
 * One who has none yet gets nothing: whoever holds the token could enrol a factor of its own with it.
 * @throws 401 when the session of the caller's token has ended, 400 for a user without a second factor
 */
export async function generate(ctx: Ctx, caller: UserCaller) {
  const session = await refreshTokens.sessionOf(ctx, caller)
  if (!session) throw sessionErrors.ended()
  refreshTokens.mustLive(ctx, session, (await sessions.rulesOf(ctx, session.tenantId))(session.tenantId))
  if (!(await mfa.isEnrolled(ctx, session.user))) throw mfaErrors.notEnrolled()
  const { mfaToken, mfaEnrolled, mfaDevices } = await mfa.issueToken(ctx, session.user, caller.tenantId, {
    sessionId: session.id,
  })
  return { mfaToken, mfaEnrolled, mfaDevices }
}
