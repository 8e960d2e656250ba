import { createHmac, createPublicKey, generateKeyPairSync, sign } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { newEnvironment, operations, UNKNOWN_ID, type TestEnvironment } from '../environment.ts'
import { fillPath, sampleBody } from '../samples.ts'
import { claimsOf, codeOf, logIn, mfa, PASSWORD, withApp } from '../second-factors.ts'
import { signedBy, unsigned } from '../user-token.ts'
import { webService } from '../web-service.ts'

/*
 * Every claim of every token that the server signs, dropped or changed in turn. Signed with the environment's own key, a
 * token is refused without what decides who its holder is. Without a new signature, no change at all gets through.
 */
const identity = '/identity/resources',
  passwordPolicy = `${identity}/users/v1/passwords/config`
type Claims = Record<string, unknown>

/** With another key than `env`, as the tests hand out a few keys again and again. */
async function stranger(env: TestEnvironment): Promise<TestEnvironment> {
  const other = await newEnvironment(),
    [own, theirs] = [(await env.context()).environment.keys[0]!, (await other.context()).environment.keys[0]!]
  return own.publicKey === theirs.publicKey ? stranger(env) : other
}

/** Real tokens, as the server hands them out, with every claim that there is. */
const { env, other, tokens, user, colleague } = await (async () => {
  const env = await newEnvironment(),
    [other, user] = [await stranger(env), await withApp(env)],
    colleague = await env.newUser({ tenantId: user.tenantId, password: PASSWORD })
  await env.vendor('PUT', `${identity}/users/v1/${user.id}/superuser`, { superUser: true })
  await env.as(user.tenantId)('POST', `${identity}/configurations/v1/password`, { minLength: 23 })
  const { mfaToken } = (await logIn(env, user)).body as { mfaToken: string }
  const entered = await env.anonymous('POST', `${mfa}/authenticator/${user.deviceId}/verify`, {
    mfaToken,
    value: await codeOf(env, user.secret),
  })
  const application = await env.vendor('POST', '/applications/resources/applications/v1', {
    name: 'App',
    appURL: 'https://a.example',
    loginURL: 'https://a.example/login',
    accessType: 'FREE_ACCESS',
  })
  const inApplication = await env.anonymous(
    'POST',
    `${identity}/auth/v1/user`,
    { email: colleague.email, password: PASSWORD },
    { headers: { 'frontegg-requested-application-id': application.body.id as string } },
  )
  const environment = await env.bare('POST', '/auth/vendor', { clientId: env.id, secret: env.apiKey }),
    { tenantId } = user,
    program = await env.machine({ tenantId, userId: user.id }),
    account = await env.machine({ tenantId, permissions: ['fe.secure.*'] })
  await env.vendor('POST', `${identity}/configurations/v1/delegation`, { enabled: true })
  const delegated = await env.anonymous('POST', '/oauth/token', {
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: entered.body.accessToken as string,
    subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    actor_token: account.token,
    actor_token_type: 'urn:ietf:params:oauth:token-type:access_token',
  })
  return {
    env,
    other,
    user,
    colleague,
    tokens: {
      user: entered.body.accessToken as string,
      application: inApplication.body.accessToken as string,
      environment: environment.body.token as string,
      program: program.token,
      account: account.token,
      delegated: delegated.body.access_token as string,
    },
  }
})()
const ctx = await env.context(),
  now = Math.floor(ctx.clock.now().getTime() / 1000)
const theirSession = String(claimsOf(await env.userToken(colleague))['sid'])
const elsewhere = await env.newTenant()

type Kind = keyof typeof tokens
const kinds = Object.keys(tokens) as Kind[]
const ends = [now, now - 1, 0, -1, String(now + 600), `${now + 600}`, [now + 600], {}, true, null]
const otherTypes = ['', 'UserToken', 'userApiToken', 'tenantApiToken', 'userAccessToken', 'tenantAccessToken', 7, null]

const issuers = ['', `https://${other.name}.localhost:3100`, 'http://localhost:3100', 7, null],
  audiences = ['', other.id, UNKNOWN_ID, '*', 7, null, [env.id]],
  places = ['', 'x', UNKNOWN_ID, '*', 'a\0b', 7, null, [user.tenantId], elsewhere],
  times = ['', String(now), null, 1e300, [now]]
