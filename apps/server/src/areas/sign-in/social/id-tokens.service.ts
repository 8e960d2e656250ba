import { createRemoteJWKSet, customFetch, decodeJwt, jwtVerify, type JWTVerifyGetKey } from 'jose'
import { issue, type ChallengeKind } from '../../../kernel/challenges.ts'
import { DAY, SECOND } from '../../../kernel/clock.ts'
import { queueAt } from '../../../kernel/limits.ts'
import type { Ctx } from '../../../kernel/operation.ts'
import { fingerprint } from '../../../kernel/random.ts'
import type { Options } from '../../policies/social-providers/social-providers.schemas.ts'
import type { Usable } from '../../policies/social-providers/social-providers.service.ts'
import { factsOf, isDiscovered, profileFrom, type Claims, type Profile } from './providers.ts'
import { asking, configurationOf, fetchBy } from './social.client.ts'
import { socialErrors } from './social.errors.ts'

/*
 * Logins of apps, whose users log in by what their phone has, without a browser: the app gets an id token of the provider, and
 * shows it. What has to be checked of it, jose checks. Nothing but the token says who it is, so it works once, and not long.
 */

/** Some phones keep a token for a while. */
const MOST_AGE = '1 hour',
  TOLERANCE = '30 s'
/** Longer than a token is believed. */
const KEPT_MS = DAY
const shown: ChallengeKind = { purpose: 'social-id-token' }

/**
 * Who a token of the provider says the user is. It must be for the provider's client here, or for one of its apps.
 * @param nonce that the app has tied the token to; a token with another one, or with one that is not shown, was made for somebody else
 * @throws 401, 503
 */
export async function profileOf(ctx: Ctx, provider: Usable, token: string, nonce?: string): Promise<Profile> {
  const facts = factsOf(provider, ctx.deps.socialUrls?.[provider.type])
  // without discovery there are no keys to check it with
  if (!isDiscovered(facts.at)) throw socialErrors.wrong()
  const told = await asking(ctx, provider, () => verified(ctx, provider, token))
  if (!isTied(told, nonce)) throw socialErrors.wrong()
  const profile = profileFrom(provider, facts, told)
  if (!profile) throw socialErrors.wrong()
  await useUp(ctx, token)
  return profile
}

async function verified(ctx: Ctx, provider: Usable, token: string): Promise<Claims> {
  const { issuer, jwks_uri: keys } = (await configurationOf(ctx, provider)).serverMetadata(),
    { clientId, options } = provider
  if (keys === undefined) throw new Error('the provider names no keys')
  const { payload } = await jwtVerify(token, await keysAt(ctx, provider, keys), {
    // no other algorithm is taken, whatever the token says
    algorithms: ['RS256'],
    issuer: issuerOf(issuer, token),
    audience: [clientId, ...((options as Options).nativeClientIds ?? [])],
    requiredClaims: ['sub', 'exp', 'iat'],
    maxTokenAge: MOST_AGE,
    clockTolerance: TOLERANCE,
    currentDate: ctx.deps.systemClock.now(),
  })
  return payload
}

/** In Microsoft's common directory, the issuer is the user's own directory: the document has a place for its id. */
function issuerOf(issuer: string, token: string) {
  const { tid } = decodeJwt(token)
  return issuer.replace('{tenantid}', typeof tid === 'string' && /^[\da-f-]{36}$/i.test(tid) ? tid : '')
}

/** Apps show the nonce as it is; some providers are given its hash. */
const isTied = ({ nonce }: Claims, shown: string | undefined) =>
  shown === undefined || shown === '' ? nonce === undefined : nonce === shown || nonce === fingerprint(shown)

/** The provider's keys, looked up anew when a token names one that is not known. */
const kept = new WeakMap<object, JWTVerifyGetKey>()
async function keysAt(ctx: Ctx, provider: Usable, address: string): Promise<JWTVerifyGetKey> {
  // it lives as long as what was discovered
  const configuration = await configurationOf(ctx, provider),
    known = kept.get(configuration)
  if (known) return known
  const call = fetchBy(ctx.deps, provider),
    made = createRemoteJWKSet(new URL(address), {
      timeoutDuration: 10 * SECOND,
      [customFetch]: (url, { method, headers }) =>
        call(url, { method, headers: Object.fromEntries(headers), body: undefined, redirect: 'manual' }),
    })
  kept.set(configuration, made)
  return made
}

/** Of any number of calls with the same token at once, one goes on. What is signed names it: a signature can be written in several ways. @throws 401 */
const useUp = (ctx: Ctx, token: string) =>
  ctx.atomically(async (tx) => {
    const secret = token.slice(0, token.lastIndexOf('.')),
      secretHash = fingerprint(secret)
    await queueAt(tx, shown.purpose, secretHash)
    if (await tx.db.challenge.count({ where: { purpose: shown.purpose, secretHash } })) throw socialErrors.wrong()
    await issue(tx, shown, { secret, lifetimeMs: KEPT_MS })
  })
