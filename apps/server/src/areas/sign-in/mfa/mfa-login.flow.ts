import type { Ctx, HttpCtx } from '../../../kernel/operation.ts'
import type { LoginAnswer } from '../entry/entry.schemas.ts'
import * as entry from '../entry/entry.service.ts'
import { mustBeVerified } from '../entry/verified-address.service.ts'
import type { MfaStrategy } from '../../policies/mfa-policy/mfa-policy.schemas.ts'
import * as identitySettings from '../../policies/identity-settings/identity-settings.service.ts'
import * as mfaPolicy from '../../policies/mfa-policy/mfa-policy.service.ts'
import * as users from '../../people/users/users.service.ts'
import { attemptOf, useUp, type Attempt } from './mfa-demand.service.ts'
import { add, mailable, type NewDevice } from './mfa-devices.service.ts'
import { mfaErrors } from './mfa.errors.ts'
import * as remembered from './remembered-devices.service.ts'

/** The factors by their `amr` names (RFC 8176). */
type Factor = 'otp' | 'sms' | 'hwk'
export const MULTI_FACTOR = 'http://schemas.openid.net/pape/policies/2007/06/multi-factor'

interface Passed {
  factor: Factor
  rememberDevice?: boolean | undefined
  device?: NewDevice
}

/**
 * Finishes a login after a right second factor, and stores the device that was enrolled during it. Of many calls at once,
 * one succeeds.
 * @throws 401 when the token has been used; 403 when somebody enrolled another device first
 */
export async function passed(
  ctx: HttpCtx,
  attempt: Attempt,
  { factor, rememberDevice, device }: Passed,
): Promise<LoginAnswer> {
  const { challenge, user, data } = attempt,
    { open } = ctx.deps.secrets,
    now = ctx.clock.now()
  await mustBeVerified(ctx, user, await identitySettings.current(ctx))
  const before = await entry.placeFor(ctx, user, {
    wanted: challenge.tenantId ?? undefined,
    invitationToken: data.invitation && open(data.invitation),
  })
  const recoveryCode = data.recoveryCode && open(data.recoveryCode)
  const newCode = device
    ? await ctx.atomically(async (tx) => {
        await useUp(tx, attempt)
        return add(tx, user.id, device, { only: true, recoveryCode, from: ctx.http })
      })
    : await useUp(ctx, attempt)
  const place = await entry.arrival(ctx, user, before)
  if (rememberDevice) await remembered.remember(ctx, user.id, await mfaPolicy.requirement(ctx, place.tenant.tenantIds))
  const answer = await entry.enter(ctx, user, {
    ...place,
    mfaPassed: true,
    proof: { amr: ['mfa', factor], acr: MULTI_FACTOR, authTime: now },
  })
  if (data.sessionId !== undefined)
    await ctx.db.session.updateMany({
      where: { id: data.sessionId, userId: user.id, endedAt: null },
      data: { endedAt: now },
    })
  return { ...answer, ...(newCode !== undefined && { recoveryCode: newCode }) }
}

/** As `attemptOf`, for enrolling. A user who has a second factor must show it first. @throws 403; 400 when the environment has no such factor */
export async function enrolling(ctx: Ctx, mfaToken: string, strategies: readonly MfaStrategy[]) {
  const attempt = await attemptOf(ctx, mfaToken)
  if (attempt.user.mfaEnrolled || (await mailable(ctx, attempt.user)) !== undefined) throw mfaErrors.alreadyEnrolled()
  await mustBeActive(ctx, strategies)
  return attempt
}

/** @throws 400 unless one of the strategies is on */
export async function mustBeActive(ctx: Ctx, strategies: readonly MfaStrategy[]) {
  const active = await mfaPolicy.activeStrategies(ctx)
  if (!strategies.some((one) => active.includes(one))) throw mfaErrors.strategyOff()
}

/** Whether this browser may be remembered for the token's user, and for how many seconds. */
export async function rememberPolicy(ctx: Ctx, mfaToken: string) {
  const { user, challenge } = await attemptOf(ctx, mfaToken)
  const tenant = await users.activeTenantOf(ctx, { ...user, activeTenantId: challenge.tenantId })
  const { allowRememberMyDevice, mfaDeviceExpiration } = await mfaPolicy.requirement(ctx, tenant?.tenantIds ?? [])
  return { isAllowedToRemember: allowRememberMyDevice, mfaDeviceExpiration }
}
