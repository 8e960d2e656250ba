import { sign } from 'node:crypto'
import { refusal } from '@henhouse/outbound'
import { epoch } from '../../../../kernel/clock.ts'
import type { Ctx, HttpCtx } from '../../../../kernel/operation.ts'
import type { Configurations } from '../user-pools.schemas.ts'
import { call, failed, type Answer } from './call.ts'
import { profileOf, type Credentials } from './profile.ts'

const source = 'Firebase',
  IDENTITY_TOOLKIT = 'https://identitytoolkit.googleapis.com',
  GOOGLE_TOKENS = 'https://oauth2.googleapis.com/token',
  SCOPE = 'https://www.googleapis.com/auth/identitytoolkit'

/** Errors of `accounts:signInWithPassword` for a wrong password and for users who cannot log in with it. */
const NO = [
  'INVALID_LOGIN_CREDENTIALS',
  'EMAIL_NOT_FOUND',
  'INVALID_PASSWORD',
  'INVALID_EMAIL',
  'USER_DISABLED',
  'TOO_MANY_ATTEMPTS_TRY_LATER',
]

/** Google's Identity Toolkit: `accounts:signInWithPassword`, and `accounts:lookup` for the rest of the profile. */
export async function askFirebase(
  ctx: HttpCtx,
  { apiKey, serviceAccount }: Configurations['firebase'],
  { name, isEmail, password }: Credentials,
) {
  // it knows users by their addresses only
  if (!isEmail) return null
  const base = ctx.deps.userPoolEndpoints?.firebase ?? IDENTITY_TOOLKIT,
    secrets = [apiKey, serviceAccount.private_key, password]
  const post = (method: string, json: object) =>
    call(ctx, {
      source,
      isConfigured: true,
      url: `${base}/v1/accounts:${method}`,
      // in the address it would be in logs on the way
      headers: { 'x-goog-api-key': apiKey },
      json,
      secrets,
    })
  const answer = await post('signInWithPassword', { email: name, password, returnSecureToken: true })
  if (NO.includes(wordIn(answer))) return null
  if (answer.status !== 200) throw failed(source, { ...answer, json: { error: wordIn(answer) } }, secrets)
  const { idToken } = answer.json
  // a second factor is wanted, which nobody here can ask for
  if (typeof idToken !== 'string') return null
  const found = await post('lookup', { idToken })
  const [user] = Array.isArray(found.json['users']) ? (found.json['users'] as Record<string, unknown>[]) : []
  if (found.status !== 200 || typeof user !== 'object' || user === null)
    throw failed(source, { ...found, json: { error: wordIn(found) } }, [...secrets, idToken])
  return known(user)
}

/** The user with an address, if the project has one: `projects.accounts:lookup`, as its service account. */
export async function findInFirebase(ctx: Ctx, { serviceAccount }: Configurations['firebase'], email: string) {
  const { firebase = IDENTITY_TOOLKIT, google = GOOGLE_TOKENS } = ctx.deps.userPoolEndpoints ?? {},
    secrets = [serviceAccount.private_key],
    shared = { source, isConfigured: true }
  const granted = await call(ctx, {
    ...shared,
    url: google,
    form: { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion: assertionOf(ctx, serviceAccount) },
    secrets,
  })
  const { access_token: token } = granted.json
  if (granted.status !== 200 || typeof token !== 'string') throw failed(source, granted, secrets)
  const found = await call(ctx, {
    ...shared,
    url: `${firebase}/v1/projects/${encodeURIComponent(serviceAccount.project_id)}/accounts:lookup`,
    headers: { authorization: `Bearer ${token}` },
    json: { email: [email] },
    secrets: [token],
  })
  if (found.status !== 200) throw failed(source, { ...found, json: { error: wordIn(found) } }, [token])
  const [user] = Array.isArray(found.json['users']) ? (found.json['users'] as Record<string, unknown>[]) : []
  return user && typeof user === 'object' ? known(user) : null
}

/** "Using OAuth 2.0 for Server to Server Applications" of Google; RFC 7523. @throws Refused for a key that is none */
function assertionOf(ctx: Ctx, { client_email, private_key }: Configurations['firebase']['serviceAccount']) {
  const iat = epoch(ctx.deps.systemClock.now()),
    part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const claims = { iss: client_email, scope: SCOPE, aud: GOOGLE_TOKENS, iat, exp: iat + 300 },
    text = `${part({ alg: 'RS256', typ: 'JWT' })}.${part(claims)}`
  try {
    return `${text}.${sign('sha256', Buffer.from(text), private_key.replaceAll('\\n', '\n')).toString('base64url')}`
  } catch {
    throw refusal(source, { retryable: false, reason: 'the private key cannot be read' }, { secrets: [private_key] })
  }
}

const known = (user: Record<string, unknown>) =>
  user['disabled'] === true
    ? null
    : profileOf({
        subject: user['localId'],
        email: user['email'],
        verified: user['emailVerified'],
        name: user['displayName'],
        profilePictureUrl: user['photoUrl'],
      })

/** `{"error": {"message": "TOO_MANY_ATTEMPTS_TRY_LATER : Access was …"}}` */
function wordIn({ json: { error } }: Answer) {
  const message: unknown = typeof error === 'object' && error !== null ? (error as { message?: unknown }).message : ''
  return typeof message === 'string' ? message.split(' : ')[0]! : ''
}
