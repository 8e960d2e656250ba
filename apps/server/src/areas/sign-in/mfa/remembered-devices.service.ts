import { after, SECOND } from '../../../kernel/clock.ts'
import type { HttpCtx } from '../../../kernel/operation.ts'
import { fingerprint } from '../../../kernel/random.ts'
import * as identitySettings from '../../policies/identity-settings/identity-settings.service.ts'
import type { MfaRequirement } from '../../policies/mfa-policy/mfa-policy.schemas.ts'
import type { Rubbish } from '../../../kernel/cleanup.ts'

const cookieName = ({ vendorId }: HttpCtx) => `fe_device_${vendorId.replaceAll('-', '')}`

/** Whether the user had this browser remembered, and the present policy still allows it. */
export async function recognizes(
  ctx: HttpCtx,
  userId: string,
  { allowRememberMyDevice, mfaDeviceExpiration }: MfaRequirement,
) {
  const tokens = ctx.http.cookies(cookieName(ctx)),
    now = ctx.clock.now()
  if (!allowRememberMyDevice || !tokens.length) return false
  const row = await ctx.db.rememberedDevice.findFirst({
    where: {
      id: { in: tokens.map(fingerprint) },
      userId,
      expiresAt: { gt: now },
      createdAt: { gt: after(now, -mfaDeviceExpiration * SECOND) },
    },
    select: { id: true },
  })
  return row !== null
}

/** Always makes a new token: one from the browser may have been planted. */
export async function remember(
  ctx: HttpCtx,
  userId: string,
  { allowRememberMyDevice, mfaDeviceExpiration }: MfaRequirement,
) {
  if (!allowRememberMyDevice) return
  const token = ctx.random.token(),
    now = ctx.clock.now()
  await ctx.db.rememberedDevice.create({
    data: { id: fingerprint(token), userId, createdAt: now, expiresAt: after(now, mfaDeviceExpiration * SECOND) },
  })
  const { cookieSameSite } = await identitySettings.current(ctx)
  ctx.http.setCookie(cookieName(ctx), token, {
    maxAgeSeconds: mfaDeviceExpiration,
    sameSite: cookieSameSite.toLowerCase() as 'strict' | 'lax' | 'none',
  })
}

export const rememberedDeviceRubbish: Rubbish = { table: 'RememberedDevice', when: `t."expiresAt" < env.now` }
