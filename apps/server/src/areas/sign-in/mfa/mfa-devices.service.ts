import type { Prisma } from '@henhouse/database'
import { plainCode, revoke, type ChallengeKind } from '../../../kernel/challenges.ts'
import { onDuplicate, onMissing } from '../../../kernel/errors.ts'
import type { Ctx, UserScope } from '../../../kernel/operation.ts'
import { fingerprint } from '../../../kernel/random.ts'
import type { MailTemplateType } from '../../delivery/mail/mail.schemas.ts'
import * as mail from '../../delivery/mail/mail.service.ts'
import * as mfaPolicy from '../../policies/mfa-policy/mfa-policy.service.ts'
import { userErrors } from '../../people/users/users.errors.ts'
import { mailDataOf, type Origin } from '../../delivery/mail/person.ts'
import { plain } from '../../people/users/users.service.ts'
import { mfaErrors } from './mfa.errors.ts'
import { toMfaDevices } from './mfa.schemas.ts'
import { mustBeSecret } from './totp.ts'
import * as events from '../../rights/events/events.service.ts'

/** The token between the first and the second factor. It ends after five tries, right or wrong. */
export const mfaTokens = { purpose: 'mfa', maxAttempts: 5 } satisfies ChallengeKind

export type Kind = 'authenticator' | 'sms' | 'webauthn'

export const listOf = (ctx: Ctx, userId: string) =>
  ctx.db.mfaDevice.findMany({ where: { userId }, orderBy: [{ createdAt: 'asc' }, { id: 'asc' }] })

/** All second factors of the user. */
export async function overview(ctx: Ctx, { id }: UserScope) {
  const user = await ctx.db.user
    .findUniqueOrThrow({ where: { id }, select: { email: true, verified: true } })
    .catch(onMissing(userErrors.notFound()))
  const [rows, email] = await Promise.all([listOf(ctx, id), mailable(ctx, user)])
  return toMfaDevices(rows, email, { whole: true })
}

/** One of the user's devices. @throws 404 */
export async function find(ctx: Ctx, userId: string, kind: Kind, id: string) {
  const row = await ctx.db.mfaDevice.findFirst({ where: { id, userId, kind } })
  if (!row) throw mfaErrors.noDevice()
  return row
}

/** The verified address for mailed codes, where those are on: it needs no enrolment. */
export async function mailable(ctx: Ctx, { email, verified }: { email: string | null; verified: boolean }) {
  return email !== null && verified && (await mfaPolicy.activeStrategies(ctx)).includes('EmailCode') ? email : undefined
}

export type NewDevice = Pick<
  Prisma.MfaDeviceUncheckedCreateInput,
  | 'secret'
  | 'lastStep'
  | 'phoneNumber'
  | 'credentialId'
  | 'publicKey'
  | 'counter'
  | 'transports'
  | 'deviceType'
  | 'rpId'
> & { kind: Kind }

interface Enrolment {
  /** the recovery code to use if this is the user's first device */
  recoveryCode?: string | undefined
  /** make a new recovery code even if there is one */
  renews?: boolean
  /** the user must have no device yet: the first factor alone may not add a further one */
  only?: boolean
  /** the origin of the request, for the mail */
  from?: Origin | undefined
}

/**
 * Adds a second factor in the caller's transaction, and mails the user about it.
 * @returns the recovery code, if it is new
 * @throws 403 with `only` for a user who has a device; 409
 */
