import { domainToASCII } from 'node:url'
import { oneLine, Refused, type Confidential } from '@henhouse/outbound'

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
   * Rejects with {@link Refused}, and with nothing else.
   */
  send(mail: Mail, signal?: AbortSignal): Promise<{ providerMessageId?: string }>
  /** Ends idle connections and lets running deliveries finish. */
  close?(): Promise<void>
}

/**
 * The mail as it may be put into headers: subject and name on one line, addresses checked and with their
 * domains in ASCII (RFC 5890). Line breaks in a subject or a name become spaces, because they come from
 * data such as a tenant's name, which must not keep a password reset from being sent; an address
 * with anything odd in it is refused, because it would go to somebody else.
 */
export function prepared(provider: string, mail: Mail): Mail {
  const refuse = (reason: string) => new Refused(`${provider}: ${reason}`, { retryable: false })
  if (!/^[\w-]{1,128}$/.test(mail.id)) throw refuse("the mail's id is malformed")
  if (Number.isNaN(mail.sentAt.getTime())) throw refuse('the mail has no date')
  if (mail.html === '' && mail.text === '') throw refuse('the mail is empty')
  const sender = address(mail.from.address),
    to = address(mail.to)
  if (sender === undefined) throw refuse("the sender's address is malformed")
  if (to === undefined) throw refuse("the recipient's address is malformed")
  const name = oneLine(mail.from.name ?? '')
  return {
    ...mail,
    from: name === '' ? { address: sender } : { address: sender, name },
    to,
    subject: oneLine(mail.subject),
  }
}

/** What logs must not show of a mail. */
export const said = (mail: Mail): Pick<Confidential, 'texts' | 'known'> => ({
  texts: [mail.text, mail.html],
  known: [mail.to, mail.from.address],
})

// An addr-spec of RFC 5321 without quoted local parts and address literals, which nobody signs up with
// and which are the hard part of keeping one address from being read as two.
const ADDRESS = /^([^\s\p{C}<>()[\]\\,;:"@]{1,64})@([^\s\p{C}<>()[\]\\,;:"@%/?#]+)$/u

function address(text: string): string | undefined {
  const [, local, domain = ''] = ADDRESS.exec(text) ?? []
  const ascii = domainToASCII(domain)
  const result = `${local}@${ascii}`
  return local !== undefined && /^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/.test(ascii) && result.length <= 254 ? result : undefined
}
