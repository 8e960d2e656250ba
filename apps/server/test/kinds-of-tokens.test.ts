import { describe, expect, test } from 'vitest'
import type { Operation } from '../src/kernel/operation.ts'
import { deps, newEnvironment, operations, unique, UNKNOWN_ID, type Client } from './environment.ts'
import { everythingOf, furnished, idFor, wantAccessTokens } from './furnished.ts'
import { fillPath, filledBody, leavesOf, pathOf, sampleBody } from './samples.ts'
import { claimsOf, codeOf, logIn, mfa, mfaPolicy, PASSWORD, withApp } from './second-factors.ts'
import { signedBy } from './user-token.ts'

const identity = '/identity/resources',
  users = `${identity}/users`,
  closed = operations.filter((op) => op.auth !== 'public').map((op) => [op.id, op] as const)

interface Secret {
  secret: string
  /** the user it speaks for */
  of?: { id: string; tenantId: string }
  /** where it belongs: operations with their fields */
  home?: RegExp
}

/** One of each kind of secret that is handed out for a single purpose. None of them opens an operation. */
const secrets = await (async () => {
  const env = await newEnvironment(),
    user = await env.newUser({ password: PASSWORD }),
    [careful, invited, locked] = [await withApp(env), await env.newUser(), await env.newUser({ password: PASSWORD })],
    newcomer = `${unique('newcomer')}@example.com`,
    manager = env.as(user.tenantId)
  const linkIn = async (to: string) => new URL((await env.messages({ to })).at(-1)!.link!).searchParams.get('token')!
  const codeFor = async (to: string) => (await env.messages({ to })).at(-1)!.code!
  await env.vendor('POST', mfaPolicy, {
    enforceMFAType: 'DontForce',
    allowRememberMyDevice: true,
    mfaDeviceExpiration: 1_209_600,
  })
  await env.anonymous('POST', `${users}/v1/passwords/reset`, { email: user.email })
  const reset = await linkIn(user.email)
  await manager('POST', `${users}/v2`, { email: invited.email })
  const { id: newcomerId } = (await manager('POST', `${users}/v2`, { email: newcomer })).body as { id: string }
  const invite = await env.as(user.tenantId, user.id)('POST', `${identity}/tenants/invites/v1/user`, {
    expiresInMinutes: 60,
    shouldSendEmail: false,
  })
  const { accessToken, refreshToken } = (await logIn(env, user)).body as { accessToken: string; refreshToken: string },
    call = env.withToken(accessToken)
  const { clientId, secret } = (await env.as(user.tenantId, user.id)('POST', `${users}/api-tokens/v1`, {})).body,
    program = { clientId, secret }
  const remembered = await env.anonymous('POST', `${mfa}/authenticator/${careful.deviceId}/verify`, {
    mfaToken: (await logIn(env, careful)).body.mfaToken as string,
    value: await codeOf(env, careful.secret),
    rememberDevice: true,
  })
  const device = remembered.cookies.find(({ name }) => name.startsWith('fe_device_'))!
  const { otcToken } = (await call('POST', `${users}/phone-numbers/v1`, { phoneNumber: '+12025550111' })).body as {
    otcToken: string
  }
  const lostPhone = async () =>
    (await env.anonymous('POST', `${users}/v1/phone/reset`, { email: user.email })).body.resetPhoneNumberToken as string
  const { changePhoneNumberToken } = (
    await env.anonymous('POST', `${users}/v1/phone/reset/verify`, {
      resetPhoneNumberToken: await lostPhone(),
      code: await codeFor(user.email),
    })
  ).body as { changePhoneNumberToken: string }
  const resetPhoneNumberToken = await lostPhone()
  const mfaToken = (await logIn(env, careful)).body.mfaToken as string
  await env.vendor('POST', `${identity}/configurations/v1/lockout-policy`, { enabled: true, maxAttempts: 1 })
  await logIn(env, { email: locked.email, password: 'wrong' })
  const unlock = await linkIn(locked.email)
  // wrong codes lock nobody from here on
  await env.vendor('POST', `${identity}/configurations/v1/lockout-policy`, { enabled: false, maxAttempts: 5 })
  await env.vendor('POST', `${identity}/configurations/v1`, { authStrategy: 'MagicLink' })
  await env.anonymous('POST', `${identity}/auth/v1/passwordless/magiclink/prelogin`, { email: invited.email })
  const magic = await linkIn(invited.email),
    claims = claimsOf(accessToken),
    ctx = await env.context(),
    now = Math.floor(ctx.clock.now().getTime() / 1000)
  const invitation = (await ctx.db.message.findFirst({
    where: { recipient: invited.email, template: 'InviteToTenant' },
  }))!.link!
  await wantAccessTokens(env)
  const ofAccount = await manager('POST', `${identity}/tenants/access-tokens/v1`, {}),
    ofMember = await env.as(user.tenantId, user.id)('POST', `${users}/access-tokens/v1`, {})
  await wantAccessTokens(env, false)
  const signed = (of: object) => ({ secret: signedBy(ctx, { ...claims, ...of }), of: user })
  const kinds: Record<string, Secret> = {
    'a refresh token': {
      secret: refreshToken,
      of: user,
      home: /^(refreshTokenV1|logOutV1|logOutToken) \.refreshToken$/,
    },
    'the client id of an API token': { secret: program.clientId, of: user },
    'the secret of an API token': { secret: program.secret, of: user, home: /^authenticateApiToken\w+ \.secret$/ },
    'a refresh token of an API token': {
      secret: (await env.anonymous('POST', `${identity}/auth/v1/api-token`, program)).body.refreshToken as string,
      of: user,
      home: /^refreshApiToken\w+ \.refreshToken$/,
    },
    'the token of a login that waits for a second factor': { secret: mfaToken, of: careful, home: /mfaToken$/ },
    'the token of a link to set a password': { secret: reset, of: user, home: /PasswordReset\w* \.token$/ },
    'the token of an invitation to a user': {
      secret: new URL(invitation).searchParams.get('token')!,
      of: invited,
      home: /^acceptInvitation\w* \.token$/,
    },
    'the token of an activation': {
      secret: await linkIn(newcomer),
      of: { id: newcomerId, tenantId: user.tenantId },
      home: /^(activateUser|getActivationStrategyOfUser)\w* \W\.?token$/,
    },
    'the token of a link that invites': {
      secret: invite.body.token as string,
      home: /^verifyInviteV1 \.token$|invitationToken$/,
    },
    'the token of a magic link': { secret: magic, of: invited, home: /^logInWithMagicLinkV1 \.token$/ },
    'the token of a link that unlocks': { secret: unlock, of: locked, home: /^unlockMeV3 / },
    'the number of an attempt to prove a phone number': { secret: otcToken, of: user, home: /^verifyPhone\w* \.otc/ },
    'the number of an attempt to replace a phone': {
      secret: resetPhoneNumberToken,
      of: user,
      home: /resetPhoneNumberToken$/,
    },
    'the token of a lost phone': { secret: changePhoneNumberToken, of: user, home: /changePhoneNumberToken$/ },
    'the cookie of a remembered browser': { secret: device.value, of: careful },
    'the id of a session': { secret: String(claims['sid']), of: user },
    'an access token of a user': { secret: accessToken, of: user },
    'an access token that has expired': signed({ iat: now - 7200, exp: now - 3600 }),
    'an access token that expires now': signed({ exp: now }),
    'an environment token that has expired': {
      secret: signedBy(ctx, { type: 'vendor', vendorId: env.id, iat: now - 7200, exp: now - 3600 }),
    },
    'an access token of an account': { secret: ofAccount.body.secret as string },
    'an access token of a member': { secret: ofMember.body.secret as string, of: user },
    'the id of an access token': { secret: ofMember.body.id as string, of: user },
    'a user token without an end': signed({ exp: undefined }),
    'an environment token without an end': {
      secret: signedBy(ctx, { type: 'vendor', vendorId: env.id, iat: now }),
    },
    ...Object.fromEntries(
      ['userApiToken', 'tenantApiToken', 'userAccessToken', 'tenantAccessToken', ''].map(
        (type) => [`a token of the type '${type}'`, signed({ type, userId: user.id, vendorId: env.id })] as const,
      ),
    ),
    'an API key': { secret: env.apiKey, home: /^authenticateEnvironment \.secret$/ },
    'a client id': { secret: env.id, home: /^authenticateEnvironment \.clientId$/ },
  }
  return { env, user, careful, device, kinds }
})()
const { env } = secrets
/** They open what they are for, when they are shown as such. */
const opening = new Set(['an access token of a user'])

