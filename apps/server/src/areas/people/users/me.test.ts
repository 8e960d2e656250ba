import { describe, expect, test } from 'vitest'
import { newEnvironment } from '../../../../test/environment.ts'

const me2 = '/identity/resources/users/v2/me',
  me3 = '/identity/resources/users/v3/me',
  v1 = '/identity/resources/users/v1',
  authorization = `${v1}/me/authorization`
const keys = (rows: { key: string }[]) => rows.map((row) => row.key)

describe.concurrent('the own profile', () => {
  test("has the rights in the token's tenant as objects, metadata as text, and always a picture", async () => {
    const env = await newEnvironment()
    const user = await env.user({ permissions: ['fe.secure.read.users'] }),
      other = await env.newTenant()
    await env.vendor('POST', `${v1}/${user.id}/tenant`, { tenantId: other, skipInviteEmail: true })
    await env.vendor('PUT', `${v1}/${user.id}/tenant`, { tenantId: other })
    const { status, body } = await user('GET', me2)
    expect(status).toBe(200)
    expect(body).toMatchObject({
      id: user.id,
      email: user.email,
      metadata: '{}',
      vendorMetadata: '{}',
      tenantId: user.tenantId,
      tenantIds: [user.tenantId, other],
      profilePictureUrl: expect.stringMatching(/^https:\/\/www\.gravatar\.com/),
    })
    expect(keys(body.permissions)).toEqual(['fe.secure.read.users'])
    expect(body.roles).toMatchObject([{ vendorId: env.id, level: 0, permissions: [body.permissions[0].id] }])
    expect(
      body.tenants.map((t: { tenantId: string; roles: { key: string }[] }) => [t.tenantId, keys(t.roles).length]),
    ).toEqual([
      [user.tenantId, 1],
      [other, 1],
    ])
    const three = await user('GET', me3)
    expect(three).toMatchObject({ status: 200, body: { id: user.id, tenantId: user.tenantId } })
    expect(three.body).not.toHaveProperty('roles')
    expect((await user('GET', authorization)).body).toEqual({ roles: body.roles, permissions: body.permissions })
    const elsewhere = await env.asUser({ id: user.id, tenantId: other })
    expect(keys((await elsewhere('GET', authorization)).body.roles)).toEqual(['Admin'])
    expect(keys((await elsewhere('GET', me2)).body.roles)).toEqual(['Admin'])
  })

  test('hides what management keeps about the user', async () => {
    const env = await newEnvironment()
    const user = await env.user()
    await env.vendor('PUT', `${v1}/${user.id}`, { vendorMetadata: '{"risk":9}' })
    for (const url of [me2, me3]) expect((await user('GET', url)).body.vendorMetadata).toBe('{}')
    expect((await env.as(user.tenantId, user.id)('GET', me2)).body.vendorMetadata).toBe('{"risk":9}')
  })

  test('is readable with an environment token that names the user, and a tenant of theirs if any', async () => {
    const env = await newEnvironment()
    const user = await env.newUser({ roleKeys: ['Admin'] }),
      foreign = await env.newTenant()
    expect((await env.as(user.tenantId, user.id)('GET', me2)).body).toMatchObject({
      id: user.id,
      tenantId: user.tenantId,
      roles: [{ key: 'Admin' }],
    })
    expect((await env.as(undefined, user.id)('GET', authorization)).body.roles).toMatchObject([{ key: 'Admin' }])
    expect(await env.vendor('GET', me2)).toMatchObject({ status: 403, body: { errorCode: 'ER-00008' } })
    for (const url of [me2, me3, authorization]) expect((await env.as(foreign, user.id)('GET', url)).status).toBe(404)
    expect((await env.anonymous('GET', me2)).status).toBe(401)
  })

  test('is changed by its owner without a permission, and only in the given fields', async () => {
    const env = await newEnvironment()
    const user = await env.user()
    const notOwn = {
      vendorMetadata: '{"x":1}',
      mfaBypass: true,
      superUser: true,
      verified: false,
      externalId: 'x',
      email: 'mine@example.com',
      isLocked: true,
      invisible: true,
      provider: 'saml',
      managedBy: 'scim2',
      roleIds: [],
      tenantId: 'x',
    }
    const kept = {
      mfaBypass: false,
      superUser: false,
      verified: true,
      externalId: null,
      isLocked: false,
      invisible: false,
      provider: 'local',
      managedBy: 'frontegg',
    }
    const change = {
      name: 'Ada',
      metadata: '{"a":1}',
      phoneNumber: '+12025550101',
      profilePictureUrl: 'https://example.com/p.png',
    }
    expect(await user('PUT', me2, { ...change, ...notOwn })).toMatchObject({
      status: 200,
      body: { ...change, ...kept, email: user.email, tenantId: user.tenantId },
    })
    expect((await user('PUT', v1, { name: 'Ada L.' })).body).toMatchObject({ ...change, name: 'Ada L.' })
    expect((await user('PUT', v1, { profilePictureUrl: null })).body.profilePictureUrl).toMatch(/gravatar/)
    expect((await env.vendor('GET', `/identity/resources/vendor-only/users/v1/${user.id}`)).body.vendorMetadata).toBe(
      '{}',
    )
    const other = await env.user()
    for (const [url, body, status] of [
      [me2, { phoneNumber: '+1-2025550101' }, 409],
      [v1, { metadata: '"x"' }, 400],
      [me2, { phoneNumber: '0' }, 400],
      [me2, { name: 7 }, 400],
    ] as const)
      expect((await other('PUT', url, body)).status).toBe(status)
  })

  test('is changed with an environment token that names user and tenant, which must belong together', async () => {
    const env = await newEnvironment()
    const user = await env.newUser(),
      foreign = await env.newTenant()
    // management's own fields have another route
    expect(
      (
        await env.as(user.tenantId, user.id)('PUT', v1, {
          name: 'Ada',
          vendorMetadata: '{"x":1}',
          mfaBypass: true,
          externalId: 'x',
        })
      ).body,
    ).toMatchObject({ name: 'Ada', vendorMetadata: '{}', mfaBypass: false, externalId: null })
    expect(await env.as(undefined, user.id)('PUT', v1, { name: 'x' })).toMatchObject({
      status: 403,
      body: { errors: ['Tenant ID is not specified'] },
    })
    expect(await env.as(user.tenantId)('PUT', v1, { name: 'x' })).toMatchObject({
      status: 403,
      body: { errors: ['User ID is not specified'] },
    })
    for (const url of [v1, me2]) expect((await env.as(foreign, user.id)('PUT', url, { name: 'x' })).status).toBe(404)
    expect((await env.as(undefined, user.id)('GET', me3)).body.name).toBe('Ada')
  })

  test('is gone when the user or the membership is', async () => {
    const env = await newEnvironment()
    const user = await env.user()
    await env.as(user.tenantId)('DELETE', `${v1}/${user.id}`)
    expect((await user('GET', me2)).status).toBe(401)
    await env.vendor('DELETE', `${v1}/${user.id}`)
    expect((await user('PUT', me2, { name: 'x' })).status).toBe(401)
  })
})
