/**
 * A message that a provider did not accept. Its text can be logged: it holds no key, no password and nothing secret of
 * the message.
 */
export class Refused extends Error {
  override readonly name = 'Refused'
  /** whether the same message may be accepted later, without anybody changing anything */
  readonly retryable: boolean
  /** the HTTP status or SMTP reply code, when there was a reply */
  readonly status?: number

  constructor(message: string, outcome: { retryable: boolean; status?: number | undefined }) {
    super(message)
    this.retryable = outcome.retryable
    if (outcome.status !== undefined) this.status = outcome.status
  }
}

const LONGEST_REASON = 300

interface Reply {
  status?: number | undefined
  retryable: boolean
  /** what the provider said; untrusted, of any length */
  reason: string
}

/** What logs must not show. */
export interface Confidential {
  /** the provider's keys and passwords */
  secrets: readonly string[]
  /** what the message says, in each of its forms */
  texts?: readonly string[]
  /** words of it that may be shown, such as the recipient's address */
  known?: readonly string[]
}

/** Words a refusal: provider, status and the provider's own reason on one line, cut and cleared of everything confidential. */
export function refusal(provider: string, { status, retryable, reason }: Reply, confidential: Confidential): Refused {
  const said = cleared(oneLine(reason), confidential)
  const bounded = said.length > LONGEST_REASON ? `${said.slice(0, LONGEST_REASON - 1)}…` : said
  return new Refused(
    `${provider}${status === undefined ? '' : ` answered ${status}`}: ${bounded || 'no reason given'}`,
    { retryable, status },
  )
}

/** Whether an HTTP status may change by itself (RFC 9110; 425 is RFC 8470, 429 RFC 6585). */
export const isPassing = (status: number) => status >= 500 || status === 408 || status === 425 || status === 429

/** The text without control characters and line separators, each run of them being one space. */
export const oneLine = (text: string) => text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ').trim()

function cleared(reason: string, { secrets, texts = [], known = [] }: Confidential): string {
  const withoutSecrets = secrets
    .filter((secret) => secret !== '')
    .reduce((text, secret) => text.replaceAll(secret, '***'), reason)
  if (!texts.length) return withoutSecrets
  // Spam filters quote what they object to: links and codes of the message, which log their reader in.
  return withoutSecrets.replace(/[^\s"'<>()]{4,}/g, (word) => {
    const bare = word.replace(/[.,;:!?]+$/, '')
    const telling = /\d|:\/\//.test(bare) && !known.includes(bare)
    return telling && texts.some((text) => text.includes(bare)) ? '***' : word
  })
}
