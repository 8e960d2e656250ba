import { isPassing, jsonObject, outbound, refusal } from '@henhouse/outbound'
import type { Ctx } from '../../../../kernel/operation.ts'

/** Somebody waits for it. */
export const TIMEOUT = 10_000

interface Call {
  /** in logs */
  source: string
  url: string
  /** the operator has chosen the address, not an environment's administrator */
  isConfigured?: boolean
  headers?: Record<string, string>
  /** absent: it is a GET */
  json?: object
  form?: Record<string, string>
  /** passwords, keys and tokens, which a log must not show */
  secrets: readonly string[]
}
export interface Answer {
  readonly status: number
  readonly json: Record<string, unknown>
}

/**
 * Asks a source. Where calls do not go anywhere, its address must be `https`: a password is sent there.
 * @throws Refused, without any of the secrets
 */
export async function call(ctx: Ctx, { source, url, isConfigured = false, headers, json, form, secrets }: Call) {
  const way = isConfigured ? outbound('anywhere') : ctx.deps.outbound,
    body = json ? JSON.stringify(json) : form && new URLSearchParams(form).toString()
  if (way.reach !== 'anywhere' && !url.startsWith('https:'))
    throw refusal(source, { retryable: false, reason: 'the address is not an https address' }, { secrets })
  const { status, text } = await way.call(
    source,
    url,
    {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        accept: 'application/json',
        ...(json && { 'content-type': 'application/json' }),
        ...(form && { 'content-type': 'application/x-www-form-urlencoded' }),
        ...headers,
      },
      ...(body !== undefined && { body }),
      timeoutMs: TIMEOUT,
    },
    { secrets },
  )
  return { status, json: jsonObject(text) }
}

/** What a source's answer is that says neither yes nor no. */
export function failed(source: string, { status, json }: Answer, secrets: readonly string[]) {
  const { error, error_description: description, message } = json
  const reason = [description, message, error].find((one) => typeof one === 'string') ?? ''
  return refusal(source, { status, retryable: isPassing(status), reason }, { secrets })
}
