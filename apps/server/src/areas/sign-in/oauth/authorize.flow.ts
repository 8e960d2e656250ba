import { after, MINUTE, SECOND } from '../../../kernel/clock.ts'
import * as challenges from '../../../kernel/challenges.ts'
import { asReached, baseUrl } from '../../../kernel/environments.ts'
import { ApiError, errors } from '../../../kernel/errors.ts'
import type { Ctx, Destination, HttpCtx } from '../../../kernel/operation.ts'
import * as cookie from '../../access/tokens/refresh-cookie.ts'
import * as refreshTokens from '../../access/tokens/refresh-tokens.service.ts'
import type { Subject } from '../../access/tokens/refresh-tokens.service.ts'
import { clientErrors } from '../../applications/oauth-clients/oauth-clients.errors.ts'
import * as clients from '../../applications/oauth-clients/oauth-clients.service.ts'
import type { Client } from '../../applications/oauth-clients/oauth-clients.service.ts'
import * as redirectUris from '../../applications/oauth-clients/redirect-uris.service.ts'
import * as login from '../login/login.service.ts'
import { MULTI_FACTOR } from '../mfa/mfa-login.flow.ts'
import { mfaErrors } from '../mfa/mfa.errors.ts'
import { readAsked, type Asked } from './asked.ts'
import * as browser from './browser.ts'
import { oauthErrors } from './oauth.errors.ts'
import type { AuthorizeQuery } from './oauth.schemas.ts'

/** A login that a client has asked for and that waits for its user. People read their mail in between. */
const begun = { purpose: 'oauth-state' },
  BEGUN_MS = 30 * MINUTE
/** A user who has logged in and is on the way back to the client. */
export const returning = { purpose: 'oauth-return' }
const RETURNING_MS = 5 * MINUTE
/** What the client exchanges for tokens. */
export const authorizationCode = { purpose: 'oauth-code' }
const CODE_MS = 90 * SECOND

/** What is kept of a login between its steps. */
interface Begun {
  readonly asked: Asked
  /** the cookie of the browser, hashed */
  readonly browser: string
}
/** What is kept of one that has come to its end. */
export type Returning = Begun & Login
interface Login {
  readonly sessionId: string
  readonly proof: { readonly amr?: readonly string[] | undefined; readonly acr?: string | undefined }
}
/** What a code stands for. */
export interface Granted extends Login {
  readonly asked: Asked
}

/**
 * The client sends a browser here. It goes back with a code if its user is logged in, else to the login page.
 * @throws 400 for an unknown client, or an address that is not the client's: nobody is sent anywhere then; 403 where OAuth is off
 */
export async function authorize(ctx: HttpCtx, query: AuthorizeQuery): Promise<Destination> {
  await clients.mustBeOn(ctx)
  const client = await clientAt(ctx, query.client_id, query.redirect_uri)
  try {
    const asked = await readAsked(ctx, client, query),
      known = await sessionFor(ctx, client, asked)
    if (asked.prompt === 'none') mustNeedNoPage(asked, known !== undefined)
    if (!known) return await toPrelogin(ctx, asked)
    if (asked.wantsConsent) return await toConsent(ctx, asked, known)
    return await giveCode(ctx, asked, known.session.user, { ...known, proof: {} })
  } catch (error) {
    return refuse(ctx, { redirectUri: query.redirect_uri!, state: query.state }, error)
  }
}

/**
 * Goes on to `authorize`. A form of another site comes without the cookies that a link or a redirect from there comes with: so
 * what it asks is looked at only after a redirect.
 */
export const asQuery = (ctx: Ctx, asked: AuthorizeQuery): Destination => ({
  location: withQuery(`${base(ctx)}/oauth/authorize`, asked),
})

/** @throws 400 */
export async function clientAt(ctx: HttpCtx, id: string | undefined, redirectUri: string | undefined) {
  const client = id ? await clients.clientOf(ctx, id.toLowerCase()) : undefined
  if (!client) throw clientErrors.unknown()
  if (redirectUri === undefined || !redirectUris.isAmong(redirectUri, client.redirectUris))
    throw clientErrors.redirectNotAllowed()
  return client
}

/** OpenID Connect Core §3.1.2.6. @throws 400 */
function mustNeedNoPage({ wantsMfa, wantsConsent }: Asked, isLoggedIn: boolean) {
  if (wantsMfa) throw oauthErrors.interactionRequired()
  if (!isLoggedIn) throw oauthErrors.loginRequired()
  if (wantsConsent) throw oauthErrors.consentRequired()
}

