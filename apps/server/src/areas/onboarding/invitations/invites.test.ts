import { describe, expect, test } from 'vitest'
import {
  newEnvironment,
  unique,
  UNKNOWN_ID,
  type Answer,
  type Client,
  type TestEnvironment,
} from '../../../../test/environment.ts'
import { inTheWay } from '../../../../test/in-the-way.ts'
import { claimsOf, codeOf, mfa, mfaPolicy, PASSWORD, withApp } from '../../../../test/second-factors.ts'

const url = '/identity/resources/tenants/invites/v1',
  v2 = '/identity/resources/tenants/invites/v2',
  login = '/identity/resources/auth/v1/user',
  tenants = '/tenants/resources/tenants/v1'
const passwordless = '/identity/resources/auth/v1/passwordless/magiclink'
const password = 'Correct-Horse-7',
  MINUTE = 60_000
const link = { expiresInMinutes: 60, shouldSendEmail: false }
const allowed = ['fe.secure.write.tenantInvites', 'fe.secure.delete.tenantInvites']
const verify = (env: TestEnvironment, token: string) => env.anonymous('POST', `${url}/verify`, { token })
const made = ({ status, body }: Answer) => {
  expect(status, JSON.stringify(body)).toBe(201)
  return body as { id: string; token: string; tenantId: string }
}
const member = async (env: TestEnvironment, userId: string, tenantId: string) =>
  (await env.context()).db.membership.findFirst({
    where: { userId, tenantId },
    include: { roles: { select: { role: { select: { key: true } } } } },
  })

