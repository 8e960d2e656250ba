import { isEmail } from '../../../kernel/email-addresses.ts'
import { INDEXED_LENGTH } from '../../../kernel/validation.ts'
import type { BuiltIn, Options } from '../../policies/social-providers/social-providers.schemas.ts'
import type { Usable } from '../../policies/social-providers/social-providers.service.ts'

/*
 * What there is to know of each provider: where it is, what to ask it for, and what its answers mean.
 *
 * Those that speak OpenID Connect as it is written have an issuer; the rest comes by discovery. The others speak OAuth 2, and
 * tell by a reply of their own who the user is.
 */

/** What a provider tells of a user: of any type and length, and empty where it says nothing. */
export type Claims = Readonly<Record<string, unknown>>

/** What it comes to. */
export interface Profile {
  /** the provider's own id of the user */
  readonly subject: string
  /** only one that the provider vouches for */
  readonly email: string | undefined
  readonly name: string | undefined
  readonly picture: string | undefined
}

interface Facts {
  readonly at: { readonly issuer: string } | Endpoints
  readonly scopes: readonly string[]
  /** Sends a code challenge. All do for which their documents do not advise against it. */
  readonly pkce: boolean
  readonly parameters?: Readonly<Record<string, string>>
  /** how the client says who it is; in the body, unless said */
  readonly basic?: true
  /** the provider's words for `sub`, `email`, `email_verified`, `name` and `picture` */
  claims?(told: Claims, options: Options): Claims
}
export interface Endpoints {
  readonly authorization: string
  readonly token: string
  readonly userInfo: string
  /** a list of addresses, of which it tells apart */
  readonly emails?: string
}

const OPENID = ['openid', 'profile', 'email']

const builtIn: Record<BuiltIn, (options: Options) => Facts> = {
  apple: () => ({
    at: { issuer: 'https://appleid.apple.com' },
    scopes: ['openid', 'name', 'email'],
    pkce: false,
    // it wants that of all who ask for an address
    parameters: { response_mode: 'form_post' },
  }),
  facebook: () => ({
    at: {
      authorization: 'https://www.facebook.com/dialog/oauth',
      token: 'https://graph.facebook.com/oauth/access_token',
      userInfo: 'https://graph.facebook.com/me?fields=id,name,email,picture',
    },
    scopes: ['email', 'public_profile'],
    pkce: true,
    claims: ({ id, picture, ...rest }) => ({ ...rest, sub: id, picture: inside(picture, 'data', 'url') }),
  }),
  github: () => ({
    at: {
      authorization: 'https://github.com/login/oauth/authorize',
      token: 'https://github.com/login/oauth/access_token',
      userInfo: 'https://api.github.com/user',
      emails: 'https://api.github.com/user/emails',
    },
    scopes: ['read:user', 'user:email'],
    pkce: true,
    claims: ({ id, name, login, avatar_url: picture, emails }) => ({
      sub: id,
      name: name ?? login,
      picture,
      ...primaryOf(emails),
    }),
  }),
  gitlab: () => ({ at: { issuer: 'https://gitlab.com' }, scopes: OPENID, pkce: true }),
  google: () => ({ at: { issuer: 'https://accounts.google.com' }, scopes: OPENID, pkce: true }),
  linkedin: () => ({
    // its id tokens have no nonce
    at: {
      authorization: 'https://www.linkedin.com/oauth/v2/authorization',
      token: 'https://www.linkedin.com/oauth/v2/accessToken',
      userInfo: 'https://api.linkedin.com/v2/userinfo',
    },
    scopes: OPENID,
    pkce: false,
  }),
  microsoft: ({ directory }) => ({
    at: { issuer: `https://login.microsoftonline.com/${directory || 'common'}/v2.0` },
    scopes: OPENID,
    pkce: true,
    claims: (told) => ({ ...told, email_verified: isOwnersOfMicrosoft(told) }),
  }),
  slack: () => ({ at: { issuer: 'https://slack.com' }, scopes: OPENID, pkce: true }),
  twitter: () => ({
    at: {
      authorization: 'https://x.com/i/oauth2/authorize',
      token: 'https://api.x.com/2/oauth2/token',
      userInfo: 'https://api.x.com/2/users/me?user.fields=confirmed_email,profile_image_url',
    },
    scopes: ['users.read', 'tweet.read', 'users.email'],
    pkce: true,
    basic: true,
    claims: (told) => ({
      sub: inside(told, 'data', 'id'),
      name: inside(told, 'data', 'name'),
      picture: inside(told, 'data', 'profile_image_url'),
      email: inside(told, 'data', 'confirmed_email'),
      email_verified: true,
    }),
  }),
}

