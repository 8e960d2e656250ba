import { describe, expect, test } from 'vitest'
import { authenticator } from './authenticator.ts'
import { browser, mailed, phone, received, useBrowsers, wrongOf, type Browser } from './browser.ts'
import { newEnvironment, unique, type TestEnvironment } from './environment.ts'
import { claimsOf, PASSWORD } from './second-factors.ts'

/** Drives the browser client's own package through every login without second factors; reads links and codes from the emulator. */
const baseUrl = useBrowsers()
const configurations = '/identity/resources/configurations/v1'
const NEW_PASSWORD = 'Another-house-2!'
const address = (name = 'ada') => `${unique(name)}@example.com`

const configure = async (env: TestEnvironment, fields: object) => {
  expect((await env.vendor('POST', configurations, fields)).status).toBe(201)
}
async function loggedIn(
  env: TestEnvironment,
  who: Parameters<TestEnvironment['newUser']>[0] = {},
  visit: Parameters<typeof browser>[1] = {},
) {
  const user = await env.newUser({ password: PASSWORD, ...who }),
    at = browser(env, visit)
  await at.api.auth.loginv2({ email: user.email, password: PASSWORD })
  return { ...at, user }
}
/** Expects a complete login: a token, a cookie, a profile. */
async function isIn({ api, jar, token }: Pick<Browser, 'api' | 'jar' | 'token'>, userId: string) {
  expect([...jar.keys()].some((name) => name.startsWith('fe_refresh_'))).toBe(true)
  expect(claimsOf(token()!)).toMatchObject({ sub: userId, type: 'userToken' })
  expect((await api.auth.refreshTokenV3()).user).toMatchObject({ id: userId, mfaRequired: false })
}
const isOut = async ({ api }: Pick<Browser, 'api'>) => {
  await expect(api.auth.refreshTokenV3()).rejects.toMatchObject({ statusCode: 401, message: 'Session not found' })
}

describe.concurrent('signing up', () => {
  test('by e-mail: the link of the mail verifies the address and logs in', async () => {
    const env = await newEnvironment(),
      at = browser(env),
      email = address()
    expect(await at.api.auth.getSignUpStrategies()).toContainEqual({
      strategy: 'email',
      isActive: true,
      isRequired: true,
    })
    expect(await at.api.auth.getPasswordConfigPolicy()).toMatchObject({ minLength: 6 })
    const { shouldActivate, userId, tenantId, user } = await at.api.auth.signUpUser({
      email,
      password: PASSWORD,
      name: 'Ada',
      companyName: 'Engines',
      recaptchaToken: '',
    })
    expect({ shouldActivate, user }).toEqual({ shouldActivate: true, user: undefined })
    await expect(at.api.auth.loginv2({ email, password: PASSWORD })).rejects.toMatchObject({
      statusCode: 401,
      errorCode: 'ER-01060',
    })
    const { query, link } = await mailed(env, email, 'ActivateUser')
    expect(new URL(link).pathname).toBe('/account/activate')
    expect(query).toEqual({ userId, token: expect.any(String) })
    expect(await at.api.auth.getActivateAccountStrategy(query)).toEqual({ shouldSetPassword: false })
    const activated = await at.api.auth.activateAccountV2(query)
    expect(activated.user).toMatchObject({ id: userId, email, name: 'Ada', verified: true, tenantId })
    expect(activated.activeTenant).toMatchObject({ tenantId, name: 'Engines' })
    await isIn(at, userId)
    await expect(at.api.auth.activateAccount(query)).rejects.toMatchObject({ statusCode: 400 })
  })

  test('by e-mail without a password: it is chosen on the page of the link', async () => {
    const env = await newEnvironment(),
      at = browser(env),
      email = address()
    const { userId } = await at.api.auth.signUpUser({ email, companyName: 'Engines' })
    const { query } = await mailed(env, email, 'ActivateUser')
    expect(await at.api.auth.getActivateAccountStrategy(query)).toEqual({ shouldSetPassword: true })
    await expect(at.api.auth.activateAccountV2({ ...query, password: 'weak' })).rejects.toMatchObject({
      statusCode: 400,
    })
    await at.api.auth.activateAccountV2({ ...query, password: PASSWORD })
    await isIn(at, userId)
    expect((await browser(env).api.auth.loginv2({ email, password: PASSWORD })).user.id).toBe(userId)
  })

  test('by e-mail, activating with a code; a wrong one does not', async () => {
    const env = await newEnvironment(),
      at = browser(env),
      email = address()
    await env.vendor('POST', `${configurations}/activation/strategies`, { strategy: 'code', codeExpiration: 600 })
    const { userId, activationToken, shouldActivate } = await at.api.auth.signUpUser({
      email,
      password: PASSWORD,
      companyName: 'Engines',
    })
    expect({ shouldActivate, activationToken }).toEqual({ shouldActivate: true, activationToken: expect.any(String) })
    const { code } = await mailed(env, email, 'ActivateUserWithCode')
    const given = { userId, token: activationToken }
    await expect(at.api.auth.activateAccountWithOTC({ ...given, code: wrongOf(code) })).rejects.toMatchObject({
      statusCode: 401,
      errorCode: 'ER-01011',
    })
    expect((await at.api.auth.activateAccountWithOTC({ ...given, code })).user).toMatchObject({
      id: userId,
      verified: true,
    })
    await isIn(at, userId)
  })

  test('by e-mail where no activation is needed: logs in at once', async () => {
    const env = await newEnvironment(),
      at = browser(env),
      email = address()
    await configure(env, { allowNotVerifiedUsersLogin: true })
    const { shouldActivate, userId, tenantId, user, activeTenant } = await at.api.auth.signUpUser({
      email,
      password: PASSWORD,
      companyName: 'Engines',
      metadata: '{"plan":"free"}',
    })
    expect({ shouldActivate, activeTenant }).toMatchObject({
      shouldActivate: false,
      activeTenant: { tenantId, name: 'Engines' },
    })
    expect(user).toMatchObject({ id: userId, email, verified: false, metadata: '{"plan":"free"}' })
    await isIn(at, userId)
  })

  test('by username', async () => {
    const env = await newEnvironment(),
      at = browser(env),
      username = unique('ada')
    await configure(env, { authStrategy: 'UsernameAndPassword' })
    expect(await at.api.auth.getSignUpStrategies()).toContainEqual({
      strategy: 'username',
      isActive: true,
      isRequired: true,
    })
    const { shouldActivate, userId } = await at.api.auth.signUpUserWithUsername({
      username,
      password: PASSWORD,
      companyName: 'Engines',
    })
    expect(shouldActivate).toBe(false)
    await isIn(at, userId)
    expect(await at.api.usernames.getUserOwnUsername()).toMatchObject({ username, userId })
    expect((await browser(env).api.auth.loginv2({ username, password: PASSWORD })).user.id).toBe(userId)
  })

  test('by phone number: a code sent to it logs in', async () => {
    const env = await newEnvironment(),
      at = browser(env),
      phoneNumber = phone()
    await expect(at.api.auth.signUpUserWithPhoneNumber({ phoneNumber, companyName: 'Engines' })).rejects.toMatchObject({
      statusCode: 400,
      errorCode: 'ER-01012',
    })
    await configure(env, { authStrategy: 'SmsCode' })
    const { shouldActivate, userId } = await at.api.auth.signUpUserWithPhoneNumber({
      phoneNumber,
      name: 'Ada',
      companyName: 'Engines',
    })
    expect(shouldActivate).toBe(false)
    await at.api.auth.passwordlessPreLogin({ type: 'SmsCode', phoneNumber })
    const { code } = await mailed(env, phoneNumber, 'SignIn')
    expect((await at.api.auth.passwordlessPostLoginV2({ type: 'SmsCode', token: code })).user).toMatchObject({
      id: userId,
      name: 'Ada',
    })
    await isIn(at, userId)
  })

  test('is refused from blocked domains', async () => {
    const env = await newEnvironment(),
      at = browser(env),
      restrictions = '/identity/resources/configurations/restrictions/v1/email-domain'
    await env.vendor('POST', restrictions, { domain: 'evil.example', type: 'BLOCK' })
    expect((await env.vendor('POST', `${restrictions}/config`, { active: true, type: 'BLOCK' })).status).toBeLessThan(
      300,
    )
    await expect(
      at.api.auth.signUpUser({ email: 'eve@evil.example', password: PASSWORD, companyName: 'Engines' }),
    ).rejects.toMatchObject({ statusCode: 403 })
    await at.api.auth.signUpUser({ email: address(), password: PASSWORD, companyName: 'Engines' })
  })

  test('is refused where it is off, and for a taken address', async () => {
    const env = await newEnvironment(),
      at = browser(env),
      { email } = await env.newUser()
    await expect(at.api.auth.signUpUser({ email, password: PASSWORD, companyName: 'Engines' })).rejects.toMatchObject({
      statusCode: 409,
    })
    await configure(env, { allowSignups: false })
    expect(await at.api.auth.getVendorConfig()).toMatchObject({ allowSignups: false, authStrategy: 'EmailAndPassword' })
    await expect(
      at.api.auth.signUpUser({ email: address(), password: PASSWORD, companyName: 'Engines' }),
    ).rejects.toMatchObject({ statusCode: 403 })
  })

  test('the activation mail can be resent, which ends the first link', async () => {
    const env = await newEnvironment(),
      at = browser(env),
      email = address()
    const { userId } = await at.api.auth.signUpUser({ email, password: PASSWORD, companyName: 'Engines' })
    const first = await mailed(env, email, 'ActivateUser')
    await at.api.auth.resendActivationEmail({ email })
    expect(await received(env, email, 'ActivateUser')).toHaveLength(2)
    await expect(at.api.auth.activateAccountV2(first.query)).rejects.toMatchObject({ statusCode: 400 })
    await at.api.auth.activateAccountV2((await mailed(env, email, 'ActivateUser')).query)
    await isIn(at, userId)
    const nobody = address('nobody')
    await at.api.auth.resendActivationEmail({ email: nobody })
    expect(await received(env, nobody)).toEqual([])
  })
})

