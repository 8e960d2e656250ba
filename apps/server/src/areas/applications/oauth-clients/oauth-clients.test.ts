import { describe, expect, test } from 'vitest'
import { newEnvironment, UNKNOWN_ID } from '../../../../test/environment.ts'
import { allow } from '../../../../test/oauth-browser.ts'

const configuration = '/oauth/resources/configurations/v1',
  uris = `${configuration}/redirect-uri`

test('OAuth is on until it is switched off, as Terraform does it', async () => {
  const { vendor } = await newEnvironment(),
    current = async () => (await vendor('GET', configuration)).body
  expect(await current()).toEqual({ isActive: true })
  expect(await vendor('POST', `${configuration}/deactivate`)).toMatchObject({ status: 200, body: null })
  expect(await current()).toEqual({ isActive: false })
  expect((await vendor('POST', `${configuration}/activate`)).status).toBe(200)
  expect(await current()).toEqual({ isActive: true })
  expect((await vendor('POST', configuration, { isActive: false })).status).toBe(200)
  expect(await current()).toEqual({ isActive: false })
})

describe.concurrent('redirect URIs', () => {
  test('are listed in the order in which they came, and deleted one by one', async () => {
    const env = await newEnvironment(),
      [one, other] = ['https://app.example.com/cb', 'com.example.app://cb?x=1'],
      ids = [await allow(env, one), await allow(env, other)]
    const listed = async () => (await env.vendor('GET', uris)).body
    expect(await listed()).toEqual({
      redirectUris: [
        { id: ids[0], redirectUri: one },
        { id: ids[1], redirectUri: other },
      ],
    })
    expect((await env.vendor('DELETE', `${uris}/${ids[0]}`)).status).toBe(200)
    expect((await env.vendor('DELETE', `${uris}/${ids[0]}`)).status).toBe(404)
    expect((await listed()).redirectUris).toHaveLength(1)
  })

  test('that are there already stay as they are, also when they come many at once', async () => {
    const env = await newEnvironment(),
      added = await Promise.all(Array.from({ length: 6 }, () => allow(env)))
    expect(new Set(added).size).toBe(1)
    expect((await env.vendor('GET', uris)).body.redirectUris).toHaveLength(1)
  })

  test('belong to the application that the call names, and go with it', async () => {
    const env = await newEnvironment(),
      app = { name: 'A', appURL: 'https://a.example', loginURL: 'https://a.example/login' },
      { id } = (await env.vendor('POST', '/applications/resources/applications/v1', app)).body,
      headers = { 'frontegg-application-id': id as string }
    await allow(env, 'https://a.example/cb', id)
    await allow(env, 'https://a.example/cb')
    expect((await env.vendor('GET', uris, undefined, { headers })).body.redirectUris).toHaveLength(1)
    expect((await env.vendor('GET', uris)).body.redirectUris).toHaveLength(1)
    const strange = { 'frontegg-application-id': UNKNOWN_ID }
    expect((await env.vendor('GET', uris, undefined, { headers: strange })).status).toBe(404)
    expect((await env.vendor('POST', uris, { redirectUri: 'https://b.example' }, { headers: strange })).status).toBe(
      404,
    )
    await env.vendor('DELETE', `/applications/resources/applications/v1/${id}`)
    expect(await (await env.context()).db.redirectUri.count()).toBe(1)
  })

  test.for([
    '',
    '/oauth/callback',
    'app.example.com/cb',
    'https://app.example.com/cb#part',
    'https://app.example.com/c b',
    'https://äpp.example.com/cb',
    'javascript:alert(1)',
    'data:text/html,x',
    `https://app.example.com/${'x'.repeat(2000)}`,
  ])('must be addresses that a browser can be sent to: not %s', async (redirectUri) => {
    const { vendor } = await newEnvironment()
    expect((await vendor('POST', uris, { redirectUri })).status).toBe(400)
  })

  test('are not more than two hundred', async () => {
    const env = await newEnvironment(),
      { db, random, clock } = await env.context()
    await db.redirectUri.createMany({
      data: Array.from({ length: 200 }, (_, i) => ({
        id: random.uuid(),
        redirectUri: `https://app.example.com/${i}`,
        createdAt: clock.now(),
      })),
    })
    expect((await env.vendor('POST', uris, { redirectUri: 'https://app.example.com/more' })).status).toBe(400)
    expect((await env.vendor('POST', uris, { redirectUri: 'https://app.example.com/7' })).status).toBe(201)
  })
})
