import { describe, expect, test } from 'vitest'
import { newEnvironment, unique, UNKNOWN_ID, type TestEnvironment } from '../../../../test/environment.ts'

const url = '/identity/resources/users/v1/signUp',
  configuration = '/identity/resources/configurations/v1',
  invites = '/identity/resources/tenants/invites/v1'
const address = () => `${unique('new')}@example.com`
const password = 'Correct-Horse-7'
const applicant = (more: object = {}) => ({
  email: address(),
  name: 'Ada',
  password,
  companyName: unique('Acme'),
  ...more,
})
const configure = (env: TestEnvironment, fields: object) => env.vendor('POST', configuration, fields)
const counts = async (env: TestEnvironment) => {
  const { db } = await env.context()
  return { users: await db.user.count(), tenants: await db.tenant.count(), messages: await db.message.count() }
}
const tenantOf = async (env: TestEnvironment, id: string) =>
  (await env.context()).db.tenant.findFirst({ where: { id } })

describe.concurrent('signing up', () => {
  test('makes a new account with the user in it, and mails them a link to verify the address', async () => {
    const env = await newEnvironment()
    const given = applicant({
      email: `Ada.${address()}`,
      metadata: '{"plan":"pro"}',
      emailMetadata: { campaign: 'spring' },
      provider: 'local',
    })
    const { status, body, cookies } = await env.anonymous('POST', url, given)
    expect(status).toBe(201)
    expect(body).toEqual({ shouldActivate: true, userId: expect.any(String), tenantId: expect.any(String) })
    expect(cookies).toEqual([])
    expect(await tenantOf(env, body.tenantId)).toMatchObject({
      name: given.companyName,
      creatorName: 'Ada',
      creatorEmail: given.email.toLowerCase(),
    })
    const user = (await env.as(body.tenantId)('GET', `/identity/resources/users/v1/${body.userId}`)).body
    expect(user).toMatchObject({
      email: given.email.toLowerCase(),
      name: 'Ada',
      verified: false,
      metadata: '{"plan":"pro"}',
      tenantId: body.tenantId,
      roles: [{ key: 'Admin', firstUserRole: true }],
    })
    const [mail, ...others] = await env.messages()
    expect(others).toEqual([])
    expect(mail).toMatchObject({
      template: 'ActivateUser',
      recipient: given.email.toLowerCase(),
      tenantId: body.tenantId,
    })
    expect(new URL(mail!.link!).pathname).toBe('/account/activate')
    expect(
      (await env.anonymous('POST', '/identity/resources/auth/v1/user', { email: given.email, password })).status,
    ).toBe(401)
  })

  test('gives the roles for first users if there are any, else the default roles', async () => {
    const env = await newEnvironment()
    const roles = '/identity/resources/roles/v1'
    const [founder] = (
      await env.vendor('POST', roles, [{ key: 'founder', name: 'Founder', level: 0, firstUserRole: true }])
    ).body
    const { db } = await env.context()
    const rolesOf = async (userId: string) =>
      (
        await db.membershipRole.findMany({
          where: { userId },
          select: { role: { select: { key: true } } },
          orderBy: { role: { key: 'asc' } },
        })
      ).map((r) => r.role.key)
    expect(await rolesOf((await env.anonymous('POST', url, applicant())).body.userId)).toEqual(['Admin', 'founder'])
    await env.vendor('DELETE', `${roles}/${founder.id}`)
    await db.role.updateMany({ where: { key: 'Admin' }, data: { firstUserRole: false } })
    await db.role.updateMany({ where: { key: 'ReadOnly' }, data: { isDefault: true } })
    expect(await rolesOf((await env.anonymous('POST', url, applicant())).body.userId)).toEqual(['Admin', 'ReadOnly'])
  })

  test('logs in at once, with session and cookie, where addresses need not be verified', async () => {
    const env = await newEnvironment()
    await configure(env, { allowNotVerifiedUsersLogin: true })
    const given = applicant()
    const { status, body, cookies } = await env.anonymous('POST', url, given)
    expect(status).toBe(201)
    expect(body).toMatchObject({
      shouldActivate: false,
      authResponse: {
        mfaRequired: false,
        accessToken: expect.any(String),
        refreshToken: expect.any(String),
        userId: body.userId,
        userEmail: given.email,
        emailVerified: false,
      },
    })
    expect(cookies.map((c) => c.name)).toEqual([`fe_refresh_${env.id.replace('-', '')}`])
    expect(
      (await env.withToken(body.authResponse.accessToken)('GET', '/identity/resources/users/v2/me')).body,
    ).toMatchObject({ id: body.userId, tenantId: body.tenantId })
    expect(await env.messages()).toEqual([])
    // without a password the user cannot log in yet
    const later = await env.anonymous('POST', url, applicant({ password: undefined }))
    expect(later.body).toEqual({ shouldActivate: true, userId: expect.any(String), tenantId: expect.any(String) })
    expect(later.cookies).toEqual([])
  })

  test('answers with a token where codes are mailed, and the token alone activates nothing', async () => {
    const env = await newEnvironment()
    await env.vendor('POST', `${configuration}/activation/strategies`, { strategy: 'code', codeExpiration: 600 })
    const { body } = await env.anonymous('POST', url, applicant())
    expect(body).toMatchObject({ shouldActivate: true, activationToken: expect.any(String) })
    const [mail] = await env.messages()
    expect(mail).toMatchObject({ template: 'ActivateUserWithCode', code: expect.stringMatching(/^\d{6}$/) })
    const token = { userId: body.userId, token: body.activationToken }
    expect(await env.anonymous('POST', '/identity/resources/users/v1/activate', token)).toMatchObject({
      status: 400,
      body: { errors: ['Invalid token'] },
    })
    expect(
      (await env.anonymous('POST', '/identity/resources/users/v1/activate/code', { ...token, code: mail!.code }))
        .status,
    ).toBe(200)
  })

  test('is refused where sign-ups or passwords are off, and changes nothing then', async () => {
    const env = await newEnvironment()
    await configure(env, { allowSignups: false })
    expect(await env.anonymous('POST', url, applicant())).toMatchObject({
      status: 403,
      body: { errors: ['Sign-ups are not allowed'] },
    })
    await configure(env, { allowSignups: true, authStrategy: 'NoLocalAuthentication' })
    expect(await env.anonymous('POST', url, applicant())).toMatchObject({
      status: 400,
      body: { errorCode: 'ER-01012' },
    })
    expect(await counts(env)).toEqual({ users: 0, tenants: 0, messages: 0 })
  })

  test('with a taken address, username or number is a 409 and makes nothing', async () => {
    const env = await newEnvironment()
    const taken = applicant({ username: unique('ada'), phoneNumber: '+15551230001' })
    expect((await env.anonymous('POST', url, taken)).status).toBe(201)
    const before = await counts(env)
    expect(await env.anonymous('POST', url, applicant({ email: taken.email.toUpperCase() }))).toMatchObject({
      status: 409,
      body: { errors: ['User with this email already exists'] },
    })
    expect(
      await env.anonymous('POST', url, applicant({ username: (taken as { username?: string }).username })),
    ).toMatchObject({ status: 409, body: { errors: ['User with this username already exists'] } })
    expect(await env.anonymous('POST', url, applicant({ phoneNumber: '+1-555-123-0001' }))).toMatchObject({
      status: 409,
      body: { errors: ['User with this phone number already exists'] },
    })
    expect(await counts(env)).toEqual(before)
  })

  test('many times at once with one address makes one user and one account', async () => {
    const env = await newEnvironment()
    const email = address()
    const answers = await Promise.all(Array.from({ length: 8 }, () => env.anonymous('POST', url, applicant({ email }))))
    expect(answers.map((a) => a.status).toSorted()).toEqual([201, ...Array(7).fill(409)])
    expect(await counts(env)).toEqual({ users: 1, tenants: 1, messages: 1 })
  })

  test('ignores roles and verification in the request', async () => {
    const env = await newEnvironment()
    const [secret] = (
      await env.vendor('POST', '/identity/resources/roles/v1', [{ key: 'secret', name: 'S', level: 0 }])
    ).body
    const { body } = await env.anonymous('POST', url, applicant({ roleIds: [secret.id], skipInviteEmail: true }))
    expect(body.shouldActivate).toBe(true)
    const { db } = await env.context()
    expect(await db.membershipRole.count({ where: { roleId: secret.id } })).toBe(0)
    expect(await db.user.findUnique({ where: { id: body.userId } })).toMatchObject({ verified: false })
    expect(await env.messages()).toHaveLength(1)
  })

  test('refuses invalid input, and changes nothing then', async () => {
    const env = await newEnvironment()
    const wrong: [object, string][] = [
      [{ email: 'x' }, 'email must be an email'],
      [{ companyName: undefined }, 'companyName should not be empty'],
      [{ companyName: '  ' }, 'companyName should not be empty'],
      [{ password: '' }, 'password should not be empty'],
      [{ password: 'short' }, 'The password must be at least 6 characters long.'],
      [{ metadata: '[1]' }, 'metadata must be a JSON object, as text'],
      [
        { provider: 'myspace' },
        'provider must be one of the following values: local, saml, google, github, facebook, microsoft, scim2, slack, apple',
      ],
      [{ phoneNumber: '12' }, 'Phone number must be valid'],
    ]
    for (const [fields, message] of wrong)
      expect((await env.anonymous('POST', url, applicant(fields))).body.errors, JSON.stringify(fields)).toContain(
        message,
      )
    expect((await env.anonymous('POST', url, { companyName: 'Acme', password })).status).toBe(400)
    expect(await counts(env)).toEqual({ users: 0, tenants: 0, messages: 0 })
  })

  test('asks for a captcha and blocks domains, as configured', async () => {
    const env = await newEnvironment()
    await env.vendor('POST', `${configuration}/captcha-policy`, {
      enabled: true,
      siteKey: 'site',
      secretKey: 'secret',
      minScore: 0.5,
      ignoredEmails: [],
    })
    expect(await env.anonymous('POST', url, applicant())).toMatchObject({
      status: 400,
      body: { errors: ['Captcha is required'] },
    })
    expect((await env.anonymous('POST', url, applicant({ recaptchaToken: 'score:0.2' }))).status).toBe(400)
    const recaptchaToken = 'score:0.7',
      restrictions = '/identity/resources/configurations/restrictions/v1/email-domain'
    expect((await env.anonymous('POST', url, applicant({ recaptchaToken }))).status).toBe(201)
    await env.vendor('POST', `${restrictions}`, { domain: 'acme.test', type: 'ALLOW' })
    await env.vendor('POST', `${restrictions}/config`, { active: true, type: 'ALLOW' })
    const before = await counts(env)
    expect(await env.anonymous('POST', url, applicant({ recaptchaToken }))).toMatchObject({
      status: 403,
      body: { errors: ['The domain of this e-mail address is not allowed'] },
    })
    expect(await counts(env)).toEqual(before)
    expect(
      (await env.anonymous('POST', url, applicant({ recaptchaToken, email: `${unique('a')}@acme.test` }))).status,
    ).toBe(201)
  })

  test('is for an application that the account has: the default one is always open', async () => {
    const env = await newEnvironment()
    const apps = '/applications/resources/applications/v1'
    const managed = (
      await env.vendor('POST', apps, {
        name: 'M',
        appURL: 'https://m.test',
        loginURL: 'https://m.test/login',
        accessType: 'MANAGED_ACCESS',
        type: 'web',
        frontendStack: 'react',
      })
    ).body
    const to = (id: string) => ({ headers: { 'frontegg-application-id': id } })
    expect(await env.anonymous('POST', url, applicant(), to(managed.id))).toMatchObject({
      status: 404,
      body: { errorCode: 'ER-01008' },
    })
    expect((await env.anonymous('POST', url, applicant(), to(UNKNOWN_ID))).status).toBe(404)
    expect(await counts(env)).toEqual({ users: 0, tenants: 0, messages: 0 })
    expect((await env.anonymous('POST', url, applicant(), to(env.id))).status).toBe(201)
    await env.vendor('PATCH', `${apps}/${managed.id}`, { isDefault: true })
    const { body } = await env.anonymous('POST', url, applicant(), to(managed.id))
    expect(
      await (
        await env.context()
      ).db.applicationUser.count({
        where: { applicationId: managed.id, userId: body.userId, tenantId: body.tenantId },
      }),
    ).toBe(1)
  })
})