describe.concurrent('a session', () => {
  test('begins with the password, goes on by its cookie, and ends with the logout', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD, roleKeys: ['Admin'] }),
      at = browser(env)
    await isOut(at)
    for (const method of ['login', 'loginv2']) {
      await expect(at.api.auth[method]({ email: user.email, password: 'wrong' })).rejects.toMatchObject({
        statusCode: 401,
        errorCode: 'ER-01078',
      })
      const answer = await at.api.auth[method]({
        email: user.email,
        password: PASSWORD,
        recaptchaToken: '',
        invitationToken: '',
      })
      expect(method === 'login' ? answer : answer.user).toMatchObject({
        id: user.id,
        email: user.email,
        userEmail: user.email,
        emailVerified: true,
        isBreachedPassword: false,
        mfaRequired: false,
        roles: [{ key: 'Admin' }],
      })
    }
    await isIn(at, user.id)
    for (const method of ['refreshToken', 'refreshTokenV2']) expect(await at.api.auth[method]()).toBeTruthy()
    expect((await at.api.auth.getUserAuthorization()).roles).toMatchObject([{ key: 'Admin' }])
    await at.api.auth.logout()
    expect(at.jar.size).toBe(0)
    at.holdToken(null)
    await isOut(at)
    await at.api.auth.logout()
  })

  test('moves to another tenant, and can get a token for one without moving', async () => {
    const env = await newEnvironment(),
      acme = await env.newTenant('Acme'),
      beta = await env.newTenant('Beta')
    const { api, user, token } = await loggedIn(env, { tenantId: acme })
    expect(
      (
        await env.as(beta)('POST', `/identity/resources/users/v1/${user.id}/tenant`, {
          tenantId: beta,
          skipInviteEmail: true,
        })
      ).status,
    ).toBe(201)
    const beside = await api.users.GetUserJwt({ tenantId: beta })
    expect(claimsOf(beside.accessToken)).toMatchObject({ sub: user.id, tenantId: beta })
    expect(claimsOf(token()!)).toMatchObject({ tenantId: acme })
    await api.tenants.switchTenant({ tenantId: beta })
    const { user: me, tenants, activeTenant } = await api.auth.refreshTokenV3()
    expect({
      tenantId: me.tenantId,
      active: activeTenant.name,
      all: tenants.map((t: { name: string }) => t.name).sort(),
    }).toEqual({ tenantId: beta, active: 'Beta', all: ['Acme', 'Beta'] })
    expect((await api.users.getCurrentUserTenantsV1()).activeTenant.tenantId).toBe(beta)
    expect((await api.tenants.getTenants()).map((t: { tenantId: string }) => t.tenantId).sort()).toEqual(
      [acme, beta].sort(),
    )
    const stranger = await env.newTenant()
    await expect(api.tenants.switchTenant({ tenantId: stranger })).rejects.toMatchObject({ statusCode: 404 })
  })

  test("lists the user's sessions, and ends one or all of them", async () => {
    const env = await newEnvironment(),
      here = await loggedIn(env),
      there = browser(env)
    await there.api.auth.loginv2({ email: here.user.email, password: PASSWORD })
    expect((await here.api.auth.getCurrentUserSessions()).map((s: { current: boolean }) => s.current).sort()).toEqual([
      false,
      true,
    ])
    const mine = await here.api.auth.getCurrentUserSession(),
      theirs = await there.api.auth.getCurrentUserSession()
    expect({ mine: mine.current, theirs: theirs.current, differ: mine.id !== theirs.id }).toEqual({
      mine: true,
      theirs: true,
      differ: true,
    })
    await here.api.auth.deleteSessionForUser(theirs.id)
    await isOut(there)
    await isIn(here, here.user.id)
    await there.api.auth.loginv2({ email: here.user.email, password: PASSWORD })
    await here.api.auth.deleteAllSessionsForUser()
    await isOut(there)
  })

  test('of a member is revoked by an administrator of the account', async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant()
    const admin = await loggedIn(env, { tenantId, roleKeys: ['Admin'] }),
      member = await loggedIn(env, { tenantId })
    await expect(member.api.auth.revokeSessionsForUser(admin.user.id)).rejects.toMatchObject({ statusCode: 403 })
    await admin.api.auth.revokeSessionsForUser(member.user.id)
    await isOut(member)
    await isIn(admin, admin.user.id)
  })

  test('at an application has its own cookie, and needs the application to let the user in', async () => {
    const env = await newEnvironment(),
      { id: applicationId } = (
        await env.vendor('POST', '/applications/resources/applications/v1', {
          name: 'Closed',
          accessType: 'MANAGED_ACCESS',
          appURL: 'https://a.example',
          loginURL: 'https://a.example/login',
        })
      ).body
    const user = await env.newUser({ password: PASSWORD }),
      at = browser(env, { applicationId }),
      credentials = { email: user.email, password: PASSWORD }
    await expect(at.api.auth.loginv2(credentials)).rejects.toMatchObject({ statusCode: 404, errorCode: 'ER-01008' })
    expect(
      (
        await env.vendor('POST', `/applications/resources/applications/tenant-assignments/v1/${applicationId}`, {
          tenantId: user.tenantId,
        })
      ).status,
    ).toBeLessThan(300)
    await expect(at.api.auth.loginv2(credentials)).rejects.toMatchObject({ statusCode: 403, errorCode: 'ER-01009' })
    expect(
      (
        await env.as(user.tenantId)('POST', '/identity/resources/applications/v1', {
          appId: applicationId,
          tenantId: user.tenantId,
          userIds: [user.id],
        })
      ).status,
    ).toBe(201)
    await at.api.auth.loginv2(credentials)
    expect([...at.jar.keys()]).toEqual([`fe_refresh_${applicationId.replace('-', '')}`])
    expect(claimsOf(at.token()!)).toMatchObject({ applicationId, aud: applicationId })
    await isIn(at, user.id)
    await at.api.auth.logout()
    expect(at.jar.size).toBe(0)
  })

  test('needs a passed captcha, where captchas are on', async () => {
    const env = await newEnvironment(),
      at = browser(env),
      user = await env.newUser({ password: PASSWORD }),
      email = address()
    expect(
      (
        await env.vendor('POST', `${configurations}/captcha-policy`, {
          enabled: true,
          siteKey: 'site',
          secretKey: 'secret',
          minScore: 0.5,
          ignoredEmails: [],
        })
      ).status,
    ).toBe(201)
    expect(await at.api.auth.getCaptchaPolicy()).toMatchObject({ enabled: true, siteKey: 'site' })
    for (const recaptchaToken of ['', 'score:0.4']) {
      await expect(
        at.api.auth.loginv2({ email: user.email, password: PASSWORD, recaptchaToken }),
      ).rejects.toMatchObject({ statusCode: 400 })
      await expect(
        at.api.auth.signUpUser({ email, password: PASSWORD, companyName: 'Engines', recaptchaToken }),
      ).rejects.toMatchObject({ statusCode: 400 })
    }
    await at.api.auth.signUpUser({ email, password: PASSWORD, companyName: 'Engines', recaptchaToken: 'score:0.9' })
    await expect(at.api.auth.activateAccountV2((await mailed(env, email, 'ActivateUser')).query)).rejects.toMatchObject(
      { statusCode: 400 },
    )
    await at.api.auth.loginv2({ email: user.email, password: PASSWORD, recaptchaToken: 'score:0.9' })
    await isIn(at, user.id)
  })

  test('has rules that an account saves and reads', async () => {
    const env = await newEnvironment(),
      { api } = await loggedIn(env, { roleKeys: ['Admin'] })
    expect(await api.auth.getSessionConfigurations()).toEqual({})
    const sessionConcurrentConfiguration = { isActive: true, maxSessions: 1 }
    await api.auth.createOrUpdateSessionConfigrations({ sessionConcurrentConfiguration })
    expect(await api.auth.getSessionConfigurations()).toEqual({ sessionConcurrentConfiguration })
  })
})

