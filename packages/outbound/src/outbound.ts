import { Resolver } from 'node:dns/promises'
import { TIMEOUT } from './http.ts'
import { open, type Opened, type Opening, type Reach } from './open.ts'
import { Refused, type Confidential } from './refusal.ts'

const MOST_READ = 64 * 1024

export interface Call {
  method?: NonNullable<Opening['method']>
  headers?: Readonly<Record<string, string>>
  body?: string | Buffer
  /** milliseconds for the whole exchange, default 10,000 */
  timeoutMs?: number
  /** bytes of the reply that are read, default 64 KiB */
  mostBytes?: number
}
export interface Called {
  status: number
  headers: Headers
  /** as far as it arrived, and no more than `mostBytes` */
  text: string
}

/** The way to addresses that somebody else has chosen, such as an administrator or a discovery document. */
export interface Outbound {
  readonly reach: Reach
  /** Calls once. Redirects are answers. @throws Refused without an answer, or for an address that must not be called */
  call(name: string, url: string, call?: Call, confidential?: Confidential): Promise<Called>
  /** The names that a host name is an alias of (CNAME, RFC 1034 §3.6.2); none for one that is no alias, or is not there. */
  aliasesOf(host: string): Promise<string[]>
  /** The same, for a reply that is too long to be held. */
  open(name: string, url: string, opening: Opening, confidential: Confidential): Promise<Opened>
}

/** One rule for all such calls of a server: see `Reach`. */
export const outbound = (reach: Reach): Outbound => ({
  reach,
  aliasesOf: (host) => new Resolver({ timeout: TIMEOUT / 4, tries: 2 }).resolveCname(host).catch(() => []),
  open: (name, url, opening, confidential) => open(reach, name, url, opening, confidential),
  async call(name, url, { timeoutMs = TIMEOUT, mostBytes = MOST_READ, ...rest } = {}, confidential = { secrets: [] }) {
    const { status, headers, body } = await open(
      reach,
      name,
      url,
      { ...rest, timeoutMs, wholeMs: timeoutMs },
      confidential,
    )
    return { status, headers: headersOf(headers), text: await beginning(body, mostBytes) }
  },
})

function headersOf(received: Opened['headers']) {
  const headers = new Headers()
  for (const [name, value] of Object.entries(received))
    for (const one of [value ?? []].flat()) headers.append(name, one)
  return headers
}

async function beginning(body: Opened['body'], most: number) {
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      chunks.push(chunk)
      size += chunk.length
      if (size >= most) break
    }
  } catch (error) {
    // our own limit of time; of a reply that broke off, what arrived will do
    if (error instanceof Refused) throw error
  }
  return Buffer.concat(chunks).toString('utf8', 0, most)
}
