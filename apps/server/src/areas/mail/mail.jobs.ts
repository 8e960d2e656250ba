import type { Mail } from '@henhouse/mail'
import { Refused } from '@henhouse/outbound'
import { Type } from 'typebox'
import { Hopeless, job } from '../../kernel/jobs.ts'
import type { Ctx } from '../../kernel/operation.ts'
import { effective } from '../../kernel/settings.ts'
import { Id } from '../../kernel/validation.ts'
import { carrierName, configuredProvider } from './mail.providers.ts'
import { mailConfiguration } from './mail.schemas.ts'

/**
 * Hands a pending message to the provider that is configured by then. At least once: when the outcome could not be
 * recorded the mail is sent again, under the same id.
 */
export const deliverMessage = job({
  name: 'deliver-message', payload: Type.Object({ messageId: Id }),

  async run(ctx, { messageId }, { attempt }) {
    const message = await ctx.db.message.findUnique({ where: { id: messageId } })
    if (message?.status !== 'pending') return
    const { payload } = await effective(ctx, mailConfiguration)
    const { mail: fallback } = ctx.deps, provider = carrierName(ctx.deps, payload)
    // queued before this server was told to hold all mail
    if (fallback === 'hold') return note(ctx, messageId, { status: 'held', provider })
    try {
      await (payload ? configuredProvider(ctx, payload) : fallback).send(toMail(message))
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      await note(ctx, messageId, { provider, attempts: attempt, error: reason })
      throw error instanceof Refused && !error.retryable ? new Hopeless(reason) : error
    }
    // what has arrived need not lie here: links and codes in it may still open an account
    const delivered = { html: '', text: '', link: null, code: null }
    await ctx.db.message.updateMany({ where: { id: messageId }, data: { ...delivered, status: 'sent', sentAt: ctx.clock.now(), provider, attempts: attempt, error: null } })
  },

  failed: (ctx, { messageId }, error) => note(ctx, messageId, { status: 'failed', error }),
})

export const mailJobs = [deliverMessage]

interface Outcome { status?: 'held' | 'failed', provider?: string, attempts?: number, error?: string }
/** Says what became of a message, unless another worker, which took this one for dead, has sent it. */
async function note(ctx: Ctx, id: string, data: Outcome) {
  await ctx.db.message.updateMany({ where: { id, status: 'pending' }, data })
}

interface Row { id: string, sender: string, senderName: string | null, recipient: string, subject: string, html: string, text: string, createdAt: Date }
const toMail = ({ id, sender, senderName, recipient, subject, html, text, createdAt }: Row): Mail => ({
  id, from: { address: sender, ...(senderName !== null && { name: senderName }) }, to: recipient, subject, html, text, sentAt: createdAt,
})
