import type { Message } from '@henhouse/database'
import { Refused } from '@henhouse/outbound'
import { Type } from 'typebox'
import { Hopeless, job } from './jobs.ts'
import { ANYBODY, oneSpelling } from './limits.ts'
import type { Ctx } from './operation.ts'
import { Id } from './validation.ts'

/** What takes messages away. */
export interface Carrier {
  readonly name: string
  /** Absent: nothing leaves this machine, and the message stays to be read. @throws Refused */
  send?(message: Message): Promise<unknown>
}

/**
 * The job that hands a pending message to the carrier of that moment. At least once: when the outcome could not be
 * recorded, the message is sent again under the same id.
 */
export const delivery = (name: string, carrierFor: (ctx: Ctx) => Carrier | Promise<Carrier>) =>
  job({
    name,
    payload: Type.Object({ messageId: Id }),

    async run(ctx, { messageId }, { attempt }) {
      const message = await ctx.db.message.findUnique({ where: { id: messageId } })
      if (message?.status !== 'pending') return
      const carrier = await carrierFor(ctx),
        provider = carrier.name
      // queued before this server was set to hold all messages
      if (!carrier.send) return note(ctx, messageId, { status: 'held', provider })
      try {
        await carrier.send(message)
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error)
        await note(ctx, messageId, { provider, attempts: attempt, error: reason })
        throw error instanceof Refused && !error.retryable ? new Hopeless(reason) : error
      }
      await ctx.db.message.updateMany({
        where: { id: messageId },
        data: { ...emptied, status: 'sent', sentAt: ctx.clock.now(), provider, attempts: attempt, error: null },
      })
    },

    failed: (ctx, { messageId }, error) => note(ctx, messageId, { ...emptied, status: 'failed', error }),
  })

/** A delivered message need not stay, nor one that is given up: its links and codes may still open an account. */
const emptied = { html: '', text: '', link: null, code: null }

interface Outcome extends Partial<typeof emptied> {
  status?: 'held' | 'failed'
  provider?: string
  attempts?: number
  error?: string
}
/** Records what became of a message, unless another worker has taken it over and sent it. */
async function note(ctx: Ctx, id: string, data: Outcome) {
  await ctx.db.message.updateMany({ where: { id, status: 'pending' }, data })
}

/**
 * Whatever somebody has sent to an address or number is counted for it: else they could send it any number. Outside
 * production a message without a count fails, so that none is forgotten.
 */
export function mustBeCounted({ deps, counted }: Ctx, to: string) {
  if (deps.strict && !counted.has(ANYBODY) && !counted.has(oneSpelling(to)))
    throw new Error('a message is sent on request, and not counted: see sendings.service.ts')
}
