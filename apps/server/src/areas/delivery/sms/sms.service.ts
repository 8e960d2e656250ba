import { checkTwilio } from '@henhouse/sms'
import { invalid } from '../../../kernel/errors.ts'
import { rowOf } from '../../../kernel/jobs.ts'
import type { Ctx } from '../../../kernel/operation.ts'
import { mustBeCounted } from '../../../kernel/outbox.ts'
import * as settings from '../../../kernel/settings.ts'
import { smsErrors } from './sms.errors.ts'
import { deliverSms } from './sms.jobs.ts'
import { carrierOf, twilioOptions } from './sms.providers.ts'
import {
  masked,
  smsConfiguration,
  toSmsConfiguration,
  type SmsConfigurationChange,
  type SmsData,
  type SmsTemplateType,
} from './sms.schemas.ts'
import { textOf } from './sms-templates.service.ts'

export interface OutgoingSms {
  template: SmsTemplateType
  to: string
  userId?: string | undefined
  tenantId?: string | undefined
  data: SmsData
}

/**
 * Writes a text message and queues its delivery, both in the caller's transaction. When all messages are held, nothing
 * is queued: the message stays to be read. Nothing is written while the environment has switched the template off.
 * @param to E.164 without dashes
 * @throws 400 when nothing carries text messages
 */
export async function send(ctx: Ctx, { data, ...sms }: OutgoingSms) {
  const text = await textOf(ctx, sms.template, data)
  if (text === undefined) return mustBeCounted(ctx, sms.to)
  const { message, job } = await write(ctx, { ...sms, text, code: data.code })
  await ctx.db.message.create({ data: message, select: { id: true } })
  if (job) await ctx.db.job.create({ data: job, select: { id: true } })
}

interface WrittenSms extends Omit<OutgoingSms, 'template' | 'data'> {
  /** what the outbox calls it */
  template: string
  text: string
  code?: string
  link?: string
}

/** As `send`, with a text of its own, and without storing anything: the message, and the job that delivers it. */
export async function write(ctx: Ctx, { to, userId, tenantId, ...content }: WrittenSms) {
  mustBeCounted(ctx, to)
  const { name, provider, isHeld } = await carrierOf(ctx)
  if (!isHeld && !provider) throw smsErrors.notSent(masked(to))
  const message = {
    id: ctx.random.uuid(),
    channel: 'sms',
    userId: userId ?? null,
    tenantId: tenantId ?? null,
    recipient: to,
    sender: '',
    subject: '',
    html: '',
    ...content,
    createdAt: ctx.clock.now(),
    ...(isHeld ? { status: 'held', provider: name } : { status: 'pending' }),
  }
  return { message, ...(!isHeld && { job: rowOf(ctx, deliverSms, { messageId: message.id }) }) }
}

/** The configuration with its token masked. @throws 404 when there is none */
export async function configuration(ctx: Ctx) {
  const { value } = await settings.mustBeStored(ctx, smsConfiguration, smsErrors.notConfigured())
  return toSmsConfiguration({ ...value, token: ctx.deps.secrets.open(value.token) })
}

/** Changes the given fields. Messages that are waiting go this way, too. @throws 400 when the whole is no usable account */
export async function configure(ctx: Ctx, { token, ...fields }: SmsConfigurationChange) {
  const old = await settings.effective(ctx, smsConfiguration),
    changed = { ...fields, ...(token !== undefined && { token: ctx.deps.secrets.seal(token.trim()) }) },
    next = { ...old, ...changed }
  if (!next.accountId) throw invalid('accountId should not be empty')
  if (!next.token) throw invalid('token should not be empty')
  if (!next.senderName && !next.serviceId) throw invalid('senderName or serviceId must be given')
  try {
    checkTwilio(twilioOptions(next, ''))
  } catch (error) {
    throw error instanceof TypeError ? invalid(fieldFault(error)) : error
  }
  await settings.patch(ctx, smsConfiguration, changed)
  return configuration(ctx)
}

/** Gives the environment's text messages back to the server's own provider. */
export async function removeConfiguration(ctx: Ctx) {
  await settings.remove(ctx, smsConfiguration)
}

/** The field that kept Twilio's client from being made. */
function fieldFault({ message }: TypeError) {
  if (message.includes('account')) return 'accountId must be the SID of a Twilio account (AC…)'
  if (message.includes('service')) return 'serviceId must be the SID of a messaging service (MG…)'
  return 'senderName must be a phone number, a short code or a name of up to 11 letters and digits'
}
