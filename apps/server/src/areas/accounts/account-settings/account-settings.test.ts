import { describe, expect, test } from 'vitest'
import { newEnvironment, type TestEnvironment } from '../../../../test/environment.ts'

const url = '/tenants/resources/account-settings/v1',
  tenantsV1 = '/tenants/resources/tenants/v1'
const fields = {
  name: 'Acme',
  applicationUrl: 'https://acme.example',
  loginUrl: 'https://login.acme.example',
  address: '1 Road',
  timezone: 'UTC',
  dateFormat: 'D',
  timeFormat: 'T',
  currency: 'EUR',
  logo: 'aGVu',
}
const nothing = {
  applicationUrl: null,
  loginUrl: null,
  address: null,
  timezone: null,
  dateFormat: null,
  timeFormat: null,
  currency: null,
  logo: null,
}
const withAlias = async (env: TestEnvironment, alias: string) =>
  (await env.vendor('POST', tenantsV1, { ...fields, alias, metadata: { secret: 1 } })).body.tenantId as string

describe.concurrent('the settings of an account', () => {
  test('are those of the tenant', async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant('Acme')
    expect(await env.as(tenantId)('GET', url)).toMatchObject({
      status: 200,
      body: { tenantId, name: 'Acme', ...nothing },
    })
    expect(await env.as(tenantId)('PUT', url, fields)).toMatchObject({ status: 200, body: { tenantId, ...fields } })
    expect((await env.as(tenantId)('GET', url)).body).toEqual({ tenantId, ...fields })
    expect((await env.vendor('GET', `${tenantsV1}/${tenantId}`)).body).toMatchObject([fields])
  })

  test('change as far as they are given', async () => {
    const env = await newEnvironment(),
      tenantId = await withAlias(env, 'acme')
    expect(
      (await env.as(tenantId)('PUT', url, { currency: 'USD', isReseller: true, alias: 'mine', tenantId: 'x' })).body,
    ).toEqual({ tenantId, ...fields, currency: 'USD' })
    expect((await env.vendor('GET', `${tenantsV1}/${tenantId}`)).body).toMatchObject([
      { isReseller: false, alias: 'acme', metadata: '{"secret":1}' },
    ])
    for (const body of [{}, undefined, { isReseller: true }])
      expect(await env.as(tenantId)('PUT', url, body)).toMatchObject({
        status: 400,
        body: { errors: ['Missing parameters to update'] },
      })
    expect((await env.as(tenantId)('PUT', url, { name: '' })).status).toBe(400)
    expect((await env.as(tenantId)('GET', url)).body).toEqual({ tenantId, ...fields, currency: 'USD' })
  })

  test('need a tenant, which must be of the environment', async () => {
    const env = await newEnvironment(),
      other = await newEnvironment()
    const theirs = await other.newTenant()
    for (const method of ['GET', 'PUT'] as const) {
      expect(await env.vendor(method, url, method === 'PUT' ? fields : undefined)).toMatchObject({
        status: 403,
        body: { errors: ['Tenant ID is not specified'] },
      })
      expect((await env.as(theirs)(method, url, method === 'PUT' ? fields : undefined)).status).toBe(404)
    }
    expect((await other.as(theirs)('GET', url)).body).toMatchObject(nothing)
  })

  test('are read and changed by users with the permissions, of their own tenant only', async () => {
    const env = await newEnvironment(),
      other = await env.newTenant()
    const reader = await env.user({ permissions: ['fe.secure.read.accountSettings'] }),
      writer = await env.user({ permissions: ['fe.secure.write.accountSettings'] })
    const headers = { 'frontegg-tenant-id': other }
    expect((await reader('GET', url, undefined, { headers })).body.tenantId).toBe(reader.tenantId)
    expect((await reader('PUT', url, fields)).status).toBe(403)
    expect((await writer('GET', url)).status).toBe(403)
    expect((await writer('PUT', url, fields, { headers })).body).toEqual({ tenantId: writer.tenantId, ...fields })
    expect((await env.as(other)('GET', url)).body).toMatchObject(nothing)
  })
})

describe.concurrent('the public settings of an account', () => {
  const open = { applicationUrl: fields.applicationUrl, loginUrl: fields.loginUrl }

  test('are read by anybody who knows its alias, by header or in the address', async () => {
    const env = await newEnvironment(),
      tenantId = await withAlias(env, 'acme')
    const answer = await env.client({ 'frontegg-login-alias': 'acme' })('GET', `${url}/public`)
    expect(answer).toMatchObject({ status: 200, body: { tenantId, ...open } })
    expect(answer.body).toEqual({ tenantId, ...open })
    expect((await env.anonymous('GET', `${url}/public?organization=acme`)).body).toEqual({ tenantId, ...open })
    expect(await env.client({ 'frontegg-login-alias': 'nobody' })('GET', `${url}/public`)).toMatchObject({
      status: 404,
      body: { errors: ['Tenant not found'] },
    })
    expect(await env.anonymous('GET', `${url}/public`)).toMatchObject({
      status: 403,
      body: { errors: ['Tenant ID is not specified'], errorCode: 'ER-00008' },
    })
  })

  test('are those of the tenant of a token, without an alias', async () => {
    const env = await newEnvironment(),
      tenantId = await withAlias(env, 'acme')
    const user = await env.user()
    expect((await user('GET', `${url}/public`)).body).toEqual({
      tenantId: user.tenantId,
      applicationUrl: null,
      loginUrl: null,
    })
    expect(
      (await user('GET', `${url}/public`, undefined, { headers: { 'frontegg-login-alias': 'acme' } })).body,
    ).toEqual({ tenantId, ...open })
    expect((await env.as(tenantId)('GET', `${url}/public`)).body).toEqual({ tenantId, ...open })
    expect((await env.client({ 'frontegg-tenant-id': tenantId })('GET', `${url}/public`)).body).toEqual({
      tenantId,
      ...open,
    })
    expect((await env.client({ 'frontegg-tenant-id': 'nobody' })('GET', `${url}/public`)).status).toBe(404)
    expect((await env.as('nobody')('GET', `${url}/public`)).status).toBe(404)
  })

  test('are not found in another environment', async () => {
    const env = await newEnvironment(),
      other = await newEnvironment()
    const tenantId = await withAlias(other, 'acme')
    expect((await env.client({ 'frontegg-login-alias': 'acme' })('GET', `${url}/public`)).status).toBe(404)
    expect((await env.client({ 'frontegg-tenant-id': tenantId })('GET', `${url}/public`)).status).toBe(404)
  })
})
