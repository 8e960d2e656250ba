import { createHash } from 'node:crypto'
import { after, MINUTE } from '../../kernel/clock.ts'
import type { HttpCtx } from '../../kernel/operation.ts'
import { fingerprint } from '../../kernel/random.ts'
import { passwordlessErrors } from './passwordless.errors.ts'

/**
 * How many wrong codes one address may send in a quarter of an hour. Six digits bear few guesses; those without a cookie
 * may be about any attempt that was made from the address, so they must be fewer.
 */
const WINDOW_MS = 15 * MINUTE, MOST = { withCookie: 50, withoutCookie: 10 }

/**
 * Lets an address try a code, and counts it as a wrong one until `right` is called: so that no more are tried at once
 * than one after the other. @throws 429
 */
export async function spend(ctx: HttpCtx, how: keyof typeof MOST) {
  const now = ctx.clock.now(), window = Math.floor(now.getTime() / WINDOW_MS)
  const id = idOf(`${ctx.vendorId} ${how} ${ctx.http.ip} ${window}`)
  await ctx.db.challenge.createMany({
    data: [{ id, purpose: 'passwordless-tries', secretHash: fingerprint(id), maxAttempts: MOST[how], createdAt: now, expiresAt: after(new Date(window * WINDOW_MS), WINDOW_MS) }], skipDuplicates: true,
  })
  const { count } = await ctx.db.challenge.updateMany({ where: { id, attempts: { lt: MOST[how] } }, data: { attempts: { increment: 1 } } })
  if (!count) throw passwordlessErrors.tooManyTries()
  return { right: () => ctx.db.challenge.updateMany({ where: { id }, data: { attempts: { decrement: 1 } } }) }
}

/** The same for the same text (RFC 9562, version 8), so that the primary key lets there be only one row. */
function idOf(text: string) {
  const hex = createHash('sha256').update(text).digest('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}
