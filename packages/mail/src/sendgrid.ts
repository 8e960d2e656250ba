import { baseAddress, isPassing, jsonObject, post, refusal, TIMEOUT } from '@henhouse/outbound'
import { prepared, said, type Mail, type MailProvider } from './mail.ts'

export interface SendgridOptions {
  /** `secret` of the API's SendGrid configuration */
  apiKey: string
  /** default `https://api.sendgrid.com`; accounts in the EU use `https://api.eu.sendgrid.com` */
  baseUrl?: string | undefined
  /** milliseconds, default 10,000 */
  timeoutMs?: number | undefined
}

/** Twilio SendGrid, v3 Mail Send (`POST /v3/mail/send`, 202 with an `X-Message-Id`). Throws a TypeError for a malformed base address. */
export function sendgrid(options: SendgridOptions): MailProvider {
  const name = 'sendgrid',
    apiKey = options.apiKey.trim()
  const url = `${baseAddress(name, options.baseUrl ?? 'https://api.sendgrid.com')}/v3/mail/send`

  return {
    name,
    async send(unchecked, signal) {
      const mail = prepared(name, unchecked)
      const confidential = { secrets: [apiKey], ...said(mail) }
      const { status, headers, text } = await post(
        name,
        {
          url,
          signal,
          timeoutMs: options.timeoutMs ?? TIMEOUT,
          headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
          body: JSON.stringify(message(mail)),
        },
        confidential,
      )
      if (status < 200 || status > 299)
        throw refusal(name, { status, retryable: isPassing(status), reason: reasonIn(text) }, confidential)
      const providerMessageId = headers.get('x-message-id')
      return providerMessageId ? { providerMessageId } : {}
    },
  }
}

const message = (mail: Mail) => ({
  personalizations: [{ to: [{ email: mail.to }] }],
  from: { email: mail.from.address, ...(mail.from.name === undefined ? {} : { name: mail.from.name }) },
  subject: mail.subject,
  // plain text first, as SendGrid demands, and no empty part, which it refuses
  content: [
    { type: 'text/plain', value: mail.text },
    { type: 'text/html', value: mail.html },
  ].filter(({ value }) => value !== ''),
  custom_args: { mail_id: mail.id },
  // a tracked link is a rewritten one: the tracker would see, and could open, the secret in it
  tracking_settings: { click_tracking: { enable: false, enable_text: false }, open_tracking: { enable: false } },
})

function reasonIn(text: string): string {
  const { errors } = jsonObject(text)
  return Array.isArray(errors)
    ? errors.map((error: { message?: string } | null) => error?.message ?? '').join('; ')
    : text
}
