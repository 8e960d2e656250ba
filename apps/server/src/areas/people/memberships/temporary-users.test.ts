import { describe, expect, test } from 'vitest'
import { newEnvironment, UNKNOWN_ID } from '../../../../test/environment.ts'

const url = '/identity/resources/users/temporary/v1'

describe.concurrent('temporary users', () => {
  test('are off until the environment allows them', async () => {
    const env = await newEnvironment(),
      user = await env.newUser()
    expect(await env.vendor('GET', `${url}/configuration`)).toMatchObject({ status: 200, body: { enabled: false } })
    expect(await env.as(user.tenantId)('PUT', `${url}/${user.id}`, { expirationInSeconds: 300 })).toMatchObject({
      status: 400,
      body: { errors: ['Temporary users are not enabled'] },
    })
    expect(await env.vendor('PUT', `${url}/configuration`, { enabled: true })).toMatchObject({
      status: 200,
      body: { enabled: true },
    })
    expect(await env.as(user.tenantId)('PUT', `${url}/${user.id}`, { expirationInSeconds: 299 })).toMatchObject({
      status: 400,
    })
    expect(await env.as(user.tenantId)('PUT', `${url}/${user.id}`, { expirationInSeconds: 300 })).toMatchObject({
      status: 201,
      body: { expirationInSeconds: 300 },
    })
    expect((await env.as(user.tenantId)('PUT', `${url}/${UNKNOWN_ID}`, { expirationInSeconds: 300 })).status).toBe(404)
  })

  test('stop being members when their time is up, unless they were made permanent', async () => {
    const env = await newEnvironment(),
      goes = await env.newUser(),
      stays = await env.newUser({ tenantId: goes.tenantId })
    await env.vendor('PUT', `${url}/configuration`, { enabled: true })
    const manage = env.as(goes.tenantId)
    for (const { id } of [goes, stays]) await manage('PUT', `${url}/${id}`, { expirationInSeconds: 600 })
    const until = (await manage('GET', `/identity/resources/users/v1/${goes.id}`)).body.tenants[0]
      .temporaryExpirationDate
    const left = new Date(until).getTime() - (await env.clock.now()).getTime()
    expect(left).toBeGreaterThan(590_000)
    expect(left).toBeLessThanOrEqual(600_000)
    expect(await manage('DELETE', `${url}/${stays.id}`)).toMatchObject({ status: 200, body: null })
    await env.clock.advance(601_000)
    expect((await manage('GET', `/identity/resources/users/v1/${goes.id}`)).status).toBe(404)
    await env.runJobs()
    const members = await (await env.context()).db.membership.findMany({ where: { tenantId: goes.tenantId } })
    expect(members.map((m) => m.userId)).toEqual([stays.id])
  })

  test('a user needs the permission, and reaches its own tenant only', async () => {
    const env = await newEnvironment(),
      other = await env.newUser()
    await env.vendor('PUT', `${url}/configuration`, { enabled: true })
    const manager = await env.user({ permissions: ['fe.secure.write.updateUser'] })
    expect((await manager('PUT', `${url}/${other.id}`, { expirationInSeconds: 300 })).status).toBe(404)
    expect((await manager('PUT', `${url}/configuration`, { enabled: false })).status).toBe(401)
  })
})

