import { timingSafeEqual } from 'node:crypto'
import { isUuid } from '../../../kernel/environments.ts'
import type { HttpCtx } from '../../../kernel/operation.ts'
import { fingerprint } from '../../../kernel/random.ts'
import type { IdentityConfiguration } from '../../policies/identity-settings/identity-settings.schemas.ts'

/**
 * The cookie that identifies the browser that asked to log in. It holds the attempt's id and a secret; the attempt stores the
 * secret's hash. Attempts for unknown users have a cookie, too.
 */
const nameOf = ({ vendorId }: HttpCtx) => `fe_passwordless_${vendorId.replaceAll('-', '')}`

export function mark(
  ctx: HttpCtx,
  attemptId: string,
  secret: string,
  { cookieSameSite, defaultPasswordlessTokenExpiration }: IdentityConfiguration,
) {
  ctx.http.setCookie(nameOf(ctx), `${attemptId}.${secret}`, {
    maxAgeSeconds: defaultPasswordlessTokenExpiration,
    sameSite: cookieSameSite.toLowerCase() as 'strict' | 'lax' | 'none',
  })
}

/** The attempts that the browser's cookies name; `matches` checks their secrets. */
export const shown = (ctx: HttpCtx) =>
  ctx.http
    .cookies(nameOf(ctx))
    .map((value) => value.split('.'))
    .flatMap(([attemptId = '', secret = '']) => (isUuid(attemptId) ? [{ attemptId, hash: fingerprint(secret) }] : []))

export const matches = (devices: ReturnType<typeof shown>, { id, data }: { id: string; data: unknown }) =>
  devices.some(
    ({ attemptId, hash }) =>
      attemptId === id && timingSafeEqual(Buffer.from(hash), Buffer.from((data as { device: string }).device)),
  )

export function forget(ctx: HttpCtx) {
  if (ctx.http.cookies(nameOf(ctx)).length) ctx.http.clearCookie(nameOf(ctx))
}
