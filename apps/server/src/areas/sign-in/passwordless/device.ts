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

/** The attempt that the browser's cookie names; `matches` checks its secret. */
export function shown(ctx: HttpCtx) {
  const [attemptId = '', secret = ''] = ctx.http.cookies[nameOf(ctx)]?.split('.') ?? []
  return isUuid(attemptId) ? { attemptId, hash: fingerprint(secret) } : undefined
}

export const matches = (device: ReturnType<typeof shown>, { id, data }: { id: string; data: unknown }) =>
  device?.attemptId === id &&
  timingSafeEqual(Buffer.from(device.hash), Buffer.from((data as { device: string }).device))

export function forget(ctx: HttpCtx) {
  if (ctx.http.cookies[nameOf(ctx)] !== undefined) ctx.http.clearCookie(nameOf(ctx))
}
