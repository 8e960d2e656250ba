import { domainToASCII } from 'node:url'

export interface Mail {
  /** 1 to 128 letters, digits, `-` and `_`; the same for every attempt to deliver this mail */
  id: string
  from: { address: string; name?: string }
  to: string
  subject: string
  /** either of the two bodies may be empty, not both */
  html: string
  text: string
  /** what the mail's Date header says */
  sentAt: Date
}

export interface MailProvider {
  readonly name: string
  /**
   * Hands one mail over. Resolves once the provider has accepted it, which is not yet delivery.
   * Delivery is at least once: after a time-out the provider may have accepted the mail all the same.
   * Rejects with {@link MailRefused}, and with nothing else.
   */
  send(mail: Mail, signal?: AbortSignal): Promise<{ providerMessageId?: string }>
  /** Ends idle connections and lets running deliveries finish. */
  close?(): Promise<void>
}

/** A mail that was not accepted. The message is fit for logs: it holds no key, password or part of the mail's text. */
export class MailRefused extends Error {
  override readonly name = 'MailRefused'
  /** whether the same mail may be accepted later, without anybody changing anything */
  readonly retryable: boolean
  /** the HTTP status or SMTP reply code, when there was a reply */
  readonly status?: number

  constructor(message: string, outcome: { retryable: boolean; status?: number | undefined }) {
    super(message)
    this.retryable = outcome.retryable
    if (outcome.status !== undefined) this.status = outcome.status
  }
}

/**
 * The mail as it may be put into headers: subject and name on one line, addresses checked and with their
 * domains in ASCII (RFC 5890). Line breaks in a subject or a name become spaces, because they come from
 * data such as a tenant's name, which must not keep a password reset from being sent; an address
 * with anything odd in it is refused, because it would go to somebody else.
 */
export function prepared(provider: string, mail: Mail): Mail {
  const refuse = (reason: string) => new MailRefused(`${provider}: ${reason}`, { retryable: false })
  if (!/^[\w-]{1,128}$/.test(mail.id)) throw refuse('the mail\'s id is malformed')
  if (Number.isNaN(mail.sentAt.getTime())) throw refuse('the mail has no date')
  if (mail.html === '' && mail.text === '') throw refuse('the mail is empty')
  const sender = address(mail.from.address), to = address(mail.to)
  if (sender === undefined) throw refuse('the sender\'s address is malformed')
  if (to === undefined) throw refuse('the recipient\'s address is malformed')
  const name = oneLine(mail.from.name ?? '')
  return { ...mail, from: name === '' ? { address: sender } : { address: sender, name }, to, subject: oneLine(mail.subject) }
}

/** The text without control characters and line separators, each run of them being one space. */
export const oneLine = (text: string) => text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ').trim()

// An addr-spec of RFC 5321 without quoted local parts and address literals, which nobody signs up with
// and which are the hard part of keeping one address from being read as two.
const ADDRESS = /^([^\s\p{C}<>()[\]\\,;:"@]{1,64})@([^\s\p{C}<>()[\]\\,;:"@%/?#]+)$/u

function address(text: string): string | undefined {
  const [, local, domain = ''] = ADDRESS.exec(text) ?? []
  const ascii = domainToASCII(domain)
  const result = `${local}@${ascii}`
  return local !== undefined && /^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/.test(ascii) && result.length <= 254 ? result : undefined
}
