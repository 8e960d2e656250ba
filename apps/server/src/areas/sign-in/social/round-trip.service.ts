import { timingSafeEqual } from 'node:crypto'
import { find, issue, useUp, type ChallengeKind } from '../../../kernel/challenges.ts'
import { MINUTE, SECOND } from '../../../kernel/clock.ts'
import { baseUrl, isAllowedOrigin } from '../../../kernel/environments.ts'
import { invalid } from '../../../kernel/errors.ts'
import type { Ctx, HttpCtx } from '../../../kernel/operation.ts'
import { fingerprint } from '../../../kernel/random.ts'
import { addressOf, definedApplications } from '../../delivery/mail/applications.ts'
import * as identitySettings from '../../policies/identity-settings/identity-settings.service.ts'
import type { Usable } from '../../policies/social-providers/social-providers.service.ts'
import { addressToLogInAt, type Ties } from './social.client.ts'
import { serviceFor } from './services.ts'
import { socialErrors } from './social.errors.ts'
import type { Beginning, Return, Shown } from './social.schemas.ts'

/*
 * The way of the browser: to the provider, back to the server, and on to the page that it came from, which then asks for the
 * session. What it carries, a state and then a code of our own, works once, in a short time, and only in this browser. The
 * provider's code never reaches a page.
 */

const outward: ChallengeKind = { purpose: 'social-state' },
  homeward: ChallengeKind = { purpose: 'social-code' }
/** People log in at the provider meanwhile; the page asks at once. */
const OUTWARD_MS = 15 * MINUTE,
  HOMEWARD_MS = 2 * MINUTE

/** What is kept of a login under way. */
interface Trip {
  readonly provider: string
  /** hash of the secret in the browser's cookie */
  readonly browser: string
  readonly page: string
  /** as the page gets it back */
  readonly state: string
  /** sealed `Ties` */
  readonly ties: string
  /** sealed: what the browser came back with */
  readonly query?: string
}

/** The one that the provider knows, and none of its parts is from a request. */
const callbackOf = (ctx: Ctx, type: string) =>
  `${baseUrl(ctx.deps.publicUrl, ctx.environment)}/identity/resources/auth/v2/user/sso/${type}/callback`

const cookieOf = ({ vendorId }: Ctx) => `fe_social_${vendorId.replaceAll('-', '')}`

/** Begins a login. @returns where the browser goes @throws 400 for a page of others, 404, 503 */
export async function begin(ctx: HttpCtx, type: string, { redirectUri, redirect_uri, state }: Beginning) {
  const { provider } = await serviceFor(ctx, type),
    page = await pageFor(ctx, provider, redirectUri || redirect_uri),
    browser = ctx.random.token()
  const ties: Ties = {
    state: ctx.random.token(),
    nonce: ctx.random.token(),
    verifier: ctx.random.token(),
    redirectUri: callbackOf(ctx, provider.type),
  }
  const address = await addressToLogInAt(ctx, provider, ties)
  const trip: Trip = {
    provider: provider.id,
    browser: fingerprint(browser),
    page,
    // login boxes look in it for the provider
    state: state || JSON.stringify({ provider: provider.type }),
    ties: ctx.deps.secrets.seal(JSON.stringify(ties)),
  }
  await issue(ctx, outward, { secret: ties.state, lifetimeMs: OUTWARD_MS, data: trip })
  const { cookieSameSite } = await identitySettings.current(ctx)
  ctx.http.setCookie(cookieOf(ctx), browser, {
    maxAgeSeconds: (OUTWARD_MS + HOMEWARD_MS) / SECOND,
    // the provider's page sends the browser back, and a strict cookie would stay behind
    sameSite: cookieSameSite === 'NONE' ? 'none' : 'lax',
  })
  return address.href
}

/**
 * The page that gets the code: the one that the provider is set up with, or one of the environment's applications. Of pages of
 * other origins only those that may call with cookies. A path is one of the environment's own pages, as the login page asks.
 */
