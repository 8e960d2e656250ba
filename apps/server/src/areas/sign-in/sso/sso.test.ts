import { expect, test } from 'vitest'
import { newEnvironment } from '../../../../test/environment.ts'

test('no address has an identity provider of its own, so that clients ask for a password or a code', async () => {
  const env = await newEnvironment(),
    user = await env.newUser()
  for (const path of [
    '/identity/resources/auth/v2/user/sso/prelogin',
    '/frontegg/identity/resources/auth/v1/user/saml/prelogin',
  ])
    for (const body of [{ email: user.email }, { email: 'nobody@example.org', tenantId: user.tenantId }, {}])
      expect(await env.anonymous('POST', path, body)).toMatchObject({
        status: 404,
        body: { errors: ['SSO domain was not found'] },
      })
  expect((await env.anonymous('GET', '/team/resources/sso/v2/configurations/public')).body).toEqual({ isActive: false })
  const portal = await env.user({ permissions: ['fe.secure.read.samlConfiguration'] })
  for (const path of ['/team/resources/sso/v1/configurations', '/team/resources/sso/v1/oidc/configurations'])
    expect((await portal('GET', path)).body).toEqual([])
})
