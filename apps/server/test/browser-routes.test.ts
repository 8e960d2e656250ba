import { createRequire } from 'node:module'
import { expect, test } from 'vitest'
import { unserved } from '../src/unserved.ts'
import { browser, useBrowsers } from './browser.ts'
import { newEnvironment } from './environment.ts'

/** Calls every method of the browser client: each route that it knows is served, or refused with a reason. */
useBrowsers()
const require = createRequire(import.meta.url)

/** What every part of the client inherits, and what calls nothing. */
/** `velo` calls a server of its own. */
const NO_ROUTES = /^velo\.|\.(get|post|put|patch|delete|postDownload|extractHeadersFromOptions)$/
/** Methods that stop at what they are given here, before they call. Each has a test of its own. */
const STOPS_EARLY = [
  'auth.signUp',
  'teams.loadUsers',
  'tenants.getHierarchyMetadata',
  'users.getUsersRoles',
  'users.getUsersUsernames',
  'users.getUsersGroups',
  'applications.getUsersApplicationsId',
  'applications.getApplicationsData',
  'applications.getUsersOfApplications',
]
/** A kind of code, and of file, that there is not. */
const NO_SUCH_ROUTE = /^\/identity\/resources\/auth\/v1\/passwordless\/x\/|^\/audits\/export\/x$/

/** Stands for whatever a method wants to be given. */
const anything: unknown = new Proxy(
  {},
  {
    get(_, name) {
      if (name === Symbol.toPrimitive || name === 'toString' || name === 'join') return () => 'x'
      if (name === Symbol.iterator) return [][Symbol.iterator].bind([])
      if (name === 'toJSON') return () => ({})
      if (name === 'map' || name === 'filter') return () => []
      return typeof name === 'symbol' || name === 'then' ? undefined : 'x'
    },
  },
)

test('every route of the browser client is served, or answers 501 and says what it is', async () => {
  const env = await newEnvironment(),
    permissions = ['fe.secure.*', 'fe.connectivity.*', 'fe.account-settings.read.app'],
    user = await env.newUser({ permissions }),
    { createApiClient } = require('@frontegg/rest-api') as { createApiClient(app: string): Record<string, object> }
  const names = Object.entries(createApiClient(browser(env).app))
    .flatMap(([group, of]) => Object.entries(of).map(([name, value]) => [`${group}.${name}`, value] as const))
    .filter(([name, value]) => typeof value === 'function' && !NO_ROUTES.test(name))
    .map(([name]) => name)
  expect(names.length).toBeGreaterThan(350)

  const walked = await Promise.all(
    names.map(async (name) => {
      // some of them log out
      const at = browser(env),
        [group, method] = name.split('.') as [string, string]
      at.holdToken(await env.userToken(user, { permissions }))
      const call = (createApiClient(at.app)[group] as Record<string, (...args: unknown[]) => unknown>)[method]!
      await (async () => call(anything, anything, anything))().catch(() => undefined)
      return { name, calls: at.calls }
    }),
  )
  expect(walked.filter(({ calls }) => !calls.length).map(({ name }) => name)).toEqual(STOPS_EARLY)
  const found = walked.flatMap(({ calls }) => calls).filter(({ path }) => !NO_SUCH_ROUTE.test(path))
  expect(new Set(found.filter((call) => call.error?.includes('Route not found')))).toEqual(new Set())
  expect(found.filter(({ status }) => status === 500)).toEqual([])
  for (const { method, path, error } of found.filter(({ status }) => status === 501))
    expect(JSON.parse(error!).errors).toEqual([expect.stringContaining(`Henhouse does not serve ${method} ${path}: `)])
}, 60_000)

test('what is not served answers 501 to everybody, with and without /frontegg, and stays out of the way of what is', async () => {
  const env = await newEnvironment()
  for (const path of unserved.flatMap(({ paths }) => paths))
    for (const prefix of ['', '/frontegg']) {
      const url = `${prefix}${path.replace('*', 'a/b').replace(/\{\w+\}/, '1.2.3.4')}?token=secret`
      expect(await env.anonymous('POST', url, {})).toMatchObject({
        status: 501,
        body: { errors: [expect.stringMatching(/^Henhouse does not serve POST [^?]+: \w/)] },
        headers: { 'frontegg-trace-id': expect.any(String) },
      })
    }
  expect((await env.anonymous('GET', '/team/resources/sso/v2/configurations/public')).body).toEqual({ isActive: false })
})
