import { answer, hashOf, revoke, rowOf, type ChallengeKind } from '../../../kernel/challenges.ts'
import { after, SECOND } from '../../../kernel/clock.ts'
import { isUuid } from '../../../kernel/environments.ts'
import { errors, onUnknownReference } from '../../../kernel/errors.ts'
import type { Ctx } from '../../../kernel/operation.ts'
import type { MailedCode } from './codes.schemas.ts'
import { activationErrors } from '../../sign-in/activation/activation.errors.ts'

/** A code in a mail, for a token that says which code is meant. Only the code is secret. */
export interface CodeKind extends ChallengeKind {
  readonly typed: true
  readonly perTenant?: boolean
}

/**
 * How many codes one token may stand for. When users have the mail sent once more, pages keep their token, and the new
 * code must work with it. But somebody who knows only the token, and never sees the mails, must not go on guessing for
 * ever.
 */
const MOST_CODES = 5

interface NewCode {
  userId: string
  isNobody?: true | undefined
  tenantId: string | undefined
  codeExpiration: number
  data?: object
}

/** Replaces the code, under the same token while that is allowed. @param codeExpiration seconds */
export async function renew(ctx: Ctx, kind: CodeKind, { userId, isNobody, tenantId, codeExpiration, data }: NewCode) {
  const code = ctx.random.digits(6),
    lifetimeMs = codeExpiration * SECOND
  const within = kind.perTenant ? tenantId : undefined
  const last = await ctx.db.challenge.findFirst({
    where: { userId, purpose: kind.purpose, consumedAt: null, ...(within !== undefined && { tenantId: within }) },
    select: { id: true, data: true },
    orderBy: { createdAt: 'desc' },
  })
  const codes = (last?.data as { codes?: number } | undefined)?.codes ?? 0
  if (last && codes < MOST_CODES) {
    const { count } = await ctx.db.challenge.updateMany({
      where: { id: last.id, consumedAt: null },
      data: {
        secretHash: hashOf(ctx, kind, code, last.id),
        attempts: 0,
        expiresAt: after(ctx.clock.now(), lifetimeMs),
        data: { ...data, codes: codes + 1 },
      },
    })
    if (count) return { token: last.id, code }
  }
  await revoke(ctx, userId, [kind], within)
  const first = firstCode(ctx, kind, { userId, isNobody, tenantId, codeExpiration, ...(data && { data }) })
  await ctx.db.challenge
    .create({ data: first.row, select: { id: true } })
    .catch(onUnknownReference(errors.notFound('User')))
  return first
}

/** A code for somebody who has none. `row` is to be stored. */
export function firstCode(ctx: Ctx, kind: CodeKind, { userId, isNobody, tenantId, codeExpiration, data }: NewCode) {
  const code = ctx.random.digits(6)
  const row = rowOf(ctx, kind, {
    secret: code,
    lifetimeMs: codeExpiration * SECOND,
    ...(!isNobody && { userId, tenantId }),
    data: { ...data, codes: 1 },
  })
  return { token: row.id, code, row }
}

/** What the token stands for, even when its code has expired: a new code would be for the same token. @throws 400 */
export async function pending(ctx: Ctx, kind: CodeKind, { userId, token }: Pick<MailedCode, 'userId' | 'token'>) {
  const found =
    isUuid(token) && isUuid(userId)
      ? await ctx.db.challenge.findFirst({ where: { id: token, userId, purpose: kind.purpose, consumedAt: null } })
      : null
  if (!found) throw activationErrors.invalidToken()
  return found
}

/** Tries the code, as the kernel's `answer` does. A wrong one counts, so nothing may roll that back. */
export const enter = (ctx: Ctx, kind: CodeKind, { userId, token, code }: MailedCode) =>
  answer(ctx, kind, token, code, userId)

/** Why a token or code did not work. */
export function refusal(state: 'unknown' | 'expired' | 'used' | 'wrong', withCode: boolean) {
  if (state === 'wrong') return activationErrors.wrongCode()
  return withCode && state === 'expired' ? activationErrors.codeExpired() : activationErrors.invalidToken()
}
