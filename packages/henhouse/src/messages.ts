import { call } from './http.ts'

/** A mail or text message that the emulator held back. */
export interface Message {
  id: string
  channel: 'email' | 'sms'
  template: string
  to: string
  from: string | null
  subject: string | null
  html: string | null
  text: string | null
  /** the first link in it */
  link: string | null
  /** the code in it */
  code: string | null
  userId: string | null
  tenantId: string | null
  createdAt: string
}

export interface MessageFilter {
  to?: string
  template?: string
  channel?: 'email' | 'sms'
}

export interface Messages {
  /**
   * The oldest message that fits and that `next` has not returned yet. Waits for one.
   * @throws when none has come within `timeout` milliseconds (5000)
   */
  next(filter?: MessageFilter & { timeout?: number }): Promise<Message>
  /** newest first */
  all(filter?: MessageFilter): Promise<Message[]>
}

/** What the emulator waits at most before it answers. */
const LONGEST_WAIT_S = 60

export function messagesOf(url: string, environment: string): Messages {
  const seen = new Set<string>(),
    // of the last message of each filter
    places = new Map<string, string>()
  const find = async (filter: Record<string, string | number | undefined>) => {
    const query = new URLSearchParams({ environment, limit: '1000' })
    for (const [name, value] of Object.entries(filter)) if (value !== undefined) query.set(name, String(value))
    return (await call(`${url}/_emulator/messages?${query}`)) as Message[]
  }
  return {
    all: (filter = {}) => find({ ...filter }),
    async next({ timeout = 5000, to, template, channel } = {}) {
      const filter = { to, template, channel },
        key = JSON.stringify(filter),
        deadline = performance.now() + timeout
      for (;;) {
        const left = Math.max(0, deadline - performance.now()) / 1000
        const since = places.get(key),
          found = await find({ ...filter, since, wait: Math.min(left, LONGEST_WAIT_S) })
        const fresh = found.reverse().find(({ id }) => !seen.has(id)),
          last = fresh ?? found.at(-1)
        if (last) places.set(key, last.id)
        if (fresh) {
          seen.add(fresh.id)
          return fresh
        }
        if (performance.now() >= deadline) throw new Error(await nothing(filter, timeout))
      }
    },
  }

  async function nothing(filter: Record<string, string | undefined>, timeout: number) {
    const others = await find({})
    const asked = Object.entries(filter).flatMap(([name, value]) => (value === undefined ? [] : `${name} ${value}`))
    return [
      `No new message${asked.length ? ` with ${asked.join(', ')}` : ''} within ${timeout} ms.`,
      others.length ? 'There are:' : 'There is none at all.',
      ...others
        .slice(0, 10)
        .map(({ id, template, to }) => `  ${template} to ${to}${seen.has(id) ? ' (returned)' : ''}`),
    ].join('\n')
  }
}