describe.concurrent('a password', () => {
  test('forgotten: the link of the mail sets another, once, and ends the sessions', async () => {
    const env = await newEnvironment(),
      old = await loggedIn(env),
      { email } = old.user,
      at = browser(env)
    expect(await at.api.auth.getPasswordRecoveryStrategies()).toContainEqual({ strategy: 'email', isActive: true })
    await at.api.auth.forgotPassword({ email })
    const { query, link } = await mailed(env, email, 'ResetPassword')
    expect(new URL(link).pathname).toBe('/account/reset-password')
    expect(await at.api.auth.loadPasswordConfig({ userId: query['userId'] })).toMatchObject({ minLength: 6 })
    await at.api.auth.validateResetPasswordToken(query)
    await expect(at.api.auth.validateResetPasswordToken({ ...query, token: 'other' })).rejects.toMatchObject({
      statusCode: 400,
    })
    await expect(at.api.auth.resetPassword({ ...query, password: 'weak' })).rejects.toMatchObject({ statusCode: 400 })
    await at.api.auth.resetPassword({ ...query, password: NEW_PASSWORD })
    await expect(at.api.auth.validateResetPasswordToken(query)).rejects.toMatchObject({ statusCode: 410 })
    await expect(at.api.auth.resetPassword({ ...query, password: PASSWORD })).rejects.toMatchObject({ statusCode: 400 })
    await isOut(old)
    await expect(at.api.auth.loginv2({ email, password: PASSWORD })).rejects.toMatchObject({ statusCode: 401 })
    expect((await at.api.auth.loginv2({ email, password: NEW_PASSWORD })).user.id).toBe(old.user.id)
    await at.api.auth.forgotPassword({ email: address('nobody') })
  })

  test('forgotten: a link expires', async () => {
    const env = await newEnvironment(),
      { email } = await env.newUser({ password: PASSWORD }),
      at = browser(env)
    await at.api.auth.resetPasswordViaEmail({ identifier: email, identifierType: 'email' })
    const { query } = await mailed(env, email, 'ResetPassword')
    await env.clock.advance(86_401_000)
    await expect(at.api.auth.validateResetPasswordToken(query)).rejects.toMatchObject({ statusCode: 410 })
  })

  test('forgotten: a code sent to the phone sets another', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD }),
      at = browser(env),
      phoneNumber = phone()
    expect(
      (await env.vendor('POST', `/identity/resources/users/phone-numbers/v1/vendor/${user.id}`, { phoneNumber }))
        .status,
    ).toBe(201)
    const { sessionId } = await at.api.auth.resetPasswordViaSms({
      identifier: phoneNumber,
      identifierType: 'phoneNumber',
    })
    const { code } = await mailed(env, phoneNumber, 'ResetPassword')
    await expect(at.api.auth.verifyPasswordViaSms({ sessionId, otcToken: wrongOf(code) })).rejects.toMatchObject({
      statusCode: 401,
    })
    const exchanged = await at.api.auth.verifyPasswordViaSms({ sessionId, otcToken: code })
    expect(exchanged.userId).toBe(user.id)
    await at.api.auth.resetPassword({ ...exchanged, password: NEW_PASSWORD })
    expect((await at.api.auth.loginv2({ email: user.email, password: NEW_PASSWORD })).user.id).toBe(user.id)
  })

  test('is changed with the current one; the other sessions end', async () => {
    const env = await newEnvironment(),
      here = await loggedIn(env),
      there = browser(env)
    await there.api.auth.loginv2({ email: here.user.email, password: PASSWORD })
    await expect(here.api.teams.changePassword({ password: 'wrong', newPassword: NEW_PASSWORD })).rejects.toMatchObject(
      { statusCode: 400 },
    )
    await here.api.teams.changePassword({ password: PASSWORD, newPassword: NEW_PASSWORD })
    await isOut(there)
    await isIn(here, here.user.id)
  })

  test('that has expired only lets the user set another', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD }),
      at = browser(env)
    await env.vendor('POST', `${configurations}/password-rotation`, {
      isActive: true,
      rotationPeriod: 60,
      notificationPeriod: 30,
    })
    await env.clock.advance(40 * 60_000)
    expect((await at.api.auth.loginv2({ email: user.email, password: PASSWORD })).user).toMatchObject({
      passwordExpiresIn: expect.any(Number),
      notificationPeriod: 30,
      accessToken: expect.any(String),
    })
    await env.clock.advance(30 * 60_000)
    const fresh = browser(env)
    const { user: asked } = await fresh.api.auth.loginv2({ email: user.email, password: PASSWORD })
    expect(asked).toEqual({ mfaRequired: false, resetPasswordToken: expect.any(String), userId: user.id })
    expect(fresh.jar.size).toBe(0)
    await fresh.api.auth.validateResetPasswordToken({ userId: asked.userId, token: asked.resetPasswordToken })
    await fresh.api.auth.resetPassword({
      userId: asked.userId,
      token: asked.resetPasswordToken,
      password: NEW_PASSWORD,
    })
    await fresh.api.auth.loginv2({ email: user.email, password: NEW_PASSWORD })
    await isIn(fresh, user.id)
  })

  test('that is breached gives nothing, until a mailed link has set another', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: 'Password1!' }),
      at = browser(env)
    expect((await env.vendor('POST', `${configurations}/password`, { blockPwnedPasswords: true })).status).toBeLessThan(
      300,
    )
    const { user: told } = await at.api.auth.loginv2({ email: user.email, password: 'Password1!' })
    expect(told).toMatchObject({ mfaRequired: false, isBreachedPassword: true })
    expect(told.accessToken).toBeFalsy()
    expect(at.jar.size).toBe(0)
    const { query } = await mailed(env, user.email, 'PwnedPassword')
    await expect(at.api.auth.resetPassword({ ...query, password: 'Password1!' })).rejects.toMatchObject({
      statusCode: 400,
      message: 'Password has been breached',
    })
    await at.api.auth.resetPassword({ ...query, password: NEW_PASSWORD })
    await at.api.auth.loginv2({ email: user.email, password: NEW_PASSWORD })
    await isIn(at, user.id)
  })

  test('tried too often locks the user, and the mailed link unlocks them', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ password: PASSWORD }),
      at = browser(env)
    expect(
      (await env.vendor('POST', `${configurations}/lockout-policy`, { enabled: true, maxAttempts: 3 })).status,
    ).toBe(201)
    for (let i = 0; i < 3; i++)
      await expect(at.api.auth.loginv2({ email: user.email, password: 'wrong' })).rejects.toMatchObject({
        statusCode: 401,
      })
    await expect(at.api.auth.loginv2({ email: user.email, password: PASSWORD })).rejects.toMatchObject({
      statusCode: 423,
      errorCode: 'ER-01034',
    })
    const { query, link } = await mailed(env, user.email, 'UnlockUser')
    expect(new URL(link).pathname).toBe('/account/unlock')
    await at.api.users.unlockMe({ token: query['token'] })
    await at.api.auth.loginv2({ email: user.email, password: PASSWORD })
    await isIn(at, user.id)
    expect(await received(env, user.email, 'UnlockUserSuccess')).toHaveLength(1)
    await expect(at.api.users.unlockMe({ token: query['token'] })).rejects.toMatchObject({ statusCode: 400 })
  })
})

