import { add } from '../../../kernel/jobs.ts'
import type { Ctx } from '../../../kernel/operation.ts'
import { fill, mustBeCounted } from '../../../kernel/outbox.ts'
import { smsErrors } from './sms.errors.ts'
import { deliverSms } from './sms.jobs.ts'
import { masked, type SmsData, type SmsTemplateType } from './sms.schemas.ts'
import { defaultTemplates } from './templates.ts'

export interface OutgoingSms {
  template: SmsTemplateType
  to: string
  userId?: string | undefined
  tenantId?: string | undefined
  data: SmsData
}

/**
 * Writes a text message and queues its delivery, both in the caller's transaction. When all messages are held, nothing
 * is queued: the message stays to be read.
 * @param to E.164 without dashes
 * @throws 400 when nothing carries text messages
 */
export async function send(ctx: Ctx, { template, to, userId, tenantId, data }: OutgoingSms) {
  mustBeCounted(ctx, to)
  if (!ctx.deps.sms) throw smsErrors.notSent(masked(to))
  const held = ctx.deps.sms === 'hold',
    id = ctx.random.uuid()
  await ctx.db.message.create({
    data: {
      id,
      channel: 'sms',
      template,
      userId: userId ?? null,
      tenantId: tenantId ?? null,
      recipient: to,
      sender: '',
      subject: '',
      html: '',
      text: await render(ctx, template, data),
      code: data.code,
      createdAt: ctx.clock.now(),
      ...(held ? { status: 'held', provider: 'none' } : { status: 'pending' }),
    },
  })
  if (!held) await add(ctx, deliverSms, { messageId: id })
}

async function render(_ctx: Ctx, template: SmsTemplateType, data: SmsData) {
  return fill(defaultTemplates[template], data)
}
