import { oneLine } from '@henhouse/outbound'
import { DAY, HOUR, MINUTE } from '../../../kernel/clock.ts'
import type { Ctx } from '../../../kernel/operation.ts'
import { compile, type Compiled } from '../templates/language.ts'
import { plainText } from '../templates/plain-text.ts'
import { defaultMail } from './default-mails.ts'
import type { MailData, MailType } from './mail.schemas.ts'
import type { OwnTemplate } from './own-templates.ts'

/** The parts of a template, parsed. */
interface Parts {
  subject: Compiled
  html: Compiled
  /** absent: made of the HTML */
  text?: Compiled
  senderName?: Compiled
}

const defaults = new Map<MailType, Parts>()
/** A row that is kept in memory stays the same object until it changes. */
const own = new WeakMap<OwnTemplate, Parts>()

function defaultParts(type: MailType): Parts {
  let found = defaults.get(type)
  if (!found) {
    const { subject, html, text } = defaultMail(type)
    found = { subject: compile(subject, 'line'), html: compile(html, 'html'), text: compile(text, 'text') }
    defaults.set(type, found)
  }
  return found
}

function partsOf(type: MailType, row: OwnTemplate): Parts {
  let found = own.get(row)
  if (!found) {
    const { html, text, subject } = defaultParts(type)
    found = {
      subject: row.subject === null ? subject : compile(row.subject, 'line'),
      ...(row.htmlTemplate === null ? { html, text: text! } : { html: compile(row.htmlTemplate, 'html') }),
      ...(row.fromName !== null && { senderName: compile(row.fromName, 'line') }),
    }
    own.set(row, found)
  }
  return found
}

/** A mail with its values. One of the environment's templates that cannot be filled, as it gets too long, is replaced by the default. */
export function rendered(ctx: Pick<Ctx, 'log'>, type: MailType, row: OwnTemplate | undefined, data: MailData) {
  if (row)
    try {
      return filled(partsOf(type, row), data)
    } catch (error) {
      ctx.log.error({ err: error, template: type }, 'a mail template could not be filled: the default one was used')
    }
  return filled(defaultParts(type), data)
}

function filled({ subject, html, text, senderName }: Parts, data: MailData) {
  const values = withoutLinks(data),
    page = html(values)
  return {
    subject: subject(data).trim(),
    html: page,
    text: text
      ? `${text(values)
          .replace(/\n{3,}/g, '\n\n')
          .trim()}\n`
      : plainText(page),
    senderName: senderName?.(data).trim() || undefined,
  }
}

/**
 * What somebody else may have written, such as who invites, or who signs up with a stranger's address: it must not become
 * lines or links of our mails.
 */
const WORDS = [
  'name',
  'tenantName',
  'issuerName',
  'approvalFlowName',
  'approvalFlowDescription',
  'device',
  'location',
  'metadata',
  'issuerMetadata',
  'emailMetadata',
]

const withoutLinks = (data: MailData) => ({
  ...data,
  ...Object.fromEntries(WORDS.map((name) => [name, harmless(data[name])])),
})

function harmless(value: unknown): unknown {
  if (typeof value === 'string') return unlinked(oneLine(value))
  if (Array.isArray(value)) return value.map(harmless)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, harmless(part)]))
}

/** Mail programs make links of addresses they find; a zero-width non-joiner (U+200C) after each dot and colon keeps them from it. */
const unlinked = (text: string) => text.replace(/([.:@\u3002\uff0e])(?=\S)/g, '$1\u200c')

/** `7 days`, `24 hours`, `5 minutes`; never more than it is. */
export function spell(ms: number) {
  const unit = ms >= 2 * DAY && ms % DAY === 0 ? DAY : ms >= HOUR && ms % HOUR === 0 ? HOUR : MINUTE,
    count = Math.max(1, Math.floor(ms / unit)),
    name = unit === DAY ? 'day' : unit === HOUR ? 'hour' : 'minute'
  return `${count} ${name}${count === 1 ? '' : 's'}`
}