export const isDiscovered = (at: Facts['at']): at is { readonly issuer: string } => 'issuer' in at

/** @param base where it is, if not at its usual address */
export function factsOf(provider: Usable, base: string | undefined): Facts {
  const { custom, type, options, additionalScopes } = provider
  if (provider.federated) return ofFederated(provider, provider.federated)
  if (custom) return ofCustom(provider)
  const facts = builtIn[type as BuiltIn](options as Options)
  return {
    ...facts,
    scopes: [...new Set([...facts.scopes, ...additionalScopes])],
    at: base === undefined ? facts.at : movedTo(base, facts.at),
  }
}

const ofFederated = (provider: Usable, { discoveryUrl }: NonNullable<Usable['federated']>): Facts =>
  discoveryUrl === undefined
    ? { ...ofCustom(provider), basic: true }
    : { at: { issuer: discoveryUrl }, scopes: OPENID, pkce: true, basic: true }

const ofCustom = ({ authorizationUrl, tokenUrl, userInfoUrl, scopes }: Usable): Facts => ({
  at: { authorization: authorizationUrl!, token: tokenUrl!, userInfo: userInfoUrl! },
  scopes: (scopes ?? '').split(/[\s,]+/).filter((scope) => scope !== ''),
  pkce: true,
  claims: (told) => ({ ...told, sub: told['sub'] ?? told['id'] }),
})

function movedTo(base: string, at: Facts['at']): Facts['at'] {
  if (isDiscovered(at)) return { issuer: base }
  const moved = (url: string) => new URL(`${new URL(url).pathname}${new URL(url).search}`, base).href
  const { authorization, token, userInfo, emails } = at
  return {
    authorization: moved(authorization),
    token: moved(token),
    userInfo: moved(userInfo),
    ...(emails !== undefined && { emails: moved(emails) }),
  }
}

/** @returns undefined when it does not say who it is */
export function profileFrom(provider: Usable, facts: Facts, told: Claims): Profile | undefined {
  const options = provider.options as Options,
    { sub, email, email_verified: verified, name, picture } = facts.claims?.(told, options) ?? told
  const subject = typeof sub === 'number' ? String(sub) : sub
  if (typeof subject !== 'string' || !/^[\x20-\x7e]{1,255}$/.test(subject)) return undefined
  const isVouchedFor = verified === true || verified === 'true' || mayTrust(provider, options)
  return {
    subject,
    email: isVouchedFor && typeof email === 'string' && email.length <= 320 && isEmail(email) ? email : undefined,
    name: typeof name === 'string' ? oneLine(name) : undefined,
    picture: typeof picture === 'string' && /^https:/i.test(picture) && picture.length <= 4095 ? picture : undefined,
  }
}

/** In Microsoft's common directory, everybody's administrator may claim any address: there is nobody to trust. */
const mayTrust = ({ type, custom }: Usable, { trustEmail, directory }: Options) =>
  trustEmail === true && (custom || type !== 'microsoft' || !!directory)

/** The directory of personal accounts, whose addresses Microsoft itself has verified. */
const PERSONAL = '9188040d-6c67-4c5b-b112-36a304b66dad'
const isOwnersOfMicrosoft = ({ tid, xms_edov: edov }: Claims) =>
  tid === PERSONAL || edov === true || edov === 1 || edov === '1' || edov === 'true'

function primaryOf(emails: unknown) {
  const primary = Array.isArray(emails)
    ? (emails as unknown[]).find((one) => inside(one, 'primary') === true)
    : undefined
  return { email: inside(primary, 'email'), email_verified: inside(primary, 'verified') }
}

const inside = (value: unknown, ...path: string[]): unknown =>
  path.reduce<unknown>(
    (at, name) => (typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[name] : undefined),
    value,
  )

/** As names are stored: nothing in it that is not to see, or turns the text around it. */
const oneLine = (text: string) =>
  [...text.replace(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]+/gu, ' ').trim()]
    .slice(0, INDEXED_LENGTH / 2)
    .join('')
