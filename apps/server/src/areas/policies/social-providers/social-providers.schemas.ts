import type { SocialProvider as Row } from '@henhouse/database'
import { Type, type Static } from 'typebox'
import { DateTime, FilledKey, Id, Key, Name, Nullable, OneOf, Text } from '../../../kernel/validation.ts'
import { maskedSecret } from '../../delivery/mail/mail.schemas.ts'

export const BUILT_IN = [
  'apple',
  'facebook',
  'github',
  'gitlab',
  'google',
  'linkedin',
  'microsoft',
  'slack',
  'twitter',
] as const
export type BuiltIn = (typeof BUILT_IN)[number]

/** A whole secret, never a masked one that was read back. Of Apple, it is a key of several lines. */
const Secret = Type.String({
  maxLength: 8192,
  pattern: '^(?!\\s*\\*{4})',
  message: 'secret must be the whole secret',
})
const Scopes = Type.Array(Type.String({ minLength: 1, maxLength: 255, pattern: '^[!#-\\[\\]-~]+$' }), { maxItems: 50 })

const Options = Type.Object({
  /** of Apple's key */
  keyId: Type.Optional(Key),
  teamId: Type.Optional(Key),
  /** not in the reference: only this directory of Microsoft's logs in */
  directory: Type.Optional(Type.String({ maxLength: 255, pattern: '^[A-Za-z0-9.-]*$' })),
  /** not in the reference: ids of apps at the provider, whose id tokens are taken, too */
  nativeClientIds: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 255 }), { maxItems: 20 })),
  verifyEmail: Type.Optional(Type.Boolean()),
  /** not in the reference: its addresses count as verified although it does not say so */
  trustEmail: Type.Optional(Type.Boolean()),
})
export type Options = Static<typeof Options>

const Address = (name: string) =>
  Type.String({ maxLength: 4095, format: 'uri', message: `${name} must be a URL address` })

/** What is not given of a provider that is there stays as it is. */
const change = {
  active: Type.Optional(Type.Boolean()),
  customised: Type.Optional(Type.Boolean()),
  clientId: Type.Optional(Key),
  secret: Type.Optional(Secret),
  redirectUrl: Type.Optional(Address('redirectUrl')),
  additionalScopes: Type.Optional(Scopes),
  options: Type.Optional(Options),
}
export const ProviderChange = Type.Object(change)
export const NamedProviderChange = Type.Object({ type: OneOf([...BUILT_IN]), ...change })
export type ProviderChange = Static<typeof ProviderChange>

/** As management sees it. */
export const Provider = Type.Object({
  id: Id,
  type: Type.String(),
  active: Type.Boolean(),
  customised: Type.Boolean(),
  clientId: Type.String(),
  secret: Type.String(),
  redirectUrl: Type.String(),
  redirectUrlPattern: Type.String(),
  additionalScopes: Type.Array(Type.String()),
  options: Options,
  createdAt: DateTime,
  updatedAt: DateTime,
})

/** @param secret in clear; it is masked here */
export const toProvider = (row: Row, secret: string): Static<typeof Provider> => ({
  ...row,
  clientId: row.clientId ?? '',
  secret: secret && maskedSecret(secret),
  redirectUrl: row.redirectUrl ?? '',
  redirectUrlPattern: row.redirectUrl ?? '',
  options: row.options as Options,
  createdAt: row.createdAt.toISOString(),
  updatedAt: row.updatedAt.toISOString(),
})

/** As clients of the first version know them. */
export const ListedProviderV1 = Type.Object({
  type: Type.String(),
  clientId: Type.String(),
  redirectUrl: Type.String(),
  active: Type.Boolean(),
})

const ProviderOfType = Type.Object({
  active: Type.Boolean(),
  clientId: Nullable(Type.String()),
  authorizationUrl: Type.String(),
  additionalScopes: Type.Array(Type.String()),
})

/** As login boxes read it. Where `customised` is false, they let the server make the address to log in at. */
export const ListedProvider = Type.Object({
  type: Type.String(),
  active: Type.Boolean(),
  customised: Type.Boolean(),
  clientId: Nullable(Type.String()),
  redirectUrl: Type.String(),
  redirectUrlPattern: Type.String(),
  authorizationUrl: Type.String(),
  options: Type.Object({ verifyEmail: Type.Boolean() }),
  additionalScopes: Type.Array(Type.String()),
})

/** As Android apps read them, by their types. Without a client id, they let the server make the address to log in at. */
export const ProvidersByType = Type.Unsafe<Record<string, Static<typeof ProviderOfType>>>(
  Type.Object({}, { additionalProperties: ProviderOfType }),
)

const custom = {
  clientId: FilledKey,
  secret: Type.String({ ...Secret, minLength: 1 }),
  redirectUrl: Address('redirectUrl'),
  authorizationUrl: Address('authorizationUrl'),
  tokenUrl: Address('tokenUrl'),
  userInfoUrl: Address('userInfoUrl'),
  /** with blanks between them */
  scopes: Text,
  ssoLogoUrl: Nullable(Text),
  displayName: Name,
  active: Type.Boolean(),
}
const Slug = Type.String({
  minLength: 1,
  maxLength: 64,
  pattern: `^(?!(?:${BUILT_IN.join('|')})$)[A-Za-z0-9][A-Za-z0-9_-]*$`,
  message: 'type must be letters, digits, - and _, and not the name of a built-in provider',
})
export const NewCustomProvider = Type.Object({ type: Slug, ...custom, trustEmail: Type.Optional(Type.Boolean()) })
export const CustomProviderChange = Type.Partial(NewCustomProvider)
export type NewCustomProvider = Static<typeof NewCustomProvider>
export type CustomProviderChange = Static<typeof CustomProviderChange>

/** With the address to log in at, the server's own: it passes the browser on to the provider's. */
export const CustomProvider = Type.Object({
  id: Id,
  type: Type.String(),
  clientId: Type.String(),
  redirectUrl: Type.String(),
  redirectUrlPattern: Type.String(),
  authorizationUrl: Type.String(),
  userInfoUrl: Type.String(),
  scopes: Type.String(),
  ssoLogoUrl: Nullable(Type.String()),
  displayName: Type.String(),
  active: Type.Boolean(),
})
export const CustomProviders = Type.Object({ providers: Type.Array(CustomProvider) })
export const CustomProviderQuery = Type.Object({ active: Type.Optional(Type.Boolean()) })

export const toCustomProvider = (row: Row, authorizationUrl: string): Static<typeof CustomProvider> => ({
  id: row.id,
  type: row.type,
  clientId: row.clientId ?? '',
  redirectUrl: row.redirectUrl ?? '',
  redirectUrlPattern: row.redirectUrl ?? '',
  authorizationUrl,
  userInfoUrl: row.userInfoUrl ?? '',
  scopes: row.scopes ?? '',
  ssoLogoUrl: row.ssoLogoUrl,
  displayName: row.displayName ?? row.type,
  active: row.active,
})
