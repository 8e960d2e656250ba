import { invalid, onMissing } from '../../../kernel/errors.ts'
import type { Ctx, HttpCtx, UserScope } from '../../../kernel/operation.ts'
import type { MfaDevice } from '@henhouse/database'
import * as mfaPolicy from '../../policies/mfa-policy/mfa-policy.service.ts'
import { originOf, type OwnCtx } from '../../delivery/mail/person.ts'
import { userErrors } from '../../people/users/users.errors.ts'
import { attemptOf, countTry, deviceOf, trying, type Attempt } from './mfa-demand.service.ts'
import * as devices from './mfa-devices.service.ts'
import type { NewDevice } from './mfa-devices.service.ts'
import { enrolling, mustBeActive, passed } from './mfa-login.flow.ts'
import { mfaErrors } from './mfa.errors.ts'
import type { Assertion, DeviceType, NewCredential } from './mfa.schemas.ts'
import * as webauthn from './webauthn.service.ts'
import type { Ceremony, Credential } from './webauthn.service.ts'

const enrolment = { purpose: 'mfa-enrol-webauthn' },
  verification = { purpose: 'mfa-verify-webauthn' },
  removal = { purpose: 'mfa-remove-webauthn' }
const STRATEGIES = ['WebAuthnPlatform', 'WebAuthnCrossPlatform'] as const

interface Enrolment {
  deviceType: DeviceType
  webauthnToken: string
  options: NewCredential
}
interface Proof {
  webauthnToken: string
  options: Assertion
}
interface Finishing {
  mfaToken: string
  rememberDevice?: boolean
}

const atLogin = ({ challenge, user }: Attempt): Ceremony => ({ kind: enrolment, userId: user.id, about: challenge.id })

/** @throws 400 where WebAuthn devices are off, 401, 403, 423 */
export async function startAtLogin(ctx: HttpCtx, mfaToken: string) {
  const attempt = await enrolling(ctx, mfaToken, STRATEGIES)
  return begin(ctx, atLogin(attempt), attempt.user)
}

/** Enrols the device, and logs in. @throws as `startAtLogin`, 409, 429 */
export async function enrolAtLogin(ctx: HttpCtx, { mfaToken, rememberDevice, ...enrolled }: Enrolment & Finishing) {
  const attempt = await enrolling(ctx, mfaToken, [`WebAuthn${enrolled.deviceType}`])
  await countTry(ctx, attempt)
  return passed(ctx, attempt, { factor: 'hwk', rememberDevice, device: await made(ctx, atLogin(attempt), enrolled) })
}

const ofDevice = ({ challenge, user }: Attempt, deviceId: string): Ceremony => ({
  kind: verification,
  userId: user.id,
  about: `${challenge.id} ${deviceId}`,
})

/** @throws 401, 404, 423 */
export async function ask(ctx: HttpCtx, deviceId: string, mfaToken: string) {
  const attempt = await attemptOf(ctx, mfaToken)
  return sign(ctx, ofDevice(attempt, deviceId), deviceOf(attempt, 'webauthn', deviceId))
}

/** Logs in with the device's signature. @throws 401, 404, 423, 429 */
export async function verify(
  ctx: HttpCtx,
  deviceId: string,
  { mfaToken, rememberDevice, ...proof }: Proof & Finishing,
) {
  const attempt = await attemptOf(ctx, mfaToken)
  const device = deviceOf(attempt, 'webauthn', deviceId)
  await trying(ctx, attempt, () => mustHaveSigned(ctx, ofDevice(attempt, deviceId), device, proof))
  return passed(ctx, attempt, { factor: 'hwk', rememberDevice })
}

const ofOneself = (user: UserScope, kind: Ceremony['kind'], about = ''): Ceremony => ({ kind, userId: user.id, about })

