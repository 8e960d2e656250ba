import { gzipSync } from 'node:zlib'
import { outbound } from '@henhouse/outbound'
import { describe, expect, test } from 'vitest'
import { httpDouble, type Received, type Reply } from '../../../../../../packages/outbound/test/http-double.ts'
import { newEnvironment, newServer, unique, type TestEnvironment } from '../../../../test/environment.ts'
import { everythingOf } from '../../../../test/furnished.ts'

const url = '/identity/resources/migrations/v1',
  SECRET = 'the-secret-of-the-auth0-client'

/** What Auth0's Management API v2 says, as far as an export of users needs it. */
async function auth0(
  users: readonly object[],
  changes: Partial<Record<'token' | 'start' | 'state' | 'file', (call: number) => Reply>> = {},
) {
  const calls = { token: 0, start: 0, state: 0, file: 0 },
    json = (status: number, body: object): Reply => ({
      status,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  const usual: Record<keyof typeof calls, (call: number, request: Received) => Reply> = {
    token: () => json(200, { access_token: 'a-token', token_type: 'Bearer', expires_in: 86_400 }),
    start: () => json(200, { id: 'job_1', type: 'users_export', status: 'pending', format: 'json' }),
    // done when it is asked for the second time
    state: (call) =>
      json(200, {
        id: 'job_1',
        status: call < 2 ? 'processing' : 'completed',
        ...(call >= 2 && { location: `${double.url}/export.json.gz` }),
      }),
    file: () => ({
      status: 200,
      body: gzipSync(users.map((user) => `${JSON.stringify(user)}\n`).join('')) as unknown as string,
    }),
  }
  const kindOf = ({ method, target }: Received): keyof typeof calls | undefined => {
    if (method === 'POST' && target === '/oauth/token') return 'token'
    if (method === 'POST' && target === '/api/v2/jobs/users-exports') return 'start'
    if (method === 'GET' && target === '/api/v2/jobs/job_1') return 'state'
    return method === 'GET' && target === '/export.json.gz' ? 'file' : undefined
  }
  const double = await httpDouble((request) => {
    const kind = kindOf(request)
    if (!kind) return { status: 404 }
    const call = ++calls[kind]
    return (changes[kind] ?? usual[kind])(call, request)
  })
  return { ...double, calls, json }
}

const setUp = async (double: { url: string }, more: object = {}) =>
  newEnvironment(await newServer({ auth0Url: double.url, ...more }))
const begin = async (env: TestEnvironment, more: object = {}) => {
  const answer = await env.vendor('POST', `${url}/auth0`, {
    ...{ domain: 'coop.eu.auth0.com', clientId: 'client', secret: SECRET, tenantIdFieldName: 'org' },
    ...more,
  })
  expect(answer, JSON.stringify(answer.body)).toMatchObject({ status: 201, body: { migrationId: expect.any(String) } })
  return answer.body.migrationId as string
}
const status = async (env: TestEnvironment, id: string) =>
  (await env.vendor('GET', `${url}/local/bulk/status/${id}`)).body
/** Runs the jobs of some minutes, as Auth0 is asked again and again. */
async function wait(env: TestEnvironment, times = 6) {
  for (let i = 0; i < times; i++) {
    await env.runJobs()
    await env.clock.advance(60_000)
  }
}

describe('users of Auth0', () => {
  test('come with profile, verified address, metadata and accounts, and without passwords', async () => {
    const tenants = [unique('a'), unique('b')]
    const double = await auth0([
      {
        ...{
          user_id: 'auth0|1',
          email: 'Ada@Example.com',
          email_verified: true,
          name: 'Ada',
          picture: 'https://example.com/a.png',
        },
        ...{ identities: [{ provider: 'auth0' }], phone_number: '+16037184056', phone_verified: true, username: 'ada' },
        ...{ app_metadata: { org: tenants, plan: 'x' }, user_metadata: { likes: 'eggs' } },
      },
      {
        user_id: 'google-oauth2|2',
        email: 'bob@example.com',
        given_name: 'Bob',
        family_name: 'B',
        identities: [{ provider: 'google-oauth2' }],
        app_metadata: { org: tenants[0] },
      },
      {
        user_id: 'auth0|3',
        email: 'cy@example.com',
        blocked: true,
        nickname: 'cy',
        phone_number: '+16037184057',
        app_metadata: { org: tenants[1] },
      },
      { user_id: 'auth0|4', email: 'dee@example.com', app_metadata: {} },
      { user_id: 'auth0|5', email: 'eve@example.com', app_metadata: { org: 'nowhere' } },
      { user_id: 'auth0|6' },
    ])
    const env = await setUp(double)
    for (const tenantId of tenants) await env.vendor('POST', '/tenants/resources/tenants/v1', { tenantId, name: 'T' })
    const id = await begin(env)
    expect(await status(env, id)).toMatchObject({ state: 'pending', total: 0 })
    await wait(env)
    const found = await status(env, id)
    expect(found).toMatchObject({ state: 'completed', total: 7, migrated: 4 })
    expect(
      found.errors.map(({ index, field, email }: { index: number; field: string; email: string }) => [
        index,
        field,
        email,
      ]),
    ).toEqual([
      [4, 'tenantId', 'dee@example.com'],
      [5, 'tenantId', 'eve@example.com'],
      [6, 'tenantId', null],
    ])
    const { db } = await env.context(),
      rows = await db.user.findMany({ orderBy: { email: 'asc' }, include: { memberships: true } })
    expect(rows).toMatchObject([
      {
        ...{
          email: 'ada@example.com',
          verified: true,
          name: 'Ada',
          profilePictureUrl: 'https://example.com/a.png',
          username: 'ada',
        },
        ...{
          externalId: 'auth0|1',
          provider: 'local',
          phoneNumber: '+16037184056',
          passwordHash: null,
          isLocked: false,
        },
        ...{ metadata: '{"likes":"eggs"}', vendorMetadata: JSON.stringify({ org: tenants, plan: 'x' }) },
      },
      { email: 'bob@example.com', verified: false, name: 'Bob B', provider: 'google' },
      { email: 'cy@example.com', isLocked: true, name: 'cy', phoneNumber: null },
    ])
    expect(rows[0]!.memberships.map(({ tenantId }) => tenantId).toSorted()).toEqual(tenants.toSorted())
    // one token and one export for all that was asked
    expect(double.calls).toEqual({ token: 1, start: 1, state: 2, file: 1 })
    expect(JSON.parse(double.received[0]!.body.toString())).toEqual({
      ...{ grant_type: 'client_credentials', client_id: 'client', client_secret: SECRET },
      audience: 'https://coop.eu.auth0.com/api/v2/',
    })
    expect(double.received[1]!.headers.authorization).toBe('Bearer a-token')
    expect(double.received.find(({ target }) => target === '/export.json.gz')!.headers.authorization).toBeUndefined()
    expect(await env.messages()).toEqual([])
  })

  test('may have their account in the metadata of the user', async () => {
    const double = await auth0([
      { email: 'a@example.com', user_metadata: { org: 'coop' }, app_metadata: { org: 'nowhere' } },
      { email: 'b@example.com', user_metadata: { org: 7 } },
    ])
    const env = await setUp(double)
    for (const tenantId of ['coop', '7'])
      await env.vendor('POST', '/tenants/resources/tenants/v1', { tenantId, name: 'T' })
    const id = await begin(env, { isTenantIdOnUserMetadata: true, domain: 'https://coop.eu.auth0.com/' })
    await wait(env)
    expect(await status(env, id)).toMatchObject({ state: 'completed', migrated: 2, errors: [] })
  })

  test('are fetched with credentials that wait sealed, and are gone once the users are here', async () => {
    const double = await auth0([{ email: 'a@example.com', app_metadata: { org: 'coop' } }]),
      env = await setUp(double),
      id = await begin(env)
    const leaks = async () => JSON.stringify(await everythingOf(env.id))
    expect(await leaks()).not.toContain(SECRET)
    await env.runJobs()
    expect(await leaks()).not.toContain('a-token')
    const { db } = await env.context()
    expect((await db.userImport.findFirstOrThrow({ where: { id } })).settings).not.toBeNull()
    await wait(env)
    expect((await db.userImport.findFirstOrThrow({ where: { id } })).settings).toBeNull()
    expect(await db.job.count({ where: {} })).toBe(0)
  })

  test('are not fetched when Auth0 refuses the credentials: the status says why, without them', async () => {
    const double = await auth0([], {
      token: () => ({
        status: 401,
        body: JSON.stringify({ error: 'access_denied', error_description: `Unauthorized: ${SECRET}` }),
      }),
    })
    const env = await setUp(double),
      id = await begin(env)
    await wait(env, 2)
    const found = await status(env, id)
    expect(found).toMatchObject({
      state: 'failed',
      errors: [{ index: null, message: expect.stringContaining('Auth0 answered 401') }],
    })
    expect(JSON.stringify(found)).not.toContain(SECRET)
    expect(double.calls.token).toBe(1)
    expect((await (await env.context()).db.userImport.findFirstOrThrow({ where: { id } })).settings).toBeNull()
  })

  test('are fetched although Auth0 is away for a while, or breaks off in the file', async () => {
    const users = Array.from({ length: 700 }, (_, i) => ({
        email: `u${i}@example.com`,
        app_metadata: { org: 'coop' },
      })),
      packed = gzipSync(users.map((user) => JSON.stringify(user)).join('\n'))
    const double = await auth0([], {
      start: (call) => (call < 3 ? { status: 429 } : { status: 200, body: '{"id":"job_1"}' }),
      file: (call) => ({
        status: 200,
        body: (call < 2 ? packed.subarray(0, packed.length >> 1) : packed) as unknown as string,
      }),
    })
    const env = await setUp(double)
    await env.vendor('POST', '/tenants/resources/tenants/v1', { tenantId: 'coop', name: 'T' })
    const id = await begin(env)
    await wait(env, 10)
    expect(await status(env, id)).toMatchObject({ state: 'completed', total: 700, migrated: 700, errors: [] })
    expect(await (await env.context()).db.user.count({ where: {} })).toBe(700)
  })

  test('are given up when the export fails, or is larger than the server takes', async () => {
    const failing = await auth0([], { state: () => ({ status: 200, body: '{"status":"failed"}' }) }),
      large = await auth0(Array.from({ length: 1000 }, () => ({ email: 'a@example.com' })))
    for (const [double, more, word] of [
      [failing, {}, 'could not export'],
      [large, { mostImportBytes: 10_000 }, 'more than 10000 bytes'],
    ] as const) {
      const env = await setUp(double, more),
        id = await begin(env)
      await wait(env)
      expect(await status(env, id)).toMatchObject({
        state: 'failed',
        migrated: 0,
        errors: [{ message: expect.stringContaining(word) }],
      })
      expect(await (await env.context()).db.userImportPart.count({ where: { rows: { not: null } } })).toBe(0)
    }
  })

  test('are not looked for on private addresses in production, nor at what is no domain', async () => {
    const double = await auth0([])
    // without a configured address, and as in production
    const env = await newEnvironment(await newServer({ outbound: outbound([]) }))
    for (const domain of ['127.0.0.1', 'localhost']) await begin(env, { domain })
    await wait(env, 1)
    const { db } = await env.context()
    for (const row of await db.userImport.findMany({ where: {} }))
      expect(row).toMatchObject({ state: 'failed', error: expect.stringContaining('not a public one') })
    expect(double.received).toEqual([])
    for (const domain of ['', 'x y', 'http://x', 'x.com/path', 'x@y.com', 'a:80', '-x'])
      expect(
        (await env.vendor('POST', `${url}/auth0`, { domain, clientId: 'c', secret: 's', tenantIdFieldName: 't' }))
          .status,
        domain,
      ).toBe(400)
  })
})