describe.concurrent('a temporary user whose time is up', () => {
  const PASSWORD = 'Henhouse-1!',
    auth = '/identity/resources/auth/v1',
    users = '/identity/resources/users',
    settings = '/identity/resources/configurations/v1'

  /** A user who was a member for ten minutes, with every token and link they could get in that time. */
  async function expired() {
    const env = await newEnvironment(),
      user = await env.user({ password: PASSWORD, permissions: ['fe.secure.write.tenantInvites'] })
    // the clock stands at the very moment of the end
    await env.clock.freeze()
    await env.vendor('PUT', `${url}/configuration`, { enabled: true })
    await env.as(user.tenantId)('PUT', `${url}/${user.id}`, { expirationInSeconds: 600 })
    const session = await env.anonymous('POST', `${auth}/user`, { email: user.email, password: PASSWORD })
    expect(session.status).toBe(200)
    const invite = await user('POST', '/identity/resources/tenants/invites/v1/user', {
      expiresInMinutes: 60,
      shouldSendEmail: false,
    })
    expect(invite.status).toBe(201)
    await env.vendor('POST', settings, { authStrategy: 'MagicLink', defaultPasswordlessTokenExpiration: 3600 })
    await env.anonymous('POST', `${auth}/passwordless/magiclink/prelogin`, { email: user.email })
    await env.vendor('POST', settings, { authStrategy: 'EmailAndPassword' })
    await env.anonymous('POST', `${users}/v1/passwords/reset`, { email: user.email })
    const tokenOf = async (template: string) =>
      new URL((await env.messages({ to: user.email, template })).at(-1)!.link!).searchParams.get('token')!
    const [link, reset] = [await tokenOf('MagicLink'), await tokenOf('ResetPassword')]
    await env.clock.advance(600_000)
    return {
      env,
      user,
      session: session.body as { refreshToken: string },
      invitationToken: invite.body.token as string,
      link,
      reset,
    }
  }

  test.for([
    ['at once', false],
    ['after the sweep', true],
  ] as const)('gets in by no way, %s', async ([, swept]) => {
    const { env, user, session, invitationToken, link, reset } = await expired()
    if (swept) await env.runJobs()
    const call = env.anonymous
    expect(await call('POST', `${auth}/user`, { email: user.email, password: PASSWORD })).toMatchObject({
      status: 403,
      cookies: [],
    })
    expect((await call('POST', `${auth}/user/token/refresh`, { refreshToken: session.refreshToken })).status).toBe(401)
    expect(
      (await call('POST', '/identity/resources/tenants/invites/v1/verify', { token: invitationToken })).status,
    ).toBe(404)
    expect(
      (
        await call('POST', `${users}/v1/signUp`, {
          email: 'friend@example.com',
          name: 'Friend',
          password: PASSWORD,
          invitationToken,
        })
      ).status,
    ).toBe(404)
    if (!swept)
      expect(
        (
          await call('POST', `${users}/v1/passwords/reset/verify`, {
            userId: user.id,
            token: reset,
            password: 'Henhouse-2!',
          })
        ).status,
      ).toBe(400)
    await env.vendor('POST', settings, { authStrategy: 'MagicLink' })
    const byLink = await call('POST', `${auth}/passwordless/magiclink/postlogin`, { token: link })
    expect(byLink.status).toBeGreaterThanOrEqual(400)
    expect(byLink.cookies.filter((c) => c.value !== '')).toEqual([])
  })

  test('goes on where they are a permanent member', async () => {
    const { env, user } = await expired(),
      home = await env.newTenant()
    await env.as(home)('POST', `${users}/v1/${user.id}/tenant`, { tenantId: home, skipInviteEmail: true })
    const login = () => env.anonymous('POST', `${auth}/user`, { email: user.email, password: PASSWORD })
    for (const sweep of [false, true]) {
      if (sweep) await env.runJobs()
      expect((await env.withToken((await login()).body.accessToken)('GET', `${users}/v2/me`)).body).toMatchObject({
        tenantId: home,
        tenantIds: [home],
      })
    }
  })

  test('stays when they are given more time just before the sweep', async () => {
    const env = await newEnvironment(),
      user = await env.newUser(),
      manage = env.as(user.tenantId)
    await env.vendor('PUT', `${url}/configuration`, { enabled: true })
    for (const expirationInSeconds of [300, 900]) await manage('PUT', `${url}/${user.id}`, { expirationInSeconds })
    await env.clock.advance(301_000)
    await env.runJobs()
    expect((await manage('GET', `${users}/v1/${user.id}`)).status).toBe(200)
    await env.clock.advance(600_000)
    await env.runJobs()
    expect((await manage('GET', `${users}/v1/${user.id}`)).status).toBe(404)
  })
})