describe.concurrent('without a password', () => {
  test('a magic link logs in, once, and verifies the address', async () => {
    const env = await newEnvironment(),
      user = await env.newUser({ verified: false }),
      at = browser(env)
    await expect(at.api.auth.passwordlessPreLogin({ type: 'MagicLink', email: user.email })).rejects.toMatchObject({
      statusCode: 400,
      errorCode: 'ER-01012',
    })
    await configure(env, { authStrategy: 'MagicLink' })
    expect((await at.api.auth.getVendorPublicAuthStrategiesConfig()).mainAuthStrategies).toEqual([
      { strategy: 'MagicLink' },
    ])
    await at.api.auth.passwordlessPreLogin({ type: 'MagicLink', email: user.email })
    const { query, link } = await mailed(env, user.email, 'MagicLink')
    expect(new URL(link).pathname).toBe('/account/login/magic-link')
    expect(
      (await at.api.auth.passwordlessPostLoginV2({ type: 'MagicLink', token: query['token'] })).user,
    ).toMatchObject({ id: user.id, verified: true })
    await isIn(at, user.id)
    await expect(at.api.auth.passwordlessPostLogin({ type: 'MagicLink', token: query['token'] })).rejects.toMatchObject(
      { statusCode: 400, errorCode: 'ER-01014' },
    )
  })

  test('a magic link works only in the browser that asked for it, where that is configured', async () => {
    const env = await newEnvironment(),
      user = await env.newUser(),
      here = browser(env),
      there = browser(env)
    await configure(env, { authStrategy: 'MagicLink', forceSameDeviceOnAuth: true })
    await here.api.auth.passwordlessPreLogin({ type: 'MagicLink', email: user.email })
    const { query } = await mailed(env, user.email, 'MagicLink')
    await expect(
      there.api.auth.passwordlessPostLoginV2({ type: 'MagicLink', token: query['token'] }),
    ).rejects.toMatchObject({ statusCode: 400, errorCode: 'ER-01016' })
    await here.api.auth.passwordlessPostLoginV2({ type: 'MagicLink', token: query['token'] })
    await isIn(here, user.id)
  })

  test.for(['Code', 'UsernameAndCode'])('a mailed code logs in (%s)', async (strategy) => {
    const env = await newEnvironment(),
      user = await env.newUser(),
      at = browser(env),
      username = unique('ada')
    await env.as(user.tenantId, user.id)('POST', '/identity/resources/usernames/v1', { username })
    await configure(env, { authStrategy: strategy })
    await at.api.auth.passwordlessPreLogin({
      type: strategy,
      ...(strategy === 'Code' ? { email: user.email } : { username }),
    })
    const { code } = await mailed(env, user.email, 'OTC')
    expect(code).toMatch(/^\d{6}$/)
    await expect(at.api.auth.passwordlessPostLoginV2({ type: 'Code', token: wrongOf(code) })).rejects.toMatchObject({
      statusCode: 401,
      errorCode: 'ER-01011',
    })
    await at.api.auth.passwordlessPostLoginV2({ type: 'Code', token: code })
    await isIn(at, user.id)
  })

  test('a code sent to the phone logs in; the answer shows part of the number', async () => {
    const env = await newEnvironment(),
      user = await env.newUser(),
      at = browser(env),
      phoneNumber = phone()
    await env.vendor('POST', `/identity/resources/users/phone-numbers/v1/vendor/${user.id}`, { phoneNumber })
    await configure(env, { authStrategy: 'SmsCode' })
    const shown = await at.api.auth.passwordlessPreLogin({ type: 'SmsCode', phoneNumber })
    expect(shown.phoneNumber.slice(-2)).toBe(phoneNumber.slice(-2))
    expect(shown.phoneNumber).not.toBe(phoneNumber)
    await at.api.auth.passwordlessPostLoginV2({
      type: 'SmsCode',
      token: (await mailed(env, phoneNumber, 'SignIn')).code,
    })
    await isIn(at, user.id)
  })

  test('a passkey is made, listed and logs in, with and without an address; deleted, it does not', async () => {
    const env = await newEnvironment(),
      { api, user } = await loggedIn(env),
      key = authenticator({ origin: `http://${env.name}.localhost:3100` })
    const { options } = await api.auth.webAuthnCreateNewDeviceSession()
    expect(options).toMatchObject({
      challenge: expect.any(String),
      rp: { id: `${env.name}.localhost` },
      user: { name: user.email },
    })
    await api.auth.verifyNewDeviceSession({ ...key.create(options), deviceType: 'Platform' })
    const {
      devices: [device],
    } = await api.auth.getWebAuthnDevices()
    expect(device).toMatchObject({ deviceType: 'Platform' })
    for (const named of [{ email: user.email }, {}]) {
      const at = browser(env),
        asked = await at.api.auth.webAuthnPreLogin(named)
      expect(at.calls).toEqual([{ method: 'POST', path: '/identity/resources/auth/v1/webauthn/prelogin', status: 200 }])
      expect((await at.api.auth.webAuthnPostLoginV2(key.get(asked.options))).user.id).toBe(user.id)
      await isIn(at, user.id)
    }
    await api.auth.deleteWebAuthnDevice(device.id)
    expect(await api.auth.getWebAuthnDevices()).toEqual({ devices: [] })
    const at = browser(env),
      asked = await at.api.auth.webAuthnPreLogin({})
    await expect(at.api.auth.webAuthnPostLogin(key.get(asked.options))).rejects.toMatchObject({
      statusCode: 401,
      errorCode: 'ER-01052',
    })
  })
})

