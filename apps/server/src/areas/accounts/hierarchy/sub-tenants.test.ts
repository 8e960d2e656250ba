import { describe, expect, test } from 'vitest'
import { newEnvironment, type TestEnvironment } from '../../../../test/environment.ts'

const url = '/tenants/resources/sub-tenants/v1'
const permissions = [
  'write.subAccount',
  'write.subAccountManagement',
  'write.subAccountAccess',
  'delete.subAccount',
].map((name) => `fe.account-hierarchy.${name}`)
const make = (env: TestEnvironment, tenantId: string, parentTenantId: string) =>
  env.vendor('POST', url, { tenantId, name: tenantId.toUpperCase(), parentTenantId })

/** a over b over c, and d over e */
async function family(env: TestEnvironment) {
  for (const tenantId of ['a', 'd']) await env.vendor('POST', '/tenants/resources/tenants/v1', { tenantId })
  for (const [id, parent] of [
    ['b', 'a'],
    ['c', 'b'],
    ['e', 'd'],
  ] as const)
    expect((await make(env, id, parent)).status).toBe(201)
}
const stored = async (env: TestEnvironment) =>
  Object.fromEntries(
    (await (await env.context()).db.tenant.findMany({ orderBy: { id: 'asc' } })).map((row) => [row.id, row]),
  )

