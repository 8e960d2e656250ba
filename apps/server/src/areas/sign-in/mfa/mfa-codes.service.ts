import { issue, mustAnswer, type ChallengeKind } from '../../../kernel/challenges.ts'
import { MINUTE, SECOND } from '../../../kernel/clock.ts'
import { spend } from '../../../kernel/limits.ts'
import type { Ctx } from '../../../kernel/operation.ts'
import { countSending } from '../../access/codes/sendings.service.ts'
import * as mail from '../../delivery/mail/mail.service.ts'
import * as mfaPolicy from '../../policies/mfa-policy/mfa-policy.service.ts'
import * as sms from '../../delivery/sms/sms.service.ts'
import { mailDataOf } from '../../delivery/mail/person.ts'

/** What a code is for. It does not work for another purpose, login, device or user. */
export interface Occasion {
  readonly kind: ChallengeKind & { readonly typed: true }
  readonly userId: string
  readonly about: string
}

/** The limit of codes sent to a user: each costs money and gives a guesser new tries. */
const CODES = { most: 5, perMs: 10 * MINUTE }

/** Sends a code by text message. @returns its `otcToken` @throws 400 when no SMS provider is configured, 429 */
export async function sendSms(ctx: Ctx, occasion: Occasion, to: string, data: object = {}) {
  const { smsSeconds } = await mfaPolicy.configuration(ctx)
  return send(ctx, occasion, { to, seconds: smsSeconds, data }, (tx, code) =>
    sms.send(tx, { template: 'MultiFactorAuthentication', to, userId: occasion.userId, data: { code } }),
  )
}

type Addressee = Parameters<typeof mailDataOf>[0]

/** As `sendSms`, by mail. */
export async function sendMail(ctx: Ctx, occasion: Occasion, to: string, user: Addressee) {
  const { emailSeconds } = await mfaPolicy.configuration(ctx)
  return send(ctx, occasion, { to, seconds: emailSeconds }, (tx, code) =>
    mail.send(tx, {
      template: 'MFAOTC',
      to,
      userId: occasion.userId,
      lifetimeMs: emailSeconds * SECOND,
      data: { ...mailDataOf(user), code },
    }),
  )
}

async function send(
  ctx: Ctx,
  occasion: Occasion,
  { to, seconds, data = {} }: { to: string; seconds: number; data?: object },
  deliver: (tx: Ctx, code: string) => Promise<void>,
) {
  const { userId, kind } = occasion,
    code = ctx.random.digits(6)
  await spend(ctx, { name: 'second factor code', about: userId }, CODES)
  await countSending(ctx, userId, to)
  return ctx.atomically(async (tx) => {
    const { id } = await issue(tx, kind, { secret: bound(occasion, code), lifetimeMs: seconds * SECOND, userId, data })
    await deliver(tx, code)
    return id
  })
}

/** Returns what was stored with a right code. Wrong ones count. @throws 401, 400 as `mustAnswer` */
export async function enter(ctx: Ctx, occasion: Occasion, { otcToken, code }: { otcToken: string; code: string }) {
  return (await mustAnswer(ctx, occasion.kind, otcToken, bound(occasion, code), occasion.userId)).data
}

const bound = ({ about }: Occasion, code: string) => `${about} ${code}`
