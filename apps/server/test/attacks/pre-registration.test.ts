import { describe, expect, test } from 'vitest'
import { newEnvironment, unique, type TestEnvironment } from '../environment.ts'

/* Somebody signs up with the address of another and a password of their own, and waits for the owner to follow the link. */

const users = '/identity/resources/users',
  login = '/identity/resources/auth/v1/user',
  invites = '/identity/resources/tenants/invites/v1'
const known = 'Attackers-Own-7',
  chosen = 'Owners-Choice-8'

/** The sign-up of the attacker. */
async function registered(env: TestEnvironment, more: object = {}) {
  const email = `${unique('owner')}@example.com`
  const { body } = await env.anonymous('POST', `${users}/v1/signUp`, {
    email,
    password: known,
    companyName: 'Evil',
    ...more,
  })
  return { email, id: body.userId as string, tenantId: body.tenantId as string }
}
const linkTo = async (env: TestEnvironment, to: string, template: string) => {
  const query = new URL((await env.messages({ to, template })).at(-1)!.link!).searchParams
  return { userId: query.get('userId')!, token: query.get('token')! }
}
/** The owner follows the last link for activation. */
const activate = async (env: TestEnvironment, { email }: { email: string }, password?: string) =>
  env.anonymous('POST', `${users}/v1/activate`, { ...(await linkTo(env, email, 'ActivateUser')), password })
const mustChoose = async (env: TestEnvironment, { email }: { email: string }) => {
  const query = new URLSearchParams(await linkTo(env, email, 'ActivateUser'))
  return (await env.anonymous('GET', `${users}/v1/activate/strategy?${query}`)).body.shouldSetPassword as boolean
}
const accept = async (env: TestEnvironment, { email }: { email: string }) =>
  env.anonymous('POST', `${users}/v1/invitation/accept`, await linkTo(env, email, 'InviteToTenant'))
const logIn = (env: TestEnvironment, { email }: { email: string }, password: string, more: object = {}) =>
  env.anonymous('POST', login, { email, password, ...more })
const refresh = (env: TestEnvironment, { cookies }: { cookies: { name: string; value: string }[] }) =>
  env.anonymous('POST', `${login}/token/refresh`, undefined, {
    cookies: Object.fromEntries(cookies.map(({ name, value }) => [name, value])),
  })
/** An account of others, whose administrator invites. */
async function victimsAccount(env: TestEnvironment) {
  const admin = await env.user({ roleKeys: ['Admin'] })
  return {
    admin,
    tenantId: admin.tenantId,
    invite: ({ email }: { email: string }) => admin('POST', `${users}/v2`, { email, name: 'Owner' }),
  }
}
const claims = (answer: { body: { accessToken: string } }) =>
  JSON.parse(Buffer.from(answer.body.accessToken.split('.')[1]!, 'base64url').toString()) as Record<string, unknown>

/** All that the attacker can leave behind for later. */
async function leaveBehind(env: TestEnvironment, { id, tenantId }: { id: string; tenantId: string }) {
  const { db, clock, random } = await env.context()
  const now = clock.now(),
    stamp = { userId: id, createdAt: now }
  await db.mfaDevice.create({ data: { ...stamp, id: random.uuid(), kind: 'authenticator', secret: 'sealed' } })
  await db.recoveryCode.create({ data: { ...stamp, hash: unique() } })
  await db.rememberedDevice.create({ data: { ...stamp, id: unique(), expiresAt: new Date(now.getTime() + 1e9) } })
  await db.passkey.create({
    data: {
      ...stamp,
      id: random.uuid(),
      credentialId: unique(),
      publicKey: 'key',
      counter: 0,
      deviceType: 'Platform',
      rpId: 'localhost',
    },
  })
  await db.userEmail.create({
    data: { ...stamp, id: random.uuid(), email: `${unique('evil')}@example.com`, verified: true, updatedAt: now },
  })
  await db.apiToken.create({ data: { ...stamp, id: random.uuid(), tenantId, secretHash: unique() } })
  await db.accessToken.create({ data: { ...stamp, id: random.uuid(), tenantId } })
  await db.user.update({ where: { id }, data: { phoneNumber: '+14155550123', mfaEnrolled: true } })
  await db.phoneNumber.updateMany({ where: { userId: id }, data: { verified: true } })
}
async function leftOf(env: TestEnvironment, { id }: { id: string }) {
  const { db } = await env.context(),
    where = { userId: id }
  const row = await db.user.findUniqueOrThrow({ where: { id }, include: { emails: true } })
  return {
    devices: await db.mfaDevice.count({ where }),
    recovery: await db.recoveryCode.count({ where }),
    remembered: await db.rememberedDevice.count({ where }),
    passkeys: await db.passkey.count({ where }),
    apiTokens: await db.apiToken.count({ where }),
    accessTokens: await db.accessToken.count({ where }),
    numbers: await db.phoneNumber.count({ where }),
    sessions: await db.session.count({ where: { ...where, endedAt: null } }),
    emails: row.emails.map(({ email }) => email),
    mfaEnrolled: row.mfaEnrolled,
    phoneNumber: row.phoneNumber,
  }
}
const nothingBut = (email: string) => ({
  devices: 0,
  recovery: 0,
  remembered: 0,
  passkeys: 0,
  apiTokens: 0,
  accessTokens: 0,
  numbers: 0,
  sessions: 0,
  emails: [email],
  mfaEnrolled: false,
  phoneNumber: null,
})

