import { createGuardrails, generate } from 'otplib'
import { mayDelegate } from '../src/areas/rights/permissions/permissions.keys.ts'
import { cryptoRandom, fingerprint } from '../src/kernel/random.ts'
import { authenticator } from './authenticator.ts'
import { custom, paths, verified, wayBack, type Person } from './login-providers.ts'
import { deps, unique, type Answer, type Client, type TestEnvironment } from './environment.ts'
import { allow, browserOf, CALLBACK, pkce, queryOf, question } from './oauth-browser.ts'
import { addSource, scriptOf } from './pools.ts'
import { auth, mfa, mfaPolicy, strategies } from './second-factors.ts'

/*
 * Every way to get an access token, each up to its last call. What is not the way itself, such as its user's devices, is put
 * into the database, as there are many ways times many policies.
 */

const identity = '/identity/resources',
  users = '/identity/resources/users',
  settings = '/identity/resources/configurations/v1',
  passwordless = '/identity/resources/auth/v1/passwordless',
  passkeyLogin = '/identity/resources/auth/v1/webauthn'
/** One that is in known breaches, for where a policy asks. */
export const PASSWORD = 'Password123!'

/** The accounts that the ways of one environment share. */
export interface House {
  env: TestEnvironment
  /** where nearly all ways lead */
  there: string
  /** where others come from that lead there */
  elsewhere: string
  /** wants a second factor from the beginning, for the ways that enrol one */
  strict: string
  /** a link that lets anybody in there */
  invitationToken: string
}

export async function house(env: TestEnvironment): Promise<House> {
  const [there, elsewhere, strict] = [await env.newTenant(), await env.newTenant(), await env.newTenant()],
    { db, clock } = await env.context(),
    invitationToken = cryptoRandom.token(),
    now = clock.now()
  await db.tenantInvite.create({
    data: {
      id: cryptoRandom.uuid(),
      tenantId: there,
      personal: false,
      tokenHash: fingerprint(invitationToken),
      token: deps.secrets.seal(invitationToken),
      shouldSendEmail: false,
      createdAt: now,
      expiresAt: new Date(now.getTime() + 86_400_000),
    },
  })
  await env.vendor('POST', '/identity/resources/sso/custom/v1', custom('acme'))
  await env.as(strict)('PUT', mfaPolicy, { enforceMFAType: 'Force' })
  await env.vendor('POST', `${settings}/delegation`, { enabled: true })
  await env.vendor('POST', `${settings}/impersonation`, { enabled: true })
  for (const strategy of ['SMS', 'WebAuthnCrossPlatform'])
    await env.vendor('POST', strategies, { strategy, isActive: true })
  return { env, there, elsewhere, strict, invitationToken }
}

export interface Begun {
  /** absent: nobody yet */
  userId?: string
  email?: string
  /** the call that gives the token, from somewhere */
  finish(from: Client): Promise<Answer>
}
export interface Way {
  /** the operation that gives the token */
  operation: string
  /** what the environment needs for it, before both parts: the ways share one */
  needs?: Needs
  begin(house: House): Promise<Begun>
}
interface Needs {
  authStrategy?: string
  allowNotVerifiedUsersLogin?: boolean
  mailsCodes?: boolean
  activatesByCode?: boolean
}
const USUAL: Required<Needs> = {
  authStrategy: 'EmailAndPassword',
  allowNotVerifiedUsersLogin: false,
  mailsCodes: false,
  activatesByCode: false,
}

/** Sets the environment up for a way after another. @param keep what a policy says, which is not to be changed back */
export async function setUp({ env }: House, from: Needs = {}, to: Needs = {}, keep: object = {}) {
  const [old, next] = [
    { ...USUAL, ...from },
    { ...USUAL, ...to },
  ]
  const { authStrategy, allowNotVerifiedUsersLogin, mailsCodes, activatesByCode } = next
  if (authStrategy !== old.authStrategy || allowNotVerifiedUsersLogin !== old.allowNotVerifiedUsersLogin)
    await env.vendor('POST', settings, { authStrategy, allowNotVerifiedUsersLogin, ...keep })
  if (mailsCodes !== old.mailsCodes)
    await env.vendor('POST', strategies, { strategy: 'EmailCode', isActive: mailsCodes })
  if (activatesByCode !== old.activatesByCode)
    await env.vendor('POST', `${settings}/activation/strategies`, { strategy: activatesByCode ? 'code' : 'link' })
}

