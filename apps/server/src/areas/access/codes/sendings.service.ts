import { HOUR } from '../../../kernel/clock.ts'
import { ApiError } from '../../../kernel/errors.ts'
import { giveAllBack, oneSpelling, spend, spendAll } from '../../../kernel/limits.ts'
import type { Caller, Ctx } from '../../../kernel/operation.ts'

/*
 * What somebody has sent to an address or number costs money, and others' patience: it is counted for the address or number,
 * whoever has it sent. No message goes out without (`mustBeCounted`), but for notices of what has happened. Operations
 * that anybody may call have a limit of their own instead (`perRecipient`). Nothing here may be called in a transaction.
 */

/**
 * The most of an hour. An environment's own servers have more sent. Where rate limits are off, nothing leaves the machine:
 * there the number only keeps loops from running for ever.
 */
const quotaOf = ({ deps }: Ctx, by: Caller['kind']) => ({
  most: (deps.rateLimits ? 10 : 100) * (by === 'vendor' ? 10 : 1),
  perMs: HOUR,
})
const sentTo = (about: string) => ({ name: 'code sent to', about })

/** Counts a code that a user has sent, for the user and for the address or number. @throws 429 */
export async function countSending(ctx: Ctx, userId: string, to: string) {
  await spend(ctx, { name: 'code sent for', about: userId }, quotaOf(ctx, 'person'))
  await countFor(ctx, { kind: 'person' }, [to])
}

/**
 * Counts the messages that a caller has sent to these, each as often as it is there, or to none. Null: there is no address.
 * What is refused does not count: it would keep others from sending, who may have more sent. @throws 429
 */
export async function countFor(ctx: Ctx, caller: Pick<Caller, 'kind'>, addresses: readonly (string | null)[]) {
  const counted = addresses.filter((to) => to !== null).map(oneSpelling),
    messages = counted.map(sentTo),
    quota = quotaOf(ctx, caller.kind)
  await spendAll(ctx, messages, quota).catch(async (error: unknown) => {
    if (error instanceof ApiError) await giveAllBack(ctx, messages, quota)
    throw error
  })
  for (const to of counted) ctx.counted.add(to)
}

/** As `countFor`, for what leaves a message out rather than fails. @returns why none may be sent */
export const refusalFor = (...[ctx, caller, addresses]: Parameters<typeof countFor>): Promise<ApiError | undefined> =>
  countFor(ctx, caller, addresses).then(
    () => undefined,
    (error: unknown) => {
      if (error instanceof ApiError && error.status === 429) return error
      throw error
    },
  )

/** Whether one more may go to this address: for mails that a login or a job sends by itself. */
export const mayGetOne = async (ctx: Ctx, to: string, kind: Caller['kind'] = 'person') =>
  !(await refusalFor(ctx, { kind }, [to]))

/** What follows from a message that was counted: its link is used, or a job sends the rest. */
export function isCounted(ctx: Ctx, to: string | null) {
  if (to !== null) ctx.counted.add(oneSpelling(to))
}
