import { describe, expect, test } from 'vitest'
import { newEnvironment, unique } from '../../../../test/environment.ts'
import { everythingOf } from '../../../../test/furnished.ts'
import { addSource, configured, NEW_TENANT, pathOf, sources, type Type } from '../../../../test/pools.ts'

/** a byte too long */
const LONG = 'x'.repeat(32_769)
const types = Object.keys(configured) as Type[]
/** What nobody may read again. */
const SECRETS = /the-(secret|private|firebase)[a-z0-9-]*/

describe('sources of users', () => {
  test.each(types)('are made, read, changed and deleted: %s', async (type) => {
    const env = await newEnvironment(),
      appId = (await env.vendor('GET', '/applications/resources/applications/v1')).body[0].id as string
    const created = await env.vendor('POST', pathOf(type), {
      ...{ name: 'First', index: 3, description: 'Ours', appIds: [appId], configuration: configured[type] },
    })
    const shown = { name: 'First', type, description: 'Ours', appIds: [appId], index: 3 }
    expect(created).toMatchObject({ status: 201, body: shown })
    expect(created.body).not.toHaveProperty('configuration')
    const { id } = created.body,
      found = await env.vendor('GET', `${sources}/${id}`)
    expect(found).toMatchObject({
      status: 200,
      body: { id, ...shown, configuration: { syncOnLogin: true, tenantConfig: NEW_TENANT } },
    })
    const list = await env.vendor('GET', sources)
    expect(list).toMatchObject({ status: 200, body: [{ id, ...shown, usersCount: 0 }] })
    expect(JSON.stringify([created.body, found.body, list.body])).not.toMatch(SECRETS)
    expect(JSON.stringify(await everythingOf(env.id))).not.toMatch(SECRETS)

    expect(await env.vendor('PUT', `${pathOf(type)}/${id}`, { name: 'Second', index: 1 })).toMatchObject({
      status: 200,
      body: null,
    })
    expect((await env.vendor('GET', `${sources}/${id}`)).body).toEqual({ ...found.body, name: 'Second', index: 1 })
    await env.vendor('PUT', `${pathOf(type)}/${id}`, { configuration: { ...configured[type], syncOnLogin: false } })
    expect((await env.vendor('GET', `${sources}/${id}`)).body.configuration).toEqual({
      ...found.body.configuration,
      syncOnLogin: false,
    })

    expect(await env.vendor('DELETE', `${sources}/${id}`)).toMatchObject({ status: 200, body: null })
    expect((await env.vendor('GET', `${sources}/${id}`)).status).toBe(404)
    expect((await env.vendor('DELETE', `${sources}/${id}`)).status).toBe(404)
    expect((await env.vendor('GET', sources)).body).toEqual([])
  })

  test('show the script of custom code, which is sealed at rest', async () => {
    const env = await newEnvironment(),
      codePayload = '/* a-pepper-in-the-code */ function onEvent() {}'
    const id = await addSource(env, 'custom-code', { codePayload, getUserCodePayload: 'function onEvent() {}' })
    expect((await env.vendor('GET', `${sources}/${id}`)).body.configuration).toMatchObject({ codePayload })
    expect(JSON.stringify(await everythingOf(env.id))).not.toContain('a-pepper-in-the-code')
  })

  test('are listed in the order in which they are asked', async () => {
    const env = await newEnvironment()
    for (const [name, index] of [
      ['c', 2],
      ['a', 1],
      ['d', 2],
      ['b', 1],
    ] as const) {
      await addSource(env, 'custom-code', {}, { name, index })
      await env.clock.advance(1)
    }
    expect((await env.vendor('GET', sources)).body.map(({ name }: { name: string }) => name)).toEqual([
      'a',
      'b',
      'c',
      'd',
    ])
  })

  test('are assigned to applications, and unassigned', async () => {
    const env = await newEnvironment(),
      id = await addSource(env, 'auth0', {}, { appIds: [] })
    const apps: string[] = []
    for (const name of ['one', 'two'])
      apps.push(
        (
          await env.vendor('POST', '/applications/resources/applications/v1', {
            name,
            appURL: 'https://a.example',
            loginURL: 'https://a.example',
          })
        ).body.id,
      )
    const appIds = async () => (await env.vendor('GET', `${sources}/${id}`)).body.appIds
    expect(await env.vendor('POST', `${sources}/assign`, { userSourceId: id, appIds: apps })).toMatchObject({
      status: 201,
      body: null,
    })
    await env.vendor('POST', `${sources}/assign`, { userSourceId: id, appIds: [apps[0], apps[0]] })
    expect(await appIds()).toEqual(apps.toSorted())
    expect(await env.vendor('POST', `${sources}/unassign`, { userSourceId: id, appIds: [apps[0]] })).toMatchObject({
      status: 201,
      body: null,
    })
    expect(await appIds()).toEqual([apps[1]])
    const nobody = crypto.randomUUID()
    for (const [way, body] of [
      ['assign', { userSourceId: id, appIds: [nobody] }],
      ['assign', { userSourceId: nobody, appIds: [apps[0]] }],
      ['unassign', { userSourceId: nobody, appIds: [apps[0]] }],
    ] as const)
      expect((await env.vendor('POST', `${sources}/${way}`, body)).status, way).toBe(404)
    // with the application goes its assignment
    await env.vendor('DELETE', `/applications/resources/applications/v1/${apps[1]}`)
    expect(await appIds()).toEqual([])
  })

  test.each([
    ['auth0', { domain: 'coop.auth0.com/path' }],
    ['auth0', { domain: 'user@127.0.0.1' }],
    ['auth0', { tenantConfig: { tenantResolverType: 'from-source' } }],
    ['auth0', { tenantConfig: { tenantResolverType: 'dynamic' } }],
    ['auth0', { secret: '' }],
    ['cognito', { region: 'evil.example/' }],
    ['cognito', { userPoolId: 'a b' }],
    ['firebase', { serviceAccount: {} }],
    ['firebase', { tenantConfig: { tenantResolverType: 'dynamic', tenantIdFieldName: 'x' } }],
    ['custom-code', { codePayload: '' }],
    ['custom-code', { codePayload: LONG }],
    ['custom-code', { tenantConfig: { tenantResolverType: 'static', tenantId: 'x' } }],
    ['federation', { wellknownUrl: 'file:///etc/passwd' }],
    ['federation', { wellknownUrl: undefined }],
    ['federation', { oauth2Config: { tokenUrl: 'https://a.example' } }],
  ] as [Type, object][])('are refused when there is a fault in %s (%#)', async (type, wrong) => {
    const env = await newEnvironment(),
      body = { name: 'x', index: 0, configuration: { ...configured[type], ...wrong } }
    expect((await env.vendor('POST', pathOf(type), body)).status).toBe(400)
    const id = await addSource(env, type)
    expect((await env.vendor('PUT', `${pathOf(type)}/${id}`, body)).status).toBe(400)
  })

  test('lead to accounts that are there, and only to those of their type', async () => {
    const env = await newEnvironment(),
      tenantConfig = { tenantResolverType: 'static', tenantId: 'nowhere' }
    const body = { name: 'x', index: 0, configuration: { ...configured.auth0, tenantConfig } }
    expect((await env.vendor('POST', pathOf('auth0'), body)).status).toBe(404)
    const id = await addSource(env, 'auth0')
    expect((await env.vendor('PUT', `${pathOf('auth0')}/${id}`, body)).status).toBe(404)
    expect((await env.vendor('PUT', `${pathOf('cognito')}/${id}`, { name: 'y' })).status).toBe(404)
    expect(
      (
        await env.vendor('POST', pathOf('auth0'), {
          ...body,
          configuration: configured.auth0,
          appIds: [crypto.randomUUID()],
        })
      ).status,
    ).toBe(404)
    expect((await env.vendor('GET', sources)).body).toHaveLength(1)
  })

  test('of an application are as many as a login may ask, however many are made or assigned at once', async () => {
    const env = await newEnvironment(),
      { applicationId } = await (await env.context()).db.defaultApplication.findFirstOrThrow({ where: {} }),
      userSourceId = await addSource(env, 'custom-code', {}, { appIds: [] })
    const body = { name: unique(), index: 0, configuration: configured['custom-code'], appIds: [applicationId] },
      assign = () => env.vendor('POST', `${sources}/assign`, { userSourceId, appIds: [applicationId] })
    const all = await Promise.all(Array.from({ length: 23 }, () => env.vendor('POST', pathOf('custom-code'), body)))
    const made = all.filter(({ status }) => status === 201)
    expect(made).toHaveLength(20)
    expect(all.filter(({ status }) => status === 400)).toHaveLength(3)
    expect((await assign()).status).toBe(400)
    expect((await env.vendor('GET', sources)).body).toHaveLength(21)
    await env.vendor('POST', `${sources}/unassign`, { userSourceId: made[0]!.body.id, appIds: [applicationId] })
    expect((await assign()).status).toBe(201)
  })
})