/** The session of the browser at the client's application, if it is enough without a page. */
async function sessionFor(ctx: HttpCtx, client: Client, asked: Asked) {
  if ((asked.prompt !== undefined && asked.prompt !== 'none') || asked.wantsMfa) return undefined
  const found = await sessionAt(ctx, client, asked)
  return found && isFresh(asked, found.session.createdAt, ctx.clock.now())
    ? { session: found.session, sessionId: found.session.id, tenantId: found.tenant.id }
    : undefined
}

const sessionAt = (ctx: HttpCtx, { applicationId }: Client, { tenantId }: Asked) =>
  login.sessionIn(ctx, cookie.of(ctx, applicationId), { wanted: tenantId, applicationId: applicationId ?? null })

const isFresh = ({ maxAge }: Asked, loggedInAt: Date, at: Date) =>
  maxAge === undefined || after(loggedInAt, maxAge * SECOND) >= at

/** Keeps the request for the time of the login. */
async function toPrelogin(ctx: HttpCtx, asked: Asked): Promise<Destination> {
  const secret = ctx.random.token(),
    data: Begun = { asked, browser: await browser.mark(ctx, BEGUN_MS) }
  await challenges.issue(ctx, begun, { secret, lifetimeMs: BEGUN_MS, data })
  return { location: `${base(ctx)}/oauth/prelogin?${new URLSearchParams(shownOf(asked, secret))}` }
}

/** For a browser that is logged in already. */
async function toConsent(
  ctx: HttpCtx,
  asked: Asked,
  { session: { user }, sessionId, tenantId }: { session: { user: Subject }; sessionId: string; tenantId: string },
): Promise<Destination> {
  const data: Returning = { asked, browser: await browser.mark(ctx, BEGUN_MS), sessionId, proof: {} },
    secret = ctx.random.token()
  await ctx.atomically(async (tx) => {
    await refreshTokens.mustBeUnchanged(tx, user)
    await challenges.issue(tx, returning, { secret, lifetimeMs: RETURNING_MS, userId: user.id, tenantId, data })
  })
  return consentPage(ctx, asked, secret)
}
const consentPage = (ctx: HttpCtx, { clientId }: Asked, state: string): Destination => ({
  location: `${base(ctx)}/oauth/account/consent?${new URLSearchParams({ client_id: clientId, state })}`,
})

/** What a login page may read of the request. The server itself believes only the state. */
const shownOf = ({ clientId, redirectUri, page }: Asked, state: string) => ({
  client_id: clientId,
  redirect_uri: redirectUri,
  state,
  ...page,
})

/** On to the login page: the application's own one, if it is not the server's. @throws 400 */
export async function prelogin(ctx: HttpCtx, state: string | undefined): Promise<Destination> {
  const { asked } = await shown(ctx, begun, state),
    client = await clientAt(ctx, asked.clientId, asked.redirectUri),
    page = foreignPageOf(ctx, client) ?? (await ownPageFor(ctx, client, asked))
  return { location: withQuery(page, shownOf(asked, state!)) }
}

function foreignPageOf(ctx: HttpCtx, client: Client) {
  const own = `${base(ctx)}/oauth`,
    loginURL = asReached(ctx.deps, ctx.environment, client.loginURL ?? '')
  return /^https?:/i.test(loginURL) && URL.canParse(loginURL) && loginURL !== own && !loginURL.startsWith(`${own}/`)
    ? loginURL
    : undefined
}

/** Whoever is logged in, and lacks only a fresh proof or a stronger one, is asked for that alone. */
async function ownPageFor(ctx: HttpCtx, client: Client, asked: Asked) {
  const isStepUp =
    asked.prompt === undefined &&
    (asked.wantsMfa || asked.maxAge !== undefined) &&
    (await sessionAt(ctx, client, asked)) !== undefined
  return `${base(ctx)}/oauth/account/${isStepUp ? 'step-up' : 'login'}`
}

/**
 * The login page says that its user has logged in, by their token: where the browser is to go next. The state is used up.
 * @throws 400 for a state of another browser or a token of another application; 401 for a token that is no login; 403 for a
 * login that is too old, or not strong enough; 404 for an account that does not let the user in
 */
