import { timingSafeEqual } from 'node:crypto'
import { SECOND } from '../../../kernel/clock.ts'
import type { HttpCtx } from '../../../kernel/operation.ts'
import { fingerprint } from '../../../kernel/random.ts'
import * as identitySettings from '../../policies/identity-settings/identity-settings.service.ts'

/**
 * The cookie that tells the browser in which a login was begun. Without it, the link that ends somebody's own login would log
 * another browser in as them (RFC 9700 §4.7). All tabs of a browser share it.
 */
const nameOf = ({ vendorId }: HttpCtx) => `fe_oauth_${vendorId.replaceAll('-', '')}`
const isOurs = (value: string) => /^[\w-]{43}$/.test(value)

/** Sets the cookie, or makes it last longer. @returns what is stored of it */
export async function mark(ctx: HttpCtx, lifetimeMs: number) {
  const secret = ctx.http.cookies(nameOf(ctx)).find(isOurs) ?? ctx.random.token()
  const { cookieSameSite } = await identitySettings.current(ctx)
  ctx.http.setCookie(nameOf(ctx), secret, {
    maxAgeSeconds: lifetimeMs / SECOND,
    // the browser is sent here by another site, and strict cookies do not come along then
    sameSite: cookieSameSite === 'NONE' ? 'none' : 'lax',
  })
  return fingerprint(secret)
}

export const isMarked = (ctx: HttpCtx, stored: string) =>
  ctx.http.cookies(nameOf(ctx)).some((secret) => timingSafeEqual(Buffer.from(fingerprint(secret)), Buffer.from(stored)))
