import type { Ctx, HttpCtx } from '../../../../kernel/operation.ts'
import { tokenFor } from '../../../onboarding/imports/auth0.client.ts'
import type { Configurations } from '../user-pools.schemas.ts'
import { call, failed } from './call.ts'
import { profileOf, type Credentials } from './profile.ts'

const source = 'Auth0'

/**
 * Words of Auth0's Authentication API for a wrong password and for users whom it does not let in. One who has a second factor
 * there is not let in either, as nobody here can ask for it.
 */
const NO = [
  'invalid_grant',
  'invalid_user_password',
  'mfa_required',
  'mfa_registration_required',
  'password_leaked',
  'too_many_attempts',
  'unauthorized',
]

/** Where it is, and what is said to it. */
function atAuth0(ctx: Ctx, { domain: written, clientId, secret }: Configurations['auth0'], confidential: string[]) {
  const domain = written.replace(/^https:\/\//, '').replace(/\/$/, ''),
    isConfigured = ctx.deps.auth0Url !== undefined,
    base = ctx.deps.auth0Url?.replace(/\/+$/, '') ?? `https://${domain}`
  const shared = { source, isConfigured, secrets: [secret, ...confidential] }
  const read = async (path: string, bearer: string) => {
    const secrets = [...shared.secrets, bearer],
      found = await call(ctx, {
        ...shared,
        url: `${base}${path}`,
        headers: { authorization: `Bearer ${bearer}` },
        secrets,
      })
    if (found.status !== 200) throw failed(source, found, secrets)
    return found.json
  }
  return { shared, base, read, manager: () => tokenFor(ctx, { domain, clientId, secret }) }
}

/** The resource owner password grant (RFC 6749 §4.3), and what Auth0 then says of the user. */
export async function askAuth0(ctx: HttpCtx, configuration: Configurations['auth0'], { name, password }: Credentials) {
  const { clientId, secret, tenantConfig } = configuration,
    { shared, base, read, manager } = atAuth0(ctx, configuration, [password])
  const answer = await call(ctx, {
    ...shared,
    url: `${base}/oauth/token`,
    // otherwise all guesses of all users are this server's, and Auth0 blocks it
    headers: { 'auth0-forwarded-for': ctx.http.ip },
    json: {
      grant_type: 'password',
      username: name,
      password,
      client_id: clientId,
      client_secret: secret,
      scope: 'openid profile email',
    },
  })
  const { access_token: token, error } = answer.json
  if (answer.status !== 200 && NO.includes(String(error))) return null
  if (answer.status !== 200 || typeof token !== 'string') throw failed(source, answer, shared.secrets)
  const user = await read('/userinfo', token)
  // users can write the rest of their profile themselves: it must not say which account is theirs
  const { app_metadata: attributes } =
    tenantConfig.tenantResolverType === 'dynamic'
      ? await read(`/api/v2/users/${encodeURIComponent(String(user['sub']))}`, await manager())
      : {}
  return known(user['sub'], user, attributes)
}

/** The user with an address and a password, if Auth0 has one. */
export async function findInAuth0(ctx: Ctx, configuration: Configurations['auth0'], email: string) {
  const { read, manager } = atAuth0(ctx, configuration, []),
    found = await read(`/api/v2/users-by-email?${new URLSearchParams({ email })}`, await manager())
  const users = Object.values(found).filter(
    (one): one is Record<string, unknown> => typeof one === 'object' && one !== null,
  )
  // others log in with another provider
  const user = users.find((one) => String(one['user_id']).startsWith('auth0|') && one['blocked'] !== true)
  return user ? known(user['user_id'], user, user['app_metadata']) : null
}

const known = (subject: unknown, user: Record<string, unknown>, attributes: unknown) =>
  profileOf({
    subject,
    email: user['email'],
    verified: user['email_verified'],
    username: user['username'] ?? user['nickname'],
    name: user['name'],
    profilePictureUrl: user['picture'],
    attributes,
  })
