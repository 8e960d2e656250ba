import { describe, expect, test } from 'vitest'
import {
  deps,
  newEnvironment,
  operations,
  unique,
  UNKNOWN_ID,
  type Client,
  type TestEnvironment,
} from './environment.ts'
import { flowOf } from './approvals.ts'
import { wantAccessTokens } from './furnished.ts'
import { fillPath, sampleBody } from './samples.ts'
import { claimsOf } from './second-factors.ts'

type Row = Record<string, unknown>
type Rows = Record<string, Row[]>

const columns = async () =>
  (
    await deps.database.pool.query<{ table: string; name: string }>(
      `select table_name as "table", column_name as name from information_schema.columns where table_schema = current_schema()`,
    )
  ).rows
/** Every row of an environment. */
/** But for `listed`, a copy of what users have: it names the tenant that they are active in. */
async function everythingOf(vendorId: string): Promise<Rows> {
  const tables = (await columns())
    // the audit trail outlasts what it is about
    .filter((column) => column.name === 'vendorId' && column.table !== 'Event')
    .map((column) => column.table)
    .sort()
  const read = async (table: string) =>
    [
      table,
      (
        await deps.database.pool.query<{ row: Row }>(
          `select to_jsonb(t) - 'listed' as row from "${table}" t where "vendorId" = $1 order by 1`,
          [vendorId],
        )
      ).rows.map(({ row }) => row),
    ] as const
  return Object.fromEntries(await Promise.all(tables.map(read)))
}

const ok = async (answer: ReturnType<Client>) => {
  const { status, body } = await answer
  expect([200, 201, 202, 204], JSON.stringify(body)).toContain(status)
  return body
}
const login = (env: TestEnvironment, { email, password }: { email: string; password?: string }, headers = {}) =>
  env.anonymous('POST', '/identity/resources/auth/v1/user', { email, password }, { headers })

