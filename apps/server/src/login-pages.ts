import { serve, type Api, type PageReply } from '@henhouse/login'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

/* The login page (apps/login). It is a client of the API like any other, but for its calls, which do not leave the process. */

/** Where pages are: for logins that a client has asked for, and where mails lead. */
const PLACES = ['/oauth/account', '/account'] as const
/** The longest field is what an authenticator says. */
const MAX_FORM_BYTES = 256 * 1024

/** Of a browser's request, what its calls of the API need: its cookies, and what says where it comes from. */
const HANDED_ON = /^(?:host|cookie|user-agent|accept-language|forwarded|x-forwarded-.+|x-real-ip|frontegg-vendor-id)$/

export function addLoginPages(app: FastifyInstance) {
  for (const place of PLACES)
    for (const url of [place, `${place}/*`])
      app.route({
        method: ['GET', 'POST'],
        url,
        bodyLimit: MAX_FORM_BYTES,
        handler: async (request, reply) => send(reply, await pageFor(app, place, request, reply)),
      })
}

function pageFor(
  app: FastifyInstance,
  place: string,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<PageReply> {
  // the browser may see a prefix that the server does not; two slashes at the beginning would name a host
  const address = request.originalUrl.replace(/[?#].*$/s, '').replaceAll(/\/{2,}/g, '/'),
    at = address.indexOf(place) + place.length
  return serve({
    method: request.method,
    base: address.slice(0, at),
    path: address.slice(at),
    fields: (request.method === 'POST' ? formIn(request) : request.query) as Record<string, unknown>,
    acceptLanguage: request.headers['accept-language'] ?? '',
    isOurs: isOurs(request),
    api: apiFor(app, request, reply),
    traceId: request.id,
    report: (error) => request.log.error({ err: error, path: address }, 'a page failed'),
  })
}

const formIn = ({ headers, body }: FastifyRequest) =>
  /^application\/x-www-form-urlencoded\b/i.test(headers['content-type'] ?? '') ? (body ?? {}) : {}

/**
 * Whether a form was on a page of this host, or the browser came by a link. Pages cannot choose what these headers say. Over
 * plain http, browsers leave out the first of them.
 */
function isOurs({ method, headers, host }: FastifyRequest) {
  const site = headers['sec-fetch-site']
  if (method === 'GET') return site !== 'cross-site' || headers['sec-fetch-mode'] === 'navigate'
  if (site !== undefined) return site === 'same-origin'
  const { origin } = headers
  return origin !== undefined && URL.canParse(origin) && new URL(origin).host === host
}

/** Calls the API for the browser. What the API says to its cookies is passed on. */
function apiFor(app: FastifyInstance, request: FastifyRequest, reply: FastifyReply): Api {
  const handedOn = Object.fromEntries(Object.entries(request.headers).filter(([name]) => HANDED_ON.test(name)))
  return async (method, path, { body, token, applicationId } = {}) => {
    const response = await app.inject({
      method,
      url: path,
      remoteAddress: request.socket.remoteAddress ?? request.ip,
      headers: {
        ...handedOn,
        // `isOurs` has been asked
        'sec-fetch-site': 'same-origin',
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(applicationId !== undefined && { 'frontegg-requested-application-id': applicationId }),
      },
      ...(body && { payload: body }),
    })
    const cookies = response.headers['set-cookie']
    if (cookies !== undefined) reply.header('set-cookie', cookies)
    const until = response.headers['retry-after']
    return {
      status: response.statusCode,
      body: (response.body === '' ? {} : JSON.parse(response.body)) as never,
      traceId: String(response.headers['frontegg-trace-id']),
      retryAfterSeconds: until === undefined ? undefined : Number(until),
    }
  }
}

const send = (reply: FastifyReply, { status, headers, body }: PageReply) =>
  reply.code(status).headers(headers).send(body)
