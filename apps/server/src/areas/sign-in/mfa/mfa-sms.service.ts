import type { Ctx, HttpCtx, UserScope } from '../../../kernel/operation.ts'
import { masked } from '../../delivery/sms/sms.schemas.ts'
import { originOf, type OwnCtx } from '../../delivery/mail/person.ts'
import { plain } from '../../people/users/users.service.ts'
import * as codes from './mfa-codes.service.ts'
import type { Occasion } from './mfa-codes.service.ts'
import { attemptOf, countTry, countTryOf, deviceOf, forgetTries, trying, type Attempt } from './mfa-demand.service.ts'
import * as devices from './mfa-devices.service.ts'
import { enrolling, mustBeActive, passed } from './mfa-login.flow.ts'
import { mfaErrors } from './mfa.errors.ts'

const enrolment = { purpose: 'mfa-enrol-sms', typed: true } as const,
  verification = { purpose: 'mfa-verify-sms', typed: true } as const,
  removal = { purpose: 'mfa-remove-sms', typed: true } as const

interface Code {
  otcToken: string
  code: string
}
type Finishing = Code & { mfaToken: string; rememberDevice?: boolean }

const atLogin = ({ challenge, user }: Attempt): Occasion => ({ kind: enrolment, userId: user.id, about: challenge.id })

/** Sends a code to the phone to enrol. @throws 403, 429 */
export async function startAtLogin(ctx: Ctx, { mfaToken, phoneNumber }: { mfaToken: string; phoneNumber: string }) {
  const attempt = await enrolling(ctx, mfaToken, ['SMS'])
  return begin(ctx, atLogin(attempt), plain(phoneNumber))
}

/** Enrols the phone that got the code, and logs in. @throws 401, 423, 429 */
export async function enrolAtLogin(ctx: HttpCtx, { mfaToken, rememberDevice, ...code }: Finishing) {
  const attempt = await enrolling(ctx, mfaToken, ['SMS'])
  await countTry(ctx, attempt)
  const { phoneNumber } = (await codes.enter(ctx, atLogin(attempt), code)) as { phoneNumber: string }
  return passed(ctx, attempt, { factor: 'sms', rememberDevice, device: { kind: 'sms', phoneNumber } })
}

const ofDevice = ({ challenge, user }: Attempt, deviceId: string): Occasion => ({
  kind: verification,
  userId: user.id,
  about: `${challenge.id} ${deviceId}`,
})

/** Sends a code to an enrolled phone. @throws 401, 404, 423, 429 */
export async function ask(ctx: Ctx, deviceId: string, mfaToken: string) {
  const attempt = await attemptOf(ctx, mfaToken)
  const { phoneNumber } = deviceOf(attempt, 'sms', deviceId)
  return {
    otcToken: await codes.sendSms(ctx, ofDevice(attempt, deviceId), phoneNumber!),
    phoneNumber: masked(phoneNumber!),
  }
}

/** Logs in with the code. @throws 401, 404, 423, 429 */
export async function verify(ctx: HttpCtx, deviceId: string, { mfaToken, rememberDevice, ...code }: Finishing) {
  const attempt = await attemptOf(ctx, mfaToken)
  deviceOf(attempt, 'sms', deviceId)
  await trying(ctx, attempt, () => codes.enter(ctx, ofDevice(attempt, deviceId), code))
  return passed(ctx, attempt, { factor: 'sms', rememberDevice })
}

const ofOneself = (user: UserScope, kind: Occasion['kind'], about = ''): Occasion => ({ kind, userId: user.id, about })

/** Begins to enrol a phone of a logged-in user. @throws 409, 429 */
export async function start(ctx: Ctx, user: UserScope, written: string) {
  await mustBeActive(ctx, ['SMS'])
  const phoneNumber = plain(written)
  if (await ctx.db.mfaDevice.count({ where: { userId: user.id, phoneNumber } })) throw mfaErrors.deviceTaken()
  return begin(ctx, ofOneself(user, enrolment), phoneNumber)
}

/** @returns the recovery code, for the first device @throws 401, 400, 409, 429 */
export async function enrol(ctx: OwnCtx, user: UserScope, code: Code) {
  await mustBeActive(ctx, ['SMS'])
  const { phoneNumber } = (await tried(ctx, ofOneself(user, enrolment), code)) as { phoneNumber: string }
  const recoveryCode = await ctx.atomically((tx) =>
    devices.add(tx, user.id, { kind: 'sms', phoneNumber }, { recoveryCode: ctx.random.uuid(), from: originOf(ctx) }),
  )
  return recoveryCode === undefined ? {} : { recoveryCode }
}

/** Sends the code that removes the phone. @throws 404, 429 */
export async function startDisable(ctx: Ctx, user: UserScope, deviceId: string) {
  const { phoneNumber } = await devices.find(ctx, user.id, 'sms', deviceId)
  return {
    otcToken: await codes.sendSms(ctx, ofOneself(user, removal, deviceId), phoneNumber!),
    phoneNumber: masked(phoneNumber!),
  }
}

/** @throws 401, 400, 404, 429 */
export async function disable(ctx: OwnCtx, user: UserScope, deviceId: string, code: Code) {
  await devices.find(ctx, user.id, 'sms', deviceId)
  await tried(ctx, ofOneself(user, removal, deviceId), code)
  const count = await ctx.atomically((tx) => devices.remove(tx, user.id, { id: deviceId, from: originOf(ctx) }))
  if (!count) throw mfaErrors.noDevice()
}

async function tried(ctx: Ctx, occasion: Occasion, code: Code) {
  await countTryOf(ctx, occasion.userId)
  const data = await codes.enter(ctx, occasion, code)
  await forgetTries(ctx, occasion.userId)
  return data
}

const begin = async (ctx: Ctx, occasion: Occasion, phoneNumber: string) => ({
  otcToken: await codes.sendSms(ctx, occasion, phoneNumber, { phoneNumber }),
  phoneNumber,
})
