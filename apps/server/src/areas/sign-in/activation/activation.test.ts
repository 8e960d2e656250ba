import { describe, expect, test } from 'vitest'
import { newEnvironment, unique, UNKNOWN_ID, type TestEnvironment } from '../../../../test/environment.ts'

const users = '/identity/resources/users/v1',
  url = `${users}/activate`,
  login = '/identity/resources/auth/v1/user',
  configuration = '/identity/resources/configurations/v1'
const statuses = '/identity/resources/tenants/users/v1/statuses'
const password = 'Correct-Horse-7',
  DAY = 86_400_000
const refused = { status: 400, body: { errors: ['Invalid token'] } }
const wantCodes = (env: TestEnvironment, codeExpiration = 600) =>
  env.vendor('POST', `${configuration}/activation/strategies`, { strategy: 'code', codeExpiration })

/** The values in the last mail to the address. */
async function mailed(env: TestEnvironment, to: string) {
  const mail = (await env.messages({ to })).at(-1)!
  const link = new URL(mail.link!)
  return {
    template: mail.template,
    pathname: link.pathname,
    code: mail.code!,
    userId: link.searchParams.get('userId')!,
    token: link.searchParams.get('token')!,
  }
}
/** A new user who has not activated their account yet. */
async function invited(env: TestEnvironment, fields: object = {}) {
  const tenantId = await env.newTenant(),
    email = `${unique('new')}@example.com`
  const { status, body } = await env.as(tenantId)('POST', '/identity/resources/users/v2', { email, ...fields })
  expect(status).toBe(201)
  const { userId, token, code } = await mailed(env, email)
  return { id: body.id as string, tenantId, email, link: { userId, token }, code }
}
const wrongOf = (code: string) => (code === '000000' ? '000001' : '000000')
const rowOf = async (env: TestEnvironment, id: string) =>
  (await env.context()).db.user.findUniqueOrThrow({ where: { id } })

