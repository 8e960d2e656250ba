import { baseUrl } from '../../../kernel/environments.ts'
import { invalid } from '../../../kernel/errors.ts'
import { rowOf } from '../../../kernel/jobs.ts'
import type { Ctx } from '../../../kernel/operation.ts'
import { mustBeCounted } from '../../../kernel/outbox.ts'
import * as settings from '../../../kernel/settings.ts'
import { mailErrors } from './mail.errors.ts'
import { deliverMessage } from './mail.jobs.ts'
import { carrierName, providerFor } from './mail.providers.ts'
import {
  mailConfiguration,
  toMailConfiguration,
  type MailData,
  type MailPayload,
  type MailTemplateType,
} from './mail.schemas.ts'
import { defaultTemplate, filled } from './templates.ts'

export interface OutgoingMail {
  template: MailTemplateType
  to: string
  userId?: string | undefined
  tenantId?: string | undefined
  data: MailData
}

/** These tell users what has happened to their account. Nobody can have them sent to others. */
const notices: ReadonlySet<MailTemplateType> = new Set([
  'EmailAddressChanged',
  'MFAEnroll',
  'MFARecoveryCode',
  'MFAUnenroll',
  'NewMFAMethod',
  'RemoveMFAMethod',
  'UnlockUser',
  'UnlockUserSuccess',
  'UserUsedInvitation',
])

/**
 * Writes a mail and queues its delivery, both in the caller's transaction. `redirectURL` and `code` of the data become
 * the message's link and code; the tenant's name is added. When all mail is held, nothing is queued: the message stays
 * to be read.
 */
export async function send(ctx: Ctx, mail: OutgoingMail) {
  // also without a tenant: a mail that is rolled back must have cost as much
  const tenant = await ctx.db.tenant.findFirst({ where: { id: mail.tenantId ?? '' }, select: { name: true } })
  const { message, job } = await write(ctx, mail, tenant?.name)
  await ctx.db.message.create({ data: message, select: { id: true } })
  if (job) await ctx.db.job.create({ data: job, select: { id: true } })
}

/** As `send`, without storing anything: the message, and the job that delivers it. */
export async function write(
  ctx: Ctx,
  { template, to, userId, tenantId, data }: OutgoingMail,
  tenantName: string | undefined,
) {
  if (!notices.has(template)) mustBeCounted(ctx, to)
  const { payload } = await settings.effective(ctx, mailConfiguration),
    held = ctx.deps.mail === 'hold',
    id = ctx.random.uuid()
  const message = {
    id,
    channel: 'email',
    template,
    userId: userId ?? null,
    tenantId: tenantId ?? null,
    recipient: to,
    ...senderOf(ctx, payload),
    ...(await render(ctx, template, { email: to, tenantName, ...data })),
    link: data['redirectURL'] ?? null,
    code: data['code'] ?? null,
    createdAt: ctx.clock.now(),
    ...(held ? { status: 'held', provider: carrierName(ctx.deps, payload) } : { status: 'pending', provider: null }),
  }
  return { message, job: held ? undefined : rowOf(ctx, deliverMessage, { messageId: id }) }
}
export type MessageRow = Awaited<ReturnType<typeof write>>['message']

function senderOf({ deps, environment }: Ctx, payload: MailPayload | null) {
  // Mailgun's domain is the one that passes the receivers' checks (SPF, DKIM)
  const domain =
    payload?.provider === 'mailgun' ? payload.domain : new URL(baseUrl(deps.publicUrl, environment)).hostname
  return {
    sender: payload?.senderEmail ?? (payload ? undefined : deps.mailFrom) ?? `no-reply@${domain}`,
    senderName: payload?.fromName ?? null,
  }
}

async function render(_ctx: Ctx, type: MailTemplateType, data: MailData) {
  return filled(defaultTemplate(type, data), data)
}

/** The configuration with its secret masked. @throws 404 when there is none */
export async function configuration(ctx: Ctx) {
  const row = await settings.stored(ctx, mailConfiguration),
    payload = row?.value.payload
  if (!payload) throw mailErrors.notConfigured()
  return toMailConfiguration({ ...payload, secret: ctx.deps.secrets.open(payload.secret) }, row)
}

/** Replaces the environment's provider. Mails that are waiting use the new one, too. */
export async function configure(ctx: Ctx, payload: MailPayload | undefined) {
  if (!payload) throw invalid('payload must be an object')
  const secret = payload.secret.trim()
  try {
    providerFor(ctx.deps, { ...payload, secret })
  } catch (error) {
    throw error instanceof TypeError ? invalid(fieldFault(error)) : error
  }
  await settings.save(ctx, mailConfiguration, { payload: { ...payload, secret: ctx.deps.secrets.seal(secret) } })
}

/** Gives the environment's mail back to the server's own provider. */
export async function removeConfiguration(ctx: Ctx) {
  await settings.remove(ctx, mailConfiguration)
}

/** The field that kept a provider from being built. */
function fieldFault({ message }: TypeError) {
  if (message.includes('region')) return 'payload.region must be a region of AWS'
  if (message.includes('domain')) return 'payload.domain must be a domain name'
  if (message.includes('ARN')) return 'payload.secret must be the ARN of a role'
  return `payload.provider cannot be used: ${message}`
}
