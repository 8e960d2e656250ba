/** What the emulator answered, when that was not what the call needs. */
export class HenhouseError extends Error {
  override readonly name = 'HenhouseError'
  readonly status: number
  readonly body: unknown
  constructor(what: string, status: number, body: unknown) {
    super(`${what} answered ${status}: ${JSON.stringify(body)}`)
    this.status = status
    this.body = body
  }
}

export interface Call {
  method?: string
  headers?: Record<string, string>
  body?: unknown
}

/**
 * Calls the emulator, and returns the body of its reply.
 * @throws HenhouseError unless it answers with a 2xx
 */
export async function call(url: string, { method = 'GET', headers = {}, body }: Call = {}): Promise<unknown> {
  const response = await fetch(url, {
    method,
    headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const text = await response.text(),
    reply = parsed(text)
  if (!response.ok) throw new HenhouseError(`${method} ${new URL(url).pathname}`, response.status, reply)
  return reply
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text || undefined
  }
}
