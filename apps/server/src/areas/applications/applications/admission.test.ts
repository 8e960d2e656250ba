import { describe, expect, test } from 'vitest'
import { newEnvironment, UNKNOWN_ID, type TestEnvironment } from '../../../../test/environment.ts'
import * as applications from './applications.service.ts'

const url = '/applications/resources/applications',
  tenants = `${url}/tenant-assignments/v1`,
  users = '/identity/resources/applications/v1'

const make = async (env: TestEnvironment, fields: object = {}): Promise<string> =>
  (
    await env.vendor('POST', `${url}/v1`, {
      name: 'Shop',
      appURL: 'https://shop.example',
      loginURL: 'https://shop.example/login',
      accessType: 'MANAGED_ACCESS',
      ...fields,
    })
  ).body.id

/** What a login, a user's creation and a tenant's ask of this area; the flows themselves have tests of their own. */
describe.concurrent('a login to an application', () => {
  test('is open to everybody where the application is, and to no application when none is named', async () => {
    const env = await newEnvironment()
    const { id: userId, tenantId } = await env.newUser(),
      ctx = await env.context(),
      applicationId = await make(env, { accessType: 'FREE_ACCESS' })
    expect(await applications.mustAdmit(ctx, { applicationId: undefined, userId, tenantId })).toBeUndefined()
    expect(await applications.mustAdmit(ctx, { applicationId, userId, tenantId })).toEqual({
      id: applicationId,
      appURL: 'https://shop.example',
      loginURL: 'https://shop.example/login',
    })
    for (const unknown of [UNKNOWN_ID, 'garbage', await make(await newEnvironment())]) {
      await expect(applications.mustAdmit(ctx, { applicationId: unknown, userId, tenantId })).rejects.toMatchObject({
        status: 404,
        code: 'ER-00004',
        message: 'Application not found',
      })
    }
    await env.vendor('PATCH', `${url}/v1/${applicationId}`, { isActive: false })
    await expect(applications.mustAdmit(ctx, { applicationId, userId, tenantId })).rejects.toMatchObject({
      status: 403,
    })
  })

  test("needs the account's assignment and the user's, or an account that lets all its users in", async () => {
    const env = await newEnvironment()
    const { id: userId, tenantId } = await env.newUser(),
      colleague = await env.newUser({ tenantId }),
      ctx = await env.context(),
      applicationId = await make(env)
    const enter = (who = userId, where = tenantId) =>
      applications.mustAdmit(ctx, { applicationId, userId: who, tenantId: where })
    await expect(enter()).rejects.toMatchObject({ status: 404, code: 'ER-01008' })
    await env.vendor('POST', `${tenants}/${applicationId}`, { tenantId })
    await expect(enter()).rejects.toMatchObject({
      status: 403,
      code: 'ER-01009',
      message: 'User is not associated with the requested application',
    })
    await env.vendor('POST', users, { appId: applicationId, tenantId, userIds: [userId] })
    expect(await enter()).toMatchObject({ id: applicationId })
    await expect(enter(colleague.id)).rejects.toMatchObject({ code: 'ER-01009' })
    await expect(enter(userId, await env.newTenant())).rejects.toMatchObject({ code: 'ER-01008' })
    await env.vendor('PUT', `${tenants}/${applicationId}/${tenantId}`, { accessType: 'FREE_ACCESS' })
    expect(await enter(colleague.id)).toMatchObject({ id: applicationId })
    await env.vendor('PUT', `${tenants}/${applicationId}/${tenantId}`, { accessType: 'MANAGED_ACCESS' })
    await ctx.db.user.updateMany({ where: { id: colleague.id }, data: { superUser: true } })
    expect(await enter(colleague.id)).toMatchObject({ id: applicationId })
    await env.vendor('DELETE', `${tenants}/${applicationId}/${tenantId}`)
    await expect(enter()).rejects.toMatchObject({ code: 'ER-01008' })
  })

  test('finishes its integration, the first time and once', async () => {
    const env = await newEnvironment()
    const { id: userId, tenantId } = await env.newUser(),
      applicationId = await make(env, { accessType: 'FREE_ACCESS' })
    const finished = async () => (await env.vendor('GET', `${url}/v1/${applicationId}`)).body.integrationFinishedAt
    expect(await finished()).toBeNull()
    await env.clock.freeze(new Date('2030-01-01T00:00:00Z'))
    await applications.mustAdmit(await env.context(), { applicationId, userId, tenantId })
    await env.clock.freeze(new Date('2031-01-01T00:00:00Z'))
    await applications.mustAdmit(await env.context(), { applicationId, userId, tenantId })
    expect(await finished()).toBe('2030-01-01T00:00:00.000Z')
  })

  test('goes to the account that the user has chosen there', async () => {
    const env = await newEnvironment()
    const { id, tenantId } = await env.newUser(),
      ctx = await env.context(),
      applicationId = await make(env, { accessType: 'FREE_ACCESS' })
    expect(await applications.activeTenantOf(ctx, applicationId, id)).toBeUndefined()
    await env.as('', id)('PUT', '/identity/resources/applications/user-tenants/active/v1', {
      activeApplicationTenants: [{ applicationId, tenantId }],
    })
    expect(await applications.activeTenantOf(ctx, applicationId, id)).toBe(tenantId)
    await ctx.db.membership.deleteMany({ where: { userId: id } })
    expect(await applications.activeTenantOf(ctx, applicationId, id)).toBeUndefined()
  })
})