/** A tenant with one of everything that tenants have, made over HTTP as far as possible, so that it leaves the same rows as a real one. */
async function furnish(
  env: TestEnvironment,
  tenantId: string,
  above: string,
  appId: string,
  shared: { id: string; email: string },
) {
  const tenant = env.as(tenantId),
    identity = '/identity/resources',
    name = unique('n')
  await ok(
    env.vendor('POST', '/tenants/resources/tenants/v1', {
      tenantId,
      parentTenantId: above,
      alias: `${tenantId}-alias`,
      metadata: { a: 1 },
    }),
  )
  await ok(
    env.vendor('POST', '/tenants/resources/sub-tenants/v1', {
      tenantId: `below-${tenantId}`,
      name: 'Below',
      parentTenantId: tenantId,
    }),
  )
  const [role] = await ok(tenant('POST', `${identity}/roles/v1`, [{ key: name, name, level: 3 }]))
  const permissions = await ok(env.vendor('GET', `${identity}/permissions/v1`))
  await ok(tenant('PUT', `${identity}/roles/v1/${role.id}/permissions`, { permissionIds: [permissions[0].id] }))
  const only = await ok(
    tenant('POST', `${identity}/users/v2`, {
      email: `${unique('only')}@example.com`,
      password: 'Henhouse-1!',
      roleIds: [role.id],
    }),
  )
  await ok(env.vendor('POST', `${identity}/users/v1/${only.id}/verify`))
  await ok(env.vendor('POST', `${identity}/users/v1/${shared.id}/tenant`, { tenantId, skipInviteEmail: true }))
  const group = await ok(tenant('POST', `${identity}/groups/v1`, { name }))
  await ok(tenant('POST', `${identity}/groups/v1/${group.id}/roles`, { roleIds: [role.id] }))
  await ok(tenant('POST', `${identity}/groups/v1/${group.id}/users`, { userIds: [only.id, shared.id] }))
  await ok(env.vendor('POST', `/applications/resources/applications/tenant-assignments/v1/${appId}`, { tenantId }))
  await ok(env.vendor('POST', `${identity}/applications/v1`, { appId, tenantId, userIds: [only.id, shared.id] }))
  await ok(
    env.as(undefined, only.id)('PUT', `${identity}/applications/user-tenants/active/v1`, {
      activeApplicationTenants: [{ applicationId: appId, tenantId }],
    }),
  )
  await ok(
    tenant('POST', `${identity}/configurations/restrictions/v1/email-domain`, { domain: 'example.org', type: 'ALLOW' }),
  )
  await ok(tenant('POST', `${identity}/configurations/v1/restrictions/ip`, { ip: '192.0.2.7', strategy: 'BLOCK' }))
  await ok(tenant('POST', `${identity}/configurations/v1/lockout-policy`, { enabled: true, maxAttempts: 7 }))
  await ok(
    env.as(tenantId, only.id)('POST', `${identity}/tenants/invites/v1/user`, {
      expiresInMinutes: 60,
      shouldSendEmail: false,
    }),
  )
  await ok(tenant('POST', `${identity}/users/bulk/v1/invite`, { users: [{ email: `${unique('bulk')}@example.com` }] }))
  await ok(
    env.as(tenantId, only.id)('PUT', '/team/resources/profile/me/image/v1', {
      profileImage: 'R0lGODlhAwACAIAAAAAAAP///yH5BAEAAAAALAAAAAADAAIAAAIChF8AOw==',
    }),
  )
  for (const [client, path] of [
    [tenant, 'tenants/api-tokens/v2'],
    [env.as(tenantId, only.id), 'users/api-tokens/v1'],
  ] as const) {
    const { clientId, secret } = await ok(client('POST', `${identity}/${path}`, {}))
    await ok(env.anonymous('POST', `${identity}/auth/v2/api-token`, { clientId, secret }))
  }
  await ok(tenant('POST', '/webhook/custom', { url: 'http://127.0.0.1:9/', eventKeys: ['frontegg.group.updated'] }))
  await ok(tenant('PATCH', `${identity}/groups/v1/${group.id}`, { description: 'told to the webhook' }))
  const { id: flowId } = await ok(
    tenant('POST', `${identity}/approval-flows/v1`, flowOf({ emails: [`${unique('approver')}@example.com`] })),
  )
  await ok(env.as(tenantId, only.id)('POST', `${identity}/approval-flows/v1/${flowId}/execute`, {}))
  await ok(wantAccessTokens(env))
  await ok(tenant('POST', `${identity}/tenants/access-tokens/v1`, { roleIds: [role.id] }))
  await ok(env.as(tenantId, only.id)('POST', `${identity}/users/access-tokens/v1`, {}))
  await ok(wantAccessTokens(env, false))
  const session = await login(env, { email: only.email, password: 'Henhouse-1!' })
  expect(session.status).toBe(200)
  const there = await env.anonymous('POST', `${identity}/auth/v1/user/token/refresh`, {
    tenantId,
    refreshToken: (await login(env, { email: shared.email, password: 'Henhouse-1!' })).body.refreshToken,
  })
  expect(there.status).toBe(201)
  return {
    only: only.id as string,
    email: only.email as string,
    refreshToken: session.body.refreshToken as string,
    accessToken: session.body.accessToken as string,
    sharedToken: there.body.refreshToken as string,
  }
}

async function household() {
  const env = await newEnvironment()
  const shared = await env.newUser({ password: 'Henhouse-1!' }),
    above = await env.newTenant('Above')
  const app = await ok(
    env.vendor('POST', '/applications/resources/applications/v1', {
      name: 'App',
      appURL: 'https://a.example',
      loginURL: 'https://a.example/login',
      accessType: 'MANAGED_ACCESS',
    }),
  )
  return { env, shared, above, appId: app.id as string }
}

/** The rows that mention some ids, and the rows that mention the ids of those. */
function closure(rows: Rows, ids: string[], stays: (table: string, row: Row) => boolean) {
  const gone = new Set(ids),
    mentions = (row: Row) => [...gone].some((id) => JSON.stringify(row).includes(`"${id}"`))
  const taken = new Set<Row>()
  for (let grown = true; grown;) {
    grown = false
    for (const [table, all] of Object.entries(rows))
      for (const row of table.startsWith('List') ? [] : all) {
        if (taken.has(row) || stays(table, row) || !mentions(row)) continue
        taken.add(row)
        if (typeof row['id'] === 'string') gone.add(row['id'])
        grown = true
      }
  }
  return taken
}

/** Jobs that say only which request or webhook they are for. They find nothing, and end. */
const LEFT = new Set<unknown>(['end-approval', 'deliver-webhooks'])