describe.concurrent('signing up without an address', () => {
  test('with a username and a password logs in at once, as there is nothing to verify', async () => {
    const env = await newEnvironment()
    const username = unique('Ada')
    const { status, body } = await env.anonymous('POST', `${url}/username`, {
      username,
      password,
      companyName: 'Acme',
      provider: 'local',
      metadata: '{}',
    })
    expect(status).toBe(201)
    expect(body).toMatchObject({
      shouldActivate: false,
      authResponse: { accessToken: expect.any(String), userId: body.userId },
    })
    expect((await env.anonymous('POST', '/identity/resources/auth/v1/user', { username, password })).status).toBe(200)
    expect(
      await env.anonymous('POST', `${url}/username`, {
        username: username.toUpperCase(),
        password,
        companyName: 'Acme',
      }),
    ).toMatchObject({ status: 409 })
    expect(
      await env.anonymous('POST', `${url}/username`, { username: unique('b'), companyName: 'Acme' }),
    ).toMatchObject({ status: 400, body: { errors: ['password should not be empty'] } })
    expect(
      (await env.anonymous('POST', `${url}/username`, { username: 'a b', password, companyName: 'Acme' })).status,
    ).toBe(400)
    const mailed = await env.anonymous('POST', `${url}/username`, {
      username: unique('c'),
      email: address(),
      password,
      companyName: 'Acme',
    })
    expect(mailed.body).toEqual({ shouldActivate: true, userId: expect.any(String), tenantId: expect.any(String) })
  })

  test('with a phone number continues with a code to that number, where such logins are on', async () => {
    const env = await newEnvironment()
    const given = { phoneNumber: '+15551230002', name: 'Ada', companyName: 'Acme', password }
    expect(await env.anonymous('POST', `${url}/phoneNumber`, given)).toMatchObject({
      status: 400,
      body: { errorCode: 'ER-01012' },
    })
    await configure(env, { authStrategy: 'SmsCode' })
    const { status, body, cookies } = await env.anonymous('POST', `${url}/phoneNumber`, given)
    expect({ status, body, cookies }).toEqual({
      status: 201,
      body: { shouldActivate: false, userId: expect.any(String), tenantId: expect.any(String) },
      cookies: [],
    })
    expect(await (await env.context()).db.user.findUnique({ where: { id: body.userId } })).toMatchObject({
      phoneNumber: '+15551230002',
      passwordHash: null,
      email: null,
    })
    expect((await env.anonymous('POST', `${url}/phoneNumber`, given)).status).toBe(409)
    expect((await env.anonymous('POST', `${url}/phoneNumber`, { ...given, phoneNumber: '555' })).status).toBe(400)
  })
})

