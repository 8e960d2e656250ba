import type { ServerDeps } from '../src/kernel/deps.ts'
import { logger } from '../src/kernel/log.ts'
import { buildServer } from '../src/server.ts'
import { deps } from './environment.ts'

/** A server, and everything that it logs, at level `trace`. */
export async function loggingServer(changes: Partial<ServerDeps> = {}) {
  const lines: string[] = []
  const server = await buildServer({
    ...deps,
    ...changes,
    log: logger({ level: 'trace', pretty: false, destination: { write: (line) => void lines.push(line) } }),
  })
  return { server, lines }
}

/** Matches a short code as a whole, not inside a longer number or id. */
export const within = (text: string, secret: string) =>
  secret.length > 8 ? text.includes(secret) : new RegExp(`(?<![\\w.+-])${secret}(?![\\w-])`).test(text)
