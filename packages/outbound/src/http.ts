import { refusal, type Confidential } from './refusal.ts'

/** Milliseconds that one exchange with a provider may take unless an option says otherwise. */
export const TIMEOUT = 10_000

const MOST_READ = 64 * 1024

export interface Request {
  url: string
  headers: Record<string, string>
  body: string | FormData
  /** milliseconds for the whole exchange */
  timeoutMs: number
  signal?: AbortSignal | undefined
}

export interface Answer {
  status: number
  headers: Headers
  /** the first 64 KiB, as far as they arrived: a reply that broke off is still the reply its status says */
  text: string
}

/**
 * Posts once to a carrier's own address, or one that the operator has chosen: any other is for `outbound`. Redirects are
 * answers. Without an answer it throws a Refused, which names only the kind of fault.
 */
export async function post(provider: string, request: Request, confidential: Confidential): Promise<Answer> {
  const { url, headers, body, signal } = request
  const timeout = AbortSignal.timeout(request.timeoutMs)
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers,
      body,
      redirect: 'manual',
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    })
    return { status: response.status, headers: response.headers, text: await beginning(response) }
  } catch (error) {
    if (signal?.aborted)
      throw refusal(provider, { retryable: true, reason: 'the delivery was called off' }, confidential)
    if (timeout.aborted)
      throw refusal(provider, { retryable: true, reason: `no answer within ${request.timeoutMs} ms` }, confidential)
    throw refusal(provider, unreachable(error), confidential)
  }
}

/** The JSON object in a reply's text, or an empty one. */
export function jsonObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

/** Whether it is an address that `outbound` could call at all. Where it may lead is found out by each call. */
export const isWebAddress = (text: string) => URL.canParse(text) && ['http:', 'https:'].includes(new URL(text).protocol)

/** A provider's base address without a slash at its end. Throws a TypeError for a malformed one, without quoting it. */
export function baseAddress(provider: string, address: string): string {
  if (!URL.canParse(address) || !/^https?:$/.test(new URL(address).protocol))
    throw new TypeError(`${provider}: the base address is not an http(s) address`)
  return address.replace(/\/+$/, '')
}

// Only the code is shown: undici's messages can quote a header, and with it the key. Without a cause the request itself
// was impossible, such as one with a line break in its key, and stays so.
function unreachable(error: unknown) {
  const cause = error instanceof Error ? error.cause : undefined
  const code = cause instanceof Error && 'code' in cause ? ` (${String(cause.code)})` : ''
  return cause === undefined
    ? { retryable: false, reason: "the request could not be made; check the provider's settings" }
    : { retryable: true, reason: `no connection${code}` }
}

async function beginning(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  try {
    for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
      chunks.push(chunk)
      size += chunk.length
      if (size >= MOST_READ) break
    }
  } catch {
    // what arrived will do
  }
  return Buffer.concat(chunks).toString('utf8', 0, MOST_READ)
}