const subjects = [colleague.id, UNKNOWN_ID, 'x', '', 7, null]
const ties = claimsOf(tokens.delegated)['bound_to'] as object[]
/** What decides something, with values that are refused. Without it a token is refused as well. */
const decisive: Record<Kind, Record<string, readonly unknown[]>> = {
  user: {
    type: [...otherTypes, 'vendor', ['userToken']],
    sub: [colleague.id, UNKNOWN_ID, 'x', '', 7, null, [user.id]],
    iss: ['', `https://${other.name}.localhost:3100`, 'http://localhost:3100', 7, null].concat(
      `${String(claimsOf(tokens.user)['iss'])}/`,
    ),
    aud: ['', other.id, UNKNOWN_ID, String(claimsOf(tokens.application)['aud']), '*', 7, null, [env.id]],
    exp: ends,
    iat: ['', String(now), null, 1e300, [now]],
    tenantId: ['', 'x', UNKNOWN_ID, '*', 'a\0b', 7, null, [user.tenantId]],
    sid: ['', 'x', UNKNOWN_ID, theirSession, user.id, 7, null, [String(claimsOf(tokens.user)['sid'])]],
  },
  // of a plain member: superusers are let into every tenant. The environment, which a JWT template can name, is an audience, too
  application: { aud: ['', other.id, UNKNOWN_ID, null], tenantId: [elsewhere, other.id] },
  environment: {
    type: [...otherTypes, 'userToken', 'Vendor', ['vendor']],
    vendorId: ['', other.id, UNKNOWN_ID, '*', 7, null, [env.id]],
    exp: ends,
  },
  program: {
    type: [
      '',
      'UserApiToken',
      'tenantApiToken',
      'userAccessToken',
      'tenantAccessToken',
      'userToken',
      'vendor',
      7,
      null,
    ],
    sub: [...subjects, user.id],
    iss: issuers,
    aud: audiences,
    exp: ends,
    iat: times,
    tenantId: places,
    userId: [...subjects, [user.id]],
  },
  account: {
    type: [
      '',
      'TenantApiToken',
      'userApiToken',
      'userAccessToken',
      'tenantAccessToken',
      'userToken',
      'vendor',
      7,
      null,
    ],
    sub: [...subjects, user.id],
    iss: issuers,
    aud: audiences,
    exp: ends,
    iat: times,
    tenantId: places,
  },
  delegated: {
    type: [...otherTypes, 'vendor', ['userToken']],
    sub: subjects,
    iss: issuers,
    aud: audiences,
    exp: ends,
    tenantId: places,
    act: ['', 'x', 7, null, {}, { sub: 7 }, []],
    bound_to: ['', 'x', 7, null, {}, [], ties.slice(1), ties.slice(0, 1), ties.toReversed(), [...ties, null]],
  },
}
/** These decide nothing here, as the server reads from its database what they tell others; permissions it reads if they are missing. */
const telling = {
  user: [
    ...['name', 'email', 'email_verified', 'metadata', 'tenantIds', 'profilePictureUrl', 'externalId', 'phoneNumber'],
    ...['roles', 'permissions', 'superUser', 'amr', 'acr', 'auth_time'],
  ],
  application: ['applicationId'],
  environment: ['iat', 'scopes'],
  program: ['email', 'userMetadata', 'roles', 'permissions', 'metadata', 'createdByUserId'],
  account: ['roles', 'permissions', 'metadata', 'createdByUserId'],
  delegated: [
    ...['name', 'email', 'email_verified', 'metadata', 'tenantIds', 'profilePictureUrl', 'externalId', 'phoneNumber'],
    ...['roles', 'permissions', 'superUser', 'iat'],
  ],
} satisfies Record<Kind, readonly string[]>

const without = (claims: Claims, name: string) => Object.fromEntries(Object.entries(claims).filter(([n]) => n !== name))
const holders: Record<Kind, Record<string, string>> = {
  user: {},
  application: {},
  environment: { 'frontegg-tenant-id': user.tenantId, 'frontegg-user-id': user.id },
  program: {},
  account: {},
  delegated: {},
}
/** A management route for environments, one for people who have logged in, or else one for all. */
const closedTo: Record<Kind, string> = {
  user: `${identity}/users/sessions/v1/me/current`,
  application: `${identity}/users/sessions/v1/me/current`,
  environment: '/tenants/resources/tenants/v1',
  program: `${identity}/users/v2/me`,
  account: `${identity}/users/v2`,
  delegated: `${identity}/users/v2/me`,
}
/** A call for each way in which operations take a token, and the status that a good one gets. */
async function open(kind: Kind, token: string) {
  const call = env.client({ authorization: `Bearer ${token}`, ...holders[kind] }),
    both = await call('GET', `${identity}/configurations/v1`)
  const closed = await call('GET', closedTo[kind]),
    // an account is no user, and asks for its own
    policy = await call('GET', kind === 'account' ? `${identity}/configurations/v1/password` : passwordPolicy)
  return { both: both.status, closed: closed.status, minLength: policy.body.minLength as number }
}
const REFUSED = { both: 401, closed: 401, minLength: 6 }
const OPENED = { both: 200, closed: 200, minLength: 23 }

