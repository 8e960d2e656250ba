import { sign } from '@henhouse/jwt'
import { Refused } from '@henhouse/outbound'
import { LRUCache } from 'lru-cache'
import * as oidc from 'openid-client'
import { epoch, MINUTE } from '../../../kernel/clock.ts'
import type { Deps } from '../../../kernel/deps.ts'
import type { Ctx } from '../../../kernel/operation.ts'
import type { Options } from '../../policies/social-providers/social-providers.schemas.ts'
import type { Usable } from '../../policies/social-providers/social-providers.service.ts'
import { factsOf, isDiscovered, profileFrom, type Claims, type Endpoints, type Profile } from './providers.ts'
import { socialErrors } from './social.errors.ts'

/*
 * The calls to providers. What has to be checked of their answers, openid-client checks: state, issuer, nonce, audience, times
 * and signature. Its calls go out as all do whose addresses environments choose.
 */

const TIMEOUT_MS = 8000,
  MOST_BYTES = 256 * 1024
/** How long what was discovered is believed: keys are looked up anew when a token names one that is not known. */
const KEPT_MS = 10 * MINUTE

/** What ties a login to its beginning: only the server knows them. */
export interface Ties {
  readonly state: string
  readonly nonce: string
  readonly verifier: string
  readonly redirectUri: string
}

/** Where the browser goes to log in. @throws 503 */
export async function addressToLogInAt(ctx: Ctx, provider: Usable, ties: Ties) {
  const facts = factsOf(provider, ctx.deps.socialUrls?.[provider.type])
  return asking(ctx, provider, async () =>
    oidc.buildAuthorizationUrl(await configurationOf(ctx, provider), {
      redirect_uri: ties.redirectUri,
      state: ties.state,
      ...(facts.scopes.length && { scope: facts.scopes.join(' ') }),
      ...(isDiscovered(facts.at) && { nonce: ties.nonce }),
      ...(facts.pkce && {
        code_challenge: await oidc.calculatePKCECodeChallenge(ties.verifier),
        code_challenge_method: 'S256',
      }),
      ...facts.parameters,
    }),
  )
}

/** Who the provider says the user is, given what the browser came back with. @throws 401, 503 */
export async function profileOf(ctx: Ctx, provider: Usable, ties: Ties, query: string): Promise<Profile> {
  const told = await claimsOf(ctx, provider, ties, query),
    profile = profileFrom(provider, factsOf(provider, ctx.deps.socialUrls?.[provider.type]), told)
  if (!profile) throw socialErrors.wrong()
  return profile
}

/** All that it tells of the user. @throws as `profileOf` */
export async function claimsOf(
  ctx: Ctx,
  provider: Usable,
  { state, nonce, verifier, redirectUri }: Ties,
  query: string,
): Promise<Claims> {
  const facts = factsOf(provider, ctx.deps.socialUrls?.[provider.type]),
    { at } = facts,
    back = new URL(`${redirectUri}?${query}`)
  // without discovery there is no issuer to compare it with: the address to come back to is each provider's own (RFC 9700 §4.4.2)
  if (!isDiscovered(at)) back.searchParams.delete('iss')
  return asking(ctx, provider, async () => {
    const configuration = await configurationOf(ctx, provider),
      tokens = await oidc.authorizationCodeGrant(configuration, back, {
        expectedState: state,
        ...(isDiscovered(at) && { expectedNonce: nonce, idTokenExpected: true }),
        ...(facts.pkce && { pkceCodeVerifier: verifier }),
      })
    if (!isDiscovered(at)) return byReply(configuration, at, tokens.access_token)
    // what says where a user of a source belongs may be there only
    return byIdToken(configuration, tokens, provider.federated !== undefined)
  })
}

/** Some leave the address out of the token, and tell it on another call. */
async function byIdToken(
  configuration: oidc.Configuration,
  tokens: oidc.TokenEndpointResponse & oidc.TokenEndpointResponseHelpers,
  wantsAll: boolean,
): Promise<Claims> {
  const claims = tokens.claims()!
  if ((claims['email'] !== undefined && !wantsAll) || !configuration.serverMetadata().userinfo_endpoint) return claims
  return { ...(await oidc.fetchUserInfo(configuration, tokens.access_token, claims.sub)), ...claims }
}

async function byReply(configuration: oidc.Configuration, { userInfo, emails }: Endpoints, token: string) {
  const told = (await read(configuration, userInfo, token)) as Claims
  return emails === undefined ? told : { ...told, emails: await read(configuration, emails, token) }
}

async function read(configuration: oidc.Configuration, url: string, token: string): Promise<unknown> {
  const reply = await oidc.fetchProtectedResource(configuration, token, new URL(url), 'GET', undefined, HEADERS)
  const told: unknown = reply.ok ? await reply.json() : undefined
  if (typeof told !== 'object' || told === null) throw new Error(`answered ${reply.status} without an object`)
  return told
}
const HEADERS = new Headers({ accept: 'application/json', 'user-agent': 'henhouse' })

