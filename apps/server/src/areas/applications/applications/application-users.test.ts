import { describe, expect, test } from 'vitest'
import { newEnvironment, UNKNOWN_ID, type TestEnvironment } from '../../../../test/environment.ts'

const url = '/identity/resources/applications/v1',
  active = '/identity/resources/applications/user-tenants/active/v1'
const tenants = '/applications/resources/applications/tenant-assignments/v1'

/** A managed application, with the tenants that it was assigned to. */
async function make(env: TestEnvironment, tenantIds: string[] = [], fields: object = {}): Promise<string> {
  const { body } = await env.vendor('POST', '/applications/resources/applications/v1', {
    name: 'Shop',
    appURL: 'https://shop.example',
    loginURL: 'https://shop.example/login',
    accessType: 'MANAGED_ACCESS',
    ...fields,
  })
  for (const tenantId of tenantIds) await env.vendor('POST', `${tenants}/${body.id}`, { tenantId })
  return body.id
}

describe.concurrent('users of applications', () => {
  test('are let in by management, and out again', async () => {
    const env = await newEnvironment()
    const ada = await env.newUser(),
      ben = await env.newUser({ tenantId: ada.tenantId }),
      { tenantId } = ada
    const appId = await make(env, [tenantId])
    const let1 = await env.vendor('POST', url, { appId, tenantId, userIds: [ada.id] })
    expect(let1).toMatchObject({
      status: 201,
      body: [{ appId, userTenantId: expect.stringMatching(/^[0-9a-f-]{36}$/), createdAt: expect.any(String) }],
    })
    await env.clock.advance(1000)
    const let2 = await env.vendor('POST', url, { appId, tenantId, userIds: [ada.id, ben.id, ada.id.toUpperCase()] })
    // those already in stay in, with their old date
    expect(let2.body).toHaveLength(2)
    expect(let2.body[0]).toEqual(let1.body[0])
    expect(let2.body[1].userTenantId).not.toBe(let1.body[0].userTenantId)
    expect((await env.vendor('GET', `${url}/${appId}/users`)).body).toEqual([ada.id, ben.id])
    expect((await env.vendor('GET', `${url}/${ada.id}/apps`)).body).toEqual([appId])

    expect(await env.vendor('DELETE', url, { appId, tenantId, userIds: [ada.id] })).toMatchObject({
      status: 200,
      body: null,
    })
    expect(await env.vendor('DELETE', url, { appId, tenantId, userIds: [ada.id, 'garbage'] })).toMatchObject({
      status: 200,
    })
    expect((await env.vendor('GET', `${url}/${appId}/users`)).body).toEqual([ben.id])
    expect((await env.vendor('GET', `${url}/${ada.id}/apps`)).body).toEqual([])
    // tools name the application in the path
    expect(await env.vendor('POST', `${url}/${appId}/users`, { tenantId, userIds: [ada.id] })).toMatchObject({
      status: 201,
      body: [{ appId }],
    })
    expect((await env.vendor('POST', `${url}/${UNKNOWN_ID}/users`, { tenantId, userIds: [ada.id] })).status).toBe(404)
  })

  test('are let in once, also when it is done many times at once', async () => {
    const env = await newEnvironment()
    const { id, tenantId } = await env.newUser(),
      appId = await make(env, [tenantId])
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => env.vendor('POST', url, { appId, tenantId, userIds: [id] })),
    )
    for (const answer of answers)
      expect(answer).toMatchObject({ status: 201, body: [{ appId, userTenantId: answers[0]!.body[0].userTenantId }] })
    expect((await env.vendor('GET', `${url}/${appId}/users`)).body).toEqual([id])
  })

  test('are let in all or none, and only where the account has the application', async () => {
    const env = await newEnvironment(),
      elsewhere = await newEnvironment()
    const { id, tenantId } = await env.newUser(),
      stranger = await env.newUser(),
      foreigner = await elsewhere.newUser()
    const appId = await make(env, [tenantId]),
      unassigned = await make(env)
    for (const wrong of [UNKNOWN_ID, 'garbage', stranger.id, foreigner.id]) {
      expect(await env.vendor('POST', url, { appId, tenantId, userIds: [id, wrong] })).toMatchObject({
        status: 404,
        body: { errors: ['User not found'] },
      })
    }
    for (const wrong of [UNKNOWN_ID, 'garbage', await make(elsewhere)]) {
      expect(await env.vendor('POST', url, { appId: wrong, tenantId, userIds: [id] })).toMatchObject({
        status: 404,
        body: { errors: ['Application not found'] },
      })
      expect((await env.vendor('DELETE', url, { appId: wrong, tenantId, userIds: [id] })).status).toBe(404)
    }
    expect(await env.vendor('POST', url, { appId, tenantId: foreigner.tenantId, userIds: [id] })).toMatchObject({
      status: 404,
      body: { errors: ['Tenant not found'] },
    })
    expect(await env.vendor('POST', url, { appId: unassigned, tenantId, userIds: [id] })).toMatchObject({
      status: 404,
      body: { errorCode: 'ER-01008', errors: ['This account/tenant is not assigned to the requested application'] },
    })
    expect((await env.vendor('POST', url, { appId, tenantId })).body).toMatchObject({
      errors: ['userIds must be an array'],
    })
    expect((await env.vendor('POST', url, { appId, tenantId, userIds: [7] })).body).toMatchObject({
      errors: ['each value in userIds must be a string'],
    })
    expect(await (await env.context()).db.applicationUser.count()).toBe(0)
  })

  test("an application that is open to everybody takes assignments without its account's", async () => {
    const env = await newEnvironment()
    const { id, tenantId } = await env.newUser(),
      appId = await make(env, [], { accessType: 'FREE_ACCESS' })
    expect((await env.vendor('POST', url, { appId, tenantId, userIds: [id] })).status).toBe(201)
    expect((await env.vendor('GET', `${url}/${id}/apps`)).body).toEqual([appId])
  })

  test("are no longer users of an account's applications when they leave it, or their time there is up", async () => {
    const env = await newEnvironment()
    const { id, tenantId } = await env.newUser(),
      temporary = await env.newUser({ tenantId }),
      appId = await make(env, [tenantId])
    await env.vendor('POST', url, { appId, tenantId, userIds: [id, temporary.id] })
    const { db, clock } = await env.context()
    await db.membership.updateMany({
      where: { userId: temporary.id },
      data: { expiresAt: new Date(clock.now().getTime() + 1000) },
    })
    await env.clock.advance(2000)
    expect((await env.vendor('GET', `${url}/${appId}/users`)).body).toEqual([id])
    expect((await env.vendor('GET', `${url}/${temporary.id}/apps`)).body).toEqual([])
    expect((await env.vendor('POST', url, { appId, tenantId, userIds: [temporary.id] })).status).toBe(404)
    await db.membership.deleteMany({ where: { userId: id } })
    expect((await env.vendor('GET', `${url}/${appId}/users`)).body).toEqual([])
  })

  test('are known by account where one is named', async () => {
    const env = await newEnvironment()
    const user = await env.newUser(),
      other = await env.newTenant(),
      ctx = await env.context()
    await ctx.db.membership.create({
      data: { userId: user.id, tenantId: other, acceptedAt: ctx.clock.now(), createdAt: ctx.clock.now() },
    })
    const [here, there] = [await make(env, [user.tenantId]), await make(env, [other])]
    await env.vendor('POST', url, { appId: here, tenantId: user.tenantId, userIds: [user.id] })
    await env.vendor('POST', url, { appId: there, tenantId: other, userIds: [user.id] })
    expect((await env.vendor('GET', `${url}/${user.id}/apps`)).body.toSorted()).toEqual([here, there].toSorted())
    expect((await env.as(other)('GET', `${url}/${user.id}/apps`)).body).toEqual([there])
    expect((await env.as(await env.newTenant())('GET', `${url}/${user.id}/apps`)).status).toBe(404)
    expect((await env.as(other)('GET', `${url}/apps-users?appIds=${here},${there}`)).body).toEqual([
      { appId: there, userIds: [user.id] },
    ])
    expect((await env.vendor('GET', `${url}/users-apps?userIds=${user.id},${UNKNOWN_ID},garbage`)).body).toMatchObject([
      { userId: user.id, appIds: expect.arrayContaining([here, there]) },
    ])
  })
})

