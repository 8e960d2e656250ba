import { lookup as resolve, type LookupAddress } from 'node:dns'
import { request as overHttp, type IncomingHttpHeaders } from 'node:http'
import { request as overHttps } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import type { Readable } from 'node:stream'
import ipaddr from 'ipaddr.js'
import { refusal, type Confidential } from './refusal.ts'

export interface Opening {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  headers?: Readonly<Record<string, string>>
  body?: string | Buffer
  /** milliseconds until the reply begins, and between two pieces of it */
  timeoutMs: number
  /** milliseconds until all of it is here: who answers a byte at a time must not hold us for days */
  wholeMs: number
}
/**
 * Which addresses may be called: `anywhere`, or the public ones and those of these networks (`10.1.0.0/16`, `10.1.2.3`). Not
 * public are those of this machine and its network, of clouds' metadata, and reserved ones.
 */
export type Reach = 'anywhere' | readonly string[]
export interface Opened {
  status: number
  headers: IncomingHttpHeaders
  /** as it arrives; whoever opened it reads it, or destroys it */
  body: Readable
}

/**
 * Calls once, on a connection of its own, and gives the reply as a stream. Redirects are answers. The name is looked up once, and what is looked at is what
 * is connected to, so that it cannot lead elsewhere a moment later.
 * @throws Refused, which names only the kind of fault
 */
export function open(
  reach: Reach,
  provider: string,
  url: string,
  opening: Opening,
  confidential: Confidential,
): Promise<Opened> {
  const { method = 'GET', headers, body, timeoutMs, wholeMs } = opening
  const refuse = (reason: string, retryable: boolean) => refusal(provider, { retryable, reason }, confidential)
  const target = URL.canParse(url) ? new URL(url) : undefined
  if (!target || !['http:', 'https:'].includes(target.protocol))
    return Promise.reject(refuse('the address is not an http(s) address', false))
  const host = target.hostname.replace(/^\[|\]$/g, '')
  if (isIP(host) && !isWithin(reach, host)) return Promise.reject(refuse(NOT_PUBLIC, false))
  return new Promise((opened, failed) => {
    const call = (target.protocol === 'https:' ? overHttps : overHttp)(
      target,
      // a kept connection could be one to a place that only another caller may reach
      { method, headers, timeout: timeoutMs, agent: false, lookup: lookUpWithin(reach) },
      (reply) => {
        running = reply
        opened({ status: reply.statusCode!, headers: reply.headers, body: reply })
      },
    )
    let running: { destroy(error: Error): unknown } = call
    const timer = setTimeout(() => running.destroy(refuse(`no whole answer within ${wholeMs} ms`, true)), wholeMs)
    call.once('close', () => clearTimeout(timer))
    call.once('timeout', () => call.destroy(refuse(`no answer within ${timeoutMs} ms`, true)))
    call.on('error', (error: NodeJS.ErrnoException) => {
      if (error.name === 'Refused') failed(error)
      else if (error.code === 'ENOTPUBLIC') failed(refuse(NOT_PUBLIC, false))
      else failed(refuse(`no connection${error.code === undefined ? '' : ` (${error.code})`}`, true))
    })
    call.end(body)
  })
}

const NOT_PUBLIC = 'the address is not a public one'

/**
 * RFC 6890's special-purpose addresses are not; nor is one of IPv4 in the clothes of IPv6, one outside what is given out to
 * anybody (RFC 4291 §2.4), nor that at which Azure answers its own machines.
 */
export function isPublic(address: string) {
  const one = ipaddr.parse(address)
  if (one.range() !== 'unicast') return false
  return one.kind() === 'ipv6' ? one.match(GIVEN_OUT, 3) : one.toString() !== AZURE
}
const GIVEN_OUT = ipaddr.parse('2000::'),
  AZURE = '168.63.129.16'

const isWithin = (reach: Reach, address: string) =>
  reach === 'anywhere' || isPublic(address) || reach.some((network) => isIn(network, address))

function isIn(network: string, address: string) {
  const [base = '', bits] = network.split('/'),
    start = ipaddr.parse(base),
    one = ipaddr.process(address)
  return (
    start.kind() === one.kind() && one.match(start, bits === undefined ? start.toByteArray().length * 8 : Number(bits))
  )
}

const lookUpWithin =
  (reach: Reach): LookupFunction =>
  (host, options, done) => {
    resolve(host, { ...options, all: true }, (error, found: LookupAddress[]) => {
      if (error) return done(error, '')
      // one private address among public ones is no accident
      if (!found.length || !found.every(({ address }) => isWithin(reach, address)))
        return done(Object.assign(new Error(NOT_PUBLIC), { code: 'ENOTPUBLIC' }), '')
      if (options.all) done(null, found)
      else done(null, found[0]!.address, found[0]!.family)
    })
  }