const last = async (env: TestEnvironment, to: string) => (await env.messages({ to })).at(-1)!
const rpIdOf = (env: TestEnvironment) => `${env.name}.localhost`
let phones = 0
const newPhone = () => `+1303${String(5_550_000 + ++phones)}`

const member = ({ env }: House, tenantId: string) => env.newUser({ tenantId, password: PASSWORD })
type Member = Awaited<ReturnType<typeof member>>
const subjectOf = ({ id, email }: Member) => ({ userId: id, email })

const SECRET = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'
/** The token of a login that waits for a second factor. */
async function mfaTokenOf({ env }: House, { id: userId, tenantId }: Member) {
  const { db, clock } = await env.context(),
    now = clock.now(),
    mfaToken = cryptoRandom.token(),
    { seal } = deps.secrets
  await db.challenge.create({
    data: {
      id: cryptoRandom.uuid(),
      purpose: 'mfa',
      secretHash: fingerprint(mfaToken),
      maxAttempts: 5,
      userId,
      tenantId,
      data: { secret: seal(SECRET), recoveryCode: seal(cryptoRandom.uuid()) },
      createdAt: now,
      expiresAt: new Date(now.getTime() + 600_000),
    },
  })
  return mfaToken
}

/** A session, as a login makes it. */
async function sessionOf({ env }: House, { id: userId, tenantId }: Member) {
  const { db, clock } = await env.context(),
    now = clock.now(),
    [sessionId, refreshToken] = [cryptoRandom.uuid(), cryptoRandom.token()],
    times = { createdAt: now, expiresAt: new Date(now.getTime() + 86_400_000) }
  await db.session.create({ data: { ...times, id: sessionId, userId, tenantId, lastActiveAt: now } })
  await db.refreshToken.create({ data: { ...times, id: fingerprint(refreshToken), sessionId } })
  return { refreshToken, accessToken: await env.userToken({ id: userId, tenantId, sessionId }) }
}

/** Client credentials of the account, or of a user there. */
async function apiToken({ env, there: tenantId }: House, userId: string | null = null) {
  const { db, clock } = await env.context(),
    [clientId, secret] = [cryptoRandom.uuid(), cryptoRandom.uuid()]
  await db.apiToken.create({
    data: { id: clientId, tenantId, userId, secretHash: fingerprint(secret), createdAt: clock.now() },
  })
  return { clientId, secret }
}
async function refreshOf({ env }: House, { clientId }: { clientId: string }) {
  const { db, clock } = await env.context(),
    refreshToken = cryptoRandom.token(),
    expiresAt = new Date(clock.now().getTime() + 86_400_000)
  await db.apiRefreshToken.create({ data: { id: fingerprint(refreshToken), apiTokenId: clientId, expiresAt } })
  return { refreshToken }
}

/** What a program of the account asks with to act for a user: with their session, or with a token of theirs. */
async function delegation({ env, there: tenantId }: House, subject: string) {
  const { token } = await env.machine({ tenantId, permissions: [mayDelegate] }),
    type = 'urn:ietf:params:oauth:token-type:access_token'
  return {
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: subject,
    subject_token_type: type,
    actor_token: token,
    actor_token_type: type,
  }
}

/** Gives a user a second factor. @returns its id */
async function giveDevice(house: House, userId: string, device: { kind: string } & Record<string, unknown>) {
  const { db, clock } = await house.env.context(),
    id = cryptoRandom.uuid()
  await db.mfaDevice.create({ data: { ...device, id, userId, createdAt: clock.now() } })
  await db.user.update({ where: { id: userId }, data: { mfaEnrolled: true } })
  return id
}

/** The app's code, at the time when it is shown. */
async function codeOf({ env }: House) {
  const epoch = Math.floor((await env.clock.now()).getTime() / 1000)
  return generate({ secret: SECRET, epoch, guardrails: createGuardrails({ MIN_SECRET_BYTES: 10 }) })
}
async function withApp(house: House) {
  const user = await member(house, house.there)
  return {
    user,
    deviceId: await giveDevice(house, user.id, { kind: 'authenticator', secret: deps.secrets.seal(SECRET) }),
  }
}