describe.concurrent('a password from before the proof', () => {
  test('goes on working in the account that was made with it', async () => {
    const env = await newEnvironment(),
      user = await registered(env)
    expect(await mustChoose(env, user)).toBe(false)
    expect((await activate(env, user)).status).toBe(200)
    const answer = await logIn(env, user, known)
    expect([answer.status, claims(answer).tenantIds]).toEqual([200, [user.tenantId]])
  })

  test('is void once the owner chooses one with the link', async () => {
    const env = await newEnvironment(),
      user = await registered(env)
    await leaveBehind(env, user)
    expect((await activate(env, user, chosen)).status).toBe(200)
    expect(await leftOf(env, user)).toEqual({ ...nothingBut(user.email), sessions: 1 })
    expect((await logIn(env, user, known)).status).toBe(401)
    expect((await logIn(env, user, chosen)).status).toBe(200)
  })

  test('has to be replaced by an owner who is invited elsewhere before following the link', async () => {
    const env = await newEnvironment(),
      user = await registered(env),
      others = await victimsAccount(env)
    expect((await others.invite(user)).status).toBe(201)
    expect(await mustChoose(env, user)).toBe(true)
    expect((await activate(env, user)).status).toBe(400)
    expect((await activate(env, user, chosen)).status).toBe(200)
    expect((await logIn(env, user, known)).status).toBe(401)
    expect((await accept(env, user)).status).toBe(201)
    const answer = await logIn(env, user, chosen)
    expect(claims(answer).tenantIds).toEqual([user.tenantId, others.tenantId])
  })

  test('is void, with all that was set up with it, when the owner accepts an invitation later', async () => {
    const env = await newEnvironment(),
      user = await registered(env),
      others = await victimsAccount(env)
    await activate(env, user)
    const attacker = await logIn(env, user, known)
    await leaveBehind(env, user)
    await others.invite(user)
    // the invitation itself takes nothing away: anybody can invite
    const waiting = await refresh(env, attacker)
    expect([waiting.status, claims(waiting).tenantIds]).toEqual([201, [user.tenantId]])
    expect((await accept(env, user)).status).toBe(201)
    expect(await leftOf(env, user)).toEqual(nothingBut(user.email))
    expect((await refresh(env, waiting)).status).toBe(401)
    expect((await logIn(env, user, known)).status).toBe(401)
    expect(await mustChoose(env, user)).toBe(true)
    const answer = await activate(env, user, chosen)
    expect([answer.status, claims(answer).tenantIds]).toEqual([200, [user.tenantId, others.tenantId]])
    expect((await logIn(env, user, chosen)).status).toBe(200)
  })

  test('is void also when the invitation is accepted with a code', async () => {
    const env = await newEnvironment(),
      user = await registered(env),
      others = await victimsAccount(env)
    await activate(env, user)
    await env.vendor('POST', '/identity/resources/configurations/v1/invitation/strategies', {
      strategy: 'code',
      codeExpiration: 600,
    })
    await others.invite(user)
    const mail = (await env.messages({ to: user.email, template: 'InviteToTenantWithCode' })).at(-1)!
    const query = new URL(mail.link!).searchParams
    const answer = await env.anonymous('POST', `${users}/v1/invitation/accept/code`, {
      userId: query.get('userId'),
      token: query.get('token'),
      code: mail.code,
    })
    expect(answer.status).toBe(200)
    expect((await logIn(env, user, known)).status).toBe(401)
  })

  test('does not take up an invitation by its token', async () => {
    const env = await newEnvironment(),
      user = await registered(env),
      others = await victimsAccount(env)
    await activate(env, user)
    const { token } = (await env.vendor('POST', invites, { tenantId: others.tenantId })).body
    const refused = await logIn(env, user, known, { invitationToken: token })
    expect([refused.status, refused.body.errorCode]).toEqual([401, 'ER-01060'])
    expect(claims(await logIn(env, user, known)).tenantIds).toEqual([user.tenantId])
    const own = (await env.vendor('POST', invites, { tenantId: user.tenantId })).body
    expect((await logIn(env, user, known, { invitationToken: own.token })).status).toBe(200)
    // the owner does, with the mail that comes of it
    expect(await mustChoose(env, user)).toBe(true)
    expect(claims(await activate(env, user, chosen)).tenantIds).toEqual([user.tenantId, others.tenantId])
    expect((await logIn(env, user, known)).status).toBe(401)
  })

  test('is not kept of somebody who signs up into the account of others', async () => {
    const env = await newEnvironment(),
      others = await victimsAccount(env)
    const { token } = (await env.vendor('POST', invites, { tenantId: others.tenantId })).body
    const user = await registered(env, { invitationToken: token })
    expect(user.tenantId).toBe(others.tenantId)
    expect(await mustChoose(env, user)).toBe(true)
    expect((await activate(env, user)).status).toBe(400)
    expect((await activate(env, user, chosen)).status).toBe(200)
    expect((await logIn(env, user, known)).status).toBe(401)
  })

  test.each(['POST', 'PUT'] as const)('is void when management adds the user by %s', async (method) => {
    const env = await newEnvironment(),
      user = await registered(env),
      tenantId = await env.newTenant()
    await activate(env, user)
    const attacker = await logIn(env, user, known)
    const added = await env.vendor(method, `${users}/v1/${user.id}/tenant`, { tenantId, skipInviteEmail: true })
    expect(added.status).toBeLessThan(300)
    expect((await refresh(env, attacker)).status).toBe(401)
    expect((await logIn(env, user, known)).status).toBe(401)
  })

  test('is void when management adds the address without a mail', async () => {
    const env = await newEnvironment(),
      user = await registered(env),
      tenantId = await env.newTenant()
    await activate(env, user)
    await env.as(tenantId)('POST', `${users}/v2`, { email: user.email, skipInviteEmail: true })
    expect((await logIn(env, user, known)).status).toBe(401)
  })

  test('stays with users whom management made, or who chose it by a link', async () => {
    const env = await newEnvironment(),
      home = await env.newTenant(),
      others = await victimsAccount(env),
      email = `${unique('user')}@example.com`
    await env.as(home)('POST', `${users}/v2`, { email, password: known, name: 'User' })
    expect(await mustChoose(env, { email })).toBe(false)
    await activate(env, { email })
    await others.invite({ email })
    expect((await accept(env, { email })).status).toBe(201)
    expect((await logIn(env, { email }, known)).status).toBe(200)
    const second = await registered(env)
    await activate(env, second, chosen)
    await others.invite(second)
    await accept(env, second)
    expect((await logIn(env, second, chosen)).status).toBe(200)
  })

  test('is void for one who accepts twice at once, once', async () => {
    const env = await newEnvironment(),
      user = await registered(env),
      others = await victimsAccount(env)
    await activate(env, user)
    await others.invite(user)
    const answers = await Promise.all(Array.from({ length: 6 }, () => accept(env, user)))
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1)
    expect(await env.messages({ to: user.email, template: 'ActivateUser' })).toHaveLength(2)
  })
})
