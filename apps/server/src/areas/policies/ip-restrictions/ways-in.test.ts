import { describe, expect, test } from 'vitest'
import { newEnvironment, unique, type Client, type TestEnvironment } from '../../../../test/environment.ts'

const auth = '/identity/resources/auth/v1',
  users = '/identity/resources/users',
  settings = '/identity/resources/configurations/v1',
  invites = '/identity/resources/tenants/invites/v1'
const PASSWORD = 'Henhouse-1!',
  OFFICE = '203.0.113.20',
  HOME = '198.51.100.7'
const refused = { status: 403, body: { errors: ['Your IP address is not allowed'] }, cookies: [] }

/** Lets in, or keeps out, addresses on the tenant's list. */
async function restrict(
  env: TestEnvironment,
  tenantId: string,
  strategy: 'ALLOW' | 'BLOCK',
  ips: string[],
  from = OFFICE,
) {
  const manage = env.as(tenantId)
  for (const ip of ips)
    expect(
      (await manage('POST', `${settings}/restrictions/ip`, { ip, strategy, isActive: true, description: '' })).status,
    ).toBe(201)
  expect(
    (
      await manage(
        'POST',
        `${settings}/restrictions/ip/config`,
        { isActive: true, strategy },
        { headers: { 'x-forwarded-for': from } },
      )
    ).status,
  ).toBe(201)
}
const linkTo = async (env: TestEnvironment, to: string) =>
  Object.fromEntries(new URL((await env.messages({ to })).at(-1)!.link!).searchParams) as {
    userId: string
    token: string
  }

/** Refused from home, where it uses nothing up, and done at the office. */
async function onlyFromOffice(env: TestEnvironment, attempt: (call: Client) => ReturnType<Client>) {
  expect(await attempt(env.client({ 'x-forwarded-for': HOME }))).toMatchObject(refused)
  const answer = await attempt(env.client({ 'x-forwarded-for': OFFICE }))
  expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300)
  return answer
}

describe.concurrent('the addresses of an account are looked at', () => {
  test('when somebody logs in with a link or a code that was mailed', async () => {
    const env = await newEnvironment(),
      user = await env.newUser()
    await restrict(env, user.tenantId, 'ALLOW', ['203.0.113.0/24'])
    await env.vendor('POST', settings, { authStrategy: 'MagicLink' })
    for (const from of [HOME, OFFICE]) {
      const call = env.client({ 'x-forwarded-for': from })
      await call('POST', `${auth}/passwordless/magiclink/prelogin`, { email: user.email })
      const answer = await call('POST', `${auth}/passwordless/magiclink/postlogin`, {
        token: (await linkTo(env, user.email)).token,
      })
      if (from === OFFICE) expect(answer.status).toBe(201)
      else expect(answer).toMatchObject(refused)
    }
  })

  test('when somebody activates an account, or accepts to have been added to one', async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant(),
      [fresh, known] = [`${unique()}@example.com`, await env.newUser({ password: PASSWORD })]
    await restrict(env, tenantId, 'ALLOW', ['203.0.113.0/24'])
    for (const email of [fresh, known.email])
      expect((await env.as(tenantId)('POST', `${users}/v2`, { email })).status).toBe(201)
    const activation = await linkTo(env, fresh),
      invitation = await linkTo(env, known.email)
    await onlyFromOffice(env, (call) => call('POST', `${users}/v1/activate`, { ...activation, password: PASSWORD }))
    await onlyFromOffice(env, (call) => call('POST', `${users}/v1/invitation/accept`, invitation))
  })

  test('when somebody comes by an invitation link, new or known', async () => {
    const env = await newEnvironment(),
      host = await env.user({ permissions: ['fe.secure.write.tenantInvites'] }),
      known = await env.newUser({ password: PASSWORD })
    await env.vendor('POST', settings, { allowNotVerifiedUsersLogin: true })
    const { token: invitationToken } = (
      await host('POST', `${invites}/user`, { expiresInMinutes: 60, shouldSendEmail: false })
    ).body
    await restrict(env, host.tenantId, 'ALLOW', ['203.0.113.0/24'])
    const email = `${unique()}@example.com`
    await onlyFromOffice(env, (call) =>
      call('POST', `${users}/v1/signUp`, { email, name: 'Ada', password: PASSWORD, invitationToken }),
    )
    const members = async () => (await env.context()).db.membership.count({ where: { userId: known.id } })
    expect(
      await env.client({ 'x-forwarded-for': HOME })('POST', `${auth}/user`, {
        email: known.email,
        password: PASSWORD,
        invitationToken,
      }),
    ).toMatchObject(refused)
    expect(await members()).toBe(1)
    expect(
      (
        await env.client({ 'x-forwarded-for': OFFICE })('POST', `${auth}/user`, {
          email: known.email,
          password: PASSWORD,
          invitationToken,
        })
      ).status,
    ).toBe(200)
    expect(await members()).toBe(2)
  })

  test('of the account that a token is wanted for, not of the one where the user is', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD }),
      other = await env.newTenant()
    expect(
      (await env.as(other)('POST', `${users}/v1/${user.id}/tenant`, { tenantId: other, skipInviteEmail: true })).status,
    ).toBeLessThan(300)
    await restrict(env, other, 'ALLOW', ['203.0.113.0/24'])
    const session = await env.client({ 'x-forwarded-for': HOME })('POST', `${auth}/user`, {
      email: user.email,
      password: PASSWORD,
    })
    expect(session.status).toBe(200)
    const from = (ip: string) =>
      env.withToken(session.body.accessToken)(
        'POST',
        `${users}/v3/me/token`,
        { tenantId: other },
        { headers: { 'x-forwarded-for': ip } },
      )
    expect(await from(HOME)).toMatchObject(refused)
    expect((await from(OFFICE)).status).toBe(201)
    await onlyFromOffice(env, (call) =>
      call('POST', `${auth}/user/token/refresh`, { refreshToken: session.body.refreshToken, tenantId: other }),
    )
  })

  test.for([
    [
      'ALLOW',
      ['203.0.113.0/24', '2001:db8:5::/48'],
      {
        '203.0.113.9': 200,
        '::ffff:203.0.113.9': 200,
        '203.0.114.9': 403,
        '2001:db8:5:1::9': 200,
        '2001:db8:6::9': 403,
      },
    ],
    [
      'BLOCK',
      ['198.51.100.7', '2001:db8:5::/48', '::ffff:192.0.2.0/120'],
      {
        '203.0.113.9': 200,
        '198.51.100.7': 403,
        '::ffff:198.51.100.7': 403,
        '2001:db8:5:1::9': 403,
        '2001:db8:6::9': 200,
        '192.0.2.200': 403,
      },
    ],
  ] as const)('of both kinds, in networks, and IPv4 in IPv6 as what it is: %s', async ([strategy, ips, expected]) => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD })
    await restrict(env, user.tenantId, strategy, [...ips], '203.0.113.9')
    const answers = await Promise.all(
      Object.keys(expected).map(async (ip) => [
        ip,
        (await env.client({ 'x-forwarded-for': ip })('POST', `${auth}/user`, { email: user.email, password: PASSWORD }))
          .status,
      ]),
    )
    expect(Object.fromEntries(answers)).toEqual(expected)
  })
})