describe.concurrent('activating by a link', () => {
  test('verifies the address, sets the password, and logs in', async () => {
    const env = await newEnvironment()
    const user = await invited(env)
    expect(await env.anonymous('GET', `${url}/strategy?userId=${user.id}&token=${user.link.token}`)).toMatchObject({
      status: 200,
      body: { shouldSetPassword: true },
    })
    const { status, body, cookies } = await env.anonymous('POST', url, { ...user.link, password })
    expect(status).toBe(200)
    expect(body).toMatchObject({
      mfaRequired: false,
      accessToken: expect.any(String),
      refreshToken: expect.any(String),
      userId: user.id,
      userEmail: user.email,
      emailVerified: true,
    })
    expect(cookies.map((c) => c.name)).toEqual([`fe_refresh_${env.id.replace('-', '')}`])
    expect((await env.withToken(body.accessToken)('GET', '/identity/resources/users/v2/me')).body).toMatchObject({
      id: user.id,
      verified: true,
      tenantId: user.tenantId,
      activatedForTenant: true,
    })
    expect((await env.anonymous('POST', login, { email: user.email, password })).status).toBe(200)
  })

  test('works once, and only for the user of the link', async () => {
    const env = await newEnvironment()
    const [user, other] = [await invited(env), await invited(env)]
    for (const bad of [
      { userId: other.id },
      { userId: UNKNOWN_ID },
      { userId: 'x' },
      { token: 'x' },
      { token: `${user.link.token}x` },
    ]) {
      expect(await env.anonymous('POST', url, { ...user.link, password, ...bad })).toMatchObject(refused)
      expect(
        await env.anonymous('GET', `${url}/strategy?${new URLSearchParams({ ...user.link, ...bad })}`),
      ).toMatchObject(refused)
    }
    expect((await env.anonymous('POST', url, { ...user.link, password })).status).toBe(200)
    expect(await env.anonymous('POST', url, { ...user.link, password: 'Another-Horse-8' })).toMatchObject(refused)
    expect(await env.anonymous('GET', `${url}/strategy?${new URLSearchParams(user.link)}`)).toMatchObject(refused)
    expect((await env.anonymous('POST', login, { email: user.email, password })).status).toBe(200)
    expect(await rowOf(env, other.id)).toMatchObject({ verified: false, passwordHash: null })
  })

  test('many times at once works once', async () => {
    const env = await newEnvironment()
    const user = await invited(env)
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => env.anonymous('POST', url, { ...user.link, password })),
    )
    expect(answers.map((a) => a.status).toSorted()).toEqual([200, ...Array(7).fill(400)])
    expect(await (await env.context()).db.session.count({ where: { userId: user.id } })).toBe(1)
  })

  test('works for seven days', async () => {
    const env = await newEnvironment()
    const [early, late] = [await invited(env), await invited(env)]
    await env.clock.advance(7 * DAY - 60_000)
    expect((await env.anonymous('POST', url, { ...early.link, password })).status).toBe(200)
    await env.clock.advance(60_000)
    expect(await env.anonymous('POST', url, { ...late.link, password })).toMatchObject(refused)
  })

  test('a weak password, or a missing one where one is needed, is refused and does not use up the link', async () => {
    const env = await newEnvironment()
    const user = await invited(env)
    expect(await env.anonymous('POST', url, user.link)).toMatchObject({
      status: 400,
      body: { errors: ['password should not be empty'], errorCode: 'ER-008897167d' },
    })
    expect((await env.anonymous('POST', url, { ...user.link, password: '' })).status).toBe(400)
    expect(await env.anonymous('POST', url, { ...user.link, password: 'aaa' })).toMatchObject({
      status: 400,
      body: { errors: expect.arrayContaining(['The password must be at least 6 characters long.']) },
    })
    expect(await rowOf(env, user.id)).toMatchObject({ verified: false, passwordHash: null })
    expect((await env.anonymous('POST', url, { ...user.link, password })).status).toBe(200)
  })

  test('asks no password of a user who has one, or where there are no passwords', async () => {
    const env = await newEnvironment()
    const user = await invited(env, { password }),
      other = await invited(env)
    expect((await env.anonymous('GET', `${url}/strategy?${new URLSearchParams(user.link)}`)).body).toEqual({
      shouldSetPassword: false,
    })
    expect((await env.anonymous('POST', url, user.link)).status).toBe(200)
    expect((await env.anonymous('POST', login, { email: user.email, password })).status).toBe(200)
    await env.vendor('POST', configuration, { authStrategy: 'MagicLink' })
    expect((await env.anonymous('GET', `${url}/strategy?${new URLSearchParams(other.link)}`)).body).toEqual({
      shouldSetPassword: false,
    })
    expect((await env.anonymous('POST', url, { ...other.link, password })).status).toBe(200)
    expect(await rowOf(env, other.id)).toMatchObject({ verified: true, passwordHash: null })
  })

  test('a given password replaces the one before, which goes into the history, and ends sessions', async () => {
    const env = await newEnvironment()
    await env.vendor('POST', configuration, { allowNotVerifiedUsersLogin: true })
    await env.vendor('POST', `${configuration}/password-history-policy`, { enabled: true, historySize: 3 })
    const user = await invited(env, { password })
    const session = await env.anonymous('POST', login, { email: user.email, password })
    expect(await env.anonymous('POST', url, { ...user.link, password })).toMatchObject({
      status: 400,
      body: { errors: [expect.stringContaining('must differ')] },
    })
    expect((await env.anonymous('POST', url, { ...user.link, password: 'Another-Horse-8' })).status).toBe(200)
    expect((await env.anonymous('POST', login, { email: user.email, password })).status).toBe(401)
    expect(
      (
        await env.anonymous('POST', '/identity/resources/auth/v1/user/token/refresh', {
          refreshToken: session.body.refreshToken,
        })
      ).status,
    ).toBe(401)
    expect(await (await env.context()).db.passwordHistory.count({ where: { userId: user.id } })).toBe(1)
  })

  test('is refused for users who are locked, disabled, without an account or deleted, and works again afterwards', async () => {
    const env = await newEnvironment()
    const user = await invited(env),
      attempt = () => env.anonymous('POST', url, { ...user.link, password })
    await env.vendor('POST', `${users}/${user.id}/lock`)
    expect(await attempt()).toMatchObject({ status: 423, body: { errorCode: 'ER-01034' } })
    await env.vendor('POST', `${users}/${user.id}/unlock`)
    const disabling = `/identity/resources/tenants/users/v1/${user.id}`
    await env.as(user.tenantId)('POST', `${disabling}/disable`)
    expect((await attempt()).status).toBe(403)
    expect(await rowOf(env, user.id)).toMatchObject({ verified: false, passwordHash: null })
    await env.as(user.tenantId)('POST', `${disabling}/enable`)
    expect((await attempt()).status).toBe(200)
    const gone = await invited(env)
    await env.vendor('DELETE', `${users}/${gone.id}`)
    expect(await env.anonymous('POST', url, { ...gone.link, password })).toMatchObject(refused)
  })

  test('verifies the address that the mail went to, and no other', async () => {
    const env = await newEnvironment()
    const user = await invited(env),
      coded = await (async () => {
        await wantCodes(env)
        return invited(env)
      })()
    const { db } = await env.context()
    for (const { id } of [user, coded])
      await db.user.updateMany({ where: { id }, data: { email: `${unique('other')}@example.com` } })
    expect(await env.anonymous('POST', url, { ...user.link, password })).toMatchObject(refused)
    expect(await env.anonymous('POST', `${url}/code`, { ...coded.link, code: coded.code, password })).toMatchObject(
      refused,
    )
    for (const { id } of [user, coded]) expect(await rowOf(env, id)).toMatchObject({ verified: false })
  })

  test('asks for a captcha where the environment does', async () => {
    const env = await newEnvironment()
    const user = await invited(env)
    await env.vendor('POST', `${configuration}/captcha-policy`, {
      enabled: true,
      siteKey: 'site',
      secretKey: 'secret',
      minScore: 0.5,
      ignoredEmails: [],
    })
    expect(await env.anonymous('POST', url, { ...user.link, password })).toMatchObject({
      status: 400,
      body: { errors: ['Captcha is required'] },
    })
    expect((await env.anonymous('POST', url, { ...user.link, password, recaptchaToken: 'score:0.7' })).status).toBe(200)
  })
})