describe.concurrent('an invitation', () => {
  async function invited(env: TestEnvironment) {
    const tenantId = await env.newTenant('Beta'),
      user = await env.newUser({ password: PASSWORD })
    expect(
      (await env.as(tenantId)('POST', '/identity/resources/users/v2', { email: user.email, name: 'Ada' })).status,
    ).toBe(201)
    return { user, tenantId, at: browser(env) }
  }

  test('by mail to a new user is activated with a password of their choice', async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant('Beta'),
      admin = await loggedIn(env, { tenantId, roleKeys: ['Admin'] }),
      email = address(),
      at = browser(env)
    const added = await admin.api.teams.addUser({ email, name: 'Ada', roleIds: [] })
    expect(added).toMatchObject({ email, name: 'Ada' })
    const { query } = await mailed(env, email, 'ActivateUser')
    expect(await at.api.auth.getActivateAccountStrategy(query)).toEqual({ shouldSetPassword: true })
    expect((await at.api.auth.activateAccountV2({ ...query, password: PASSWORD })).activeTenant).toMatchObject({
      tenantId,
      name: 'Beta',
    })
    await isIn(at, added.id)
  })

  test('by mail to a known user is accepted with its link', async () => {
    const env = await newEnvironment(),
      { user, tenantId, at } = await invited(env)
    const { query, link } = await mailed(env, user.email, 'InviteToTenant')
    expect(new URL(link).pathname).toBe('/account/invitation/accept')
    await at.api.auth.acceptInvitation(query)
    await expect(at.api.auth.acceptInvitation(query)).rejects.toMatchObject({ statusCode: 400 })
    const { tenants } = await at.api.auth.loginv2({ email: user.email, password: PASSWORD })
    expect(tenants.map((t: { tenantId: string }) => t.tenantId)).toContain(tenantId)
  })

  test('by mail can be resent, and accepted with a code', async () => {
    const env = await newEnvironment()
    await env.vendor('POST', `${configurations}/invitation/strategies`, { strategy: 'code' })
    const { user, at } = await invited(env)
    await at.api.auth.resendInvitationEmail({ email: user.email })
    const [{ query, code, link }] = (await received(env, user.email, 'InviteToTenantWithCode')) as [
      Awaited<ReturnType<typeof mailed>>,
    ]
    expect(new URL(link).pathname).toBe('/account/invitation/code')
    await expect(at.api.auth.acceptInvitationWithOTC({ ...query, code: wrongOf(code) })).rejects.toMatchObject({
      statusCode: 401,
    })
    await at.api.auth.acceptInvitationWithOTC({ ...query, code })
  })

  test('by a link adds a new user, who signs up with it', async () => {
    const env = await newEnvironment(),
      host = await loggedIn(env, { roleKeys: ['Admin'] }),
      at = browser(env),
      email = address()
    await configure(env, { allowNotVerifiedUsersLogin: true })
    expect(await host.api.teams.getInviteLinkConfiguration()).toEqual({
      tenantInvitationsAllowed: true,
      emailsEnabled: true,
    })
    const { token } = await host.api.teams.createInviteUserLink({ expiresInMinutes: 60, shouldSendEmail: true })
    const known = await at.api.auth.verifyInviteToken({ token })
    expect(known).toMatchObject({ tenantId: host.user.tenantId, name: expect.any(String) })
    const { userId, tenantId } = await at.api.auth.signUpUser({
      email,
      password: PASSWORD,
      companyName: '',
      invitationToken: token,
    })
    expect(tenantId).toBe(host.user.tenantId)
    await isIn(at, userId)
    expect(await received(env, host.user.email, 'UserUsedInvitation')).toHaveLength(1)
  })

  test("by a link adds a known user at their login, with the link's roles", async () => {
    const env = await newEnvironment(),
      host = await loggedIn(env, { roleKeys: ['Admin'] }),
      user = await env.newUser({ password: PASSWORD }),
      at = browser(env)
    const role = (await host.api.teams.loadAvailableRoles()).items.find((r: { key: string }) => r.key === 'ReadOnly')
    const { token, roleIds } = await host.api.teams.createInviteUserLinkV2({
      expiresInMinutes: 60,
      shouldSendEmail: false,
      roleIds: [role.id],
    })
    expect(roleIds).toEqual([role.id])
    const { user: me, activeTenant } = await at.api.auth.loginv2({
      email: user.email,
      password: PASSWORD,
      invitationToken: token,
    })
    expect({ active: activeTenant.tenantId, roles: me.roles.map((r: { key: string }) => r.key) }).toEqual({
      active: host.user.tenantId,
      roles: ['ReadOnly'],
    })
  })

  test('by a link is made with an empty body, prolonged and deleted', async () => {
    const env = await newEnvironment(),
      { api } = await loggedIn(env, { roleKeys: ['Admin'] }),
      at = browser(env)
    for (const create of ['createInviteUserLink', 'createInviteUserLinkV2']) {
      const made = await api.teams[create]({})
      expect(made).toMatchObject({ shouldSendEmail: false, roleIds: [] })
      expect((await api.teams.getInviteUserLink()).token).toBe(made.token)
    }
    const prolonged = await api.teams.updateInviteUserLink({ expiresInMinutes: 60 * 24 * 365 })
    expect(Date.parse(prolonged.expires)).toBeGreaterThan((await env.clock.now()).getTime() + 364 * 86_400_000)
    await api.teams.deleteInviteUserLink()
    await expect(at.api.auth.verifyInviteToken({ token: prolonged.token })).rejects.toMatchObject({ statusCode: 404 })
    await expect(api.teams.getInviteUserLink()).rejects.toMatchObject({ statusCode: 404 })
  })
})