describe.concurrent('users of applications, in the portal', () => {
  const permissions = ['fe.account-settings.read.app', 'fe.secure.write.appsUsers', 'fe.secure.delete.appsUsers']

  test('are let in and out by their own account', async () => {
    const env = await newEnvironment()
    const admin = await env.user({ permissions }),
      { tenantId } = admin,
      ada = await env.newUser({ tenantId }),
      ben = await env.newUser({ tenantId })
    const [shop, blog] = [await make(env, [tenantId]), await make(env, [tenantId])]
    expect(await admin('POST', `${url}/apps-user`, { userId: ada.id, tenantId, appIds: [shop, blog] })).toMatchObject({
      status: 201,
      body: [{ appId: expect.any(String) }, {}],
    })
    await admin('POST', `${url}/apps-user`, { userId: ben.id, tenantId, appIds: [blog] })
    expect((await admin('GET', `${url}/users-apps?userIds=${ada.id},${ben.id}`)).body).toEqual([
      { userId: ada.id, appIds: expect.arrayContaining([shop, blog]) },
      { userId: ben.id, appIds: [blog] },
    ])
    expect((await admin('GET', `${url}/apps-users?appIds=${shop}&appIds=${blog}`)).body).toEqual([
      { appId: shop, userIds: [ada.id] },
      { appId: blog, userIds: expect.arrayContaining([ada.id, ben.id]) },
    ])
    expect((await admin('GET', `${url}/users-apps?userIds=`)).body).toEqual([])
    expect(await admin('DELETE', `${url}/user-apps`, { userId: ada.id, tenantId, appIds: [shop] })).toMatchObject({
      status: 200,
      body: null,
    })
    expect((await admin('GET', `${url}/${ada.id}/apps`)).body).toEqual([blog])
  })

  test('are nobody in another account, nor in an application that their own does not have', async () => {
    const env = await newEnvironment()
    const admin = await env.user({ permissions }),
      theirs = await env.newUser(),
      both = await make(env, [admin.tenantId, theirs.tenantId]),
      foreign = await make(env, [theirs.tenantId])
    await env.vendor('POST', url, { appId: both, tenantId: theirs.tenantId, userIds: [theirs.id] })
    expect(
      (await admin('POST', `${url}/apps-user`, { userId: theirs.id, tenantId: theirs.tenantId, appIds: [foreign] }))
        .status,
    ).toBe(404)
    expect(
      (await admin('POST', `${url}/apps-user`, { userId: theirs.id, tenantId: admin.tenantId, appIds: [both] })).status,
    ).toBe(404)
    expect(
      await admin('POST', `${url}/apps-user`, { userId: admin.id, tenantId: admin.tenantId, appIds: [both, foreign] }),
    ).toMatchObject({ status: 404, body: { errorCode: 'ER-01008' } })
    expect(
      (await admin('DELETE', `${url}/user-apps`, { userId: theirs.id, tenantId: theirs.tenantId, appIds: [both] }))
        .status,
    ).toBe(404)
    expect(
      (await admin('DELETE', `${url}/user-apps`, { userId: theirs.id, tenantId: admin.tenantId, appIds: [both] }))
        .status,
    ).toBe(200)
    expect((await admin('GET', `${url}/users-apps?userIds=${theirs.id}`)).body).toEqual([])
    expect((await admin('GET', `${url}/apps-users?appIds=${both},${foreign}`)).body).toEqual([
      { appId: both, userIds: [] },
    ])
    expect((await env.vendor('GET', `${url}/${theirs.id}/apps`)).body).toEqual([both])
    expect((await env.vendor('GET', `${url}/${admin.id}/apps`)).body).toEqual([])
  })

  test("know their own applications without any permission, and others' with it", async () => {
    const env = await newEnvironment()
    const plain = await env.user(),
      { tenantId } = plain,
      other = await env.newUser({ tenantId }),
      appId = await make(env, [tenantId])
    await env.vendor('POST', url, { appId, tenantId, userIds: [plain.id, other.id] })
    expect((await plain('GET', `${url}/${plain.id.toUpperCase()}/apps`)).body).toEqual([appId])
    expect(await plain('GET', `${url}/${other.id}/apps`)).toMatchObject({
      status: 403,
      body: { errorCode: 'ER-00008' },
    })
    expect((await plain('GET', `${url}/${(await env.newUser()).id}/apps`)).status).toBe(404)
    expect((await (await env.user({ tenantId, permissions }))('GET', `${url}/${other.id}/apps`)).body).toEqual([appId])
  })

  test('do not see the invisible', async () => {
    const env = await newEnvironment()
    const admin = await env.user({ permissions }),
      { tenantId } = admin,
      ghost = await env.newUser({ tenantId }),
      appId = await make(env, [tenantId])
    await env.vendor('POST', url, { appId, tenantId, userIds: [ghost.id] })
    await (await env.context()).db.user.updateMany({ where: { id: ghost.id }, data: { invisible: true } })
    expect((await admin('GET', `${url}/${ghost.id}/apps`)).status).toBe(404)
    expect((await admin('GET', `${url}/users-apps?userIds=${ghost.id}`)).body).toEqual([])
    expect((await admin('GET', `${url}/apps-users?appIds=${appId}`)).body).toEqual([{ appId, userIds: [] }])
    expect((await env.as(tenantId)('GET', `${url}/apps-users?appIds=${appId}`)).body).toEqual([
      { appId, userIds: [ghost.id] },
    ])
  })
})

