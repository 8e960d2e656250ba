import { Refused } from '@henhouse/outbound'
import type { Ctx } from '../../../kernel/operation.ts'
import { signatureOf } from './signature.ts'

/** Milliseconds that a receiver may take. */
export const TIMEOUT = 10_000
/** Of the answer, what is kept. */
const MOST_KEPT = 4096

interface Sending {
  url: string
  /** in clear */
  secret: string | null
  /** what is sent, to the byte */
  body: string
  headers?: Readonly<Record<string, string>>
}
export interface Outcome {
  requestHeaders: Record<string, string>
  /** undefined: there was no answer */
  status?: number
  responseHeaders?: Record<string, string>
  response?: string
  error?: string
  durationMs: number
}

export const isDelivered = ({ status = 0 }: Outcome) => status >= 200 && status < 300

/**
 * Calls a webhook once. What comes back can be shown to whoever manages it: the signature is not in it.
 */
export async function send(ctx: Ctx, { url, secret, body, headers }: Sending): Promise<Outcome> {
  const { outbound, systemClock } = ctx.deps,
    began = systemClock.now().getTime()
  const requestHeaders = { 'content-type': 'application/json', 'user-agent': 'Henhouse', ...headers }
  const signature = secret === null ? undefined : signatureOf(ctx, { kid: 'webhook', secret, body })
  const took = () => Math.max(0, systemClock.now().getTime() - began)
  const shown = { ...requestHeaders, ...(signature !== undefined && { 'x-webhook-secret': '***' }) }
  try {
    const reply = await outbound.call(
      'webhook',
      url,
      {
        method: 'POST',
        headers: { ...requestHeaders, ...(signature !== undefined && { 'x-webhook-secret': signature }) },
        body,
        timeoutMs: TIMEOUT,
        mostBytes: MOST_KEPT,
      },
      { secrets: secret === null ? [] : [secret] },
    )
    return {
      requestHeaders: shown,
      status: reply.status,
      responseHeaders: Object.fromEntries(reply.headers),
      // Postgres stores no NUL
      response: concealed(reply.text.replaceAll('\0', ' '), [secret, signature]),
      durationMs: took(),
    }
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    return { requestHeaders: shown, error: error.message, durationMs: took() }
  }
}

/** A receiver may answer with all that it was sent. */
const concealed = (text: string, secrets: readonly (string | null | undefined)[]) =>
  secrets.reduce<string>((rest, secret) => (secret ? rest.replaceAll(secret, '***') : rest), text)