describe.concurrent('the link that a member hands out', () => {
  test('is made, read, prolonged and deleted', async () => {
    const env = await newEnvironment()
    const tenantId = await env.newTenant('Globex'),
      host = await env.user({ tenantId, permissions: allowed })
    expect((await host('GET', `${url}/user`)).status).toBe(404)
    const { status, body } = await host('POST', `${url}/user`, { expiresInMinutes: 5, shouldSendEmail: true })
    expect(status).toBe(201)
    expect(body).toEqual({
      id: expect.any(String),
      vendorId: env.id,
      tenantId,
      userId: host.id,
      token: expect.stringMatching(/^[\w-]{43}$/),
      expires: expect.any(String),
      shouldSendEmail: true,
      name: 'Globex',
      roleIds: [],
    })
    expect(new Date(body.expires).getTime() - (await env.clock.now()).getTime()).toBeLessThanOrEqual(5 * MINUTE)
    expect((await host('GET', `${url}/user`)).body).toEqual(body)
    expect((await verify(env, body.token)).body).toEqual(body)
    await env.clock.advance(5 * MINUTE)
    expect((await verify(env, body.token)).status).toBe(404)
    const changed = await host('PATCH', `${url}/user`, { expiresInMinutes: 10, shouldSendEmail: false })
    expect(changed).toMatchObject({ status: 200, body: { id: body.id, token: body.token, shouldSendEmail: false } })
    expect((await verify(env, body.token)).status).toBe(200)
    expect(await host('DELETE', `${url}/user`)).toMatchObject({ status: 200, body: null })
    for (const method of ['GET', 'DELETE', 'PATCH'] as const)
      expect((await host(method, `${url}/user`, method === 'PATCH' ? {} : undefined)).status).toBe(404)
    expect((await verify(env, body.token)).status).toBe(404)
    expect(await env.messages()).toEqual([])
  })

  test('is made again if the older one is deleted meanwhile', async () => {
    const env = await newEnvironment(),
      host = await env.user({ permissions: allowed }),
      first = made(await host('POST', `${url}/user`, link))
    const second = await inTheWay(
      ['select from "TenantInvite" where id = $1 for update', first.id],
      () => host('POST', `${url}/user`, link),
      (query) => query('delete from "TenantInvite" where id = $1', [first.id]),
    )
    expect((await verify(env, first.token)).status).toBe(404)
    expect((await verify(env, made(second).token)).status).toBeLessThan(300)
  })

  test('is one for each user and account: a new one replaces the old, also when many are made at once', async () => {
    const env = await newEnvironment()
    const host = await env.user({ permissions: allowed })
    const first = made(await host('POST', `${url}/user`, link)),
      second = made(await host('POST', `${url}/user`, link))
    expect(second.token).not.toBe(first.token)
    expect((await verify(env, first.token)).status).toBe(404)
    expect((await verify(env, second.token)).status).toBe(200)
    const answers = await Promise.all(Array.from({ length: 8 }, () => host('POST', `${url}/user`, link)))
    expect(answers.map((a) => a.status)).toEqual(Array(8).fill(201))
    expect(await (await env.context()).db.tenantInvite.count()).toBe(1)
    const good = await Promise.all(answers.map((a) => verify(env, a.body.token)))
    expect(good.filter((a) => a.status === 200)).toHaveLength(1)
  })

  test('lets many existing users in when they log in, and mails its maker if they asked for it', async () => {
    const env = await newEnvironment()
    const host = await env.user({ permissions: allowed }),
      guests = [await env.newUser({ password }), await env.newUser({ password })]
    const [role] = (await env.vendor('POST', '/identity/resources/roles/v1', [{ key: 'guest', name: 'G', level: 5 }]))
      .body
    const { token } = made(await host('POST', `${v2}/user`, { ...link, shouldSendEmail: true, roleIds: [role.id] }))
    for (const { id, email } of guests) {
      const { status, body } = await env.anonymous('POST', login, { email, password, invitationToken: token })
      expect(status).toBe(200)
      expect((await env.withToken(body.accessToken)('GET', '/identity/resources/users/v2/me')).body).toMatchObject({
        id,
        tenantId: host.tenantId,
        roles: [{ key: 'guest' }],
        activatedForTenant: true,
      })
    }
    expect(await env.messages()).toMatchObject(
      guests.map(() => ({ template: 'UserUsedInvitation', recipient: host.email, tenantId: host.tenantId })),
    )
    // a second use is an ordinary login
    expect(
      (await env.anonymous('POST', login, { email: guests[0]!.email, password, invitationToken: token })).status,
    ).toBe(200)
    expect(await env.messages()).toHaveLength(2)
  })

  test('is used only after the right password', async () => {
    const env = await newEnvironment()
    const host = await env.user({ permissions: allowed }),
      guest = await env.newUser({ password }),
      unverified = await env.newUser({ password, verified: false })
    const { token } = made(await host('POST', `${url}/user`, link))
    expect(
      (await env.anonymous('POST', login, { email: guest.email, password: 'wrong', invitationToken: token })).status,
    ).toBe(401)
    expect(
      (await env.anonymous('POST', login, { email: unverified.email, password, invitationToken: token })).status,
    ).toBe(401)
    expect(await member(env, guest.id, host.tenantId)).toBeNull()
    expect(await member(env, unverified.id, host.tenantId)).toBeNull()
    expect(await env.anonymous('POST', login, { email: guest.email, password, invitationToken: 'x' })).toMatchObject({
      status: 404,
      body: { errors: ['Invitation not found'] },
    })
    expect((await env.anonymous('POST', login, { email: guest.email, password, invitationToken: '' })).status).toBe(200)
  })

  test.for(['has one', 'must enrol one'] as const)(
    'waits for the second factor of a user who %s, however the login began',
    async (state) => {
      const env = await newEnvironment(),
        host = await env.user({ permissions: allowed }),
        { db } = await env.context()
      const { token: invitationToken } = made(await host('POST', `${url}/user`, link))
      if (state === 'must enrol one') await env.as(host.tenantId)('POST', mfaPolicy, { enforceMFAType: 'Force' })
      for (const way of ['a password', 'a link']) {
        const enrolled = state === 'has one' ? await withApp(env) : undefined,
          guest = enrolled ?? (await env.newUser({ password: PASSWORD }))
        if (way === 'a link')
          await env.anonymous('POST', `${passwordless}/prelogin`, { email: guest.email, invitationToken })
        const mailed = (await env.messages({ to: guest.email, template: 'MagicLink' })).at(-1)?.link
        const { body } =
          way === 'a password'
            ? await env.anonymous('POST', login, { email: guest.email, password: PASSWORD, invitationToken })
            : await env.anonymous('POST', `${passwordless}/postlogin`, {
                token: new URL(mailed!).searchParams.get('token'),
              })
        expect(body).toMatchObject({
          mfaRequired: true,
          mfaEnrolled: state === 'has one',
          mfaToken: expect.any(String),
        })
        expect([
          await member(env, guest.id, host.tenantId),
          (await db.user.findUniqueOrThrow({ where: { id: guest.id } })).activeTenantId,
        ]).toEqual([null, guest.tenantId])
        const code = await codeOf(env, enrolled?.secret ?? body.secret)
        const finished =
          state === 'has one'
            ? await env.anonymous('POST', `${mfa}/verify`, { mfaToken: body.mfaToken, value: code })
            : await env.anonymous('POST', `${mfa}/authenticator/enroll/verify`, {
                mfaToken: body.mfaToken,
                token: code,
              })
        expect(finished.status).toBe(201)
        expect(claimsOf(finished.body.accessToken)).toMatchObject({
          tenantId: host.tenantId,
          tenantIds: expect.arrayContaining([guest.tenantId, host.tenantId]),
        })
        expect(await member(env, guest.id, host.tenantId)).not.toBeNull()
        await env.vendor('POST', '/identity/resources/configurations/v1', { authStrategy: 'MagicLink' })
      }
      expect(JSON.stringify(await db.challenge.findMany())).not.toContain(invitationToken)
    },
  )

  test('does not work when deleted before the second factor is shown, and the factor may be shown again', async () => {
    const env = await newEnvironment(),
      host = await env.user({ permissions: allowed }),
      guest = await withApp(env)
    const { token: invitationToken } = made(await host('POST', `${url}/user`, link))
    const { mfaToken } = (
      await env.anonymous('POST', login, { email: guest.email, password: PASSWORD, invitationToken })
    ).body
    await host('DELETE', `${url}/user`)
    expect(
      (await env.anonymous('POST', `${mfa}/verify`, { mfaToken, value: await codeOf(env, guest.secret) })).status,
    ).toBe(404)
    expect(await (await env.context()).db.refreshToken.count()).toBe(0)
    expect(await member(env, guest.id, host.tenantId)).toBeNull()
  })

  test('is not used up by an expired password', async () => {
    const env = await newEnvironment(),
      guest = await env.newUser({ password }),
      tenantId = await env.newTenant()
    const { token: invitationToken } = made(await env.as(tenantId, guest.id)('POST', `${url}/user`, link))
    await env.vendor('POST', '/identity/resources/configurations/v1/password-rotation', {
      isActive: true,
      rotationPeriod: 5,
    })
    await env.clock.advance(10 * MINUTE)
    expect((await env.anonymous('POST', login, { email: guest.email, password, invitationToken })).body).toMatchObject({
      resetPasswordToken: expect.any(String),
    })
    expect(await member(env, guest.id, tenantId)).toBeNull()
    expect((await verify(env, invitationToken)).status).toBe(200)
  })

  test('used many times at once by one user makes one member', async () => {
    const env = await newEnvironment()
    const host = await env.user({ permissions: allowed }),
      guest = await env.newUser({ password })
    const { token } = made(await host('POST', `${url}/user`, link))
    const answers = await Promise.all(
      Array.from({ length: 8 }, () =>
        env.anonymous('POST', login, { email: guest.email, password, invitationToken: token }),
      ),
    )
    expect(answers.map((a) => a.status)).toEqual(Array(8).fill(200))
  })

  test('accepts an open invitation by mail, lets no disabled member in, and works for a user without any account', async () => {
    const env = await newEnvironment()
    const host = await env.user({ permissions: allowed }),
      guest = await env.newUser({ password }),
      homeless = await env.newUser({ password })
    await env.as(host.tenantId)('POST', '/identity/resources/users/v2', { email: guest.email })
    await env.as(homeless.tenantId)('DELETE', `/identity/resources/users/v1/${homeless.id}`)
    const { token } = made(await host('POST', `${url}/user`, link))
    const attempt = ({ email }: { email: string }) =>
      env.anonymous('POST', login, { email, password, invitationToken: token })
    expect((await member(env, guest.id, host.tenantId))!.acceptedAt).toBeNull()
    expect((await attempt(guest)).status).toBe(200)
    expect((await member(env, guest.id, host.tenantId))!.acceptedAt).toBeInstanceOf(Date)
    await env.as(host.tenantId)('POST', `/identity/resources/tenants/users/v1/${guest.id}/disable`)
    expect(await attempt(guest)).toMatchObject({ status: 403, body: { errors: ['User is disabled in this account'] } })
    expect((await attempt(homeless)).status).toBe(200)
  })

  test('does not work when its maker has left, is locked, or the roles are gone', async () => {
    const env = await newEnvironment()
    const host = await env.user({ permissions: allowed }),
      guest = await env.newUser({ password })
    const [role] = (await env.vendor('POST', '/identity/resources/roles/v1', [{ key: 'guest', name: 'G', level: 5 }]))
      .body
    const { token } = made(await host('POST', `${v2}/user`, { ...link, roleIds: [role.id] }))
    await env.vendor('DELETE', `/identity/resources/roles/v1/${role.id}`)
    await env.vendor('POST', `/identity/resources/users/v1/${host.id}/lock`)
    expect((await verify(env, token)).status).toBe(404)
    await env.vendor('POST', `/identity/resources/users/v1/${host.id}/unlock`)
    expect((await env.anonymous('POST', login, { email: guest.email, password, invitationToken: token })).status).toBe(
      200,
    )
    expect((await member(env, guest.id, host.tenantId))!.roles).toEqual([{ role: { key: 'Admin' } }])
    await env.as(host.tenantId)('DELETE', `/identity/resources/users/v1/${host.id}`)
    expect((await verify(env, token)).status).toBe(404)
  })

  test("does not work while its maker could not make it: without the right to invite, or with weaker roles; management's links stay", async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant(),
      host = await env.user({ tenantId, roleKeys: ['Admin'] }),
      { db } = await env.context()
    const [strong, weak] = (
      await env.vendor('POST', '/identity/resources/roles/v1', [
        { key: 'strong', name: 'S', level: 0 },
        { key: 'weak', name: 'W', level: 9 },
      ])
    ).body as { id: string }[]
    const admin = (await db.role.findFirstOrThrow({ where: { key: 'Admin' } })).id,
      inviting = await env.newUser({ permissions: allowed, level: 5 })
    const { roleId } = await db.membershipRole.findFirstOrThrow({ where: { userId: inviting.id } })
    const now = async (...roleIds: string[]) => {
      await db.membershipRole.deleteMany({ where: { userId: host.id } })
      await db.membershipRole.createMany({ data: roleIds.map((id) => ({ userId: host.id, tenantId, roleId: id })) })
    }
    for (const [wanted, weaker] of [
      [[strong!.id], 404],
      [[weak!.id], 200],
      [[], 404],
    ] as const) {
      await now(admin)
      const { token } = made(await host('POST', `${v2}/user`, { ...link, roleIds: wanted }))
      // the default role has the level of the strong one
      for (const [held, status] of [
        [[], 404],
        [[weak!.id], 404],
        [[roleId], weaker],
        [[admin], 200],
      ] as const) {
        await now(...held)
        expect((await verify(env, token)).status, `${wanted.join()} by ${held.join()}`).toBe(status)
      }
      await now()
      const guest = await env.newUser({ password })
      expect(
        (await env.anonymous('POST', login, { email: guest.email, password, invitationToken: token })).status,
      ).toBe(404)
      expect(await member(env, guest.id, tenantId)).toBeNull()
    }
    const { token } = made(await env.as(tenantId, host.id)('POST', `${v2}/user`, { ...link, roleIds: [strong!.id] }))
    expect((await verify(env, token)).status).toBe(200)
  })

  test("gives no role that is unknown, another account's or stronger than the member's own", async () => {
    const env = await newEnvironment()
    const host = await env.user({ permissions: allowed, level: 5 }),
      stranger = await env.newTenant()
    const [strong] = (
      await env.vendor('POST', '/identity/resources/roles/v1', [{ key: 'strong', name: 'S', level: 1 }])
    ).body
    const [foreign] = (
      await env.as(stranger)('POST', '/identity/resources/roles/v1', [{ key: 'theirs', name: 'T', level: 9 }])
    ).body
    for (const id of [UNKNOWN_ID, 'x', foreign.id])
      expect((await host('POST', `${v2}/user`, { ...link, roleIds: [id] })).status).toBe(400)
    expect((await host('POST', `${v2}/user`, { ...link, roleIds: [strong.id] })).status).toBe(403)
    expect((await host('GET', `${url}/user`)).status).toBe(404)
  })

  test('blocks the domains that the account blocks', async () => {
    const env = await newEnvironment()
    const host = await env.user({ permissions: allowed }),
      guest = await env.newUser({ password }),
      restrictions = '/identity/resources/configurations/restrictions/v1/email-domain'
    await env.as(host.tenantId)('POST', restrictions, { domain: 'example.com', type: 'BLOCK' })
    await env.as(host.tenantId)('POST', `${restrictions}/config`, { active: true, type: 'BLOCK' })
    const { token } = made(await host('POST', `${url}/user`, link))
    expect((await env.anonymous('POST', login, { email: guest.email, password, invitationToken: token })).status).toBe(
      403,
    )
    expect(await member(env, guest.id, host.tenantId)).toBeNull()
  })
})

