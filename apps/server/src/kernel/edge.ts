import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { ApiError, envelope, errors } from './errors.ts'

/*
 * Where HTTP itself ends a request, before there is an operation or when there may be none any more: how much and for how
 * long it may send, and that the refusal has the form of every error.
 */

/** Node's own 16 KiB would not hold the largest tokens; proxies have limits of their own. */
const MAX_HEADER_BYTES = 64 * 1024
/** A whole request, and its headers alone. A connection that sends nothing counts as one, too. */
const REQUEST_MS = 30_000
const HEADERS_MS = 15_000
/** A reply that is followed by a reset at once may never be read. */
const LINGER_MS = 1000

export const edge = {
  requestTimeout: REQUEST_MS,
  http: {
    maxHeaderSize: MAX_HEADER_BYTES,
    requestTimeout: REQUEST_MS,
    headersTimeout: HEADERS_MS,
    // how often Node looks for what is late
    connectionsCheckingInterval: 1000,
    // Node's own refusal has no body: `mustName` refuses in its place
    requireHostHeader: false,
  },
  // Fastify's own refusal has another form: `guardEdge` refuses in its place
  return503OnClosing: false,
  clientErrorHandler,
}

/** What is wrong with what arrives, in Node's words. */
const refusals: Readonly<Record<string, ApiError>> = {
  HPE_HEADER_OVERFLOW: new ApiError(431, undefined, ['Request headers are too large']),
  HPE_CHUNK_EXTENSIONS_OVERFLOW: new ApiError(413, undefined, ['Request is too large']),
  ERR_HTTP_REQUEST_TIMEOUT: new ApiError(408, undefined, ['Request timed out']),
}
const badRequest = () => new ApiError(400, undefined, ['Bad request'])

/** There is no request to reply to, only the connection. */
function clientErrorHandler(error: NodeJS.ErrnoException, socket: Socket) {
  if (!socket.writable) return
  // Node's own: the reply that is being written there
  const { _httpMessage: current } = socket as Socket & { _httpMessage?: ServerResponse }
  if (error.code === 'ECONNRESET' || current?.headersSent) {
    socket.destroy()
    return
  }
  const refusal = refusals[error.code ?? ''] ?? badRequest(),
    { status } = refusal,
    { headers, body } = written(refusal)
  const lines = Object.entries({ connection: 'close', ...headers }).map(([name, value]) => `${name}: ${value}`)
  socket.end([`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, ...lines, '', body].join('\r\n'))
  setTimeout(() => socket.destroy(), LINGER_MS).unref()
}

/** Refuses requests on connections that are still open when the server ends, and requests that name no host. */
export function guardEdge(app: FastifyInstance) {
  let ending = false
  app.addHook('preClose', async () => {
    ending = true
  })
  app.addHook('onRequest', async (request) => {
    if (ending) throw errors.unavailable()
    mustName(request)
  })
  app.server.on('checkExpectation', (_request: IncomingMessage, response: ServerResponse) => {
    const { headers, body } = written(new ApiError(417, undefined, ['Expectation failed']))
    response.writeHead(417, headers).end(body)
  })
}

const written = (error: ApiError) => {
  const body = JSON.stringify(envelope(error))
  return {
    body,
    headers: {
      'cache-control': 'no-store',
      'content-type': 'application/json; charset=utf-8',
      'content-length': String(Buffer.byteLength(body)),
    },
  }
}

/** RFC 9112 §3.2 */
function mustName({ raw: { headers, httpVersion } }: FastifyRequest) {
  if (httpVersion === '1.1' && headers.host === undefined) throw badRequest()
}
