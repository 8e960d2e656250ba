import { describe, expect, test } from 'vitest'
import { newEnvironment, UNKNOWN_ID } from '../../../test/environment.ts'

const url = '/vendors/resources/associated-domains/v1',
  print = Array.from({ length: 32 }, (_, n) => n.toString(16).padStart(2, '0')).join(':'),
  android = { packageName: 'com.example.app', sha256CertFingerprints: [print] },
  ios = { appId: 'ABCDE12345.com.example.app' }

describe.concurrent('mobile apps', () => {
  test('are vouched for at the host of their environment, as long as they are there', async () => {
    const [env, other] = [await newEnvironment(), await newEnvironment()],
      links = async (one = env) => (await one.anonymous('GET', '/.well-known/assetlinks.json')).body,
      apple = async (one = env) => (await one.anonymous('GET', '/.well-known/apple-app-site-association')).body
    expect([await links(), await apple()]).toEqual([[], { applinks: { details: [] }, webcredentials: { apps: [] } }])
    const made = await env.vendor('POST', `${url}/android`, android),
      apples = await env.vendor('POST', `${url}/ios`, ios)
    expect([made.status, apples.status]).toEqual([201, 201])
    const prints = [print.toUpperCase()]
    expect(made.body).toEqual({ ...android, id: expect.any(String), sha256CertFingerprints: prints })
    expect((await env.vendor('GET', `${url}/android`)).body).toEqual([made.body])
    expect((await env.vendor('GET', `${url}/ios`)).body).toEqual([{ ...ios, id: apples.body.id }])
    expect(await links()).toEqual([
      {
        relation: ['delegate_permission/common.handle_all_urls', 'delegate_permission/common.get_login_creds'],
        target: { namespace: 'android_app', package_name: 'com.example.app', sha256_cert_fingerprints: prints },
      },
    ])
    expect(await apple()).toEqual({
      applinks: {
        details: [{ appIDs: [ios.appId], components: [{ '/': '/oauth/account/*' }, { '/': '/account/*' }] }],
      },
      webcredentials: { apps: [ios.appId] },
    })
    expect([await links(other), (await apple(other)).webcredentials.apps]).toEqual([[], []])

    expect((await env.vendor('DELETE', `${url}/ios/${made.body.id}`)).status, 'of the other kind').toBe(404)
    expect((await other.vendor('DELETE', `${url}/android/${made.body.id}`)).status).toBe(404)
    expect((await env.vendor('DELETE', `${url}/android/${made.body.id}`)).status).toBe(200)
    expect((await env.vendor('DELETE', `${url}/android/${UNKNOWN_ID}`)).status).toBe(404)
    expect(await links()).toEqual([])
  })

  test('are there once, and have names and fingerprints of their platform', async () => {
    const env = await newEnvironment(),
      twice = await Promise.all([1, 2].map(() => env.vendor('POST', `${url}/ios`, ios)))
    expect(twice.map(({ status }) => status).sort()).toEqual([201, 409])
    for (const body of [{}, { appId: 'com.example.app' }, { appId: 'ABCDE12345.' }])
      expect((await env.vendor('POST', `${url}/ios`, body)).status).toBe(400)
    for (const body of [
      { packageName: 'com.example.app' },
      { ...android, packageName: 'app' },
      { ...android, sha256CertFingerprints: ['ab'] },
    ])
      expect((await env.vendor('POST', `${url}/android`, body)).status).toBe(400)
    expect((await env.anonymous('GET', `${url}/ios`)).status).toBe(401)
  })
})