describe.concurrent('activating by a code', () => {
  test('takes the code of the mail with the token of its link, and logs in', async () => {
    const env = await newEnvironment()
    await wantCodes(env)
    const user = await invited(env)
    expect(await mailed(env, user.email)).toMatchObject({
      template: 'ActivateUserWithCode',
      pathname: '/account/activate/code',
      userId: user.id,
    })
    expect((await env.anonymous('GET', `${url}/strategy?${new URLSearchParams(user.link)}`)).body).toEqual({
      shouldSetPassword: true,
    })
    const { status, body, cookies } = await env.anonymous('POST', `${url}/code`, {
      ...user.link,
      code: user.code,
      password,
    })
    expect(status).toBe(200)
    expect(body).toMatchObject({ userId: user.id, emailVerified: true, accessToken: expect.any(String) })
    expect(cookies).toHaveLength(1)
    expect(await env.anonymous('POST', `${url}/code`, { ...user.link, code: user.code, password })).toMatchObject(
      refused,
    )
    expect((await env.anonymous('POST', login, { email: user.email, password })).status).toBe(200)
  })

  test('neither token nor code is stored in readable form', async () => {
    const env = await newEnvironment()
    await wantCodes(env)
    const user = await invited(env)
    const { createHash } = await import('node:crypto')
    const [challenge] = await (await env.context()).db.challenge.findMany({ where: { userId: user.id } })
    const hashes = Array.from({ length: 1000 }, (_, i) =>
      createHash('sha256')
        .update(String(Number(user.code) - 500 + i).padStart(6, '0'))
        .digest('hex'),
    )
    expect(hashes).not.toContain(challenge!.secretHash)
    expect(JSON.stringify(challenge)).not.toContain(user.code)
  })

  test('wrong codes count, and after five the right one is refused, too', async () => {
    const env = await newEnvironment()
    await wantCodes(env)
    const user = await invited(env),
      attempt = (code: string) => env.anonymous('POST', `${url}/code`, { ...user.link, code, password })
    for (let i = 0; i < 4; i++)
      expect(await attempt(wrongOf(user.code))).toMatchObject({
        status: 401,
        body: { errors: ['Invalid code'], errorCode: 'ER-01011' },
      })
    // a weak password does not cost a try
    expect(
      (await env.anonymous('POST', `${url}/code`, { ...user.link, code: user.code, password: 'aaa' })).status,
    ).toBe(400)
    expect((await attempt(wrongOf(user.code))).status).toBe(401)
    expect(await attempt(user.code)).toMatchObject({ status: 400, body: { errorCode: 'ER-01017' } })
    expect(await rowOf(env, user.id)).toMatchObject({ verified: false })
  })

  test('guesses made at once each count', async () => {
    const env = await newEnvironment()
    await wantCodes(env)
    const user = await invited(env)
    await Promise.all(
      Array.from({ length: 8 }, () =>
        env.anonymous('POST', `${url}/code`, { ...user.link, code: wrongOf(user.code), password }),
      ),
    )
    const [challenge] = await (await env.context()).db.challenge.findMany({ where: { userId: user.id } })
    expect(challenge!.attempts).toBe(8)
    expect((await env.anonymous('POST', `${url}/code`, { ...user.link, code: user.code, password })).status).toBe(400)
  })

  test('the right code many times at once works once', async () => {
    const env = await newEnvironment()
    await wantCodes(env)
    const user = await invited(env)
    const answers = await Promise.all(
      Array.from({ length: 8 }, () =>
        env.anonymous('POST', `${url}/code`, { ...user.link, code: user.code, password }),
      ),
    )
    expect(answers.filter((a) => a.status === 200)).toHaveLength(1)
    expect(await (await env.context()).db.session.count({ where: { userId: user.id } })).toBe(1)
  })

  test('a code works for the configured time, and only for its user and its token', async () => {
    const env = await newEnvironment()
    await wantCodes(env, 120)
    const [user, other] = [await invited(env), await invited(env)],
      attempt = (more = {}) =>
        env.anonymous('POST', `${url}/code`, { ...user.link, code: user.code, password, ...more })
    for (const bad of [{ userId: other.id }, { userId: 'x' }, { token: 'x' }, { token: UNKNOWN_ID }])
      expect(await attempt(bad)).toMatchObject(refused)
    expect((await attempt({ token: other.link.token, userId: other.id, code: wrongOf(other.code) })).status).toBe(401)
    await env.clock.advance(120_000)
    expect(await attempt()).toMatchObject({ status: 400, body: { errorCode: 'ER-01017' } })
  })

  test("after a resend the new code works with the page's token, and the old code does not", async () => {
    const env = await newEnvironment()
    await wantCodes(env)
    const user = await invited(env),
      again = async () => {
        await env.anonymous('POST', `${url}/reset`, { email: user.email })
        return mailed(env, user.email)
      }
    let next = await again()
    while (next.code === user.code) next = await again()
    expect(next.token).toBe(user.link.token)
    expect((await env.anonymous('POST', `${url}/code`, { ...user.link, code: user.code, password })).status).toBe(401)
    expect((await env.anonymous('POST', `${url}/code`, { ...user.link, code: next.code, password })).status).toBe(200)
  })

  test('a token lasts for a few codes, then the mail brings another', async () => {
    const env = await newEnvironment()
    await wantCodes(env)
    const user = await invited(env),
      tokens = new Set([user.link.token])
    for (let i = 0; i < 5; i++) {
      await env.anonymous('POST', `${url}/reset`, { email: user.email })
      tokens.add((await mailed(env, user.email)).token)
    }
    expect(tokens.size).toBe(2)
    const { code, token } = await mailed(env, user.email)
    expect(await env.anonymous('POST', `${url}/code`, { ...user.link, code, password })).toMatchObject(refused)
    expect((await env.anonymous('POST', `${url}/code`, { userId: user.id, token, code, password })).status).toBe(200)
  })
})

