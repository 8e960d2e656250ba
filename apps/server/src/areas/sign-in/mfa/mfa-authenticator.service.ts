import type { MfaDevice } from '@henhouse/database'
import { find as findChallenge, issue, revoke, type ChallengeKind } from '../../../kernel/challenges.ts'
import { MINUTE } from '../../../kernel/clock.ts'
import { onMissing } from '../../../kernel/errors.ts'
import type { Ctx, HttpCtx, UserScope } from '../../../kernel/operation.ts'
import { originOf, type OwnCtx } from '../../delivery/mail/person.ts'
import { userErrors } from '../../people/users/users.errors.ts'
import { attemptOf, countTry, countTryOf, deviceOf, forgetTries, scannable, trying } from './mfa-demand.service.ts'
import * as devices from './mfa-devices.service.ts'
import { enrolling, mustBeActive, passed } from './mfa-login.flow.ts'
import { mfaErrors } from './mfa.errors.ts'
import { newSecret, stepOf } from './totp.ts'

/** An app that a logged-in user has begun to enrol; its secret is sealed. */
const enrolment: ChallengeKind = { purpose: 'mfa-enrol-authenticator' }
const ENROLMENT_MS = 10 * MINUTE

interface Finishing {
  mfaToken: string
  rememberDevice?: boolean
}

/** What the app scans for the token's user: the same as in the login's answer. */
export async function startAtLogin(ctx: Ctx, mfaToken: string) {
  const { user, data } = await enrolling(ctx, mfaToken, ['AuthenticatorApp'])
  if (data.secret === undefined) throw mfaErrors.alreadyEnrolled()
  return scannable(ctx, user, ctx.deps.secrets.open(data.secret))
}

/** Enrols the app that made this code, and logs in. @throws 401, 423, 429 */
export async function enrolAtLogin(ctx: HttpCtx, { token, mfaToken, rememberDevice }: Finishing & { token: string }) {
  const attempt = await enrolling(ctx, mfaToken, ['AuthenticatorApp']),
    { secret } = attempt.data
  if (secret === undefined) throw mfaErrors.alreadyEnrolled()
  await countTry(ctx, attempt)
  const lastStep = await stepOf(ctx, ctx.deps.secrets.open(secret), token)
  if (lastStep === undefined) throw mfaErrors.wrongCode()
  return passed(ctx, attempt, { factor: 'otp', rememberDevice, device: { kind: 'authenticator', secret, lastStep } })
}

/** Logs in with a code. @param deviceId absent: any app of the user @throws 401, 404, 423, 429 */
export async function verifyAtLogin(
  ctx: HttpCtx,
  { value, mfaToken, rememberDevice }: Finishing & { value: string },
  deviceId?: string,
) {
  const attempt = await attemptOf(ctx, mfaToken)
  const apps =
    deviceId === undefined
      ? attempt.devices.filter(({ kind }) => kind === 'authenticator')
      : [deviceOf(attempt, 'authenticator', deviceId)]
  if (!apps.length) throw mfaErrors.notEnrolled()
  await trying(ctx, attempt, () => mustBeCodeOf(ctx, apps, value))
  return passed(ctx, attempt, { factor: 'otp', rememberDevice })
}

/** Begins to enrol an app of a logged-in user; replaces an enrolment begun before. */
export async function start(ctx: Ctx, user: UserScope) {
  await mustBeActive(ctx, ['AuthenticatorApp'])
  const secret = newSecret(),
    sealed = ctx.deps.secrets.seal(secret)
  const row = await ctx.db.user
    .findUniqueOrThrow({ where: { id: user.id }, select: { email: true, name: true } })
    .catch(onMissing(userErrors.notFound()))
  await revoke(ctx, user.id, [enrolment])
  await issue(ctx, enrolment, { secret: user.id, lifetimeMs: ENROLMENT_MS, userId: user.id, data: { secret: sealed } })
  return scannable(ctx, row, secret)
}

/** @returns a recovery code, which replaces any older one @throws 400 when nothing was begun, 401, 429 */
export async function enrol(ctx: OwnCtx, user: UserScope, code: string) {
  await mustBeActive(ctx, ['AuthenticatorApp'])
  const begun = await findChallenge(ctx, enrolment, user.id)
  if (begun.state !== 'ok') throw mfaErrors.noEnrolment()
  await countTryOf(ctx, user.id)
  const { id, data } = begun.challenge,
    { secret } = data as { secret: string }
  const lastStep = await stepOf(ctx, ctx.deps.secrets.open(secret), code)
  if (lastStep === undefined) throw mfaErrors.wrongCode()
  const recoveryCode = ctx.random.uuid()
  await ctx.atomically(async (tx) => {
    const { count } = await tx.db.challenge.updateMany({
      where: { id, consumedAt: null },
      data: { consumedAt: ctx.clock.now() },
    })
    if (!count) throw mfaErrors.noEnrolment()
    await devices.add(
      tx,
      user.id,
      { kind: 'authenticator', secret, lastStep },
      { recoveryCode, renews: true, from: originOf(ctx) },
    )
  })
  await forgetTries(ctx, user.id)
  return { recoveryCode }
}

/** Removes an app for one of its codes; the environment needs no code. @throws 401, 404, 429 */
export async function disable(ctx: OwnCtx, user: UserScope, deviceId: string, code: string | undefined) {
  const apps = await appsOf(ctx, user.id, deviceId)
  if (ctx.caller.kind !== 'vendor') await mustProve(ctx, user.id, apps, code)
  const count = await ctx.atomically((tx) => devices.remove(tx, user.id, { id: deviceId, from: originOf(ctx) }))
  if (!count) throw mfaErrors.noDevice()
}

/** The older route: removes the app that made the code; for the environment, removes every factor. @throws 400 when there is none, 401, 429 */
export async function disableAny(ctx: OwnCtx, user: UserScope, code: string | undefined) {
  if (ctx.caller.kind === 'vendor') return devices.unenrol(ctx, user.id)
  const apps = await appsOf(ctx, user.id)
  if (!apps.length) throw mfaErrors.notEnrolled()
  const { id } = await mustProve(ctx, user.id, apps, code)
  const count = await ctx.atomically((tx) => devices.remove(tx, user.id, { id, from: originOf(ctx) }))
  if (!count) throw mfaErrors.notEnrolled()
}

async function mustProve(ctx: Ctx, userId: string, apps: readonly App[], code: string | undefined) {
  await countTryOf(ctx, userId)
  const app = await mustBeCodeOf(ctx, apps, code ?? '')
  await forgetTries(ctx, userId)
  return app
}

const appsOf = async (ctx: Ctx, userId: string, deviceId?: string) =>
  deviceId === undefined
    ? ctx.db.mfaDevice.findMany({ where: { userId, kind: 'authenticator' }, orderBy: { createdAt: 'asc' } })
    : [await devices.find(ctx, userId, 'authenticator', deviceId)]

type App = Pick<MfaDevice, 'id' | 'secret'>

/** The app that made this code. A code works once, and older ones not after it. @throws 401 */
async function mustBeCodeOf(ctx: Ctx, apps: readonly App[], code: string) {
  for (const app of apps) {
    const step = await stepOf(ctx, ctx.deps.secrets.open(app.secret!), code)
    if (step === undefined) continue
    const { count } = await ctx.db.mfaDevice.updateMany({
      where: { id: app.id, OR: [{ lastStep: null }, { lastStep: { lt: step } }] },
      data: { lastStep: step },
    })
    if (count) return app
  }
  throw mfaErrors.wrongCode()
}