describe.concurrent('the claims of a token', () => {
  test('are all known here, and so is every place that signs one', () => {
    for (const kind of kinds) {
      const known = [...Object.keys(decisive[kind]), ...telling[kind]]
      const here = kind === 'application' ? [...Object.keys(decisive.user), ...telling.user, ...known] : known
      const strange = Object.keys(claimsOf(tokens[kind])).filter((name) => !here.includes(name))
      expect(strange, kind).toEqual([])
      expect(
        known.filter((name) => !(name in claimsOf(tokens[kind]))),
        kind,
      ).toEqual([])
    }
    const root = new URL('../../src/', import.meta.url),
      files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => /(?<!\.test)\.ts$/.test(name))
    const signing = files.filter((name) => /\bsignToken\(/.test(readFileSync(new URL(name, root), 'utf8')))
    expect(signing.toSorted()).toEqual([
      'areas/access/tokens/access-tokens.service.ts',
      'areas/machines/access-tokens/access-tokens.service.ts', // looked up on each call: living.test.ts
      'areas/machines/api-tokens/exchange.service.ts',
      'kernel/tokens.ts',
    ])
  })

  test.for(kinds)('open everything while they are untouched: %s', async (kind) => {
    expect(await open(kind, tokens[kind])).toEqual(OPENED)
    expect(await open(kind, signedBy(ctx, claimsOf(tokens[kind])))).toEqual(OPENED)
  })

  const cases = kinds.flatMap((kind) => Object.keys(decisive[kind]).map((name) => [kind, name] as const))
  test.for(cases)('of a token of the %s: %s is needed, and must be right', async ([kind, name]) => {
    const claims = claimsOf(tokens[kind])
    expect(await open(kind, signedBy(ctx, without(claims, name)))).toEqual(REFUSED)
    for (const value of decisive[kind][name]!)
      expect(await open(kind, signedBy(ctx, { ...claims, [name]: value })), JSON.stringify(value)).toEqual(REFUSED)
  })

  const told = kinds.flatMap((kind) => telling[kind].map((name) => [kind, name] as const))
  test.for(told)('of a token of the %s: %s only tells others', async ([kind, name]) => {
    expect(await open(kind, signedBy(ctx, without(claimsOf(tokens[kind]), name)))).toEqual(OPENED)
  })

  test.for(kinds)('cannot be changed without a new signature: %s', async (kind) => {
    const claims = claimsOf(tokens[kind]),
      [head, , signature] = tokens[kind].split('.') as [string, string, string]
    const changes: Claims[] = Object.entries(claims).flatMap(([name, value]) => [
      without(claims, name),
      { ...claims, [name]: typeof value === 'number' ? value + 3600 : typeof value === 'string' ? `${value}a` : [] },
    ])
    for (const change of [
      ...changes,
      { ...claims, superUser: 1 },
      { ...claims, type: 'vendor', vendorId: env.id },
      {},
    ]) {
      if (JSON.stringify(change) === JSON.stringify(claims)) continue
      const body = Buffer.from(JSON.stringify(change)).toString('base64url')
      expect(await open(kind, `${head}.${body}.${signature}`), JSON.stringify(change)).toEqual(REFUSED)
    }
  })
})