describe.concurrent('the identifiers of a user', () => {
  test('the address is changed with a code sent to the new one', async () => {
    const env = await newEnvironment(),
      { api, user } = await loggedIn(env),
      email = address('grace')
    expect(await api.userEmailPolicy.getUserEmailPolicyConfig()).toEqual({ allowEmailChange: false })
    await expect(api.teams.updateEmail(email)).rejects.toMatchObject({ statusCode: 403 })
    await env.vendor('POST', `${configurations}/user-emails-policy`, { allowEmailChange: true })
    await api.teams.updateEmail(email)
    await api.teams.verifyEmail(email, (await mailed(env, email, 'VerifyNewEmail')).code)
    expect((await browser(env).api.auth.loginv2({ email, password: PASSWORD })).user.id).toBe(user.id)
    await expect(browser(env).api.auth.loginv2({ email: user.email, password: PASSWORD })).rejects.toMatchObject({
      statusCode: 401,
    })
  })

  test('further addresses are added, verified, made primary and deleted; each logs in', async () => {
    const env = await newEnvironment(),
      { call, user } = await loggedIn(env),
      second = address('grace'),
      emails = '/identity/resources/users/emails/v1'
    await env.vendor('POST', `${configurations}/user-emails-policy`, { allowEmailChange: true })
    const added = await call('POST', emails, { email: second })
    expect(added).toMatchObject({ status: 201, body: { verified: false } })
    expect(
      (
        await call('POST', `${emails}/verify`, {
          email: second,
          code: (await mailed(env, second, 'VerifyNewEmail')).code,
        })
      ).status,
    ).toBe(200)
    for (const email of [user.email, second])
      expect((await browser(env).api.auth.loginv2({ email, password: PASSWORD })).user.id).toBe(user.id)
    expect(
      (
        await call(
          'DELETE',
          `${emails}/${(await call('GET', `${emails}/me`)).body.find((e: { isPrimary: boolean }) => e.isPrimary).id}`,
        )
      ).status,
    ).toBe(400)
    expect((await call('POST', `${emails}/me/primary`, { email: second })).status).toBe(200)
    const first = (await call('GET', `${emails}/me`)).body.find((e: { email: string }) => e.email === user.email)
    expect((await call('DELETE', `${emails}/${first.id}`)).status).toBe(200)
    await expect(browser(env).api.auth.loginv2({ email: user.email, password: PASSWORD })).rejects.toMatchObject({
      statusCode: 401,
    })
    expect((await browser(env).api.auth.loginv2({ email: second, password: PASSWORD })).user.email).toBe(second)
  })

  test('a username is chosen, logs in, is listed and deleted', async () => {
    const env = await newEnvironment(),
      { api, user } = await loggedIn(env, { roleKeys: ['Admin'] }),
      username = unique('ada')
    await api.usernames.createUsername({ username })
    expect(await api.usernames.getUserOwnUsername()).toMatchObject({ username, userId: user.id })
    expect((await browser(env).api.auth.loginv2({ username, password: PASSWORD })).user.id).toBe(user.id)
    expect((await api.usernames.getUsernamesV1({ _limit: 10, _usernamePrefix: username })).items).toMatchObject([
      { username },
    ])
    expect((await api.users.getUsersUsernames({ userIds: [user.id] })).items).toMatchObject([{ username }])
    await api.usernames.deleteUsername(username)
    await expect(api.usernames.getUserOwnUsername()).rejects.toMatchObject({ statusCode: 404 })
    await expect(browser(env).api.auth.loginv2({ username, password: PASSWORD })).rejects.toMatchObject({
      statusCode: 401,
    })
  })

  test('a phone number is added and verified, logs in, and is deleted with a code', async () => {
    const env = await newEnvironment(),
      { api, user } = await loggedIn(env),
      phoneNumber = phone(),
      phones = api.userPhoneNumbers
    await phones.createPhoneNumber({ phoneNumber })
    const { otcToken } = await phones.preVerifyPhoneNumber({ phoneNumber })
    await phones.verifyPhoneNumber({ otcToken, code: (await mailed(env, phoneNumber, 'PhoneVerification')).code })
    const [mine] = await phones.getUserOwnPhoneNumbers()
    expect(mine).toMatchObject({ phoneNumber, verified: true })
    await configure(env, { authStrategy: 'SmsCode' })
    const at = browser(env)
    await at.api.auth.passwordlessPreLogin({ type: 'SmsCode', phoneNumber })
    await at.api.auth.passwordlessPostLoginV2({
      type: 'SmsCode',
      token: (await mailed(env, phoneNumber, 'SignIn')).code,
    })
    await isIn(at, user.id)
    const removal = await phones.deletePhoneNumber(mine.id)
    expect(removal).toMatchObject({ phoneId: mine.id, otcToken: expect.any(String) })
    await phones.verifyDeletePhoneNumber(mine.id, {
      otcToken: removal.otcToken,
      code: (await mailed(env, phoneNumber, 'PhoneVerification')).code,
    })
    expect(await phones.getUserOwnPhoneNumbers()).toEqual([])
  })

  test('a phone number is changed with a code, and a lost one by mail', async () => {
    const env = await newEnvironment(),
      { api, user } = await loggedIn(env),
      second = phone(),
      third = phone()
    const { changePhoneId } = await api.auth.changePhoneNumberWithVerification({ phoneNumber: second })
    await api.auth.verifyChangePhoneNumber({
      changePhoneId,
      code: (await mailed(env, second, 'PhoneVerification')).code,
    })
    expect((await api.auth.getMeV2()).phoneNumber).toBe(second)
    const at = browser(env),
      { resetPhoneNumberToken } = await at.api.auth.resetPhoneNumber({ email: user.email })
    const { changePhoneNumberToken } = await at.api.auth.verifyResetPhoneNumber({
      resetPhoneNumberToken,
      code: (await mailed(env, user.email, 'ResetPhoneNumber')).code,
    })
    await at.api.auth.changePhoneNumber({ changePhoneNumberToken, phoneNumber: third })
    const { body } = await env.as(user.tenantId)('GET', `/identity/resources/users/v1/${user.id}`)
    expect(body.phoneNumber).toBe(third)
  })

  test('the profile is changed', async () => {
    const env = await newEnvironment(),
      { api } = await loggedIn(env)
    await api.teams.updateProfile({ name: 'Countess', metadata: '{"likes":"engines"}' })
    expect(await api.teams.getProfile()).toMatchObject({ name: 'Countess', metadata: '{"likes":"engines"}' })
    await api.users.updateUserProfileV2({ name: 'Ada' })
    expect((await api.auth.getMeV2()).name).toBe('Ada')
  })
})

