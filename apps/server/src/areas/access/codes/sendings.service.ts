import { HOUR } from '../../../kernel/clock.ts'
import { spend } from '../../../kernel/limits.ts'
import type { Ctx } from '../../../kernel/operation.ts'

/** Where rate limits are off, nothing leaves the machine: there the number only keeps loops from running for ever. */
const mostOf = (ctx: Ctx) => (ctx.deps.rateLimits ? 10 : 100)

/**
 * Counts a code that a user has sent, for the user and for the address or number: it costs money, and others' patience. Do
 * not call it in a transaction. @throws 429
 */
export async function countSending(ctx: Ctx, userId: string, to: string) {
  const quota = { most: mostOf(ctx), perMs: HOUR }
  await spend(ctx, { name: 'code sent for', about: userId }, quota)
  await spend(ctx, { name: 'code sent to', about: to.toLowerCase() }, quota)
}