describe.concurrent('the header and the signature of a token', () => {
  const key = ctx.environment.keys[0]!
  const attacker = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const byAttacker = (header: object, claims: Claims) => {
    const text = unsigned({ alg: 'RS256', typ: 'JWT', kid: key.id, ...header }, claims)
    return `${text}.${sign('sha256', Buffer.from(text), attacker.privateKey).toString('base64url')}`
  }

  test.for(kinds)('cannot be left out, cut or exchanged: %s', async (kind) => {
    const [head, body, signature] = tokens[kind].split('.') as [string, string, string],
      foreign = tokens[kinds.find((one) => one !== kind)!].split('.')[2]!
    for (const end of ['', '.', `.${signature.slice(0, -4)}`, `.${signature}AAAA`, `.${foreign}`, '.AAAA'])
      expect(await open(kind, `${head}.${body}${end}`), end).toEqual(REFUSED)
  })

  test.for(kinds)('name no other algorithm: %s', async (kind) => {
    const claims = claimsOf(tokens[kind])
    for (const alg of ['none', 'None', 'NONE', 'nOnE', '', null]) {
      const text = unsigned({ alg, typ: 'JWT', kid: key.id }, claims)
      for (const end of ['', '.', `.${tokens[kind].split('.')[2]}`])
        expect(await open(kind, `${text}${end}`), String(alg)).toEqual(REFUSED)
    }
    // signed with what everybody can read: the public key, in each of its spellings
    const pem = key.publicKey,
      spellings = [pem, pem.trim(), `${pem.trim()}\n`, createPublicKey(pem).export({ type: 'spki', format: 'der' })]
    for (const secret of spellings) {
      const text = unsigned({ alg: 'HS256', typ: 'JWT', kid: key.id }, claims)
      expect(await open(kind, `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`)).toEqual(
        REFUSED,
      )
    }
    for (const alg of ['RS384', 'RS512', 'PS256', 'ES256', 'HS512', 'rs256', ['RS256']])
      expect(await open(kind, signedBy(ctx, claims, { alg })), String(alg)).toEqual(REFUSED)
  })

  test.for(kinds)("name no other environment's key: %s", async (kind) => {
    const theirs = await other.context(),
      claims = claimsOf(tokens[kind]),
      kid = theirs.environment.keys[0]!.id
    // the key that is named is not the one that signed; or it is, and speaks for another environment
    expect(await open(kind, signedBy(ctx, claims, { kid }))).toEqual(REFUSED)
    expect(await open(kind, signedBy(theirs, claims, { kid: key.id }))).toEqual(REFUSED)
    expect(await open(kind, signedBy(theirs, claims))).toEqual(REFUSED)
  })

  test.for(kinds)('bring no key along, and no address of one: %s', async (kind) => {
    const jwk = { ...attacker.publicKey.export({ format: 'jwk' }), kid: key.id, alg: 'RS256', use: 'sig' },
      service = await webService(() => ({ body: { keys: [jwk] } })),
      claims = claimsOf(tokens[kind]),
      url = `${service.url}/jwks.json`
    const headers = [{}, { jwk }, { jku: url }, { x5u: url }, { x5c: [jwk.n] }, { jku: url, kid: jwk.kid, jwk }]
    for (const header of headers) expect(await open(kind, byAttacker(header, claims))).toEqual(REFUSED)
    expect(service.asked).toEqual([])
    service.close()
  })
})

/** Signed with the right key, and without one of the claims that decide. */
const incomplete = {
  user: Object.keys(decisive.user).map((name) => signedBy(ctx, without(claimsOf(tokens.user), name))),
  vendor: Object.keys(decisive.environment).map((name) => signedBy(ctx, without(claimsOf(tokens.environment), name))),
  others: (['program', 'account', 'delegated'] as const).flatMap((kind) =>
    Object.keys(decisive[kind]).map((name) => signedBy(ctx, without(claimsOf(tokens[kind]), name))),
  ),
}
const closed = operations.filter((op) => op.auth !== 'public').map((op) => [op.id, op] as const)

describe.concurrent('a token without one of the claims that decide', () => {
  test.for(closed)('%s is closed to it', async ([, op]) => {
    const url = fillPath(op, () => UNKNOWN_ID),
      body = sampleBody(op, true)
    // a third of those of programs, as one place refuses them all
    const turn = closed.findIndex(([id]) => id === op.id),
      others = incomplete.others.filter((_, index) => (index + turn) % 3 === 0)
    const shown = [
      ...(op.auth === 'vendor' ? [] : [...incomplete.user, ...others]),
      ...(op.auth === 'user' ? [] : incomplete.vendor),
    ]
    for (const token of shown)
      expect(
        (await env.client({ authorization: `Bearer ${token}`, ...holders.environment })(op.method, url, body)).status,
        JSON.stringify(claimsOf(token)),
      ).toBe(401)
  })
})
