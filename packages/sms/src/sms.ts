import { oneLine, Refused, type Confidential } from '@henhouse/outbound'

export interface Sms {
  /** 1 to 128 letters, digits, `-` and `_`; the same for every attempt to deliver this message */
  id: string
  /** E.164: `+` and 7 to 15 digits */
  to: string
  /** at most 1600 characters, as ten concatenated parts hold */
  text: string
}

export interface SmsProvider {
  readonly name: string
  /**
   * Hands one message over. Resolves once the provider has accepted it, which is not yet delivery.
   * Delivery is at least once: after a time-out the provider may have accepted the message all the same.
   * Rejects with `Refused` of @henhouse/outbound, and with nothing else.
   */
  send(sms: Sms, signal?: AbortSignal): Promise<{ providerMessageId?: string }>
  /** Ends idle connections and lets running deliveries finish. */
  close?(): Promise<void>
}

const LONGEST_TEXT = 1600

/** The message as it may be handed on: line breaks stay, other control characters become spaces; a malformed number is refused, because it would reach somebody else. */
export function prepared(provider: string, sms: Sms): Sms {
  const refuse = (reason: string) => new Refused(`${provider}: ${reason}`, { retryable: false })
  const text = sms.text.split('\n').map(oneLine).join('\n').trim()
  if (!/^[\w-]{1,128}$/.test(sms.id)) throw refuse("the message's id is malformed")
  if (!isNumber(sms.to)) throw refuse("the recipient's number is malformed")
  if (text === '') throw refuse('the message is empty')
  if (text.length > LONGEST_TEXT) throw refuse(`the message is longer than ${LONGEST_TEXT} characters`)
  return { ...sms, text }
}

export const isNumber = (text: string) => /^\+[1-9]\d{6,14}$/.test(text)

/** What logs must not show of a message. */
export const said = (sms: Sms): Pick<Confidential, 'texts' | 'known'> => ({ texts: [sms.text], known: [sms.to] })
