import type { HttpCtx } from '../../../kernel/operation.ts'
import { isUuid } from '../../../kernel/environments.ts'
import { SECOND } from '../../../kernel/clock.ts'
import type { IdentityConfiguration } from '../../policies/identity-settings/identity-settings.schemas.ts'
import type { RefreshToken } from './refresh-tokens.service.ts'

/** The application that the request names. The environment's client id counts as none. */
export const requestedApplication = ({ http, vendorId }: HttpCtx) =>
  http.applicationId === vendorId ? undefined : http.applicationId
/** Only if it can be an id: it becomes part of a cookie's name. */
export const applicationOf = (ctx: HttpCtx) => {
  const id = requestedApplication(ctx)
  return id !== undefined && isUuid(id) ? id : undefined
}

/** Mobile clients build the name themselves: they drop only the first dash of the id. */
const nameOf = (id: string) => `fe_refresh_${id.replace('-', '')}`
/** Other clients drop no dash, or all of them. */
const spellings = (id: string) => [nameOf(id), `fe_refresh_${id}`, `fe_refresh_${id.replaceAll('-', '')}`]

/** The request's cookies for the requested application, or else the environment's. */
function present(ctx: HttpCtx) {
  const sent = [applicationOf(ctx), ctx.vendorId].map((id) =>
    (id === undefined ? [] : spellings(id)).filter((name) => ctx.http.cookies(name).length),
  )
  return sent.find((names) => names.length) ?? []
}

/** The refresh tokens that came in cookies: a browser may hold an old one, or another host's, beside the good one. */
export const read = (ctx: HttpCtx) => present(ctx).flatMap((name) => ctx.http.cookies(name))

/** The refresh tokens in the cookie of the application, or of the environment: a login there writes over it. */
export const of = (ctx: HttpCtx, applicationId: string | undefined) =>
  spellings(applicationId ?? ctx.vendorId).flatMap((name) => ctx.http.cookies(name))

export function write(
  ctx: HttpCtx,
  applicationId: string | null | undefined,
  { token, expiresAt }: RefreshToken,
  { cookieSameSite }: IdentityConfiguration,
) {
  const maxAgeSeconds = Math.max(0, Math.ceil((expiresAt.getTime() - ctx.clock.now().getTime()) / SECOND))
  ctx.http.setCookie(nameOf(applicationId ?? ctx.vendorId), token, {
    maxAgeSeconds,
    sameSite: cookieSameSite.toLowerCase() as 'strict' | 'lax' | 'none',
  })
}

export function clear(ctx: HttpCtx) {
  for (const name of present(ctx)) ctx.http.clearCookie(name)
}

export function clearOf(ctx: HttpCtx, applicationId: string | undefined) {
  for (const name of spellings(applicationId ?? ctx.vendorId))
    if (ctx.http.cookies(name).length) ctx.http.clearCookie(name)
}
