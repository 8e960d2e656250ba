import type { FastifyReply, FastifyRequest } from 'fastify'
import { header } from './authorize.ts'
import type { Deps } from './deps.ts'
import { baseUrl, isAllowedOrigin, type Environment } from './environments.ts'
import { errors } from './errors.ts'
import type { Http, Operation } from './operation.ts'

/**
 * Only our own pages and those of the allowed origins may have cookies read or set. What is no browser says nothing of a page,
 * and passes. @throws 403
 */
export function mustBeHome(deps: Deps, environment: Environment, op: Operation, request: FastifyRequest) {
  if (op.cookies && !(op.navigated && isNavigation(op, request)) && isForeign(deps, environment, request))
    throw errors.foreignPage()
}

/** The browser goes here with its user; the page that sent it learns nothing of what comes. */
const isNavigation = (op: Operation, request: FastifyRequest) =>
  request.method === op.method &&
  header(request, 'sec-fetch-mode') === 'navigate' &&
  header(request, 'sec-fetch-dest') === 'document'

/** Cookies of a request and its reply, for an operation whose calls have passed `mustBeHome`. */
export function cookiesOf(
  deps: Deps,
  op: Operation,
  request: FastifyRequest,
  reply: FastifyReply,
): Pick<Http, 'cookies' | 'setCookie' | 'clearCookie'> {
  // a proxy may speak plain http to us and forget to say that browsers do not
  const secure = request.protocol === 'https' || deps.publicUrl.protocol === 'https:'
  // browsers keep them by host, whatever the port: another emulator there has cookies of the same names
  const ofPort = deps.usualUrl && `_${deps.publicUrl.port || (secure ? 443 : 80)}`
  const namesOf = (name: string) => (ofPort === undefined ? [name] : [name, `${name}${ofPort}`])
  const mustBeDeclared = () => {
    if (!op.cookies) throw new Error(`${op.id} uses cookies, and does not declare them`)
  }
  return {
    cookies(name) {
      mustBeDeclared()
      const isOfSomePort =
        ofPort !== undefined && new RegExp(`(?:^|[;\\s])${name}_\\d+=`).test(request.headers.cookie ?? '')
      return valuesOf(request, isOfSomePort ? `${name}${ofPort}` : name)
    },
    setCookie(name, value, { maxAgeSeconds, sameSite }) {
      mustBeDeclared()
      // browsers refuse SameSite=None on an insecure cookie; over plain http Lax is the widest they take
      for (const each of namesOf(name))
        void reply.setCookie(each, value, {
          path: '/',
          httpOnly: true,
          secure,
          sameSite: !secure && sameSite === 'none' ? 'lax' : sameSite,
          maxAge: maxAgeSeconds,
        })
    },
    clearCookie(name) {
      mustBeDeclared()
      for (const each of namesOf(name)) void reply.clearCookie(each, { path: '/', httpOnly: true, secure })
    },
  }
}

/** A browser calls, and for a page of another site. Pages cannot choose what these headers say. */
function isForeign(deps: Deps, environment: Environment, request: FastifyRequest) {
  const origin = header(request, 'origin'),
    site = header(request, 'sec-fetch-site')
  if (deps.allowedOrigins === '*' || site === 'same-origin') return false
  if (origin === undefined) return site === 'cross-site'
  const own = [
    new URL(baseUrl(deps.publicUrl, environment)).origin,
    ...environment.domains.map((domain) => `https://${domain}`),
  ]
  return !own.includes(origin) && !isAllowedOrigin(deps, environment, origin)
}

/** All that came under this name: a browser may hold one for each domain above it, and other hosts there may set one. */
const valuesOf = (request: FastifyRequest, name: string) =>
  (request.headers.cookie ?? '').split(';').flatMap((pair) => {
    const at = pair.indexOf('=')
    if (at < 0 || pair.slice(0, at).trim() !== name) return []
    const value = pair
      .slice(at + 1)
      .trim()
      .replace(/^"(.*)"$/, '$1')
    try {
      return [decodeURIComponent(value)]
    } catch {
      return [value]
    }
  })