/** A credential, as both sides keep it. */
function newKey({ env }: House, userId: string) {
  const key = authenticator({ origin: `http://${env.name}.localhost:3100` })
  key.create({ challenge: 'none', rp: { id: rpIdOf(env) }, user: { id: Buffer.from(userId).toString('base64url') } })
  const { id, publicKey } = key.held[0]!
  return { key, row: { credentialId: id, publicKey, counter: 0n, transports: [], rpId: rpIdOf(env) } }
}

/** A user of another account who is a member there, too, and their session. */
async function inTwo(house: House) {
  const user = await member(house, house.elsewhere),
    { db, clock } = await house.env.context(),
    now = clock.now()
  await db.membership.create({
    data: { userId: user.id, tenantId: house.there, acceptedAt: now, createdAt: new Date(now.getTime() + 1) },
  })
  return { user, ...(await sessionOf(house, user)) }
}

const byPasswordless = (method: 'magiclink' | 'code' | 'smscode', operation: string, authStrategy: string): Way => ({
  operation,
  needs: { authStrategy },
  async begin(house) {
    const { env } = house,
      user = await member(house, house.there),
      phoneNumber = newPhone()
    if (method === 'smscode') await env.vendor('POST', `${users}/phone-numbers/v1/vendor/${user.id}`, { phoneNumber })
    const asked = await env.anonymous('POST', `${passwordless}/${method}/prelogin`, { email: user.email })
    const { code, link } = await last(env, method === 'smscode' ? phoneNumber : user.email),
      token = code ?? new URL(link!).searchParams.get('token')!,
      cookies = Object.fromEntries(asked.cookies.map(({ name, value }) => [name, value]))
    return {
      ...subjectOf(user),
      finish: (from) => from('POST', `${passwordless}/${method}/postlogin`, { token }, { cookies }),
    }
  },
})

const activation = (operation: string, path: string, needs: Needs): Way => ({
  operation,
  needs,
  async begin({ env, there }) {
    const email = `${unique('invited')}@example.com`,
      { id } = (await env.as(there)('POST', `${users}/v2`, { email })).body,
      { link, code } = await last(env, email)
    const body = { ...Object.fromEntries(new URL(link!).searchParams), ...(code && { code }), password: PASSWORD }
    return { email, userId: id, finish: (from) => from('POST', `${users}/v1/${path}`, body) }
  },
})

const signUp = (operation: string, path: string, who: () => object, needs: Needs): Way => ({
  operation,
  needs,
  async begin({ invitationToken }) {
    const body = { ...who(), name: 'N', invitationToken }
    return { finish: (from) => from('POST', `${users}/v1/${path}`, body) }
  },
})

/** Up to the code that a provider's answer has given. */
async function byProvider({ env }: House, person: Person, body: object, type = 'acme') {
  const { page, cookies } = await wayBack(env, type, person),
    path = `${paths.end(type)}?code=${page.searchParams.get('code')}`
  return (from: Client) => from('POST', path, body, { cookies })
}

