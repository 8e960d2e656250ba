import type pg from 'pg'

/** What triggers say about the transactions on a database's own connections. */
export interface Changes {
  /**
   * Calls with each text that was told in a transaction, once it is over: committed, rolled back, or lost with its
   * connection. The call comes before the statement that ends the transaction returns.
   */
  subscribe(hear: (text: string) => void): void
  /** Whether a transaction that is not over yet has told this. */
  pending(text: string): boolean
}

/** A trigger tells by `raise info` with this code: Postgres sends it whatever `client_min_messages` says. */
const TOLD = 'HH001'

/** A class of connections that keeps account of what is told on them. */
export function telling(Client: typeof pg.Client): {
  Client: new (config?: string | pg.ClientConfig) => pg.Client
  changes: Changes
} {
  /** the number of open transactions by what they have told */
  const open = new Map<string, number>()
  const hearers = new Set<(text: string) => void>()

  class Telling extends Client {
    readonly #told = new Set<string>()

    constructor(config?: string | pg.ClientConfig) {
      super(config)
      this.on('notice', ({ code, message }) => {
        if (code !== TOLD || message === undefined || this.#told.has(message)) return
        this.#told.add(message)
        open.set(message, (open.get(message) ?? 0) + 1)
      })
      const over = () => this.#over()
      // these listeners come before the connection's other ones, which end the statement
      this.connection.on('readyForQuery', ({ status }: { status: string }) => {
        if (status === 'I') over()
      })
      this.connection.on('error', over).on('end', over)
    }

    #over() {
      if (!this.#told.size) return
      const told = [...this.#told]
      this.#told.clear()
      for (const text of told) {
        const others = open.get(text)! - 1
        if (others) open.set(text, others)
        else open.delete(text)
        for (const hear of hearers) hear(text)
      }
    }
  }

  const changes: Changes = {
    subscribe: (hear) => void hearers.add(hear),
    pending: (text) => open.has(text),
  }
  return { Client: Telling, changes }
}
