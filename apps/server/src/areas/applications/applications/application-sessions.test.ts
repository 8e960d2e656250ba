import { describe, expect, test } from 'vitest'
import { newEnvironment, type TestEnvironment } from '../../../../test/environment.ts'
import { claimsOf, PASSWORD } from '../../../../test/second-factors.ts'

const url = '/applications/resources/applications',
  users = '/identity/resources/applications/v1',
  auth = '/identity/resources/auth/v1/user'

/** A user who is let into a managed application of their account, and a browser at it. */
async function admitted() {
  const env = await newEnvironment(),
    user = await env.newUser({ password: PASSWORD }),
    { tenantId } = user
  const { id: appId } = (
    await env.vendor('POST', `${url}/v1`, {
      name: 'Shop',
      appURL: 'https://shop.example',
      loginURL: 'https://shop.example/login',
      accessType: 'MANAGED_ACCESS',
    })
  ).body
  expect((await env.vendor('POST', `${url}/tenant-assignments/v1/${appId}`, { tenantId })).status).toBe(201)
  expect((await env.vendor('POST', users, { appId, tenantId, userIds: [user.id] })).status).toBe(201)
  const at = env.client({ 'frontegg-requested-application-id': appId })
  return {
    env,
    user,
    tenantId,
    appId: appId as string,
    login: () => at('POST', auth, { email: user.email, password: PASSWORD }),
    refresh: (refreshToken: string, tenant?: string) =>
      at('POST', `${auth}/token/refresh`, { refreshToken, ...(tenant !== undefined && { tenantId: tenant }) }),
  }
}
type Admitted = Awaited<ReturnType<typeof admitted>>
const losses: Record<string, (at: Admitted) => Promise<{ status: number }>> = {
  'the user is taken out of it': ({ env, user, tenantId, appId }) =>
    env.vendor('DELETE', users, { appId, tenantId, userIds: [user.id] }),
  'the account loses it': ({ env, tenantId, appId }) =>
    env.vendor('DELETE', `${url}/tenant-assignments/v1/${appId}/${tenantId}`),
  'it is switched off': ({ env, appId }) => env.vendor('PATCH', `${url}/v1/${appId}`, { isActive: false }),
  'it is deleted': ({ env, appId }) => env.vendor('DELETE', `${url}/v1/${appId}`),
  'the user is disabled in the account': ({ env, user, tenantId }) =>
    env.as(tenantId)('POST', `/identity/resources/tenants/users/v1/${user.id}/disable`),
  'the user leaves the account': ({ env, user, tenantId }) =>
    env.as(tenantId)('DELETE', `/identity/resources/users/v1/${user.id}`),
  'the account is deleted': ({ env, tenantId }) => env.vendor('DELETE', `/tenants/resources/tenants/v1/${tenantId}`),
}

describe.concurrent('a session of an application', () => {
  test('says so in every token, whichever account it is in', async () => {
    const { env, user, tenantId, appId, login, refresh } = await admitted(),
      other = await env.newTenant()
    await env.vendor('POST', `/identity/resources/users/v1/${user.id}/tenant`, {
      tenantId: other,
      skipInviteEmail: true,
    })
    const first = await login()
    expect(claimsOf(first.body.accessToken)).toMatchObject({ aud: appId, applicationId: appId, tenantId })
    // the other account does not have it
    expect((await refresh(first.body.refreshToken, other)).status).toBe(401)
    await env.vendor('POST', `${url}/tenant-assignments/v1/${appId}`, { tenantId: other, accessType: 'FREE_ACCESS' })
    const second = await refresh((await login()).body.refreshToken, other)
    expect(claimsOf(second.body.accessToken)).toMatchObject({ aud: appId, applicationId: appId, tenantId: other })
    const own = await env.withToken(second.body.accessToken)('POST', '/identity/resources/users/v3/me/token', {
      tenantId,
    })
    expect(claimsOf(own.body.accessToken)).toMatchObject({ aud: appId, applicationId: appId, tenantId })
    expect(
      claimsOf((await env.anonymous('POST', auth, { email: user.email, password: PASSWORD })).body.accessToken),
    ).toMatchObject({ aud: env.id })
  })

  test.for(Object.entries(losses))('goes on no longer when %s, and none begins', async ([, lose]) => {
    const at = await admitted(),
      { refreshToken } = (await at.login()).body
    const next = await at.refresh(refreshToken)
    expect(next.status).toBe(201)
    expect([200, 201, 204]).toContain((await lose(at)).status)
    expect((await at.refresh(next.body.refreshToken)).status).toBe(401)
    expect([401, 403, 404]).toContain((await at.login()).status)
  })

  test("goes on when the application, or the account's share in it, is opened to all", async () => {
    const { env, user, tenantId, appId, login, refresh } = await admitted(),
      { refreshToken } = (await login()).body
    await env.vendor('PUT', `${url}/tenant-assignments/v1/${appId}/${tenantId}`, { accessType: 'FREE_ACCESS' })
    await env.vendor('DELETE', users, { appId, tenantId, userIds: [user.id] })
    const next = await refresh(refreshToken)
    expect(next.status).toBe(201)
    await env.vendor('PATCH', `${url}/v1/${appId}`, { accessType: 'FREE_ACCESS' })
    await env.vendor('DELETE', `${url}/tenant-assignments/v1/${appId}/${tenantId}`)
    expect((await refresh(next.body.refreshToken)).status).toBe(201)
  })

  test('that begins while the user is taken out goes on no longer', async () => {
    const at = await admitted()
    const [answers] = await Promise.all([
      Promise.all(Array.from({ length: 6 }, () => at.login())),
      losses['the user is taken out of it']!(at),
    ])
    for (const answer of answers) {
      expect([200, 403]).toContain(answer.status)
      if (answer.status === 200) expect((await at.refresh(answer.body.refreshToken)).status).toBe(401)
    }
  })
})

describe.concurrent('an application that becomes the default', () => {
  test('is what new users and new accounts are let into, and no longer once it is not', async () => {
    const env: TestEnvironment = await newEnvironment()
    const { id: appId } = (
      await env.vendor('POST', `${url}/v1`, {
        name: 'Shop',
        appURL: 'https://shop.example',
        loginURL: 'https://shop.example/login',
        accessType: 'MANAGED_ACCESS',
        isDefault: true,
      })
    ).body
    const tenant = (await env.vendor('POST', '/tenants/resources/tenants/v1', { name: 'Acme' })).body.tenantId
    const user = (await env.as(tenant)('POST', '/identity/resources/users/v2', { email: 'a@example.com' })).body
    expect((await env.vendor('GET', `${users}/${appId}/users`)).body).toEqual([user.id])
    expect((await env.vendor('GET', `${url}/tenant-assignments/v1/${appId}`)).body).toEqual({ tenantIds: [tenant] })
    expect((await env.vendor('DELETE', `${url}/v1/${appId}`)).status).toBe(400)
    await env.vendor('PATCH', `${url}/v1/${appId}`, { isDefault: false })
    expect((await env.vendor('GET', `${url}/v1/default`)).status).toBe(404)
    expect(await env.as(tenant)('POST', '/identity/resources/users/v2', { email: 'b@example.com' })).toMatchObject({
      status: 403,
      body: { errors: ['Application ID is not specified'], errorCode: 'ER-00008' },
    })
    expect((await env.vendor('DELETE', `${url}/v1/${appId}`)).status).toBe(200)
  })
})
