import { createClient, type HenhouseClient } from './client.ts'
import { clockDuration } from './duration.ts'
import type { components } from './generated/seed.ts'
import { call, type Call } from './http.ts'
import { messagesOf, type Messages } from './messages.ts'
import { tokens, type TokenOptions } from './tokens.ts'

/** What an environment starts with: the fields of a seed file. */
export type Seed = components['schemas']['Seed']

/** What POST /_emulator/environments answers with. */
export interface Made {
  id: string
  name: string
  baseUrl: string
  clientId: string
  apiKey: string
}

export interface Login {
  accessToken: string
  refreshToken: string
  expiresIn: number
  [field: string]: unknown
}

export interface Clock {
  /** moves it on by seconds, `15m`, `1h30m`, `2d`, or an ISO 8601 duration; answers with its time */
  advance(by: number | string): Promise<Date>
  set(to: Date | string): Promise<Date>
  freeze(): Promise<Date>
  /** lets a frozen clock go on */
  unfreeze(): Promise<Date>
  /** to the real time */
  reset(): Promise<Date>
}

/** An environment of its own: its users, roles, settings, messages and clock are shared with no other. */
export interface Environment extends Made {
  /** the address of the emulator; `baseUrl` is the environment's own name there */
  readonly url: string
  /** lead a call without a token to this environment */
  readonly headers: { 'frontegg-vendor-id': string }
  /**
   * Logs in with a password. Without an address: the first user of the seed who has one.
   * @throws HenhouseError when the login is refused
   */
  login(email?: string, password?: string): Promise<Login>
  /**
   * The access token of a user, who is made if there is none of this address, and gets a role with these permissions.
   * They are made as well, if there are none of these keys.
   */
  tokenFor(email: string, options?: TokenOptions): Promise<string>
  /** a token of the environment, as its backend has */
  token(): Promise<string>
  /** the typed client of the API; with the token of the environment, or with the one that is given */
  client(token?: string): HenhouseClient
  readonly messages: Messages
  readonly clock: Clock
  /** runs the background jobs that are due; answers with how many there were */
  runJobs(): Promise<number>
  /** goes back to the seed */
  reset(): Promise<void>
  /** deletes it, or resets it if it is the default one */
  end(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** @param url of the emulator */
export function environmentAt(url: string, made: Made, seed: Seed, isDefault: boolean): Environment {
  const { id, clientId, apiKey } = made,
    headers = { 'frontegg-vendor-id': id }
  const control = (path: string, { body, ...rest }: Call = {}) =>
    call(`${url}/_emulator${path}`, { method: 'POST', ...rest, body: { environment: id, ...(body as object) } })
  const api = (path: string, request: Call = {}) =>
    call(url + path, { method: 'POST', ...request, headers: { ...headers, ...request.headers } })

  const authenticated = lately(async () => {
    const { token } = (await api('/auth/vendor', { body: { clientId, secret: apiKey } })) as { token: string }
    return token
  })
  const users = tokens(api, authenticated.get, seed)
  const steer = async (body: object) => {
    authenticated.forget()
    return new Date(((await control('/clock', { body })) as { now: string }).now)
  }
  const remove = async () => {
    if (isDefault) await reset()
    else await call(`${url}/_emulator/environments/${id}`, { method: 'DELETE' })
  }
  const reset = async () => {
    await control('/reset')
    authenticated.forget()
    users.forget()
  }
  return {
    ...made,
    url,
    headers,
    login: users.login,
    tokenFor: users.tokenFor,
    token: authenticated.get,
    client: (token) => createClient({ baseUrl: url, token: token ?? authenticated.get, headers }),
    messages: messagesOf(url, id),
    clock: {
      advance: async (by) => steer({ advance: clockDuration(by) }),
      set: (to) => steer({ set: new Date(to).toISOString() }),
      freeze: () => steer({ freeze: true }),
      unfreeze: () => steer({ freeze: false }),
      reset: () => steer({ reset: true }),
    },
    runJobs: async () => ((await control('/jobs/run')) as { run: number }).run,
    reset,
    end: remove,
    [Symbol.asyncDispose]: remove,
  }
}

/** Keeps what was got until it is forgotten, or for a minute: tokens last longer. */
function lately(get: () => Promise<string>) {
  let kept: { value: Promise<string>; at: number } | undefined
  return {
    get: () => {
      if (kept && performance.now() - kept.at < 60_000) return kept.value
      const value = get()
      kept = { value, at: performance.now() }
      value.catch(() => (kept = undefined))
      return value
    },
    forget: () => (kept = undefined),
  }
}
