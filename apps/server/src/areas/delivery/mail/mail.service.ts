import { invalid } from '../../../kernel/errors.ts'
import { rowOf, type JobRow } from '../../../kernel/jobs.ts'
import type { Ctx } from '../../../kernel/operation.ts'
import { mustBeCounted } from '../../../kernel/outbox.ts'
import * as settings from '../../../kernel/settings.ts'
import { brandOf, picture } from './applications.ts'
import { filledPattern } from './links.ts'
import { mailErrors } from './mail.errors.ts'
import { deliverMessage } from './mail.jobs.ts'
import { carrierName, providerFor } from './mail.providers.ts'
import {
  mailConfiguration,
  toMailConfiguration,
  type MailData,
  type MailPayload,
  type MailType,
} from './mail.schemas.ts'
import { ownTemplates, type OwnTemplate } from './own-templates.ts'
import { rendered, spell } from './render.ts'
import { senderOf } from './sender.ts'

export interface OutgoingMail {
  template: MailType
  to: string
  userId?: string | undefined
  tenantId?: string | undefined
  /** how long its link or code works */
  lifetimeMs?: number | undefined
  data: MailData
}

/** These tell users what has happened to their account. Nobody can have them sent to others. */
const notices: ReadonlySet<MailType> = new Set([
  'ApprovalFlowDecision',
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

/** These go to people who have yet to say that they belong to the account: they are not shown its logo. */
const invitations: ReadonlySet<MailType> = new Set([
  'ActivateUser',
  'ActivateUserWithCode',
  'BulkInvitesToTenant',
  'InviteToTenant',
  'InviteToTenantWithCode',
])

/**
 * Writes a mail and queues its delivery, both in the caller's transaction. `redirectURL` and `code` of the data become
 * the message's link and code; the tenant's name is added. When all mail is held, nothing is queued: the message stays
 * to be read. Nothing is written while the environment has switched the template off.
 */
export async function send(ctx: Ctx, mail: OutgoingMail) {
  // also without a tenant: a mail that is rolled back must have cost as much
  const tenant = await ctx.db.tenant.findFirst({
    where: { id: mail.tenantId ?? '' },
    select: { name: true, logo: true, logoUrl: true },
  })
  const { message, job } = await write(ctx, mail, tenant)
  if (message) await ctx.db.message.create({ data: message, select: { id: true } })
  if (job) await ctx.db.job.create({ data: job, select: { id: true } })
}

/** The account that a mail is about, as the mail shows it. */
interface Account {
  name: string
  logo?: string | null
  logoUrl?: string | null
}

/** As `send`, without storing anything: the message, and the job that delivers it. Neither while the template is switched off. */
export async function write(
  ctx: Ctx,
  mail: OutgoingMail,
  tenant: Account | null,
): Promise<{ message?: MessageRow; job?: JobRow }> {
  if (!notices.has(mail.template)) mustBeCounted(ctx, mail.to)
  const own = (await ownTemplates(ctx)).get(mail.template)
  if (own && !own.active) return {}
  const message = await messageOf(ctx, mail, own, tenant)
  return {
    message,
    ...(message.status === 'pending' && { job: rowOf(ctx, deliverMessage, { messageId: message.id }) }),
  }
}

async function messageOf(ctx: Ctx, mail: OutgoingMail, own: OwnTemplate | undefined, tenant: Account | null) {
  const { payload } = await settings.effective(ctx, mailConfiguration),
    { sender, senderName } = senderOf(ctx, payload, own),
    { senderName: named, ...parts } = rendered(ctx, mail.template, own, await valuesOf(ctx, mail, own, tenant))
  return {
    id: ctx.random.uuid(),
    channel: 'email',
    template: mail.template,
    userId: mail.userId ?? null,
    tenantId: mail.tenantId ?? null,
    recipient: mail.to,
    sender,
    senderName: named ?? senderName,
    ...parts,
    link: mail.data.redirectURL ?? null,
    code: mail.data.code ?? null,
    createdAt: ctx.clock.now(),
    ...(ctx.deps.mail === 'hold'
      ? { status: 'held', provider: carrierName(ctx.deps, payload) }
      : { status: 'pending', provider: null }),
  }
}
export type MessageRow = Awaited<ReturnType<typeof messageOf>>

async function valuesOf(
  ctx: Ctx,
  { template, to, lifetimeMs, data }: OutgoingMail,
  own: OwnTemplate | undefined,
  tenant: Account | null,
): Promise<MailData> {
  const { applicationName, logoUrl } = await brandOf(ctx),
    theirs = invitations.has(template) ? undefined : picture(tenant?.logoUrl ?? tenant?.logo)
  return {
    email: to,
    tenantName: tenant?.name,
    applicationName,
    logoUrl: theirs ?? logoUrl,
    successRedirectUrl: own?.successRedirectUrl ? await filledPattern(ctx, own.successRedirectUrl) : undefined,
    expiresIn: lifetimeMs === undefined ? undefined : spell(lifetimeMs),
    ...data,
  }
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