describe.concurrent('activation mails', () => {
  test("after a resend the old link stops working, and the mail has the request's data", async () => {
    const env = await newEnvironment()
    const user = await invited(env)
    expect(
      await env.anonymous('POST', `${url}/reset`, { email: user.email.toUpperCase(), emailMetadata: { a: 1 } }),
    ).toMatchObject({ status: 201, body: null })
    const next = await mailed(env, user.email)
    expect(next.token).not.toBe(user.link.token)
    expect(await env.anonymous('POST', url, { ...user.link, password })).toMatchObject(refused)
    expect((await env.anonymous('POST', url, { userId: user.id, token: next.token, password })).status).toBe(200)
  })

  test('the answer does not reveal who is known, and nothing is sent to unknown, verified or locked users', async () => {
    const env = await newEnvironment()
    const verified = await env.newUser(),
      locked = await invited(env)
    await env.vendor('POST', `${users}/${locked.id}/lock`)
    const before = (await env.messages()).length
    for (const email of [`${unique('nobody')}@example.com`, verified.email, locked.email])
      expect(await env.anonymous('POST', `${url}/reset`, { email })).toMatchObject({ status: 201, body: null })
    expect(await env.messages()).toHaveLength(before)
    expect((await env.anonymous('POST', `${url}/reset`, { email: 'x' })).status).toBe(400)
  })

  test('management makes links without a mail, each replacing the one before', async () => {
    const env = await newEnvironment()
    const user = await invited(env),
      make = () => env.vendor('POST', `${users}/${user.id}/links/generate-activation-token`)
    const [first, second] = [await make(), await make()]
    expect(first).toMatchObject({ status: 201, body: { userId: user.id, token: expect.stringMatching(/^[\w-]{43}$/) } })
    expect(new URL(second.body.link).searchParams.get('token')).toBe(second.body.token)
    expect(await env.messages()).toHaveLength(1)
    for (const { token } of [user.link, first.body])
      expect(await env.anonymous('POST', url, { userId: user.id, token, password })).toMatchObject(refused)
    expect((await env.anonymous('POST', url, { userId: user.id, token: second.body.token, password })).status).toBe(200)
    expect((await env.vendor('POST', `${users}/${UNKNOWN_ID}/links/generate-activation-token`)).status).toBe(404)
  })

  test("a verified user without a password sets one by management's link", async () => {
    const env = await newEnvironment()
    const user = await env.newUser()
    const { token } = (await env.vendor('POST', `${users}/${user.id}/links/generate-activation-token`)).body
    expect((await env.anonymous('POST', url, { userId: user.id, token, password })).status).toBe(200)
    expect((await env.anonymous('POST', login, { email: user.email, password })).status).toBe(200)
  })
})

