import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { describe, expect, onTestFinished, test } from 'vitest'
import { newEnvironment, newServer, unique } from '../environment.ts'

/* Whoever imports names the server that is called, and its users write much of what it says. */

const url = '/identity/resources/migrations/v1'

/** A server that exports these users as Auth0 does; `file` may answer otherwise. */
async function exporting(users: readonly object[], file?: (response: ServerResponse) => void) {
  const answers: Record<string, (response: ServerResponse) => void> = {
    '/oauth/token': (response) => response.end('{"access_token":"a-token"}'),
    '/api/v2/jobs/users-exports': (response) => response.end('{"id":"job_1"}'),
    '/api/v2/jobs/job_1': (response) =>
      response.end(JSON.stringify({ status: 'completed', location: `${address()}/export.json.gz` })),
    '/export.json.gz':
      file ?? ((response) => response.end(gzipSync(users.map((user) => JSON.stringify(user)).join('\n')))),
  }
  const server = createServer((request, response) => {
    request.resume()
    answers[request.url!]!(response)
  })
  const address = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return address()
}

async function imported(auth0Url: string, more: object = {}) {
  const env = await newEnvironment(await newServer({ auth0Url, ...more })),
    tenantId = await env.newTenant()
  return {
    env,
    tenantId,
    run: async () => {
      const { body } = await env.vendor('POST', `${url}/auth0`, {
        ...{ domain: 'coop.eu.auth0.com', clientId: 'client', secret: 'secret', tenantIdFieldName: 'org' },
      })
      for (let i = 0; i < 3; i++) {
        await env.runJobs()
        await env.clock.advance(60_000)
      }
      return (await env.vendor('GET', `${url}/local/bulk/status/${body.migrationId as string}`)).body
    },
  }
}

describe('an export that somebody else has written', () => {
  test('takes no more room here than it has itself, however many accounts its users name', async () => {
    const user = { email: 'a@example.com', app_metadata: { org: [...Array(1000).keys()], more: 'x'.repeat(40_000) } }
    const { env, run } = await imported(await exporting([user]), { mostImportBytes: 100_000 })
    expect(await run()).toMatchObject({
      state: 'failed',
      errors: [{ message: expect.stringContaining('100000 bytes') }],
    })
    expect(await (await env.context()).db.userImportPart.count({ where: { rows: { not: null } } })).toBe(0)
  })

  test('is not stopped by a user who has written too much about themselves', async () => {
    const org = unique('t'),
      user = (name: string, more = '{}') =>
        `{"email":"${unique(name)}@example.com","email_verified":true,"app_metadata":{"org":"${org}"},"user_metadata":${more}}`
    const lines = [
      user('long', JSON.stringify({ a: 'x'.repeat(2_000_000) })),
      user('deep', `${'{"a":'.repeat(40_000)}1${'}'.repeat(40_000)}`),
      user('good'),
      user('last', JSON.stringify({ a: 'x'.repeat(2_000_000) })),
    ]
    const { env, run } = await imported(await exporting([], (response) => response.end(gzipSync(lines.join('\n')))))
    await env.vendor('POST', '/tenants/resources/tenants/v1', { tenantId: org, name: 'T' })
    expect(await run()).toMatchObject({
      ...{ state: 'completed', total: 4, migrated: 1 },
      errors: [{ index: 0 }, { index: 1, field: 'metadata' }, { index: 3 }],
    })
    const { db } = await env.context()
    expect(await db.user.count({ where: { email: { startsWith: 'good' } } })).toBe(1)
  })

  test('gives nobody a number to log in with at an address that is not proved', async () => {
    const email = `${unique('owner')}@example.com`,
      org = unique('t'),
      auth0Url = await exporting([
        // somebody has signed up there with the address of another, and a phone of their own
        { email, email_verified: false, phone_number: '+16037184056', phone_verified: true, app_metadata: { org } },
        { email, email_verified: true, app_metadata: { org } },
        { phone_number: '+16037184057', phone_verified: true, username: 'no-address', app_metadata: { org } },
      ])
    const { env, run } = await imported(auth0Url)
    await env.vendor('POST', '/tenants/resources/tenants/v1', { tenantId: org, name: 'T' })
    expect(await run()).toMatchObject({ state: 'completed', migrated: 3 })
    const { db } = await env.context()
    expect(await db.user.findFirst({ where: { email } })).toMatchObject({ phoneNumber: null })
    expect((await db.phoneNumber.findMany({ where: {} })).map((row) => row.phoneNumber)).toEqual(['+16037184057'])
  })
})
