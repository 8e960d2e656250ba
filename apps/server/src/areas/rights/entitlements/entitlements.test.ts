import { expect, test } from 'vitest'
import { newEnvironment } from '../../../../test/environment.ts'

const path = '/entitlements/api/v2/user-entitlements'

test('users are entitled to what their permissions allow at this moment; there are no plans and features', async () => {
  const env = await newEnvironment(),
    who = await env.newUser({ permissions: ['fe.secure.read.users'] })
  const login = await env.user({ permissions: ['fe.secure.read.users', 'fe.secure.write.roles'] })
  expect(await login('GET', path)).toMatchObject({
    status: 200,
    body: { features: {}, plans: {}, permissions: { 'fe.secure.read.users': true, 'fe.secure.write.roles': true } },
  })
  expect((await login('GET', `/frontegg${path}`)).status).toBe(200)
  expect((await env.anonymous('GET', path)).status).toBe(401)
  expect((await env.as(who.tenantId, who.id)('GET', path)).status).toBe(401)
})

test('servers find a snapshot that never changes', async () => {
  const env = await newEnvironment(),
    { body } = await env.vendor('GET', '/entitlements/api/v1/vendor-entitlements')
  expect(body).toEqual({
    data: { features: [], featureBundles: [], entitlements: [], featureFlags: [] },
    snapshotOffset: 0,
  })
  expect((await env.vendor('GET', '/entitlements/api/v1/vendor-entitlements-snapshot-offset')).body).toEqual({
    snapshotOffset: body.snapshotOffset,
  })
})