describe.concurrent('the link for a user who is not in the account yet', () => {
  const personal = async (env: TestEnvironment, more: object = {}) => {
    const user = await env.newUser({ password }),
      tenantId = await env.newTenant(unique('Globex'))
    return {
      user,
      tenantId,
      invite: made(await env.as(tenantId, user.id)('POST', `${url}/user`, { ...link, ...more })),
    }
  }

  test('is mailed to that user if asked for, and works for them only, once', async () => {
    const env = await newEnvironment()
    const { user, tenantId, invite } = await personal(env, { shouldSendEmail: true }),
      other = await env.newUser({ password })
    const [mail] = await env.messages()
    expect(mail).toMatchObject({ template: 'InviteToTenant', recipient: user.email, tenantId })
    expect(new URL(mail!.link!)).toMatchObject({
      pathname: '/account/login',
      search: `?invitationToken=${invite.token}`,
    })
    const attempt = ({ email }: { email: string }) =>
      env.anonymous('POST', login, { email, password, invitationToken: invite.token })
    expect((await attempt(other)).status).toBe(404)
    expect((await attempt(user)).status).toBe(200)
    expect(await member(env, user.id, tenantId)).not.toBeNull()
    expect((await attempt(user)).status).toBe(404)
    expect((await verify(env, invite.token)).status).toBe(404)
    expect((await env.as(tenantId, user.id)('GET', `${url}/user`)).status).toBe(404)
  })

  test('used many times at once lets the user in once', async () => {
    const env = await newEnvironment()
    const { user, tenantId, invite } = await personal(env)
    const answers = await Promise.all(
      Array.from({ length: 8 }, () =>
        env.anonymous('POST', login, { email: user.email, password, invitationToken: invite.token }),
      ),
    )
    expect(answers.map((a) => a.status).every((status) => status === 200 || status === 404)).toBe(true)
    expect(answers.filter((a) => a.status === 200).length).toBeGreaterThan(0)
    expect(await member(env, user.id, tenantId)).not.toBeNull()
    expect(await (await env.context()).db.tenantInvite.count()).toBe(0)
    expect(await env.messages()).toEqual([])
  })
})