export async function postlogin(ctx: HttpCtx, state: string, token: string) {
  await clients.mustBeOn(ctx)
  const { asked, browser: mark, challenge } = await shown(ctx, begun, state),
    client = await clientAt(ctx, asked.clientId, asked.redirectUri)
  const holder = await ctx.http.holderOf(token)
  if (holder?.caller.kind !== 'person') throw errors.unauthorized()
  const { caller, proof } = holder,
    { session, tenant } = await login.placeOf(ctx, caller, asked.tenantId ?? caller.tenantId)
  if (session.applicationId !== (client.applicationId ?? null)) throw oauthErrors.otherApplication()
  if (
    asked.prompt === 'login'
      ? session.createdAt < challenge.createdAt
      : !isFresh(asked, session.createdAt, challenge.createdAt)
  )
    throw oauthErrors.tooOld()
  if (asked.wantsMfa && proof.acr !== MULTI_FACTOR) throw mfaErrors.wanted()
  const secret = ctx.random.token(),
    data: Returning = { asked, browser: mark, sessionId: session.id, proof }
  await ctx.atomically(async (tx) => {
    await refreshTokens.mustBeUnchanged(tx, session.user)
    if ((await challenges.useUp(tx, challenge)).state !== 'ok') throw oauthErrors.badState()
    await challenges.issue(tx, returning, {
      secret,
      lifetimeMs: RETURNING_MS,
      userId: session.user.id,
      tenantId: tenant.id,
      data,
    })
  })
  return { redirectUrl: `${base(ctx)}/oauth/postlogin/redirect?${new URLSearchParams({ state: secret })}` }
}

/** Back to the client, with a code. Who is locked or kept out meanwhile gets none. @throws 400 */
export async function postloginRedirect(ctx: HttpCtx, state: string | undefined): Promise<Destination> {
  const { asked, sessionId, proof, challenge } = await shown<Returning>(ctx, returning, state)
  await clientAt(ctx, asked.clientId, asked.redirectUri)
  if (asked.wantsConsent) return consentPage(ctx, asked, state!)
  try {
    const { session, tenant } = await placeIn(ctx, challenge, sessionId)
    return await giveCode(ctx, asked, session.user, { sessionId, tenantId: tenant.id, proof }, challenge)
  } catch (error) {
    return refuse(ctx, asked, error)
  }
}

/** Where whoever has logged in still may go on. @throws as `login.placeOf` */
export const placeIn = (
  ctx: HttpCtx,
  { userId, tenantId }: { userId: string | null; tenantId: string | null },
  sessionId: string,
) => login.placeOf(ctx, { sessionId, userId: userId! }, tenantId!)

/** @param used the step before, which is used up with it */
export async function giveCode(
  ctx: HttpCtx,
  asked: Asked,
  user: Subject,
  { sessionId, tenantId, proof }: Login & { tenantId: string },
  used?: { id: string },
): Promise<Destination> {
  const code = ctx.random.token(),
    data: Granted = { asked, sessionId, proof }
  await ctx.atomically(async (tx) => {
    await refreshTokens.mustBeUnchanged(tx, user)
    if (used && (await challenges.useUp(tx, used)).state !== 'ok') throw oauthErrors.badState()
    await challenges.issue(tx, authorizationCode, {
      secret: code,
      lifetimeMs: CODE_MS,
      userId: user.id,
      tenantId,
      data,
    })
  })
  return { location: withQuery(asked.redirectUri, answerOf(ctx, asked, { code })) }
}

/** The client learns that there is no code, and why. */
export function refuse(ctx: HttpCtx, asked: Pick<Asked, 'redirectUri' | 'state'>, error: unknown): Destination {
  if (!(error instanceof ApiError) || error.status >= 500 || error.status === 429) throw error
  const fields = { error: error.oauthError ?? 'access_denied', error_description: error.messages.join('. ') }
  return { location: withQuery(asked.redirectUri, answerOf(ctx, asked, fields)) }
}

/** With the issuer, so that a client of several servers knows whose answer it is (RFC 9207). */
const answerOf = (ctx: HttpCtx, { state }: Pick<Asked, 'state'>, fields: Record<string, string>) => ({
  ...fields,
  ...(state !== undefined && { state }),
  iss: base(ctx),
})

/** What a state stands for, shown by the browser that it was given to. @throws 400 */
export async function shown<D extends Begun = Begun>(
  ctx: HttpCtx,
  kind: { purpose: string },
  state: string | undefined,
) {
  const found = state ? await challenges.find(ctx, kind, state) : undefined
  if (found?.state !== 'ok') throw oauthErrors.badState()
  const { challenge } = found,
    data = challenge.data as unknown as D
  if (!browser.isMarked(ctx, data.browser)) throw oauthErrors.badState()
  return { ...data, challenge }
}

const base = (ctx: Ctx) => baseUrl(ctx.deps.publicUrl, ctx.environment)
/** The address itself stays as it is, byte for byte. */
export const withQuery = (address: string, fields: Record<string, string>) =>
  `${address}${address.includes('?') ? '&' : '?'}${new URLSearchParams(fields)}`
