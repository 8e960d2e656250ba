import { createRequire } from 'node:module'
import { afterAll, beforeAll } from 'vitest'
import { faultsOfResult } from './client-types.ts'
import { listening, unique, type TestEnvironment } from './environment.ts'

/*
 * Browsers that run the login box's own client, unmodified, against this server on a port. They get a window and a cookie jar,
 * which Node does not have.
 */

const require = createRequire(import.meta.url)
const BROWSER = 'x-test-browser'

interface Call {
  method: string
  path: string
  status: number
  /** the text of a refusal */
  error: string | undefined
}
interface Open {
  jar: Map<string, string>
  calls: Call[]
}
const open = new Map<string, Open>()
let baseUrl = ''

/** A test file that uses browsers calls this once. @returns the server's address */
export function useBrowsers() {
  const realFetch = globalThis.fetch
  beforeAll(async () => {
    baseUrl = await listening()
    // reads the declarations now, which is slow, and not inside a test
    faultsOfResult('auth', 'logout', {})
    Object.assign(globalThis, {
      window: { location: { search: '', href: '' } },
      sessionStorage: { getItem: () => null, setItem: () => {}, removeItem: () => {} },
    })
    // the client calls the global fetch; a header names the browser of the call
    globalThis.fetch = async (input, init) => {
      const headers = new Headers(init?.headers),
        browser = open.get(headers.get(BROWSER) ?? '')
      if (!browser) return realFetch(input, init)
      headers.delete(BROWSER)
      return throughJar(browser, realFetch, input as string, { ...init, headers })
    }
  })
  afterAll(() => {
    globalThis.fetch = realFetch
    Reflect.deleteProperty(globalThis, 'window')
    Reflect.deleteProperty(globalThis, 'sessionStorage')
  })
  return () => baseUrl
}

async function throughJar(
  { jar, calls }: Open,
  realFetch: typeof fetch,
  url: string,
  init: RequestInit & { headers: Headers },
) {
  if (jar.size) init.headers.set('cookie', [...jar].map(([name, value]) => `${name}=${value}`).join('; '))
  const response = await realFetch(url, init)
  calls.push({
    method: init.method ?? 'GET',
    path: new URL(url).pathname.replace(/^\/frontegg/, ''),
    status: response.status,
    error: response.status >= 400 ? await response.clone().text() : undefined,
  })
  for (const cookie of response.headers.getSetCookie()) {
    const [pair = '', ...attributes] = cookie.split(/;\s*/),
      [name = '', value = ''] = pair.split('=')
    if (value === '' || attributes.some((a) => /^max-age=0$/i.test(a) || /^expires=Thu, 01 Jan 1970/i.test(a)))
      jar.delete(name)
    else jar.set(name, value)
  }
  return response
}

/** Where the client's declarations differ from what its code reads, or from the measured reference. These lists may only shrink. */
const MISDECLARED: Record<string, string> = {
  'auth.webAuthnPreLogin': 'the box and the mobile clients read `options` of it',
  'auth.webAuthnCreateNewDeviceSession': 'as above',
  'auth.verifyInviteToken': 'the box reads `name` of it, which it declares to be a text',
  'auth.getCaptchaPolicy': 'where there is none only that is said',
  'auth.getGlobalSecurityPolicy': 'the reference has no dates in it',
  'auth.getIPRestrictions': 'declared to be pages of lists',
  'teams.loadAvailableRoles': 'declared to be a list; the portal reads `items` of it',
  'teams.addUser': 'declared to be a row of the list of members; the reference has a user',
  'applications.getApplicationsData': 'when its integration was finished is nothing until somebody has logged in to it',
  'groups.getGroups': 'the reference has an object around the list',
  'groups.getGroupsByIds': 'as above',
  'roles.addRole': 'takes and gives a list',
  'subTenants.loadAllUsers':
    'declared with no roles of the environment, and only of users who are invisible and superusers and have logged in',
  'tenants.getSubTenants': 'gives a list',
  'users.getUsersV3': 'was measured without roles',
  'users.getUsersUsernames': 'the reference has no `vendorId` in it',
}
/** of permissions */
const NOT_ALWAYS_THERE = /(permissions\.|^)\d+\.description is missing$/