export const ways: Readonly<Record<string, Way>> = {
  'acting for a user': {
    operation: 'grantToken',
    async begin(house) {
      const user = await member(house, house.there),
        body = await delegation(house, (await sessionOf(house, user)).accessToken)
      return { ...subjectOf(user), finish: (from) => from('POST', '/oauth/token', body) }
    },
  },
  "acting for a user by their program's token": {
    operation: 'grantToken',
    async begin(house) {
      const user = await member(house, house.there),
        program = await house.env.machine({ tenantId: house.there, userId: user.id }),
        body = await delegation(house, program.token)
      return { ...subjectOf(user), finish: (from) => from('POST', '/oauth/token', body) }
    },
  },
  'being in the place of a user': {
    operation: 'impersonateV1',
    async begin({ env, there }) {
      const user = await env.newUser({ tenantId: there, password: PASSWORD }),
        support = await env.newUser({ tenantId: there, permissions: ['fe.secure.*'] })
      const actorToken = await env.userToken(support, { permissions: ['fe.secure.*'] }),
        body = { impersonatedUserId: user.id, actorToken }
      return {
        ...subjectOf(user),
        finish: (from) => from('POST', '/identity/resources/impersonation/v1', body),
      }
    },
  },
  'a password': {
    operation: 'logInV1',
    async begin(house) {
      const user = await member(house, house.there)
      return { ...subjectOf(user), finish: (from) => from('POST', auth, { email: user.email, password: PASSWORD }) }
    },
  },
  'a password that a source of users knows': {
    operation: 'logInV1',
    async begin({ env, there }) {
      const user = await env.newUser({ tenantId: there }),
        { email } = user,
        codePayload = scriptOf([{ id: email, email, password: PASSWORD }])
      const userSourceId = await addSource(env, 'custom-code', { codePayload }),
        { db, clock } = await env.context()
      await db.userSourceUser.create({
        data: { userId: user.id, userSourceId, subject: email, createdAt: clock.now() },
      })
      return { ...subjectOf(user), finish: (from) => from('POST', auth, { email, password: PASSWORD }) }
    },
  },
  'a password and an invitation': {
    operation: 'logInV1',
    async begin(house) {
      const user = await member(house, house.elsewhere),
        { invitationToken } = house
      const credentials = { email: user.email, password: PASSWORD, invitationToken }
      return { ...subjectOf(user), finish: (from) => from('POST', auth, credentials) }
    },
  },
  'an app': {
    operation: 'verifyMfaAtLoginV1',
    async begin(house) {
      const { user } = await withApp(house),
        mfaToken = await mfaTokenOf(house, user)
      return {
        ...subjectOf(user),
        finish: async (from) => from('POST', `${mfa}/verify`, { mfaToken, value: await codeOf(house) }),
      }
    },
  },
  'a named app': {
    operation: 'verifyAuthenticatorAtLoginV1',
    async begin(house) {
      const { user, deviceId } = await withApp(house),
        mfaToken = await mfaTokenOf(house, user),
        path = `${mfa}/authenticator/${deviceId}/verify`
      return {
        ...subjectOf(user),
        finish: async (from) => from('POST', path, { mfaToken, value: await codeOf(house) }),
      }
    },
  },
  'an app that is enrolled': {
    operation: 'enrolAuthenticatorAtLoginV1',
    async begin(house) {
      const user = await member(house, house.strict),
        mfaToken = await mfaTokenOf(house, user)
      return {
        ...subjectOf(user),
        finish: async (from) =>
          from('POST', `${mfa}/authenticator/enroll/verify`, { mfaToken, token: await codeOf(house) }),
      }
    },
  },
  'a mailed code as second factor': {
    operation: 'verifyMfaByEmailV1',
    needs: { mailsCodes: true },
    async begin(house) {
      const { env } = house,
        user = await member(house, house.strict),
        mfaToken = await mfaTokenOf(house, user)
      const { otcToken } = (await env.anonymous('POST', `${mfa}/emailcode`, { mfaToken })).body,
        body = { mfaToken, otcToken, code: (await last(env, user.email)).code }
      return { ...subjectOf(user), finish: (from) => from('POST', `${mfa}/emailcode/verify`, body) }
    },
  },
  'a text message as second factor': {
    operation: 'verifyMfaBySmsV1',
    async begin(house) {
      const { env } = house,
        user = await member(house, house.there),
        phoneNumber = newPhone(),
        deviceId = await giveDevice(house, user.id, { kind: 'sms', phoneNumber }),
        mfaToken = await mfaTokenOf(house, user)
      const { otcToken } = (await env.anonymous('POST', `${mfa}/sms/${deviceId}`, { mfaToken })).body,
        body = { mfaToken, otcToken, code: (await last(env, phoneNumber)).code }
      return { ...subjectOf(user), finish: (from) => from('POST', `${mfa}/sms/${deviceId}/verify`, body) }
    },
  },
  'a phone that is enrolled': {
    operation: 'enrolSmsAtLoginV1',
    async begin(house) {
      const { env } = house,
        user = await member(house, house.strict),
        phoneNumber = newPhone(),
        mfaToken = await mfaTokenOf(house, user)
      const { otcToken } = (await env.anonymous('POST', `${mfa}/sms/enroll`, { mfaToken, phoneNumber })).body,
        body = { mfaToken, otcToken, code: (await last(env, phoneNumber)).code }
      return { ...subjectOf(user), finish: (from) => from('POST', `${mfa}/sms/enroll/verify`, body) }
    },
  },
  'a security key': {
    operation: 'verifyMfaByWebauthnV1',
    async begin(house) {
      const user = await member(house, house.there),
        { key, row } = newKey(house, user.id),
        deviceId = await giveDevice(house, user.id, { ...row, kind: 'webauthn', deviceType: 'CrossPlatform' }),
        mfaToken = await mfaTokenOf(house, user)
      const started = await house.env.anonymous('POST', `${mfa}/webauthn/${deviceId}`, { mfaToken }),
        { webauthnToken, options } = started.body
      const body = { mfaToken, webauthnToken, options: key.get(options) }
      return { ...subjectOf(user), finish: (from) => from('POST', `${mfa}/webauthn/${deviceId}/verify`, body) }
    },
  },
  'a security key that is enrolled': {
    operation: 'enrolWebauthnAtLoginV1',
    async begin(house) {
      const { env } = house,
        user = await member(house, house.strict),
        mfaToken = await mfaTokenOf(house, user),
        deviceType = 'CrossPlatform'
      const { webauthnToken, options } = (
        await env.anonymous('POST', `${mfa}/webauthn/enroll`, { mfaToken, deviceType })
      ).body
      const key = authenticator({ origin: `http://${env.name}.localhost:3100` }),
        body = { mfaToken, deviceType, webauthnToken, options: key.create(options) }
      return { ...subjectOf(user), finish: (from) => from('POST', `${mfa}/webauthn/enroll/verify`, body) }
    },
  },
  'a step-up': {
    operation: 'verifyMfaAtLoginV1',
    async begin(house) {
      const user = await member(house, house.there),
        { accessToken } = await sessionOf(house, user)
      await giveDevice(house, user.id, { kind: 'authenticator', secret: deps.secrets.seal(SECRET) })
      const { mfaToken } = (await house.env.withToken(accessToken)('POST', `${auth}/step-up/generate`)).body
      return {
        ...subjectOf(user),
        finish: async (from) => from('POST', `${mfa}/verify`, { mfaToken, value: await codeOf(house) }),
      }
    },
  },
  'a magic link': byPasswordless('magiclink', 'logInWithMagicLinkV1', 'MagicLink'),
  'a mailed code': byPasswordless('code', 'logInWithCodeV1', 'Code'),
  'a text message': byPasswordless('smscode', 'logInWithSmsV1', 'SmsCode'),
  'a passkey': {
    operation: 'logInWithPasskeyV1',
    async begin(house) {
      const { env } = house,
        user = await member(house, house.there),
        { key, row } = newKey(house, user.id),
        { db, clock } = await env.context()
      await db.passkey.create({
        data: { ...row, id: cryptoRandom.uuid(), userId: user.id, deviceType: 'Platform', createdAt: clock.now() },
      })
      const signed = key.get(
        (await env.anonymous('POST', `${passkeyLogin}/prelogin`, { email: user.email })).body.options,
      )
      return { ...subjectOf(user), finish: (from) => from('POST', `${passkeyLogin}/postlogin`, signed) }
    },
  },
  'a login with a provider': {
    operation: 'logInBySocialV1',
    async begin(house) {
      const user = await member(house, house.there)
      return { ...subjectOf(user), finish: await byProvider(house, verified(user.email), {}) }
    },
  },
  'a login at the page of a federated server': {
    operation: 'logInBySocialV1',
    async begin(house) {
      const { env, there } = house,
        user = await member(house, there),
        { authorizationUrl, tokenUrl, userInfoUrl, secret } = custom('any'),
        oauth2Config = { authorizationUrl, tokenUrl, userInfoUrl },
        userSourceId = await addSource(env, 'federation', { wellknownUrl: undefined, oauth2Config, secret }),
        { db, clock } = await env.context(),
        person = verified(user.email)
      await db.userSourceUser.create({
        data: { userId: user.id, userSourceId, subject: String(person['sub']), createdAt: clock.now() },
      })
      return { ...subjectOf(user), finish: await byProvider(house, person, {}, userSourceId) }
    },
  },
  'signing up with a provider': {
    operation: 'logInBySocialV1',
    begin: async (house) => ({
      finish: await byProvider(house, verified(`${unique('new')}@example.com`), {
        invitationToken: house.invitationToken,
      }),
    }),
  },
  'signing up by an invitation': signUp(
    'signUpV1',
    'signUp',
    () => ({ email: `${unique('new')}@example.com`, password: PASSWORD }),
    { allowNotVerifiedUsersLogin: true },
  ),
  'signing up with a username': signUp(
    'signUpWithUsernameV1',
    'signUp/username',
    () => ({ username: unique('new'), password: PASSWORD }),
    { authStrategy: 'UsernameAndPassword' },
  ),
  // it never gives a token: there is no password, and the number is still to be proved
  'signing up with a number': signUp(
    'signUpWithPhoneNumberV1',
    'signUp/phoneNumber',
    () => ({ phoneNumber: newPhone() }),
    { authStrategy: 'SmsCode' },
  ),
  activation: activation('activateUserV1', 'activate', {}),
  'activation with a code': activation('activateUserWithCodeV1', 'activate/code', { activatesByCode: true }),
  'a refresh': {
    operation: 'refreshTokenV1',
    async begin(house) {
      const user = await member(house, house.there),
        { refreshToken } = await sessionOf(house, user)
      return { ...subjectOf(user), finish: (from) => from('POST', `${auth}/token/refresh`, { refreshToken }) }
    },
  },
  'a refresh for a client': {
    operation: 'grantToken',
    async begin(house) {
      const user = await member(house, house.there),
        { refreshToken } = await sessionOf(house, user),
        body = { grant_type: 'refresh_token', refresh_token: refreshToken }
      return { ...subjectOf(user), finish: (from) => from('POST', '/oauth/token', body) }
    },
  },
  'a code for a client': {
    operation: 'grantToken',
    async begin(house) {
      const user = await member(house, house.there),
        { accessToken } = await sessionOf(house, user),
        { verifier, challenge } = pkce(),
        browser = browserOf(house.env)
      await allow(house.env)
      const asked = await browser.ask(question(house.env, challenge)),
        { code } = queryOf(await browser.comeBack(asked, accessToken)),
        body = { grant_type: 'authorization_code', code, redirect_uri: CALLBACK, code_verifier: verifier }
      return { ...subjectOf(user), finish: (from) => from('POST', '/oauth/token', body) }
    },
  },
  'a silent login': {
    operation: 'authorizeSilently',
    async begin(house) {
      const user = await member(house, house.there),
        { refreshToken } = await sessionOf(house, user),
        cookies = { [`fe_refresh_${house.env.id.replace('-', '')}`]: refreshToken }
      return { ...subjectOf(user), finish: (from) => from('POST', '/oauth/authorize/silent', {}, { cookies }) }
    },
  },
  'a refresh into another account': {
    operation: 'refreshTokenV1',
    async begin(house) {
      const { user, refreshToken } = await inTwo(house)
      const body = { refreshToken, tenantId: house.there }
      return { ...subjectOf(user), finish: (from) => from('POST', `${auth}/token/refresh`, body) }
    },
  },
  'a personal API token': {
    operation: 'authenticateApiTokenV2',
    async begin(house) {
      const user = await member(house, house.there),
        credentials = await apiToken(house, user.id)
      return { ...subjectOf(user), finish: (from) => from('POST', `${identity}/auth/v2/api-token`, credentials) }
    },
  },
  'a refresh of a personal API token': {
    operation: 'refreshApiTokenV2',
    async begin(house) {
      const user = await member(house, house.there),
        body = await refreshOf(house, await apiToken(house, user.id))
      return { ...subjectOf(user), finish: (from) => from('POST', `${identity}/auth/v2/api-token/token/refresh`, body) }
    },
  },
  'a personal API token of an OAuth client': {
    operation: 'grantToken',
    async begin(house) {
      const user = await member(house, house.there),
        { clientId: client_id, secret: client_secret } = await apiToken(house, user.id),
        body = { grant_type: 'client_credentials', client_id, client_secret }
      return { ...subjectOf(user), finish: (from) => from('POST', '/oauth/token', body) }
    },
  },
  "an account's API token": {
    operation: 'authenticateApiTokenV1',
    async begin(house) {
      const credentials = await apiToken(house)
      return { finish: (from) => from('POST', `${identity}/auth/v1/api-token`, credentials) }
    },
  },
  "a refresh of an account's API token": {
    operation: 'refreshApiTokenV1',
    async begin(house) {
      const body = await refreshOf(house, await apiToken(house))
      return { finish: (from) => from('POST', `${identity}/auth/v1/api-token/token/refresh`, body) }
    },
  },
  'a token for another account': {
    operation: 'createTokenForTenantV3',
    async begin(house) {
      const { user, accessToken } = await inTwo(house)
      const headers = { authorization: `Bearer ${accessToken}` }
      return {
        ...subjectOf(user),
        finish: (from) => from('POST', `${users}/v3/me/token`, { tenantId: house.there }, { headers }),
      }
    },
  },
}
