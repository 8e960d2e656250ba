import type { Auth0User } from './auth0.client.ts'
import type { Auth0Source, MigratedUser } from './imports.schemas.ts'

/** What Auth0 calls the ways in that we know. Others become local users, who have to set a password. */
const PROVIDERS: Readonly<Record<string, MigratedUser['provider']>> = {
  'google-oauth2': 'google',
  'google-apps': 'google',
  github: 'github',
  facebook: 'facebook',
  windowslive: 'microsoft',
  waad: 'microsoft',
  apple: 'apple',
  samlp: 'saml',
}

/** The rows that a user of Auth0 becomes: one for each tenant. There are no passwords in an export. */
export function rowsOf(user: Auth0User, source: Pick<Auth0Source, 'tenantIdFieldName' | 'isTenantIdOnUserMetadata'>) {
  const email = textIn(user.email),
    isProved = user.email_verified === true
  const row = {
    email,
    verifyUser: isProved,
    username: textIn(user.username),
    name: nameOf(user),
    profilePictureUrl: textIn(user.picture),
    // here it is a way to log in: with the address of another, it would be a way into what becomes theirs
    phoneNumber:
      user.phone_verified === true && (isProved || email === undefined) ? textIn(user.phone_number) : undefined,
    provider: providerOf(user.identities),
    externalId: textIn(user.user_id),
    metadata: objectText(user.user_metadata),
    vendorMetadata: objectText(user.app_metadata),
    ...(user.blocked === true && { blocked: true }),
  }
  return tenantsOf(user, source).map((tenantId) => ({ ...row, tenantId }))
}

/** The field may hold one id or several. A user without any becomes one row, which is refused for that. */
function tenantsOf(
  user: Auth0User,
  { tenantIdFieldName, isTenantIdOnUserMetadata }: Pick<Auth0Source, 'tenantIdFieldName' | 'isTenantIdOnUserMetadata'>,
) {
  const metadata = (isTenantIdOnUserMetadata ? user.user_metadata : user.app_metadata) as
      Record<string, unknown> | null | undefined,
    value =
      metadata !== null && typeof metadata === 'object' && Object.hasOwn(metadata, tenantIdFieldName)
        ? metadata[tenantIdFieldName]
        : undefined
  const ids = [value].flat().flatMap((id) => (typeof id === 'string' || typeof id === 'number' ? String(id) : []))
  return ids.length ? [...new Set(ids)].slice(0, MOST_TENANTS) : [undefined]
}
const MOST_TENANTS = 1000

const textIn = (value: unknown) => (typeof value === 'string' && value !== '' ? value : undefined)

/** Nesting that cannot be written down is no object to us: the row is refused. */
function objectText(value: unknown) {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  try {
    return JSON.stringify(value)
  } catch {
    return 'nested too deeply'
  }
}

function nameOf({ name, given_name: given, family_name: family, nickname }: Auth0User) {
  const parts = [given, family].flatMap((part) => textIn(part) ?? [])
  return textIn(name) ?? (parts.length ? parts.join(' ') : textIn(nickname))
}

function providerOf(identities: unknown) {
  const first: unknown = Array.isArray(identities) ? identities[0] : undefined
  const name = typeof first === 'object' && first !== null ? (first as { provider?: unknown }).provider : undefined
  return (typeof name === 'string' && Object.hasOwn(PROVIDERS, name) ? PROVIDERS[name] : undefined) ?? 'local'
}
