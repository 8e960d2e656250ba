import { isEmail } from '../../../kernel/email-addresses.ts'
import { isUuid } from '../../../kernel/environments.ts'
import { invalid } from '../../../kernel/errors.ts'
import type { Ctx } from '../../../kernel/operation.ts'
import * as settings from '../../../kernel/settings.ts'
import { compile, TemplateFault } from '../templates/language.ts'
import { defaultMail } from './default-mails.ts'
import { defaultPattern, filledPattern, mustBePattern } from './links.ts'
import { mailErrors } from './mail.errors.ts'
import { mailConfiguration, MailTemplateType } from './mail.schemas.ts'
import type { MailTemplateChange, MailTemplateView } from './mail-templates.schemas.ts'
import { ownTemplates, type OwnTemplate } from './own-templates.ts'
import { senderOf } from './sender.ts'

const types = (MailTemplateType as unknown as { enum: MailTemplateType[] }).enum

/** Of the HTML of all templates: they are kept in memory. */
const MOST_HTML = 3_000_000

/** All templates, or the one of this type. */
export async function list(ctx: Ctx, type: MailTemplateType | undefined) {
  const rows = await ownTemplates(ctx)
  return Promise.all((type === undefined ? types : [type]).map((one) => view(ctx, one, rows.get(one))))
}

export const original = (ctx: Ctx, type: MailTemplateType) => view(ctx, type, undefined)

async function view(ctx: Ctx, type: MailTemplateType, row: OwnTemplate | undefined): Promise<MailTemplateView> {
  const { subject, html } = defaultMail(type),
    { payload } = await settings.effective(ctx, mailConfiguration),
    { sender, senderName } = senderOf(ctx, payload, row),
    pattern = row?.redirectURL ?? defaultPattern(type),
    success = row?.successRedirectUrl ?? ''
  return {
    ...(row && { id: row.id }),
    type,
    htmlTemplate: row?.htmlTemplate ?? html,
    senderEmail: sender,
    subject: row?.subject ?? subject,
    fromName: senderName ?? '',
    redirectURL: await filledPattern(ctx, pattern),
    redirectURLPattern: pattern,
    successRedirectUrl: await filledPattern(ctx, success),
    successRedirectUrlPattern: success,
    active: row?.active ?? true,
  }
}

/** Mails of these types are nothing without their link. */
const LINKED: ReadonlySet<MailTemplateType> = new Set([
  'ResetPassword',
  'ActivateUser',
  'InviteToTenant',
  'MagicLink',
  'BulkInvitesToTenant',
])

/** Changes the given fields. @throws 400 for a template that does not parse, and for an address that links must not lead to */
export async function change(ctx: Ctx, { type, ...fields }: MailTemplateChange) {
  const { htmlTemplate, senderEmail, redirectURL } = fields
  if (senderEmail && !isEmail(senderEmail)) throw invalid('senderEmail must be an email')
  if (redirectURL === '' && LINKED.has(type)) throw invalid('redirectURL should not be empty')
  for (const field of ['redirectURL', 'successRedirectUrl'] as const)
    if (fields[field]) await mustBePattern(ctx, field, fields[field])
  for (const field of ['subject', 'fromName', 'htmlTemplate'] as const)
    if (fields[field]) mustParse(field, fields[field], field === 'htmlTemplate' ? 'html' : 'line')
  if (htmlTemplate !== undefined) await mustFit(ctx, type, htmlTemplate)
  const now = ctx.clock.now()
  const data = {
    ...Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, value === '' ? null : value])),
    updatedAt: now,
  }
  const { count } = await ctx.db.mailTemplate.createMany({
    data: [{ id: ctx.random.uuid(), type, createdAt: now, ...data }],
    skipDuplicates: true,
  })
  if (!count) await ctx.db.mailTemplate.updateMany({ where: { type }, data })
}

function mustParse(field: string, text: string, kind: 'html' | 'line') {
  try {
    compile(text, kind)
  } catch (error) {
    throw error instanceof TemplateFault ? invalid(`${field}: ${error.message}`) : error
  }
}

async function mustFit(ctx: Ctx, type: MailTemplateType, html: string) {
  const others = [...(await ownTemplates(ctx)).values()].filter((row) => row.type !== type)
  const length = others.reduce((sum, row) => sum + (row.htmlTemplate?.length ?? 0), html.length)
  if (length > MOST_HTML) throw mailErrors.templatesTooLong()
}

/** @param name its id, or its type @throws 404 when nobody has changed it */
export async function remove(ctx: Ctx, name: string) {
  const { count } = await ctx.db.mailTemplate.deleteMany({ where: isUuid(name) ? { id: name } : { type: name } })
  if (!count) throw mailErrors.templateNotFound()
}
