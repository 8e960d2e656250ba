import { refusal } from '@henhouse/outbound'
import type { HttpCtx } from '../../../../kernel/operation.ts'
import type { Configurations } from '../user-pools.schemas.ts'
import { call, failed } from './call.ts'
import { profileOf, type Credentials } from './profile.ts'

const source = 'the federated server'

interface Server {
  readonly tokenUrl: string
  readonly userInfoUrl: string
  readonly scopes: readonly string[]
  /** whether it takes the client's secret in the body only */
  readonly secretInBody: boolean
}

/** The resource owner password grant (RFC 6749 §4.3), and OpenID Connect's user info. */
export async function askFederation(
  ctx: HttpCtx,
  configuration: Configurations['federation'],
  { name, password }: Credentials,
) {
  const { clientId, secret } = configuration,
    secrets = [secret, password],
    { tokenUrl, userInfoUrl, scopes, secretInBody } = await serverOf(ctx, configuration)
  const basic = Buffer.from(`${encodeURIComponent(clientId)}:${encodeURIComponent(secret)}`).toString('base64')
  const answer = await call(ctx, {
    source,
    url: tokenUrl,
    ...(!secretInBody && { headers: { authorization: `Basic ${basic}` } }),
    form: {
      grant_type: 'password',
      username: name,
      password,
      scope: scopes.join(' '),
      ...(secretInBody && { client_id: clientId, client_secret: secret }),
    },
    secrets: [...secrets, basic],
  })
  const { access_token: token, error } = answer.json
  if (answer.status >= 400 && error === 'invalid_grant') return null
  if (answer.status !== 200 || typeof token !== 'string') throw failed(source, answer, [...secrets, basic])
  const found = await call(ctx, {
    source,
    url: userInfoUrl,
    headers: { authorization: `Bearer ${token}` },
    secrets: [...secrets, token],
  })
  if (found.status !== 200) throw failed(source, found, [...secrets, token])
  return profileIn(found.json)
}

/** What it tells of a user, by the names of OpenID Connect. */
export const profileIn = (user: Readonly<Record<string, unknown>>) =>
  profileOf({
    subject: user['sub'],
    email: user['email'],
    verified: user['email_verified'],
    username: user['preferred_username'],
    name: user['name'],
    profilePictureUrl: user['picture'],
    attributes: user,
  })

/** Where it is, as configured or as it says itself (OpenID Connect Discovery 1.0 §3). @throws Refused when it takes no passwords */
async function serverOf(
  ctx: HttpCtx,
  { oauth2Config, wellknownUrl, secret }: Configurations['federation'],
): Promise<Server> {
  if (oauth2Config) {
    const { tokenUrl, userInfoUrl, scopes = SCOPES, grantTypes = [] } = oauth2Config
    mustTakePasswords(grantTypes)
    return { tokenUrl, userInfoUrl, scopes, secretInBody: false }
  }
  const answer = await call(ctx, { source, url: wellknownUrl!, secrets: [secret] }),
    { token_endpoint: tokenUrl, userinfo_endpoint: userInfoUrl } = answer.json
  if (answer.status !== 200 || typeof tokenUrl !== 'string' || typeof userInfoUrl !== 'string')
    throw failed(source, answer, [secret])
  const { grant_types_supported: grants, token_endpoint_auth_methods_supported: methods } = answer.json
  mustTakePasswords(grants)
  const secretInBody = Array.isArray(methods) && !methods.includes('client_secret_basic')
  return { tokenUrl, userInfoUrl, scopes: SCOPES, secretInBody }
}
const SCOPES = ['openid', 'profile', 'email']

function mustTakePasswords(grants: unknown) {
  if (!Array.isArray(grants) || !grants.includes('password'))
    throw refusal(source, { retryable: false, reason: 'it does not take passwords' }, { secrets: [] })
}
