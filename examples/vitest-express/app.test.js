import { expect } from 'vitest'
import { test as base } from 'henhouse/vitest'
import { newApp } from './app.js'

const test = base.extend({
  // what the environment of each test starts with
  seed: {
    tenants: [{ id: 'acme', name: 'Acme' }],
    users: [{ email: 'ada@example.com', password: 'Henhouse-1!', tenants: [{ tenant: 'acme', roles: ['Admin'] }] }],
  },
  /** Calls the app as the holder of a token. */
  get: async ({ env }, use) => {
    let time = new Date()
    const app = newApp({ url: env.url, issuer: env.baseUrl, clientId: env.clientId, now: () => time })
    const server = await new Promise((listening) => {
      const started = app.listen(0, '127.0.0.1', () => listening(started))
    })
    await use(async (path, { token, at } = {}) => {
      time = at ?? new Date()
      const response = await fetch(`http://127.0.0.1:${server.address().port}${path}`, {
        headers: token ? { authorization: `Bearer ${token}` } : {},
      })
      return { status: response.status, body: await response.json() }
    })
    server.close()
  },
})

test('nobody gets in without a token, or with one of another environment', async ({ henhouse, get }) => {
  expect(await get('/me')).toMatchObject({ status: 401 })
  const other = await henhouse.environment()
  const token = await other.tokenFor('ada@example.com')
  expect(await get('/me', { token })).toEqual({ status: 401, body: { error: 'ERR_JWKS_NO_MATCHING_KEY' } })
  await other.end()
})

test('a login is believed', async ({ env, get }) => {
  const { accessToken: token } = await env.login()
  expect(await get('/me', { token })).toEqual({ status: 200, body: { email: 'ada@example.com', tenant: 'acme' } })
})

test('invoices are for those who may read them', async ({ env, get }) => {
  const reader = await env.tokenFor('grace@example.com', { permissions: ['invoices.read'] })
  expect(await get('/invoices', { token: reader })).toEqual({ status: 200, body: [{ id: 1 }] })
  const other = await env.tokenFor('linus@example.com', { permissions: ['invoices.write'] })
  expect(await get('/invoices', { token: other })).toMatchObject({ status: 403 })
})

test('a token ends, and a later login does not', async ({ env, get }) => {
  const { accessToken: old } = await env.login()
  const later = await env.clock.advance('2d')
  expect(await get('/me', { token: old, at: later })).toEqual({ status: 401, body: { error: 'ERR_JWT_EXPIRED' } })
  const { accessToken: fresh } = await env.login()
  expect(await get('/me', { token: fresh, at: later })).toMatchObject({ status: 200 })
})

test('an invited user activates the account by the link in the mail', async ({ env, get }) => {
  await env.client().POST('/identity/resources/users/v2', {
    headers: { 'frontegg-tenant-id': 'acme' },
    body: { email: 'grace@example.com', metadata: '{}' },
  })
  const { link } = await env.messages.next({ to: 'grace@example.com' })
  const { userId, token } = Object.fromEntries(new URL(link).searchParams)
  await env.client('').POST('/identity/resources/users/v1/activate', {
    body: { userId, token, password: 'Henhouse-2!' },
  })
  const { accessToken } = await env.login('grace@example.com', 'Henhouse-2!')
  expect(await get('/me', { token: accessToken })).toMatchObject({ status: 200, body: { email: 'grace@example.com' } })
})
