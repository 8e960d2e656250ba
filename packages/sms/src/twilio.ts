import { baseAddress, isPassing, jsonObject, post, refusal, TIMEOUT } from '@henhouse/outbound'
import { isNumber, prepared, said, type SmsProvider } from './sms.ts'

interface Sender {
  /** a number of the account, or the name that recipients are shown where their country allows names */
  from: string
}
interface Service {
  /** `MG…`: the service picks the sender */
  messagingServiceSid: string
}

export type TwilioOptions = (Sender | Service) & {
  /** `AC…` */
  accountSid: string
  authToken: string
  /** default `https://api.twilio.com`; other regions have their own, such as `https://api.dublin.ie1.twilio.com` */
  baseUrl?: string | undefined
  /** milliseconds, default 10,000 */
  timeoutMs?: number | undefined
}

/** Throws a TypeError, without quoting it, for a malformed account, sender, service or base address. */
export function checkTwilio(options: TwilioOptions) {
  readTwilio(options)
}

function readTwilio(options: TwilioOptions) {
  const accountSid = options.accountSid.trim()
  if (!isSid('AC', accountSid)) throw new TypeError('twilio: the account is malformed')
  return {
    accountSid,
    sender: senderOf(options),
    base: baseAddress('twilio', options.baseUrl ?? 'https://api.twilio.com'),
  }
}

/**
 * Twilio's Programmable Messaging (`POST /2010-04-01/Accounts/{AccountSid}/Messages.json`, 201 with a `sid`).
 * Throws what `checkTwilio` throws.
 */
export function twilio(options: TwilioOptions): SmsProvider {
  const name = 'twilio',
    authToken = options.authToken.trim(),
    { accountSid, sender, base } = readTwilio(options)
  const url = `${base}/2010-04-01/Accounts/${accountSid}/Messages.json`
  const credentials = Buffer.from(`${accountSid}:${authToken}`).toString('base64')

  return {
    name,
    async send(unchecked, signal) {
      const sms = prepared(name, unchecked)
      const confidential = { secrets: [authToken, credentials], ...said(sms) }
      const { status, text } = await post(
        name,
        {
          url,
          signal,
          timeoutMs: options.timeoutMs ?? TIMEOUT,
          headers: { authorization: `Basic ${credentials}`, 'content-type': 'application/x-www-form-urlencoded' },
          body: new URLSearchParams({ To: sms.to, ...sender, Body: sms.text }).toString(),
        },
        confidential,
      )
      const reply = jsonObject(text)
      if (status < 200 || status > 299)
        throw refusal(name, { status, retryable: isPassing(status), reason: reasonIn(reply) ?? text }, confidential)
      return typeof reply['sid'] === 'string' ? { providerMessageId: reply['sid'] } : {}
    },
  }
}

const isSid = (kind: string, text: string) => text.startsWith(kind) && /^[0-9a-f]{32}$/i.test(text.slice(2))

function senderOf(options: Sender | Service): Record<string, string> {
  if ('messagingServiceSid' in options) {
    const sid = options.messagingServiceSid.trim()
    if (!isSid('MG', sid)) throw new TypeError('twilio: the messaging service is malformed')
    return { MessagingServiceSid: sid }
  }
  const from = options.from.trim()
  // a number, a short code, or an alphanumeric sender id, which has a letter
  if (!isNumber(from) && !/^\d{3,8}$/.test(from) && !/^(?=.*[a-z])[a-z0-9 ]{1,11}$/i.test(from))
    throw new TypeError('twilio: the sender is malformed')
  return { From: from }
}

/** `21211: The 'To' number … is not a valid phone number.` */
function reasonIn({ code, message }: Record<string, unknown>) {
  if (typeof message !== 'string') return undefined
  return typeof code === 'number' ? `${code}: ${message}` : message
}