/** Logs what went wrong, but nothing of what the provider said: it may hold tokens. @throws 401, 503 */
export async function asking<T>({ log }: Ctx, { type }: Usable, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const {
      message,
      code,
      error: word,
      cause,
    } = error as Partial<Record<'message' | 'code' | 'error' | 'cause', unknown>>
    const refused = [error, cause].find((one) => one instanceof Refused)
    log.warn({ provider: type, code, error: word, message: refused?.message ?? message }, 'a social login failed')
    throw refused ? socialErrors.unreachable() : socialErrors.wrong()
  }
}

const kept = new WeakMap<Deps, LRUCache<string, oidc.Configuration>>()

/** A provider as openid-client knows it. It is kept, so that not every login begins with a discovery. */
export async function configurationOf({ deps }: Ctx, provider: Usable): Promise<oidc.Configuration> {
  let cache = kept.get(deps)
  if (!cache) kept.set(deps, (cache = new LRUCache<string, oidc.Configuration>({ max: 1000, ttl: KEPT_MS })))
  const key = `${provider.id} ${provider.updatedAt.getTime()} ${provider.secret}`
  const known = cache.get(key)
  if (known) return known
  const made = await configure(deps, provider)
  cache.set(key, made)
  return made
}

async function configure(deps: Deps, provider: Usable) {
  const { clientId } = provider,
    { at, basic } = factsOf(provider, deps.socialUrls?.[provider.type]),
    secret = clientSecret(deps, provider)
  const authentication: oidc.ClientAuth = (server, ...request) => {
    const takesBasic = server.token_endpoint_auth_methods_supported?.includes('client_secret_basic') ?? true
    return (basic && takesBasic ? oidc.ClientSecretBasic : oidc.ClientSecretPost)(secret())(server, ...request)
  }
  if (!isDiscovered(at)) {
    const { authorization: authorization_endpoint, token: token_endpoint } = at
    const server = { issuer: new URL(authorization_endpoint).origin, authorization_endpoint, token_endpoint }
    const plain = new oidc.Configuration(server, clientId, {}, authentication)
    plain[oidc.customFetch] = fetchBy(deps, provider, token_endpoint)
    // mustBeSafe has let in only addresses of this machine, or this is the emulator
    if (Object.values(at).some((url: string) => url.startsWith('http:'))) oidc.allowInsecureRequests(plain)
    return plain
  }
  return oidc.discovery(
    new URL(at.issuer),
    clientId,
    // all of them sign so; no other algorithm is taken, whatever the token says
    { id_token_signed_response_alg: 'RS256' },
    authentication,
    {
      [oidc.customFetch]: fetchBy(deps, provider),
      timeout: TIMEOUT_MS / 1000,
      execute: [
        oidc.enableNonRepudiationChecks,
        ...(at.issuer.startsWith('http:') ? [oidc.allowInsecureRequests] : []),
      ],
    },
  )
}

/** Apple takes a token that its key has signed in place of a secret. */
function clientSecret({ secrets, systemClock }: Deps, { type, custom, clientId, secret, options }: Usable) {
  const opened = secrets.open(secret)
  if (custom || type !== 'apple') return () => opened
  const { keyId = '', teamId = '' } = options as Options
  return () => {
    const iat = epoch(systemClock.now())
    const claims = { iss: teamId, sub: clientId, aud: 'https://appleid.apple.com', iat, exp: iat + 300 }
    return sign(claims, { kid: keyId, algorithm: 'ES256', key: opened })
  }
}

/** @param tokenUrl of a provider without discovery: what its token endpoint says is made plain */
export const fetchBy =
  ({ outbound, secrets }: Deps, { type, secret }: Usable, tokenUrl?: string): oidc.CustomFetch =>
  async (url, { method, headers, body }) => {
    const {
      status,
      headers: replied,
      text,
    } = await outbound.call(
      type,
      url,
      {
        method: method === 'POST' ? 'POST' : 'GET',
        headers,
        ...(body !== undefined && body !== null && { body: String(body as URLSearchParams) }),
        timeoutMs: TIMEOUT_MS,
        mostBytes: MOST_BYTES,
      },
      { secrets: [secrets.open(secret)] },
    )
    const isEmpty = [204, 205, 304].includes(status)
    return new Response(isEmpty ? null : url === tokenUrl ? withoutIdToken(text) : text, { status, headers: replied })
  }

/**
 * Without discovery there are no keys to check an id token with: who the user is comes from the next call. Some leave out the
 * type of the access token, which is always the same.
 */
function withoutIdToken(text: string) {
  try {
    const { id_token: _, ...rest } = JSON.parse(text) as Record<string, unknown>
    return JSON.stringify({ token_type: 'bearer', ...rest })
  } catch {
    return text
  }
}