describe.concurrent('policies', () => {
  test("of the environment are shown to the users of its accounts, each beside the account's own", async () => {
    const env = await newEnvironment(),
      { api } = await loggedIn(env, { roleKeys: ['Admin'] }),
      policy = api.auth
    for (const get of [
      'getMfaPolicy',
      'getVendorMfaPolicy',
      'getLockoutPolicy',
      'getVendorLockoutPolicy',
      'getPasswordHistoryPolicy',
      'getVendorPasswordHistoryPolicy',
    ]) {
      await expect(policy[get]()).rejects.toMatchObject({ statusCode: 404 })
    }
    expect(await policy.getCaptchaPolicy()).toMatchObject({ enabled: false })
    await env.vendor('POST', `${configurations}/lockout-policy`, { enabled: true, maxAttempts: 7 })
    await env.vendor('POST', `${configurations}/password-history-policy`, { enabled: true, historySize: 2 })
    await env.vendor('POST', `${configurations}/mfa-policy`, { enforceMFAType: 'DontForce' })
    expect(await policy.getVendorLockoutPolicy()).toMatchObject({ maxAttempts: 7 })
    expect(await policy.getVendorPasswordHistoryPolicy()).toMatchObject({ historySize: 2 })
    expect(await policy.getVendorMfaPolicy()).toMatchObject({ enforceMFAType: 'DontForce' })
    expect(await policy.saveMfaPolicy({ enforceMFAType: 'Force' })).toMatchObject({ enforceMFAType: 'Force' })
    const { id } = await policy.getMfaPolicy()
    expect(await policy.saveMfaPolicy({ id, enforceMFAType: 'DontForce' })).toMatchObject({
      id,
      enforceMFAType: 'DontForce',
    })
    expect(await policy.saveLockoutPolicy({ enabled: true, maxAttempts: 4 })).toMatchObject({ maxAttempts: 4 })
    expect(await policy.savePasswordHistoryPolicy({ enabled: true, historySize: 5 })).toMatchObject({ historySize: 5 })
    expect((await policy.getVendorLockoutPolicy()).maxAttempts).toBe(7)
    const { getVendorPasswordRotationPolicy, getPasswordRotationPolicy, savePasswordRotationPolicy } =
      api.securityPolicy
    expect(await getVendorPasswordRotationPolicy()).toEqual({})
    await savePasswordRotationPolicy({ isActive: true, rotationPeriod: 1000, notificationPeriod: 100 })
    expect(await getPasswordRotationPolicy()).toMatchObject({
      isActive: true,
      rotationPeriod: 1000,
      notificationPeriod: 100,
    })
    expect(await policy.getGlobalSecurityPolicy()).toMatchObject({ publicKey: expect.stringContaining('PUBLIC KEY') })
    expect((await policy.getMFAStrategiesConfig()).strategies).toContainEqual({
      strategy: 'AuthenticatorApp',
      isActive: true,
    })
    expect((await policy.getPublicAuthStrategiesConfigForAuthenticatedUser()).mainAuthStrategies).toEqual([
      { strategy: 'EmailAndPassword' },
    ])
  })

  test('restrict IP addresses and domains', async () => {
    const env = await newEnvironment(),
      tenantId = await env.newTenant(),
      here = { 'x-forwarded-for': '203.0.113.7' }
    const { api, user } = await loggedIn(env, { tenantId, roleKeys: ['Admin'] }, { headers: here }),
      policy = api.auth
    await policy.bulkCreateIPRestriction({
      ips: [{ ip: '203.0.113.0/24', description: 'office' }, { ip: '2001:db8::/32' }],
    })
    const { items } = await policy.getIPRestrictions({ _offset: 0, _limit: 10, _filter: '' })
    expect(items.map((one: { ip: string }) => one.ip).sort()).toEqual(['2001:db8::/32', '203.0.113.0/24'])
    expect(await policy.testCurrentIpInAllowList()).toEqual({ valid: true })
    await policy.updateIPRestrictionConfig({ isActive: true, strategy: 'ALLOW' })
    expect(await policy.getIPRestrictionsConfig()).toMatchObject({ isActive: true, strategy: 'ALLOW' })
    expect(await policy.testCurrentIp()).toEqual({ valid: true })
    const outside = browser(env, { headers: { 'x-forwarded-for': '198.51.100.9' } })
    await expect(outside.api.auth.loginv2({ email: user.email, password: PASSWORD })).rejects.toMatchObject({
      statusCode: 403,
    })
    await policy.createIPRestriction({ ip: '198.51.100.9' })
    await outside.api.auth.loginv2({ email: user.email, password: PASSWORD })
    await policy.deleteIPRestriction(
      (await policy.getIPRestrictions({ _offset: 0, _limit: 10, _filter: '2001' })).items[0].id,
    )
    await policy.updateDomainRestrictionConfig({ active: true, type: 'BLOCK' })
    const made = await policy.createDomainRestriction({ domain: 'evil.example', type: 'BLOCK' })
    expect((await policy.getDomainRestrictions()).items).toMatchObject([{ domain: 'evil.example' }])
    expect(await policy.getDomainRestrictionsConfig()).toMatchObject({ active: true, listType: 'BLOCK' })
    await policy.deleteDomainRestriction(made.id)
  })

  test('send a reset link to every user with a breached password', async () => {
    const env = await newEnvironment(),
      { api } = await loggedIn(env, { roleKeys: ['Admin'] })
    await api.users.sendResetBreachedPasswordEmails()
    expect(baseUrl()).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
  })
})