describe.concurrent('a new member', () => {
  test('is let into the application that it was made for, where its account has it', async () => {
    const env = await newEnvironment()
    const { id: userId, tenantId } = await env.newUser(),
      ctx = await env.context(),
      applicationId = await make(env)
    const enrol = (id?: string) => applications.enrol(ctx, { applicationId: id, userId, tenantId })
    const apps = async () => (await env.vendor('GET', `${users}/${userId}/apps`)).body
    await expect(enrol(applicationId)).rejects.toMatchObject({ status: 404, code: 'ER-01008' })
    await expect(enrol(UNKNOWN_ID)).rejects.toMatchObject({ status: 404, code: 'ER-00004' })
    await env.vendor('POST', `${tenants}/${applicationId}`, { tenantId })
    await Promise.all(Array.from({ length: 8 }, () => enrol(applicationId)))
    expect(await apps()).toEqual([applicationId])
    // the default one is open to everybody, and keeps no list
    await enrol()
    expect(await apps()).toEqual([applicationId])
  })

  test('needs an application to be made for, if need be the default one', async () => {
    const env = await newEnvironment()
    const { id: userId, tenantId } = await env.newUser(),
      ctx = await env.context(),
      first = (await applications.getDefault(ctx)).id
    const managed = await make(env, { isDefault: true })
    await applications.assignDefault(ctx, tenantId)
    await applications.assignDefault(ctx, tenantId)
    expect((await env.vendor('GET', `${tenants}/${managed}`)).body).toEqual({ tenantIds: [tenantId] })
    await applications.enrol(ctx, { applicationId: undefined, userId, tenantId })
    expect((await env.vendor('GET', `${users}/${managed}/users`)).body).toEqual([userId])
    await env.vendor('PATCH', `${url}/v1/${first}`, { isDefault: true })
    await applications.assignDefault(ctx, await env.newTenant())
    expect((await env.vendor('GET', `${tenants}/${first}`)).body).toEqual({ tenantIds: [] })
    await env.vendor('PATCH', `${url}/v1/${first}`, { isDefault: false })
    await applications.assignDefault(ctx, tenantId)
    await expect(applications.enrol(ctx, { applicationId: undefined, userId, tenantId })).rejects.toMatchObject({
      status: 403,
      code: 'ER-00008',
      message: 'Application ID is not specified',
    })
  })
})

test.concurrent('a new account has the default application, so that its users get in', async () => {
  const env = await newEnvironment(),
    {
      body: { id },
    } = await env.vendor('GET', `${url}/v1/default`)
  await env.vendor('PATCH', `${url}/v1/${id}`, { accessType: 'MANAGED_ACCESS' })
  const {
    body: { tenantId },
  } = await env.vendor('POST', '/tenants/resources/tenants/v1', { name: 'New' })
  expect((await env.as(tenantId)('POST', '/identity/resources/users/v2', { email: 'first@example.com' })).status).toBe(
    201,
  )
  expect((await env.vendor('GET', `${tenants}/${id}`)).body).toMatchObject({ tenantIds: [tenantId] })
})
