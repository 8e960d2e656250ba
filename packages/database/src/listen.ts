import { randomUUID } from 'node:crypto'
import pg from 'pg'

/** What is to be done with what is heard. */
export interface Hearer {
  heard(text: string): void
  /** From here on everything is heard; something may have been missed before. */
  connected(): void
  /** Nothing is heard, or not for sure, until the next call of `connected`. */
  lost(error: unknown): void
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
 * hands connections on between statements accepts it and lets nothing through: so each connection first has to hear a word
 * that is sent on another one.
 * @param notify sends a text on the channel, on another connection
 * @returns ends it
 */
export function listen(
  url: string,
  channel: string,
  { heard, connected, lost, caughtUp }: Hearer,
  notify: (text: string) => Promise<unknown>,
): () => Promise<void> {
  const { pause, wake } = alarm()
  let closed = false

  async function hear(client: pg.Client, onConnected: () => void) {
    // lost: the next question fails
    client.on('error', wake).on('end', wake)
    await client.connect()
    await client.query(`listen ${client.escapeIdentifier(channel)}`)
    const word = `hears ${randomUUID()}`
    let isProven = false
    client.on('notification', ({ payload = '' }) => {
      if (payload !== word) return heard(payload)
      isProven = true
      wake()
    })
    await notify(word)
    if (!isProven) await pause(PATIENCE_MS)
    if (!isProven) throw new Error('what is notified does not arrive')
    onConnected()
    while (!closed) {
      const at = performance.now()
      await client.query('select')
      caughtUp(at)
      if (!closed) await pause(QUIET_MS)
    }
  }

  async function goOn() {
    for (let wait = SHORTEST_PAUSE_MS; !closed; wait = Math.min(2 * wait, LONGEST_PAUSE_MS)) {
      const client = connectionFor(url)
      await hear(client, () => {
        wait = SHORTEST_PAUSE_MS
        connected()
      }).catch((error: unknown) => {
        if (!closed) lost(error)
      })
      const ended = client.end().catch(() => {})
      await (closed ? ended : pause(wait))
    }
  }
  const done = goOn()
  return async () => {
    closed = true
    wake()
    await done
  }
}

const connectionFor = (url: string) =>
  new pg.Client({
    connectionString: url,
    keepAlive: true,
    connectionTimeoutMillis: PATIENCE_MS,
    query_timeout: PATIENCE_MS,
  })

/** Pauses that can be cut short. */
function alarm() {
  let ring = () => {}
  return {
    pause: (ms: number) =>
      new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms)
        ring = () => {
          clearTimeout(timer)
          resolve()
        }
      }),
    wake: () => ring(),
  }
}