interface Visit {
  applicationId?: string
  headers?: Record<string, string>
}

/** A new browser at an environment. Every result of the client's calls is checked against the client's declarations. */
export function browser(env: Pick<TestEnvironment, 'id'>, { applicationId, headers = {} }: Visit = {}) {
  const { createApiClient, ContextHolder } = require('@frontegg/rest-api') as {
    createApiClient(app: string): Record<string, Record<string, unknown>>
    ContextHolder: any
  }
  const app = unique('app'),
    state: Open = { jar: new Map(), calls: [] },
    holder = ContextHolder.for(app)
  open.set(app, state)
  const more = Object.entries({ 'frontegg-vendor-id': env.id, [BROWSER]: app, ...headers }).map(([key, value]) => ({
    key,
    value,
  }))
  holder.setContext({ baseUrl, appId: applicationId, additionalHeadersResolver: async () => [...more] })
  const client = createApiClient(app)
  const api = new Proxy({} as Record<string, any>, { get: (_, name: string) => checked(client[name]!, name) })
  return {
    app,
    api,
    jar: state.jar,
    calls: state.calls,
    /** the token that the page's scripts hold */
    token: () => holder.getAccessToken() as string | null,
    holdToken(token: string | null) {
      holder.setAccessToken(token)
    },
    /** A call that no method of the client makes, with the same headers and cookies. */
    async call(method: string, path: string, body?: unknown) {
      const response = await fetch(`${baseUrl}/frontegg${path}`, {
        method,
        headers: {
          'content-type': 'application/json',
          [BROWSER]: app,
          'frontegg-vendor-id': env.id,
          ...headers,
          ...(holder.getAccessToken() && { authorization: `Bearer ${holder.getAccessToken()}` }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      })
      const text = await response.text()
      return { status: response.status, body: text ? JSON.parse(text) : null }
    },
  }
}
export type Browser = ReturnType<typeof browser>

const checked = (part: Record<string, unknown>, name: string) =>
  new Proxy(part, {
    get(target, method: string) {
      const call = target[method]
      if (typeof call !== 'function') return call
      return async (...args: unknown[]) => {
        const result: unknown = await call.apply(target, args)
        const faults =
          `${name}.${method}` in MISDECLARED
            ? []
            : faultsOfResult(name, method, result).filter((fault) => !NOT_ALWAYS_THERE.test(fault))
        if (faults.length) throw new Error(`${name}.${method} gave what it should not: ${faults.join('; ')}`)
        return result
      }
    },
  })

let numbers = 5_550_000
/** A phone number that no other test uses. */
export const phone = () => `+1555${numbers++}`
/** A wrong code. */
export const wrongOf = (code: string) => (code === '000000' ? '000001' : '000000')

export interface Received {
  template: string
  to: string
  link: string
  code: string
  text: string
  subject: string
  query: Record<string, string>
}

/** The messages that the emulator holds, newest first. */
export async function received(env: Pick<TestEnvironment, 'id'>, to: string, template?: string): Promise<Received[]> {
  const response = await fetch(
    `${baseUrl}/_emulator/messages?${new URLSearchParams({ environment: env.id, to, ...(template && { template }) })}`,
  )
  const messages = (await response.json()) as Received[]
  return messages.map((one) => ({ ...one, query: one.link ? Object.fromEntries(new URL(one.link).searchParams) : {} }))
}

/** The newest message, with the parameters of its link. */
export async function mailed(env: Pick<TestEnvironment, 'id'>, to: string, template: string): Promise<Received> {
  const [newest] = await received(env, to, template)
  if (!newest)
    throw new Error(
      `no ${template} was sent to ${to}, but ${(await received(env, to)).map((m) => m.template).join(', ') || 'nothing'}`,
    )
  return newest
}