describe.concurrent('a sub-tenant', () => {
  test('is made below another tenant', async () => {
    const env = await newEnvironment()
    const parent = await env.newTenant()
    const fields = {
      status: 'trial',
      website: 'w',
      applicationUrl: 'u',
      logo: 'l',
      logoUrl: 'lu',
      address: 'ad',
      timezone: 'tz',
      currency: 'c',
      creatorName: 'cn',
      creatorEmail: 'ce',
      isReseller: true,
    }
    const { status, body } = await env.vendor('POST', url, {
      ...fields,
      tenantId: 'sub',
      name: 'Sub',
      parentTenantId: parent,
      alias: 'x',
      metadata: { a: 1 },
    })
    expect(status).toBe(201)
    expect(body).toMatchObject({
      ...fields,
      tenantId: 'sub',
      name: 'Sub',
      vendorId: env.id,
      alias: null,
      metadata: '{}',
    })
    expect((await stored(env))['sub']).toMatchObject({ parentId: parent, subAccountAccessType: 'defaultOff' })
  })

  test('is refused without what it needs, and where the id is taken or the parent unknown', async () => {
    const env = await newEnvironment(),
      other = await newEnvironment()
    await family(env)
    await family(other)
    await make(other, 'theirs', 'a')
    const before = await stored(env)
    for (const body of [
      { name: 'N', parentTenantId: 'a' },
      { tenantId: 'n', parentTenantId: 'a' },
      { tenantId: 'n', name: 'N' },
      { tenantId: 'n,o', name: 'N', parentTenantId: 'a' },
      { tenantId: '', name: 'N', parentTenantId: 'a' },
    ]) {
      expect((await env.vendor('POST', url, body)).status, JSON.stringify(body)).toBe(400)
    }
    expect(await make(env, 'e', 'a')).toMatchObject({ status: 409, body: { errors: ['Tenant already exists'] } })
    for (const parent of ['nobody', 'theirs', 'n']) expect((await make(env, 'n', parent)).status, parent).toBe(404)
    expect(await stored(env)).toEqual(before)
  })

  test('of many of the same id made at once is one', async () => {
    const env = await newEnvironment()
    await family(env)
    expect(
      (await Promise.all(Array.from({ length: 8 }, () => make(env, 'n', 'c')))).map((answer) => answer.status).sort(),
    ).toEqual([201, 409, 409, 409, 409, 409, 409, 409])
  })

  test('is renamed, made a manager of its own accounts, and given a rule for those below it', async () => {
    const env = await newEnvironment()
    await family(env)
    expect(await env.vendor('PATCH', `${url}/b`, { name: 'New', isReseller: true })).toMatchObject({
      status: 200,
      body: { tenantId: 'b', name: 'New', isReseller: false },
    })
    expect(await env.vendor('PUT', `${url}/b/management`, { isReseller: true })).toMatchObject({
      status: 200,
      body: { tenantId: 'b', isReseller: true },
    })
    for (const subAccountAccessType of ['defaultOn', 'alwaysOn', 'defaultOff', 'defaultOn']) {
      expect(await env.vendor('PUT', `${url}/b/hierarchy-settings`, { subAccountAccessType })).toMatchObject({
        status: 200,
        body: { tenantId: 'b' },
      })
      expect((await stored(env))['b']).toMatchObject({
        name: 'New',
        isReseller: true,
        subAccountAccessType,
        parentId: 'a',
      })
    }
    const before = await stored(env)
    expect((await env.vendor('PUT', `${url}/b/hierarchy-settings`, { subAccountAccessType: 'sometimes' })).status).toBe(
      400,
    )
    for (const path of ['b/management', 'b/hierarchy-settings'])
      expect(await env.vendor('PUT', `${url}/${path}`, {})).toMatchObject({
        status: 400,
        body: { errors: ['Missing parameters to update'] },
      })
    expect((await env.vendor('PATCH', `${url}/b`, {})).status).toBe(400)
    expect((await env.vendor('PATCH', `${url}/b`, { name: '' })).status).toBe(400)
    expect(await stored(env)).toEqual(before)
  })

  test('that is deleted hands what is below it to the one above it', async () => {
    const env = await newEnvironment()
    await family(env)
    const only = await env.newUser({ tenantId: 'b' })
    expect(await env.vendor('DELETE', `${url}/b`)).toMatchObject({ status: 200, body: null })
    expect(Object.entries(await stored(env)).map(([id, row]) => [id, row.parentId])).toEqual([
      ['a', null],
      ['c', 'a'],
      ['d', null],
      ['e', 'd'],
    ])
    expect(await (await env.context()).db.user.findUnique({ where: { id: only.id } })).toBeNull()
    expect((await env.vendor('DELETE', `${url}/b`)).status).toBe(404)
  })

  test('is managed by a user of a tenant above it', async () => {
    const env = await newEnvironment()
    await family(env)
    const user = await env.user({ tenantId: 'a', permissions })
    for (const parentTenantId of ['a', 'c'])
      expect((await user('POST', url, { tenantId: `under-${parentTenantId}`, name: 'N', parentTenantId })).status).toBe(
        201,
      )
    expect((await user('PATCH', `${url}/c`, { name: 'New' })).body).toMatchObject({ name: 'New' })
    expect((await user('PUT', `${url}/c/management`, { isReseller: true })).status).toBe(200)
    expect((await user('PUT', `${url}/c/hierarchy-settings`, { subAccountAccessType: 'alwaysOn' })).status).toBe(200)
    expect((await stored(env))['c']).toMatchObject({ name: 'New', isReseller: true, subAccountAccessType: 'alwaysOn' })
    expect((await user('DELETE', `${url}/c`)).status).toBe(200)
    expect((await stored(env))['under-c']).toMatchObject({ parentId: 'b' })
  })

  test('is out of reach of users above, beside and outside, who do not decide about their own tenant either', async () => {
    const env = await newEnvironment()
    await family(env)
    const user = await env.user({ tenantId: 'b', permissions }),
      before = await stored(env)
    for (const id of ['a', 'b', 'd', 'e', 'nobody']) {
      expect((await user('PATCH', `${url}/${id}`, { name: 'Mine' })).status, id).toBe(404)
      expect((await user('PUT', `${url}/${id}/management`, { isReseller: true })).status, id).toBe(404)
      expect(
        (await user('PUT', `${url}/${id}/hierarchy-settings`, { subAccountAccessType: 'alwaysOn' })).status,
        id,
      ).toBe(404)
      expect(
        (await user('DELETE', `${url}/${id}`, undefined, { headers: { 'frontegg-tenant-id': 'a' } })).status,
        id,
      ).toBe(404)
      if (id !== 'b')
        expect((await user('POST', url, { tenantId: 'n', name: 'N', parentTenantId: id })).status, id).toBe(404)
    }
    expect(await stored(env)).toEqual(before)
    // an environment token that names a tenant acts for that tenant
    expect((await env.as('b')('DELETE', `${url}/e`)).status).toBe(404)
    expect((await env.as('b')('DELETE', `${url}/c`)).status).toBe(200)
  })

  test('asks users for the permission of each deed', async () => {
    const env = await newEnvironment()
    await family(env)
    const without = (name: string) =>
      env.user({ tenantId: 'a', permissions: permissions.filter((key) => key !== `fe.account-hierarchy.${name}`) })
    const before = await stored(env)
    const writer = await without('write.subAccount')
    expect((await writer('POST', url, { tenantId: 'n', name: 'N', parentTenantId: 'a' })).status).toBe(403)
    expect((await writer('PATCH', `${url}/b`, { name: 'N' })).status).toBe(403)
    expect(
      (await (await without('write.subAccountManagement'))('PUT', `${url}/b/management`, { isReseller: true })).status,
    ).toBe(403)
    expect(
      (
        await (
          await without('write.subAccountAccess')
        )('PUT', `${url}/b/hierarchy-settings`, { subAccountAccessType: 'alwaysOn' })
      ).status,
    ).toBe(403)
    expect((await (await without('delete.subAccount'))('DELETE', `${url}/b`)).status).toBe(403)
    expect(await stored(env)).toEqual(before)
  })
})
