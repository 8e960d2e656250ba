import { describe, expect, test } from 'vitest'
import { deps, newEnvironment, unique, UNKNOWN_ID, type TestEnvironment } from '../../../../test/environment.ts'
import { mailDataOf } from '../../delivery/mail/person.ts'

const v1 = '/identity/resources/users/v1',
  v2 = '/identity/resources/users/v2',
  vendorOnly = '/identity/resources/vendor-only/users/v1'
const email = () => `${unique('new')}@example.com`
const rowOf = async (env: TestEnvironment, address: string) =>
  (await env.context()).db.user.findFirst({
    where: { email: address },
    include: { memberships: { include: { roles: true } } },
  })
const enableTemporaryUsers = async (env: TestEnvironment) => {
  const ctx = await env.context(),
    now = ctx.clock.now()
  await ctx.db.setting.create({
    data: {
      id: ctx.random.uuid(),
      key: 'temporary-users',
      tenantId: null,
      value: { enabled: true },
      createdAt: now,
      updatedAt: now,
    },
  })
}

describe.concurrent('creating users', () => {
  test('an account that is not there, or in another environment, takes nobody', async () => {
    const [env, other] = await Promise.all([newEnvironment(), newEnvironment()])
    const theirs = await other.newTenant(),
      address = email(),
      resent = { email: address, provider: 'local' }
    for (const tenantId of [theirs, UNKNOWN_ID, 'no such account'])
      for (const [url, body] of [
        [v1, { email: address }],
        [v2, { email: address, skipInviteEmail: true }],
        [v2, resent],
      ] as const)
        expect((await env.as(tenantId)('POST', url, body)).status, `${url} ${tenantId}`).toBe(404)
    expect(await rowOf(env, address)).toBeNull()
    expect(await rowOf(other, address)).toBeNull()
    expect(await env.messages({ to: address })).toEqual([])
  })

  test('a new user is answered with role and permission objects, and mailed a link to activate the account', async () => {
    const env = await newEnvironment()
    const tenantId = await env.newTenant(),
      address = email()
    for (const [url, to] of [
      [v2, address],
      [v1, email()],
    ] as const) {
      const { status, body } = await env.as(tenantId)('POST', url, { email: to, name: 'Ada', metadata: '{"a":1}' })
      expect(status).toBe(201)
      expect(body).toMatchObject({
        email: to,
        name: 'Ada',
        verified: false,
        metadata: '{"a":1}',
        tenantId,
        tenantIds: [tenantId],
        activatedForTenant: false,
        provider: 'local',
        managedBy: 'frontegg',
        lastLogin: null,
        temporaryExpirationDate: null,
        tenants: [{ tenantId, isDisabled: false, roles: [{ key: 'Admin' }] }],
        roles: [{ key: 'Admin', level: 0, isDefault: true, vendorId: env.id }],
      })
      expect(body.sub).toBe(body.id)
      expect(body.permissions.map((p: { key: string }) => p.key)).toContain('fe.secure.*')
      expect(body.roles[0].permissions).toHaveLength(body.permissions.length)
      const mails = await env.messages({ to })
      expect(mails).toMatchObject([{ template: 'ActivateUser', userId: body.id, tenantId }])
      const link = new URL(mails[0]!.link!)
      expect(link.pathname).toBe('/account/activate')
      expect(link.searchParams.get('userId')).toBe(body.id)
      expect(link.searchParams.get('token')).toMatch(/^[\w-]{43}$/)
      const ctx = await env.context()
      const [challenge, ...others] = await ctx.db.challenge.findMany({ where: { userId: body.id } })
      expect(others).toEqual([])
      expect(challenge).toMatchObject({ purpose: 'activation', tenantId, consumedAt: null })
      expect(challenge!.expiresAt.getTime() - challenge!.createdAt.getTime()).toBe(7 * 86_400_000)
      expect(JSON.stringify(challenge)).not.toContain(link.searchParams.get('token'))
    }
  })

  test('the name comes from the address, and the picture from Gravatar, where none is given', async () => {
    const env = await newEnvironment()
    const tenantId = await env.newTenant()
    const { body } = await env.as(tenantId)('POST', v2, { email: 'Grace.Hopper@Example.com', metadata: null })
    expect(body).toMatchObject({
      email: 'grace.hopper@example.com',
      metadata: '{}',
      vendorMetadata: '{}',
      name: 'Grace.Hopper',
      profilePictureUrl:
        'https://www.gravatar.com/avatar/c404ee70be8231ce56d64b5497d91b14?d=https://ui-avatars.com/api/Grace.Hopper/128/random',
    })
    expect((await rowOf(env, 'grace.hopper@example.com'))!.profilePictureUrl).toBeNull()
    expect(
      (await env.as(tenantId)('POST', v2, { email: email(), profilePictureUrl: 'https://example.com/p.png' })).body
        .profilePictureUrl,
    ).toBe('https://example.com/p.png')
  })

  test('without an invitation mail the user is verified; so is one who logs in through a provider', async () => {
    const env = await newEnvironment()
    const call = env.as(await env.newTenant()),
      quiet = email(),
      social = email()
    expect((await call('POST', v2, { email: quiet, skipInviteEmail: true })).body).toMatchObject({
      verified: true,
      activatedForTenant: true,
    })
    expect((await call('POST', v2, { email: social, provider: 'google' })).body).toMatchObject({
      verified: true,
      provider: 'google',
    })
    expect(await env.messages()).toEqual([])
  })

  test("mails can name the user, their metadata, the request's data for the mail, its sender and its origin", () => {
    const user = {
      id: UNKNOWN_ID,
      name: 'Ada',
      email: 'ada@example.com',
      phoneNumber: null,
      profilePictureUrl: 'https://example.com/p.png',
      metadata: '{"team":{"name":"Hens"},"size":3,"gone":null}',
    }
    const issuer = { ...user, name: 'Grace', email: 'grace@example.com', metadata: '{"team":"Hens"}' }
    expect(
      mailDataOf(user, {
        emailMetadata: { greeting: ['hi', 'ho'] },
        issuer,
        from: { ip: '203.0.113.7', userAgent: 'Tester/1' },
      }),
    ).toEqual({
      name: 'Ada',
      email: 'ada@example.com',
      phoneNumber: undefined,
      profilePictureUrl: 'https://example.com/p.png',
      metadata: { team: { name: 'Hens' }, size: 3, gone: null },
      emailMetadata: { greeting: ['hi', 'ho'] },
      issuerName: 'Grace',
      issuerEmail: 'grace@example.com',
      issuerProfilePictureUrl: 'https://example.com/p.png',
      issuerMetadata: { team: 'Hens' },
      ip: '203.0.113.7',
      device: 'Tester/1',
    })
  })

  test('a password is stored only as a hash', async () => {
    const env = await newEnvironment()
    const address = email()
    const { body } = await env.as(await env.newTenant())('POST', v2, {
      email: address,
      password: 'Henhouse-1!',
      skipInviteEmail: true,
    })
    expect(JSON.stringify(body)).not.toMatch(/Henhouse-1|argon2|passwordHash/)
    const row = (await rowOf(env, address))!
    expect(await deps.passwords.verify(row.passwordHash, 'Henhouse-1!')).toBe(true)
    expect(row.passwordChangedAt).toBeInstanceOf(Date)
  })

  test('the first member of a tenant gets the roles for first users, later ones the default roles', async () => {
    const env = await newEnvironment()
    const tenantId = await env.newTenant()
    const [first, other] = (
      await env.vendor('POST', '/identity/resources/roles/v1', [
        { key: 'first', name: 'F', level: 1, firstUserRole: true },
        { key: 'other', name: 'O', level: 1, isDefault: true },
      ])
    ).body
    const admin = (await env.vendor('GET', '/identity/resources/roles/v1')).body.find(
      (r: { key: string }) => r.key === 'Admin',
    )
    await env.vendor('PATCH', `/identity/resources/roles/v1/${admin.id}`, { isDefault: false, firstUserRole: false })
    const rolesOf = async () =>
      (await env.as(tenantId)('POST', v2, { email: email() })).body.roles.map((r: { id: string }) => r.id)
    expect(await rolesOf()).toEqual([first.id])
    expect(await rolesOf()).toEqual([other.id])
    expect((await env.as(tenantId)('POST', v2, { email: email(), roleIds: [admin.id] })).body.roles).toMatchObject([
      { key: 'Admin' },
    ])
  })

  test('of many first members at once, one gets the roles for first users', async () => {
    const env = await newEnvironment()
    const call = env.as(await env.newTenant())
    await env.vendor('POST', '/identity/resources/roles/v1', [
      { key: 'first', name: 'F', level: 1, firstUserRole: true },
    ])
    const answers = await Promise.all(Array.from({ length: 8 }, () => call('POST', v2, { email: email() })))
    expect(answers.map((a) => a.status)).toEqual(Array(8).fill(201))
    expect(answers.filter((a) => a.body.roles.some((r: { key: string }) => r.key === 'first'))).toHaveLength(1)
  })

  test('a user of another tenant is added to this one and invited; profile and password stay', async () => {
    const env = await newEnvironment()
    const known = await env.newUser({ password: 'Henhouse-1!' }),
      tenantId = await env.newTenant('Acme')
    const { status, body } = await env.as(tenantId)('POST', v2, {
      email: known.email.toUpperCase(),
      name: 'Mallory',
      password: 'Stolen-1!',
      metadata: '{"x":1}',
    })
    expect(status).toBe(201)
    expect(body).toMatchObject({
      id: known.id,
      email: known.email,
      name: known.email.split('@')[0],
      metadata: '{}',
      verified: true,
      tenantId,
      activatedForTenant: false,
      roles: [{ key: 'Admin' }],
    })
    expect(body.tenantIds).toEqual([known.tenantId, tenantId])
    const row = (await rowOf(env, known.email))!
    expect(await deps.passwords.verify(row.passwordHash, 'Henhouse-1!')).toBe(true)
    expect(row.activeTenantId).toBe(known.tenantId)
    const mails = await env.messages({ to: known.email })
    expect(mails).toMatchObject([{ template: 'InviteToTenant', tenantId, subject: 'You are invited to Acme' }])
    const link = new URL(mails[0]!.link!)
    expect(link.pathname).toBe('/account/invitation/accept')
    expect(link.searchParams.get('userId')).toBe(known.id)
    expect(await (await env.context()).db.challenge.findMany({ where: { userId: known.id } })).toMatchObject([
      { purpose: 'invitation', tenantId },
    ])
  })

  test('a known user can be added without a mail, and is then a member at once', async () => {
    const env = await newEnvironment()
    const known = await env.newUser()
    const { body } = await env.as(await env.newTenant())('POST', v2, { email: known.email, skipInviteEmail: true })
    expect(body).toMatchObject({ id: known.id, activatedForTenant: true })
    expect(await env.messages()).toEqual([])
  })

  test('an existing member is refused', async () => {
    const env = await newEnvironment()
    const { email: address, tenantId } = await env.newUser()
    expect((await env.as(tenantId)('POST', v2, { email: address.toUpperCase() })).status).toBe(409)
    expect((await env.as(tenantId)('POST', v1, { email: address })).status).toBe(409)
    expect(await env.messages()).toEqual([])
  })

  test('many requests for one new user create them once; with different tenants, they are one user in all of them', async () => {
    const env = await newEnvironment()
    const [tenantId, ...others] = await Promise.all(Array.from({ length: 9 }, () => env.newTenant()))
    const one = email(),
      shared = email()
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => env.as(tenantId)('POST', v2, { email: one, username: 'one' })),
    )
    expect(answers.map((a) => a.status).sort()).toEqual([201, ...Array(7).fill(409)])
    expect(await env.messages({ to: one })).toHaveLength(1)
    const added = await Promise.all(others.map((id) => env.as(id)('POST', v2, { email: shared })))
    expect(added.map((a) => a.status)).toEqual(Array(8).fill(201))
    expect(new Set(added.map((a) => a.body.id)).size).toBe(1)
    expect((await rowOf(env, shared))!.memberships).toHaveLength(8)
    expect((await env.messages({ to: shared })).map((m) => m.template).sort()).toEqual([
      'ActivateUser',
      ...Array(7).fill('InviteToTenant'),
    ])
  })

  test('many requests to add one user to a tenant add them once, and one invitation is sent', async () => {
    const env = await newEnvironment()
    const known = await env.newUser(),
      call = env.as(await env.newTenant())
    const answers = await Promise.all(Array.from({ length: 8 }, () => call('POST', v2, { email: known.email })))
    expect(answers.map((a) => a.status).sort()).toEqual([201, ...Array(7).fill(409)])
    expect(await env.messages()).toHaveLength(1)
  })

  test('a username can replace the address: lower case, unique, and with nothing to verify', async () => {
    const env = await newEnvironment()
    const call = env.as(await env.newTenant())
    const { status, body } = await call('POST', v2, { username: 'Ada.Lovelace', password: 'Henhouse-1!' })
    expect(status).toBe(201)
    expect(body).toMatchObject({ email: '', name: 'Ada.Lovelace', verified: true })
    expect(await (await env.context()).db.user.findUnique({ where: { id: body.id } })).toMatchObject({
      email: null,
      username: 'ada.lovelace',
    })
    expect((await call('POST', v2, { username: 'ADA.lovelace' })).status).toBe(409)
    expect(await call('POST', v2, { email: email(), username: 'ada.lovelace' })).toMatchObject({
      status: 409,
      body: { errors: ['User with this username already exists'] },
    })
    expect((await env.as(await env.newTenant())('POST', v2, { username: 'ada.lovelace' })).body.id).toBe(body.id)
    expect(await env.messages()).toEqual([])
  })

  test('a phone number belongs to one user, however it is written', async () => {
    const env = await newEnvironment()
    const call = env.as(await env.newTenant()),
      address = email()
    expect((await call('POST', v2, { email: email(), phoneNumber: '+1-202-555-0101' })).body.phoneNumber).toBe(
      '+12025550101',
    )
    expect((await call('POST', v2, { email: address, phoneNumber: '+12025550101' })).status).toBe(409)
    expect(await rowOf(env, address)).toBeNull()
  })

  test.for([
    [{}, 'Either email or username must be provided'],
    [{ email: 'nobody' }, 'email must be an email'],
    [{ username: 'a b' }, 'Username can only contain letters, numbers, dots, underscores, and hyphens'],
    [{ email: 'a@example.com', metadata: 'x' }, 'metadata must be a JSON object, as text'],
    [{ email: 'a@example.com', metadata: '[]' }, 'metadata must be a JSON object, as text'],
    [{ email: 'a@example.com', metadata: '' }, 'metadata must be a JSON object, as text'],
    [{ email: 'a@example.com', metadata: { a: 1 } }, 'metadata must be a string'],
    [{ email: 'a@example.com', roleIds: [UNKNOWN_ID] }, 'Some of the roles do not exist'],
    [{ email: 'a@example.com', roleIds: ['x'] }, 'Some of the roles do not exist'],
    [{ email: 'a@example.com', password: '' }, 'password should not be empty'],
    [{ email: 'a@example.com', password: 'aB3' }, 'The password must be at least 6 characters long.'],
    [{ email: 'a@example.com', phoneNumber: '12' }, 'Phone number must be valid'],
    [
      { email: 'a@example.com', provider: 'myspace' },
      expect.stringContaining('provider must be one of the following values'),
    ],
    [{ email: 'a@example.com', expirationInSeconds: 299 }, 'expirationInSeconds must not be less than 300'],
    [{ email: 'a@example.com', expirationInSeconds: 300 }, 'Temporary users are not enabled'],
  ] as const)('%j is refused, and nobody is made', async ([body, message]) => {
    const env = await newEnvironment()
    expect(await env.as(await env.newTenant())('POST', v2, body)).toMatchObject({
      status: 400,
      body: { errors: [message] },
    })
    expect(await (await env.context()).db.user.count()).toBe(0)
  })

  test('a tenant is required, and must exist', async () => {
    const env = await newEnvironment()
    expect(await env.vendor('POST', v2, { email: email() })).toMatchObject({
      status: 403,
      body: { errorCode: 'ER-00008' },
    })
    expect((await env.as('nowhere')('POST', v2, { email: email() })).status).toBe(404)
  })

  test('a user invites with the permission for it, into their own tenant, and gives no role stronger than their own', async () => {
    const env = await newEnvironment()
    const [weak, strong] = (
      await env.vendor('POST', '/identity/resources/roles/v1', [
        { key: 'weak', name: 'W', level: 9 },
        { key: 'strong', name: 'S', level: 3 },
      ])
    ).body
    const may = await env.user({ permissions: ['fe.secure.write.users'], level: 5 }),
      mayNot = await env.user({ permissions: ['fe.secure.read.users'] })
    expect(await mayNot('POST', v2, { email: email() })).toMatchObject({ status: 403, body: { errorCode: 'ER-00008' } })
    const elsewhere = await env.newTenant()
    expect(
      (await may('POST', v2, { email: email(), roleIds: [weak.id] }, { headers: { 'frontegg-tenant-id': elsewhere } }))
        .body,
    ).toMatchObject({ tenantId: may.tenantId, roles: [{ key: 'weak' }], vendorMetadata: '{}' })
    const address = email()
    expect((await may('POST', v2, { email: address, roleIds: [weak.id, strong.id] })).status).toBe(403)
    expect(await rowOf(env, address)).toBeNull()
    const [foreign] = (
      await env.as(elsewhere)('POST', '/identity/resources/roles/v1', [{ key: 'foreign', name: 'F', level: 9 }])
    ).body
    expect((await may('POST', v2, { email: address, roleIds: [foreign.id] })).status).toBe(400)
  })

  test('a temporary user is a member until its time is up', async () => {
    const env = await newEnvironment()
    await enableTemporaryUsers(env)
    const tenantId = await env.newTenant(),
      call = env.as(tenantId)
    const { status, body } = await call('POST', v2, { email: email(), expirationInSeconds: 300, skipInviteEmail: true })
    expect(status).toBe(201)
    const until = Date.parse(body.temporaryExpirationDate)
    expect(until - Date.parse(body.createdAt)).toBeGreaterThan(298_000)
    expect(body.tenants).toMatchObject([{ temporaryExpirationDate: body.temporaryExpirationDate }])
    await env.runJobs()
    expect((await call('GET', `${v1}/${body.id}`)).status).toBe(200)
    await env.clock.advance(301_000)
    expect((await call('GET', `${v1}/${body.id}`)).status).toBe(404)
    await env.runJobs()
    expect((await env.vendor('GET', `${vendorOnly}/${body.id}`)).body).toMatchObject({
      tenantId: '',
      tenantIds: [],
      tenants: [],
    })
    expect(await (await env.context()).db.membership.count()).toBe(0)
  })

  test('an expired member can be added again, also before the cleanup', async () => {
    const env = await newEnvironment()
    await enableTemporaryUsers(env)
    const call = env.as(await env.newTenant()),
      address = email()
    await call('POST', v2, { email: address, expirationInSeconds: 300 })
    await env.clock.advance(301_000)
    expect((await call('POST', v2, { email: address })).body).toMatchObject({
      email: address,
      temporaryExpirationDate: null,
    })
    await env.runJobs()
    expect((await rowOf(env, address))!.memberships).toHaveLength(1)
  })

  test('management makes users who are ready at once, without any mail', async () => {
    const env = await newEnvironment()
    const tenantId = await env.newTenant(),
      address = email()
    const { status, body } = await env.vendor('POST', vendorOnly, {
      email: address,
      tenantId,
      vendorMetadata: '{"plan":"gold"}',
      mfaBypass: true,
      externalId: 'x-1',
      password: 'Henhouse-1!',
    })
    expect(status).toBe(201)
    expect(body).toMatchObject({
      email: address,
      verified: true,
      mfaBypass: true,
      externalId: 'x-1',
      vendorMetadata: '{"plan":"gold"}',
      tenantId,
      roles: [{ key: 'Admin' }],
    })
    expect(await env.messages()).toEqual([])
    expect((await env.vendor('POST', vendorOnly, { email: address, tenantId })).status).toBe(409)
    expect((await env.vendor('POST', vendorOnly, { email: email(), tenantId: 'nowhere' })).status).toBe(404)
    expect((await env.vendor('POST', vendorOnly, { email: email(), tenantId, vendorMetadata: '3' })).status).toBe(400)
    const user = await env.user({ permissions: ['fe.secure.*'] })
    expect((await user('POST', vendorOnly, { email: email(), tenantId })).status).toBe(401)
  })

  test('nobody is added from a blocked domain, known elsewhere or not; existing members stay', async () => {
    const env = await newEnvironment()
    const tenantId = await env.newTenant(),
      call = env.as(tenantId),
      known = await env.newUser({ email: 'ada@evil.example' })
    expect(
      (
        await call('POST', '/identity/resources/configurations/restrictions/v1/email-domain', {
          domain: 'evil.example',
          type: 'BLOCK',
        })
      ).status,
    ).toBe(201)
    expect(
      (
        await call('POST', '/identity/resources/configurations/restrictions/v1/email-domain/config', {
          active: true,
          type: 'BLOCK',
        })
      ).status,
    ).toBeLessThan(300)
    expect((await call('POST', v2, { email: 'eve@evil.example' })).status).toBe(403)
    expect(await rowOf(env, 'eve@evil.example')).toBeNull()
    expect((await call('POST', v2, { email: known.email })).status).toBe(403)
    expect((await env.as(known.tenantId)('GET', `/identity/resources/users/v1/${known.id}`)).status).toBe(200)
    expect((await env.as(await env.newTenant())('POST', v2, { email: 'eve@evil.example' })).status).toBe(201)
  })

  test('a new member is let into the application of the call, if the tenant has it', async () => {
    const env = await newEnvironment()
    const tenantId = await env.newTenant(),
      known = await env.newUser(),
      ctx = await env.context()
    const url = '/applications/resources/applications',
      application = {
        name: 'Shop',
        appURL: 'https://shop.example',
        loginURL: 'https://shop.example/login',
        accessType: 'MANAGED_ACCESS',
      }
    const [has, hasNot] = [
      (await env.vendor('POST', `${url}/v1`, application)).body.id,
      (await env.vendor('POST', `${url}/v1`, application)).body.id,
    ]
    await env.vendor('POST', `${url}/tenant-assignments/v1/${has}`, { tenantId })
    const call = (applicationId: string, address: string) =>
      env.as(tenantId)(
        'POST',
        v2,
        { email: address },
        { headers: { 'frontegg-requested-application-id': applicationId } },
      )
    const made = [await call(has, email()), await call(has, known.email)]
    expect(made.map((a) => a.status)).toEqual([201, 201])
    expect(
      (await ctx.db.applicationUser.findMany({ where: { applicationId: has, tenantId } }))
        .map((row) => row.userId)
        .sort(),
    ).toEqual(made.map((a) => a.body.id).sort())
    const address = email()
    expect(await call(hasNot, address)).toMatchObject({ status: 404, body: { errorCode: 'ER-01008' } })
    expect((await call(UNKNOWN_ID, address)).status).toBe(404)
    expect(await rowOf(env, address)).toBeNull()
  })

  test('the same address is another user in another environment', async () => {
    const [one, two] = [await newEnvironment(), await newEnvironment()]
    const address = email()
    const a = await one.as(await one.newTenant())('POST', v2, { email: address }),
      b = await two.as(await two.newTenant())('POST', v2, { email: address })
    expect([a.status, b.status]).toEqual([201, 201])
    expect(a.body.id).not.toBe(b.body.id)
  })

  test.for([
    ['phoneNumber', '+1234567', 201],
    ['phoneNumber', '+1-234-5-67', 201],
    ['phoneNumber', '+123456789012345', 201],
    ['phoneNumber', '+123456', 400],
    ['phoneNumber', '+1234567890123456', 400],
    ['phoneNumber', '+0234567', 400],
    ['phoneNumber', '1234567', 400],
    ['phoneNumber', '+1234567-', 400],
    ['phoneNumber', '+1--234567', 400],
    ['username', 'u'.repeat(255), 201],
    ['username', 'u'.repeat(256), 400],
    ['username', 'a-b.c_D9', 201],
    ['username', 'a+b', 400],
    ['profilePictureUrl', 'p'.repeat(4095), 201],
    ['profilePictureUrl', 'p'.repeat(4096), 400],
    ['provider', 'scim2', 201],
    ['provider', 'okta', 400],
    ['email', 'no address', 400],
  ] as const)('%s, case %#, is taken or refused', async ([field, value, status]) => {
    const env = await newEnvironment()
    expect((await env.as(await env.newTenant())('POST', v2, { email: email(), [field]: value })).status).toBe(status)
  })
})