describe.concurrent('the account in which a user is active in an application', () => {
  test('is chosen for several at once, and replaced', async () => {
    const env = await newEnvironment()
    const user = await env.newUser(),
      other = await env.newTenant(),
      ctx = await env.context()
    await ctx.db.membership.create({
      data: { userId: user.id, tenantId: other, acceptedAt: ctx.clock.now(), createdAt: ctx.clock.now() },
    })
    const free = await make(env, [], { accessType: 'FREE_ACCESS' }),
      managed = await make(env, [user.tenantId, other])
    await env.vendor('POST', url, { appId: managed, tenantId: user.tenantId, userIds: [user.id] })
    const as = env.as('', user.id)
    const choose = (...pairs: [string, string][]) =>
      as('PUT', active, {
        activeApplicationTenants: pairs.map(([applicationId, tenantId]) => ({ applicationId, tenantId })),
      })
    const read = async () => (await as('GET', active)).body.applicationActiveTenants
    expect(await read()).toEqual([])
    expect(await choose([free, user.tenantId], [managed, user.tenantId])).toMatchObject({ status: 200, body: null })
    expect(await read()).toHaveLength(2)
    expect((await choose([free, user.tenantId], [free.toUpperCase(), other])).status).toBe(200)
    expect(await read()).toEqual(
      expect.arrayContaining([
        { applicationId: free, tenantId: other },
        { applicationId: managed, tenantId: user.tenantId },
      ]),
    )

    const before = await read()
    expect(await choose([free, user.tenantId], [managed, other])).toMatchObject({
      status: 403,
      body: { errorCode: 'ER-01009' },
    })
    expect((await choose([free, user.tenantId], [managed, await env.newTenant()])).status).toBe(404)
    expect((await choose([free, user.tenantId], [UNKNOWN_ID, other])).status).toBe(404)
    expect((await choose([free, user.tenantId], ['garbage', other])).status).toBe(404)
    expect(await choose([free, user.tenantId], [await make(env), other])).toMatchObject({
      status: 404,
      body: { errorCode: 'ER-01008' },
    })
    expect((await as('PUT', active, { activeApplicationTenants: [{ applicationId: free }] })).status).toBe(400)
    expect(await read()).toEqual(before)

    // a user who is no longer let in is no longer active
    await env.vendor('DELETE', url, { appId: managed, tenantId: user.tenantId, userIds: [user.id] })
    expect(await read()).toEqual([{ applicationId: free, tenantId: other }])
    await ctx.db.membership.deleteMany({ where: { userId: user.id, tenantId: other } })
    expect(await read()).toEqual([])
  })

  test('is one, though several are chosen at once', async () => {
    const env = await newEnvironment()
    const user = await env.newUser(),
      ctx = await env.context(),
      applicationId = await make(env, [], { accessType: 'FREE_ACCESS' })
    const tenantIds = await Promise.all(Array.from({ length: 8 }, () => env.newTenant()))
    await ctx.db.membership.createMany({
      data: tenantIds.map((tenantId) => ({
        userId: user.id,
        tenantId,
        acceptedAt: ctx.clock.now(),
        createdAt: ctx.clock.now(),
      })),
    })
    const answers = await Promise.all(
      tenantIds.map((tenantId) =>
        env.as('', user.id)('PUT', active, { activeApplicationTenants: [{ applicationId, tenantId }] }),
      ),
    )
    expect(answers.map((answer) => answer.status)).toEqual(Array(8).fill(200))
    expect((await env.as('', user.id)('GET', active)).body.applicationActiveTenants).toHaveLength(1)
  })

  test('is asked for a user of the environment', async () => {
    const env = await newEnvironment(),
      stranger = await (await newEnvironment()).newUser()
    expect(await env.vendor('GET', active)).toMatchObject({
      status: 403,
      body: { errorCode: 'ER-00008', errors: ['User ID is not specified'] },
    })
    expect((await env.as('', stranger.id)('GET', active)).status).toBe(404)
  })
})