async function pageFor(ctx: Ctx, { redirectUrl }: Usable, wanted: string | undefined) {
  if (!wanted) return redirectUrl || `${await addressOf(ctx)}/account/social/success`
  if (wanted === redirectUrl) return wanted
  const own = wanted.startsWith('/') ? baseUrl(ctx.deps.publicUrl, ctx.environment) : undefined,
    url = URL.canParse(wanted, own) ? new URL(wanted, own) : undefined
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password || !(await isKnown(ctx, url.origin)))
    throw invalid('redirectUri must be a page of the application')
  return url.href
}

async function isKnown(ctx: Ctx, origin: string) {
  const { publicUrl } = ctx.deps
  if (isAllowedOrigin(ctx.deps, ctx.environment, origin)) return true
  const applications = [...(await definedApplications(ctx)).byId.values()]
  return [
    baseUrl(publicUrl, ctx.environment),
    ...applications.flatMap(({ appURL, loginURL }) => [appURL, loginURL]),
  ].some((url) => url !== null && URL.canParse(url) && new URL(url).origin === origin)
}

/** Takes the browser from the provider on to the page, with a code of our own, or with the provider's refusal. @throws 401, 404 */
export async function pass(ctx: HttpCtx, type: string, { state, code, iss, error, error_description }: Return) {
  const { provider } = await serviceFor(ctx, type),
    trip = await arrived(ctx, outward, provider, state),
    back = new URL(trip.page)
  if (error !== undefined || !code) {
    back.searchParams.set('error', error || 'server_error')
    if (error_description) back.searchParams.set('error_description', error_description)
  } else {
    const own = ctx.random.token(),
      query = new URLSearchParams({ code, state, ...(iss !== undefined && { iss }) })
    const data: Trip = { ...trip, query: ctx.deps.secrets.seal(query.toString()) }
    await issue(ctx, homeward, { secret: own, lifetimeMs: HOMEWARD_MS, data })
    back.searchParams.set('code', own)
  }
  back.searchParams.set('state', trip.state)
  return back.href
}

/** The same address, which the browser opens with its cookies: it sends none along with a form of another site. */
export const again = (ctx: Ctx, type: string, { state, code, iss, error, error_description }: Return) => {
  const given = Object.entries({ state, code, iss, error, error_description }).filter(
    (pair): pair is [string, string] => pair[1] !== undefined,
  )
  return `${callbackOf(ctx, encodeURIComponent(type))}?${new URLSearchParams(given)}`
}

export type Way = Pick<Shown, 'redirectUri' | 'state'> & { readonly code: string }
/** Ends the way: what the provider is to be asked with. @throws 401, 404 */
export async function end(ctx: HttpCtx, type: string, { code, redirectUri, state }: Way) {
  const service = await serviceFor(ctx, type),
    { provider } = service,
    trip = await arrived(ctx, homeward, provider, code, ({ page, state: own }) =>
      [redirectUri ?? page, state ?? own].every((given, at) => given === [page, own][at]),
    )
  ctx.http.clearCookie(cookieOf(ctx))
  return {
    ...service,
    ties: JSON.parse(ctx.deps.secrets.open(trip.ties)) as Ties,
    query: ctx.deps.secrets.open(trip.query!),
  }
}

/** Another browser, another provider's address or another page does not use it up. @throws 401 */
async function arrived(
  ctx: HttpCtx,
  kind: ChallengeKind,
  provider: Usable,
  secret: string,
  fits: (trip: Trip) => boolean = () => true,
) {
  const found = await find(ctx, kind, secret)
  if (found.state !== 'ok') throw socialErrors.wrong()
  const trip = found.challenge.data as unknown as Trip
  if (trip.provider !== provider.id || !isSame(ctx, trip) || !fits(trip)) throw socialErrors.wrong()
  const used = await useUp(ctx, found.challenge)
  if (used.state !== 'ok') throw socialErrors.wrong()
  return trip
}

const isSame = (ctx: HttpCtx, { browser }: Trip) =>
  ctx.http
    .cookies(cookieOf(ctx))
    .some((secret) => timingSafeEqual(Buffer.from(fingerprint(secret)), Buffer.from(browser)))