describe.concurrent('every secret has one purpose', () => {
  test('and there is one of each kind', () => {
    for (const [kind, { secret }] of Object.entries(secrets.kinds)) expect(secret, kind).toMatch(/^[\w.-]{20,}$/)
  })

  test.for(closed)('%s is opened by none but access tokens', async ([, op]) => {
    const url = fillPath(op, () => UNKNOWN_ID),
      body = sampleBody(op, true)
    // a third of them, as one place refuses them all; each is shown to many operations, in both headers
    const turn = closed.findIndex(([id]) => id === op.id),
      shown = Object.entries(secrets.kinds).filter(([kind], index) => !opening.has(kind) && (index + turn) % 3 === 0)
    for (const [kind, { secret }] of shown) {
      const headers = turn % 2 ? { authorization: `Bearer ${secret}` } : { 'x-access-token': secret }
      expect((await env.client(headers)(op.method, url, body)).status, kind).toBe(401)
    }
  })
})

/** Where bodies and queries hold secrets. */
const places = operations.flatMap((op) =>
  (op.auth === 'vendor' ? [] : leavesOf(op))
    .filter(({ at }) => /token$|\.secret$|\.(sessionId|changePhoneId|clientId)$/i.test(at) && !/recaptcha/.test(at))
    .map(({ at }) => [`${op.id} ${at}`, op, at] as const),
)
/** What is derived from a kind, so that it has the same form and is nothing. */
const nothingLike = (secret: string) =>
  /^[\da-f-]{36}$/.test(secret)
    ? UNKNOWN_ID
    : secret.replace(/[a-z]/gi, (letter) => String.fromCharCode(letter.charCodeAt(0) ^ 1)).replace(/[`@[{]/g, 'x')

const rows = async () =>
  Object.values(await everythingOf(env.id))
    .flat()
    .map((row) => JSON.stringify(row))
const before = await rows()
const untouched = async () => {
  const after = new Set(await rows())
  return before.filter((row) => !after.has(row))
}

describe.concurrent('a secret in the place of another one', () => {
  test('is looked for in many places', () => {
    expect(places.length).toBeGreaterThan(40)
  })

  const clients = new Map<string, Promise<Client>>()
  const clientOf = (user: { id: string; tenantId: string }) => {
    clients.set(user.id, clients.get(user.id) ?? env.asUser(user))
    return clients.get(user.id)!
  }
  test.for(places)('is an unknown one: %s', async ([place, op, at]) => {
    // by whose it is, and by its form
    const known = new Map<string, Promise<unknown>>()
    for (const [kind, { secret, of = secrets.user, home }] of Object.entries(secrets.kinds)) {
      if (home?.test(place)) continue
      const client = op.auth === 'public' ? env.anonymous : await clientOf(of)
      const answer = async (shown: string) => {
        const values = {
          [at]: shown,
          ...(leavesOf(op).some((leaf) => leaf.at === '.userId' && leaf.isRequired) && { '.userId': of.id }),
        }
        const { status, body } = await client(
          op.method,
          pathOf(op, () => UNKNOWN_ID, values),
          filledBody(op, values),
        )
        return { status, body }
      }
      const got = await answer(secret),
        nothing = nothingLike(secret),
        like = `${of.id} ${nothing.length} ${nothing.split('.').length}`
      known.set(like, known.get(like) ?? answer(nothing))
      expect(got, kind).toEqual(await known.get(like))
      expect(got.status, kind).toBeLessThan(500)
    }
    expect(await untouched()).toEqual([])
  })

  test('is no refresh cookie', async () => {
    const name = `fe_refresh_${env.id.replace('-', '')}`
    for (const [kind, { secret, home }] of Object.entries(secrets.kinds)) {
      if (home?.test('refreshTokenV1 .refreshToken')) continue
      const { status } = await env.anonymous(
        'POST',
        `${identity}/auth/v1/user/token/refresh`,
        {},
        {
          cookies: { [name]: secret },
        },
      )
      expect(status, kind).toBe(401)
    }
    expect(await untouched()).toEqual([])
  })
})

/** Another environment, with accounts of the same ids as at home, and somebody in each of them who may do anything there. */
const twins = await (async () => {
  const [home, away] = [await newEnvironment(), await newEnvironment()],
    ids = await furnished(home),
    now = new Date()
  const people = operations.map((op) => ({
    op: op.id,
    tenantId: unique('twin'),
    userId: deps.random.uuid(),
    sessionId: deps.random.uuid(),
  }))
  const at = { createdAt: now, updatedAt: now }
  for (const [env, name] of [
    [home, 'at home'],
    [away, 'away'],
  ] as const)
    await (
      await env.context()
    ).db.tenant.createMany({
      data: people.map(({ tenantId: id }) => ({ id, rowId: deps.random.uuid(), name, ...at })),
    })
  const { db } = await away.context()
  await db.user.createMany({
    data: people.map(({ userId: id }) => ({ id, name: id, email: `${id}@example.com`, verified: true, ...at })),
  })
  await db.membership.createMany({
    data: people.map(({ userId, tenantId }) => ({ userId, tenantId, acceptedAt: now, createdAt: now })),
  })
  await db.session.createMany({
    data: people.map(({ sessionId: id, userId, tenantId }) => ({
      id,
      userId,
      tenantId,
      createdAt: now,
      lastActiveAt: now,
      expiresAt: new Date(+now + 86_400_000),
    })),
  })
  const vendorToken = await away.token({ type: 'vendor', vendorId: away.id })
  return { home, away, ids, people, vendorToken, before: await everythingOf(home.id) }
})()

describe.concurrent('a token of another environment', () => {
  const called = async (op: Operation) => {
    const { home, away, ids, people, vendorToken } = twins,
      { userId: id, tenantId, sessionId } = people.find((one) => one.op === op.id)!,
      userToken = await away.userToken({ id, tenantId, sessionId }, { permissions: ['*'] })
    const callers = [
      ...(op.auth === 'vendor' ? [] : [{ authorization: `Bearer ${userToken}` }]),
      ...(op.auth === 'user'
        ? []
        : [{ authorization: `Bearer ${vendorToken}`, 'frontegg-tenant-id': tenantId, 'frontegg-user-id': id }]),
    ]
    return Promise.all(
      callers.map((headers) =>
        home.client(headers)(
          op.method,
          fillPath(op, (name) => (name === 'tenantId' ? tenantId : idFor(op, name, ids))),
          sampleBody(op, true),
        ),
      ),
    )
  }

  test.for(closed)('%s does nothing at home for it, whatever environment and account it names', async ([, op]) => {
    for (const { status, body } of await called(op)) {
      expect([status, body]).not.toEqual([401, { errors: [expect.stringMatching(/^(Unauthorized|Failed to)/)] }])
      expect(JSON.stringify(body)).not.toMatch(new RegExp(`at home|${twins.home.id}|${twins.home.name}`))
    }
  })
})

test('has changed nothing at home', async () => {
  expect(await everythingOf(twins.home.id)).toEqual(twins.before)
})