/** @throws 400 */
export async function start(ctx: HttpCtx, user: UserScope) {
  await mustBeActive(ctx, STRATEGIES)
  const person = await ctx.db.user
    .findUniqueOrThrow({ where: { id: user.id }, select: { id: true, email: true, name: true } })
    .catch(onMissing(userErrors.notFound()))
  return begin(ctx, ofOneself(user, enrolment), person)
}

/** @returns the recovery code, for the first device @throws 400, 401, 409 */
export async function enrol(ctx: OwnCtx, user: UserScope, enrolled: Enrolment) {
  await mustBeActive(ctx, [`WebAuthn${enrolled.deviceType}`])
  const device = await made(ctx, ofOneself(user, enrolment), enrolled),
    recoveryCode = ctx.random.uuid()
  const code = await ctx.atomically((tx) => devices.add(tx, user.id, device, { recoveryCode, from: originOf(ctx) }))
  return code === undefined ? {} : { recoveryCode: code }
}

/** @throws 404 */
export async function startDisable(ctx: HttpCtx, user: UserScope, deviceId: string) {
  return sign(ctx, ofOneself(user, removal, deviceId), await devices.find(ctx, user.id, 'webauthn', deviceId))
}

/** Removes a device for its signature; the environment needs none. @throws 400, 401, 404 */
export async function disable(
  ctx: OwnCtx,
  user: UserScope,
  deviceId: string,
  { webauthnToken, options }: Partial<Proof>,
) {
  const device = await devices.find(ctx, user.id, 'webauthn', deviceId)
  if (ctx.caller.kind !== 'vendor') {
    if (!webauthnToken) throw invalid('webauthnToken should not be empty')
    if (!options) throw invalid('options must be an object')
    await mustHaveSigned(ctx, ofOneself(user, removal, deviceId), device, { webauthnToken, options })
  }
  const count = await ctx.atomically((tx) => devices.remove(tx, user.id, { id: deviceId, from: originOf(ctx) }))
  if (!count) throw mfaErrors.noDevice()
}

async function begin(ctx: HttpCtx, ceremony: Ceremony, user: { id: string; email: string | null; name: string }) {
  const active = await mfaPolicy.activeStrategies(ctx),
    types = (['Platform', 'CrossPlatform'] as const).filter((type) => active.includes(`WebAuthn${type}`))
  const known = (await devices.listOf(ctx, user.id)).filter((row) => row.kind === 'webauthn').map(credentialOf)
  const options = await webauthn.startRegistration(ctx, ceremony, {
    user,
    known,
    deviceType: types.length === 1 ? types[0] : undefined,
  })
  return { webauthnToken: options.challenge, options }
}

async function made(
  ctx: Ctx,
  ceremony: Ceremony,
  { deviceType, webauthnToken, options }: Enrolment,
): Promise<NewDevice> {
  return { kind: 'webauthn', deviceType, ...(await webauthn.finishRegistration(ctx, ceremony, webauthnToken, options)) }
}

type SigningDevice = Pick<MfaDevice, 'id' | 'credentialId' | 'publicKey' | 'counter' | 'transports'>

async function sign(ctx: HttpCtx, ceremony: Ceremony, device: SigningDevice) {
  const options = await webauthn.startAssertion(ctx, ceremony, [credentialOf(device)])
  return { webauthnToken: options.challenge, options }
}

async function mustHaveSigned(ctx: Ctx, ceremony: Ceremony, device: SigningDevice, { webauthnToken, options }: Proof) {
  const counter = await webauthn.finishAssertion(ctx, ceremony, webauthnToken, options, credentialOf(device))
  const { count } = await ctx.db.mfaDevice.updateMany({
    where: { id: device.id, counter: device.counter },
    data: { counter },
  })
  if (!count) throw mfaErrors.wrongDevice()
}

const credentialOf = ({ credentialId, publicKey, counter, transports }: SigningDevice): Credential => ({
  credentialId: credentialId!,
  publicKey: publicKey!,
  counter: counter!,
  transports,
})