describe.concurrent('signing up by an invitation link', () => {
  test("leads into that account with the invitation's roles, for any number of users", async () => {
    const env = await newEnvironment()
    await configure(env, { allowNotVerifiedUsersLogin: true })
    const host = await env.user({ roleKeys: ['Admin'] })
    const [guest] = (
      await env.vendor('POST', '/identity/resources/roles/v1', [{ key: 'guest', name: 'Guest', level: 5 }])
    ).body
    const invite = (
      await host('POST', '/identity/resources/tenants/invites/v2/user', {
        expiresInMinutes: 60,
        shouldSendEmail: true,
        roleIds: [guest.id],
      })
    ).body
    const answers = await Promise.all(
      ['Ada', 'Grace'].map((name) =>
        env.anonymous('POST', url, applicant({ name, invitationToken: invite.token, companyName: '' })),
      ),
    )
    for (const { status, body } of answers) {
      expect(status).toBe(201)
      expect(body).toMatchObject({ tenantId: host.tenantId, authResponse: { accessToken: expect.any(String) } })
      expect(
        (await env.withToken(body.authResponse.accessToken)('GET', '/identity/resources/users/v2/me')).body,
      ).toMatchObject({ tenantId: host.tenantId, roles: [{ key: 'guest' }] })
    }
    expect(await (await env.context()).db.tenant.count()).toBe(1)
    const told = await env.messages({ template: 'UserUsedInvitation' })
    expect(told.map((m) => m.recipient)).toEqual([host.email, host.email])
  })

  test('gives default roles where the invitation has none, and still requires a verified address', async () => {
    const env = await newEnvironment()
    const tenantId = await env.newTenant('Globex')
    await env.newUser({ tenantId })
    const { token } = (await env.vendor('POST', invites, { tenantId })).body
    const { body } = await env.anonymous('POST', url, applicant({ invitationToken: token, companyName: undefined }))
    expect(body).toEqual({ shouldActivate: true, userId: expect.any(String), tenantId })
    const { db } = await env.context()
    expect(
      await db.membershipRole.findMany({ where: { userId: body.userId }, select: { role: { select: { key: true } } } }),
    ).toEqual([{ role: { key: 'Admin' } }])
  })

  test('is refused with a token that is unknown, expired, deleted, for another user, or of a locked account, and makes nothing', async () => {
    const env = await newEnvironment()
    const other = await newEnvironment()
    const tenantId = await env.newTenant(),
      known = await env.newUser()
    const make = async (more = {}) => (await env.vendor('POST', invites, { tenantId, ...more })).body
    const [deleted, personal, expiring] = [
      await make(),
      await make({ userId: known.id }),
      await make({ expiresInMinutes: 5 }),
    ]
    await env.vendor('DELETE', `${invites}/token/${deleted.id}`)
    const foreign = (await other.vendor('POST', invites, { tenantId: await other.newTenant() })).body
    const before = await counts(env)
    const attempt = (invitationToken: string) => env.anonymous('POST', url, applicant({ invitationToken }))
    for (const token of ['x', deleted.token, personal.token, foreign.token])
      expect(await attempt(token)).toMatchObject({ status: 404, body: { errors: ['Invitation not found'] } })
    await env.clock.advance(5 * 60_000)
    expect((await attempt(expiring.token)).status).toBe(404)
    const good = await make()
    await configure(env, { allowTenantInvitations: false })
    expect((await attempt(good.token)).status).toBe(403)
    await configure(env, { allowTenantInvitations: true })
    await env.vendor('PUT', `/tenants/resources/tenants/v1/${tenantId}`, { status: 'locked' })
    expect(await attempt(good.token)).toMatchObject({ status: 400, body: { errorCode: 'ER-01239' } })
    expect(await counts(env)).toEqual(before)
    await env.vendor('PUT', `/tenants/resources/tenants/v1/${tenantId}`, { status: 'active' })
    expect((await attempt(good.token)).status).toBe(201)
  })

  test('blocks the domains that the account blocks', async () => {
    const env = await newEnvironment()
    const tenantId = await env.newTenant(),
      restrictions = '/identity/resources/configurations/restrictions/v1/email-domain'
    await env.as(tenantId)('POST', restrictions, { domain: 'example.com', type: 'BLOCK' })
    await env.as(tenantId)('POST', `${restrictions}/config`, { active: true, type: 'BLOCK' })
    const { token } = (await env.vendor('POST', invites, { tenantId })).body
    expect((await env.anonymous('POST', url, applicant({ invitationToken: token }))).status).toBe(403)
    expect(
      (await env.anonymous('POST', url, applicant({ invitationToken: token, email: `${unique('a')}@acme.test` })))
        .status,
    ).toBe(201)
  })
})