describe.concurrent('management', () => {
  test('makes any number of links for an account, lists all and deletes any', async () => {
    const env = await newEnvironment(),
      other = await newEnvironment()
    const tenantId = await env.newTenant('Globex'),
      known = await env.newUser()
    const general = await env.vendor('POST', url, { tenantId })
    expect(general).toMatchObject({
      status: 201,
      body: { tenantId, name: 'Globex', shouldSendEmail: false, roleIds: [], vendorId: env.id },
    })
    expect(general.body).not.toHaveProperty('userId')
    expect(new Date(general.body.expires).getTime() - (await env.clock.now()).getTime()).toBeGreaterThan(
      43_199 * MINUTE,
    )
    const second = made(await env.vendor('POST', url, { tenantId })),
      forUser = made(await env.vendor('POST', url, { tenantId, userId: known.id, expiresInMinutes: 5 }))
    made(await other.vendor('POST', url, { tenantId: await other.newTenant() }))
    expect((await env.vendor('GET', `${url}/all`)).body.map((i: { id: string }) => i.id)).toEqual([
      general.body.id,
      second.id,
      forUser.id,
    ])
    expect(await env.vendor('DELETE', `${url}/token/${second.id}`)).toMatchObject({ status: 200, body: null })
    expect((await env.vendor('DELETE', `${url}/token/${second.id}`)).status).toBe(404)
    expect((await verify(env, second.token)).status).toBe(404)
    expect((await verify(other, forUser.token)).status).toBe(404)
    expect((await verify(env, forUser.token)).body).toMatchObject({ userId: known.id, name: 'Globex' })
  })

  test('is refused for unknown users, accounts and links, and for a lifetime of zero', async () => {
    const env = await newEnvironment(),
      other = await newEnvironment()
    const tenantId = await env.newTenant(),
      theirs = await other.newUser()
    expect((await env.vendor('POST', url, { tenantId: theirs.tenantId })).status).toBe(404)
    for (const userId of [theirs.id, UNKNOWN_ID, 'x'])
      expect((await env.vendor('POST', url, { tenantId, userId })).status).toBe(404)
    for (const bad of [
      {},
      { tenantId, expiresInMinutes: 0 },
      { tenantId, roleIds: [UNKNOWN_ID] },
      { tenantId, shouldSendEmail: 'yes' },
    ])
      expect((await env.vendor('POST', url, bad)).status).toBe(400)
    expect(await (await env.context()).db.tenantInvite.count()).toBe(0)
  })

  test('can forbid all links, and lock accounts', async () => {
    const env = await newEnvironment()
    const host = await env.user({ permissions: allowed }),
      { token } = made(await host('POST', `${url}/user`, link))
    expect((await host('GET', `${url}/configuration`)).body).toEqual({
      tenantInvitationsAllowed: true,
      emailsEnabled: true,
    })
    await env.vendor('POST', '/identity/resources/configurations/v1', { allowTenantInvitations: false })
    expect((await env.vendor('GET', `${url}/configuration`)).body).toMatchObject({ tenantInvitationsAllowed: false })
    const calls: [Client, 'POST' | 'PATCH', string, object][] = [
      [host, 'POST', `${url}/user`, link],
      [host, 'POST', `${v2}/user`, { ...link, roleIds: [] }],
      [host, 'PATCH', `${url}/user`, {}],
      [env.vendor, 'POST', url, { tenantId: host.tenantId }],
      [env.anonymous, 'POST', `${url}/verify`, { token }],
    ]
    for (const [call, method, path, body] of calls)
      expect(await call(method, path, body)).toMatchObject({
        status: 403,
        body: { errors: ['Invitations to accounts are not allowed'] },
      })
    await env.vendor('POST', '/identity/resources/configurations/v1', { allowTenantInvitations: true })
    await env.vendor('PUT', `${tenants}/${host.tenantId}`, { status: 'locked' })
    expect(await host('POST', `${url}/user`, link)).toMatchObject({ status: 400, body: { errorCode: 'ER-01240' } })
    expect(await verify(env, token)).toMatchObject({ status: 400, body: { errorCode: 'ER-01239' } })
  })

  test('stores the tokens sealed', async () => {
    const env = await newEnvironment()
    const { token } = made(await env.vendor('POST', url, { tenantId: await env.newTenant() }))
    const [row] = await (await env.context()).db.tenantInvite.findMany()
    expect(JSON.stringify(row)).not.toContain(token)
  })
})
