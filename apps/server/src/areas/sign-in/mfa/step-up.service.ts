import type { Ctx, PersonCaller } from '../../../kernel/operation.ts'
import { mfaErrors } from './mfa.errors.ts'
import * as mfa from './mfa-demand.service.ts'

/**
 * Lets a logged-in user show a second factor again. The login that follows replaces the session. A user without a factor gets
 * nothing: a thief of the access token could enrol a factor of their own.
 * @throws 401 when the session of the caller's token has ended, 400 for a user without a second factor
 */
export async function generate(ctx: Ctx, caller: PersonCaller) {
  const session = await mfa.livingSession(ctx, caller)
  if (!(await mfa.isEnrolled(ctx, session.user))) throw mfaErrors.notEnrolled()
  const { mfaToken, mfaEnrolled, mfaDevices } = await mfa.issueToken(ctx, session.user, caller.tenantId, {
    sessionId: session.id,
  })
  return { mfaToken, mfaEnrolled, mfaDevices }
}
