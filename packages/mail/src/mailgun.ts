import { baseAddress, isPassing, jsonObject, post, refusal, TIMEOUT } from '@henhouse/outbound'
import { prepared, said, type Mail, type MailProvider } from './mail.ts'

export interface MailgunOptions {
  /** `secret` of the API's Mailgun configuration */
  apiKey: string
  domain: string
  region: 'US' | 'EU'
  /** instead of the region's address */
  baseUrl?: string | undefined
  /** milliseconds, default 10,000 */
  timeoutMs?: number | undefined
}

const HOSTS = { US: 'https://api.mailgun.net', EU: 'https://api.eu.mailgun.net' }

/** Mailgun's Messages API (`POST /v3/{domain}/messages`, Basic `api:key`). Throws a TypeError for a malformed domain or base address. */
export function mailgun(options: MailgunOptions): MailProvider {
  const name = 'mailgun',
    apiKey = options.apiKey.trim()
  if (!/^[a-z0-9-]+(\.[a-z0-9-]+)*$/i.test(options.domain)) throw new TypeError('mailgun: the domain is malformed')
  const url = `${baseAddress(name, options.baseUrl ?? HOSTS[options.region])}/v3/${options.domain}/messages`
  const authorization = `Basic ${Buffer.from(`api:${apiKey}`).toString('base64')}`

  return {
    name,
    async send(unchecked, signal) {
      const mail = prepared(name, unchecked)
      const confidential = { secrets: [apiKey, authorization.slice('Basic '.length)], ...said(mail) }
      const { status, text } = await post(
        name,
        {
          url,
          signal,
          timeoutMs: options.timeoutMs ?? TIMEOUT,
          headers: { authorization },
          body: form(mail),
        },
        confidential,
      )
      const reply = jsonObject(text)
      if (status < 200 || status > 299)
        throw refusal(
          name,
          { status, retryable: isPassing(status), reason: typeof reply.message === 'string' ? reply.message : text },
          confidential,
        )
      return typeof reply.id === 'string' ? { providerMessageId: reply.id } : {}
    },
  }
}

function form(mail: Mail): FormData {
  const fields = new FormData()
  const { name, address } = mail.from
  fields.set('from', name === undefined ? address : `"${name.replace(/["\\]/g, '\\$&')}" <${address}>`)
  fields.set('to', mail.to)
  fields.set('subject', mail.subject)
  if (mail.text !== '') fields.set('text', mail.text)
  if (mail.html !== '') fields.set('html', mail.html)
  fields.set('v:mail_id', mail.id)
  // a tracked link is a rewritten one: the tracker would see, and could open, the secret in it
  for (const tracking of ['o:tracking', 'o:tracking-clicks', 'o:tracking-opens']) fields.set(tracking, 'no')
  return fields
}