export async function add(
  tx: Ctx,
  userId: string,
  device: NewDevice,
  { recoveryCode, renews = false, only = false, from }: Enrolment = {},
) {
  const now = tx.clock.now()
  // simultaneous calls for one user wait for each other
  const user = await locked(tx, userId, { mfaEnrolled: true })
  const isFirst = (await tx.db.mfaDevice.count({ where: { userId } })) === 0
  if (only && !isFirst) throw mfaErrors.alreadyEnrolled()
  await tx.db.mfaDevice
    .create({ data: { ...device, id: tx.random.uuid(), userId, createdAt: now } })
    .catch(onDuplicate(mfaErrors.deviceTaken()))
  await notify(tx, user, isFirst ? 'MFAEnroll' : 'NewMFAMethod', from)
  await events.record(tx, {
    key: 'frontegg.user.enrolledMFA',
    ...{ userId, tenantId: user.activeTenantId, details: { method: device.kind } },
  })
  if (recoveryCode === undefined || !(isFirst || renews)) return undefined
  // the code goes with the last device
  if (!isFirst) await tx.db.recoveryCode.deleteMany({ where: { userId } })
  await tx.db.recoveryCode.create({ data: { userId, hash: recoveryHash(recoveryCode), createdAt: now } })
  return recoveryCode
}

/** Imports a user's app from another system. @param secret base32 @throws for any other text */
export async function importAuthenticator(tx: Ctx, userId: string, secret: string) {
  await mustBeSecret(secret)
  await add(tx, userId, { kind: 'authenticator', secret: tx.deps.secrets.seal(secret) })
}
export const importPhone = (tx: Ctx, userId: string, phoneNumber: string) =>
  add(tx, userId, { kind: 'sms', phoneNumber: plain(phoneNumber) })

interface Removal {
  id?: string
  template?: MailTemplateType
  from?: Origin | undefined
}

/** Removes the user's devices, or the one with the id. With the last one go the recovery code and remembered browsers. @returns how many were removed */
export async function remove(tx: Ctx, userId: string, { template, from, ...which }: Removal = {}) {
  const user = await locked(tx, userId, {})
  const { count } = await tx.db.mfaDevice.deleteMany({ where: { ...which, userId } })
  if (!count) return 0
  const isLast = (await tx.db.mfaDevice.count({ where: { userId } })) === 0
  if (isLast) {
    await tx.db.user.updateMany({ where: { id: userId }, data: { mfaEnrolled: false } })
    await tx.db.recoveryCode.deleteMany({ where: { userId } })
    await tx.db.rememberedDevice.deleteMany({ where: { userId } })
    await revoke(tx, userId, [mfaTokens])
  }
  await notify(tx, user, template ?? (isLast ? 'MFAUnenroll' : 'RemoveMFAMethod'), from)
  await events.record(tx, {
    key: 'frontegg.user.disabledMFA',
    ...{ userId, tenantId: user.activeTenantId, details: { devices: count, last: isLast } },
  })
  return count
}

/** Removes all devices for the environment. @throws 404 for an unknown user, 400 when there are none */
export async function unenrol(ctx: Ctx, userId: string) {
  const count = await ctx.atomically((tx) => remove(tx, userId))
  if (!count) throw mfaErrors.notEnrolled()
}

/** The code is pasted or typed by hand, in either case. It is hashed as a UUID is written, whatever dashes came with it. */
export const recoveryHash = (code: string) =>
  fingerprint(
    plainCode(code)
      .toLowerCase()
      .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'),
  )

const person = {
  id: true,
  name: true,
  email: true,
  phoneNumber: true,
  profilePictureUrl: true,
  metadata: true,
  activeTenantId: true,
} as const

async function locked(tx: Ctx, userId: string, data: { mfaEnrolled?: boolean }) {
  const [user] = await tx.db.user.updateManyAndReturn({
    where: { id: userId },
    data: { updatedAt: tx.clock.now(), ...data },
    select: person,
  })
  if (!user) throw userErrors.notFound()
  return user
}

async function notify(
  tx: Ctx,
  user: Prisma.UserGetPayload<{ select: typeof person }>,
  template: MailTemplateType,
  from: Origin | undefined,
) {
  if (user.email === null) return
  await mail.send(tx, { template, to: user.email, userId: user.id, data: mailDataOf(user, { from }) })
}
