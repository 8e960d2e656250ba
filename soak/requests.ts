import { setTimeout as pause } from 'node:timers/promises'
import type { Chance } from '../apps/server/test/chance.ts'
import type { Fault } from './world.ts'

export interface Call {
  /** POST when absent */
  method?: 'GET' | 'PATCH' | 'DELETE'
  path: string
  body?: object
  token?: string
  tenantId?: string
}
export interface Answer {
  status: number
  body: any
}
export interface Settled extends Answer {
  /** an earlier attempt had no answer: it may have been done */
  doubt: boolean
}

/** An answer may take as long as two waits for a connection. */
const PATIENCE_MS = 30_000
const LIMIT_MS = 120_000

/** A client that has a replica chosen for each request, as by a load balancer. It counts the answers in `tally`. */
export function requests(bases: readonly string[], { oneOf, below }: Chance, tally: Map<string, number>, fault: Fault) {
  const count = (what: string) => tally.set(what, (tally.get(what) ?? 0) + 1)

  /** Sends it once. `lost`: nobody knows whether it was done; `unreached`: it was not. */
  async function attempt(call: Call): Promise<Answer | 'lost' | 'unreached'> {
    try {
      const { headers, ...answer } = await send(oneOf(bases), call)
      count(`${Math.floor(answer.status / 100)}xx`)
      if (answer.status < 500) return answer
      if (answer.status !== 503) fault('a request was answered by an error of the server', { call, answer })
      else if (!headers.has('retry-after')) fault('a 503 does not say when to come again', call)
    } catch (error) {
      if ((error as Error).name === 'TimeoutError') fault('a request was not answered', call)
      count('lost')
      if (((error as Error).cause as { code?: string } | undefined)?.code === 'ECONNREFUSED') return 'unreached'
    }
    return 'lost'
  }

  /** Sends it until there is an answer. */
  async function ask(call: Call): Promise<Settled> {
    const limit = performance.now() + LIMIT_MS
    for (let doubt = false; performance.now() < limit; await pause(50 + below(150))) {
      const answer = await attempt(call)
      if (typeof answer === 'object') return { ...answer, doubt }
      doubt ||= answer === 'lost'
    }
    throw new Error(`${call.path} was not answered within two minutes`)
  }
  return { attempt, ask }
}

async function send(base: string, { method, path, body, token, tenantId }: Call) {
  const response = await fetch(base + path, {
    method: method ?? 'POST',
    headers: {
      ...(body && { 'content-type': 'application/json' }),
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(tenantId !== undefined && { 'frontegg-tenant-id': tenantId }),
    },
    ...(body && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(PATIENCE_MS),
  })
  const text = await response.text()
  return {
    status: response.status,
    headers: response.headers,
    body: text === '' ? null : (JSON.parse(text) as unknown),
  }
}
