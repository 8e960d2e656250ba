import { baseAddress, isPassing, jsonObject, post, refusal, TIMEOUT } from '@henhouse/outbound'
import { prepared, said, type SmsProvider } from './sms.ts'

export interface HttpOptions {
  /** where messages are posted to; a query in it is kept */
  url: string
  /** sent along, such as `authorization`; their values never enter a refusal */
  headers?: Readonly<Record<string, string>> | undefined
  /** further fields of the body, such as the sender */
  fields?: Readonly<Record<string, unknown>> | undefined
  /** milliseconds, default 10,000 */
  timeoutMs?: number | undefined
}

/** Throws a TypeError for a malformed address. */
export function checkHttp({ url }: HttpOptions) {
  baseAddress('http', url)
}

/**
 * Any gateway, or a few lines in front of one: a POST of `{ id, to, text }` as JSON, which any 2xx accepts. The id is the
 * `idempotency-key` as well, as many gateways read it. An `id` or `messageId` in the reply is taken for the message's.
 * Throws what `checkHttp` throws.
 */
export function http(options: HttpOptions): SmsProvider {
  const name = 'http',
    { fields = {} } = options
  const headers = Object.fromEntries(
    Object.entries(options.headers ?? {}).map(([key, value]) => [key.toLowerCase(), value]),
  )
  const { url } = options
  checkHttp(options)
  // `Bearer abc` is as secret as its second half
  const secrets = Object.values(headers).flatMap((value) => [value, value.replace(/^\S+\s+/, '')])

  return {
    name,
    async send(unchecked, signal) {
      const sms = prepared(name, unchecked)
      const confidential = { secrets, ...said(sms) }
      const { status, text } = await post(
        name,
        {
          url,
          signal,
          timeoutMs: options.timeoutMs ?? TIMEOUT,
          headers: { 'content-type': 'application/json', 'idempotency-key': sms.id, ...headers },
          body: JSON.stringify({ ...fields, id: sms.id, to: sms.to, text: sms.text }),
        },
        confidential,
      )
      const reply = jsonObject(text)
      if (status < 200 || status > 299)
        throw refusal(
          name,
          {
            status,
            retryable: isPassing(status),
            reason: typeof reply['message'] === 'string' ? reply['message'] : text,
          },
          confidential,
        )
      const id = reply['id'] ?? reply['messageId']
      return typeof id === 'string' ? { providerMessageId: id } : {}
    },
  }
}
