import { describe, expect, test } from 'vitest'
import { newEnvironment, UNKNOWN_ID, type TestEnvironment } from '../../../../test/environment.ts'

const url = '/applications/application-clients',
  applications = '/applications/resources/applications/v1'
const agent = { clientName: 'Bot', clientType: 'Agent' }
const theDefault = async (env: TestEnvironment): Promise<string> =>
  (await env.vendor('GET', `${applications}/default`)).body.id

describe.concurrent('clients of an application', () => {
  test('are made for the requested application, or the default one', async () => {
    const env = await newEnvironment()
    const app = (
        await env.vendor('POST', applications, {
          name: 'Shop',
          appURL: 'https://shop.example',
          loginURL: 'https://shop.example/login',
        })
      ).body.id,
      usual = await theDefault(env)
    const full = {
      ...agent,
      redirectURLs: ['https://bot.example/cb', 'cursor://cb'],
      externalMetadata: { a: 'x', b: 1, c: true },
    }
    const made = await env.vendor('POST', url, full, { headers: { 'frontegg-application-id': app } })
    expect(made).toMatchObject({
      status: 201,
      body: {
        ...full,
        id: expect.any(String),
        appId: app,
        clientSecret: expect.any(String),
        createdAt: expect.any(String),
      },
    })
    expect(await env.vendor('POST', url, agent)).toMatchObject({
      status: 201,
      body: { ...agent, appId: usual, redirectURLs: [], externalMetadata: null },
    })
    expect((await env.vendor('GET', `${url}/app/${app}`)).body).toEqual([made.body])
    expect((await env.vendor('GET', `${url}/${made.body.id}`)).body).toEqual(made.body)
    const stored = await (await env.context()).db.applicationClient.findUniqueOrThrow({ where: { id: made.body.id } })
    expect(JSON.stringify(stored)).not.toContain(made.body.clientSecret)
  })

  test('need an application', async () => {
    const env = await newEnvironment()
    for (const id of [UNKNOWN_ID, 'garbage']) {
      expect(await env.vendor('POST', url, agent, { headers: { 'frontegg-application-id': id } })).toMatchObject({
        status: 404,
        body: { errors: ['Application not found'] },
      })
    }
    expect((await env.vendor('GET', `${url}/app/${UNKNOWN_ID}`)).status).toBe(404)
    await env.vendor('PATCH', `${applications}/${await theDefault(env)}`, { isDefault: false })
    expect(await env.vendor('POST', url, agent)).toMatchObject({
      status: 403,
      body: { errorCode: 'ER-00008', errors: ['Application ID is not specified'] },
    })
  })

  test('are changed in what is given, and deleted', async () => {
    const env = await newEnvironment()
    const made = (
        await env.vendor('POST', url, {
          ...agent,
          redirectURLs: ['https://bot.example/cb'],
          externalMetadata: { a: 1 },
        })
      ).body,
      path = `${url}/${made.id}`
    await env.clock.advance(1000)
    const changed = await env.vendor('PATCH', path, { clientName: 'Robot', externalMetadata: { b: 'x' } })
    expect(changed).toMatchObject({
      status: 200,
      body: { ...made, clientName: 'Robot', externalMetadata: { b: 'x' }, updatedAt: expect.any(String) },
    })
    expect(changed.body.externalMetadata).toEqual({ b: 'x' })
    expect((await env.vendor('GET', path)).body).toEqual(changed.body)
    expect(await env.vendor('DELETE', path)).toMatchObject({ status: 204, body: null })
    for (const method of ['GET', 'PATCH', 'DELETE'] as const)
      expect(await env.vendor(method, path, method === 'PATCH' ? {} : undefined)).toMatchObject({
        status: 404,
        body: { errors: ['Application client not found'] },
      })
  })

  test('are not made of wrong input', async () => {
    const env = await newEnvironment()
    const made = (await env.vendor('POST', url, agent)).body
    const wrong: [object, string][] = [
      [{ clientType: 'Robot' }, 'clientType must be one of the following values: Agent'],
      [{ redirectURLs: ['nowhere'] }, 'each value in redirectURLs must be a URL address'],
      [{ redirectURLs: ['https://a.example', 'javascript:alert(1)'] }, 'redirectURLs must be a URL address'],
      [{ externalMetadata: { a: { b: 1 } } }, 'each value in externalMetadata must be a string, a number or a boolean'],
    ]
    for (const [fields, message] of wrong)
      expect(await env.vendor('POST', url, { ...agent, ...fields })).toMatchObject({
        status: 400,
        body: { errors: [message] },
      })
    for (const [fields] of wrong.slice(1))
      expect((await env.vendor('PATCH', `${url}/${made.id}`, fields)).status).toBe(400)
    expect((await env.vendor('GET', `${url}/app/${made.appId}`)).body).toEqual([made])
  })

  test('go with their application', async () => {
    const env = await newEnvironment()
    const app = (
      await env.vendor('POST', applications, {
        name: 'Shop',
        appURL: 'https://shop.example',
        loginURL: 'https://shop.example/login',
      })
    ).body.id
    const { id } = (await env.vendor('POST', url, agent, { headers: { 'frontegg-application-id': app } })).body
    await env.vendor('DELETE', `${applications}/${app}`)
    expect((await env.vendor('GET', `${url}/${id}`)).status).toBe(404)
  })
})
