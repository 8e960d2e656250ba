import { describe, expect, test } from 'vitest'
import { deps, newEnvironment, unique, UNKNOWN_ID, type TestEnvironment } from '../../../../test/environment.ts'
import { createEnvironment } from '../../environments/environments.service.ts'

const url = '/applications/resources/applications/v1'
const shop = { name: 'Shop', appURL: 'https://shop.example', loginURL: 'https://shop.example/login' }
type Row = { id: string; name: string; isDefault: boolean }

const make = async (env: TestEnvironment, fields: object = {}) =>
  (await env.vendor('POST', url, { ...shop, ...fields })).body
const names = (rows: Row[]) => rows.map((row) => row.name)
const defaults = async (env: TestEnvironment) => (await env.vendor('GET', url)).body.filter((row: Row) => row.isDefault)

describe.concurrent('applications', () => {
  test('a fresh environment has one, which is the default and open to everybody', async () => {
    const env = await newEnvironment()
    const { status, body } = await env.vendor('GET', url)
    expect(status).toBe(200)
    const base = `http://${env.name}.localhost:3100`
    expect(body).toEqual([
      {
        id: expect.any(String),
        vendorId: env.id,
        name: 'Default application',
        appURL: base,
        loginURL: `${base}/oauth`,
        logoURL: '',
        description: '',
        accessType: 'FREE_ACCESS',
        isDefault: true,
        isActive: true,
        type: 'web',
        frontendStack: 'react',
        metadata: {},
        allowDcr: false,
        integrationFinishedAt: null,
        createdAt: expect.any(String),
        updatedAt: expect.any(String),
      },
    ])
    expect((await env.vendor('GET', `${url}/default`)).body).toEqual(body[0])
  })

  test('the first one may be known beforehand', async () => {
    const applicationId = deps.random.uuid()
    const { environment } = await createEnvironment(deps, { name: unique('env'), applicationId })
    expect(
      await deps.database.prisma.application.findMany({
        where: { vendorId: environment.id },
        select: { id: true, asDefault: { select: { applicationId: true } } },
      }),
    ).toEqual([{ id: applicationId, asDefault: { applicationId } }])
  })

  test('are made with defaults for what is not given, and read again', async () => {
    const env = await newEnvironment()
    const made = await env.vendor('POST', url, shop)
    expect(made).toMatchObject({
      status: 201,
      body: {
        ...shop,
        vendorId: env.id,
        accessType: 'FREE_ACCESS',
        isDefault: false,
        isActive: true,
        type: 'web',
        frontendStack: 'react',
        allowDcr: false,
        metadata: {},
      },
    })
    expect(made.body).not.toHaveProperty('clientSecret')
    const full = {
      ...shop,
      name: 'App',
      logoURL: 'https://x.example/l.png',
      accessType: 'MANAGED_ACCESS',
      isActive: false,
      type: 'mobile-ios',
      frontendStack: 'swift',
      description: 'd',
      metadata: { a: { b: [1] } },
      allowDcr: true,
    }
    const other = await env.vendor('POST', url, full)
    expect(other).toMatchObject({ status: 201, body: full })
    expect((await env.vendor('GET', `${url}/${other.body.id}`)).body).toEqual(other.body)
    expect(names((await env.vendor('GET', url)).body)).toEqual(['Default application', 'Shop', 'App'])
  })

  test('are not made of wrong input', async () => {
    const env = await newEnvironment()
    const wrong = async (fields: object) => (await env.vendor('POST', url, { ...shop, ...fields })).body.errors
    expect((await env.vendor('POST', url, {})).body.errors).toEqual(
      expect.arrayContaining(['name should not be empty', 'appURL must be a string', 'loginURL must be a string']),
    )
    expect(await wrong({ name: '' })).toEqual(['name should not be empty'])
    expect(await wrong({ appURL: 'nowhere' })).toEqual(['appURL must be a URL address'])
    expect(await wrong({ loginURL: 'JavaScript:alert(1)' })).toEqual(['loginURL must be a URL address'])
    expect(await wrong({ accessType: 'OPEN' })).toEqual([
      'accessType must be one of the following values: FREE_ACCESS, MANAGED_ACCESS',
    ])
    expect(await wrong({ type: 'desktop', metadata: 'x' })).toHaveLength(2)
    expect((await env.vendor('GET', url)).body).toHaveLength(1)
  })

  test('a change leaves what it does not name', async () => {
    const env = await newEnvironment()
    const app = await make(env, {
      accessType: 'MANAGED_ACCESS',
      isActive: false,
      type: 'agent',
      frontendStack: 'vue',
      allowDcr: true,
      metadata: { a: 1, b: 2 },
    })
    await env.clock.advance(1000)
    expect(
      await env.vendor('PATCH', `${url}/${app.id}`, { name: 'Store', appHost: 'store.example', metadata: { c: 3 } }),
    ).toMatchObject({ status: 201, body: null })
    const changed = (await env.vendor('GET', `${url}/${app.id}`)).body
    expect(changed).toEqual({
      ...app,
      name: 'Store',
      appHost: 'store.example',
      metadata: { c: 3 },
      updatedAt: expect.any(String),
    })
    expect(changed.updatedAt > app.updatedAt).toBe(true)
    expect((await env.vendor('PATCH', `${url}/${app.id}`, { appURL: 'data:text/html,x' })).status).toBe(400)
    expect((await env.vendor('PATCH', `${url}/${app.id}`, { type: 'desktop' })).status).toBe(400)
    expect((await env.vendor('GET', `${url}/${app.id}`)).body).toEqual(changed)
    for (const id of [UNKNOWN_ID, 'no-id']) {
      expect((await env.vendor('PATCH', `${url}/${id}`, { name: 'X' })).status).toBe(404)
      expect(await env.vendor('GET', `${url}/${id}`)).toMatchObject({ status: 404, body: { errorCode: 'ER-00004' } })
      expect((await env.vendor('DELETE', `${url}/${id}`)).status).toBe(404)
    }
  })

  test('the default moves on, can be done without, and cannot be deleted', async () => {
    const env = await newEnvironment()
    const [first] = await defaults(env),
      second = await make(env, { isDefault: true })
    expect(second.isDefault).toBe(true)
    expect(await defaults(env)).toMatchObject([{ id: second.id }])
    expect(await env.vendor('DELETE', `${url}/${second.id}`)).toMatchObject({
      status: 400,
      body: { errors: ['The default application cannot be deleted'] },
    })
    expect((await env.vendor('PATCH', `${url}/${first.id}`, { isDefault: true })).status).toBe(201)
    expect(await defaults(env)).toMatchObject([{ id: first.id }])
    expect(await env.vendor('DELETE', `${url}/${second.id}`)).toMatchObject({ status: 200, body: null })
    // only the default itself can stop being the default
    const third = await make(env)
    await env.vendor('PATCH', `${url}/${third.id}`, { isDefault: false })
    expect(await defaults(env)).toHaveLength(1)
    await env.vendor('PATCH', `${url}/${first.id}`, { isDefault: false })
    expect(await defaults(env)).toEqual([])
    expect((await env.vendor('GET', `${url}/default`)).status).toBe(404)
    expect((await env.vendor('DELETE', `${url}/${first.id}`)).status).toBe(200)
  })

  test('of many that become the default at once, one is it', async () => {
    const env = await newEnvironment()
    const made = await Promise.all(
      Array.from({ length: 8 }, () => env.vendor('POST', url, { ...shop, isDefault: true })),
    )
    expect(made.map((answer) => answer.status)).toEqual(Array(8).fill(201))
    expect(await defaults(env)).toHaveLength(1)
    const changed = await Promise.all(
      made.map(({ body }) => env.vendor('PATCH', `${url}/${body.id}`, { isDefault: true })),
    )
    expect(changed.map((answer) => answer.status)).toEqual(Array(8).fill(201))
    expect(await defaults(env)).toHaveLength(1)
  })

  test('an application that becomes the default while it is deleted is one or the other', async () => {
    const env = await newEnvironment()
    const app = await make(env)
    const [change, removal] = await Promise.all([
      env.vendor('PATCH', `${url}/${app.id}`, { isDefault: true }),
      env.vendor('DELETE', `${url}/${app.id}`),
    ])
    expect([
      [201, 400],
      [404, 200],
    ]).toContainEqual([change.status, removal.status])
    expect(await defaults(env)).toHaveLength(1)
  })

  test('there are 200 at most, though many are made at once', async () => {
    const env = await newEnvironment()
    const ctx = await env.context(),
      { clientSecret, sharedSecret, ...row } = await ctx.db.application.findFirstOrThrow()
    await ctx.db.application.createMany({
      data: Array.from({ length: 198 }, () => ({
        ...row,
        metadata: {},
        clientSecret,
        sharedSecret,
        id: ctx.random.uuid(),
      })),
    })
    const statuses = (await Promise.all(Array.from({ length: 8 }, () => env.vendor('POST', url, shop)))).map(
      (answer) => answer.status,
    )
    expect(statuses.toSorted()).toEqual([201, ...Array(7).fill(400)])
    expect((await env.vendor('GET', url)).body).toHaveLength(200)
  })

  test('are listed by what is asked for', async () => {
    const env = await newEnvironment()
    const agent = await make(env, { name: 'Agent 100%', type: 'agent', accessType: 'MANAGED_ACCESS' }),
      phone = await make(env, { name: 'Phone', type: 'mobile-android', frontendStack: 'kotlin', isActive: false })
    const found = async (query: string) => names((await env.vendor('GET', `${url}?${query}`)).body)
    expect(await found('_accessType=MANAGED_ACCESS')).toEqual(['Agent 100%'])
    expect(await found('_isDefault=true')).toEqual(['Default application'])
    expect(await found('_isDefault=false')).toEqual(['Agent 100%', 'Phone'])
    expect(await found('_isActive=false')).toEqual(['Phone'])
    expect(await found(`ids=${agent.id},${phone.id},garbage,${UNKNOWN_ID}`)).toEqual(['Agent 100%', 'Phone'])
    expect(await found(`ids=${agent.id}&ids=${phone.id}`)).toEqual(['Agent 100%', 'Phone'])
    expect(await found('type=agent,mobile-android')).toEqual(['Agent 100%', 'Phone'])
    expect(await found('type=agent&type=web')).toEqual(['Default application', 'Agent 100%'])
    expect(await found('frontendStack=kotlin')).toEqual(['Phone'])
    expect(await found('name=PHO')).toEqual(['Phone'])
    expect(await found('name=%25')).toEqual(['Agent 100%'])
    expect(await found('_excludeAgents=true')).toEqual(['Default application', 'Phone'])
    expect(await found('_excludeAgents=true&type=agent')).toEqual([])
    expect(await found('_excludeAgents=false')).toHaveLength(3)
    expect((await env.vendor('GET', `${url}?_accessType=OPEN`)).status).toBe(400)
  })

  test('users see those of their account, and ask for some of them as the portal does', async () => {
    const env = await newEnvironment()
    const mine = await env.newTenant(),
      theirs = await env.newTenant()
    const own = await make(env, { name: 'Own', accessType: 'MANAGED_ACCESS' }),
      foreign = await make(env, { name: 'Foreign', accessType: 'MANAGED_ACCESS' })
    await env.vendor('POST', `/applications/resources/applications/tenant-assignments/v1/${own.id}`, { tenantId: mine })
    await env.vendor('POST', `/applications/resources/applications/tenant-assignments/v1/${foreign.id}`, {
      tenantId: theirs,
    })
    const reader = await env.user({ tenantId: mine, permissions: ['fe.account-settings.read.app'] })
    const found = async (query: string) => names((await reader('GET', `${url}?${query}`)).body)
    expect(await found('')).toEqual(['Default application', 'Own'])
    expect(await found(`ids=${own.id},${foreign.id}&_includeFreeAccess=false`)).toEqual(['Own'])
    expect(await found(`ids=${own.id},${foreign.id}&_includeFreeAccess=true`)).toEqual(['Default application', 'Own'])
    expect(await found('ids=&_includeFreeAccess=true')).toEqual(['Default application'])
    expect(await found('ids=&_includeFreeAccess=false')).toEqual([])
    expect(names((await env.as(theirs)('GET', url)).body)).toEqual(['Default application', 'Foreign'])
  })

  test('go with everything that was theirs', async () => {
    const env = await newEnvironment()
    const app = await make(env, { accessType: 'MANAGED_ACCESS' }),
      user = await env.newUser()
    await env.vendor('POST', `/applications/resources/applications/tenant-assignments/v1/${app.id}`, {
      tenantId: user.tenantId,
    })
    await env.vendor('POST', '/identity/resources/applications/v1', {
      appId: app.id,
      tenantId: user.tenantId,
      userIds: [user.id],
    })
    await env.as(user.tenantId, user.id)('PUT', '/identity/resources/applications/user-tenants/active/v1', {
      activeApplicationTenants: [{ applicationId: app.id, tenantId: user.tenantId }],
    })
    expect((await env.vendor('DELETE', `${url}/${app.id}`)).status).toBe(200)
    const { db } = await env.context()
    expect(
      await Promise.all([db.applicationTenant.count(), db.applicationUser.count(), db.applicationActiveTenant.count()]),
    ).toEqual([0, 0, 0])
    expect((await env.vendor('GET', `/identity/resources/applications/v1/${user.id}/apps`)).body).toEqual([])
  })

  test('and with their environment, the default one too', async () => {
    const env = await newEnvironment()
    await make(env)
    await deps.database.prisma.vendor.delete({ where: { id: env.id } })
    expect(await deps.database.prisma.application.count({ where: { vendorId: env.id } })).toBe(0)
  })
})

