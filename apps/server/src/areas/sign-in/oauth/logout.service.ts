import { baseUrl } from '../../../kernel/environments.ts'
import { invalid } from '../../../kernel/errors.ts'
import type { Ctx, Destination, HttpCtx } from '../../../kernel/operation.ts'
import { definedApplications } from '../../delivery/mail/applications.ts'
import * as clients from '../../applications/oauth-clients/oauth-clients.service.ts'
import * as redirectUris from '../../applications/oauth-clients/redirect-uris.service.ts'
import * as login from '../login/login.service.ts'
import { withQuery } from './authorize.flow.ts'
import { oauthErrors } from './oauth.errors.ts'
import type { LogoutQuery } from './oauth.schemas.ts'

/**
 * Ends the sessions of the browser: those at the client that the call names, else all in the environment; and the one of the
 * token, if there is one. Then the browser may go on to an address that is allowed for that (OpenID Connect RP-Initiated
 * Logout). Where it must not go on, it is logged out all the same.
 * @returns undefined when it stays
 * @throws 400 for an address that is not allowed
 */
export async function logOut(ctx: HttpCtx, query: LogoutQuery): Promise<Destination | undefined> {
  const { id_token_hint: hint, post_logout_redirect_uri: uri, state } = query,
    holder = hint === undefined ? undefined : await ctx.http.holderOf(hint)
  if (holder?.caller.kind === 'person')
    await ctx.db.session.updateMany({
      where: { id: holder.caller.sessionId, endedAt: null },
      data: { endedAt: ctx.clock.now() },
    })
  await login.logOutOf(ctx, await applicationsOf(ctx, query.client_id ?? holder?.audience))
  if (uri === undefined) return undefined
  if (!(await redirectUris.isAllowedAfterLogout(ctx, uri))) throw oauthErrors.notAfterLogout()
  return { location: state === undefined ? uri : withQuery(uri, { state }) }
}

/** What the user sees who has logged out and goes nowhere. */
export const page = (ctx: Ctx): Destination => ({
  location: `${baseUrl(ctx.deps.publicUrl, ctx.environment)}/oauth/account/logged-out`,
})

/** undefined stands for the environment. */
async function applicationsOf(ctx: HttpCtx, clientId: string | undefined) {
  if (clientId === undefined) return everywhere(ctx)
  const client = await clients.clientOf(ctx, clientId.toLowerCase())
  if (!client) throw invalid('client_id is not valid')
  return [client.applicationId]
}

async function everywhere(ctx: HttpCtx) {
  const { byId } = await definedApplications(ctx)
  return [undefined, ...byId.keys()]
}

/** As `logOut`, for apps that send their cookie, or their refresh token, and go nowhere. */
export async function logOutToken(ctx: HttpCtx, refreshToken: string | undefined) {
  if (refreshToken !== undefined) await login.logOut(ctx, refreshToken)
  else await login.logOutOf(ctx, await everywhere(ctx))
}

/** The refresh tokens of the browser: at the application that the call names, else anywhere in the environment. */
export async function tokensIn(ctx: HttpCtx) {
  return login.tokensOf(ctx, ctx.http.applicationId === undefined ? await everywhere(ctx) : undefined)
}