describe.concurrent('statuses of users', () => {
  test("show the user's state in each account", async () => {
    const env = await newEnvironment()
    const fresh = await invited(env),
      arrived = await env.newUser({ password }),
      quiet = await env.newUser(),
      elsewhere = await env.newTenant()
    await env.anonymous('POST', login, { email: arrived.email, password })
    await env.as(elsewhere)('POST', '/identity/resources/users/v2', { email: arrived.email })
    const ask = (query: string) => env.vendor('GET', `${statuses}?${query}`)
    const ids = [fresh.id, arrived.id, quiet.id]
    const expected = [
      { userId: fresh.id, tenantsStatuses: [{ tenantId: fresh.tenantId, status: 'NotActivated' }] },
      {
        userId: arrived.id,
        tenantsStatuses: [
          { tenantId: arrived.tenantId, status: 'Activated' },
          { tenantId: elsewhere, status: 'PendingInvitation' },
        ],
      },
      { userId: quiet.id, tenantsStatuses: [{ tenantId: quiet.tenantId, status: 'PendingLogin' }] },
    ]
    expect(await ask(`userIds=${ids.join(',')}`)).toMatchObject({ status: 200, body: expected })
    expect((await ask(ids.map((id) => `userIds=${id}`).join('&'))).body).toEqual(expected)
    const some = await ask(`userIds=${ids.join(',')}&userTenantStatuses=PendingInvitation,PendingLogin`)
    expect(
      some.body.map((row: { tenantsStatuses: { status: string }[] }) => row.tenantsStatuses.map((s) => s.status)),
    ).toEqual([[], ['PendingInvitation'], ['PendingLogin']])
  })

  test("cover this environment's users only, and two hundred at most", async () => {
    const env = await newEnvironment(),
      other = await newEnvironment()
    const theirs = await other.newUser(),
      mine = await env.newUser()
    expect(
      (await env.vendor('GET', `${statuses}?userIds=${[theirs.id, UNKNOWN_ID, 'x', mine.id].join(',')}`)).body,
    ).toMatchObject([{ userId: mine.id }])
    expect((await env.vendor('GET', `${statuses}?userIds=${Array(201).fill('x').join(',')}`)).status).toBe(400)
    expect((await env.vendor('GET', statuses)).status).toBe(400)
    expect((await env.vendor('GET', `${statuses}?userIds=${mine.id}&userTenantStatuses=Gone`)).status).toBe(400)
  })

  test('stop at two thousand accounts of one user, and leave out expired memberships', async () => {
    const env = await newEnvironment(),
      ctx = await env.context(),
      now = ctx.clock.now(),
      user = await env.newUser()
    const ids = Array.from({ length: 2001 }, (_, i) => `t${i}`)
    await ctx.db.tenant.createMany({
      data: ids.map((id) => ({ id, rowId: ctx.random.uuid(), name: id, createdAt: now, updatedAt: now })),
    })
    await ctx.db.membership.createMany({ data: ids.map((tenantId) => ({ userId: user.id, tenantId, createdAt: now })) })
    const told = async () =>
      (await env.vendor('GET', `${statuses}?userIds=${[user.id, ...Array(199).fill('x')].join(',')}`)).body[0]
        .tenantsStatuses.length
    expect(await told()).toBe(2000)
    await ctx.db.membership.updateMany({ where: { tenantId: { in: ids.slice(10) } }, data: { expiresAt: now } })
    expect(await told()).toBe(11)
  })
})
