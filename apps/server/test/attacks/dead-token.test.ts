import { describe, expect, test } from 'vitest'
import { newEnvironment, type TestEnvironment } from '../environment.ts'
import { claimsOf, logIn, PASSWORD } from '../second-factors.ts'

const identity = '/identity/resources',
  tenants = '/tenants/resources/tenants/v1'

/** An administrator who has logged in, and whose access token somebody has kept. */
async function victim() {
  const env = await newEnvironment(),
    user = await env.newUser({ password: PASSWORD, permissions: ['fe.secure.*'] }),
    { accessToken } = (await logIn(env, user)).body
  return { env, user, accessToken: accessToken as string }
}
const ways: [string, 'GET' | 'POST', string, object?][] = [
  ['read the profile', 'GET', '/users/v2/me'],
  ['add an address', 'POST', '/users/emails/v1', { email: 'evil@example.com' }],
  ['enrol an authenticator', 'POST', '/users/v1/mfa/authenticator/enroll'],
  ['add a passkey', 'POST', '/users/webauthn/v1/devices', {}],
  ['set a name to log in by', 'POST', '/usernames/v1', { username: 'evil' }],
  ['take a token for the tenant', 'POST', '/users/v3/me/token', { tenantId: 'any' }],
  ['change a policy of the tenant', 'POST', '/configurations/v1/lockout-policy', { enabled: true, maxAttempts: 3 }],
  ['invite somebody', 'POST', '/users/v2', { email: 'friend@example.com' }],
]
async function opensNothing(env: TestEnvironment, token: string) {
  const call = env.withToken(token)
  for (const [what, method, path, body] of ways)
    expect(await call(method, identity + path, body), what).toMatchObject({
      status: 401,
      body: { errors: ['Unauthorized'] },
    })
}
type Victim = Awaited<ReturnType<typeof victim>>
const done = async (answer: ReturnType<Victim['env']['vendor']>) => expect((await answer).status).toBeLessThan(300)

const ends: Record<string, (of: Victim) => Promise<unknown>> = {
  'the password was changed elsewhere': async ({ env, user }) => {
    const other = env.withToken((await logIn(env, user)).body.accessToken as string)
    await done(
      other('POST', `${identity}/users/v1/passwords/change`, { password: PASSWORD, newPassword: 'Another-Hen-3!' }),
    )
  },
  'the user logged out': async ({ env, accessToken }) =>
    done(
      env.withToken(accessToken)('DELETE', `${identity}/users/sessions/v1/me/${String(claimsOf(accessToken)['sid'])}`),
    ),
  'the user logged out everywhere': async ({ env, user }) => {
    const other = env.withToken((await logIn(env, user)).body.accessToken as string)
    await done(other('DELETE', `${identity}/users/sessions/v1/me/all`))
  },
  'management revoked the sessions': ({ env, user }) =>
    done(env.vendor('POST', `${identity}/users/sessions/v1/revoke`, { userId: user.id })),
  'the user was locked': ({ env, user }) => done(env.vendor('POST', `${identity}/users/v1/${user.id}/lock`)),
  'the user was removed': ({ env, user }) => done(env.vendor('DELETE', `${identity}/users/v1/${user.id}`)),
  'the user was removed from the tenant': async ({ env, user }) => {
    await done(env.vendor('POST', `${identity}/users/v1/${user.id}/tenant`, { tenantId: await env.newTenant() }))
    await done(env.as(user.tenantId)('DELETE', `${identity}/users/v1/${user.id}`))
  },
  'the user was moved to another tenant': async ({ env, user }) =>
    done(
      env.vendor('PUT', `${identity}/users/v1/tenants/migrate`, {
        srcTenantId: user.tenantId,
        targetTenantId: await env.newTenant(),
      }),
    ),
  'the tenant was deleted': ({ env, user }) => done(env.vendor('DELETE', `${tenants}/${user.tenantId}`)),
  'the session was over': ({ env, user }) => afterTwoMinutes(env, user.id),
}
/** Tokens live an hour, and this session ends before. */
async function afterTwoMinutes(env: TestEnvironment, userId: string) {
  const now = await env.clock.now()
  await (
    await env.context()
  ).db.session.updateMany({ where: { userId }, data: { expiresAt: new Date(+now + 120_000) } })
  await env.clock.advance(120_000)
}

describe.concurrent('an access token that somebody has kept', () => {
  test.for(Object.entries(ends))('opens nothing once %s', async ([, end]) => {
    const of = await victim()
    expect((await of.env.withToken(of.accessToken)('GET', `${identity}/users/v2/me`)).status).toBe(200)
    await end(of)
    await opensNothing(of.env, of.accessToken)
  })

  test('opens nothing while the tenant keeps the user out, or after a temporary user has had their time', async () => {
    const { env, user, accessToken } = await victim(),
      { db } = await env.context(),
      change = (data: object) => db.membership.updateMany({ where: { userId: user.id }, data })
    for (const [closed, open] of [
      [{ isDisabled: true }, { isDisabled: false }],
      [{ expiresAt: new Date(0) }, { expiresAt: null }],
      [{ acceptedAt: null }, { acceptedAt: new Date(0) }],
    ] as const) {
      await change(closed)
      await opensNothing(env, accessToken)
      await change(open)
      expect((await env.withToken(accessToken)('GET', `${identity}/users/v2/me`)).status).toBe(200)
    }
  })

  test('opens nothing of a tenant made anew under the same id, though its session lives elsewhere', async () => {
    const { env, user, accessToken } = await victim()
    await done(env.vendor('POST', tenants, { tenantId: 'acme', name: 'Acme' }))
    await done(env.vendor('PUT', `${identity}/users/v1/${user.id}/superuser`, { superUser: true }))
    const { body } = await env.withToken(accessToken)('POST', `${identity}/users/v3/me/token`, { tenantId: 'acme' })
    const call = env.withToken(body.accessToken as string)
    expect((await call('GET', `${identity}/users/v2/me`)).status).toBe(200)
    await done(env.vendor('DELETE', `${tenants}/acme`))
    await env.clock.advance(2000)
    await done(env.vendor('POST', tenants, { tenantId: 'acme', name: 'Another Acme' }))
    await opensNothing(env, body.accessToken as string)
    expect((await env.withToken(accessToken)('GET', `${identity}/users/v2/me`)).status).toBe(200)
  })

  test('says nothing of tenant and user on public routes either', async () => {
    const { env, user, accessToken } = await victim(),
      url = `${identity}/configurations/v1/public`
    await done(env.as(user.tenantId)('POST', `${identity}/users/sessions/v1/revoke`, { userId: user.id }))
    const bare = await env.anonymous('GET', url)
    expect(await env.withToken(accessToken)('GET', url)).toMatchObject({ status: bare.status, body: bare.body })
  })

  test('is nothing without a session, nor with that of somebody else', async () => {
    const { env, user } = await victim(),
      other = await env.newUser({ tenantId: user.tenantId }),
      theirs = claimsOf(await env.userToken(other))['sid']
    for (const sid of [undefined, null, 7, ['x'], 'x', theirs, user.id])
      await opensNothing(env, await env.userToken(user, { sid }))
    for (const tenantId of [undefined, 7, 'a\0b', await env.newTenant()])
      await opensNothing(env, await env.userToken(user, { tenantId }))
  })
})