describe.concurrent('the secrets of an application', () => {
  test('can be read by management, are stored sealed, and are made anew one by one', async () => {
    const env = await newEnvironment()
    const app = await make(env)
    const read = async () => (await env.vendor('GET', `${url}/credentials/${app.id}`)).body
    const first = await read()
    expect(Object.keys(first).toSorted()).toEqual(['clientSecret', 'sharedSecret'])
    expect(first.clientSecret).not.toBe(first.sharedSecret)
    const stored = JSON.stringify(
      await (await env.context()).db.application.findUniqueOrThrow({ where: { id: app.id } }),
    )
    for (const secret of Object.values(first)) expect(stored).not.toContain(secret)

    expect(await env.vendor('POST', `${url}/credentials/regenerate`, { appId: app.id })).toMatchObject({
      status: 201,
      body: null,
    })
    const second = await read()
    expect(second.clientSecret).not.toBe(first.clientSecret)
    expect(second.sharedSecret).toBe(first.sharedSecret)
    expect(await env.vendor('POST', `${url}/credentials/shared/regenerate`, { appId: app.id })).toMatchObject({
      status: 201,
      body: null,
    })
    const third = await read()
    expect(third.clientSecret).toBe(second.clientSecret)
    expect(third.sharedSecret).not.toBe(second.sharedSecret)
  })

  test('both change when both are made anew at once, many times', async () => {
    const env = await newEnvironment()
    const app = await make(env),
      before = (await env.vendor('GET', `${url}/credentials/${app.id}`)).body
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, n) =>
        env.vendor('POST', `${url}/credentials/${n % 2 ? 'shared/' : ''}regenerate`, { appId: app.id }),
      ),
    )
    expect(answers.map((answer) => answer.status)).toEqual(Array(8).fill(201))
    const after = (await env.vendor('GET', `${url}/credentials/${app.id}`)).body
    expect(after.clientSecret).not.toBe(before.clientSecret)
    expect(after.sharedSecret).not.toBe(before.sharedSecret)
  })

  test('are not those of an unknown application', async () => {
    const env = await newEnvironment(),
      other = await make(await newEnvironment())
    for (const appId of [UNKNOWN_ID, 'garbage', other.id]) {
      expect((await env.vendor('GET', `${url}/credentials/${appId}`)).status).toBe(404)
      expect((await env.vendor('POST', `${url}/credentials/regenerate`, { appId })).status).toBe(404)
      expect((await env.vendor('POST', `${url}/credentials/shared/regenerate`, { appId })).status).toBe(404)
    }
    expect(await env.vendor('POST', `${url}/credentials/regenerate`, {})).toMatchObject({
      status: 400,
      body: { errors: ['appId must be a string'] },
    })
  })
})
