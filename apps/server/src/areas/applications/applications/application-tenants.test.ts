import { describe, expect, test } from 'vitest'
import { newEnvironment, UNKNOWN_ID, type TestEnvironment } from '../../../../test/environment.ts'

const url = '/applications/resources/applications/tenant-assignments'

const make = async (env: TestEnvironment, name = 'Shop'): Promise<string> =>
  (
    await env.vendor('POST', '/applications/resources/applications/v1', {
      name,
      appURL: 'https://shop.example',
      loginURL: 'https://shop.example/login',
      accessType: 'MANAGED_ACCESS',
    })
  ).body.id

describe.concurrent('applications of accounts', () => {
  test('are assigned, listed from both sides, and taken away', async () => {
    const env = await newEnvironment()
    const [shop, blog, tenant, other] = [
      await make(env),
      await make(env, 'Blog'),
      await env.newTenant(),
      await env.newTenant(),
    ]
    expect(await env.as(tenant)('GET', `${url}/v1`)).toMatchObject({
      status: 200,
      body: [{ tenantId: tenant, appIds: [] }],
    })
    expect(await env.vendor('POST', `${url}/v1/${shop}`, { tenantId: tenant })).toMatchObject({
      status: 201,
      body: { tenantId: tenant, appIds: [shop] },
    })
    await env.clock.advance(1000)
    expect(
      await env.vendor('POST', `${url}/v1/${blog}`, { tenantId: tenant, accessType: 'FREE_ACCESS' }),
    ).toMatchObject({ status: 201, body: { tenantId: tenant, appIds: [shop, blog] } })
    await env.vendor('POST', `${url}/v1/${shop}`, { tenantId: other })

    expect((await env.vendor('GET', `${url}/v1/${shop}`)).body).toEqual({ tenantIds: [tenant, other] })
    expect((await env.as(tenant)('GET', `${url}/v1`)).body).toEqual([{ tenantId: tenant, appIds: [shop, blog] }])
    expect((await env.as(tenant)('GET', `${url}/v2`)).body).toEqual([
      {
        tenantId: tenant,
        assignments: [
          { appId: shop, accessType: 'MANAGED_ACCESS' },
          { appId: blog, accessType: 'FREE_ACCESS' },
        ],
      },
    ])

    expect(await env.vendor('DELETE', `${url}/v1/${shop}/${tenant}`)).toMatchObject({ status: 200, body: null })
    expect((await env.vendor('GET', `${url}/v1/${shop}`)).body).toEqual({ tenantIds: [other] })
    expect(await env.vendor('DELETE', `${url}/v1/${shop}/${tenant}`)).toMatchObject({
      status: 404,
      body: { errorCode: 'ER-01008' },
    })
  })

  test('are listed by what is asked for', async () => {
    const env = await newEnvironment()
    const [shop, blog, tenant, other] = [
      await make(env),
      await make(env, 'Blog'),
      await env.newTenant(),
      await env.newTenant(),
    ]
    await env.vendor('POST', `${url}/v1/${shop}`, { tenantId: tenant })
    await env.vendor('POST', `${url}/v1/${blog}`, { tenantId: tenant, accessType: 'FREE_ACCESS' })
    await env.vendor('POST', `${url}/v1/${shop}`, { tenantId: other })
    const found = async (query: string) => (await env.as(tenant)('GET', `${url}/v1?${query}`)).body
    expect(await found(`appIds=${shop},garbage`)).toEqual([{ tenantId: tenant, appIds: [shop] }])
    expect(await found('accessType=FREE_ACCESS')).toEqual([{ tenantId: tenant, appIds: [blog] }])
    expect(await found(`tenantIds=${other},nowhere`)).toEqual([{ tenantId: other, appIds: [shop] }])
    expect((await env.as(tenant)('GET', `${url}/v2?accessType=OPEN`)).status).toBe(400)
    // users see only what is their own account's
    const user = await env.user({ tenantId: tenant, permissions: ['fe.account-settings.read.app'] })
    expect((await user('GET', `${url}/v2?appIds=${shop}`)).body).toEqual([
      { tenantId: tenant, assignments: [{ appId: shop, accessType: 'MANAGED_ACCESS' }] },
    ])
    expect((await user('GET', `${url}/v1?tenantIds=${other}`)).body).toEqual([])
  })

  test('are assigned once, also when it is done many times at once', async () => {
    const env = await newEnvironment()
    const shop = await make(env),
      tenantId = await env.newTenant()
    const statuses = (
      await Promise.all(Array.from({ length: 8 }, () => env.vendor('POST', `${url}/v1/${shop}`, { tenantId })))
    ).map((answer) => answer.status)
    expect(statuses.toSorted()).toEqual([201, ...Array(7).fill(409)])
    expect((await env.vendor('GET', `${url}/v1/${shop}`)).body).toEqual({ tenantIds: [tenantId] })
  })

  test('are opened to all users of the account, or to those assigned', async () => {
    const env = await newEnvironment()
    const shop = await make(env),
      tenant = await env.newTenant()
    expect((await env.vendor('PUT', `${url}/v1/${shop}/${tenant}`, { accessType: 'FREE_ACCESS' })).body).toMatchObject({
      errorCode: 'ER-01008',
    })
    await env.vendor('POST', `${url}/v1/${shop}`, { tenantId: tenant })
    expect(await env.vendor('PUT', `${url}/v1/${shop}/${tenant}`, { accessType: 'FREE_ACCESS' })).toMatchObject({
      status: 200,
      body: null,
    })
    expect((await env.as(tenant)('GET', `${url}/v2`)).body[0].assignments).toEqual([
      { appId: shop, accessType: 'FREE_ACCESS' },
    ])
    expect((await env.vendor('PUT', `${url}/v1/${shop}/${tenant}`, {})).status).toBe(400)
  })

  test('are neither unknown ones nor assigned to unknown accounts', async () => {
    const env = await newEnvironment(),
      elsewhere = await newEnvironment()
    const shop = await make(env),
      tenant = await env.newTenant(),
      foreign = await elsewhere.newTenant()
    for (const appId of [UNKNOWN_ID, 'garbage', await make(elsewhere)]) {
      expect((await env.vendor('POST', `${url}/v1/${appId}`, { tenantId: tenant })).status).toBe(404)
      expect((await env.vendor('GET', `${url}/v1/${appId}`)).status).toBe(404)
    }
    expect(await env.vendor('POST', `${url}/v1/${shop}`, { tenantId: foreign })).toMatchObject({
      status: 404,
      body: { errors: ['Tenant not found'] },
    })
    expect((await env.vendor('POST', `${url}/v1/${shop}`, {})).status).toBe(400)
    expect((await env.vendor('GET', `${url}/v1/${shop}`)).body).toEqual({ tenantIds: [] })
  })

  test('take their users along when they go, also those who are let in at that moment', async () => {
    const env = await newEnvironment()
    const appId = await make(env),
      { tenantId, ...first } = await env.newUser(),
      others = await Promise.all(Array.from({ length: 7 }, () => env.newUser({ tenantId })))
    await env.vendor('POST', `${url}/v1/${appId}`, { tenantId })
    await env.vendor('POST', '/identity/resources/applications/v1', { appId, tenantId, userIds: [first.id] })
    const [removal, ...entries] = await Promise.all([
      env.vendor('DELETE', `${url}/v1/${appId}/${tenantId}`),
      ...others.map((user) =>
        env.vendor('POST', '/identity/resources/applications/v1', { appId, tenantId, userIds: [user.id] }),
      ),
    ])
    expect(removal.status).toBe(200)
    for (const { status } of entries) expect([201, 404]).toContain(status)
    await env.vendor('POST', `${url}/v1/${appId}`, { tenantId })
    expect((await env.vendor('GET', `/identity/resources/applications/v1/${appId}/users`)).body).toEqual([])
  })
})