describe.concurrent('deleting a tenant', () => {
  test('deletes everything in it, and nothing else in the environment', async () => {
    const { env, shared, above, appId } = await household()
    await furnish(env, 'kept', above, appId, shared)
    const doomed = await furnish(env, 'doomed', above, appId, shared)
    const before = await everythingOf(env.id)
    // a new table that tenants own must be furnished above
    for (const { table, name } of await columns())
      if (name === 'tenantId' && table in before)
        expect(
          before[table]!.filter((row) => row['tenantId'] === 'doomed').length,
          `rows of the tenant in ${table}`,
        ).toBeGreaterThan(0)
    await ok(env.vendor('DELETE', '/tenants/resources/tenants/v1/doomed'))

    const after = await everythingOf(env.id)
    const survives = (table: string, row: Row) =>
      (table === 'Job' && LEFT.has(row['name'])) ||
      (table === 'User' && row['id'] === shared.id) ||
      (table === 'Tenant' && row['id'] !== 'doomed')
    const gone = closure(before, ['doomed', doomed.only], survives)
    for (const [table, rows] of Object.entries(before)) {
      const expected = rows
        .filter((row) => !gone.has(row))
        .map((row) => {
          if (table === 'User' && row['activeTenantId'] === 'doomed') return { ...row, activeTenantId: null }
          return table === 'Tenant' && row['parentId'] === 'doomed'
            ? { ...row, parentId: above, path: [above, row['id']] }
            : row
        })
      expect(after[table], table).toEqual(expected)
    }
    expect(JSON.stringify(after)).not.toMatch(new RegExp(`[":]doomed"|${doomed.only}|${doomed.email}`))
  })

  test('ends the sessions there at once; users with another tenant log in to that one', async () => {
    const { env, shared, above, appId } = await household(),
      doomed = await furnish(env, 'doomed', above, appId, shared)
    const refresh = (refreshToken: string) =>
      env.anonymous('POST', '/identity/resources/auth/v1/user/token/refresh', { refreshToken })
    await ok(env.vendor('DELETE', '/tenants/resources/tenants/v1/doomed'))
    for (const token of [doomed.refreshToken, doomed.sharedToken])
      expect(await refresh(token)).toMatchObject({ status: 401, body: { errors: ['Session not found'] } })
    expect((await login(env, { email: doomed.email, password: 'Henhouse-1!' })).status).toBe(401)
    expect((await env.withToken(doomed.accessToken)('GET', '/identity/resources/users/v2/me')).status).toBe(401)
    const back = await login(env, { email: shared.email, password: 'Henhouse-1!' })
    expect(back.status).toBe(200)
    expect((await env.withToken(back.body.accessToken)('GET', '/identity/resources/users/v2/me')).body).toMatchObject({
      tenantId: shared.tenantId,
    })
  })

  test('leaves its queued jobs without effect', async () => {
    const { env, shared, above, appId } = await household()
    await furnish(env, 'doomed', above, appId, shared)
    await ok(env.vendor('DELETE', '/tenants/resources/tenants/v1/doomed'))
    const before = await everythingOf(env.id)
    await env.runJobs()
    // those that have run are not there any more
    expect({ ...(await everythingOf(env.id)), Job: [] }).toEqual({ ...before, Job: [] })
  })
})

/** No test here changes anything, so all share an environment with a deleted tenant and live tokens for it. */
const shared = await (async () => {
  const { env, shared: user, above, appId } = await household(),
    { only } = await furnish(env, 'doomed', above, appId, user)
  const permissions = ['fe.*'],
    // one whose session ends with the tenant, and one whose session is elsewhere
    sessionId = String(claimsOf(await env.userToken(user))['sid']),
    holders = [{ id: user.id, sessionId }, { id: only }]
  const clients = await Promise.all(
    holders.map(async (who) => env.withToken(await env.userToken({ ...who, tenantId: 'doomed' }, { permissions }))),
  )
  await ok(env.vendor('DELETE', '/tenants/resources/tenants/v1/doomed'))
  return { env, clients, before: await everythingOf(env.id) }
})()

/** These queue a job that has no effect. */
const queuing = new Set(['resetBreachedPasswordsV1'])

describe.concurrent('a token that outlives its tenant', () => {
  const ofTenants = operations.filter(
    (op) => op.auth !== 'vendor' && op.auth !== 'public' && op.tenant && op.tenant !== 'none' && !queuing.has(op.id),
  )
  test.for(ofTenants.map((op) => [op.id, op] as const))('%s is refused, and changes nothing', async ([, op]) => {
    for (const client of shared.clients) {
      const { status, body } = await client(
        op.method,
        fillPath(op, () => UNKNOWN_ID),
        sampleBody(op, true),
      )
      expect([status, body]).toEqual([401, { errors: ['Unauthorized'] }])
    }
    expect(await everythingOf(shared.env.id)).toEqual(shared.before)
  })
})
