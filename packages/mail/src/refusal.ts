import { MailRefused, oneLine, type Mail } from './mail.ts'

const LONGEST_REASON = 300

interface Reply {
  status?: number | undefined
  retryable: boolean
  /** what the provider said; untrusted, of any length */
  reason: string
}

/** What must not be read in logs: the provider's secrets and what the mail says. */
export interface Confidential {
  secrets: string[]
  mail?: Mail
}

/** Words a refusal: provider, status and the provider's own reason on one line, cut and cleared of everything confidential. */
export function refusal(provider: string, { status, retryable, reason }: Reply, confidential: Confidential): MailRefused {
  const said = cleared(oneLine(reason), confidential)
  const bounded = said.length > LONGEST_REASON ? `${said.slice(0, LONGEST_REASON - 1)}…` : said
  return new MailRefused(`${provider}${status === undefined ? '' : ` answered ${status}`}: ${bounded || 'no reason given'}`, { retryable, status })
}

/** Whether an HTTP status may change by itself (RFC 9110; 425 is RFC 8470, 429 RFC 6585). */
export const isPassing = (status: number) => status >= 500 || status === 408 || status === 425 || status === 429

function cleared(reason: string, { secrets, mail }: Confidential): string {
  const withoutSecrets = secrets.filter((secret) => secret !== '').reduce((text, secret) => text.replaceAll(secret, '***'), reason)
  if (mail === undefined) return withoutSecrets
  // Spam filters quote what they object to: links and codes of the mail, which log their reader in.
  return withoutSecrets.replace(/[^\s"'<>()]{4,}/g, (word) => {
    const bare = word.replace(/[.,;:!?]+$/, '')
    const telling = /\d|:\/\//.test(bare) && bare !== mail.to && bare !== mail.from.address
    return telling && (mail.text.includes(bare) || mail.html.includes(bare)) ? '***' : word
  })
}
