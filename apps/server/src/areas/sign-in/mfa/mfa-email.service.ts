import type { Ctx, HttpCtx } from '../../../kernel/operation.ts'
import * as codes from './mfa-codes.service.ts'
import type { Occasion } from './mfa-codes.service.ts'
import { attemptOf, trying, type Attempt } from './mfa-demand.service.ts'
import { mailable } from './mfa-devices.service.ts'
import { passed } from './mfa-login.flow.ts'
import { mfaErrors } from './mfa.errors.ts'

const verification = { purpose: 'mfa-verify-email', typed: true } as const
const occasion = ({ challenge, user }: Attempt): Occasion => ({
  kind: verification,
  userId: user.id,
  about: challenge.id,
})

/** Mails a code to the user's verified address. @throws 400 where mailed codes are off, 401, 423, 429 */
export async function ask(ctx: Ctx, mfaToken: string) {
  const attempt = await attemptOf(ctx, mfaToken),
    to = await mailable(ctx, attempt.user)
  if (to === undefined) throw mfaErrors.strategyOff()
  return { otcToken: await codes.sendMail(ctx, occasion(attempt), to, attempt.user) }
}

/** Logs in with the code. @throws 400, 401, 423, 429 */
export async function verify(
  ctx: HttpCtx,
  { mfaToken, rememberDevice, ...code }: { mfaToken: string; rememberDevice?: boolean; otcToken: string; code: string },
) {
  const attempt = await attemptOf(ctx, mfaToken)
  await trying(ctx, attempt, () => codes.enter(ctx, occasion(attempt), code))
  return passed(ctx, attempt, { factor: 'otp', rememberDevice })
}
