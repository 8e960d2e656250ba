import pg from 'pg'

/** What is to be done with what is heard. */
export interface Hearer {
  heard(text: string): void
  /** From here on everything is heard; something may have been missed before. */
  connected(): void
  /** All that was committed before this moment of `performance.now()` has been heard. */
  caughtUp(at: number): void
}

/** Between two questions whether the connection still works. */
const QUIET_MS = 2000
/** How long to wait for a connection or an answer. */
const PATIENCE_MS = 2000
const SHORTEST_PAUSE_MS = 50,
  LONGEST_PAUSE_MS = 2000

/**
 * Hears what is notified on a channel, on a connection of its own, which is made anew whenever it is lost. A pooler that
 * hands connections on between statements lets nothing be heard.
 * @returns ends it
 */
export function listen(url: string, channel: string, { heard, connected, caughtUp }: Hearer): () => Promise<void> {
  let closed = false
  let wake = () => {}
  const pause = (ms: number) =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })

  async function hear(client: pg.Client, onConnected: () => void) {
    client.on('notification', ({ payload }) => heard(payload ?? ''))
    // lost: the next question fails
    client.on('error', () => wake()).on('end', () => wake())
    await client.connect()
    await client.query(`listen ${client.escapeIdentifier(channel)}`)
    onConnected()
    while (!closed) {
      const at = performance.now()
      await client.query('select')
      caughtUp(at)
      if (!closed) await pause(QUIET_MS)
    }
  }

  const done = (async () => {
    for (let wait = SHORTEST_PAUSE_MS; !closed; wait = Math.min(2 * wait, LONGEST_PAUSE_MS)) {
      const client = new pg.Client({
        connectionString: url,
        keepAlive: true,
        connectionTimeoutMillis: PATIENCE_MS,
        query_timeout: PATIENCE_MS,
      })
      await hear(client, () => {
        wait = SHORTEST_PAUSE_MS
        connected()
      }).catch(() => {})
      const ended = client.end().catch(() => {})
      if (closed) await ended
      else await pause(wait)
    }
  })()
  return async () => {
    closed = true
    wake()
    await done
  }
}
